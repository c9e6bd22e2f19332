// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The host's changes to its own mappings, carried over to the guest: invalidations
 * and ageing of ranges of host addresses, found in the slots by hva.
 *
 * Invariant 9: when gmem_invalidate_start() returns, the translations and their TLB
 * entries are gone, and no fault makes new ones before gmem_invalidate_end() (see
 * gmem.h and fault.c). Every invalidation counts, whether or not a slot is there: a
 * slot may come while it is in progress, and a fault through it has to wait as well.
 * Invariant 10: ageing reports every use since the last time.
 *
 * Locks: the mmu lock for writing; slots are looked up with it held, which does for a
 * readers' section where it is not given away in between.
 */
#include "gmem_priv.h"

int gmem_walk(struct gmem *g, enum gmem_walk walk, u64 gfn, u64 pages, bool may_sleep)
{
	const struct gmem_backend_ops *ops = g->be->ops;

	while (pages) {
		u64 done = 0;
		int err;

		switch (walk) {
		case GMEM_WALK_UNMAP:
			err = ops->unmap(g->be, gfn, pages, &done);
			break;
		case GMEM_WALK_WRPROTECT:
			err = ops->wrprotect(g->be, gfn, pages, &done);
			break;
		case GMEM_WALK_COLLAPSE:
			err = ops->collapse(g->be, gfn, pages, &done);
			break;
		default:
			err = ops->flush(g->be, gfn, pages, &done);
			break;
		}
		if (err)
			return err;
		port_assert(done && done <= pages);
		gfn += done;
		pages -= done;
		if (pages && may_sleep)
			g->ops->relax(g->env);
	}
	return 0;
}

/* The part of a slot that a range of host addresses meets. */
struct part {
	struct gmem_node *node;
	u32 idx;
	u64 gfn;
	u64 pages;
};

/* Sets @p to the first (p->node NULL) or next slot that meets [@start, @end); false: none. */
static bool next_part(const struct gmem *g, u64 start, u64 end, struct part *p)
{
	const struct gmem_slot *slot;
	u64 from, to;

	if (p->node)
		p->node = gmem_tree_next_overlap(p->node, start, end - 1);
	else
		p->node = gmem_tree_overlap(&gmem_active(g, &p->idx)->by_hva, start, end - 1);
	if (!p->node)
		return false;
	slot = gmem_entry(p->node - p->idx, struct gmem_slot, by_hva[0]);
	from = start > slot->hva ? start - slot->hva : 0;
	to = end - 1 < p->node->last ? end - 1 - slot->hva : p->node->last - slot->hva;
	from >>= g->page_shift;
	p->gfn = slot->gfn + from;
	p->pages = (to >> g->page_shift) - from + 1;
	return true;
}

static void unmap_hva(struct gmem *g, u64 start, u64 end, bool may_sleep)
{
	struct part p = { 0 };

	while (next_part(g, start, end, &p))
		gmem_walk(g, GMEM_WALK_UNMAP, p.gfn, p.pages, may_sleep);
}

/* The union of all invalidations in progress includes [@start, @end). */
static void widen(struct gmem *g, u64 start, u64 end)
{
	if (!g->invalidating || start < g->inv_start)
		g->inv_start = start;
	if (!g->invalidating || end > g->inv_end)
		g->inv_end = end;
	g->invalidating++;
}

void gmem_invalidate_start(struct gmem *g, u64 start, u64 end, bool may_sleep)
{
	u32 token;

	if (g->pinned || start >= end)
		return;
	token = g->ops->enter(g->env);
	gmem_lock_write(g);
	gmem_count(&g->stats.invalidations);
	widen(g, start, end);
	unmap_hva(g, start, end, may_sleep);
	gmem_unlock_write(g);
	g->ops->leave(g->env, token);
}

void gmem_invalidate_end(struct gmem *g, u64 start, u64 end)
{
	if (g->pinned || start >= end)
		return;
	gmem_lock_write(g);
	/* A fault that resolved its page while we were in progress has the old count. */
	port_write_release64(&g->seq, g->seq + 1);
	port_assert(g->invalidating);
	g->invalidating--;
	gmem_unlock_write(g);
}

void gmem_change_pte(struct gmem *g, u64 hva)
{
	u64 end = hva + (1ull << g->page_shift);

	gmem_invalidate_start(g, hva, end, false);
	gmem_invalidate_end(g, hva, end);
}

/* 1 if any page of the part is young. */
static int age_part(struct gmem *g, const struct part *p, u32 age)
{
	u64 gfn = p->gfn, left = p->pages;
	int young = 0;

	while (left) {
		u64 done = 0;
		int ret = g->be->ops->test_clear_young(g->be, gfn, left, age, &done);

		if (ret < 0)
			return young;
		port_assert(done && done <= left);
		young |= ret;
		if (young && !(age & GMEM_AGE_CLEAR))
			break;
		gfn += done;
		left -= done;
	}
	return young;
}

bool gmem_age(struct gmem *g, u64 start, u64 end, bool clear, bool flush)
{
	u32 age = clear ? GMEM_AGE_CLEAR : 0;
	struct part p = { 0 };
	bool young = false;

	if (clear && flush)
		age |= GMEM_AGE_FLUSH;
	if (g->pinned || start >= end)
		return false;
	gmem_lock_write(g);
	while (next_part(g, start, end, &p)) {
		if (!age_part(g, &p, age))
			continue;
		young = true;
		if (!clear)
			break;
	}
	gmem_unlock_write(g);
	return young;
}

void gmem_unmap_all(struct gmem *g)
{
	if (g->pinned)
		return;
	gmem_lock_write(g);
	port_write_release64(&g->seq, g->seq + 1);
	gmem_walk(g, GMEM_WALK_UNMAP, 0, 1ull << (g->ipa_bits - g->page_shift), true);
	gmem_unlock_write(g);
}

void gmem_flush_caches(struct gmem *g)
{
	gmem_lock_write(g);
	gmem_walk(g, GMEM_WALK_FLUSH, 0, 1ull << (g->ipa_bits - g->page_shift), true);
	gmem_unlock_write(g);
}
