/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug registers: the guest's own, and KVM_SET_GUEST_DEBUG's.
 */
#ifndef REDOUBT_KMOD_DEBUG_H
#define REDOUBT_KMOD_DEBUG_H

#include <linux/kvm.h>
#include <redoubt/vcpu.h>

struct rd_vcpu;

/* OSLSR_EL1: OSLM says that the OS lock exists; OSLK that it is locked. */
#define RD_OSLSR_IMPLEMENTED (1UL << 3)
#define RD_OSLSR_LOCKED	     (1UL << 1)

struct rd_debug {
	bool active;	   /* setup, restore have work: user space debugs, or the OS lock is on */
	bool step_pending; /* the stepped instruction is done, the exception is still to come */
	u32 control;	   /* KVM_GUESTDBG_* */
	u64 oslsr;	   /* OSLSR_EL1 as the guest sees it */
	u64 guest_mdscr;   /* the guest's values, while others are in state */
	u64 guest_ss;
	struct rd_vcpu_dbg external; /* with KVM_GUESTDBG_USE_HW */
	struct rd_vcpu_dbg guest;    /* what external displaces in state */
};

/* The vCPU comes to this CPU: arms the trap of debug registers that aren't in use. */
void rd_debug_load(struct rd_vcpu *vcpu);

/* Interrupts off, around an entry, with debug.active set. */
void rd_debug_setup(struct rd_vcpu *vcpu);
void rd_debug_restore(struct rd_vcpu *vcpu);

/* KVM_SET_GUEST_DEBUG; vcpu->mutex held, not loaded. -EINVAL for unknown control bits. */
int rd_debug_set(struct rd_vcpu *vcpu, const struct kvm_guest_debug *dbg);

/*
 * A trapped access to a debug register (Op0 2); @sysreg as in sys_reg(). False: the
 * register doesn't exist for the guest.
 */
bool rd_debug_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val);

/* The storage of DBGBVR, DBGBCR, DBGWVR, DBGWCR<n>_EL1, or NULL: for ONE_REG. */
u64 *rd_debug_reg(struct rd_vcpu *vcpu, u32 sysreg);

/* OSLSR_EL1 changes (OSLAR_EL1, ONE_REG). */
void rd_debug_set_oslsr(struct rd_vcpu *vcpu, u64 oslsr);

/* A debug exception that came to EL2: fills run->debug. Returns 0 (to user space). */
int rd_debug_exit(struct rd_vcpu *vcpu);

#endif /* REDOUBT_KMOD_DEBUG_H */
