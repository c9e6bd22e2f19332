// SPDX-License-Identifier: GPL-2.0-only
/*
 * All CPUs at once: sharing and unsharing one page. Each call succeeds or is refused,
 * and at the end the page is as often shared as unshared.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/mm.h>

#include "attack.h"

#define ROUNDS 500

struct race {
	u64 pfn;
	atomic_t shared, unshared, odd;
	atomic_t running;
	struct completion done;
};

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
		if (!(i % 512))
			cond_resched();
	}
	if (atomic_dec_and_test(&race->running))
		complete(&race->done);
	return 0;
}

int attack_race(struct seq_file *m)
{
	struct race race = {};
	struct page *page = alloc_page(GFP_KERNEL);
	int cpu;

	if (!page)
		return -ENOMEM;
	race.pfn = page_to_pfn(page);
	init_completion(&race.done);
	cpus_read_lock();
	atomic_set(&race.running, num_online_cpus());
	for_each_online_cpu(cpu) {
		struct task_struct *task = kthread_create_on_cpu(racer, &race, cpu, "attack/%u");

		if (!IS_ERR(task))
			wake_up_process(task);
		else if (atomic_dec_and_test(&race.running))
			complete(&race.done);
	}
	cpus_read_unlock();
	wait_for_completion(&race.done);
	if (!rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, race.pfn, 1))
		atomic_inc(&race.unshared);
	report(m, "shares that succeeded (at least one)", 1, atomic_read(&race.shared) > 0);
	report(m, "shares less unshares of one page on all CPUs", 0,
	       atomic_read(&race.shared) - atomic_read(&race.unshared));
	report(m, "answers other than 0 and -EPERM", 0, atomic_read(&race.odd));
	__free_page(page);
	return 0;
}
