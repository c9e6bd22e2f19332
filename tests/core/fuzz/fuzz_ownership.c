// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of ownership transitions from a fuzzer's bytes. Two kinds of machine, by the
 * first byte: arrays, watched edit by edit and compared to the byte (fast, and any
 * argument at all); or page tables, with what every CPU sees. Both compare every step
 * with the model of tests/core/judge.
 */
#include "../judge/ownership_actions.h"
#include "../judge/ownership_step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 200

static void die(const char *problem, const struct jo_step *step)
{
	char text[128];

	fprintf(stderr, "%s\n  step: %s\n", problem, jo_step_text(step, text, sizeof(text)));
	abort();
}

/* ---- Arrays ---- */

static const struct jo_shape shape = {
	.pfn = 0xffff0,
	.va_offset = 0xfffe000000000000ull,
	.nr_frames = 20,
	.nr_guests = 4,
	.nr_gfns = 10,
	.max_devices = 3,
	.page_shift = 14,
	.region = {1, 1, 1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0, 3, 3, 3, 3, 3, 3, 0},
	.guarded = {true, true, false, false},
};

/* Mostly near the world, now and then anything. */
static u64 number(struct rng *rng, u64 base, u64 range)
{
	u64 kind = rng_below(rng, 32);

	if (kind == 31)
		return rng_next(rng, 8);
	if (kind == 30)
		return (1ull << (52 - shape.page_shift)) - rng_below(rng, 4);
	return base + rng_below(rng, range);
}

static struct jo_step choose(struct rng *rng)
{
	struct jo_step step = {.op = (enum jo_op)rng_below(rng, JO_NR_OPS)};

	step.guest = (u32)rng_below(rng, shape.nr_guests);
	step.pfn = number(rng, shape.pfn - 1, shape.nr_frames + 2);
	step.nr = number(rng, 0, 8);
	step.gfn = step.op == JO_GUEST_DRAIN ? 0 : number(rng, 0, shape.nr_gfns + 1);
	step.prot = step.op == JO_HOST_SHARE_GUEST ? (u32)rng_below(rng, 16) : 0;
	if (step.op == JO_HOST_SHARE_DEVICE)
		step.prot = (u32)rng_below(rng, 32);
	if (step.op == JO_GUEST_DRAIN && !step.nr)
		step.nr = 1;
	return step;
}

/* Device pages outside of the world are nobody's business here. */
static bool in_world(const struct jo_step *step)
{
	u64 first = jo_frame_of(&shape, step->pfn);

	if (step->op == JO_HOST_SHARE_DEVICE)
		return first < shape.nr_frames;
	return step->op != JO_HOST_DONATE_DEVICE ||
	       (first < shape.nr_frames && step->nr <= shape.nr_frames - first);
}

static void run_arrays(struct rng *rng)
{
	static struct jo_world world;
	static struct jo_model model;
	static struct jo_tally tally;
	static u8 *saved;
	u32 i;

	if (!saved) {
		jo_world_init(&world, &shape);
		saved = malloc(world.arena_size);
	}
	jo_model_init(&model, &shape);
	jo_world_load(&world, &model);
	for (i = 0; i < STEPS_MAX && !rng->dry; i++) {
		struct jo_step step = choose(rng);
		enum jo_door door = (enum jo_door)rng_below(rng, JO_NR_DOORS);
		bool refused = jo_model_refusals(&model, &step) != 0;

		if (!in_world(&step))
			continue;
		if (!jo_step_fits(&step, door))
			door = JO_DOOR_FUNCTION;
		world.lookup = (enum jo_lookup)(i % 3);
		jo_world_save(&world, saved);
		if (!jo_step_run(&world, &model, &step, door, saved, &tally))
			die(world.target.problem, &step);
		if (refused)
			continue;
		jo_world_invariants(&world);
		jo_world_questions(&world, &model);
		if (jo_failed(&world.target))
			die(world.target.problem, &step);
	}
}

/* ---- Page tables ---- */

static void run_tables(struct rng *rng)
{
	static struct jm_machine m;
	static struct jo_model model;
	static struct ja_tally tally;
	static bool ready;
	u32 i;

	if (!ready)
		jm_init(&m);
	ready = m.small = true;
	if (!jm_start(&m, rng, NULL, &model))
		die(m.target.problem, &(struct jo_step){0});
	for (i = 0; i < STEPS_MAX && !rng->dry; i++) {
		struct ja_action action = ja_choose(&m, &model, rng);

		if (ja_do(&m, &model, &action, &tally))
			continue;
		if (action.step.op == JO_NR_OPS)
			action.step.op = JO_GUEST_DRAIN;
		die(m.target.problem, &action.step);
	}
	if (!jm_stop(&m, &model))
		die(m.target.problem, &(struct jo_step){0});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rng rng = rng_from_bytes(data, size);

	if (rng_next(&rng, 1) & 1)
		run_tables(&rng);
	else
		run_arrays(&rng);
	return 0;
}
