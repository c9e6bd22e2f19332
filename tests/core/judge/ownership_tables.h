/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translation tables of one component, with memory and a TLB of their own, as the
 * environment of core/pgtable and of its adapter in core/ownership. What a CPU makes
 * of them is asked of the independent walk (walk.h) and the TLB model (tlb.h).
 */
#ifndef JUDGE_OWNERSHIP_TABLES_H
#define JUDGE_OWNERSHIP_TABLES_H

#include <core/own_pgtable.h>

#include "mem.h"
#include "tlb.h"
#include "walk.h"

struct jt_tables {
	struct own_pgt_space space;
	struct own_pgt_pool pool;
	struct pgt pgt;
	struct pgt_geometry geo;
	struct walk_regime reg;
	struct mem mem;
	struct tlb tlb;
	u64 *root;
	u32 root_pages;
	bool fwb;
	const char *problem; /* of the environment's own; the TLB model has one too */
};

/* Once: memory for tables. */
void jt_init(struct jt_tables *t);
void jt_fini(struct jt_tables *t);

/*
 * Empty tables of this shape at @table_pa. False, with a problem, if core refuses the
 * shape, or the CPU would take its registers for something else.
 */
bool jt_start(struct jt_tables *t, const struct pgt_request *req,
	      const struct pgt_cpu_features *cpu, bool fwb, u64 table_pa);

/* Destroys the tables; every page that was given to them must be back. */
void jt_stop(struct jt_tables *t);

/* Sees to it that the pool has @pages. */
void jt_fill(struct jt_tables *t, u32 pages);

/* A store to a descriptor; false if it is not one of these tables. */
bool jt_on_write(struct jt_tables *t, const u64 *slot, u64 was, u64 now);

struct walk_result jt_walk(struct jt_tables *t, u64 ia);

/* May a CPU reach physical address @pa at @ia: by the tables, or by a stale TLB entry? */
bool jt_reaches(struct jt_tables *t, u64 ia, u64 pa);

/* Does a stale TLB entry, at whatever address, lead to @pa? */
bool jt_stale_reaches(const struct jt_tables *t, u64 pa);

/* What is wrong, or NULL. */
const char *jt_problem(const struct jt_tables *t);

#endif /* JUDGE_OWNERSHIP_TABLES_H */
