// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache maintenance for a guest's memory. Everything is done by the linear map's
 * addresses; data caches are physically tagged, so that any alias will do.
 *
 * To the point of coherency: a guest that runs with its MMU or caches off reads
 * memory behind the caches, and would miss what the host wrote (a kernel image) or
 * read what the host believes to have zeroed. With FEAT_S2FWB stage 2 makes all
 * accesses cacheable (Arm ARM D8.6.5), and nothing is to be done. Without, EL2 cleans
 * a page as it becomes the guest's (core/ownership). Guests that turn their caches off
 * and on later clean by set and way (boot loaders, and AArch32 in the past), which can't
 * work with several CPUs and an ordinary guest is not let do: the first such operation
 * of a vCPU has all of the guest's pages cleaned instead, and its SCTLR_EL1 watched from
 * then on. When that turns the caches off or on, pages are cleaned once more; the watch
 * ends with caches on. (Arm ARM D7.5.10 on what set and way can't do.)
 *
 * Instruction caches: a page may hold code that was written by the host (a program
 * image, or a page swapped in) or that still lies in the instruction cache from the
 * frame's previous user. Before it becomes executable, data is cleaned to the point
 * of unification and instructions are invalidated there (Arm ARM B2.4.4), unless
 * CTR_EL0.IDC and DIC say that neither is needed. What the guest itself writes later
 * is the guest's own duty.
 *
 * Locks: none.
 */
#include <linux/mm.h>
#include <asm/cacheflush.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "mmu_priv.h"
#include "vcpu.h"

static u64 ctr(void)
{
	return read_sanitised_ftr_reg(SYS_CTR_EL0);
}

bool rd_mmu_exec_free(void)
{
	return ctr() & BIT(CTR_EL0_DIC_SHIFT);
}

void rd_mmu_clean(u64 pfn, u64 pages)
{
	unsigned long line = 4UL << cpuid_feature_extract_unsigned_field(ctr(),
									 CTR_EL0_DminLine_SHIFT);
	unsigned long at = (unsigned long)__va(PFN_PHYS(pfn)), end = at + (pages << PAGE_SHIFT);

	if (this_cpu_has_cap(ARM64_HAS_STAGE2_FWB))
		return;
	for (; at < end; at += line)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	/* Completes for all observers, those behind the caches included. */
	dsb(sy);
}

static void make_executable(u64 pfn, u64 pages)
{
	unsigned long start = (unsigned long)__va(PFN_PHYS(pfn));
	unsigned long end = start + (pages << PAGE_SHIFT);
	bool pipt = cpuid_feature_extract_unsigned_field(ctr(), CTR_EL0_L1Ip_SHIFT) ==
		    CTR_EL0_L1Ip_PIPT;

	caches_clean_inval_pou(start, end);
	/* Invalidation by our address doesn't reach the guest's alias in a VIPT cache. */
	if (!pipt && !rd_mmu_exec_free()) {
		asm volatile("ic ialluis" : : : "memory");
		dsb(ish);
		isb();
	}
}

void rd_mmu_prepare(void *env, u64 pfn, u64 pages, u32 prot)
{
	if (!(prot & GMEM_PROT_X) || (rd_mmu_exec_free() && (ctr() & BIT(CTR_EL0_IDC_SHIFT))))
		return;
	/* Memory that the kernel has no mapping of was never in its caches. */
	if (pfn_is_map_memory(pfn))
		make_executable(pfn, pages);
}

/* SCTLR_EL1: both the MMU and data caches are on, without which accesses go past the caches. */
static bool caches_on(u64 sctlr)
{
	return (sctlr & (SCTLR_ELx_M | SCTLR_ELx_C)) == (SCTLR_ELx_M | SCTLR_ELx_C);
}

void rd_mmu_guest_set_way(struct rd_vcpu *vcpu)
{
	if (this_cpu_has_cap(ARM64_HAS_STAGE2_FWB) || (vcpu->state->flags & RD_VCPU_TRAP_VM))
		return;
	vcpu->state->flags |= RD_VCPU_TRAP_VM;
	rd_vcpu_request(vcpu, RD_REQ_MMU);
}

void rd_mmu_guest_sctlr(struct rd_vcpu *vcpu, u64 from, u64 to)
{
	if (caches_on(from) != caches_on(to))
		rd_vcpu_request(vcpu, RD_REQ_MMU);
	if (caches_on(to))
		vcpu->state->flags &= ~RD_VCPU_TRAP_VM;
}

void rd_mmu_request(struct rd_vcpu *vcpu)
{
	RD_STAT_INC(vcpu->vm, cache_cleans);
	gmem_flush_caches(&rd_mmu_of(vcpu->vm)->g);
}
