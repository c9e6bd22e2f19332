/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables that operations of several threads have detached. Somebody may still walk them:
 * they are freed when nobody can.
 */
#ifndef DEAD_H
#define DEAD_H

#include <pthread.h>

#include <core/pgtable.h>

#define DEAD_MAX 65536u

struct dead_tables {
	pthread_mutex_t lock;
	struct {
		void *table;
		s8 level;
	} dead[DEAD_MAX];
	u32 nr;
};

static inline void dead_add(struct dead_tables *d, void *table, s8 level)
{
	pthread_mutex_lock(&d->lock);
	port_assert(d->nr < DEAD_MAX);
	d->dead[d->nr].table = table;
	d->dead[d->nr++].level = level;
	pthread_mutex_unlock(&d->lock);
}

/* Nobody is inside. */
static inline void dead_free(struct dead_tables *d, struct pgt *pgt)
{
	u32 i;

	for (i = 0; i < d->nr; i++)
		pgt_s2_free_unlinked(pgt, d->dead[i].table, d->dead[i].level);
	d->nr = 0;
}

#endif /* DEAD_H */
