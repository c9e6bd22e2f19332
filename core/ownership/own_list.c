// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The listing of who owns what: RAM regions and donated device ranges, merged in
 * order of frame numbers. It reads and changes nothing. A call does a bounded
 * amount of work under the host's lock (invariant 7) and leaves a frame number to
 * go on from, which stays meaningful whatever happens in between.
 */
#include "own_private.h"

/* The run of equal records from @pfn on, of at most @max pages. */
static struct own_range ram_range(const struct vmemmap *mem, const struct vmemmap_region *region,
				  u64 pfn, u64 max)
{
	u64 index = pfn - region->pfn, left = region->nr_pages - index;

	return (struct own_range){
		.pfn = pfn,
		.nr_pages = own_records_prefix(mem, region, index, left < max ? left : max),
		.page = own_record_unpack(region->records[index]),
	};
}

static struct own_range device_range(const struct own_device *device)
{
	return (struct own_range){
		.pfn = device->pfn,
		.nr_pages = device->nr_pages,
		.device = true,
		.gfn = device->gfn,
		.page = { .owner = device->owner, .state = OWN_OWNED },
	};
}

/* The next range at or above @pfn: RAM or device, whichever is lower. */
static bool next_range(const struct own_ctx *ctx, u64 pfn, u64 max, struct own_range *range)
{
	const struct vmemmap_region *region = vmemmap_next_region(&ctx->mem, pfn);
	u32 i = own_device_index(&ctx->devices, pfn);

	if (i < ctx->devices.nr && (!region || ctx->devices.table[i].pfn < region->pfn)) {
		*range = device_range(&ctx->devices.table[i]);
		return true;
	}
	if (region)
		*range = ram_range(&ctx->mem, region, pfn > region->pfn ? pfn : region->pfn, max);
	return region != NULL;
}

bool own_for_each_range(struct own_ctx *ctx, u64 *cursor, u64 budget,
			bool (*fn)(const struct own_range *range, void *arg), void *arg)
{
	struct own_range range;
	bool more = true, go_on = true;

	own_lock(ctx, NULL);
	while (budget && go_on) {
		more = next_range(ctx, *cursor, budget, &range);
		if (!more)
			break;
		go_on = fn(&range, arg);
		*cursor = range.pfn + range.nr_pages;
		budget -= range.device ? 1 : range.nr_pages;
	}
	own_unlock(ctx, NULL);
	return more;
}
