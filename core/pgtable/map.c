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
	bool clean, inval;  /* caches: before entries are written */
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
static void plan_caches(struct mapping *m)
{
	const struct pgt *pgt = m->pgt;

	if (m->op->flags & PGT_OP_NO_CMO)
		return;
	m->clean = pgt->env->dcache_clean_inval && !(pgt->flags & PGT_FWB) &&
		   pgt->geo->stage == PGT_STAGE2 && desc_is_cacheable(pgt, m->attr);
	m->inval = pgt->env->icache_inval && desc_is_exec(pgt, m->attr);
}

static void maintain_caches(const struct mapping *m, u64 from, u64 size)
{
	const struct pgt *pgt = m->pgt;

	if (m->clean)
		pgt->env->dcache_clean_inval(pgt->ctx, pa(from), size);
	if (m->inval)
		pgt->env->icache_inval(pgt->ctx, pa(from), size);
}

/*
 * Writes leaves over empty entries, up to the first that isn't. New translations need
 * no invalidation; pgt_env.publish at the end makes them visible.
 */
static u32 fill_exclusive(u64 *first, u32 n, u64 desc, u64 step)
{
	u64 *slot = first, *end = first + n;

	for (; slot < end && !port_read64(slot); slot++, desc += step)
		entry_write(slot, desc);
	return (u32)(slot - first);
}

static u32 fill_shared(u64 *first, u32 n, u64 desc, u64 step)
{
	u64 *slot = first, *end = first + n;

	for (; slot < end && entry_cas(slot, 0, desc); slot++)
		desc += step;
	return (u32)(slot - first);
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
		maintain_caches(m, oa, 1ULL << geo->granule_shift);
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
	u32 left = table_left(geo, m->ia, level);

	if (n > left)
		n = left;
	if (geo->hi_mask && !m->pfn) {
		u64 same = (1ULL << geo->hi_oa_bit) - (m->to & ((1ULL << geo->hi_oa_bit) - 1));

		if (n > same >> shift)
			n = same >> shift;
	}
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
	maintain_caches(m, m->to, n * step);
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
		maintain_caches(m, page_oa(m, 0), 1ULL << geo->granule_shift);
	return map_over(m, pos->slot + filled, pos->level, desc);
}

/* Whether the block at @pos already takes m->ia to m->to, permissions apart. */
static bool block_agrees(const struct mapping *m, const struct pgt_pos *pos, u64 ignore)
{
	const struct pgt_geometry *geo = m->pgt->geo;
	u64 offset = m->ia & (pgt_level_size(geo, pos->level) - 1);

	if (desc_oa(geo, pos->desc) + offset != page_oa(m, 0))
		return false;
	return !(((pos->desc & ~desc_not_attr(geo)) ^ m->attr) & ~ignore);
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
	maintain_caches(m, m->to, size);
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

/* Blocks are possible: finds out whether the entry at @pos is the one for the leaf. */
static int map_other_level(struct mapping *m, const struct pgt_pos *pos, bool *done)
{
	s8 level = target_level(m);

	*done = true;
	if (pos->level < level)
		return map_below(m, pos);
	if (pos->level > level && (m->op->flags & PGT_OP_REPLACE))
		return replace_table(m, pos, level);
	*done = false;
	return 0;
}

static int map_step(struct mapping *m, u32 *budget)
{
	struct pgt_pos pos;
	bool done = false;
	u32 n = 1;
	int ret = 0;

	pgt_find(m->pgt, m->ia, &pos);
	/* A table of pages is filled with pages, whatever would fit, unless it is to go. */
	if (pos.level != PGT_LEVEL_LAST || (m->op->flags & PGT_OP_REPLACE))
		ret = map_other_level(m, &pos, &done);
	if (!done) {
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
	if (ret)
		return ret;
	plan_caches(&m);
	return map_all(&m);
}

/* Whether a leaf with @prot can be mapped as it is: no caches to maintain, no odd @prot. */
static bool is_plain(const struct pgt *pgt, const struct pgt_op *op, u32 prot)
{
	const struct pgt_env *env = pgt->env;

	if (prot & ~PGT_PROT_RWX)
		return false;
	if (op->flags & PGT_OP_NO_CMO)
		return true;
	if (env->dcache_clean_inval && !(pgt->flags & PGT_FWB))
		return false;
	return !(env->icache_inval && (prot & PGT_PROT_X));
}

/* Finds the level that @op lets make a leaf of @size bytes. */
static bool leaf_level(const struct pgt_geometry *geo, const struct pgt_op *op, u64 size, s8 *level)
{
	*level = PGT_LEVEL_LAST;
	while (pgt_level_size(geo, *level) < size) {
		if (*level == geo->start_level || !pgt_level_has_leaf(geo, *level - 1))
			return false;
		--*level;
	}
	if (pgt_level_size(geo, *level) != size)
		return false;
	return *level == PGT_LEVEL_LAST || !op->max_shift ||
	       level_shift(geo, *level) <= op->max_shift;
}

/*
 * What a fault asks for, nearly always: one page or block of plain memory, in a table that
 * is there, over an empty entry. False, with nothing done, if it is anything else, errors
 * included.
 */
static bool map_leaf(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, u64 to, u32 prot)
{
	const struct pgt_geometry *geo = pgt->geo;
	u64 attr = prot & PGT_PROT_X ? pgt->plain & ~DESC_S2_XN : pgt->plain;
	u64 *slot;
	s8 level;

	if (!leaf_level(geo, op, size, &level))
		return false;
	if (((ia | to) & (size - 1)) || ia >> geo->ia_bits || to >> geo->oa_bits)
		return false;
	if (!is_plain(pgt, op, prot) || desc_x_is_mixed(prot))
		return false;
	slot = pgt_find_entry(pgt, ia, level);
	if (!slot || !entry_cas(slot, 0, desc_from_oa(geo, to) | attr | desc_leaf_type(level) |
					 (u64)(prot & PGT_PROT_RW) * DESC_S2_R))
		return false;
	if (pgt->env->publish)
		pgt->env->publish(pgt->ctx);
	op->done = size;
	return true;
}

int pgt_s2_map(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, pa_t to, u32 prot)
{
	if (map_leaf(pgt, op, ipa.v, size, to.v, prot))
		return 0;
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
	if (ret)
		return ret;
	plan_caches(&m);
	return map_all(&m);
}
