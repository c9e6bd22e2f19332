/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The address space without any tables: what each page is, kept as runs of pages
 * that are alike. Operations on page tables are predicted on this, by the words of
 * their headers, and compared with what a CPU would see.
 */
#ifndef JUDGE_FLAT_H
#define JUDGE_FLAT_H

#include "redoubt_port.h"

enum flat_kind { FLAT_EMPTY, FLAT_OWNER, FLAT_LEAF };

struct flat_state {
	enum flat_kind kind;
	u32 prot;   /* PGT_PROT_* without OLD and CLEAN */
	bool young; /* access flag */
	bool dirty; /* writable without the hardware setting anything */
	bool dbm;   /* the hardware may make it writable */
	u64 owner;
};

struct flat_run {
	u64 start, end; /* input addresses */
	u64 pa;         /* FLAT_LEAF: where start leads */
	struct flat_state st;
};

/* Sorted, disjoint, never FLAT_EMPTY; neighbours that could be one run are one. */
struct flat {
	struct flat_run *run;
	u32 n, room;
};

void flat_init(struct flat *flat);
void flat_clear(struct flat *flat);
void flat_fini(struct flat *flat);

/* Makes [start, end) what @st says, @pa being where start leads. */
void flat_set(struct flat *flat, u64 start, u64 end, const struct flat_state *st, u64 pa);
/* Calls @fn with the state of every run, cut to [start, end), that lies in it. */
typedef void flat_fn(struct flat_run *run, void *arg);
void flat_update(struct flat *flat, u64 start, u64 end, flat_fn *fn, void *arg);
/* Removes every leaf in [start, end); annotations stay. */
void flat_unmap(struct flat *flat, u64 start, u64 end);

/* The run that holds @ia; else NULL, and *@next is where the next run starts (~0: none). */
const struct flat_run *flat_find(const struct flat *flat, u64 ia, u64 *next);
u64 flat_bytes(const struct flat *flat);

#endif /* JUDGE_FLAT_H */
