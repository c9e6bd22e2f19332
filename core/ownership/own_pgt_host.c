// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The host's stage 2 as an address space: an identity map that is filled by faults.
 * A page that the host neither owns nor borrows has no valid entry here, and its
 * invalidation is complete when host_unmap() returns (invariant 3). Whether a fault
 * may be answered is decided by the vmemmap and the device table alone; the
 * annotations of invalid entries are for people, and for checking against.
 * Locks: the host's.
 */
#include "own_pgt.h"
#include "own_private.h"

/*
 * No larger block than this is mapped, so that looking for foreign pages in it is
 * bounded: with pages of 4 KiB, 512 counts and the records of one block.
 */
#define HOST_BLOCK_SHIFT 30

/* Drop the mappings of everything below, between and above RAM; annotations stay. */
static void forget_mmio(struct own_pgt_space *host)
{
	const struct vmemmap *mem = &host->ctx->mem;
	struct pgt *pgt = host->pgt;
	u64 start = 0, end, size = 1ULL << pgt->geo->ia_bits;
	struct pgt_op op;
	u32 i;

	for (i = 0; i <= mem->nr_regions; i++) {
		end = i < mem->nr_regions ? own_pgt_bytes(host, mem->regions[i].pfn) : size;
		op = (struct pgt_op){ .flags = PGT_OP_NO_CMO };
		if (start < end)
			pgt_s2_unmap(pgt, &op, ipa(start), end - start);
		if (i < mem->nr_regions)
			start = end + own_pgt_bytes(host, mem->regions[i].nr_pages);
	}
}

static int host_prepare(struct own_space *own, enum own_edit edit, u64 addr, u64 nr_pages)
{
	struct own_pgt_space *host = own_pgt(own);
	const struct pgt_geometry *geo = host->pgt->geo;
	u64 size = own_pgt_bytes(host, nr_pages);
	u64 owner = edit == OWN_EDIT_MAP ? OWN_ID_HOST : ~0ULL; /* some other's */

	if (addr >> geo->ia_bits || size > (1ULL << geo->ia_bits) - addr)
		return -ERANGE;
	if (!own_pgt_reserve(host->pool, own_pgt_pages_missing(host, addr, nr_pages, owner)))
		return 0;
	if (host->pool->promised)
		return -ENOMEM; /* what was promised rests on the tables being as they are */
	forget_mmio(host);
	return own_pgt_reserve(host->pool, own_pgt_pages_missing(host, addr, nr_pages, owner));
}

static void host_set_owner(struct own_space *own, u64 addr, u64 nr_pages, u64 owner)
{
	struct own_pgt_space *host = own_pgt(own);
	struct pgt_op op = own_pgt_begin_edit(host, PGT_OP_NO_CMO);
	int ret = pgt_s2_set_owner(host->pgt, &op, ipa(addr), own_pgt_bytes(host, nr_pages), owner);

	port_assert(!ret);
}

static void host_unmap(struct own_space *own, u64 addr, u64 nr_pages, u32 next)
{
	host_set_owner(own, addr, nr_pages, next);
}

static int map_block(struct own_pgt_space *host, u64 base, u64 size, bool ram)
{
	struct pgt_op op = { .flags = PGT_OP_NO_CMO | PGT_OP_REPLACE, .mc = &host->pool->mc };
	/*
	 * Memory outside of RAM is not mapped as a device: firmware tables and reserved
	 * memory are there too, which the host uses as normal memory. Its stage 1 decides.
	 */
	u32 prot = ram ? PGT_PROT_RWX : PGT_PROT_RW;

	return pgt_s2_map(host->pgt, &op, ipa(base), size, pa(base), prot);
}

/*
 * May this range become one block? Where a foreign page is in the way, the pages
 * around it fault one after the other, and each would search the records up to it.
 */
static bool is_hosts(struct own_pgt_space *host, u64 pfn, u64 nr_pages, bool *ram)
{
	const struct vmemmap *mem = &host->ctx->mem;
	const struct vmemmap_region *region;

	if (host->foreign - pfn < nr_pages &&
	    own_check_host_range(host->ctx, host->foreign, 1, ram))
		return false;
	if (!own_check_host_range(host->ctx, pfn, nr_pages, ram))
		return true;
	region = vmemmap_range(mem, pfn, nr_pages);
	if (region)
		host->foreign = pfn + own_records_host_prefix(mem, region, pfn - region->pfn,
							      nr_pages);
	return false;
}

/*
 * The last foreign page of a block has come back: the block takes the place of the table
 * of pages that stood for it. A table above has proof that something in its reach was
 * foreign once, and stays.
 */
static void rejoin(struct own_pgt_space *host, u64 addr)
{
	u64 size = pgt_level_size(host->pgt->geo, PGT_LEVEL_LAST - 1), base = addr & ~(size - 1);
	u8 shift = host->pgt->geo->granule_shift;
	struct pgt_leaf leaf;
	bool ram;
	int ret;

	if (pgt_s2_get_leaf(host->pgt, ipa(addr), &leaf) || leaf.level != PGT_LEVEL_LAST ||
	    !is_hosts(host, base >> shift, size >> shift, &ram))
		return;
	ret = map_block(host, base, size, ram);
	port_assert(!ret);
}

/*
 * The host may have it: no annotation, and a fault does the rest, unless a block becomes
 * whole again. Blocks that the range covers have no table left; those at its ends may.
 */
static void host_map(struct own_space *own, u64 addr, pa_t at, u64 nr_pages, u32 prot)
{
	struct own_pgt_space *host = own_pgt(own);

	port_assert(addr == at.v);
	(void)prot;
	host_set_owner(own, addr, nr_pages, OWN_ID_HOST);
	rejoin(host, addr);
	rejoin(host, addr + own_pgt_bytes(host, nr_pages - 1));
}

static const struct own_space_ops host_ops = {
	.lock = own_pgt_lock,
	.unlock = own_pgt_unlock,
	.prepare = host_prepare,
	.map = host_map,
	.unmap = host_unmap,
};

void own_pgt_host_init(struct own_pgt_space *space, struct own_ctx *ctx, struct pgt *pgt,
		       struct own_pgt_pool *pool)
{
	int ret = own_space_init(&space->own, &host_ops, OWN_KIND_HOST, OWN_ID_HOST);

	port_assert(!ret);
	space->ctx = ctx;
	space->pgt = pgt;
	space->pool = pool;
}

/*
 * Map the largest block around @addr that is all the host's, from @level down, which is
 * where the walk found nothing.
 */
static int map_around(struct own_pgt_space *host, u64 addr, s8 level)
{
	const struct pgt_geometry *geo = host->pgt->geo;
	bool ram;

	for (; level <= PGT_LEVEL_LAST; level++) {
		u64 size = pgt_level_size(geo, level);
		u64 base = addr & ~(size - 1);

		if (!pgt_level_has_leaf(geo, level) || size > 1ULL << HOST_BLOCK_SHIFT)
			continue;
		if (is_hosts(host, base >> geo->granule_shift, size >> geo->granule_shift, &ram))
			return map_block(host, base, size, ram);
	}
	return -EPERM;
}

static int host_fault(struct own_pgt_space *host, u64 addr)
{
	struct pgt_leaf leaf;
	int ret;

	if (pgt_s2_get_leaf(host->pgt, ipa(addr), &leaf))
		return -EPERM; /* beyond the input size */
	if (leaf.kind == PGT_LEAF)
		return 0; /* another CPU was here first */
	ret = map_around(host, addr, leaf.level);
	if (ret != -ENOMEM)
		return ret;
	forget_mmio(host);
	return map_around(host, addr, leaf.level);
}

int own_host_fault(struct own_pgt_space *host, pa_t at)
{
	int ret;

	own_pgt_lock(&host->own);
	ret = host_fault(host, at.v & ~(own_pgt_bytes(host, 1) - 1));
	own_pgt_unlock(&host->own);
	return ret;
}
