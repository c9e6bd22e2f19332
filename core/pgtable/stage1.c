// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stage 1 of EL2: the same mechanisms as stage 2, with one rule more. EL2 may be
 * running on any of these leaves, so a valid one is never broken: it is mapped once,
 * and removed whole. Exclusive; the lock is the caller's.
 */
#include "map.h"
#include "unmap.h"

int pgt_s1_map(struct pgt *pgt, struct pgt_op *op, u64 va, u64 size, pa_t to, u32 prot)
{
	if (op->flags & (PGT_OP_SHARED | PGT_OP_REPLACE))
		return -EINVAL;
	return pgt_map(pgt, op, va, size, to.v, prot);
}

struct range {
	u64 ia, end;
};

/* Stage 1: a block that reaches beyond the range would take others' mappings along. */
static int unmap_run_whole(struct pgt_run *run)
{
	const struct range *range = run->arg;
	u64 size = pgt_level_size(run->pgt->geo, run->pos->level);
	u64 last = run->ia + (run->n - 1) * size;

	if (run->ia < range->ia && desc_is_valid(run->pos->desc)) {
		run->n = 0;
		return -EBUSY;
	}
	if (last + size > range->end &&
	    desc_is_leaf(entry_read(&run->pos->slot[run->n - 1]), run->pos->level)) {
		if (run->n == 1) {
			run->n = 0;
			return -EBUSY;
		}
		run->n--;
	}
	return unmap_run(run);
}

int pgt_s1_unmap(struct pgt *pgt, struct pgt_op *op, u64 va, u64 size)
{
	struct range range = { .ia = va, .end = va + size };
	int ret = pgt_op_begin(pgt, op, va, size);

	return ret ? ret : pgt_for_each_run_gather(pgt, op, va, size, unmap_run_whole, &range);
}
