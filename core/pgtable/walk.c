// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loop over a range of input addresses: run by run, resumable at any entry
 * (invariant 7). It takes no locks; whether others may change the tables meanwhile
 * is the affair of the operation that calls.
 */
#include "walk.h"

int pgt_op_begin(const struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size)
{
	u64 limit = 1ULL << pgt->geo->ia_bits;
	u64 mask = (1ULL << pgt->geo->granule_shift) - 1;

	op->done = 0;
	if (!size || ((ia | size) & mask))
		return -EINVAL;
	if (ia >= limit || size > limit - ia)
		return -ERANGE;
	return 0;
}

/* Entries of pos's table that overlap [@ia, @end). */
static u64 run_length(const struct pgt_geometry *geo, u64 ia, u64 end, s8 level)
{
	u8 shift = level_shift(geo, level);
	u64 n = ((end - 1) >> shift) - (ia >> shift) + 1;
	u32 left = table_left(geo, ia, level);

	return n < left ? n : left;
}

int pgt_for_each_run(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, pgt_run_fn *fn,
		     void *arg)
{
	const struct pgt_geometry *geo = pgt->geo;
	u64 start = ia, end = ia + size;
	u32 budget = op->budget;
	struct pgt_pos pos;
	struct pgt_run run = { .pgt = pgt, .op = op, .pos = &pos, .arg = arg };

	while (ia < end) {
		int ret;

		pgt_find(pgt, ia, &pos);
		run.ia = align_down(ia, pgt_level_size(geo, pos.level));
		run.n = budget_clip(op, budget, run_length(geo, ia, end, pos.level));
		ret = fn(&run);
		if (ret >= 0)
			run.n = (u32)ret;
		if (run.n)
			ia = run.ia + ((u64)run.n << level_shift(geo, pos.level));
		op->done = ia < end ? ia - start : size;
		if (ret < 0)
			return ret;
		if (budget_spend(op, &budget, run.n ? run.n : 1))
			break;
	}
	return 0;
}
