// SPDX-License-Identifier: GPL-2.0-only
/* Unmapping, empty tables, gathered invalidation, the end of a set of tables. */
#include "pgtable_env.h"

static void map(struct world *w, u64 ia, u64 size, u8 max_shift)
{
	struct pgt_op op = { .mc = &w->mc, .max_shift = max_shift };

	env_fill(&w->env, &w->mc, (u32)pgt_map_pages_needed(&w->geo, ia, size, 0));
	assert_int_equal(pgt_s2_map(&w->pgt, &op, ipa(ia), size, pa(ia), PGT_PROT_RWX), 0);
	env_drain(&w->env, &w->mc);
}

static int unmap(struct world *w, u64 ia, u64 size)
{
	return pgt_s2_unmap(&w->pgt, &w->op, ipa(ia), size);
}

/* 1 GiB of pages: one plan, a handful of instructions, all tables back. */
static void test_one_gib(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	map(w, GiB(1), GiB(1), 12);
	assert_int_equal(w->env.in_use, 513);
	assert_int_equal(unmap(w, GiB(1), GiB(1)), 0);
	assert_true(w->op.done == GiB(1));
	assert_int_equal(w->env.in_use, 0);
	assert_int_equal(w->env.plans, 1);
	assert_in_range(w->env.plan[0].n, 1, 6);
	assert_kind(w, GiB(1), PGT_EMPTY);
	world_end(w);
}

static void unmap_in_steps(struct world *w, u64 step, bool down)
{
	u64 i, n = MiB(4) / step;

	map(w, GiB(1), MiB(4), 12);
	for (i = 0; i < n; i++) {
		assert_int_equal(w->env.in_use > 0, 1);
		assert_int_equal(unmap(w, GiB(1) + step * (down ? n - 1 - i : i), step), 0);
	}
	assert_int_equal(w->env.in_use, 0);
}

static void test_page_by_page(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	unmap_in_steps(w, KiB(4), false);
	unmap_in_steps(w, KiB(4), true);
	assert_int_equal(unmap(w, GiB(1), MiB(4)), 0);
	world_end(w);
}

/* A table dies with its last entry only, wherever that is. */
static void test_last_entry(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	map(w, GiB(1), KiB(4), 12);
	map(w, GiB(1) + KiB(400), KiB(4), 12);
	map(w, GiB(1) + MiB(2) - KiB(4), KiB(4), 12);
	assert_int_equal(w->env.in_use, 2);
	assert_int_equal(unmap(w, GiB(1) + KiB(400), KiB(4)), 0);
	assert_int_equal(w->env.in_use, 2);
	assert_int_equal(unmap(w, GiB(1), KiB(4)), 0);
	assert_int_equal(w->env.in_use, 2);
	assert_leaf(w, GiB(1) + MiB(2) - KiB(4), GiB(1) + MiB(2) - KiB(4), 3, PGT_PROT_RWX);
	assert_int_equal(unmap(w, GiB(1) + MiB(1), MiB(1)), 0);
	assert_int_equal(w->env.in_use, 0);
	world_end(w);
}

static void test_whole_blocks(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	map(w, GiB(1), GiB(1), 0);
	assert_int_equal(unmap(w, GiB(1) + MiB(512), KiB(4)), 0);
	assert_true(w->op.done == KiB(4));
	assert_kind(w, GiB(1), PGT_EMPTY);
	assert_int_equal(env_last_plan(&w->env)->op[0].level, 1);
	assert_true(env_last_plan(&w->env)->op[0].addr == GiB(1));
	world_end(w);
}

static void test_annotations_stay(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	map(w, GiB(1), KiB(64), 12);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(1) + KiB(8)), KiB(4), 3), 0);
	assert_int_equal(unmap(w, GiB(1), GiB(1)), 0);
	assert_kind(w, GiB(1), PGT_EMPTY);
	assert_int_equal(leaf_at(w, GiB(1) + KiB(8)).owner, 3);
	assert_int_equal(w->env.in_use, 2);
	world_end(w);
}

static void test_sparse_range_is_cheap(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	map(w, TiB(8), KiB(4), 12);
	w->op.budget = 1600;
	assert_int_equal(unmap(w, 0, 1ULL << 48), 0);
	assert_true(w->op.done == 1ULL << 48);
	assert_int_equal(w->env.in_use, 0);
	world_end(w);
}

static void test_budget(void **state)
{
	struct world *w = world_s2(12, 40);
	u64 done = 0;
	u32 calls = 0;

	(void)state;
	map(w, GiB(1), MiB(8), 12);
	w->op.budget = 300;
	for (; done < MiB(8); done += w->op.done, calls++) {
		assert_int_equal(unmap(w, GiB(1) + done, MiB(8) - done), 0);
		assert_true(w->op.done <= KiB(1200));
		assert_kind(w, GiB(1) + done, PGT_EMPTY);
	}
	assert_in_range(calls, 6, 14);
	assert_int_equal(w->env.in_use, 0);
	world_end(w);
}

/* Two calls, one plan; tables live until then. */
static void test_caller_gathers(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt_gather g;

	(void)state;
	map(w, GiB(1), MiB(4), 12);
	pgt_gather_init(&g);
	w->op.gather = &g;
	assert_int_equal(unmap(w, GiB(1), MiB(2)), 0);
	assert_int_equal(unmap(w, GiB(1) + MiB(2), MiB(2)), 0);
	assert_int_equal(w->env.plans, 0);
	assert_int_equal(w->env.in_use, 3);
	assert_true(g.tables && g.start <= GiB(1) && g.end >= GiB(1) + MiB(4));
	pgt_gather_flush(&w->pgt, &g);
	assert_int_equal(w->env.plans, 1);
	assert_int_equal(w->env.in_use, 0);
	world_end(w);
}

/* What hangs on the gather holds nothing that hardware would follow. */
static void test_dead_tables_are_invalid(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt_gather g;
	u32 i, tables = 0;
	u64 *table;

	(void)state;
	map(w, GiB(1), MiB(6), 12);
	pgt_gather_init(&g);
	w->op.gather = &g;
	assert_int_equal(unmap(w, GiB(1), MiB(6)), 0);
	table = g.dead;
	for (;;) {
		u64 next = port_le64(table[0]);

		for (i = 0; i < 512; i++)
			assert_false(port_le64(table[i]) & 1);
		tables++;
		if (!next)
			break;
		table = env_to_virt(&w->env, pa(next & ~0xfffULL));
	}
	assert_int_equal(tables, 4);
	pgt_gather_flush(&w->pgt, &g);
	world_end(w);
}

static void plan_before_clean(struct env *env)
{
	assert_int_equal(env->cleans, 0);
}

static void test_caches_without_fwb(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40 };
	struct world *w = world_with(&req, &cpu, 0);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	w->op.flags = PGT_OP_NO_CMO;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), MiB(2) + KiB(8), pa(GiB(3)),
				    PGT_PROT_RW), 0);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1) + MiB(3)), KiB(4), pa(GiB(9)),
				    PGT_PROT_R | PGT_PROT_DEVICE), 0);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(1) + MiB(3) + KiB(4)), KiB(4),
					  5), 0);
	w->op.flags = 0;
	/* Invalidated first: the guest can't write any more when the lines go. */
	w->env.at_flush = plan_before_clean;
	assert_int_equal(unmap(w, GiB(1), MiB(2)), 0);
	w->env.at_flush = NULL;
	assert_int_equal(w->env.cleans, 1);
	assert_true(w->env.clean_bytes == MiB(2) && w->env.last_clean.pa == GiB(3));
	assert_int_equal(unmap(w, GiB(1) + MiB(2), MiB(2)), 0);
	assert_true(w->env.clean_bytes == MiB(2) + KiB(8));
	assert_int_equal(w->env.cleans, 3);
	assert_kind(w, GiB(1) + MiB(2), PGT_EMPTY);
	assert_int_equal(leaf_at(w, GiB(1) + MiB(3) + KiB(4)).owner, 5);
	world_end(w);
}

static void test_bad_ranges(void **state)
{
	struct world *w = world_s2(16, 40);

	(void)state;
	assert_int_equal(unmap(w, KiB(4), KiB(64)), -EINVAL);
	assert_int_equal(unmap(w, 0, KiB(4)), -EINVAL);
	assert_int_equal(unmap(w, 0, 0), -EINVAL);
	assert_int_equal(unmap(w, 1ULL << 40, KiB(64)), -ERANGE);
	assert_int_equal(unmap(w, KiB(64), 1ULL << 40), -ERANGE);
	world_end(w);
}

static void test_destroy_in_steps(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt_op op = { .budget = 64 };
	u32 calls = 0;
	s32 before;

	(void)state;
	map(w, GiB(1), GiB(1), 12);
	map(w, GiB(100), MiB(2), 0);
	map(w, (1ULL << 40) - KiB(4), KiB(4), 0);
	while (op.done < 1ULL << 40) {
		before = w->env.in_use;
		assert_int_equal(pgt_s2_destroy(&w->pgt, &op), 0);
		assert_true(before - w->env.in_use <= 66);
		calls++;
	}
	assert_in_range(calls, 9, 100);
	assert_int_equal(w->env.in_use, 0);
	assert_int_equal(w->env.plans, 0);
	assert_kind(w, GiB(100), PGT_EMPTY);
	world_end(w);
}

static void test_memcache(void **state)
{
	struct world *w = world_s2(12, 40);
	void *a = env_page(&w->env), *b = env_page(&w->env);

	(void)state;
	assert_null(pgt_memcache_pop(&w->mc));
	pgt_memcache_push(&w->mc, a);
	pgt_memcache_push(&w->mc, b);
	assert_int_equal(w->mc.count, 2);
	assert_ptr_equal(pgt_memcache_pop(&w->mc), b);
	assert_ptr_equal(pgt_memcache_pop(&w->mc), a);
	assert_null(pgt_memcache_pop(&w->mc));
	assert_int_equal(w->mc.count, 0);
	env_free_table(&w->env, a);
	env_free_table(&w->env, b);
	world_end(w);
}

static void test_init(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt pgt;

	(void)state;
	/* Two concatenated tables: aligned to both. */
	assert_int_equal(pgt_init(&pgt, &w->geo, w->env.mem + KiB(4), &env_ops, &w->env, 0),
			 -EINVAL);
	w->env.phys = 1ULL << 48;
	assert_int_equal(pgt_init(&pgt, &w->geo, w->env.mem, &env_ops, &w->env, 0), -EINVAL);
	w->env.phys = 0;
	assert_int_equal(pgt_init(&pgt, &w->geo, w->env.mem, &env_ops, &w->env, 0), 0);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_gib),
		cmocka_unit_test(test_page_by_page),
		cmocka_unit_test(test_last_entry),
		cmocka_unit_test(test_whole_blocks),
		cmocka_unit_test(test_annotations_stay),
		cmocka_unit_test(test_sparse_range_is_cheap),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_caller_gathers),
		cmocka_unit_test(test_dead_tables_are_invalid),
		cmocka_unit_test(test_caches_without_fwb),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_destroy_in_steps),
		cmocka_unit_test(test_memcache),
		cmocka_unit_test(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
