// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loop over a range of input addresses: run by run, resumable at any entry
 * (invariant 7). It takes no locks; whether others may change the tables meanwhile
 * is the affair of the operation that calls.
 */
#include "walk.h"

/*
 * The way down is most of what a fault costs. Nearly every set of tables is linear: one
 * distance finds an address in memory. The code for those calls nothing, so that everything
 * stays in registers; each function below exists for linear tables and for any, by a constant.
 */
#define ALWAYS_INLINE static inline __attribute__((__always_inline__))
#define NOINLINE      static __attribute__((__noinline__))

static bool is_linear(const struct pgt *pgt)
{
	return pgt->flags & PGT_LINEAR;
}

ALWAYS_INLINE u64 *next_table(const struct pgt *pgt, u64 desc, const bool linear)
{
	if (linear)
		return (u64 *)(uintptr_t)(desc_oa(pgt->geo, desc) + pgt->linear);
	return table_of(pgt, desc);
}

ALWAYS_INLINE void find(const struct pgt *pgt, u64 ia, struct pgt_pos *pos, const bool linear)
{
	const struct pgt_geometry *geo = pgt->geo;
	u32 mask = geo->table_entries - 1, shift = level_shift(geo, geo->start_level);
	u64 **path = &pos->path[geo->start_level + 1];
	u64 *slot = &pgt->root[(size_t)(ia >> shift)];
	u64 desc;

	for (;; path++) {
		*path = slot;
		desc = entry_read(slot);
		if ((desc & DESC_TYPE) != DESC_TABLE || path == &pos->path[PGT_LEVEL_LAST + 1])
			break;
		shift -= geo->stride;
		slot = next_table(pgt, desc, linear) + ((u32)(ia >> shift) & mask);
	}
	pos->slot = slot;
	pos->desc = desc;
	pos->level = (s8)(path - pos->path - 1);
}

NOINLINE void find_linear(const struct pgt *pgt, u64 ia, struct pgt_pos *pos)
{
	find(pgt, ia, pos, true);
}

NOINLINE void find_any(const struct pgt *pgt, u64 ia, struct pgt_pos *pos)
{
	find(pgt, ia, pos, false);
}

void pgt_find(const struct pgt *pgt, u64 ia, struct pgt_pos *pos)
{
	if (is_linear(pgt))
		find_linear(pgt, ia, pos);
	else
		find_any(pgt, ia, pos);
}

ALWAYS_INLINE u64 *find_entry(const struct pgt *pgt, u64 ia, u8 end, const bool linear)
{
	const struct pgt_geometry *geo = pgt->geo;
	u32 mask = geo->table_entries - 1, shift = level_shift(geo, geo->start_level);
	u64 *slot = &pgt->root[(size_t)(ia >> shift)];

	while (shift != end) {
		u64 desc = entry_read(slot);

		if ((desc & DESC_TYPE) != DESC_TABLE)
			return NULL;
		shift -= geo->stride;
		slot = next_table(pgt, desc, linear) + ((u32)(ia >> shift) & mask);
	}
	return slot;
}

NOINLINE u64 *find_entry_linear(const struct pgt *pgt, u64 ia, u8 end)
{
	return find_entry(pgt, ia, end, true);
}

NOINLINE u64 *find_entry_any(const struct pgt *pgt, u64 ia, u8 end)
{
	return find_entry(pgt, ia, end, false);
}

u64 *pgt_find_entry(const struct pgt *pgt, u64 ia, s8 level)
{
	u8 end = level_shift(pgt->geo, level);

	return is_linear(pgt) ? find_entry_linear(pgt, ia, end) : find_entry_any(pgt, ia, end);
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
		u8 shift;
		int ret;

		pgt_find(pgt, ia, &pos);
		shift = level_shift(geo, pos.level);
		run.ia = ia >> shift << shift;
		run.n = budget_clip(op, budget, run_length(geo, ia, end, pos.level));
		ret = fn(&run);
		if (ret >= 0)
			run.n = (u32)ret;
		if (run.n)
			ia = run.ia + ((u64)run.n << shift);
		op->done = ia < end ? ia - start : size;
		if (ret < 0)
			return ret;
		if (budget_spend(op, &budget, run.n ? run.n : 1))
			break;
	}
	return 0;
}
