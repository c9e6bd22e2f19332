// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Pins: references of the hyp on pages that it owns or borrows, counted in the
 * record. While a count is above 0 the transitions that would take the page away
 * from the hyp find a record that differs from what they want, and say -EBUSY.
 * Both functions check every count before they change one (invariant 5).
 * Locks: the host's, as for every field of a record.
 */
#include "own_private.h"

static bool hyp_may(u32 record)
{
	record &= ~OWN_REC_COUNT_MASK;
	return record == OWN_REC_HYP || record == OWN_REC_HOST_HYP;
}

static int check_pin(u32 record)
{
	if (!hyp_may(record))
		return -EPERM;
	return own_count(record) < OWN_COUNT_MAX ? 0 : -EBUSY;
}

static int check_unpin(u32 record)
{
	return hyp_may(record) && own_count(record) ? 0 : -EPERM;
}

/* Add @step to each count, if @check allows it for all of them. */
static int change_counts(struct own_ctx *ctx, u64 pfn, u64 nr_pages, int (*check)(u32 record),
			 u32 step)
{
	const struct vmemmap *mem = &ctx->mem;
	const struct vmemmap_region *region;
	u64 i, end, run;
	int ret = 0;

	if (!own_frames_ok(ctx, pfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	region = vmemmap_range(mem, pfn, nr_pages);
	if (!region)
		return -ERANGE;
	pfn -= region->pfn;
	end = pfn + nr_pages;
	own_lock(ctx, NULL);
	for (i = pfn; !ret && i < end; i += own_records_prefix(mem, region, i, end - i))
		ret = check(region->records[i]);
	for (i = pfn; !ret && i < end; i += run) {
		run = own_records_prefix(mem, region, i, end - i);
		own_records_write(mem, region, i, run, region->records[i] + step);
	}
	own_unlock(ctx, NULL);
	return ret;
}

int own_hyp_pin(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return change_counts(ctx, pfn, nr_pages, check_pin, OWN_REC_COUNT_ONE);
}

int own_hyp_unpin(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return change_counts(ctx, pfn, nr_pages, check_unpin, 0u - OWN_REC_COUNT_ONE);
}
