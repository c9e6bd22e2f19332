/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stolen time (Arm DEN0057A): how long a vCPU wanted to run and could not, written
 * to guest memory that user space names with KVM_ARM_VCPU_PVTIME_IPA.
 */
#ifndef REDOUBT_KMOD_PVTIME_H
#define REDOUBT_KMOD_PVTIME_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vcpu;

struct rd_pvtime {
	u64 base; /* guest address, or RD_NO_PVTIME */
	u64 last_steal; /* ns, of the thread's run delay */
};

#define RD_NO_PVTIME (~0ULL)

/* Adds what was stolen since the last time. Preemptible. */
void rd_pvtime_update(struct rd_vcpu *vcpu);

/* PV_TIME_ST: begins to count. The structure's address, or -1 when there is none. */
u64 rd_pvtime_start(struct rd_vcpu *vcpu);

/* KVM_ARM_VCPU_PVTIME_CTRL. -ENXIO, -EINVAL, -EEXIST, -EFAULT. */
int rd_pvtime_set_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);
int rd_pvtime_get_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);
int rd_pvtime_has_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);

#endif /* REDOUBT_KMOD_PVTIME_H */
