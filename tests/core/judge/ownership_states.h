/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small machine that is explored exhaustively: two pages of RAM, a device page, a
 * third page of RAM in a region of its own; the host, the hyp, two protected guests and
 * an ordinary one with two guest frames each (quick: one of each kind). A page has at
 * most one pin.
 */
#ifndef JUDGE_OWNERSHIP_STATES_H
#define JUDGE_OWNERSHIP_STATES_H

#include "ownership_model.h"

#define JS_STEPS_MAX 1024
#define JS_PINS_MAX  1

/* States that were seen, in the order in which they were found. */
struct js_set {
	u64 *seen;  /* open addressing; 0: free */
	u64 *place; /* of the state there in the queue */
	u64 mask;
	u64 *queue;
	u64 head, tail;
};

/* All steps to try; those from nr_useful on make no sense in any state. */
struct js_steps {
	const struct jo_shape *shape;
	u32 nr, nr_useful;
	struct jo_step step[JS_STEPS_MAX];
};

void js_shape(struct jo_shape *shape, bool quick);
void js_list_steps(struct js_steps *st, const struct jo_shape *shape);

/* The number of a state, never 0; and back. js_unpack() needs model->shape. */
u64 js_pack(const struct jo_model *model);
void js_unpack(struct jo_model *model, u64 key);

void js_set_init(struct js_set *set, u32 bits);
void js_set_fini(struct js_set *set);
/* True if the state is new. */
bool js_add(struct js_set *set, u64 key);
bool js_seen(const struct js_set *set, u64 key);

/* A page has more pins than are explored. */
bool js_too_many_pins(const struct jo_model *model);

#endif /* JUDGE_OWNERSHIP_STATES_H */
