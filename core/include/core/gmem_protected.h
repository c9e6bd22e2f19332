/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The `protected` backend: EL2 holds the translations, hypercalls change them, and
 * gfn->pfn records (gmem_records.h) say on this side what is mapped (invariant 8).
 * The records have a lock of their own, inside the mmu lock, since faults hold the
 * mmu lock for reading only.
 */
#ifndef CORE_GMEM_PROTECTED_H
#define CORE_GMEM_PROTECTED_H

#include <core/gmem.h>
#include <core/gmem_records.h>

/*
 * The hypercalls of a guest's memory (<redoubt/abi.h>, RD_HVC_GUEST_*), the VM's handle
 * being @hyp's. Each does some of the range and adds to *done what it did; an error
 * leaves the page at *done, and all after it, as it was. Unmap, wrprotect and
 * test_clear_young pass over frames that are not mapped, and count them as done; the others
 * are asked about mapped ones only.
 */
struct gmem_hyp_ops {
	int (*map)(void *hyp, u64 gfn, u64 pfn, u64 pages, u32 prot, u64 *done);
	int (*unmap)(void *hyp, u64 gfn, u64 pages, u64 *done);
	int (*reclaim)(void *hyp, u64 gfn, u64 pages, u64 *done);
	int (*wrprotect)(void *hyp, u64 gfn, u64 pages, u64 *done);
	/* @age: GMEM_AGE_* */
	int (*test_clear_young)(void *hyp, u64 gfn, u64 pages, u32 age, u64 *done, bool *young);
	int (*mkyoung)(void *hyp, u64 gfn);
	int (*relax)(void *hyp, u64 gfn, u32 prot);
	int (*split)(void *hyp, u64 gfn, u64 pages, u64 *done);
	/* NULL: wrprotect invalidates before it returns. */
	void (*flush_tlb)(void *hyp);

	/*
	 * Not hypercalls. clean: clean a mapped run's caches. returned: the host has a donated
	 * run back, that was given away in pieces of 2^@order pages. mmu lock held for writing.
	 */
	void (*clean)(void *hyp, u64 pfn, u64 pages);
	void (*returned)(void *hyp, u64 pfn, u64 pages, u32 order);
	/* EL2 refused what it should not have: say so, once. */
	void (*complain)(void *hyp, const char *what, u64 gfn, int err);
};

struct gmem_protected {
	struct gmem_backend be; /* first */
	const struct gmem_hyp_ops *hyp_ops;
	void *hyp;
	const struct gmem_env_ops *env_ops;
	void *env;
	struct gmem_records records;
	void *spare; /* leaves for when an unmap splits a run */
	u64 batch;   /* pages a hypercall takes */
	bool pinned; /* pages are donated */
};

struct gmem_protected_config {
	const struct gmem_hyp_ops *hyp_ops;
	void *hyp;
	const struct gmem_env_ops *env_ops; /* for the records' lock and memory */
	void *env;
	u32 page_shift;
	u64 batch;	/* pages a hypercall takes, a power of two; or one block that is larger */
	u64 largest;	/* no block of more pages is offered */
	bool pinned;
};

/**
 * gmem_protected_block_orders() - the blocks that the backend offers.
 * @page_shift, @largest: as in the configuration.
 * @order: set to log2 of the pages of each, ascending; 0: no more.
 */
void gmem_protected_block_orders(u32 page_shift, u64 largest, u32 order[3]);

/* gmem_protected_init() - a backend without mappings. */
void gmem_protected_init(struct gmem_protected *p, const struct gmem_protected_config *cfg);

/**
 * gmem_protected_forget() - EL2's teardown of the VM has given everything back.
 * Frames that @destroy could not reclaim are returned. No hypercall is made. Lock: none;
 * nobody uses @p any more.
 */
void gmem_protected_forget(struct gmem_protected *p);

/**
 * gmem_protected_relinquished() - a protected guest has given one frame up for good.
 * @cache: topped up: three leaves.
 * EL2 has given the frame to the host, zeroed. If it is the last of what the environment
 * holds as one, returned() is called. The guest may be given memory there again.
 * Locks: none held; takes both for writing. Errors: -ENOENT no such record; -ENOMEM too few
 * leaves; -EPERM not a protected VM. Nothing has changed then.
 */
int gmem_protected_relinquished(struct gmem_protected *p, u64 gfn, struct gmem_cache *cache);

#endif /* CORE_GMEM_PROTECTED_H */
