// SPDX-License-Identifier: GPL-2.0-only
/* The listing of who owns what: complete, in order, merged, resumable. */
#include "redoubt_port.h"
#include "own_model.h"

#define MAX_RANGES 64

static struct model m;

struct list {
	struct own_range ranges[MAX_RANGES];
	u32 nr, stop_after;
};

static bool collect(const struct own_range *range, void *arg)
{
	struct list *list = arg;

	assert_true(list->nr < MAX_RANGES);
	assert_true(m.spaces[M_HOST].locked);
	list->ranges[list->nr++] = *range;
	return list->nr != list->stop_after;
}

static void furnish(void)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	m_init(&m);
	assert_int_equal(own_assign_hyp(&m.ctx, M_RAM, 4), 0);
	assert_int_equal(own_host_share_hyp(&m.ctx, M_RAM + 4, 2), 0);
	assert_int_equal(own_hyp_pin(&m.ctx, M_RAM + 5, 1), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 10, 1, 5), 0);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 3, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM2, 1, 8, OWN_PROT_R), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_HOLE + 1, 20, 2), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, o1, M_DEV, 20, 4), 0);
	assert_int_equal(own_assign_device_hyp(&m.ctx, 3, 1), 0);
}

static const struct {
	u64 pfn, nr;
	bool device;
	u16 owner;
	enum own_lent lent;
	u16 count;
	u64 gfn;
} wanted[] = {
	{ 3, 1, true, OWN_ID_HYP, OWN_LENT_NONE, 0, 0 },
	{ M_RAM, 4, false, OWN_ID_HYP, OWN_LENT_NONE, 0, 0 },
	{ M_RAM + 4, 1, false, OWN_ID_HOST, OWN_LENT_HYP, 0, 0 },
	{ M_RAM + 5, 1, false, OWN_ID_HOST, OWN_LENT_HYP, 1, 0 },
	{ M_RAM + 6, 4, false, OWN_ID_HOST, OWN_LENT_NONE, 0, 0 },
	{ M_RAM + 10, 2, false, M_P1, OWN_LENT_NONE, 0, 0 },
	{ M_RAM + 12, 1, false, M_P1, OWN_LENT_HOST, 0, 0 },
	{ M_RAM + 13, 2, false, M_P1, OWN_LENT_NONE, 0, 0 },
	{ M_RAM + 15, M_RAM_NR - 15, false, OWN_ID_HOST, OWN_LENT_NONE, 0, 0 },
	{ M_HOLE + 1, 2, true, M_P1, OWN_LENT_NONE, 0, 20 },
	{ M_RAM2, M_RAM2_NR, false, OWN_ID_HOST, OWN_LENT_GUESTS, 1, 0 },
	{ M_DEV, 4, true, M_O1, OWN_LENT_NONE, 0, 20 },
};

#define NR_WANTED (sizeof(wanted) / sizeof(wanted[0]))

static void assert_row(const struct own_range *range, size_t i)
{
	assert_true(range->pfn == wanted[i].pfn && range->nr_pages == wanted[i].nr);
	assert_int_equal(range->device, wanted[i].device);
	assert_int_equal(range->page.owner, wanted[i].owner);
	assert_int_equal(range->page.lent, wanted[i].lent);
	assert_int_equal(range->page.state, wanted[i].lent ? OWN_SHARED_OWNED : OWN_OWNED);
	assert_int_equal(range->page.count, wanted[i].count);
	assert_true(range->gfn == wanted[i].gfn);
}

static void everything_in_order(void **state)
{
	static struct list list;
	u64 cursor = 0;
	size_t i;

	(void)state;
	furnish();
	list = (struct list){ 0 };
	assert_false(own_for_each_range(&m.ctx, &cursor, ~0ULL, collect, &list));
	assert_int_equal(list.nr, NR_WANTED);
	for (i = 0; i < NR_WANTED; i++)
		assert_row(&list.ranges[i], i);
}

/* Stopped by the reader after each range: the same list. */
static void one_range_at_a_time(void **state)
{
	static struct list list;
	u64 cursor = 0;
	size_t i;

	(void)state;
	furnish();
	for (i = 0; i < NR_WANTED; i++) {
		list = (struct list){ .stop_after = 1 };
		assert_true(own_for_each_range(&m.ctx, &cursor, 1000, collect, &list));
		assert_int_equal(list.nr, 1);
		assert_row(&list.ranges[0], i);
	}
	list = (struct list){ 0 };
	assert_false(own_for_each_range(&m.ctx, &cursor, 1000, collect, &list));
	assert_int_equal(list.nr, 0);
}

/* Cut anywhere by the budget: the pieces put together are the same pages. */
static void any_budget(void **state)
{
	static struct list list;
	u64 budget, cursor, pages, next;
	bool more;
	u32 i;

	(void)state;
	furnish();
	for (budget = 1; budget < 20; budget++) {
		cursor = pages = next = 0;
		do {
			u64 looked = 0;

			list = (struct list){ 0 };
			more = own_for_each_range(&m.ctx, &cursor, budget, collect, &list);
			for (i = 0; i < list.nr; i++) {
				assert_true(list.ranges[i].pfn >= next);
				next = list.ranges[i].pfn + list.ranges[i].nr_pages;
				pages += list.ranges[i].nr_pages;
				looked += list.ranges[i].device ? 1 : list.ranges[i].nr_pages;
			}
			assert_true(looked <= budget);
		} while (more);
		assert_int_equal(pages, M_RAM_NR + M_RAM2_NR + 1 + 2 + 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_in_order),
		cmocka_unit_test(one_range_at_a_time),
		cmocka_unit_test(any_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
