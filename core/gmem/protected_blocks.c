// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Block sizes in the `protected` backend: blocks become pages for the dirty log, and
 * pages that a block could map go away when it ends, for the next fault to bring the
 * block back.
 *
 * Locks: the mmu lock as gmem_backend.h says; inside it the records' lock for writing,
 * across hypercall and change of records alike (invariant 8).
 */
#include "protected_priv.h"

/* The first run of blocks that [@gfn, @end) meets. */
static bool next_blocks(const struct gmem_protected *p, u64 gfn, u64 end, struct gmem_run *run)
{
	for (; gmem_records_find(&p->records, gfn, run) && run->gfn < end; gfn = gmem_run_end(run)) {
		if (run->attr & ATTR_SIZE)
			return true;
	}
	return false;
}

/* The frames of [@gfn, @end), part of @run, are pages from now on. */
static void record_split(struct gmem_protected *p, const struct gmem_run *run, u64 gfn, u64 end,
			 struct gmem_cache *cache)
{
	struct gmem_run pages = *run;
	int err = gmem_records_remove(&p->records, gfn, end - gfn, &cache->leaves);

	port_assert(!err);
	pages.gfn = gfn;
	pages.pfn += gfn - run->gfn;
	pages.pages = end - gfn;
	pages.attr &= ~ATTR_SIZE;
	err = gmem_records_insert(&p->records, &pages, &cache->leaves);
	port_assert(!err);
}

int gmem_p_split(struct gmem_backend *be, u64 gfn, u64 pages, struct gmem_cache *cache, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct gmem_run run;
	int err = 0;

	gmem_p_lock(p, true);
	while (work < BATCHES_A_TURN * p->batch && !err) {
		u64 to = end, mask, did = 0;

		if (!next_blocks(p, at, end, &run)) {
			at = end;
			break;
		}
		mask = (1ull << gmem_p_order(p, run.attr)) - 1;
		gmem_p_clip(p, &run, &at, &to);
		if (to - at > gmem_p_reach(p, run.attr))
			to = at + gmem_p_reach(p, run.attr);
		err = gmem_has_leaves(cache, 2) ? p->hyp_ops->split(p->hyp, at, to - at, &did) : -ENOMEM;
		did &= ~mask;
		if (did)
			record_split(p, &run, at, at + did, cache);
		else if (!err)
			err = -EAGAIN;
		at += did;
		work += did;
	}
	gmem_p_unlock(p, true);
	/* A block may begin before the range. */
	gmem_progress(gfn, pages, at < gfn ? gfn : at, done);
	return err;
}

/* The first place at or after @gfn in @run where its pages would make a block of 2^@order. */
static bool would_be_block(const struct gmem_run *run, u64 gfn, u32 order, u64 *first)
{
	u64 mask = (1ull << order) - 1;

	if (!order || ((run->gfn ^ run->pfn) & mask))
		return false;
	*first = (gfn + mask) & ~mask;
	return *first + mask < gmem_run_end(run);
}

int gmem_p_collapse(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, took, did;
	struct gmem_run run;

	gmem_p_lock(p, true);
	if (!gmem_records_find(&p->records, at, &run) || run.gfn >= end) {
		at = end;
	} else {
		u32 order = p->be.block_order[0];
		u64 first;

		if (at < run.gfn)
			at = run.gfn;
		if (!(run.attr & (ATTR_SIZE | ATTR_DEVICE)) &&
		    would_be_block(&run, at, order, &first) && first + (1ull << order) <= end) {
			for (took = 0; took < 1ull << order; took += did)
				gmem_p_take(p, first + took, (1ull << order) - took, &did);
			at = first + (1ull << order);
		} else {
			at = gmem_run_end(&run);
		}
	}
	gmem_p_unlock(p, true);
	gmem_progress(gfn, pages, at, done);
	return 0;
}
