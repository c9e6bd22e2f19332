/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The vmemmap: one 32-bit record for each page of RAM, saying who owns the page,
 * in which state, to whom it is lent, and how often it is referenced.
 *
 *	31            16 15  14 13  12 11           0
 *	+---------------+------+------+--------------+
 *	|     count     | lent | state|    owner     |
 *	+---------------+------+------+--------------+
 *
 *	owner	OWN_ID_HOST, OWN_ID_HYP, or a guest's identity
 *	state	the owner's state: OWN_OWNED, or OWN_SHARED_OWNED while it is lent
 *	lent	to whom: nobody, the host, the hyp, or (some number of) guests
 *	count	lent to guests: how many mappings in guests borrow the page;
 *		lent to the hyp, or owned by it: how often the hyp has pinned it;
 *		otherwise 0
 *
 * The state of every other component follows from the record: the borrower's is
 * OWN_SHARED_BORROWED, anybody else's is OWN_NOPAGE. So OWN_NOPAGE has no
 * encoding, and a word cannot claim two owners (invariant 1). A zeroed record is
 * a page that the host owns, which is what all RAM is at launch.
 *
 * Locks: one for every field of every record, the host address space's (see
 * <core/ownership.h>). Fields of different locks never meet in a word.
 *
 * Storage belongs to the caller: a sorted table of RAM regions, each with its own
 * array of records. A hole between regions has no records and costs nothing. A
 * page that no region contains is not RAM; it has no record.
 */
#ifndef CORE_VMEMMAP_H
#define CORE_VMEMMAP_H

#include "redoubt_port.h"

/*
 * What a page is to one component. The concrete states fit the two bits of the
 * record; a meta state has a bit outside of them and is refused by the encoder.
 */
enum own_state {
	OWN_OWNED = 0,		 /* exclusively this component's */
	OWN_SHARED_OWNED = 1,	 /* this component's, and lent to another */
	OWN_SHARED_BORROWED = 2, /* another's, lent to this component */
	OWN_NOPAGE = 4,		 /* meta: nothing to this component; never stored */
};

#define OWN_STATE_CONCRETE 3u /* the bits that concrete states may use */

/* Identities of owners, 12 bits: guests are numbered from OWN_ID_GUEST0. */
#define OWN_ID_HOST   0u
#define OWN_ID_HYP    1u
#define OWN_ID_GUEST0 2u
#define OWN_ID_MAX    4095u

/* To whom the owner has lent the page. */
enum own_lent {
	OWN_LENT_NONE = 0,
	OWN_LENT_HOST = 1,
	OWN_LENT_HYP = 2,
	OWN_LENT_GUESTS = 3,
};

#define OWN_COUNT_MAX 0xffffu

#define OWN_REC_OWNER_MASK  0x00000fffu
#define OWN_REC_STATE_SHIFT 12
#define OWN_REC_LENT_SHIFT  14
#define OWN_REC_COUNT_SHIFT 16
#define OWN_REC_COUNT_ONE   (1u << OWN_REC_COUNT_SHIFT)
#define OWN_REC_COUNT_MASK  0xffff0000u

/* A record, unpacked. */
struct own_page {
	u16 owner;	     /* OWN_ID_* */
	enum own_state state; /* the owner's: OWN_OWNED or OWN_SHARED_OWNED */
	enum own_lent lent;
	u16 count;
};

/**
 * own_record_pack() - Encode a record.
 * @page:	what to encode. The owner's state must be OWN_OWNED with nobody lent
 *		to, or OWN_SHARED_OWNED with a borrower: anything else, a meta
 *		state in particular, is a bug of the caller's and asserted against.
 */
static inline u32 own_record_pack(struct own_page page)
{
	port_assert(!(page.state & ~OWN_STATE_CONCRETE));
	port_assert(page.state == (page.lent == OWN_LENT_NONE ? OWN_OWNED : OWN_SHARED_OWNED));
	port_assert(page.owner <= OWN_ID_MAX);
	return page.owner | (u32)page.state << OWN_REC_STATE_SHIFT |
	       (u32)page.lent << OWN_REC_LENT_SHIFT | (u32)page.count << OWN_REC_COUNT_SHIFT;
}

/** own_record_unpack() - Decode a record. */
static inline struct own_page own_record_unpack(u32 record)
{
	return (struct own_page){
		.owner = record & OWN_REC_OWNER_MASK,
		.state = (enum own_state)(record >> OWN_REC_STATE_SHIFT & OWN_STATE_CONCRETE),
		.lent = (enum own_lent)(record >> OWN_REC_LENT_SHIFT & 3),
		.count = (u16)(record >> OWN_REC_COUNT_SHIFT),
	};
}

/**
 * own_record_state() - What a page is to one component.
 * @record:	the page's record
 * @id:		the component's identity
 *
 * A record names its owner, and the host or the hyp as borrower. Which guests
 * borrow a page that is OWN_LENT_GUESTS, only the guests' own tables tell: asked
 * for a guest that is not the owner, this returns OWN_NOPAGE.
 */
static inline enum own_state own_record_state(u32 record, u32 id)
{
	struct own_page page = own_record_unpack(record);

	if (page.owner == id)
		return page.state;
	if ((id == OWN_ID_HOST && page.lent == OWN_LENT_HOST) ||
	    (id == OWN_ID_HYP && page.lent == OWN_LENT_HYP))
		return OWN_SHARED_BORROWED;
	return OWN_NOPAGE;
}

/**
 * own_record_host_may() - May the host use this page: does it own or borrow it?
 * @record:	the page's record
 */
static inline bool own_record_host_may(u32 record)
{
	return (record & OWN_REC_OWNER_MASK) == OWN_ID_HOST ||
	       (record >> OWN_REC_LENT_SHIFT & 3) == OWN_LENT_HOST;
}

/* A run of RAM: page frames [@pfn, @pfn + @nr_pages), one record each. */
struct vmemmap_region {
	u64 pfn;
	u64 nr_pages;
	u32 *records;
};

/*
 * What is known of an aligned block of pages, as far as it lies in one region, without a
 * look at their records. Whoever writes a record keeps it.
 */
struct vmemmap_count {
	u16 foreign; /* pages that the host neither owns nor borrows */
	u16 used;    /* pages whose record isn't 0: not the host's, or lent */
};

/* Blocks are of at most 2^this pages. */
#define VMEMMAP_BLOCK_SHIFT_MAX 15

/* All RAM: regions sorted by @pfn, which neither touch nor overlap. */
struct vmemmap {
	const struct vmemmap_region *regions;
	u32 nr_regions;
	u32 block_shift;		     /* log2 of a block's pages */
	struct vmemmap_count *const *counts; /* an array a region; NULL: nothing is counted */
};

/** vmemmap_nr_blocks() - How many aligned blocks of 2^@shift pages a range has a part in. */
static inline u64 vmemmap_nr_blocks(u64 pfn, u64 nr_pages, u32 shift)
{
	return ((pfn + nr_pages - 1) >> shift) - (pfn >> shift) + 1;
}

/**
 * vmemmap_init() - Adopt a table of RAM regions.
 * @mem:	what to initialise
 * @regions:	sorted by frame number; the table and the records stay the
 *		caller's, and must live and stay put as long as @mem is in use.
 *		Regions that touch must have been merged by the caller, since a
 *		transition's range has to lie in one region.
 * @nr_regions:	number of entries of @regions
 *
 * The records are not touched: zero them beforehand (all RAM is the host's).
 *
 * Return: 0; -EINVAL if a region is empty, unsorted, touches or overlaps the one
 * before it, overflows, reaches beyond 2^52 bytes at 4 KiB pages, or has no
 * records. @mem is unchanged on error.
 */
int vmemmap_init(struct vmemmap *mem, const struct vmemmap_region *regions, u32 nr_regions);

/**
 * vmemmap_set_counts() - Count by blocks, so that large ranges need no look at each record.
 * @mem:	as vmemmap_init() left it, all records 0
 * @counts:	for each region an array of vmemmap_nr_blocks() zeroes; the caller's, as the
 *		regions are
 * @shift:	log2 of the pages of a block, at most VMEMMAP_BLOCK_SHIFT_MAX
 */
void vmemmap_set_counts(struct vmemmap *mem, struct vmemmap_count *const *counts, u32 shift);

/**
 * vmemmap_count() - The count of the block that a page is in. There must be counts.
 * @mem:	the vmemmap
 * @region:	one of its regions
 * @index:	page of the region, from its first
 * @left:	set to the pages from @index to the block's end; may go beyond the region
 */
static inline struct vmemmap_count *vmemmap_count(const struct vmemmap *mem,
						  const struct vmemmap_region *region, u64 index,
						  u64 *left)
{
	u64 pfn = region->pfn + index, block = pfn >> mem->block_shift;

	*left = ((block + 1) << mem->block_shift) - pfn;
	return &mem->counts[region - mem->regions][block - (region->pfn >> mem->block_shift)];
}

/**
 * vmemmap_range() - The RAM region that a range lies in.
 * @mem:	the vmemmap
 * @pfn:	first frame number, any value
 * @nr_pages:	number of pages, any value
 *
 * Return: the region, or NULL unless the range has at least one page and lies in one RAM
 * region. Never overflows.
 */
const struct vmemmap_region *vmemmap_range(const struct vmemmap *mem, u64 pfn, u64 nr_pages);

/**
 * vmemmap_region() - The RAM region that contains a page.
 * @mem:	the vmemmap
 * @pfn:	frame number, any value
 *
 * Binary search. Return: the region, or NULL if the page is not RAM.
 */
const struct vmemmap_region *vmemmap_region(const struct vmemmap *mem, u64 pfn);

/**
 * vmemmap_next_region() - The first RAM region that ends above a page.
 * @mem:	the vmemmap
 * @pfn:	frame number, any value
 *
 * Return: the region that contains @pfn, or else the next higher one, or NULL.
 */
const struct vmemmap_region *vmemmap_next_region(const struct vmemmap *mem, u64 pfn);

/**
 * vmemmap_records() - The records of a range of RAM.
 * @mem:	the vmemmap
 * @pfn:	first frame number, any value
 * @nr_pages:	number of pages, any value
 *
 * Return: a pointer to @nr_pages records, or NULL unless the range has at least
 * one page and lies in one RAM region. Never overflows.
 */
u32 *vmemmap_records(const struct vmemmap *mem, u64 pfn, u64 nr_pages);

/**
 * vmemmap_is_hole() - Does a range contain no page of RAM at all?
 * @mem:	the vmemmap
 * @pfn:	first frame number
 * @nr_pages:	number of pages; @pfn + @nr_pages must not overflow
 */
bool vmemmap_is_hole(const struct vmemmap *mem, u64 pfn, u64 nr_pages);

#endif /* CORE_VMEMMAP_H */
