/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One set of page tables with a whole machine around it: table memory, a TLB, a
 * record of cache maintenance, and the flat map of what should be there. It is the
 * environment (struct pgt_env) that core's page tables run in.
 */
#ifndef JUDGE_WORLD_H
#define JUDGE_WORLD_H

#include <core/pgtable.h>

#include "flat.h"
#include "mem.h"
#include "rng.h"
#include "tlb.h"
#include "walk.h"

/* What a sequence of operations runs on. */
struct spec {
	struct pgt_request req;
	struct pgt_cpu_features cpu;
	bool fwb;
	u64 table_pa;  /* where table memory is */
	u64 anchor[4]; /* input addresses that operations gather around */
};

struct cmo {
	u64 pa, size;
};

#define WORLD_DEAD_MAX 4096

struct world {
	struct spec spec;
	struct pgt_geometry geo;
	struct walk_cpu cpu;
	struct walk_regime reg;
	struct pgt pgt;
	u64 *root;
	u32 root_pages;
	struct mem mem;
	struct tlb tlb;
	struct flat flat;
	/* This operation's cache maintenance. */
	struct cmo dcache[512], icache[512];
	u32 ndcache, nicache;
	bool cmo_lost;        /* more than the record holds */
	u64 map_pa, map_size; /* new leaves in this PA range must have been cleaned before */
	bool map_exec;
	bool mapping;     /* the operation promises that its entries are visible when it returns */
	bool unpublished; /* new entries that no barrier has made visible */
	u32 flushes;      /* tlb_flush() calls of this operation */
	/* Invalidations of wrprotect and friends that the caller owes. */
	u64 owed_start, owed_end;
	struct {
		void *table;
		s8 level;
	} dead[WORLD_DEAD_MAX]; /* defer_free() */
	u32 ndead;
	struct pgt_memcache mc;
	/* Invalidations gathered over several operations; flushed before anything is mapped. */
	struct pgt_gather gather;
	bool gathering;
	bool thorough; /* compare everything after every operation */
	bool bare;     /* signals are somebody else's */
	u32 countdown; /* operations until everything is compared anyway */
	/* How the last operation that reports progress ended. */
	int rc;
	u64 done;
	char problem[512];
};

void world_init(struct world *w);
void world_fini(struct world *w);
/* A fresh start with @spec. False, and a problem, if core refuses a sound geometry. */
bool world_start(struct world *w, const struct spec *spec);
/* No tables are left behind: destroys them and counts the pages. */
void world_stop(struct world *w, u32 budget);

__attribute__((format(printf, 2, 3))) void world_fail(struct world *w, const char *fmt, ...);
/* The first problem, the TLB's included; NULL if there is none. */
const char *world_problem(const struct world *w);

/* Sets @n pages of rubbish aside, for the next operation; takes back what is left. */
void world_fill(struct world *w, u32 n);
u32 world_drain(struct world *w);
/* Begins and ends one operation: records are emptied; dead tables go, the TLB is checked. */
void world_begin(struct world *w);
void world_end(struct world *w);

struct walk_result world_walk(struct world *w, u64 ia);
bool world_dcache_covers(const struct world *w, u64 pa, u64 size);
bool world_icache_covers(const struct world *w, u64 pa, u64 size);

/* A random sound regime: every granule, format, size, start level and feature. */
void spec_random(struct spec *spec, struct rng *rng);
/* "stage 2, 16K granule, 47-bit IPA from level 1, 52-bit PA (LPA2), HA HD, FWB" */
void spec_print(const struct spec *spec);
struct walk_cpu spec_walk_cpu(const struct pgt_cpu_features *f, u8 granule_shift);

#endif /* JUDGE_WORLD_H */
