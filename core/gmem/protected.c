// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The `protected` backend: hypercalls in batches, and gfn->pfn records that say the
 * same as EL2's stage 2 wherever their lock is not held (invariant 8).
 *
 * A run's attributes tell in which block size its frames were mapped, so that EL2 is
 * never asked to remove part of a block. Removing the middle of a run needs a record
 * more: where even the spare leaf is gone and no memory is to be had, the rest of the
 * run is removed as well, for the guest to fault in again. A notification never fails.
 *
 * Locks: the mmu lock as gmem_backend.h says; inside it the records' lock, for writing
 * wherever records change, and across the hypercalls that belong to the change.
 */
#include "protected_priv.h"

/* More than there are guest frames. */
#define GFNS (1ull << 52)

/* The attribute's part for a mapping of @pages; false: not a size that is offered. */
static bool size_attr(const struct gmem_protected *p, u64 pages, u32 *attr)
{
	u32 i;

	*attr = 0;
	if (pages == 1)
		return true;
	for (i = 0; i < 3; i++) {
		*attr = i + 1;
		if (p->be.block_order[i] && pages == 1ull << p->be.block_order[i])
			return true;
	}
	return false;
}

/* ---- Spans: what one hypercall is about ---- */

/* Mapped frames without a gap, whole blocks only; first and last run as they are. */
struct span {
	u64 gfn;
	u64 end;
	struct gmem_run first;
	struct gmem_run last;
};

void gmem_p_clip(const struct gmem_protected *p, const struct gmem_run *run, u64 *gfn, u64 *end)
{
	u64 mask = (1ull << gmem_p_order(p, run->attr)) - 1;

	if (*gfn < run->gfn)
		*gfn = run->gfn;
	if (*end > gmem_run_end(run))
		*end = gmem_run_end(run);
	*gfn &= ~mask;
	*end = (*end + mask) & ~mask;
}

/* The first span of one call's reach that [@gfn, @end) meets; false: nothing is mapped there. */
static bool next_span(const struct gmem_protected *p, u64 gfn, u64 end, struct span *s)
{
	struct gmem_cursor c;
	struct gmem_run run;
	u64 to = end, reach;

	if (!gmem_records_first(&p->records, gfn, &c, &run) || run.gfn >= end)
		return false;
	s->first = s->last = run;
	s->gfn = gfn;
	gmem_p_clip(p, &run, &s->gfn, &to);
	reach = gmem_p_reach(p, run.attr);
	while (to == gmem_run_end(&run) && to < end && to - s->gfn < reach) {
		u64 from = to;

		if (!gmem_records_next(&c, &run) || run.gfn != from)
			break;
		to = end;
		gmem_p_clip(p, &run, &from, &to);
		s->last = run;
	}
	if (to - s->gfn > reach) {
		/* Ends where a block does: the reach is a multiple of the first one's size. */
		u64 mask = (1ull << gmem_p_order(p, s->last.attr)) - 1;

		to = s->gfn + reach;
		if (to > s->last.gfn)
			to &= ~mask;
	}
	s->end = to;
	return true;
}

/*
 * As next_span(), for hypercalls that pass over what is not mapped: a batch from the
 * first mapped frame on, gaps and all, so that what it costs doesn't depend on how many
 * runs are in it. Blocks at both ends are whole: a batch is a multiple of a block's size,
 * so that a block which begins the span ends in it, or else the span is that block.
 */
static bool next_batch(const struct gmem_protected *p, u64 gfn, u64 end, struct span *s)
{
	u64 to, mask, up, last = gmem_records_end(&p->records);
	struct gmem_run run;

	/* Beyond the last record may be no guest addresses any more. */
	to = end = end < last ? end : last;
	if (!gmem_records_find(&p->records, gfn, &run) || run.gfn >= end)
		return false;
	s->first = run;
	s->gfn = gfn;
	gmem_p_clip(p, &run, &s->gfn, &to);
	s->end = s->gfn + gmem_p_reach(p, run.attr);
	if (s->end - s->gfn > p->batch)
		return true;
	if (s->end > end)
		s->end = end;
	/* The run that the end is in, if any. */
	if (s->end > to && (!gmem_records_find(&p->records, s->end - 1, &run) || run.gfn >= s->end))
		return true;
	mask = (1ull << gmem_p_order(p, run.attr)) - 1;
	up = (s->end + mask) & ~mask;
	s->end = up - s->gfn <= p->batch ? up : s->end & ~mask;
	return true;
}

/* ---- Removing ---- */

typedef bool span_fn(const struct gmem_protected *p, u64 gfn, u64 end, struct span *s);
typedef int hyp_range_fn(void *hyp, u64 gfn, u64 pages, u64 *done);

/* Carries a range through the hypercall; on a refusal says so and goes no further. */
static int call(struct gmem_protected *p, hyp_range_fn *fn, const char *what, u64 gfn, u64 pages)
{
	u64 done = 0;

	while (done < pages) {
		u64 before = done;
		int err = fn(p->hyp, gfn + done, pages - done, &done);

		if (!err && done == before)
			err = -EINVAL;
		if (err) {
			p->hyp_ops->complain(p->hyp, what, gfn + done, err);
			return err;
		}
	}
	return 0;
}

/* Forgets the frames of [@gfn, @end); ready_to_split() has seen to the leaf. */
static void forget(struct gmem_protected *p, u64 gfn, u64 end)
{
	int err;

	if (p->pinned)
		gmem_pinned_give_back(p, gfn, end);
	err = gmem_records_remove_range(&p->records, gfn, end, &p->spare);
	port_assert(!err);
}

/* Keeps one leaf for the next time and gives the others back. */
static void trim_spare(struct gmem_protected *p)
{
	void *keep = gmem_leaf_pop(&p->spare), *leaf;

	while ((leaf = gmem_leaf_pop(&p->spare)))
		p->env_ops->free(p->env, leaf, gmem_records_leaf_size());
	if (keep)
		gmem_leaf_push(&p->spare, keep);
}

/* Whether taking the span away leaves both a head and a tail of one run. */
static bool in_middle(const struct span *s)
{
	return s->gfn > s->first.gfn && s->end < gmem_run_end(&s->first);
}

/* A leaf for the tail that is left; without one, the span becomes the run's tail itself. */
static void ready_to_split(struct gmem_protected *p, struct span *s)
{
	u64 mask = (1ull << gmem_p_order(p, s->first.attr)) - 1;
	void *leaf;

	if (!in_middle(s) || p->spare)
		return;
	leaf = p->env_ops->alloc_now(p->env, gmem_records_leaf_size());
	if (leaf) {
		gmem_leaf_push(&p->spare, leaf);
		return;
	}
	s->end = gmem_run_end(&s->first);
	if (s->end - s->gfn > gmem_p_reach(p, s->first.attr))
		s->gfn = (s->end - gmem_p_reach(p, s->first.attr) + mask) & ~mask;
}

int gmem_p_take(struct gmem_protected *p, u64 gfn, u64 pages, u64 *done)
{
	hyp_range_fn *fn = p->pinned ? p->hyp_ops->reclaim : p->hyp_ops->unmap;
	span_fn *next = p->pinned ? next_span : next_batch;
	u64 end = gfn + pages, work = 0;
	struct span s;
	int err = 0;

	while (next(p, gfn, end, &s) && (work < BATCHES_A_TURN * p->batch || s.gfn <= gfn)) {
		ready_to_split(p, &s);
		err = call(p, fn, "unmap", s.gfn, s.end - s.gfn);
		if (err && p->pinned)
			break;
		forget(p, s.gfn, s.end);
		work += s.end - s.gfn;
		err = 0;
	}
	trim_spare(p);
	gmem_progress(gfn, pages, next(p, gfn, end, &s) && s.gfn > gfn ? s.gfn : end, done);
	return err;
}

static int protected_unmap(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	struct span s;
	int err = 0;

	gmem_p_lock(p, true);
	if (!p->pinned)
		gmem_p_take(p, gfn, pages, done);
	else if (next_span(p, gfn, gfn + pages, &s))
		err = -EPERM;
	else
		*done = pages;
	gmem_p_unlock(p, true);
	return err;
}

static void protected_destroy(struct gmem_backend *be)
{
	struct gmem_protected *p = to_protected(be);
	void *leaf;
	u64 done;
	int err = 0;

	p->env_ops->lock(p->env, GMEM_LOCK_MMU, true);
	while (p->records.runs && !err) {
		gmem_p_lock(p, true);
		err = gmem_p_take(p, 0, GFNS, &done);
		gmem_p_unlock(p, true);
		p->env_ops->relax(p->env);
	}
	p->env_ops->unlock(p->env, GMEM_LOCK_MMU, true);
	while ((leaf = gmem_leaf_pop(&p->spare)))
		p->env_ops->free(p->env, leaf, gmem_records_leaf_size());
}

void gmem_protected_forget(struct gmem_protected *p)
{
	struct span s;

	while (next_span(p, 0, GFNS, &s)) {
		forget(p, s.gfn, s.end);
		trim_spare(p);
	}
	p->env_ops->free(p->env, gmem_leaf_pop(&p->spare), gmem_records_leaf_size());
}

/* ---- Mapping ---- */

/* Makes way for a mapping; -EAGAIN: another vCPU has made it, or a better one. */
static int make_way(struct gmem_protected *p, const struct gmem_run *new)
{
	struct gmem_run run;
	u64 done;

	/* Memory that is touched in order lies behind all that is recorded. */
	if (new->gfn >= gmem_records_end(&p->records) ||
	    !gmem_records_find(&p->records, new->gfn, &run) || run.gfn >= gmem_run_end(new))
		return 0;
	if (run.gfn <= new->gfn && gmem_run_end(&run) >= gmem_run_end(new) &&
	    run.pfn + (new->gfn - run.gfn) == new->pfn &&
	    (run.attr | ATTR_WRITABLE) == (new->attr | ATTR_WRITABLE) && run.attr >= new->attr)
		return -EAGAIN;
	if (p->pinned)
		return new->pages == 1 ? -EAGAIN : -E2BIG;
	for (done = 0; done < new->pages;) {
		u64 n = 0;

		gmem_p_take(p, new->gfn + done, new->pages - done, &n);
		done += n;
	}
	return 0;
}

/* The hypercalls of one mapping, undone if they stop half way. */
static int map_run(struct gmem_protected *p, const struct gmem_run *new, u32 prot)
{
	u64 done = 0;
	int err = 0;

	while (!err && done < new->pages) {
		u64 before = done;

		err = p->hyp_ops->map(p->hyp, new->gfn + done, new->pfn + done,
				      new->pages - done, prot, &done);
		if (!err && done == before)
			err = -EINVAL;
	}
	if (err && done)
		call(p, p->pinned ? p->hyp_ops->reclaim : p->hyp_ops->unmap, "undo", new->gfn,
		     done);
	return err;
}

static int protected_map(struct gmem_backend *be, u64 gfn, u64 pages, u64 pfn, u32 prot,
			 bool host_writable, struct gmem_cache *cache)
{
	struct gmem_protected *p = to_protected(be);
	struct gmem_run new = { .gfn = gfn, .pfn = pfn, .pages = pages };
	int err;

	if (!size_attr(p, pages, &new.attr) || ((gfn | pfn) & (pages - 1)))
		return -EINVAL;
	if (!cache->leaves)
		return -ENOMEM;
	if (host_writable)
		new.attr |= ATTR_WRITABLE;
	if (prot & (GMEM_PROT_DEVICE | GMEM_PROT_NC))
		new.attr |= ATTR_DEVICE;
	gmem_p_lock(p, true);
	err = make_way(p, &new);
	if (!err)
		err = map_run(p, &new, prot);
	if (!err) {
		err = gmem_records_insert(&p->records, &new, &cache->leaves);
		port_assert(!err);
		if (!p->spare && cache->leaves)
			gmem_leaf_push(&p->spare, gmem_leaf_pop(&cache->leaves));
	}
	gmem_p_unlock(p, true);
	return err;
}

static int protected_relax_perms(struct gmem_backend *be, u64 gfn, u32 prot)
{
	struct gmem_protected *p = to_protected(be);
	int err = p->hyp_ops->relax(p->hyp, gfn, prot);

	return err == -ENOENT ? -EAGAIN : err;
}

static void protected_mkyoung(struct gmem_backend *be, u64 gfn)
{
	struct gmem_protected *p = to_protected(be);

	/* Not mapped any more is no error: the guest faults again. */
	p->hyp_ops->mkyoung(p->hyp, gfn);
}

/* ---- Going over what is mapped ---- */

static int protected_wrprotect(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct span s;

	gmem_p_lock(p, false);
	while (at < end && work < BATCHES_A_TURN * p->batch) {
		if (!next_batch(p, at, end, &s)) {
			at = end;
			break;
		}
		call(p, p->hyp_ops->wrprotect, "wrprotect", s.gfn, s.end - s.gfn);
		work += s.end - s.gfn;
		at = s.end;
	}
	gmem_p_unlock(p, false);
	gmem_progress(gfn, pages, at, done);
	return 0;
}

/* Ages [@gfn, @end), which one call may reach; 1 if any of it was young. */
static int age_range(struct gmem_protected *p, u64 gfn, u64 end, u32 age)
{
	bool young = false;
	u64 done = 0;

	while (done < end - gfn) {
		u64 before = done;
		int err = p->hyp_ops->test_clear_young(p->hyp, gfn + done,
						       end - gfn - done, age, &done, &young);

		if (!err && done == before)
			err = -EINVAL;
		if (err) {
			p->hyp_ops->complain(p->hyp, "test_clear_young", gfn + done, err);
			return 1;
		}
	}
	return young;
}

/* Not inline: a single page, which is aged without it, would pay for its frame. */
static __attribute__((__noinline__)) int age_mapped(struct gmem_protected *p, u64 gfn, u64 pages,
						    u32 age, u64 *done)
{
	u64 end = gfn + pages, at = gfn, work = 0;
	struct span s;
	int young = 0;

	gmem_p_lock(p, false);
	while (at < end && work < BATCHES_A_TURN * p->batch) {
		if (!next_batch(p, at, end, &s)) {
			at = end;
			break;
		}
		young |= age_range(p, s.gfn, s.end, age);
		work += s.end - s.gfn;
		at = s.end;
		if (young && !(age & GMEM_AGE_CLEAR))
			break;
	}
	gmem_p_unlock(p, false);
	gmem_progress(gfn, pages, at, done);
	return young;
}

static int protected_test_clear_young(struct gmem_backend *be, u64 gfn, u64 pages, u32 age,
				      u64 *done)
{
	struct gmem_protected *p = to_protected(be);

	if (pages != 1)
		return age_mapped(p, gfn, pages, age, done);
	/* What kernels ask for mostly. EL2 passes over what is not mapped: no need to look first. */
	*done = 1;
	return age_range(p, gfn, gfn + 1, age);
}

static int protected_flush(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct gmem_run run;

	gmem_p_lock(p, false);
	while (work < BATCHES_A_TURN * p->batch) {
		u64 to = end;

		if (!gmem_records_find(&p->records, at, &run) || run.gfn >= end) {
			at = end;
			break;
		}
		gmem_p_clip(p, &run, &at, &to);
		/* Whole blocks: the next turn would come back to the begin of one cut in two. */
		if (to - at > gmem_p_reach(p, run.attr))
			to = at + gmem_p_reach(p, run.attr);
		if (!(run.attr & ATTR_DEVICE))
			p->hyp_ops->clean(p->hyp, run.pfn + (at - run.gfn), to - at);
		work += to - at;
		at = to;
	}
	gmem_p_unlock(p, false);
	gmem_progress(gfn, pages, at, done);
	return 0;
}

static int protected_lookup(struct gmem_backend *be, u64 gfn, struct gmem_mapping *m)
{
	struct gmem_protected *p = to_protected(be);
	struct gmem_run run;
	bool found;

	gmem_p_lock(p, false);
	found = gmem_records_find(&p->records, gfn, &run);
	gmem_p_unlock(p, false);
	if (!found || run.gfn > gfn)
		return -ENOENT;
	m->pages = 1ull << gmem_p_order(p, run.attr);
	m->gfn = gfn & ~(m->pages - 1);
	m->pfn = run.pfn + (m->gfn - run.gfn);
	m->host_writable = run.attr & ATTR_WRITABLE;
	m->device = run.attr & ATTR_DEVICE;
	return 0;
}

static void protected_flush_tlb(struct gmem_backend *be, u64 gfn, u64 pages)
{
	struct gmem_protected *p = to_protected(be);

	(void)gfn;
	(void)pages;
	if (p->hyp_ops->flush_tlb)
		p->hyp_ops->flush_tlb(p->hyp);
}

static const struct gmem_backend_ops protected_ops = {
	.name = "protected",
	.map = protected_map,
	.unmap = protected_unmap,
	.wrprotect = protected_wrprotect,
	.flush = protected_flush,
	.test_clear_young = protected_test_clear_young,
	.relax_perms = protected_relax_perms,
	.mkyoung = protected_mkyoung,
	.split = gmem_p_split,
	.collapse = gmem_p_collapse,
	.lookup = protected_lookup,
	.flush_tlb = protected_flush_tlb,
	.destroy = protected_destroy,
};

void gmem_protected_block_orders(u32 page_shift, u64 largest, u32 order[3])
{
	u32 bits = page_shift - 3; /* that one level of tables resolves */
	u32 i;

	for (i = 0; i < 3; i++)
		order[i] = i < 2 && 1ull << (bits * (i + 1)) <= largest ? bits * (i + 1) : 0;
}

void gmem_protected_init(struct gmem_protected *p, const struct gmem_protected_config *cfg)
{
	memset(p, 0, sizeof(*p));
	p->be.ops = &protected_ops;
	p->be.shared_split = true;
	gmem_protected_block_orders(cfg->page_shift, cfg->largest, p->be.block_order);
	p->hyp_ops = cfg->hyp_ops;
	p->hyp = cfg->hyp;
	p->env_ops = cfg->env_ops;
	p->env = cfg->env;
	p->batch = cfg->batch;
	p->pinned = cfg->pinned;
	gmem_records_init(&p->records);
}
