/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kvm, and what its descriptors' ioctls share.
 */
#ifndef REDOUBT_KMOD_KVM_DEV_H
#define REDOUBT_KMOD_KVM_DEV_H

#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;

/*
 * Prepares memory, vGIC, interrupts and statistics and makes /dev/kvm appear. EL2
 * is in place. 0 or a negative errno, with everything undone.
 */
int rd_kvm_init(void);

/* Takes /dev/kvm away; no descriptor of it or of a VM is open (they pin the module). */
void rd_kvm_exit(void);

/*
 * KVM_CHECK_EXTENSION; @vm is NULL on a device node, @is_protected for the node that makes
 * protected VMs and for such a VM. Unknown capabilities are 0.
 */
int rd_check_cap(struct rd_vm *vm, bool is_protected, u64 cap);

/* ioctls of a VM's and a vCPU's descriptor (vm_ioctl.c, vcpu_ioctl.c). */
long rd_vm_ioctl(struct rd_vm *vm, unsigned int cmd, unsigned long arg);
long rd_vcpu_ioctl(struct rd_vcpu *vcpu, unsigned int cmd, unsigned long arg);

/* KVM_CREATE_DEVICE (device.c): stores the descriptor in @cd. */
struct kvm_create_device;
int rd_device_create(struct rd_vm *vm, struct kvm_create_device *cd);

/* Bytes that mmap() of a vCPU offers: struct kvm_run, then the ring of coalesced MMIO. */
#define RD_VCPU_MMAP_SIZE (2 * PAGE_SIZE)

#endif /* REDOUBT_KMOD_KVM_DEV_H */
