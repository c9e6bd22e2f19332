// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page ownership, exhaustively: every state that a small machine can reach, and from
 * each of them every step, with arguments right and wrong.
 *
 * The machine: two pages of RAM, a device page, a third page of RAM in a region of its
 * own; the host, the hyp, two protected guests and an ordinary one with two guest
 * frames each. A page has at most one pin. Breadth first; what core/ownership makes of
 * each step is compared with the model (ownership_model.h), to the byte, under the
 * eyes of the hooks (ownership_world.h). Each step that succeeds is tried as well with
 * each of its preparations failing. A state is a number, because the comparison leaves
 * nothing that the model's state would not tell.
 *
 * --quick: one protected guest and an ordinary one.
 */
#include "ownership_states.h"
#include "ownership_step.h"
#include "rng.h"

struct explorer {
	struct jo_shape shape;
	struct jo_world world;
	struct js_steps steps;
	struct js_set set;
	struct jo_tally tally;
	u64 batches;
};

/* ---- The exploration ---- */

static void complain(struct explorer *ex, const struct jo_model *from, const char *step)
{
	printf("FAILED: %s\n  step: %s\n  state %llu, from which it was done:\n",
	       ex->world.target.problem, step, ex->set.head);
	jo_model_print(from);
}

/* One step from the state that is saved. False: something is wrong. */
static bool try_step(struct explorer *ex, const struct jo_model *from, const struct jo_step *step,
		     enum jo_door door, const void *saved)
{
	struct jo_world *world = &ex->world;
	struct jo_model model;
	u64 refusals = jo_model_refusals(from, step);
	u32 prepares;

	if (refusals)
		return jo_step_refused(world, step, door, refusals, saved, &ex->tally);
	model = *from;
	if (!jo_step_run(world, &model, step, door, saved, &ex->tally))
		return false;
	prepares = world->prepares;
	if (!js_too_many_pins(&model))
		js_add(&ex->set, js_pack(&model));
	jo_world_restore(world, saved);
	if (step->op == JO_GUEST_DRAIN) /* may have done a part of it, which is progress */
		return true;
	return jo_step_starve(world, step, door, prepares, saved, &ex->tally);
}

/* A batch of three: the first refusal ends it, what came before it stays done. */
static bool try_batch(struct explorer *ex, const struct jo_model *from, struct rng *rng,
		      const void *saved)
{
	struct jo_step step = ex->steps.step[rng_below(rng, ex->steps.nr_useful)];
	struct jo_model model = *from;
	struct own_extent extent[3];
	u64 done = 99, want = 0, refusals = 0;
	struct own_space *guest = ex->world.target.guest[step.guest];
	int ret, i;

	if (!jo_step_fits(&step, JO_DOOR_BATCH))
		return true;
	for (i = 0; i < 3; i++) {
		step.pfn = extent[i].pfn = ex->shape.pfn + rng_below(rng, ex->shape.nr_frames);
		step.gfn = extent[i].gfn = rng_below(rng, ex->shape.nr_gfns);
		step.nr = extent[i].nr_pages = 1 + rng_below(rng, 2);
		refusals = refusals ? refusals : jo_model_refusals(&model, &step);
		if (refusals)
			continue;
		jo_model_commit(&model, &step);
		want++;
	}
	jo_world_expect(&ex->world, NULL, NULL);
	ex->world.unwatched = true;
	ret = own_apply_batch(ex->world.target.ctx, jo_step_verb(step.op),
			      step.op < JO_HOST_SHARE_GUEST ? NULL : guest, extent, 3, step.prot,
			      &done);
	ex->world.unwatched = false;
	if (done != want || (ret ? !(refusals & JO_REFUSE(-ret)) : refusals != 0))
		jo_problem(&ex->world.target, "batch of %s: returned %d, did %llu, should do %llu",
			   jo_op_name(step.op), ret, done, want);
	jo_world_compare(&ex->world, &model);
	jo_world_restore(&ex->world, saved);
	ex->batches++;
	return !jo_failed(&ex->world.target);
}

static bool explore_state(struct explorer *ex, u64 number, u64 key, void *saved)
{
	static const enum jo_lookup lookups[] = {JO_LOOKUP_RUNS, JO_LOOKUP_SINGLE, JO_LOOKUP_HOLES};
	struct jo_model from = {.shape = &ex->shape};
	struct rng rng = rng_seeded(number);
	u32 i, nr = number % 16 ? ex->steps.nr_useful : ex->steps.nr;
	char text[128];

	js_unpack(&from, key);
	jo_world_load(&ex->world, &from);
	jo_world_save(&ex->world, saved);
	ex->world.lookup = lookups[number % 3];
	jo_world_invariants(&ex->world);
	jo_world_questions(&ex->world, &from);
	if (!jo_failed(&ex->world.target) && !jo_world_equals(&ex->world, saved))
		jo_problem(&ex->world.target, "a question changed something");
	for (i = 0; i < 2 && !jo_failed(&ex->world.target); i++)
		try_batch(ex, &from, &rng, saved);
	if (jo_failed(&ex->world.target)) {
		complain(ex, &from, "none, or a batch");
		return false;
	}
	for (i = 0; i < nr; i++) {
		enum jo_door door = (number + i) % JO_NR_DOORS;

		if (!jo_step_fits(&ex->steps.step[i], door))
			door = JO_DOOR_FUNCTION;
		if (try_step(ex, &from, &ex->steps.step[i], door, saved))
			continue;
		complain(ex, &from, jo_step_text(&ex->steps.step[i], text, sizeof(text)));
		return false;
	}
	return true;
}

/*
 * Counts at their limit, which no walk through states would reach: pins of a page that
 * the hyp owns, pins of one that it borrows, guests that borrow a page.
 */
static bool try_limits(struct explorer *ex, void *saved)
{
	struct jo_model from, model;
	char text[128];
	u32 i, under;

	for (under = 0; under < 3; under++) {
		jo_model_init(&from, &ex->shape);
		from.frame[0].owner = OWN_ID_HYP;
		from.frame[0].pins = (u16)(OWN_COUNT_MAX - (under & 1));
		from.frame[1].lent = OWN_LENT_HYP;
		from.frame[1].pins = (u16)(OWN_COUNT_MAX - (under >> 1));
		from.frame[3].lent = OWN_LENT_GUESTS;
		from.frame[3].borrows = (u16)(OWN_COUNT_MAX - (under & 1));
		jo_model_write_all(&from);
		jo_world_load(&ex->world, &from);
		jo_world_save(&ex->world, saved);
		for (i = 0; i < ex->steps.nr_useful; i++) {
			model = from;
			if (!jo_step_run(&ex->world, &model, &ex->steps.step[i], JO_DOOR_FUNCTION,
					 saved, &ex->tally)) {
				complain(ex, &from,
					 jo_step_text(&ex->steps.step[i], text, sizeof(text)));
				return false;
			}
			jo_world_restore(&ex->world, saved);
		}
	}
	return true;
}

static bool explore(struct explorer *ex)
{
	struct jo_model start;
	void *saved = malloc(ex->world.arena_size);
	bool ok = true;

	jo_model_init(&start, &ex->shape);
	js_add(&ex->set, js_pack(&start));
	ok = try_limits(ex, saved);
	while (ok && ex->set.head < ex->set.tail) {
		ok = explore_state(ex, ex->set.head, ex->set.queue[ex->set.head], saved);
		ex->set.head++;
	}
	free(saved);
	return ok;
}

static void report(const struct explorer *ex)
{
	static const struct {
		int number;
		const char *name;
	} errors[] = {{EPERM, "EPERM"},   {ENOENT, "ENOENT"}, {EAGAIN, "EAGAIN"}, {EBUSY, "EBUSY"},
		      {EINVAL, "EINVAL"}, {ENOSPC, "ENOSPC"}, {ERANGE, "ERANGE"}};
	u32 e, kinds = 0;
	enum jo_op op;

	printf("%-22s %10s   refused\n", "step", "done");
	for (op = 0; op < JO_NR_OPS; op++) {
		printf("%-22s %10llu  ", jo_op_name(op), ex->tally.success[op]);
		for (e = 0; e < sizeof(errors) / sizeof(errors[0]); e++)
			if (ex->tally.refusal[op][errors[e].number])
				printf(" %s %llu", errors[e].name,
				       ex->tally.refusal[op][errors[e].number]);
		printf("\n");
		kinds += ex->tally.success[op] != 0;
	}
	printf("ok: %llu states, %llu transitions: %llu done, %llu refused, %llu starved of "
	       "memory\n",
	       ex->set.tail, ex->tally.done + ex->tally.refused + ex->tally.starved, ex->tally.done,
	       ex->tally.refused, ex->tally.starved);
	printf("ok: invariants 1, 3, 4 and 5, listings and questions in each; %llu batches\n",
	       ex->batches);
	if (kinds == JO_NR_OPS)
		printf("ok: each of %u steps succeeds somewhere\n", JO_NR_OPS);
}

static void set_up(struct explorer *ex, bool quick)
{
	js_shape(&ex->shape, quick);
	js_list_steps(&ex->steps, &ex->shape);
	js_set_init(&ex->set, quick ? 17 : 21);
	jo_world_init(&ex->world, &ex->shape);
}

int main(int argc, char **argv)
{
	static struct explorer ex;
	bool quick = jo_quick(argc, argv), ok;

	set_up(&ex, quick);
	ok = explore(&ex);
	if (ok)
		report(&ex);
	jo_world_fini(&ex.world);
	js_set_fini(&ex.set);
	printf("%d passed, %d failed\n", ok ? 3 : 0, !ok);
	return !ok;
}
