/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of core/gmem share: the mmu lock, loops over ranges, dirty bits.
 */
#ifndef GMEM_PRIV_H
#define GMEM_PRIV_H

#include <core/gmem.h>

static inline void gmem_lock_read(const struct gmem *g)
{
	g->ops->lock(g->env, GMEM_LOCK_MMU, false);
}

static inline void gmem_unlock_read(const struct gmem *g)
{
	g->ops->unlock(g->env, GMEM_LOCK_MMU, false);
}

static inline void gmem_lock_write(const struct gmem *g)
{
	g->ops->lock(g->env, GMEM_LOCK_MMU, true);
}

static inline void gmem_unlock_write(const struct gmem *g)
{
	g->ops->unlock(g->env, GMEM_LOCK_MMU, true);
}

/* Counts something where an exact number isn't worth a lock. */
static inline void gmem_count(u64 *stat)
{
	port_write64(stat, port_read64(stat) + 1);
}

/* The generation of slots that readers see now. */
static inline const struct gmem_slots *gmem_active(const struct gmem *g, u32 *idx)
{
	*idx = (u32)port_read_acquire64(&g->active);
	return &g->slots[*idx];
}

static inline bool gmem_logging(const struct gmem_slot *slot)
{
	return port_read32(&slot->flags) & GMEM_LOG_DIRTY;
}

/* The functions of the backend that go over a range. */
enum gmem_walk {
	GMEM_WALK_UNMAP,
	GMEM_WALK_WRPROTECT,
	GMEM_WALK_COLLAPSE,
	GMEM_WALK_FLUSH,
};

/*
 * Goes over [@gfn, @gfn + @pages) to the end; the mmu lock is held for writing, and now
 * and then given to others if @may_sleep. 0, or the backend's error.
 */
int gmem_walk(struct gmem *g, enum gmem_walk walk, u64 gfn, u64 pages, bool may_sleep);

/*
 * Notes in @ring, or in the slot's bits if that is NULL, that page @n of @slot is about to
 * be written; nothing if it keeps no log. The mmu lock is held, up to the page's being
 * mapped. False: the ring has no room, and the page must stay read-only.
 */
bool gmem_note_write(struct gmem_slot *slot, u64 n, struct gmem_ring *ring);

/* Bytes of the log of a slot of @pages. */
static inline size_t gmem_log_bytes(u64 pages)
{
	return (size_t)((pages + 63) / 64 * 8);
}

/* Starts and ends @slot's log; @log is zeroed memory of its size. Slots mutex, no lock. */
void gmem_log_start(struct gmem *g, struct gmem_slot *slot, u64 *log);
u64 *gmem_log_stop(struct gmem *g, struct gmem_slot *slot);

/* With initially_set every page of a new log is dirty. */
void gmem_log_fill(const struct gmem *g, u64 *log, u64 pages);

#endif /* GMEM_PRIV_H */
