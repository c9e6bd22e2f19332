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

/**
 * gmem_records_insert() - add a run.
 * @run: no frame of it is in the records.
 * @leaf: an unused leaf; set to NULL if it was taken. One is enough for any @run of
 *	  fewer than 2^24 pages.
 * Errors: -ENOMEM @leaf was needed and is NULL; nothing changed.
 */
int gmem_records_insert(struct gmem_records *r, const struct gmem_run *run, void **leaf);

/**
 * gmem_records_remove() - forget frames.
 * @gfn, @pages: every one of them is in one run of the records.
 * @leaf: taken as in insert, if what remains of the run needs room; or, if a leaf became
 *	  free and *@leaf is NULL, set to it.
 * Errors: -ENOMEM @leaf was needed and is NULL; nothing changed.
 */
int gmem_records_remove(struct gmem_records *r, u64 gfn, u64 pages, void **leaf);

/* gmem_records_bytes() - memory that the records take. */
u64 gmem_records_bytes(const struct gmem_records *r);

#endif /* CORE_GMEM_RECORDS_H */
