// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that change attributes of leaves and nothing else, those that only
 * look, and what the CPU does by itself.
 */
#include "op.h"

/* ---- Runs of leaves ---- */

static void protect_run(struct flat_run *run, void *arg)
{
	bool *changed = arg;

	if (run->st.kind != FLAT_LEAF)
		return;
	*changed |= run->st.prot & PGT_PROT_W;
	run->st.prot &= ~PGT_PROT_W;
	run->st.dirty = run->st.dbm = false;
}

static void look_young(struct flat_run *run, void *arg)
{
	*(bool *)arg |= run->st.kind == FLAT_LEAF && run->st.young;
}

static void age_run(struct flat_run *run, void *arg)
{
	look_young(run, arg);
	run->st.young = false;
}

static void clean_run(struct flat_run *run, void *arg)
{
	(void)arg;
	if (run->st.kind == FLAT_LEAF && run->st.dbm)
		run->st.dirty = false;
}

/* [start, end) of whole leaves that overlap what an operation has done. */
struct span {
	u64 start, end;
};

static struct span whole_leaves(struct world *w, const struct op *op, u64 done)
{
	if (!done)
		return (struct span){op->ia, op->ia};
	return (struct span){exec_leaf_start(w, op->ia), exec_leaf_end(w, op->ia + done - 1)};
}

void exec_wrprotect(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	bool changed = false, expected = false;
	struct span s;
	int rc;

	exec_call(rc, &p, pgt_s2_wrprotect(&w->pgt, &p, ipa(op->ia), op->size, &changed));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	s = whole_leaves(w, op, p.done);
	flat_update(&w->flat, s.start, s.end, protect_run, &expected);
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (changed != expected)
		world_fail(w, "%s: changed is %d, expected %d", op_name(op), changed, expected);
	if (!w->gathering && expected)
		exec_owe(w, s.start, s.end);
}

#define BITMAP_PAGES 16384

/* Sets the bits of the dirty pages in [ia, ia + done), one by one. */
static void expected_bits(struct world *w, const struct op *op, u64 done, u64 *bitmap)
{
	u64 at, page = (u64)1 << w->geo.granule_shift, n = 0;

	for (at = op->ia; at < op->ia + done; at += page, n++) {
		const struct flat_run *run = flat_find(&w->flat, at, NULL);

		if (run && run->st.kind == FLAT_LEAF && run->st.dbm && run->st.dirty)
			bitmap[n / 64] |= (u64)1 << (n % 64);
	}
}

void exec_clear_dirty(struct world *w, const struct op *op)
{
	static _Thread_local u64 found[BITMAP_PAGES / 64], expected[BITMAP_PAGES / 64];
	struct op cut = *op;
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want;
	struct span s;
	int rc;

	if (cut.size > (u64)BITMAP_PAGES << w->geo.granule_shift)
		cut.size = (u64)BITMAP_PAGES << w->geo.granule_shift;
	want = exec_want_range(w, cut.ia, cut.size);
	memset(found, 0, sizeof(found));
	memset(expected, 0, sizeof(expected));
	exec_call(rc, &p, pgt_s2_clear_dirty(&w->pgt, &p, ipa(cut.ia), cut.size, found));
	if (exec_refused(w, &cut, want, rc, p.done) || !exec_progress(w, &cut, rc, p.done))
		return;
	expected_bits(w, &cut, p.done, expected);
	s = whole_leaves(w, &cut, p.done);
	flat_update(&w->flat, s.start, s.end, clean_run, NULL);
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	/* A budget may end the call within a block that was cleaned and reported whole. */
	if (p.done == cut.size && memcmp(found, expected, sizeof(found)))
		world_fail(w, "%s: wrong bitmap", op_name(op));
	if (!w->gathering)
		exec_owe(w, s.start, s.end);
}

void exec_young(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	bool clear = op->kind == OP_S2_CLEAR_YOUNG, young = true, expected = false;
	struct span s;
	int rc;

	exec_call(rc, &p,
		  pgt_s2_test_clear_young(&w->pgt, &p, ipa(op->ia), op->size, clear, &young));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	s = whole_leaves(w, op, p.done);
	flat_update(&w->flat, s.start, s.end, clear ? age_run : look_young, &expected);
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (young != expected)
		world_fail(w, "%s: young is %d, expected %d", op_name(op), young, expected);
}

/* ---- One leaf ---- */

static bool aligned(const struct world *w, u64 ia)
{
	return !(ia & (((u64)1 << w->geo.granule_shift) - 1));
}

static void make_young(struct flat_run *run, void *arg)
{
	(void)arg;
	run->st.young = true;
}

/* The leaf that @op's address lies in; empty if there is none. */
static struct span leaf_at(struct world *w, u64 ia)
{
	struct walk_result at = world_walk(w, ia);
	struct span s = {ia, ia};

	if (at.fault == WALK_OK) {
		s.start = ia & ~(at.leaf_size - 1);
		s.end = s.start + at.leaf_size;
	}
	return s;
}

/* The return value for an address without a leaf; true if that ends it. */
static bool no_leaf(struct world *w, const struct op *op, struct span s, unsigned int want, int rc)
{
	if (op->ia >> w->geo.ia_bits)
		want |= WANT_ERANGE;
	if (!aligned(w, op->ia) && rc == -EINVAL)
		want |= WANT_EINVAL; /* addresses of faults need not be aligned; may be refused */
	if (exec_refused(w, op, want, rc, 0))
		return true;
	if (rc != (s.start == s.end ? -ENOENT : 0))
		world_fail(w, "%s: %d %s", op_name(op), rc,
			   s.start == s.end ? "and there is no leaf" : "with a leaf there");
	return s.start == s.end;
}

void exec_mkyoung(struct world *w, const struct op *op)
{
	struct span s = leaf_at(w, op->ia);
	int rc = pgt_s2_mkyoung(&w->pgt, ipa(op->ia));

	if (!no_leaf(w, op, s, 0, rc))
		flat_update(&w->flat, s.start, s.end, make_young, NULL);
}

static void relax_run(struct flat_run *run, void *arg)
{
	u32 prot = *(const u32 *)arg;

	/* Writable by permission: what is about to be written counts as dirty. */
	if (prot & PGT_PROT_W)
		run->st.dirty = true;
	run->st.prot |= prot;
	run->st.young = true;
}

/* -EOPNOTSUPP without XNX is about what the leaf would become. */
static unsigned int relax_want(const struct world *w, const struct op *op)
{
	u32 x = op->prot & PGT_PROT_X;

	if (op->prot & ~PGT_PROT_RWX)
		return WANT_EINVAL;
	if (x && x != PGT_PROT_X && !w->geo.xnx)
		return WANT_EOPNOTSUPP;
	return 0;
}

void exec_relax(struct world *w, const struct op *op)
{
	struct span s = leaf_at(w, op->ia);
	u32 prot = op->prot, flags = op->flags & PGT_OP_NO_CMO;
	const struct flat_run *run = flat_find(&w->flat, op->ia, NULL);
	bool fetch = false;
	u64 pa = 0;
	int rc;

	if (run && run->st.kind == FLAT_LEAF) {
		fetch = (prot & PGT_PROT_X) && !(run->st.prot & PGT_PROT_X);
		pa = run->pa + (s.start - run->start);
	}
	rc = pgt_s2_relax_perms(&w->pgt, ipa(op->ia), prot, flags);
	if (no_leaf(w, op, s, relax_want(w, op), rc) || rc)
		return;
	if (fetch && !flags && !world_icache_covers(w, pa, s.end - s.start))
		world_fail(w, "%s: memory was not made fit to fetch", op_name(op));
	if (!w->flushes)
		world_fail(w, "%s: this CPU may keep faulting on its old entry", op_name(op));
	flat_update(&w->flat, s.start, s.end, relax_run, &prot);
}

/* ---- Nothing changes ---- */

static void need_clean(struct flat_run *run, void *arg)
{
	struct world *w = arg;

	if (run->st.kind == FLAT_LEAF && !(run->st.prot & (PGT_PROT_DEVICE | PGT_PROT_NC)) &&
	    !world_dcache_covers(w, run->pa, run->end - run->start))
		world_fail(w, "flush: memory at %#llx was not cleaned", run->pa);
}

void exec_flush(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, PGT_OP_SHARED, false);
	int rc;

	exec_call(rc, &p, pgt_s2_flush(&w->pgt, &p, ipa(op->ia), op->size));
	if (exec_refused(w, op, exec_want_range(w, op->ia, op->size), rc, p.done) ||
	    !exec_progress(w, op, rc, p.done))
		return;
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (!w->spec.fwb)
		flat_update(&w->flat, op->ia, op->ia + p.done, need_clean, w);
}

void exec_flush_tlb(struct world *w, const struct op *op)
{
	u64 ia = op->ia, size = op->size;

	/* Now and then, what earlier operations left to the caller. */
	if (op->write && w->owed_end) {
		ia = w->owed_start;
		size = w->owed_end - w->owed_start;
	}
	if (exec_want_range(w, ia, size))
		return;
	pgt_s2_flush_tlb_range(&w->pgt, ipa(ia), size);
	if (w->owed_end && ia <= w->owed_start && ia + size >= w->owed_end)
		w->owed_start = w->owed_end = 0;
}

void exec_flush_tlb_all(struct world *w, const struct op *op)
{
	(void)op;
	pgt_flush_tlb_all(&w->pgt);
	w->owed_start = w->owed_end = 0;
	if (w->tlb.nr)
		world_fail(w, "pgt_flush_tlb_all() left stale entries");
}

void exec_look(struct world *w, const struct op *op)
{
	const struct flat_run *run = flat_find(&w->flat, op->ia, NULL);
	struct walk_result at = world_walk(w, op->ia);
	struct pgt_leaf leaf;
	int rc = w->geo.stage == PGT_STAGE2 ? pgt_s2_get_leaf(&w->pgt, ipa(op->ia), &leaf)
					    : pgt_s1_get_leaf(&w->pgt, op->ia, &leaf);

	if (op->ia >> w->geo.ia_bits) {
		exec_refused(w, op, WANT_ERANGE, rc, 0);
		return;
	}
	if (rc) {
		world_fail(w, "get_leaf(%#llx): %d", op->ia, rc);
		return;
	}
	scan_leaf_says(w, &leaf, run ? run->st.kind : FLAT_EMPTY);
	if (leaf.level != at.level || leaf.desc != at.desc || op->ia < leaf.ia ||
	    op->ia - leaf.ia >= leaf.size)
		world_fail(w,
			   "get_leaf(%#llx): level %d entry %#llx for %#llx+%#llx; a CPU finds "
			   "level %d %#llx",
			   op->ia, leaf.level, leaf.desc, leaf.ia, leaf.size, at.level, at.desc);
}

/* ---- What the CPU does ---- */

static void write_run(struct flat_run *run, void *arg)
{
	(void)arg;
	run->st.dirty = true;
}

/* With HA and HD the CPU itself sets the access flag, and S2AP[1] where DBM allows it. */
void exec_access(struct world *w, const struct op *op)
{
	struct walk_result at = world_walk(w, op->ia);
	struct span s = leaf_at(w, op->ia);
	u64 desc = at.desc;

	if (walk_access(&w->reg, &at, op->write, false, false) != WALK_OK)
		return;
	if (!at.af) {
		desc |= 1 << 10;
		flat_update(&w->flat, s.start, s.end, make_young, NULL);
	}
	if (op->write && !at.dirty) {
		desc |= 1 << 7;
		flat_update(&w->flat, s.start, s.end, write_run, NULL);
	}
	*(u64 *)mem_to_host(&w->mem, at.desc_pa) = port_le64(desc);
}
