// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI for guests: versions 0.1 to 1.1 (Arm DEN0022). A vCPU's power state is
 * vcpu->power; who changes it of another vCPU holds that one's mp_lock.
 *
 * Locks: the calling vCPU's mutex; mp_lock.
 */
#include <linux/kvm.h>
#include <uapi/linux/psci.h>
#include <asm/sysreg.h>

#include "vcpu.h"

#define RETURN_TO_USER 0
#define RUN_ON	       1

u32 rd_psci_version(const struct rd_vcpu *vcpu)
{
	return vcpu->features & BIT(KVM_ARM_VCPU_PSCI_0_2) ? vcpu->vm->smccc.psci_version :
							     RD_PSCI_0_1;
}

static int answer(struct rd_vcpu *vcpu, s64 val)
{
	vcpu->state->x[0] = val;
	return RUN_ON;
}

/* Argument @n (1 to 3); the 32-bit calls since version 0.2 have 32-bit arguments. */
static u64 arg(struct rd_vcpu *vcpu, unsigned int n)
{
	u64 val = vcpu->state->x[n];
	u32 fn = vcpu->state->x[0];

	return (fn & ~0x1fU) == PSCI_0_2_FN_BASE ? lower_32_bits(val) : val;
}

/* A vCPU starts in the byte order of its maker. */
static bool big_endian(const struct rd_vcpu *vcpu)
{
	return rd_vcpu_is_32bit(vcpu) ? vcpu->state->pstate & PSR_AA32_E_BIT :
					vcpu->state->sys[RD_SYS_SCTLR_EL1] & SCTLR_ELx_EE;
}

static int cpu_on(struct rd_vcpu *vcpu)
{
	struct rd_vcpu *target;
	u64 mpidr = arg(vcpu, 1);
	bool off;

	target = mpidr & ~RD_MPIDR_AFFINITY ? NULL : rd_vm_vcpu_by_mpidr(vcpu->vm, mpidr);
	if (!target || !target->initialised)
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	spin_lock(&target->mp_lock);
	off = target->power == RD_POWER_OFF;
	if (off) {
		target->reset.pc = arg(vcpu, 2);
		target->reset.r0 = arg(vcpu, 3);
		target->reset.be = big_endian(vcpu);
		rd_vcpu_request(target, RD_REQ_RESET);
		WRITE_ONCE(target->power, RD_POWER_ON);
	}
	spin_unlock(&target->mp_lock);
	if (!off)
		return answer(vcpu, rd_psci_version(vcpu) == RD_PSCI_0_1 ? PSCI_RET_INVALID_PARAMS :
								       PSCI_RET_ALREADY_ON);
	rd_vcpu_kick(target);
	return answer(vcpu, PSCI_RET_SUCCESS);
}

static int cpu_off(struct rd_vcpu *vcpu)
{
	rd_vcpu_set_power(vcpu, RD_POWER_OFF);
	return RUN_ON;
}

/* Every power-down state may be entered as the shallowest: a wait for an interrupt. */
static int cpu_suspend(struct rd_vcpu *vcpu)
{
	answer(vcpu, PSCI_RET_SUCCESS);
	rd_vcpu_wait(vcpu);
	return RUN_ON;
}

static int affinity_info(struct rd_vcpu *vcpu)
{
	u64 mpidr = arg(vcpu, 1), level = arg(vcpu, 2), mask;
	struct rd_vcpu *other;
	unsigned long i;
	bool found = false;

	if (level > 3 || mpidr & ~RD_MPIDR_AFFINITY)
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	mask = RD_MPIDR_AFFINITY & ~(level == 3 ? 0xffffffULL : (1ULL << level * 8) - 1);
	rd_vm_for_each_vcpu(i, other, vcpu->vm) {
		if ((rd_vcpu_mpidr(other) ^ mpidr) & mask)
			continue;
		found = true;
		if (READ_ONCE(other->power) != RD_POWER_OFF)
			return answer(vcpu, PSCI_0_2_AFFINITY_LEVEL_ON);
	}
	return answer(vcpu, found ? PSCI_0_2_AFFINITY_LEVEL_OFF : PSCI_RET_INVALID_PARAMS);
}

static int system_event(struct rd_vcpu *vcpu, u32 type, u64 flags)
{
	struct kvm_run *run = vcpu->run;

	memset(&run->system_event, 0, sizeof(run->system_event));
	run->system_event.type = type;
	run->system_event.ndata = 1;
	run->system_event.data[0] = flags;
	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	return RETURN_TO_USER;
}

/* The machine ends: no vCPU runs before user space has said how it goes on. */
static int system_end(struct rd_vcpu *vcpu, u32 type, u64 flags)
{
	struct rd_vcpu *other;
	unsigned long i;

	rd_vm_for_each_vcpu(i, other, vcpu->vm)
		rd_vcpu_set_power(other, RD_POWER_OFF);
	/* Seen only if user space runs the vCPU on without a reset. */
	answer(vcpu, PSCI_RET_INTERNAL_FAILURE);
	return system_event(vcpu, type, flags);
}

static int system_reset2(struct rd_vcpu *vcpu)
{
	u32 type = arg(vcpu, 1);

	if (type > PSCI_1_1_RESET_TYPE_SYSTEM_WARM_RESET && type < PSCI_1_1_RESET_TYPE_VENDOR_START)
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	return system_end(vcpu, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2);
}

static int system_suspend(struct rd_vcpu *vcpu)
{
	if (!test_bit(RD_VM_SUSPEND_TO_USER, &vcpu->vm->flags))
		return answer(vcpu, PSCI_RET_NOT_SUPPORTED);
	return system_event(vcpu, KVM_SYSTEM_EVENT_SUSPEND, 0);
}

/* Functions that PSCI 1.0 and later describe by PSCI_FEATURES: flags, or not supported. */
static s64 features(struct rd_vcpu *vcpu, u32 fn)
{
	if (rd_smccc_too_wide(vcpu, fn))
		return PSCI_RET_NOT_SUPPORTED;
	switch (fn) {
	case PSCI_0_2_FN_PSCI_VERSION:
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
	case PSCI_0_2_FN_CPU_OFF:
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
	case PSCI_0_2_FN_SYSTEM_OFF:
	case PSCI_0_2_FN_SYSTEM_RESET:
	case PSCI_1_0_FN_PSCI_FEATURES:
	case RD_SMCCC_VERSION_FN:
		return 0;
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
	case PSCI_1_0_FN64_SYSTEM_SUSPEND:
		return test_bit(RD_VM_SUSPEND_TO_USER, &vcpu->vm->flags) ? 0 :
									   PSCI_RET_NOT_SUPPORTED;
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return rd_psci_version(vcpu) >= RD_PSCI_1_1 ? 0 : PSCI_RET_NOT_SUPPORTED;
	default:
		return PSCI_RET_NOT_SUPPORTED;
	}
}

/* What version 0.2 has. */
static int call_0_2(struct rd_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case PSCI_0_2_FN_PSCI_VERSION:
		return answer(vcpu, rd_psci_version(vcpu));
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		return cpu_suspend(vcpu);
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(vcpu);
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(vcpu);
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
		return affinity_info(vcpu);
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
		return answer(vcpu, PSCI_0_2_TOS_MP);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return system_end(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return system_end(vcpu, KVM_SYSTEM_EVENT_RESET, 0);
	default:
		return answer(vcpu, PSCI_RET_NOT_SUPPORTED);
	}
}

static int call_1_x(struct rd_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case PSCI_1_0_FN_PSCI_FEATURES:
		return answer(vcpu, features(vcpu, arg(vcpu, 1)));
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
	case PSCI_1_0_FN64_SYSTEM_SUSPEND:
		return system_suspend(vcpu);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		if (rd_psci_version(vcpu) >= RD_PSCI_1_1)
			return system_reset2(vcpu);
		break;
	default:
		break;
	}
	return call_0_2(vcpu, fn);
}

static int call_0_1(struct rd_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case KVM_PSCI_FN_CPU_OFF:
		return cpu_off(vcpu);
	case KVM_PSCI_FN_CPU_ON:
		return cpu_on(vcpu);
	default:
		return answer(vcpu, PSCI_RET_NOT_SUPPORTED);
	}
}

int rd_psci_call(struct rd_vcpu *vcpu, u32 fn)
{
	switch (rd_psci_version(vcpu)) {
	case RD_PSCI_1_1:
	case RD_PSCI_1_0:
		return call_1_x(vcpu, fn);
	case RD_PSCI_0_2:
		return call_0_2(vcpu, fn);
	default:
		return call_0_1(vcpu, fn);
	}
}

bool rd_psci_owns(u32 fn)
{
	return (fn & ~(PSCI_0_2_64BIT | 0x1fU)) == PSCI_0_2_FN_BASE ||
	       (fn >= KVM_PSCI_FN_CPU_SUSPEND && fn <= KVM_PSCI_FN_MIGRATE);
}

/* Registers are EL2's: the target starts as its CPU_ON said, once it runs. */
static void wake_protected(struct rd_vcpu *vcpu)
{
	struct rd_vcpu *target = rd_vm_vcpu_by_mpidr(vcpu->vm, arg(vcpu, 1));

	if (target)
		rd_vcpu_set_power(target, RD_POWER_ON);
}

/* As docs/hypercalls.md numbers it; Linux's headers don't have it yet. */
#define MEM_RELINQUISH 0xc6000009u

/* x1: the page that EL2 took from the guest; x2: 1 if it needs memory for that first. */
static int relinquished(struct rd_vcpu *vcpu)
{
	u64 ipa = vcpu->state->x[1];

	if (vcpu->state->x[2])
		return rd_el2_vm_topup(vcpu->vm, 1) ?: RUN_ON;
	return rd_mmu_relinquished(vcpu, ipa >> PAGE_SHIFT) ?: RUN_ON;
}

int rd_psci_protected(struct rd_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case MEM_RELINQUISH:
		return relinquished(vcpu);
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		wake_protected(vcpu);
		return RUN_ON;
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(vcpu);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return system_end(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return system_end(vcpu, KVM_SYSTEM_EVENT_RESET, 0);
	default:
		return RUN_ON;
	}
}
