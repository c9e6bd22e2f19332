// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2's memory: allocated from the kernel, laid out and filled by the module,
 * handed over at launch. The noun is the chunk, physically contiguous memory with
 * one purpose, which struct rd_boot lists; from CLOSE on the list is also what
 * EL2 owns. All of this runs in process context before or after EL2 does.
 *
 * EL2's address space, in the half of it that its identity-mapped page is not in:
 *
 *	va_base + (pa - lowest RAM)	linear map; only EL2's own pages are there
 *	va_private ...			stacks with guard pages, page records
 */
#include <linux/elf.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cacheflush.h>
#include <asm/cputype.h>
#include <asm/smp_plat.h>
#include <asm/sysreg.h>

#include <core/pgtable.h>
#include <redoubt/abi.h>
#include "launch.h"

#define EL2_STACK_SIZE SZ_16K
/* A stack and the same again as a guard, in any granule. */
#define EL2_STACK_STRIDE SZ_128K

/* SCTLR_EL2 with E2H=0: RES1 bits; MMU, caches, SP alignment, write implies no execute. */
#define EL2_SCTLR (0x30c50830ULL | BIT(0) | BIT(2) | BIT(3) | BIT(12) | BIT(19))

extern const u8 rd_hyp_image[], rd_hyp_image_end[];

/* Memory that the MMU-off part of EL2 reads, or that its walkers read first. */
static void clean_to_poc(const void *start, size_t size)
{
	unsigned long line = 4UL << (read_cpuid_cachetype() >> 16 & 0xf);
	unsigned long p = (unsigned long)start & ~(line - 1);

	for (; p < (unsigned long)start + size; p += line)
		asm volatile("dc cvac, %0" : : "r"(p) : "memory");
	dsb(sy);
}

/* Allocates a chunk of @size bytes, rounded up to pages, zeroed; its index or -errno. */
static int add_chunk(struct rd_boot *boot, enum rd_chunk purpose, size_t size)
{
	void *p;

	if (boot->nr_chunks == RD_MAX_CHUNKS)
		return -E2BIG;
	p = alloc_pages_exact(PAGE_ALIGN(size), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!p)
		return -ENOMEM;
	boot->chunk[boot->nr_chunks] = (struct rd_boot_chunk){
		.base = virt_to_phys(p),
		.size = PAGE_ALIGN(size),
		.purpose = purpose,
	};
	return boot->nr_chunks++;
}

/* Chunks of one purpose for @size bytes in all, in pieces that the page allocator has. */
static int add_chunks(struct rd_boot *boot, enum rd_chunk purpose, u64 size)
{
	size_t piece = SZ_4M; /* the most that the page allocator has with 4 KiB pages */

	while (size) {
		size_t now = min_t(u64, size, piece);
		int i = add_chunk(boot, purpose, now);

		if (i == -ENOMEM && piece > PAGE_SIZE) {
			piece /= 2;
			continue;
		}
		if (i < 0)
			return i;
		size -= min_t(u64, size, boot->chunk[i].size);
		cond_resched();
	}
	return 0;
}

/* ---- Stage 1 of EL2, edited from here while nobody runs on it ---- */

static void *env_to_virt(void *ctx, pa_t pa)
{
	return phys_to_virt(pa.v);
}

static pa_t env_to_pa(void *ctx, const void *virt)
{
	return pa(virt_to_phys((void *)virt));
}

static void env_free_table(void *ctx, void *table)
{
	WARN_ON_ONCE(1); /* nothing is unmapped here */
}

/* No CPU has ever walked these tables. */
static void env_tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
}

static const struct pgt_env env = {
	.to_virt = env_to_virt,
	.to_pa = env_to_pa,
	.free_table = env_free_table,
	.tlb_flush = env_tlb_flush,
};

/*
 * Table pages come from the start of the pool's first chunk. What a call sets aside
 * is pushed from the top down, since the cache hands out last what came first: what
 * is left over is the end, and still the chunk's.
 */
static int set_aside(struct rd_el2 *el2, struct pgt_memcache *mc, u64 pages)
{
	struct rd_boot_chunk *chunk = &el2->boot->chunk[el2->pool_chunk];
	u64 at = chunk->used + pages * PAGE_SIZE;

	if (at > chunk->size)
		return -ENOMEM;
	while (pages--) {
		at -= PAGE_SIZE;
		pgt_memcache_push(mc, phys_to_virt(chunk->base + at));
	}
	return 0;
}

static int map(struct rd_el2 *el2, struct pgt *pgt, u64 va, u64 pa_start, u64 size, u32 prot)
{
	struct rd_boot_chunk *chunk = &el2->boot->chunk[el2->pool_chunk];
	u64 need = pgt_map_pages_needed(pgt->geo, va, size, 0);
	struct pgt_memcache mc = {};
	struct pgt_op op = { .mc = &mc, .flags = PGT_OP_NO_CMO };
	int ret = set_aside(el2, &mc, need);

	if (ret)
		return ret;
	ret = pgt_s1_map(pgt, &op, va, size, pa(pa_start), prot);
	chunk->used += (need - mc.count) * PAGE_SIZE;
	return ret;
}

static u64 linear(struct rd_el2 *el2, u64 phys)
{
	return phys + el2->boot->va_offset;
}

static int map_image(struct rd_el2 *el2, struct pgt *pgt)
{
	const struct rd_image_header *h = el2->image;
	u64 phys = virt_to_phys(el2->image);
	u64 idmap = PAGE_ALIGN_DOWN(phys + h->idmap_start);
	u64 idmap_end = PAGE_ALIGN(phys + h->idmap_end);
	int ret;

	ret = map(el2, pgt, linear(el2, phys), phys, h->text_end, PGT_PROT_R | PGT_PROT_X);
	if (!ret)
		ret = map(el2, pgt, linear(el2, phys + h->text_end), phys + h->text_end,
			  h->rodata_end - h->text_end, PGT_PROT_R);
	if (!ret)
		ret = map(el2, pgt, linear(el2, phys + h->rodata_end), phys + h->rodata_end,
			  h->memory_end - h->rodata_end, PGT_PROT_RW);
	if (!ret)
		ret = map(el2, pgt, idmap, idmap, idmap_end - idmap, PGT_PROT_R | PGT_PROT_X);
	return ret;
}

/* A CPU's chunk: its own data, in the linear map, then its stack, above a guard only. */
static int map_cpu(struct rd_el2 *el2, struct pgt *pgt, struct rd_boot_chunk *chunk)
{
	struct rd_boot_cpu *cpu = phys_to_virt(chunk->base);
	u64 data = PAGE_ALIGN(el2->image->cpu_size);
	int ret;

	ret = map(el2, pgt, linear(el2, chunk->base), chunk->base, data, PGT_PROT_RW);
	if (ret)
		return ret;
	el2->va_next += EL2_STACK_STRIDE;
	cpu->stack = el2->va_next + PAGE_ALIGN(EL2_STACK_SIZE);
	ret = map(el2, pgt, el2->va_next, chunk->base + data, PAGE_ALIGN(EL2_STACK_SIZE),
		  PGT_PROT_RW);
	el2->va_next += EL2_STACK_STRIDE;
	cpu->va = linear(el2, chunk->base);
	return ret;
}

/* Page records of a region, and behind them the counts of the blocks that it has a part in. */
static u64 region_record_bytes(const struct rd_boot_region *region)
{
	unsigned int shift = PAGE_SHIFT + RD_BLOCK_SHIFT(PAGE_SHIFT);
	u64 first = region->base >> shift, last = (region->base + region->size - 1) >> shift;

	return PAGE_ALIGN((region->size >> PAGE_SHIFT) * RD_RECORD_BYTES +
			  (last - first + 1) * RD_COUNT_BYTES);
}

/* One array a region, each from a page boundary on, back to back. */
static void place_records(struct rd_el2 *el2)
{
	struct rd_boot *boot = el2->boot;
	u64 va = el2->va_next, i;

	for (i = 0; i < boot->nr_regions; i++) {
		boot->region[i].records = va;
		va += region_record_bytes(&boot->region[i]);
	}
}

/*
 * The window is empty; the page that's mapped right behind it keeps the last-level
 * table of both. It is one that EL2 has elsewhere too: its root.
 */
static int map_window(struct rd_el2 *el2, struct pgt *pgt)
{
	struct rd_boot *boot = el2->boot;

	boot->window = ALIGN(el2->va_next, 1ULL << pgt->geo->level_shift[PGT_LEVEL_LAST]);
	return map(el2, pgt, boot->window + RD_WINDOW_PAGES * PAGE_SIZE, boot->root, PAGE_SIZE,
		   PGT_PROT_R);
}

static int map_chunks(struct rd_el2 *el2, struct pgt *pgt)
{
	struct rd_boot *boot = el2->boot;
	u64 i;
	int ret = 0;

	for (i = 0; i < boot->nr_chunks && !ret; i++)
		if (boot->chunk[i].purpose == RD_CHUNK_CPU)
			ret = map_cpu(el2, pgt, &boot->chunk[i]);
	el2->va_next += EL2_STACK_STRIDE;
	place_records(el2);
	for (i = 0; i < boot->nr_chunks && !ret; i++) {
		struct rd_boot_chunk *chunk = &boot->chunk[i];

		if (chunk->purpose == RD_CHUNK_POOL) {
			ret = map(el2, pgt, linear(el2, chunk->base), chunk->base, chunk->size,
				  PGT_PROT_RW);
		} else if (chunk->purpose == RD_CHUNK_VMEMMAP) {
			ret = map(el2, pgt, el2->va_next, chunk->base, chunk->size, PGT_PROT_RW);
			el2->va_next += chunk->size;
		}
	}
	return ret;
}

/* ---- Layout ---- */

static u64 ram_start(const struct rd_boot *boot)
{
	return boot->region[0].base;
}

static u64 ram_end(const struct rd_boot *boot)
{
	const struct rd_boot_region *last = &boot->region[boot->nr_regions - 1];

	return last->base + last->size;
}

/* The geometry of the host's stage 2, as EL2 will choose it: for the size of its root. */
static int host_root_bytes(struct rd_boot *boot, const struct pgt_cpu_features *cpu)
{
	struct pgt_request req = {
		.stage = PGT_STAGE2,
		.granule_shift = PAGE_SHIFT,
		.ia_bits = boot->host_bits,
		.oa_bits = boot->oa_bits,
		.lpa2 = boot->lpa2 ? PGT_LPA2_ALWAYS : PGT_LPA2_NEVER,
		.vmid16 = cpu->vmid_bits == 16,
	};
	struct pgt_geometry geo;
	int ret = pgt_geometry_init(&geo, &req, cpu);

	if (ret) {
		pr_err("the host cannot have a stage 2 on this CPU: %s\n",
		       pgt_refusal_reason(ret));
		return -EOPNOTSUPP;
	}
	boot->host_root_bytes = max_t(u64, geo.root_bytes, PAGE_SIZE);
	return 0;
}

static int choose_geometry(struct rd_el2 *el2, struct pgt_geometry *geo)
{
	struct rd_boot *boot = el2->boot;
	struct pgt_cpu_features cpu;
	struct pgt_request req = {
		.stage = PGT_STAGE1,
		.granule_shift = PAGE_SHIFT,
		.ia_bits = 48,
	};
	int ret;

	boot->mmfr0 = read_cpuid(ID_AA64MMFR0_EL1);
	boot->mmfr1 = read_cpuid(ID_AA64MMFR1_EL1);
	boot->mmfr2 = read_sysreg_s(SYS_ID_AA64MMFR2_EL1);
	boot->isar0 = read_sysreg_s(SYS_ID_AA64ISAR0_EL1);
	boot->pfr0 = read_sysreg_s(SYS_ID_AA64PFR0_EL1);
	pgt_cpu_features_parse(&cpu, boot->mmfr0, boot->mmfr1, boot->mmfr2, boot->isar0);
	boot->lpa2 = cpu.granule_s1[PGT_GRANULE_INDEX(PAGE_SHIFT)] == PGT_GRANULE_LPA2 &&
		     cpu.granule_s2[PGT_GRANULE_INDEX(PAGE_SHIFT)] == PGT_GRANULE_LPA2;
	req.lpa2 = boot->lpa2 ? PGT_LPA2_ALWAYS : PGT_LPA2_NEVER;
	req.oa_bits = boot->lpa2 || PAGE_SHIFT == 16 ? 0 : min_t(u8, cpu.pa_bits, 48);
	/* The identity-mapped page and the linear map must fit side by side. */
	if (ram_end(boot) >> 47)
		req.ia_bits = 52;
	ret = pgt_geometry_init(geo, &req, &cpu);
	if (ret) {
		pr_err("EL2 cannot have tables of its own on this CPU: %s\n",
		       pgt_refusal_reason(ret));
		return -EOPNOTSUPP;
	}
	boot->granule_shift = PAGE_SHIFT;
	boot->va_bits = req.ia_bits;
	boot->oa_bits = geo->oa_bits;
	/*
	 * With 16 KiB pages a walk from level 1 covers 51 bits at most; the 52nd would cost
	 * every walk a level, for addresses where no machine has anything.
	 */
	boot->host_bits = PAGE_SHIFT == 14 ? min_t(u8, geo->oa_bits, 51) : geo->oa_bits;
	boot->tcr = geo->tcr;
	boot->mair = PGT_MAIR_EL2;
	boot->sctlr = EL2_SCTLR;
	return host_root_bytes(boot, &cpu);
}

/* Half of the address space is the linear map's and the private part's: a quarter each. */
static int choose_layout(struct rd_el2 *el2)
{
	struct rd_boot *boot = el2->boot;
	u64 half = 1ULL << (boot->va_bits - 1);
	u64 idmap = virt_to_phys(el2->image) & half;
	u64 base = ALIGN_DOWN(ram_start(boot), SZ_1G);

	el2->va_base = idmap ^ half;
	el2->va_private = el2->va_base + half / 2;
	el2->va_next = el2->va_private;
	if (ram_end(boot) - base > half / 2) {
		pr_err("RAM is spread too widely for EL2's %llu-bit addresses\n", boot->va_bits);
		return -EOPNOTSUPP;
	}
	boot->va_offset = el2->va_base - base;
	return 0;
}

/* ---- The image ---- */

/* The one relocation that a position-independent image without symbols has. */
static int relocate(struct rd_el2 *el2)
{
	const struct rd_image_header *h = el2->image;
	u64 base = linear(el2, virt_to_phys(el2->image));
	const Elf64_Rela *rela = (void *)h + h->rela_start;
	const Elf64_Rela *end = (void *)h + h->rela_end;

	for (; rela < end; rela++) {
		if (ELF64_R_TYPE(rela->r_info) != R_AARCH64_RELATIVE ||
		    rela->r_offset > h->image_end - sizeof(u64))
			return -ENOEXEC;
		*(u64 *)((void *)h + rela->r_offset) = base + rela->r_addend;
	}
	return 0;
}

static int load_image(struct rd_el2 *el2)
{
	const struct rd_image_header *h = (const void *)rd_hyp_image;
	size_t file = rd_hyp_image_end - rd_hyp_image;
	struct rd_boot *tmp;
	void *copy;

	if (h->magic != RD_IMAGE_MAGIC || h->abi_version != RD_ABI_VERSION ||
	    h->image_end > file || h->memory_end < h->image_end) {
		pr_err("the EL2 image is of another version than the module; rebuild both together\n");
		return -ENOEXEC;
	}
	copy = alloc_pages_exact(h->memory_end, GFP_KERNEL | __GFP_ZERO);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, rd_hyp_image, h->image_end);
	el2->image = copy;
	el2->boot = copy + h->boot;
	tmp = el2->boot;
	tmp->chunk[tmp->nr_chunks++] = (struct rd_boot_chunk){
		.base = virt_to_phys(copy),
		.size = PAGE_ALIGN(h->memory_end),
		.used = PAGE_ALIGN(h->memory_end),
		.purpose = RD_CHUNK_IMAGE,
	};
	return 0;
}

/* ---- All of it ---- */

static int add_cpus(struct rd_el2 *el2)
{
	size_t size = PAGE_ALIGN(el2->image->cpu_size) + PAGE_ALIGN(EL2_STACK_SIZE);
	struct rd_boot *boot = el2->boot;
	unsigned int cpu;

	boot->nr_cpus = nr_cpu_ids;
	for_each_possible_cpu(cpu) {
		int i = add_chunk(boot, RD_CHUNK_CPU, size);
		struct rd_boot_cpu *data;

		if (i < 0)
			return i;
		boot->chunk[i].used = boot->chunk[i].size;
		boot->cpu[cpu] = boot->chunk[i].base;
		data = phys_to_virt(boot->chunk[i].base);
		data->index = cpu;
		/* Online CPUs say so themselves at launch; EL2 learns it when others turn on. */
		data->mpidr = RD_MPIDR_UNKNOWN;
	}
	return 0;
}

/* The page allocator aligns to the size, and that's how a root must be aligned. */
static int add_host_root(struct rd_boot *boot)
{
	int i = add_chunk(boot, RD_CHUNK_POOL, boot->host_root_bytes);

	if (i < 0)
		return i;
	boot->chunk[i].used = boot->chunk[i].size;
	boot->host_root = boot->chunk[i].base;
	return 0;
}

static u64 record_bytes(const struct rd_boot *boot)
{
	u64 i, bytes = 0;

	for (i = 0; i < boot->nr_regions; i++)
		bytes += region_record_bytes(&boot->region[i]);
	return bytes;
}

/*
 * Table pages for EL2's stage 1 and the host's stage 2: enough to map all of RAM by
 * pages, twice at the edges, so that no fault of the host's can find the pool empty.
 */
static u64 pool_bytes(const struct rd_boot *boot)
{
	u64 entries = PAGE_SIZE / sizeof(u64), tables = 0, i;

	for (i = 0; i < boot->nr_regions; i++) {
		u64 pages = boot->region[i].size >> PAGE_SHIFT;

		while (pages > 1) {
			pages = DIV_ROUND_UP(pages, entries) + 1;
			tables += pages;
			if (pages == 2)
				break;
		}
	}
	return (tables + 128) * PAGE_SIZE;
}

static int add_all_chunks(struct rd_el2 *el2)
{
	int ret;

	el2->panic = (void *)get_zeroed_page(GFP_KERNEL);
	if (!el2->panic)
		return -ENOMEM;
	el2->boot->panic_pa = virt_to_phys(el2->panic);
	el2->boot->panic_entry = rd_panic_init(el2);
	ret = add_cpus(el2);
	if (!ret)
		ret = add_host_root(el2->boot);
	if (!ret)
		ret = add_chunks(el2->boot, RD_CHUNK_VMEMMAP, record_bytes(el2->boot));
	el2->pool_chunk = el2->boot->nr_chunks;
	if (!ret)
		ret = add_chunks(el2->boot, RD_CHUNK_POOL, pool_bytes(el2->boot));
	return ret;
}

static int build_tables(struct rd_el2 *el2, const struct pgt_geometry *geo)
{
	struct pgt pgt;
	struct rd_boot_chunk *chunk = &el2->boot->chunk[el2->pool_chunk];
	void *root = phys_to_virt(chunk->base);
	int ret;

	/* EL2 has one VA range, whose root is a page or part of one. */
	if (WARN_ON(geo->root_bytes > PAGE_SIZE))
		return -EINVAL;
	chunk->used += PAGE_SIZE;
	ret = pgt_init(&pgt, geo, root, &env, NULL, PGT_LINEAR);
	if (ret)
		return ret;
	el2->boot->root = virt_to_phys(root);
	el2->boot->ttbr = pgt_geometry_ttbr(geo, pa(el2->boot->root), 0);
	ret = map_image(el2, &pgt);
	if (!ret)
		ret = map_chunks(el2, &pgt);
	if (!ret)
		ret = map_window(el2, &pgt);
	if (!ret)
		ret = map(el2, &pgt, linear(el2, el2->boot->panic_pa), el2->boot->panic_pa,
			  PAGE_SIZE, PGT_PROT_RW);
	return ret;
}

static void clean_all(struct rd_el2 *el2)
{
	u64 i;

	for (i = 0; i < el2->boot->nr_chunks; i++)
		clean_to_poc(phys_to_virt(el2->boot->chunk[i].base),
			     el2->boot->chunk[i].purpose == RD_CHUNK_POOL ?
				     el2->boot->chunk[i].used : el2->boot->chunk[i].size);
}

static void note_facts(struct rd_el2 *el2)
{
	const struct rd_boot *boot = el2->boot;
	u64 i;

	for (i = 0; i < boot->nr_chunks; i++)
		el2->launched.bytes[boot->chunk[i].purpose] += boot->chunk[i].size;
	for (i = 0; i < boot->nr_regions; i++)
		el2->launched.ram_bytes += boot->region[i].size;
	el2->launched.text_bytes = el2->image->text_used;
	el2->launched.va_bits = boot->va_bits;
}

int rd_el2_prepare(struct rd_el2 *el2, bool locked)
{
	struct pgt_geometry geo;
	int ret;

	ret = load_image(el2);
	if (ret)
		return ret;
	el2->boot->locked = locked;
	ret = rd_regions(el2->boot);
	if (!ret)
		ret = choose_geometry(el2, &geo);
	if (!ret)
		ret = choose_layout(el2);
	if (!ret)
		ret = add_all_chunks(el2);
	if (!ret)
		ret = build_tables(el2, &geo);
	if (!ret)
		ret = relocate(el2);
	if (!ret) {
		note_facts(el2);
		clean_all(el2);
	} else if (ret == -ENOMEM) {
		pr_err("not enough memory for EL2 (about 0.2%% of RAM in pieces of up to 4 MiB); free some, or load the module earlier\n");
	}
	return ret;
}

void rd_el2_free(struct rd_el2 *el2)
{
	struct rd_boot *boot = el2->boot;
	u64 i;

	if (!el2->image)
		return;
	/* The first chunk is the image, which has the list: it goes last. */
	for (i = boot->nr_chunks; i-- > 1;)
		free_pages_exact(phys_to_virt(boot->chunk[i].base), boot->chunk[i].size);
	free_page((unsigned long)el2->panic);
	free_pages_exact(el2->image, boot->chunk[0].size);
	memset(el2, 0, sizeof(*el2));
}
