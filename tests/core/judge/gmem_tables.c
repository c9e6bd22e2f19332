// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's stage 2 as real tables of 4K pages, under the `direct` backend: edited
 * by core/pgtable, walked by the judge's own walker (walk.h) from several CPUs at once.
 * A table is malloc()'s memory and its physical address, so that a CPU that still walks
 * a freed one is caught by the sanitizers.
 *
 * An invalidation empties the TLBs as a whole: whether its range suffices is what
 * run_pgtable is about; here it is whether there is one, in time.
 *
 * Locks: dead.lock for the list of detached tables; CPUs walk without one, each
 * under its own lock.
 */
#include <stdlib.h>

#include "gmem_env.h"

/* Pages of tables that one operation may take. */
#define TABLES_MIN 8

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return (void *)(uintptr_t)at.v;
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa((uintptr_t)virt);
}

static void *table_alloc(struct gm_machine *m)
{
	void *table = aligned_alloc(4096, 4096);

	gm_check(table);
	atomic_fetch_add(&m->table_pages, 1);
	return table;
}

static void free_table(void *ctx, void *table)
{
	struct gm_machine *m = ctx;

	atomic_fetch_sub(&m->table_pages, 1);
	free(table);
}

static void defer_free(void *ctx, struct pgt *pgt, void *table, s8 level)
{
	struct gm_machine *m = ctx;

	(void)pgt;
	dead_add(&m->dead, table, level);
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)plan;
	gm_tlbi(ctx, 0, GM_GFNS);
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.defer_free = defer_free,
	.tlb_flush = tlb_flush,
};

void gm_tables_reap(struct gm_machine *m)
{
	dead_free(&m->dead, &m->pgt);
}

void gm_tables_topup(struct gm_machine *m, struct gmem_cache *cache)
{
	struct pgt_memcache *mc = cache->tables;

	if (!mc)
		cache->tables = mc = calloc(1, sizeof(*mc));
	gm_check(mc);
	while (mc->count < TABLES_MIN)
		pgt_memcache_push(mc, table_alloc(m));
}

void gm_tables_drain(struct gm_machine *m, struct gmem_cache *cache)
{
	struct pgt_memcache *mc = cache->tables;
	void *table;

	while (mc && (table = pgt_memcache_pop(mc)))
		free_table(m, table);
	free(mc);
	cache->tables = NULL;
}

/* ---- The CPUs' side ---- */

static bool read_desc(void *ctx, u64 at, u64 *desc)
{
	(void)ctx;
	*desc = port_read_acquire64((const u64 *)(uintptr_t)at);
	return true;
}

static u64 to_entry(const struct walk_result *res)
{
	u32 order = (u32)__builtin_ctzll(res->leaf_size) - 12;

	return GM_VALID | (res->w ? GM_W : 0) | (res->px ? GM_X : 0) | (res->af ? GM_AF : 0) |
	       (u64)order << 4 | res->oa >> 12 << 16;
}

u64 gm_tables_entry(const struct gm_machine *m, u64 gfn)
{
	struct walk_result res = walk_translate(&m->regime, gfn << 12, read_desc, NULL);

	gm_check(res.fault == WALK_OK || res.fault == WALK_TRANSLATION);
	return res.fault == WALK_OK ? to_entry(&res) : 0;
}

/* As the hardware sets it: in the descriptor that the walk has found, unless that has changed. */
u64 gm_tables_set_af(struct gm_machine *m, u64 gfn)
{
	struct walk_result res;
	u64 *desc;

	do {
		res = walk_translate(&m->regime, gfn << 12, read_desc, NULL);
		if (res.fault != WALK_OK)
			return 0;
		desc = (u64 *)(uintptr_t)res.desc_pa;
	} while (port_cmpxchg64(desc, res.desc, res.desc | 1ull << 10) != res.desc);
	return to_entry(&res) | GM_AF;
}

/* ---- Life ---- */

void gm_tables_init(struct gm_machine *m)
{
	struct pgt_cpu_features cpu = {
		.granule_s1 = { 1, 1, 1 }, .granule_s2 = { 1, 1, 1 }, .pa_bits = 48,
		.vmid_bits = 8, .tlbirange = true,
	};
	struct pgt_request request = { .stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 32 };
	const struct walk_cpu walk_cpu = { .pa_bits = 48, .tlbirange = true };

	pthread_mutex_init(&m->dead.lock, NULL);
	gm_check(!pgt_geometry_init(&m->geo, &request, &cpu));
	m->root = aligned_alloc((size_t)m->geo.root_align, (size_t)m->geo.root_bytes);
	gm_check(m->root);
	memset(m->root, 0, (size_t)m->geo.root_bytes);
	gm_check(!pgt_init(&m->pgt, &m->geo, m->root, &env, m, 0));
	m->regime = walk_decode(&walk_cpu, true, m->geo.tcr, (uintptr_t)m->root, false);
	gm_check(!m->regime.wrong);
	gmem_direct_init(&m->direct, &m->pgt);
}

void gm_tables_free(struct gm_machine *m)
{
	gm_tables_reap(m);
	gm_check(!atomic_load(&m->table_pages));
	free(m->root);
}
