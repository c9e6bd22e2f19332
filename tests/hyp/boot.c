// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module does at launch, for a simulated machine: chunks of RAM for EL2, its
 * stage-1 tables, struct rd_boot; and launch on each CPU. The pool of table pages is
 * smaller than the module's, so that it runs dry.
 */
#include <string.h>

#include <core/pgtable.h>
#include <core/vmemmap.h>

#include "psci.h"
#include "setup.h"
#include "sim.h"

#define MMFR0(pa, g4, g16) ((u64)(pa) | (u64)(g4) << 28 | (u64)(g16) << 20)
#define MMFR1(hafdbs)	   ((u64)(hafdbs) | 2ULL << 4 | 1ULL << 20 | 1ULL << 28)
#define MMFR2(fwb, lva)	   ((u64)(lva) << 16 | 1ULL << 28 | (u64)(fwb) << 40 | 1ULL << 48)
#define FGT		   (1ULL << 56)
#define HCX		   (1ULL << 40)
#define TLBIRANGE	   (2ULL << 56)
#define WALK_CPU(bits, lpa, l)                                                                     \
	{                                                                                          \
		.pa_bits = (bits), .lpa2 = (lpa), .lva = (l), .ttst = true, .xnx = true,           \
		.hafdbs = true, .ttl = true, .tlbirange = true                                     \
	}

const struct sim_shape sim_shapes[] = {
	{ "4K", 12, false, false, false, true, MMFR0(2, 0, 1), MMFR1(1), MMFR2(0, 0), TLBIRANGE,
	  WALK_CPU(40, false, false), { 0x40000000, 0x880000000 }, { 2048 + 300, 700 } },
	{ "4K, LPA2, FWB", 12, true, true, true, true, MMFR0(6, 1, 2) | FGT, MMFR1(2) | HCX, MMFR2(1, 1), TLBIRANGE,
	  WALK_CPU(52, true, true), { 0x40000000, 0x880200000 }, { 1536, 1024 } },
	{ "16K, LPA2", 14, true, false, false, false, MMFR0(6, 1, 2), MMFR1(2), MMFR2(0, 1), TLBIRANGE,
	  WALK_CPU(52, true, true), { 0x40000000, 0x880000000 }, { 4096, 500 } },
	{ "64K, FWB", 16, false, true, true, false, MMFR0(5, 0, 1) | FGT, MMFR1(2) | HCX, MMFR2(1, 0), TLBIRANGE,
	  WALK_CPU(48, false, false), { 0x40000000, 0x880000000 }, { 900, 400 } },
};
const u32 sim_nr_shapes = sizeof(sim_shapes) / sizeof(sim_shapes[0]);

void hyp_cpu_launch(struct hyp_cpu *cpu, u64 stub_vectors);

static u64 next_pa;
static bool chunk_page[SIM_PAGES_MAX];

bool sim_is_chunk(u32 page)
{
	return chunk_page[page];
}

static u64 add_chunk(u64 bytes, u64 align, enum rd_chunk purpose, bool used)
{
	u64 page = sim.page_bytes, size = (bytes + page - 1) & ~(page - 1), at;

	next_pa = (next_pa + align - 1) & ~(align - 1);
	hyp_boot.chunk[hyp_boot.nr_chunks++] = (struct rd_boot_chunk){
		.base = next_pa, .size = size, .used = used ? size : 0, .purpose = purpose,
	};
	for (at = next_pa; at < next_pa + size; at += page)
		chunk_page[sim_page(at >> sim.shape->shift)] = true;
	next_pa += size;
	return next_pa - size;
}

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return sim_ram(at.v);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa((u64)virt - (u64)sim_ram(sim.shape->base[0]) + sim.shape->base[0]);
}

static void free_table(void *ctx, void *table)
{
	(void)ctx, (void)table;
	sim_fail("launch unmaps something");
}

static void no_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx, (void)plan;
}

static const struct pgt_env env = {
	.to_virt = to_virt, .to_pa = to_pa, .free_table = free_table, .tlb_flush = no_flush,
};

static void map(struct pgt *pgt, struct rd_boot_chunk *pool, u64 va, u64 at, u64 size, u32 prot)
{
	u64 need = pgt_map_pages_needed(pgt->geo, va, size, 0), i;
	struct pgt_memcache mc = { 0 };
	struct pgt_op op = { .mc = &mc, .flags = PGT_OP_NO_CMO };

	for (i = need; i; i--)
		pgt_memcache_push(&mc, sim_ram(pool->base + pool->used + (i - 1) * sim.page_bytes));
	if (pgt_s1_map(pgt, &op, va, size, pa(at), prot))
		sim_fail("EL2's memory cannot be mapped");
	pool->used += (need - mc.count) * sim.page_bytes;
}

static void choose_geometry(struct pgt_geometry *s1)
{
	const struct sim_shape *shape = sim.shape;
	bool wide = shape->lpa2 || shape->shift == 16;
	struct pgt_request req = {
		.stage = PGT_STAGE1, .granule_shift = (u8)shape->shift, .ia_bits = 48,
		.oa_bits = wide ? 0 : (u8)(shape->cpu.pa_bits < 48 ? shape->cpu.pa_bits : 48),
		.lpa2 = shape->lpa2 ? PGT_LPA2_ALWAYS : PGT_LPA2_NEVER,
	};
	struct pgt_cpu_features cpu;
	struct pgt_geometry s2;
	int ret;

	pgt_cpu_features_parse(&cpu, shape->mmfr0, shape->mmfr1, shape->mmfr2, shape->isar0);
	ret = pgt_geometry_init(s1, &req, &cpu);
	req.stage = PGT_STAGE2;
	req.oa_bits = s1->oa_bits;
	req.ia_bits = shape->shift == 14 && s1->oa_bits > 51 ? 51 : s1->oa_bits;
	req.vmid16 = cpu.vmid_bits == 16;
	if (!ret)
		ret = pgt_geometry_init(&s2, &req, &cpu);
	if (ret)
		sim_fail("%s: %s", shape->name, pgt_refusal_reason(ret));
	hyp_boot.va_bits = 48;
	hyp_boot.oa_bits = s1->oa_bits;
	hyp_boot.host_bits = req.ia_bits;
	hyp_boot.host_root_bytes = s2.root_bytes > sim.page_bytes ? s2.root_bytes : sim.page_bytes;
	hyp_boot.tcr = s1->tcr;
	hyp_boot.lpa2 = shape->lpa2;
	hyp_boot.granule_shift = shape->shift;
	hyp_boot.mmfr0 = shape->mmfr0;
	hyp_boot.mmfr1 = shape->mmfr1;
	hyp_boot.mmfr2 = shape->mmfr2;
	hyp_boot.isar0 = shape->isar0;
	hyp_boot.va_offset = sim_va_offset();
	hyp_boot.window = sim_window();
}

/* A region's records and the counts of its blocks, to the end of a page. */
static u64 record_bytes(u32 region)
{
	u64 page = sim.page_bytes, shift = hyp_boot.granule_shift;
	u64 pfn = sim.shape->base[region] >> shift, pages = sim.shape->pages[region];
	u64 blocks = vmemmap_nr_blocks(pfn, pages, RD_BLOCK_SHIFT(shift));

	return (pages * RD_RECORD_BYTES + blocks * RD_COUNT_BYTES + page - 1) & ~(page - 1);
}

static void add_chunks(u32 pool_pages)
{
	u64 page = sim.page_bytes, records = 0, at;
	u32 i;

	next_pa = sim.shape->base[0] + 40 * page;
	add_chunk(4 * page, page, RD_CHUNK_IMAGE, true);
	hyp_boot.nr_cpus = sim.nr_cpus;
	for (i = 0; i < sim.nr_cpus; i++)
		hyp_boot.cpu[i] = add_chunk(HYP_CPU_SIZE, page, RD_CHUNK_CPU, true);
	next_pa += 3 * page; /* the host's: chunks need not be neighbours */
	hyp_boot.nr_regions = SIM_REGIONS;
	for (i = 0; i < SIM_REGIONS; i++)
		records += record_bytes(i);
	at = add_chunk(records, page, RD_CHUNK_VMEMMAP, true);
	for (i = 0; i < SIM_REGIONS; i++) {
		hyp_boot.region[i] = (struct rd_boot_region){
			sim.shape->base[i], sim.shape->pages[i] * page, at + sim_va_offset(),
		};
		at += record_bytes(i);
	}
	hyp_boot.host_root = add_chunk(hyp_boot.host_root_bytes, hyp_boot.host_root_bytes,
				       RD_CHUNK_POOL, true);
	next_pa += page;
	add_chunk(pool_pages * page, page, RD_CHUNK_POOL, false);
}

static void build_tables(const struct pgt_geometry *geo)
{
	struct rd_boot_chunk *pool = &hyp_boot.chunk[hyp_boot.nr_chunks - 1];
	u64 i, offset = sim_va_offset();
	struct pgt pgt;

	hyp_boot.root = pool->base;
	pool->used = sim.page_bytes;
	hyp_boot.ttbr = pgt_geometry_ttbr(geo, pa(hyp_boot.root), 0);
	if (pgt_init(&pgt, geo, sim_ram(hyp_boot.root), &env, NULL, 0))
		sim_fail("EL2's root is not one");
	for (i = 0; i < hyp_boot.nr_chunks; i++)
		map(&pgt, pool, hyp_boot.chunk[i].base + offset, hyp_boot.chunk[i].base,
		    hyp_boot.chunk[i].size, PGT_PROT_RW);
	/* The page behind the window keeps its last-level table. */
	map(&pgt, pool, sim_window() + RD_WINDOW_PAGES * sim.page_bytes, hyp_boot.root,
	    sim.page_bytes, PGT_PROT_R);
}

static void launch_cpu(struct sim_cpu *cpu)
{
	struct rd_boot_cpu *data = sim_ram(hyp_boot.cpu[cpu->index]);
	/* The last of several is off: EL2 does not know yet who it is. */
	bool off = cpu->index && cpu->index == sim.nr_cpus - 1;

	cpu->data = (void *)(hyp_boot.cpu[cpu->index] + sim_va_offset());
	data->va = (u64)cpu->data;
	data->index = cpu->index;
	data->mpidr = off ? RD_MPIDR_UNKNOWN : cpu->index;
	cpu->on = !off;
	if (off)
		return;
	sim_this = cpu;
	hyp_cpu_launch(cpu->data, 0x1000);
}

void sim_boot(const struct sim_shape *shape, u32 nr_cpus, u64 seed)
{
	struct pgt_geometry geo;
	u32 i;

	sim.shape = shape;
	sim.nr_cpus = nr_cpus;
	sim.rng = rng_seeded(seed);
	sim_mem_init();
	for (i = 0; i < nr_cpus; i++)
		sim_cpu_init(&sim.cpu[i], i, true);
	choose_geometry(&geo);
	add_chunks(30 + (u32)rng_below(&sim.rng, 90));
	build_tables(&geo);
	for (i = 0; i < nr_cpus; i++)
		launch_cpu(&sim.cpu[i]);
	sim_sched_init();
}
