/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU: struct rd_vcpu, its life, its requests, and how to wake it.
 *
 * vcpu->state is the page that EL2 loads the CPU from and stores it to
 * (redoubt/vcpu.h). It belongs to whoever holds vcpu->mutex; while the vCPU is
 * loaded (between rd_vcpu_load() and rd_vcpu_put()), state->fp is stale and the
 * sys[] registers may be too, unless the vCPU has been put.
 *
 * An event for a vCPU is published in its own place first (a pending interrupt,
 * vcpu->power, a bit of vcpu->requests), then rd_vcpu_kick() makes sure that the
 * vCPU notices: it leaves the guest, or its wait. The run loop reads the same
 * places with interrupts off after storing RD_IN_GUEST to vcpu->mode, so that
 * one of both sides always sees the other.
 */
#ifndef REDOUBT_KMOD_VCPU_H
#define REDOUBT_KMOD_VCPU_H

#include <linux/atomic.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <redoubt/abi.h>
#include <redoubt/vcpu.h>

#include "debug.h"
#include "pvtime.h"
#include "stats.h"
#include "timer.h"
#include "vgic.h"
#include "vm.h"

/* Bits of vcpu->requests. Those from RD_REQ_VGIC on belong to the named files. */
enum rd_req {
	RD_REQ_SLEEP,	/* powered off or suspended: look at vcpu->power */
	RD_REQ_RESET,	/* PSCI CPU_ON: take over vcpu->reset */
	RD_REQ_STEAL,	/* record steal time before the next entry */
	RD_REQ_EXIT,	/* return to user space: vcpu->run is already filled in */
	RD_REQ_DEAD,	/* RD_VM_DEAD */
	RD_REQ_KICK,	/* nothing but leave the guest once */
	RD_REQ_VGIC,	/* vgic/: reload what the virtual interface caches */
	RD_REQ_TIMER,	/* timer.c: offsets changed, load anew */
	RD_REQ_MMU,	/* mmu_cache.c */
	RD_REQ_RING,	/* dirty_ring.c: full */
	RD_REQ_COUNT
};

enum rd_mode { RD_OUTSIDE_GUEST, RD_IN_GUEST, RD_EXITING_GUEST };

enum rd_power { RD_POWER_ON, RD_POWER_OFF, RD_POWER_SUSPENDED };

/* What PSCI CPU_ON hands to a vCPU; under mp_lock. */
struct rd_vcpu_reset {
	u64 pc;
	u64 r0;
	bool be;
};

/* An exit to user space that the next KVM_RUN completes. */
enum rd_pending {
	RD_PENDING_NONE,
	RD_PENDING_MMIO, /* vcpu->mmio */
};

/* A data abort's access, decoded from ESR_EL2.ISS (Arm ARM D24.2.40). */
struct rd_mmio {
	u64 gpa;
	u8 len;		/* 1, 2, 4 or 8 bytes */
	u8 rt;		/* 31: the zero register */
	bool write;
	bool sign;	/* sign-extend what is read */
	bool sf;	/* into 64 bits, else 32 */
};

struct rd_vcpu {
	/* What each entry reads. */
	struct rd_vm *vm;
	struct rd_vcpu_state *state; /* shared with EL2 */
	struct kvm_run *run;	     /* shared with user space */
	unsigned long requests;	     /* RD_REQ_*, atomic */
	int mode;		     /* enum rd_mode */
	int cpu;		     /* loaded here, or -1 */
	struct task_struct *task;    /* in KVM_RUN, else NULL; read under RCU */
	bool loaded;		     /* between rd_vcpu_load() and rd_vcpu_put() */
	u8 pending;		     /* enum rd_pending */
	u32 power;		     /* enum rd_power; stored under mp_lock */

	struct rd_vcpu_stat stat;
	struct rd_vgic_vcpu vgic;
	struct rd_vcpu_timer_ctx timer;

	u32 idx; /* order of creation, EL2's index */
	u32 id;	 /* user space's number, decides MPIDR */
	struct mutex mutex;
	struct preempt_notifier notifier;
	struct rcuwait wait;
	struct rd_mmio mmio;
	struct rd_vcpu_reset reset;
	spinlock_t mp_lock;

	bool initialised; /* KVM_ARM_VCPU_INIT was done */
	bool ran_once;	/* first-run checks were passed */
	u64 features;	/* bits of KVM_ARM_VCPU_* */
	unsigned long irq_lines; /* KVM_IRQ_LINE's IRQ (bit 0) and FIQ (bit 1); atomic */
	unsigned long deadline; /* jiffies: when TIF_NOTIFY_RESUME must be served; 0: not pending */
	sigset_t sigset; /* KVM_SET_SIGNAL_MASK */
	bool sigset_active;
	struct rd_debug debug;
	struct rd_pvtime pvtime;
	struct gmem_ring dirty_ring; /* entry NULL: none */
	struct rd_shadow {
		u64 clidr;
		u32 *ccsidr; /* by CSSELR; NULL: the defaults */
	} shadow;
	struct page *run_page;
	struct page *ring_page; /* the VM's ring of coalesced MMIO */
	struct page *state_page;
};

/* KVM_CREATE_VCPU: the new vCPU's file descriptor, or -EINVAL, -EEXIST, -ENOMEM. Takes vm->lock. */
int rd_vcpu_create_fd(struct rd_vm *vm, u32 id);

/* Frees a vCPU of a VM that is being destroyed; EL2 has let go of it. */
void rd_vcpu_destroy(struct rd_vcpu *vcpu);

/*
 * Loads the vCPU on this CPU (hypercall VCPU_LOAD, vGIC, timers), and keeps it
 * loaded across preemption until rd_vcpu_put(). vcpu->mutex held.
 */
void rd_vcpu_load(struct rd_vcpu *vcpu);
void rd_vcpu_put(struct rd_vcpu *vcpu);

/* KVM_RUN; vcpu->mutex held. 0 with run->exit_reason set, or -EINTR and others. */
int rd_vcpu_run(struct rd_vcpu *vcpu);

/* Sets a request; the caller kicks if it must be seen soon. */
static inline void rd_vcpu_request(struct rd_vcpu *vcpu, unsigned int req)
{
	/* What the request is about is visible before the request is. */
	smp_mb__before_atomic();
	set_bit(req, &vcpu->requests);
	smp_mb__after_atomic();
}

/* Takes a request: true if it was set; it isn't any more. */
static inline bool rd_vcpu_take_request(struct rd_vcpu *vcpu, unsigned int req)
{
	return test_bit(req, &vcpu->requests) && test_and_clear_bit(req, &vcpu->requests);
}

/*
 * Makes the vCPU notice a published event: wakes it from WFI or makes it leave
 * the guest. Any context, also hard interrupts and under raw spinlocks.
 */
void rd_vcpu_kick(struct rd_vcpu *vcpu);

/* Only wakes a vCPU that waits; one in the guest is left alone. True if it waited. */
bool rd_vcpu_wake(struct rd_vcpu *vcpu);

/* True if the vCPU has a reason to run: powered on, and an interrupt or request pends. */
bool rd_vcpu_runnable(struct rd_vcpu *vcpu);

/* True if an interrupt pends that would wake the vCPU, powered on or not. */
bool rd_vcpu_has_irq(struct rd_vcpu *vcpu);

/* Blocks until the vCPU is runnable or a signal is pending (WFI, PSCI). Loaded on entry, exit. */
void rd_vcpu_wait(struct rd_vcpu *vcpu);

/* The vCPU that is loaded on this CPU, or NULL. Preemption off. */
struct rd_vcpu *rd_vcpu_current(void);

/* Gives the vCPU the state that KVM_ARM_VCPU_INIT defines. mutex held, not loaded. */
void rd_vcpu_reset(struct rd_vcpu *vcpu);

/* RD_REQ_RESET: the same, with what CPU_ON asked for. mutex held, not loaded. */
void rd_vcpu_psci_reset(struct rd_vcpu *vcpu);

/*
 * KVM_ARM_VCPU_INIT. -ENOENT for unknown features, -EINVAL for those not offered or
 * unlike the other vCPUs'. mutex held.
 */
int rd_vcpu_init(struct rd_vcpu *vcpu, const struct kvm_vcpu_init *init);

/* Powers the vCPU on or off, or suspends it: seen at its next entry, which this makes soon. */
void rd_vcpu_set_power(struct rd_vcpu *vcpu, enum rd_power power);

/* True if EL1 is AArch32; constant once the vCPU is initialised. */
static inline bool rd_vcpu_is_32bit(const struct rd_vcpu *vcpu)
{
	return vcpu->features & BIT(KVM_ARM_VCPU_EL1_32BIT);
}

/* The vCPU's MPIDR_EL1 as the guest reads it, RES1 bit 31 included. */
static inline u64 rd_vcpu_mpidr(const struct rd_vcpu *vcpu)
{
	return READ_ONCE(vcpu->state->vmpidr);
}

/* Reads register @n of the last exit's Rt field; 31 is zero. */
static inline u64 rd_vcpu_reg(const struct rd_vcpu *vcpu, unsigned int n)
{
	return n < 31 ? vcpu->state->x[n] : 0;
}

/* Writes it; 31 is discarded. */
static inline void rd_vcpu_set_reg(struct rd_vcpu *vcpu, unsigned int n, u64 val)
{
	if (n < 31)
		vcpu->state->x[n] = val;
}

/* The IPA of the last exit's abort: page from HPFAR_EL2, offset from FAR_EL2. */
static inline u64 rd_vcpu_fault_ipa(const struct rd_vcpu *vcpu)
{
	const struct rd_vcpu_exit *e = &vcpu->state->exit;

	return ((e->hpfar & GENMASK_ULL(43, 4)) << 8) | (e->far & 0xfff);
}

/* Skips the instruction that trapped; ends a single step of it. */
void rd_vcpu_skip_insn(struct rd_vcpu *vcpu);

/* Injects an exception into EL1: takes effect on the next entry. mutex held. */
void rd_vcpu_inject_undef(struct rd_vcpu *vcpu);
void rd_vcpu_inject_dabt(struct rd_vcpu *vcpu, u64 far);
void rd_vcpu_inject_iabt(struct rd_vcpu *vcpu, u64 far);

#endif /* REDOUBT_KMOD_VCPU_H */
