/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's registers for user space: KVM_GET_ONE_REG, KVM_SET_ONE_REG and
 * KVM_GET_REG_LIST. The ids are the uapi's (asm/kvm.h).
 */
#ifndef REDOUBT_KMOD_REGS_H
#define REDOUBT_KMOD_REGS_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vcpu;

/*
 * Copies one register to or from user space. vcpu->mutex held, not loaded. -ENOENT
 * for an unknown id, -EINVAL for a value that it cannot have, -EFAULT.
 */
int rd_regs_get(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg);
int rd_regs_set(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg);

/* Writes all ids to @list->reg if list->n has room (else -E2BIG), and their number to n. */
int rd_regs_list(struct rd_vcpu *vcpu, struct kvm_reg_list __user *list);

/*
 * System registers by id (regs_sys.c): values of 64 bits. -ENOENT, -EINVAL, -EBUSY.
 * @i counts ids from 0; 0 comes after the last.
 */
int rd_sysreg_get(struct rd_vcpu *vcpu, u64 id, u64 *val);
int rd_sysreg_set(struct rd_vcpu *vcpu, u64 id, u64 val);
u64 rd_sysreg_id(struct rd_vcpu *vcpu, unsigned int i);

#endif /* REDOUBT_KMOD_REGS_H */
