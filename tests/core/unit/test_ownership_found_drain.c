// SPDX-License-Identifier: GPL-2.0-only
/*
 * Found by the exhaustive exploration: a guest whose RAM and device page lie side by
 * side, in its own addresses and in physical ones, so that one run covers both.
 */
#include "redoubt_port.h"
#include "own_model.h"

static struct model m;

static void drain(struct own_space *guest)
{
	u64 gfn = 0;
	int rounds = 0, ret;

	own_guest_kill(&m.ctx, guest);
	do {
		ret = own_guest_drain(&m.ctx, guest, &gfn, 100);
		assert_true(++rounds < 10);
	} while (ret == -EAGAIN);
	assert_int_equal(ret, 0);
	assert_true(own_guest_is_empty(&m.ctx, guest));
	assert_int_equal(own_device_owner(&m.ctx, M_HOLE), OWN_ID_HOST);
	m_assert_invariants(&m);
}

static void ram_before_device(void **state)
{
	struct own_space *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_HOLE - 1, 7, 1, OWN_PROT_RW), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, o1, M_HOLE, 8, 1), 0);
	drain(o1);
}

static void device_before_ram(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_RAM2 - 1, 7, 1), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM2, 8, 1), 0);
	drain(p1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ram_before_device),
		cmocka_unit_test(device_before_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
