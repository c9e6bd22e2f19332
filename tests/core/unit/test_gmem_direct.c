// SPDX-License-Identifier: GPL-2.0-only
/*
 * The `direct` backend over real tables of each granule: random calls, against an
 * array that says for each frame what must be there.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <core/gmem_direct.h>

#include <cmocka.h>

#define BLOCKS	3	     /* of the smallest block size */
#define TABLES	64	     /* pages for tables */
#define TABLE_PA 0x100000000ull
#define ROOT	(TABLES - 16)

struct frame {
	u64 pfn; /* 0: nothing */
	u32 order;
	bool w, young, host_writable;
};

static struct world {
	struct pgt pgt;
	struct pgt_geometry geo;
	struct gmem_direct d;
	struct pgt_memcache mc;
	struct gmem_cache cache;
	u8 *arena;
	u64 flushes, frames;
	struct frame *frame;
} w;

static u64 seed = 88172645463325252ull;

static u64 rnd(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return w.arena + (at.v - TABLE_PA);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa(TABLE_PA + (u64)((const u8 *)virt - w.arena));
}

static void free_table(void *ctx, void *table)
{
	(void)ctx;
	pgt_memcache_push(&w.mc, table);
}

/* Nobody walks in parallel here: what shared operations detach can go at once. */
static void defer_free(void *ctx, struct pgt *pgt, void *table, s8 level)
{
	(void)ctx;
	pgt_s2_free_unlinked(pgt, table, level);
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx;
	w.flushes += plan->n;
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.defer_free = defer_free,
	.tlb_flush = tlb_flush,
};

static u32 order(void)
{
	return w.d.be.block_order[0];
}

static u64 mask_of(u64 gfn)
{
	return (1ull << w.frame[gfn].order) - 1;
}

static void begin(u8 shift)
{
	struct pgt_request request = { .stage = PGT_STAGE2, .granule_shift = shift, .ia_bits = 40 };
	struct pgt_cpu_features cpu = {
		.granule_s1 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.granule_s2 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.pa_bits = 48, .vmid_bits = 8, .ttl = true, .tlbirange = true,
	};
	u64 i;

	memset(&w, 0, sizeof(w));
	w.arena = aligned_alloc((size_t)16 << shift, (size_t)TABLES << shift);
	assert_non_null(w.arena);
	memset(w.arena, 0, (size_t)TABLES << shift);
	assert_int_equal(pgt_geometry_init(&w.geo, &request, &cpu), 0);
	assert_int_equal(pgt_init(&w.pgt, &w.geo, w.arena + ((size_t)ROOT << shift), &env, NULL, 0),
			 0);
	for (i = 0; i < ROOT; i++)
		pgt_memcache_push(&w.mc, w.arena + (i << shift));
	w.cache.tables = &w.mc;
	gmem_direct_init(&w.d, &w.pgt);
	assert_int_equal(order(), shift - 3);
	w.frames = (u64)BLOCKS << order();
	w.frame = calloc(w.frames, sizeof(*w.frame));
}

static void end(void)
{
	w.d.be.ops->destroy(&w.d.be);
	assert_int_equal(w.mc.count, ROOT);
	free(w.frame);
	free(w.arena);
}

/* Whole blocks around a range, as calls over ranges see it; what is there changes by @fn. */
static void model(u64 gfn, u64 n, void (*fn)(struct frame *f))
{
	u64 i, last = gfn + n - 1, first = gfn;

	if (w.frame[gfn].pfn)
		first = gfn & ~mask_of(gfn);
	if (w.frame[last].pfn)
		last |= mask_of(last);
	for (i = first; i <= last; i++)
		fn(&w.frame[i]);
}

static void drop(struct frame *f)
{
	memset(f, 0, sizeof(*f));
}

static void protect(struct frame *f)
{
	f->w = false;
}

static void grow_old(struct frame *f)
{
	f->young = false;
}

static void to_pages(struct frame *f)
{
	f->order = 0;
}

static void check(void)
{
	struct gmem_mapping m;
	struct pgt_leaf leaf;
	u64 i;

	for (i = 0; i < w.frames; i++) {
		const struct frame *f = &w.frame[i];
		int err = w.d.be.ops->lookup(&w.d.be, i, &m);

		assert_int_equal(!err, f->pfn != 0);
		if (err)
			continue;
		assert_true(m.pages == mask_of(i) + 1 && m.gfn == (i & ~mask_of(i)));
		assert_true(m.pfn + (i - m.gfn) == f->pfn && m.host_writable == f->host_writable);
		assert_int_equal(pgt_s2_get_leaf(&w.pgt, ipa(i << w.geo.granule_shift), &leaf), 0);
		assert_int_equal(!!(leaf.prot & PGT_PROT_W), f->w);
		assert_int_equal(!(leaf.prot & PGT_PROT_OLD), f->young);
	}
}

static void step_map(u64 gfn)
{
	bool block = !rnd(3), writable = rnd(2);
	u64 n = block ? 1ull << order() : 1, i, pfn;
	u32 prot = GMEM_PROT_R | (writable && rnd(2) ? GMEM_PROT_W : 0);
	struct frame *f;
	int err;

	gfn &= ~(n - 1);
	f = &w.frame[gfn];
	/* Contiguous in the large now and then, as memory is. */
	pfn = rnd(2) ? (4ull << order()) + gfn : (rnd(1 << 10) << order()) + gfn;
	err = w.d.be.ops->map(&w.d.be, gfn, n, pfn, prot, writable, &w.cache);
	if (err) {
		/* The same translation is there already, or a block has it. */
		assert_int_equal(err, -EAGAIN);
		assert_true(f->pfn == pfn && f->order >= (block ? order() : 0));
		return;
	}
	/* A page in the place of a part of a block leaves pages around it. */
	if (f->order && !block)
		model(gfn, 1, to_pages);
	for (i = 0; i < n; i++)
		w.frame[gfn + i] = (struct frame){ pfn + i, block ? order() : 0,
						   prot & GMEM_PROT_W, true, writable };
}

static void ranged(int (*op)(struct gmem_backend *, u64, u64, u64 *), u64 gfn, u64 n)
{
	while (n) {
		u64 done = 0;

		assert_int_equal(op(&w.d.be, gfn, n, &done), 0);
		assert_true(done && done <= n);
		gfn += done;
		n -= done;
	}
}

static void step_age(u64 gfn, u64 n)
{
	u64 left = n, at = gfn, i;
	bool want = false, got = false, clear = rnd(2), flush = clear && rnd(2);
	u32 age = (clear ? GMEM_AGE_CLEAR : 0) | (flush ? GMEM_AGE_FLUSH : 0);

	for (i = gfn; i < gfn + n; i++)
		want |= w.frame[i].young;
	w.flushes = 0;
	while (left) {
		u64 done = 0;
		int ret = w.d.be.ops->test_clear_young(&w.d.be, at, left, age, &done);

		assert_true(ret >= 0 && done && done <= left);
		got |= ret;
		at += done;
		left -= done;
	}
	assert_int_equal(got, want);
	assert_int_equal(w.flushes > 0, flush && want);
	if (clear)
		model(gfn, n, grow_old);
}

static void step_one_page(u64 gfn)
{
	struct frame *f = &w.frame[gfn];
	u64 i, first = gfn & ~mask_of(gfn);
	bool relax = rnd(2);
	int err;

	if (relax) {
		err = w.d.be.ops->relax_perms(&w.d.be, gfn, GMEM_PROT_R | GMEM_PROT_W);
		assert_int_equal(err, f->pfn ? 0 : -EAGAIN);
	} else {
		w.d.be.ops->mkyoung(&w.d.be, gfn);
	}
	for (i = first; f->pfn && i <= (gfn | mask_of(gfn)); i++) {
		w.frame[i].young = true;
		w.frame[i].w |= relax;
	}
}

static void step(void)
{
	u64 gfn = rnd(w.frames), n = 1 + rnd(rnd(4) ? 20 : w.frames), done = 0;

	if (n > w.frames - gfn)
		n = w.frames - gfn;
	switch (rnd(9)) {
	case 0:
		ranged(w.d.be.ops->unmap, gfn, n);
		model(gfn, n, drop);
		break;
	case 1:
		w.flushes = 0;
		ranged(w.d.be.ops->wrprotect, gfn, n);
		assert_true(!w.flushes);
		w.d.be.ops->flush_tlb(&w.d.be, gfn, n);
		assert_true(w.flushes);
		model(gfn, n, protect);
		break;
	case 2:
		step_age(gfn, n);
		break;
	case 3:
		assert_int_equal(w.d.be.ops->split(&w.d.be, gfn, 1, &w.cache, &done), 0);
		model(gfn, 1, to_pages);
		break;
	case 4:
		step_one_page(gfn);
		break;
	case 5:
		ranged(w.d.be.ops->flush, gfn, n);
		break;
	default:
		step_map(gfn);
		break;
	}
}

static void calls_do_what_they_say(void **state)
{
	static const u8 shifts[] = { 12, 14, 16 };
	u32 g, i;

	(void)state;
	for (g = 0; g < 3; g++) {
		begin(shifts[g]);
		for (i = 0; i < 600; i++) {
			step();
			check();
		}
		end();
	}
}

/* After the dirty log: pages that make a block are one again, with what they had. */
static void collapse_brings_blocks_back(void **state)
{
	u64 i, n, done = 0;

	(void)state;
	begin(12);
	n = 1ull << order();
	assert_int_equal(w.d.be.ops->map(&w.d.be, 0, n, 4 * n, GMEM_PROT_R | GMEM_PROT_W, true,
					 &w.cache), 0);
	assert_int_equal(w.d.be.ops->split(&w.d.be, 0, n, &w.cache, &done), 0);
	for (i = 0; i < n; i++)
		w.frame[i] = (struct frame){ 4 * n + i, 0, true, true, true };
	check();
	ranged(w.d.be.ops->collapse, 0, n);
	for (i = 0; i < n; i++)
		w.frame[i].order = order();
	check();
	end();
}

static void without_tables_nothing_changes(void **state)
{
	struct pgt_memcache none = { 0 };
	struct gmem_cache dry = { .tables = &none };
	u64 done = 0;

	(void)state;
	begin(12);
	assert_int_equal(w.d.be.ops->map(&w.d.be, 5, 1, 50, GMEM_PROT_R, false, &dry), -ENOMEM);
	check();
	assert_int_equal(w.d.be.ops->map(&w.d.be, 0, 512, 512, GMEM_PROT_R, false, &w.cache), 0);
	assert_int_equal(w.d.be.ops->split(&w.d.be, 0, 512, &dry, &done), -ENOMEM);
	assert_true(!done);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_do_what_they_say),
		cmocka_unit_test(collapse_brings_blocks_back),
		cmocka_unit_test(without_tables_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
