// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watched machine: the arena, and its comparison with the model.
 */
#include "ownership_world.h"

/* ---- Building ---- */

/* Reserves a piece of the arena; the first round only adds the sizes up. */
static void *piece(struct jo_world *world, size_t size)
{
	void *at = world->arena ? world->arena + world->arena_size : NULL;

	world->arena_size += (size + 15) & ~(size_t)15;
	return at;
}

static void lay_out(struct jo_world *world)
{
	const struct jo_shape *shape = world->target.shape;
	u32 spaces = OWN_ID_GUEST0 + shape->nr_guests, id;

	world->arena_size = 0;
	world->target.ctx = piece(world, sizeof(*world->target.ctx));
	world->aspace = piece(world, spaces * sizeof(*world->aspace));
	world->records = piece(world, shape->nr_frames * sizeof(*world->records));
	world->bait = piece(world, shape->nr_frames * sizeof(*world->bait));
	world->devices = piece(world, shape->max_devices * sizeof(*world->devices));
	world->data = piece(world, shape->nr_frames);
	world->stale = piece(world, shape->nr_frames);
	for (id = 0; id < spaces; id++) {
		u32 nr = id < OWN_ID_GUEST0 ? shape->nr_frames : shape->nr_gfns;
		struct jo_slot *entry = piece(world, nr * sizeof(*entry));

		if (!world->arena)
			continue;
		world->aspace[id].entry = entry;
		world->aspace[id].nr = nr;
		world->aspace[id].world = world;
	}
}

static void find_regions(struct jo_world *world)
{
	const struct jo_shape *shape = world->target.shape;
	u32 f, n = 0;

	for (f = 0; f < shape->nr_frames; f++) {
		if (!shape->region[f])
			continue;
		if (!n || f == 0 || shape->region[f] != shape->region[f - 1])
			world->region[n++] = (struct vmemmap_region){.pfn = shape->pfn + f,
								     .records = world->records + f};
		world->region[n - 1].nr_pages++;
	}
	world->nr_regions = n;
}

static void must(int ret, const char *what)
{
	if (ret) {
		fprintf(stderr, "judge: %s returned %d\n", what, ret);
		exit(2);
	}
}

static int recycle(struct jo_target *target, u32 guest)
{
	struct own_space *space = target->guest[guest];
	struct jo_aspace *as =
		(struct jo_aspace *)((char *)space - offsetof(struct jo_aspace, space));

	if (!own_guest_is_empty(target->ctx, space) || space->life != OWN_DYING)
		return -EPERM;
	memset(as->entry, 0, as->nr * sizeof(*as->entry));
	return own_space_init(space, space->ops, space->kind, space->id);
}

void jo_world_init(struct jo_world *world, const struct jo_shape *shape)
{
	struct vmemmap mem;
	struct jo_model model;
	u32 id;

	memset(world, 0, sizeof(*world));
	world->target.shape = shape;
	world->target.recycle = recycle;
	world->fail_after = -1;
	lay_out(world);
	world->arena = calloc(1, world->arena_size);
	world->scratch = calloc(1, world->arena_size);
	if (!world->arena || !world->scratch)
		exit(2);
	lay_out(world);
	find_regions(world);
	for (id = 0; id < OWN_ID_GUEST0 + shape->nr_guests; id++)
		must(own_space_init(&world->aspace[id].space, &jo_array_ops, jo_kind(shape, id),
				    id),
		     "own_space_init()");
	for (id = 0; id < shape->nr_guests; id++)
		world->target.guest[id] = &world->aspace[jo_guest_id(id)].space;
	world->aspace[OWN_ID_HYP].space.va_offset = shape->va_offset;
	must(vmemmap_init(&mem, world->region, world->nr_regions), "vmemmap_init()");
	must(own_init(world->target.ctx, &mem, world->devices, shape->max_devices,
		      &world->aspace[OWN_ID_HOST].space, &world->aspace[OWN_ID_HYP].space,
		      &jo_array_env, shape->page_shift),
	     "own_init()");
	jo_model_init(&model, shape);
	jo_world_load(world, &model);
}

void jo_world_fini(struct jo_world *world)
{
	free(world->arena);
	free(world->scratch);
}

/* ---- States ---- */

void jo_world_save(const struct jo_world *world, void *to)
{
	memcpy(to, world->arena, world->arena_size);
}

void jo_world_restore(struct jo_world *world, const void *from)
{
	memcpy(world->arena, from, world->arena_size);
}

bool jo_world_equals(const struct jo_world *world, const void *saved)
{
	return !memcmp(world->arena, saved, world->arena_size);
}

void jo_world_expect(struct jo_world *world, const struct jo_model *before,
		     const struct jo_model *after)
{
	world->before = after ? before : NULL;
	world->after = after;
	world->prepares = 0;
	if (after)
		memset(world->cleaned, 0, world->target.shape->nr_frames);
	if (world->prepared_any)
		memset(world->prepared, 0, sizeof(world->prepared));
	world->prepared_any = false;
}

u32 jo_world_users(const struct jo_world *world, u32 f)
{
	u32 users = 0, id, i;

	for (id = 0; id < OWN_ID_GUEST0; id++)
		if (world->aspace[id].entry[f].what != JO_NOTHING)
			users |= 1u << id;
	for (; id < OWN_ID_GUEST0 + world->target.shape->nr_guests; id++)
		for (i = 0; i < world->target.shape->nr_gfns; i++) {
			const struct jo_slot *slot = &world->aspace[id].entry[i];

			if ((slot->what == JO_RAM || slot->what == JO_DEVICE) && slot->frame == f)
				users |= 1u << id;
		}
	return users;
}

/* ---- The model's state, as the library is to represent it ---- */

/* Where the guest that owns the device frame has it; 0 for the hyp. */
static u64 gfn_of(const struct jo_model *model, u32 f)
{
	u32 gfn;

	if (model->frame[f].owner < OWN_ID_GUEST0)
		return 0;
	for (gfn = 0; gfn < model->shape->nr_gfns; gfn++) {
		const struct jo_slot *slot =
			&model->guest[model->frame[f].owner - OWN_ID_GUEST0].slot[gfn];

		if (slot->what == JO_DEVICE && slot->frame == f)
			return gfn;
	}
	return ~0ull;
}

static void load_devices(struct jo_world *world, const struct jo_model *model)
{
	const struct jo_shape *shape = world->target.shape;
	u32 f, n = 0;

	memset(world->devices, 0, shape->max_devices * sizeof(*world->devices));
	for (f = 0; f < shape->nr_frames; f++) {
		const struct jo_frame *frame = &model->frame[f];

		if (shape->region[f] || frame->owner == OWN_ID_HOST || frame->run_first != f)
			continue;
		world->devices[n].pfn = shape->pfn + f;
		world->devices[n].nr_pages = frame->run_nr;
		world->devices[n].gfn = gfn_of(model, f);
		world->devices[n++].owner = frame->owner;
	}
	world->target.ctx->devices.nr = n;
	world->target.ctx->devices.lent = jo_model_devices_lent(model);
}

static void load_guest(struct jo_world *world, const struct jo_model *model, u32 guest)
{
	struct jo_aspace *as = &world->aspace[jo_guest_id(guest)];

	memcpy(as->entry, model->guest[guest].slot, as->nr * sizeof(*as->entry));
	as->space.life = model->guest[guest].dying ? OWN_DYING : OWN_LIVE;
	as->space.nr_pages = jo_model_count(model, guest, JO_RAM);
	as->space.nr_device_pages = jo_model_count(model, guest, JO_DEVICE);
}

/*
 * What lies where a device page would have its record. Nobody may look; whoever does
 * finds what would suit him best.
 */
static u32 bait(const struct jo_shape *shape, const struct jo_frame *frame)
{
	struct jo_frame record = *frame;

	if (frame->owner >= OWN_ID_GUEST0 && !shape->guarded[frame->owner - OWN_ID_GUEST0]) {
		record.owner = OWN_ID_HOST;
		record.lent = OWN_LENT_GUESTS;
		record.borrows = 1;
	}
	return jo_record(&record);
}

void jo_world_load(struct jo_world *world, const struct jo_model *model)
{
	const struct jo_shape *shape = world->target.shape;
	u32 f, id, g;

	for (f = 0; f < shape->nr_frames; f++) {
		u32 users = jo_model_users(model, f);

		world->bait[f] = shape->region[f] ? 0 : bait(shape, &model->frame[f]);
		world->records[f] = shape->region[f] ? jo_record(&model->frame[f]) : world->bait[f];
		world->data[f] = model->frame[f].data;
		world->stale[f] = 0;
		for (id = 0; id < OWN_ID_GUEST0; id++) {
			struct jo_slot *slot = &world->aspace[id].entry[f];

			*slot = (struct jo_slot){.what = JO_NOTHING};
			if (!(users & 1u << id))
				continue;
			slot->what = shape->region[f] ? JO_RAM : JO_DEVICE;
			slot->frame = (u8)f;
		}
	}
	load_devices(world, model);
	for (g = 0; g < shape->nr_guests; g++)
		load_guest(world, model, g);
}

/* ---- Comparison ---- */

#define GOT(p) ((const void *)(got + ((const u8 *)(p)-world->arena)))

static void explain_space(struct jo_world *world, const u8 *got, u32 id)
{
	const struct jo_aspace *as = &world->aspace[id];
	const struct own_space *was = &((const struct jo_aspace *)GOT(as))->space;
	u32 i;

	for (i = 0; i < as->nr; i++) {
		const struct jo_slot *want = &as->entry[i], *slot = GOT(want);

		if (memcmp(slot, want, sizeof(*slot)))
			jo_problem(&world->target,
				   "space %u, entry %u: kind %u frame %u rights %#x, "
				   "should be kind %u frame %u rights %#x",
				   id, i, slot->what, slot->frame, slot->prot, want->what,
				   want->frame, want->prot);
	}
	if (was->nr_pages != as->space.nr_pages || was->life != as->space.life ||
	    was->nr_device_pages != as->space.nr_device_pages)
		jo_problem(&world->target,
			   "space %u has %llu pages, %llu devices, life %u, should be "
			   "%llu, %llu, %u",
			   id, was->nr_pages, was->nr_device_pages, was->life, as->space.nr_pages,
			   as->space.nr_device_pages, as->space.life);
}

static void explain(struct jo_world *world, const u8 *got)
{
	const struct own_ctx *ctx = GOT(world->target.ctx);
	u32 f, id;

	for (f = 0; f < world->target.shape->nr_frames; f++) {
		u32 record = *(const u32 *)GOT(&world->records[f]);
		u8 data = *(const u8 *)GOT(&world->data[f]);

		if (record != world->records[f])
			jo_problem(&world->target, "record of frame %u: %#010x, should be %#010x",
				   f, record, world->records[f]);
		if (data != world->data[f])
			jo_problem(&world->target, "frame %u holds what %d wrote, should be %d", f,
				   data - 1, world->data[f] - 1);
		if (*(const u8 *)GOT(&world->stale[f]))
			jo_problem(&world->target, "lines of the host's may be dirty in frame %u",
				   f);
	}
	for (id = 0; id < OWN_ID_GUEST0 + world->target.shape->nr_guests; id++)
		explain_space(world, got, id);
	if (ctx->devices.lent != world->target.ctx->devices.lent)
		jo_problem(&world->target, "%llu device pages are lent, should be %llu",
			   (unsigned long long)ctx->devices.lent,
			   (unsigned long long)world->target.ctx->devices.lent);
	if (ctx->devices.nr != world->target.ctx->devices.nr)
		jo_problem(&world->target, "%u device ranges, should be %u", ctx->devices.nr,
			   world->target.ctx->devices.nr);
	jo_problem(&world->target,
		   "the device table, or something that nobody should change, is wrong");
}

#undef GOT

/* Entries beyond the last, and padding, have no meaning. */
static void tidy_devices(struct own_devices *devices)
{
	struct own_device entry;
	u32 i;

	for (i = 0; i < devices->max; i++) {
		memset(&entry, 0, sizeof(entry));
		if (i < devices->nr) {
			entry.pfn = devices->table[i].pfn;
			entry.nr_pages = devices->table[i].nr_pages;
			entry.gfn = devices->table[i].gfn;
			entry.owner = devices->table[i].owner;
		}
		memcpy(&devices->table[i], &entry, sizeof(entry));
	}
}

bool jo_world_compare(struct jo_world *world, const struct jo_model *model)
{
	const struct jo_shape *shape = world->target.shape;
	u32 f;

	if (world->held)
		jo_problem(&world->target, "locks are still held: %#x", world->held);
	tidy_devices(&world->target.ctx->devices);
	for (f = 0; f < shape->nr_frames; f++) {
		if (shape->region[f])
			continue;
		if (world->records[f] != world->bait[f])
			jo_problem(&world->target, "frame %u is no RAM, and its record was written",
				   f);
		world->records[f] = world->bait[f] = bait(shape, &model->frame[f]);
	}
	for (f = 0; f < shape->nr_frames; f++)
		if (model->frame[f].data == JO_DATA_ANY)
			world->data[f] = JO_DATA_ANY;
	memcpy(world->scratch, world->arena, world->arena_size);
	jo_world_load(world, model);
	if (memcmp(world->scratch, world->arena, world->arena_size))
		explain(world, world->scratch);
	for (f = 0; f < shape->nr_frames; f++)
		if (shape->region[f])
			world->data[f] = JO_DATA(model->frame[f].owner);
	return !jo_failed(&world->target);
}
