// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Dirty rings (core/gmem_ring.h): the same log as dirty.c keeps, told to the VMM page by
 * page.
 *
 * Invariant 10, as in dirty.c: a page is in the ring before it can be written, because
 * both happen under one hold of the mmu lock. gmem_ring_reset() empties an entry and then
 * takes the lock for writing: a write that came before is in the memory that the VMM
 * copies after the reset, and a later one faults and pushes again.
 *
 * Locks: the slots mutex for resetting, the mmu lock as ever.
 */
#include <core/gmem_ring.h>

#include "gmem_priv.h"

void gmem_ring_init(struct gmem_ring *r, struct gmem_ring_entry *entry, u32 size)
{
	memset(r, 0, sizeof(*r));
	r->entry = entry;
	r->size = size;
}

static u64 used(const struct gmem_ring *r)
{
	return port_read64(&r->pushed) - port_read_acquire64(&r->emptied);
}

bool gmem_ring_full(const struct gmem_ring *r)
{
	return used(r) >= r->size - GMEM_RING_RESERVE;
}

bool gmem_ring_push(struct gmem_ring *r, u32 slot, u64 page)
{
	struct gmem_ring_entry *e = &r->entry[r->pushed & (r->size - 1)];

	if (used(r) >= r->size)
		return false;
	port_write32(&e->slot, slot);
	port_write64(&e->page, page);
	/* Whoever sees the flag sees the rest: the VMM reads it with acquire semantics. */
	port_smp_wmb();
	port_write32(&e->flags, GMEM_RING_DIRTY);
	port_write_release64(&r->pushed, r->pushed + 1);
	return true;
}

/* Pages next to each other of one slot, to be protected at once. */
struct batch {
	struct gmem_slot *slot;
	u64 page;
	u64 pages;
};

static void protect(struct gmem *g, struct batch *b)
{
	if (b->pages) {
		gmem_walk(g, GMEM_WALK_WRPROTECT, b->slot->gfn + b->page, b->pages, false);
		g->be->ops->flush_tlb(g->be, b->slot->gfn + b->page, b->pages);
		g->ops->relax(g->env);
	}
	b->pages = 0;
}

/* Adds a page that an entry names, whatever it names. */
static void add(struct gmem *g, struct batch *b, u32 id, u64 page)
{
	struct gmem_slot *slot = b->pages && b->slot->id == id ? b->slot : gmem_slot_of_id(g, id);

	if (!slot || !gmem_logging(slot) || page >= slot->pages)
		return;
	if (b->pages && slot == b->slot && page == b->page + b->pages) {
		b->pages++;
		return;
	}
	protect(g, b);
	*b = (struct batch){ .slot = slot, .page = page, .pages = 1 };
}

u64 gmem_ring_reset(struct gmem *g, struct gmem_ring *r)
{
	u64 end = port_read_acquire64(&r->pushed), at = r->emptied;
	struct batch b = { 0 };

	gmem_lock_write(g);
	for (; at != end; at++) {
		struct gmem_ring_entry *e = &r->entry[at & (r->size - 1)];

		if (!(port_read32(&e->flags) & GMEM_RING_COLLECTED))
			break;
		/* The VMM is done with the entry before it says so. */
		port_smp_rmb();
		add(g, &b, port_read32(&e->slot), port_read64(&e->page));
		port_write32(&e->flags, 0);
	}
	protect(g, &b);
	gmem_unlock_write(g);
	end = at - r->emptied;
	port_write_release64(&r->emptied, at);
	return end;
}
