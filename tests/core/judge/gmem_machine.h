/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for guest memory to run on: a guest's stage 2 under either backend, CPUs with TLBs that go on
 * using what they have until it is invalidated, an EL2 that refuses whatever the
 * hypercalls' contract lets it refuse, and gmem's environment with checks of its lock
 * rules.
 *
 * A CPU holds its own lock during one access, from the look into TLB or tables to
 * the end of the read or write. An invalidation takes the lock of each CPU in turn:
 * what TLBI and DSB do.
 */
#ifndef JUDGE_GMEM_MACHINE_H
#define JUDGE_GMEM_MACHINE_H

#include <core/gmem.h>
#include <core/gmem_direct.h>
#include <core/gmem_protected.h>
#include <stdatomic.h>

#include "dead.h"
#include "gmem_host.h"
#include "walk.h"

#define GM_GFNS	    1024u
#define GM_BLOCK_MAX 64 /* pages, in the `protected` backend */
#define GM_IPA_BITS (GM_SHIFT + 10)
#define GM_TLB	    64u
#define GM_RING	    128u /* entries of a dirty ring */

/* An entry of the guest's stage 2, for one gfn. */
#define GM_VALID  (1ull << 0)
#define GM_W	  (1ull << 1)
#define GM_X	  (1ull << 2)
#define GM_AF	  (1ull << 3)
#define GM_ORDER(e) ((u32)((e) >> 4 & 15))
#define GM_PFN(e)   ((e) >> 16)

struct gm_tlb {
	bool valid;
	u64 gfn;
	u64 entry;
};

struct gm_cpu {
	pthread_mutex_t lock;
	struct gm_tlb tlb[GM_TLB];
	struct gmem_cache cache;
	struct gmem_ring ring; /* if m->g.rings */
	struct gmem_ring_entry entry[GM_RING];
	u64 fetched; /* entries that the VMM has collected */
	struct rng rng;
	u64 expect[GM_HVNS];  /* what this CPU's word of each host page must hold */
	u32 punched[GM_HVNS]; /* when that was last known */
	u64 reads, writes, faults;
	bool walked; /* the last access was translated by a walk, not by the TLB */
};

/* Of faults, what access() tells its caller. */
enum gm_access { GM_OK, GM_NOTHING, GM_REFUSED, GM_BROKEN };

struct gm_machine {
	struct gmem g;
	struct gmem_protected p;
	struct gm_host host;
	struct gm_cpu cpu[GM_CPUS];

	u64 s2[GM_GFNS]; /* atomic entries */
	pthread_mutex_t el2;
	int tables;	 /* table pages that EL2 has left */
	/* The `direct` backend and its tables, in the place of s2 (gmem_tables.c). */
	bool is_direct;
	struct gmem_direct direct;
	struct pgt_geometry geo;
	struct pgt pgt;
	struct walk_regime regime;
	void *root;
	struct dead_tables dead; /* detached by a shared operation */
	atomic_long table_pages; /* but for the root */

	bool hw_af;	 /* the CPU sets access flags itself */
	struct rng rng;	 /* EL2's, under el2 */
	u64 hypercalls, complaints;

	pthread_rwlock_t mmu, records;
	atomic_int mmu_writers; /* that have the mmu lock or wait for it */
	atomic_int readers[2]; /* of slots, by generation */
	atomic_int generation;
	pthread_mutex_t sync;
	atomic_long allocated; /* bytes */
	bool starve;	       /* alloc_now() fails */
	pthread_mutex_t slots; /* the slots mutex */
	void (*ring_full)(struct gm_machine *m, u32 c); /* the vCPU asks its VMM to collect */
	bool late_vmm; /* it lets vCPUs run on while a ring's reserve lasts */
};

/* @direct: gmem edits stage 2 itself; else an EL2 does (gmem_el2.c). */
void gm_machine_init(struct gm_machine *m, u64 seed, bool direct);
/* Frees everything, and checks that nothing is left over. */
void gm_machine_free(struct gm_machine *m);

/* One access by CPU @c to @gfn, faults and all; every access is checked. */
enum gm_access gm_access(struct gm_machine *m, u32 c, u64 gfn, bool write, bool exec);

/* gmem_rings.c: vCPUs note their writes in rings from now on. */
void gm_rings_init(struct gm_machine *m);
/* A VMM that collects only when nothing else helps, and has left some entries lying. */
void gm_rings_late(struct gm_machine *m);
struct gmem_ring *gm_ring_of(struct gm_machine *m, u32 c);

/* Collects up to @most entries of each ring, resets them, tells of each page. Slots mutex. */
typedef void gm_seen_t(void *ctx, u32 slot, u64 page);
void gm_rings_collect(struct gm_machine *m, u64 most, gm_seen_t *tell, void *ctx);

/* Nothing else runs: the VMM writes into entries what it likes, but for those it relies on. */
void gm_rings_spoil(struct gm_machine *m, struct rng *rng);

/* Which frames are in a ring now. Nothing else runs. */
void gm_rings_noted(const struct gm_machine *m, bool noted[GM_GFNS]);

/* Nothing else runs: stage 2 and TLBs agree with host and slots, records with stage 2. */
void gm_check_all(struct gm_machine *m);

/* Prints what is wrong, with the seed and step that gm_context was set to, and ends the program. */
#define gm_check(cond)                                                          \
	do {                                                                    \
		if (port_unlikely(!(cond)))                                     \
			gm_fail(__FILE__, __LINE__, #cond);                     \
	} while (0)

extern u64 gm_seed;
extern _Thread_local u64 gm_at;
void gm_fail(const char *file, int line, const char *what) __attribute__((noreturn));

#endif /* JUDGE_GMEM_MACHINE_H */
