/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ID registers that a VM's guests read: the host's sanitised values without
 * what is not offered, changed by user space within the same limits until a vCPU
 * has run.
 */
#ifndef REDOUBT_KMOD_IDREGS_H
#define REDOUBT_KMOD_IDREGS_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <redoubt/vcpu.h>

struct rd_vm;
struct rd_vcpu;

struct rd_idregs {
	u64 val[RD_NR_IDREGS]; /* under vm->config_lock until RD_VM_RAN_ONCE, then constant */
	u64 ctr;	       /* CTR_EL0 */
};

/* Fills in the defaults of a new VM. */
void rd_idregs_init(struct rd_vm *vm);

/* A vCPU is about to run for the first time: nothing changes from here on. config_lock held. */
void rd_idregs_finalise(struct rd_vm *vm);

/* The vCPU's first run: EL2 gets what its guest reads. After rd_idregs_finalise(). */
void rd_idregs_publish(struct rd_vcpu *vcpu);

/* True for the encodings of RD_NR_IDREGS; @sysreg as in sys_reg(). */
bool rd_idreg_covers(u32 sysreg);

/* What the guest reads; any context. rd_idreg_covers(@sysreg) or CTR_EL0. */
u64 rd_idreg_read(const struct rd_vm *vm, u32 sysreg);

/* True if the register is a name and not a reserved encoding that reads as zero. */
bool rd_idreg_named(u32 sysreg);

/*
 * KVM_SET_ONE_REG. -EINVAL for a value outside the limits, -EBUSY for a change
 * after the VM has run. Takes vm->config_lock.
 */
int rd_idreg_set(struct rd_vcpu *vcpu, u32 sysreg, u64 val);

/* KVM_ARM_GET_REG_WRITABLE_MASKS: copies the masks to user space. -EINVAL, -EFAULT. */
int rd_idregs_writable_masks(struct rd_vm *vm, const struct reg_mask_range *range);

#endif /* REDOUBT_KMOD_IDREGS_H */
