// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Putting one entry in the place of a table that says no more than it could.
 *
 * A pass over the range goes from entry to entry; at the end of each table it tries
 * that table, and if that was the last of its parent, the parent, so that each table
 * is tried once and blocks grow from the bottom. A change of size: break-before-make,
 * and between break and make the entries are read again, because only then has the
 * hardware stopped noting accesses and writes in them (invariant 10). Exclusive.
 */
#include "unmap.h"

struct merging {
	struct pgt *pgt;
	struct pgt_op *op;
	u64 start, ia, end;
	u32 made;
};

/* What makes entry @i of a uniform table differ from entry 0, hardware bits apart. */
static bool is_uniform(const struct pgt_geometry *geo, const u64 *table, s8 level)
{
	u64 first = entry_read(table), expect = first;
	bool leaf = desc_is_valid(first);
	u64 hw = leaf ? desc_hw_bits(geo, first) | DESC_AF : 0;
	u64 step = leaf ? pgt_level_size(geo, level) : 0;
	u32 i;

	for (i = 1; i < geo->table_entries; i++) {
		expect += step;
		if ((entry_read(&table[i]) ^ expect) & ~hw)
			return false;
	}
	return true;
}

/* The block that a uniform table of leaves makes up, with all that the hardware noted. */
static u64 merged_leaf(const struct pgt_geometry *geo, const u64 *table, s8 level)
{
	u64 desc = entry_read(table), hw = desc_hw_bits(geo, desc) | DESC_AF;
	u32 i;

	for (i = 1; i < geo->table_entries; i++)
		desc |= entry_read(&table[i]) & hw;
	return (desc & ~DESC_TYPE) | desc_leaf_type(level - 1);
}

/* Whether a leaf for all of @table may exist: at that level, and of that address. */
static bool fits_block(const struct merging *m, const u64 *table, s8 level)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 first = entry_read(table);
	u8 shift = level_shift(geo, level - 1);

	if (!desc_is_valid(first))
		return true;
	return desc_is_leaf(first, level) && pgt_level_has_leaf(geo, level - 1) &&
	       !(desc_oa(geo, first) & ((1ULL << shift) - 1)) &&
	       (!m->op->max_shift || shift <= m->op->max_shift);
}

/* Replaces the table of @level that ends at m->ia, and that @slot leads to. */
static bool try_merge(struct merging *m, u64 *slot, s8 level)
{
	struct pgt *pgt = m->pgt;
	u64 size = pgt_level_size(pgt->geo, level - 1), ia = m->ia - size;
	u64 old = entry_read(slot), first;
	u64 *table = table_of(pgt, old);
	struct pgt_gather g;

	if (!fits_block(m, table, level) || !is_uniform(pgt->geo, table, level))
		return false;
	first = entry_read(table);
	pgt_gather_init(&g);
	if (desc_is_valid(first))
		pgt_gather_leaf(&g, ia, size, level);
	pgt_gather_table(&g, ia, size, level - 1);
	entry_write(slot, DESC_LOCKED);
	pgt_gather_flush(pgt, &g);
	entry_publish(slot, desc_is_valid(first) ? merged_leaf(pgt->geo, table, level) : first);
	pgt->env->free_table(pgt->ctx, table);
	m->made++;
	return true;
}

/* m->ia has just passed the last entry of @pos's table: tries that, and its parents. */
static u32 merge_upwards(struct merging *m, const struct pgt_pos *pos)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	s8 level = pos->level;
	u32 spent = 0;

	while (level > geo->start_level && at_table_end(geo, m->ia, level) &&
	       m->ia - m->start >= pgt_level_size(geo, level - 1)) {
		spent += geo->table_entries;
		if (!try_merge(m, pos->path[level], level))
			break;
		level--;
	}
	return spent;
}

/* Passes entries of @pos's table up to the next table or the end of it. */
static u32 pass_entries(struct merging *m, const struct pgt_pos *pos)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u8 shift = level_shift(geo, pos->level);
	u32 left = table_left(geo, m->ia, pos->level), n = 0;

	if (pos->level == PGT_LEVEL_LAST)
		n = left;
	while (n < left && !desc_is_table(entry_read(&pos->slot[n]), pos->level))
		n++;
	m->ia = align_down(m->ia, 1ULL << shift) + ((u64)n << shift);
	return n;
}

static int merge_all(struct merging *m)
{
	u32 budget = m->op->budget;
	struct pgt_pos pos;

	while (m->ia < m->end) {
		u32 n;

		pgt_find(m->pgt, m->ia, &pos);
		n = pass_entries(m, &pos);
		/* A table that ends beyond the range isn't wholly in it. */
		if (m->ia <= m->end)
			n += merge_upwards(m, &pos);
		m->op->done = m->ia < m->end ? m->ia - m->start : m->end - m->start;
		if (budget_spend(m->op, &budget, n))
			break;
	}
	return 0;
}

int pgt_s2_coalesce(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u32 *made)
{
	struct merging m = {
		.pgt = pgt, .op = op, .start = ipa.v, .ia = ipa.v, .end = ipa.v + size,
	};
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	if (!ret)
		ret = merge_all(&m);
	if (made)
		*made = m.made;
	return ret;
}
