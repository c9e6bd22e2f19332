// SPDX-License-Identifier: GPL-2.0-only
/* Operations that take leaves away, or change the shape of the tree under them. */
#include "op.h"

/* ---- Unmap ---- */

static void count_cacheable(struct flat_run *run, void *arg)
{
	struct world *w = arg;

	if (run->st.kind == FLAT_LEAF && !(run->st.prot & (PGT_PROT_DEVICE | PGT_PROT_NC)) &&
	    !world_dcache_covers(w, run->pa, run->end - run->start))
		world_fail(w, "unmapped memory at %#llx was not cleaned and invalidated", run->pa);
}

/* Most flushes: as many as there are tables and a few more, however many pages. */
#define UNMAP_FLUSHES 4

void exec_unmap(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	u64 start = 0, last_end = 0;
	u32 tables = w->mem.in_use;
	int rc;

	if (!want) {
		start = exec_leaf_start(w, op->ia);
		last_end = exec_leaf_end(w, op->ia + op->size - 1);
	}
	exec_call(rc, &p, pgt_s2_unmap(&w->pgt, &p, ipa(op->ia), op->size));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (w->flushes > UNMAP_FLUSHES + tables)
		world_fail(w, "%s: %u TLB flushes", op_name(op), w->flushes);
	if (p.done < op->size) {
		/* The block at the end of a partial unmap has gone whole as well. */
		const struct flat_run *run = flat_find(&w->flat, op->ia + p.done - 1, NULL);

		last_end = op->ia + p.done;
		while (run && run->st.kind == FLAT_LEAF && last_end < run->end &&
		       world_walk(w, last_end).fault != WALK_OK)
			last_end += pgt_level_size(&w->geo, (s8)world_walk(w, last_end).level);
	}
	if (!w->spec.fwb && w->geo.stage == PGT_STAGE2)
		flat_update(&w->flat, start, last_end, count_cacheable, w);
	flat_unmap(&w->flat, start, last_end);
	if (!w->gathering && scan_has_empty_table(w, op->ia, p.done))
		world_fail(w, "%s: left an empty table", op_name(op));
}

void exec_s1_unmap(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	u64 stop = op->ia + op->size;
	int expected = 0, rc;

	if (!want && exec_leaf_start(w, op->ia) < op->ia) {
		stop = op->ia;
		expected = -EBUSY;
	} else if (!want && exec_leaf_end(w, stop - 1) > stop) {
		stop = exec_leaf_start(w, stop - 1);
		expected = -EBUSY;
	}
	exec_call(rc, &p, pgt_s1_unmap(&w->pgt, &p, op->ia, op->size));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	if (op->ia + p.done > stop || (op->ia + p.done == stop && rc != expected && !op->budget) ||
	    (rc && (rc != expected || op->ia + p.done != stop)))
		world_fail(w, "%s: %d with %#llx done, expected %d with %#llx", op_name(op), rc,
			   p.done, expected, stop - op->ia);
	flat_unmap(&w->flat, op->ia, op->ia + p.done);
}

/* ---- Split ---- */

void exec_split(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, PGT_OP_SHARED, true);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	u64 at, page = (u64)1 << w->geo.granule_shift;
	int i, rc;

	exec_call(rc, &p, pgt_s2_split(&w->pgt, &p, ipa(op->ia), op->size));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	if (rc && rc != -ENOMEM)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (!rc && p.done < op->size && !op->budget)
		world_fail(w, "%s: only %#llx done", op_name(op), p.done);
	/* Nothing but pages at the first places, and at the end. */
	for (at = 0, i = 0; at < p.done && i < 64; i++) {
		struct walk_result now = world_walk(w, op->ia + at);

		if (now.fault == WALK_OK && now.level != PGT_LEVEL_LAST)
			world_fail(w, "%s: level %d leaf left at %#llx", op_name(op), now.level,
				   op->ia + at);
		at += i < 32 ? page : (p.done / 32 & ~(page - 1)) + page;
	}
}

/* ---- Tables that are not linked in ---- */

struct unlinked {
	struct world *w;
	const struct op *op;
	u64 next; /* output address that comes next */
	u32 tables;
};

static void check_unlinked(struct unlinked *u, const u64 *table, int level)
{
	const struct walk_regime *reg = &u->w->reg;
	u32 i;

	u->tables++;
	for (i = 0; i < u->w->geo.table_entries && !world_problem(u->w); i++) {
		u64 desc = mem_desc(table + i);
		enum walk_type type = walk_desc_type(reg, desc, level);

		if (type == WALK_TABLE && mem_holds_pa(&u->w->mem, walk_table_addr(reg, desc))) {
			check_unlinked(u, mem_to_host(&u->w->mem, walk_table_addr(reg, desc)),
				       level + 1);
			continue;
		}
		if (type != WALK_LEAF || level != u->op->leaf_level - 1 ||
		    walk_leaf_addr(reg, desc, level) != u->next)
			world_fail(u->w, "unlinked table of level %d has entry %#llx", level, desc);
		u->next += walk_level_size(reg, level);
	}
}

void exec_unlinked(struct world *w, const struct op *op)
{
	s8 level = (s8)(op->level - 1), leaf_level = (s8)(op->leaf_level - 1);
	struct pgt_op p;
	struct unlinked u = {.w = w, .op = op, .next = op->to};
	void *table = NULL;
	u32 before;
	int rc;

	if (level <= w->geo.start_level || leaf_level < level ||
	    exec_want_output(w, op->to, pgt_level_size(&w->geo, (s8)(level - 1))))
		return;
	p = exec_prepare(w, op, PGT_OP_NO_CMO, true);
	p.budget = 0;
	before = w->mc.count;
	rc = pgt_s2_create_unlinked(&w->pgt, &p, pa(op->to), level, leaf_level, op->prot, &table);
	if (exec_refused(w, op, exec_want_prot(w, op->prot), rc, 0))
		return;
	w->rc = rc;
	w->done = 0;
	if (rc == -ENOMEM) {
		if (w->mc.count != before)
			world_fail(w, "%s: %u pages gone", op_name(op), before - w->mc.count);
		if (leaf_level == level && before)
			world_fail(w, "%s: out of memory with %u pages for one", op_name(op),
				   before);
		return;
	}
	if (rc || !table) {
		world_fail(w, "%s: %d", op_name(op), rc);
		return;
	}
	check_unlinked(&u, table, level);
	if (u.tables != before - w->mc.count)
		world_fail(w, "%s: took %u pages for %u tables", op_name(op), before - w->mc.count,
			   u.tables);
	pgt_s2_free_unlinked(&w->pgt, table, level);
}

/* ---- Owner annotations ---- */

void exec_set_owner(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, true);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	struct flat_state st = {.kind = op->owner ? FLAT_OWNER : FLAT_EMPTY, .owner = op->owner};
	/* Each end may need a table of every level below the root. */
	int needed = 2 * (PGT_LEVEL_LAST - w->geo.start_level);
	int rc;

	if (op->owner > PGT_OWNER_MAX)
		want |= WANT_EINVAL;
	exec_call(rc, &p, pgt_s2_set_owner(&w->pgt, &p, ipa(op->ia), op->size, op->owner));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	if (rc && (rc != -ENOMEM || op->mc_pages >= needed))
		world_fail(w, "%s: %d with %d pages", op_name(op), rc, op->mc_pages);
	flat_set(&w->flat, op->ia, op->ia + p.done, &st, 0);
}

/* ---- Coalesce ---- */

struct merged {
	struct flat_state st;
	u32 runs;
	bool mixed_dbm;
};

static void merge_run(struct flat_run *run, void *arg)
{
	struct merged *m = arg;

	if (!m->runs++) {
		m->st = run->st;
		return;
	}
	m->mixed_dbm |= m->st.dbm != run->st.dbm;
	m->st.young |= run->st.young;
	m->st.dirty |= run->st.dirty;
	m->st.dbm |= run->st.dbm;
}

/* AF and dirty state of the pages of a block have become one. */
static void merge_leaf(struct world *w, u64 start, const struct walk_result *now)
{
	const struct flat_run *run = flat_find(&w->flat, start, NULL);
	struct merged m = {.runs = 0};

	if (!run || run->st.kind != FLAT_LEAF || run->end - start >= now->leaf_size)
		return; /* nothing to merge, or for the comparison to find */
	flat_update(&w->flat, start, start + now->leaf_size, merge_run, &m);
	if (m.mixed_dbm)
		m.st.dbm = now->dbm;
	flat_set(&w->flat, start, start + now->leaf_size, &m.st,
		 walk_leaf_addr(&w->reg, now->desc, now->level));
}

void exec_coalesce(struct world *w, const struct op *op)
{
	struct pgt_op p = exec_prepare(w, op, 0, false);
	unsigned int want = exec_want_range(w, op->ia, op->size);
	u32 before = w->mem.in_use, made = 0;
	u64 at, where = 0;
	int rc;

	exec_call(rc, &p, pgt_s2_coalesce(&w->pgt, &p, ipa(op->ia), op->size, &made));
	if (exec_refused(w, op, want, rc, p.done) || !exec_progress(w, op, rc, p.done))
		return;
	if (rc)
		world_fail(w, "%s: %d", op_name(op), rc);
	if (before - w->mem.in_use != made)
		world_fail(w, "%s: freed %u tables, says %u", op_name(op), before - w->mem.in_use,
			   made);
	for (at = op->ia; at < op->ia + op->size;) {
		struct walk_result now = world_walk(w, at);
		u64 size = pgt_level_size(&w->geo, (s8)now.level);

		if (now.fault == WALK_OK && now.level != PGT_LEVEL_LAST)
			merge_leaf(w, at & ~(size - 1), &now);
		at = (at & ~(size - 1)) + size;
	}
	if (p.done == op->size && scan_could_coalesce(w, op->ia, op->size, op->max_shift, &where))
		world_fail(w, "%s: the table for %#llx could be one entry", op_name(op), where);
}
