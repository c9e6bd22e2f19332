/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one way down the tables, and the loop over a range built on it.
 *
 * There is no recursion and no state between steps: every step goes down from the
 * root to the entry that decides about an address, and then handles a run of
 * entries of that one table. A run of 512 pages pays for the way down once.
 */
#ifndef PGTABLE_WALK_H
#define PGTABLE_WALK_H

#include "desc.h"

/* Where the way down ended: at an entry that isn't a table. */
struct pgt_pos {
	u64 *slot;	       /* the entry */
	u64 desc;	       /* what it held */
	s8 level;	       /* its level */
	u64 *path[PGT_LEVELS]; /* [level+1]: the entries passed, slot included */
};

static inline u8 level_shift(const struct pgt_geometry *geo, s8 level)
{
	return geo->level_shift[level + 1];
}

static inline void *table_of(const struct pgt *pgt, u64 desc)
{
	u64 oa = desc_oa(pgt->geo, desc);

	if (pgt->flags & PGT_LINEAR)
		return (void *)(uintptr_t)(oa + pgt->linear);
	return pgt->env->to_virt(pgt->ctx, pa(oa));
}

/* Goes down to @ia, which must lie in the input address space. */
void pgt_find(const struct pgt *pgt, u64 ia, struct pgt_pos *pos);

/* The entry of @level, from the root's on, for @ia, likewise; NULL if a table is missing on the way. */
u64 *pgt_find_entry(const struct pgt *pgt, u64 ia, s8 level);

/* Entries from the one that covers @ia to the end of its table. */
static inline u32 table_left(const struct pgt_geometry *geo, u64 ia, s8 level)
{
	u32 index = (u32)(ia >> level_shift(geo, level));

	if (level == geo->start_level)
		return geo->root_entries - index;
	return geo->table_entries - (index & (geo->table_entries - 1));
}

static inline u64 align_down(u64 v, u64 size)
{
	return v & ~(size - 1);
}

/* Whether @ia is where a table of @level (not the root) ends. */
static inline bool at_table_end(const struct pgt_geometry *geo, u64 ia, s8 level)
{
	return !(ia & (pgt_level_size(geo, level - 1) - 1));
}

/* A run of entries of one table. */
struct pgt_run {
	struct pgt *pgt;
	struct pgt_op *op;
	const struct pgt_pos *pos; /* of the first entry, which isn't a table */
	u64 ia;			   /* base of the first entry: may lie before the range */
	u32 n;			   /* entries that overlap the range, and are of this table */
	void *arg;
};

/* Gathers the leaves from @first to @last, entries of @run. */
static inline void run_gather(const struct pgt_run *run, const u64 *first, const u64 *last)
{
	u8 shift = level_shift(run->pgt->geo, run->pos->level);

	pgt_gather_leaf(run->op->gather, run->ia + ((u64)(first - run->pos->slot) << shift),
			(u64)(last - first + 1) << shift, run->pos->level);
}

/*
 * Handles entries of @run from the first on, up to the first table. Returns how many
 * (0: the first has become a table, come again), or a negative error; then run->n
 * tells how many were finished before.
 */
typedef int pgt_run_fn(struct pgt_run *run);

/* Checks a range: 0, -EINVAL, -ERANGE. Sets op->done to 0. */
static inline int pgt_op_begin(const struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size)
{
	u64 limit = 1ULL << pgt->geo->ia_bits;

	op->done = 0;
	if (!size || ((ia | size) & ((1ULL << pgt->geo->granule_shift) - 1)))
		return -EINVAL;
	return ia >= limit || size > limit - ia ? -ERANGE : 0;
}

/* Calls @fn for all runs in a range that pgt_op_begin() has passed, within op->budget. */
int pgt_for_each_run(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, pgt_run_fn *fn,
		     void *arg);

/* Takes @n entries off the budget left in *@budget; true when nothing is left. */
static inline bool budget_spend(const struct pgt_op *op, u32 *budget, u32 n)
{
	if (!op->budget)
		return false;
	*budget -= n < *budget ? n : *budget;
	return *budget == 0;
}

static inline u32 budget_clip(const struct pgt_op *op, u32 budget, u64 n)
{
	if (op->budget && n > budget)
		return budget;
	return (u32)n;
}

#endif /* PGTABLE_WALK_H */
