// SPDX-License-Identifier: GPL-2.0-only
/* Mapping at stage 2: sizes, what is there already, memory that runs out, races. */
#include "pgtable_env.h"

#define BASE GiB(4)
#define TO   GiB(16)

static int map(struct world *w, u64 ia, u64 size, u64 to, u32 prot)
{
	return pgt_s2_map(&w->pgt, &w->op, ipa(ia), size, pa(to), prot);
}

static void test_page(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RWX), 0);
	assert_true(w->op.done == KiB(4));
	assert_leaf(w, BASE, TO, 3, PGT_PROT_RWX);
	assert_kind(w, BASE + KiB(4), PGT_EMPTY);
	assert_int_equal(w->env.plans, 0);
	assert_int_equal(w->env.publishes, 1);
	world_end(w);
}

/* The largest leaves that both addresses allow, and no others. */
static void test_block_sizes(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, GiB(1) - KiB(4), GiB(1) + MiB(2) + KiB(8), GiB(3) - KiB(4),
			     PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1) - KiB(4), GiB(3) - KiB(4), 3, PGT_PROT_RW);
	assert_leaf(w, GiB(1), GiB(3), 1, PGT_PROT_RW);
	assert_leaf(w, GiB(2), GiB(4), 2, PGT_PROT_RW);
	assert_leaf(w, GiB(2) + MiB(2), GiB(4) + MiB(2), 3, PGT_PROT_RW);
	assert_kind(w, GiB(2) + MiB(2) + KiB(4), PGT_EMPTY);
	world_end(w);
}

static void test_max_shift(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	w->op.max_shift = 21;
	assert_int_equal(map(w, GiB(1), GiB(1), GiB(1), PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1), GiB(1), 2, PGT_PROT_RW);
	w->op.max_shift = 12;
	assert_int_equal(map(w, GiB(2), MiB(2), GiB(2), PGT_PROT_RW), 0);
	assert_leaf(w, GiB(2), GiB(2), 3, PGT_PROT_RW);
	world_end(w);
}

/* The offset between input and output decides, not the input alone. */
static void test_unaligned_output(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, GiB(1), MiB(4), GiB(1) + KiB(4), PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1) + MiB(2), GiB(1) + MiB(2) + KiB(4), 3, PGT_PROT_RW);
	world_end(w);
}

static void test_bad_arguments(void **state)
{
	struct world *w = world_s2(12, 40);
	u64 top = 1ULL << 40;

	(void)state;
	assert_int_equal(map(w, BASE, 0, TO, PGT_PROT_R), -EINVAL);
	assert_int_equal(map(w, BASE + 1, KiB(4), TO, PGT_PROT_R), -EINVAL);
	assert_int_equal(map(w, BASE, KiB(4) + 8, TO, PGT_PROT_R), -EINVAL);
	assert_int_equal(map(w, BASE, KiB(4), TO + 64, PGT_PROT_R), -EINVAL);
	assert_int_equal(map(w, top, KiB(4), TO, PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, top - KiB(4), KiB(8), TO, PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, BASE, ~0ULL << 12, TO, PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, BASE, KiB(4), 1ULL << 48, PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, BASE, KiB(8), (1ULL << 48) - KiB(4), PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, BASE, KiB(4), ~0ULL << 12, PGT_PROT_R), -ERANGE);
	assert_int_equal(map(w, BASE, KiB(4), TO, 1U << 12), -EINVAL);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_DEVICE | PGT_PROT_X),
			 -EINVAL);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_DEVICE | PGT_PROT_NC),
			 -EINVAL);
	/* No HD in this geometry. */
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RW | PGT_PROT_CLEAN), -EINVAL);
	assert_true(w->op.done == 0);
	world_end(w);
}

static void test_no_memory_then_resume(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 3); /* levels 1, 2 and one table of pages */
	w->op.max_shift = 12;
	assert_int_equal(map(w, GiB(1), MiB(4), TO, PGT_PROT_RW), -ENOMEM);
	assert_true(w->op.done == MiB(2));
	assert_leaf(w, GiB(1) + MiB(2) - KiB(4), TO + MiB(2) - KiB(4), 3, PGT_PROT_RW);
	assert_kind(w, GiB(1) + MiB(2), PGT_EMPTY);
	env_fill(&w->env, &w->mc, 1);
	assert_int_equal(map(w, GiB(1) + MiB(2), MiB(2), TO + MiB(2), PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1) + MiB(4) - KiB(4), TO + MiB(4) - KiB(4), 3, PGT_PROT_RW);
	w->op.mc = NULL;
	assert_int_equal(map(w, GiB(64), KiB(4), TO, PGT_PROT_RW), -ENOMEM);
	world_end(w);
}

static void test_equal_and_permissions(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), TO + KiB(4), PGT_PROT_R), 0);
	/* Stops in front of what is there, having done what comes before. */
	assert_int_equal(map(w, BASE, KiB(16), TO, PGT_PROT_R), -EAGAIN);
	assert_true(w->op.done == KiB(4));
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), TO + KiB(4), PGT_PROT_RWX), -EAGAIN);
	assert_leaf(w, BASE + KiB(4), TO + KiB(4), 3, PGT_PROT_R);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

/* A page that a block already maps so: nothing to do; anything else: the block gives way. */
static void test_page_in_block(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, GiB(1), MiB(2), TO, PGT_PROT_RW), 0);
	assert_int_equal(map(w, GiB(1) + KiB(4), KiB(4), TO + KiB(4), PGT_PROT_R), -EAGAIN);
	assert_leaf(w, GiB(1) + KiB(4), TO + KiB(4), 2, PGT_PROT_RW);

	assert_int_equal(map(w, GiB(1) + KiB(4), KiB(4), TO, PGT_PROT_R), 0);
	assert_leaf(w, GiB(1), TO, 3, PGT_PROT_RW);
	assert_leaf(w, GiB(1) + KiB(4), TO, 3, PGT_PROT_R);
	assert_leaf(w, GiB(1) + KiB(8), TO + KiB(8), 3, PGT_PROT_RW);
	assert_leaf(w, GiB(1) + MiB(2) - KiB(4), TO + MiB(2) - KiB(4), 3, PGT_PROT_RW);
	/* One break for the block, one for the page. */
	assert_int_equal(w->env.plans, 2);
	assert_int_equal(w->env.plan[0].op[0].kind, PGT_TLBI_IPAS2LE1);
	assert_int_equal(w->env.plan[0].op[0].level, 2);
	assert_int_equal(w->env.plan[1].op[0].level, 3);
	world_end(w);
}

static void test_replace_leaf(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RW), 0);
	assert_int_equal(map(w, BASE, KiB(4), TO + KiB(4), PGT_PROT_R), 0);
	assert_leaf(w, BASE, TO + KiB(4), 3, PGT_PROT_R);
	assert_int_equal(w->env.plans, 1);
	/* Memory type: a break as well. */
	assert_int_equal(map(w, BASE, KiB(4), TO + KiB(4), PGT_PROT_R | PGT_PROT_NC), 0);
	assert_leaf(w, BASE, TO + KiB(4), 3, PGT_PROT_R | PGT_PROT_NC);
	assert_int_equal(w->env.plans, 2);
	world_end(w);
}

/* While the entry is broken, nobody finds a translation. */
static void entry_is_locked(struct env *env)
{
	struct world *w = env->arg;

	assert_kind(w, BASE, PGT_LOCKED);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R), -EAGAIN);
	assert_int_equal(pgt_s2_mkyoung(&w->pgt, ipa(BASE)), -EAGAIN);
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(BASE), PGT_PROT_R, 0), -EAGAIN);
}

static void test_locked_in_between(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RW), 0);
	w->env.at_flush = entry_is_locked;
	w->env.arg = w;
	w->op.flags = PGT_OP_SHARED;
	assert_int_equal(map(w, BASE, KiB(4), TO + KiB(8), PGT_PROT_RW), 0);
	assert_leaf(w, BASE, TO + KiB(8), 3, PGT_PROT_RW);
	assert_int_equal(w->env.plans, 1);
	world_end(w);
}

static void test_software_bits_only(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RW | PGT_PROT_SW1), 0);
	assert_leaf(w, BASE, TO, 3, PGT_PROT_RW | PGT_PROT_SW1);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_SW0 | PGT_PROT_SW3), 0);
	assert_leaf(w, BASE, TO, 3, PGT_PROT_R | PGT_PROT_SW0 | PGT_PROT_SW3);
	/* Write access is gone from the TLBs too. */
	assert_int_equal(w->env.plans, 1);
	world_end(w);
}

static void test_owned_is_refused(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(BASE + KiB(8)), KiB(4), 7), 0);
	assert_int_equal(map(w, BASE, KiB(16), TO, PGT_PROT_R), -EPERM);
	assert_true(w->op.done == KiB(8));
	assert_int_equal(leaf_at(w, BASE + KiB(8)).owner, 7);
	/* A block on top of it isn't a way around. */
	assert_int_equal(map(w, BASE + KiB(8), KiB(4), TO, PGT_PROT_R), -EPERM);
	/* Nor is a page below an annotated block. */
	assert_int_equal(pgt_s2_set_owner(&w->pgt, &w->op, ipa(GiB(8)), GiB(1), 9), 0);
	assert_int_equal(map(w, GiB(8) + MiB(4), KiB(4), TO, PGT_PROT_R), -EPERM);
	assert_int_equal(leaf_at(w, GiB(8) + MiB(4)).owner, 9);
	world_end(w);
}

static void test_block_over_table(void **state)
{
	struct world *w = world_s2(12, 48);
	s32 in_use;

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, GiB(1) + KiB(4), KiB(4), TO + KiB(4), PGT_PROT_R), 0);
	/* Without REPLACE the table is filled, around what is in it. */
	assert_int_equal(map(w, GiB(1), MiB(2), TO, PGT_PROT_R), -EAGAIN);
	assert_true(w->op.done == KiB(4));
	assert_int_equal(map(w, GiB(1) + KiB(8), MiB(2) - KiB(8), TO + KiB(8), PGT_PROT_R), 0);
	assert_leaf(w, GiB(1) + KiB(8), TO + KiB(8), 3, PGT_PROT_R);
	assert_int_equal(w->env.plans, 0);

	in_use = w->env.in_use;
	w->op.flags = PGT_OP_REPLACE;
	assert_int_equal(map(w, GiB(1), MiB(2), TO, PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1), TO, 2, PGT_PROT_RW);
	assert_int_equal(w->env.in_use, in_use - 1);
	assert_int_equal(w->env.plans, 1);
	/* Walk caches go too: no leaf-only kind, no hint. */
	assert_int_equal(env_last_plan(&w->env)->op[0].kind, PGT_TLBI_RIPAS2E1);
	assert_int_equal(env_last_plan(&w->env)->op[0].level, PGT_TTL_NONE);
	world_end(w);
}

static void test_replace_shared_is_deferred(void **state)
{
	struct world *w = world_s2(12, 48);
	s32 in_use;

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	w->op.flags = PGT_OP_SHARED | PGT_OP_REPLACE;
	w->op.max_shift = 12;
	assert_int_equal(map(w, GiB(1), MiB(2) + KiB(4), TO, PGT_PROT_R), 0);
	w->op.max_shift = 0;
	in_use = w->env.in_use;
	assert_int_equal(map(w, GiB(1), GiB(1), TO, PGT_PROT_R), 0);
	assert_leaf(w, GiB(1), TO, 1, PGT_PROT_R);
	assert_int_equal(w->env.ndeferred, 1);
	assert_int_equal(w->env.deferred[0].level, 2);
	assert_int_equal(w->env.in_use, in_use);
	pgt_s2_free_unlinked(&w->pgt, w->env.deferred[0].table, w->env.deferred[0].level);
	assert_int_equal(w->env.in_use, in_use - 3);
	world_end(w);
}

static void test_shared_fills_as_well(void **state)
{
	struct world *w = world_s2(14, 47);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	w->op.flags = PGT_OP_SHARED;
	assert_int_equal(map(w, GiB(1) - KiB(16), MiB(32) + KiB(32), GiB(2) - KiB(16),
			     PGT_PROT_RW), 0);
	assert_leaf(w, GiB(1) - KiB(16), GiB(2) - KiB(16), 3, PGT_PROT_RW);
	assert_leaf(w, GiB(1), GiB(2), 2, PGT_PROT_RW);
	assert_leaf(w, GiB(1) + MiB(32), GiB(2) + MiB(32), 3, PGT_PROT_RW);
	world_end(w);
}

static void test_pfns(void **state)
{
	struct world *w = world_s2(12, 40);
	u64 pfn[1026];
	u32 i;

	(void)state;
	for (i = 0; i < 1026; i++)
		pfn[i] = 0x100000 + i * 7ULL;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(GiB(2) - KiB(4)), pfn, 1026,
					 PGT_PROT_R), 0);
	assert_true(w->op.done == KiB(4) * 1026);
	for (i = 0; i < 1026; i++)
		assert_leaf(w, GiB(2) - KiB(4) + KiB(4) * i, pfn[i] << 12, 3, PGT_PROT_R);
	/* Others give way, an equal one doesn't. */
	pfn[1] = 5;
	pfn[2] = 6;
	pfn[3] = 0x100000 + 14;
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(GiB(2) - KiB(8)), pfn, 4,
					 PGT_PROT_R), -EAGAIN);
	assert_true(w->op.done == KiB(12));
	assert_leaf(w, GiB(2) - KiB(4), 5 << 12, 3, PGT_PROT_R);
	assert_int_equal(w->env.plans, 2);
	pfn[2] = 1ULL << 40;
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(GiB(8)), pfn, 3, PGT_PROT_R),
			 -ERANGE);
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(GiB(8)), pfn, 0, PGT_PROT_R),
			 -EINVAL);
	world_end(w);
}

static void test_budget(void **state)
{
	struct world *w = world_s2(12, 48);
	u64 done = 0;
	u32 calls = 0;

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	w->op.max_shift = 12;
	w->op.budget = 100;
	while (done < MiB(4)) {
		assert_int_equal(map(w, GiB(1) + done, MiB(4) - done, TO + done, PGT_PROT_R), 0);
		assert_true(w->op.done <= KiB(400));
		done += w->op.done;
		calls++;
	}
	assert_in_range(calls, 11, 16);
	assert_leaf(w, GiB(1) + MiB(4) - KiB(4), TO + MiB(4) - KiB(4), 3, PGT_PROT_R);
	world_end(w);
}

/* OA[51:50] and OA[51:48] are found where the format puts them, also across their boundary. */
static void test_wide_output(void **state)
{
	static const u8 granules[] = { 12, 14, 16 };
	u32 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct world *w = world_s2(granules[i], 52);
		u64 page = 1ULL << granules[i], high = 3ULL << 50;

		env_fill(&w->env, &w->mc, 16);
		w->op.max_shift = granules[i];
		assert_int_equal(map(w, GiB(1), 2 * page, high - page, PGT_PROT_R), 0);
		assert_leaf(w, GiB(1), high - page, 3, PGT_PROT_R);
		assert_leaf(w, GiB(1) + page, high, 3, PGT_PROT_R);
		assert_int_equal(map(w, (1ULL << 52) - page, page, (1ULL << 52) - page,
				     PGT_PROT_R), 0);
		assert_leaf(w, (1ULL << 52) - page, (1ULL << 52) - page, 3, PGT_PROT_R);
		world_end(w);
	}
}

/* The largest block of each wide format. */
static void test_wide_blocks(void **state)
{
	struct world *w = world_s2(12, 52);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, TiB(1), TiB(1), 3 * TiB(1), PGT_PROT_R), 0);
	assert_leaf(w, TiB(1), 3 * TiB(1), 0, PGT_PROT_R);
	world_end(w);
	w = world_s2(14, 52);
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, GiB(64), GiB(64), GiB(128), PGT_PROT_R), 0);
	assert_leaf(w, GiB(64), GiB(128), 1, PGT_PROT_R);
	world_end(w);
	w = world_s2(16, 52);
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, TiB(4), TiB(4), TiB(8), PGT_PROT_R), 0);
	assert_leaf(w, TiB(4), TiB(8), 1, PGT_PROT_R);
	world_end(w);
}

static void test_caches_without_fwb(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40 };
	struct world *w = world_with(&req, &cpu, 0);
	u64 pfn[2] = { 0x1000, 0x2000 };

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, BASE, KiB(64), TO, PGT_PROT_RW), 0);
	assert_true(w->env.clean_bytes == KiB(64) && w->env.last_clean.pa == TO);
	assert_int_equal(w->env.invals, 0);
	assert_int_equal(map(w, BASE + MiB(1), KiB(4), TO, PGT_PROT_R | PGT_PROT_X), 0);
	assert_true(w->env.inval_bytes == KiB(4) && w->env.last_inval.pa == TO);
	w->env.clean_bytes = 0;
	assert_int_equal(map(w, BASE + MiB(2), KiB(4), TO, PGT_PROT_R | PGT_PROT_DEVICE), 0);
	assert_int_equal(map(w, BASE + MiB(3), KiB(4), TO, PGT_PROT_R | PGT_PROT_NC), 0);
	assert_true(w->env.clean_bytes == 0);
	assert_int_equal(pgt_s2_map_pfns(&w->pgt, &w->op, ipa(BASE + MiB(5)), pfn, 2, PGT_PROT_R),
			 0);
	assert_true(w->env.clean_bytes == KiB(8) && w->env.last_clean.pa == 0x2000000);
	w->op.flags = PGT_OP_NO_CMO;
	assert_int_equal(map(w, BASE + MiB(4), KiB(4), TO, PGT_PROT_R), 0);
	assert_true(w->env.clean_bytes == KiB(8));
	world_end(w);
}

static void test_xnx(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40 };
	static const u32 x[] = { 0, PGT_PROT_PX, PGT_PROT_UX, PGT_PROT_X };
	static const u64 xn[] = { 2, 3, 1, 0 };
	struct world *w = world_with(&req, &cpu, PGT_FWB);
	u32 i;

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	for (i = 0; i < 4; i++) {
		assert_int_equal(map(w, BASE + KiB(4) * i, KiB(4), TO, PGT_PROT_R | x[i]), 0);
		assert_leaf(w, BASE + KiB(4) * i, TO, 3, PGT_PROT_R | x[i]);
		assert_true((leaf_at(w, BASE + KiB(4) * i).desc >> 53 & 3) == xn[i]);
	}
	world_end(w);
	cpu.xnx = false;
	w = world_with(&req, &cpu, PGT_FWB);
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_UX), -EOPNOTSUPP);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_PX), -EOPNOTSUPP);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R | PGT_PROT_X), 0);
	world_end(w);
}

/* Table memory at one distance: the same, without to_virt. */
static void test_linear(void **state)
{
	static const u8 bits[] = { 40, 52 };
	u32 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct pgt_cpu_features cpu = env_cpu();
		struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12,
					   .ia_bits = bits[i], .oa_bits = bits[i] > 48 ? 52 : 48 };
		struct world *w = world_with(&req, &cpu, PGT_FWB | PGT_LINEAR);
		u64 k;

		env_fill(&w->env, &w->mc, 8);
		for (k = 0; k < 600; k++)
			assert_int_equal(map(w, BASE + KiB(4) * k, KiB(4), TO + KiB(8) * k,
					     PGT_PROT_R | (k & 1 ? PGT_PROT_W : PGT_PROT_X)), 0);
		for (k = 0; k < 600; k++)
			assert_leaf(w, BASE + KiB(4) * k, TO + KiB(8) * k, 3,
				    PGT_PROT_R | (k & 1 ? PGT_PROT_W : PGT_PROT_X));
		assert_int_equal(pgt_s2_unmap(&w->pgt, &w->op, ipa(BASE), MiB(4)), 0);
		assert_kind(w, BASE, PGT_EMPTY);
		env_drain(&w->env, &w->mc);
		assert_int_equal(w->env.in_use, 0);
		world_end(w);
	}
}

/* One page next to others takes a shorter way, and meets the same refusals. */
static void test_page_beside_another(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RW), 0);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4) + 8, TO, PGT_PROT_RW), -EINVAL);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4) - 8, TO, PGT_PROT_RW), -EINVAL);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), TO + 8, PGT_PROT_RW), -EINVAL);
	assert_int_equal(map(w, BASE + KiB(4) + 8, KiB(4), TO, PGT_PROT_RW), -EINVAL);
	assert_int_equal(map(w, (1ULL << 40) + BASE + KiB(4), KiB(4), TO, PGT_PROT_RW), -ERANGE);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), 1ULL << 48, PGT_PROT_RW), -ERANGE);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_R), -EAGAIN);
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), TO, PGT_PROT_R | PGT_PROT_SW0), 0);
	assert_leaf(w, BASE + KiB(4), TO, 3, PGT_PROT_R | PGT_PROT_SW0);
	assert_int_equal(map(w, BASE + KiB(8), KiB(4), TO, PGT_PROT_R | PGT_PROT_PX), 0);
	assert_leaf(w, BASE + KiB(8), TO, 3, PGT_PROT_R | PGT_PROT_PX);
	assert_true(w->env.inval_bytes == KiB(4));
	w->op.flags = PGT_OP_NO_CMO;
	assert_int_equal(map(w, BASE + KiB(12), KiB(4), TO, PGT_PROT_RWX), 0);
	assert_leaf(w, BASE + KiB(12), TO, 3, PGT_PROT_RWX);
	assert_true(w->env.inval_bytes == KiB(4));
	assert_int_equal(w->env.publishes, 4);
	assert_true(w->op.done == KiB(4));
	world_end(w);
}

/* So does a block, where a block is what is to be made. */
static void test_block_beside_another(void **state)
{
	struct world *w = world_s2(12, 40);

	(void)state;
	env_fill(&w->env, &w->mc, 8);
	assert_int_equal(map(w, BASE, MiB(2), TO, PGT_PROT_RW), 0);
	assert_leaf(w, BASE, TO, 2, PGT_PROT_RW);
	w->env.publishes = 0;
	assert_int_equal(map(w, BASE + MiB(2), MiB(2), TO + MiB(2), PGT_PROT_RW), 0);
	assert_leaf(w, BASE + MiB(2), TO + MiB(2), 2, PGT_PROT_RW);
	assert_true((leaf_at(w, BASE + MiB(2)).desc & 3) == 1);
	assert_int_equal(w->env.publishes, 1);
	assert_true(w->op.done == MiB(2));
	assert_int_equal(map(w, BASE + MiB(2), MiB(2), TO + MiB(2), PGT_PROT_R), -EAGAIN);
	assert_int_equal(map(w, (1ULL << 40) + BASE, MiB(2), TO, PGT_PROT_RW), -ERANGE);
	assert_int_equal(map(w, BASE + MiB(4), MiB(2), 1ULL << 48, PGT_PROT_RW), -ERANGE);
	/* Pages: an address is off, or no block is wanted. */
	assert_int_equal(map(w, BASE + MiB(4), MiB(2), TO + KiB(4), PGT_PROT_RW), 0);
	assert_leaf(w, BASE + MiB(4), TO + KiB(4), 3, PGT_PROT_RW);
	assert_int_equal(map(w, BASE + MiB(6) + KiB(4), MiB(2), TO, PGT_PROT_RW), 0);
	assert_leaf(w, BASE + MiB(6) + KiB(4), TO, 3, PGT_PROT_RW);
	w->op.max_shift = 12;
	assert_int_equal(map(w, BASE + MiB(10), MiB(2), TO, PGT_PROT_RW), 0);
	assert_leaf(w, BASE + MiB(10), TO, 3, PGT_PROT_RW);
	w->op.max_shift = 21;
	assert_int_equal(map(w, BASE + MiB(12), MiB(2), TO, PGT_PROT_RW), 0);
	assert_leaf(w, BASE + MiB(12), TO, 2, PGT_PROT_RW);
	world_end(w);
}

/* 512 GiB with pages of 4 KiB, and no 52-bit addresses: the level has no blocks. */
static void test_no_block_of_that_size(void **state)
{
	struct world *w = world_s2(12, 48);

	(void)state;
	env_fill(&w->env, &w->mc, 4);
	assert_int_equal(map(w, 0, GiB(512), 0, PGT_PROT_RW), 0);
	assert_leaf(w, 0, 0, 1, PGT_PROT_RW);
	assert_leaf(w, GiB(511), GiB(511), 1, PGT_PROT_RW);
	world_end(w);
}

/* The entry as the architecture wants it, bit by bit. */
static void test_entry_bits(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 40,
				   .oa_bits = 48, .ha = true, .hd = true };
	struct world *w = world_with(&req, &cpu, PGT_FWB);

	(void)state;
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, BASE, KiB(4), TO, PGT_PROT_RWX), 0);
	assert_true(leaf_at(w, BASE).desc == (TO | 3 | 6 << 2 | 3 << 6 | 3 << 8 | 1 << 10));
	assert_int_equal(map(w, BASE + MiB(2), MiB(2), TO + MiB(2), PGT_PROT_R | PGT_PROT_DEVICE),
			 0);
	assert_true(leaf_at(w, BASE + MiB(2)).desc == ((TO + MiB(2)) | 1 | 1 << 2 | 1 << 6 |
						      3 << 8 | 1 << 10 | 1ULL << 54));
	assert_int_equal(map(w, BASE + KiB(4), KiB(4), TO, PGT_PROT_RW | PGT_PROT_CLEAN |
			     PGT_PROT_OLD | PGT_PROT_NC | PGT_PROT_SW2), 0);
	assert_true(leaf_at(w, BASE + KiB(4)).desc == (TO | 3 | 5 << 2 | 1 << 6 | 3 << 8 |
						      1ULL << 51 | 1ULL << 54 | 1ULL << 57));
	assert_false(leaf_at(w, BASE + KiB(4)).dirty);
	assert_true(leaf_at(w, BASE).dirty);
	world_end(w);

	w = world_s2(12, 52); /* no SH; OA[51:50] there */
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, BASE, KiB(4), TO | 2ULL << 50, PGT_PROT_RWX), 0);
	assert_true(leaf_at(w, BASE).desc == (TO | 3 | 6 << 2 | 3 << 6 | 2 << 8 | 1 << 10));
	world_end(w);

	w = world_s2(16, 52); /* OA[51:48] in bits 15:12 */
	env_fill(&w->env, &w->mc, 16);
	assert_int_equal(map(w, BASE, KiB(64), TO | 9ULL << 48, PGT_PROT_RWX), 0);
	assert_true(leaf_at(w, BASE).desc == (TO | 3 | 6 << 2 | 3 << 6 | 3 << 8 | 1 << 10 |
					      9 << 12));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_block_sizes),
		cmocka_unit_test(test_max_shift),
		cmocka_unit_test(test_unaligned_output),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_no_memory_then_resume),
		cmocka_unit_test(test_equal_and_permissions),
		cmocka_unit_test(test_page_in_block),
		cmocka_unit_test(test_replace_leaf),
		cmocka_unit_test(test_locked_in_between),
		cmocka_unit_test(test_software_bits_only),
		cmocka_unit_test(test_owned_is_refused),
		cmocka_unit_test(test_block_over_table),
		cmocka_unit_test(test_replace_shared_is_deferred),
		cmocka_unit_test(test_shared_fills_as_well),
		cmocka_unit_test(test_pfns),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_wide_output),
		cmocka_unit_test(test_wide_blocks),
		cmocka_unit_test(test_caches_without_fwb),
		cmocka_unit_test(test_xnx),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_page_beside_another),
		cmocka_unit_test(test_block_beside_another),
		cmocka_unit_test(test_no_block_of_that_size),
		cmocka_unit_test(test_entry_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
