// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Address spaces over page tables: locks, reservations, and looking things up, for
 * all kinds of space. A reservation is a number: the pages stay in the pool, and
 * what the checks promised is compared with what is there, so that giving it back
 * is free and the commit takes pages as it needs them (invariant 5).
 * Locks: everything but own_pgt_lock() is called with the space's lock held.
 */
#include "own_pgt.h"

void own_pgt_lock(struct own_space *own)
{
	port_lock(&own_pgt(own)->lock);
}

void own_pgt_unlock(struct own_space *own)
{
	struct own_pgt_space *space = own_pgt(own);

	space->pool->reserved = 0;
	port_unlock(&space->lock);
}

int own_pgt_reserve(struct own_pgt_pool *pool, u64 pages)
{
	if (pages > pool->mc.count || pool->reserved > pool->mc.count - pages)
		return -ENOMEM;
	pool->reserved += pages;
	return 0;
}

/* Is the entry of @size bytes around @ia wholly inside [@start, @end)? */
static bool entry_inside(u64 ia, u64 size, u64 start, u64 end)
{
	u64 base = ia & ~(size - 1);

	return base >= start && end - base >= size;
}

u64 own_pgt_pages_to_cut(const struct pgt_geometry *geo, u64 ia, u64 size)
{
	u64 end = ia + size, last = end - 1, pages = 0;
	s8 level;

	for (level = geo->start_level; level < PGT_LEVEL_LAST; level++) {
		u64 entry = pgt_level_size(geo, level);

		if (!entry_inside(ia, entry, ia, end))
			pages++;
		if ((ia ^ last) & ~(entry - 1) && !entry_inside(last, entry, ia, end))
			pages++;
	}
	return pages;
}

static int must_be_empty(void *arg, const struct pgt_leaf *leaf)
{
	(void)arg;
	return leaf->kind == PGT_EMPTY ? 0 : -EPERM;
}

int own_pgt_check_unmapped(struct own_space *own, u64 addr, u64 nr_pages)
{
	struct own_pgt_space *space = own_pgt(own);
	struct pgt_op op = { 0 };

	return pgt_walk(space->pgt, &op, addr, own_pgt_bytes(space, nr_pages), must_be_empty, NULL);
}

/* A run being put together from entries. */
struct run_walk {
	struct own_run *run;
	u64 start; /* address of the run's first page */
	u64 limit; /* bytes asked for */
	u64 bytes; /* so far */
};

/* The run is complete: ends the walk, and is no error. */
#define RUN_ENDS 1

static enum own_run_kind run_kind(const struct pgt_leaf *leaf)
{
	if (leaf->kind == PGT_LEAF)
		return OWN_RUN_MAPPED;
	return leaf->kind == PGT_EMPTY ? OWN_RUN_NONE : OWN_RUN_POISONED;
}

static int extend_run(void *arg, const struct pgt_leaf *leaf)
{
	struct run_walk *walk = arg;
	u64 skip;

	if (!walk->bytes) {
		skip = walk->start - leaf->ia; /* a block may begin earlier */
		walk->run->kind = run_kind(leaf);
		walk->run->pa = pa(leaf->pa.v + skip);
		walk->bytes = leaf->size - skip;
		return walk->run->kind == OWN_RUN_NONE ? RUN_ENDS : 0;
	}
	if (run_kind(leaf) != walk->run->kind ||
	    (leaf->kind == PGT_LEAF && leaf->pa.v != walk->run->pa.v + walk->bytes))
		return RUN_ENDS;
	if (leaf->size > walk->limit - walk->bytes)
		return RUN_ENDS; /* a block that is asked for in part is a run of its own */
	walk->bytes += leaf->size;
	return 0;
}

int own_pgt_lookup(struct own_space *own, u64 addr, u64 nr_pages, struct own_run *run)
{
	struct own_pgt_space *space = own_pgt(own);
	const struct pgt_geometry *geo = space->pgt->geo;
	struct run_walk walk = { .run = run, .start = addr };
	struct pgt_op op = { 0 };
	u64 left;
	int ret;

	if (addr >> geo->ia_bits)
		return -ERANGE;
	left = ((1ULL << geo->ia_bits) - addr) >> geo->granule_shift;
	nr_pages = nr_pages < left ? nr_pages : left;
	walk.limit = own_pgt_bytes(space, nr_pages);
	ret = pgt_walk(space->pgt, &op, addr, walk.limit, extend_run, &walk);
	if (ret < 0)
		return ret;
	run->nr_pages = walk.bytes >> geo->granule_shift;
	if (run->kind != OWN_RUN_NONE && run->nr_pages > nr_pages)
		run->nr_pages = nr_pages;
	return 0;
}
