/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A dirty ring: the pages that one vCPU has written, in memory that the VMM shares and
 * reads while the vCPU runs (KVM_CAP_DIRTY_LOG_RING_ACQ_REL, api.rst 8.29).
 *
 * An entry is empty, then dirty (pushed by the vCPU), then collected (marked so by the
 * VMM), then empty again (gmem_ring_reset(), which write-protects the page). The VMM can
 * write anything to entries at any time: how many there are, and which is next, is known
 * here only, and what is read from an entry is checked before use. A VMM that changes an
 * entry cheats itself of its own log and nobody else of anything.
 *
 * Locks: pushing is the vCPU's alone, with the mmu lock held for reading; resetting takes
 * the slots mutex.
 */
#ifndef CORE_GMEM_RING_H
#define CORE_GMEM_RING_H

#include "redoubt_port.h"

/* Flags of an entry: the values of KVM_DIRTY_GFN_F_*. */
#define GMEM_RING_DIRTY	    (1u << 0)
#define GMEM_RING_COLLECTED (1u << 1)

/*
 * Entries that stay free when the ring reports itself full: one fault pushes once for
 * each time that it tops up its cache, and the vCPU stops before the next one.
 */
#define GMEM_RING_RESERVE 64u
#define GMEM_RING_MAX	  65536u

/* As struct kvm_dirty_gfn. */
struct gmem_ring_entry {
	u32 flags;
	u32 slot;
	u64 page; /* in the slot */
};

struct gmem_ring {
	struct gmem_ring_entry *entry; /* shared with the VMM; NULL: there is no ring */
	u32 size;    /* entries, a power of two */
	u64 pushed;  /* how many ever were; the vCPU's to write */
	u64 emptied; /* how many of these are empty again; under the slots mutex */
};

/**
 * gmem_ring_init() - an empty ring.
 * @entry: @size zeroed entries; @size a power of two, more than GMEM_RING_RESERVE, up to
 *	   GMEM_RING_MAX.
 */
void gmem_ring_init(struct gmem_ring *r, struct gmem_ring_entry *entry, u32 size);

/**
 * gmem_ring_push() - note that page @page of slot @slot is about to be written.
 * Return: false, and nothing noted, if not a single entry is left.
 */
bool gmem_ring_push(struct gmem_ring *r, u32 slot, u64 page);

/* gmem_ring_full() - only the reserve is left: the vCPU must not run on. No lock. */
bool gmem_ring_full(const struct gmem_ring *r);

#endif /* CORE_GMEM_RING_H */
