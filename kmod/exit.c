// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a vCPU stopped, and who deals with it: by exception class of ESR_EL2 (Arm ARM
 * D24.2.40).
 *
 * Locks: vcpu->mutex; the vCPU is loaded. rd_exit_fast() with interrupts off.
 */
#include <linux/sched.h>
#include <asm/esr.h>

#include "aarch32.h"
#include "exit.h"
#include "vcpu.h"

static int exit_wfx(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;

	rd_vcpu_skip_insn(vcpu);
	/* The forms with a timeout may end early: they only give the CPU away. */
	if (esr & (ESR_ELx_WFx_ISS_WFE | ESR_ELx_WFx_ISS_WFxT)) {
		RD_STAT_INC(vcpu, wfe_exit_stat);
		yield();
	} else {
		RD_STAT_INC(vcpu, wfi_exit_stat);
		rd_vcpu_wait(vcpu);
	}
	return 1;
}

static int exit_undef(struct rd_vcpu *vcpu)
{
	rd_vcpu_inject_undef(vcpu);
	return 1;
}

/* A physical SError or external abort that the guest caused is the guest's to handle. */
static int exit_serror(struct rd_vcpu *vcpu)
{
	vcpu->state->vsesr = 0;
	vcpu->state->flags |= RD_VCPU_VSERROR;
	return 1;
}

static int exit_sysreg(struct rd_vcpu *vcpu)
{
	rd_exit_sysreg(vcpu);
	return 1;
}

static int exit_cp(struct rd_vcpu *vcpu)
{
	rd_aarch32_exit(vcpu);
	return 1;
}

static int exit_hvc(struct rd_vcpu *vcpu)
{
	RD_STAT_INC(vcpu, hvc_exit_stat);
	return rd_smccc_exit(vcpu, false);
}

static int exit_smc(struct rd_vcpu *vcpu)
{
	/* The CPU counts a trapped SMC as not executed, unlike an HVC. */
	rd_vcpu_skip_insn(vcpu);
	return rd_smccc_exit(vcpu, true);
}

static int exit_hvc32(struct rd_vcpu *vcpu)
{
	rd_aarch32_narrow(vcpu);
	return exit_hvc(vcpu);
}

static int exit_smc32(struct rd_vcpu *vcpu)
{
	rd_aarch32_narrow(vcpu);
	return exit_smc(vcpu);
}

static int exit_abort(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;
	int ret;

	RD_STAT_INC(vcpu, fault_exits);
	if ((esr & ESR_ELx_FSC) == ESR_ELx_FSC_EXTABT)
		return exit_serror(vcpu);
	if (rd_exit_device(vcpu))
		return 1;
	ret = rd_mmu_fault(vcpu);
	if (ret == RD_FAULT_MMIO)
		return rd_exit_mmio(vcpu);
	return ret < 0 ? ret : 1;
}

typedef int (*exit_fn)(struct rd_vcpu *vcpu);

/* What isn't listed was never offered to the guest: an undefined instruction. */
static const exit_fn exit_table[ESR_ELx_EC_MAX + 1] = {
	[ESR_ELx_EC_WFx] = exit_wfx,
	[ESR_ELx_EC_CP15_32] = exit_cp,
	[ESR_ELx_EC_CP15_64] = exit_cp,
	[ESR_ELx_EC_CP14_MR] = exit_cp,
	[ESR_ELx_EC_CP14_64] = exit_cp,
	[ESR_ELx_EC_CP10_ID] = exit_cp,
	[ESR_ELx_EC_HVC32] = exit_hvc32,
	[ESR_ELx_EC_SMC32] = exit_smc32,
	[ESR_ELx_EC_HVC64] = exit_hvc,
	[ESR_ELx_EC_SMC64] = exit_smc,
	[ESR_ELx_EC_SYS64] = exit_sysreg,
	[ESR_ELx_EC_IABT_LOW] = exit_abort,
	[ESR_ELx_EC_DABT_LOW] = exit_abort,
	[ESR_ELx_EC_SOFTSTP_LOW] = rd_debug_exit,
	[ESR_ELx_EC_WATCHPT_LOW] = rd_debug_exit,
	[ESR_ELx_EC_BREAKPT_LOW] = rd_debug_exit,
	[ESR_ELx_EC_BKPT32] = rd_debug_exit,
	[ESR_ELx_EC_BRK64] = rd_debug_exit,
};

bool rd_exit_fast(struct rd_vcpu *vcpu)
{
	switch (ESR_ELx_EC(vcpu->state->exit.esr)) {
	case ESR_ELx_EC_HVC64:
		if (!rd_smccc_fast(vcpu))
			return false;
		RD_STAT_INC(vcpu, hvc_exit_stat);
		break;
	case ESR_ELx_EC_SYS64:
		rd_exit_sysreg(vcpu);
		break;
	case ESR_ELx_EC_CP15_32:
	case ESR_ELx_EC_CP15_64:
		rd_aarch32_exit(vcpu);
		break;
	default:
		return false;
	}
	return true;
}

static int exit_illegal(struct rd_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = 0;
	vcpu->run->fail_entry.cpu = raw_smp_processor_id();
	return 0;
}

/* EL2 did not enter. -EPERM: a protected vCPU is off, or its VM has ended. */
static int refused(struct rd_vcpu *vcpu, s64 error)
{
	if (error == -EPERM)
		return -EPERM;
	pr_err_ratelimited("VM %llu: EL2 refused to run vCPU %u: %lld; the VM is stopped\n",
			   vcpu->vm->handle, vcpu->idx, error);
	rd_vm_kill(vcpu->vm);
	return -EIO;
}

int rd_exit_slow(struct rd_vcpu *vcpu, u64 exit)
{
	exit_fn fn;

	switch (exit) {
	case RD_EXIT_TRAP:
		if (!rd_aarch32_executes(vcpu)) {
			rd_vcpu_skip_insn(vcpu);
			return 1;
		}
		fn = exit_table[ESR_ELx_EC(vcpu->state->exit.esr)];
		return fn ? fn(vcpu) : exit_undef(vcpu);
	case RD_EXIT_SERROR:
		return exit_serror(vcpu);
	case RD_EXIT_ILLEGAL:
		return exit_illegal(vcpu);
	default:
		return refused(vcpu, exit);
	}
}
