// SPDX-License-Identifier: GPL-2.0-only
/*
 * All CPUs at once: sharing, unsharing and donating one page. Each call succeeds or is
 * refused, and at the end the page is as often shared as unshared, and the host's.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/mm.h>

#include "attack.h"
#include "victim.h"

#define ROUNDS 500

struct race {
	u64 pfn, handle;
	atomic64_t gfn;
	atomic_t shared, unshared, donated, odd;
	atomic_t running;
	struct completion done;
};

/* To a guest address of its own, and back: what was given once can't be refused on return. */
static void donate(struct race *race)
{
	u64 gfn = atomic64_inc_return(&race->gfn);
	long ret = rd_hvc5(RD_HVC_GUEST_MAP, race->handle, gfn, race->pfn, 1, RD_PROT_R | RD_PROT_W);

	if (!ret) {
		atomic_inc(&race->donated);
		ret = rd_hvc3(RD_HVC_GUEST_RECLAIM, race->handle, gfn, 1);
		if (ret)
			atomic_inc(&race->odd);
	} else if (ret != -EPERM) {
		atomic_inc(&race->odd);
	}
}

static int racer(void *arg)
{
	struct race *race = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		long ret = rd_hvc2(RD_HVC_HOST_SHARE_HYP, race->pfn, 1);

		if (!ret)
			atomic_inc(&race->shared);
		else if (ret != -EPERM)
			atomic_inc(&race->odd);
		ret = rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, race->pfn, 1);
		if (!ret)
			atomic_inc(&race->unshared);
		else if (ret != -EPERM)
			atomic_inc(&race->odd);
		donate(race);
		if (!(i % 512))
			cond_resched();
	}
	if (atomic_dec_and_test(&race->running))
		complete(&race->done);
	return 0;
}

static void run_on_all_cpus(struct race *race)
{
	int cpu;

	init_completion(&race->done);
	cpus_read_lock();
	atomic_set(&race->running, num_online_cpus());
	for_each_online_cpu(cpu) {
		struct task_struct *task = kthread_create_on_cpu(racer, race, cpu, "attack/%u");

		if (!IS_ERR(task))
			wake_up_process(task);
		else if (atomic_dec_and_test(&race->running))
			complete(&race->done);
	}
	cpus_read_unlock();
	wait_for_completion(&race->done);
}

int attack_race(struct seq_file *m)
{
	struct race race = {};
	struct victim v = {};
	struct page *page = alloc_page(GFP_KERNEL);
	struct tally tally = {};
	long ret = victim_make(&v, RD_VM_PROTECTED);

	report(m, "a VM to donate to", 0, ret);
	if (!page || ret)
		return 0;
	report(m, "pages for its tables", 15, victim_topup(&v, 15));
	race.pfn = page_to_pfn(page);
	race.handle = v.handle;
	run_on_all_cpus(&race);
	if (!rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, race.pfn, 1))
		atomic_inc(&race.unshared);
	report(m, "shares that succeeded (at least one)", 1, atomic_read(&race.shared) > 0);
	report(m, "donations that succeeded (at least one)", 1, atomic_read(&race.donated) > 0);
	report(m, "shares less unshares of one page on all CPUs", 0,
	       atomic_read(&race.shared) - atomic_read(&race.unshared));
	report(m, "answers other than 0 and -EPERM", 0, atomic_read(&race.odd));
	try_pages(page_to_phys(page), 1, &tally);
	report(m, "the page is the host's to read and write", 2, tally.readable + tally.writable);
	victim_end(m, &v);
	__free_page(page);
	return 0;
}
