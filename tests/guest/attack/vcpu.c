// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs made by hand, by a host that means no good: objects in wrong places, states that
 * no guest can have, and a page of state that another CPU rewrites during the run.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>

#include <asm/sysreg.h>
#include <redoubt/vcpu.h>
#include "attack.h"
#include "victim.h"

static void wrong_objects(struct seq_file *m, struct victim *v)
{
	u64 own = page_to_pfn(v->vcpu), state = page_to_pfn(v->state), hyp = a_hyp_pfn();

	report(m, "vCPU: object in hyp memory", -EPERM,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, hyp, state));
	report(m, "vCPU: state page in hyp memory", -EPERM,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, own, hyp));
	report(m, "vCPU: index beyond the VM's", -EINVAL,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 1, own, state));
	report(m, "vCPU: object and state in one page", -EPERM,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, own, own));
	report(m, "vCPU: a proper one", 0, rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, own, state));
	report(m, "vCPU: the same again", -EEXIST,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, own, state));
	report(m, "unshare a vCPU's state page", -EBUSY,
	       rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, state, 1));
	report(m, "map the VM's own object into it", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, page_to_pfn(v->object), 1, RD_PROT_R));
	report(m, "map hyp memory into it", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, hyp, 1, RD_PROT_R));
	report(m, "map RAM as a device", -ERANGE,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, hyp, 1, RD_PROT_R | RD_PROT_DEVICE));
	report(m, "map a device to execute it", -EINVAL,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, 1, 1, RD_PROT_R | RD_PROT_X | RD_PROT_NC));
	report(m, "map two pages of a device", -EINVAL,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, 1, 2, RD_PROT_R | RD_PROT_DEVICE));
	report(m, "map without table pages", -ENOMEM,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 0, page_to_pfn(v->state) ^ 1, 1, RD_PROT_R));
	report(m, "reclaim from a live VM", -EBUSY, rd_hvc1(RD_HVC_VM_RECLAIM, v->handle));
}

/* As this CPU has it: ID_AA64PFR0_EL1.EL1. */
static bool aarch32_el1(void)
{
	return (read_sysreg(id_aa64pfr0_el1) >> 4 & 0xf) == 2;
}

long run_vcpu(void)
{
	struct rd_hvc_res res;
	unsigned long flags;
	long ret;

	local_irq_save(flags);
	ret = rd_hvc_res(RD_HVC_VCPU_RUN, 0, 0, 0, 0, 0, &res);
	local_irq_restore(flags);
	return ret ? ret : (long)res.x1;
}

long load_vcpu(struct victim *v)
{
	return rd_hvc2(RD_HVC_VCPU_LOAD, v->handle, 0);
}

/* It is loaded: the modes of PSTATE (bits 4:0) that EL2 lets it run in, a bit each. */
static u32 modes_that_run(struct victim *v)
{
	struct rd_vcpu_state *state = page_address(v->state);
	u32 mode, run = 0;

	for (mode = 0; mode < 32; mode++) {
		state->pstate = 0x1c0 | mode;
		state->pc = 0;
		if (run_vcpu() != RD_EXIT_ILLEGAL)
			run |= 1U << mode;
	}
	return run;
}

static void wrong_states(struct seq_file *m, struct victim *v)
{
	u32 modes;

	preempt_disable();
	report(m, "load", 0, load_vcpu(v));
	report(m, "load: again, on the same CPU", -EBUSY, load_vcpu(v));
	report(m, "teardown of a VM that is loaded", -EBUSY, rd_hvc1(RD_HVC_VM_TEARDOWN, v->handle));
	/* EL0t, EL1t, EL1h, and AArch32's User mode where the CPU has it. */
	modes = modes_that_run(v);
	report(m, "PSTATE modes that run", 0x31, modes & ~0x10000U);
	report(m, "AArch32 at EL1 after a load", aarch32_el1() ? -EBUSY : -ENODEV,
	       rd_hvc1(RD_HVC_VM_AARCH32, v->handle));
	report(m, "put", 0, rd_hvc0(RD_HVC_VCPU_PUT));
	preempt_enable();
}

static int scribble(void *arg)
{
	struct rd_vcpu_state *state = arg;

	while (!kthread_should_stop()) {
		get_random_bytes(state, sizeof(*state));
		cond_resched();
	}
	return 0;
}

/* Another CPU rewrites every field while the vCPU is loaded, run and put. */
void rewrite_state(struct seq_file *m, struct victim *v)
{
	struct task_struct *other = kthread_run(scribble, page_address(v->state), "attack/scribble");
	long wrong = 0;
	int i;

	if (IS_ERR(other))
		return;
	for (i = 0; i < 500; i++) {
		preempt_disable();
		wrong += load_vcpu(v) != 0;
		run_vcpu();
		wrong += rd_hvc0(RD_HVC_VCPU_PUT) != 0;
		preempt_enable();
		cond_resched();
	}
	kthread_stop(other);
	report(m, "loads and puts that failed while the state was rewritten", 0, wrong);
	report(m, "an empty call after these", 0, rd_hvc0(RD_HVC_NOP));
}

/* A VM whose EL1 is AArch32, which EL2 must not be made to enter in any other way. */
static void aarch32_states(struct seq_file *m, struct victim *v)
{
	preempt_disable();
	report(m, "AArch32: load", 0, load_vcpu(v));
	/* User, FIQ, IRQ, Supervisor, Abort, Undefined, System. */
	report(m, "AArch32: PSTATE modes that run", 0x888f0000U, modes_that_run(v));
	report(m, "AArch32: put", 0, rd_hvc0(RD_HVC_VCPU_PUT));
	preempt_enable();
	report(m, "AArch32: said again", 0, rd_hvc1(RD_HVC_VM_AARCH32, v->handle));
}

static void attack_aarch32(struct seq_file *m)
{
	struct victim v = {}, p = {};

	report(m, "AArch32: no VM", -ENOENT, rd_hvc1(RD_HVC_VM_AARCH32, 200));
	if (!victim_make(&p, RD_VM_PROTECTED)) {
		report(m, "AArch32: a protected VM", -EPERM,
		       rd_hvc1(RD_HVC_VM_AARCH32, p.handle));
		victim_end(m, &p);
	}
	if (victim_make(&v, 0))
		return;
	report(m, "AArch32: a VM of it", aarch32_el1() ? 0 : -ENODEV,
	       rd_hvc1(RD_HVC_VM_AARCH32, v.handle));
	if (aarch32_el1() &&
	    !rd_hvc4(RD_HVC_VCPU_CREATE, v.handle, 0, page_to_pfn(v.vcpu), page_to_pfn(v.state))) {
		aarch32_states(m, &v);
		rewrite_state(m, &v);
	}
	memset(page_address(v.state), 0, sizeof(struct rd_vcpu_state));
	victim_end(m, &v);
}

int attack_vcpu(struct seq_file *m)
{
	struct victim v = {};
	long ret = victim_make(&v, 0);

	report(m, "a VM made by hand", 0, ret);
	if (ret)
		return 0;
	wrong_objects(m, &v);
	wrong_states(m, &v);
	rewrite_state(m, &v);
	memset(page_address(v.state), 0, sizeof(struct rd_vcpu_state));
	victim_end(m, &v);
	attack_aarch32(m);
	return 0;
}
