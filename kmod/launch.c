// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hand-over of EL2, CPU by CPU: through the kernel's hyp stub on the way in,
 * and back to it on the way out. CPUs can't come or go meanwhile (cpus_read_lock);
 * those that come later are caught by the PSCI relay.
 */
#include <linux/cpu.h>
#include <linux/smp.h>
#include <asm/cputype.h>
#include <asm/virt.h>

#include "hvc.h"
#include "launch.h"

/* What happened on all CPUs: the first error wins. */
struct each_cpu {
	struct rd_el2 *el2;
	atomic_t error;
};

static void note(struct each_cpu *each, long ret)
{
	if (ret)
		atomic_cmpxchg(&each->error, 0, (int)ret);
}

/*
 * The stub's HVC_SOFT_RESTART branches, at EL2 with the MMU off, to x1, with x0 =
 * x2. The image returns from there as from a hypercall.
 */
static long stub_enter(u64 entry, u64 cpu)
{
	register u64 x0 asm("x0") = HVC_SOFT_RESTART;
	register u64 x1 asm("x1") = entry;
	register u64 x2 asm("x2") = cpu;
	register u64 x3 asm("x3") = 0;
	register u64 x4 asm("x4") = 0;

	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
		     :
		     : "memory", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17");
	return x0;
}

static void enter_cpu(void *arg)
{
	struct each_cpu *each = arg;
	struct rd_el2 *el2 = each->el2;
	struct rd_boot_cpu *cpu = phys_to_virt(el2->boot->cpu[smp_processor_id()]);

	/* Not read before the MMU is on, so it need not be cleaned to memory. */
	cpu->mpidr = read_cpuid_mpidr() & MPIDR_HWID_BITMASK;
	note(each, stub_enter(virt_to_phys(el2->image) + el2->image->init,
			      el2->boot->cpu[smp_processor_id()]));
}

static void close_cpu(void *arg)
{
	note(arg, rd_hvc0(RD_HVC_CLOSE));
}

static void release_cpu(void *arg)
{
	note(arg, rd_hvc0(RD_HVC_RELEASE));
}

static int check_version(void)
{
	struct rd_hvc_res res;
	long ret = rd_hvc_res(RD_HVC_VERSION, 0, 0, 0, 0, 0, &res);

	if (ret || res.x1 != RD_ABI_VERSION) {
		pr_err("EL2 answers as version %llu, the module is %d; rebuild both together\n",
		       res.x1, RD_ABI_VERSION);
		return -ENOEXEC;
	}
	return 0;
}

int rd_launch(struct rd_el2 *el2)
{
	struct each_cpu each = {};
	int ret;

	each.el2 = el2;
	cpus_read_lock();
	on_each_cpu(enter_cpu, &each, 1);
	ret = check_version();
	if (!ret) {
		/* The first CLOSE does all that can fail; then it is the same everywhere. */
		preempt_disable();
		close_cpu(&each);
		preempt_enable();
		ret = atomic_read(&each.error);
	}
	if (!ret)
		on_each_cpu(close_cpu, &each, 1);
	else
		on_each_cpu(release_cpu, &each, 1);
	cpus_read_unlock();
	if (ret)
		pr_err("EL2 refused to put the host behind stage 2 (%d); nothing has changed\n", ret);
	return ret;
}

int rd_release(void)
{
	struct each_cpu each = {};

	cpus_read_lock();
	/* The first CPU's answer is everybody's; then this CPU has no EL2 to ask any more. */
	preempt_disable();
	release_cpu(&each);
	if (!atomic_read(&each.error))
		smp_call_function(release_cpu, &each, 1);
	preempt_enable();
	cpus_read_unlock();
	return atomic_read(&each.error);
}
