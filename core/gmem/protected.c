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
#include "gmem_priv.h"
#include <core/gmem_protected.h>

/* Attributes of a run: the block size it was mapped in, 0 for pages; and two flags. */
#define ATTR_SIZE     0x3u
#define ATTR_WRITABLE 0x4u
#define ATTR_DEVICE   0x8u

/* Pages that a call over a range deals with before it lets go of the locks. */
#define BATCHES_A_TURN 4

/* More than there are guest frames. */
#define GFNS (1ull << 52)

static struct gmem_protected *to_protected(struct gmem_backend *be)
{
	return gmem_entry(be, struct gmem_protected, be);
}

static void lock(struct gmem_protected *p, bool write)
{
	p->env_ops->lock(p->env, GMEM_LOCK_RECORDS, write);
}

static void unlock(struct gmem_protected *p, bool write)
{
	p->env_ops->unlock(p->env, GMEM_LOCK_RECORDS, write);
}

static u32 attr_order(const struct gmem_protected *p, u32 attr)
{
	return attr & ATTR_SIZE ? p->be.block_order[(attr & ATTR_SIZE) - 1] : 0;
}

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

static u64 run_end(const struct gmem_run *run)
{
	return run->gfn + run->pages;
}

/* ---- Spans: what one hypercall is about ---- */

/* Mapped frames without a gap, whole blocks only; first and last run as they are. */
struct span {
	u64 gfn;
	u64 end;
	struct gmem_run first;
	struct gmem_run last;
};

/* The part of @run that a range [@gfn, @end) meets, rounded out to whole blocks. */
static void clip(const struct gmem_protected *p, const struct gmem_run *run, u64 *gfn, u64 *end)
{
	u64 mask = (1ull << attr_order(p, run->attr)) - 1;

	if (*gfn < run->gfn)
		*gfn = run->gfn;
	if (*end > run_end(run))
		*end = run_end(run);
	*gfn &= ~mask;
	*end = (*end + mask) & ~mask;
}

/* The first span of at most a batch that [@gfn, @end) meets; false: nothing is mapped there. */
static bool next_span(const struct gmem_protected *p, u64 gfn, u64 end, struct span *s)
{
	struct gmem_cursor c;
	struct gmem_run run;
	u64 to = end;

	if (!gmem_records_first(&p->records, gfn, &c, &run) || run.gfn >= end)
		return false;
	s->first = s->last = run;
	s->gfn = gfn;
	clip(p, &run, &s->gfn, &to);
	while (to == run_end(&run) && to < end && to - s->gfn < p->batch) {
		u64 from = to;

		if (!gmem_records_next(&c, &run) || run.gfn != from)
			break;
		to = end;
		clip(p, &run, &from, &to);
		s->last = run;
	}
	if (to - s->gfn > p->batch) {
		/* Ends where a block does: a batch is a multiple of every block's size. */
		u64 mask = (1ull << attr_order(p, s->last.attr)) - 1;

		to = s->gfn + p->batch;
		if (to > s->last.gfn)
			to &= ~mask;
	}
	s->end = to;
	return true;
}

/*
 * As next_span(), for hypercalls that pass over what is not mapped: a batch from the
 * first mapped frame on, gaps and all, so that what it costs doesn't depend on how many
 * runs are in it. Blocks at both ends are whole: a batch is a multiple of every block's
 * size, so that a block which begins the span ends in it.
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
	clip(p, &run, &s->gfn, &to);
	s->end = end - s->gfn < p->batch ? end : s->gfn + p->batch;
	/* The run that the end is in, if any. */
	if (s->end > to && (!gmem_records_find(&p->records, s->end - 1, &run) || run.gfn >= s->end))
		return true;
	mask = (1ull << attr_order(p, run.attr)) - 1;
	up = (s->end + mask) & ~mask;
	s->end = up - s->gfn <= p->batch ? up : s->end & ~mask;
	return true;
}

/* How far a call over a range came, given that all before @at is dealt with. */
static void progress(u64 gfn, u64 pages, u64 at, u64 *done)
{
	*done = at > gfn + pages ? pages : at - gfn;
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

/* Tells the environment that donated frames are back. */
static void give_back(struct gmem_protected *p, u64 gfn, u64 end)
{
	struct gmem_cursor c;
	struct gmem_run run;
	bool more = gmem_records_first(&p->records, gfn, &c, &run);

	for (; more && run.gfn < end; more = gmem_records_next(&c, &run)) {
		u64 from = run.gfn > gfn ? run.gfn : gfn;
		u64 to = run_end(&run) < end ? run_end(&run) : end;

		p->hyp_ops->returned(p->hyp, run.pfn + (from - run.gfn), to - from,
				     attr_order(p, run.attr));
	}
}

/* Forgets the frames of [@gfn, @end); ready_to_split() has seen to the leaf. */
static void forget(struct gmem_protected *p, u64 gfn, u64 end)
{
	int err;

	if (p->pinned)
		give_back(p, gfn, end);
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
	return s->gfn > s->first.gfn && s->end < run_end(&s->first);
}

/* A leaf for the tail that is left; without one, the span becomes the run's tail itself. */
static void ready_to_split(struct gmem_protected *p, struct span *s)
{
	u64 mask = (1ull << attr_order(p, s->first.attr)) - 1;
	void *leaf;

	if (!in_middle(s) || p->spare)
		return;
	leaf = p->env_ops->alloc_now(p->env, gmem_records_leaf_size());
	if (leaf) {
		gmem_leaf_push(&p->spare, leaf);
		return;
	}
	s->end = run_end(&s->first);
	if (s->end - s->gfn > p->batch)
		s->gfn = (s->end - p->batch + mask) & ~mask;
}

/*
 * Takes what is mapped in the range away; records lock held for writing. Donated pages
 * that EL2 does not give back stay recorded, and its error is returned. That it refuses
 * to unmap another page is a bug: complain() stops the VM, and the record goes.
 */
static int take(struct gmem_protected *p, u64 gfn, u64 pages, u64 *done)
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
	progress(gfn, pages, next(p, gfn, end, &s) && s.gfn > gfn ? s.gfn : end, done);
	return err;
}

static int protected_unmap(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	struct span s;
	int err = 0;

	lock(p, true);
	if (!p->pinned)
		take(p, gfn, pages, done);
	else if (next_span(p, gfn, gfn + pages, &s))
		err = -EPERM;
	else
		*done = pages;
	unlock(p, true);
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
		lock(p, true);
		err = take(p, 0, GFNS, &done);
		unlock(p, true);
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

	if (!gmem_records_find(&p->records, new->gfn, &run) || run.gfn >= run_end(new))
		return 0;
	if (run.gfn <= new->gfn && run_end(&run) >= run_end(new) &&
	    run.pfn + (new->gfn - run.gfn) == new->pfn &&
	    (run.attr | ATTR_WRITABLE) == (new->attr | ATTR_WRITABLE) && run.attr >= new->attr)
		return -EAGAIN;
	if (p->pinned)
		return new->pages == 1 ? -EAGAIN : -E2BIG;
	for (done = 0; done < new->pages;) {
		u64 n = 0;

		take(p, new->gfn + done, new->pages - done, &n);
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
	lock(p, true);
	err = make_way(p, &new);
	if (!err)
		err = map_run(p, &new, prot);
	if (!err) {
		err = gmem_records_insert(&p->records, &new, &cache->leaves);
		port_assert(!err);
		if (!p->spare && cache->leaves)
			gmem_leaf_push(&p->spare, gmem_leaf_pop(&cache->leaves));
	}
	unlock(p, true);
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

	lock(p, false);
	while (at < end && work < BATCHES_A_TURN * p->batch) {
		if (!next_span(p, at, end, &s)) {
			at = end;
			break;
		}
		call(p, p->hyp_ops->wrprotect, "wrprotect", s.gfn, s.end - s.gfn);
		work += s.end - s.gfn;
		at = s.end;
	}
	unlock(p, false);
	progress(gfn, pages, at, done);
	return 0;
}

/* Ages one span; 1 if any of it was young. */
static int age_span(struct gmem_protected *p, const struct span *s, bool clear)
{
	bool young = false;
	u64 done = 0;

	while (done < s->end - s->gfn) {
		u64 before = done;
		int err = p->hyp_ops->test_clear_young(p->hyp, s->gfn + done,
						       s->end - s->gfn - done, clear, &done,
						       &young);

		if (!err && done == before)
			err = -EINVAL;
		if (err) {
			p->hyp_ops->complain(p->hyp, "test_clear_young", s->gfn + done, err);
			return 1;
		}
	}
	return young;
}

static int protected_test_clear_young(struct gmem_backend *be, u64 gfn, u64 pages, bool clear,
				      u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct span s;
	int young = 0;

	lock(p, false);
	while (at < end && work < BATCHES_A_TURN * p->batch) {
		if (!next_span(p, at, end, &s)) {
			at = end;
			break;
		}
		young |= age_span(p, &s, clear);
		work += s.end - s.gfn;
		at = s.end;
		if (young && !clear)
			break;
	}
	unlock(p, false);
	progress(gfn, pages, at, done);
	return young;
}

static int protected_flush(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct gmem_run run;

	lock(p, false);
	while (work < BATCHES_A_TURN * p->batch) {
		u64 to = end;

		if (!gmem_records_find(&p->records, at, &run) || run.gfn >= end) {
			at = end;
			break;
		}
		clip(p, &run, &at, &to);
		if (to - at > p->batch)
			to = at + p->batch;
		if (!(run.attr & ATTR_DEVICE))
			p->hyp_ops->clean(p->hyp, run.pfn + (at - run.gfn), to - at);
		work += to - at;
		at = to;
	}
	unlock(p, false);
	progress(gfn, pages, at, done);
	return 0;
}

static int protected_lookup(struct gmem_backend *be, u64 gfn, struct gmem_mapping *m)
{
	struct gmem_protected *p = to_protected(be);
	struct gmem_run run;
	bool found;

	lock(p, false);
	found = gmem_records_find(&p->records, gfn, &run);
	unlock(p, false);
	if (!found || run.gfn > gfn)
		return -ENOENT;
	m->pages = 1ull << attr_order(p, run.attr);
	m->gfn = gfn & ~(m->pages - 1);
	m->pfn = run.pfn + (m->gfn - run.gfn);
	m->host_writable = run.attr & ATTR_WRITABLE;
	m->device = run.attr & ATTR_DEVICE;
	return 0;
}

/* ---- Block sizes ---- */

/* The first run of blocks that [@gfn, @end) meets. */
static bool next_blocks(const struct gmem_protected *p, u64 gfn, u64 end, struct gmem_run *run)
{
	for (; gmem_records_find(&p->records, gfn, run) && run->gfn < end; gfn = run_end(run)) {
		if (run->attr & ATTR_SIZE)
			return true;
	}
	return false;
}

static bool has_leaves(const struct gmem_cache *cache, u32 n)
{
	void *leaf;

	for (leaf = cache->leaves; leaf && n; n--)
		leaf = *(void **)leaf;
	return !n;
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

static int protected_split(struct gmem_backend *be, u64 gfn, u64 pages, struct gmem_cache *cache,
			   u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, work = 0;
	struct gmem_run run;
	int err = 0;

	lock(p, true);
	while (work < BATCHES_A_TURN * p->batch && !err) {
		u64 to = end, mask, did = 0;

		if (!next_blocks(p, at, end, &run)) {
			at = end;
			break;
		}
		mask = (1ull << attr_order(p, run.attr)) - 1;
		clip(p, &run, &at, &to);
		if (to - at > p->batch)
			to = at + p->batch;
		err = has_leaves(cache, 2) ? p->hyp_ops->split(p->hyp, at, to - at, &did) : -ENOMEM;
		did &= ~mask;
		if (did)
			record_split(p, &run, at, at + did, cache);
		else if (!err)
			err = -EAGAIN;
		at += did;
		work += did;
	}
	unlock(p, true);
	/* A block may begin before the range. */
	progress(gfn, pages, at < gfn ? gfn : at, done);
	return err;
}

/* The first place at or after @gfn in @run where its pages would make a block of 2^@order. */
static bool would_be_block(const struct gmem_run *run, u64 gfn, u32 order, u64 *first)
{
	u64 mask = (1ull << order) - 1;

	if (!order || ((run->gfn ^ run->pfn) & mask))
		return false;
	*first = (gfn + mask) & ~mask;
	return *first + mask < run_end(run);
}

static int protected_collapse(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_protected *p = to_protected(be);
	u64 end = gfn + pages, at = gfn, did = 0;
	struct gmem_run run;

	lock(p, true);
	if (!gmem_records_find(&p->records, at, &run) || run.gfn >= end) {
		at = end;
	} else {
		u32 order = p->be.block_order[0];
		u64 first;

		if (at < run.gfn)
			at = run.gfn;
		if (!(run.attr & (ATTR_SIZE | ATTR_DEVICE)) &&
		    would_be_block(&run, at, order, &first) && first + (1ull << order) <= end) {
			take(p, first, 1ull << order, &did);
			at = first + (1ull << order);
		} else {
			at = run_end(&run);
		}
	}
	unlock(p, true);
	progress(gfn, pages, at, done);
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
	.split = protected_split,
	.collapse = protected_collapse,
	.lookup = protected_lookup,
	.flush_tlb = protected_flush_tlb,
	.destroy = protected_destroy,
};

void gmem_protected_block_orders(u32 page_shift, u64 batch, u32 order[3])
{
	u32 bits = page_shift - 3; /* that one level of tables resolves */
	u32 i;

	for (i = 0; i < 3; i++)
		order[i] = i < 2 && 1ull << (bits * (i + 1)) <= batch ? bits * (i + 1) : 0;
}

void gmem_protected_init(struct gmem_protected *p, const struct gmem_protected_config *cfg)
{
	memset(p, 0, sizeof(*p));
	p->be.ops = &protected_ops;
	p->be.shared_split = true;
	gmem_protected_block_orders(cfg->page_shift, cfg->batch, p->be.block_order);
	p->hyp_ops = cfg->hyp_ops;
	p->hyp = cfg->hyp;
	p->env_ops = cfg->env_ops;
	p->env = cfg->env;
	p->batch = cfg->batch;
	p->pinned = cfg->pinned;
	gmem_records_init(&p->records);
}
