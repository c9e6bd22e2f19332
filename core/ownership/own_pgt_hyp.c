// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hyp's stage 1 as an address space: pages at their linear addresses, never
 * blocks, for EL2 can't split what it may be running on; so that any page can be
 * taken out alone. What EL2 mapped with blocks at launch (its image) is refused.
 * Nothing but owned and borrowed pages is ever mapped here (invariant 2).
 * Locks: the space's, and the host's outside of it.
 */
#include "own_pgt.h"

/* Is the leaf at @va one that reaches beyond [@start, @end)? */
static bool is_cut(struct own_pgt_space *space, u64 va, u64 start, u64 end)
{
	struct pgt_leaf leaf;

	return pgt_s1_get_leaf(space->pgt, va, &leaf) || leaf.ia < start ||
	       leaf.ia + leaf.size > end;
}

static int hyp_prepare(struct own_space *own, enum own_edit edit, u64 addr, u64 nr_pages)
{
	struct own_pgt_space *space = own_pgt(own);
	u64 size = own_pgt_bytes(space, nr_pages);
	u64 end = addr + size, last = end - own_pgt_bytes(space, 1);

	if (edit == OWN_EDIT_MAP)
		return own_pgt_reserve(space->pool,
				       pgt_map_pages_needed(space->pgt->geo, addr, size, 0));
	return is_cut(space, addr, addr, end) || is_cut(space, last, addr, end) ? -EPERM : 0;
}

static void hyp_map(struct own_space *own, u64 addr, pa_t at, u64 nr_pages, u32 prot)
{
	struct own_pgt_space *space = own_pgt(own);
	struct pgt_op op = own_pgt_begin_edit(space, 0);
	int ret;

	(void)prot; /* always OWN_PROT_RW */
	op.max_shift = space->pgt->geo->granule_shift;
	ret = pgt_s1_map(space->pgt, &op, addr, own_pgt_bytes(space, nr_pages), at, PGT_PROT_RW);
	port_assert(!ret);
}

static void hyp_unmap(struct own_space *own, u64 addr, u64 nr_pages, u32 next)
{
	struct own_pgt_space *space = own_pgt(own);
	struct pgt_op op = own_pgt_begin_edit(space, 0);
	int ret = pgt_s1_unmap(space->pgt, &op, addr, own_pgt_bytes(space, nr_pages));

	(void)next;
	port_assert(!ret);
}

static const struct own_space_ops hyp_ops = {
	.lock = own_pgt_lock,
	.unlock = own_pgt_unlock,
	.check_unmapped = own_pgt_check_unmapped,
	.lookup = own_pgt_lookup,
	.prepare = hyp_prepare,
	.map = hyp_map,
	.unmap = hyp_unmap,
};

void own_pgt_hyp_init(struct own_pgt_space *space, struct pgt *pgt, struct own_pgt_pool *pool,
		      u64 va_offset)
{
	int ret = own_space_init(&space->own, &hyp_ops, OWN_KIND_HYP, OWN_ID_HYP);

	port_assert(!ret);
	space->own.va_offset = va_offset;
	space->pgt = pgt;
	space->pool = pool;
}
