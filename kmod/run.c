// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: from one entry of a guest to the next, until user space has something
 * to do.
 *
 * There are two loops. The inner one runs with interrupts off: it enters the
 * guest, and enters it again at once after traps that rd_exit_fast() deals with.
 * Anything else (a host interrupt, a request, work for the thread, an exit that may
 * sleep) leaves it for the outer one, which runs with interrupts and preemption on.
 *
 * Locks: vcpu->mutex. The handshake with rd_vcpu_kick(): mode is stored before
 * requests, lines and thread flags are read, with a barrier between.
 */
#include <linux/context_tracking.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/vtime.h>

#include "exit.h"
#include "hvc.h"
#include "vcpu.h"

/* Work of the thread that keeps it out of the guest. */
#define ENTRY_WORK (_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)

/*
 * Other work that waits for a return to user space (task work, throttling) is put
 * off for this long, because nothing but the return itself can do it.
 */
#define NOTIFY_DELAY msecs_to_jiffies(20)

/* Leaves for user space's sake, invisibly: the system call restarts after the work. */
static int serve_notify(struct rd_vcpu *vcpu)
{
	if (!vcpu->deadline) {
		vcpu->deadline = (jiffies + NOTIFY_DELAY) | 1;
		return 1;
	}
	if (time_before(jiffies, vcpu->deadline))
		return 1;
	vcpu->deadline = 0;
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

static int thread_work(struct rd_vcpu *vcpu)
{
	unsigned long flags = read_thread_flags();

	if (flags & _TIF_NEED_RESCHED)
		schedule();
	if (signal_pending(current)) {
		RD_STAT_INC(vcpu, signal_exits);
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	return flags & _TIF_NOTIFY_RESUME ? serve_notify(vcpu) : 1;
}

/* A vCPU that is off waits for CPU_ON, user space or a signal. */
static int powered_off(struct rd_vcpu *vcpu)
{
	while (READ_ONCE(vcpu->power) != RD_POWER_ON) {
		if (signal_pending(current) || test_bit(RD_REQ_EXIT, &vcpu->requests) ||
		    test_bit(RD_REQ_DEAD, &vcpu->requests)) {
			/* Still off: ask again when the caller has dealt with that. */
			rd_vcpu_request(vcpu, RD_REQ_SLEEP);
			return 1;
		}
		clear_bit(RD_REQ_KICK, &vcpu->requests);
		rd_vcpu_wait(vcpu);
		if (READ_ONCE(vcpu->power) == RD_POWER_SUSPENDED && rd_vcpu_has_irq(vcpu)) {
			memset(&vcpu->run->system_event, 0, sizeof(vcpu->run->system_event));
			vcpu->run->system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
			vcpu->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
			rd_vcpu_request(vcpu, RD_REQ_SLEEP);
			return 0;
		}
	}
	return 1;
}

static int serve_requests(struct rd_vcpu *vcpu)
{
	int ret = 1;

	if (test_bit(RD_REQ_DEAD, &vcpu->requests))
		return -EIO;
	if (rd_vcpu_take_request(vcpu, RD_REQ_SLEEP))
		ret = powered_off(vcpu);
	if (ret <= 0)
		return ret;
	if (rd_vcpu_take_request(vcpu, RD_REQ_EXIT))
		return 0;
	if (rd_vcpu_take_request(vcpu, RD_REQ_RESET)) {
		/* EL2 holds the FP registers of a loaded vCPU. */
		rd_vcpu_put(vcpu);
		rd_vcpu_psci_reset(vcpu);
		rd_vcpu_load(vcpu);
	}
	if (rd_vcpu_take_request(vcpu, RD_REQ_STEAL))
		rd_pvtime_update(vcpu);
	if (rd_vcpu_take_request(vcpu, RD_REQ_MMU))
		rd_mmu_request(vcpu);
	if (rd_vcpu_take_request(vcpu, RD_REQ_TIMER) || test_bit(RD_REQ_VGIC, &vcpu->requests)) {
		/* Loading anew is what both mean. */
		clear_bit(RD_REQ_VGIC, &vcpu->requests);
		rd_vcpu_put(vcpu);
		rd_vcpu_load(vcpu);
	}
	clear_bit(RD_REQ_KICK, &vcpu->requests);
	/* Last, for what was done above may have filled it. */
	if (rd_vcpu_take_request(vcpu, RD_REQ_RING))
		ret = rd_ring_serve(vcpu);
	return ret;
}

/* Interrupt lines of a controller in user space; false: user space must hear first. */
static bool user_irqchip_ready(struct rd_vcpu *vcpu)
{
	unsigned long lines = READ_ONCE(vcpu->irq_lines);
	u64 flags = vcpu->state->flags & ~(RD_VCPU_VIRQ | RD_VCPU_VFIQ);

	if (lines & BIT(KVM_ARM_IRQ_CPU_IRQ))
		flags |= RD_VCPU_VIRQ;
	if (lines & BIT(KVM_ARM_IRQ_CPU_FIQ))
		flags |= RD_VCPU_VFIQ;
	vcpu->state->flags = flags;
	return !rd_timer_notify_user(vcpu);
}

/* Interrupts off: the last look at everything that may keep the vCPU out. */
static bool may_enter(struct rd_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->mode, RD_IN_GUEST);
	smp_mb(); /* pairs with rd_vcpu_kick() */
	if (unlikely(READ_ONCE(vcpu->requests) || read_thread_flags() & ENTRY_WORK))
		goto no;
	if (vcpu->vm->vgic.in_kernel) {
		if (rd_vgic_needs_flush(vcpu))
			rd_vgic_flush(vcpu);
	} else if (!user_irqchip_ready(vcpu)) {
		goto no;
	}
	if (unlikely(vcpu->debug.active))
		rd_debug_setup(vcpu);
	return true;
no:
	WRITE_ONCE(vcpu->mode, RD_OUTSIDE_GUEST);
	return false;
}

/* Interrupts off: one world switch. RD_EXIT_*, or EL2's refusal as a negative errno. */
static __always_inline u64 enter_guest(struct rd_vcpu *vcpu)
{
	struct rd_hvc_res res;
	long ret;

	context_tracking_guest_enter();
	ret = rd_hvc_res(RD_HVC_VCPU_RUN, 0, 0, 0, 0, 0, &res);
	context_tracking_guest_exit();
	WRITE_ONCE(vcpu->mode, RD_OUTSIDE_GUEST);
	RD_STAT_INC(vcpu, exits);
	if (unlikely(vcpu->debug.active))
		rd_debug_restore(vcpu);
	if (vcpu->vm->vgic.in_kernel)
		rd_vgic_sync(vcpu);
	rd_timer_sync(vcpu);
	return likely(!ret) ? res.x1 : (u64)ret;
}

/* The inner loop. Returns as exit handlers do. */
static int run_guest(struct rd_vcpu *vcpu)
{
	u64 exit = RD_EXIT_IRQ;

	local_irq_disable();
	vtime_account_guest_enter();
	while (may_enter(vcpu)) {
		exit = enter_guest(vcpu);
		if (exit != RD_EXIT_TRAP || !rd_exit_fast(vcpu))
			break;
		exit = RD_EXIT_IRQ;
	}
	if (exit == RD_EXIT_IRQ) {
		RD_STAT_INC(vcpu, irq_exits);
		/* The guest's time ends when the interrupt, a tick perhaps, was taken. */
		rcu_virt_note_context_switch();
		local_irq_enable();
		isb();
		local_irq_disable();
	}
	vtime_account_guest_exit();
	local_irq_enable();
	return exit == RD_EXIT_IRQ ? 1 : rd_exit_slow(vcpu, exit);
}

static int outer_loop(struct rd_vcpu *vcpu)
{
	int ret;

	do {
		ret = thread_work(vcpu);
		if (ret > 0 && READ_ONCE(vcpu->requests))
			ret = serve_requests(vcpu);
		if (ret > 0 && !vcpu->vm->vgic.in_kernel && rd_timer_notify_user(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_INTR;
			ret = -EINTR;
		}
		if (ret > 0)
			ret = run_guest(vcpu);
	} while (ret > 0);
	return ret;
}

/* What is final once a vCPU has run. */
static int first_run(struct rd_vcpu *vcpu)
{
	struct rd_vm *vm = vcpu->vm;
	int ret;

	if (vm->vgic.in_kernel) {
		ret = rd_vgic_first_run(vcpu);
		if (ret)
			return ret;
	}
	ret = rd_timer_first_run(vcpu);
	if (ret)
		return ret;
	mutex_lock(&vm->config_lock);
	rd_idregs_finalise(vm);
	set_bit(RD_VM_RAN_ONCE, &vm->flags);
	mutex_unlock(&vm->config_lock);
	rd_idregs_publish(vcpu);
	vcpu->ran_once = true;
	return 0;
}

/*
 * KVM_SET_SIGNAL_MASK is for KVM_RUN only. What the thread blocks otherwise is kept where
 * the kernel looks (real_blocked): a signal that it blocks ends KVM_RUN, never the process.
 */
static void enter_sigmask(const struct rd_vcpu *vcpu)
{
	sigset_t set = vcpu->sigset;

	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &set, &current->real_blocked);
}

static void leave_sigmask(const struct rd_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

int rd_vcpu_run(struct rd_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int ret;

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (!vcpu->ran_once) {
		ret = first_run(vcpu);
		if (ret)
			return ret;
	}
	if (vcpu->pending == RD_PENDING_MMIO)
		rd_mmio_complete(vcpu);
	if (rd_run_immediate_exit(run))
		return -EINTR;
	vcpu->deadline = 0;
	run->exit_reason = KVM_EXIT_UNKNOWN;
	run->flags = 0;
	enter_sigmask(vcpu);
	WRITE_ONCE(vcpu->task, current);
	rd_vcpu_load(vcpu);
	ret = outer_loop(vcpu);
	rd_vcpu_put(vcpu);
	WRITE_ONCE(vcpu->task, NULL);
	leave_sigmask(vcpu);
	if (!vcpu->vm->vgic.in_kernel)
		rd_timer_update_run(vcpu);
	return ret;
}
