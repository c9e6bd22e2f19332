// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping, predicted leaf by leaf from what a CPU would find before the call and
 * from the words of <core/pgtable.h>.
 */
#include "op.h"

#define PROT_MEMORY (PGT_PROT_DEVICE | PGT_PROT_NC)
#define PROT_KEPT   (PGT_PROT_RWX | PROT_MEMORY | PGT_PROT_SW_MASK)
#define MAX_STEPS   65536

/* How far a map call should get if no memory or budget ends it first. */
struct forecast {
	u64 done;
	int rc;
	u64 soft;   /* from here on, -EAGAIN is as good: a block was split that maps the same */
	bool fresh; /* nothing was there: no TLB maintenance is due */
	u32 steps;
	s8 level[MAX_STEPS];  /* of the leaves it makes, in order */
	bool kept[MAX_STEPS]; /* same translation as before */
};

static struct flat_state new_state(u32 prot)
{
	bool clean = prot & PGT_PROT_CLEAN;

	return (struct flat_state){
		.kind = FLAT_LEAF,
		.prot = prot & PROT_KEPT,
		.young = !(prot & PGT_PROT_OLD),
		.dirty = (prot & PGT_PROT_W) && !clean,
		.dbm = clean,
	};
}

/* The largest leaf that alignment, the rest of the range and max_shift allow. */
static s8 best_level(const struct world *w, u64 ia, u64 to, u64 left, u8 max_shift)
{
	s8 level, best = PGT_LEVEL_LAST;

	for (level = PGT_LEVEL_LAST; level >= w->geo.start_level; level--) {
		u64 size = pgt_level_size(&w->geo, level);

		if (((ia | to) & (size - 1)) || size > left ||
		    (max_shift && w->geo.level_shift[level + 1] > max_shift))
			break;
		if (pgt_level_has_leaf(&w->geo, level))
			best = level;
	}
	return best;
}

/* The outcome for the leaf at @ia: 0 if it is (re)written at @level. */
static int one_leaf(struct world *w, const struct walk_result *was, u64 ia, u64 to, s8 level,
		    u32 prot, bool *soft, bool *kept)
{
	const struct flat_run *run = flat_find(&w->flat, ia, NULL);
	bool same;

	*soft = *kept = false;
	if (was->level > level || !run)
		return 0; /* a table is replaced, or nothing is there */
	if (run->st.kind == FLAT_OWNER)
		return -EPERM;
	same = run->pa + (ia - run->start) == to && !((run->st.prot ^ prot) & PROT_MEMORY);
	*kept = same;
	same = same && !((run->st.prot ^ prot) & PGT_PROT_SW_MASK);
	if (was->level == level)
		return same ? -EAGAIN : 0;
	*soft = same;
	return 0;
}

static void predict(struct world *w, struct forecast *f, const struct op *op, u8 max_shift)
{
	u64 at = 0;

	f->steps = 0;
	f->rc = 0;
	f->soft = ~(u64)0;
	f->fresh = true;
	while (at < op->size && f->steps < MAX_STEPS) {
		u64 ia = op->ia + at, to = op->to + at;
		struct walk_result was = world_walk(w, ia);
		s8 level = best_level(w, ia, to, op->size - at, max_shift);
		bool soft;

		if (was.level > level && !(op->flags & PGT_OP_REPLACE))
			level = (s8)was.level;
		f->rc = one_leaf(w, &was, ia, to, level, op->prot, &soft, &f->kept[f->steps]);
		if (f->rc)
			break;
		if (soft && f->soft > at)
			f->soft = at;
		f->fresh &= was.fault == WALK_TRANSLATION && was.level <= level;
		f->level[f->steps++] = level;
		at += pgt_level_size(&w->geo, level);
	}
	f->done = at;
}

/* What the hardware has noted of this translation is not lost with the old entry. */
struct kept {
	struct flat_state st;
	bool ha;
};

static void keep_state(struct flat_run *run, void *arg)
{
	const struct kept *kept = arg;
	bool young = run->st.young && kept->ha;
	bool dirty = run->st.dirty && run->st.dbm && kept->st.dbm;

	run->st = kept->st;
	run->st.young |= young;
	run->st.dirty |= dirty;
}

/* Puts what was done into the flat map. */
static void apply(struct world *w, const struct op *op, const struct forecast *f, u64 done)
{
	struct kept new = {.st = new_state(op->prot), .ha = w->geo.ha};
	u64 at = 0, size;
	u32 i;

	for (i = 0; at < done; i++, at += size) {
		size = pgt_level_size(&w->geo, f->level[i]);
		if (f->kept[i])
			flat_update(&w->flat, op->ia + at, op->ia + at + size, keep_state, &new);
		else
			flat_set(&w->flat, op->ia + at, op->ia + at + size, &new.st, op->to + at);
	}
}

/*
 * Table pages that suffice. pgt_map_pages_needed() takes blocks to be possible where
 * sizes allow them, so it is only asked for them if the output is as aligned.
 */
static u64 pages_needed(const struct world *w, const struct op *op)
{
	u8 shift = op->max_shift ? op->max_shift : 63;

	while (shift >= w->geo.granule_shift && ((op->ia ^ op->to) & (((u64)1 << shift) - 1)))
		shift--;
	return pgt_map_pages_needed(&w->geo, op->ia, op->size, shift);
}

static bool expected_stop(const struct forecast *f, int rc, u64 done)
{
	if (rc == f->rc && done == f->done)
		return true;
	return rc == -EAGAIN && done >= f->soft && done <= f->done;
}

static void check_outcome(struct world *w, const struct op *op, const struct forecast *f, int rc,
			  u64 done, u64 needed)
{
	if (!exec_progress(w, op, rc, done))
		return;
	if (rc == -ENOMEM) {
		if (op->mc_pages >= needed)
			world_fail(w, "%s: out of memory with %d of at most %llu pages",
				   op_name(op), op->mc_pages, needed);
		if (done > f->done)
			world_fail(w, "%s: went on to %#llx beyond %#llx, where it should stop: %d",
				   op_name(op), done, f->done, f->rc);
		return;
	}
	if (!rc && done < op->size) {
		if (done > f->done)
			world_fail(w, "%s: %#llx done, should have stopped at %#llx with %d",
				   op_name(op), done, f->done, f->rc);
		return;
	}
	if (!expected_stop(f, rc, done))
		world_fail(w, "%s: %d with %#llx done, expected %d with %#llx", op_name(op), rc,
			   done, f->rc, f->done);
}

/* The leaves that were made are of the size that was promised. */
static void check_levels(struct world *w, const struct op *op, const struct forecast *f, u64 done)
{
	u64 at = 0;
	u32 i;

	for (i = 0; i < f->steps && at < done; i++) {
		struct walk_result now = world_walk(w, op->ia + at);

		if (now.fault != WALK_OK || now.level != f->level[i]) {
			world_fail(w, "%s: %#llx has a leaf of level %d (%s), expected level %d",
				   op_name(op), op->ia + at, now.level, walk_fault_name(now.fault),
				   f->level[i]);
			return;
		}
		at += now.leaf_size;
	}
	if (at != done)
		world_fail(w, "%s: done %#llx is in the middle of a leaf", op_name(op), done);
}

static void check_caches(struct world *w, const struct op *op, u64 to, u64 done)
{
	if (op->flags & PGT_OP_NO_CMO) {
		if (w->ndcache || w->nicache)
			world_fail(w, "%s: cache maintenance in spite of NO_CMO", op_name(op));
		return;
	}
	if ((op->prot & PROT_MEMORY) && w->ndcache)
		world_fail(w, "%s: data cache maintenance of memory that is not cacheable",
			   op_name(op));
	if (!(op->prot & PROT_MEMORY) && !w->spec.fwb && !world_dcache_covers(w, to, done))
		world_fail(w, "%s: memory was not cleaned", op_name(op));
	if ((op->prot & PGT_PROT_X) && !world_icache_covers(w, to, done))
		world_fail(w, "%s: executable memory was not made fit to fetch", op_name(op));
}

/* The record of cache maintenance is told what to look out for during the call. */
static void watch_caches(struct world *w, const struct op *op)
{
	if (op->flags & PGT_OP_NO_CMO)
		return;
	w->map_pa = op->to;
	w->map_size = op->size;
	w->map_exec = op->prot & PGT_PROT_X;
}

void exec_map(struct world *w, const struct op *op)
{
	static _Thread_local struct forecast f;
	struct pgt_op p = exec_prepare(w, op, PGT_OP_SHARED | PGT_OP_REPLACE | PGT_OP_NO_CMO, true);
	unsigned int want = exec_want_range(w, op->ia, op->size) |
			    exec_want_output(w, op->to, op->size) | exec_want_prot(w, op->prot);
	u64 needed = 0;
	int rc;

	if (!want) {
		predict(w, &f, op, op->max_shift);
		if (f.steps == MAX_STEPS)
			return; /* too many leaves to foretell */
		needed = pages_needed(w, op);
		watch_caches(w, op);
	}
	exec_call(rc, &p, pgt_s2_map(&w->pgt, &p, ipa(op->ia), op->size, pa(op->to), op->prot));
	w->mapping = !rc;
	if (exec_refused(w, op, want, rc, p.done) || world_problem(w))
		return;
	check_outcome(w, op, &f, rc, p.done, needed);
	if (world_problem(w))
		return;
	check_levels(w, op, &f, p.done);
	if (f.fresh && w->flushes)
		world_fail(w, "%s: TLB maintenance for new entries", op_name(op));
	if (p.done)
		check_caches(w, op, op->to, p.done);
	apply(w, op, &f, p.done);
}

/* ---- Page by page ---- */

#define MAX_PFNS 64

/* Frames in order, or back to front. */
static u32 make_pfns(const struct world *w, const struct op *op, u64 *pfn, u64 size)
{
	u32 i, n = (u32)(size >> w->geo.granule_shift);

	for (i = 0; i < n; i++)
		pfn[i] = (op->to >> w->geo.granule_shift) + (op->write ? n - 1 - i : i);
	return n;
}

static void apply_pfns(struct world *w, const struct op *op, const struct forecast *f,
		       const u64 *pfn, u64 done)
{
	u64 page = (u64)1 << w->geo.granule_shift, at;
	struct kept new = {.st = new_state(op->prot), .ha = w->geo.ha};
	const bool *kept = f->kept;

	for (at = op->ia; at < op->ia + done; at += page, pfn++) {
		if (*kept++)
			flat_update(&w->flat, at, at + page, keep_state, &new);
		else
			flat_set(&w->flat, at, at + page, &new.st, *pfn * page);
	}
}

/* As predict(), with one frame a page. */
static void predict_pfns(struct world *w, struct forecast *f, const struct op *op, const u64 *pfn)
{
	static _Thread_local struct forecast page_only;
	u64 page = (u64)1 << w->geo.granule_shift, at;
	struct op one = *op;

	one.size = page;
	f->steps = 0;
	f->rc = 0;
	f->soft = ~(u64)0;
	for (at = 0; at < op->size; at += page, f->steps++) {
		one.ia = op->ia + at;
		one.to = *pfn++ * page;
		predict(w, &page_only, &one, w->geo.granule_shift);
		f->rc = page_only.rc;
		if (f->rc)
			break;
		f->kept[f->steps] = page_only.kept[0];
		if (!page_only.soft && f->soft > at)
			f->soft = at;
	}
	f->done = at;
}

void exec_map_pfns(struct world *w, const struct op *op)
{
	static _Thread_local struct forecast f;
	struct op cut = *op;
	struct pgt_op p;
	u64 pfn[MAX_PFNS];
	unsigned int want;
	u32 n;
	int rc;

	if (cut.size > (u64)MAX_PFNS << w->geo.granule_shift)
		cut.size = (u64)MAX_PFNS << w->geo.granule_shift;
	cut.to &= ~(((u64)1 << w->geo.granule_shift) - 1);
	cut.size &= ~(((u64)1 << w->geo.granule_shift) - 1);
	cut.flags &= ~PGT_OP_REPLACE;
	p = exec_prepare(w, &cut, PGT_OP_SHARED | PGT_OP_NO_CMO, true);
	n = make_pfns(w, &cut, pfn, cut.size);
	want = exec_want_range(w, cut.ia, cut.size) | exec_want_output(w, cut.to, cut.size) |
	       exec_want_prot(w, cut.prot);
	if (!want) {
		predict_pfns(w, &f, &cut, pfn);
		watch_caches(w, &cut);
	}
	exec_call(rc, &p, pgt_s2_map_pfns(&w->pgt, &p, ipa(cut.ia), pfn, n, cut.prot));
	w->mapping = !rc;
	if (exec_refused(w, &cut, want, rc, p.done) || world_problem(w))
		return;
	check_outcome(w, &cut, &f, rc, p.done, pgt_map_pages_needed(&w->geo, cut.ia, cut.size, 0));
	if (world_problem(w))
		return;
	if (p.done && !cut.write)
		check_caches(w, &cut, cut.to, p.done);
	apply_pfns(w, &cut, &f, pfn, p.done);
}

/* ---- Stage 1 ---- */

/* What is there at stage 1 is never changed: an equal leaf is passed over. */
static void predict_s1(struct world *w, struct forecast *f, const struct op *op)
{
	struct flat_state st = new_state(op->prot);
	u64 at = 0;

	f->rc = 0;
	while (at < op->size) {
		u64 ia = op->ia + at, to = op->to + at, step;
		struct walk_result was = world_walk(w, ia);
		s8 level = best_level(w, ia, to, op->size - at, op->max_shift);
		const struct flat_run *run = flat_find(&w->flat, ia, NULL);

		if (was.level > level)
			level = (s8)was.level;
		step = pgt_level_size(&w->geo, level);
		if (run) {
			if (run->pa + (ia - run->start) != to || run->st.prot != st.prot) {
				f->rc = -EEXIST;
				break;
			}
			step = was.leaf_size - (ia & (was.leaf_size - 1));
		}
		at += step < op->size - at ? step : op->size - at;
	}
	f->done = at;
	f->soft = ~(u64)0;
}

/* Only what was empty is filled: the access flag of what was there stays. */
static void apply_s1(struct world *w, const struct op *op, u64 done)
{
	struct flat_state st = new_state(op->prot);
	u64 at = op->ia, end = op->ia + done;

	while (at < end) {
		u64 next = 0;
		const struct flat_run *run = flat_find(&w->flat, at, &next);

		if (run) {
			at = run->end;
			continue;
		}
		next = next < end ? next : end;
		flat_set(&w->flat, at, next, &st, op->to + (at - op->ia));
		at = next;
	}
}

void exec_s1_map(struct world *w, const struct op *op)
{
	static _Thread_local struct forecast f;
	struct pgt_op p = exec_prepare(w, op, PGT_OP_NO_CMO, true);
	unsigned int want = exec_want_range(w, op->ia, op->size) |
			    exec_want_output(w, op->to, op->size) | exec_want_prot(w, op->prot);
	int rc;

	if (!want)
		predict_s1(w, &f, op);
	exec_call(rc, &p, pgt_s1_map(&w->pgt, &p, op->ia, op->size, pa(op->to), op->prot));
	w->mapping = !rc;
	if (exec_refused(w, op, want, rc, p.done) || world_problem(w))
		return;
	check_outcome(w, op, &f, rc, p.done, want ? 0 : pages_needed(w, op));
	if (!world_problem(w))
		apply_s1(w, op, p.done);
}
