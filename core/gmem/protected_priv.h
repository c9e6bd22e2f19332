/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the `protected` backend share: what a run's attributes mean, the
 * records' lock, and how much a call over a range does.
 */
#ifndef GMEM_PROTECTED_PRIV_H
#define GMEM_PROTECTED_PRIV_H

#include "gmem_priv.h"
#include <core/gmem_protected.h>

/* Attributes of a run: the block size it was mapped in, 0 for pages; and two flags. */
#define ATTR_SIZE     0x3u
#define ATTR_WRITABLE 0x4u
#define ATTR_DEVICE   0x8u
/*
 * Donated pages are never a device's. What is left of a block after the guest gave back
 * some of it: pages, that the environment holds by one reference for the whole block.
 */
#define ATTR_PART     ATTR_DEVICE

/* Pages that a call over a range deals with before it lets go of the locks. */
#define BATCHES_A_TURN 4

static inline struct gmem_protected *to_protected(struct gmem_backend *be)
{
	return gmem_entry(be, struct gmem_protected, be);
}

static inline void gmem_p_lock(struct gmem_protected *p, bool write)
{
	p->env_ops->lock(p->env, GMEM_LOCK_RECORDS, write);
}

static inline void gmem_p_unlock(struct gmem_protected *p, bool write)
{
	p->env_ops->unlock(p->env, GMEM_LOCK_RECORDS, write);
}

static inline u32 gmem_p_order(const struct gmem_protected *p, u32 attr)
{
	return attr & ATTR_SIZE ? p->be.block_order[(attr & ATTR_SIZE) - 1] : 0;
}

/* Pages that a call may cover which begins in a run of @attr: a batch, or one larger block. */
static inline u64 gmem_p_reach(const struct gmem_protected *p, u32 attr)
{
	u64 block = 1ull << gmem_p_order(p, attr);

	return block > p->batch ? block : p->batch;
}

static inline u64 gmem_run_end(const struct gmem_run *run)
{
	return run->gfn + run->pages;
}

/* How far a call over a range came, given that all before @at is dealt with. */
static inline void gmem_progress(u64 gfn, u64 pages, u64 at, u64 *done)
{
	*done = at > gfn + pages ? pages : at - gfn;
}

/* Whether the cache has @n leaves. */
static inline bool gmem_has_leaves(const struct gmem_cache *cache, u32 n)
{
	void *leaf;

	for (leaf = cache->leaves; leaf && n; n--)
		leaf = *(void **)leaf;
	return !n;
}

/* protected.c */

/* The part of @run that a range [@gfn, @end) meets, rounded out to whole blocks. */
void gmem_p_clip(const struct gmem_protected *p, const struct gmem_run *run, u64 *gfn, u64 *end);

/*
 * Takes what is mapped in the range away; records lock held for writing. Donated pages
 * that EL2 does not give back stay recorded, and its error is returned. That it refuses
 * to unmap another page is a bug: complain() stops the VM, and the record goes.
 */
int gmem_p_take(struct gmem_protected *p, u64 gfn, u64 pages, u64 *done);

/* protected_blocks.c: gmem_backend_ops.split and collapse. */
int gmem_p_split(struct gmem_backend *be, u64 gfn, u64 pages, struct gmem_cache *cache, u64 *done);
int gmem_p_collapse(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done);

/* pinned.c: donated frames of [@gfn, @end) are back, and their records go next. */
void gmem_pinned_give_back(struct gmem_protected *p, u64 gfn, u64 end);

#endif /* GMEM_PROTECTED_PRIV_H */
