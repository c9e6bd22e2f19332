// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapped accesses to system registers: found by encoding, passed to their owner.
 * What isn't here doesn't exist for the guest, and is undefined.
 *
 * Locks: vcpu->mutex. Called with interrupts off or on; nothing sleeps.
 */
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "cache.h"
#include "exit.h"
#include "vcpu.h"

/* Control registers of the guest's translation, trapped with RD_VCPU_TRAP_VM. */
static int vm_register(u32 sysreg)
{
	switch (sysreg) {
	case SYS_SCTLR_EL1:
		return RD_SYS_SCTLR_EL1;
	case SYS_TTBR0_EL1:
		return RD_SYS_TTBR0_EL1;
	case SYS_TTBR1_EL1:
		return RD_SYS_TTBR1_EL1;
	case SYS_TCR_EL1:
		return RD_SYS_TCR_EL1;
	case SYS_ESR_EL1:
		return RD_SYS_ESR_EL1;
	case SYS_FAR_EL1:
		return RD_SYS_FAR_EL1;
	case SYS_AFSR0_EL1:
		return RD_SYS_AFSR0_EL1;
	case SYS_AFSR1_EL1:
		return RD_SYS_AFSR1_EL1;
	case SYS_MAIR_EL1:
		return RD_SYS_MAIR_EL1;
	case SYS_AMAIR_EL1:
		return RD_SYS_AMAIR_EL1;
	case SYS_CONTEXTIDR_EL1:
		return RD_SYS_CONTEXTIDR_EL1;
	default:
		return -1;
	}
}

/* Registers of the error records: there are none. */
static bool error_record(u32 sysreg)
{
	return sys_reg_CRn(sysreg) == 5 && (sys_reg_CRm(sysreg) == 3 ||
					    sys_reg_CRm(sysreg) == 4 || sys_reg_CRm(sysreg) == 5);
}

static bool op1_is_0(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	int reg;

	if (rd_idreg_covers(sysreg)) {
		if (!write)
			*val = rd_idreg_read(vcpu->vm, sysreg);
		return !write;
	}
	reg = vm_register(sysreg);
	if (reg >= 0) {
		if (write && reg == RD_SYS_SCTLR_EL1)
			rd_mmu_guest_sctlr(vcpu, vcpu->state->sys[reg], *val);
		if (write)
			vcpu->state->sys[reg] = *val;
		else
			*val = vcpu->state->sys[reg];
		return true;
	}
	if (sysreg == SYS_ACTLR_EL1) {
		if (!write)
			*val = vcpu->state->sys[RD_SYS_ACTLR_EL1];
		return true;
	}
	if (error_record(sysreg)) {
		*val = 0;
		return true;
	}
	return false;
}

static bool interrupt_register(u32 sysreg)
{
	return sys_reg_CRn(sysreg) == 12 || sysreg == SYS_ICC_PMR_EL1;
}

bool rd_sysreg_access(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	switch (sys_reg_Op0(sysreg)) {
	case 1:
		if (!write || sys_reg_CRn(sysreg) != 7)
			return false;
		rd_mmu_guest_set_way(vcpu);
		return true;
	case 2:
		return rd_debug_sysreg(vcpu, sysreg, write, val);
	default:
		break;
	}
	if (interrupt_register(sysreg) && sys_reg_Op1(sysreg) == 0)
		return vcpu->vm->vgic.in_kernel && rd_vgic_sysreg(vcpu, sysreg, write, val);
	if (sys_reg_CRn(sysreg) == 14)
		return rd_timer_sysreg(vcpu, sysreg, write, val);
	if (rd_cache_sysreg(vcpu, sysreg, write, val))
		return true;
	return sys_reg_Op1(sysreg) == 0 && op1_is_0(vcpu, sysreg, write, val);
}

void rd_exit_sysreg(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;
	u32 sysreg = esr_sys64_to_sysreg(esr);
	unsigned int rt = (esr >> 5) & 31;
	bool write = !(esr & ESR_ELx_SYS64_ISS_DIR_READ);
	u64 val = rd_vcpu_reg(vcpu, rt);

	RD_STAT_INC(vcpu, sysreg_exits);
	if (!rd_sysreg_access(vcpu, sysreg, write, &val)) {
		rd_vcpu_inject_undef(vcpu);
		return;
	}
	if (!write)
		rd_vcpu_set_reg(vcpu, rt, val);
	rd_vcpu_skip_insn(vcpu);
}
