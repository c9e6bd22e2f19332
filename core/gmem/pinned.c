// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Donated frames that come back: when the VM has ended, all of them, or one that the
 * guest gave up while it runs. A block is held by the environment as one thing, and so
 * goes back as one, with the last of its frames.
 *
 * Invariant 8: EL2 has taken the frame from the guest before it is told here; until the
 * record goes as well, a fault on it finds it recorded, and tries again.
 * Locks: the records' lock for writing, the mmu lock as gmem_protected.h says.
 */
#include "protected_priv.h"

/* Whether any frame of [@gfn, @end) is recorded as part of a block. */
static bool has_part(const struct gmem_protected *p, u64 gfn, u64 end)
{
	struct gmem_cursor c;
	struct gmem_run run;
	bool more;

	if (gfn >= end)
		return false;
	for (more = gmem_records_first(&p->records, gfn, &c, &run); more && run.gfn < end;
	     more = gmem_records_next(&c, &run)) {
		if (run.attr & ATTR_PART)
			return true;
	}
	return false;
}

/* Gives back the blocks of which [@gfn, @end), in @run, is all that is left. */
static void give_back_parts(struct gmem_protected *p, const struct gmem_run *run, u64 gfn, u64 end)
{
	u32 order = p->be.block_order[0];
	u64 size = 1ull << order, unit;

	for (unit = gfn & ~(size - 1); unit < end; unit += size) {
		u64 from = unit > gfn ? unit : gfn, to = unit + size < end ? unit + size : end;

		if (!has_part(p, unit, from) && !has_part(p, to, unit + size))
			p->hyp_ops->returned(p->hyp, run->pfn + unit - run->gfn, size, order);
	}
}

void gmem_pinned_give_back(struct gmem_protected *p, u64 gfn, u64 end)
{
	struct gmem_cursor c;
	struct gmem_run run;
	bool more = gmem_records_first(&p->records, gfn, &c, &run);

	for (; more && run.gfn < end; more = gmem_records_next(&c, &run)) {
		u64 from = run.gfn > gfn ? run.gfn : gfn;
		u64 to = gmem_run_end(&run) < end ? gmem_run_end(&run) : end;

		if (run.attr & ATTR_PART)
			give_back_parts(p, &run, from, to);
		else
			p->hyp_ops->returned(p->hyp, run.pfn + (from - run.gfn), to - from,
					     gmem_p_order(p, run.attr));
	}
}

/* The block around @gfn is recorded as its pages from now on; the cache has the leaves. */
static void break_block(struct gmem_protected *p, struct gmem_run *run, u64 gfn,
			struct gmem_cache *cache)
{
	u64 size = 1ull << gmem_p_order(p, run->attr), unit = gfn & ~(size - 1);
	int err = gmem_records_remove(&p->records, unit, size, &cache->leaves);

	port_assert(!err);
	run->pfn += unit - run->gfn;
	run->gfn = unit;
	run->pages = size;
	run->attr = (run->attr & ~ATTR_SIZE) | ATTR_PART;
	err = gmem_records_insert(&p->records, run, &cache->leaves);
	port_assert(!err);
}

int gmem_protected_relinquished(struct gmem_protected *p, u64 gfn, struct gmem_cache *cache)
{
	struct gmem_run run;
	int err = -ENOENT;

	if (!p->pinned)
		return -EPERM;
	p->env_ops->lock(p->env, GMEM_LOCK_MMU, true);
	p->env_ops->lock(p->env, GMEM_LOCK_RECORDS, true);
	if (!gmem_records_find(&p->records, gfn, &run) || run.gfn > gfn)
		goto out;
	/* A run that is cut in three twice, and the insertion. */
	err = gmem_has_leaves(cache, 3) ? 0 : -ENOMEM;
	if (err)
		goto out;
	if (run.attr & ATTR_SIZE)
		break_block(p, &run, gfn, cache);
	gmem_pinned_give_back(p, gfn, gfn + 1);
	err = gmem_records_remove(&p->records, gfn, 1, &cache->leaves);
	port_assert(!err);
out:
	p->env_ops->unlock(p->env, GMEM_LOCK_RECORDS, true);
	p->env_ops->unlock(p->env, GMEM_LOCK_MMU, true);
	return err;
}
