/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host behind its stage 2, EL2's own tables, and who owns which page: the one
 * struct own_ctx there is. Locks: see <core/ownership.h>.
 */
#ifndef HYP_HOST_MEM_H
#define HYP_HOST_MEM_H

#include <core/own_pgtable.h>

extern struct own_ctx host_own;
extern struct pgt_cpu_features host_cpu_features;
extern const struct pgt_geometry *const host_geo;

/**
 * host_mem_init() - Put tables and ownership in place: once, at the first CLOSE.
 *
 * Return: 0, or a negative errno with nothing changed that matters to an open EL2.
 */
long host_mem_init(void);

/** host_mem_enable() - Turn the host's stage 2 on, on this CPU. host_mem_init() was successful. */
void host_mem_enable(void);

/** host_mem_activate() - Make the host's stage 2 current again after a guest's. */
void host_mem_activate(void);

/** host_mem_hcr() - HCR_EL2 while the host runs. */
u64 host_mem_hcr(void);

/** host_mem_fault() - The host took a stage-2 abort; @esr is ESR_EL2. Maps or refuses. */
void host_mem_fault(u64 esr);

/**
 * host_mem_fault_ipa() - The IPA of a stage-2 abort, by page.
 * @esr:	ESR_EL2
 * @hpfar:	the answer, as HPFAR_EL2 has it
 *
 * HPFAR_EL2 is not valid for a permission fault that isn't of a stage-1 walk (Arm
 * ARM D19.2.53); then the address is translated again, by the current EL1 regime.
 *
 * Return: false if that failed, because somebody changed the tables meanwhile: let
 * the access be made again.
 */
bool host_mem_fault_ipa(u64 esr, u64 *hpfar);

/** host_mem_icache_inval() - For pgt_env: memory becomes executable. */
void host_mem_icache_inval(void *ctx, pa_t pa, u64 size);

/**
 * host_mem_walk() - Look at the host's stage 2, a bounded part of it.
 * @at:		bytes, where to begin; where to go on, or ~0 at the end
 * @budget:	entries to look at
 * @fn, @arg:	as pgt_walk()'s
 *
 * Takes the host's lock. Return: 0, or -EINVAL for a wild @at.
 */
long host_mem_walk(u64 *at, u32 budget, pgt_leaf_fn *fn, void *arg);

/** host_mem_has_fwb() - Do guests run with HCR_EL2.FWB? */
bool host_mem_has_fwb(void);

/** host_mem_pool_pages() - Free pages of the pool of table pages; a snapshot. */
u64 host_mem_pool_pages(void);

#endif /* HYP_HOST_MEM_H */
