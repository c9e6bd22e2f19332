// SPDX-License-Identifier: GPL-2.0-only
/* A guest's end: everything comes back, in bounded steps, whatever it had (invariant 11). */
#include "redoubt_port.h"
#include "own_model.h"

static struct model m;

/* A protected guest with scattered pages, some lent, one taken by force, and a device. */
static void furnish_protected(struct own_space *guest)
{
	u64 pfn;

	assert_int_equal(own_host_donate_guest(&m.ctx, guest, M_RAM, 2, 7), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, guest, M_RAM2, 9, 3), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, guest, M_RAM + 20, 60, 4), 0);
	assert_int_equal(own_guest_share_host(&m.ctx, guest, 4, 6), 0);
	for (pfn = 0; pfn < M_HOLE; pfn++)
		m.state.memory[pfn] = M_SECRET;
	assert_int_equal(own_guest_force_reclaim(&m.ctx, guest, 61, 1), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, guest, M_DEV, 100, 6), 0);
}

static void furnish_ordinary(struct own_space *guest)
{
	assert_int_equal(own_host_share_guest(&m.ctx, guest, M_RAM + 8, 2, 7, OWN_PROT_RWX), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, guest, M_RAM + 8, 30, 2, OWN_PROT_R), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, guest, M_DEV + 6, 101, 2), 0);
}

static u32 drain(struct own_space *guest, u64 budget)
{
	u64 gfn = 0;
	u32 calls = 1;
	int ret;

	while ((ret = own_guest_drain(&m.ctx, guest, &gfn, budget))) {
		assert_int_equal(ret, -EAGAIN);
		m_assert_invariants(&m);
		assert_true(++calls < 1000);
	}
	return calls;
}

static void assert_all_is_the_hosts(void)
{
	u64 pfn;

	for (pfn = M_RAM; pfn < M_HOLE; pfn++)
		assert_int_equal(*m_record(&m, pfn), 0);
	for (pfn = M_RAM2; pfn < M_RAM2 + M_RAM2_NR; pfn++)
		assert_int_equal(*m_record(&m, pfn), 0);
	assert_int_equal(m.ctx.devices.nr, 0);
	m_assert_invariants(&m);
}

static void drained_in_any_step(void **state)
{
	static const u64 budgets[] = { 1, 2, 3, 7, 64, ~0ULL };
	u32 calls, last = ~0u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

		m_init(&m);
		furnish_protected(p1);
		furnish_ordinary(o1);
		assert_false(own_guest_is_empty(&m.ctx, p1));
		own_guest_kill(&m.ctx, p1);
		own_guest_kill(&m.ctx, o1);
		calls = drain(p1, budgets[i]);
		assert_true(own_guest_is_empty(&m.ctx, p1));
		assert_false(own_guest_is_empty(&m.ctx, o1));
		drain(o1, budgets[i]);
		assert_true(own_guest_is_empty(&m.ctx, o1));
		assert_all_is_the_hosts();
		/* A larger budget takes fewer calls, and an unlimited one takes one. */
		assert_true(calls <= last);
		last = calls;
	}
	assert_int_equal(last, 1);
}

/* What the guest had to itself is zeroed; what the host had borrowed keeps its contents. */
static void contents_after_the_end(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);
	u64 i;

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 0, 8), 0);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 3, 2), 0);
	for (i = 0; i < 8; i++)
		m.state.memory[M_RAM + i] = M_SECRET;
	m.zeroed = 0;
	own_guest_kill(&m.ctx, p1);
	drain(p1, 5);
	for (i = 0; i < 8; i++)
		assert_int_equal(m.state.memory[M_RAM + i], i == 3 || i == 4 ? M_SECRET : 0);
	assert_int_equal(m.zeroed, 6);
}

static void a_live_guest_is_not_drained(void **state)
{
	static struct m_state saved;
	struct own_space *p1 = m_own(&m, M_P1);
	u64 gfn = 0;

	(void)state;
	m_init(&m);
	furnish_protected(p1);
	m_save(&m, &saved);
	assert_int_equal(own_guest_drain(&m.ctx, p1, &gfn, 100), -EPERM);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(gfn, 0);
}

/* Running out of table pages stops at the page, and the next call goes on there. */
static void no_memory_while_draining(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);
	u64 gfn = 0, last = 0;
	u32 calls = 0;
	int ret;

	(void)state;
	m_init(&m);
	furnish_protected(p1);
	own_guest_kill(&m.ctx, p1);
	do {
		m.prepare_left = calls++ & 1 ? 3 : 1; /* too little for a page, now and then */
		ret = own_guest_drain(&m.ctx, p1, &gfn, 4);
		assert_true(!ret || ret == -EAGAIN || ret == -ENOMEM);
		assert_true(gfn >= last || !ret);
		last = gfn;
		m_assert_invariants(&m);
	} while (ret && calls < 500);
	assert_int_equal(ret, 0);
	assert_all_is_the_hosts();
}

/* A cursor that starts too high comes round instead of reporting an end. */
static void the_cursor_comes_round(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);
	u64 gfn = 50;

	(void)state;
	m_init(&m);
	furnish_protected(p1);
	own_guest_kill(&m.ctx, p1);
	assert_int_equal(own_guest_drain(&m.ctx, p1, &gfn, ~0ULL), -EAGAIN);
	assert_int_equal(gfn, 0);
	assert_int_equal(own_guest_drain(&m.ctx, p1, &gfn, ~0ULL), 0);
	assert_all_is_the_hosts();
	gfn = ~0ULL;
	assert_int_equal(own_guest_drain(&m.ctx, p1, &gfn, 1), 0);
}

/* A poisoned address stays so while the guest lives, with whatever is offered. */
static void forced_pages_stay_forced(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 5, 3), 0);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 6, 1), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 1, 6, 1), -EPERM);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 9, 6, 1), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 6, 1), -EPERM);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 5, 3), -EPERM);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 6, 1), -EPERM);
	assert_true(m_host_touch(&m, M_RAM + 1));
	assert_int_equal(own_host_donate_guest(&m.ctx, m_own(&m, M_P2), M_RAM + 1, 6, 1), 0);
	assert_int_equal(p1->nr_pages, 2);
	m_assert_invariants(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drained_in_any_step),
		cmocka_unit_test(contents_after_the_end),
		cmocka_unit_test(a_live_guest_is_not_drained),
		cmocka_unit_test(no_memory_while_draining),
		cmocka_unit_test(the_cursor_comes_round),
		cmocka_unit_test(forced_pages_stay_forced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
