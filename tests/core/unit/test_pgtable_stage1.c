// SPDX-License-Identifier: GPL-2.0-only
/* Stage 1 of EL2: what is mapped is never broken. */
#include "pgtable_env.h"

static struct world *world(u8 granule, u8 bits)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE1, .granule_shift = granule, .ia_bits = bits,
				   .oa_bits = bits > 48 ? 52 : 48 };
	struct world *w = world_with(&req, &cpu, 0);

	env_fill(&w->env, &w->mc, 16);
	return w;
}

static void end(struct world *w)
{
	struct pgt_op op = { 0 };

	assert_int_equal(pgt_s1_destroy(&w->pgt, &op), 0);
	world_end(w);
}

static int map(struct world *w, u64 va, u64 size, u64 to, u32 prot)
{
	return pgt_s1_map(&w->pgt, &w->op, va, size, pa(to), prot);
}

static void check(struct world *w, u64 va, u64 to, s8 level, u32 prot)
{
	struct pgt_leaf leaf;

	assert_int_equal(pgt_s1_get_leaf(&w->pgt, va, &leaf), 0);
	assert_int_equal(leaf.kind, PGT_LEAF);
	assert_int_equal(leaf.level, level);
	assert_true(leaf.pa.v + (va - leaf.ia) == to);
	assert_int_equal(leaf.prot, prot);
	assert_int_equal(leaf.dirty, !!(prot & PGT_PROT_W));
}

static void test_map(void **state)
{
	struct world *w = world(12, 52);
	struct pgt_leaf leaf;
	u64 top = (1ULL << 52) - MiB(2);

	(void)state;
	assert_int_equal(map(w, top, MiB(2), TiB(2), PGT_PROT_RW), 0);
	check(w, top, TiB(2), 2, PGT_PROT_RW);
	assert_int_equal(map(w, GiB(1), KiB(8), MiB(1), PGT_PROT_R | PGT_PROT_X), 0);
	check(w, GiB(1) + KiB(4), MiB(1) + KiB(4), 3, PGT_PROT_R | PGT_PROT_X);
	assert_int_equal(w->env.publishes, 2);
	assert_int_equal(w->env.cleans, 0);
	assert_int_equal(pgt_s1_get_leaf(&w->pgt, 1ULL << 52, &leaf), -ERANGE);
	end(w);
}

static void test_entry_bits(void **state)
{
	struct world *w = world(12, 48);
	struct pgt_leaf leaf;

	(void)state;
	assert_int_equal(map(w, GiB(1), KiB(4), GiB(2), PGT_PROT_RW), 0);
	assert_int_equal(pgt_s1_get_leaf(&w->pgt, GiB(1), &leaf), 0);
	assert_true(leaf.desc == (GiB(2) | 3 | 0 << 2 | 1 << 6 | 3 << 8 | 1 << 10 | 1ULL << 54));
	assert_int_equal(map(w, GiB(1) + KiB(4), KiB(4), GiB(2), PGT_PROT_R | PGT_PROT_DEVICE), 0);
	assert_int_equal(pgt_s1_get_leaf(&w->pgt, GiB(1) + KiB(4), &leaf), 0);
	assert_true(leaf.desc == (GiB(2) | 3 | 1 << 2 | 3 << 6 | 3 << 8 | 1 << 10 | 1ULL << 54));
	check(w, GiB(1) + KiB(4), GiB(2), 3, PGT_PROT_R | PGT_PROT_DEVICE);
	assert_int_equal(map(w, GiB(1) + KiB(8), KiB(4), GiB(2), PGT_PROT_RWX | PGT_PROT_NC |
			     PGT_PROT_SW3), 0);
	assert_int_equal(pgt_s1_get_leaf(&w->pgt, GiB(1) + KiB(8), &leaf), 0);
	assert_true(leaf.desc == (GiB(2) | 3 | 2 << 2 | 1 << 6 | 3 << 8 | 1 << 10 | 1ULL << 58));
	check(w, GiB(1) + KiB(8), GiB(2), 3, PGT_PROT_RWX | PGT_PROT_NC | PGT_PROT_SW3);
	end(w);
}

static void test_never_broken(void **state)
{
	struct world *w = world(12, 48);

	(void)state;
	assert_int_equal(map(w, GiB(1), MiB(2), GiB(2), PGT_PROT_RW), 0);
	assert_int_equal(map(w, GiB(1) + MiB(2), KiB(4), GiB(2) + MiB(2), PGT_PROT_RW), 0);
	/* Equal: done already, also as part of a block. */
	assert_int_equal(map(w, GiB(1) + KiB(4), MiB(2) + KiB(4), GiB(2) + KiB(4), PGT_PROT_RW), 0);
	assert_true(w->op.done == MiB(2) + KiB(4));
	check(w, GiB(1), GiB(2), 2, PGT_PROT_RW);
	check(w, GiB(1) + MiB(2) + KiB(4), GiB(2) + MiB(2) + KiB(4), 3, PGT_PROT_RW);
	/* Any difference: no. */
	assert_int_equal(map(w, GiB(1), KiB(4), GiB(2), PGT_PROT_R), -EEXIST);
	assert_int_equal(map(w, GiB(1), MiB(2), GiB(4), PGT_PROT_RW), -EEXIST);
	assert_int_equal(map(w, GiB(1) + MiB(2), KiB(4), GiB(2), PGT_PROT_RW), -EEXIST);
	assert_int_equal(map(w, GiB(1) + MiB(2), KiB(4), GiB(2) + MiB(2), PGT_PROT_RW |
			     PGT_PROT_SW0), -EEXIST);
	assert_int_equal(map(w, GiB(1) + KiB(4), KiB(4), GiB(2), PGT_PROT_RW), -EEXIST);
	assert_true(w->op.done == 0);
	assert_int_equal(w->env.plans, 0);
	end(w);
}

static void test_refusals(void **state)
{
	struct world *w = world(12, 48);

	(void)state;
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_W), -EINVAL);
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_R | PGT_PROT_UX), -EINVAL);
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_RW | PGT_PROT_CLEAN), -EINVAL);
	w->op.flags = PGT_OP_SHARED;
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_R), -EINVAL);
	w->op.flags = PGT_OP_REPLACE;
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_R), -EINVAL);
	w->op.flags = 0;
	env_drain(&w->env, &w->mc);
	assert_int_equal(map(w, GiB(1), KiB(4), 0, PGT_PROT_R), -ENOMEM);
	end(w);
}

static void test_unmap(void **state)
{
	struct world *w = world(12, 48);
	s32 in_use = w->env.in_use;

	(void)state;
	assert_int_equal(map(w, GiB(1) - KiB(8), MiB(4) + KiB(8), GiB(2) - KiB(8), PGT_PROT_RW), 0);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) - KiB(8), MiB(4) + KiB(8)), 0);
	assert_true(w->op.done == MiB(4) + KiB(8));
	assert_int_equal(w->env.plans, 1);
	assert_int_equal(w->env.plan[0].op[0].kind, PGT_TLBI_RVAE2);
	env_drain(&w->env, &w->mc);
	assert_int_equal(w->env.in_use, 0);
	assert_true(in_use > 0);
	end(w);
}

/* A block that somebody else needs as well stays, and so does all after it. */
static void test_unmap_part_of_a_block(void **state)
{
	struct world *w = world(12, 48);

	(void)state;
	assert_int_equal(map(w, GiB(1), MiB(6), GiB(2), PGT_PROT_RW), 0);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) + KiB(4), MiB(4)), -EBUSY);
	assert_true(w->op.done == 0);
	check(w, GiB(1), GiB(2), 2, PGT_PROT_RW);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1), MiB(4) + KiB(4)), -EBUSY);
	assert_true(w->op.done == MiB(4));
	check(w, GiB(1) + MiB(4), GiB(2) + MiB(4), 2, PGT_PROT_RW);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) + MiB(4), KiB(4)), -EBUSY);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) + MiB(4), MiB(2)), 0);
	/* Holes are no obstacle. */
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) + KiB(4), GiB(3)), 0);
	assert_int_equal(pgt_s1_unmap(&w->pgt, &w->op, GiB(1) + 1, GiB(3)), -EINVAL);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_entry_bits),
		cmocka_unit_test(test_never_broken),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_unmap),
		cmocka_unit_test(test_unmap_part_of_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
