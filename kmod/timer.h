/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architected timers of a guest as the run loop and the ioctls use them.
 */
#ifndef REDOUBT_KMOD_TIMER_H
#define REDOUBT_KMOD_TIMER_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;

struct rd_timer_vm {
	u64 voffset; /* CNTVOFF_EL2 */
	u64 poffset; /* of CNTPCT, with KVM_ARM_SET_COUNTER_OFFSET */
};

struct rd_timer_vcpu {
	void *ctx;
};

int rd_timer_module_init(void);
void rd_timer_module_exit(void);

int rd_timer_vm_init(struct rd_vm *vm);
int rd_timer_vcpu_init(struct rd_vcpu *vcpu);
void rd_timer_vcpu_destroy(struct rd_vcpu *vcpu);
/* KVM_ARM_VCPU_INIT and CPU_ON: timers off. */
void rd_timer_vcpu_reset(struct rd_vcpu *vcpu);

/* Before a vCPU's first run: the interrupts' numbers are valid. 0 or -EINVAL. */
int rd_timer_first_run(struct rd_vcpu *vcpu);

/* The vCPU comes to, leaves this CPU: CNTV registers, state->timer. Preemption off. */
void rd_timer_load(struct rd_vcpu *vcpu);
void rd_timer_put(struct rd_vcpu *vcpu);

/*
 * Interrupts off, after each exit: lines of the timers that changed go to the vGIC or,
 * without one, to run->s.regs.device_irq_level.
 */
void rd_timer_sync(struct rd_vcpu *vcpu);

/* Without an in-kernel vGIC: the lines differ from what user space was told last. */
bool rd_timer_notify_user(struct rd_vcpu *vcpu);
/* Writes them to run->s.regs.device_irq_level; before a return to user space. */
void rd_timer_update_run(struct rd_vcpu *vcpu);

/* The vCPU is about to block, has woken up: background timer. Preemption on, put. */
void rd_timer_block(struct rd_vcpu *vcpu);
void rd_timer_unblock(struct rd_vcpu *vcpu);

/* True if a timer's line is up (WFI must not block). */
bool rd_timer_pending(struct rd_vcpu *vcpu);

/*
 * A trapped access to CNTP_*, CNTPCT_EL0, CNTPCTSS_EL0 or CNTVCT: @sysreg as in
 * sys_reg(). False: not one of them.
 */
bool rd_timer_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val);

/*
 * KVM_REG_ARM_TIMER_{CTL,CNT,CVAL}, KVM_REG_ARM_PTIMER_* (ids of the uapi). vCPU
 * not loaded, its mutex held. -ENOENT: not one of them.
 */
int rd_timer_get_reg(struct rd_vcpu *vcpu, u64 id, u64 *val);
int rd_timer_set_reg(struct rd_vcpu *vcpu, u64 id, u64 val);

/* KVM_ARM_SET_COUNTER_OFFSET, already checked; vm->lock and all vCPUs' mutexes held. */
void rd_timer_set_offset(struct rd_vm *vm, u64 offset);

/* KVM_ARM_VCPU_TIMER_CTRL on a vCPU. -ENXIO for attributes it doesn't have. */
int rd_timer_set_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);
int rd_timer_get_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);
int rd_timer_has_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr);

#endif /* REDOUBT_KMOD_TIMER_H */
