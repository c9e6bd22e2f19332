// SPDX-License-Identifier: GPL-2.0-only
/*
 * The small machine of the exhaustive exploration again (ownership_states.h), over real
 * page tables. States can't be put back there, so the machine is led through them: from
 * each state to one that was not seen yet if there is a step to one, otherwise by a step
 * that was not made yet, otherwise anywhere. In each new state all steps that have to be
 * refused are tried; no descriptor may be written. Machines of several page sizes and
 * formats, and with frames of half a block, take turns; they share what was seen.
 *
 *	run_ownership_tour [--seed N] [--ops N] [--quick]
 */
#include "ownership_machine.h"
#include "ownership_states.h"

#define TURN 4000 /* steps on one machine */

struct tour {
	struct jo_shape shape;
	struct jm_machine m;
	struct js_steps steps;
	struct js_set set;
	u64 *made; /* a bit for each step from each state */
	struct rng rng;
	struct jo_model model;
	u64 done, edges, refused;
};

/* Words of tour.made for one state. */
#define WORDS (JS_STEPS_MAX / 64)

static u64 *made_from(struct tour *t, u64 state)
{
	return t->made + state * WORDS;
}

/* The place of a state in the order of discovery; it has been seen. */
static u64 place_of(struct tour *t, u64 key)
{
	u64 at = (key * 0x9e3779b97f4a7c15ull) >> 32 & t->set.mask;

	while (t->set.seen[at] != key)
		at = (at + 1) & t->set.mask;
	return t->set.place[at];
}

static void complain(struct tour *t, const struct jo_step *step)
{
	char text[128];

	printf("FAILED: %s\n  step: %s\n", t->m.target.problem,
	       step ? jo_step_text(step, text, sizeof(text)) : "none");
	jm_print(&t->m);
	jo_model_print(&t->model);
}

static bool try_refusals(struct tour *t)
{
	u32 i;

	for (i = 0; i < t->steps.nr_useful; i++) {
		struct jo_step step = t->steps.step[i];
		u64 refusals;

		step.pfn += t->m.shape.pfn - t->shape.pfn;
		refusals = jo_model_refusals(&t->model, &step);
		if (!refusals)
			continue;
		t->refused++;
		if (!jm_refuse(&t->m, &t->model, &step, JO_DOOR_FUNCTION, refusals)) {
			complain(t, &step);
			return false;
		}
	}
	if (jm_compare(&t->m, &t->model))
		return true;
	complain(t, NULL);
	return false;
}

/* The step to make next; the number of it, or -1. */
static int choose(struct tour *t, u64 *made)
{
	u32 i, start = (u32)rng_below(&t->rng, t->steps.nr_useful);
	int unmade = -1, any = -1;

	for (i = 0; i < t->steps.nr_useful; i++) {
		u32 n = (start + i) % t->steps.nr_useful;
		struct jo_step step = t->steps.step[n];
		struct jo_model next;

		step.pfn += t->m.shape.pfn - t->shape.pfn;
		if (jo_model_refusals(&t->model, &step))
			continue;
		next = t->model;
		if (step.op == JO_GUEST_DRAIN)
			jo_model_drain(&next, step.guest, 0, t->shape.nr_gfns);
		else
			jo_model_commit(&next, &step);
		if (js_too_many_pins(&next))
			continue;
		any = any < 0 || rng_chance(&t->rng, 10) ? (int)n : any;
		if (made[n / 64] >> n % 64 & 1)
			continue;
		unmade = (int)n;
		if (!js_seen(&t->set, js_pack(&next)))
			break;
	}
	return unmade >= 0 ? unmade : any;
}

static bool one_step(struct tour *t)
{
	u64 key = js_pack(&t->model), *made;
	struct jo_step step;
	enum jo_door door;
	int n;

	if (js_add(&t->set, key) && !try_refusals(t))
		return false;
	made = made_from(t, place_of(t, key));
	n = choose(t, made);
	step = t->steps.step[n];
	step.pfn += t->m.shape.pfn - t->shape.pfn;
	t->edges += !(made[n / 64] >> n % 64 & 1);
	made[n / 64] |= 1ull << n % 64;
	door = (enum jo_door)rng_below(&t->rng, JO_NR_DOORS);
	if (!jo_step_fits(&step, door))
		door = JO_DOOR_FUNCTION;
	if (!jm_step(&t->m, &t->model, &step, door, rng_chance(&t->rng, 10))) {
		complain(t, &step);
		return false;
	}
	t->done++;
	return true;
}

/* The host looks at all its pages, so that there is something to take away. */
static bool touch_all(struct tour *t)
{
	u32 f;

	for (f = 0; f < t->shape.nr_frames; f++)
		if (!jm_touch(&t->m, &t->model, f, 0)) {
			complain(t, NULL);
			return false;
		}
	return true;
}

static bool one_machine(struct tour *t, u64 seed)
{
	struct rng rng = rng_seeded(seed);
	u32 i;

	if (!jm_start(&t->m, &rng, &t->shape, &t->model)) {
		complain(t, NULL);
		return false;
	}
	for (i = 0; i < TURN; i++) {
		if (i % 4 == 0 && !touch_all(t))
			return false;
		if (!one_step(t))
			return false;
	}
	if (jm_stop(&t->m, &t->model))
		return true;
	complain(t, NULL);
	return false;
}

int main(int argc, char **argv)
{
	static struct tour t;
	bool quick = jo_quick(argc, argv), ok = true;
	u64 seed = jo_argument(argc, argv, "--seed", 1);
	u64 steps = jo_argument(argc, argv, "--ops", quick ? 12000 : 60000);

	printf("seed %llu\n", seed);
	js_shape(&t.shape, quick);
	js_list_steps(&t.steps, &t.shape);
	js_set_init(&t.set, 20);
	t.made = calloc((t.set.mask + 1) / 2, WORDS * sizeof(u64));
	t.rng = rng_seeded(seed);
	jm_init(&t.m);
	while (ok && t.done < steps)
		ok = one_machine(&t, seed * 1000003 + t.done);
	if (ok)
		printf("ok: %llu steps over page tables through %llu states, %llu of them made "
		       "once; "
		       "%llu refused, without a write\n",
		       t.done, t.set.tail, t.edges, t.refused);
	jm_fini(&t.m);
	js_set_fini(&t.set);
	free(t.made);
	printf("%d passed, %d failed\n", ok, !ok);
	return !ok;
}
