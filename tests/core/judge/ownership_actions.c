// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences: choosing, running, shrinking.
 */
#include "ownership_actions.h"

/* How often each step is chosen. */
static const u8 weight[JO_NR_OPS + 1] = {
	[JO_HOST_SHARE_HYP] = 6,
	[JO_HOST_UNSHARE_HYP] = 6,
	[JO_HOST_DONATE_HYP] = 6,
	[JO_HYP_DONATE_HOST] = 6,
	[JO_HYP_PIN] = 2,
	[JO_HYP_UNPIN] = 4,
	[JO_HOST_SHARE_GUEST] = 12,
	[JO_HOST_UNSHARE_GUEST] = 8,
	[JO_HOST_DONATE_GUEST] = 14,
	[JO_GUEST_SHARE_HOST] = 8,
	[JO_GUEST_UNSHARE_HOST] = 6,
	[JO_GUEST_DONATE_HOST] = 5,
	[JO_GUEST_RECLAIM] = 8,
	[JO_GUEST_FORCE_RECLAIM] = 3,
	[JO_HOST_DONATE_DEVICE] = 5,
	[JO_DEVICE_RETURN] = 5,
	[JO_HOST_SHARE_DEVICE] = 6,
	[JO_HOST_UNSHARE_PAGES] = 8,
	[JO_GUEST_KILL] = 1,
	[JO_GUEST_DRAIN] = 2,
	[JO_GUEST_RECYCLE] = 3,
	[JO_NR_OPS] = 20,
};

static u32 choose_op(struct rng *rng)
{
	u32 total = 0, op, at;

	for (op = 0; op <= JO_NR_OPS; op++)
		total += weight[op];
	at = (u32)rng_below(rng, total);
	for (op = 0; at >= weight[op]; op++)
		at -= weight[op];
	return op;
}

static u32 rights(struct rng *rng)
{
	static const u8 choice[] = {OWN_PROT_R,   OWN_PROT_RW,
				    OWN_PROT_RWX, OWN_PROT_R | OWN_PROT_X,
				    OWN_PROT_W,   OWN_PROT_RW | OWN_PROT_DEVICE};

	return choice[rng_chance(rng, 5) ? 4 + rng_below(rng, 2) : rng_below(rng, 4)];
}

static u32 device_rights(struct rng *rng)
{
	static const u8 choice[] = {
		OWN_PROT_RW | OWN_PROT_DEVICE,	OWN_PROT_R | OWN_PROT_DEVICE,
		OWN_PROT_RW | OWN_PROT_NC,	OWN_PROT_R | OWN_PROT_NC,
		OWN_PROT_RWX | OWN_PROT_DEVICE, OWN_PROT_W | OWN_PROT_NC,
		OWN_PROT_RW | OWN_PROT_DEVICE | OWN_PROT_NC, OWN_PROT_RW,
	};

	return choice[rng_chance(rng, 5) ? 4 + rng_below(rng, 4) : rng_below(rng, 4)];
}

/* A range somewhere; stays inside a guest whose addresses go on behind its last frame. */
static void choose_range(const struct jm_machine *m, struct jo_step *step, struct rng *rng)
{
	const struct jo_shape *shape = &m->shape;

	step->guest = (u32)rng_below(rng, shape->nr_guests);
	step->prot = step->op == JO_HOST_SHARE_DEVICE ? device_rights(rng) : rights(rng);
	step->pfn = shape->pfn + rng_below(rng, shape->nr_frames);
	step->gfn = rng_below(rng, shape->nr_gfns);
	step->nr = 1 + rng_below(rng, rng_chance(rng, 25) && m->pool_pages < 100 ? 12 : 3);
	if (!m->gfn_at_top[step->guest] && step->nr > shape->nr_gfns - step->gfn)
		step->nr = shape->nr_gfns - step->gfn;
	/* Device pages outside of the world are not the model's. */
	if (step->op == JO_HOST_DONATE_DEVICE &&
	    step->nr > shape->nr_frames - (step->pfn - shape->pfn))
		step->nr = shape->nr_frames - (step->pfn - shape->pfn);
	if (step->op < JO_HOST_SHARE_GUEST)
		step->guest = 0;
}

struct ja_action ja_choose(const struct jm_machine *m, const struct jo_model *model,
			   struct rng *rng)
{
	struct ja_action action = {.step.op = (enum jo_op)choose_op(rng)};
	bool anything = rng_chance(rng, 15);
	u32 tries;

	action.door = (u8)rng_below(rng, JO_NR_DOORS);
	action.starve = rng_chance(rng, 20);
	for (tries = 0; tries < 80; tries++) {
		if (tries % 16 == 15)
			action.step.op = (enum jo_op)choose_op(rng);
		choose_range(m, &action.step, rng);
		if (anything || action.step.op == JO_NR_OPS || rng->dry ||
		    !jo_model_refusals(model, &action.step))
			break;
	}
	if (action.step.op == JO_NR_OPS || !jo_step_fits(&action.step, action.door))
		action.door = JO_DOOR_FUNCTION;
	return action;
}

bool ja_do(struct jm_machine *m, struct jo_model *model, const struct ja_action *action,
	   struct ja_tally *tally)
{
	const struct jo_step *step = &action->step;

	if (step->op == JO_NR_OPS) {
		tally->touched++;
		return jm_touch(m, model, (u32)(step->pfn - m->shape.pfn),
				step->gfn * 37 & ((1ull << m->target.chunk_shift) - 1));
	}
	if (jo_model_refusals(model, step)) {
		tally->refused++;
	} else {
		tally->done++;
		tally->op[step->op]++;
	}
	return jm_step(m, model, step, action->door, action->starve);
}

static bool begin(struct jm_machine *m, struct jo_model *model, u64 shape_seed)
{
	struct rng rng = rng_seeded(shape_seed);

	return jm_start(m, &rng, NULL, model);
}

bool ja_run(struct jm_machine *m, struct ja_sequence *seq, u64 seed, u32 nr, struct ja_tally *tally)
{
	static struct jo_model model;
	struct rng rng = rng_seeded(seed * 2 + 1);

	seq->shape_seed = seed;
	seq->nr = 0;
	if (!begin(m, &model, seed))
		return false;
	while (seq->nr < nr) {
		seq->action[seq->nr] = ja_choose(m, &model, &rng);
		if (!ja_do(m, &model, &seq->action[seq->nr++], tally))
			return false;
	}
	return jm_stop(m, &model);
}

bool ja_replay(struct jm_machine *m, const struct ja_sequence *seq, u32 *failed_at)
{
	static struct jo_model model;
	static struct ja_tally tally;

	*failed_at = 0;
	if (!begin(m, &model, seq->shape_seed))
		return false;
	for (; *failed_at < seq->nr; ++*failed_at)
		if (!ja_do(m, &model, &seq->action[*failed_at], &tally))
			return false;
	return jm_stop(m, &model);
}

static void cut(struct ja_sequence *seq, u32 at, u32 nr)
{
	memmove(&seq->action[at], &seq->action[at + nr],
		(seq->nr - at - nr) * sizeof(seq->action[0]));
	seq->nr -= nr;
}

void ja_shrink(struct jm_machine *m, struct ja_sequence *seq)
{
	static struct ja_sequence less;
	u32 piece, at, failed_at, runs = 0;

	for (piece = seq->nr / 2; piece; piece /= 2)
		for (at = 0; at + piece <= seq->nr && runs < 2000; runs++) {
			less = *seq;
			cut(&less, at, piece);
			if (ja_replay(m, &less, &failed_at)) {
				at += piece;
				continue;
			}
			if (failed_at < less.nr)
				less.nr = failed_at + 1;
			*seq = less;
		}
}

void ja_print(struct jm_machine *m, const struct ja_sequence *seq)
{
	static const char *const door[] = {"", " (own_apply)", " (own_apply_batch)"};
	char text[128];
	u32 i;

	jm_print(m);
	for (i = 0; i < seq->nr; i++) {
		const struct ja_action *action = &seq->action[i];

		if (action->step.op == JO_NR_OPS)
			printf("  host touches frame %llu, at %llu\n",
			       action->step.pfn - m->shape.pfn, action->step.gfn);
		else
			printf("  %s%s%s\n", jo_step_text(&action->step, text, sizeof(text)),
			       door[action->door], action->starve ? ", short of memory" : "");
	}
}
