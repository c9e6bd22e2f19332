// SPDX-License-Identifier: GPL-2.0-only
/*
 * Found by random runs: pgt_s2_map_pfns() over a leaf that leads elsewhere broke the
 * old entry and made the new one without cleaning the new frame.
 */
#include "pgtable_env.h"

static void replaced_frame_is_cleaned(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40 };
	struct world *w = world_with(&req, &cpu, 0);
	u64 pfn = 0x55;

	(void)state;
	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(0), KiB(4), pa(MiB(1)), PGT_PROT_RW), 0);
	w->env.cleans = 0;
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(0), &pfn, 1, PGT_PROT_RW), 0);
	assert_int_equal(w->env.cleans, 1);
	assert_true(w->env.last_clean.pa == pfn << 12 && w->env.last_clean.size == KiB(4));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_frame_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
