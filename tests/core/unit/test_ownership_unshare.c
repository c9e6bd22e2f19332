// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unsharing a range whose pages are scattered in RAM, with holes and blocks in it,
 * over real page tables of each granule.
 */
#include "redoubt_port.h"
#include "own_tables.h"

static const u32 shifts[] = { 12, 14, 16 };

#define PAGES 300

static u32 record(u64 pfn)
{
	return t_records[pfn - t_pfn(T_RAM)];
}

/* Frame of guest page @i: scattered, none next to its neighbour's. */
static u64 frame(u64 i)
{
	return t_pfn(T_RAM) + 1 + i * 78 % 301 * 3;
}

/* Page @i of the guest; every tenth is a hole. */
static void share(u64 gfn, u64 i)
{
	if (i % 10 == 3)
		return;
	assert_int_equal(own_host_share_guest(&t.ctx, t_own(T_ORD), frame(i), gfn + i, 1,
					      OWN_PROT_RWX), 0);
}

static void scattered_pages_go_at_once(void **state)
{
	u64 gfn = 5, done, i, g, one;

	(void)state;
	for (g = 0; g < sizeof(shifts) / sizeof(shifts[0]); g++) {
		t_init(shifts[g], 40);
		one = t_own(T_ORD)->nr_pages;
		for (i = 0; i < PAGES; i++)
			share(gfn, i);
		/* One of them a second time, far away: it stays lent. */
		assert_int_equal(own_host_share_guest(&t.ctx, t_own(T_ORD), frame(7), 100000, 1,
						      OWN_PROT_R), 0);
		assert_int_equal(t_own(T_ORD)->nr_pages, one + PAGES * 9 / 10 + 1);
		t.flushes = 0;
		assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), gfn, PAGES, &done), 0);
		assert_int_equal(done, PAGES);
		/* By ranges, although a hole ends a group. */
		assert_true(t.flushes && t.flushes < PAGES / 2);
		for (i = 0; i < PAGES; i++) {
			assert_int_equal(t_leaf(T_ORD, (gfn + i) << t.shift).kind, PGT_EMPTY);
			assert_int_equal(record(frame(i)) != 0, i == 7);
		}
		assert_int_equal(t_own(T_ORD)->nr_pages, one + 1);
		assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), 100000, 1, &done), 0);
		assert_int_equal(record(frame(7)), 0);
		assert_int_equal(t_own(T_ORD)->nr_pages, one);
		/* Nothing there any more: nothing to do, and no error. */
		assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), gfn, PAGES, &done), 0);
		assert_int_equal(done, PAGES);
	}
	t_end();
}

static void a_block_between_pages_goes_too(void **state)
{
	u64 n, done, i;

	(void)state;
	t_init(12, 40);
	n = 512;
	assert_int_equal(own_host_share_guest(&t.ctx, t_own(T_ORD), t_pfn(T_RAM) + 2 * n, 2 * n, n,
					      OWN_PROT_RWX), 0);
	assert_true(t_leaf(T_ORD, 2 * n << 12).size == 2 * T_MB);
	for (i = 0; i < 5; i++) {
		share(2 * n - 5, i);
		assert_int_equal(own_host_share_guest(&t.ctx, t_own(T_ORD), frame(100 + i),
						      3 * n + i, 1, OWN_PROT_RWX), 0);
	}
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), 2 * n - 5, n + 10, &done), 0);
	assert_int_equal(done, n + 10);
	assert_int_equal(t_own(T_ORD)->nr_pages, 0);
	for (i = 0; i < T_RECORDS; i++)
		assert_int_equal(t_records[i], 0);
	t_end();
}

static void what_is_not_lent_is_refused(void **state)
{
	u64 gfn = 9, done, i;
	u32 was;

	(void)state;
	t_init(12, 40);
	for (i = 0; i < 200; i++)
		assert_int_equal(own_host_share_guest(&t.ctx, t_own(T_ORD), frame(i), gfn + i, 1,
						      OWN_PROT_RWX), 0);
	/* A record that contradicts the tables, in the second group. */
	was = record(frame(150));
	t_records[frame(150) - t_pfn(T_RAM)] = 0;
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), gfn, 200, &done), -EPERM);
	assert_int_equal(done, 128);
	for (i = 128; i < 200; i++)
		assert_int_equal(t_leaf(T_ORD, (gfn + i) << 12).kind, PGT_LEAF);
	t_records[frame(150) - t_pfn(T_RAM)] = was;
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), gfn, 200, &done), 0);
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_PROT), gfn, 100, &done), -EPERM);
	assert_int_equal(own_host_unshare_pages(&t.ctx, NULL, gfn, 100, &done), -EPERM);
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), gfn, 0, &done), -EINVAL);
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), ~0ULL, 2, &done), -EINVAL);
	/* Wholly beyond the guest's addresses. */
	assert_int_equal(own_host_unshare_pages(&t.ctx, t_own(T_ORD), 1ULL << 39, 2, &done),
			 -ERANGE);
	t_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scattered_pages_go_at_once),
		cmocka_unit_test(a_block_between_pages_goes_too),
		cmocka_unit_test(what_is_not_lent_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
