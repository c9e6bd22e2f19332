// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of a set of tables, in bounded steps (invariant 7).
 *
 * A pass through the input address space frees every table once its last entry has
 * been passed. op->done is the whole state: what is freed is unlinked, so that a call
 * that comes later never goes down there again. Pages of leaves aren't looked at: who
 * owns them is somebody else's record. Exclusive; nobody translates with these tables.
 */
#include "table.h"

static void free_up(struct pgt *pgt, const struct pgt_pos *pos, u64 ia)
{
	s8 level = pos->level;

	while (level > pgt->geo->start_level && at_table_end(pgt->geo, ia, level)) {
		u64 *slot = pos->path[level];
		u64 *table = table_of(pgt, entry_read(slot));

		entry_write(slot, 0);
		pgt->env->free_table(pgt->ctx, table);
		level--;
	}
}

/* Entries of @pos's table from @ia on that aren't tables. Pages need no look. */
static u32 pass(const struct pgt_geometry *geo, const struct pgt_pos *pos, u64 ia, u32 *looked)
{
	u32 left = table_left(geo, ia, pos->level), n = 0;

	*looked = 1;
	if (pos->level == PGT_LEVEL_LAST)
		return left;
	while (n < left && !desc_is_table(entry_read(&pos->slot[n]), pos->level))
		n++;
	*looked = n ? n : 1;
	return n;
}

static int destroy(struct pgt *pgt, struct pgt_op *op)
{
	const struct pgt_geometry *geo = pgt->geo;
	u64 ia = op->done, end = 1ULL << geo->ia_bits;
	u32 budget = op->budget, looked;
	struct pgt_pos pos;

	while (ia < end) {
		pgt_find(pgt, ia, &pos);
		ia += (u64)pass(geo, &pos, ia, &looked) << level_shift(geo, pos.level);
		free_up(pgt, &pos, ia);
		op->done = ia;
		if (budget_spend(op, &budget, looked))
			break;
	}
	if (ia >= end)
		memset(pgt->root, 0, (size_t)geo->root_bytes);
	return 0;
}

int pgt_s2_destroy(struct pgt *pgt, struct pgt_op *op)
{
	return destroy(pgt, op);
}

int pgt_s1_destroy(struct pgt *pgt, struct pgt_op *op)
{
	return destroy(pgt, op);
}
