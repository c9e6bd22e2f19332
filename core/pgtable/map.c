// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mapping: leaves over whatever is there, as large as things allow.
 *
 * A loop of steps, each of which goes down to the next address and does one thing:
 * fill a run of empty entries of one table, deal with one entry that isn't empty, or
 * put in a table where one is missing. Shared walkers are kept apart by exchanging
 * every entry against what was seen; exclusive ones store. An owner annotation is
 * never overwritten here (invariant 3).
 */
#include "map.h"

struct mapping {
	struct pgt *pgt;
	struct pgt_op *op;
	u64 start, ia, end; /* [start, ia) is done */
	u64 to;		    /* where ia goes */
	const u64 *pfn;	    /* instead of to: frame of ia, and of the pages after it */
	u64 attr;	    /* type apart */
	bool wrote;
};

static void advance(struct mapping *m, u64 size)
{
	m->ia += size;
	m->to += size;
	if (m->pfn)
		m->pfn += size >> m->pgt->geo->granule_shift;
	m->op->done = m->ia - m->start;
}

static u64 page_oa(const struct mapping *m, u32 i)
{
	return m->pfn ? m->pfn[i] << m->pgt->geo->granule_shift : m->to;
}

/* The highest level whose leaf fits what is left, with both addresses aligned to it. */
static s8 target_level(const struct mapping *m)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 addr = m->ia | m->to, left = m->end - m->ia;
	s8 level = PGT_LEVEL_LAST;

	if (m->pfn)
		return level;
	while (level > geo->start_level && pgt_level_has_leaf(geo, level - 1)) {
		u8 shift = level_shift(geo, level - 1);
		u64 size = 1ULL << shift;

		if ((addr & (size - 1)) || left < size)
			break;
		if (m->op->max_shift && shift > m->op->max_shift)
			break;
		level--;
	}
	return level;
}

/*
 * Caches hold what was written to the memory with other attributes, and may hold old
 * instructions; both have to go before the guest can look (FWB: only the latter).
 */
static void maintain_caches(const struct mapping *m, pa_t from, u64 size, u64 desc)
{
	const struct pgt *pgt = m->pgt;
	const struct pgt_env *env = pgt->env;

	if (m->op->flags & PGT_OP_NO_CMO)
		return;
	if (env->dcache_clean_inval && pgt->geo->stage == PGT_STAGE2 && !(pgt->flags & PGT_FWB) &&
	    desc_is_cacheable(pgt, desc))
		env->dcache_clean_inval(pgt->ctx, from, size);
	if (env->icache_inval && desc_is_exec(pgt, desc))
		env->icache_inval(pgt->ctx, from, size);
}

/*
 * Writes leaves over empty entries, up to the first that isn't. New translations need
 * no invalidation; pgt_env.publish at the end makes them visible.
 */
static u32 fill_exclusive(u64 *slot, u32 n, u64 desc, u64 step)
{
	u32 i;

	for (i = 0; i < n && !port_read64(&slot[i]); i++, desc += step)
		entry_write(&slot[i], desc);
	return i;
}

static u32 fill_shared(u64 *slot, u32 n, u64 desc, u64 step)
{
	u32 i;

	for (i = 0; i < n && entry_cas(&slot[i], 0, desc); i++, desc += step)
		;
	return i;
}

static u32 fill_pfns(const struct mapping *m, u64 *slot, u32 n)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u32 i;

	for (i = 0; i < n; i++) {
		u64 oa = page_oa(m, i);
		u64 desc = desc_from_oa(geo, oa) | m->attr | DESC_PAGE;

		if (port_read64(&slot[i]))
			break;
		maintain_caches(m, pa(oa), 1ULL << geo->granule_shift, desc);
		if (!entry_cas(&slot[i], 0, desc))
			break;
	}
	return i;
}

/* Entries that one run may fill: of this table, and with the same upper address bits. */
static u32 run_length(const struct mapping *m, s8 level)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u8 shift = level_shift(geo, level);
	u64 n = (m->end - m->ia) >> shift;
	u64 same = (((m->to >> geo->hi_oa_bit) + 1) << geo->hi_oa_bit) - m->to;
	u32 left = table_left(geo, m->ia, level);

	if (n > left)
		n = left;
	if (!m->pfn && n > same >> shift)
		n = same >> shift;
	return (u32)n;
}

/* Stage 1: what is there stays. */
static int map_over_s1(struct mapping *m, s8 level, u64 old, u64 desc)
{
	if ((old ^ desc) & ~DESC_AF)
		return -EEXIST;
	advance(m, pgt_level_size(m->pgt->geo, level));
	return 0;
}

/* Only software bits differ, and maybe permissions: no break needed, but old ones must go. */
static int rewrite(struct mapping *m, u64 *slot, s8 level, u64 old, u64 desc)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 size = pgt_level_size(geo, level);
	struct pgt_gather gather;

	/* What the hardware has noted stays noted (invariant 10). */
	if (!entry_cas(slot, old, desc | (old & desc_hw_bits(geo, old & desc))))
		return entry_lost(geo, slot, old);
	pgt_gather_init(&gather);
	pgt_gather_leaf(&gather, m->ia, size, level);
	pgt_gather_flush(m->pgt, &gather);
	advance(m, size);
	return 0;
}

/* Another output address or memory type: break-before-make (Arm ARM D8.16.1). */
static int replace_leaf(struct mapping *m, u64 *slot, s8 level, u64 old, u64 desc)
{
	u64 size = pgt_level_size(m->pgt->geo, level);
	struct pgt_gather gather;

	pgt_gather_init(&gather);
	pgt_gather_leaf(&gather, m->ia, size, level);
	if (!entry_break(m->pgt, slot, old, &gather))
		return entry_lost(m->pgt->geo, slot, old);
	entry_publish(slot, desc);
	m->wrote = true;
	advance(m, size);
	return 0;
}

static int map_over_s2(struct mapping *m, u64 *slot, s8 level, u64 old, u64 desc)
{
	u64 diff = (old ^ desc) & ~(DESC_S2_PERMS | DESC_AF);

	if (!diff)
		return -EAGAIN;
	if (!(diff & ~DESC_SW))
		return rewrite(m, slot, level, old, desc);
	return replace_leaf(m, slot, level, old, desc);
}

/* The entry for m->ia wasn't empty. 0 also if it is worth another look. */
static int map_over(struct mapping *m, u64 *slot, s8 level, u64 desc)
{
	u64 old = entry_read(slot);

	if (!old || desc_is_table(old, level))
		return 0;
	if (desc_is_locked(old))
		return -EAGAIN;
	if (!desc_is_valid(old))
		return -EPERM;
	if (m->pgt->geo->stage == PGT_STAGE1)
		return map_over_s1(m, level, old, desc);
	return map_over_s2(m, slot, level, old, desc);
}

static u32 fill(struct mapping *m, const struct pgt_pos *pos, u32 n)
{
	u64 step = pgt_level_size(m->pgt->geo, pos->level);
	u64 desc = desc_from_oa(m->pgt->geo, m->to) | m->attr | desc_leaf_type(pos->level);

	if (m->pfn)
		return fill_pfns(m, pos->slot, n);
	maintain_caches(m, pa(m->to), n * step, desc);
	if (m->op->flags & PGT_OP_SHARED)
		return fill_shared(pos->slot, n, desc, step);
	return fill_exclusive(pos->slot, n, desc, step);
}

static int map_run(struct mapping *m, const struct pgt_pos *pos, u32 n)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u32 filled = fill(m, pos, n);
	u64 desc;

	m->wrote |= filled != 0;
	advance(m, (u64)filled << level_shift(geo, pos->level));
	if (filled == n)
		return 0;
	desc = desc_from_oa(geo, page_oa(m, 0)) | m->attr | desc_leaf_type(pos->level);
	/* A range has been cleaned whole; single frames only as far as they were filled. */
	if (m->pfn)
		maintain_caches(m, pa(page_oa(m, 0)), 1ULL << geo->granule_shift, desc);
	return map_over(m, pos->slot + filled, pos->level, desc);
}

/* Whether the block at @pos already takes m->ia to m->to, permissions apart. */
static bool block_agrees(const struct mapping *m, const struct pgt_pos *pos, u64 ignore)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 offset = m->ia & (pgt_level_size(geo, pos->level) - 1);
	u64 not_attr = desc_oa_bits(geo) | DESC_TYPE;

	if (desc_oa(geo, pos->desc) + offset != page_oa(m, 0))
		return false;
	return !(((pos->desc & ~not_attr) ^ m->attr) & ~ignore);
}

/* A larger entry than the leaf to be made: an empty one, an annotation or a block. */
static int map_below(struct mapping *m, const struct pgt_pos *pos)
{
	u64 ignore = DESC_AF;
	u64 block_end;

	if (desc_is_owner(pos->desc))
		return -EPERM;
	if (!desc_is_valid(pos->desc))
		return table_install(m->pgt, m->op, pos, m->ia, pos->level + 1);
	if (m->pgt->geo->stage == PGT_STAGE2) {
		if (block_agrees(m, pos, ignore | DESC_S2_PERMS))
			return -EAGAIN;
		return table_install(m->pgt, m->op, pos, m->ia, pos->level + 1);
	}
	if (!block_agrees(m, pos, ignore))
		return -EEXIST;
	block_end = align_down(m->ia, pgt_level_size(m->pgt->geo, pos->level)) +
		    pgt_level_size(m->pgt->geo, pos->level);
	advance(m, (block_end < m->end ? block_end : m->end) - m->ia);
	return 0;
}

/*
 * A block takes the place of a table (PGT_OP_REPLACE). What the table mapped is gone
 * from the TLBs before the block appears; the table itself dies when nobody is in it.
 */
static int replace_table(struct mapping *m, const struct pgt_pos *pos, s8 level)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 *slot = pos->path[level + 1];
	u64 old = entry_read(slot), size = pgt_level_size(geo, level);
	u64 desc = desc_from_oa(geo, m->to) | m->attr | desc_leaf_type(level);
	struct pgt_gather gather;

	if (!desc_is_table(old, level))
		return 0;
	maintain_caches(m, pa(m->to), size, desc);
	pgt_gather_init(&gather);
	pgt_gather_leaf(&gather, m->ia, size, PGT_LEVEL_LAST);
	pgt_gather_table(&gather, m->ia, size, level);
	if (!entry_break(m->pgt, slot, old, &gather))
		return -EAGAIN;
	entry_publish(slot, desc);
	table_drop(m->pgt, m->op, table_of(m->pgt, old), level + 1);
	m->wrote = true;
	advance(m, size);
	return 0;
}

static int map_step(struct mapping *m, u32 *budget)
{
	s8 level = target_level(m);
	struct pgt_pos pos;
	u32 n = 1;
	int ret;

	pgt_find(m->pgt, m->ia, &pos);
	if (pos.level < level) {
		ret = map_below(m, &pos);
	} else if (pos.level > level && (m->op->flags & PGT_OP_REPLACE)) {
		ret = replace_table(m, &pos, level);
	} else {
		n = budget_clip(m->op, *budget, run_length(m, pos.level));
		ret = map_run(m, &pos, n);
	}
	if (!ret && budget_spend(m->op, budget, n))
		return 1;
	return ret;
}

static int map_all(struct mapping *m)
{
	u32 budget = m->op->budget;
	int ret = 0;

	while (!ret && m->ia < m->end)
		ret = map_step(m, &budget);
	if (m->wrote && m->pgt->env->publish)
		m->pgt->env->publish(m->pgt->ctx);
	return ret < 0 ? ret : 0;
}

int pgt_map(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, u64 to, u32 prot)
{
	struct mapping m = {
		.pgt = pgt, .op = op, .start = ia, .ia = ia, .end = ia + size, .to = to,
	};
	u64 limit = 1ULL << pgt->geo->oa_bits;
	int ret = pgt_op_begin(pgt, op, ia, size);

	if (ret)
		return ret;
	if (to & ((1ULL << pgt->geo->granule_shift) - 1))
		return -EINVAL;
	if (to >= limit || size > limit - to)
		return -ERANGE;
	ret = desc_attr(pgt, prot, &m.attr);
	return ret ? ret : map_all(&m);
}

int pgt_s2_map(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, pa_t to, u32 prot)
{
	return pgt_map(pgt, op, ipa.v, size, to.v, prot);
}

int pgt_s2_map_pfns(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, const u64 *pfn, u32 n, u32 prot)
{
	u64 size = (u64)n << pgt->geo->granule_shift;
	struct mapping m = {
		.pgt = pgt, .op = op, .start = ipa.v, .ia = ipa.v, .end = ipa.v + size, .pfn = pfn,
	};
	int ret = pgt_op_begin(pgt, op, ipa.v, size);
	u32 i;

	for (i = 0; !ret && i < n; i++)
		if (pfn[i] >> (pgt->geo->oa_bits - pgt->geo->granule_shift))
			ret = -ERANGE;
	if (!ret)
		ret = desc_attr(pgt, prot, &m.attr);
	return ret ? ret : map_all(&m);
}
