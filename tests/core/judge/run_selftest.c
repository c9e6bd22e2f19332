// SPDX-License-Identifier: GPL-2.0-only
/*
 * The judge judged: the walk, the TLBI decoding and the TLB model on examples that
 * were worked out by hand from the Arm ARM. Above all, that each violation which
 * the model is there to find is found.
 */
#include "expect.h"
#include "tlb.h"

#define PA_BASE 0x0008123440000000ull

static const struct walk_cpu big = {.pa_bits = 52,
				    .lpa2 = true,
				    .lva = true,
				    .ttst = true,
				    .xnx = true,
				    .hafdbs = true,
				    .ttl = true,
				    .tlbirange = true};
static const struct walk_cpu small = {.pa_bits = 40};

static struct mem mem;
static struct tlb tlb;

static u64 *table(void)
{
	return mem_alloc(&mem, 1, 1);
}

/* A store with the model listening, as core's would be. */
static void put(u64 *slot, u64 v)
{
	u64 was = port_le64(*slot);

	*slot = port_le64(v);
	tlb_on_write(&tlb, slot, was, v);
}

/* VTCR_EL2 with PS, TG0, SL0 and T0SZ. */
static u64 vtcr(u64 ps, u64 tg, u64 sl0, u64 ia_bits)
{
	return ps << 16 | tg << 14 | sl0 << 6 | (64 - ia_bits);
}

#define DS          ((u64)1 << 32)
#define SL2         ((u64)1 << 33)
#define PAGE_RW     0x4fdull /* AF, S2AP read+write, normal memory, block */
#define VALID_TABLE 3ull

static int walk_4k_48(void)
{
	u64 *l1, *l2, *l3;
	struct walk_regime reg;
	struct walk_result res;

	mem_reset(&mem, 0x80000000, 12);
	l1 = table(), l2 = table(), l3 = table();
	l1[3] = port_le64(mem_to_pa(&mem, l2) | 3);
	l2[5] = port_le64(mem_to_pa(&mem, l3) | 3);
	l3[7] = port_le64(0x12345000 | PAGE_RW | 2);
	l2[6] = port_le64(0x40000000 | (PAGE_RW & ~0x400ull));
	reg = walk_decode(&big, true, vtcr(5, 0, 1, 39), mem_to_pa(&mem, l1), false);
	expect(!reg.wrong);
	res = walk_translate(&reg, 0xc0a07abcull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 3);
	expect_u64(res.oa, 0x12345abc);
	expect(res.r && res.w && res.px && res.ux && res.mem == WALK_MEM_NORMAL);
	res = walk_translate(&reg, 0xc0c12345ull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 2 && res.leaf_size == 0x200000);
	expect_u64(res.oa, 0x40012345);
	expect(walk_access(&reg, &res, false, false, false) == WALK_ACCESS_FLAG);
	res = walk_translate(&reg, 0xc0a08000ull, mem_read_desc, &mem);
	expect(res.fault == WALK_TRANSLATION && res.level == 3);
	res = walk_translate(&reg, 0, mem_read_desc, &mem);
	expect(res.fault == WALK_TRANSLATION && res.level == 1);
	res = walk_translate(&reg, (u64)1 << 39, mem_read_desc, &mem);
	expect(res.fault == WALK_TRANSLATION && res.level == 0);
	return expect_done("walk: 4K, 39-bit IPA, pages, blocks, faults with their level");
}

static int walk_concatenated(void)
{
	u64 *root, *l3;
	struct walk_regime reg;
	struct walk_result res;

	mem_reset(&mem, 0x80000000, 12);
	/* 40 bits from level 1: two tables side by side. 34 bits from level 2: 16 tables. */
	root = mem_alloc(&mem, 2, 8192);
	root[1023] = port_le64(0xffc0000000 | PAGE_RW);
	reg = walk_decode(&big, true, vtcr(5, 0, 1, 40), mem_to_pa(&mem, root), false);
	expect(!reg.wrong && reg.base_size == 8192);
	res = walk_translate(&reg, 0xffdeadbeefull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 1);
	expect_u64(res.oa, 0xffdeadbeef);
	root = mem_alloc(&mem, 16, 65536);
	l3 = table();
	root[16 * 512 - 1] = port_le64(mem_to_pa(&mem, l3) | 3);
	l3[511] = port_le64(0xabcde000 | PAGE_RW | 2);
	reg = walk_decode(&big, true, vtcr(5, 0, 0, 34), mem_to_pa(&mem, root), false);
	expect(!reg.wrong && reg.base_size == 65536);
	res = walk_translate(&reg, 0x3fffff123ull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 3);
	expect_u64(res.oa, 0xabcde123);
	/* 35 bits would take 32 tables. */
	reg = walk_decode(&big, true, vtcr(5, 0, 0, 35), mem_to_pa(&mem, root), false);
	expect(reg.wrong);
	return expect_done("walk: concatenated start tables");
}

static int walk_lpa2(void)
{
	u64 *m1, *l0, *l1, desc;
	struct walk_regime reg;
	struct walk_result res;

	mem_reset(&mem, PA_BASE, 12);
	m1 = table(), l0 = table(), l1 = table();
	/* 8 at 51:48 is bit 51 only: 10 in bits 9:8. */
	desc = (mem_to_pa(&mem, l0) & 0x0003fffffffff000ull) | 2 << 8 | 3;
	m1[15] = port_le64(desc);
	l0[511] = port_le64((mem_to_pa(&mem, l1) & 0x0003fffffffff000ull) | 2 << 8 | 3);
	l1[511] = port_le64(0x0003fffc00000000ull | 3 << 8 | 0xfd | 0x400);
	l0[0] = port_le64(0x0001008000000000ull | 1 << 8 | 0x4fd);
	reg = walk_decode(&big, true, vtcr(6, 0, 0, 52) | DS | SL2 | 3 << 12,
			  walk_encode_ttbr(mem_to_pa(&mem, m1), 7, true), false);
	expect(!reg.wrong && reg.start_level == -1 && reg.vmid == 7 && reg.base_size == 128);
	expect_u64(reg.base, mem_to_pa(&mem, m1));
	res = walk_translate(&reg, 0x000ffffffff12345ull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 1 && res.sh == 3);
	expect_u64(res.oa, 0x000ffffc3ff12345ull);
	res = walk_translate(&reg, 0x000f000012345678ull, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 0 && res.leaf_size == (u64)1 << 39);
	expect_u64(res.oa, 0x0005008012345678ull);
	/* The same tables read without DS are nonsense: the base is another address. */
	reg = walk_decode(&small, true, vtcr(2, 0, 1, 40) | DS, mem_to_pa(&mem, m1), false);
	expect(!reg.ds);
	return expect_done("walk: LPA2, level -1, 512 GiB blocks");
}

static int walk_lpa64(void)
{
	u64 *l2;
	struct walk_regime reg;
	struct walk_result res;

	mem_reset(&mem, PA_BASE, 16);
	l2 = table();
	/* OA[51:48] = 0xa in bits 15:12. */
	l2[0] = port_le64(0x0000123460000000ull | 0xa000 | 0x4fd);
	reg = walk_decode(&big, true, vtcr(6, 1, 1, 42),
			  walk_encode_ttbr(mem_to_pa(&mem, l2), 0, true), false);
	expect(!reg.wrong && reg.start_level == 2);
	res = walk_translate(&reg, 0x1234567, mem_read_desc, &mem);
	expect(res.fault == WALK_OK && res.level == 2);
	expect_u64(res.oa, 0x000a123461234567ull);
	/* PS says 48 bits: the output is out of range. */
	mem_reset(&mem, 0x80000000, 16);
	l2 = table();
	l2[0] = port_le64(0x0000123460000000ull | 0xa000 | 0x4fd);
	reg = walk_decode(&big, true, vtcr(5, 1, 1, 42), mem_to_pa(&mem, l2), false);
	res = walk_translate(&reg, 0, mem_read_desc, &mem);
	expect(res.fault == WALK_ADDRESS_SIZE && res.level == 2);
	return expect_done("walk: 64K with 52-bit output addresses, address size fault");
}

static int walk_permissions(void)
{
	static const struct {
		u64 desc;
		bool r, w, px, ux;
	} row[] = {
		{0x4fd, true, true, true, true},
		{0x47d, true, false, true, true},
		{0x43d, false, false, true, true},
		{0x4fd | 1ull << 53, true, true, false, true},
		{0x4fd | 2ull << 53, true, true, false, false},
		{0x4fd | 3ull << 53, true, true, true, false},
		{0x47d | 1ull << 51, true, true, true, true}, /* DBM: the hardware may set it */
	};
	struct walk_regime reg;
	size_t i;

	reg = walk_decode(&big, true, vtcr(5, 0, 1, 39) | 3 << 21, 0, false);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct walk_result res = walk_leaf(&reg, row[i].desc, 2);

		expect(res.r == row[i].r && res.w == row[i].w);
		expect(res.px == row[i].px && res.ux == row[i].ux);
	}
	expect(!walk_leaf(&reg, 0x47d | 1ull << 51, 2).dirty);
	expect(walk_leaf(&reg, 0x4c1, 2).mem == WALK_MEM_DEVICE);
	expect(walk_leaf(&reg, 0x4d5, 2).mem == WALK_MEM_NC);
	reg = walk_decode(&big, true, vtcr(5, 0, 1, 39), 0, true);
	expect(!walk_leaf(&reg, 0x47d | 1ull << 51, 2).w);
	expect(walk_leaf(&reg, 0x4d9, 2).mem == WALK_MEM_NORMAL);
	expect(walk_leaf(&reg, 0x4c5, 2).mem == WALK_MEM_DEVICE);
	reg = walk_decode(&small, true, vtcr(2, 0, 1, 39), 0, false);
	expect(walk_leaf(&reg, 0x4fd | 1ull << 53, 2).px);
	return expect_done(
		"walk: S2AP, XN with and without XNX, DBM, MemAttr with and without FWB");
}

/* What S2InvalidSL, S2InconsistentSL and the T0SZ limits refuse. */
static int walk_refusals(void)
{
	struct walk_cpu cpu = big;

	expect(walk_decode(&big, true, vtcr(5, 3, 1, 39), 0, false).wrong);
	expect(walk_decode(&big, true, vtcr(5, 0, 1, 44), 0, false).wrong);
	expect(!walk_decode(&big, true, vtcr(5, 0, 1, 43), 0, false).wrong);
	expect(walk_decode(&big, true, vtcr(6, 0, 2, 52), 0, false).wrong); /* no DS: 48 bits */
	expect(!walk_decode(&big, true, vtcr(6, 0, 2, 52) | DS, 0, false).wrong);
	expect(walk_decode(&big, true, vtcr(6, 2, 3, 52), 0, false).wrong);
	expect(!walk_decode(&big, true, vtcr(6, 2, 3, 52) | DS, 0, false).wrong);
	expect(walk_decode(&big, true, vtcr(6, 1, 3, 52), 0, false).wrong);
	expect(!walk_decode(&big, true, vtcr(6, 1, 2, 52), 0, false).wrong);
	expect(walk_decode(&small, true, vtcr(2, 0, 2, 40), 0, false).wrong); /* PA < 44 bits */
	expect(!walk_decode(&small, true, vtcr(2, 0, 1, 40), 0, false).wrong);
	expect(walk_decode(&small, true, vtcr(2, 0, 1, 41), 0, false).wrong);
	expect(walk_decode(&small, true, vtcr(2, 0, 1, 40), (u64)1 << 41, false).wrong);
	expect(!walk_decode(&big, true, vtcr(5, 0, 3, 24), 0, false).wrong);
	cpu.ttst = false;
	expect(walk_decode(&cpu, true, vtcr(5, 0, 3, 24), 0, false).wrong);
	return expect_done("walk: T0SZ, SL0, SL2 and base addresses that the CPU refuses");
}

static int tlbi_operands(void)
{
	struct walk_regime reg = walk_decode(&big, true, vtcr(5, 0, 1, 40), 0, false);
	struct tlbi op = tlbi_decode_single(&reg, 0x7ull << 44 | 0x12345, true);

	expect(op.level == 3 && op.last_level && !op.vain);
	expect_u64(op.first, 0x12345000);
	expect_u64(op.last, 0x12345fff);
	expect(tlbi_decode_single(&reg, 0xbull << 44, true).vain); /* a 16K hint */
	/* 4K, scale 1, num 3: 4 << 6 = 256 pages from page 0x200. */
	op = tlbi_decode_range(&reg, 1ull << 46 | 1ull << 44 | 3ull << 39 | 0x200, false);
	expect_u64(op.first, 0x200000);
	expect_u64(op.last, 0x2fffff);
	expect(op.level == TLBI_ANY_LEVEL);
	reg = walk_decode(&big, true, vtcr(6, 2, 3, 52) | DS, 0, false);
	/* LPA2: the base counts 64K, the length still counts 16K granules; level 2 hint. */
	op = tlbi_decode_range(&reg, 2ull << 46 | 0ull << 44 | 0ull << 39 | 2ull << 37 | 0x11,
			       true);
	expect_u64(op.first, 0x110000);
	expect_u64(op.last, 0x117fff);
	expect(op.level == 2);
	expect(tlbi_removes(&op, 0, (u64)1 << 25, 2, false));
	expect(!tlbi_removes(&op, 0x110000, (u64)1 << 14, 3, false));
	expect(!tlbi_removes(&op, 0x118000, (u64)1 << 14, 2, false));
	expect(!tlbi_removes(&op, 0, (u64)1 << 36, 1, true));
	op.last_level = false;
	expect(tlbi_removes(&op, 0, (u64)1 << 36, 1, true));
	expect(!tlbi_removes(&op, 0, (u64)1 << 25, 2, true));
	return expect_done("tlbi: operands of the single and range forms, level hints");
}

/* A two-level tree to play with: l2 -> l3, one page mapped. */
static struct {
	u64 *l2, *l3;
	struct walk_regime reg;
} tree;

static void plant(void)
{
	mem_reset(&mem, 0x80000000, 12);
	tree.l2 = table(), tree.l3 = table();
	tree.l2[0] = port_le64(mem_to_pa(&mem, tree.l3) | VALID_TABLE);
	tree.l3[1] = port_le64(0x5000 | PAGE_RW | 2);
	tree.reg = walk_decode(&big, true, vtcr(5, 0, 0, 30), mem_to_pa(&mem, tree.l2), false);
	expect(!tree.reg.wrong);
	tlb_start(&tlb, &tree.reg);
	expect(!tlb_failed(&tlb));
}

static void invalidate(u64 operand, bool last_level)
{
	struct tlbi op = tlbi_decode_single(&tree.reg, operand, last_level);

	tlb_on_invalidate(&tlb, &op, TLB_BY_ADDRESS, false);
}

/* DSB, TLBI VMALLE1IS, DSB: the copies combined with stage 1. */
static void finish(void)
{
	struct tlbi op = tlbi_decode_all();

	tlb_on_sync(&tlb);
	tlb_on_invalidate(&tlb, &op, TLB_COMBINED, false);
	tlb_on_sync(&tlb);
}

static bool clean(unsigned int tolerance)
{
	tlb_check_clean(&tlb, tolerance, 0, ~(u64)0);
	return !tlb_failed(&tlb);
}

static int tlb_unmap(void)
{
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1 | 7ull << 44, true);
	finish();
	expect(clean(TLB_NOTHING));
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1, true);
	tlb_on_sync(&tlb);
	expect(!clean(TLB_NOTHING)); /* combined entries stay */
	plant();
	put(&tree.l3[1], 0);
	expect(!clean(TLB_NOTHING)); /* no invalidation */
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1, true);
	expect(!clean(TLB_NOTHING)); /* not complete */
	plant();
	put(&tree.l3[1], 0);
	invalidate(1, true);
	finish();
	expect(!clean(TLB_NOTHING)); /* the store was not visible yet */
	plant();
	invalidate(1, true);
	finish();
	put(&tree.l3[1], 0);
	expect(!clean(TLB_NOTHING)); /* invalidated too early */
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(2, true);
	finish();
	expect(!clean(TLB_NOTHING)); /* the next page */
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1 | 6ull << 44, true);
	finish();
	expect(!clean(TLB_NOTHING)); /* wrong level hint */
	return expect_done("tlb: an unmap leaves nothing stale, or is caught");
}

static int tlb_break_before_make(void)
{
	plant();
	put(&tree.l3[1], 0x6000 | PAGE_RW | 2);
	expect(tlb_failed(&tlb)); /* another address at once */
	plant();
	put(&tree.l3[1], 0x5000 | (PAGE_RW & ~0x80ull) | 2);
	expect(!tlb_failed(&tlb)); /* permissions need no break */
	expect(clean(TLB_WRITE) && !clean(TLB_NOTHING));
	plant();
	put(&tree.l3[1], (0x5000 | PAGE_RW | 2) ^ 0x28);
	expect(tlb_failed(&tlb)); /* memory type */
	plant();
	put(&tree.l3[1], 0);
	put(&tree.l3[1], 0x6000 | PAGE_RW | 2);
	expect(tlb_failed(&tlb)); /* broken, not invalidated */
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1, true);
	put(&tree.l3[1], 0x6000 | PAGE_RW | 2);
	expect(tlb_failed(&tlb)); /* invalidated, not complete */
	plant();
	put(&tree.l3[1], 0);
	tlb_on_publish(&tlb);
	invalidate(1, true);
	finish();
	put(&tree.l3[1], 0x6000 | PAGE_RW | 2);
	expect(!tlb_failed(&tlb) && clean(TLB_NOTHING));
	plant();
	put(&tree.l2[0], 0x40000000 | PAGE_RW);
	expect(tlb_failed(&tlb)); /* table to block */
	return expect_done("tlb: break-before-make where it is due, and nowhere else");
}

static int tlb_tables(void)
{
	u64 *other;

	plant();
	put(&tree.l2[0], 0);
	tlb_on_free(&tlb, tree.l3);
	expect(tlb_failed(&tlb)); /* a walker may be in it */
	plant();
	put(&tree.l2[0], 0);
	tlb_on_publish(&tlb);
	invalidate(1, true);
	finish();
	tlb_on_free(&tlb, tree.l3);
	expect(tlb_failed(&tlb)); /* last level only: walk caches stay */
	plant();
	put(&tree.l2[0], 0);
	tlb_on_publish(&tlb);
	invalidate(0, false);
	finish();
	tlb_on_free(&tlb, tree.l3);
	expect(!tlb_failed(&tlb));
	expect(!clean(TLB_NOTHING)); /* page 1 of the detached table is still cached */
	plant();
	other = table();
	other[1] = port_le64(0x5000 | PAGE_RW | 2);
	put(&tree.l2[0], mem_to_pa(&mem, other) | VALID_TABLE);
	expect(tlb_failed(&tlb)); /* another table at once */
	plant();
	put(&tree.l2[0], 0);
	tlb_on_publish(&tlb);
	invalidate(1, false);
	finish();
	put(&tree.l2[0], 0x40000000 | PAGE_RW);
	expect(!tlb_failed(&tlb) && clean(TLB_NOTHING));
	plant();
	tlb_on_free(&tlb, tree.l3);
	expect(tlb_failed(&tlb)); /* still in the tree */
	plant();
	put(&tree.l2[1], mem_to_pa(&mem, tree.l3) | VALID_TABLE);
	expect(tlb_failed(&tlb)); /* twice in the tree */
	plant();
	put(&tree.l2[0], 0);
	put(&tree.l3[2], 0x7000 | PAGE_RW | 2);
	expect(tlb_failed(&tlb)); /* filled where a CPU may still walk */
	return expect_done("tlb: tables freed, swapped and filled in the right order only");
}

int main(void)
{
	int failed = 0;

	mem_init(&mem, (size_t)4 << 20);
	mem_reset(&mem, 0x80000000, 12);
	tlb_init(&tlb, &mem);
	failed += walk_4k_48();
	failed += walk_concatenated();
	failed += walk_lpa2();
	failed += walk_lpa64();
	failed += walk_permissions();
	failed += walk_refusals();
	failed += tlbi_operands();
	failed += tlb_unmap();
	failed += tlb_break_before_make();
	failed += tlb_tables();
	tlb_fini(&tlb);
	mem_fini(&mem);
	return failed != 0;
}
