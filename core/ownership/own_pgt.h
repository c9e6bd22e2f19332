/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the three kinds of address space over page tables share. */
#ifndef OWN_PGT_H
#define OWN_PGT_H

#include <core/own_pgtable.h>

/* The annotation in a guest's tables that says: taken by force. */
#define OWN_PGT_POISON 1ULL

static inline struct own_pgt_space *own_pgt(struct own_space *own)
{
	return (struct own_pgt_space *)((char *)own - offsetof(struct own_pgt_space, own));
}

static inline u64 own_pgt_bytes(const struct own_pgt_space *space, u64 nr_pages)
{
	return nr_pages << space->pgt->geo->granule_shift;
}

/* Operations of struct own_space_ops that all kinds have. */
void own_pgt_lock(struct own_space *own);
void own_pgt_unlock(struct own_space *own);
int own_pgt_check_unmapped(struct own_space *own, u64 addr, u64 nr_pages);
int own_pgt_lookup(struct own_space *own, u64 addr, u64 nr_pages, struct own_run *run);

/*
 * The table pages that making entries of one kind of a range takes: cutting it out of
 * what reaches beyond its ends. None where the tables are there already, or where the
 * entry is annotated with @owner already (0: is empty). Exact, so that what was taken
 * from a space can go back there without memory.
 */
u64 own_pgt_pages_missing(struct own_pgt_space *space, u64 addr, u64 nr_pages, u64 owner);

/* Promise @pages more of the pool to the transaction under way: 0 or -ENOMEM. */
int own_pgt_reserve(struct own_pgt_pool *pool, u64 pages);

/* A commit begins: what was reserved is now there to be used. */
static inline struct pgt_op own_pgt_begin_edit(struct own_pgt_space *space, u32 flags)
{
	space->pool->reserved = 0;
	space->pool->promised = false;
	return (struct pgt_op){ .flags = flags, .mc = &space->pool->mc };
}

#endif /* OWN_PGT_H */
