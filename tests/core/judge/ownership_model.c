// SPDX-License-Identifier: GPL-2.0-only
/*
 * The specification of page ownership. Refusals first, then what a step changes;
 * each step is a list of sentences about single pages, so that a range is right if
 * and only if each page of it is.
 */
#include "ownership_model.h"

#define PERM  JO_REFUSE(EPERM)
#define NOENT JO_REFUSE(ENOENT)
#define BUSY  JO_REFUSE(EBUSY)
#define RANGE JO_REFUSE(ERANGE)
#define INVAL JO_REFUSE(EINVAL)

void jo_model_init(struct jo_model *model, const struct jo_shape *shape)
{
	memset(model, 0, sizeof(*model));
	model->shape = shape;
	jo_model_write_all(model);
}

/* ---- Questions ---- */

u32 jo_model_count(const struct jo_model *model, u32 guest, enum jo_what what)
{
	u32 gfn, nr = 0;

	for (gfn = 0; gfn < model->shape->nr_gfns; gfn++)
		nr += model->guest[guest].slot[gfn].what == what;
	return nr;
}

bool jo_model_guest_empty(const struct jo_model *model, u32 guest)
{
	return !jo_model_count(model, guest, JO_RAM) && !jo_model_count(model, guest, JO_DEVICE);
}

u32 jo_model_device_ranges(const struct jo_model *model)
{
	u32 f, nr = 0;

	for (f = 0; f < model->shape->nr_frames; f++) {
		const struct jo_frame *frame = &model->frame[f];

		if (!model->shape->region[f] && frame->owner != OWN_ID_HOST)
			nr += frame->run_first == f;
	}
	return nr;
}

u32 jo_model_devices_lent(const struct jo_model *model)
{
	u32 f, nr = 0;

	for (f = 0; f < model->shape->nr_frames; f++)
		nr += model->shape->region[f] ? 0 : model->frame[f].borrows;
	return nr;
}

u32 jo_model_users(const struct jo_model *model, u32 f)
{
	const struct jo_frame *frame = &model->frame[f];
	u32 users = 1u << frame->owner, g, gfn;

	if (frame->lent == OWN_LENT_HOST)
		users |= 1u << OWN_ID_HOST;
	if (frame->lent == OWN_LENT_HYP)
		users |= 1u << OWN_ID_HYP;
	if (frame->lent != OWN_LENT_GUESTS)
		return users;
	for (g = 0; g < model->shape->nr_guests; g++)
		for (gfn = 0; gfn < model->shape->nr_gfns; gfn++) {
			const struct jo_slot *slot = &model->guest[g].slot[gfn];

			if ((slot->what == JO_RAM || slot->what == JO_DEVICE) && slot->frame == f)
				users |= 1u << jo_guest_id(g);
		}
	return users;
}

void jo_model_write_all(struct jo_model *model)
{
	u32 f;

	for (f = 0; f < model->shape->nr_frames; f++)
		if (model->shape->region[f])
			model->frame[f].data = JO_DATA(model->frame[f].owner);
}

/* ---- Ranges ---- */

/* Nothing, an overflow, or beyond 2^52 bytes. */
static bool senseless(const struct jo_model *model, u64 first, u64 nr)
{
	u64 limit = 1ull << (52 - model->shape->page_shift);

	return nr == 0 || nr > limit || first > limit - nr;
}

static u8 region_of(const struct jo_shape *shape, u64 frame)
{
	return frame < shape->nr_frames ? shape->region[frame] : 0;
}

/* All of the range in one region of RAM? */
static u64 want_ram(const struct jo_shape *shape, u64 frame, u64 nr)
{
	u64 i;

	if (nr > shape->nr_frames)
		return RANGE;
	for (i = 0; i < nr; i++)
		if (!region_of(shape, frame + i) ||
		    region_of(shape, frame + i) != region_of(shape, frame))
			return RANGE;
	return 0;
}

/* Pages of a range that are RAM of the world, in whatever region. */
#define for_each_ram(shape, f, first, nr)                                                          \
	for (u64 i_ = 0, f = (first); i_ < (nr) && i_ < (shape)->nr_frames; i_++, f++)             \
		if (region_of(shape, f))

/* ---- Refusals of the verbs that name frames ---- */

static u64 want_host_exclusive(const struct jo_frame *frame)
{
	return frame->owner == OWN_ID_HOST && frame->lent == OWN_LENT_NONE ? 0 : PERM;
}

static u64 want_shareable(const struct jo_frame *frame)
{
	if (frame->owner != OWN_ID_HOST)
		return PERM;
	if (frame->lent == OWN_LENT_GUESTS)
		return frame->borrows < OWN_COUNT_MAX ? 0 : BUSY;
	return frame->lent == OWN_LENT_NONE ? 0 : PERM;
}

static u64 want_lent_to_hyp(const struct jo_frame *frame)
{
	if (frame->owner != OWN_ID_HOST || frame->lent != OWN_LENT_HYP)
		return PERM;
	return frame->pins ? BUSY : 0;
}

static u64 want_owned_by_hyp(const struct jo_frame *frame)
{
	if (frame->owner != OWN_ID_HYP)
		return PERM;
	return frame->pins ? BUSY : 0;
}

static u64 want_usable_by_hyp(const struct jo_frame *frame)
{
	if (frame->owner != OWN_ID_HYP && frame->lent != OWN_LENT_HYP)
		return PERM;
	return frame->pins < OWN_COUNT_MAX ? 0 : BUSY;
}

static u64 want_pinned(const struct jo_frame *frame)
{
	return frame->pins ? 0 : PERM;
}

static u64 frame_refusals(const struct jo_model *model, const struct jo_step *step)
{
	static u64 (*const want[JO_NR_OPS])(const struct jo_frame *frame) = {
		[JO_HOST_SHARE_HYP] = want_host_exclusive,
		[JO_HOST_UNSHARE_HYP] = want_lent_to_hyp,
		[JO_HOST_DONATE_HYP] = want_host_exclusive,
		[JO_HYP_DONATE_HOST] = want_owned_by_hyp,
		[JO_HYP_PIN] = want_usable_by_hyp,
		[JO_HYP_UNPIN] = want_pinned,
		[JO_HOST_SHARE_GUEST] = want_shareable,
		[JO_HOST_DONATE_GUEST] = want_host_exclusive,
	};
	u64 first = jo_frame_of(model->shape, step->pfn), refusals;

	if (senseless(model, step->pfn, step->nr))
		return INVAL;
	refusals = want_ram(model->shape, first, step->nr);
	for_each_ram(model->shape, f, first, step->nr) refusals |= want[step->op](&model->frame[f]);
	return refusals;
}

/* ---- Refusals of the verbs that put something at a guest's address ---- */

static u64 want_free_slots(const struct jo_model *model, const struct jo_step *step)
{
	u64 refusals = 0, i;

	if (senseless(model, step->gfn, step->nr))
		return INVAL;
	for (i = 0; i < step->nr; i++) {
		if (step->gfn + i >= model->shape->nr_gfns)
			return refusals | RANGE;
		if (model->guest[step->guest].slot[step->gfn + i].what != JO_NOTHING)
			refusals |= PERM;
	}
	return refusals;
}

/* The guest has a life and a kind. */
static u64 want_guest(const struct jo_model *model, const struct jo_step *step, bool guarded,
		      bool dying)
{
	if (model->shape->guarded[step->guest] != guarded)
		return PERM;
	return model->guest[step->guest].dying == dying ? 0 : PERM;
}

static u64 share_guest_refusals(const struct jo_model *model, const struct jo_step *step)
{
	u64 refusals = frame_refusals(model, step) | want_free_slots(model, step);

	if (!(step->prot & OWN_PROT_R) || (step->prot & OWN_PROT_DEVICE))
		refusals |= INVAL;
	return refusals | want_guest(model, step, false, false);
}

static u64 donate_guest_refusals(const struct jo_model *model, const struct jo_step *step)
{
	return frame_refusals(model, step) | want_free_slots(model, step) |
	       want_guest(model, step, true, false);
}

static u64 donate_device_refusals(const struct jo_model *model, const struct jo_step *step)
{
	u64 refusals = want_free_slots(model, step);
	u64 first = jo_frame_of(model->shape, step->pfn), i;

	if (senseless(model, step->pfn, step->nr))
		return refusals | INVAL;
	for (i = 0; i < step->nr && i < JO_FRAMES; i++) {
		if (region_of(model->shape, first + i))
			refusals |= RANGE;
		else if (first + i < model->shape->nr_frames &&
			 model->frame[first + i].owner != OWN_ID_HOST)
			refusals |= PERM;
	}
	if (jo_model_device_ranges(model) >= model->shape->max_devices)
		refusals |= JO_REFUSE(ENOSPC);
	/* Which frames are lent is not recorded: none may be. */
	if (jo_model_devices_lent(model))
		refusals |= BUSY;
	return refusals | (model->guest[step->guest].dying ? PERM : 0);
}

static u64 share_device_refusals(const struct jo_model *model, const struct jo_step *step)
{
	struct jo_step one = *step;
	u64 refusals, f = jo_frame_of(model->shape, step->pfn);
	u32 kind = step->prot & (OWN_PROT_DEVICE | OWN_PROT_NC);

	one.nr = 1;
	refusals = want_free_slots(model, &one) | want_guest(model, step, false, false);
	if (senseless(model, step->pfn, 1) || !(step->prot & OWN_PROT_R) ||
	    (step->prot & OWN_PROT_X) || (kind != OWN_PROT_DEVICE && kind != OWN_PROT_NC))
		return refusals | INVAL;
	if (region_of(model->shape, f))
		refusals |= RANGE;
	else if (f < model->shape->nr_frames && model->frame[f].owner != OWN_ID_HOST)
		refusals |= PERM;
	return refusals;
}

/* ---- Refusals of the verbs that name a guest's address ---- */

/* What one slot must have; @lent as the frame's record has to say, -1: don't care. */
static u64 want_slot(const struct jo_model *model, const struct jo_slot *slot, int lent)
{
	if (slot->what == JO_NOTHING)
		return NOENT;
	if (slot->what != JO_RAM)
		return PERM;
	return lent < 0 || model->frame[slot->frame].lent == lent ? 0 : PERM;
}

static u64 want_slots(const struct jo_model *model, const struct jo_step *step, int lent)
{
	u64 refusals = 0, i;

	if (senseless(model, step->gfn, step->nr))
		return INVAL;
	for (i = 0; i < step->nr; i++) {
		if (step->gfn + i >= model->shape->nr_gfns)
			return refusals | RANGE;
		refusals |= want_slot(model, &model->guest[step->guest].slot[step->gfn + i], lent);
	}
	return refusals;
}

static u64 force_refusals(const struct jo_model *model, const struct jo_step *step)
{
	u64 refusals = want_slots(model, step, -1);

	if (!model->shape->guarded[step->guest])
		refusals |= PERM;
	if (model->guest[step->guest].dying)
		refusals |= JO_REFUSE(EAGAIN);
	return refusals;
}

static u64 device_return_refusals(const struct jo_model *model, const struct jo_step *step)
{
	const struct jo_slot *slot;
	const struct jo_frame *frame;

	if (senseless(model, step->gfn, step->nr))
		return INVAL;
	if (step->gfn >= model->shape->nr_gfns)
		return NOENT;
	slot = &model->guest[step->guest].slot[step->gfn];
	if (slot->what != JO_DEVICE)
		return NOENT;
	frame = &model->frame[slot->frame];
	return frame->run_first == slot->frame && frame->run_nr == step->nr ? 0 : NOENT;
}

static u64 unshare_pages_refusals(const struct jo_model *model, const struct jo_step *step)
{
	u64 refusals = model->shape->guarded[step->guest] ? PERM : 0;
	const struct jo_slot *slot;

	if (senseless(model, step->gfn, 1))
		return refusals | INVAL;
	if (step->gfn >= model->shape->nr_gfns)
		return refusals | RANGE;
	slot = &model->guest[step->guest].slot[step->gfn];
	/* What was donated is not the host's to take. */
	if (slot->what == JO_POISON ||
	    (slot->what == JO_DEVICE && model->frame[slot->frame].owner != OWN_ID_HOST))
		refusals |= PERM;
	return refusals;
}

u64 jo_model_refusals(const struct jo_model *model, const struct jo_step *step)
{
	const struct jo_guest *guest = &model->guest[step->guest];

	switch (step->op) {
	case JO_HOST_SHARE_HYP:
	case JO_HOST_UNSHARE_HYP:
	case JO_HOST_DONATE_HYP:
	case JO_HYP_DONATE_HOST:
	case JO_HYP_PIN:
	case JO_HYP_UNPIN:
		return frame_refusals(model, step);
	case JO_HOST_SHARE_GUEST:
		return share_guest_refusals(model, step);
	case JO_HOST_UNSHARE_GUEST:
		return want_slots(model, step, OWN_LENT_GUESTS) |
		       (model->shape->guarded[step->guest] ? PERM : 0);
	case JO_HOST_DONATE_GUEST:
		return donate_guest_refusals(model, step);
	case JO_GUEST_SHARE_HOST:
	case JO_GUEST_DONATE_HOST:
		return want_slots(model, step, OWN_LENT_NONE) |
		       want_guest(model, step, true, false);
	case JO_GUEST_UNSHARE_HOST:
		return want_slots(model, step, OWN_LENT_HOST) |
		       want_guest(model, step, true, false);
	case JO_GUEST_RECLAIM:
		return want_slots(model, step, -1) | want_guest(model, step, true, true);
	case JO_GUEST_FORCE_RECLAIM:
		return force_refusals(model, step);
	case JO_HOST_DONATE_DEVICE:
		return donate_device_refusals(model, step);
	case JO_DEVICE_RETURN:
		return device_return_refusals(model, step);
	case JO_HOST_SHARE_DEVICE:
		return share_device_refusals(model, step);
	case JO_HOST_UNSHARE_PAGES:
		return unshare_pages_refusals(model, step);
	case JO_GUEST_KILL:
		return 0;
	case JO_GUEST_DRAIN:
		return guest->dying ? 0 : PERM;
	case JO_GUEST_RECYCLE:
		return guest->dying && jo_model_guest_empty(model, step->guest) ? 0 : PERM;
	default:
		return ~0ull;
	}
}

/* ---- What changes ---- */

static void lend(struct jo_frame *frame, enum own_lent to)
{
	frame->lent = (u8)to;
}

/* Back to the host: zeroed if somebody else's secrets may be in it. */
static void give_host(struct jo_frame *frame)
{
	frame->data = frame->lent == OWN_LENT_HOST ? JO_DATA_ANY : JO_DATA_ZERO;
	frame->owner = OWN_ID_HOST;
	lend(frame, OWN_LENT_NONE);
}

static void unborrow(struct jo_frame *frame)
{
	if (--frame->borrows == 0)
		lend(frame, OWN_LENT_NONE);
}

static void commit_frame(struct jo_frame *frame, enum jo_op op)
{
	if (op == JO_HOST_SHARE_HYP)
		lend(frame, OWN_LENT_HYP);
	else if (op == JO_HOST_UNSHARE_HYP)
		lend(frame, OWN_LENT_NONE);
	else if (op == JO_HOST_DONATE_HYP)
		frame->owner = OWN_ID_HYP;
	else if (op == JO_HYP_DONATE_HOST)
		give_host(frame);
	else if (op == JO_HYP_PIN)
		frame->pins++;
	else if (op == JO_HYP_UNPIN)
		frame->pins--;
}

/* The guest gets frame @f at @slot. */
static void commit_fill(struct jo_model *model, const struct jo_step *step, u64 f,
			struct jo_slot *slot)
{
	struct jo_frame *frame = &model->frame[f];

	*slot = (struct jo_slot){.what = JO_RAM, .frame = (u8)f, .prot = OWN_PROT_RWX};
	if (step->op == JO_HOST_SHARE_DEVICE)
		slot->what = JO_DEVICE;
	if (step->op == JO_HOST_SHARE_GUEST || step->op == JO_HOST_SHARE_DEVICE) {
		slot->prot = (u8)step->prot;
		frame->borrows++;
		lend(frame, OWN_LENT_GUESTS);
		return;
	}
	frame->owner = (u16)jo_guest_id(step->guest);
	if (step->op != JO_HOST_DONATE_DEVICE)
		return;
	slot->what = JO_DEVICE;
	slot->prot = OWN_PROT_RW | OWN_PROT_DEVICE;
	frame->run_first = (u8)jo_frame_of(model->shape, step->pfn);
	frame->run_nr = (u8)step->nr;
}

static void empty_slot(struct jo_slot *slot, enum jo_what what)
{
	*slot = (struct jo_slot){.what = (u8)what};
}

static void return_device(struct jo_model *model, struct jo_slot *slot)
{
	struct jo_frame *frame = &model->frame[slot->frame];

	frame->owner = OWN_ID_HOST;
	frame->run_first = frame->run_nr = 0;
	empty_slot(slot, JO_NOTHING);
}

static void commit_slot(struct jo_model *model, const struct jo_step *step, struct jo_slot *slot)
{
	struct jo_frame *frame = &model->frame[slot->frame];

	switch (step->op) {
	case JO_HOST_UNSHARE_PAGES:
		if (slot->what == JO_NOTHING)
			return;
		/* fall through */
	case JO_HOST_UNSHARE_GUEST:
		unborrow(frame);
		empty_slot(slot, JO_NOTHING);
		return;
	case JO_GUEST_SHARE_HOST:
		lend(frame, OWN_LENT_HOST);
		return;
	case JO_GUEST_UNSHARE_HOST:
		lend(frame, OWN_LENT_NONE);
		return;
	case JO_GUEST_DONATE_HOST:
	case JO_GUEST_RECLAIM:
		give_host(frame);
		empty_slot(slot, JO_NOTHING);
		return;
	case JO_GUEST_FORCE_RECLAIM:
		give_host(frame);
		empty_slot(slot, JO_POISON);
		return;
	default:
		return_device(model, slot);
	}
}

void jo_model_drain(struct jo_model *model, u32 guest, u64 from, u64 to)
{
	struct jo_step step = {.guest = guest};

	for (; from < to && from < model->shape->nr_gfns; from++) {
		struct jo_slot *slot = &model->guest[guest].slot[from];

		if (slot->what == JO_DEVICE)
			step.op = model->frame[slot->frame].owner == OWN_ID_HOST
					  ? JO_HOST_UNSHARE_PAGES
					  : JO_DEVICE_RETURN;
		else if (slot->what == JO_RAM)
			step.op = model->shape->guarded[guest] ? JO_GUEST_RECLAIM
							       : JO_HOST_UNSHARE_GUEST;
		else
			continue;
		commit_slot(model, &step, slot);
	}
}

void jo_model_commit(struct jo_model *model, const struct jo_step *step)
{
	struct jo_guest *guest = &model->guest[step->guest];
	bool one = step->op == JO_HOST_SHARE_DEVICE || step->op == JO_HOST_UNSHARE_PAGES;
	u64 first = jo_frame_of(model->shape, step->pfn), i;

	if (step->op == JO_GUEST_KILL) {
		guest->dying = true;
		return;
	}
	if (step->op == JO_GUEST_RECYCLE) {
		memset(guest, 0, sizeof(*guest));
		return;
	}
	for (i = 0; i < (one ? 1 : step->nr); i++) {
		if (step->op < JO_HOST_SHARE_GUEST)
			commit_frame(&model->frame[first + i], step->op);
		else if (step->op == JO_HOST_SHARE_GUEST || step->op == JO_HOST_DONATE_GUEST ||
			 step->op == JO_HOST_DONATE_DEVICE || step->op == JO_HOST_SHARE_DEVICE)
			commit_fill(model, step, first + i, &guest->slot[step->gfn + i]);
		else
			commit_slot(model, step, &guest->slot[step->gfn + i]);
	}
}
