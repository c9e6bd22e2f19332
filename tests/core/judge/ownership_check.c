// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to hold in every state: the invariants, read off the records and the
 * mappings without asking the model; and the library's answers to questions.
 */
#include "ownership_world.h"

/* ---- Invariants ---- */

static u32 mappings_of(const struct jo_world *world, u32 id, u32 f)
{
	const struct jo_aspace *as = &world->aspace[id];
	u32 i, n = 0;

	for (i = 0; i < as->nr; i++)
		n += (as->entry[i].what == JO_RAM || as->entry[i].what == JO_DEVICE) &&
		     as->entry[i].frame == f;
	return n;
}

/* May the component map the page, going by the record? */
static bool may_map(const struct jo_world *world, struct own_page page, u32 id)
{
	if (page.owner == id)
		return true;
	if (id == OWN_ID_HOST)
		return page.lent == OWN_LENT_HOST;
	if (id == OWN_ID_HYP)
		return page.lent == OWN_LENT_HYP;
	return page.lent == OWN_LENT_GUESTS && !world->target.shape->guarded[id - OWN_ID_GUEST0];
}

static void check_lending(struct jo_world *world, struct own_page page, u32 f)
{
	bool sane = true;

	if (page.lent == OWN_LENT_HOST)
		sane = page.owner >= OWN_ID_GUEST0;
	else if (page.lent != OWN_LENT_NONE)
		sane = page.owner == OWN_ID_HOST;
	if (page.owner >= OWN_ID_GUEST0 + world->target.shape->nr_guests)
		sane = false;
	if (page.owner >= OWN_ID_GUEST0 && sane)
		sane = world->target.shape->guarded[page.owner - OWN_ID_GUEST0];
	if (page.state != (page.lent == OWN_LENT_NONE ? OWN_OWNED : OWN_SHARED_OWNED))
		sane = false;
	if (!sane)
		jo_problem(&world->target, "invariant 1: record %#010x of frame %u makes no sense",
			   world->records[f], f);
}

static void check_ram(struct jo_world *world, u32 f)
{
	struct own_page page = own_record_unpack(world->records[f]);
	u32 id, n, borrows = 0;

	check_lending(world, page, f);
	for (id = 0; id < OWN_ID_GUEST0 + world->target.shape->nr_guests; id++) {
		n = mappings_of(world, id, f);
		if (n && !may_map(world, page, id))
			jo_problem(&world->target,
				   "invariant %d: component %u maps frame %u, record %#010x",
				   id == OWN_ID_HOST ? 3 : 1, id, f, world->records[f]);
		if (n != 1 && id == page.owner)
			jo_problem(&world->target, "owner %u maps frame %u %u times", id, f, n);
		if (id >= OWN_ID_GUEST0 && id != page.owner)
			borrows += n;
	}
	if (borrows != (page.lent == OWN_LENT_GUESTS ? page.count : 0u))
		jo_problem(&world->target, "frame %u is borrowed %u times, record %#010x", f,
			   borrows, world->records[f]);
	if (mappings_of(world, OWN_ID_HOST, f) && page.lent != OWN_LENT_HOST &&
	    world->data[f] != JO_DATA_ZERO && world->data[f] != JO_DATA(OWN_ID_HOST))
		jo_problem(&world->target, "invariant 4: the host reads what %d wrote to frame %u",
			   world->data[f] - 1, f);
}

static void check_device(struct jo_world *world, u32 f)
{
	u32 owner = OWN_ID_HOST, id, i, n;

	for (i = 0; i < world->target.ctx->devices.nr; i++) {
		const struct own_device *device = &world->devices[i];

		if (world->target.shape->pfn + f - device->pfn < device->nr_pages)
			owner = device->owner;
	}
	for (id = 0; id < OWN_ID_GUEST0 + world->target.shape->nr_guests; id++) {
		n = mappings_of(world, id, f);
		/* The host lends its own to ordinary guests, as often as it likes. */
		if (owner == OWN_ID_HOST && id >= OWN_ID_GUEST0 &&
		    !world->target.shape->guarded[id - OWN_ID_GUEST0])
			continue;
		if (n != (id == owner))
			jo_problem(&world->target,
				   "device frame %u of %u: component %u maps it %u times", f, owner,
				   id, n);
	}
}

void jo_world_invariants(struct jo_world *world)
{
	u32 f;

	for (f = 0; f < world->target.shape->nr_frames; f++) {
		if (world->target.shape->region[f])
			check_ram(world, f);
		else
			check_device(world, f);
	}
}

/* ---- Questions ---- */

static bool same_page(struct own_page a, struct own_page b)
{
	return a.owner == b.owner && a.state == b.state && a.lent == b.lent && a.count == b.count;
}

static void ask_page(struct jo_world *world, u32 f)
{
	struct own_page page, want = own_record_unpack(world->records[f]);
	int ret = own_page(world->target.ctx, world->target.shape->pfn + f, &page);

	if (ret != (world->target.shape->region[f] ? 0 : -ERANGE))
		jo_problem(&world->target, "own_page(frame %u) returned %d", f, ret);
	else if (!ret && !same_page(page, want))
		jo_problem(&world->target, "own_page(frame %u) is not record %#010x", f,
			   world->records[f]);
}

static bool host_may(const struct jo_model *model, u32 f)
{
	return jo_model_users(model, f) & 1u << OWN_ID_HOST;
}

static void ask_host_ranges(struct jo_world *world, const struct jo_model *model)
{
	const struct jo_shape *shape = world->target.shape;
	u32 f, nr;

	for (f = 0; f < shape->nr_frames; f++) {
		bool want = true, ram = false;

		for (nr = 1; f + nr <= shape->nr_frames && nr <= 4; nr++) {
			int ret = own_check_host_range(world->target.ctx, shape->pfn + f, nr, &ram);

			want &= host_may(model, f + nr - 1) &&
				shape->region[f + nr - 1] == shape->region[f];
			if (ret != (want ? 0 : -EPERM) || (want && ram != !!shape->region[f]))
				jo_problem(&world->target,
					   "own_check_host_range(frame %u, %u) returned %d", f, nr,
					   ret);
		}
		if (!shape->region[f] &&
		    own_device_owner(world->target.ctx, shape->pfn + f) != model->frame[f].owner)
			jo_problem(&world->target, "own_device_owner(frame %u) is wrong", f);
	}
}

/* What own_for_each_range() has told. */
struct listing {
	struct jo_world *world;
	const struct jo_model *model;
	u32 next;    /* frame that was not told yet */
	u32 ranges;  /* in this call */
	u32 stop_at; /* after this many; 0: never */
	bool merged; /* equal neighbours must be */
	bool any;
	struct own_range last;
};

/* The next frame that a listing has to mention. */
static u32 next_listed(const struct jo_model *model, u32 f)
{
	while (f < model->shape->nr_frames && !model->shape->region[f] &&
	       model->frame[f].owner == OWN_ID_HOST)
		f++;
	return f;
}

static void hear_frame(struct listing *list, const struct own_range *range, u32 f)
{
	struct jo_world *world = list->world;
	bool device = !world->target.shape->region[f];

	if (range->device != device || (device && range->page.owner != list->model->frame[f].owner))
		jo_problem(&world->target, "frame %u is listed wrongly: owner %u", f,
			   range->page.owner);
	if (!device && !same_page(range->page, own_record_unpack(world->records[f])))
		jo_problem(&world->target, "frame %u is listed wrongly", f);
	if (device && range->page.owner >= OWN_ID_GUEST0) {
		u64 gfn = range->gfn + (world->target.shape->pfn + f - range->pfn);
		const struct jo_slot *slot;

		slot = &list->model->guest[range->page.owner - OWN_ID_GUEST0].slot[gfn % JO_GFNS];
		if (gfn >= JO_GFNS || slot->what != JO_DEVICE || slot->frame != f)
			jo_problem(&world->target, "device frame %u is listed at %#llx", f, gfn);
	}
}

static bool hear(const struct own_range *range, void *arg)
{
	struct listing *list = arg;
	const struct jo_shape *shape = list->world->target.shape;
	u64 f = jo_frame_of(shape, range->pfn), i;

	if (f != next_listed(list->model, list->next) || !range->nr_pages ||
	    f + range->nr_pages > shape->nr_frames) {
		jo_problem(&list->world->target,
			   "frame %llu, %llu pages are listed, expected frame %u", f,
			   range->nr_pages, next_listed(list->model, list->next));
		return false;
	}
	for (i = f; i < f + range->nr_pages; i++)
		hear_frame(list, range, (u32)i);
	if (list->merged && list->any && !range->device && !list->last.device && list->next == f &&
	    shape->region[f - 1] == shape->region[f] && same_page(list->last.page, range->page))
		jo_problem(&list->world->target,
			   "equal neighbours before frame %llu are listed apart", f);
	list->any = true;
	list->last = *range;
	list->next = (u32)(f + range->nr_pages);
	return ++list->ranges != list->stop_at;
}

static void ask_list(struct jo_world *world, const struct jo_model *model, u64 budget, u32 stop_at)
{
	struct listing list = {.world = world, .model = model, .stop_at = stop_at};
	u64 cursor = 0;
	u32 calls = 0;
	bool more;

	list.merged = budget > 2 * JO_FRAMES && !stop_at;
	do {
		list.ranges = 0;
		more = own_for_each_range(world->target.ctx, &cursor, budget, hear, &list);
		if (++calls > 4 * JO_FRAMES)
			jo_problem(&world->target, "the listing does not end");
	} while (more && !jo_failed(&world->target));
	if (next_listed(model, list.next) < world->target.shape->nr_frames)
		jo_problem(&world->target, "the listing ends before frame %u",
			   next_listed(model, list.next));
}

void jo_world_questions(struct jo_world *world, const struct jo_model *model)
{
	u32 f, g;

	for (f = 0; f < world->target.shape->nr_frames; f++)
		ask_page(world, f);
	for (g = 0; g < world->target.shape->nr_guests; g++)
		if (own_guest_is_empty(world->target.ctx, world->target.guest[g]) !=
		    jo_model_guest_empty(model, g))
			jo_problem(&world->target, "own_guest_is_empty(guest %u) is wrong", g);
	ask_host_ranges(world, model);
	ask_list(world, model, 1, 0);
	ask_list(world, model, 2, 0);
	ask_list(world, model, 4 * JO_FRAMES, 0);
	ask_list(world, model, 4 * JO_FRAMES, 1);
	if (world->held)
		jo_problem(&world->target, "a question left locks held: %#x", world->held);
}
