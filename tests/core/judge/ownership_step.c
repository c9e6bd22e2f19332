// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps over arrays: what the library made of one, compared with the model.
 */
#include "ownership_step.h"

static void check_unchanged(struct jo_world *world, const void *saved, int ret)
{
	if (world->held)
		jo_problem(&world->target, "refused with %d, locks still held: %#x", ret,
			   world->held);
	if (!jo_world_equals(world, saved))
		jo_problem(&world->target, "refused with %d, but something has changed", ret);
}

bool jo_step_refused(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		     u64 refusals, const void *saved, struct jo_tally *tally)
{
	u64 gfn = 0;
	int ret;

	jo_world_expect(world, NULL, NULL);
	ret = jo_call(&world->target, step, door, &gfn);
	if (ret >= 0 || ret < -39 || !(refusals & JO_REFUSE(-ret)))
		jo_problem(&world->target, "returned %d, the model refuses (set %#llx)", ret,
			   refusals);
	check_unchanged(world, saved, ret);
	tally->refused++;
	if (ret < 0 && ret > -40)
		tally->refusal[step->op][-ret]++;
	return !jo_failed(&world->target);
}

/* How far a drain may go is up to the library; that it keeps its word is not. */
static void check_drain(struct jo_world *world, struct jo_model *model, const struct jo_step *step,
			int ret, u64 gfn)
{
	u32 before = jo_model_count(model, step->guest, JO_RAM), gone;
	u64 end = world->target.shape->nr_gfns;
	bool empty;

	if (gfn <= step->gfn && ret != 0)
		jo_problem(&world->target, "drain made no progress: %#llx to %#llx, returned %d",
			   step->gfn, gfn, ret);
	jo_model_drain(model, step->guest, step->gfn, gfn);
	gone = before - jo_model_count(model, step->guest, JO_RAM);
	empty = jo_model_guest_empty(model, step->guest);
	if (gone > step->nr)
		jo_problem(&world->target, "drain took %u pages, its budget was %llu", gone,
			   step->nr);
	if (ret != 0 && ret != -EAGAIN)
		jo_problem(&world->target, "drain returned %d", ret);
	if (ret == 0 && !empty)
		jo_problem(&world->target, "drain says that all is done");
	if (ret == -EAGAIN && empty && gfn >= end)
		jo_problem(&world->target, "drain says that there is more to do");
}

static void foretell(struct jo_model *after, const struct jo_step *step)
{
	if (step->op == JO_GUEST_DRAIN)
		jo_model_drain(after, step->guest, 0, after->shape->nr_gfns);
	else
		jo_model_commit(after, step);
}

bool jo_step_run(struct jo_world *world, struct jo_model *model, const struct jo_step *step,
		 enum jo_door door, const void *saved, struct jo_tally *tally)
{
	u64 refusals = jo_model_refusals(model, step), gfn = 0;
	struct jo_model after;
	int ret;

	if (refusals)
		return jo_step_refused(world, step, door, refusals, saved, tally);
	after = *model;
	foretell(&after, step);
	jo_world_expect(world, model, &after);
	ret = jo_call(&world->target, step, door, &gfn);
	if (step->op == JO_GUEST_DRAIN) {
		check_drain(world, model, step, ret, gfn);
	} else {
		if (ret)
			jo_problem(&world->target, "returned %d, the model sees nothing wrong",
				   ret);
		*model = after;
	}
	if (!jo_failed(&world->target))
		jo_world_compare(world, model);
	jo_model_write_all(model);
	tally->done++;
	tally->success[step->op]++;
	return !jo_failed(&world->target);
}

bool jo_step_starve(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		    u32 prepares, const void *saved, struct jo_tally *tally)
{
	u64 gfn = step->gfn;
	u32 k;
	int ret;

	for (k = 0; k < prepares && !jo_failed(&world->target); k++) {
		jo_world_expect(world, NULL, NULL);
		world->fail_after = (s32)k;
		ret = jo_call(&world->target, step, door, &gfn);
		world->fail_after = -1;
		if (ret != -ENOMEM)
			jo_problem(&world->target, "prepare %u of %u failed, the step returned %d",
				   k, prepares, ret);
		check_unchanged(world, saved, ret);
		tally->starved++;
	}
	return !jo_failed(&world->target);
}
