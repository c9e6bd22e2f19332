// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table pages that transitions have to set aside: with too few, -ENOMEM and nothing
 * changed; with as many as it says it needs, success. Ranges that cut two blocks, and
 * transitions whose needs add up.
 */
#include "redoubt_port.h"
#include "own_tables.h"

#define PAGES_MAX 40u

/* How many pages the host's pool must have; every lower number has to be refused. */
static u32 pages_needed(void (*prepare)(void), int (*step)(void), u32 shift)
{
	u32 pages;
	int ret;

	for (pages = 0; pages < PAGES_MAX; pages++) {
		t_init(shift, PAGES_MAX);
		prepare();
		t_starve(&t.pools[0], pages);
		ret = step();
		if (!ret)
			return pages;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(t.pools[0].mc.count, pages);
	}
	fail();
	return 0;
}

/* The host's largest block at the start of RAM. */
static void one_block(void)
{
	assert_int_equal(t_fault(T_RAM), 0);
}

static int donate_across_a_border(void)
{
	int ret = own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(T_RAM + t_block()) - 1, 8, 2);

	assert_int_equal(t_maps(T_HOST, T_RAM + t_block() - t_page(), T_RAM + t_block() - t_page()),
			 ret != 0);
	assert_int_equal(t_maps(T_HOST, T_RAM + t_block(), T_RAM + t_block()), ret != 0);
	assert_true(t_maps(T_HOST, T_RAM, T_RAM));
	return ret;
}

static void a_range_that_cuts_two_blocks(void **state)
{
	(void)state;
	/* 1 GiB becomes a table of 2 MiB blocks, and two of these become tables of pages. */
	assert_int_equal(pages_needed(one_block, donate_across_a_border, 12), 3);
}

/* Two whole blocks, far apart, side by side in the guest. */
static void two_blocks_of_a_guest(void)
{
	u64 nr = t_block() >> t.shift;

	assert_int_equal(own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(T_RAM), 0, nr), 0);
	assert_int_equal(own_host_donate_guest(&t.ctx, t_own(T_PROT), t_pfn(T_RAM + 4 * t_block()),
					       nr, nr), 0);
}

static int share_last_and_first(void)
{
	return own_guest_share_host(&t.ctx, t_own(T_PROT), (t_block() >> t.shift) - 1, 2);
}

static void pieces_add_up(void **state)
{
	(void)state;
	assert_int_equal(pages_needed(two_blocks_of_a_guest, share_last_and_first, 12), 2);
	assert_int_equal(pages_needed(two_blocks_of_a_guest, share_last_and_first, 14), 2);
}

static int donate_hyp(void)
{
	return own_host_donate_hyp(&t.ctx, t_pfn(T_RAM) + 5, 1);
}

/* The host's cut and the hyp's new tables come from one pool. */
static void host_and_hyp_add_up(void **state)
{
	u32 pages;

	(void)state;
	pages = pages_needed(one_block, donate_hyp, 12);
	assert_in_range(pages, 2 + 3, PAGES_MAX);
	assert_true(t_maps(T_HYP, T_RAM + 5 * t_page() + T_OFFSET, T_RAM + 5 * t_page()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_that_cuts_two_blocks),
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(host_and_hyp_add_up),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	t_end();
	return ret;
}
