/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Address spaces of <core/ownership.h> over the page tables of <core/pgtable.h>:
 * the host's stage 2, the hyp's stage 1, and a guest's stage 2.
 *
 *	host	an identity map, filled by own_host_fault() with the largest block that
 *		holds no foreign page. What the host loses becomes an annotated invalid
 *		entry (the annotation is the new owner's identity; the vmemmap is what
 *		decides), and a block around it is split. What it gets back becomes an
 *		empty entry, and with the last foreign page of a block the block. Make its tables
 *		without PGT_FWB, and run the host with HCR_EL2.FWB = 0: memory types of
 *		the host's stage 1 must stay what they are for MMIO.
 *	hyp	pages, at the linear address.
 *	guest	pages and blocks, as alignment allows. A poisoned entry is an annotation.
 *
 * Cache maintenance: give a guest's tables a pgt_env without dcache_clean_inval, as
 * own_env_ops.clean has done that; icache_inval is still needed.
 */
#ifndef CORE_OWN_PGTABLE_H
#define CORE_OWN_PGTABLE_H

#include <core/ownership.h>
#include <core/pgtable.h>

/*
 * Table pages for one space, or for several whose edits are under one lock (the
 * host's and the hyp's, since all edits of the latter are made under the former's).
 */
struct own_pgt_pool {
	struct pgt_memcache mc;
	u64 reserved;  /* pages promised in the transaction under way */
	bool promised; /* something was, were it 0 pages */
};

/* An address space over page tables. Zero it before its first use. */
struct own_pgt_space {
	struct own_space own;
	struct own_ctx *ctx; /* host */
	u64 foreign;	     /* host: the foreign page found last, so as to look there first */
	struct pgt *pgt;
	struct own_pgt_pool *pool;
	port_lock_t lock; /* that own.ops take; also for edits outside of the library */
};

/**
 * own_pgt_host_init() - The host's space.
 * @space:	zeroed
 * @ctx:	the context that @space will belong to; may be initialised later, but
 *		before the first transition or fault
 * @pgt:	stage 2, IPA and PA sizes equal, empty
 * @pool:	table pages; pgt_env.free_table has to push into it
 */
void own_pgt_host_init(struct own_pgt_space *space, struct own_ctx *ctx, struct pgt *pgt,
		       struct own_pgt_pool *pool);

/**
 * own_pgt_hyp_init() - The hyp's space.
 * @space:	zeroed
 * @pgt:	stage 1
 * @pool:	table pages, may be the host's
 * @va_offset:	VA = PA + va_offset, modulo 2^64, for all RAM
 */
void own_pgt_hyp_init(struct own_pgt_space *space, struct pgt *pgt, struct own_pgt_pool *pool,
		      u64 va_offset);

/**
 * own_pgt_guest_init() - A guest's space.
 * @space:	zeroed
 * @kind:	OWN_KIND_GUEST_ORDINARY or OWN_KIND_GUEST_PROTECTED
 * @id:		OWN_ID_GUEST0 + index
 * @pgt:	stage 2, empty
 * @pool:	table pages, this guest's alone
 *
 * Return: 0, or -EINVAL as own_space_init().
 */
int own_pgt_guest_init(struct own_pgt_space *space, enum own_kind kind, u32 id, struct pgt *pgt,
		       struct own_pgt_pool *pool);

/**
 * own_host_fault() - The host has a stage-2 translation fault.
 * @host:	the host's space
 * @at:		faulting address, any value, any alignment
 *
 * Maps the largest block of at most 1 GiB around @at that lies in one RAM region
 * (read, write, execute) or holds no RAM (read, write), and in which every page is
 * the host's to use. Tables in the block's place are replaced. If the pool is dry,
 * mappings of MMIO are dropped, to come back by faults. Takes the host's lock.
 *
 * For translation faults only: a permission fault on a mapping made here (execution
 * of MMIO) is final. (Arm ARM D8.2, stage 2 faults.)
 *
 * Return: 0 if the access may be repeated; -EPERM if the page is not the host's to
 * use, or there is no such address: the host gets an abort; -ENOMEM if there is no
 * table page, even so.
 */
int own_host_fault(struct own_pgt_space *host, pa_t at);

#endif /* CORE_OWN_PGTABLE_H */
