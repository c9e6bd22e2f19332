/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with core/ownership in it, as steps see it: over arrays
 * (ownership_world.h) or over page tables (ownership_machine.h).
 */
#ifndef JUDGE_OWNERSHIP_TARGET_H
#define JUDGE_OWNERSHIP_TARGET_H

#include "ownership_model.h"

struct jo_target {
	const struct jo_shape *shape;
	struct own_ctx *ctx;
	struct own_space *guest[JO_GUESTS];
	/* A frame of the model is 1 << chunk_shift pages of the machine ... */
	u32 chunk_shift;
	/* ... and a guest's first frame is this one of its pages. */
	u64 gfn_base[JO_GUESTS];
	/* An empty and dead guest begins anew, with empty tables. */
	int (*recycle)(struct jo_target *target, u32 guest);
	char problem[256]; /* the first one; empty: none */
};

/* Remembers the problem, if it is the first. */
void jo_problem(struct jo_target *target, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline bool jo_failed(const struct jo_target *target)
{
	return target->problem[0] != '\0';
}

/* The kind of address space that a component has. */
enum own_kind jo_kind(const struct jo_shape *shape, u32 id);

/* The record in the vmemmap that says what @frame does. */
u32 jo_record(const struct jo_frame *frame);

/* By which of its doors the library is entered. */
enum jo_door {
	JO_DOOR_FUNCTION, /* the function of the verb */
	JO_DOOR_APPLY,    /* own_apply() */
	JO_DOOR_BATCH,    /* own_apply_batch(), one extent */
	JO_NR_DOORS,
};

/* Enters the library, no questions asked. Sets *gfn for JO_GUEST_DRAIN. */
int jo_call(struct jo_target *target, const struct jo_step *step, enum jo_door door, u64 *gfn);

/* Whether a step can come by this door. */
bool jo_step_fits(const struct jo_step *step, enum jo_door door);

/* enum own_verb; OWN_NR_VERBS if the library has no verb for it. */
u32 jo_step_verb(enum jo_op op);

/* The step in words, for people. */
const char *jo_step_text(const struct jo_step *step, char *text, size_t size);
const char *jo_op_name(enum jo_op op);

/* Prints a state, for people. */
void jo_model_print(const struct jo_model *model);

/* --quick, or a build that is slow because it watches itself. */
bool jo_quick(int argc, char **argv);

/* The number that follows @name, or @otherwise. */
u64 jo_argument(int argc, char **argv, const char *name, u64 otherwise);

#endif /* JUDGE_OWNERSHIP_TARGET_H */
