// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Changes to the attributes of stage-2 leaves that stay where they are: write
 * protection, dirty state, the access flag, more permissions.
 *
 * None of it needs break-before-make (Arm ARM D8.16.1). Every change is an exchange
 * against what was read, because with HA and HD the hardware writes to the same
 * entries: an access or a write that it notes in between is never overwritten
 * (invariant 10). Ranges are exclusive; mkyoung and relax_perms are shared.
 */
#include "walk.h"

/*
 * Replaces a leaf by what it was without @bits; tries again when the hardware was
 * faster. Returns the entry as it last was.
 */
static u64 leaf_clear(u64 *slot, u64 desc, u64 bits)
{
	while (!entry_cas(slot, desc, desc & ~bits))
		desc = entry_read(slot);
	return desc;
}

struct clear_arg {
	u64 bits; /* of these, clear what is set */
	bool hit; /* out: one of them was */
};

static int clear_run(struct pgt_run *run)
{
	struct clear_arg *arg = run->arg;
	u64 table_bit = desc_table_bit(run->pos->level), bits = arg->bits;
	u64 *slot = run->pos->slot, *end = slot + run->n, *first = NULL, *last = NULL;

	for (; slot < end; slot++) {
		u64 desc = port_le64(port_read64(slot));

		if (!desc_is_valid(desc))
			continue;
		if (desc & table_bit)
			break;
		if (!(desc & bits))
			continue;
		leaf_clear(slot, desc, bits);
		if (!first)
			first = slot;
		last = slot;
	}
	arg->hit |= first != NULL;
	if (first && run->op->gather)
		run_gather(run, first, last);
	return (int)(slot - run->pos->slot);
}

int pgt_s2_wrprotect(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, bool *changed)
{
	struct clear_arg arg = { .bits = DESC_S2_W | DESC_DBM };
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	if (!ret)
		ret = pgt_for_each_run(pgt, op, ipa.v, size, clear_run, &arg);
	if (changed && arg.hit)
		*changed = true;
	return ret;
}

/* Ends the loop, with -EEXIST, at the first leaf with one of the bits: one is enough. */
static int test_run(struct pgt_run *run)
{
	struct clear_arg *arg = run->arg;
	u64 table_bit = desc_table_bit(run->pos->level);
	const u64 *slot = run->pos->slot, *end = slot + run->n;

	for (; slot < end && !arg->hit; slot++) {
		u64 desc = port_le64(port_read64(slot));

		if (!desc_is_valid(desc))
			continue;
		if (desc & table_bit)
			break;
		arg->hit = desc & arg->bits;
	}
	run->n = (u32)(slot - run->pos->slot);
	return arg->hit ? -EEXIST : (int)run->n;
}

/* Hosts ask for one page after the other: there is no run of entries to loop over. */
static bool age_page(struct pgt *pgt, ipa_t ipa, bool clear)
{
	struct pgt_pos pos;

	pgt_find(pgt, ipa.v, &pos);
	if (!desc_is_valid(pos.desc) || !(pos.desc & DESC_AF))
		return false;
	if (clear)
		leaf_clear(pos.slot, pos.desc, DESC_AF);
	return true;
}

int pgt_s2_test_clear_young(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, bool clear,
			    bool *young)
{
	struct clear_arg arg = { .bits = DESC_AF };
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	*young = false;
	if (ret)
		return ret;
	if (size == 1ULL << pgt->geo->granule_shift && !op->gather) {
		*young = age_page(pgt, ipa, clear);
		op->done = size;
		return 0;
	}
	pgt_for_each_run(pgt, op, ipa.v, size, clear ? clear_run : test_run, &arg);
	/* Without clearing, the first young leaf decides about all of the range. */
	if (!clear && arg.hit)
		op->done = size;
	*young = arg.hit;
	return 0;
}

struct dirty_arg {
	u64 ia, end;
	u64 *bitmap;
};

/* Sets the bits of the pages of [@ia, @ia + @size) that lie in the range. */
static void mark_dirty(const struct pgt_geometry *geo, const struct dirty_arg *arg, u64 ia,
		       u64 size)
{
	u64 end = ia + size < arg->end ? ia + size : arg->end;
	u64 bit, last;

	if (ia < arg->ia)
		ia = arg->ia;
	bit = (ia - arg->ia) >> geo->granule_shift;
	last = (end - arg->ia) >> geo->granule_shift;
	for (; bit < last; bit++)
		arg->bitmap[(size_t)(bit / 64)] |= 1ULL << (bit % 64);
}

static int clear_dirty_run(struct pgt_run *run)
{
	const struct pgt_geometry *geo = run->pgt->geo;
	u64 size = pgt_level_size(geo, run->pos->level);
	u64 *slot = run->pos->slot;
	u32 i;

	for (i = 0; i < run->n; i++) {
		u64 desc = entry_read(&slot[i]);

		if (desc_is_table(desc, run->pos->level))
			break;
		if (!desc_is_valid(desc) || !(desc & DESC_DBM) || !desc_is_s2_dirty(desc))
			continue;
		leaf_clear(&slot[i], desc, DESC_S2_W);
		mark_dirty(geo, run->arg, run->ia + i * size, size);
		if (run->op->gather)
			run_gather(run, &slot[i], &slot[i]);
	}
	return (int)i;
}

int pgt_s2_clear_dirty(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u64 *bitmap)
{
	struct dirty_arg arg = { .ia = ipa.v, .end = ipa.v + size, .bitmap = bitmap };
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	return ret ? ret : pgt_for_each_run(pgt, op, ipa.v, size, clear_dirty_run, &arg);
}

/* Finds the leaf at @ipa for a fault: 0, -ERANGE, -ENOENT, -EAGAIN if it is locked. */
static int find_leaf(const struct pgt *pgt, ipa_t ipa, struct pgt_pos *pos)
{
	if (ipa.v >> pgt->geo->ia_bits)
		return -ERANGE;
	pgt_find(pgt, ipa.v, pos);
	if (desc_is_locked(pos->desc))
		return -EAGAIN;
	return desc_is_valid(pos->desc) ? 0 : -ENOENT;
}

int pgt_s2_mkyoung(struct pgt *pgt, ipa_t ipa)
{
	struct pgt_pos pos;
	int ret = find_leaf(pgt, ipa, &pos);

	if (ret || (pos.desc & DESC_AF))
		return ret;
	return entry_cas(pos.slot, pos.desc, pos.desc | DESC_AF) ? 0 : -EAGAIN;
}

/* Only this CPU has faulted; whoever else has the old entry will fault as well. */
static void flush_leaf_local(struct pgt *pgt, u64 ia, s8 level)
{
	u64 size = pgt_level_size(pgt->geo, level);
	struct pgt_tlb_plan plan;
	struct pgt_gather g;

	pgt_gather_init(&g);
	pgt_gather_leaf(&g, align_down(ia, size), size, level);
	pgt_tlb_plan(pgt->geo, &g, &plan);
	plan.local = true;
	pgt->env->tlb_flush(pgt->ctx, &plan);
}

static int check_relax(const struct pgt *pgt, u32 prot)
{
	u64 attr;

	if (prot & ~PGT_PROT_RWX)
		return -EINVAL;
	return desc_attr(pgt, prot, &attr);
}

/* Instructions may have been written there while it wasn't executable. */
static void prepare_exec(const struct pgt *pgt, const struct pgt_pos *pos, u64 desc, u32 flags)
{
	if (desc_is_exec(pgt, pos->desc) || !desc_is_exec(pgt, desc))
		return;
	if (pgt->env->icache_inval && !(flags & PGT_OP_NO_CMO))
		pgt->env->icache_inval(pgt->ctx, pa(desc_oa(pgt->geo, desc)),
				       pgt_level_size(pgt->geo, pos->level));
}

int pgt_s2_relax_perms(struct pgt *pgt, ipa_t ipa, u32 prot, u32 flags)
{
	struct pgt_pos pos;
	u64 desc;
	int ret = check_relax(pgt, prot);

	if (!ret)
		ret = find_leaf(pgt, ipa, &pos);
	if (ret)
		return ret;
	desc = desc_s2_relax(pgt, pos.desc, prot) | DESC_AF;
	prepare_exec(pgt, &pos, desc, flags);
	if (desc != pos.desc && !entry_cas(pos.slot, pos.desc, desc))
		return -EAGAIN;
	flush_leaf_local(pgt, ipa.v, pos.level);
	return 0;
}
