/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What guest memory asks of the translation tables behind it: functions that match
 * the traditional stage-2 ones one to one (requirement 000), whoever edits the
 * tables. `direct` edits them itself, `protected` asks EL2.
 *
 * Addresses are guest frame numbers, sizes are pages of the host's granule. The
 * functions over a range do a bounded amount of work and say how far they came, so
 * that the caller can let others have the lock; pages that are not mapped count as
 * done. "mmu lock" is the lock of struct gmem; "shared" means held for reading.
 */
#ifndef CORE_GMEM_BACKEND_H
#define CORE_GMEM_BACKEND_H

#include "redoubt_port.h"

/* Access to a page: what a mapping allows. The values are those of RD_PROT_*. */
#define GMEM_PROT_R	 (1u << 0)
#define GMEM_PROT_W	 (1u << 1)
#define GMEM_PROT_X	 (1u << 2)
#define GMEM_PROT_DEVICE (1u << 3)
#define GMEM_PROT_NC	 (1u << 4)

struct gmem_backend;

/* Leaves that one operation may need. */
#define GMEM_CACHE_LEAVES 3

/* What a fault brings along so that nothing is allocated under a lock; one a vCPU. */
struct gmem_cache {
	void *leaves; /* of the records of `protected`: GMEM_CACHE_LEAVES, by gmem_leaf_push() */
	void *tables; /* for the tables of `direct`: the environment's own type */
};

/* A mapped page as the backend knows it. */
struct gmem_mapping {
	u64 gfn;   /* first of the block or page around the asked-for frame */
	u64 pfn;   /* what @gfn is mapped to */
	u64 pages; /* in the block: 1 for a page */
	bool host_writable; /* the host lets the VM write here; the entry itself may be read-only */
	bool device;
};

/*
 * How to age: 0 looks only; CLEAR makes what is young old; FLUSH, with it, takes that out of
 * the TLBs, which would hide that it is used again.
 */
#define GMEM_AGE_CLEAR 1U
#define GMEM_AGE_FLUSH 2U

struct gmem_backend_ops {
	const char *name;

	/**
	 * @map: map @pages frames from @gfn to the @pages frames from @pfn, one page or one
	 * block whose size the backend offers; whatever was mapped there is replaced.
	 * @host_writable: kept for @lookup, whether or not @prot has GMEM_PROT_W.
	 * Lock: mmu lock, shared. Errors, with nothing changed for the frames' present user:
	 * -EAGAIN another vCPU mapped the range meanwhile (let the guest try again),
	 * -ENOMEM the cache ran dry (top up, try again), -E2BIG a block won't do here (try a
	 * page), -EPERM the page may not be had.
	 */
	int (*map)(struct gmem_backend *be, u64 gfn, u64 pages, u64 pfn, u32 prot,
		   bool host_writable, struct gmem_cache *cache);

	/**
	 * @unmap: remove every mapping that meets the range, whole blocks at a time, and
	 * invalidate the TLBs before it returns.
	 * Lock: mmu lock, for writing. It does not fail for want of memory.
	 */
	int (*unmap)(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done);

	/**
	 * @wrprotect: take write access from every mapping that meets the range. TLBs are
	 * left to @flush_tlb. Lock: mmu lock, for writing.
	 */
	int (*wrprotect)(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done);

	/* @flush: clean the range's mapped pages to the point of coherency. Lock: mmu, shared. */
	int (*flush)(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done);

	/**
	 * @test_clear_young: whether any mapping that meets the range was used since it was
	 * made old; @age (GMEM_AGE_*) says what else to do.
	 * Lock: mmu lock, for writing. Return: 1 young, 0 old, or an error.
	 */
	int (*test_clear_young)(struct gmem_backend *be, u64 gfn, u64 pages, u32 age,
				u64 *done);

	/**
	 * @relax_perms: add @prot to what the mapping of @gfn allows.
	 * Lock: mmu lock, shared. Errors: -EAGAIN it is not mapped (any more).
	 */
	int (*relax_perms)(struct gmem_backend *be, u64 gfn, u32 prot);

	/* @mkyoung: make the mapping of @gfn young, if there is one. Lock: mmu lock, shared. */
	void (*mkyoung)(struct gmem_backend *be, u64 gfn);

	/**
	 * @split: turn blocks that meet the range into pages, with the same access.
	 * Lock: mmu lock, for writing; or shared, where @shared_split says so.
	 * Errors: -ENOMEM with progress in @done; what is not split stays as it was.
	 */
	int (*split)(struct gmem_backend *be, u64 gfn, u64 pages, struct gmem_cache *cache,
		     u64 *done);

	/**
	 * @collapse: remove pages which a block could map instead, whole blocks' worth, so
	 * that the next fault brings the block back. Lock: mmu lock, for writing.
	 */
	int (*collapse)(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done);

	/**
	 * @lookup: the mapping of @gfn.
	 * Lock: mmu lock, shared. Errors: -ENOENT it is not mapped.
	 */
	int (*lookup)(struct gmem_backend *be, u64 gfn, struct gmem_mapping *m);

	/* @flush_tlb: invalidate what TLBs hold of the range. Lock: mmu lock, shared. */
	void (*flush_tlb)(struct gmem_backend *be, u64 gfn, u64 pages);

	/* @destroy: remove everything and free the backend's own memory. No vCPU is left. */
	void (*destroy)(struct gmem_backend *be);
};

/* The first member of every backend. */
struct gmem_backend {
	const struct gmem_backend_ops *ops;
	u32 block_order[3]; /* log2 of pages of each block size, ascending; 0: no more */
	bool shared_split;  /* @split may run with the mmu lock held for reading */
};

#endif /* CORE_GMEM_BACKEND_H */
