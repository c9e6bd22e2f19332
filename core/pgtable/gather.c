// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an operation has changed and not yet invalidated: one hull of addresses, the
 * levels touched, and the tables that wait for their end. A gather belongs to one
 * caller; its locks are those of the operations it is passed to.
 */
#include "unmap.h"

void pgt_gather_init(struct pgt_gather *g)
{
	*g = (struct pgt_gather){ 0 };
}

static void widen(struct pgt_gather *g, u64 ia, u64 size)
{
	if (g->start >= g->end) {
		g->start = ia;
		g->end = ia + size;
		return;
	}
	if (ia < g->start)
		g->start = ia;
	if (ia + size > g->end)
		g->end = ia + size;
}

void pgt_gather_leaf(struct pgt_gather *g, u64 ia, u64 size, s8 level)
{
	widen(g, ia, size);
	g->levels |= (u8)(1U << (level + 1));
}

void pgt_gather_table(struct pgt_gather *g, u64 ia, u64 size, s8 level)
{
	pgt_gather_leaf(g, ia, size, level);
	g->tables = true;
}

void pgt_gather_flush(struct pgt *pgt, struct pgt_gather *g)
{
	struct pgt_tlb_plan plan;

	if (g->start >= g->end)
		return;
	pgt_tlb_plan(pgt->geo, g, &plan);
	pgt->env->tlb_flush(pgt->ctx, &plan);
	gather_free_dead(pgt, g);
	pgt_gather_init(g);
}

void pgt_s2_flush_tlb_range(struct pgt *pgt, ipa_t ipa, u64 size)
{
	struct pgt_gather g;

	pgt_gather_init(&g);
	/* Leaves of all levels may be meant: no hint, and the smallest stride. */
	pgt_gather_leaf(&g, ipa.v, size, PGT_LEVEL_LAST);
	g.levels |= 1;
	pgt_gather_flush(pgt, &g);
}

void pgt_flush_tlb_all(struct pgt *pgt)
{
	struct pgt_tlb_plan plan;

	pgt_tlb_plan_all(pgt->geo, &plan);
	pgt->env->tlb_flush(pgt->ctx, &plan);
}
