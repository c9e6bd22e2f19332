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

static int find_records(struct own_ctx *ctx, u64 pfn, u64 nr_pages, u32 **records)
{
	if (!own_frames_ok(ctx, pfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	*records = vmemmap_records(&ctx->mem, pfn, nr_pages);
	return *records ? 0 : -ERANGE;
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
	u64 i, run;
	u32 *rec;
	int ret = find_records(ctx, pfn, nr_pages, &rec);

	if (ret)
		return ret;
	own_lock(ctx, NULL);
	for (i = 0; !ret && i < nr_pages; i += own_records_prefix(rec + i, nr_pages - i))
		ret = check(rec[i]);
	for (i = 0; !ret && i < nr_pages; i += run) {
		run = own_records_prefix(rec + i, nr_pages - i);
		own_records_fill(rec + i, run, rec[i] + step);
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
