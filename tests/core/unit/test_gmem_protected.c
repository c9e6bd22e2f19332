// SPDX-License-Identifier: GPL-2.0-only
/*
 * The `protected` backend by itself: what it asks of EL2, batch by batch, and that
 * taking memory away never fails, however little there is (invariant 8).
 */
#include <setjmp.h>
#include <stdarg.h>

#include <core/gmem_protected.h>

#include <cmocka.h>

#define GFNS  8192
#define BATCH 512
#define BLOCK 512

/* EL2 and the environment in one. */
static struct world {
	struct gmem_protected p;
	u64 s2[GFNS]; /* pfn, 0: nothing */
	u64 calls, returned, allocated, cleaned;
	bool starve; /* no memory without sleeping */
	int refuse;  /* what EL2 answers to the next map */
	u32 lock_depth;
} w;

static bool one_call(u64 gfn, u64 pages)
{
	return pages <= w.p.batch || (pages == BLOCK && gfn % BLOCK == 0);
}

static int hyp_map(void *hyp, u64 gfn, u64 pfn, u64 pages, u32 prot, u64 *done)
{
	u64 i;
	int err = w.refuse;

	(void)hyp;
	(void)prot;
	w.calls++;
	w.refuse = 0;
	if (err)
		return err;
	assert_true(one_call(gfn, pages));
	for (i = 0; i < pages; i++) {
		if (w.s2[gfn + i])
			return -EPERM;
	}
	for (i = 0; i < pages; i++)
		w.s2[gfn + i] = pfn + i;
	*done += pages;
	return 0;
}

static int hyp_unmap(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	u64 i;

	(void)hyp;
	w.calls++;
	assert_true(pages && one_call(gfn, pages) && w.s2[gfn]);
	for (i = 0; i < pages; i++)
		w.s2[gfn + i] = 0;
	*done += pages;
	return 0;
}

static int hyp_split(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	(void)hyp;
	assert_true(w.s2[gfn] && w.s2[gfn + pages - 1]);
	*done += pages;
	return 0;
}

static void hyp_clean(void *hyp, u64 pfn, u64 pages)
{
	(void)hyp;
	(void)pfn;
	w.cleaned += pages;
}

static void hyp_returned(void *hyp, u64 pfn, u64 pages, u32 order)
{
	(void)hyp;
	(void)pfn;
	assert_true(!(pages & ((1ull << order) - 1)));
	w.returned += pages;
}

static void hyp_complain(void *hyp, const char *what, u64 gfn, int err)
{
	(void)hyp;
	print_error("%s %llu: %d\n", what, gfn, err);
	fail();
}

static void *env_alloc(void *env, size_t bytes)
{
	(void)env;
	w.allocated += bytes;
	return calloc(1, bytes);
}

static void *env_alloc_now(void *env, size_t bytes)
{
	return w.starve ? NULL : env_alloc(env, bytes);
}

static void env_free(void *env, void *p, size_t bytes)
{
	(void)env;
	w.allocated -= p ? bytes : 0;
	free(p);
}

static void env_lock(void *env, enum gmem_lock lock, bool write)
{
	(void)env;
	(void)write;
	w.lock_depth += lock == GMEM_LOCK_RECORDS;
}

static void env_unlock(void *env, enum gmem_lock lock, bool write)
{
	(void)env;
	(void)write;
	w.lock_depth -= lock == GMEM_LOCK_RECORDS;
}

static void env_relax(void *env)
{
	(void)env;
	assert_int_equal(w.lock_depth, 0);
}

static const struct gmem_hyp_ops hyp_ops = {
	.map = hyp_map,
	.unmap = hyp_unmap,
	.reclaim = hyp_unmap,
	.split = hyp_split,
	.clean = hyp_clean,
	.returned = hyp_returned,
	.complain = hyp_complain,
};

static const struct gmem_env_ops env_ops = {
	.alloc = env_alloc,
	.alloc_now = env_alloc_now,
	.free = env_free,
	.lock = env_lock,
	.unlock = env_unlock,
	.relax = env_relax,
};

static void begin_with(u64 batch, bool pinned)
{
	struct gmem_protected_config cfg = {
		&hyp_ops, &w, &env_ops, &w, 12, batch, BLOCK, pinned,
	};

	memset(&w, 0, sizeof(w));
	gmem_protected_init(&w.p, &cfg);
}

static void begin(bool pinned)
{
	begin_with(BATCH, pinned);
}

/* One mapping with a fresh cache. */
static int map(u64 gfn, u64 pages, u64 pfn)
{
	struct gmem_cache cache = { 0 };
	void *leaf;
	int i, err;

	for (i = 0; i < GMEM_CACHE_LEAVES; i++)
		gmem_leaf_push(&cache.leaves, env_alloc(&w, gmem_records_leaf_size()));
	err = w.p.be.ops->map(&w.p.be, gfn, pages, pfn, GMEM_PROT_R, true, &cache);
	while ((leaf = gmem_leaf_pop(&cache.leaves)))
		env_free(&w, leaf, gmem_records_leaf_size());
	return err;
}

static int unmap(u64 gfn, u64 pages)
{
	int err = 0;

	while (pages && !err) {
		u64 done = 0;

		err = w.p.be.ops->unmap(&w.p.be, gfn, pages, &done);
		if (err)
			break;
		assert_true(done && done <= pages);
		gfn += done;
		pages -= done;
	}
	return err;
}

static void same_as_el2(void)
{
	struct gmem_mapping m;
	u64 gfn, pages = 0;

	for (gfn = 0; gfn < GFNS; gfn++) {
		int err = w.p.be.ops->lookup(&w.p.be, gfn, &m);

		assert_int_equal(!err, w.s2[gfn] != 0);
		if (!err)
			assert_true(m.pfn + (gfn - m.gfn) == w.s2[gfn]);
		pages += !err;
	}
	assert_true(w.p.records.pages == pages);
}

static void end(void)
{
	u64 gfn;

	w.p.be.ops->destroy(&w.p.be);
	for (gfn = 0; gfn < GFNS; gfn++)
		assert_true(!w.s2[gfn]);
	assert_true(!w.p.records.nleaves && !w.allocated);
}

/* A balloon takes every second page of one long run. */
static void thin_out(bool starve)
{
	u64 gfn;

	begin(false);
	for (gfn = 0; gfn < 4096; gfn++)
		assert_int_equal(map(gfn, 1, 100000 + gfn), 0);
	assert_true(w.p.records.runs == 1);
	w.starve = starve;
	for (gfn = 1; gfn < 4096; gfn += 2)
		assert_int_equal(unmap(gfn, 1), 0);
	same_as_el2();
	for (gfn = 1; gfn < 4096; gfn += 2)
		assert_true(!w.s2[gfn]);
}

static void the_middle_of_a_run_goes(void **state)
{
	u64 gfn;

	(void)state;
	thin_out(false);
	for (gfn = 0; gfn < 4096; gfn += 2)
		assert_true(w.s2[gfn]);
	end();
}

static void without_memory_more_goes_than_was_asked(void **state)
{
	(void)state;
	thin_out(true);
	assert_true(w.p.records.pages < 2048);
	end();
}

static void scattered_pages_go_in_batches(void **state)
{
	u64 gfn;

	(void)state;
	begin(false);
	for (gfn = 0; gfn < 4096; gfn++)
		assert_int_equal(map(gfn, 1, 1 + (gfn * 7919 & 0xfffff)), 0);
	same_as_el2();
	w.calls = 0;
	assert_int_equal(unmap(0, 4096), 0);
	assert_true(w.calls == 4096 / BATCH);
	assert_true(!w.p.records.runs);
	end();
}

/* Gaps are passed over, the last one is not asked about, and blocks are not cut. */
static void gaps_cost_no_call(void **state)
{
	u64 gfn;

	(void)state;
	begin(false);
	for (gfn = 100; gfn < 500; gfn += 2)
		assert_int_equal(map(gfn, 1, 1 + gfn * 3), 0);
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(map(2000, 1, 9), 0);
	w.calls = 0;
	/* The first batch would end inside of the block: it ends before it. */
	assert_int_equal(unmap(0, 4096), 0);
	assert_int_equal(w.calls, 3);
	assert_true(!w.p.records.runs);
	same_as_el2();
	end();
}

static void blocks_go_whole(void **state)
{
	struct gmem_mapping m;

	(void)state;
	begin(false);
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(map(1024, 512, 5632), 0);
	assert_int_equal(map(1536, 1, 6144), 0);
	assert_int_equal(w.p.be.ops->lookup(&w.p.be, 700, &m), 0);
	assert_true(m.pages == 512 && m.gfn == 512 && m.pfn == 5120);
	assert_int_equal(unmap(1000, 100), 0);
	assert_true(!w.s2[512] && !w.s2[1535] && w.s2[1536]);
	same_as_el2();
	/* Sizes that aren't offered, or not aligned. */
	assert_int_equal(map(512, 256, 5120), -EINVAL);
	assert_int_equal(map(513, 512, 5121), -EINVAL);
	assert_int_equal(map(512, 512, 5121), -EINVAL);
	end();
}

/* All of a flush, which is done in as many turns as it takes. */
static void flush(u64 gfn, u64 pages)
{
	u64 done = 0, turns;

	for (turns = 0; pages; turns++) {
		assert_true(turns < 64);
		assert_int_equal(w.p.be.ops->flush(&w.p.be, gfn, pages, &done), 0);
		assert_true(done && done <= pages);
		gfn += done;
		pages -= done;
	}
}

/* A call covers such a block alone; what lies before and behind it goes in batches. */
static void a_block_is_larger_than_a_batch(void **state)
{
	u64 gfn, done;

	(void)state;
	begin_with(64, false);
	for (gfn = 480; gfn < 512; gfn++)
		assert_int_equal(map(gfn, 1, gfn * 7), 0);
	w.calls = 0;
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(w.calls, 1);
	assert_int_equal(map(1024, 512, 5632), 0);
	assert_int_equal(map(1536, 1, 6144), 0);
	same_as_el2();
	flush(480, 1600 - 480);
	assert_int_equal(w.cleaned, 32 + 2 * 512 + 1);
	w.calls = 0;
	assert_int_equal(unmap(500, 100), 0);
	assert_int_equal(w.calls, 2);
	assert_true(w.s2[499] && !w.s2[500] && !w.s2[1023] && w.s2[1024]);
	same_as_el2();
	w.calls = 0;
	assert_int_equal(unmap(1500, 100), 0);
	assert_int_equal(w.calls, 2);
	assert_true(!w.s2[1024] && !w.s2[1536]);
	same_as_el2();
	/* With no memory for a record more, the end of a run goes too: its last block. */
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(map(1024, 512, 5632), 0);
	assert_int_equal(map(1536, 512, 6144), 0);
	w.p.env_ops->free(&w, gmem_leaf_pop(&w.p.spare), gmem_records_leaf_size());
	w.starve = true;
	assert_int_equal(w.p.be.ops->unmap(&w.p.be, 1024, 10, &done), 0);
	w.starve = false;
	same_as_el2();
	assert_true(!w.s2[1024] && !w.s2[1535]);
	end();
}

static void a_racing_vcpu_is_no_error(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(map(7, 1, 70), 0);
	assert_int_equal(map(7, 1, 70), -EAGAIN);
	w.refuse = -ENOMEM;
	assert_int_equal(map(8, 1, 80), -ENOMEM);
	w.refuse = -EPERM;
	assert_int_equal(map(8, 1, 80), -EPERM);
	same_as_el2();
	/* A block in the place of pages, and the other way round. */
	assert_int_equal(map(0, 512, 512), 0);
	same_as_el2();
	assert_int_equal(map(0, 512, 512), -EAGAIN);
	assert_int_equal(map(3, 1, 900), 0);
	assert_true(w.p.records.pages == 1);
	same_as_el2();
	end();
}

static void donated_pages_stay_until_the_end(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(map(5, 1, 50), 0);
	assert_int_equal(unmap(0, GFNS), -EPERM);
	assert_int_equal(unmap(0, 5), 0);
	same_as_el2();
	assert_int_equal(map(5, 1, 50), -EAGAIN);
	assert_int_equal(map(0, 512, 1024), -E2BIG);
	end();
	assert_true(w.returned == 513);
	/* The same where EL2's teardown does it all. */
	begin(true);
	assert_int_equal(map(512, 512, 5120), 0);
	gmem_protected_forget(&w.p);
	assert_true(w.returned == 512 && !w.p.records.runs && !w.allocated);
}

/* The guest gives one frame up: EL2 has taken it, then the records hear of it. */
static int relinquish(u64 gfn, int leaves)
{
	struct gmem_cache cache = { 0 };
	void *leaf;
	int err;

	while (leaves--)
		gmem_leaf_push(&cache.leaves, env_alloc(&w, gmem_records_leaf_size()));
	err = gmem_protected_relinquished(&w.p, gfn, &cache);
	if (!err)
		w.s2[gfn] = 0;
	while ((leaf = gmem_leaf_pop(&cache.leaves)))
		env_free(&w, leaf, gmem_records_leaf_size());
	assert_int_equal(w.lock_depth, 0);
	return err;
}

static void a_relinquished_page_is_let_go_at_once(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(map(5, 1, 50), 0);
	assert_int_equal(map(6, 1, 51), 0);
	assert_int_equal(map(7, 1, 52), 0);
	assert_int_equal(relinquish(6, 2), -ENOMEM);
	assert_int_equal(relinquish(4, 3), -ENOENT);
	assert_int_equal(relinquish(8, 3), -ENOENT);
	assert_true(!w.returned);
	assert_int_equal(relinquish(6, 3), 0);
	assert_true(w.returned == 1);
	assert_int_equal(relinquish(6, 3), -ENOENT);
	same_as_el2();
	assert_int_equal(map(6, 1, 600), 0);
	end();
	assert_true(w.returned == 4);
	begin(false);
	assert_int_equal(map(5, 1, 50), 0);
	assert_int_equal(relinquish(5, 3), -EPERM);
	end();
}

/* A block is held as one: it is let go as one, with the last page, and only once. */
static void a_relinquished_block_goes_with_its_last_page(void **state)
{
	u64 gfn;

	(void)state;
	begin(true);
	for (gfn = 512; gfn < 2048; gfn += 512)
		assert_int_equal(map(gfn, 512, 10240 + gfn), 0);
	for (gfn = 1024; gfn < 1536; gfn++) {
		assert_int_equal(w.returned, 0);
		assert_int_equal(relinquish(1024 + ((gfn - 1024) * 5 & 511), 3), 0);
	}
	assert_int_equal(w.returned, 512);
	same_as_el2();
	/* A page in a hole of a block is its own. */
	assert_int_equal(relinquish(700, 3), 0);
	assert_int_equal(map(700, 1, 77), 0);
	assert_int_equal(relinquish(700, 3), 0);
	assert_int_equal(w.returned, 513);
	same_as_el2();
	/* What is left at the end goes then, blocks with holes once. */
	assert_int_equal(relinquish(513, 3), 0);
	gmem_protected_forget(&w.p);
	assert_int_equal(w.returned, 513 + 1024);
	assert_true(!w.p.records.runs && !w.allocated);
}

static void a_split_block_is_pages(void **state)
{
	struct gmem_cache cache = { 0 };
	struct gmem_mapping m;
	u64 done = 0;
	void *leaf;

	(void)state;
	begin(false);
	assert_int_equal(map(512, 512, 5120), 0);
	assert_int_equal(map(1024, 512, 5632), 0);
	assert_int_equal(w.p.be.ops->split(&w.p.be, 600, 1, &cache, &done), -ENOMEM);
	assert_true(!done);
	gmem_leaf_push(&cache.leaves, env_alloc(&w, gmem_records_leaf_size()));
	gmem_leaf_push(&cache.leaves, env_alloc(&w, gmem_records_leaf_size()));
	assert_int_equal(w.p.be.ops->split(&w.p.be, 600, 1, &cache, &done), 0);
	assert_true(done == 1);
	assert_int_equal(w.p.be.ops->lookup(&w.p.be, 600, &m), 0);
	assert_true(m.pages == 1);
	assert_int_equal(w.p.be.ops->lookup(&w.p.be, 1100, &m), 0);
	assert_true(m.pages == 512);
	assert_int_equal(unmap(600, 1), 0);
	assert_true(w.s2[599] && w.s2[601]);
	same_as_el2();
	while ((leaf = gmem_leaf_pop(&cache.leaves)))
		env_free(&w, leaf, gmem_records_leaf_size());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_middle_of_a_run_goes),
		cmocka_unit_test(without_memory_more_goes_than_was_asked),
		cmocka_unit_test(scattered_pages_go_in_batches),
		cmocka_unit_test(a_block_is_larger_than_a_batch),
		cmocka_unit_test(gaps_cost_no_call),
		cmocka_unit_test(blocks_go_whole),
		cmocka_unit_test(a_racing_vcpu_is_no_error),
		cmocka_unit_test(donated_pages_stay_until_the_end),
		cmocka_unit_test(a_relinquished_page_is_let_go_at_once),
		cmocka_unit_test(a_relinquished_block_goes_with_its_last_page),
		cmocka_unit_test(a_split_block_is_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
