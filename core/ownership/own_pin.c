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

static int check_pin(const u32 *records, u64 nr_pages)
{
	u64 i;

	for (i = 0; i < nr_pages; i++) {
		if (!hyp_may(records[i]))
			return -EPERM;
		if (own_count(records[i]) == OWN_COUNT_MAX)
			return -EBUSY;
	}
	return 0;
}

static int check_unpin(const u32 *records, u64 nr_pages)
{
	u64 i;

	for (i = 0; i < nr_pages; i++)
		if (!hyp_may(records[i]) || !own_count(records[i]))
			return -EPERM;
	return 0;
}

int own_hyp_pin(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	u32 *records;
	u64 i;
	int ret = find_records(ctx, pfn, nr_pages, &records);

	if (ret)
		return ret;
	own_lock(ctx, NULL);
	ret = check_pin(records, nr_pages);
	for (i = 0; !ret && i < nr_pages; i++)
		records[i] += OWN_REC_COUNT_ONE;
	own_unlock(ctx, NULL);
	return ret;
}

int own_hyp_unpin(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	u32 *records;
	u64 i;
	int ret = find_records(ctx, pfn, nr_pages, &records);

	if (ret)
		return ret;
	own_lock(ctx, NULL);
	ret = check_unpin(records, nr_pages);
	for (i = 0; !ret && i < nr_pages; i++)
		records[i] -= OWN_REC_COUNT_ONE;
	own_unlock(ctx, NULL);
	return ret;
}
