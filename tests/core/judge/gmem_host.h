/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host's memory management, small: one address space of small pages over a pool of
 * frames, with the things that Linux does to a VMM's memory: demand faults, huge
 * pages, copy on write after a fork, merging of equal pages, swap, migration, hole
 * punching, write protection, poison. Every change that takes a translation away is
 * bracketed by gmem's invalidation calls, from whichever thread makes it; changes that
 * Linux makes without telling (a page that becomes writable again) are not.
 *
 * What a vCPU may look at without a lock: pfn and present of a page that it has a
 * valid translation for. They are plain memory on purpose: if guest memory lets a
 * vCPU use a stale translation, the thread sanitizer sees the host change them
 * meanwhile.
 */
#ifndef JUDGE_GMEM_HOST_H
#define JUDGE_GMEM_HOST_H

#include <core/gmem.h>
#include <pthread.h>

#include "rng.h"

/*
 * log2 of a page in bytes, and of the pages in huge pages: 6, 3 and 6 where nothing else
 * needs real tables, or 12, 3 and 9. Set before anything is made, by gm_machine_init().
 */
extern u32 gm_shift;
extern u32 gm_huge_order[2];

#define GM_SHIFT  gm_shift
#define GM_HVNS	  1024u
#define GM_HVN0	  0x1000u /* the first host page number */
#define GM_FRAMES 8192u
#define GM_PFN0	  0x40000u
#define GM_CPUS	  3u
#define GM_ZERO	  1u /* frame of zeroes, shared by all that is read before it is written */

/* Memory: a word for each vCPU, which only that vCPU writes. */
struct gm_frame {
	u64 word[GM_CPUS];
	u32 maps; /* by host pages and by a forked child */
	u32 refs; /* by resolve() */
	bool used;
};

struct gm_pte {
	bool present;  /* plain: see above */
	u64 frame;     /* plain; index of a frame */
	u32 writable;  /* atomic: may become true at any time */
	u32 dirty;     /* atomic: the host knows of a write */
	bool swapped;
	bool poisoned;
	u32 order;     /* of the huge page that it is part of */
	u64 word[GM_CPUS]; /* while swapped */
	u32 punched;   /* atomic: how often the contents went to zero */
};

struct gm_host {
	struct gmem *g; /* told about changes */
	pthread_mutex_t ptl; /* page tables and frames; innermost */
	struct gm_pte pte[GM_HVNS];
	struct gm_frame frame[GM_FRAMES];
	u64 child[GM_HVNS]; /* frame that the forked child has there; 0: none */
	u64 cursor;	    /* where to look for free frames */
	struct rng rng;	    /* under ptl: for resolve() */
	unsigned int fail_percent; /* of resolves: -EAGAIN, -EINTR */
	/* What was done, by kind. */
	u64 cows, reuses, ksm, swaps, migrations, punches, protects, huge, splits;
};

/* Threads give way in the middle of what they do once in so many times; 0: never. Set it once. */
extern u32 gm_host_linger;

static inline u64 gm_hva(u64 hvn_index)
{
	return (GM_HVN0 + hvn_index) << GM_SHIFT;
}

void gm_host_init(struct gm_host *h, struct gmem *g, u64 seed);

/* As gmem_env_ops.resolve and release. Frames are pfns from GM_PFN0. */
int gm_host_resolve(struct gm_host *h, u64 hva, u32 want, struct gmem_page *page);
void gm_host_release(struct gm_host *h, struct gmem_page *page, enum gmem_release how);

/* One random change, on pages of its own choice. Any thread, without locks. */
void gm_host_step(struct gm_host *h, struct rng *rng);

/* Punches [@first, @first + @n), as madvise(MADV_DONTNEED) or a balloon does. */
void gm_host_punch(struct gm_host *h, u64 first, u64 n);
/* A memory error at page @i. */
void gm_host_poison(struct gm_host *h, u64 i);

/* Reads word @cpu of page @i as the VMM would: 0 if nothing is there yet. */
u64 gm_host_read(struct gm_host *h, u64 i, u32 cpu);

/* Frames that nothing maps or holds, of all. Single-threaded. */
u64 gm_host_leaked(struct gm_host *h);

#endif /* JUDGE_GMEM_HOST_H */
