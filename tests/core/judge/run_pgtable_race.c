// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs in shared operations on the same addresses, in every order that counts.
 *
 * On a random state, one shared operation runs; before its n-th access to a table a
 * second one runs from beginning to end, as another CPU's might; for every n, until the
 * first operation has no n-th access. Both then return, what they return must be
 * possible, what each page leads to must come from one of them or from before, no entry
 * may stay locked, no page be lost, nothing elsewhere change; and the TLB model has
 * watched all of it.
 *
 *	run_pgtable_race [--seed N] [--quick]
 */
#include "expect.h"
#include "sequence.h"

#define STATES     600
#define PAGES      12
#define MAX_ACCESS 400

struct duel {
	struct world *w;
	struct op outer, inner;
	struct pgt_memcache mc;
	u32 countdown; /* accesses until the inner operation runs */
	bool fought;
	int outer_rc, inner_rc;
};

static struct world world;
static struct sequence seq;
static u64 races, lost, orders;

static int shared(struct world *w, const struct op *op, struct pgt_memcache *mc)
{
	struct pgt_op p = {.flags = PGT_OP_SHARED | (op->flags & PGT_OP_REPLACE),
			   .max_shift = op->max_shift,
			   .mc = mc};
	struct pgt_leaf leaf;

	switch (op->kind) {
	case OP_S2_MAP:
		return pgt_s2_map(&w->pgt, &p, ipa(op->ia), op->size, pa(op->to), op->prot);
	case OP_S2_SPLIT:
		return pgt_s2_split(&w->pgt, &p, ipa(op->ia), op->size);
	case OP_S2_MKYOUNG:
		return pgt_s2_mkyoung(&w->pgt, ipa(op->ia));
	case OP_S2_RELAX:
		return pgt_s2_relax_perms(&w->pgt, ipa(op->ia), op->prot & PGT_PROT_RW, 0);
	case OP_S2_FLUSH:
		return pgt_s2_flush(&w->pgt, &p, ipa(op->ia), op->size);
	default:
		return pgt_s2_get_leaf(&w->pgt, ipa(op->ia), &leaf);
	}
}

static void before_access(void *ctx, const u64 *slot)
{
	struct duel *d = ctx;

	if (!mem_holds_host(&d->w->mem, slot) || d->fought || d->countdown--)
		return;
	d->fought = true;
	d->inner_rc = shared(d->w, &d->inner, &d->mc);
}

/* The world's own listener stays; only the hook before accesses is ours. */
struct both {
	judge_write_fn *fn;
	void *ctx;
	struct duel *duel;
};

static void on_write(void *ctx, const u64 *slot, u64 was, u64 now)
{
	struct both *both = ctx;

	both->fn(both->ctx, slot, was, now);
}

static void on_before(void *ctx, const u64 *slot)
{
	struct both *both = ctx;

	before_access(both->duel, slot);
}

static void fill(struct world *w, struct pgt_memcache *mc)
{
	while (mc->count < PAGES)
		pgt_memcache_push(mc, mem_alloc_rubbish(&w->mem));
}

static void drain(struct world *w, struct pgt_memcache *mc)
{
	void *page;

	while ((page = pgt_memcache_pop(mc))) {
		tlb_on_free(&w->tlb, page);
		if (!world_problem(w))
			mem_free(&w->mem, page);
	}
}

static void fight(struct duel *d)
{
	struct world *w = d->w;
	struct both both = {.fn = judge_ear.fn, .ctx = judge_ear.ctx, .duel = d};
	struct judge_ear usual = judge_ear;
	struct pgt_memcache mc = {0};

	d->mc = (struct pgt_memcache){0};
	fill(w, &mc);
	fill(w, &d->mc);
	world_begin(w);
	judge_ear = (struct judge_ear){.fn = on_write, .before = on_before, .ctx = &both};
	d->outer_rc = shared(w, &d->outer, &mc);
	judge_ear = usual;
	if (!world_problem(w)) {
		drain(w, &mc);
		drain(w, &d->mc);
		world_end(w);
	}
}

/* ---- What may come of it ---- */

static bool covers(const struct op *op, u64 ia)
{
	return op->kind == OP_S2_MAP && ia >= op->ia && ia - op->ia < op->size;
}

static bool leads(const struct op *op, u64 ia, const struct walk_result *now)
{
	return covers(op, ia) && now->fault == WALK_OK && now->oa == op->to + (ia - op->ia);
}

/* One page after the duel: from one of the operations, or as it was. */
static void check_page(struct duel *d, u64 ia)
{
	struct walk_result now = world_walk(d->w, ia);
	const struct flat_run *run = flat_find(&d->w->flat, ia, NULL);
	bool as_before, done;

	if (run && run->st.kind == FLAT_LEAF)
		as_before = now.fault == WALK_OK && now.oa == run->pa + (ia - run->start);
	else
		as_before = now.fault == WALK_TRANSLATION;
	done = (covers(&d->outer, ia) && !d->outer_rc) || (covers(&d->inner, ia) && !d->inner_rc);
	if (leads(&d->outer, ia, &now) || leads(&d->inner, ia, &now))
		return;
	if (done)
		world_fail(d->w, "%#llx leads to %#llx (%s) after a map that returned 0", ia,
			   now.oa, walk_fault_name(now.fault));
	else if (!as_before)
		world_fail(d->w, "%#llx leads to %#llx (%s), which nobody asked for", ia, now.oa,
			   walk_fault_name(now.fault));
}

static bool possible_rc(const struct op *op, int rc)
{
	if (rc == 0 || rc == -EAGAIN)
		return true;
	if (op->kind == OP_S2_MAP)
		return rc == -EPERM || rc == -ENOMEM;
	if (op->kind == OP_S2_SPLIT)
		return rc == -ENOMEM;
	return (op->kind == OP_S2_MKYOUNG || op->kind == OP_S2_RELAX) && rc == -ENOENT;
}

/* Takes what is there over into the flat map, so that everything else can be compared. */
static void take_over(struct world *w, u64 ia, u64 size)
{
	u64 at = exec_leaf_start(w, ia), end = exec_leaf_end(w, ia + size - 1);

	while (at < end) {
		struct walk_result now = world_walk(w, at);
		u64 step = walk_level_size(&w->reg, now.level);
		struct pgt_leaf leaf;

		if (pgt_s2_get_leaf(&w->pgt, ipa(at), &leaf) || leaf.kind == PGT_LOCKED)
			world_fail(w, "%#llx is left locked", at);
		if (now.fault == WALK_OK) {
			struct flat_state st = {.kind = FLAT_LEAF,
						.prot = leaf.prot &
							~(PGT_PROT_OLD | PGT_PROT_CLEAN),
						.young = now.af,
						.dirty = now.dirty,
						.dbm = now.dbm};

			flat_set(&w->flat, at, at + step, &st, now.oa);
		}
		at = (at & ~(step - 1)) + step;
	}
}

static void judge_duel(struct duel *d)
{
	struct world *w = d->w;
	u64 page = (u64)1 << w->geo.granule_shift, at;
	const struct op *ops[2] = {&d->outer, &d->inner};
	int i;

	if (!possible_rc(&d->outer, d->outer_rc) || !possible_rc(&d->inner, d->inner_rc))
		world_fail(w, "the operations return %d and %d", d->outer_rc, d->inner_rc);
	for (i = 0; i < 2; i++)
		for (at = 0; at < ops[i]->size && !world_problem(w); at += page)
			check_page(d, ops[i]->ia + at);
	for (i = 0; i < 2 && !world_problem(w); i++)
		take_over(w, ops[i]->ia, ops[i]->size);
	if (!world_problem(w))
		scan_all(w);
}

/* ---- Making them ---- */

static void random_duelist(struct op *op, const struct op *like, struct rng *rng)
{
	static const u8 kinds[] = {OP_S2_MAP,     OP_S2_MAP,   OP_S2_MAP, OP_S2_MAP,  OP_S2_SPLIT,
				   OP_S2_MKYOUNG, OP_S2_RELAX, OP_LOOK,   OP_S2_FLUSH};
	const struct pgt_geometry *geo = &world.geo;
	u64 page = (u64)1 << geo->granule_shift, block = pgt_level_size(geo, 2);

	op_random(op, &seq.spec, geo, like, rng);
	op->kind = kinds[rng_below(rng, sizeof(kinds))];
	op->flags = rng_chance(rng, 40) ? PGT_OP_REPLACE : 0;
	op->prot = PGT_PROT_R | (rng_chance(rng, 50) ? PGT_PROT_W : 0);
	op->ia = like->ia & ~(page - 1);
	op->size = page * (1 + rng_below(rng, 3));
	op->max_shift = rng_chance(rng, 50) ? geo->granule_shift : 0;
	if (rng_chance(rng, 40) && pgt_level_has_leaf(geo, 2) && geo->start_level <= 2) {
		op->ia &= ~(block - 1);
		op->size = block;
		op->max_shift = 0;
	}
	if (op->ia + op->size > (u64)1 << geo->ia_bits)
		op->size = page;
	op->to = rng_chance(rng, 70) ? op->ia & (((u64)1 << geo->oa_bits) - 1) : 0;
	if (op->to + op->size > (u64)1 << geo->oa_bits)
		op->to = 0;
}

static bool replay(void)
{
	u32 i;

	if (!world_start(&world, &seq.spec))
		return false;
	world.thorough = false;
	for (i = 0; i < seq.n && !world_problem(&world); i++)
		op_run(&world, &seq.op[i]);
	if (!world_problem(&world))
		exec_flush_gather(&world);
	return !world_problem(&world);
}

static void complain(struct duel *d, u32 access)
{
	printf("  %s\n  when before access %u of the last but one comes the last of:\n",
	       world_problem(d->w), access);
	sequence_print(&seq);
	op_print(&d->outer);
	op_print(&d->inner);
	printf("  they return %d and %d\n", d->outer_rc, d->inner_rc);
	expect_failures++;
}

static void every_order(struct duel *d)
{
	u32 access;

	for (access = 0; access < MAX_ACCESS && !expect_failures; access++) {
		d->countdown = access;
		d->fought = false;
		d->inner_rc = 0;
		if (replay())
			fight(d);
		if (!world_problem(d->w) && d->fought)
			judge_duel(d);
		if (world_problem(d->w))
			complain(d, access);
		if (!d->fought)
			break;
		orders++;
		lost += d->outer_rc == -EAGAIN || d->inner_rc == -EAGAIN;
	}
	races++;
}

static void one_state(u64 seed)
{
	struct rng rng = rng_seeded(seed);
	struct duel d = {.w = &world};
	const struct op *like;
	u32 i;

	do {
		sequence_make(&seq, &rng, 5);
	} while (seq.spec.req.stage != PGT_STAGE2);
	for (i = 0; i < seq.n; i++)
		seq.op[i].budget = 0;
	if (!replay()) {
		complain(&d, 0);
		return;
	}
	like = &seq.op[rng_below(&rng, seq.n)];
	if (exec_want_range(&world, like->ia, like->size))
		return;
	random_duelist(&d.outer, like, &rng);
	random_duelist(&d.inner, &d.outer, &rng);
	every_order(&d);
}

int main(int argc, char **argv)
{
	u64 seed = 1, states = STATES, k;
	char words[128];
	int i, failed;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick"))
			states /= 6;
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
	}
	printf("# seed %llu\n", seed);
	world_init(&world);
	for (k = 0; k < states && !expect_failures; k++)
		one_state(seed * 1000003 + k);
	expect(orders > 2 * races && lost > 0);
	snprintf(words, sizeof(words), "%llu pairs of shared operations in %llu orders, %llu lost",
		 races, orders, lost);
	failed = expect_done(words);
	world_fini(&world);
	return failed;
}
