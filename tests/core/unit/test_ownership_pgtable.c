// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership over real page tables: host faults and their blocks, blocks split and
 * put together again, and reservations that suffice for every commit.
 */
#include "redoubt_port.h"
#include "own_tables.h"

static const u32 shifts[] = { 12, 14, 16 };

#define FOR_EACH_GRANULE(i) for (i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++)

/* The largest block of RAM that one entry maps, here of at most 1 GiB. */
static u64 largest_block(void)
{
	return t.shift == 12 ? T_GB : t_block();
}

static u32 own_records_nonzero(void)
{
	u32 i, n = 0;

	for (i = 0; i < T_RECORDS; i++)
		n += t_records[i] != 0;
	return n;
}

static void a_fault_maps_the_largest_block(void **state)
{
	struct pgt_leaf leaf;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		assert_int_equal(t_fault(T_RAM + 5 * T_MB + 123), 0);
		leaf = t_leaf(T_HOST, T_RAM + 5 * T_MB);
		assert_true(leaf.kind == PGT_LEAF && leaf.size == largest_block());
		assert_true(leaf.pa.v == leaf.ia);
		assert_int_equal(leaf.prot & PGT_PROT_RWX, PGT_PROT_RWX);
		assert_int_equal(t_fault(T_RAM + 5 * T_MB), 0); /* again, by another CPU */
		/* A region smaller than a block, or not aligned to one. */
		assert_int_equal(t_fault(T_RAM2_END - 1), 0);
		leaf = t_leaf(T_HOST, T_RAM2_END - 1);
		assert_true(leaf.kind == PGT_LEAF && leaf.ia >= T_RAM2 &&
			    leaf.ia + leaf.size <= T_RAM2_END);
		assert_true(leaf.size == (t.shift == 12 ? 2 * T_MB : t_page()));
	}
	t_end();
}

static void mmio_is_mapped_apart_and_never_executable(void **state)
{
	struct pgt_leaf leaf;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		assert_int_equal(t_fault(0x9000000), 0);
		leaf = t_leaf(T_HOST, 0x9000000);
		assert_true(leaf.kind == PGT_LEAF && leaf.ia + leaf.size <= T_RAM);
		assert_int_equal(leaf.prot & PGT_PROT_RWX, PGT_PROT_RW);
		assert_int_equal(leaf.prot & PGT_PROT_DEVICE, 0);
		/* Between the regions, next to RAM on both sides. */
		assert_int_equal(t_fault(T_RAM_END), 0);
		assert_int_equal(t_fault(T_RAM2 - 1), 0);
		leaf = t_leaf(T_HOST, T_RAM2 - 1);
		assert_true(leaf.ia >= T_RAM_END && leaf.ia + leaf.size <= T_RAM2);
		/* The last address there is, and the first that there isn't. */
		assert_int_equal(t_fault((1ULL << T_IA_BITS) - 1), 0);
		assert_int_equal(t_fault(1ULL << T_IA_BITS), -EPERM);
		assert_int_equal(t_fault(~0ULL), -EPERM);
	}
	t_end();
}

static void foreign_pages_are_refused_and_avoided(void **state)
{
	u64 mine = T_RAM + 100 * T_MB, a;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		assert_int_equal(own_assign_hyp(&t.ctx, t_pfn(mine), 3), 0);
		assert_int_equal(own_assign_device_hyp(&t.ctx, t_pfn(0x8000000), 2), 0);
		for (a = mine; a < mine + 3 * t_page(); a += t_page())
			assert_int_equal(t_fault(a), -EPERM);
		assert_int_equal(t_fault(mine - 1), 0);
		assert_int_equal(t_fault(mine + 3 * t_page()), 0);
		assert_int_equal(t_fault(T_RAM), 0);
		assert_int_equal(t_fault(0x8000000 + t_page()), -EPERM);
		assert_int_equal(t_fault(0x8000000 + 2 * t_page()), 0);
		for (a = mine; a < mine + 3 * t_page(); a += t_page())
			assert_int_equal(t_leaf(T_HOST, a).kind, PGT_EMPTY);
		assert_int_equal(t_leaf(T_HOST, 0x8000000).kind, PGT_EMPTY);
		assert_true(t_maps(T_HOST, mine - t_page(), mine - t_page()));
		assert_true(t_maps(T_HOST, T_RAM, T_RAM));
	}
	t_end();
}

/* Losing a page splits the block around it; getting it back makes a block again. */
static void blocks_are_split_and_come_back(void **state)
{
	u64 base = T_RAM, page;
	struct pgt_leaf leaf;
	u64 tables;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		page = base + 7 * t_page();
		assert_int_equal(t_fault(page), 0);
		/* A table of smaller blocks stays where the largest one was. */
		tables = t.pools[0].mc.count - (largest_block() > t_block());
		t.flushes = 0;
		assert_int_equal(own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(page), 3, 1),
				 0);
		assert_true(t.flushes > 0);
		leaf = t_leaf(T_HOST, page);
		assert_int_equal(leaf.kind, PGT_OWNER);
		assert_int_equal(leaf.owner, OWN_ID_GUEST0);
		assert_true(leaf.size == t_page());
		assert_true(t_maps(T_HOST, page - t_page(), page - t_page()));
		assert_true(t_maps(T_HOST, page + t_page(), page + t_page()));
		assert_true(t_maps(T_PROT, 3 * t_page(), page));
		assert_int_equal(t_fault(page), -EPERM);

		assert_int_equal(own_guest_donate_host(&t.ctx, t_own(T_PROT), 3, 1), 0);
		assert_int_equal(t_leaf(T_PROT, 3 * t_page()).kind, PGT_EMPTY);
		leaf = t_leaf(T_HOST, page);
		assert_true(leaf.kind == PGT_LEAF && leaf.size == t_block());
		assert_int_equal(t.pools[0].mc.count, tables);
	}
	t_end();
}

/* The last page of one block and the first of the next, given and returned as one range. */
static void both_ends_of_a_range_become_blocks(void **state)
{
	struct pgt_leaf leaf;
	u64 border, tables;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		border = T_RAM + t_block();
		assert_int_equal(t_fault(border), 0);
		assert_int_equal(t_fault(border - 1), 0);
		tables = t.pools[0].mc.count - (largest_block() > t_block());
		assert_int_equal(own_host_donate_guest(&t.ctx, t_own(T_PROT),
						       t_pfn(border) - 1, 3, 2), 0);
		assert_true(t.pools[0].mc.count == tables - 2);
		assert_int_equal(own_guest_donate_host(&t.ctx, t_own(T_PROT), 3, 2), 0);
		leaf = t_leaf(T_HOST, border - 1);
		assert_true(leaf.kind == PGT_LEAF && leaf.size == t_block());
		leaf = t_leaf(T_HOST, border);
		assert_true(leaf.kind == PGT_LEAF && leaf.size == t_block());
		assert_int_equal(t.pools[0].mc.count, tables);
	}
	t_end();
}

/* A guest's block: parts of it lent, taken by force and given back, the rest untouched. */
static void parts_of_a_guests_block(void **state)
{
	u64 block, to, nr;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		struct own_space *guest;

		t_init(shifts[i], 40);
		guest = t_own(T_PROT);
		block = t_block();
		to = T_RAM + (block == T_GB / 2 ? block : 2 * block);
		nr = block >> t.shift;
		assert_int_equal(t_fault(to), 0);
		assert_int_equal(own_host_donate_guest(&t.ctx, guest, t_pfn(to), t_pfn(block), nr),
				 0);
		assert_true(t_leaf(T_PROT, block).size == block);
		assert_int_equal(t_leaf(T_HOST, to + block / 2).owner, OWN_ID_GUEST0);

		assert_int_equal(own_guest_share_host(&t.ctx, guest, t_pfn(block) + 5, 2), 0);
		assert_true(t_leaf(T_PROT, block).size == block);
		assert_int_equal(t_fault(to + 6 * t_page()), 0);
		assert_true(t_leaf(T_HOST, to + 6 * t_page()).size == t_page());
		assert_int_equal(t_fault(to + 4 * t_page()), -EPERM);
		assert_int_equal(t_fault(to + 7 * t_page()), -EPERM);

		assert_int_equal(own_guest_force_reclaim(&t.ctx, guest, t_pfn(block) + 6, 4), 0);
		assert_true(t.zeroed == 3); /* one of the four was lent */
		assert_int_equal(t_leaf(T_PROT, block + 6 * t_page()).kind, PGT_OWNER);
		assert_true(t_maps(T_PROT, block + 5 * t_page(), to + 5 * t_page()));
		assert_true(t_maps(T_PROT, block + 10 * t_page(), to + 10 * t_page()));
		assert_int_equal(t_fault(to + 9 * t_page()), 0);
		assert_int_equal(own_host_donate_guest(&t.ctx, guest, t_pfn(to) + 6,
						       t_pfn(block) + 6, 1), -EPERM);

		assert_int_equal(own_guest_donate_host(&t.ctx, guest, t_pfn(block) + 20, 30), 0);
		assert_int_equal(t_leaf(T_PROT, block + 49 * t_page()).kind, PGT_EMPTY);
		assert_true(t_maps(T_PROT, block + 50 * t_page(), to + 50 * t_page()));
		assert_int_equal(t_fault(to + 49 * t_page()), 0);
		assert_int_equal(t_fault(to + 50 * t_page()), -EPERM);
	}
	t_end();
}

/*
 * A block of a dying guest of which single pages are lent to the host: it leaves the
 * guest's tables whole, so that no table page is needed for it.
 */
static void a_partly_lent_block_needs_no_table(void **state)
{
	u64 block, to, nr;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		struct own_space *guest;

		t_init(shifts[i], 20);
		guest = t_own(T_PROT);
		block = t_block();
		to = T_RAM + block;
		nr = block >> t.shift;
		assert_int_equal(own_host_donate_guest(&t.ctx, guest, t_pfn(to), t_pfn(block), nr),
				 0);
		assert_int_equal(own_guest_share_host(&t.ctx, guest, t_pfn(block) + 3, 1), 0);
		assert_int_equal(own_guest_share_host(&t.ctx, guest, t_pfn(block) + 9, 2), 0);
		assert_true(t_leaf(T_PROT, block).size == block);
		t_starve(&t.pools[1], 0);
		own_guest_kill(&t.ctx, guest);
		assert_int_equal(own_guest_reclaim(&t.ctx, guest, t_pfn(block), nr), 0);
		assert_true(t.zeroed == nr - 3);
		assert_int_equal(own_records_nonzero(), 0);
		assert_true(own_guest_is_empty(&t.ctx, guest));
		assert_int_equal(t_fault(to + 5 * t_page()), 0);
		assert_true(t_leaf(T_HOST, to).size >= block);
	}
	t_end();
}

static void lent_to_the_hyp_and_given(void **state)
{
	u64 at = T_RAM + 9 * T_MB, nr = 40;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		assert_int_equal(t_fault(at), 0);
		assert_int_equal(own_host_share_hyp(&t.ctx, t_pfn(at), nr), 0);
		assert_true(t_maps(T_HYP, T_OFFSET + at + 39 * t_page(), at + 39 * t_page()));
		assert_int_equal(t_leaf(T_HYP, T_OFFSET + at).prot & PGT_PROT_RWX, PGT_PROT_RW);
		assert_true(t_maps(T_HOST, at, at));
		assert_int_equal(own_host_unshare_hyp(&t.ctx, t_pfn(at) + 10, 1), 0);
		assert_int_equal(t_leaf(T_HYP, T_OFFSET + at + 10 * t_page()).kind, PGT_EMPTY);
		assert_true(t_maps(T_HYP, T_OFFSET + at + 11 * t_page(), at + 11 * t_page()));

		assert_int_equal(own_host_donate_hyp(&t.ctx, t_pfn(at) + 10, 1), 0);
		assert_int_equal(t_leaf(T_HOST, at + 10 * t_page()).owner, OWN_ID_HYP);
		assert_true(t_maps(T_HYP, T_OFFSET + at + 10 * t_page(), at + 10 * t_page()));
		assert_int_equal(own_hyp_donate_host(&t.ctx, t_pfn(at) + 10, 1), 0);
		assert_int_equal(t_leaf(T_HYP, T_OFFSET + at + 10 * t_page()).kind, PGT_EMPTY);
		assert_int_equal(t_fault(at + 10 * t_page()), 0);
		/* The hyp's VA of these pages doesn't exist: 2^48 is the end. */
		t_own(T_HYP)->va_offset = 1ULL << 48;
		assert_int_equal(own_host_share_hyp(&t.ctx, t_pfn(T_RAM), 1), -ERANGE);
	}
	t_end();
}

/* What EL2 mapped as a block at launch can't be taken out in part. */
static void the_hyps_blocks_stay(void **state)
{
	struct pgt_op op = { 0 };
	u64 at = T_RAM;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		op = (struct pgt_op){ .mc = &t.pools[0].mc };
		assert_int_equal(own_assign_hyp(&t.ctx, t_pfn(at), t_pfn(t_block())), 0);
		assert_int_equal(pgt_s1_map(&t.pgts[T_HYP], &op, T_OFFSET + at, t_block(), pa(at),
					    PGT_PROT_RW), 0);
		assert_true(t_leaf(T_HYP, T_OFFSET + at).size == t_block());
		assert_int_equal(own_hyp_donate_host(&t.ctx, t_pfn(at), 1), -EPERM);
		assert_int_equal(own_hyp_donate_host(&t.ctx, t_pfn(at + t_block()) - 1, 1), -EPERM);
		assert_int_equal(own_hyp_donate_host(&t.ctx, t_pfn(at), t_pfn(t_block())), 0);
		assert_int_equal(t_leaf(T_HYP, T_OFFSET + at).kind, PGT_EMPTY);
	}
	t_end();
}

static void devices_leave_and_return(void **state)
{
	u64 dev = 0x9000000;
	struct pgt_leaf leaf;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 40);
		assert_int_equal(t_fault(dev), 0);
		assert_int_equal(own_host_donate_device(&t.ctx, t_own(T_PROT), t_pfn(dev),
							t_pfn(dev), 4), 0);
		leaf = t_leaf(T_PROT, dev);
		assert_int_equal(leaf.prot & (PGT_PROT_RWX | PGT_PROT_DEVICE),
				 PGT_PROT_RW | PGT_PROT_DEVICE);
		assert_int_equal(t_fault(dev + 3 * t_page()), -EPERM);
		assert_int_equal(t_leaf(T_HOST, dev).owner, OWN_ID_GUEST0);
		assert_true(t_maps(T_HOST, dev + 4 * t_page(), dev + 4 * t_page()));
		assert_int_equal(own_device_return(&t.ctx, t_own(T_PROT), t_pfn(dev), 4), 0);
		assert_int_equal(t_leaf(T_PROT, dev).kind, PGT_EMPTY);
		assert_int_equal(t_fault(dev + t_page()), 0);
		assert_int_equal(t_leaf(T_HOST, dev + t_page()).prot & PGT_PROT_RWX, PGT_PROT_RW);
	}
	t_end();
}

/* Without table pages nothing happens; with enough everything does, for each number between. */
static void every_size_of_pool(void **state)
{
	u64 at = T_RAM + T_GB / 2 + 3 * 65536;
	struct own_space *guest;
	size_t i;
	u32 n;
	int ret;

	(void)state;
	FOR_EACH_GRANULE(i) {
		for (n = 0, ret = -ENOMEM; ret; n++) {
			t_init(shifts[i], n);
			guest = t_own(T_PROT);
			ret = t_fault(at); /* a block needs tables where it isn't the root's */
			if (ret)
				assert_int_equal(ret, -ENOMEM);
			ret = own_host_donate_guest(&t.ctx, guest, t_pfn(at), 5000, 700);
			if (ret) {
				assert_int_equal(ret, -ENOMEM);
				assert_int_equal(t_leaf(T_PROT, 5000 << t.shift).kind, PGT_EMPTY);
				assert_int_equal(own_records_nonzero(), 0);
				assert_int_equal(t.pools[0].reserved, 0);
				assert_int_equal(t.pools[1].reserved, 0);
			}
			assert_true(n < 20);
		}
		assert_true(n > 1);
		assert_int_equal(own_records_nonzero(), 700);
	}
	t_end();
}

/* The same for a range that begins with a block and ends inside of the next one. */
static void a_cut_at_the_end_needs_a_table(void **state)
{
	u64 nr;
	size_t i;
	u32 n;
	int ret;

	(void)state;
	FOR_EACH_GRANULE(i) {
		for (n = 0, ret = -ENOMEM; ret; n++) {
			t_init(shifts[i], 20);
			nr = t_pfn(t_block()) + 5;
			assert_int_equal(t_fault(T_RAM), 0);
			assert_int_equal(t_fault(T_RAM + t_block()), 0);
			t_starve(&t.pools[0], n);
			ret = own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(T_RAM), 0, nr);
			assert_true(!ret || ret == -ENOMEM);
		}
		/* The gigabyte of 4K pages becomes blocks first. */
		assert_int_equal(n - 1, t.shift == 12 ? 2 : 1);
	}
	t_end();
}

/* Two pages in two blocks of the host's: each block has to be split. */
static void needs_of_a_transaction_add_up(void **state)
{
	u64 at[2] = { T_RAM + 65536, T_RAM + T_GB / 2 + 65536 };
	struct own_space *guest;
	size_t i, k;
	u32 n;
	int ret;

	(void)state;
	FOR_EACH_GRANULE(i) {
		for (n = 0, ret = -ENOMEM; ret; n++) {
			t_init(shifts[i], 40);
			guest = t_own(T_PROT);
			for (k = 0; k < 2; k++) {
				assert_int_equal(own_host_donate_guest(&t.ctx, guest, t_pfn(at[k]),
								       k, 1), 0);
				assert_int_equal(own_guest_share_host(&t.ctx, guest, k, 1), 0);
				assert_int_equal(t_fault(at[k]), 0);
			}
			assert_true(t_leaf(T_HOST, at[0]).size == t_block());
			assert_true(t_leaf(T_HOST, at[1]).size == t_block());
			t_starve(&t.pools[0], n);
			ret = own_guest_unshare_host(&t.ctx, guest, 0, 2);
			assert_true(!ret || ret == -ENOMEM);
			assert_int_equal(t_leaf(T_HOST, at[0]).kind, ret ? PGT_LEAF : PGT_OWNER);
		}
		assert_int_equal(n - 1, 2);
	}
	t_end();
}

/* What was just taken goes back without memory: an operation can always be undone. */
static void taken_pages_return_without_memory(void **state)
{
	u64 at = T_RAM + T_GB / 2 + 77 * 65536;
	struct own_space *guest;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 20);
		guest = t_own(T_PROT);
		assert_int_equal(t_fault(at), 0);
		assert_int_equal(own_host_donate_hyp(&t.ctx, t_pfn(at), 3), 0);
		assert_int_equal(own_host_donate_guest(&t.ctx, guest, t_pfn(at) + 3, 7, 4), 0);
		t_starve(&t.pools[0], 0);
		t_starve(&t.pools[1], 0);
		assert_int_equal(own_hyp_donate_host(&t.ctx, t_pfn(at), 3), 0);
		assert_int_equal(own_guest_force_reclaim(&t.ctx, guest, 7, 2), 0);
		assert_int_equal(own_guest_donate_host(&t.ctx, guest, 9, 2), 0);
		assert_int_equal(own_records_nonzero(), 0);
		assert_int_equal(t_fault(at), 0);
	}
	t_end();
}

/* When the host's pool is dry, tables that map MMIO are used for RAM. */
static void mmio_makes_room_for_ram(void **state)
{
	u64 a, mmio = 0;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 6);
		/* A foreign page in each gigabyte (64K: half terabyte) makes tables necessary. */
		for (a = 100 * T_GB; t_fault(a) == 0; a += 8 * T_GB) {
			struct own_device *device = &t.devices[0];

			*device = (struct own_device){ .pfn = t_pfn(a + 8 * T_GB + T_MB),
						       .nr_pages = 1, .owner = OWN_ID_HYP };
			t.ctx.devices.nr = 1;
			mmio = a;
			if (!t.pools[0].mc.count)
				break;
		}
		assert_true(t_maps(T_HOST, mmio, mmio));
		assert_true(t.pools[0].mc.count < 3);
		t.ctx.devices.nr = 0;
		assert_int_equal(own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(T_RAM), 1, 1),
				 0);
		assert_int_equal(t_leaf(T_HOST, T_RAM).kind, PGT_OWNER);
		assert_int_equal(t_leaf(T_HOST, mmio).kind, PGT_EMPTY);
		assert_int_equal(t_fault(mmio), 0);
		assert_int_equal(t_fault(T_RAM + t_page()), 0);
	}
	t_end();
}

/* So they are by faults; without any there is no more to be done. */
static void a_fault_makes_room_for_itself(void **state)
{
	u64 dev = 0x9000000;
	size_t i;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 8);
		/* Foreign pages make tables necessary, there and in RAM. */
		assert_int_equal(own_assign_device_hyp(&t.ctx, t_pfn(dev) + 1, 1), 0);
		assert_int_equal(own_assign_hyp(&t.ctx, t_pfn(T_RAM) + 1, 1), 0);
		assert_int_equal(t_fault(dev), 0);
		t_starve(&t.pools[0], 0);
		assert_int_equal(t_fault(T_RAM2), 0);
		assert_true(t_maps(T_HOST, T_RAM2, T_RAM2));
		assert_int_equal(t_leaf(T_HOST, dev).kind, PGT_EMPTY);
		t_starve(&t.pools[0], 0);
		assert_int_equal(t_fault(T_RAM), -ENOMEM);
		assert_int_equal(t_leaf(T_HOST, T_RAM).kind, PGT_EMPTY);
		assert_true(t_maps(T_HOST, T_RAM2, T_RAM2));
		t_fill(&t.pools[0], 2);
		assert_int_equal(t_fault(T_RAM), 0);
	}
	t_end();
}

/* A sparse guest's end: few steps over what is empty, all tables back afterwards. */
static void a_sparse_guest_is_drained(void **state)
{
	static const u64 at[] = { 0, 64 * T_MB, T_GB + 5 * T_MB, 700 * T_GB };
	struct own_space *guest;
	struct pgt_op op = { 0 };
	u64 gfn = 0;
	size_t i, k;
	u32 calls = 0;

	(void)state;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 80);
		guest = t_own(T_PROT);
		for (k = 0; k < 4; k++)
			assert_int_equal(own_host_donate_guest(&t.ctx, guest,
							       t_pfn(T_RAM + k * 32 * T_MB),
							       t_pfn(at[k]), 100), 0);
		assert_int_equal(own_guest_force_reclaim(&t.ctx, guest, t_pfn(at[1]) + 3, 1), 0);
		own_guest_kill(&t.ctx, guest);
		for (gfn = 0, calls = 0; own_guest_drain(&t.ctx, guest, &gfn, 64); calls++)
			assert_true(calls < 400);
		assert_true(own_guest_is_empty(&t.ctx, guest));
		assert_int_equal(own_records_nonzero(), 0);
		op = (struct pgt_op){ 0 };
		assert_int_equal(pgt_s2_destroy(&t.pgts[T_PROT], &op), 0);
		assert_int_equal(t.pools[1].mc.count, 80);
	}
	t_end();
}

/* ---- Random operations with pools that are nearly dry ---- */

static u64 seed;

static u32 pick(u32 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 32) % below;
}

/* Pages of RAM, and as many guest frames: two blocks; with 64K a part of each of two. */
static u32 window(void)
{
	return t.shift == 16 ? 96 : 2 * (u32)t_pfn(t_block());
}

static u64 window_pfn(void)
{
	return t_pfn(T_RAM + T_GB / 2) - window() / 2;
}

/* Mostly a few pages; or a half of the window, which may be a block; or anything. */
static void random_range(u32 *first, u32 *nr)
{
	u32 all = window();

	*first = pick(all);
	*nr = 1 + pick(4);
	switch (pick(4)) {
	case 0:
		*first = pick(2) * all / 2;
		*nr = all / 2;
		break;
	case 1:
		*nr = 1 + pick(all - *first);
	}
}

static int random_op(void)
{
	struct own_space *prot = t_own(T_PROT), *ord = t_own(T_ORD);
	u32 first, nr;
	u64 pfn, gfn;

	random_range(&first, &nr);
	pfn = window_pfn() + first;
	gfn = window_pfn() + (pick(8) ? first : pick(window()));
	switch (pick(14)) {
	case 0:
		return own_host_share_hyp(&t.ctx, pfn, nr);
	case 1:
		return own_host_unshare_hyp(&t.ctx, pfn, nr);
	case 2:
		return own_host_donate_hyp(&t.ctx, pfn, nr);
	case 3:
		return own_hyp_donate_host(&t.ctx, pfn, nr);
	case 4:
		return own_host_share_guest(&t.ctx, ord, pfn, gfn, nr, OWN_PROT_RW);
	case 5:
		return own_host_unshare_guest(&t.ctx, ord, gfn, nr);
	case 6:
	case 7:
	case 12:
	case 13:
		return own_host_donate_guest(&t.ctx, prot, pfn, gfn, nr);
	case 8:
		return own_guest_share_host(&t.ctx, prot, gfn, nr);
	case 9:
		return own_guest_unshare_host(&t.ctx, prot, gfn, nr);
	case 10:
		return own_guest_donate_host(&t.ctx, prot, gfn, nr);
	default:
		return own_host_fault(&t.spaces[T_HOST], pa(pfn << t.shift));
	}
}

/* Each page's record and the four tables say the same (invariants 1 and 3). */
static void assert_window_agrees(void)
{
	u64 pfn, gfn, mapped[2] = { 0, 0 };

	for (pfn = window_pfn(); pfn < window_pfn() + window(); pfn++) {
		u32 record = *vmemmap_records(&t.ctx.mem, pfn, 1);
		bool may = own_record_host_may(record);
		u32 owner = own_record_unpack(record).owner;
		struct pgt_leaf leaf = t_leaf(T_HOST, pfn << t.shift);

		if (leaf.kind == PGT_LEAF)
			assert_true(may && t_maps(T_HOST, pfn << t.shift, pfn << t.shift));
		else
			assert_int_equal(leaf.kind, may ? PGT_EMPTY : PGT_OWNER);
		if (leaf.kind == PGT_OWNER)
			assert_int_equal(leaf.owner, owner);
		assert_int_equal(t_maps(T_HYP, T_OFFSET + (pfn << t.shift), pfn << t.shift),
				 own_record_state(record, OWN_ID_HYP) != OWN_NOPAGE);
	}
	for (gfn = window_pfn(); gfn < window_pfn() + 2 * window(); gfn++) {
		struct pgt_leaf leaf = t_leaf(T_PROT, gfn << t.shift);

		mapped[1] += t_leaf(T_ORD, gfn << t.shift).kind == PGT_LEAF;
		if (leaf.kind != PGT_LEAF)
			continue;
		mapped[0]++;
		pfn = t_pfn(leaf.pa.v + (gfn << t.shift) - leaf.ia);
		assert_int_equal(own_record_unpack(*vmemmap_records(&t.ctx.mem, pfn, 1)).owner,
				 OWN_ID_GUEST0);
	}
	assert_true(mapped[0] == t_own(T_PROT)->nr_pages && mapped[1] == t_own(T_ORD)->nr_pages);
}

/* Hyp and ordinary guest give up whatever they have in the window. */
static void collect_all(void)
{
	u64 pfn;

	for (pfn = window_pfn(); pfn < window_pfn() + 2 * window(); pfn++) {
		own_host_unshare_guest(&t.ctx, t_own(T_ORD), pfn, 1);
		own_host_unshare_hyp(&t.ctx, pfn, 1);
		own_hyp_donate_host(&t.ctx, pfn, 1);
	}
}

/* Another round, beginning with a protected guest that has a block, if memory allows. */
static void begin_round(void)
{
	u64 pfn = window_pfn() + window() / 2;

	t_fill(&t.pools[0], 8);
	t_fill(&t.pools[1], 8);
	collect_all();
	t_fault(pfn << t.shift);
	own_host_donate_guest(&t.ctx, t_own(T_PROT), pfn, pfn, window() / 2);
}

/* The protected guest ends, part by part. */
static u32 random_end(void)
{
	struct own_space *prot = t_own(T_PROT);
	u64 gfn = 0;
	u32 dry = 0;
	int ret;

	own_guest_kill(&t.ctx, prot);
	while ((ret = own_guest_drain(&t.ctx, prot, &gfn, 1 + pick(window())))) {
		if (ret != -ENOMEM)
			continue;
		dry++;
		t_fill(&t.pools[pick(2)], 1);
	}
	prot->life = OWN_LIVE;
	return dry;
}

static void random_operations(void **state)
{
	u32 n, done = 0, dry = 0, blocks = 0;
	size_t i;

	(void)state;
	seed = 0x2545f4914f6cdd1dULL;
	FOR_EACH_GRANULE(i) {
		t_init(shifts[i], 2);
		for (n = 0; n < 5000; n++) {
			int ret = random_op();

			done += !ret;
			if (ret == -ENOMEM && !(++dry & 3))
				t_fill(&t.pools[pick(3)], 1 + pick(4));
			if (!(n % 8))
				t_starve(&t.pools[pick(3)], pick(4));
			if (n % 100 == 99) {
				struct pgt_leaf leaf;

				dry += random_end();
				assert_window_agrees();
				begin_round();
				leaf = t_leaf(T_PROT, T_RAM + T_GB / 2);
				blocks += leaf.kind == PGT_LEAF && leaf.size == t_block();
				assert_window_agrees();
			}
			if (!(n % 64))
				assert_window_agrees();
		}
	}
	print_message("random operations: %u done, %u without memory, %u rounds with a block\n",
		      done, dry, blocks);
	assert_true(done > 500 && dry > 10 && blocks > 5);
	t_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_maps_the_largest_block),
		cmocka_unit_test(mmio_is_mapped_apart_and_never_executable),
		cmocka_unit_test(foreign_pages_are_refused_and_avoided),
		cmocka_unit_test(blocks_are_split_and_come_back),
		cmocka_unit_test(both_ends_of_a_range_become_blocks),
		cmocka_unit_test(parts_of_a_guests_block),
		cmocka_unit_test(a_partly_lent_block_needs_no_table),
		cmocka_unit_test(lent_to_the_hyp_and_given),
		cmocka_unit_test(the_hyps_blocks_stay),
		cmocka_unit_test(devices_leave_and_return),
		cmocka_unit_test(every_size_of_pool),
		cmocka_unit_test(a_cut_at_the_end_needs_a_table),
		cmocka_unit_test(needs_of_a_transaction_add_up),
		cmocka_unit_test(taken_pages_return_without_memory),
		cmocka_unit_test(mmio_makes_room_for_ram),
		cmocka_unit_test(a_fault_makes_room_for_itself),
		cmocka_unit_test(a_sparse_guest_is_drained),
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
