/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step: carried out by core/ownership, foretold by the model, and compared.
 */
#ifndef JUDGE_OWNERSHIP_STEP_H
#define JUDGE_OWNERSHIP_STEP_H

#include "ownership_world.h"

/* By which of its doors the library is entered. */
enum jo_door {
	JO_DOOR_FUNCTION, /* the function of the verb */
	JO_DOOR_APPLY,	  /* own_apply() */
	JO_DOOR_BATCH,	  /* own_apply_batch(), one extent */
	JO_NR_DOORS,
};

struct jo_tally {
	u64 done;    /* steps that happened */
	u64 refused; /* ... that were refused, and changed nothing */
	u64 starved; /* ... that were made to fail for want of memory, likewise */
	u64 refusal[JO_NR_OPS][40]; /* by errno */
	u64 success[JO_NR_OPS];
};

/*
 * Does the step in the world, which is in the state @model, and saved as @saved.
 * If it is refused, everything must be as saved. If it succeeds, the world must be in
 * the state that the model says, and @model becomes that.
 *
 * Returns false, with world->problem set, if something is wrong.
 */
bool jo_step_run(struct jo_world *world, struct jo_model *model, const struct jo_step *step,
		 enum jo_door door, const void *saved, struct jo_tally *tally);

/*
 * The step, which would succeed with @prepares preparations, is tried with each of them
 * failing in turn. The world stays as it was.
 */
bool jo_step_starve(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		    u32 prepares, const void *saved, struct jo_tally *tally);

/* Enters the library, no questions asked. Sets *gfn for JO_GUEST_DRAIN. */
int jo_step_call(struct jo_world *world, const struct jo_step *step, enum jo_door door, u64 *gfn);

/* enum own_verb; OWN_NR_VERBS if the library has no verb for it. */
u32 jo_step_verb(enum jo_op op);

/* Whether a step can come by this door. */
bool jo_step_fits(const struct jo_step *step, enum jo_door door);

/* The step in words, for people. */
const char *jo_step_text(const struct jo_step *step, char *text, size_t size);
const char *jo_op_name(enum jo_op op);

/* --quick, or a build that is slow because it watches itself. */
bool jo_quick(int argc, char **argv);

/* Prints a state, for people. */
void jo_model_print(const struct jo_model *model);

#endif /* JUDGE_OWNERSHIP_STEP_H */
