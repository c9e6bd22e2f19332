// SPDX-License-Identifier: GPL-2.0-only
/* The vmemmap: records as words, and finding them. */
#include "redoubt_port.h"
#include "own_model.h"

#define MAX_PFN (1ULL << 40)

static u32 records[64];

static void records_keep_every_field(void **state)
{
	static const u16 owners[] = { OWN_ID_HOST, OWN_ID_HYP, OWN_ID_GUEST0, 0x555, OWN_ID_MAX };
	static const u16 counts[] = { 0, 1, 0x8000, OWN_COUNT_MAX };
	u32 i;

	(void)state;
	for (i = 0; i < 5 * 4 * 4; i++) {
		enum own_lent lent = (enum own_lent)(i & 3);
		struct own_page in = { owners[i / 16], lent ? OWN_SHARED_OWNED : OWN_OWNED, lent,
				       counts[i / 4 & 3] };
		struct own_page out = own_record_unpack(own_record_pack(in));

		assert_int_equal(out.owner, in.owner);
		assert_int_equal(out.state, in.state);
		assert_int_equal(out.lent, in.lent);
		assert_int_equal(out.count, in.count);
	}
	assert_int_equal(sizeof(records[0]), 4);
}

/* A zeroed record, which is what memory starts as, is the host's page and nobody else's. */
static void zero_is_the_hosts(void **state)
{
	u32 id;

	(void)state;
	assert_int_equal(own_record_state(0, OWN_ID_HOST), OWN_OWNED);
	assert_true(own_record_host_may(0));
	for (id = OWN_ID_HYP; id <= OWN_ID_MAX; id++)
		assert_int_equal(own_record_state(0, id), OWN_NOPAGE);
}

static void states_follow_from_owner_and_borrower(void **state)
{
	static const struct {
		u16 owner;
		enum own_lent lent;
		enum own_state host, hyp, guest;
	} rows[] = {
		{ OWN_ID_HOST, OWN_LENT_NONE, OWN_OWNED, OWN_NOPAGE, OWN_NOPAGE },
		{ OWN_ID_HOST, OWN_LENT_HYP, OWN_SHARED_OWNED, OWN_SHARED_BORROWED, OWN_NOPAGE },
		{ OWN_ID_HOST, OWN_LENT_GUESTS, OWN_SHARED_OWNED, OWN_NOPAGE, OWN_NOPAGE },
		{ OWN_ID_HYP, OWN_LENT_NONE, OWN_NOPAGE, OWN_OWNED, OWN_NOPAGE },
		{ 7, OWN_LENT_NONE, OWN_NOPAGE, OWN_NOPAGE, OWN_OWNED },
		{ 7, OWN_LENT_HOST, OWN_SHARED_BORROWED, OWN_NOPAGE, OWN_SHARED_OWNED },
		{ 8, OWN_LENT_NONE, OWN_NOPAGE, OWN_NOPAGE, OWN_NOPAGE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		u32 record = own_record_pack((struct own_page){
			rows[i].owner, rows[i].lent ? OWN_SHARED_OWNED : OWN_OWNED, rows[i].lent,
			3 });

		assert_int_equal(own_record_state(record, OWN_ID_HOST), rows[i].host);
		assert_int_equal(own_record_state(record, OWN_ID_HYP), rows[i].hyp);
		assert_int_equal(own_record_state(record, 7), rows[i].guest);
		assert_int_equal(own_record_host_may(record), rows[i].host != OWN_NOPAGE);
	}
}

static void broken_region_tables_are_refused(void **state)
{
	static const struct vmemmap_region bad[][2] = {
		{ { 0, 0, records }, { 8, 4, records } },	   /* empty */
		{ { 0, 4, NULL }, { 8, 4, records } },		   /* no records */
		{ { 8, 4, records }, { 0, 4, records } },	   /* unsorted */
		{ { 0, 4, records }, { 3, 4, records } },	   /* overlap */
		{ { 0, 4, records }, { 4, 4, records } },	   /* touch */
		{ { 0, 4, records }, { 8, MAX_PFN - 7, records } }, /* too high */
		{ { 0, 4, records }, { 8, ~0ULL, records } },	   /* overflow */
		{ { 0, 4, records }, { MAX_PFN, 1, records } },
	};
	static const struct vmemmap_region good[] = {
		{ 0, 4, records }, { 5, 4, records }, { MAX_PFN - 4, 4, records },
	};
	struct vmemmap mem = { .regions = good, .nr_regions = 7 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vmemmap_init(&mem, bad[i], 2), -EINVAL);
	assert_true(mem.regions == good && mem.nr_regions == 7);
	assert_int_equal(vmemmap_init(&mem, good, 3), 0);
	assert_int_equal(mem.nr_regions, 3);
	assert_int_equal(vmemmap_init(&mem, NULL, 0), 0);
	assert_null(vmemmap_region(&mem, 0));
	assert_true(vmemmap_is_hole(&mem, 0, MAX_PFN));
}

/* Compare with a plain list of which pages are RAM, for every page and every length. */
static void ranges_are_found_or_refused(void **state)
{
	static const struct vmemmap_region regions[] = {
		{ 2, 3, records }, { 7, 1, records + 3 }, { 9, 6, records + 4 },
		{ 20, 2, records + 10 },
	};
	/* The region of each page, 1 and up, and its first record. */
	static const u8 region_of[26] = { 0, 0, 1, 1, 1, 0, 0, 2, 0, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0,
					  0, 4, 4 };
	struct vmemmap mem;
	u64 pfn, nr, i, seen = 0;

	(void)state;
	assert_int_equal(vmemmap_init(&mem, regions, 4), 0);
	for (pfn = 0; pfn < 24; pfn++) {
		const struct vmemmap_region *region = vmemmap_region(&mem, pfn);
		bool one = region_of[pfn] != 0, hole = true;

		assert_int_equal(region != NULL, region_of[pfn] != 0);
		if (region)
			assert_true(region == &regions[region_of[pfn] - 1]);
		for (nr = 1; pfn + nr < 26; nr++) {
			i = pfn + nr - 1;
			one = one && region_of[i] == region_of[pfn];
			hole = hole && !region_of[i];
			assert_true(vmemmap_records(&mem, pfn, nr) ==
				    (one ? records + seen : NULL));
			assert_int_equal(vmemmap_is_hole(&mem, pfn, nr), hole);
		}
		assert_null(vmemmap_records(&mem, pfn, 0));
		assert_null(vmemmap_records(&mem, pfn, ~0ULL));
		assert_null(vmemmap_records(&mem, pfn, ~0ULL - pfn + 1));
		seen += region != NULL;
	}
	assert_null(vmemmap_region(&mem, ~0ULL));
	assert_null(vmemmap_next_region(&mem, ~0ULL));
	assert_true(vmemmap_next_region(&mem, 5) == &regions[1]);
	assert_true(vmemmap_next_region(&mem, 9) == &regions[2]);
	assert_true(vmemmap_next_region(&mem, 0) == &regions[0]);
	assert_null(vmemmap_next_region(&mem, 22));
}

static void contexts_and_spaces_are_checked(void **state)
{
	static const struct vmemmap_region high[] = { { (1ULL << 36), 1, records } };
	static struct own_ctx ctx, untouched;
	struct own_space host, hyp, guest;
	struct vmemmap mem;

	(void)state;
	assert_int_equal(own_space_init(&host, &m_ops, OWN_KIND_HOST, OWN_ID_HYP), -EINVAL);
	assert_int_equal(own_space_init(&host, &m_ops, OWN_KIND_HOST, OWN_ID_HOST), 0);
	assert_int_equal(own_space_init(&hyp, &m_ops, OWN_KIND_HYP, OWN_ID_HOST), -EINVAL);
	assert_int_equal(own_space_init(&hyp, &m_ops, OWN_KIND_HYP, OWN_ID_HYP), 0);
	assert_int_equal(own_space_init(&guest, &m_ops, OWN_KIND_GUEST_ORDINARY, OWN_ID_HYP),
			 -EINVAL);
	assert_int_equal(own_space_init(&guest, &m_ops, OWN_KIND_GUEST_PROTECTED, OWN_ID_MAX + 1),
			 -EINVAL);
	assert_int_equal(own_space_init(&guest, &m_ops, (enum own_kind)9, OWN_ID_GUEST0), -EINVAL);
	assert_int_equal(vmemmap_init(&mem, high, 1), 0);
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &host, &hyp, &m_env, 13), -EINVAL);
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &hyp, &hyp, &m_env, 12), -EINVAL);
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &host, &host, &m_env, 12), -EINVAL);
	/* Frame 2^36 is within 52 bits with pages of 4 KiB, not with 64 KiB. */
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &host, &hyp, &m_env, 16), -EINVAL);
	assert_memory_equal(&ctx, &untouched, sizeof(ctx));
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &host, &hyp, &m_env, 14), 0);
	assert_int_equal(own_init(&ctx, &mem, NULL, 0, &host, &hyp, &m_env, 12), 0);
	assert_int_equal(ctx.page_shift, 12);
}

static void launch_assigns_to_the_hyp(void **state)
{
	static struct model m;
	static struct m_state saved;
	struct own_page page;

	(void)state;
	m_init(&m);
	assert_int_equal(own_assign_hyp(&m.ctx, M_RAM + 4, 3), 0);
	assert_int_equal(own_page(&m.ctx, M_RAM + 6, &page), 0);
	assert_int_equal(page.owner, OWN_ID_HYP);
	assert_int_equal(page.state, OWN_OWNED);
	assert_int_equal(own_page(&m.ctx, M_RAM + 7, &page), 0);
	assert_int_equal(page.owner, OWN_ID_HOST);
	assert_int_equal(own_page(&m.ctx, M_HOLE, &page), -ERANGE);
	assert_false(m_host_touch(&m, M_RAM + 5));
	m_save(&m, &saved);
	assert_int_equal(own_assign_hyp(&m.ctx, M_RAM, 5), -EPERM);
	assert_int_equal(own_assign_hyp(&m.ctx, M_RAM + 7, 0), -EINVAL);
	assert_int_equal(own_assign_hyp(&m.ctx, M_RAM + 7, ~0ULL), -EINVAL);
	assert_int_equal(own_assign_hyp(&m.ctx, M_HOLE - 1, 2), -ERANGE);
	m_assert_unchanged(&m, &saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_keep_every_field),
		cmocka_unit_test(zero_is_the_hosts),
		cmocka_unit_test(states_follow_from_owner_and_borrower),
		cmocka_unit_test(broken_region_tables_are_refused),
		cmocka_unit_test(ranges_are_found_or_refused),
		cmocka_unit_test(contexts_and_spaces_are_checked),
		cmocka_unit_test(launch_assigns_to_the_hyp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
