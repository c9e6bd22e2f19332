// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Owner annotations: what software keeps about a range that has no translation.
 *
 * Setting one is the way by which a page leaves the host's stage 2: what was mapped
 * is gone, from the TLBs too, before the call returns (invariant 3), unless the caller
 * gathers. Only whole entries are annotated; larger ones are divided first, and
 * everything outside the range keeps its translation. Exclusive.
 */
#include "unmap.h"

struct marking {
	struct pgt *pgt;
	struct pgt_op *op;
	u64 start, ia, end;
	u64 desc; /* annotation, or 0 */
};

/* Overwrites up to @n entries at @pos, up to the first table. Returns how many. */
static u32 mark_entries(struct marking *m, const struct pgt_pos *pos, u32 n)
{
	u64 size = pgt_level_size(m->pgt->geo, pos->level);
	u32 i;

	for (i = 0; i < n; i++) {
		u64 old = entry_read(&pos->slot[i]);

		if (desc_is_table(old, pos->level))
			break;
		if (old == m->desc)
			continue;
		/* To an invalid entry: no break needed, only that the old one goes. */
		entry_write(&pos->slot[i], m->desc);
		if (desc_is_valid(old))
			pgt_gather_leaf(m->op->gather, m->ia + i * size, size, pos->level);
	}
	return i;
}

static int mark_run(struct marking *m, const struct pgt_pos *pos, u32 n)
{
	struct pgt_run run = { .pgt = m->pgt, .op = m->op, .pos = pos, .ia = m->ia };

	n = mark_entries(m, pos, n);
	prune(&run, n, n && !m->desc);
	m->ia += (u64)n << level_shift(m->pgt->geo, pos->level);
	return 0;
}

/* The entry at @pos reaches beyond the range. */
static int mark_part(struct marking *m, const struct pgt_pos *pos)
{
	u64 size = pgt_level_size(m->pgt->geo, pos->level);
	u64 entry_end = align_down(m->ia, size) + size;

	if (pos->desc == m->desc) {
		m->ia = entry_end < m->end ? entry_end : m->end;
		return 0;
	}
	return table_install(m->pgt, m->op, pos, m->ia, pos->level + 1);
}

static int mark_step(struct marking *m, u32 *budget)
{
	struct pgt_pos pos;
	u64 size, n;
	u32 left;
	int ret;

	pgt_find(m->pgt, m->ia, &pos);
	size = pgt_level_size(m->pgt->geo, pos.level);
	left = table_left(m->pgt->geo, m->ia, pos.level);
	n = (m->end - m->ia) >> level_shift(m->pgt->geo, pos.level);
	n = budget_clip(m->op, *budget, n < left ? n : left);
	if (!n || (m->ia & (size - 1))) {
		ret = mark_part(m, &pos);
		n = 1;
	} else {
		ret = mark_run(m, &pos, (u32)n);
	}
	m->op->done = m->ia - m->start;
	if (!ret && budget_spend(m->op, budget, (u32)n))
		return 1;
	return ret;
}

static int mark_all(struct marking *m)
{
	struct pgt_gather local, *caller = m->op->gather;
	u32 budget = m->op->budget;
	int ret = 0;

	pgt_gather_init(&local);
	if (!caller)
		m->op->gather = &local;
	while (!ret && m->ia < m->end)
		ret = mark_step(m, &budget);
	m->op->gather = caller;
	pgt_gather_flush(m->pgt, &local);
	return ret < 0 ? ret : 0;
}

int pgt_s2_set_owner(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u64 owner)
{
	struct marking m = {
		.pgt = pgt, .op = op, .start = ipa.v, .ia = ipa.v, .end = ipa.v + size,
		.desc = desc_from_owner(owner),
	};
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	if (ret)
		return ret;
	return owner > PGT_OWNER_MAX ? -EINVAL : mark_all(&m);
}
