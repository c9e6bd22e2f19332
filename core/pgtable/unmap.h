/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Removing entries, and the tables that become empty. */
#ifndef PGTABLE_UNMAP_H
#define PGTABLE_UNMAP_H

#include "table.h"

/*
 * The range loop with gathering around it: @fn finds the gather in run->op->gather;
 * what it gathers is flushed at the end unless the caller wants it.
 */
int pgt_for_each_run_gather(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size,
			    pgt_run_fn *fn, void *arg);

/* The range loop's function that removes leaves. op->gather must be set. */
int unmap_run(struct pgt_run *run);

/*
 * Frees the table that @run lies in, if all its entries are zero, and the one above
 * likewise. @n entries of the run were handled; @all_zero: those are zero now.
 */
void prune(struct pgt_run *run, u32 n, bool all_zero);

/* Frees the tables in g->dead; the TLBs know nothing of them any more. */
void gather_free_dead(struct pgt *pgt, struct pgt_gather *g);

#endif /* PGTABLE_UNMAP_H */
