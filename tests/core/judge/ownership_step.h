/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step: carried out by core/ownership, foretold by the model, and compared.
 */
#ifndef JUDGE_OWNERSHIP_STEP_H
#define JUDGE_OWNERSHIP_STEP_H

#include "ownership_world.h"

struct jo_tally {
	u64 done;                   /* steps that happened */
	u64 refused;                /* ... that were refused, and changed nothing */
	u64 starved;                /* ... that were made to fail for want of memory, likewise */
	u64 refusal[JO_NR_OPS][40]; /* by errno */
	u64 success[JO_NR_OPS];
};

/*
 * Does the step in the world, which is in the state @model, and saved as @saved.
 * If it is refused, everything must be as saved. If it succeeds, the world must be in
 * the state that the model says, and @model becomes that.
 *
 * Returns false, with world->target.problem set, if something is wrong.
 */
bool jo_step_run(struct jo_world *world, struct jo_model *model, const struct jo_step *step,
		 enum jo_door door, const void *saved, struct jo_tally *tally);

/*
 * The same for a step of which the caller knows that the model refuses it, for one of
 * @refusals.
 */
bool jo_step_refused(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		     u64 refusals, const void *saved, struct jo_tally *tally);

/*
 * The step, which would succeed with @prepares preparations, is tried with each of them
 * failing in turn. The world stays as it was.
 */
bool jo_step_starve(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		    u32 prepares, const void *saved, struct jo_tally *tally);

#endif /* JUDGE_OWNERSHIP_STEP_H */
