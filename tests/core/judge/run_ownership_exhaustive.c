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
#include "ownership_step.h"
#include "rng.h"

#define MAX_STEPS 1024
#define MAX_PINS  1

struct explorer {
	struct jo_shape shape;
	struct jo_world world;
	struct jo_step step[MAX_STEPS];
	u32 nr_steps, nr_useful;
	u64 *seen; /* open addressing; 0: free */
	u64 mask;
	u64 *queue;
	u64 head, tail;
	struct jo_tally tally;
	u64 batches;
};

/* ---- States as numbers ---- */

static u64 pack(const struct jo_model *model)
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

			key = key << 3 | (page ? slot->frame : slot->what == JO_NOTHING ? 7 : 6);
		}
	}
	return key;
}

/* The rights with which an ordinary guest gets what is at @gfn: no part of the number. */
static u32 rights_at(u64 gfn)
{
	return gfn ? OWN_PROT_R : OWN_PROT_RWX;
}

static void unpack_slot(struct jo_model *model, u32 g, u32 gfn, u32 code)
{
	struct jo_slot *slot = &model->guest[g].slot[gfn];
	struct jo_frame *frame = &model->frame[code];

	*slot = (struct jo_slot){.what = code == 6 ? JO_POISON : JO_NOTHING};
	if (code >= 6)
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

static void unpack(struct jo_model *model, u64 key)
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

/* True if the state is new. */
static bool add(struct explorer *ex, u64 key)
{
	u64 at = (key * 0x9e3779b97f4a7c15ull) >> 32 & ex->mask;

	while (ex->seen[at]) {
		if (ex->seen[at] == key)
			return false;
		at = (at + 1) & ex->mask;
	}
	ex->seen[at] = key;
	ex->queue[ex->tail++] = key;
	if (ex->tail > ex->mask / 2) {
		fprintf(stderr, "judge: more states than expected\n");
		exit(2);
	}
	return true;
}

/* ---- Steps ---- */

static void add_step(struct explorer *ex, struct jo_step step)
{
	if (ex->nr_steps == MAX_STEPS)
		exit(2);
	ex->step[ex->nr_steps++] = step;
}

static bool names_frame(enum jo_op op)
{
	return op <= JO_HOST_SHARE_GUEST || op == JO_HOST_DONATE_GUEST ||
	       op == JO_HOST_DONATE_DEVICE;
}

static u32 last_gfn(const struct explorer *ex, enum jo_op op)
{
	return op < JO_HOST_SHARE_GUEST ? 0 : ex->shape.nr_gfns - 1;
}

/* All ranges of 1 to 3 pages that begin in the world. */
static void add_ranges(struct explorer *ex, enum jo_op op, u32 guest)
{
	struct jo_step step = {.op = op, .guest = guest};
	u32 f;

	for (f = 0; f < (names_frame(op) ? ex->shape.nr_frames : 1); f++)
		for (step.gfn = 0; step.gfn <= last_gfn(ex, op); step.gfn++)
			for (step.nr = 1; step.nr <= 3; step.nr++) {
				step.pfn = ex->shape.pfn + f;
				step.prot = rights_at(step.gfn);
				add_step(ex, step);
			}
}

/* Ranges that no state makes right. */
static void add_nonsense(struct explorer *ex, enum jo_op op)
{
	u64 top = 1ull << (52 - ex->shape.page_shift);
	const struct {
		u64 at, nr;
	} range[] = {
		{0, 0}, {~0ull, 1}, {~0ull, 2}, {1, ~0ull}, {top - 1, 2}, {top, 1},
	};
	struct jo_step step = {.op = op, .pfn = ex->shape.pfn, .prot = OWN_PROT_RW};
	u32 i;

	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		step.nr = range[i].nr;
		if (names_frame(op)) {
			step.pfn = range[i].nr ? range[i].at : ex->shape.pfn;
			step.gfn = 0;
			add_step(ex, step);
			step.pfn = ex->shape.pfn;
		}
		step.gfn = range[i].at;
		if (op >= JO_HOST_SHARE_GUEST)
			add_step(ex, step);
	}
	if (!names_frame(op))
		return;
	step = (struct jo_step){.op = op, .pfn = ex->shape.pfn - 1, .nr = 2, .prot = OWN_PROT_R};
	add_step(ex, step);
}

static void add_bad_rights(struct explorer *ex)
{
	static const u32 prot[] = {0, OWN_PROT_W, OWN_PROT_RW | OWN_PROT_DEVICE};
	struct jo_step step = {.op = JO_HOST_SHARE_GUEST,
			       .guest = ex->shape.nr_guests - 1,
			       .pfn = ex->shape.pfn,
			       .nr = 1};
	u32 i;

	for (i = 0; i < 3; i++) {
		step.prot = prot[i];
		add_step(ex, step);
	}
}

static void add_steps(struct explorer *ex)
{
	enum jo_op op;
	u32 g;

	for (op = 0; op < JO_GUEST_KILL; op++)
		for (g = 0; g < (op < JO_HOST_SHARE_GUEST ? 1 : ex->shape.nr_guests); g++)
			add_ranges(ex, op, g);
	for (g = 0; g < ex->shape.nr_guests; g++) {
		add_step(ex, (struct jo_step){.op = JO_GUEST_KILL, .guest = g});
		add_step(ex, (struct jo_step){.op = JO_GUEST_DRAIN, .guest = g, .nr = 1});
		add_step(ex, (struct jo_step){.op = JO_GUEST_DRAIN, .guest = g, .nr = 3});
		add_step(ex, (struct jo_step){.op = JO_GUEST_RECYCLE, .guest = g});
	}
	ex->nr_useful = ex->nr_steps;
	for (op = 0; op < JO_GUEST_KILL; op++)
		add_nonsense(ex, op);
	add_bad_rights(ex);
}

/* ---- The exploration ---- */

static void complain(struct explorer *ex, const struct jo_model *from, const char *step)
{
	printf("FAILED: %s\n  step: %s\n  state %llu, from which it was done:\n",
	       ex->world.target.problem, step, ex->head);
	jo_model_print(from);
}

static bool too_many_pins(const struct jo_model *model)
{
	u32 f;

	for (f = 0; f < model->shape->nr_frames; f++)
		if (model->frame[f].pins > MAX_PINS)
			return true;
	return false;
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
	if (!too_many_pins(&model))
		add(ex, pack(&model));
	jo_world_restore(world, saved);
	if (step->op == JO_GUEST_DRAIN) /* may have done a part of it, which is progress */
		return true;
	return jo_step_starve(world, step, door, prepares, saved, &ex->tally);
}

/* A batch of three: the first refusal ends it, what came before it stays done. */
static bool try_batch(struct explorer *ex, const struct jo_model *from, struct rng *rng,
		      const void *saved)
{
	struct jo_step step = ex->step[rng_below(rng, ex->nr_useful)];
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
	u32 i, nr = number % 16 ? ex->nr_useful : ex->nr_steps;
	char text[128];

	unpack(&from, key);
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

		if (!jo_step_fits(&ex->step[i], door))
			door = JO_DOOR_FUNCTION;
		if (try_step(ex, &from, &ex->step[i], door, saved))
			continue;
		complain(ex, &from, jo_step_text(&ex->step[i], text, sizeof(text)));
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
		for (i = 0; i < ex->nr_useful; i++) {
			model = from;
			if (!jo_step_run(&ex->world, &model, &ex->step[i], JO_DOOR_FUNCTION, saved,
					 &ex->tally)) {
				complain(ex, &from, jo_step_text(&ex->step[i], text, sizeof(text)));
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
	add(ex, pack(&start));
	ok = try_limits(ex, saved);
	while (ok && ex->head < ex->tail) {
		ok = explore_state(ex, ex->head, ex->queue[ex->head], saved);
		ex->head++;
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
	       ex->tail, ex->tally.done + ex->tally.refused + ex->tally.starved, ex->tally.done,
	       ex->tally.refused, ex->tally.starved);
	printf("ok: invariants 1, 3, 4 and 5, listings and questions in each; %llu batches\n",
	       ex->batches);
	if (kinds == JO_NR_OPS)
		printf("ok: each of %u steps succeeds somewhere\n", JO_NR_OPS);
}

static void set_up(struct explorer *ex, bool quick)
{
	static const u8 region[] = {1, 1, 0, 2};

	memcpy(ex->shape.region, region, sizeof(region));
	ex->shape.pfn = 0x80010;
	ex->shape.va_offset = 0xffff800000000000ull - 0x1000;
	ex->shape.nr_frames = 4;
	ex->shape.nr_guests = quick ? 2 : 3;
	ex->shape.nr_gfns = 2;
	ex->shape.max_devices = 2;
	ex->shape.page_shift = 12;
	ex->shape.guarded[0] = true;
	ex->shape.guarded[1] = !quick;
	ex->mask = (1ull << (quick ? 17 : 21)) - 1;
	ex->seen = calloc(ex->mask + 1, sizeof(u64));
	ex->queue = calloc(ex->mask + 1, sizeof(u64));
	if (!ex->seen || !ex->queue)
		exit(2);
	jo_world_init(&ex->world, &ex->shape);
	add_steps(ex);
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
	free(ex.seen);
	free(ex.queue);
	printf("%d passed, %d failed\n", ok ? 3 : 0, !ok);
	return !ok;
}
