// SPDX-License-Identifier: GPL-2.0-only
/*
 * Found by random runs: with one gather for both, unmap detaches a table, and set_owner
 * puts another in the same entry while the walk caches may still hold the first: a make
 * without its break (Arm ARM D8.16.1). Annotating is not mapping, so the caller has not
 * broken the promise that struct pgt_gather asks for.
 */
#include "pgtable_env.h"

static void owed_invalidation_comes_before_a_new_table(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt_gather gather;

	(void)state;
	pgt_gather_init(&gather);
	env_fill(&w->env, &w->mc, 6);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(0), KiB(4), pa(MiB(1)), PGT_PROT_RW), 0);
	w->op.gather = &gather;
	assert_int_equal(pgt_s2_unmap(&w->pgt, &w->op, ipa(0), KiB(4)), 0);
	assert_int_equal(w->env.plans, 0);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(0), KiB(4), 1), 0);
	assert_true(w->env.plans >= 1);
	pgt_gather_flush(&w->pgt, &gather);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owed_invalidation_comes_before_a_new_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
