// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Making pages of blocks, before dirty logging: nothing changes for the guest.
 *
 * A block is divided down to pages with one break-before-make if the memcache and the
 * budget allow for all its tables, otherwise one level at a time. Shared allowed: the
 * block is exchanged, so that a fault that was faster wins.
 */
#include "table.h"

/* Tables that a block of @level becomes, down to pages. */
static u64 tables_below(const struct pgt_geometry *geo, s8 level)
{
	u64 total = 0, n = 1;

	for (; level < PGT_LEVEL_LAST; level++) {
		total += n;
		n <<= geo->stride;
	}
	return total;
}

/* How far down one step may go. */
static s8 leaf_level(const struct pgt_op *op, const struct pgt_geometry *geo, s8 level)
{
	u64 tables = tables_below(geo, level);

	if (!op->mc || tables > op->mc->count)
		return level + 1;
	if (op->budget && tables << geo->stride > op->budget)
		return level + 1;
	return PGT_LEVEL_LAST;
}

static int split_run(struct pgt_run *run)
{
	const struct pgt_geometry *geo = run->pgt->geo;
	const struct pgt_pos *pos = run->pos;
	u32 n = run->n, i;
	u64 size = pgt_level_size(geo, pos->level);
	int ret = 0;

	if (pos->level == PGT_LEVEL_LAST)
		return (int)n;
	for (i = 0; i < n && !ret; i++) {
		struct pgt_pos block = *pos;

		block.slot = pos->slot + i;
		block.desc = entry_read(block.slot);
		if (desc_is_table(block.desc, pos->level))
			break;
		if (!desc_is_valid(block.desc) && !desc_is_locked(block.desc))
			continue;
		ret = table_install(run->pgt, run->op, &block, run->ia + i * size,
				    leaf_level(run->op, geo, pos->level));
		/* Whatever it has become, the way down sees it next. */
		break;
	}
	run->n = i;
	return ret ? ret : (int)i;
}

int pgt_s2_split(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size)
{
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	return ret ? ret : pgt_for_each_run(pgt, op, ipa.v, size, split_run, NULL);
}
