// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB maintenance (Arm ARM D8.16, C5.5). The order is always: the changed entries
 * reach the walkers (DSB ISHST), the invalidations, their completion on all CPUs
 * of the inner shareable domain (DSB ISH), and this CPU's own pipeline (ISB).
 */
#include "cpu.h"
#include "recorder.h"
#include "tlb.h"

/* FEAT_TLBIRANGE's instructions go by encoding; the assembler's baseline is Armv8.0. */

static void execute_broadcast(const struct pgt_tlbi *op)
{
	switch (op->kind) {
	case PGT_TLBI_VAE2:
		tlbi_with(vae2is, op->operand);
		break;
	case PGT_TLBI_VALE2:
		tlbi_with(vale2is, op->operand);
		break;
	case PGT_TLBI_RVAE2:
		tlbi_sys(C2, 1, op->operand);
		break;
	case PGT_TLBI_RVALE2:
		tlbi_sys(C2, 5, op->operand);
		break;
	case PGT_TLBI_ALLE2:
		tlbi(alle2is);
		break;
	case PGT_TLBI_IPAS2E1:
		tlbi_with(ipas2e1is, op->operand);
		break;
	case PGT_TLBI_IPAS2LE1:
		tlbi_with(ipas2le1is, op->operand);
		break;
	case PGT_TLBI_RIPAS2E1:
		tlbi_sys(C0, 2, op->operand);
		break;
	case PGT_TLBI_RIPAS2LE1:
		tlbi_sys(C0, 6, op->operand);
		break;
	case PGT_TLBI_VMALLE1:
		tlbi(vmalle1is);
		break;
	case PGT_TLBI_VMALLS12E1:
		tlbi(vmalls12e1is);
		break;
	case PGT_TLBI_DSB:
		dsb(ish);
		break;
	}
}

static void execute_local(const struct pgt_tlbi *op)
{
	switch (op->kind) {
	case PGT_TLBI_VAE2:
		tlbi_with(vae2, op->operand);
		break;
	case PGT_TLBI_VALE2:
		tlbi_with(vale2, op->operand);
		break;
	case PGT_TLBI_RVAE2:
		tlbi_sys(C6, 1, op->operand);
		break;
	case PGT_TLBI_RVALE2:
		tlbi_sys(C6, 5, op->operand);
		break;
	case PGT_TLBI_ALLE2:
		tlbi(alle2);
		break;
	case PGT_TLBI_IPAS2E1:
		tlbi_with(ipas2e1, op->operand);
		break;
	case PGT_TLBI_IPAS2LE1:
		tlbi_with(ipas2le1, op->operand);
		break;
	case PGT_TLBI_RIPAS2E1:
		tlbi_sys(C4, 2, op->operand);
		break;
	case PGT_TLBI_RIPAS2LE1:
		tlbi_sys(C4, 6, op->operand);
		break;
	case PGT_TLBI_VMALLE1:
		tlbi(vmalle1);
		break;
	case PGT_TLBI_VMALLS12E1:
		tlbi(vmalls12e1);
		break;
	case PGT_TLBI_DSB:
		dsb(nsh);
		break;
	}
}

static void count(const struct pgt_tlbi *op)
{
	switch (op->kind) {
	case PGT_TLBI_RVAE2:
	case PGT_TLBI_RVALE2:
	case PGT_TLBI_RIPAS2E1:
	case PGT_TLBI_RIPAS2LE1:
		stat_inc(RD_STAT_TLBI_RANGE);
		break;
	case PGT_TLBI_ALLE2:
	case PGT_TLBI_VMALLE1:
	case PGT_TLBI_VMALLS12E1:
		stat_inc(RD_STAT_TLBI_ALL);
		break;
	case PGT_TLBI_DSB:
		stat_inc(RD_STAT_TLB_SYNCS);
		break;
	default:
		stat_inc(RD_STAT_TLBI_ONE);
	}
}

void tlb_execute(const struct pgt_tlb_plan *plan)
{
	u32 i;

	if (plan->local)
		dsb(nshst);
	else
		dsb(ishst);
	for (i = 0; i < plan->n; i++) {
		count(&plan->op[i]);
		if (plan->local)
			execute_local(&plan->op[i]);
		else
			execute_broadcast(&plan->op[i]);
	}
	if (plan->local)
		dsb(nsh);
	else
		dsb(ish);
	stat_inc(RD_STAT_TLB_SYNCS);
	isb();
}

/* What stage 2 was before another VMID's was put there. */
struct stage2 {
	u64 vttbr, vtcr;
	struct host_recorders recorders;
};

/*
 * The VMID that TLBI means is VTTBR_EL2's, once the write is synchronized. The host's EL1
 * registers stay: nothing translates through both meanwhile, since EL2 neither returns nor
 * uses AT before they fit together again, and what the CPU records by itself is stopped.
 */
static void visit(struct stage2 *old, u64 vttbr, u64 vtcr)
{
	old->vttbr = read_sysreg(vttbr_el2);
	old->vtcr = read_sysreg(vtcr_el2);
	recorder_stop(&old->recorders);
	write_sysreg(vtcr_el2, vtcr);
	write_sysreg(vttbr_el2, vttbr);
	isb();
}

static void come_back(const struct stage2 *old)
{
	write_sysreg(vttbr_el2, old->vttbr);
	write_sysreg(vtcr_el2, old->vtcr);
	isb();
	recorder_resume(&old->recorders);
}

void tlb_execute_for(const struct pgt_tlb_plan *plan, u64 vttbr, u64 vtcr)
{
	struct stage2 old;

	if (read_sysreg(vttbr_el2) == vttbr) {
		tlb_execute(plan);
		return;
	}
	visit(&old, vttbr, vtcr);
	tlb_execute(plan);
	come_back(&old);
}

void tlb_flush_vmid_local(u64 vttbr, u64 vtcr)
{
	struct stage2 old;

	visit(&old, vttbr, vtcr);
	tlbi(vmalle1);
	dsb(nsh);
	come_back(&old);
}
