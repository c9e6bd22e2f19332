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
	space->pool->promised = false;
	port_unlock(&space->lock);
}

int own_pgt_reserve(struct own_pgt_pool *pool, u64 pages)
{
	if (pages > pool->mc.count || pool->reserved > pool->mc.count - pages)
		return -ENOMEM;
	pool->reserved += pages;
	pool->promised = true;
	return 0;
}

/* A range, and the entries that are at its first and at its last page. */
struct cut {
	const struct pgt_geometry *geo;
	u64 start, last, end;
	struct pgt_leaf at_start, at_last;
};

/* Does the entry of @level around @addr reach beyond the range? */
static bool reaches_beyond(const struct cut *cut, u64 addr, s8 level)
{
	u64 size = pgt_level_size(cut->geo, level), base = addr & ~(size - 1);

	return base < cut->start || cut->end - base < size;
}

/* Are both ends of the range in one entry of @level? */
static bool one_entry(const struct cut *cut, s8 level)
{
	return !((cut->start ^ cut->last) & ~(pgt_level_size(cut->geo, level) - 1));
}

static bool is_marked(const struct pgt_leaf *leaf, u64 owner)
{
	return owner ? leaf->kind == PGT_OWNER && leaf->owner == owner : leaf->kind == PGT_EMPTY;
}

u64 own_pgt_pages_missing(struct own_pgt_space *space, u64 addr, u64 nr_pages, u64 owner)
{
	u64 end = addr + own_pgt_bytes(space, nr_pages), pages = 0;
	struct cut cut = { .geo = space->pgt->geo, .start = addr, .end = end,
			   .last = end - own_pgt_bytes(space, 1) };
	s8 level;

	if (pgt_s2_get_leaf(space->pgt, ipa(cut.start), &cut.at_start) ||
	    pgt_s2_get_leaf(space->pgt, ipa(cut.last), &cut.at_last))
		return ~0ULL; /* outside: the pool won't have that many */
	for (level = cut.at_start.level; level < PGT_LEVEL_LAST; level++)
		pages += !is_marked(&cut.at_start, owner) && reaches_beyond(&cut, addr, level);
	for (level = cut.at_last.level; level < PGT_LEVEL_LAST; level++)
		pages += !is_marked(&cut.at_last, owner) && !one_entry(&cut, level) &&
			 reaches_beyond(&cut, cut.last, level);
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
	u64 size = own_pgt_bytes(space, nr_pages);
	struct pgt_op op = { 0 };
	struct pgt_leaf leaf;

	/* Pages that one empty entry stands for, as a fault asks about: no walk is needed. */
	if (!pgt_s2_get_leaf(space->pgt, ipa(addr), &leaf) && leaf.kind == PGT_EMPTY &&
	    leaf.ia + leaf.size - addr >= size)
		return 0;
	return pgt_walk(space->pgt, &op, addr, size, must_be_empty, NULL);
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
