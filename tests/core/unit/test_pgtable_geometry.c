// SPDX-License-Identifier: GPL-2.0-only
/* ID registers, geometries, control registers, and every refusal with its reason. */
#include "pgtable_env.h"

#include <limits.h>

#define TCR_COMMON(ia, tg, ps) \
	((u64)(64 - (ia)) | 1 << 8 | 1 << 10 | 3 << 12 | (tg) << 14 | (ps) << 16)

static const struct pgt_request s2_4k = { .stage = PGT_STAGE2, .granule_shift = 12,
					  .ia_bits = 40, .oa_bits = 48 };

static int init(struct pgt_geometry *geo, const struct pgt_request *req,
		const struct pgt_cpu_features *cpu)
{
	memset(geo, 0xee, sizeof(*geo));
	return pgt_geometry_init(geo, req, cpu);
}

/* cpu max of QEMU 7.2, and the least of CPUs. */
static void test_parse(void **state)
{
	struct pgt_cpu_features f;

	(void)state;
	pgt_cpu_features_parse(&f, 6ULL | 2 << 20 | 1 << 28 | 3ULL << 32 | 2ULL << 36 | 3ULL << 40,
			       2ULL | 2 << 4 | 1 << 28,
			       1ULL << 16 | 1 << 28 | 1ULL << 40 | 1ULL << 48 | 2ULL << 52,
			       2ULL << 56);
	assert_int_equal(f.pa_bits, 52);
	assert_int_equal(f.granule_s1[0], PGT_GRANULE_LPA2);
	assert_int_equal(f.granule_s1[1], PGT_GRANULE_LPA2);
	assert_int_equal(f.granule_s1[2], PGT_GRANULE_48);
	assert_int_equal(f.granule_s2[0], PGT_GRANULE_LPA2);
	assert_int_equal(f.granule_s2[1], PGT_GRANULE_LPA2);
	assert_int_equal(f.granule_s2[2], PGT_GRANULE_48);
	assert_int_equal(f.vmid_bits, 16);
	assert_int_equal(f.bbm, 2);
	assert_true(f.ha && f.hd && f.xnx && f.fwb && f.ttl && f.ttst && f.lva && f.tlbirange);

	pgt_cpu_features_parse(&f, 0xfULL << 24 | 0xfULL << 28, 0, 0, 1ULL << 56);
	assert_int_equal(f.pa_bits, 32);
	assert_int_equal(f.granule_s1[0] | f.granule_s1[1] | f.granule_s1[2], PGT_GRANULE_NONE);
	assert_int_equal(f.granule_s2[0] | f.granule_s2[1] | f.granule_s2[2], PGT_GRANULE_NONE);
	assert_int_equal(f.vmid_bits, 8);
	assert_false(f.ha || f.hd || f.xnx || f.fwb || f.ttl || f.ttst || f.lva || f.tlbirange);
}

static void test_parse_details(void **state)
{
	struct pgt_cpu_features f;

	(void)state;
	/* Stage 2 as stage 1, and explicitly not. 56 bits count as 52. */
	pgt_cpu_features_parse(&f, 7ULL | 1 << 20 | 0ULL << 28 | 1ULL << 32 | 1ULL << 36, 1, 0, 0);
	assert_int_equal(f.pa_bits, 52);
	assert_int_equal(f.granule_s1[1], PGT_GRANULE_48);
	assert_int_equal(f.granule_s2[0], PGT_GRANULE_48);
	assert_int_equal(f.granule_s2[1], PGT_GRANULE_NONE);
	assert_int_equal(f.granule_s2[2], PGT_GRANULE_NONE);
	assert_true(f.ha && !f.hd);
	pgt_cpu_features_parse(&f, 2ULL << 32 | 3ULL << 36 | 2ULL << 40, 0, 0, 0);
	assert_int_equal(f.granule_s2[1], PGT_GRANULE_48);
	assert_int_equal(f.granule_s2[2], PGT_GRANULE_NONE);
	assert_int_equal(f.granule_s2[0], PGT_GRANULE_48);
}

struct shape {
	u8 stage, granule, ia, oa;
	s8 start;
	u32 root_entries, root_tables;
	u64 tcr;
};

#define S1_RES1 (1ULL << 31 | 1ULL << 23)
#define S2_RES1 (1ULL << 31)
#define DS	(1ULL << 32)
#define SL(sl2, sl0) ((u64)(sl2) << 33 | (sl0) << 6)

static const struct shape shapes[] = {
	/* Stage 1: no concatenation; level -1 for 52 bits of 4K. */
	{ 1, 12, 39, 48, 1, 512, 1, TCR_COMMON(39, 0, 5) | S1_RES1 },
	{ 1, 12, 48, 48, 0, 512, 1, TCR_COMMON(48, 0, 5) | S1_RES1 },
	{ 1, 12, 52, 52, -1, 16, 1, TCR_COMMON(52, 0, 6) | S1_RES1 | DS },
	{ 1, 12, 16, 48, 3, 16, 1, TCR_COMMON(16, 0, 5) | S1_RES1 },
	{ 1, 14, 47, 48, 1, 2048, 1, TCR_COMMON(47, 2, 5) | S1_RES1 },
	{ 1, 14, 48, 48, 0, 2, 1, TCR_COMMON(48, 2, 5) | S1_RES1 },
	{ 1, 14, 52, 52, 0, 32, 1, TCR_COMMON(52, 2, 6) | S1_RES1 | DS },
	{ 1, 16, 48, 48, 1, 64, 1, TCR_COMMON(48, 1, 5) | S1_RES1 },
	{ 1, 16, 52, 52, 1, 1024, 1, TCR_COMMON(52, 1, 6) | S1_RES1 },
	/* Stage 2: up to 16 tables side by side. */
	{ 2, 12, 32, 48, 2, 2048, 4, TCR_COMMON(32, 0, 5) | S2_RES1 | SL(0, 0) },
	{ 2, 12, 34, 48, 2, 8192, 16, TCR_COMMON(34, 0, 5) | S2_RES1 | SL(0, 0) },
	{ 2, 12, 35, 48, 1, 32, 1, TCR_COMMON(35, 0, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 12, 40, 48, 1, 1024, 2, TCR_COMMON(40, 0, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 12, 43, 48, 1, 8192, 16, TCR_COMMON(43, 0, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 12, 44, 48, 0, 32, 1, TCR_COMMON(44, 0, 5) | S2_RES1 | SL(0, 2) },
	{ 2, 12, 48, 48, 0, 512, 1, TCR_COMMON(48, 0, 5) | S2_RES1 | SL(0, 2) },
	{ 2, 12, 52, 52, 0, 8192, 16, TCR_COMMON(52, 0, 6) | S2_RES1 | SL(0, 2) | DS },
	{ 2, 12, 25, 48, 3, 8192, 16, TCR_COMMON(25, 0, 5) | S2_RES1 | SL(0, 3) },
	{ 2, 14, 29, 48, 3, 32768, 16, TCR_COMMON(29, 2, 5) | S2_RES1 | SL(0, 0) },
	{ 2, 14, 32, 48, 2, 128, 1, TCR_COMMON(32, 2, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 14, 40, 48, 2, 32768, 16, TCR_COMMON(40, 2, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 14, 48, 48, 1, 4096, 2, TCR_COMMON(48, 2, 5) | S2_RES1 | SL(0, 2) },
	{ 2, 14, 51, 52, 1, 32768, 16, TCR_COMMON(51, 2, 6) | S2_RES1 | SL(0, 2) | DS },
	{ 2, 14, 52, 52, 0, 32, 1, TCR_COMMON(52, 2, 6) | S2_RES1 | SL(0, 3) | DS },
	{ 2, 16, 33, 48, 3, 131072, 16, TCR_COMMON(33, 1, 5) | S2_RES1 | SL(0, 0) },
	{ 2, 16, 40, 48, 2, 2048, 1, TCR_COMMON(40, 1, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 16, 46, 48, 2, 131072, 16, TCR_COMMON(46, 1, 5) | S2_RES1 | SL(0, 1) },
	{ 2, 16, 48, 48, 1, 64, 1, TCR_COMMON(48, 1, 5) | S2_RES1 | SL(0, 2) },
	{ 2, 16, 52, 52, 1, 1024, 1, TCR_COMMON(52, 1, 6) | S2_RES1 | SL(0, 2) },
};

static void check_shape(const struct shape *s)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = { .stage = s->stage, .granule_shift = s->granule,
				   .ia_bits = s->ia, .oa_bits = s->oa };
	struct pgt_geometry geo;
	int level;

	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.start_level, s->start);
	assert_int_equal(geo.root_entries, s->root_entries);
	assert_int_equal(geo.root_tables, s->root_tables);
	assert_true(geo.root_bytes == s->root_entries * 8ULL);
	assert_true(geo.root_align == (geo.root_bytes < 64 ? 64 : geo.root_bytes));
	assert_true(geo.tcr == s->tcr);
	assert_int_equal(geo.stride, s->granule - 3);
	assert_int_equal(geo.table_entries, 1 << (s->granule - 3));
	for (level = geo.start_level; level <= 3; level++)
		assert_int_equal(geo.level_shift[level + 1],
				 s->granule + (3 - level) * (s->granule - 3));
}

static void test_shapes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		check_shape(&shapes[i]);
}

static void test_given_start(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;

	(void)state;
	req.start_given = true;
	req.start_level = 0;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.start_level, 0);
	assert_int_equal(geo.root_entries, 2);
	req.ia_bits = 52;
	req.oa_bits = 52;
	req.start_level = -1;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true((geo.tcr & (SL(1, 3))) == SL(1, 0));
	assert_int_equal(geo.root_entries, 16);
}

static void test_formats_and_blocks(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;

	(void)state;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_48);
	assert_true(pgt_level_has_leaf(&geo, 1) && pgt_level_has_leaf(&geo, 3));
	assert_false(pgt_level_has_leaf(&geo, 0));
	req.lpa2 = PGT_LPA2_ALWAYS;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_LPA2);
	assert_true(geo.tcr & DS);
	req.lpa2 = PGT_LPA2_AUTO;
	req.oa_bits = 0; /* as large as possible */
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_LPA2);
	assert_int_equal(geo.oa_bits, 52);
	req.lpa2 = PGT_LPA2_NEVER;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_48);
	assert_int_equal(geo.oa_bits, 48);
	/* Both stages, or not at all. */
	req.lpa2 = PGT_LPA2_AUTO;
	cpu.granule_s1[0] = PGT_GRANULE_48;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.oa_bits, 48);
	req.granule_shift = 16;
	req.ia_bits = 52;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_LPA);
	assert_true(pgt_level_has_leaf(&geo, 1));
	cpu.pa_bits = 48;
	req.ia_bits = 48;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_int_equal(geo.format, PGT_FORMAT_48);
	assert_false(pgt_level_has_leaf(&geo, 1));
	/* 16K has 32M blocks, and 64G ones with LPA2. */
	req.granule_shift = 14;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_level_has_leaf(&geo, 2) && !pgt_level_has_leaf(&geo, 1));
	req.lpa2 = PGT_LPA2_ALWAYS;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_level_has_leaf(&geo, 1) && !pgt_level_has_leaf(&geo, 0));
}

static void test_flags(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;

	(void)state;
	req.ha = req.hd = req.vmid16 = true;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(geo.tcr == (TCR_COMMON(40, 0, 5) | S2_RES1 | SL(0, 1) | 1 << 19 | 1 << 21 |
				1 << 22));
	assert_true(geo.ha && geo.hd && geo.vmid16);
}

static void expect(int refusal, const struct pgt_request *req, const struct pgt_cpu_features *cpu)
{
	struct pgt_geometry geo, before;

	memset(&before, 0xee, sizeof(before));
	assert_int_equal(init(&geo, req, cpu), refusal);
	assert_memory_equal(&geo, &before, sizeof(geo));
}

static void test_refused_stage_granule_format(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;

	(void)state;
	req.stage = 3;
	expect(PGT_E_STAGE, &req, &cpu);
	req.stage = 0;
	expect(PGT_E_STAGE, &req, &cpu);
	req = s2_4k;
	req.granule_shift = 13;
	expect(PGT_E_GRANULE, &req, &cpu);
	req = s2_4k;
	cpu.granule_s2[0] = PGT_GRANULE_NONE;
	expect(PGT_E_GRANULE_CPU, &req, &cpu);
	req.stage = PGT_STAGE1;
	cpu.granule_s1[0] = PGT_GRANULE_NONE;
	expect(PGT_E_GRANULE_CPU, &req, &cpu);
	cpu = env_cpu();
	req = s2_4k;
	req.granule_shift = 16;
	req.lpa2 = PGT_LPA2_ALWAYS;
	expect(PGT_E_LPA2_GRANULE, &req, &cpu);
	req = s2_4k;
	req.lpa2 = PGT_LPA2_ALWAYS;
	cpu.granule_s1[0] = PGT_GRANULE_48;
	expect(PGT_E_LPA2_STAGE1, &req, &cpu);
	cpu = env_cpu();
	cpu.granule_s2[0] = PGT_GRANULE_48;
	expect(PGT_E_LPA2_STAGE2, &req, &cpu);
	/* Half of it is no use to the other stage either. */
	req.stage = PGT_STAGE1;
	req.ia_bits = 52;
	req.lpa2 = PGT_LPA2_AUTO;
	expect(PGT_E_LPA2_STAGE2, &req, &cpu);
	cpu = env_cpu();
	req = s2_4k;
	req.lpa2 = PGT_LPA2_NEVER;
	req.oa_bits = 52;
	expect(PGT_E_LPA2_NEVER, &req, &cpu);
}

static void test_refused_sizes(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;

	(void)state;
	req.oa_bits = 41;
	expect(PGT_E_OA_SIZE, &req, &cpu);
	req.oa_bits = 56;
	expect(PGT_E_OA_SIZE, &req, &cpu);
	req = s2_4k;
	cpu.pa_bits = 44;
	expect(PGT_E_OA_CPU, &req, &cpu);
	req.oa_bits = 44;
	req.ia_bits = 45;
	expect(PGT_E_IA_PA, &req, &cpu);
	cpu = env_cpu();
	req = s2_4k;
	req.ia_bits = 53;
	expect(PGT_E_IA_LARGE, &req, &cpu);
	req.ia_bits = 15;
	expect(PGT_E_IA_SMALL, &req, &cpu);
	req.granule_shift = 16;
	req.ia_bits = 16;
	expect(PGT_E_IA_SMALL, &req, &cpu);
	cpu.ttst = false;
	req.ia_bits = 24;
	expect(PGT_E_IA_TTST, &req, &cpu);
	cpu.lva = false;
	req.stage = PGT_STAGE1;
	req.ia_bits = 52;
	expect(PGT_E_IA_LVA, &req, &cpu);
}

static void test_refused_start(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;

	(void)state;
	req.start_given = true;
	req.start_level = 4;
	expect(PGT_E_START_LEVEL, &req, &cpu);
	req.start_level = -2;
	expect(PGT_E_START_LEVEL, &req, &cpu);
	req.start_level = -1; /* needs DS */
	expect(PGT_E_START_LEVEL, &req, &cpu);
	req.start_level = 2; /* 34 bits at most */
	expect(PGT_E_START_SIZE, &req, &cpu);
	req.start_level = 0;
	req.ia_bits = 39;
	expect(PGT_E_START_SIZE, &req, &cpu);
	cpu.pa_bits = 42;
	req.oa_bits = 42;
	req.ia_bits = 40;
	expect(PGT_E_START_PA, &req, &cpu);
	cpu = env_cpu();
	cpu.ttst = false;
	req = s2_4k;
	req.start_given = true;
	req.start_level = 3;
	req.ia_bits = 25;
	expect(PGT_E_START_TTST, &req, &cpu);
	req.stage = PGT_STAGE1;
	expect(PGT_E_START_STAGE1, &req, &cpu);
	/* 16K level 0 needs DS, 64K never has it. */
	req = s2_4k;
	req.start_given = true;
	req.start_level = 0;
	req.ia_bits = 48;
	req.granule_shift = 14;
	expect(PGT_E_START_LEVEL, &req, &cpu);
	req.granule_shift = 16;
	expect(PGT_E_START_LEVEL, &req, &cpu);
}

static void test_refused_flags(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;

	(void)state;
	req.hd = true; /* without ha */
	expect(PGT_E_HD, &req, &cpu);
	cpu.hd = false;
	req.ha = true;
	expect(PGT_E_HD, &req, &cpu);
	cpu.ha = false;
	expect(PGT_E_HA, &req, &cpu);
	cpu = env_cpu();
	cpu.vmid_bits = 8;
	req = s2_4k;
	req.vmid16 = true;
	expect(PGT_E_VMID16, &req, &cpu);
	cpu.vmid_bits = 16;
	req.stage = PGT_STAGE1;
	expect(PGT_E_VMID16, &req, &cpu);
}

static void test_reasons(void **state)
{
	int i, j;

	(void)state;
	for (i = PGT_E_STAGE; i >= PGT_E_VMID16; i--)
		for (j = PGT_E_STAGE; j > i; j--)
			assert_string_not_equal(pgt_refusal_reason(i), pgt_refusal_reason(j));
	assert_string_equal(pgt_refusal_reason(0), "not refused");
	assert_string_equal(pgt_refusal_reason(1), "unknown refusal");
	assert_string_equal(pgt_refusal_reason(PGT_E_VMID16 - 1), "unknown refusal");
	assert_string_equal(pgt_refusal_reason(INT_MIN), "unknown refusal");
}

static void test_ttbr(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;

	(void)state;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_geometry_ttbr(&geo, pa(0x812345000ULL), 0xabcd) ==
		    (0x812345000ULL | 0xabcdULL << 48));
	req.oa_bits = 52;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_geometry_ttbr(&geo, pa(0x9000812345000ULL), 1) ==
		    (0x812345000ULL | 9 << 2 | 1ULL << 48));
}

static void test_largest_leaf(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;
	u64 base = 0;

	(void)state;
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_largest_leaf(&geo, GiB(5) + 123, GiB(4), GiB(8), 0, &base) == GiB(1));
	assert_true(base == GiB(5));
	assert_true(pgt_largest_leaf(&geo, GiB(5) + 123, GiB(4), GiB(8), 21, &base) == MiB(2));
	assert_true(base == GiB(5));
	assert_true(pgt_largest_leaf(&geo, GiB(5) + MiB(3), GiB(5) + MiB(1), GiB(6), 0, &base) ==
		    MiB(2));
	assert_true(base == GiB(5) + MiB(2));
	assert_true(pgt_largest_leaf(&geo, GiB(5) + KiB(5), GiB(5), GiB(5) + KiB(8), 0, &base) ==
		    KiB(4));
	assert_true(base == GiB(5) + KiB(4));
	assert_true(pgt_largest_leaf(&geo, GiB(5), GiB(5) + 1, GiB(6), 12, &base) == 0);
	assert_true(pgt_largest_leaf(&geo, GiB(5), GiB(4), GiB(5), 0, &base) == 0);
}

static void test_pages_needed(void **state)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = s2_4k;
	struct pgt_geometry geo;

	(void)state;
	req.ia_bits = 48; /* level 0 */
	assert_int_equal(init(&geo, &req, &cpu), 0);
	assert_true(pgt_map_pages_needed(&geo, GiB(1), KiB(4), 0) == 3);
	assert_true(pgt_map_pages_needed(&geo, GiB(1) - KiB(4), KiB(8), 0) == 1 + 2 + 2);
	assert_true(pgt_map_pages_needed(&geo, GiB(1), GiB(1), 0) == 1 + 1 + 512);
	assert_true(pgt_map_pages_needed(&geo, GiB(1), GiB(16), 30) == 1 + 2 + 2);
	assert_true(pgt_map_pages_needed(&geo, GiB(1), GiB(16), 21) == 1 + 16 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_details),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_given_start),
		cmocka_unit_test(test_formats_and_blocks),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_refused_stage_granule_format),
		cmocka_unit_test(test_refused_sizes),
		cmocka_unit_test(test_refused_start),
		cmocka_unit_test(test_refused_flags),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_ttbr),
		cmocka_unit_test(test_largest_leaf),
		cmocka_unit_test(test_pages_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
