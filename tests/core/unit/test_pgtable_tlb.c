// SPDX-License-Identifier: GPL-2.0-only
/* Plans of TLB invalidation: which instructions, with which operands. */
#include "pgtable_env.h"

static struct pgt_geometry geometry(enum pgt_stage stage, u8 granule, u8 bits, bool range,
				    bool ttl)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = stage, .granule_shift = granule, .ia_bits = bits,
				   .oa_bits = bits > 48 ? 52 : 48 };
	struct pgt_geometry geo;

	cpu.tlbirange = range;
	cpu.ttl = ttl;
	assert_int_equal(pgt_geometry_init(&geo, &req, &cpu), 0);
	return geo;
}

static struct pgt_tlb_plan plan_leaf(const struct pgt_geometry *geo, u64 ia, u64 size, s8 level)
{
	struct pgt_gather g;
	struct pgt_tlb_plan plan;

	pgt_gather_init(&g);
	pgt_gather_leaf(&g, ia, size, level);
	memset(&plan, 0xff, sizeof(plan));
	pgt_tlb_plan(geo, &g, &plan);
	assert_false(plan.local);
	return plan;
}

static void assert_s2_tail(const struct pgt_tlb_plan *plan)
{
	assert_true(plan->n >= 3);
	assert_int_equal(plan->op[plan->n - 2].kind, PGT_TLBI_DSB);
	assert_int_equal(plan->op[plan->n - 1].kind, PGT_TLBI_VMALLE1);
}

static void test_single(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, true, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, GiB(3) + KiB(4), KiB(4), 3);

	(void)state;
	assert_int_equal(plan.n, 3);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_IPAS2LE1);
	assert_true(plan.op[0].operand == ((GiB(3) + KiB(4)) >> 12 | (u64)(1 << 2 | 3) << 44));
	assert_true(plan.op[0].addr == GiB(3) + KiB(4) && plan.op[0].size == KiB(4));
	assert_int_equal(plan.op[0].level, 3);
	assert_s2_tail(&plan);

	geo = geometry(PGT_STAGE1, 16, 48, true, true);
	plan = plan_leaf(&geo, GiB(8), MiB(512), 2);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_VALE2);
	assert_true(plan.op[0].operand == (GiB(8) >> 12 | (u64)(3 << 2 | 2) << 44));

	geo = geometry(PGT_STAGE2, 14, 48, true, false);
	plan = plan_leaf(&geo, GiB(8), MiB(32), 2);
	assert_true(plan.op[0].operand == GiB(8) >> 12);
	assert_int_equal(plan.op[0].level, PGT_TTL_NONE);
}

/* Levels 0 and -1 go without a hint. */
static void test_no_hint_above_level_1(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 52, true, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, GiB(512), GiB(512), 0);

	(void)state;
	assert_true(plan.op[0].operand == GiB(512) >> 12);
	assert_int_equal(plan.op[0].level, PGT_TTL_NONE);
}

static void test_nothing(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, true, true);
	struct pgt_gather g;
	struct pgt_tlb_plan plan;

	(void)state;
	pgt_gather_init(&g);
	pgt_tlb_plan(&geo, &g, &plan);
	assert_int_equal(plan.n, 0);
}

static void check_range(const struct pgt_tlbi *op, const struct pgt_geometry *geo, u64 addr,
			u8 scale, u8 num, u8 level)
{
	u8 base_shift = geo->format == PGT_FORMAT_LPA2 ? 16 : geo->granule_shift;
	u64 tg = (geo->granule_shift - 12) / 2 + 1;

	assert_int_equal(op->scale, scale);
	assert_int_equal(op->num, num);
	assert_true(op->addr == addr);
	assert_true(op->size == (u64)(num + 1) << (5 * scale + 1) << geo->granule_shift);
	assert_true(op->operand == (addr >> base_shift | (u64)level << 37 | (u64)num << 39 |
				    (u64)scale << 44 | tg << 46));
}

/* 1 GiB and a few pages: 262144 = 4 << 16; 70 = 1 << 6 | 3 << 1; 1 more alone. */
static void test_range(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, true, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, KiB(4), GiB(1) + KiB(4) * 71, 3);

	(void)state;
	assert_int_equal(plan.n, 6);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_RIPAS2LE1);
	check_range(&plan.op[0], &geo, KiB(4), 3, 3, 3);
	check_range(&plan.op[1], &geo, GiB(1) + KiB(4), 1, 0, 3);
	check_range(&plan.op[2], &geo, GiB(1) + KiB(4) * 65, 0, 2, 3);
	assert_int_equal(plan.op[3].kind, PGT_TLBI_IPAS2LE1);
	assert_true(plan.op[3].addr == GiB(1) + KiB(4) * 71);
	assert_s2_tail(&plan);
}

static void test_range_blocks(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE1, 12, 48, true, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, GiB(1), MiB(4), 2);

	(void)state;
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_RVALE2);
	check_range(&plan.op[0], &geo, GiB(1), 1, 15, 2);
}

/* DS: the base counts 64K units, and is widened downwards. */
static void test_range_ds(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 52, true, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, GiB(1) + KiB(68), KiB(8), 3);

	(void)state;
	assert_int_equal(plan.n, 4);
	check_range(&plan.op[0], &geo, GiB(1) + KiB(64), 0, 0, 3);
	assert_true(plan.op[1].addr == GiB(1) + KiB(72));
	geo = geometry(PGT_STAGE2, 14, 52, true, true);
	plan = plan_leaf(&geo, GiB(1) + KiB(48), KiB(32), 3);
	assert_int_equal(plan.n, 4);
	check_range(&plan.op[0], &geo, GiB(1), 0, 1, 3);
	assert_int_equal(plan.op[1].kind, PGT_TLBI_IPAS2LE1);
	assert_true(plan.op[1].addr == GiB(1) + KiB(64));
}

/* Every range up to the largest is covered exactly, from its (aligned) base to its end. */
static void test_range_covers(void **state)
{
	static const u8 granules[] = { 12, 14, 16 };
	u64 seed = 12345;
	u32 i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct pgt_geometry geo = geometry(PGT_STAGE1, granules[i % 3],
						   i & 8 ? 52 : 48, true, true);
		u8 shift = geo.granule_shift;
		struct pgt_tlb_plan plan;
		u64 pages, start, at;
		u32 k;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		pages = 2 + ((seed >> 33) >> (seed % 30)) % 2097000;
		start = (seed >> 20 & 0xffffff) << shift;
		plan = plan_leaf(&geo, start, pages << shift, 3);
		at = geo.format == PGT_FORMAT_LPA2 ? start & ~0xffffULL : start;
		assert_in_range(plan.n, 1, 5);
		for (k = 0; k < plan.n; k++) {
			assert_true(plan.op[k].addr == at);
			at += plan.op[k].size;
		}
		assert_true(at == start + (pages << shift));
	}
}

static void test_everything(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, true, true);
	u64 max = KiB(4) << 21;
	struct pgt_tlb_plan plan = plan_leaf(&geo, 0, max, 3);

	(void)state;
	assert_int_equal(plan.n, 3);
	check_range(&plan.op[0], &geo, 0, 3, 31, 3);
	plan = plan_leaf(&geo, 0, max + KiB(4), 3);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_VMALLS12E1);
	geo = geometry(PGT_STAGE1, 12, 48, true, true);
	plan = plan_leaf(&geo, 0, max + KiB(4), 3);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_ALLE2);
	pgt_tlb_plan_all(&geo, &plan);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_ALLE2);
	assert_false(plan.local);
}

/* Without FEAT_TLBIRANGE: one by one up to 16, at the stride of the leaves. */
static void test_singles(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, false, true);
	struct pgt_tlb_plan plan = plan_leaf(&geo, GiB(1), MiB(32), 2);
	u32 i;

	(void)state;
	assert_int_equal(plan.n, 18);
	for (i = 0; i < 16; i++) {
		assert_int_equal(plan.op[i].kind, PGT_TLBI_IPAS2LE1);
		assert_true(plan.op[i].addr == GiB(1) + MiB(2) * i);
	}
	assert_s2_tail(&plan);
	plan = plan_leaf(&geo, GiB(1), MiB(34), 2);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_VMALLS12E1);
}

static void test_mixed_levels(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE2, 12, 48, false, true);
	struct pgt_gather g;
	struct pgt_tlb_plan plan;

	(void)state;
	pgt_gather_init(&g);
	pgt_gather_leaf(&g, MiB(2), KiB(4), 3);
	pgt_gather_leaf(&g, 0, MiB(2), 2);
	assert_true(g.start == 0 && g.end == MiB(2) + KiB(4));
	pgt_tlb_plan(&geo, &g, &plan);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_VMALLS12E1);
	geo = geometry(PGT_STAGE2, 12, 48, true, true);
	pgt_tlb_plan(&geo, &g, &plan);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_RIPAS2LE1);
	assert_int_equal(plan.op[0].level, PGT_TTL_NONE);
}

static void test_tables(void **state)
{
	struct pgt_geometry geo = geometry(PGT_STAGE1, 12, 48, false, true);
	struct pgt_gather g;
	struct pgt_tlb_plan plan;

	(void)state;
	pgt_gather_init(&g);
	pgt_gather_table(&g, MiB(2), MiB(2), 2);
	pgt_tlb_plan(&geo, &g, &plan);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.op[0].kind, PGT_TLBI_VAE2);
	assert_int_equal(plan.op[0].level, PGT_TTL_NONE);
}

static void test_flush_calls(void **state)
{
	struct world *w = world_s2(12, 40);
	struct pgt_gather g;

	(void)state;
	pgt_gather_init(&g);
	pgt_gather_flush(&w->pgt, &g);
	assert_int_equal(w->env.plans, 0);
	pgt_gather_leaf(&g, 0, KiB(4), 3);
	pgt_gather_flush(&w->pgt, &g);
	assert_int_equal(w->env.plans, 1);
	assert_true(g.start >= g.end && !g.levels && !g.tables);
	pgt_s2_flush_tlb_range(&w->pgt, ipa(GiB(1)), MiB(2));
	assert_int_equal(env_last_plan(&w->env)->op[0].kind, PGT_TLBI_RIPAS2LE1);
	assert_int_equal(env_last_plan(&w->env)->op[0].level, PGT_TTL_NONE);
	pgt_flush_tlb_all(&w->pgt);
	assert_int_equal(env_last_plan(&w->env)->op[0].kind, PGT_TLBI_VMALLS12E1);
	assert_int_equal(w->env.plans, 3);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_no_hint_above_level_1),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_blocks),
		cmocka_unit_test(test_range_ds),
		cmocka_unit_test(test_range_covers),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_singles),
		cmocka_unit_test(test_mixed_levels),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_flush_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
