// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every transition from every state a page can be in: what it returns, what the
 * page is afterwards, and that a refusal has changed nothing (invariant 5). The
 * same for a range of which one page only is in the wrong state, for every place
 * of that page, and with the reservation of memory failing at each point.
 */
#include "redoubt_port.h"
#include "own_model.h"

#define GFN 5ULL    /* where guests have the page under test */
#define GFN_FREE 40ULL /* where nobody has anything */

/* What a page can be. Protected means P1, ordinary O1. */
enum situation {
	HOST_OWNED,
	HYP_BORROWED,
	HYP_BORROWED_PINNED,
	HYP_OWNED,
	HYP_OWNED_PINNED,
	GUEST_BORROWED,	     /* by O1 */
	TWO_GUESTS_BORROWED, /* by O1 and O2 */
	MOST_GUESTS_BORROWED, /* the count is at its maximum */
	GUEST_OWNED,	     /* by P1 */
	GUEST_SHARED,	     /* P1's, lent to the host */
	OTHER_GUEST_OWNED,   /* by P2 */
	FORCED,		     /* the host's, poisoned in P1 */
	HOST_DEVICE,
	GUEST_DEVICE, /* P1's */
	NR_SITUATIONS,
};

/* Verbs of memory come first and are numbered as the library does. */
enum {
	PIN = OWN_NR_VERBS,
	UNPIN,
	DEVICE_DONATE,
	DEVICE_RETURN,
	NR_ACTIONS,
};

static const char *const action_names[NR_ACTIONS] = {
	"host_share_hyp", "host_unshare_hyp", "host_donate_hyp", "hyp_donate_host",
	"host_share_guest", "host_unshare_guest", "host_donate_guest", "guest_share_host",
	"guest_unshare_host", "guest_donate_host", "guest_reclaim", "guest_force_reclaim",
	"hyp_pin", "hyp_unpin", "host_donate_device", "device_return",
};

#define E (-EPERM)
#define B (-EBUSY)
#define R (-ERANGE)
#define N (-ENOENT)

/*
 * Columns as action_names. Guests' addresses: protected ones act on P1 at GFN,
 * ordinary ones on O1 at GFN; maps go to GFN_FREE. For guest_reclaim P1 is dying.
 */
static const int expected[NR_SITUATIONS][NR_ACTIONS] = {
	/*		   hyp:		 guest: sh un do  gs gu gd re fo  pin   device */
	[HOST_OWNED] =		 { 0, E, 0, E, 0, N, 0, N, N, N, N, N, E, E, R, N },
	[HYP_BORROWED] =	 { E, 0, E, E, E, N, E, N, N, N, N, N, 0, E, R, N },
	[HYP_BORROWED_PINNED] =	 { E, B, E, E, E, N, E, N, N, N, N, N, 0, 0, R, N },
	[HYP_OWNED] =		 { E, E, E, 0, E, N, E, N, N, N, N, N, 0, E, R, N },
	[HYP_OWNED_PINNED] =	 { E, E, E, B, E, N, E, N, N, N, N, N, 0, 0, R, N },
	[GUEST_BORROWED] =	 { E, E, E, E, 0, 0, E, N, N, N, N, N, E, E, R, N },
	[TWO_GUESTS_BORROWED] =	 { E, E, E, E, 0, 0, E, N, N, N, N, N, E, E, R, N },
	[MOST_GUESTS_BORROWED] = { E, E, E, E, B, 0, E, N, N, N, N, N, E, E, R, N },
	[GUEST_OWNED] =		 { E, E, E, E, E, N, E, 0, E, 0, 0, 0, E, E, R, N },
	[GUEST_SHARED] =	 { E, E, E, E, E, N, E, E, 0, E, 0, 0, E, E, R, N },
	[OTHER_GUEST_OWNED] =	 { E, E, E, E, E, N, E, N, N, N, N, N, E, E, R, N },
	[FORCED] =		 { 0, E, 0, E, 0, N, 0, E, E, E, E, E, E, E, R, N },
	[HOST_DEVICE] =		 { R, R, R, R, R, N, R, N, N, N, N, N, R, R, 0, N },
	[GUEST_DEVICE] =	 { R, R, R, R, R, N, R, E, E, E, E, E, R, R, E, 0 },
};

static struct model m;

static bool is_device(int situation)
{
	return situation == HOST_DEVICE || situation == GUEST_DEVICE;
}

static void guest_writes(u64 pfn, u64 nr_pages)
{
	u64 i;

	for (i = 0; i < nr_pages; i++)
		m.state.memory[pfn + i] = M_SECRET;
}

static void share_guest(int guest, u64 pfn, u64 nr)
{
	assert_int_equal(own_host_share_guest(&m.ctx, m_own(&m, guest), pfn, GFN + pfn, nr,
					      OWN_PROT_RWX), 0);
}

static void donate_guest(int guest, u64 pfn, u64 nr)
{
	assert_int_equal(own_host_donate_guest(&m.ctx, m_own(&m, guest), pfn, GFN + pfn, nr), 0);
	guest_writes(pfn, nr);
}

/* Bring host-owned pages (or MMIO) into a situation; guests have @pfn at GFN + @pfn. */
static void arrange(int situation, u64 pfn, u64 nr)
{
	struct own_space *p1 = m_own(&m, M_P1);
	u64 i;

	for (i = 0; i < nr; i++)
		assert_true(m_host_touch(&m, pfn + i));
	switch (situation) {
	case HYP_BORROWED:
	case HYP_BORROWED_PINNED:
		assert_int_equal(own_host_share_hyp(&m.ctx, pfn, nr), 0);
		break;
	case HYP_OWNED:
	case HYP_OWNED_PINNED:
		assert_int_equal(own_host_donate_hyp(&m.ctx, pfn, nr), 0);
		guest_writes(pfn, nr);
		break;
	case TWO_GUESTS_BORROWED:
		share_guest(M_O2, pfn, nr);
		share_guest(M_O1, pfn, nr);
		break;
	case MOST_GUESTS_BORROWED:
	case GUEST_BORROWED:
		share_guest(M_O1, pfn, nr);
		break;
	case GUEST_OWNED:
	case GUEST_SHARED:
	case FORCED:
		donate_guest(M_P1, pfn, nr);
		break;
	case OTHER_GUEST_OWNED:
		donate_guest(M_P2, pfn, nr);
		break;
	case GUEST_DEVICE:
		assert_int_equal(own_host_donate_device(&m.ctx, p1, pfn, GFN + pfn, nr), 0);
	}
	if (situation == HYP_BORROWED_PINNED || situation == HYP_OWNED_PINNED)
		assert_int_equal(own_hyp_pin(&m.ctx, pfn, nr), 0);
	if (situation == GUEST_SHARED) {
		assert_int_equal(own_guest_share_host(&m.ctx, p1, GFN + pfn, nr), 0);
		assert_true(m_host_touch(&m, pfn));
	}
	if (situation == FORCED)
		assert_int_equal(own_guest_force_reclaim(&m.ctx, p1, GFN + pfn, nr), 0);
	for (i = 0; situation == MOST_GUESTS_BORROWED && i < nr; i++)
		*m_record(&m, pfn + i) |= OWN_REC_COUNT_MASK;
}

static int act(int action, u64 pfn, u64 nr)
{
	struct own_space *p1 = m_own(&m, M_P1), *o1 = m_own(&m, M_O1);
	u64 gfn = GFN + pfn;

	switch (action) {
	case OWN_HOST_SHARE_HYP:
		return own_host_share_hyp(&m.ctx, pfn, nr);
	case OWN_HOST_UNSHARE_HYP:
		return own_host_unshare_hyp(&m.ctx, pfn, nr);
	case OWN_HOST_DONATE_HYP:
		return own_host_donate_hyp(&m.ctx, pfn, nr);
	case OWN_HYP_DONATE_HOST:
		return own_hyp_donate_host(&m.ctx, pfn, nr);
	case OWN_HOST_SHARE_GUEST:
		return own_host_share_guest(&m.ctx, o1, pfn, GFN_FREE + 44, nr, OWN_PROT_R);
	case OWN_HOST_UNSHARE_GUEST:
		return own_host_unshare_guest(&m.ctx, o1, gfn, nr);
	case OWN_HOST_DONATE_GUEST:
		return own_host_donate_guest(&m.ctx, p1, pfn, GFN_FREE + 44, nr);
	case OWN_GUEST_SHARE_HOST:
		return own_guest_share_host(&m.ctx, p1, gfn, nr);
	case OWN_GUEST_UNSHARE_HOST:
		return own_guest_unshare_host(&m.ctx, p1, gfn, nr);
	case OWN_GUEST_DONATE_HOST:
		return own_guest_donate_host(&m.ctx, p1, gfn, nr);
	case OWN_GUEST_RECLAIM:
		return own_guest_reclaim(&m.ctx, p1, gfn, nr);
	case OWN_GUEST_FORCE_RECLAIM:
		return own_guest_force_reclaim(&m.ctx, p1, gfn, nr);
	case PIN:
		return own_hyp_pin(&m.ctx, pfn, nr);
	case UNPIN:
		return own_hyp_unpin(&m.ctx, pfn, nr);
	case DEVICE_DONATE:
		return own_host_donate_device(&m.ctx, p1, pfn, GFN_FREE + 44, nr);
	default:
		return own_device_return(&m.ctx, p1, gfn, nr);
	}
}

/* What a page has to be after an action succeeded. */
static u32 record_after(int action, u32 before)
{
	struct own_page page = own_record_unpack(before);

	switch (action) {
	case OWN_HOST_SHARE_HYP:
		page = (struct own_page){ OWN_ID_HOST, OWN_SHARED_OWNED, OWN_LENT_HYP, 0 };
		break;
	case OWN_HOST_DONATE_HYP:
		page = (struct own_page){ .owner = OWN_ID_HYP };
		break;
	case OWN_HOST_SHARE_GUEST:
		page = (struct own_page){ OWN_ID_HOST, OWN_SHARED_OWNED, OWN_LENT_GUESTS,
					  page.count + 1 };
		break;
	case OWN_HOST_UNSHARE_GUEST:
		page.count--;
		if (!page.count)
			page = (struct own_page){ 0 };
		break;
	case OWN_HOST_DONATE_GUEST:
	case OWN_GUEST_UNSHARE_HOST:
		page = (struct own_page){ .owner = m_own(&m, M_P1)->id };
		break;
	case OWN_GUEST_SHARE_HOST:
		page = (struct own_page){ m_own(&m, M_P1)->id, OWN_SHARED_OWNED, OWN_LENT_HOST, 0 };
		break;
	case PIN:
		page.count++;
		break;
	case UNPIN:
		page.count--;
		break;
	default: /* everything else ends with the host */
		page = (struct own_page){ 0 };
	}
	return own_record_pack(page);
}

/* Where the action's effect is to be seen: in whose tables, and how many pages. */
static void assert_mappings(int action, u64 pfn)
{
	struct m_entry(*e)[M_FRAMES] = m.state.entries;
	u64 gfn = GFN + pfn;

	switch (action) {
	case OWN_HOST_SHARE_HYP:
	case OWN_HOST_DONATE_HYP:
		assert_true(e[M_HYP][pfn].valid && e[M_HYP][pfn].pfn == pfn);
		assert_int_equal(e[M_HYP][pfn].prot, OWN_PROT_RW);
		break;
	case OWN_HOST_UNSHARE_HYP:
	case OWN_HYP_DONATE_HOST:
		assert_false(e[M_HYP][pfn].valid);
		break;
	case OWN_HOST_SHARE_GUEST:
		assert_true(e[M_O1][GFN_FREE + 44].valid);
		assert_int_equal(e[M_O1][GFN_FREE + 44].prot, OWN_PROT_R);
		break;
	case OWN_HOST_UNSHARE_GUEST:
		assert_false(e[M_O1][gfn].valid);
		break;
	case OWN_HOST_DONATE_GUEST:
	case DEVICE_DONATE:
		assert_true(e[M_P1][GFN_FREE + 44].valid);
		assert_int_equal(e[M_P1][GFN_FREE + 44].prot,
				 action == DEVICE_DONATE ? OWN_PROT_RW | OWN_PROT_DEVICE :
							   OWN_PROT_RWX);
		break;
	case OWN_GUEST_FORCE_RECLAIM:
		assert_true(e[M_P1][gfn].poisoned && !e[M_P1][gfn].valid);
		break;
	case OWN_GUEST_DONATE_HOST:
	case OWN_GUEST_RECLAIM:
	case DEVICE_RETURN:
		assert_false(e[M_P1][gfn].valid || e[M_P1][gfn].poisoned);
	}
}

/* Who may touch the page follows from its record; for a device, from the action. */
static void assert_host_access(int situation, int action, u64 pfn)
{
	if (is_device(situation))
		assert_int_equal(m_host_touch(&m, pfn), action == DEVICE_RETURN);
	else
		assert_int_equal(m_host_touch(&m, pfn), own_record_host_may(*m_record(&m, pfn)));
}

static u64 first_pfn(int situation)
{
	return is_device(situation) ? M_DEV : M_RAM;
}

static void before_action(int action)
{
	if (action == OWN_GUEST_RECLAIM)
		own_guest_kill(&m.ctx, m_own(&m, M_P1));
}

static void test_one(int situation, int action)
{
	static struct m_state saved;
	u64 pfn = first_pfn(situation);
	u32 before = 0;
	int ret;

	m_init(&m);
	arrange(situation, pfn, 1);
	before_action(action);
	m_assert_invariants(&m);
	if (!is_device(situation))
		before = *m_record(&m, pfn);
	m_save(&m, &saved);
	ret = act(action, pfn, 1);
	if (ret != expected[situation][action])
		fail_msg("%s from situation %d: %d, expected %d", action_names[action], situation,
			 ret, expected[situation][action]);
	if (ret) {
		m_assert_unchanged(&m, &saved);
		return;
	}
	if (!is_device(situation))
		assert_int_equal(*m_record(&m, pfn), record_after(action, before));
	assert_mappings(action, pfn);
	assert_host_access(situation, action, pfn);
	m_assert_invariants(&m);
}

static void every_transition_from_every_state(void **state)
{
	int situation, action;

	(void)state;
	for (situation = 0; situation < NR_SITUATIONS; situation++)
		for (action = 0; action < NR_ACTIONS; action++)
			test_one(situation, action);
}

/* A range of @nr pages in situation @good, of which page @odd is in @bad. */
static void test_mixed(int good, int bad, int action, u64 nr, u64 odd)
{
	static struct m_state saved;
	u64 pfn = first_pfn(good), i;
	int ret;

	m_init(&m);
	for (i = 0; i < nr; i++)
		arrange(i == odd ? bad : good, pfn + i, 1);
	before_action(action);
	m_save(&m, &saved);
	ret = act(action, pfn, nr);
	if (ret != expected[bad][action])
		fail_msg("%s of %u pages in situation %d, the %u-th in %d: %d, expected %d",
			 action_names[action], (unsigned)nr, good, (unsigned)odd, bad, ret,
			 expected[bad][action]);
	if (ret)
		m_assert_unchanged(&m, &saved);
	else
		m_assert_invariants(&m);
}

/* Every page is checked, wherever it lies in the range. */
static void one_wrong_page_refuses_the_range(void **state)
{
	int good, bad, action;
	u64 nr = 19, odd;

	(void)state;
	for (good = 0; good < HOST_DEVICE; good++)
		for (bad = 0; bad < HOST_DEVICE; bad++)
			for (action = 0; action < DEVICE_DONATE; action++)
				for (odd = 0; odd < nr && !expected[good][action]; odd++)
					test_mixed(good, bad, action, nr, odd);
}

/* A device range with one page of RAM, or one that is not the host's. */
static void one_wrong_device_page_refuses_the_range(void **state)
{
	static struct m_state saved;
	u64 odd;

	(void)state;
	for (odd = 0; odd < 8; odd++) {
		m_init(&m);
		arrange(GUEST_DEVICE, M_DEV + odd, 1);
		m_save(&m, &saved);
		assert_int_equal(act(DEVICE_DONATE, M_DEV, 8), -EPERM);
		m_assert_unchanged(&m, &saved);
	}
	assert_int_equal(act(DEVICE_DONATE, M_RAM2 + M_RAM2_NR - 1, 2), -ERANGE);
	assert_int_equal(act(DEVICE_DONATE, M_HOLE, M_RAM2 - M_HOLE + 1), -ERANGE);
	m_assert_unchanged(&m, &saved);
}

static void whole_ranges_succeed(void **state)
{
	int situation, action;

	(void)state;
	for (situation = 0; situation < NR_SITUATIONS; situation++) {
		for (action = 0; action < NR_ACTIONS; action++) {
			u64 pfn = first_pfn(situation), nr = 11, i;

			if (expected[situation][action])
				continue;
			m_init(&m);
			arrange(situation, pfn, nr);
			before_action(action);
			m.run_max = 3; /* guests' tables report pieces */
			assert_int_equal(act(action, pfn, nr), 0);
			for (i = 0; i < nr; i++)
				assert_host_access(situation, action, pfn + i);
			m_assert_invariants(&m);
		}
	}
}

/* Fail the first, second, ... reservation until the action gets through. */
static void test_no_memory(int situation, int action)
{
	static struct m_state saved;
	u64 pfn = first_pfn(situation);
	u32 n;
	int ret;

	m_init(&m);
	arrange(situation, pfn, 9);
	before_action(action);
	m.run_max = 4;
	m_save(&m, &saved);
	for (n = 0;; n++) {
		m.prepare_left = n;
		ret = act(action, pfn, 9);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		m_assert_unchanged(&m, &saved);
		assert_true(n < 20);
	}
	/* All but the actions on counts alone have something to prepare. */
	assert_int_equal(n == 0, action == PIN || action == UNPIN);
	m_assert_invariants(&m);
}

static void no_memory_at_each_point_changes_nothing(void **state)
{
	int situation, action;

	(void)state;
	for (situation = 0; situation < NR_SITUATIONS; situation++)
		for (action = 0; action < NR_ACTIONS; action++)
			if (!expected[situation][action])
				test_no_memory(situation, action);
}

/* What gets zeroed, and what gets cleaned, is all that has to be and no more. */
static void zeroing_and_cleaning(void **state)
{
	static const struct {
		int situation, action;
		u32 zeroed, cleaned;
	} rows[] = {
		{ HOST_OWNED, OWN_HOST_SHARE_HYP, 0, 0 },
		{ HYP_BORROWED, OWN_HOST_UNSHARE_HYP, 0, 0 },
		{ HOST_OWNED, OWN_HOST_DONATE_HYP, 0, 0 },
		{ HYP_OWNED, OWN_HYP_DONATE_HOST, 5, 0 },
		{ HOST_OWNED, OWN_HOST_SHARE_GUEST, 0, 5 },
		{ GUEST_BORROWED, OWN_HOST_UNSHARE_GUEST, 0, 0 },
		{ HOST_OWNED, OWN_HOST_DONATE_GUEST, 0, 5 },
		{ GUEST_OWNED, OWN_GUEST_SHARE_HOST, 0, 0 },
		{ GUEST_SHARED, OWN_GUEST_UNSHARE_HOST, 0, 5 },
		{ GUEST_OWNED, OWN_GUEST_DONATE_HOST, 5, 0 },
		{ GUEST_OWNED, OWN_GUEST_RECLAIM, 5, 0 },
		{ GUEST_SHARED, OWN_GUEST_RECLAIM, 0, 0 },
		{ GUEST_OWNED, OWN_GUEST_FORCE_RECLAIM, 5, 0 },
		{ GUEST_SHARED, OWN_GUEST_FORCE_RECLAIM, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m_init(&m);
		arrange(rows[i].situation, M_RAM, 5);
		before_action(rows[i].action);
		m.zeroed = m.cleaned = 0;
		assert_int_equal(act(rows[i].action, M_RAM, 5), 0);
		assert_int_equal(m.zeroed, rows[i].zeroed);
		assert_int_equal(m.cleaned, rows[i].cleaned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transition_from_every_state),
		cmocka_unit_test(one_wrong_page_refuses_the_range),
		cmocka_unit_test(one_wrong_device_page_refuses_the_range),
		cmocka_unit_test(whole_ranges_succeed),
		cmocka_unit_test(no_memory_at_each_point_changes_nothing),
		cmocka_unit_test(zeroing_and_cleaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
