// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces as arrays, and the hooks that watch each edit (ownership_world.h).
 */
#include "ownership_world.h"

static struct jo_aspace *aspace_of(struct own_space *space)
{
	return (struct jo_aspace *)((char *)space - offsetof(struct jo_aspace, space));
}

static const char *name_of(u32 id)
{
	static const char *const name[] = {"host",    "hyp",     "guest 0",
					   "guest 1", "guest 2", "guest 3"};

	return id < JO_SPACES ? name[id] : "nobody";
}

/* The entry number of an address; out of range if it is not in the space at all. */
static u64 index_of(const struct jo_aspace *as, u64 addr)
{
	const struct jo_shape *shape = as->world->target.shape;

	if (as->space.id == OWN_ID_HYP)
		addr -= shape->va_offset;
	if (addr & ((1ull << shape->page_shift) - 1))
		jo_problem(&as->world->target, "%s: address %#llx is not aligned",
			   name_of(as->space.id), addr);
	addr >>= shape->page_shift;
	return as->space.id < OWN_ID_GUEST0 ? jo_frame_of(shape, addr) : addr;
}

static bool inside(const struct jo_aspace *as, u64 first, u64 nr)
{
	return first < as->nr && nr <= as->nr - first;
}

/* ---- Locks ---- */

static void array_lock(struct own_space *space)
{
	struct jo_world *world = aspace_of(space)->world;
	u32 bit = 1u << space->id;

	if (world->held & bit)
		jo_problem(&world->target, "the lock of %s is taken twice", name_of(space->id));
	if (bit == 1u << OWN_ID_HOST ? world->held != 0 : world->held != 1u << OWN_ID_HOST)
		jo_problem(&world->target, "the lock of %s is taken out of order",
			   name_of(space->id));
	world->held |= bit;
}

static void array_unlock(struct own_space *space)
{
	struct jo_aspace *as = aspace_of(space);
	struct jo_world *world = as->world;
	u32 bit = 1u << space->id;

	if (!(world->held & bit))
		jo_problem(&world->target, "the lock of %s was not held", name_of(space->id));
	world->held &= ~bit;
	if (world->prepared_any)
		memset(world->prepared[space->id], 0, sizeof(world->prepared[0]));
}

static void want_lock(const struct jo_aspace *as, const char *what)
{
	if (!(as->world->held & 1u << as->space.id) || !(as->world->held & 1u << OWN_ID_HOST))
		jo_problem(&as->world->target, "%s of %s without its lock and the host's", what,
			   name_of(as->space.id));
}

/* ---- Questions ---- */

static int array_check_unmapped(struct own_space *space, u64 addr, u64 nr)
{
	struct jo_aspace *as = aspace_of(space);
	u64 first = index_of(as, addr), i;

	want_lock(as, "check_unmapped");
	if (space->id == OWN_ID_HOST)
		jo_problem(&as->world->target, "check_unmapped asked of the host");
	if (!nr)
		jo_problem(&as->world->target, "check_unmapped of no page");
	if (!inside(as, first, nr))
		return -ERANGE;
	for (i = first; i < first + nr; i++)
		if (as->entry[i].what != JO_NOTHING)
			return -EPERM;
	return 0;
}

static bool continues(const struct jo_slot *first, const struct jo_slot *next, u64 distance)
{
	if (first->what == JO_NOTHING || first->what == JO_POISON)
		return next->what == first->what;
	return (next->what == JO_RAM || next->what == JO_DEVICE) &&
	       next->frame == first->frame + distance;
}

static int array_lookup(struct own_space *space, u64 addr, u64 nr, struct own_run *run)
{
	struct jo_aspace *as = aspace_of(space);
	const struct jo_shape *shape = as->world->target.shape;
	u64 first = index_of(as, addr), n = 1, limit;
	const struct jo_slot *slot = as->entry + first;

	want_lock(as, "lookup");
	if (space->id == OWN_ID_HOST)
		jo_problem(&as->world->target, "lookup asked of the host");
	if (first >= as->nr)
		return -ERANGE;
	limit = nr < as->nr - first ? nr : as->nr - first;
	if (as->world->lookup == JO_LOOKUP_HOLES && slot->what == JO_NOTHING)
		limit = as->nr - first;
	if (as->world->lookup != JO_LOOKUP_SINGLE)
		while (n < limit && continues(slot, slot + n, n))
			n++;
	run->kind = slot->what == JO_NOTHING  ? OWN_RUN_NONE
		    : slot->what == JO_POISON ? OWN_RUN_POISONED
					      : OWN_RUN_MAPPED;
	run->pa = pa(run->kind == OWN_RUN_MAPPED ? (shape->pfn + slot->frame) << shape->page_shift
						 : ~0ull);
	run->nr_pages = n;
	return 0;
}

/* ---- Preparation ---- */

static int array_prepare(struct own_space *space, enum own_edit edit, u64 addr, u64 nr)
{
	struct jo_aspace *as = aspace_of(space);
	struct jo_world *world = as->world;
	u64 first = index_of(as, addr), i;

	want_lock(as, "prepare");
	if (!nr)
		jo_problem(&world->target, "prepare for no page");
	if (!inside(as, first, nr))
		return -ERANGE;
	if (world->fail_after >= 0 && world->fail_after-- == 0)
		return -ENOMEM;
	world->prepares++;
	world->prepared_any = true;
	for (i = first; i < first + nr; i++)
		world->prepared[space->id][i] |= (u8)(1u << edit);
	return 0;
}

/* ---- Edits ---- */

/* May this edit happen at all? Gives the first entry, or NULL. */
static struct jo_slot *begin_edit(struct jo_aspace *as, enum own_edit edit, const char *what,
				  u64 addr, u64 nr)
{
	struct jo_world *world = as->world;
	u64 first = index_of(as, addr), i;

	want_lock(as, what);
	if (!world->after && !world->unwatched)
		jo_problem(&world->target, "%s of %s at %#llx although the step must be refused",
			   what, name_of(as->space.id), addr);
	if (!nr || !inside(as, first, nr)) {
		jo_problem(&world->target, "%s of %s outside of it: %#llx, %llu pages", what,
			   name_of(as->space.id), addr, nr);
		return NULL;
	}
	for (i = first; i < first + nr; i++)
		if (!(world->prepared[as->space.id][i] & 1u << edit))
			jo_problem(&world->target, "%s of %s at entry %llu was not prepared", what,
				   name_of(as->space.id), i);
	return as->entry + first;
}

/* Every moment is one before the step or one after it, seen from the page. */
static void check_moment(struct jo_world *world, u32 f)
{
	u32 now;

	if (!world->after)
		return;
	now = jo_world_users(world, f);
	if ((now & ~jo_model_users(world->before, f)) && (now & ~jo_model_users(world->after, f)))
		jo_problem(&world->target,
			   "frame %u is mapped by the set %#x, halfway between %#x and %#x", f, now,
			   jo_model_users(world->before, f), jo_model_users(world->after, f));
}

static void check_prot(struct jo_aspace *as, u32 f, u32 prot)
{
	bool device = prot & (OWN_PROT_DEVICE | OWN_PROT_NC);

	if (device == !!as->world->target.shape->region[f])
		jo_problem(&as->world->target, "frame %u is mapped with rights %#x", f, prot);
	if (device && (prot & OWN_PROT_X))
		jo_problem(&as->world->target, "device frame %u is executable", f);
	if (as->space.id == OWN_ID_HYP && prot != OWN_PROT_RW)
		jo_problem(&as->world->target, "the hyp maps frame %u with rights %#x", f, prot);
}

/* What the host may read from now on, and what a guest reads with its caches off. */
static void check_contents(struct jo_aspace *as, u32 f)
{
	struct jo_world *world = as->world;
	bool lent = world->unwatched ||
		    (world->after && (world->after->frame[f].lent == OWN_LENT_HOST ||
				      world->before->frame[f].lent == OWN_LENT_HOST));
	u8 data = world->data[f];

	if (!world->target.shape->region[f])
		return;
	if (as->space.id == OWN_ID_HOST) {
		world->stale[f] = 0;
		if (data != JO_DATA_ZERO && data != JO_DATA(OWN_ID_HOST) && !lent)
			jo_problem(&world->target, "the host gets frame %u with the secrets of %s",
				   f, name_of(data - 1u));
		return;
	}
	if (as->space.id == OWN_ID_HYP || !world->target.ctx->env->clean)
		return;
	if (world->stale[f] || (!world->unwatched && !world->cleaned[f]))
		jo_problem(&world->target, "%s gets frame %u with the host's lines dirty",
			   name_of(as->space.id), f);
}

static void array_map(struct own_space *space, u64 addr, pa_t to, u64 nr, u32 prot)
{
	struct jo_aspace *as = aspace_of(space);
	struct jo_world *world = as->world;
	struct jo_slot *slot = begin_edit(as, OWN_EDIT_MAP, "map", addr, nr);
	u64 f = jo_frame_of(world->target.shape, to.v >> world->target.shape->page_shift), i;

	if (slot &&
	    (f >= world->target.shape->nr_frames || nr > world->target.shape->nr_frames - f))
		jo_problem(&world->target, "%s maps frames that are nobody's", name_of(space->id));
	if (jo_failed(&world->target))
		return;
	for (i = 0; i < nr; i++, f++) {
		if (slot[i].what != JO_NOTHING)
			jo_problem(&world->target, "%s maps entry %llu over another",
				   name_of(space->id), i);
		if (space->id < OWN_ID_GUEST0 && (u64)(slot + i - as->entry) != f)
			jo_problem(&world->target, "%s maps frame %llu elsewhere",
				   name_of(space->id), f);
		check_prot(as, (u32)f, prot);
		check_contents(as, (u32)f);
		slot[i].what = world->target.shape->region[f] ? JO_RAM : JO_DEVICE;
		slot[i].frame = (u8)f;
		slot[i].prot = space->id < OWN_ID_GUEST0 ? 0 : (u8)prot;
		check_moment(world, (u32)f);
	}
}

static void drop(struct jo_aspace *as, struct jo_slot *slot, u32 next)
{
	struct jo_world *world = as->world;
	struct jo_slot was = *slot;

	if (was.what != JO_RAM && was.what != JO_DEVICE)
		return;
	*slot = (struct jo_slot){.what = JO_NOTHING};
	if (as->space.id == OWN_ID_HOST && was.what == JO_RAM && next >= OWN_ID_GUEST0)
		world->stale[was.frame] = 1;
	if (world->after && world->after->frame[was.frame].owner != next)
		jo_problem(&world->target, "%s loses frame %u to %s, it says; it should be %s",
			   name_of(as->space.id), was.frame, name_of(next),
			   name_of(world->after->frame[was.frame].owner));
	check_moment(world, was.frame);
}

static void array_unmap(struct own_space *space, u64 addr, u64 nr, u32 next)
{
	struct jo_aspace *as = aspace_of(space);
	struct jo_slot *slot = begin_edit(as, OWN_EDIT_UNMAP, "unmap", addr, nr);
	u64 i;

	for (i = 0; slot && i < nr; i++)
		drop(as, slot + i, next);
}

static void array_poison(struct own_space *space, u64 addr, u64 nr)
{
	struct jo_aspace *as = aspace_of(space);
	struct jo_slot *slot = begin_edit(as, OWN_EDIT_POISON, "poison", addr, nr);
	u64 i;

	if (space->id < OWN_ID_GUEST0)
		jo_problem(&as->world->target, "%s is poisoned", name_of(space->id));
	for (i = 0; slot && i < nr; i++) {
		drop(as, slot + i, OWN_ID_HOST);
		slot[i] = (struct jo_slot){.what = JO_POISON};
	}
}

const struct own_space_ops jo_array_ops = {
	.lock = array_lock,
	.unlock = array_unlock,
	.check_unmapped = array_check_unmapped,
	.lookup = array_lookup,
	.prepare = array_prepare,
	.map = array_map,
	.unmap = array_unmap,
	.poison = array_poison,
};

/* ---- The environment ---- */

static struct jo_world *world_of(struct own_ctx *ctx)
{
	return ((struct jo_aspace *)((char *)ctx->host - offsetof(struct jo_aspace, space)))->world;
}

/* The frames of a range of RAM; false if it is not one. */
static bool ram_range(struct jo_world *world, const char *what, pa_t at, u64 nr, u64 *first)
{
	const struct jo_shape *shape = world->target.shape;
	u64 i;

	*first = jo_frame_of(shape, at.v >> shape->page_shift);
	if (at.v & ((1ull << shape->page_shift) - 1) || !nr)
		jo_problem(&world->target, "%s of %#llx, %llu pages", what, at.v, nr);
	for (i = *first; i < *first + nr; i++)
		if (i >= shape->nr_frames || !shape->region[i]) {
			jo_problem(&world->target, "%s of frame %llu, which is no RAM", what, i);
			return false;
		}
	if (!(world->held & 1u << OWN_ID_HOST))
		jo_problem(&world->target, "%s without the host's lock", what);
	return true;
}

static void array_zero(struct own_ctx *ctx, pa_t at, u64 nr)
{
	struct jo_world *world = world_of(ctx);
	u64 first, f;

	if (!ram_range(world, "zero", at, nr, &first))
		return;
	if (!world->after && !world->unwatched)
		jo_problem(&world->target, "frame %llu is zeroed although the step must be refused",
			   first);
	for (f = first; f < first + nr; f++) {
		if (jo_world_users(world, (u32)f))
			jo_problem(&world->target, "frame %llu is zeroed while it is mapped", f);
		world->data[f] = JO_DATA_ZERO;
	}
}

static void array_clean(struct own_ctx *ctx, pa_t at, u64 nr)
{
	struct jo_world *world = world_of(ctx);
	u64 first, f;

	if (!ram_range(world, "clean", at, nr, &first))
		return;
	for (f = first; f < first + nr; f++)
		world->stale[f] = world->cleaned[f] = 0;
	for (f = first; f < first + nr; f++)
		world->cleaned[f] = 1;
}

const struct own_env_ops jo_array_env = {
	.zero = array_zero,
	.clean = array_clean,
};
