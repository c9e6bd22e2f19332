/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sequence of operations on one set of tables: made from a seed or from bytes,
 * run, and, when it fails, cut down to the few operations that matter.
 */
#ifndef JUDGE_SEQUENCE_H
#define JUDGE_SEQUENCE_H

#include "op.h"

#define SEQUENCE_MAX 512

struct sequence {
	struct spec spec;
	u32 n;
	bool unmap_first; /* take everything down by unmap before destroying the tables */
	u16 destroy_budget;
	struct op op[SEQUENCE_MAX];
};

void sequence_make(struct sequence *seq, struct rng *rng, u32 n);
/* Index of the operation that failed, seq->n if the end did, or -1. */
int sequence_run(struct world *w, const struct sequence *seq);
/* As small as it gets with the failure still there; @w then holds the failure. */
void sequence_shrink(struct world *w, struct sequence *seq);
void sequence_print(const struct sequence *seq);

#endif /* JUDGE_SEQUENCE_H */
