/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * gfn->pfn records: which guest frames are mapped to which host frames.
 *
 * Frames that are contiguous on both sides, mapped alike, are one run, however
 * many; a run takes 12 bytes in a leaf of 1 KiB, and leaves are kept well filled, so
 * that even pages which no run can join stay below 16 bytes each. Leaves hang in a
 * tree by their first frame.
 *
 * Nothing here locks. Nothing here allocates either: an insertion takes the leaf
 * that it may need from the caller.
 */
#ifndef CORE_GMEM_RECORDS_H
#define CORE_GMEM_RECORDS_H

#include <core/gmem_tree.h>

/* Frames [gfn, gfn + pages) are mapped to [pfn, pfn + pages). */
struct gmem_run {
	u64 gfn;
	u64 pfn;   /* below 2^40 */
	u64 pages; /* a stored run is below 2^24 pages; longer ones are several */
	u32 attr;  /* below 16; runs with different ones are not joined */
};

struct gmem_records {
	struct gmem_tree leaves;
	u64 pages;   /* mapped */
	u64 runs;
	u64 nleaves;
};

/* gmem_records_leaf_size() - bytes of a leaf. */
size_t gmem_records_leaf_size(void);

/* gmem_records_init() - no records. */
void gmem_records_init(struct gmem_records *r);

/**
 * gmem_records_find() - the first run that ends after @gfn.
 * @run: set to the whole run; run->gfn may be at, before or behind @gfn.
 * Return: false if there is none.
 */
bool gmem_records_find(const struct gmem_records *r, u64 gfn, struct gmem_run *run);

/* A place in the records, good until they change. */
struct gmem_cursor {
	void *leaf;
	u32 i;
};

/**
 * gmem_records_first() - as gmem_records_find(), and remember the place.
 * gmem_records_next() - the run behind that place; @c moves on. False: there is none.
 */
bool gmem_records_first(const struct gmem_records *r, u64 gfn, struct gmem_cursor *c,
			struct gmem_run *run);
bool gmem_records_next(struct gmem_cursor *c, struct gmem_run *run);

/*
 * Unused leaves, for what needs one and from what has one left: a list through each leaf's
 * first word. A fresh leaf is zeroed memory, aligned as malloc's.
 */
void gmem_leaf_push(void **leaves, void *leaf);
void *gmem_leaf_pop(void **leaves); /* NULL: there is none */

/**
 * gmem_records_insert() - add a run.
 * @run: no frame of it is in the records; fewer than 2^24 pages.
 * @leaves: one leaf is taken from it if need be; never more than one.
 * Errors: -ENOMEM a leaf was needed and there was none; no run has changed.
 */
int gmem_records_insert(struct gmem_records *r, const struct gmem_run *run, void **leaves);

/**
 * gmem_records_remove() - forget frames.
 * @gfn, @pages: all of them are in one run of the records.
 * @leaves: a leaf is taken if what remains of the run, on both sides, needs room; leaves
 *	    that become free are added.
 * Errors: -ENOMEM a leaf was needed and there was none; no run has changed.
 */
int gmem_records_remove(struct gmem_records *r, u64 gfn, u64 pages, void **leaves);

/**
 * gmem_records_remove_range() - forget all frames of [@gfn, @end), recorded or not.
 * Whole runs go many at a time. @leaves: as for gmem_records_remove(); a leaf is needed
 * only if the range lies inside of one run. Errors: -ENOMEM, with nothing changed.
 */
int gmem_records_remove_range(struct gmem_records *r, u64 gfn, u64 end, void **leaves);

/* gmem_records_end() - one above the last recorded frame; 0: there is none. */
u64 gmem_records_end(const struct gmem_records *r);

/* gmem_records_bytes() - memory that the records take. */
u64 gmem_records_bytes(const struct gmem_records *r);

#endif /* CORE_GMEM_RECORDS_H */
