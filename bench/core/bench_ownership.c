// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a transition costs per page of 4 KiB: batched (512 pages a call, as a block of
 * 2 MiB; 1 GiB in all) and single, in a machine of 1 GiB (single: page after page) and
 * of 64 GiB (spread over all of it).
 *
 * "own" rows use address spaces that answer for a range at once, so that what is
 * counted is the library's own part; "own+pt" rows use core/pgtable. Zeroing and cache
 * maintenance are empty functions in both; TLB maintenance is planned and not executed.
 */
#include <sys/mman.h>

#include <core/own_pgtable.h>

#include "bench.h"

#define SHIFT	   12
#define BATCH	   512ULL
#define SINGLES	   4096ULL
#define GB_PAGES   (1ULL << (30 - SHIFT))
#define RAM_PFN	   (1ULL << 19) /* 2 GiB */
#define MOST_GB	   64ULL
#define IA_BITS	   40
#define HYP_OFFSET (1ULL << 41)
#define TABLES	   4800ULL /* table pages of each space */

#define check(cond) port_assert(cond)

/* Whatever a verb needs: a context, two guests, the machine's size. */
struct machine {
	const char *layer;
	u64 gb;
	struct own_ctx ctx;
	struct vmemmap_region region;
	struct own_space *host, *hyp, *prot, *ord;
};

static u32 records[MOST_GB * GB_PAGES];
static struct machine m;

/* ---- Address spaces that answer for a range at once ---- */

struct extent_space {
	struct own_space own;
	u64 offset; /* mapped addresses are this far above the physical ones */
};

static void no_lock(struct own_space *own)
{
	(void)own;
}

static int always_unmapped(struct own_space *own, u64 addr, u64 nr)
{
	(void)own, (void)addr, (void)nr;
	return 0;
}

static int always_mapped(struct own_space *own, u64 addr, u64 nr, struct own_run *run)
{
	*run = (struct own_run){ OWN_RUN_MAPPED, pa(addr - ((struct extent_space *)own)->offset),
				 nr };
	return 0;
}

static int always_prepared(struct own_space *own, enum own_edit edit, u64 addr, u64 nr)
{
	(void)own, (void)edit, (void)addr, (void)nr;
	return 0;
}

static void forget_map(struct own_space *own, u64 addr, pa_t at, u64 nr, u32 prot)
{
	(void)own, (void)addr, (void)at, (void)nr, (void)prot;
}

static void forget_unmap(struct own_space *own, u64 addr, u64 nr, u32 next)
{
	(void)own, (void)addr, (void)nr, (void)next;
}

static void forget_poison(struct own_space *own, u64 addr, u64 nr)
{
	(void)own, (void)addr, (void)nr;
}

static const struct own_space_ops extent_ops = {
	.lock = no_lock, .unlock = no_lock, .check_unmapped = always_unmapped,
	.lookup = always_mapped, .prepare = always_prepared, .map = forget_map,
	.unmap = forget_unmap, .poison = forget_poison,
};

static void no_memory_access(struct own_ctx *ctx, pa_t at, u64 nr)
{
	(void)ctx, (void)at, (void)nr;
}

static const struct own_env_ops env_ops = { no_memory_access, no_memory_access };

static void init_ownership(void)
{
	struct vmemmap mem;

	memset(records, 0, sizeof(records));
	m.region = (struct vmemmap_region){ RAM_PFN, m.gb * GB_PAGES, records };
	check(!vmemmap_init(&mem, &m.region, 1));
	check(!own_init(&m.ctx, &mem, NULL, 0, m.host, m.hyp, &env_ops, SHIFT));
}

static void init_extents(u64 gb)
{
	static struct extent_space spaces[4];

	m = (struct machine){ .layer = "own", .gb = gb, .host = &spaces[0].own,
			      .hyp = &spaces[1].own, .prot = &spaces[2].own,
			      .ord = &spaces[3].own };
	check(!own_space_init(m.host, &extent_ops, OWN_KIND_HOST, OWN_ID_HOST));
	check(!own_space_init(m.hyp, &extent_ops, OWN_KIND_HYP, OWN_ID_HYP));
	check(!own_space_init(m.prot, &extent_ops, OWN_KIND_GUEST_PROTECTED, OWN_ID_GUEST0));
	check(!own_space_init(m.ord, &extent_ops, OWN_KIND_GUEST_ORDINARY, OWN_ID_GUEST0 + 1));
	m.hyp->va_offset = spaces[1].offset = HYP_OFFSET;
	init_ownership();
}

/* ---- Address spaces over page tables ---- */

struct table_space {
	struct own_pgt_space own;
	struct own_pgt_pool pool;
	struct pgt pgt;
};

static u8 *arena;

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return arena + at.v;
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa((u64)((const u8 *)virt - arena));
}

static void free_table(void *ctx, void *table)
{
	pgt_memcache_push(&((struct table_space *)ctx)->own.pool->mc, table);
}

static void no_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx, (void)plan;
}

static const struct pgt_env table_env = {
	.to_virt = to_virt, .to_pa = to_pa, .free_table = free_table, .tlb_flush = no_flush,
};

/* A root, which may be of 16 tables, and table pages. */
static void init_tables(struct table_space *space, u32 i, const struct pgt_geometry *geo)
{
	u8 *mine = arena + ((size_t)(i * TABLES) << SHIFT);
	u64 page;

	memset(mine, 0, (size_t)16 << SHIFT);
	*space = (struct table_space){ 0 };
	check(!pgt_init(&space->pgt, geo, mine, &table_env, space, PGT_FWB));
	for (page = 16; page < TABLES; page++)
		pgt_memcache_push(&space->pool.mc, mine + ((size_t)page << SHIFT));
}

static void init_geometry(struct pgt_geometry *geo, enum pgt_stage stage, u8 ia_bits)
{
	struct pgt_request request = { .stage = stage, .granule_shift = SHIFT, .ia_bits = ia_bits,
				       .oa_bits = IA_BITS };
	struct pgt_cpu_features cpu = { .granule_s1 = { PGT_GRANULE_48 },
					.granule_s2 = { PGT_GRANULE_48 }, .pa_bits = IA_BITS,
					.vmid_bits = 16, .fwb = true, .ttl = true,
					.tlbirange = true };

	check(!pgt_geometry_init(geo, &request, &cpu));
}

static void init_pagetables(u64 gb)
{
	static struct pgt_geometry s1, s2;
	static struct table_space t[4];
	u32 i;

	if (!arena)
		arena = mmap(NULL, (4 * TABLES) << SHIFT, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(arena != MAP_FAILED);
	init_geometry(&s1, PGT_STAGE1, 48);
	init_geometry(&s2, PGT_STAGE2, IA_BITS);
	for (i = 0; i < 4; i++)
		init_tables(&t[i], i, i == 1 ? &s1 : &s2);
	m = (struct machine){ .layer = "own+pt", .gb = gb, .host = &t[0].own.own,
			      .hyp = &t[1].own.own, .prot = &t[2].own.own, .ord = &t[3].own.own };
	own_pgt_host_init(&t[0].own, &m.ctx, &t[0].pgt, &t[0].pool);
	own_pgt_hyp_init(&t[1].own, &t[1].pgt, &t[1].pool, HYP_OFFSET);
	check(!own_pgt_guest_init(&t[2].own, OWN_KIND_GUEST_PROTECTED, OWN_ID_GUEST0, &t[2].pgt,
				  &t[2].pool));
	check(!own_pgt_guest_init(&t[3].own, OWN_KIND_GUEST_ORDINARY, OWN_ID_GUEST0 + 1, &t[3].pgt,
				  &t[3].pool));
	init_ownership();
}

/* ---- The rows ---- */

static int share_hyp(u64 pfn, u64 nr)
{
	return own_host_share_hyp(&m.ctx, pfn, nr);
}

static int unshare_hyp(u64 pfn, u64 nr)
{
	return own_host_unshare_hyp(&m.ctx, pfn, nr);
}

static int donate_hyp(u64 pfn, u64 nr)
{
	return own_host_donate_hyp(&m.ctx, pfn, nr);
}

static int pin(u64 pfn, u64 nr)
{
	return own_hyp_pin(&m.ctx, pfn, nr);
}

static int unpin(u64 pfn, u64 nr)
{
	return own_hyp_unpin(&m.ctx, pfn, nr);
}

static int hyp_donate(u64 pfn, u64 nr)
{
	return own_hyp_donate_host(&m.ctx, pfn, nr);
}

static int share_guest(u64 pfn, u64 nr)
{
	return own_host_share_guest(&m.ctx, m.ord, pfn, pfn, nr, OWN_PROT_RWX);
}

static int unshare_guest(u64 pfn, u64 nr)
{
	return own_host_unshare_guest(&m.ctx, m.ord, pfn, nr);
}

static int donate_guest(u64 pfn, u64 nr)
{
	return own_host_donate_guest(&m.ctx, m.prot, pfn, pfn, nr);
}

static int guest_share(u64 pfn, u64 nr)
{
	return own_guest_share_host(&m.ctx, m.prot, pfn, nr);
}

static int guest_unshare(u64 pfn, u64 nr)
{
	return own_guest_unshare_host(&m.ctx, m.prot, pfn, nr);
}

static int guest_donate(u64 pfn, u64 nr)
{
	return own_guest_donate_host(&m.ctx, m.prot, pfn, nr);
}

static int force_reclaim(u64 pfn, u64 nr)
{
	return own_guest_force_reclaim(&m.ctx, m.prot, pfn, nr);
}

static int reclaim(u64 pfn, u64 nr)
{
	return own_guest_reclaim(&m.ctx, m.prot, pfn, nr);
}

static int check_host(u64 pfn, u64 nr)
{
	bool ram;

	return own_check_host_range(&m.ctx, pfn, nr, &ram);
}

/* The life of a gigabyte; each verb finds what the one before left. */
static const struct row {
	const char *name;
	int (*fn)(u64 pfn, u64 nr);
	bool alone; /* on a machine whose guest has just got all pages */
} rows[] = {
	{ "host_check", check_host, false },
	{ "host_share_hyp", share_hyp, false },
	{ "hyp_pin", pin, false },
	{ "hyp_unpin", unpin, false },
	{ "host_unshare_hyp", unshare_hyp, false },
	{ "host_donate_hyp", donate_hyp, false },
	{ "hyp_donate_host", hyp_donate, false },
	{ "host_share_guest", share_guest, false },
	{ "host_unshare_guest", unshare_guest, false },
	{ "host_donate_guest", donate_guest, false },
	{ "guest_share_host", guest_share, false },
	{ "guest_unshare_host", guest_unshare, false },
	{ "guest_donate_host", guest_donate, false },
	{ "force_reclaim", force_reclaim, true },
	{ "guest_reclaim", reclaim, true },
};

/* Do @row in @calls calls of @nr pages; returns the number of pages. */
static u64 run(const struct row *row, u64 nr)
{
	u64 calls = nr == 1 ? SINGLES : GB_PAGES / BATCH;
	u64 step = nr == 1 && m.gb == 1 ? 1 : m.gb * GB_PAGES / calls, i;

	for (i = 0; i < calls; i++)
		check(!row->fn(RAM_PFN + i * step, nr));
	return calls * nr;
}

static void measure(const struct row *row, u64 nr)
{
	char name[80];
	u64 pages;

	snprintf(name, sizeof(name), "%s/%s/%s/%lluGiB", m.layer, row->name,
		 nr == 1 ? "single" : "batched", m.gb);
	bench_begin(name);
	pages = run(row, nr);
	bench_end(pages);
}

/*
 * Forced reclaim leaves poison behind, and a dying guest gets nothing any more: the
 * last rows have machines of their own.
 */
static void measure_all(void (*init)(u64 gb), u64 gb, u64 nr)
{
	const struct row give = { "", donate_guest, false };
	const struct row *row, *end = rows + sizeof(rows) / sizeof(rows[0]);

	init(gb);
	for (row = rows; row < end; row++) {
		if (row->alone) {
			init(gb);
			run(&give, nr);
		}
		if (row->fn == reclaim)
			own_guest_kill(&m.ctx, m.prot);
		measure(row, nr);
	}
}

int main(void)
{
	u64 gb;

	for (gb = 1; gb <= MOST_GB; gb *= MOST_GB) {
		measure_all(init_extents, gb, BATCH);
		measure_all(init_extents, gb, 1);
		measure_all(init_pagetables, gb, BATCH);
		measure_all(init_pagetables, gb, 1);
	}
	return 0;
}
