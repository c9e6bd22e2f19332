// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Table pages: from the caller's memcache into the tree, and out of it again.
 *
 * A table is complete before the entry that leads to it is written (release), and
 * can't be reached by anybody before it is freed: hardware after the invalidation,
 * shared walkers after pgt_env.defer_free's grace. Locks: that of the operation.
 */
#include "table.h"

void pgt_memcache_push(struct pgt_memcache *mc, void *page)
{
	*(void **)page = mc->head;
	mc->head = page;
	mc->count++;
}

void *pgt_memcache_pop(struct pgt_memcache *mc)
{
	void *page = mc->head;

	if (page) {
		mc->head = *(void **)page;
		mc->count--;
	}
	return page;
}

u64 *table_alloc(const struct pgt *pgt, struct pgt_op *op)
{
	void *page = op->mc ? pgt_memcache_pop(op->mc) : NULL;

	if (page)
		memset(page, 0, (size_t)1 << pgt->geo->granule_shift);
	return page;
}

void table_unalloc(struct pgt_op *op, u64 *table)
{
	pgt_memcache_push(op->mc, table);
}

u64 table_desc(const struct pgt *pgt, const u64 *table)
{
	return desc_from_oa(pgt->geo, pgt->env->to_pa(pgt->ctx, table).v) | DESC_TABLE;
}

/*
 * Calls @put for every page of a subtree, leaves first. Depth is bounded by the
 * number of levels.
 */
static void subtree_put(const struct pgt *pgt, u64 *table, s8 level,
			void (*put)(void *ctx, void *page), void *ctx)
{
	u32 i;

	for (i = 0; level < PGT_LEVEL_LAST && i < pgt->geo->table_entries; i++) {
		u64 desc = entry_read(&table[i]);

		if (desc_is_table(desc, level))
			subtree_put(pgt, table_of(pgt, desc), level + 1, put, ctx);
	}
	put(ctx, table);
}

static void put_in_memcache(void *mc, void *page)
{
	pgt_memcache_push(mc, page);
}

void pgt_s2_free_unlinked(struct pgt *pgt, void *table, s8 level)
{
	subtree_put(pgt, table, level, pgt->env->free_table, pgt->ctx);
}

void table_drop(struct pgt *pgt, const struct pgt_op *op, u64 *table, s8 level)
{
	if ((op->flags & PGT_OP_SHARED) && pgt->env->defer_free)
		pgt->env->defer_free(pgt->ctx, pgt, table, level);
	else
		pgt_s2_free_unlinked(pgt, table, level);
}

/* Not linked in yet: plain order of writes doesn't matter. */
static void fill_leaves(const struct pgt *pgt, u64 *table, const struct table_fill *fill)
{
	const struct pgt_geometry *geo = pgt->geo;
	u64 desc = desc_from_oa(geo, fill->oa) | fill->attr | desc_leaf_type(fill->level);
	u64 step = pgt_level_size(geo, fill->level);
	u32 i;

	/* A block is aligned to its size, so its parts agree in the upper address bits. */
	for (i = 0; i < geo->table_entries; i++, desc += step)
		entry_write(&table[i], desc);
}

u64 *table_build(const struct pgt *pgt, struct pgt_op *op, const struct table_fill *fill)
{
	struct table_fill below = *fill;
	u64 *table = table_alloc(pgt, op);
	u32 i;

	if (!table)
		return NULL;
	if (fill->leaves == fill->level) {
		fill_leaves(pgt, table, fill);
		return table;
	}
	below.level++;
	for (i = 0; i < pgt->geo->table_entries; i++) {
		u64 *child = table_build(pgt, op, &below);

		if (!child) {
			subtree_put(pgt, table, fill->level, put_in_memcache, op->mc);
			return NULL;
		}
		entry_write(&table[i], table_desc(pgt, child));
		below.oa += pgt_level_size(pgt->geo, fill->level);
	}
	return table;
}

int pgt_s2_create_unlinked(struct pgt *pgt, struct pgt_op *op, pa_t to, s8 level, s8 leaf_level,
			   u32 prot, void **table)
{
	const struct pgt_geometry *geo = pgt->geo;
	struct table_fill fill = { .oa = to.v, .level = level, .leaves = leaf_level };
	u64 size;
	int ret;

	if (level <= geo->start_level || level > PGT_LEVEL_LAST || leaf_level < level ||
	    leaf_level > PGT_LEVEL_LAST || !pgt_level_has_leaf(geo, leaf_level))
		return -EINVAL;
	size = pgt_level_size(geo, level - 1);
	if ((to.v & (size - 1)) || to.v >> geo->oa_bits)
		return -EINVAL;
	ret = desc_attr(pgt, prot, &fill.attr);
	if (ret)
		return ret;
	*table = table_build(pgt, op, &fill);
	return *table ? 0 : -ENOMEM;
}

bool entry_break(struct pgt *pgt, u64 *slot, u64 old, struct pgt_gather *gather)
{
	if (!entry_cas(slot, old, DESC_LOCKED))
		return false;
	pgt_gather_flush(pgt, gather);
	return true;
}

/* An invalid entry is never cached: the table takes its place without a break. */
static int install_over_invalid(struct pgt *pgt, struct pgt_op *op, const struct pgt_pos *pos)
{
	u64 *table = table_alloc(pgt, op);
	u32 i;

	if (!table)
		return -ENOMEM;
	for (i = 0; pos->desc && i < pgt->geo->table_entries; i++)
		entry_write(&table[i], pos->desc);
	/* A table that was detached from this very entry may still be in walk caches. */
	if (op->gather && op->gather->tables)
		pgt_gather_flush(pgt, op->gather);
	/* The exchange releases the zeroes and annotations above. The loser uses the winner's. */
	if (!entry_cas(pos->slot, pos->desc, table_desc(pgt, table)))
		table_unalloc(op, table);
	return 0;
}

int entry_lost(const struct pgt_geometry *geo, const u64 *slot, u64 old)
{
	u64 changed = entry_read(slot) ^ old;

	return changed & ~desc_hw_bits(geo, old) ? -EAGAIN : 0;
}

/*
 * A block becomes a table of smaller leaves: a change of size, so the block has to be
 * gone from the TLBs first (Arm ARM D8.16.1). The hardware may set AF or dirty until
 * the entry is locked; then the exchange fails, and the copy is made anew.
 */
static int install_over_block(struct pgt *pgt, struct pgt_op *op, const struct pgt_pos *pos, u64 ia,
			      s8 leaves)
{
	const struct pgt_geometry *geo = pgt->geo;
	u64 size = pgt_level_size(geo, pos->level);
	struct table_fill fill = {
		.oa = desc_oa(geo, pos->desc),
		.attr = pos->desc & ~desc_not_attr(geo),
		.level = pos->level + 1,
		.leaves = leaves,
	};
	struct pgt_gather gather;
	u64 *table = table_build(pgt, op, &fill);

	if (!table)
		return -ENOMEM;
	pgt_gather_init(&gather);
	pgt_gather_leaf(&gather, align_down(ia, size), size, pos->level);
	if (!entry_break(pgt, pos->slot, pos->desc, &gather)) {
		subtree_put(pgt, table, fill.level, put_in_memcache, op->mc);
		return entry_lost(geo, pos->slot, pos->desc);
	}
	entry_publish(pos->slot, table_desc(pgt, table));
	return 0;
}

int table_install(struct pgt *pgt, struct pgt_op *op, const struct pgt_pos *pos, u64 ia, s8 leaves)
{
	if (desc_is_locked(pos->desc))
		return -EAGAIN;
	if (!desc_is_valid(pos->desc))
		return install_over_invalid(pgt, op, pos);
	return install_over_block(pgt, op, pos, ia, leaves);
}
