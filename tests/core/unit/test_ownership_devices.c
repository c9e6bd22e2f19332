// SPDX-License-Identifier: GPL-2.0-only
/* Device pages: donated whole to one guest and returned, and nothing else. */
#include "redoubt_port.h"
#include "own_model.h"

static struct model m;
static struct m_state saved;

static u32 owner_of(u64 pfn)
{
	return own_device_owner(&m.ctx, pfn);
}

static void donated_and_returned(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);
	u64 pfn;

	(void)state;
	m_init(&m);
	for (pfn = M_DEV; pfn < M_DEV + 6; pfn++)
		assert_true(m_host_touch(&m, pfn));
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 1, 7, 4), 0);
	assert_int_equal(p1->nr_device_pages, 4);
	assert_int_equal(p1->nr_pages, 0);
	for (pfn = M_DEV; pfn < M_DEV + 6; pfn++) {
		bool given = pfn >= M_DEV + 1 && pfn < M_DEV + 5;

		assert_int_equal(owner_of(pfn), given ? p1->id : OWN_ID_HOST);
		assert_int_equal(m.state.entries[M_HOST][pfn].valid, !given);
		assert_int_equal(m_host_touch(&m, pfn), !given);
		if (given)
			assert_true(m.state.entries[M_P1][7 + pfn - M_DEV - 1].pfn == pfn);
	}
	m_save(&m, &saved);
	assert_int_equal(own_device_return(&m.ctx, p1, 7, 3), -ENOENT);
	assert_int_equal(own_device_return(&m.ctx, p1, 8, 3), -ENOENT);
	assert_int_equal(own_device_return(&m.ctx, m_own(&m, M_P2), 7, 4), -ENOENT);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_device_return(&m.ctx, p1, 7, 4), 0);
	assert_int_equal(owner_of(M_DEV + 1), OWN_ID_HOST);
	assert_int_equal(p1->nr_device_pages, 0);
	assert_true(m_host_touch(&m, M_DEV + 1));
	m_assert_invariants(&m);
}

/* The table stays sorted whatever the order of donations and returns. */
static void any_order(void **state)
{
	static const u64 at[] = { M_DEV + 8, M_DEV, M_DEV + 4 };
	struct own_space *o1 = m_own(&m, M_O1);
	u64 pfn;
	int first, i;

	(void)state;
	for (first = 0; first < 3; first++) {
		m_init(&m);
		for (i = 0; i < 3; i++)
			assert_int_equal(own_host_donate_device(&m.ctx, o1, at[i], 10 * (i + 1),
								2), 0);
		for (pfn = M_DEV; pfn < M_DEV + 10; pfn++)
			assert_int_equal(owner_of(pfn), (pfn & 3) < 2 ? o1->id : OWN_ID_HOST);
		m_assert_invariants(&m);
		for (i = first; i < first + 3; i++) {
			assert_int_equal(own_device_return(&m.ctx, o1, 10 * (i % 3 + 1), 2), 0);
			assert_int_equal(owner_of(at[i % 3]), OWN_ID_HOST);
			m_assert_invariants(&m);
		}
		assert_int_equal(m.ctx.devices.nr, 0);
	}
}

static void overlaps_and_a_full_table_are_refused(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 1, 2), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 4, 5, 2), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 20, 2), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 1, 20, 1), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 1, 20, 3), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 3, 20, 2), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV - 5, 20, 20), -EPERM);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 2, 20, 2), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 9, 30, 1), -ENOSPC);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_device_return(&m.ctx, p1, 1, 2), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 9, 30, 1), 0);
}

/* Addresses that the machine doesn't have cannot become a guest's. */
static void beyond_the_machine(void **state)
{
	u64 end = 1ULL << (40 - M_SHIFT);
	bool ram;

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_device(&m.ctx, m_own(&m, M_P1), end, 1, 1), -EINVAL);
	assert_int_equal(own_host_donate_device(&m.ctx, m_own(&m, M_P1), end - 1, 1, 2), -EINVAL);
	assert_int_equal(own_assign_device_hyp(&m.ctx, end, 1), -EINVAL);
	assert_int_equal(own_check_host_range(&m.ctx, end, 1, &ram), -EPERM);
	assert_int_equal(own_check_host_range(&m.ctx, end - 1, 1, &ram), 0);
	assert_false(ram);
}

/* Mixtures of RAM and MMIO, or of one's own and another's, are never one block. */
static void blocks_for_the_host(void **state)
{
	static const struct {
		u64 pfn, nr;
		int ret;
		bool ram;
	} rows[] = {
		{ M_RAM, M_RAM_NR, 0, true },
		{ M_RAM - 1, 2, -EPERM, false },
		{ M_HOLE - 1, 2, -EPERM, false },
		{ M_HOLE, M_RAM2 - M_HOLE, 0, false },
		{ M_HOLE, M_RAM2 - M_HOLE + 1, -EPERM, false },
		{ M_DEV, 4, 0, false },
		{ M_DEV, 5, -EPERM, false },
		{ M_DEV + 5, 1, -EPERM, false },
		{ M_DEV + 6, 6, 0, false },
		{ M_RAM2, 3, 0, true },
		{ M_RAM2, 4, -EPERM, false },
		{ M_RAM2 + 3, 1, -EPERM, false },
		{ M_RAM2 + 4, 4, 0, true },
	};
	size_t i;
	bool ram;

	(void)state;
	m_init(&m);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_DEV + 4, 2), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, m_own(&m, M_P2), M_RAM2 + 3, 3, 1), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(own_check_host_range(&m.ctx, rows[i].pfn, rows[i].nr, &ram),
				 rows[i].ret);
		if (!rows[i].ret)
			assert_int_equal(ram, rows[i].ram);
	}
}

static void the_hyps_devices_stay(void **state)
{
	(void)state;
	m_init(&m);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_DEV, 2), 0);
	assert_int_equal(owner_of(M_DEV + 1), OWN_ID_HYP);
	assert_false(m_host_touch(&m, M_DEV + 1));
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_device(&m.ctx, m_own(&m, M_P1), M_DEV + 1, 1, 1), -EPERM);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_DEV + 1, 1), -EPERM);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_RAM, 1), -ERANGE);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_DEV, 0), -EINVAL);
	m_assert_unchanged(&m, &saved);
}

/* An ordinary guest's unshare and a protected one's verbs don't take a device for memory. */
static void a_device_is_not_memory(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_device(&m.ctx, o1, M_DEV, 3, 1), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 1, 3, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, 2, 1, OWN_PROT_RW), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 3, 1), -EPERM);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 2, 2), -EPERM);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 3, 1), -EPERM);
	assert_int_equal(own_guest_donate_host(&m.ctx, p1, 3, 1), -EPERM);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 3, 1), -EPERM);
	assert_int_equal(own_device_return(&m.ctx, o1, 2, 1), -ENOENT);
	m_assert_unchanged(&m, &saved);
}

/*
 * RAM, a device, and RAM again, neighbours in physical and in the guest's addresses: a
 * range ends where its region does, whatever the records of the next region say.
 */
static void a_run_ends_with_its_region(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_HOLE - 1, 7, 1), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_HOLE, 8, M_RAM2 - M_HOLE), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM2, 8 + M_RAM2 - M_HOLE, 3), 0);
	m_save(&m, &saved);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 7, 2), -EPERM);
	assert_int_equal(own_guest_donate_host(&m.ctx, p1, 7, 3), -EPERM);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 7, 4), -EPERM);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 7 + M_RAM2 - M_HOLE, 2), -EPERM);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 8 + M_RAM2 - M_HOLE, 3), 0);

	m_init(&m);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_HOLE - 1, 7, 1, OWN_PROT_R), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, o1, M_HOLE, 8, 2), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM2, 20, 2, OWN_PROT_R), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 7, 2), -EPERM);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 7, 1), 0);
}

#define LENT (OWN_PROT_RW | OWN_PROT_DEVICE)

/* A page that the host lends to two ordinary guests stays the host's, and is no gift. */
static void lent_to_ordinary_guests(void **state)
{
	struct own_space *o1 = m_own(&m, M_O1), *p1 = m_own(&m, M_P1);
	u64 done;

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, 4, 2, OWN_PROT_RW), 0);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 6, LENT), 0);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 7, OWN_PROT_R | OWN_PROT_NC), 0);
	assert_int_equal(m.ctx.devices.lent, 2);
	assert_int_equal(o1->nr_device_pages, 2);
	assert_int_equal(o1->nr_pages, 2);
	assert_int_equal(owner_of(M_DEV), OWN_ID_HOST);
	assert_true(m_host_touch(&m, M_DEV));
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 1, 1), -EBUSY);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 4, 1, 1), -EBUSY);
	assert_int_equal(own_device_return(&m.ctx, o1, 6, 1), -ENOENT);
	m_assert_unchanged(&m, &saved);
	/* Memory and devices in one call, and what is not there between them. */
	assert_int_equal(own_host_unshare_pages(&m.ctx, o1, 3, 4, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(o1->nr_pages, 0);
	assert_int_equal(o1->nr_device_pages, 1);
	own_guest_kill(&m.ctx, o1);
	done = 0;
	assert_int_equal(own_guest_drain(&m.ctx, o1, &done, 64), 0);
	assert_true(own_guest_is_empty(&m.ctx, o1));
	assert_int_equal(m.ctx.devices.lent, 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 1, 1), 0);
}

static void lending_is_refused(void **state)
{
	struct own_space *o1 = m_own(&m, M_O1), *p1 = m_own(&m, M_P1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_assign_device_hyp(&m.ctx, M_DEV + 4, 1), 0);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV + 5, 1, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, 4, 1, OWN_PROT_RW), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_share_device(&m.ctx, p1, M_DEV, 6, LENT), -EPERM);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_RAM, 6, LENT), -ERANGE);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV + 4, 6, LENT), -EPERM);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV + 5, 6, LENT), -EPERM);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 4, LENT), -EPERM);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 6, OWN_PROT_RW), -EINVAL);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 6, LENT | OWN_PROT_X), -EINVAL);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 6, LENT | OWN_PROT_NC), -EINVAL);
	assert_int_equal(own_host_share_device(&m.ctx, o1, 1ULL << 40, 6, LENT), -EINVAL);
	m_assert_unchanged(&m, &saved);
	own_guest_kill(&m.ctx, o1);
	assert_int_equal(own_host_share_device(&m.ctx, o1, M_DEV, 6, LENT), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(donated_and_returned),
		cmocka_unit_test(any_order),
		cmocka_unit_test(overlaps_and_a_full_table_are_refused),
		cmocka_unit_test(beyond_the_machine),
		cmocka_unit_test(blocks_for_the_host),
		cmocka_unit_test(the_hyps_devices_stay),
		cmocka_unit_test(a_device_is_not_memory),
		cmocka_unit_test(a_run_ends_with_its_region),
		cmocka_unit_test(lent_to_ordinary_guests),
		cmocka_unit_test(lending_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
