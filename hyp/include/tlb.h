/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLB maintenance at EL2: carries out the plans of <core/pgtable_tlb.h>.
 */
#ifndef HYP_TLB_H
#define HYP_TLB_H

#include <core/pgtable_tlb.h>

/** tlb_execute() - Execute a plan for the regime that is current: EL2's, or VTTBR_EL2's VMID. */
void tlb_execute(const struct pgt_tlb_plan *plan);

/**
 * tlb_execute_for() - Execute a plan for another VMID.
 * @plan:	what to invalidate, stage 2
 * @vttbr:	VTTBR_EL2 of the VMID; stays current only during the call
 * @vtcr:	VTCR_EL2 of it
 */
void tlb_execute_for(const struct pgt_tlb_plan *plan, u64 vttbr, u64 vtcr);

/** tlb_flush_vmid_local() - Drop what this CPU caches of a VMID, stage 1 included. */
void tlb_flush_vmid_local(u64 vttbr, u64 vtcr);

#endif /* HYP_TLB_H */
