// SPDX-License-Identifier: GPL-2.0-only
/* Blocks to pages and back, and subtrees that nobody has linked in. */
#include "pgtable_env.h"

#define HIGH (1ULL << 40)

static struct world *world(u64 size, u32 prot)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 48,
				   .oa_bits = 48, .ha = true, .hd = true };
	struct world *w = world_with(&req, &cpu, PGT_FWB);

	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), size, pa(HIGH), prot), 0);
	env_drain(&w->env, &w->mc);
	return w;
}

static u64 *slot_of(struct world *w, u64 ia, s8 level)
{
	u64 *table = w->pgt.root;
	s8 at;

	for (at = w->geo.start_level;; at++) {
		u64 *slot = &table[ia >> w->geo.level_shift[at + 1] & 511];

		if (at == level)
			return slot;
		table = env_to_virt(&w->env, pa(port_le64(*slot) & 0xfffffffff000ULL));
	}
}

static void or_entry(u64 *slot, u64 bits)
{
	*slot = port_le64(port_le64(*slot) | bits);
}

/* With enough pages a 1 GiB block becomes pages behind a single break. */
static void test_split_at_once(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RW | PGT_PROT_OLD | PGT_PROT_SW1);
	u64 ia;

	(void)state;
	env_fill(&w->env, &w->mc, 513);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), GiB(1)), 0);
	assert_true(w->op.done == GiB(1));
	for (ia = 0; ia < GiB(1); ia += MiB(1) + KiB(4) * 77)
		assert_leaf(w, GiB(1) + ia, HIGH + ia, 3,
			    PGT_PROT_RW | PGT_PROT_OLD | PGT_PROT_SW1);
	assert_int_equal(w->env.plans, 1);
	assert_int_equal(w->env.plan[0].op[0].level, 1);
	assert_int_equal(w->mc.count, 0);
	world_end(w);
}

static void test_split_level_by_level(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RWX);

	(void)state;
	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1) + MiB(4)), MiB(4)), 0);
	assert_leaf(w, GiB(1), HIGH, 2, PGT_PROT_RWX);
	assert_leaf(w, GiB(1) + MiB(4), HIGH + MiB(4), 3, PGT_PROT_RWX);
	assert_leaf(w, GiB(1) + MiB(8) - KiB(4), HIGH + MiB(8) - KiB(4), 3, PGT_PROT_RWX);
	assert_leaf(w, GiB(1) + MiB(8), HIGH + MiB(8), 2, PGT_PROT_RWX);
	assert_int_equal(w->env.plans, 3);
	assert_int_equal(w->mc.count, 1);
	world_end(w);
}

static void test_split_runs_dry(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RWX);

	(void)state;
	env_fill(&w->env, &w->mc, 3);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), MiB(16)), -ENOMEM);
	assert_true(w->op.done == MiB(4));
	assert_leaf(w, GiB(1) + MiB(4), HIGH + MiB(4), 2, PGT_PROT_RWX);
	w->op.mc = NULL;
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1) + MiB(4)), MiB(16)), -ENOMEM);
	assert_true(w->op.done == 0);
	world_end(w);
}

static void test_split_skips_the_rest(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RWX);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(4)), GiB(2), 4), 0);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(3)), GiB(20)), 0);
	assert_int_equal(leaf_at(w, GiB(5)).level, 1);
	assert_int_equal(w->mc.count, 8);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(3)), 0), -EINVAL);
	w->op.budget = 600; /* too little for all the pages of 1 GiB in one step */
	env_fill(&w->env, &w->mc, 600);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), GiB(1)), 0);
	assert_true(w->op.done < GiB(1));
	assert_leaf(w, GiB(2) - KiB(4), HIGH + GiB(1) - KiB(4), 2, PGT_PROT_RWX);
	world_end(w);
}

/* Between break and make others find the marker. */
static void block_is_locked(struct env *env)
{
	struct world *w = env->arg;

	assert_kind(w, GiB(1), PGT_LOCKED);
	assert_int_equal(pgt_s2_split(&w->pgt, &(struct pgt_op){ .mc = &w->mc,
								  .flags = PGT_OP_SHARED },
				      ipa(GiB(1)), MiB(2)), -EAGAIN);
}

static void test_split_locks(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW | PGT_PROT_CLEAN);

	(void)state;
	or_entry(slot_of(w, GiB(1), 2), 1 << 7);
	env_fill(&w->env, &w->mc, 8);
	w->env.at_flush = block_is_locked;
	w->env.arg = w;
	w->op.flags = PGT_OP_SHARED;
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), MiB(2)), 0);
	/* Dirty stays dirty, in every part. */
	assert_true(leaf_at(w, GiB(1) + MiB(1)).dirty);
	world_end(w);
}

/* A table of level 2, for 1 GiB. */
static int create(struct world *w, s8 leaf_level, void **table)
{
	return pgt_s2_create_unlinked(&w->pgt, &w->op, pa(HIGH), 2, leaf_level, PGT_PROT_R, table);
}

static void test_unlinked(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW);
	void *table = NULL;
	s32 in_use;

	(void)state;
	env_fill(&w->env, &w->mc, 514);
	in_use = w->env.in_use;
	assert_int_equal(create(w, 3, &table), 0);
	assert_int_equal(w->mc.count, 1);
	pgt_s2_free_unlinked(&w->pgt, table, 2);
	assert_int_equal(w->env.in_use, in_use - 513);
	env_fill(&w->env, &w->mc, 1);
	assert_int_equal(create(w, 2, &table), 0);
	assert_true((port_le64(((u64 *)table)[3]) & 0xfffffffff003ULL) == (HIGH + MiB(6)) + 1);
	pgt_s2_free_unlinked(&w->pgt, table, 2);
	/* All pages return when it can't be finished. */
	env_fill(&w->env, &w->mc, 512);
	assert_int_equal(create(w, 3, &table), -ENOMEM);
	assert_int_equal(w->mc.count, 512);
	world_end(w);
}

static void test_unlinked_refusals(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW);
	struct pgt *pgt = &w->pgt;
	void *t;

	(void)state;
	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 0, 3, PGT_PROT_R, &t), -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 4, 4, PGT_PROT_R, &t), -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 3, 2, PGT_PROT_R, &t), -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 3, 4, PGT_PROT_R, &t), -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(KiB(4)), 3, 3, PGT_PROT_R, &t),
			 -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(1ULL << 48), 3, 3, PGT_PROT_R, &t),
			 -EINVAL);
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 3, 3, 1 << 20, &t), -EINVAL);
	w->geo.xnx = false;
	assert_int_equal(pgt_s2_create_unlinked(pgt, &w->op, pa(0), 3, 3, PGT_PROT_UX, &t),
			 -EOPNOTSUPP);
	assert_int_equal(w->mc.count, 4);
	world_end(w);
}

/* 1 GiB of pages grows back into one block, table by table. */
static void test_coalesce(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RW | PGT_PROT_OLD);
	u32 made = 77;

	(void)state;
	env_fill(&w->env, &w->mc, 513);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), GiB(1)), 0);
	w->env.plans = 0;
	/* One page was accessed: so was the block. */
	or_entry(slot_of(w, GiB(1) + MiB(9), 3), 1 << 10);
	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(GiB(1)), GiB(1), &made), 0);
	assert_int_equal(made, 513);
	assert_true(w->op.done == GiB(1));
	assert_leaf(w, GiB(1), HIGH, 1, PGT_PROT_RW);
	assert_int_equal(w->env.plans, 513);
	assert_int_equal(w->env.in_use, 1);
	world_end(w);
}

static void test_coalesce_merges_dirty(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW | PGT_PROT_CLEAN);

	(void)state;
	env_fill(&w->env, &w->mc, 2);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), MiB(2)), 0);
	or_entry(slot_of(w, GiB(1) + MiB(1), 3), 1 << 7);
	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(GiB(1)), MiB(2), NULL), 0);
	assert_leaf(w, GiB(1), HIGH, 2, PGT_PROT_RW);
	assert_true(leaf_at(w, GiB(1)).dirty);
	world_end(w);
}

static void check_not_coalesced(struct world *w, u64 ia, u64 size)
{
	u32 made = 1;

	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(ia), size, &made), 0);
	assert_int_equal(made, 0);
	assert_true(w->op.done == size);
}

static void test_coalesce_refuses(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW);
	u64 *slot, old;

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), MiB(2)), 0);
	w->env.plans = 0;
	/* Not wholly in the range. */
	check_not_coalesced(w, GiB(1) + KiB(4), GiB(1));
	check_not_coalesced(w, GiB(1), MiB(2) - KiB(4));
	/* The caller wants none so large. */
	w->op.max_shift = 12;
	check_not_coalesced(w, GiB(1), MiB(2));
	w->op.max_shift = 0;
	/* Not the same: permissions, software bits, address, a hole, an owner. */
	slot = slot_of(w, GiB(1) + MiB(1), 3);
	old = *slot;
	*slot = old ^ port_le64(1 << 7);
	check_not_coalesced(w, GiB(1), MiB(2));
	*slot = old ^ port_le64(1ULL << 55);
	check_not_coalesced(w, GiB(1), MiB(2));
	*slot = port_le64(port_le64(old) + KiB(4));
	check_not_coalesced(w, GiB(1), MiB(2));
	*slot = 0;
	check_not_coalesced(w, GiB(1), MiB(2));
	*slot = port_le64(7 << 8 | 4);
	check_not_coalesced(w, GiB(1), MiB(2));
	*slot = old;
	assert_int_equal(w->env.plans, 0);
	/* Adjacent pages that don't begin where a block could. */
	w->op.max_shift = 12;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(4)), MiB(2), pa(HIGH + KiB(4)),
				    PGT_PROT_R), 0);
	w->op.max_shift = 0;
	check_not_coalesced(w, GiB(4), MiB(2));
	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(GiB(4)), 3, NULL), -EINVAL);
	/* And the first again, now that nothing speaks against it. */
	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(0), GiB(2), NULL), 0);
	assert_leaf(w, GiB(1), HIGH, 2, PGT_PROT_RW);
	world_end(w);
}

static void test_coalesce_invalid(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_RW);
	u32 made;
	u64 i;

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	for (i = 0; i < MiB(2); i += KiB(4))
		assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(4) + i), KiB(4), 9), 0);
	assert_int_equal(leaf_at(w, GiB(4)).level, 3);
	assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(GiB(4)), MiB(2), &made), 0);
	assert_int_equal(made, 1);
	assert_int_equal(leaf_at(w, GiB(4) + MiB(1)).level, 2);
	assert_int_equal(leaf_at(w, GiB(4) + MiB(1)).owner, 9);
	/* Walk caches still knew the table. */
	assert_int_equal(w->env.plans, 1);
	assert_int_equal(w->env.plan[0].op[0].kind, PGT_TLBI_IPAS2E1);
	world_end(w);
}

static void test_coalesce_in_steps(void **state)
{
	struct world *w = world(MiB(8), PGT_PROT_RW);
	u64 done = 0;
	u32 total = 0, made, calls = 0;

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), MiB(8)), 0);
	w->op.budget = 600;
	for (; done < MiB(8); done += w->op.done, total += made, calls++)
		assert_int_equal(pgt_s2_coalesce(&w->pgt, &w->op, ipa(GiB(1) + done),
						 MiB(8) - done, &made), 0);
	assert_int_equal(total, 4);
	assert_in_range(calls, 4, 8);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_at_once),
		cmocka_unit_test(test_split_level_by_level),
		cmocka_unit_test(test_split_runs_dry),
		cmocka_unit_test(test_split_skips_the_rest),
		cmocka_unit_test(test_split_locks),
		cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_unlinked_refusals),
		cmocka_unit_test(test_coalesce),
		cmocka_unit_test(test_coalesce_merges_dirty),
		cmocka_unit_test(test_coalesce_refuses),
		cmocka_unit_test(test_coalesce_invalid),
		cmocka_unit_test(test_coalesce_in_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
