// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps: the doors of core/ownership, and the comparison of what came of it.
 */
#include "ownership_step.h"

static const char *const op_name[JO_NR_OPS] = {
	[JO_HOST_SHARE_HYP] = "host_share_hyp",
	[JO_HOST_UNSHARE_HYP] = "host_unshare_hyp",
	[JO_HOST_DONATE_HYP] = "host_donate_hyp",
	[JO_HYP_DONATE_HOST] = "hyp_donate_host",
	[JO_HYP_PIN] = "hyp_pin",
	[JO_HYP_UNPIN] = "hyp_unpin",
	[JO_HOST_SHARE_GUEST] = "host_share_guest",
	[JO_HOST_UNSHARE_GUEST] = "host_unshare_guest",
	[JO_HOST_DONATE_GUEST] = "host_donate_guest",
	[JO_GUEST_SHARE_HOST] = "guest_share_host",
	[JO_GUEST_UNSHARE_HOST] = "guest_unshare_host",
	[JO_GUEST_DONATE_HOST] = "guest_donate_host",
	[JO_GUEST_RECLAIM] = "guest_reclaim",
	[JO_GUEST_FORCE_RECLAIM] = "guest_force_reclaim",
	[JO_HOST_DONATE_DEVICE] = "host_donate_device",
	[JO_DEVICE_RETURN] = "device_return",
	[JO_GUEST_KILL] = "guest_kill",
	[JO_GUEST_DRAIN] = "guest_drain",
	[JO_GUEST_RECYCLE] = "(guest recycled)",
};

/* How the library calls it; OWN_NR_VERBS if it is not a transition of memory. */
static const u8 verb_of[JO_NR_OPS] = {
	[JO_HOST_SHARE_HYP] = OWN_HOST_SHARE_HYP,
	[JO_HOST_UNSHARE_HYP] = OWN_HOST_UNSHARE_HYP,
	[JO_HOST_DONATE_HYP] = OWN_HOST_DONATE_HYP,
	[JO_HYP_DONATE_HOST] = OWN_HYP_DONATE_HOST,
	[JO_HYP_PIN] = OWN_NR_VERBS,
	[JO_HYP_UNPIN] = OWN_NR_VERBS,
	[JO_HOST_SHARE_GUEST] = OWN_HOST_SHARE_GUEST,
	[JO_HOST_UNSHARE_GUEST] = OWN_HOST_UNSHARE_GUEST,
	[JO_HOST_DONATE_GUEST] = OWN_HOST_DONATE_GUEST,
	[JO_GUEST_SHARE_HOST] = OWN_GUEST_SHARE_HOST,
	[JO_GUEST_UNSHARE_HOST] = OWN_GUEST_UNSHARE_HOST,
	[JO_GUEST_DONATE_HOST] = OWN_GUEST_DONATE_HOST,
	[JO_GUEST_RECLAIM] = OWN_GUEST_RECLAIM,
	[JO_GUEST_FORCE_RECLAIM] = OWN_GUEST_FORCE_RECLAIM,
	[JO_HOST_DONATE_DEVICE] = OWN_NR_VERBS,
	[JO_DEVICE_RETURN] = OWN_NR_VERBS,
	[JO_GUEST_KILL] = OWN_NR_VERBS,
	[JO_GUEST_DRAIN] = OWN_NR_VERBS,
	[JO_GUEST_RECYCLE] = OWN_NR_VERBS,
};

u32 jo_step_verb(enum jo_op op)
{
	return verb_of[op];
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WATCHED true
#endif
#endif
#ifndef WATCHED
#define WATCHED false
#endif

bool jo_quick(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--quick"))
			return true;
	return WATCHED;
}

const char *jo_op_name(enum jo_op op)
{
	return op_name[op];
}

const char *jo_step_text(const struct jo_step *step, char *text, size_t size)
{
	int n = snprintf(text, size, "%s", op_name[step->op]);

	if (step->op >= JO_HOST_SHARE_GUEST)
		n += snprintf(text + n, size - n, " guest %u", step->guest);
	if (step->op <= JO_HOST_SHARE_GUEST || step->op == JO_HOST_DONATE_GUEST ||
	    step->op == JO_HOST_DONATE_DEVICE)
		n += snprintf(text + n, size - n, " pfn %#llx", step->pfn);
	if (step->op >= JO_HOST_SHARE_GUEST && step->op < JO_GUEST_KILL)
		n += snprintf(text + n, size - n, " gfn %#llx", step->gfn);
	if (step->op < JO_GUEST_KILL || step->op == JO_GUEST_DRAIN)
		n += snprintf(text + n, size - n, " x%llu", step->nr);
	if (step->op == JO_HOST_SHARE_GUEST)
		snprintf(text + n, size - n, " rights %#x", step->prot);
	return text;
}

void jo_model_print(const struct jo_model *model)
{
	static const char *const lent[] = { "", " lent to host", " lent to hyp",
					    " lent to guests" };
	static const char *const what[] = { "-", "frame", "device", "poison" };
	u32 f, g, gfn;

	for (f = 0; f < model->shape->nr_frames; f++)
		printf("  frame %u%s: owner %u%s, pins %u, borrows %u\n", f,
		       model->shape->region[f] ? "" : " (device)", model->frame[f].owner,
		       lent[model->frame[f].lent & 3], model->frame[f].pins,
		       model->frame[f].borrows);
	for (g = 0; g < model->shape->nr_guests; g++) {
		printf("  guest %u (%s%s):", g, model->shape->guarded[g] ? "protected" : "ordinary",
		       model->guest[g].dying ? ", dying" : "");
		for (gfn = 0; gfn < model->shape->nr_gfns; gfn++) {
			const struct jo_slot *slot = &model->guest[g].slot[gfn];

			if (slot->what != JO_NOTHING)
				printf(" %u=%s %u", gfn, what[slot->what & 3], slot->frame);
		}
		printf("\n");
	}
}

/* ---- The doors ---- */

bool jo_step_fits(const struct jo_step *step, enum jo_door door)
{
	/* Addresses in bytes have no room for the largest frame numbers. */
	if (door == JO_DOOR_APPLY && ((step->pfn | step->gfn) >> 48))
		return false;
	return door == JO_DOOR_FUNCTION || verb_of[step->op] != OWN_NR_VERBS;
}

static int by_function(struct jo_world *world, const struct jo_step *step)
{
	struct own_space *guest = jo_guest_space(world, step->guest);
	struct own_ctx *ctx = world->ctx;

	switch (step->op) {
	case JO_HOST_SHARE_HYP:
		return own_host_share_hyp(ctx, step->pfn, step->nr);
	case JO_HOST_UNSHARE_HYP:
		return own_host_unshare_hyp(ctx, step->pfn, step->nr);
	case JO_HOST_DONATE_HYP:
		return own_host_donate_hyp(ctx, step->pfn, step->nr);
	case JO_HYP_DONATE_HOST:
		return own_hyp_donate_host(ctx, step->pfn, step->nr);
	case JO_HYP_PIN:
		return own_hyp_pin(ctx, step->pfn, step->nr);
	case JO_HYP_UNPIN:
		return own_hyp_unpin(ctx, step->pfn, step->nr);
	case JO_HOST_SHARE_GUEST:
		return own_host_share_guest(ctx, guest, step->pfn, step->gfn, step->nr, step->prot);
	case JO_HOST_UNSHARE_GUEST:
		return own_host_unshare_guest(ctx, guest, step->gfn, step->nr);
	case JO_HOST_DONATE_GUEST:
		return own_host_donate_guest(ctx, guest, step->pfn, step->gfn, step->nr);
	case JO_GUEST_SHARE_HOST:
		return own_guest_share_host(ctx, guest, step->gfn, step->nr);
	case JO_GUEST_UNSHARE_HOST:
		return own_guest_unshare_host(ctx, guest, step->gfn, step->nr);
	case JO_GUEST_DONATE_HOST:
		return own_guest_donate_host(ctx, guest, step->gfn, step->nr);
	case JO_GUEST_RECLAIM:
		return own_guest_reclaim(ctx, guest, step->gfn, step->nr);
	case JO_GUEST_FORCE_RECLAIM:
		return own_guest_force_reclaim(ctx, guest, step->gfn, step->nr);
	case JO_HOST_DONATE_DEVICE:
		return own_host_donate_device(ctx, guest, step->pfn, step->gfn, step->nr);
	case JO_DEVICE_RETURN:
		return own_device_return(ctx, guest, step->gfn, step->nr);
	default:
		return -EOPNOTSUPP;
	}
}

static int by_apply(struct jo_world *world, const struct jo_step *step)
{
	const struct jo_shape *shape = world->shape;
	struct own_addr host = { .space = world->ctx->host, .addr = step->pfn << shape->page_shift };
	struct own_addr hyp = { .space = world->ctx->hyp, .addr = host.addr + shape->va_offset };
	struct own_addr guest = { .space = jo_guest_space(world, step->guest),
				  .addr = step->gfn << shape->page_shift };
	struct own_transition tx = { .verb = verb_of[step->op], .nr_pages = step->nr,
				     .prot = step->prot };
	struct own_addr other = step->op < JO_HOST_SHARE_GUEST ? hyp : guest;
	bool from_host = step->op != JO_HYP_DONATE_HOST && step->op < JO_GUEST_SHARE_HOST;

	tx.source = from_host ? host : other;
	tx.target = from_host ? other : host;
	return own_apply(world->ctx, &tx);
}

static int by_batch(struct jo_world *world, const struct jo_step *step)
{
	struct own_extent extent = { .pfn = step->pfn, .gfn = step->gfn, .nr_pages = step->nr };
	struct own_space *guest = step->op < JO_HOST_SHARE_GUEST ?
					  NULL :
					  jo_guest_space(world, step->guest);
	u64 done = 99;
	int ret = own_apply_batch(world->ctx, verb_of[step->op], guest, &extent, 1, step->prot,
				  &done);

	if (done != (ret == 0))
		jo_problem(world, "a batch of one returned %d and did %llu", ret, done);
	return ret;
}

static int recycle(struct jo_world *world, u32 guest)
{
	struct own_space *space = jo_guest_space(world, guest);
	struct jo_aspace *as = &world->aspace[jo_guest_id(guest)];

	if (!own_guest_is_empty(world->ctx, space) || space->life != OWN_DYING)
		return -EPERM;
	memset(as->entry, 0, as->nr * sizeof(*as->entry));
	return own_space_init(space, space->ops, space->kind, space->id);
}

int jo_step_call(struct jo_world *world, const struct jo_step *step, enum jo_door door, u64 *gfn)
{
	struct own_space *guest = jo_guest_space(world, step->guest);

	if (door == JO_DOOR_APPLY)
		return by_apply(world, step);
	if (door == JO_DOOR_BATCH)
		return by_batch(world, step);
	if (step->op == JO_GUEST_KILL) {
		own_guest_kill(world->ctx, guest);
		return 0;
	}
	if (step->op == JO_GUEST_RECYCLE)
		return recycle(world, step->guest);
	if (step->op != JO_GUEST_DRAIN)
		return by_function(world, step);
	*gfn = step->gfn;
	return own_guest_drain(world->ctx, guest, gfn, step->nr);
}

/* ---- The comparison ---- */

static void check_unchanged(struct jo_world *world, const void *saved, int ret)
{
	if (world->held)
		jo_problem(world, "refused with %d, locks still held: %#x", ret, world->held);
	if (!jo_world_equals(world, saved))
		jo_problem(world, "refused with %d, but something has changed", ret);
}

static bool refused(struct jo_world *world, const struct jo_step *step, int ret, u64 refusals,
		    const void *saved, struct jo_tally *tally)
{
	if (ret >= 0 || ret < -39 || !(refusals & JO_REFUSE(-ret)))
		jo_problem(world, "returned %d, the model refuses (set %#llx)", ret, refusals);
	check_unchanged(world, saved, ret);
	tally->refused++;
	if (ret < 0 && ret > -40)
		tally->refusal[step->op][-ret]++;
	return !jo_failed(world);
}

/* How far a drain may go is up to the library; that it keeps its word is not. */
static void check_drain(struct jo_world *world, struct jo_model *model,
			const struct jo_step *step, int ret, u64 gfn)
{
	u32 before = jo_model_count(model, step->guest, JO_RAM), gone;
	u64 end = world->shape->nr_gfns;
	bool empty;

	if (gfn <= step->gfn && ret != 0)
		jo_problem(world, "drain made no progress: %#llx to %#llx, returned %d", step->gfn, gfn,
			   ret);
	jo_model_drain(model, step->guest, step->gfn, gfn);
	gone = before - jo_model_count(model, step->guest, JO_RAM);
	empty = jo_model_guest_empty(model, step->guest);
	if (gone > step->nr)
		jo_problem(world, "drain took %u pages, its budget was %llu", gone, step->nr);
	if (ret != 0 && ret != -EAGAIN)
		jo_problem(world, "drain returned %d", ret);
	if (ret == 0 && !empty)
		jo_problem(world, "drain says that all is done");
	if (ret == -EAGAIN && empty && gfn >= end)
		jo_problem(world, "drain says that there is more to do");
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

	if (refusals) {
		jo_world_expect(world, model, NULL);
		ret = jo_step_call(world, step, door, &gfn);
		return refused(world, step, ret, refusals, saved, tally);
	}
	after = *model;
	foretell(&after, step);
	jo_world_expect(world, model, &after);
	ret = jo_step_call(world, step, door, &gfn);
	if (step->op == JO_GUEST_DRAIN) {
		check_drain(world, model, step, ret, gfn);
	} else {
		if (ret)
			jo_problem(world, "returned %d, the model sees nothing wrong", ret);
		*model = after;
	}
	if (!jo_failed(world))
		jo_world_compare(world, model);
	jo_model_write_all(model);
	tally->done++;
	tally->success[step->op]++;
	return !jo_failed(world);
}

bool jo_step_starve(struct jo_world *world, const struct jo_step *step, enum jo_door door,
		    u32 prepares, const void *saved, struct jo_tally *tally)
{
	u64 gfn = step->gfn;
	u32 k;
	int ret;

	for (k = 0; k < prepares && !jo_failed(world); k++) {
		jo_world_expect(world, NULL, NULL);
		world->fail_after = (s32)k;
		ret = jo_step_call(world, step, door, &gfn);
		world->fail_after = -1;
		if (ret != -ENOMEM)
			jo_problem(world, "prepare %u of %u failed, the step returned %d", k,
				   prepares, ret);
		check_unchanged(world, saved, ret);
		tally->starved++;
	}
	return !jo_failed(world);
}
