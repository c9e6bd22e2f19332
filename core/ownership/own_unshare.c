// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Taking back what a guest was lent, page by page: the memory of a process is
 * scattered in RAM, and its owner wants ranges of it back at once.
 *
 * A group of pages goes through the order of own_transition.c: every record is
 * checked, then the guest loses all of them and no TLB holds any (invariant 3), then
 * the records change. Whatever is not single pages, blocks above all, goes through the
 * transition itself.
 * Locks: the host's, then the guest's, for the whole of the range.
 */
#include "own_private.h"

/* Pages of a group: their frame numbers lie on the stack, and a group is one invalidation. */
#define GROUP 128

/* Stands for the region of a page that is not RAM. */
static const struct vmemmap_region nowhere;

/* The region of a page; @last is where the page before it was, and mostly the answer. */
static inline const struct vmemmap_region *region_of(const struct own_ctx *ctx,
						     const struct vmemmap_region *last, u64 pfn)
{
	if (port_likely(pfn - last->pfn < last->nr_pages))
		return last;
	last = vmemmap_region(&ctx->mem, pfn);
	return last ? last : &nowhere;
}

static bool is_lent(u32 record)
{
	return (record & ~OWN_REC_COUNT_MASK) == OWN_REC_HOST_GUESTS && own_count(record);
}

/* Is every page lent? @devices: how many own_host_share_device() has lent: they have no record. */
static int check_group(const struct own_ctx *ctx, const u64 *pfn, u32 nr, u32 *devices)
{
	const struct vmemmap_region *region = &nowhere;
	u32 i;

	*devices = 0;
	for (i = 0; i < nr; i++) {
		region = region_of(ctx, region, pfn[i]);
		if (region != &nowhere) {
			if (!is_lent(region->records[pfn[i] - region->pfn]))
				return -EPERM;
		} else if (own_device_owner(ctx, pfn[i]) == OWN_ID_HOST) {
			++*devices;
		} else {
			return -EPERM;
		}
	}
	return 0;
}

/* Pages of one block that nobody borrows any more, and that its count does not know of yet. */
struct unlent {
	const struct vmemmap_region *region;
	u64 block; /* frame number of any of its pages, in blocks */
	u64 index; /* of any of its pages, in the region */
	u16 pages;
};

static void settle(const struct vmemmap *mem, const struct unlent *u)
{
	u64 left;

	if (u->pages && mem->counts)
		vmemmap_count(mem, u->region, u->index, &left)->used -= u->pages;
}

static void commit_group(const struct own_ctx *ctx, const u64 *pfn, u32 nr)
{
	const struct vmemmap *mem = &ctx->mem;
	const struct vmemmap_region *region = &nowhere;
	struct unlent u = { .region = &nowhere };
	u32 i, shift = mem->block_shift;

	for (i = 0; i < nr; i++) {
		u32 *record;

		region = region_of(ctx, region, pfn[i]);
		if (region == &nowhere)
			continue;
		record = &region->records[pfn[i] - region->pfn];
		/* One page at two addresses has been counted twice. */
		port_assert(is_lent(*record));
		if (own_count(*record) > 1) {
			*record -= OWN_REC_COUNT_ONE;
			continue;
		}
		*record = OWN_REC_HOST;
		if (pfn[i] >> shift != u.block || region != u.region) {
			settle(mem, &u);
			u = (struct unlent){ .region = region, .block = pfn[i] >> shift,
					     .index = pfn[i] - region->pfn };
		}
		u.pages++;
	}
	settle(mem, &u);
}

static int unshare_group(struct own_ctx *ctx, struct own_space *guest, u64 addr, const u64 *pfn,
			 u32 nr)
{
	u32 devices;
	int ret = check_group(ctx, pfn, nr, &devices);

	if (!ret)
		ret = guest->ops->prepare(guest, OWN_EDIT_UNMAP, addr, nr);
	if (ret)
		return ret;
	guest->ops->unmap(guest, addr, nr, OWN_ID_HOST);
	commit_group(ctx, pfn, nr);
	guest->nr_pages -= nr - devices;
	own_device_unlent(ctx, guest, devices);
	return 0;
}

/* A hole, or a run that is not of single pages. */
static int unshare_run(struct own_ctx *ctx, struct own_space *guest, u64 addr, u64 nr_pages,
		       u64 *nr)
{
	struct own_transition tx = {
		.verb = OWN_HOST_UNSHARE_GUEST,
		.source = { .space = ctx->host },
		.target = { .space = guest, .addr = addr },
	};
	const struct vmemmap_region *region;
	struct own_run run;
	u64 pfn;
	int ret = guest->ops->lookup(guest, addr, nr_pages, &run);

	if (ret)
		return ret;
	*nr = run.nr_pages < nr_pages ? run.nr_pages : nr_pages;
	if (run.kind != OWN_RUN_MAPPED)
		return run.kind == OWN_RUN_NONE ? 0 : -EPERM;
	pfn = run.pa.v >> ctx->page_shift;
	region = vmemmap_region(&ctx->mem, pfn);
	if (!region && own_device_owner(ctx, pfn) == OWN_ID_HOST) {
		*nr = 1;
		return own_device_unshare_locked(ctx, guest, addr >> ctx->page_shift);
	}
	/* A device may be the run's neighbour on both sides. */
	if (region && *nr > region->pfn + region->nr_pages - pfn)
		*nr = region->pfn + region->nr_pages - pfn;
	tx.nr_pages = *nr;
	return own_apply_locked(ctx, &tx);
}

int own_host_unshare_pages(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages,
			   u64 *done)
{
	u64 pfn[GROUP];
	int ret = 0;

	*done = 0;
	if (!own_frames_ok(ctx, gfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	if (!guest || guest->kind != OWN_KIND_GUEST_ORDINARY)
		return -EPERM;
	own_lock(ctx, guest);
	while (*done < nr_pages && !ret) {
		u64 addr = own_bytes(ctx, gfn + *done), left = nr_pages - *done, nr = 0;

		if (guest->ops->pages)
			nr = guest->ops->pages(guest, addr, left < GROUP ? (u32)left : GROUP, pfn);
		ret = nr ? unshare_group(ctx, guest, addr, pfn, (u32)nr) :
			   unshare_run(ctx, guest, addr, left, &nr);
		if (!ret)
			*done += nr;
	}
	own_unlock(ctx, guest);
	return ret;
}
