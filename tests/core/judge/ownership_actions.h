/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random sequences of steps on the machine with page tables: made from a source of
 * choices, recorded, run again, and shrunk to what is needed to fail.
 */
#ifndef JUDGE_OWNERSHIP_ACTIONS_H
#define JUDGE_OWNERSHIP_ACTIONS_H

#include "ownership_machine.h"

struct ja_action {
	struct jo_step step; /* JO_NR_OPS: the host touches frame step.pfn */
	u8 door;
	bool starve;
};

#define JA_MAX 1024

struct ja_sequence {
	u64 shape_seed;
	u32 nr;
	struct ja_action action[JA_MAX];
};

struct ja_tally {
	u64 done, refused, touched, op[JO_NR_OPS];
};

/* A step for the state that the machine is in; mostly one that succeeds. */
struct ja_action ja_choose(const struct jm_machine *m, const struct jo_model *model,
			   struct rng *rng);

/* Does it. False: something is wrong. */
bool ja_do(struct jm_machine *m, struct jo_model *model, const struct ja_action *action,
	   struct ja_tally *tally);

/* A sequence of @nr actions from @rng, recorded. False: it failed, at action seq->nr - 1. */
bool ja_run(struct jm_machine *m, struct ja_sequence *seq, u64 seed, u32 nr,
	    struct ja_tally *tally);

/* Runs a recorded one; *failed_at is the action that failed. */
bool ja_replay(struct jm_machine *m, const struct ja_sequence *seq, u32 *failed_at);

/* Leaves out what is not needed for it to fail. */
void ja_shrink(struct jm_machine *m, struct ja_sequence *seq);

/* The sequence and what is wrong with it, for people. */
void ja_print(struct jm_machine *m, const struct ja_sequence *seq);

#endif /* JUDGE_OWNERSHIP_ACTIONS_H */
