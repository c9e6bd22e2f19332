// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs of records: these few instructions are what a batch costs per page. Pages of
 * a batch mostly are in one state, so that everything is done by runs of equal
 * records: finding where a run ends looks at eight pages per branch, and what is
 * checked or computed of a record is checked or computed once a run.
 *
 * All are called with the host's lock held, which is why records are read and
 * written plainly.
 */
#include "own_private.h"

u64 own_records_prefix(const u32 *records, u64 nr)
{
	const u32 *rec = records, *end = records + nr;
	u32 first = *rec;

	for (; end - rec >= 8; rec += 8)
		if ((rec[0] ^ first) | (rec[1] ^ first) | (rec[2] ^ first) | (rec[3] ^ first) |
		    (rec[4] ^ first) | (rec[5] ^ first) | (rec[6] ^ first) | (rec[7] ^ first))
			break;
	while (rec < end && *rec == first)
		rec++;
	return (u64)(rec - records);
}

u64 own_records_host_prefix(const u32 *records, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i += own_records_prefix(records + i, nr - i))
		if (!own_record_host_may(records[i]))
			break;
	return i;
}

void own_records_fill(u32 *records, u64 nr, u32 value)
{
	u32 *rec = records, *end = records + nr;

	for (; end - rec >= 8; rec += 8)
		rec[0] = rec[1] = rec[2] = rec[3] = rec[4] = rec[5] = rec[6] = rec[7] = value;
	for (; rec < end; rec++)
		*rec = value;
}
