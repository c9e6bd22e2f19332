/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architected timers of a guest as the run loop and the ioctls use them.
 */
#ifndef REDOUBT_KMOD_TIMER_H
#define REDOUBT_KMOD_TIMER_H

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;

struct rd_vm_timer {
	u64 voffset; /* CNTVOFF_EL2 */
	u64 poffset; /* of CNTPCT, with KVM_ARM_SET_COUNTER_OFFSET */
	u8 virt_irq; /* PPIs; under config_lock until they are final */
	u8 phys_irq;
	bool irqs_final;
};

/* One timer; its registers are here unless it is loaded. */
struct rd_timer {
	u64 cval;
	u32 ctl;    /* without ISTATUS */
	bool level; /* the output line, as the vGIC or user space knows it */
};

struct rd_vcpu_timer_ctx {
	struct rd_timer virt;
	struct rd_timer phys;
	bool enabled;		/* first run done */
	bool loaded;		/* virt is in the CPU */
	bool stray;		/* the host has taken the interrupt without a reason */
	struct hrtimer background; /* while the vCPU is blocked: the first that is due */
	struct hrtimer phys_timer; /* while it is loaded: the physical timer */
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

/*
 * The vCPU comes to, leaves this CPU: CNTV registers. Preemption off. EL2 takes
 * state->timer with VCPU_LOAD, before, and keeps CNTVOFF_EL2 until VCPU_PUT, after:
 * the virtual timer counts between exits as well.
 */
void rd_timer_load(struct rd_vcpu *vcpu);
void rd_timer_put(struct rd_vcpu *vcpu);

/*
 * Interrupts off, after each exit and after rd_vgic_sync(): the virtual timer's line
 * follows its output.
 */
void rd_timer_sync(struct rd_vcpu *vcpu);

/* Without an in-kernel vGIC: the lines differ from what user space was told last. */
bool rd_timer_notify_user(struct rd_vcpu *vcpu);
/* Writes them to run->s.regs.device_irq_level; before a return to user space. */
void rd_timer_update_run(struct rd_vcpu *vcpu);

/* The vCPU is about to block, has woken up: background timer. Preemption on, put. */
void rd_timer_block(struct rd_vcpu *vcpu);
void rd_timer_unblock(struct rd_vcpu *vcpu);

/* True if a timer's line must be told to user space, so that WFI must not block. */
bool rd_timer_pending(struct rd_vcpu *vcpu);

/*
 * For the vGIC, interrupts off, with its locks held, on the vCPU's CPU: the guest
 * has ended the virtual timer's interrupt, and with it the physical one: is the
 * line up? And: the physical interrupt shall be active or not.
 */
bool rd_timer_hw_idle(struct rd_vcpu *vcpu, u32 intid);
void rd_timer_hw_sync(struct rd_vcpu *vcpu, u32 intid, bool active);

/*
 * A trapped access to CNTP_*, CNTPCT_EL0 or CNTPCTSS_EL0: @sysreg as in sys_reg().
 * False: not one of them.
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
