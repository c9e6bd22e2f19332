// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Looking at tables without changing them: one address, or a range entry by entry;
 * and cleaning the memory that a range maps. Shared, always: nothing is written, and
 * what is read is each entry once.
 */
#include "walk.h"

int pgt_init(struct pgt *pgt, const struct pgt_geometry *geo, void *root,
	     const struct pgt_env *env, void *ctx, u32 flags)
{
	u64 addr = env->to_pa(ctx, root).v;

	if ((addr & (geo->root_align - 1)) || addr >> geo->oa_bits)
		return -EINVAL;
	*pgt = (struct pgt){
		.geo = geo, .root = root, .env = env, .ctx = ctx, .flags = flags,
		.linear = (u64)(uintptr_t)root - addr,
	};
	desc_attr(pgt, geo->stage == PGT_STAGE2 ? 0 : PGT_PROT_R, &pgt->plain);
	return 0;
}

static int get_leaf(struct pgt *pgt, u64 ia, struct pgt_leaf *leaf)
{
	struct pgt_pos pos;

	if (ia >> pgt->geo->ia_bits)
		return -ERANGE;
	pgt_find(pgt, ia, &pos);
	desc_decode(pgt, ia, pos.level, pos.desc, leaf);
	return 0;
}

int pgt_s2_get_leaf(struct pgt *pgt, ipa_t ipa, struct pgt_leaf *leaf)
{
	return get_leaf(pgt, ipa.v, leaf);
}

int pgt_s1_get_leaf(struct pgt *pgt, u64 va, struct pgt_leaf *leaf)
{
	return get_leaf(pgt, va, leaf);
}

u32 pgt_s2_get_pages(struct pgt *pgt, ipa_t ipa, u32 max, u64 *pfn)
{
	const struct pgt_geometry *geo = pgt->geo;
	const u64 *slot;
	u32 i, n;

	if (ipa.v >> geo->ia_bits)
		return 0;
	slot = pgt_find_entry(pgt, ipa.v, PGT_LEVEL_LAST);
	if (!slot)
		return 0;
	n = table_left(geo, ipa.v, PGT_LEVEL_LAST);
	n = n < max ? n : max;
	for (i = 0; i < n; i++) {
		u64 desc = port_le64(port_read64(&slot[i]));

		if (!desc_is_valid(desc))
			break;
		pfn[i] = desc_oa(geo, desc) >> geo->granule_shift;
	}
	return i;
}

struct visit {
	pgt_leaf_fn *fn;
	void *arg;
	int ret; /* what ended the walk */
};

/* Decodes the entry @i of @run and counts how many empty ones it stands for. */
static u32 look(const struct pgt_run *run, u32 i, struct pgt_leaf *leaf)
{
	const u64 *slot = run->pos->slot;
	s8 level = run->pos->level;
	u64 size = pgt_level_size(run->pgt->geo, level);
	u64 desc = entry_read(&slot[i]);
	u32 n = 1;

	if (desc_is_table(desc, level))
		return 0;
	desc_decode(run->pgt, run->ia + i * size, level, desc, leaf);
	while (!desc && i + n < run->n && !port_read64(&slot[i + n]))
		n++;
	leaf->size = n * size;
	return n;
}

static int visit_run(struct pgt_run *run)
{
	struct visit *v = run->arg;
	struct pgt_leaf leaf;
	u32 i = 0;

	while (i < run->n && !v->ret) {
		u32 n = look(run, i, &leaf);

		if (!n)
			break;
		v->ret = v->fn(v->arg, &leaf);
		i += n;
	}
	run->n = i;
	/* Any value but 0 ends the walk; the sign is put back by the caller. */
	return v->ret ? -1 : (int)i;
}

int pgt_walk(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, pgt_leaf_fn *fn, void *arg)
{
	struct visit v = { .fn = fn, .arg = arg };
	int ret = pgt_op_begin(pgt, op, ia, size);

	if (ret)
		return ret;
	pgt_for_each_run(pgt, op, ia, size, visit_run, &v);
	return v.ret;
}

static int clean_visited(void *arg, const struct pgt_leaf *leaf)
{
	struct pgt *pgt = arg;

	if (leaf->kind == PGT_LEAF && desc_is_cacheable(pgt, leaf->desc))
		pgt->env->dcache_clean_inval(pgt->ctx, leaf->pa, leaf->size);
	return 0;
}

int pgt_s2_flush(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size)
{
	int ret;

	if (!(pgt->flags & PGT_FWB) && pgt->env->dcache_clean_inval)
		return pgt_walk(pgt, op, ipa.v, size, clean_visited, pgt);
	ret = pgt_op_begin(pgt, op, ipa.v, size);
	if (!ret)
		op->done = size;
	return ret;
}
