/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of what a CPU's TLB may hold, at its most forgetful of what changed.
 *
 * Every valid descriptor that can be reached from the root is taken to be cached
 * at once: leaves as translations, tables as walk-cache entries. So the only thing
 * to remember is what is *no longer* in the tables: a descriptor that was valid
 * and reachable goes on the stale list when it changes, or when a table above it
 * does, and leaves the list when an invalidation that promises to remove it has
 * completed. Three things are violations:
 *
 *  - break-before-make missed: a descriptor made valid, or changed from valid to
 *    valid, while a CPU may hold a translation of the same address with another
 *    output address, memory type, size or table (Arm ARM D8.16.1);
 *  - a page freed, or written, while a walk-cache entry may lead into it;
 *  - a stale entry left over when the operation that should have removed it has
 *    returned (tlb_check_clean()).
 *
 * The first violation is kept as a sentence; later ones are its consequences.
 */
#ifndef JUDGE_TLB_H
#define JUDGE_TLB_H

#include "mem.h"
#include "tlbi.h"
#include "walk.h"

/*
 * A stage 2 leaf is held twice: by its IPA, and combined with stage 1, where
 * invalidation by IPA does not reach it (Arm ARM D8.16.5). The second copy can
 * come back from the first, so it has to be removed after the first is gone.
 */
#define TLB_BY_ADDRESS 1u
#define TLB_COMBINED   2u

struct tlb_stale {
	u64 ia, size;
	u64 desc;
	u64 pa; /* of the descriptor */
	int level;
	bool table;
	bool published; /* a barrier came after the write: an invalidation can act on it */
	bool local;     /* this CPU's own copy is gone, those of other CPUs are not */
	u8 held;        /* copies, TLB_BY_ADDRESS and TLB_COMBINED */
	u8 leaving;     /* copies whose invalidation was issued and has not completed */
};

struct tlb {
	struct walk_regime reg;
	struct mem *mem;
	struct tlb_stale *stale;
	u32 nr, room;
	bool live; /* the root is in a base register */
	char problem[256];
	/* What the operation did, for cost checks. */
	u64 writes, invalidations, syncs;
	u64 made; /* leaves that went live */
};

void tlb_init(struct tlb *tlb, struct mem *mem);
void tlb_fini(struct tlb *tlb);
/* The root of @reg goes live; everything reachable from it is visible from now on. */
void tlb_start(struct tlb *tlb, const struct walk_regime *reg);
/* No table is live any more; nothing may be stale. */
void tlb_stop(struct tlb *tlb);

/* The store of descriptor @now over @was (CPU byte order) at @slot has happened. */
void tlb_on_write(struct tlb *tlb, const void *slot, u64 was, u64 now);
/* A barrier that makes stores visible to walkers before a later invalidation. */
void tlb_on_publish(struct tlb *tlb);
/*
 * An invalidation was issued; tlb_on_sync() completes all of them. @copies are the
 * kinds of copies that it reaches; @local: on this CPU only.
 */
void tlb_on_invalidate(struct tlb *tlb, const struct tlbi *op, unsigned int copies, bool local);
void tlb_on_sync(struct tlb *tlb);
/* The page at @host is about to be given back. */
void tlb_on_free(struct tlb *tlb, const void *host);

/*
 * How far stale entries may differ from the tables when an operation has returned.
 * One that allows less than the tables costs another CPU a fault and nothing else,
 * so it is enough that this CPU's copy is gone.
 */
enum tlb_tolerance {
	TLB_NOTHING = 0,
	TLB_YOUNG = 1, /* access flag cleared, old entry still usable */
	TLB_WRITE = 2, /* write permission (or DBM) removed, old entry still usable */
};

/*
 * Complains of the first stale entry that differs by more than @tolerance; TLB_WRITE is
 * tolerated only for input addresses in [@owed_start, @owed_end).
 */
void tlb_check_clean(struct tlb *tlb, unsigned int tolerance, u64 owed_start, u64 owed_end);
bool tlb_failed(const struct tlb *tlb);

#endif /* JUDGE_TLB_H */
