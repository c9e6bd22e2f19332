// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else changes an entry between its being looked at and its being exchanged:
 * another walker, or the hardware. What comes in between runs from a callback of the
 * environment, so that every run is the same.
 */
#include "pgtable_env.h"

#define HIGH (1ULL << 40)

static struct world *world(u64 size, u32 prot)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 48,
				   .oa_bits = 48, .ha = true, .hd = true };
	struct world *w = world_with(&req, &cpu, PGT_FWB);

	env_fill(&w->env, &w->mc, 520);
	if (size)
		assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), size, pa(HIGH), prot), 0);
	w->env.arg = w;
	w->op.flags = PGT_OP_SHARED;
	return w;
}

/* The level 1 entry of GiB(1). */
static u64 *level_1(struct world *w)
{
	u64 *table = env_to_virt(&w->env, pa(port_le64(w->pgt.root[0]) & 0xfffffffff000ULL));

	return &table[1];
}

static void or_level_1(struct world *w, u64 bits)
{
	*level_1(w) = port_le64(port_le64(*level_1(w)) | bits);
}

static void hardware_writes(struct env *env)
{
	or_level_1(env->arg, 1 << 10 | 1 << 7);
}

static void walker_adds_execution(struct env *env)
{
	struct world *w = env->arg;

	*level_1(w) = port_le64(port_le64(*level_1(w)) & ~(3ULL << 53));
}

static void walker_maps_a_neighbour(struct env *env)
{
	struct world *w = env->arg;
	struct pgt_memcache mc = { 0 };
	struct pgt_op op = { .mc = &mc, .flags = PGT_OP_SHARED };

	env_fill(env, &mc, 3);
	assert_int_equal(pgt_s2_map(&w->pgt, &op, ipa(GiB(1) + KiB(4)), KiB(4), pa(HIGH + KiB(4)),
				    PGT_PROT_R), 0);
	assert_int_equal(mc.count, 0);
}

/* The copy is made again, with what the hardware noted, and nobody sees a failure. */
static void test_split_against_hardware(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RW | PGT_PROT_CLEAN | PGT_PROT_OLD);

	(void)state;
	w->env.once_at_to_pa = hardware_writes;
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), GiB(1)), 0);
	assert_leaf(w, GiB(1) + MiB(77), HIGH + MiB(77), 3, PGT_PROT_RW);
	assert_true(leaf_at(w, GiB(2) - KiB(4)).dirty);
	/* Only what succeeded was broken, and no page is lost. */
	assert_int_equal(w->env.plans, 1);
	assert_int_equal(w->mc.count, 520 - 1 - 513);
	world_end(w);
}

static void test_split_against_a_walker(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_RW);

	(void)state;
	w->env.once_at_to_pa = walker_adds_execution;
	assert_int_equal(pgt_s2_split(&w->pgt, &w->op, ipa(GiB(1)), GiB(1)), -EAGAIN);
	assert_true(w->op.done == 0);
	assert_leaf(w, GiB(1), HIGH, 1, PGT_PROT_RWX);
	assert_int_equal(w->env.plans, 0);
	assert_int_equal(w->mc.count, 519);
	world_end(w);
}

/* Two faults want a table in the same place: the loser goes on in the winner's. */
static void test_table_against_a_walker(void **state)
{
	struct world *w = world(0, 0);

	(void)state;
	w->env.once_at_to_pa = walker_maps_a_neighbour;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), KiB(4), pa(HIGH), PGT_PROT_R), 0);
	assert_leaf(w, GiB(1), HIGH, 3, PGT_PROT_R);
	assert_leaf(w, GiB(1) + KiB(4), HIGH + KiB(4), 3, PGT_PROT_R);
	assert_int_equal(w->mc.count, 520);
	world_end(w);
}

static void test_relax_against_a_walker(void **state)
{
	struct world *w = world(GiB(1), PGT_PROT_R);

	(void)state;
	w->env.once_at_inval = hardware_writes; /* as a walker that adds W */
	assert_int_equal(pgt_s2_relax_perms(&w->pgt, ipa(GiB(1)), PGT_PROT_X, 0), -EAGAIN);
	assert_leaf(w, GiB(1), HIGH, 1, PGT_PROT_RW);
	assert_int_equal(w->env.plans, 0);
	world_end(w);
}

static void walker_locks(struct env *env)
{
	*level_1(env->arg) = port_le64(2);
}

/* A block is to replace a table that is gone when it comes to it. */
static void test_replace_against_a_walker(void **state)
{
	struct world *w = world(MiB(2), PGT_PROT_R);
	u64 before = *level_1(w);

	(void)state;
	w->env.once_at_inval = walker_locks;
	w->op.flags |= PGT_OP_REPLACE;
	assert_int_equal(pgt_s2_map(&w->pgt, &w->op, ipa(GiB(1)), GiB(1), pa(HIGH),
				    PGT_PROT_R | PGT_PROT_X), -EAGAIN);
	assert_kind(w, GiB(1), PGT_LOCKED);
	assert_int_equal(w->env.plans + w->env.ndeferred, 0);
	*level_1(w) = before;
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_against_hardware),
		cmocka_unit_test(test_split_against_a_walker),
		cmocka_unit_test(test_table_against_a_walker),
		cmocka_unit_test(test_relax_against_a_walker),
		cmocka_unit_test(test_replace_against_a_walker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
