// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that the module gives a guest: what taking one to EL1 does to the
 * vCPU's registers (Arm ARM D1.3, AArch64.TakeException), done in state. Where EL1 is
 * AArch32, aarch32.c does it.
 *
 * Locks: vcpu->mutex; not between an entry and its exit.
 */
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "aarch32.h"
#include "vcpu.h"

#define VECTOR_CURRENT_SP_EL0	0x000
#define VECTOR_CURRENT_SP_ELX	0x200
#define VECTOR_LOWER_64		0x400
#define VECTOR_LOWER_32		0x600

static u64 vector_of(u64 pstate)
{
	if (pstate & PSR_MODE32_BIT)
		return VECTOR_LOWER_32;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE_EL1t:
		return VECTOR_CURRENT_SP_EL0;
	case PSR_MODE_EL1h:
		return VECTOR_CURRENT_SP_ELX;
	default:
		return VECTOR_LOWER_64;
	}
}

static u64 field(u32 sysreg, struct rd_vcpu *vcpu, unsigned int shift)
{
	return (rd_idreg_read(vcpu->vm, sysreg) >> shift) & 0xf;
}

/* PSTATE on entry to EL1: what is inherited, and what SCTLR_EL1 decides. */
static u64 handler_pstate(struct rd_vcpu *vcpu, u64 old, u64 sctlr)
{
	u64 new = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;

	new |= old & (PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT);
	/* DIT is at another place in an AArch32 PSTATE. */
	new |= old & PSR_MODE32_BIT ? (old & PSR_AA32_DIT_BIT ? PSR_DIT_BIT : 0) :
				      old & PSR_DIT_BIT;
	new |= old & PSR_PAN_BIT;
	if (!(sctlr & SCTLR_EL1_SPAN) &&
	    field(SYS_ID_AA64MMFR1_EL1, vcpu, ID_AA64MMFR1_EL1_PAN_SHIFT))
		new |= PSR_PAN_BIT;
	if (sctlr & SCTLR_ELx_DSSBS)
		new |= PSR_SSBS_BIT;
	return new;
}

static void enter_exception(struct rd_vcpu *vcpu, u64 esr, u64 offset)
{
	struct rd_vcpu_state *s = vcpu->state;
	u64 old = s->pstate;

	/* A protected guest's exceptions are EL2's to give. */
	if (vcpu->vm->is_protected)
		return;
	s->sys[RD_SYS_ELR_EL1] = s->pc;
	s->sys[RD_SYS_SPSR_EL1] = old;
	s->sys[RD_SYS_ESR_EL1] = esr;
	s->pstate = handler_pstate(vcpu, old, s->sys[RD_SYS_SCTLR_EL1]);
	s->pc = s->sys[RD_SYS_VBAR_EL1] + vector_of(old) + offset;
}

/* IL: the trapped instruction was 32 bits wide. */
static u64 il_of(struct rd_vcpu *vcpu)
{
	return vcpu->state->exit.esr & ESR_ELx_IL;
}

void rd_vcpu_inject_undef(struct rd_vcpu *vcpu)
{
	if (rd_vcpu_is_32bit(vcpu))
		rd_aarch32_inject_undef(vcpu);
	else
		enter_exception(vcpu, ESR_ELx_EC_UNKNOWN << ESR_ELx_EC_SHIFT | il_of(vcpu), 0);
}

static void inject_abort(struct rd_vcpu *vcpu, bool iabt, u64 far)
{
	u64 mode = vcpu->state->pstate & (PSR_MODE_MASK | PSR_MODE32_BIT);
	u64 ec = iabt ? ESR_ELx_EC_IABT_LOW : ESR_ELx_EC_DABT_LOW;

	if (rd_vcpu_is_32bit(vcpu)) {
		rd_aarch32_inject_abort(vcpu, iabt, far);
		return;
	}
	/* The class for the same level follows that for a lower one. */
	if (mode == PSR_MODE_EL1t || mode == PSR_MODE_EL1h)
		ec++;
	vcpu->state->sys[RD_SYS_FAR_EL1] = far;
	enter_exception(vcpu, ec << ESR_ELx_EC_SHIFT | ESR_ELx_IL | ESR_ELx_FSC_EXTABT, 0);
}

void rd_vcpu_inject_dabt(struct rd_vcpu *vcpu, u64 far)
{
	inject_abort(vcpu, false, far);
}

void rd_vcpu_inject_iabt(struct rd_vcpu *vcpu, u64 far)
{
	inject_abort(vcpu, true, far);
}

void rd_vcpu_skip_insn(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_state *s = vcpu->state;

	if (vcpu->vm->is_protected) {
		/* EL2 keeps the PC, and skips what it showed as skippable. */
		s->flags |= RD_VCPU_SKIP;
		return;
	}
	if (s->pstate & PSR_MODE32_BIT) {
		s->pc = lower_32_bits(s->pc + (s->exit.esr & ESR_ELx_IL ? 4 : 2));
		s->pstate = rd_aarch32_advance_it(s->pstate);
	} else {
		s->pc += 4;
		s->pstate &= ~PSR_BTYPE_MASK;
	}
	s->pstate &= ~DBG_SPSR_SS;
	if (vcpu->debug.control & KVM_GUESTDBG_SINGLESTEP)
		vcpu->debug.step_pending = true;
}
