// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers (debug.h). Breakpoints and watchpoints are switched at EL2 only
 * once the guest has touched them since it was loaded, or user space set some;
 * until then each access traps.
 *
 * While user space debugs, state->sys[MDSCR_EL1], PSTATE.SS and with USE_HW
 * state->dbg are user space's between rd_debug_setup() and rd_debug_restore(), and
 * the guest's at any other time.
 *
 * Locks: vcpu->mutex; setup and restore with interrupts off.
 */
#include <asm/debug-monitors.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "vcpu.h"

/* The exceptions that MDSCR_EL1 turns on. */
#define MDSCR_EVENTS (DBG_MDSCR_MDE | DBG_MDSCR_KDE | DBG_MDSCR_SS)

static u64 *mdscr(struct rd_vcpu *vcpu)
{
	return &vcpu->state->sys[RD_SYS_MDSCR_EL1];
}

/* Who needs what: flags of the state page that hold until something here changes. */
static void update_flags(struct rd_vcpu *vcpu, bool in_use)
{
	u64 flags = vcpu->state->flags &
		    ~(RD_VCPU_DEBUG | RD_VCPU_TRAP_DBG | RD_VCPU_ROUTE_DBG);
	struct rd_debug *d = &vcpu->debug;

	if (d->control)
		flags |= RD_VCPU_ROUTE_DBG;
	if (in_use || d->control & KVM_GUESTDBG_USE_HW)
		flags |= RD_VCPU_DEBUG;
	if (!in_use || d->active)
		flags |= RD_VCPU_TRAP_DBG;
	vcpu->state->flags = flags;
}

/* Registers that matter: an enabled event, and not one only of single steps. */
static bool guest_uses(struct rd_vcpu *vcpu)
{
	return *mdscr(vcpu) & (DBG_MDSCR_MDE | DBG_MDSCR_KDE);
}

void rd_debug_load(struct rd_vcpu *vcpu)
{
	update_flags(vcpu, guest_uses(vcpu));
}

void rd_debug_setup(struct rd_vcpu *vcpu)
{
	struct rd_debug *d = &vcpu->debug;
	struct rd_vcpu_state *s = vcpu->state;

	d->guest_mdscr = *mdscr(vcpu);
	if (d->oslsr & RD_OSLSR_LOCKED)
		*mdscr(vcpu) &= ~MDSCR_EVENTS;
	if (d->control & KVM_GUESTDBG_SINGLESTEP) {
		d->guest_ss = s->pstate & DBG_SPSR_SS;
		*mdscr(vcpu) |= DBG_MDSCR_SS;
		if (d->step_pending)
			s->pstate &= ~DBG_SPSR_SS;
		else
			s->pstate |= DBG_SPSR_SS;
	} else if (d->control) {
		*mdscr(vcpu) &= ~DBG_MDSCR_SS;
	}
	if (d->control & KVM_GUESTDBG_USE_HW) {
		d->guest = s->dbg;
		s->dbg = d->external;
		*mdscr(vcpu) |= DBG_MDSCR_KDE | DBG_MDSCR_MDE;
	}
}

void rd_debug_restore(struct rd_vcpu *vcpu)
{
	struct rd_debug *d = &vcpu->debug;
	struct rd_vcpu_state *s = vcpu->state;

	*mdscr(vcpu) = d->guest_mdscr;
	if (d->control & KVM_GUESTDBG_SINGLESTEP) {
		d->step_pending = !(s->pstate & DBG_SPSR_SS);
		s->pstate = (s->pstate & ~DBG_SPSR_SS) | d->guest_ss;
	}
	if (d->control & KVM_GUESTDBG_USE_HW)
		s->dbg = d->guest;
}

static void update_active(struct rd_vcpu *vcpu)
{
	vcpu->debug.active = vcpu->debug.control || vcpu->debug.oslsr & RD_OSLSR_LOCKED;
	update_flags(vcpu, guest_uses(vcpu));
}

int rd_debug_set(struct rd_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	struct rd_debug *d = &vcpu->debug;

	if (dbg->control & ~(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
			     KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW))
		return -EINVAL;
	if (vcpu->vm->is_protected)
		return -EPERM;
	d->control = dbg->control & KVM_GUESTDBG_ENABLE ? dbg->control : 0;
	d->step_pending = false;
	if (d->control & KVM_GUESTDBG_USE_HW) {
		memcpy(d->external.bvr, dbg->arch.dbg_bvr, sizeof(d->external.bvr));
		memcpy(d->external.bcr, dbg->arch.dbg_bcr, sizeof(d->external.bcr));
		memcpy(d->external.wvr, dbg->arch.dbg_wvr, sizeof(d->external.wvr));
		memcpy(d->external.wcr, dbg->arch.dbg_wcr, sizeof(d->external.wcr));
	}
	update_active(vcpu);
	return 0;
}

void rd_debug_set_oslsr(struct rd_vcpu *vcpu, u64 oslsr)
{
	vcpu->debug.oslsr = oslsr;
	update_active(vcpu);
}

u64 *rd_debug_reg(struct rd_vcpu *vcpu, u32 sysreg)
{
	struct rd_vcpu_dbg *dbg = &vcpu->state->dbg;
	u32 n = sys_reg_CRm(sysreg);

	if (sys_reg_Op0(sysreg) != 2 || sys_reg_Op1(sysreg) || sys_reg_CRn(sysreg))
		return NULL;
	switch (sys_reg_Op2(sysreg)) {
	case 4:
		return &dbg->bvr[n];
	case 5:
		return &dbg->bcr[n];
	case 6:
		return &dbg->wvr[n];
	case 7:
		return &dbg->wcr[n];
	default:
		return NULL;
	}
}

/* Registers of external debuggers that read as zero and ignore writes. */
static bool raz_wi(u32 sysreg)
{
	switch (sysreg) {
	case SYS_MDRAR_EL1:
	case SYS_OSDLR_EL1:
	case SYS_DBGPRCR_EL1:
	case SYS_DBGCLAIMSET_EL1:
	case SYS_DBGCLAIMCLR_EL1:
	case SYS_MDCCSR_EL0:
	case SYS_DBGDTR_EL0:
	case SYS_DBGDTRTX_EL0:
	case SYS_DBGAUTHSTATUS_EL1:
		return true;
	default:
		return false;
	}
}

static void access(struct rd_vcpu *vcpu, u64 *reg, bool write, u64 *val)
{
	if (!write) {
		*val = *reg;
		return;
	}
	*reg = *val;
	/* From now on until the next load it is switched, and accesses go straight. */
	update_flags(vcpu, true);
}

bool rd_debug_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	u64 *reg = rd_debug_reg(vcpu, sysreg);

	if (!reg && sysreg == SYS_MDSCR_EL1)
		reg = mdscr(vcpu);
	if (!reg && sysreg == SYS_MDCCINT_EL1)
		reg = &vcpu->state->sys[RD_SYS_MDCCINT_EL1];
	if (reg) {
		access(vcpu, reg, write, val);
	} else if (sysreg == SYS_OSLAR_EL1 && write) {
		rd_debug_set_oslsr(vcpu, RD_OSLSR_IMPLEMENTED |
					 (*val & 1 ? RD_OSLSR_LOCKED : 0));
	} else if (sysreg == SYS_OSLSR_EL1 && !write) {
		*val = vcpu->debug.oslsr;
	} else if (raz_wi(sysreg)) {
		if (!write)
			*val = 0;
	} else {
		return false;
	}
	return true;
}

int rd_debug_exit(struct rd_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 esr = vcpu->state->exit.esr;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.hsr = lower_32_bits(esr);
	run->debug.arch.hsr_high = upper_32_bits(esr);
	run->debug.arch.far = 0;
	run->flags = KVM_DEBUG_ARCH_HSR_HIGH_VALID;
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_WATCHPT_LOW)
		run->debug.arch.far = vcpu->state->exit.far;
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_SOFTSTP_LOW)
		vcpu->debug.step_pending = false;
	return 0;
}
