// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs of records: these few instructions are what a batch costs per page. Pages of
 * a batch mostly are in one state, so that everything is done by runs of equal
 * records: finding where a run ends looks at eight pages per branch, and what is
 * checked or computed of a record is checked or computed once a run. Blocks whose
 * count says enough (struct vmemmap_count) are passed over as one: what the host has
 * and lends to nobody, which is most of RAM, costs one look a block.
 *
 * All are called with the host's lock held, which is why records and counts are read
 * and written plainly.
 */
#include "own_private.h"

/* How many records, from the first on, are @value? */
static u64 prefix_of(const u32 *records, u64 nr, u32 value)
{
	const u32 *rec = records, *end = records + nr;

	for (; end - rec >= 8; rec += 8)
		if ((rec[0] ^ value) | (rec[1] ^ value) | (rec[2] ^ value) | (rec[3] ^ value) |
		    (rec[4] ^ value) | (rec[5] ^ value) | (rec[6] ^ value) | (rec[7] ^ value))
			break;
	while (rec < end && *rec == value)
		rec++;
	return (u64)(rec - records);
}

static u64 least(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* How many pages, from @index on, lie in blocks that are all the host's and lent to nobody? */
static u64 unused_prefix(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index,
			 u64 nr)
{
	u64 done = 0, left;

	if (!mem->counts)
		return 0;
	while (done < nr && !vmemmap_count(mem, region, index + done, &left)->used)
		done += left;
	return least(done, nr);
}

u64 own_records_prefix(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index,
		       u64 nr)
{
	const u32 *records = &region->records[index];
	u64 done;

	if (nr == 1)
		return 1;
	done = *records == OWN_REC_HOST ? unused_prefix(mem, region, index, nr) : 0;
	return done + prefix_of(records + done, nr - done, *records);
}

/* As own_records_host_prefix(), by records alone. */
static u64 host_prefix(const u32 *records, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i += prefix_of(records + i, nr - i, records[i]))
		if (!own_record_host_may(records[i]))
			break;
	return i;
}

u64 own_records_host_prefix(const struct vmemmap *mem, const struct vmemmap_region *region,
			    u64 index, u64 nr)
{
	u64 done, n, left, ok;

	if (!mem->counts)
		return host_prefix(&region->records[index], nr);
	for (done = 0; done < nr; done += n) {
		const struct vmemmap_count *c = vmemmap_count(mem, region, index + done, &left);

		n = least(nr - done, left);
		if (!c->foreign)
			continue;
		ok = host_prefix(&region->records[index + done], n);
		if (ok < n)
			return done + ok;
	}
	return done;
}

/* Two records, as they lie in memory. */
typedef u64 __attribute__((__may_alias__)) pair_t;

static inline void fill16(u32 *records, u64 two)
{
	pair_t *pair = (pair_t *)records;

	pair[0] = pair[1] = pair[2] = pair[3] = two;
	pair[4] = pair[5] = pair[6] = pair[7] = two;
}

/* A block's 512 records are most of what mapping it costs: few branches. */
static void fill(u32 *records, u64 nr, u32 value)
{
	u32 *rec = records, *end = records + nr;
	u64 two = (u64)value << 32 | value;

	if (nr && (uintptr_t)rec & sizeof(u32))
		*rec++ = value;
	for (; end - rec >= 64; rec += 64) {
		fill16(rec, two);
		fill16(rec + 16, two);
		fill16(rec + 32, two);
		fill16(rec + 48, two);
	}
	for (; end - rec >= 16; rec += 16)
		fill16(rec, two);
	for (; rec < end; rec++)
		*rec = value;
}

/* @nr records that were @old are @value now. */
static void count(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index, u64 nr,
		  u32 old, u32 value)
{
	u32 foreign = own_record_host_may(old) - own_record_host_may(value);
	u32 used = (value != OWN_REC_HOST) - (old != OWN_REC_HOST);
	u64 n, left;

	if (!mem->counts || !(foreign | used))
		return;
	for (; nr; index += n, nr -= n) {
		struct vmemmap_count *c = vmemmap_count(mem, region, index, &left);

		n = least(nr, left);
		c->foreign = (u16)(c->foreign + foreign * (u32)n);
		c->used = (u16)(c->used + used * (u32)n);
	}
}

void own_records_write(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index,
		       u64 nr, u32 value)
{
	u32 *records = &region->records[index], old = *records;

	if (nr == 1)
		*records = value;
	else
		fill(records, nr, value);
	count(mem, region, index, nr, old, value);
}
