// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's stage 2, EL2's stage 1 and the record of ownership. The policy is
 * core/ownership's; here is the machine it runs on: tables in EL2's linear map,
 * TLB maintenance, zeroing through a window, and the pool of table pages.
 * Invariants 1 to 5. Locks: the host space's (core/ownership), which also covers the
 * pool, EL2's stage 1 and the window.
 */
#include "host.h"
#include "host_mem.h"
#include "hvc.h"
#include "setup.h"
#include "tlb.h"
#include "trace.h"

/* A page of the window is enough for all; more at a time saves invalidations. */
#define WINDOW_PAGES RD_WINDOW_PAGES

struct own_ctx host_own;
struct pgt_cpu_features host_cpu_features;

static struct pgt_geometry host_geometry, hyp_geometry;
const struct pgt_geometry *const host_geo = &host_geometry;

static struct pgt host_pgt, hyp_pgt;
static struct own_pgt_space host_space, hyp_space;
static struct own_pgt_pool pool;
static struct vmemmap_region regions[RD_MAX_REGIONS];
static struct vmemmap_count *counts[RD_MAX_REGIONS];
_Static_assert(sizeof(struct vmemmap_count) == RD_COUNT_BYTES, "as the module sets memory aside");
static struct own_device devices[64];
static u64 host_vttbr;

/* ---- pgt_env ---- */

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return setup_va(at.v);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa(setup_pa((u64)virt));
}

static void free_table(void *ctx, void *table)
{
	(void)ctx;
	pgt_memcache_push(&pool.mc, table);
}

/* A walker on another CPU may use the entry as soon as it is there; this one's next access must. */
static void publish(void *ctx)
{
	(void)ctx;
	dsb(ishst);
	isb();
}

static void host_tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx;
	/* Hypercalls come from the host, so its VMID is current, unless it's a guest's call. */
	tlb_execute_for(plan, host_vttbr, host_geometry.tcr);
}

static void hyp_tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx;
	tlb_execute(plan);
}

static const struct pgt_env host_env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.publish = publish,
	.tlb_flush = host_tlb_flush,
};

static const struct pgt_env hyp_env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.publish = publish,
	.tlb_flush = hyp_tlb_flush,
};

/* ---- The window: memory that EL2 maps for as long as it zeroes or cleans it ---- */

static void clean_inval_to_poc(void *va, u64 size)
{
	u64 line = 4ULL << (read_sysreg(ctr_el0) >> 16 & 0xf);
	u64 p = (u64)va, end = p + size;

	for (p &= ~(line - 1); p < end; p += line)
		dc_civac(p);
	dsb(sy);
}

/*
 * Host lock held: one user at a time. The window's last-level table is always there
 * (the module left a page mapped beyond the window), so that mapping needs no memory.
 */
static void through_window(pa_t at, u64 nr_pages, void (*fn)(void *va, u64 size))
{
	u64 page = 1ULL << host_own.page_shift;

	while (nr_pages) {
		u64 n = nr_pages < WINDOW_PAGES ? nr_pages : WINDOW_PAGES;
		struct pgt_op map = { .flags = PGT_OP_NO_CMO }, unmap = { .flags = PGT_OP_NO_CMO };
		int ret;

		ret = pgt_s1_map(&hyp_pgt, &map, hyp_boot.window, n * page, at, PGT_PROT_RW);
		port_assert(!ret);
		fn((void *)hyp_boot.window, n * page);
		ret = pgt_s1_unmap(&hyp_pgt, &unmap, hyp_boot.window, n * page);
		port_assert(!ret);
		at.v += n * page;
		nr_pages -= n;
	}
}

/*
 * By DC ZVA where the CPU allows it: a block of at most 2 KiB an instruction, of which pages are
 * multiples (DCZID_EL0). How long a step of a VM's end takes depends on this.
 */
static void zero(void *va, u64 size)
{
	u64 dczid = read_sysreg(dczid_el0), block = 4ULL << (dczid & 0xf);
	u64 p = (u64)va, end = p + size;

	if (dczid & DCZID_DZP) {
		memset(va, 0, size);
		return;
	}
	for (; p < end; p += block)
		dc_zva(p);
}

static void zero_and_clean(void *va, u64 size)
{
	zero(va, size);
	clean_inval_to_poc(va, size);
}

static void own_zero(struct own_ctx *ctx, pa_t at, u64 nr_pages)
{
	(void)ctx;
	through_window(at, nr_pages, zero_and_clean);
}

static void own_clean(struct own_ctx *ctx, pa_t at, u64 nr_pages)
{
	(void)ctx;
	through_window(at, nr_pages, clean_inval_to_poc);
}

static const struct own_env_ops own_env = { .zero = own_zero, .clean = own_clean };
static const struct own_env_ops own_env_fwb = { .zero = own_zero };

/*
 * Data was written to the memory as data. If the caches of instructions are not
 * coherent with it (CTR_EL0.DIC clear), what they hold of it goes, everywhere.
 */
void host_mem_icache_inval(void *ctx, pa_t at, u64 size)
{
	(void)ctx;
	(void)at;
	(void)size;
	if (read_sysreg(ctr_el0) >> 29 & 1)
		return;
	ic_ialluis();
	dsb(ish);
	isb();
}

/* ---- Launch ---- */

static long init_geometry(void)
{
	struct pgt_request s1 = {
		.stage = PGT_STAGE1,
		.granule_shift = (u8)hyp_boot.granule_shift,
		.ia_bits = (u8)hyp_boot.va_bits,
		.oa_bits = (u8)hyp_boot.oa_bits,
		.lpa2 = hyp_boot.lpa2 ? PGT_LPA2_ALWAYS : PGT_LPA2_NEVER,
	};
	struct pgt_request s2 = s1;

	pgt_cpu_features_parse(&host_cpu_features, hyp_boot.mmfr0, hyp_boot.mmfr1, hyp_boot.mmfr2,
			       hyp_boot.isar0);
	s2.stage = PGT_STAGE2;
	s2.ia_bits = (u8)hyp_boot.host_bits;
	s2.vmid16 = host_cpu_features.vmid_bits == 16;
	if (pgt_geometry_init(&hyp_geometry, &s1, &host_cpu_features) ||
	    pgt_geometry_init(&host_geometry, &s2, &host_cpu_features))
		return -EINVAL;
	return 0;
}

/* What the module did not use of the pool's chunks, but for the host's root. */
static void fill_pool(void)
{
	u64 page = 1ULL << hyp_boot.granule_shift;
	u64 i, at;

	pool = (struct own_pgt_pool){};
	for (i = 0; i < hyp_boot.nr_chunks; i++) {
		struct rd_boot_chunk *chunk = &hyp_boot.chunk[i];

		if (chunk->purpose != RD_CHUNK_POOL)
			continue;
		for (at = chunk->used; at < chunk->size; at += page)
			pgt_memcache_push(&pool.mc, setup_va(chunk->base + at));
	}
}

static long init_tables(void)
{
	void *host_root = setup_va(hyp_boot.host_root);

	memset(host_root, 0, host_geometry.root_bytes);
	if (pgt_init(&hyp_pgt, &hyp_geometry, setup_va(hyp_boot.root), &hyp_env, NULL,
		     PGT_LINEAR) ||
	    pgt_init(&host_pgt, &host_geometry, host_root, &host_env, NULL, PGT_LINEAR))
		return -EINVAL;
	host_vttbr = pgt_geometry_ttbr(&host_geometry, pa(hyp_boot.host_root), 0);
	fill_pool();
	return 0;
}

static long init_ownership(void)
{
	u64 shift = hyp_boot.granule_shift, i;
	struct vmemmap mem;
	long ret;

	for (i = 0; i < hyp_boot.nr_regions; i++) {
		regions[i] = (struct vmemmap_region){
			.pfn = hyp_boot.region[i].base >> shift,
			.nr_pages = hyp_boot.region[i].size >> shift,
			.records = (u32 *)hyp_boot.region[i].records,
		};
		counts[i] = (struct vmemmap_count *)(regions[i].records + regions[i].nr_pages);
	}
	ret = vmemmap_init(&mem, regions, (u32)hyp_boot.nr_regions);
	if (ret)
		return ret;
	vmemmap_set_counts(&mem, counts, RD_BLOCK_SHIFT((u32)shift));
	host_space = (struct own_pgt_space){};
	hyp_space = (struct own_pgt_space){};
	own_pgt_host_init(&host_space, &host_own, &host_pgt, &pool);
	own_pgt_hyp_init(&hyp_space, &hyp_pgt, &pool, hyp_boot.va_offset);
	ret = own_init(&host_own, &mem, devices, sizeof(devices) / sizeof(devices[0]),
		       &host_space.own, &hyp_space.own, host_cpu_features.fwb ? &own_env_fwb : &own_env,
		       (u32)shift);
	/* Beyond the CPU's physical addresses there are no devices either. */
	host_own.pa_bits = host_cpu_features.pa_bits;
	for (i = 0; !ret && i < hyp_boot.nr_chunks; i++)
		ret = own_assign_hyp(&host_own, hyp_boot.chunk[i].base >> shift,
				     hyp_boot.chunk[i].size >> shift);
	return ret;
}

long host_mem_init(void)
{
	long ret = init_geometry();

	if (!ret)
		ret = init_tables();
	if (!ret)
		ret = init_ownership();
	return ret;
}

u64 host_mem_hcr(void)
{
	return HCR_EL2_RW | HCR_EL2_API | HCR_EL2_APK | HCR_EL2_ATA | HCR_EL2_TSC | HCR_EL2_VM;
}

void host_mem_activate(void)
{
	write_sysreg(vtcr_el2, host_geometry.tcr);
	write_sysreg(vttbr_el2, host_vttbr);
	write_sysreg(hcr_el2, host_mem_hcr());
}

void host_mem_enable(void)
{
	host_mem_activate();
	isb();
	/*
	 * With stage 2 off, the TLBs hold the host's stage 1 alone, as if of VMID 0
	 * (Arm ARM D8.16): they would let it past stage 2 for as long as they last.
	 */
	tlbi(vmalls12e1);
	dsb(nsh);
	isb();
}

/* ---- Faults ---- */

bool host_mem_fault_ipa(u64 esr, u64 *hpfar)
{
	u64 par, saved;

	if ((esr & ESR_FSC_TYPE) != ESR_FSC_PERM || (esr & ESR_S1PTW)) {
		*hpfar = read_sysreg(hpfar_el2);
		return true;
	}
	saved = read_sysreg(par_el1);
	at_s1e1r(read_sysreg(far_el2));
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(par_el1, saved);
	if (par & 1)
		return false;
	/* PAR_EL1.PA[51:12] to HPFAR_EL2.FIPA[43:4], which is IPA[51:12]. */
	*hpfar = (par >> 12 & 0xffffffffffULL) << 4;
	return true;
}

void host_mem_fault(u64 esr)
{
	u64 hpfar = 0, at;
	int ret;

	if (!host_mem_fault_ipa(esr, &hpfar))
		return;
	at = (hpfar >> 4 & 0xffffffffffULL) << 12;
	/* Translation faults are for us; whatever else (execution of MMIO) is final. */
	if (esr_is_translation_fault(esr))
		ret = own_host_fault(&host_space, pa(at));
	else
		ret = -EPERM;
	trace_event(RD_TRACE_HOST_FAULT, esr, at, (u64)(s64)ret);
	if (ret)
		host_refuse_access(esr, read_sysreg(far_el2));
	else
		stat_inc(RD_STAT_HOST_FAULTS);
}

bool host_mem_has_fwb(void)
{
	return host_cpu_features.fwb;
}

u64 host_mem_pool_pages(void)
{
	return pool.mc.count;
}

long host_mem_walk(u64 *at, u32 budget, pgt_leaf_fn *fn, void *arg)
{
	struct pgt_op op = { .budget = budget };
	u64 size = 1ULL << host_geometry.ia_bits, page = 1ULL << host_own.page_shift;
	int ret;

	if (*at >= size || *at & (page - 1))
		return -EINVAL;
	port_lock(&host_space.lock);
	ret = pgt_walk(&host_pgt, &op, *at, size - *at, fn, arg);
	port_unlock(&host_space.lock);
	*at = *at + op.done < size ? *at + op.done : ~0ULL;
	return ret;
}

/* ---- Hypercalls ---- */

static long range_ok(u64 pages)
{
	return pages > RD_RANGE_MAX ? -E2BIG : 0;
}

long hvc_HOST_SHARE_HYP(struct host_regs *regs)
{
	long ret = range_ok(regs->x[2]);

	return ret ? ret : own_host_share_hyp(&host_own, regs->x[1], regs->x[2]);
}

long hvc_HOST_UNSHARE_HYP(struct host_regs *regs)
{
	long ret = range_ok(regs->x[2]);

	return ret ? ret : own_host_unshare_hyp(&host_own, regs->x[1], regs->x[2]);
}
