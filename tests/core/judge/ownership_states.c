// SPDX-License-Identifier: GPL-2.0-only
/*
 * The small machine's states as numbers, the set of those that were seen, and the list
 * of steps to try from each. A state is a number because nothing else matters: rights
 * follow from the guest's address, and what is in a page from its owner.
 */
#include "ownership_states.h"

/* ---- States as numbers ---- */

/* What a guest has at an address, in three bits: a frame, or one of these. */
#define SLOT_LENT_DEVICE 5 /* the host's; there is one device frame */
#define SLOT_POISON	 6
#define SLOT_NOTHING	 7

static bool is_lent_device(const struct jo_model *model, const struct jo_slot *slot)
{
	return slot->what == JO_DEVICE && model->frame[slot->frame].owner == OWN_ID_HOST;
}

u64 js_pack(const struct jo_model *model)
{
	const struct jo_shape *shape = model->shape;
	u64 key = 1;
	u32 f, g, i;

	for (f = 0; f < shape->nr_frames; f++) {
		const struct jo_frame *frame = &model->frame[f];

		if (shape->region[f])
			key = key << 6 | frame->owner << 3 | frame->lent << 1 | frame->pins;
	}
	for (g = 0; g < shape->nr_guests; g++) {
		key = key << 1 | model->guest[g].dying;
		for (i = 0; i < shape->nr_gfns; i++) {
			const struct jo_slot *slot = &model->guest[g].slot[i];
			bool page = slot->what == JO_RAM || slot->what == JO_DEVICE;

			key <<= 3;
			if (!page)
				key |= slot->what == JO_NOTHING ? SLOT_NOTHING : SLOT_POISON;
			else
				key |= is_lent_device(model, slot) ? SLOT_LENT_DEVICE : slot->frame;
		}
	}
	return key;
}

/* The rights with which an ordinary guest gets what is at @gfn: no part of the number. */
static u32 rights_at(u64 gfn)
{
	return gfn ? OWN_PROT_R : OWN_PROT_RWX;
}

/* Likewise of a device that is lent. */
static u32 device_rights_at(u64 gfn)
{
	return gfn ? OWN_PROT_R | OWN_PROT_NC : OWN_PROT_RW | OWN_PROT_DEVICE;
}

static void unpack_lent_device(struct jo_model *model, struct jo_slot *slot, u32 gfn)
{
	u32 f = 0;

	while (model->shape->region[f])
		f++;
	*slot = (struct jo_slot){.what = JO_DEVICE, .frame = (u8)f,
				 .prot = (u8)device_rights_at(gfn)};
	model->frame[f].lent = OWN_LENT_GUESTS;
	model->frame[f].borrows++;
}

static void unpack_slot(struct jo_model *model, u32 g, u32 gfn, u32 code)
{
	struct jo_slot *slot = &model->guest[g].slot[gfn];
	struct jo_frame *frame = &model->frame[code];

	if (code == SLOT_LENT_DEVICE) {
		unpack_lent_device(model, slot, gfn);
		return;
	}
	*slot = (struct jo_slot){.what = code == SLOT_POISON ? JO_POISON : JO_NOTHING};
	if (code >= SLOT_POISON)
		return;
	slot->frame = (u8)code;
	if (!model->shape->region[code]) {
		slot->what = JO_DEVICE;
		slot->prot = OWN_PROT_RW | OWN_PROT_DEVICE;
		frame->owner = (u16)jo_guest_id(g);
		frame->run_first = (u8)code;
		frame->run_nr = 1;
		return;
	}
	slot->what = JO_RAM;
	slot->prot = model->shape->guarded[g] ? OWN_PROT_RWX : (u8)rights_at(gfn);
	frame->borrows += !model->shape->guarded[g];
}

void js_unpack(struct jo_model *model, u64 key)
{
	const struct jo_shape *shape = model->shape;
	u32 f, g, i;
	u64 frames = key >> shape->nr_guests * (1 + 3 * shape->nr_gfns);

	memset(model->frame, 0, shape->nr_frames * sizeof(model->frame[0]));
	for (f = shape->nr_frames; f-- > 0;) {
		if (!shape->region[f])
			continue;
		model->frame[f].owner = frames >> 3 & 7;
		model->frame[f].lent = frames >> 1 & 3;
		model->frame[f].pins = frames & 1;
		frames >>= 6;
	}
	for (g = shape->nr_guests; g-- > 0;) {
		for (i = shape->nr_gfns; i-- > 0; key >>= 3)
			unpack_slot(model, g, i, key & 7);
		model->guest[g].dying = key & 1;
		key >>= 1;
	}
	jo_model_write_all(model);
}

bool js_add(struct js_set *set, u64 key)
{
	u64 at = (key * 0x9e3779b97f4a7c15ull) >> 32 & set->mask;

	while (set->seen[at]) {
		if (set->seen[at] == key)
			return false;
		at = (at + 1) & set->mask;
	}
	set->seen[at] = key;
	set->place[at] = set->tail;
	set->queue[set->tail++] = key;
	if (set->tail > set->mask / 2) {
		fprintf(stderr, "judge: more states than expected\n");
		exit(2);
	}
	return true;
}

bool js_seen(const struct js_set *set, u64 key)
{
	u64 at = (key * 0x9e3779b97f4a7c15ull) >> 32 & set->mask;

	while (set->seen[at] && set->seen[at] != key)
		at = (at + 1) & set->mask;
	return set->seen[at] == key;
}

void js_set_init(struct js_set *set, u32 bits)
{
	*set = (struct js_set){.mask = (1ull << bits) - 1};
	set->seen = calloc(set->mask + 1, sizeof(u64));
	set->queue = calloc(set->mask + 1, sizeof(u64));
	set->place = calloc(set->mask + 1, sizeof(u64));
	if (!set->place || !set->seen || !set->queue)
		exit(2);
}

void js_set_fini(struct js_set *set)
{
	free(set->seen);
	free(set->queue);
	free(set->place);
}

void js_shape(struct jo_shape *shape, bool quick)
{
	static const u8 region[] = {1, 1, 0, 2};

	memset(shape, 0, sizeof(*shape));
	memcpy(shape->region, region, sizeof(region));
	shape->pfn = 0x80010;
	shape->va_offset = 0xffff800000000000ull - 0x1000;
	shape->nr_frames = 4;
	shape->nr_guests = quick ? 2 : 3;
	shape->nr_gfns = 2;
	shape->max_devices = 2;
	shape->page_shift = 12;
	shape->guarded[0] = true;
	shape->guarded[1] = !quick;
}

bool js_too_many_pins(const struct jo_model *model)
{
	u32 f;

	for (f = 0; f < model->shape->nr_frames; f++)
		if (model->frame[f].pins > JS_PINS_MAX)
			return true;
	return false;
}

/* ---- Steps ---- */

static void add_step(struct js_steps *st, struct jo_step step)
{
	if (st->nr == JS_STEPS_MAX)
		exit(2);
	st->step[st->nr++] = step;
}

static bool names_frame(enum jo_op op)
{
	return op <= JO_HOST_SHARE_GUEST || op == JO_HOST_DONATE_GUEST ||
	       op == JO_HOST_DONATE_DEVICE || op == JO_HOST_SHARE_DEVICE;
}

static bool takes_one(enum jo_op op)
{
	return op == JO_HOST_SHARE_DEVICE || op == JO_HOST_UNSHARE_PAGES;
}

static u32 last_gfn(const struct js_steps *st, enum jo_op op)
{
	return op < JO_HOST_SHARE_GUEST ? 0 : st->shape->nr_gfns - 1;
}

/* All ranges of 1 to 3 pages that begin in the world. */
static void add_ranges(struct js_steps *st, enum jo_op op, u32 guest)
{
	struct jo_step step = {.op = op, .guest = guest};
	u32 f;

	for (f = 0; f < (names_frame(op) ? st->shape->nr_frames : 1); f++)
		for (step.gfn = 0; step.gfn <= last_gfn(st, op); step.gfn++)
			for (step.nr = 1; step.nr <= (takes_one(op) ? 1 : 3); step.nr++) {
				step.pfn = st->shape->pfn + f;
				step.prot = op == JO_HOST_SHARE_DEVICE ? device_rights_at(step.gfn)
								       : rights_at(step.gfn);
				add_step(st, step);
			}
}

static bool senseless_frame(const struct js_steps *st, u64 at)
{
	return at >= 1ull << (52 - st->shape->page_shift);
}

/* Ranges that no state makes right. */
static void add_nonsense(struct js_steps *st, enum jo_op op)
{
	u64 top = 1ull << (52 - st->shape->page_shift);
	const struct {
		u64 at, nr;
	} range[] = {
		{0, 0}, {~0ull, 1}, {~0ull, 2}, {1, ~0ull}, {top - 1, 2}, {top, 1},
	};
	struct jo_step step = {.op = op, .pfn = st->shape->pfn, .prot = OWN_PROT_RW};
	u32 i;

	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		step.nr = range[i].nr;
		/* One frame beyond the world would be somebody's device. */
		if (names_frame(op) && (!takes_one(op) || senseless_frame(st, range[i].at))) {
			step.pfn = range[i].nr ? range[i].at : st->shape->pfn;
			step.gfn = 0;
			add_step(st, step);
			step.pfn = st->shape->pfn;
		}
		step.gfn = range[i].at;
		if (op >= JO_HOST_SHARE_GUEST)
			add_step(st, step);
	}
	if (!names_frame(op) || takes_one(op))
		return;
	step = (struct jo_step){.op = op, .pfn = st->shape->pfn - 1, .nr = 2, .prot = OWN_PROT_R};
	add_step(st, step);
}

static void add_bad_device_rights(struct js_steps *st)
{
	static const u32 prot[] = {0, OWN_PROT_RW, OWN_PROT_W | OWN_PROT_NC,
				   OWN_PROT_RWX | OWN_PROT_DEVICE,
				   OWN_PROT_R | OWN_PROT_DEVICE | OWN_PROT_NC};
	struct jo_step step = {.op = JO_HOST_SHARE_DEVICE,
			       .guest = st->shape->nr_guests - 1,
			       .pfn = st->shape->pfn + 2,
			       .nr = 1};
	u32 i;

	for (i = 0; i < sizeof(prot) / sizeof(prot[0]); i++) {
		step.prot = prot[i];
		add_step(st, step);
	}
}

static void add_bad_rights(struct js_steps *st)
{
	static const u32 prot[] = {0, OWN_PROT_W, OWN_PROT_RW | OWN_PROT_DEVICE};
	struct jo_step step = {.op = JO_HOST_SHARE_GUEST,
			       .guest = st->shape->nr_guests - 1,
			       .pfn = st->shape->pfn,
			       .nr = 1};
	u32 i;

	for (i = 0; i < 3; i++) {
		step.prot = prot[i];
		add_step(st, step);
	}
}

void js_list_steps(struct js_steps *st, const struct jo_shape *shape)
{
	enum jo_op op;
	u32 g;

	st->shape = shape;
	st->nr = 0;
	for (op = 0; op < JO_GUEST_KILL; op++)
		for (g = 0; g < (op < JO_HOST_SHARE_GUEST ? 1 : st->shape->nr_guests); g++)
			add_ranges(st, op, g);
	for (g = 0; g < st->shape->nr_guests; g++) {
		add_step(st, (struct jo_step){.op = JO_GUEST_KILL, .guest = g});
		add_step(st, (struct jo_step){.op = JO_GUEST_DRAIN, .guest = g, .nr = 1});
		add_step(st, (struct jo_step){.op = JO_GUEST_DRAIN, .guest = g, .nr = 3});
		add_step(st, (struct jo_step){.op = JO_GUEST_RECYCLE, .guest = g});
	}
	st->nr_useful = st->nr;
	for (op = 0; op < JO_GUEST_KILL; op++)
		add_nonsense(st, op);
	add_bad_rights(st);
	add_bad_device_rights(st);
}
