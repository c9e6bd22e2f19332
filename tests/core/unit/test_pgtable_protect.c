// SPDX-License-Identifier: GPL-2.0-only
/* Leaves that stay where they are: write protection, dirty state, access flag, more rights. */
#include "pgtable_env.h"

#define BASE GiB(1)

static struct world *world(bool hd, u32 flags, u32 prot)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40,
				   .oa_bits = 48, .ha = true, .hd = hd };
	struct world *w = world_with(&req, &cpu, flags);

	env_fill(&w->env, &w->mc, 8);
	/* A block, then pages: 2 MiB + 16 KiB. */
	w->op.flags = PGT_OP_NO_CMO;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(16), pa(BASE), prot),
			 0);
	w->op.flags = 0;
	return w;
}

/* What the CPU does: sets a bit of the entry, behind everybody's back. */
static void hardware_sets(struct world *w, u64 ia, u64 bit)
{
	u64 *table = w->pgt.root;
	s8 level = w->geo.start_level;

	for (;; level++) {
		u64 *slot = table + (ia >> w->geo.level_shift[level + 1]) %
				(level == w->geo.start_level ? 1024 : 512);
		u64 desc = port_le64(*slot);

		if ((desc & 3) != 3 || level == 3) {
			*slot = port_le64(desc | bit);
			return;
		}
		table = env_to_virt(&w->env, pa(desc & 0xfffffffff000ULL));
	}
}

static void test_wrprotect(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_RWX);
	struct pgt_gather g;
	bool changed = false;

	(void)state;
	pgt_gather_init(&g);
	w->op.gather = &g;
	assert_int_equal(pgt_s2_wrprotect(&w->pgt, &w->op, ipa(BASE + MiB(1)), MiB(1) + KiB(8),
					  &changed), 0);
	assert_true(changed);
	assert_true(w->op.done == MiB(1) + KiB(8));
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_R | PGT_PROT_X);
	assert_leaf(w, BASE + MiB(2) + KiB(4), BASE + MiB(2) + KiB(4), 3, PGT_PROT_R | PGT_PROT_X);
	assert_leaf(w, BASE + MiB(2) + KiB(8), BASE + MiB(2) + KiB(8), 3, PGT_PROT_RWX);
	assert_true(g.start == BASE && g.end == BASE + MiB(2) + KiB(8));
	assert_int_equal(w->env.plans, 0);
	/* Again: nothing to do. */
	pgt_gather_init(&g);
	changed = false;
	assert_int_equal(pgt_s2_wrprotect(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(8), &changed),
			 0);
	assert_false(changed);
	assert_true(g.start >= g.end);
	assert_int_equal(pgt_s2_wrprotect(&w->pgt, &w->op, ipa(BASE), 0, NULL), -EINVAL);
	/* Without a gather it is the caller's business. */
	w->op.gather = NULL;
	assert_int_equal(pgt_s2_wrprotect(&w->pgt, &w->op, ipa(0), 1ULL << 40, NULL), 0);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

static void test_dirty(void **state)
{
	struct world *w = world(true, PGT_FWB, PGT_PROT_RW | PGT_PROT_CLEAN);
	u64 bitmap[9] = { 0 };
	u32 i;

	(void)state;
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW | PGT_PROT_CLEAN);
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(16), bitmap),
			 0);
	for (i = 0; i < 9; i++)
		assert_true(bitmap[i] == 0);
	hardware_sets(w, BASE + MiB(2) + KiB(4), 1 << 7);
	assert_true(leaf_at(w, BASE + MiB(2) + KiB(4)).dirty);
	assert_leaf(w, BASE + MiB(2) + KiB(4), BASE + MiB(2) + KiB(4), 3, PGT_PROT_RW);
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(16), bitmap),
			 0);
	assert_true(bitmap[8] == 2);
	assert_false(leaf_at(w, BASE + MiB(2) + KiB(4)).dirty);
	/* A block: the part of it that lies in the range. */
	bitmap[8] = 0;
	hardware_sets(w, BASE, 1 << 7);
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE + MiB(2) - KiB(12)), KiB(16),
					    bitmap), 0);
	assert_true(bitmap[0] == 7 && bitmap[1] == 0);
	bitmap[0] = 0;
	hardware_sets(w, BASE, 1 << 7);
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE + KiB(4)), KiB(4) * 70,
					    bitmap), 0);
	assert_true(bitmap[0] == ~0ULL && bitmap[1] == 0x3f && bitmap[2] == 0);
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE), 1, bitmap), -EINVAL);
	/* Write protection ends it. */
	assert_int_equal(pgt_s2_wrprotect(&w->pgt, &w->op, ipa(BASE), KiB(4), NULL), 0);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_R);
	world_end(w);
}

static void test_dirty_without_dbm(void **state)
{
	struct world *w = world(true, PGT_FWB, PGT_PROT_RW);
	struct pgt_gather g;
	u64 bitmap[9] = { 0 };

	(void)state;
	pgt_gather_init(&g);
	w->op.gather = &g;
	assert_int_equal(pgt_s2_clear_dirty(&w->pgt, &w->op, ipa(BASE), MiB(2), bitmap), 0);
	assert_true(bitmap[0] == 0 && leaf_at(w, BASE).dirty && g.start >= g.end);
	w->op.gather = NULL;
	world_end(w);
}

static void test_young(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_RW);
	struct pgt_gather g;
	bool young;

	(void)state;
	pgt_gather_init(&g);
	w->op.gather = &g;
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(4), false, &young),
			 0);
	assert_true(young && w->op.done == MiB(4) && g.start >= g.end);
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(4), true, &young),
			 0);
	assert_true(young && g.start == BASE && g.end == BASE + MiB(2) + KiB(16));
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW | PGT_PROT_OLD);
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(4), true, &young),
			 0);
	assert_false(young);
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(4), false, &young),
			 0);
	assert_false(young);
	hardware_sets(w, BASE + MiB(2) + KiB(12), 1 << 10);
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(12),
						 false, &young), 0);
	assert_false(young);
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), MiB(2) + KiB(16),
						 false, &young), 0);
	assert_true(young);
	young = true;
	assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE), 1, false, &young),
			 -EINVAL);
	assert_false(young);
	w->op.gather = NULL;
	world_end(w);
}

static void test_young_in_steps(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_RW);
	bool young, any = false;
	u64 done = 0;

	(void)state;
	w->op.budget = 2;
	while (done < MiB(2) + KiB(16)) {
		assert_int_equal(pgt_s2_test_clear_young(&w->pgt, &w->op, ipa(BASE + done),
							 MiB(2) + KiB(16) - done, true, &young),
				 0);
		done += w->op.done;
		any |= young;
	}
	assert_true(any);
	assert_leaf(w, BASE + MiB(2) + KiB(12), BASE + MiB(2) + KiB(12), 3,
		    PGT_PROT_RW | PGT_PROT_OLD);
	world_end(w);
}

static void test_mkyoung(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_RW | PGT_PROT_OLD);

	(void)state;
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW | PGT_PROT_OLD);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(BASE + KiB(4))), 0);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(BASE)), 0);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(BASE + MiB(4))), -ENOENT);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(1ULL << 40)), -ERANGE);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(4)), GiB(1), 3), 0);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(GiB(4))), -ENOENT);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

static void test_relax(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_R | PGT_PROT_OLD | PGT_PROT_SW2);

	(void)state;
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_W, 0), 0);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW | PGT_PROT_SW2);
	assert_true(env_last_plan(&w->env)->local);
	assert_int_equal(env_last_plan(&w->env)->op[0].level, 2);
	assert_int_equal(w->env.invals, 0);
	/* Only adds. */
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_R | PGT_PROT_PX, 0), 0);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RW | PGT_PROT_PX | PGT_PROT_SW2);
	assert_true(w->env.inval_bytes == MiB(2));
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_UX, 0), 0);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_RWX | PGT_PROT_SW2);
	assert_int_equal(w->env.invals, 1);
	/* Nothing to add: a stale entry may be what faulted. */
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_R, 0), 0);
	assert_int_equal(w->env.plans, 4);
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE + MiB(2)), PGT_PROT_X,
					    PGT_OP_NO_CMO), 0);
	assert_leaf(w, BASE + MiB(2), BASE + MiB(2), 3, PGT_PROT_R | PGT_PROT_X | PGT_PROT_SW2);
	assert_int_equal(w->env.invals, 1);
	world_end(w);
}

static void test_relax_refusals(void **state)
{
	struct world *w = world(false, PGT_FWB, PGT_PROT_R);

	(void)state;
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE + MiB(4)), PGT_PROT_W, 0), -ENOENT);
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(1ULL << 40), PGT_PROT_W, 0), -ERANGE);
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_SW0, 0), -EINVAL);
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_DEVICE, 0), -EINVAL);
	w->geo.xnx = false;
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_UX, 0), -EOPNOTSUPP);
	assert_leaf(w, BASE, BASE, 2, PGT_PROT_R);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

static void test_flush(void **state)
{
	struct world *w = world(false, 0, PGT_PROT_R);

	(void)state;
	assert_int_equal(pgt_s2_flush(&w->pgt, &w->op, ipa(0), GiB(2)), 0);
	assert_true(w->env.clean_bytes == MiB(2) + KiB(16));
	assert_true(w->op.done == GiB(2));
	assert_int_equal(pgt_s2_flush(&w->pgt, &w->op, ipa(0), 1), -EINVAL);
	world_end(w);
	w = world(false, PGT_FWB, PGT_PROT_R);
	assert_int_equal(pgt_s2_flush(&w->pgt, &w->op, ipa(0), GiB(2)), 0);
	assert_int_equal(w->env.cleans, 0);
	assert_true(w->op.done == GiB(2));
	assert_int_equal(pgt_s2_flush(&w->pgt, &w->op, ipa(0), 1), -EINVAL);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrprotect),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_dirty_without_dbm),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_young_in_steps),
		cmocka_unit_test(test_mkyoung),
		cmocka_unit_test(test_relax),
		cmocka_unit_test(test_relax_refusals),
		cmocka_unit_test(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
