// SPDX-License-Identifier: GPL-2.0-only
/* Owner annotations: what leaves the tables, what stays, what they refuse. */
#include "pgtable_env.h"

static struct world *world(void)
{
	struct world *w = world_s2(12, 48);

	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), GiB(1), pa(GiB(1)),
				    PGT_PROT_RWX), 0);
	return w;
}

static int set_owner(struct world *w, u64 ia, u64 size, u64 owner)
{
	return pgt_s2_set_owner(&w->pgt, &w->op, ipa(ia), size, owner);
}

/* A page leaves a block: the rest keeps its translation, in the largest leaves possible. */
static void test_page_of_a_block(void **state)
{
	struct world *w = world();
	u64 ia = GiB(1) + MiB(4) + KiB(8);

	(void)state;
	assert_int_equal(set_owner(w, ia, KiB(4), 42), 0);
	assert_int_equal(leaf_at(w, ia).kind, PGT_OWNER);
	assert_int_equal(leaf_at(w, ia).owner, 42);
	assert_leaf(w, ia - KiB(4), ia - KiB(4), 3, PGT_PROT_RWX);
	assert_leaf(w, ia + KiB(4), ia + KiB(4), 3, PGT_PROT_RWX);
	assert_leaf(w, GiB(1), GiB(1), 2, PGT_PROT_RWX);
	assert_leaf(w, GiB(2) - MiB(2), GiB(2) - MiB(2), 2, PGT_PROT_RWX);
	/* Two splits, each with its break, and the page. */
	assert_int_equal(w->env.plans, 3);
	assert_int_equal(env_last_plan(&w->env)->op[0].kind, PGT_TLBI_IPAS2LE1);
	assert_true(env_last_plan(&w->env)->op[0].addr == ia);
	world_end(w);
}

static void test_whole_entries_at_their_level(void **state)
{
	struct world *w = world();

	(void)state;
	assert_int_equal(set_owner(w, GiB(1) + MiB(2), MiB(4), 7), 0);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(2)).level, 2);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(4)).owner, 7);
	assert_leaf(w, GiB(1) + MiB(6), GiB(1) + MiB(6), 2, PGT_PROT_RWX);
	/* Part of an annotated block changes hands. */
	assert_int_equal(set_owner(w, GiB(1) + MiB(2) + KiB(4), KiB(4), 8), 0);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(2)).owner, 7);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(2) + KiB(4)).owner, 8);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(2) + KiB(8)).owner, 7);
	/* Nothing was valid there: no invalidation. */
	assert_int_equal(w->env.plans, 2);
	world_end(w);
}

static void test_empty_gets_annotated(void **state)
{
	struct world *w = world();

	(void)state;
	assert_int_equal(set_owner(w, GiB(4), GiB(2), 1), 0);
	assert_int_equal(leaf_at(w, GiB(5)).level, 1);
	assert_int_equal(leaf_at(w, GiB(5)).owner, 1);
	assert_kind(w, GiB(6), PGT_EMPTY);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

static void test_nobody(void **state)
{
	struct world *w = world();
	s32 in_use;

	(void)state;
	in_use = w->env.in_use;
	assert_int_equal(set_owner(w, GiB(4) + KiB(4), KiB(8), 1), 0);
	assert_int_equal(w->mc.count, 13); /* tables of levels 2 and 3 */
	assert_int_equal(set_owner(w, GiB(4), GiB(1), 0), 0);
	assert_kind(w, GiB(4) + KiB(4), PGT_EMPTY);
	/* What became empty is freed. */
	assert_int_equal(w->env.in_use, in_use - 2);
	/* Empty stays empty, without tables. */
	assert_int_equal(set_owner(w, GiB(8) + KiB(4), KiB(4), 0), 0);
	assert_int_equal(w->mc.count, 13);
	/* The same owner again: likewise. */
	assert_int_equal(set_owner(w, GiB(16), GiB(1), 5), 0);
	assert_int_equal(set_owner(w, GiB(16) + KiB(4), KiB(4), 5), 0);
	assert_int_equal(leaf_at(w, GiB(16) + KiB(4)).level, 1);
	/* Nobody's: also takes leaves away. */
	assert_int_equal(set_owner(w, GiB(1) + MiB(2), MiB(2), 0), 0);
	assert_kind(w, GiB(1) + MiB(2), PGT_EMPTY);
	assert_leaf(w, GiB(1), GiB(1), 2, PGT_PROT_RWX);
	world_end(w);
}

static void test_over_tables(void **state)
{
	struct world *w = world();

	(void)state;
	w->op.max_shift = 12;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(4)), MiB(4), pa(GiB(4)),
				    PGT_PROT_R), 0);
	assert_int_equal(set_owner(w, GiB(4) - KiB(4), MiB(4) + KiB(8), PGT_OWNER_MAX), 0);
	assert_true(leaf_at(w, GiB(4) - KiB(4)).owner == PGT_OWNER_MAX);
	assert_true(leaf_at(w, GiB(4) + MiB(3)).owner == PGT_OWNER_MAX);
	assert_true(leaf_at(w, GiB(4) + MiB(4)).owner == PGT_OWNER_MAX);
	assert_kind(w, GiB(4) + MiB(4) + KiB(4), PGT_EMPTY);
	assert_int_equal(w->env.plans, 1);
	world_end(w);
}

static void test_refusals(void **state)
{
	struct world *w = world();

	(void)state;
	assert_int_equal(set_owner(w, GiB(1), KiB(4), PGT_OWNER_MAX + 1), -EINVAL);
	assert_int_equal(set_owner(w, GiB(1), 0, 1), -EINVAL);
	assert_int_equal(set_owner(w, 1ULL << 48, KiB(4), 1), -ERANGE);
	assert_leaf(w, GiB(1), GiB(1), 1, PGT_PROT_RWX);
	env_drain(&w->env, &w->mc);
	assert_int_equal(set_owner(w, GiB(1) + KiB(4), KiB(4), 1), -ENOMEM);
	assert_true(w->op.done == 0);
	assert_leaf(w, GiB(1) + KiB(4), GiB(1) + KiB(4), 1, PGT_PROT_RWX);
	/* One table: 2 MiB in, the rest has to wait. */
	env_fill(&w->env, &w->mc, 1);
	assert_int_equal(set_owner(w, GiB(1), MiB(2) + KiB(4), 1), -ENOMEM);
	assert_true(w->op.done == MiB(2));
	assert_int_equal(leaf_at(w, GiB(1)).owner, 1);
	assert_leaf(w, GiB(1) + MiB(2), GiB(1) + MiB(2), 2, PGT_PROT_RWX);
	world_end(w);
}

static void test_gather_and_budget(void **state)
{
	struct world *w = world();
	struct pgt_gather g;
	u64 done = 0;

	(void)state;
	pgt_gather_init(&g);
	w->op.gather = &g;
	w->op.budget = 3;
	while (done < MiB(16)) {
		assert_int_equal(set_owner(w, GiB(1) + done, MiB(16) - done, 6), 0);
		assert_true(w->op.done <= MiB(6));
		done += w->op.done;
	}
	/* The split; the rest is the caller's. */
	assert_int_equal(w->env.plans, 1);
	assert_true(g.start == GiB(1) && g.end == GiB(1) + MiB(16));
	pgt_gather_flush(&w->pgt, &g);
	assert_int_equal(w->env.plans, 2);
	assert_ptr_equal(w->op.gather, &g);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_of_a_block),
		cmocka_unit_test(test_whole_entries_at_their_level),
		cmocka_unit_test(test_empty_gets_annotated),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_over_tables),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_gather_and_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
