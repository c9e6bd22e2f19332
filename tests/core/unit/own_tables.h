/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with real page tables for the tests of core/ownership: host, hyp, one
 * protected and one ordinary guest over core/pgtable, in each granule.
 *
 * RAM is [1 GiB, 2 GiB) and [2 GiB + 64 MiB, 2 GiB + 64 MiB + 8 MiB); all else is not.
 * Memory has no contents here, and TLBs no entries: the judge looks at those.
 */
#ifndef OWN_TABLES_H
#define OWN_TABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <core/own_pgtable.h>

#define T_GB	  (1ULL << 30)
#define T_MB	  (1ULL << 20)
#define T_RAM	  T_GB
#define T_RAM_END (2 * T_GB)
#define T_RAM2	  (2 * T_GB + 64 * T_MB)
#define T_RAM2_END (T_RAM2 + 8 * T_MB)
#define T_IA_BITS 40
#define T_OFFSET  (1ULL << 40)
#define T_TABLES  700	      /* table pages in all */
#define T_ROOTS	  704	      /* roots come after them */
#define T_TABLE_PA (64 * T_GB) /* where they are, physically */
#define T_RECORDS ((1U << 18) + (1U << 11))

enum { T_HOST, T_HYP, T_PROT, T_ORD, T_NR };

struct tables {
	struct own_ctx ctx;
	struct vmemmap_region regions[2];
	struct own_device devices[4];
	struct own_pgt_space spaces[T_NR];
	struct own_pgt_pool pools[T_NR - 1]; /* host and hyp share the first */
	struct pgt pgts[T_NR];
	struct pgt_geometry geo_s1, geo_s2;
	void *roots[T_NR];
	u8 *arena;
	u32 shift;
	u64 flushes, zeroed;
	u32 handed_out; /* table pages that ever were in pools */
	struct pgt_memcache stash; /* those taken away again */
};

static u32 t_records[T_RECORDS];
static struct tables t;

static inline u64 t_page(void)
{
	return 1ULL << t.shift;
}

static inline u64 t_pfn(u64 addr)
{
	return addr >> t.shift;
}

static inline struct own_space *t_own(int space)
{
	return &t.spaces[space].own;
}

static void *t_to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	assert_true(at.v >= T_TABLE_PA);
	return t.arena + (at.v - T_TABLE_PA);
}

static pa_t t_to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa(T_TABLE_PA + (u64)((const u8 *)virt - t.arena));
}

static void t_free_table(void *ctx, void *table)
{
	struct own_pgt_space *space = ctx;

	pgt_memcache_push(&space->pool->mc, table);
}

static void t_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx;
	t.flushes += plan->n;
}

static const struct pgt_env t_env = {
	.to_virt = t_to_virt,
	.to_pa = t_to_pa,
	.free_table = t_free_table,
	.tlb_flush = t_flush,
};

static void t_zero(struct own_ctx *ctx, pa_t at, u64 nr_pages)
{
	(void)ctx;
	(void)at;
	t.zeroed += nr_pages;
}

static const struct own_env_ops t_own_env = { .zero = t_zero };

/* Give @n more table pages to a pool. */
static void t_fill(struct own_pgt_pool *pool, u32 n)
{
	while (n--) {
		void *page = pgt_memcache_pop(&t.stash);

		if (!page) {
			assert_true(t.handed_out < T_TABLES);
			page = t.arena + ((size_t)t.handed_out++ << t.shift);
		}
		pgt_memcache_push(&pool->mc, page);
	}
}

/* Take all table pages but @left of them away from a pool. */
static inline void t_starve(struct own_pgt_pool *pool, u32 left)
{
	while (pool->mc.count > left)
		pgt_memcache_push(&t.stash, pgt_memcache_pop(&pool->mc));
}

static void t_geometry(struct pgt_geometry *geo, enum pgt_stage stage)
{
	struct pgt_request request = {
		.stage = stage, .granule_shift = (u8)t.shift,
		.ia_bits = stage == PGT_STAGE1 ? 48 : T_IA_BITS, .oa_bits = T_IA_BITS,
	};
	struct pgt_cpu_features cpu = {
		.granule_s1 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.granule_s2 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.pa_bits = T_IA_BITS, .vmid_bits = 8, .ttl = true, .tlbirange = true,
	};

	assert_int_equal(pgt_geometry_init(geo, &request, &cpu), 0);
}

/* Roots may be of 16 concatenated tables, aligned to as much. */
static void t_init_pgt(int space)
{
	const struct pgt_geometry *geo = space == T_HYP ? &t.geo_s1 : &t.geo_s2;
	/* The arena is aligned to 16 pages; so is this multiple of them. */
	void *root = t.arena + ((size_t)(T_ROOTS + 16 * space) << t.shift);

	assert_true(geo->root_bytes <= 16 * t_page());
	memset(root, 0, (size_t)geo->root_bytes);
	assert_int_equal(pgt_init(&t.pgts[space], geo, root, &t_env, &t.spaces[space], 0), 0);
}

static void t_init_ownership(void)
{
	struct vmemmap mem;

	memset(t_records, 0, sizeof(t_records));
	t.regions[0] = (struct vmemmap_region){
		t_pfn(T_RAM), t_pfn(T_RAM_END - T_RAM), t_records,
	};
	t.regions[1] = (struct vmemmap_region){
		t_pfn(T_RAM2), t_pfn(T_RAM2_END - T_RAM2), t_records + t.regions[0].nr_pages,
	};
	assert_int_equal(vmemmap_init(&mem, t.regions, 2), 0);
	own_pgt_host_init(&t.spaces[T_HOST], &t.ctx, &t.pgts[T_HOST], &t.pools[0]);
	own_pgt_hyp_init(&t.spaces[T_HYP], &t.pgts[T_HYP], &t.pools[0], T_OFFSET);
	assert_int_equal(own_pgt_guest_init(&t.spaces[T_PROT], OWN_KIND_GUEST_PROTECTED,
					    OWN_ID_GUEST0, &t.pgts[T_PROT], &t.pools[1]), 0);
	assert_int_equal(own_pgt_guest_init(&t.spaces[T_ORD], OWN_KIND_GUEST_ORDINARY,
					    OWN_ID_GUEST0 + 1, &t.pgts[T_ORD], &t.pools[2]), 0);
	assert_int_equal(own_init(&t.ctx, &mem, t.devices, 4, t_own(T_HOST), t_own(T_HYP),
				  &t_own_env, t.shift), 0);
	t.ctx.pa_bits = T_IA_BITS;
}

/* A machine with @pages table pages for host and hyp, and for each guest. */
static void t_init(u32 shift, u32 pages)
{
	int i;

	free(t.arena);
	memset(&t, 0, sizeof(t));
	t.shift = shift;
	t.arena = aligned_alloc((size_t)16 << shift, (size_t)(T_ROOTS + 16 * T_NR) << shift);
	assert_non_null(t.arena);
	t_geometry(&t.geo_s1, PGT_STAGE1);
	t_geometry(&t.geo_s2, PGT_STAGE2);
	for (i = 0; i < T_NR; i++)
		t_init_pgt(i);
	t_init_ownership();
	for (i = 0; i < T_NR - 1; i++)
		t_fill(&t.pools[i], pages);
}

static inline void t_end(void)
{
	free(t.arena);
	t.arena = NULL;
}

static inline struct pgt_leaf t_leaf(int space, u64 addr)
{
	struct pgt_leaf leaf;

	if (space == T_HYP)
		assert_int_equal(pgt_s1_get_leaf(&t.pgts[T_HYP], addr, &leaf), 0);
	else
		assert_int_equal(pgt_s2_get_leaf(&t.pgts[space], ipa(addr), &leaf), 0);
	return leaf;
}

/* Does @space map @addr to @to? */
static inline bool t_maps(int space, u64 addr, u64 to)
{
	struct pgt_leaf leaf = t_leaf(space, addr);

	return leaf.kind == PGT_LEAF && leaf.pa.v + (addr - leaf.ia) == to;
}

static inline int t_fault(u64 addr)
{
	return own_host_fault(&t.spaces[T_HOST], pa(addr));
}

/* Bytes of a block one level above pages: 2 MiB, 32 MiB, 512 MiB. */
static inline u64 t_block(void)
{
	return pgt_level_size(&t.geo_s2, PGT_LEVEL_LAST - 1);
}

#endif /* OWN_TABLES_H */
