// SPDX-License-Identifier: GPL-2.0-only
/* Carrying out one operation: what all of them share. */
#include "op.h"

struct pgt_op exec_prepare(struct world *w, const struct op *op, u32 allowed_flags, bool pages)
{
	struct pgt_op p = {.flags = op->flags & allowed_flags,
			   .budget = op->budget,
			   .max_shift = op->max_shift};

	if (pages) {
		world_fill(w, op->mc_pages);
		p.mc = op->mc_pages ? &w->mc : NULL;
	}
	if (w->gathering)
		p.gather = &w->gather;
	return p;
}

void exec_flush_gather(struct world *w)
{
	if (!w->gathering)
		return;
	pgt_gather_flush(&w->pgt, &w->gather);
	w->gathering = false;
	if (w->gather.start < w->gather.end || w->gather.dead)
		world_fail(w, "pgt_gather_flush() left something");
	world_end(w);
}

unsigned int exec_want_range(const struct world *w, u64 ia, u64 size)
{
	u64 mask = ((u64)1 << w->geo.granule_shift) - 1, top = (u64)1 << w->geo.ia_bits;
	unsigned int want = 0;

	if ((ia & mask) || (size & mask) || !size)
		want |= WANT_EINVAL;
	if (ia >= top || size > top - ia)
		want |= WANT_ERANGE;
	return want;
}

unsigned int exec_want_output(const struct world *w, u64 to, u64 size)
{
	u64 mask = ((u64)1 << w->geo.granule_shift) - 1, top = (u64)1 << w->geo.oa_bits;
	unsigned int want = 0;

	if (to & mask)
		want |= WANT_EINVAL;
	if (to >= top || size > top - to)
		want |= WANT_ERANGE;
	return want;
}

unsigned int exec_want_prot(const struct world *w, u32 prot)
{
	unsigned int want = 0;

	if (prot & ~PGT_PROT_ALL)
		want |= WANT_EINVAL;
	if ((prot & PGT_PROT_DEVICE) && (prot & (PGT_PROT_X | PGT_PROT_NC)))
		want |= WANT_EINVAL;
	if ((prot & PGT_PROT_CLEAN) &&
	    (!(prot & PGT_PROT_W) || !w->geo.hd || w->geo.stage == PGT_STAGE1))
		want |= WANT_EINVAL;
	if ((prot & PGT_PROT_X) == PGT_PROT_PX || (prot & PGT_PROT_X) == PGT_PROT_UX) {
		if (w->geo.stage == PGT_STAGE1)
			want |= WANT_EINVAL;
		else if (!w->geo.xnx)
			want |= WANT_EOPNOTSUPP;
	}
	if (w->geo.stage == PGT_STAGE1 && !(prot & PGT_PROT_R))
		want |= WANT_EINVAL;
	return want;
}

bool exec_refused(struct world *w, const struct op *op, unsigned int want, int rc, u64 done)
{
	bool right = (rc == -EINVAL && (want & WANT_EINVAL)) ||
		     (rc == -ERANGE && (want & WANT_ERANGE)) ||
		     (rc == -EOPNOTSUPP && (want & WANT_EOPNOTSUPP));

	if (!want) {
		if (rc == -EINVAL || rc == -ERANGE || rc == -EOPNOTSUPP) {
			world_fail(w, "%s: %d for arguments that are in order", op_name(op), rc);
			return true;
		}
		return false;
	}
	if (!right)
		world_fail(w, "%s: %d for arguments that are wrong (expected set %#x)", op_name(op),
			   rc, want);
	if (done)
		world_fail(w, "%s: refused, and done is %#llx", op_name(op), done);
	return true;
}

bool exec_progress(struct world *w, const struct op *op, int rc, u64 done)
{
	u64 page = (u64)1 << w->geo.granule_shift;

	w->rc = rc;
	w->done = done;
	if (done > op->size || (done & (page - 1)))
		world_fail(w, "%s: done %#llx of %#llx", op_name(op), done, op->size);
	else if (!rc && done < op->size && (!op->budget || !done))
		world_fail(w, "%s: 0 with %#llx of %#llx done, budget %d", op_name(op), done,
			   op->size, op->budget);
	return !world_problem(w);
}

u64 exec_leaf_start(struct world *w, u64 ia)
{
	struct walk_result at = world_walk(w, ia);

	return at.fault == WALK_OK ? ia & ~(at.leaf_size - 1) : ia;
}

u64 exec_leaf_end(struct world *w, u64 last)
{
	struct walk_result at = world_walk(w, last);

	return at.fault == WALK_OK ? (last | (at.leaf_size - 1)) + 1 : last + 1;
}

void exec_owe(struct world *w, u64 start, u64 end)
{
	if (!w->owed_end || start < w->owed_start)
		w->owed_start = start;
	if (end > w->owed_end)
		w->owed_end = end;
}

static bool can_gather(const struct op *op)
{
	switch (op->kind) {
	case OP_S2_UNMAP:
	case OP_S2_WRPROTECT:
	case OP_S2_CLEAR_DIRTY:
	case OP_S2_TEST_YOUNG:
	case OP_S2_CLEAR_YOUNG:
	case OP_S2_SET_OWNER:
	case OP_S1_UNMAP:
		return op->gather;
	default:
		return false;
	}
}

static void (*const exec[OP_KINDS])(struct world *, const struct op *) = {
	[OP_S2_MAP] = exec_map,
	[OP_S2_MAP_PFNS] = exec_map_pfns,
	[OP_S2_UNMAP] = exec_unmap,
	[OP_S2_WRPROTECT] = exec_wrprotect,
	[OP_S2_CLEAR_DIRTY] = exec_clear_dirty,
	[OP_S2_TEST_YOUNG] = exec_young,
	[OP_S2_CLEAR_YOUNG] = exec_young,
	[OP_S2_MKYOUNG] = exec_mkyoung,
	[OP_S2_RELAX] = exec_relax,
	[OP_S2_FLUSH] = exec_flush,
	[OP_S2_SPLIT] = exec_split,
	[OP_S2_UNLINKED] = exec_unlinked,
	[OP_S2_SET_OWNER] = exec_set_owner,
	[OP_S2_COALESCE] = exec_coalesce,
	[OP_S2_FLUSH_TLB] = exec_flush_tlb,
	[OP_S1_MAP] = exec_s1_map,
	[OP_S1_UNMAP] = exec_s1_unmap,
	[OP_FLUSH_TLB_ALL] = exec_flush_tlb_all,
	[OP_CPU_ACCESS] = exec_access,
	[OP_LOOK] = exec_look,
};

#define OPS_BETWEEN_FULL_SCANS 48

static void compare(struct world *w, const struct op *op)
{
	if (w->gathering)
		return;
	if (w->thorough || !w->countdown--) {
		w->countdown = OPS_BETWEEN_FULL_SCANS;
		scan_all(w);
	} else if (!exec_want_range(w, op->ia, op->size)) {
		scan_range(w, op->ia, op->size);
	}
}

/* Entries that one call with a budget may change: "about" as many as the budget says. */
#define BUDGET_FACTOR 4u
#define BUDGET_SLACK  64u

/* False where the header leaves the invalidation to the caller, or none is due. */
static bool may_flush(const struct world *w, const struct op *op)
{
	switch (op->kind) {
	case OP_S2_WRPROTECT:
	case OP_S2_CLEAR_DIRTY:
	case OP_S2_TEST_YOUNG:
	case OP_S2_CLEAR_YOUNG:
		return w->gathering;
	case OP_S2_MKYOUNG:
	case OP_S2_FLUSH:
	case OP_S2_UNLINKED:
	case OP_LOOK:
		return false;
	default:
		return true;
	}
}

static void check_cost(struct world *w, const struct op *op, u64 writes)
{
	if (op->budget && writes > BUDGET_FACTOR * op->budget + BUDGET_SLACK)
		world_fail(w, "%s: %llu entries changed, budget %d", op_name(op), writes,
			   op->budget);
	if (w->flushes && !may_flush(w, op))
		world_fail(w, "%s: TLB maintenance that nobody asked for", op_name(op));
}

void op_run(struct world *w, const struct op *op)
{
	u64 writes;

	/* Nothing may be installed where an invalidation is still owed. */
	if (w->gathering && !can_gather(op))
		exec_flush_gather(w);
	if (can_gather(op))
		w->gathering = true;
	if (world_problem(w))
		return;
	world_begin(w);
	writes = w->tlb.writes;
	exec[op->kind](w, op);
	check_cost(w, op, w->tlb.writes - writes);
	if (!world_problem(w))
		world_drain(w);
	if (!w->gathering && !world_problem(w))
		world_end(w);
	if (!world_problem(w))
		compare(w, op);
}
