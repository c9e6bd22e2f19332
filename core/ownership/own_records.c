// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loops over runs of records: these few instructions are what a batch costs per
 * page, so that the checks gather differences over a group instead of branching
 * at each page. All are called with the host's lock held, which is why records
 * are read and written plainly.
 */
#include "own_private.h"

bool own_records_equal(const u32 *records, u64 nr, u32 want)
{
	const u32 *end = records + nr;

	for (; end - records >= 8; records += 8) {
		u32 diff = (records[0] ^ want) | (records[1] ^ want) | (records[2] ^ want) |
			   (records[3] ^ want) | (records[4] ^ want) | (records[5] ^ want) |
			   (records[6] ^ want) | (records[7] ^ want);

		if (port_unlikely(diff))
			return false;
	}
	for (; records < end; records++)
		if (*records != want)
			return false;
	return true;
}

u64 own_records_prefix(const u32 *records, u64 nr)
{
	u64 i;

	for (i = 1; i < nr; i++)
		if (records[i] != records[0])
			break;
	return i;
}

bool own_records_host_may(const u32 *records, u64 nr)
{
	const u32 *end = records + nr;

	for (; records < end; records++)
		if (!own_record_host_may(*records))
			return false;
	return true;
}

void own_records_fill(u32 *records, u64 nr, u32 value)
{
	const u32 *end = records + nr;

	for (; end - records >= 4; records += 4) {
		records[0] = value;
		records[1] = value;
		records[2] = value;
		records[3] = value;
	}
	for (; records < end; records++)
		*records = value;
}
