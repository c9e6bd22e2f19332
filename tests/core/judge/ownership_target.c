// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doors of core/ownership, and steps in words.
 */
#include <stdarg.h>

#include "ownership_target.h"

void jo_problem(struct jo_target *target, const char *fmt, ...)
{
	va_list args;

	if (jo_failed(target))
		return;
	va_start(args, fmt);
	vsnprintf(target->problem, sizeof(target->problem), fmt, args);
	va_end(args);
}

enum own_kind jo_kind(const struct jo_shape *shape, u32 id)
{
	if (id < OWN_ID_GUEST0)
		return id == OWN_ID_HOST ? OWN_KIND_HOST : OWN_KIND_HYP;
	return shape->guarded[id - OWN_ID_GUEST0] ? OWN_KIND_GUEST_PROTECTED
						  : OWN_KIND_GUEST_ORDINARY;
}

u32 jo_record(const struct jo_frame *frame)
{
	u32 count = frame->lent == OWN_LENT_GUESTS ? frame->borrows : frame->pins;
	u32 state = frame->lent == OWN_LENT_NONE ? OWN_OWNED : OWN_SHARED_OWNED;

	return frame->owner | state << OWN_REC_STATE_SHIFT |
	       (u32)frame->lent << OWN_REC_LENT_SHIFT | count << OWN_REC_COUNT_SHIFT;
}

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
	[JO_HOST_SHARE_DEVICE] = "host_share_device",
	[JO_HOST_UNSHARE_PAGES] = "host_unshare_pages",
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
	[JO_HOST_SHARE_DEVICE] = OWN_NR_VERBS,
	[JO_HOST_UNSHARE_PAGES] = OWN_NR_VERBS,
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

u64 jo_argument(int argc, char **argv, const char *name, u64 otherwise)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], name))
			return strtoull(argv[i + 1], NULL, 0);
	return otherwise;
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
	    step->op == JO_HOST_DONATE_DEVICE || step->op == JO_HOST_SHARE_DEVICE)
		n += snprintf(text + n, size - n, " pfn %#llx", step->pfn);
	if (step->op >= JO_HOST_SHARE_GUEST && step->op < JO_GUEST_KILL)
		n += snprintf(text + n, size - n, " gfn %#llx", step->gfn);
	if (step->op < JO_GUEST_KILL || step->op == JO_GUEST_DRAIN)
		n += snprintf(text + n, size - n, " x%llu", step->nr);
	if (step->op == JO_HOST_SHARE_GUEST || step->op == JO_HOST_SHARE_DEVICE)
		snprintf(text + n, size - n, " rights %#x", step->prot);
	return text;
}

void jo_model_print(const struct jo_model *model)
{
	static const char *const lent[] = {"", " lent to host", " lent to hyp", " lent to guests"};
	static const char *const what[] = {"-", "frame", "device", "poison"};
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

/* The pages of one frame, a call for each; none of them if one is refused. */
static int share_device(struct jo_target *target, const struct jo_step *step)
{
	struct own_space *guest = target->guest[step->guest];
	u64 i, undone, nr = 1ull << target->chunk_shift;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = own_host_share_device(target->ctx, guest, step->pfn + i, step->gfn + i,
					    step->prot);
	if (ret && i > 1)
		own_host_unshare_pages(target->ctx, guest, step->gfn, i - 1, &undone);
	return ret;
}

static int unshare_pages(struct jo_target *target, const struct jo_step *step)
{
	u64 nr = 1ull << target->chunk_shift, done = ~0ull;
	int ret = own_host_unshare_pages(target->ctx, target->guest[step->guest], step->gfn, nr,
					 &done);

	if (!ret && done != nr)
		jo_problem(target, "%llu pages of %llu unshared", done, nr);
	if (ret && done)
		jo_problem(target, "refused with %d after %llu pages", ret, done);
	return ret;
}

static int by_function(struct jo_target *target, const struct jo_step *step)
{
	struct own_space *guest = target->guest[step->guest];
	struct own_ctx *ctx = target->ctx;

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
	case JO_HOST_SHARE_DEVICE:
		return share_device(target, step);
	case JO_HOST_UNSHARE_PAGES:
		return unshare_pages(target, step);
	default:
		return -EOPNOTSUPP;
	}
}

static int by_apply(struct jo_target *target, const struct jo_step *step)
{
	const struct jo_shape *shape = target->shape;
	u32 shift = shape->page_shift - target->chunk_shift;
	struct own_addr host = {.space = target->ctx->host, .addr = step->pfn << shift};
	struct own_addr hyp = {.space = target->ctx->hyp, .addr = host.addr + shape->va_offset};
	struct own_addr guest = {.space = target->guest[step->guest], .addr = step->gfn << shift};
	struct own_transition tx = {
		.verb = verb_of[step->op], .nr_pages = step->nr, .prot = step->prot};
	struct own_addr other = step->op < JO_HOST_SHARE_GUEST ? hyp : guest;
	bool from_host = step->op != JO_HYP_DONATE_HOST && step->op < JO_GUEST_SHARE_HOST;

	tx.source = from_host ? host : other;
	tx.target = from_host ? other : host;
	return own_apply(target->ctx, &tx);
}

static int by_batch(struct jo_target *target, const struct jo_step *step)
{
	struct own_extent extent = {.pfn = step->pfn, .gfn = step->gfn, .nr_pages = step->nr};
	struct own_space *guest =
		step->op < JO_HOST_SHARE_GUEST ? NULL : target->guest[step->guest];
	u64 done = 99;
	int ret = own_apply_batch(target->ctx, verb_of[step->op], guest, &extent, 1, step->prot,
				  &done);

	if (done != (ret == 0))
		jo_problem(target, "a batch of one returned %d and did %llu", ret, done);
	return ret;
}

/* In the machine's pages instead of the model's frames. */
static struct jo_step scale(const struct jo_target *target, const struct jo_step *step)
{
	struct jo_step scaled = *step;

	scaled.pfn <<= target->chunk_shift;
	scaled.nr <<= target->chunk_shift;
	scaled.gfn = (step->gfn << target->chunk_shift) + target->gfn_base[step->guest];
	return scaled;
}

int jo_call(struct jo_target *target, const struct jo_step *unscaled, enum jo_door door, u64 *gfn)
{
	struct jo_step scaled = scale(target, unscaled);
	const struct jo_step *step = &scaled;
	struct own_space *guest = target->guest[step->guest];

	if (door == JO_DOOR_APPLY)
		return by_apply(target, step);
	if (door == JO_DOOR_BATCH)
		return by_batch(target, step);
	if (step->op == JO_GUEST_KILL) {
		own_guest_kill(target->ctx, guest);
		return 0;
	}
	if (step->op == JO_GUEST_RECYCLE)
		return target->recycle(target, step->guest);
	if (step->op != JO_GUEST_DRAIN)
		return by_function(target, step);
	*gfn = step->gfn;
	return own_guest_drain(target->ctx, guest, gfn, step->nr);
}
