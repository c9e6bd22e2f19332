// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 of guests: what its conditional instructions come to, and how its EL1 takes an
 * exception (Arm ARM G1.12, G1.13: TakeUndefInstrException, TakeDataAbortException and
 * TakePrefetchAbortException), done in state.
 *
 * A protected guest's state is EL2's, and its EL1 is never AArch32.
 *
 * Locks: vcpu->mutex; not between an entry and its exit.
 */
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "aarch32.h"
#include "vcpu.h"

/* SCTLR of AArch32. */
#define SCTLR_V	    BIT(13) /* vectors at 0xffff0000 */
#define SCTLR_SPAN  BIT(23)
#define SCTLR_EE    BIT(25)
#define SCTLR_TE    BIT(30)
#define SCTLR_DSSBS BIT(31)

#define TTBCR_EAE BIT(31) /* the long format of tables, and of fault status */

/* A synchronous external abort, not on a walk of tables, in either format. */
#define FSR_LPAE	BIT(9)
#define FSR_EXTABT_LONG 0x10
#define FSR_EXTABT	0x08

#define HIGH_VECTORS 0xffff0000U
#define VECTOR_UNDEF 0x04
#define VECTOR_IABT  0x0c
#define VECTOR_DABT  0x10

/* Bits of SPSR_EL2 that AArch32's own SPSR has elsewhere: DIT, and no SS. */
#define SPSR_DIT BIT(21)

/* SMC: whether the condition is known to have passed has a bit of its own. */
#define SMC_CCKNOWNPASS BIT(19)

/* Classes whose syndrome has a condition. */
#define CONDITIONAL                                                                                \
	(BIT_ULL(ESR_ELx_EC_WFx) | BIT_ULL(ESR_ELx_EC_CP15_32) | BIT_ULL(ESR_ELx_EC_CP15_64) |     \
	 BIT_ULL(ESR_ELx_EC_CP14_MR) | BIT_ULL(ESR_ELx_EC_CP14_LS) |                               \
	 BIT_ULL(ESR_ELx_EC_FP_ASIMD) | BIT_ULL(ESR_ELx_EC_CP10_ID) |                              \
	 BIT_ULL(ESR_ELx_EC_CP14_64) | BIT_ULL(ESR_ELx_EC_SMC32))

bool rd_aarch32_el1(void)
{
	return cpuid_feature_extract_unsigned_field(read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1),
						    ID_AA64PFR0_EL1_EL1_SHIFT) == 2;
}

/* ---- Conditions ---- */

/* Conditions come in pairs of opposites; 0b1110 and 0b1111 both mean always. */
static bool holds(u64 pstate, unsigned int cond)
{
	bool n = pstate & PSR_AA32_N_BIT, z = pstate & PSR_AA32_Z_BIT;
	bool c = pstate & PSR_AA32_C_BIT, v = pstate & PSR_AA32_V_BIT;
	const bool pair[] = { z, c, n, v, c && !z, n == v, n == v && !z };

	return cond >= 14 || pair[cond >> 1] != (cond & 1);
}

static unsigned int it_state(u64 pstate)
{
	return (pstate >> 10 & 0x3f) << 2 | (pstate >> 25 & 3);
}

bool rd_aarch32_executes(const struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr, pstate = vcpu->state->pstate;
	unsigned int ec = ESR_ELx_EC(esr), it;

	if (!(pstate & PSR_MODE32_BIT) || !(CONDITIONAL & BIT_ULL(ec)) || vcpu->vm->is_protected)
		return true;
	if (ec == ESR_ELx_EC_SMC32 && !(esr & SMC_CCKNOWNPASS))
		return true;
	if (esr & ESR_ELx_CV)
		return holds(pstate, (esr & ESR_ELx_COND_MASK) >> ESR_ELx_COND_SHIFT);
	/* Thumb, without a condition told: that of the IT block, if it is in one. */
	it = it_state(pstate);
	return !it || holds(pstate, it >> 4);
}

u64 rd_aarch32_advance_it(u64 pstate)
{
	unsigned int it = it_state(pstate);

	if (!(pstate & PSR_AA32_T_BIT) || !it)
		return pstate;
	/* AArch32.ITAdvance(): the last one of a block ends it. */
	it = it & 7 ? (it & 0xe0) | ((it << 1) & 0x1f) : 0;
	pstate &= ~(u64)PSR_AA32_IT_MASK;
	return pstate | (u64)(it >> 2) << 10 | (u64)(it & 3) << 25;
}

void rd_aarch32_narrow(struct rd_vcpu *vcpu)
{
	u64 *x = vcpu->state->x;
	int i;

	for (i = 0; i < 8; i++)
		x[i] = lower_32_bits(x[i]);
}

/* ---- Exceptions ---- */

static u32 handler_pstate(struct rd_vcpu *vcpu, u64 old, u32 mode)
{
	u64 sctlr = vcpu->state->sys[RD_SYS_SCTLR_EL1];
	u32 new = mode | PSR_AA32_I_BIT;

	new |= old & (PSR_AA32_N_BIT | PSR_AA32_Z_BIT | PSR_AA32_C_BIT | PSR_AA32_V_BIT |
		      PSR_AA32_Q_BIT | PSR_AA32_GE_MASK | PSR_AA32_DIT_BIT | PSR_AA32_PAN_BIT |
		      PSR_AA32_A_BIT | PSR_AA32_F_BIT);
	if (mode == PSR_AA32_MODE_ABT)
		new |= PSR_AA32_A_BIT;
	if (!(sctlr & SCTLR_SPAN) &&
	    rd_idreg_read(vcpu->vm, SYS_ID_MMFR3_EL1) >> ID_MMFR3_EL1_PAN_SHIFT & 0xf)
		new |= PSR_AA32_PAN_BIT;
	if (sctlr & SCTLR_DSSBS)
		new |= PSR_AA32_SSBS_BIT;
	if (sctlr & SCTLR_EE)
		new |= PSR_AA32_E_BIT;
	if (sctlr & SCTLR_TE)
		new |= PSR_AA32_T_BIT;
	return new;
}

static u64 to_spsr(u64 pstate)
{
	u64 spsr = pstate & ~(u64)(PSR_AA32_DIT_BIT | SPSR_DIT);

	return lower_32_bits(pstate & PSR_AA32_DIT_BIT ? spsr | SPSR_DIT : spsr);
}

/* @lr, @spsr: the mode's own; @ahead: how far LR points beyond the instruction. */
static void enter(struct rd_vcpu *vcpu, u32 mode, u32 vector, u64 *lr, u64 *spsr, u32 ahead)
{
	struct rd_vcpu_state *s = vcpu->state;
	u64 old = s->pstate;
	u32 base = s->sys[RD_SYS_SCTLR_EL1] & SCTLR_V ? HIGH_VECTORS :
							lower_32_bits(s->sys[RD_SYS_VBAR_EL1]);

	*lr = lower_32_bits(s->pc + ahead);
	*spsr = to_spsr(old);
	s->pstate = handler_pstate(vcpu, old, mode);
	s->pc = lower_32_bits(base + vector);
}

void rd_aarch32_inject_undef(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_state *s = vcpu->state;
	u32 ahead = s->pstate & PSR_AA32_T_BIT ? 2 : 4;

	enter(vcpu, PSR_AA32_MODE_UND, VECTOR_UNDEF, &s->x[22], &s->sys[RD_SYS_SPSR_UND], ahead);
}

void rd_aarch32_inject_abort(struct rd_vcpu *vcpu, bool iabt, u64 far)
{
	struct rd_vcpu_state *s = vcpu->state;
	u64 fsr = s->sys[RD_SYS_TCR_EL1] & TTBCR_EAE ? FSR_LPAE | FSR_EXTABT_LONG : FSR_EXTABT;
	u64 *fars = &s->sys[RD_SYS_FAR_EL1];

	/* FAR_EL1: DFAR below, IFAR above. */
	if (iabt) {
		s->sys[RD_SYS_IFSR32_EL2] = fsr;
		*fars = lower_32_bits(*fars) | far << 32;
	} else {
		s->sys[RD_SYS_ESR_EL1] = fsr;
		*fars = (*fars & ~0xffffffffULL) | lower_32_bits(far);
	}
	enter(vcpu, PSR_AA32_MODE_ABT, iabt ? VECTOR_IABT : VECTOR_DABT, &s->x[20],
	      &s->sys[RD_SYS_SPSR_ABT], iabt ? 4 : 8);
}
