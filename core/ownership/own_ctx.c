// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The context: putting it together at launch, and questions about single pages and
 * ranges. Invariant 1 starts here (all RAM is the host's but for what
 * own_assign_hyp() names), and invariant 3 rests on own_check_host_range(), by
 * which host faults are decided. Locks: own_assign_*() and own_page() take the
 * host's; own_check_host_range() needs it.
 */
#include "own_private.h"

static bool mem_fits(const struct vmemmap *mem, u32 page_shift)
{
	const struct vmemmap_region *last;

	if (!mem->nr_regions)
		return true;
	last = &mem->regions[mem->nr_regions - 1];
	return last->pfn + last->nr_pages <= 1ULL << (OWN_ADDR_BITS - page_shift);
}

int own_init(struct own_ctx *ctx, const struct vmemmap *mem, struct own_device *devices,
	     u32 max_devices, struct own_space *host, struct own_space *hyp,
	     const struct own_env_ops *env, u32 page_shift)
{
	if (page_shift != 12 && page_shift != 14 && page_shift != 16)
		return -EINVAL;
	if (host->kind != OWN_KIND_HOST || hyp->kind != OWN_KIND_HYP || !mem_fits(mem, page_shift))
		return -EINVAL;
	*ctx = (struct own_ctx){
		.mem = *mem,
		.devices = { .table = devices, .max = max_devices },
		.host = host,
		.hyp = hyp,
		.env = env,
		.page_shift = (u8)page_shift,
		.pa_bits = OWN_ADDR_BITS,
	};
	return 0;
}

static bool kind_fits_id(enum own_kind kind, u32 id)
{
	switch (kind) {
	case OWN_KIND_HOST:
		return id == OWN_ID_HOST;
	case OWN_KIND_HYP:
		return id == OWN_ID_HYP;
	case OWN_KIND_GUEST_ORDINARY:
	case OWN_KIND_GUEST_PROTECTED:
		return id >= OWN_ID_GUEST0 && id <= OWN_ID_MAX;
	}
	return false;
}

int own_space_init(struct own_space *space, const struct own_space_ops *ops, enum own_kind kind,
		   u32 id)
{
	if (!kind_fits_id(kind, id))
		return -EINVAL;
	*space = (struct own_space){ .ops = ops, .kind = kind, .life = OWN_LIVE, .id = (u16)id };
	return 0;
}

int own_assign_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	const struct vmemmap_region *region;
	int ret = 0;
	u64 index;

	if (!own_frames_ok(ctx, pfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	region = vmemmap_range(&ctx->mem, pfn, nr_pages);
	if (!region)
		return -ERANGE;
	index = pfn - region->pfn;
	own_lock(ctx, NULL);
	if (region->records[index] == OWN_REC_HOST &&
	    own_records_prefix(&ctx->mem, region, index, nr_pages) == nr_pages)
		own_records_write(&ctx->mem, region, index, nr_pages, OWN_REC_HYP);
	else
		ret = -EPERM;
	own_unlock(ctx, NULL);
	return ret;
}

int own_page(struct own_ctx *ctx, u64 pfn, struct own_page *page)
{
	const u32 *record = vmemmap_records(&ctx->mem, pfn, 1);

	if (!record)
		return -ERANGE;
	own_lock(ctx, NULL);
	*page = own_record_unpack(*record);
	own_unlock(ctx, NULL);
	return 0;
}

int own_check_host_range(const struct own_ctx *ctx, u64 pfn, u64 nr_pages, bool *ram)
{
	const struct vmemmap_region *region = vmemmap_range(&ctx->mem, pfn, nr_pages);

	if (region) {
		*ram = true;
		return own_records_host_prefix(&ctx->mem, region, pfn - region->pfn, nr_pages) ==
		       nr_pages ? 0 : -EPERM;
	}
	if (!own_frames_ok(ctx, pfn, nr_pages, ctx->pa_bits) ||
	    !vmemmap_is_hole(&ctx->mem, pfn, nr_pages) ||
	    !own_devices_clear(&ctx->devices, pfn, nr_pages))
		return -EPERM;
	*ram = false;
	return 0;
}
