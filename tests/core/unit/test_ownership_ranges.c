// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments that a hostile host would send: ranges that are empty, overflow,
 * straddle or leave RAM, spaces and rights that don't fit the verb, guests of the
 * wrong kind or past their end; and batches.
 */
#include "redoubt_port.h"
#include "own_model.h"

static struct model m;
static struct m_state saved;

struct bad_range {
	u64 frame, nr_pages;
	int as_pfn; /* refusal where it is a range of physical frames */
};

static const struct bad_range bad_ranges[] = {
	{ M_RAM, 0, -EINVAL },
	{ M_RAM, ~0ULL, -EINVAL },
	{ M_RAM, ~0ULL - M_RAM + 1, -EINVAL },
	{ M_RAM, ~0ULL - M_RAM + 2, -EINVAL },
	{ M_RAM, 1ULL << 40, -EINVAL },
	{ M_RAM, 1ULL << 52, -EINVAL },
	{ ~0ULL, 1, -EINVAL },
	{ ~0ULL, 2, -EINVAL },
	{ 1ULL << 40, 1, -EINVAL },
	{ (1ULL << 52) + M_RAM, 1, -EINVAL }, /* shifted left it would be M_RAM again */
	{ (1ULL << 63) + M_RAM, 1, -EINVAL },
	{ (1ULL << 40) - 1, 2, -EINVAL },
	{ (1ULL << 40) - 1, 1, -ERANGE },
	{ 0, 1, -ERANGE },
	{ M_RAM - 1, 2, -ERANGE },
	{ M_RAM + M_RAM_NR - 1, 2, -ERANGE },
	{ M_RAM, M_RAM_NR + 1, -ERANGE },
	{ M_RAM, M_RAM2 + M_RAM2_NR - M_RAM, -ERANGE }, /* two regions and the hole */
	{ M_HOLE, 1, -ERANGE },
	{ M_DEV, 1, -ERANGE },
};

#define FOR_EACH_BAD(bad) \
	for (bad = bad_ranges; bad < bad_ranges + sizeof(bad_ranges) / sizeof(*bad); bad++)

static void bad_physical_ranges(void **state)
{
	const struct bad_range *bad;

	(void)state;
	m_init(&m);
	m_save(&m, &saved);
	FOR_EACH_BAD(bad) {
		u64 pfn = bad->frame, nr = bad->nr_pages;

		assert_int_equal(own_host_share_hyp(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_host_unshare_hyp(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_host_donate_hyp(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_hyp_donate_host(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_hyp_pin(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_hyp_unpin(&m.ctx, pfn, nr), bad->as_pfn);
		assert_int_equal(own_host_share_guest(&m.ctx, m_own(&m, M_O1), pfn, 1, nr,
						      OWN_PROT_RWX), bad->as_pfn);
		assert_int_equal(own_host_donate_guest(&m.ctx, m_own(&m, M_P1), pfn, 1, nr),
				 bad->as_pfn);
	}
	m_assert_unchanged(&m, &saved);
}

/* A range of a guest's frames is bad if it can't exist; beyond its tables it is too large. */
static void bad_guest_ranges(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);
	const struct bad_range *bad;

	(void)state;
	m_init(&m);
	m_save(&m, &saved);
	FOR_EACH_BAD(bad) {
		u64 gfn = bad->frame, nr = bad->nr_pages;
		int ret = bad->as_pfn == -EINVAL ? -EINVAL : gfn < M_FRAMES ? -ENOENT : -ERANGE;

		assert_int_equal(own_host_unshare_guest(&m.ctx, o1, gfn, nr), ret);
		assert_int_equal(own_guest_share_host(&m.ctx, p1, gfn, nr), ret);
		assert_int_equal(own_guest_unshare_host(&m.ctx, p1, gfn, nr), ret);
		assert_int_equal(own_guest_donate_host(&m.ctx, p1, gfn, nr), ret);
		assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, gfn, nr), ret);
		assert_int_equal(own_device_return(&m.ctx, p1, gfn, nr),
				 ret == -EINVAL ? -EINVAL : -ENOENT);
		if (ret == -EINVAL && nr && nr < M_RAM_NR) {
			assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, gfn, nr,
							      OWN_PROT_RWX), -EINVAL);
			assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, gfn, nr),
					 -EINVAL);
			assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, gfn, nr),
					 -EINVAL);
		}
	}
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, M_FRAMES - 1, 2, OWN_PROT_R),
			 -ERANGE);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, M_FRAMES, 1), -ERANGE);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, M_FRAMES, 1), -ERANGE);
	m_assert_unchanged(&m, &saved);
}

/* A guest range of which one page is missing: nothing of it is touched. */
static void holes_in_a_guest_range(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 10, 3), 0);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 8, 14, 2), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 20, 10, 3, OWN_PROT_RW), 0);
	m_save(&m, &saved);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 10, 6), -ENOENT);
	assert_int_equal(own_guest_donate_host(&m.ctx, p1, 10, 4), -ENOENT);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 10, 4), -ENOENT);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 10, 4), -ENOENT);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 10, M_FRAMES), -ENOENT);
	m_assert_unchanged(&m, &saved);
	/* Contiguous addresses of scattered pages are one range. */
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM2 + 2, 13, 1), 0);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 10, 6), 0);
	assert_true(m_host_touch(&m, M_RAM2 + 2) && m_host_touch(&m, M_RAM + 9));
	assert_false(own_record_host_may(OWN_ID_GUEST0));
	m_assert_invariants(&m);
}

static void occupied_targets(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 10, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 1, 10, 1, OWN_PROT_R), 0);
	m.state.entries[M_HYP][M_RAM + 8] = (struct m_entry){ .valid = true, .pfn = 1 };
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 2, 5, 6), -EPERM);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 2, 10, 1, OWN_PROT_R), -EPERM);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 1, 10, 1, OWN_PROT_R), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 9, 2), -EPERM);
	assert_int_equal(own_host_share_hyp(&m.ctx, M_RAM + 5, 4), -EPERM);
	assert_int_equal(own_host_donate_hyp(&m.ctx, M_RAM + 8, 1), -EPERM);
	m_assert_unchanged(&m, &saved);
}

/* What the hyp is said to borrow must be what it maps: a stray mapping is refused. */
static void hyp_mapping_must_fit(void **state)
{
	(void)state;
	m_init(&m);
	assert_int_equal(own_host_share_hyp(&m.ctx, M_RAM, 4), 0);
	assert_int_equal(own_host_donate_hyp(&m.ctx, M_RAM + 4, 4), 0);
	m.state.entries[M_HYP][M_RAM + 2].pfn++;
	m.state.entries[M_HYP][M_RAM + 6].valid = false;
	m_save(&m, &saved);
	assert_int_equal(own_host_unshare_hyp(&m.ctx, M_RAM, 4), -EPERM);
	assert_int_equal(own_hyp_donate_host(&m.ctx, M_RAM + 4, 4), -EPERM);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_host_unshare_hyp(&m.ctx, M_RAM, 2), 0);
}

static void wrong_guests(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1), *hyp = m_own(&m, M_HYP);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 1, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 1, 1, 1, OWN_PROT_RW), 0);
	m_save(&m, &saved);
	assert_int_equal(own_host_share_guest(&m.ctx, p1, M_RAM + 2, 2, 1, OWN_PROT_RW), -EPERM);
	assert_int_equal(own_host_donate_guest(&m.ctx, o1, M_RAM + 2, 2, 1), -EPERM);
	assert_int_equal(own_host_unshare_guest(&m.ctx, p1, 1, 1), -EPERM);
	assert_int_equal(own_guest_share_host(&m.ctx, o1, 1, 1), -EPERM);
	assert_int_equal(own_guest_unshare_host(&m.ctx, o1, 1, 1), -EPERM);
	assert_int_equal(own_guest_donate_host(&m.ctx, o1, 1, 1), -EPERM);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, o1, 1, 1), -EPERM);
	assert_int_equal(own_guest_reclaim(&m.ctx, o1, 1, 1), -EPERM);
	assert_int_equal(own_guest_reclaim(&m.ctx, p1, 1, 1), -EPERM); /* live */
	assert_int_equal(own_host_share_guest(&m.ctx, hyp, M_RAM + 2, 2, 1, OWN_PROT_RW), -EINVAL);
	assert_int_equal(own_host_donate_guest(&m.ctx, m_own(&m, M_HOST), M_RAM + 2, 2, 1),
			 -EINVAL);
	assert_int_equal(own_host_donate_device(&m.ctx, hyp, M_DEV, 2, 1), -EINVAL);
	assert_int_equal(own_device_return(&m.ctx, hyp, 2, 1), -EINVAL);
	m_assert_unchanged(&m, &saved);
}

static void dying_guests_get_nothing(void **state)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);

	(void)state;
	m_init(&m);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM, 1, 2), 0);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 2, 1), 0);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 2, 1, 1, OWN_PROT_RW), 0);
	own_guest_kill(&m.ctx, p1);
	own_guest_kill(&m.ctx, o1);
	m_save(&m, &saved);
	assert_int_equal(own_host_donate_guest(&m.ctx, p1, M_RAM + 3, 3, 1), -EPERM);
	assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM + 3, 3, 1, OWN_PROT_RW), -EPERM);
	assert_int_equal(own_host_donate_device(&m.ctx, p1, M_DEV, 3, 1), -EPERM);
	assert_int_equal(own_guest_share_host(&m.ctx, p1, 1, 1), -EPERM);
	assert_int_equal(own_guest_unshare_host(&m.ctx, p1, 2, 1), -EPERM);
	assert_int_equal(own_guest_donate_host(&m.ctx, p1, 1, 1), -EPERM);
	assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, 1, 1), -EAGAIN);
	m_assert_unchanged(&m, &saved);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 1, 1), 0);
}

static void rights_are_checked(void **state)
{
	static const u32 bad[] = { 0, OWN_PROT_W, OWN_PROT_X, OWN_PROT_W | OWN_PROT_X,
				   OWN_PROT_RW | OWN_PROT_DEVICE, OWN_PROT_R | 0x10, ~0u };
	static const u32 good[] = { OWN_PROT_R, OWN_PROT_RW, OWN_PROT_RWX,
				    OWN_PROT_R | OWN_PROT_X };
	struct own_space *o1 = m_own(&m, M_O1);
	size_t i;

	(void)state;
	m_init(&m);
	m_save(&m, &saved);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, 1, 1, bad[i]), -EINVAL);
	m_assert_unchanged(&m, &saved);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(own_host_share_guest(&m.ctx, o1, M_RAM, 1 + i, 1, good[i]), 0);
		assert_int_equal(m.state.entries[M_O1][1 + i].prot, good[i]);
	}
	/* One page, four mappings of one guest: each counts. */
	assert_int_equal(own_record_unpack(*m_record(&m, M_RAM)).count, 4);
	assert_int_equal(own_host_unshare_guest(&m.ctx, o1, 1, 4), 0);
	assert_int_equal(*m_record(&m, M_RAM), 0);
}

static void described_transitions_are_checked(void **state)
{
	struct own_addr host = { m_own(&m, M_HOST), M_RAM << M_SHIFT };
	struct own_addr hyp = { m_own(&m, M_HYP), (M_RAM << M_SHIFT) + M_OFFSET };
	struct own_addr p1 = { m_own(&m, M_P1), 3 << M_SHIFT };
	struct own_transition tx = { OWN_HOST_SHARE_HYP, host, hyp, 2, 0 };

	(void)state;
	m_init(&m);
	m_save(&m, &saved);
	tx.target.addr += 1 << M_SHIFT; /* not the page's linear address */
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	tx.source.addr = (M_RAM << M_SHIFT) + 8;
	tx.target.addr = tx.source.addr + M_OFFSET;
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	tx = (struct own_transition){ OWN_HOST_SHARE_HYP, hyp, host, 1, 0 };
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	tx = (struct own_transition){ OWN_HOST_SHARE_HYP, host, p1, 1, 0 };
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	tx = (struct own_transition){ OWN_HOST_DONATE_GUEST, host, { NULL, 0 }, 1, 0 };
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	tx = (struct own_transition){ OWN_NR_VERBS, host, hyp, 1, 0 };
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	p1.addr += 4;
	tx = (struct own_transition){ OWN_HOST_DONATE_GUEST, host, p1, 1, 0 };
	assert_int_equal(own_apply(&m.ctx, &tx), -EINVAL);
	m_assert_unchanged(&m, &saved);
	tx.target.addr &= ~4ULL;
	assert_int_equal(own_apply(&m.ctx, &tx), 0);
}

static void batches_report_exact_progress(void **state)
{
	static const struct own_extent extents[] = {
		{ M_RAM, 1, 2 }, { M_RAM + 9, 7, 1 }, { M_RAM2, 4, 3 },
		{ M_RAM + 9, 20, 1 }, /* again: gone by now */
		{ M_RAM + 4, 30, 1 },
	};
	struct own_space *p1 = m_own(&m, M_P1);
	u64 done = 99;

	(void)state;
	m_init(&m);
	m.locks_taken = 0;
	assert_int_equal(own_apply_batch(&m.ctx, OWN_HOST_DONATE_GUEST, p1, extents, 5, 0, &done),
			 -EPERM);
	assert_int_equal(done, 3);
	assert_int_equal(m.locks_taken, 2);
	assert_int_equal(p1->nr_pages, 6);
	assert_int_equal(*m_record(&m, M_RAM + 4), 0);
	assert_false(m.state.entries[M_P1][20].valid || m.state.entries[M_P1][30].valid);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_GUEST_DONATE_HOST, p1, extents, 3, 0, &done),
			 0);
	assert_int_equal(done, 3);
	assert_int_equal(p1->nr_pages, 0);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_HOST_SHARE_HYP, NULL, extents, 3, 0, &done),
			 0);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_HOST_SHARE_HYP, p1, extents, 3, 0, &done),
			 -EINVAL);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_HOST_DONATE_GUEST, NULL, extents, 3, 0, &done),
			 -EINVAL);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_NR_VERBS, p1, extents, 3, 0, &done), -EINVAL);
	assert_int_equal(done, 0);
	assert_int_equal(own_apply_batch(&m.ctx, OWN_HOST_SHARE_HYP, NULL, NULL, 0, 0, &done), 0);
	m_assert_invariants(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_physical_ranges),
		cmocka_unit_test(bad_guest_ranges),
		cmocka_unit_test(holes_in_a_guest_range),
		cmocka_unit_test(occupied_targets),
		cmocka_unit_test(hyp_mapping_must_fit),
		cmocka_unit_test(wrong_guests),
		cmocka_unit_test(dying_guests_get_nothing),
		cmocka_unit_test(rights_are_checked),
		cmocka_unit_test(described_transitions_are_checked),
		cmocka_unit_test(batches_report_exact_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
