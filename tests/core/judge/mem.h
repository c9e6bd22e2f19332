/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated physical memory that holds translation tables and nothing else.
 *
 * A run of granules at an arbitrary physical address, far from where the host
 * keeps them, so that a virtual address used as a physical one is caught. Pages
 * are handed out, taken back, and made to run out on purpose. Every page knows
 * what it is in use for; the TLB model (tlb.h) keeps that up to date.
 */
#ifndef JUDGE_MEM_H
#define JUDGE_MEM_H

#include "redoubt_port.h"

enum mem_use {
	MEM_FREE,     /* nobody may touch it */
	MEM_LOOSE,    /* handed out, not reachable from the root */
	MEM_ATTACHED, /* reachable from the root */
};

struct mem_page {
	enum mem_use use;
	int level; /* of its entries, when it was last attached */
	u64 ia;    /* input address of its first entry, likewise */
	u32 stale; /* walk-cache entries that may still lead here */
};

struct mem {
	u8 *host;
	size_t bytes;
	u64 pa;
	unsigned int granule_bits;
	u32 npages, next, in_use;
	u32 *free_list, nfree;
	struct mem_page *page;
	s64 fail_after; /* allocations that still succeed; negative: all do */
};

/* The base of the memory, virtual and physical, is aligned to this. */
#define MEM_ALIGN ((size_t)1 << 20)

/* @bytes of memory, no granule yet: mem_reset() comes next. */
void mem_init(struct mem *mem, size_t bytes);
/* Everything free, at physical address @pa (aligned to MEM_ALIGN), in granules of 2^bits. */
void mem_reset(struct mem *mem, u64 pa, unsigned int granule_bits);
void mem_fini(struct mem *mem);

/* @npages adjacent zeroed granules, aligned to @align bytes; NULL when told to fail. */
void *mem_alloc(struct mem *mem, u32 npages, size_t align);
/* One granule full of what looks like valid descriptors. */
void *mem_alloc_rubbish(struct mem *mem);
/* Takes back one granule. */
void mem_free(struct mem *mem, void *host);

bool mem_holds_pa(const struct mem *mem, u64 pa);
bool mem_holds_host(const struct mem *mem, const void *host);
void *mem_to_host(const struct mem *mem, u64 pa);
u64 mem_to_pa(const struct mem *mem, const void *host);
/* The page that @host lies in; NULL outside the memory. */
struct mem_page *mem_page_of(const struct mem *mem, const void *host);
void *mem_page_host(const struct mem *mem, const struct mem_page *page);
/* walk_read_fn over the memory: descriptors are little-endian wherever this runs. */
bool mem_read_desc(void *mem, u64 pa, u64 *desc);
/* The descriptor at @slot in CPU byte order. */
u64 mem_desc(const void *slot);

#endif /* JUDGE_MEM_H */
