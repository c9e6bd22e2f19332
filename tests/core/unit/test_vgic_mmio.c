// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the virtual GIC: what a guest reads and writes, and what user space
 * saves and restores.
 */
#include "vgic_model.h"

#define SGI 0x10000u

static u64 dr(struct model *m, u32 off)
{
	return vgic_dist_read(&m->d, off, 4);
}

static void dw(struct model *m, u32 off, u64 val)
{
	vgic_dist_write(&m->d, off, 4, val);
}

static u64 rr(struct model *m, u32 cpu, u32 off)
{
	return vgic_redist_read(&m->d, &m->cpu[cpu], off, 4);
}

static void rw(struct model *m, u32 cpu, u32 off, u64 val)
{
	vgic_redist_write(&m->d, &m->cpu[cpu], off, 4, val);
}

static u32 du(struct model *m, u32 off)
{
	u32 val = 0;

	assert_int_equal(vgic_dist_user(&m->d, off, false, &val), 0);
	return val;
}

static void duw(struct model *m, u32 off, u32 val)
{
	assert_int_equal(vgic_dist_user(&m->d, off, true, &val), 0);
}

static void test_identity(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	assert_int_equal(dr(m, 0), 0x52);
	assert_int_equal(dr(m, 4), (32 + MODEL_SPIS) / 32 - 1 + (9u << 19));
	assert_int_equal(dr(m, 8), 0x4b00343b);
	assert_int_equal(dr(m, 0xffe8), 0x3b);
	assert_int_equal(rr(m, 0, 0xffe8), 0x3b);
	assert_int_equal(dr(m, 0xc), 0);
	assert_int_equal(rr(m, 2, 0), 6);
	assert_int_equal(rr(m, 2, 4), 0x4b00043b);
	assert_int_equal(rr(m, 2, 8), 0x200);
	assert_int_equal(rr(m, 2, 12), 2);
	assert_true(vgic_redist_read(&m->d, &m->cpu[3], 8, 8) == (3ULL << 32 | 0x300));
	m->cpu[3].rd_last = true;
	m->d.has_its = true;
	assert_int_equal(rr(m, 3, 8), 0x311);
	assert_int_equal(dr(m, 4), (32 + MODEL_SPIS) / 32 - 1 + (1u << 17) + (15u << 19));
	/* Nothing there, and accesses of a width that a register doesn't take. */
	assert_int_equal(dr(m, 0xe00), 0);
	assert_int_equal(vgic_dist_read(&m->d, 4, 2), 0);
	assert_int_equal(vgic_dist_read(&m->d, 0x101, 4), 0);
	assert_int_equal(vgic_dist_read(&m->d, 0x100, 1), 0);
	assert_int_equal(vgic_redist_read(&m->d, &m->cpu[0], 0, 8), 0);
	assert_int_equal(vgic_redist_read(&m->d, &m->cpu[0], 4, 2), 0);
	assert_int_equal(rr(m, 0, 0x14), 0);
	assert_int_equal(rr(m, 0, SGI + 0xe00), 0);
	assert_int_equal(rr(m, 0, SGI + 0x6000), 0);
	model_end(m);
}

static void test_enable_and_pending(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	dw(m, 0x104, 0xf0);
	assert_int_equal(dr(m, 0x104), 0xf0);
	dw(m, 0x184, 0x30);
	assert_int_equal(dr(m, 0x184), 0xc0);
	dw(m, 0x204, 0x80000001);
	assert_int_equal(dr(m, 0x204), 0x80000001);
	dw(m, 0x284, 1);
	assert_int_equal(dr(m, 0x284), 0x80000000);
	/* Beyond the last SPI, and the private ones, which are elsewhere. */
	dw(m, 0x100 + 4 * (1 + MODEL_SPIS / 32), ~0u);
	assert_int_equal(dr(m, 0x100 + 4 * (1 + MODEL_SPIS / 32)), 0);
	dw(m, 0x100, ~0u);
	assert_int_equal(dr(m, 0x100), 0);
	assert_int_equal(rr(m, 1, SGI + 0x100), 0xffff);
	rw(m, 1, SGI + 0x100, 1u << 27);
	assert_int_equal(rr(m, 1, SGI + 0x100), 0x0800ffff);
	assert_int_equal(rr(m, 2, SGI + 0x100), 0xffff);
	rw(m, 1, SGI + 0x200, 2);
	assert_int_equal(model_take(m, 1), 1);
	assert_int_equal(rr(m, 1, SGI + 0x300), 2);
	assert_int_equal(rr(m, 1, SGI + 0x200), 0);
	rw(m, 1, SGI + 0x380, 2);
	assert_int_equal(rr(m, 1, SGI + 0x380), 0);
	rw(m, 1, SGI + 0x300, 4);
	assert_int_equal(rr(m, 1, SGI + 0x300), 4);
	assert_true(vgic_off_is_active(0x304));
	assert_true(vgic_off_is_active(SGI + 0x380));
	assert_false(vgic_off_is_active(0x400));
	model_end(m);
}

static void test_groups_priorities_config(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	assert_int_equal(dr(m, 0x84), 0xffffffff);
	dw(m, 0x84, 0x0000ffff);
	assert_int_equal(dr(m, 0x84), 0x0000ffff);
	dw(m, 0x420, 0x12345678);
	assert_int_equal(dr(m, 0x420), 0x10305078);
	vgic_dist_write(&m->d, 0x421, 1, 0xff);
	assert_int_equal(vgic_dist_read(&m->d, 0x421, 1), 0xf8);
	rw(m, 0, SGI + 0x41c, 0xa0a0a0a0);
	assert_int_equal(rr(m, 0, SGI + 0x41c), 0xa0a0a0a0);
	assert_int_equal(rr(m, 0, SGI + 0xc00), 0xaaaaaaaa);
	rw(m, 0, SGI + 0xc04, ~0u);
	assert_int_equal(rr(m, 0, SGI + 0xc04), 0);
	dw(m, 0xc08, 0x80000002);
	assert_int_equal(dr(m, 0xc08), 0x80000002);
	assert_int_equal(dr(m, 0x820), 0);
	model_end(m);
}

static void test_routing(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	vgic_dist_write(&m->d, 0x6100 + 8 * 8, 8, 2);
	assert_int_equal(vgic_dist_read(&m->d, 0x6140, 8), 2);
	assert_int_equal(model_irq(m, 0, 40)->home, 2);
	dw(m, 0x6144, 7);
	assert_int_equal(dr(m, 0x6144), 0);
	dw(m, 0x6140, 0x80000300 | 9);
	assert_int_equal(dr(m, 0x6140), 0x309);
	assert_int_equal(model_irq(m, 0, 40)->home, VGIC_NONE);
	model_end(m);
}

static void test_user_pending_is_the_latch(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	vgic_inject(&m->d, NULL, 40, true, NULL);
	assert_int_equal(dr(m, 0x204), 1 << 8);
	assert_int_equal(du(m, 0x204), 0);
	assert_int_equal(vgic_read_lines(&m->d, &m->cpu[0], 32), 1 << 8);
	vgic_write_lines(&m->d, &m->cpu[0], 32, 1 << 9);
	assert_int_equal(vgic_read_lines(&m->d, &m->cpu[0], 32), 1 << 9);
	vgic_write_lines(&m->d, &m->cpu[1], 0, 0x0100ffff);
	assert_int_equal(vgic_read_lines(&m->d, &m->cpu[1], 0), 0x01000000);
	vgic_write_lines(&m->d, &m->cpu[0], 992, ~0u);
	assert_int_equal(vgic_read_lines(&m->d, &m->cpu[0], 992), 0);
	duw(m, 0x204, 6);
	assert_int_equal(du(m, 0x204), 6);
	duw(m, 0x204, 4);
	assert_int_equal(du(m, 0x204), 4);
	duw(m, 0x284, 4);
	assert_int_equal(du(m, 0x204), 4);
	assert_int_equal(du(m, 0x284), 0);
	model_end(m);
}

static void test_user_access(void **state)
{
	struct model *m = model_new(4);
	u32 val = 0x4b00243b;

	(void)state;
	duw(m, 8, val);
	assert_int_equal(du(m, 8), val);
	assert_int_equal(rr(m, 0, 0), 0);
	val = 0x4b00143b;
	assert_int_equal(vgic_dist_user(&m->d, 8, true, &val), -EINVAL);
	val = 0x4a00343b;
	assert_int_equal(vgic_dist_user(&m->d, 8, true, &val), -EINVAL);
	val = 1;
	assert_int_equal(vgic_dist_user(&m->d, 0xc, true, &val), -EINVAL);
	duw(m, 4, 0);
	duw(m, 0, 0);
	assert_int_equal(du(m, 0), 0x50);
	duw(m, 0, 2);
	assert_int_equal(du(m, 0), 0x52);
	assert_int_equal(vgic_dist_user(&m->d, 0x102, false, &val), -ENXIO);
	assert_int_equal(vgic_dist_user(&m->d, 0x100 + 4 * (1 + MODEL_SPIS / 32), false, &val),
			 -ENXIO);
	assert_int_equal(vgic_dist_user(&m->d, 0x5000, false, &val), -ENXIO);
	assert_int_equal(vgic_dist_has(&m->d, 0xffd4), 0);
	assert_int_equal(vgic_redist_user(&m->d, &m->cpu[1], 8, false, &val), 0);
	assert_int_equal(val, 0x100);
	assert_int_equal(vgic_redist_user(&m->d, &m->cpu[1], 8, true, &val), 0);
	assert_int_equal(vgic_redist_user(&m->d, &m->cpu[1], 0x20, false, &val), -ENXIO);
	assert_int_equal(vgic_redist_user(&m->d, &m->cpu[1], SGI + 0x180, false, &val), 0);
	assert_int_equal(val, 0xffff);
	assert_int_equal(vgic_redist_user(&m->d, &m->cpu[1], SGI + 0x180, true, &val), 0);
	assert_int_equal(rr(m, 1, SGI + 0x100), 0);
	assert_int_equal(vgic_redist_has(0xc0), 0);
	assert_int_equal(vgic_redist_has(0xc4), -ENXIO);
	assert_int_equal(vgic_redist_has(0xffe8), 0);
	assert_int_equal(vgic_redist_has(SGI + 0x84), -ENXIO);
	assert_int_equal(vgic_redist_has(SGI + 0xe00), 0);
	model_end(m);
}

/* Encodings of KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS. */
#define ICC(crn, crm, op2) (3u << 14 | (crn) << 7 | (crm) << 3 | (op2))

static int icc(struct model *m, u32 reg, bool write, u64 *val)
{
	return vgic_sysreg_user(&m->d, &m->cpu[0], &m->st[0], reg, write, val);
}

static void check_icc(struct model *m, u32 reg, u64 write, u64 read)
{
	u64 val = write;

	assert_int_equal(vgic_sysreg_has(reg), 0);
	assert_int_equal(icc(m, reg, true, &val), 0);
	val = ~0ULL;
	assert_int_equal(icc(m, reg, false, &val), 0);
	assert_true(val == read);
}

static void test_cpu_interface(void **state)
{
	struct model *m = model_new(4);
	u64 val;

	(void)state;
	check_icc(m, ICC(4, 6, 0), 0x1f8, 0xf8);     /* PMR */
	check_icc(m, ICC(12, 8, 3), 0xa, 2);	     /* BPR0 */
	check_icc(m, ICC(12, 12, 3), 5, 5);	     /* BPR1 */
	check_icc(m, ICC(12, 12, 6), 0, 0);	     /* IGRPEN0 */
	check_icc(m, ICC(12, 12, 7), 1, 1);	     /* IGRPEN1 */
	check_icc(m, ICC(12, 12, 5), 1, 7);	     /* SRE */
	check_icc(m, ICC(12, 8, 4), 0x10, 0x10);     /* AP0R0 */
	check_icc(m, ICC(12, 9, 0), 0x20, 0x20);     /* AP1R0 */
	check_icc(m, ICC(12, 12, 4), 0x403, 0x403);  /* CTLR */
	assert_true(m->st[0].vmcr & VMCR_SPLIT);
	/* Common binary point: BPR1 follows BPR0. */
	check_icc(m, ICC(12, 12, 3), 1, 3);
	check_icc(m, ICC(12, 8, 3), 7, 7);
	val = 0;
	assert_int_equal(icc(m, ICC(12, 12, 3), false, &val), 0);
	assert_int_equal(val, 7);
	assert_int_equal(icc(m, ICC(12, 8, 5), false, &val), -EINVAL);
	assert_int_equal(icc(m, ICC(12, 9, 3), true, &val), -EINVAL);
	assert_int_equal(icc(m, ICC(12, 11, 1), false, &val), -ENXIO);
	val = 0;
	assert_int_equal(icc(m, ICC(12, 12, 5), true, &val), -EINVAL);
	val = 0x700;
	assert_int_equal(icc(m, ICC(12, 12, 4), true, &val), -EINVAL);
	val = 0x4400;
	assert_int_equal(icc(m, ICC(12, 12, 4), true, &val), -EINVAL);
	model_end(m);
}

static void test_redistributor_tables(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	/* PROPBASER is one for all; attributes are made cacheable and inner shareable. */
	vgic_redist_write(&m->d, &m->cpu[0], 0x70, 8, 0x0000000000050000ULL | 0x80f);
	assert_true(vgic_redist_read(&m->d, &m->cpu[1], 0x70, 8) == (0x50000ULL | 0x58f));
	vgic_redist_write(&m->d, &m->cpu[0], 0x78, 8, 1ULL << 62 | 0x60000);
	assert_true(vgic_redist_read(&m->d, &m->cpu[0], 0x78, 8) == (0x60000ULL | 0x180));
	rw(m, 0, 0x7c, 1);
	assert_int_equal(rr(m, 0, 0x7c), 1);
	/* Without an ITS there are no LPIs. */
	rw(m, 0, 0, 1);
	assert_int_equal(rr(m, 0, 0), 6);
	m->d.has_its = true;
	rw(m, 0, 0, 1);
	assert_int_equal(rr(m, 0, 0), 7);
	rw(m, 0, 0x78, 0);
	rw(m, 0, 0x70, 0);
	assert_int_equal(rr(m, 0, 0x70), 0x5058f);
	rw(m, 0, 0xa0, 8192);
	rw(m, 0, 0xb0, 0);
	rw(m, 0, 0, 0);
	assert_int_equal(rr(m, 0, 0), 6);
	model_end(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_enable_and_pending),
		cmocka_unit_test(test_groups_priorities_config),
		cmocka_unit_test(test_routing),
		cmocka_unit_test(test_user_pending_is_the_latch),
		cmocka_unit_test(test_user_access),
		cmocka_unit_test(test_cpu_interface),
		cmocka_unit_test(test_redistributor_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
