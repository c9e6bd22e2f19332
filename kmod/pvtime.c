// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time of a vCPU (pvtime.h): the scheduler's run delay of its thread.
 *
 * Locks: vcpu->mutex.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "vcpu.h"

/* DEN0057A section 3.2.2, little-endian; 64 bytes, aligned to 64. */
struct stolen_time {
	__le32 revision;
	__le32 attributes;
	__le64 stolen_time;
	u8 padding[48];
};
static_assert(sizeof(struct stolen_time) == 64);

void rd_pvtime_update(struct rd_vcpu *vcpu)
{
	u64 at = vcpu->pvtime.base + offsetof(struct stolen_time, stolen_time), now;
	__le64 steal;

	if (vcpu->pvtime.base == RD_NO_PVTIME ||
	    rd_mmu_gpa_read(vcpu->vm, at, &steal, sizeof(steal)))
		return;
	now = READ_ONCE(current->sched_info.run_delay);
	le64_add_cpu(&steal, now - vcpu->pvtime.last_steal);
	vcpu->pvtime.last_steal = now;
	rd_mmu_vcpu_write(vcpu, at, &steal, sizeof(steal));
}

u64 rd_pvtime_start(struct rd_vcpu *vcpu)
{
	struct stolen_time zero = {};

	if (vcpu->pvtime.base == RD_NO_PVTIME)
		return RD_NO_PVTIME;
	vcpu->pvtime.last_steal = READ_ONCE(current->sched_info.run_delay);
	rd_mmu_vcpu_write(vcpu, vcpu->pvtime.base, &zero, sizeof(zero));
	return vcpu->pvtime.base;
}

int rd_pvtime_has_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	/* A protected guest's memory is not ours to write. */
	if (!IS_ENABLED(CONFIG_SCHED_INFO) || vcpu->vm->is_protected)
		return -ENXIO;
	return attr->attr == KVM_ARM_VCPU_PVTIME_IPA ? 0 : -ENXIO;
}

int rd_pvtime_set_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	u64 ipa;

	if (rd_pvtime_has_attr(vcpu, attr))
		return -ENXIO;
	if (get_user(ipa, (u64 __user *)attr->addr))
		return -EFAULT;
	if (!IS_ALIGNED(ipa, sizeof(struct stolen_time)))
		return -EINVAL;
	if (vcpu->pvtime.base != RD_NO_PVTIME)
		return -EEXIST;
	if (!rd_mmu_gpa_valid(vcpu->vm, ipa))
		return -EINVAL;
	vcpu->pvtime.base = ipa;
	return 0;
}

int rd_pvtime_get_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	if (rd_pvtime_has_attr(vcpu, attr))
		return -ENXIO;
	return put_user(vcpu->pvtime.base, (u64 __user *)attr->addr);
}
