// SPDX-License-Identifier: GPL-2.0-only
/* Listing what tables hold. */
#include "pgtable_env.h"

struct seen {
	struct pgt_leaf leaf[32];
	u32 n;
	u32 stop_at; /* end the walk at this call; 0: never */
};

static int see(void *arg, const struct pgt_leaf *leaf)
{
	struct seen *seen = arg;

	assert_true(seen->n < 32);
	seen->leaf[seen->n++] = *leaf;
	return seen->n == seen->stop_at ? 1234 : 0;
}

static struct world *world(void)
{
	struct world *w = world_s2(12, 40);

	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), MiB(2), pa(GiB(3)), PGT_PROT_RW),
			 0);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1) + MiB(2) + KiB(4)), KiB(8),
				    pa(GiB(5)), PGT_PROT_R), 0);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(1) + MiB(2) + KiB(16)), KiB(4),
					  77), 0);
	return w;
}

static void check(const struct pgt_leaf *leaf, enum pgt_kind kind, u64 ia, u64 size)
{
	assert_int_equal(leaf->kind, kind);
	assert_true(leaf->ia == ia);
	assert_true(leaf->size == size);
}

static void test_all(void **state)
{
	struct world *w = world();
	struct seen seen = { .n = 0 };
	u64 base = GiB(1) + MiB(2);

	(void)state;
	assert_int_equal(pgt_walk(&w->pgt, &w->op, 0, GiB(4), see, &seen), 0);
	assert_true(w->op.done == GiB(4));
	assert_int_equal(seen.n, 10);
	check(&seen.leaf[0], PGT_EMPTY, 0, GiB(1));
	check(&seen.leaf[1], PGT_LEAF, GiB(1), MiB(2));
	assert_true(seen.leaf[1].pa.v == GiB(3) && seen.leaf[1].prot == PGT_PROT_RW);
	check(&seen.leaf[2], PGT_EMPTY, base, KiB(4));
	check(&seen.leaf[3], PGT_LEAF, base + KiB(4), KiB(4));
	check(&seen.leaf[4], PGT_LEAF, base + KiB(8), KiB(4));
	assert_true(seen.leaf[4].pa.v == GiB(5) + KiB(4));
	check(&seen.leaf[5], PGT_EMPTY, base + KiB(12), KiB(4));
	check(&seen.leaf[6], PGT_OWNER, base + KiB(16), KiB(4));
	assert_true(seen.leaf[6].owner == 77);
	check(&seen.leaf[7], PGT_EMPTY, base + KiB(20), MiB(2) - KiB(20));
	check(&seen.leaf[8], PGT_EMPTY, GiB(1) + MiB(4), GiB(1) - MiB(4));
	check(&seen.leaf[9], PGT_EMPTY, GiB(2), GiB(2));
	world_end(w);
}

static void test_part_of_a_block(void **state)
{
	struct world *w = world();
	struct seen seen = { .n = 0 };

	(void)state;
	assert_int_equal(pgt_walk(&w->pgt, &w->op, GiB(1) + MiB(1), KiB(4), see, &seen), 0);
	assert_int_equal(seen.n, 1);
	check(&seen.leaf[0], PGT_LEAF, GiB(1), MiB(2));
	assert_true(w->op.done == KiB(4));
	world_end(w);
}

static void test_stop(void **state)
{
	struct world *w = world();
	struct seen seen = { .stop_at = 3 };

	(void)state;
	assert_int_equal(pgt_walk(&w->pgt, &w->op, 0, GiB(4), see, &seen), 1234);
	assert_int_equal(seen.n, 3);
	assert_true(w->op.done == GiB(1) + MiB(2) + KiB(4));
	assert_int_equal(pgt_walk(&w->pgt, &w->op, 5, GiB(4), see, &seen), -EINVAL);
	assert_int_equal(pgt_walk(&w->pgt, &w->op, 1ULL << 40, GiB(4), see, &seen), -ERANGE);
	world_end(w);
}

static void test_budget(void **state)
{
	struct world *w = world();
	struct seen seen = { .n = 0 };
	u64 done = 0;
	u32 calls = 0;

	(void)state;
	w->op.budget = 2;
	for (; done < MiB(2) + KiB(16); done += w->op.done, calls++)
		assert_int_equal(pgt_walk(&w->pgt, &w->op, GiB(1) + done,
					  MiB(2) + KiB(16) - done, see, &seen), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(seen.n, 5);
	world_end(w);
}

static void test_get_leaf_range(void **state)
{
	struct world *w = world();
	struct pgt_leaf leaf;

	(void)state;
	assert_int_equal(pgt_s2_get_leaf(&w->pgt, ipa(1ULL << 40), &leaf), -ERANGE);
	leaf = leaf_at(w, GiB(2) + 123);
	assert_int_equal(leaf.kind, PGT_EMPTY);
	assert_true(leaf.ia == GiB(2) && leaf.size == GiB(1));
	leaf = leaf_at(w, GiB(1) + 123);
	assert_true(leaf.ia == GiB(1) && leaf.pa.v == GiB(3));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_part_of_a_block),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_get_leaf_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
