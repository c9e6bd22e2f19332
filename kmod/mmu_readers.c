// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for readers of memslots (mmu_readers.h).
 *
 * Each section counts its beginning and its end under one of two indices. Ends are
 * summed before beginnings: were a section missed in the second sum, it would have
 * begun after the first, and so after the change that the caller published. A reader
 * that was stopped between reading the index and counting itself may come late to
 * either index: hence both are waited for, with the index changed in between, which
 * keeps new readers from making the second wait endless.
 *
 * Locks: the caller's; a VM's vm->slots_lock.
 */
#include "mmu_readers.h"

int rd_readers_init(struct rd_readers *r)
{
	r->cpu = alloc_percpu_gfp(struct rd_readers_cpu, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	r->period = 0;
	r->waiting = false;
	init_waitqueue_head(&r->queue);
	return r->cpu ? 0 : -ENOMEM;
}

void rd_readers_destroy(struct rd_readers *r)
{
	free_percpu(r->cpu);
	r->cpu = NULL;
}

static bool nobody(struct rd_readers *r, u32 which)
{
	unsigned long begun = 0, ended = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		ended += READ_ONCE(per_cpu_ptr(r->cpu, cpu)->ended[which]);
	/* A section whose end was counted has its beginning counted below. */
	smp_mb();
	for_each_possible_cpu(cpu)
		begun += READ_ONCE(per_cpu_ptr(r->cpu, cpu)->begun[which]);
	return begun == ended;
}

static void wait_for(struct rd_readers *r, u32 which)
{
	if (nobody(r, which))
		return;
	WRITE_ONCE(r->waiting, true);
	/* Before the counters are looked at again: see rd_readers_leave(). */
	smp_mb();
	wait_event(r->queue, nobody(r, which));
	WRITE_ONCE(r->waiting, false);
}

void rd_readers_sync(struct rd_readers *r)
{
	u32 which = r->period & 1;

	/* The change is visible to all whose beginning we don't count. */
	smp_mb();
	wait_for(r, !which);
	WRITE_ONCE(r->period, r->period + 1);
	/* Those who still use the old index after this are few, and have read it before. */
	smp_mb();
	wait_for(r, which);
	/* What the caller does next comes after all that the readers did. */
	smp_mb();
}
