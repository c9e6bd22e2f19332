/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers' sections of memslots: SRCU's algorithm without its machinery.
 *
 * A VMM changes memslots by the thousand while no vCPU runs, and each change waits for
 * readers. The kernel's SRCU goes by way of a work queue even then; here a wait that
 * finds no reader costs a look at a few counters, and one that finds some sleeps until
 * they are gone. Readers may sleep, and may nest.
 */
#ifndef REDOUBT_KMOD_MMU_READERS_H
#define REDOUBT_KMOD_MMU_READERS_H

#include <linux/percpu.h>
#include <linux/wait.h>

struct rd_readers_cpu {
	unsigned long begun[2];
	unsigned long ended[2];
};

struct rd_readers {
	struct rd_readers_cpu __percpu *cpu;
	unsigned int period; /* its lowest bit says which of the counters to use */
	bool waiting;
	wait_queue_head_t queue;
};

/* 0 or -ENOMEM. */
int rd_readers_init(struct rd_readers *r);
/* Nobody uses it any more. */
void rd_readers_destroy(struct rd_readers *r);

static inline u32 rd_readers_enter(struct rd_readers *r)
{
	u32 which = READ_ONCE(r->period) & 1;

	this_cpu_inc(r->cpu->begun[which]);
	/* What the section reads is read after its beginning is known. */
	smp_mb();
	return which;
}

static inline void rd_readers_leave(struct rd_readers *r, u32 which)
{
	/* What the section read was read before its end is known. */
	smp_mb();
	this_cpu_inc(r->cpu->ended[which]);
	/* Against rd_readers_sync(): either it counts this end or we see that it waits. */
	smp_mb();
	if (unlikely(READ_ONCE(r->waiting)))
		wake_up_all(&r->queue);
}

/* Waits until every section that began before has ended. One caller at a time; sleeps. */
void rd_readers_sync(struct rd_readers *r);

#endif /* REDOUBT_KMOD_MMU_READERS_H */
