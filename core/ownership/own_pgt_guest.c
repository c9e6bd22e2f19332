// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A guest's stage 2 as an address space. Pages and blocks are mapped as alignment
 * allows; taking a part of a block away splits it, with table pages set aside by
 * the check. Invalidations are complete on return (invariant 3).
 * Locks: the space's, and the host's outside of it.
 */
#include "own_pgt.h"

/* The entry at @addr, if it is a leaf or annotation that reaches beyond the range. */
static bool is_cut(struct own_pgt_space *space, u64 addr, u64 start, u64 end)
{
	struct pgt_leaf leaf;

	if (pgt_s2_get_leaf(space->pgt, ipa(addr), &leaf) || leaf.kind == PGT_EMPTY)
		return false;
	return leaf.ia < start || leaf.ia + leaf.size > end;
}

static int guest_prepare(struct own_space *own, enum own_edit edit, u64 addr, u64 nr_pages)
{
	struct own_pgt_space *space = own_pgt(own);
	u64 pages;

	if (edit == OWN_EDIT_MAP)
		pages = pgt_map_pages_needed(space->pgt->geo, addr, own_pgt_bytes(space, nr_pages),
					     0);
	else
		pages = own_pgt_pages_missing(space, addr, nr_pages,
					      edit == OWN_EDIT_POISON ? OWN_PGT_POISON : 0);
	return own_pgt_reserve(space->pool, pages);
}

static u32 guest_prot(u32 prot)
{
	return (prot & OWN_PROT_R ? PGT_PROT_R : 0) | (prot & OWN_PROT_W ? PGT_PROT_W : 0) |
	       (prot & OWN_PROT_X ? PGT_PROT_X : 0) |
	       (prot & OWN_PROT_DEVICE ? PGT_PROT_DEVICE : 0) |
	       (prot & OWN_PROT_NC ? PGT_PROT_NC : 0);
}

static void guest_map(struct own_space *own, u64 addr, pa_t at, u64 nr_pages, u32 prot)
{
	struct own_pgt_space *space = own_pgt(own);
	struct pgt_op op = own_pgt_begin_edit(space, 0);
	int ret = pgt_s2_map(space->pgt, &op, ipa(addr), own_pgt_bytes(space, nr_pages), at,
			     guest_prot(prot));

	port_assert(!ret);
}

/* Make plain empty entries or annotations of a range, splitting blocks at its ends. */
static void guest_cut(struct own_pgt_space *space, u64 addr, u64 size, u64 owner)
{
	struct pgt_op op = own_pgt_begin_edit(space, PGT_OP_NO_CMO);
	int ret = pgt_s2_set_owner(space->pgt, &op, ipa(addr), size, owner);

	port_assert(!ret);
}

static void guest_unmap(struct own_space *own, u64 addr, u64 nr_pages, u32 next)
{
	struct own_pgt_space *space = own_pgt(own);
	u64 size = own_pgt_bytes(space, nr_pages), end = addr + size;
	struct pgt_op op;
	int ret;

	(void)next;
	if (is_cut(space, addr, addr, end) ||
	    is_cut(space, end - own_pgt_bytes(space, 1), addr, end)) {
		guest_cut(space, addr, size, 0);
		return;
	}
	op = own_pgt_begin_edit(space, PGT_OP_NO_CMO);
	ret = pgt_s2_unmap(space->pgt, &op, ipa(addr), size);
	port_assert(!ret);
}

static void guest_poison(struct own_space *own, u64 addr, u64 nr_pages)
{
	struct own_pgt_space *space = own_pgt(own);

	guest_cut(space, addr, own_pgt_bytes(space, nr_pages), OWN_PGT_POISON);
}

static u32 guest_pages(struct own_space *own, u64 addr, u32 max, u64 *pfn)
{
	return pgt_s2_get_pages(own_pgt(own)->pgt, ipa(addr), max, pfn);
}

static const struct own_space_ops guest_ops = {
	.lock = own_pgt_lock,
	.unlock = own_pgt_unlock,
	.check_unmapped = own_pgt_check_unmapped,
	.lookup = own_pgt_lookup,
	.prepare = guest_prepare,
	.map = guest_map,
	.unmap = guest_unmap,
	.poison = guest_poison,
	.pages = guest_pages,
};

int own_pgt_guest_init(struct own_pgt_space *space, enum own_kind kind, u32 id, struct pgt *pgt,
		       struct own_pgt_pool *pool)
{
	int ret;

	if (kind != OWN_KIND_GUEST_ORDINARY && kind != OWN_KIND_GUEST_PROTECTED)
		return -EINVAL;
	ret = own_space_init(&space->own, &guest_ops, kind, id);
	if (ret)
		return ret;
	space->pgt = pgt;
	space->pool = pool;
	return 0;
}
