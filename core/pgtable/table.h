/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Table pages: where they come from, how a block becomes a table, where they go.
 */
#ifndef PGTABLE_TABLE_H
#define PGTABLE_TABLE_H

#include "walk.h"

/* A zeroed table page of @op's memcache; NULL when dry. */
u64 *table_alloc(const struct pgt *pgt, struct pgt_op *op);

/* Gives back a page of table_alloc() that was never linked in. */
void table_unalloc(struct pgt_op *op, u64 *table);

/* The entry that leads to @table. */
u64 table_desc(const struct pgt *pgt, const u64 *table);

/* What to fill a new table with. */
struct table_fill {
	u64 oa;	   /* output address of the first entry */
	u64 attr;  /* attributes of all, type apart */
	s8 level;  /* of the table's entries */
	s8 leaves; /* level of the leaves: level to 3 */
};

/* Builds an unlinked table, and those below. NULL: the memcache ran dry, and is as before. */
u64 *table_build(const struct pgt *pgt, struct pgt_op *op, const struct table_fill *fill);

/*
 * Puts a table in the place of the entry at @pos, so that nothing changes for anybody
 * who looks through it: empty, annotated, or leaves of @leaves that translate as the
 * block did (with one break-before-make). 0: look at the entry again; -ENOMEM; -EAGAIN if
 * another walker changed it.
 */
int table_install(struct pgt *pgt, struct pgt_op *op, const struct pgt_pos *pos, u64 ia,
		  s8 leaves);

/*
 * Breaks the entry: makes @old, valid, the locked marker, and invalidates what
 * @gather then says. False, with nothing done, if it isn't @old.
 */
bool entry_break(struct pgt *pgt, u64 *slot, u64 old, struct pgt_gather *gather);

/*
 * After an exchange of the valid @old at @slot failed: 0 if only the hardware was at
 * work (look again), -EAGAIN if another walker was.
 */
int entry_lost(const struct pgt_geometry *geo, const u64 *slot, u64 old);

/* Frees the subtree that an entry led to, at once or when shared walkers have left. */
void table_drop(struct pgt *pgt, const struct pgt_op *op, u64 *table, s8 level);

#endif /* PGTABLE_TABLE_H */
