/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory as the VMM sees it: memslots, stage-2 faults, the host's MMU
 * notifications, the dirty log and ageing, above a backend (gmem_backend.h) that
 * holds the translations.
 *
 * Locks, outermost first. The caller's *slots mutex* serialises everything that
 * changes slots or reads the dirty log. *Readers' sections* (SRCU in Linux) keep a
 * slot that was found alive. The *mmu lock* is held for reading by faults and for
 * writing by all that takes translations away; it may be a spinning lock. The
 * environment provides all three through struct gmem_env_ops.
 *
 * How an invalidation and a fault meet (invariant 9). A fault samples the sequence
 * count, resolves the host's page without any lock, takes the mmu lock for reading,
 * and maps only if the count is the same and no invalidation of that address is in
 * progress. An invalidation notes its range and removes the translations under the
 * lock held for writing; its end advances the count. So either the fault's mapping
 * is there to be removed, or the fault finds out and starts again.
 */
#ifndef CORE_GMEM_H
#define CORE_GMEM_H

#include <core/gmem_backend.h>
#include <core/gmem_ring.h>
#include <core/gmem_tree.h>

#define GMEM_SLOTS_MAX	    32764u
#define GMEM_SLOT_PAGES_MAX 0x7fffffffu

/* Flags of a region: the values of KVM_MEM_*. */
#define GMEM_LOG_DIRTY (1u << 0)
#define GMEM_READONLY  (1u << 1)

/* One memslot. Fields but flags and dirty never change while it can be found. */
struct gmem_slot {
	struct gmem_node by_gfn[2]; /* one a generation */
	struct gmem_node by_hva[2];
	struct gmem_node by_id;
	u64 gfn;
	u64 pages;
	u64 hva;
	u32 id;
	u32 flags; /* GMEM_*; changes under the mmu lock held for writing */
	u32 dead;  /* on its way out: faults must try again; set under the mmu lock */
	u64 *dirty; /* bit n%64 of word n/64: page n; NULL unless logging */
};

/* A host page as resolve() found it. */
struct gmem_page {
	u64 pfn;	/* of the page at the asked-for address */
	u32 order;	/* log2 of the pages around it, aligned in hva and pfn alike, that are one
			 * physically contiguous piece mapped by the host as such */
	bool writable;	/* the host lets this process write it */
	bool device;	/* not RAM: map as device memory */
	bool noncached; /* not RAM: map as Normal non-cacheable */
	bool referenced; /* release() has something to let go */
	void *cookie;	/* the environment's own */
};

/* What resolve() is asked for. */
#define GMEM_WANT_WRITE (1u << 0)
#define GMEM_WANT_EXEC	(1u << 1)

/* How release() is told that the page was used. */
enum gmem_release {
	GMEM_RELEASE_UNUSED, /* was not mapped */
	GMEM_RELEASE_CLEAN,  /* mapped for reading */
	GMEM_RELEASE_DIRTY,  /* mapped writable: the host must take it for dirty and accessed */
};

/* The two locks that gmem and the `protected` backend take. */
enum gmem_lock {
	GMEM_LOCK_MMU,
	GMEM_LOCK_RECORDS, /* inside the mmu lock */
};

struct gmem_env_ops {
	/**
	 * @resolve: find the host page at @hva. May sleep, no lock is held.
	 * Errors: -EFAULT nothing there or no right to it; GMEM_EHWPOISON the page is broken,
	 * and page->order says how much of it; -EINTR a signal is pending; -EAGAIN.
	 */
	int (*resolve)(void *env, u64 hva, u32 want, struct gmem_page *page);
	/**
	 * @release: done with the page. For a used one the mmu lock is held for reading, so
	 * that an invalidation of the page comes after its being marked dirty; else no lock.
	 * For pages of a protected VM (gmem_config.pinned) it is called only if the page did
	 * not become the guest's.
	 */
	void (*release)(void *env, struct gmem_page *page, enum gmem_release how);
	/**
	 * @prepare: called before the guest can use @pages from @pfn with @prot, under the mmu
	 * lock held for reading: cache maintenance. @prot holds what is newly allowed.
	 */
	void (*prepare)(void *env, u64 pfn, u64 pages, u32 prot);
	/* @topup: fill @cache for one fault, after -ENOMEM with more. May sleep. */
	int (*topup)(void *env, struct gmem_cache *cache, bool more);
	/* @drain: a cache that gmem itself filled is not needed any more. No lock is held. */
	void (*drain)(void *env, struct gmem_cache *cache);

	void *(*alloc)(void *env, size_t bytes); /* zeroed; may sleep */
	void *(*alloc_now)(void *env, size_t bytes); /* zeroed; under locks; may well fail */
	void (*free)(void *env, void *p, size_t bytes);

	void (*lock)(void *env, enum gmem_lock lock, bool write);
	void (*unlock)(void *env, enum gmem_lock lock, bool write);
	/* @relax: the mmu lock is held for writing: let others have it for a moment. */
	void (*relax)(void *env);

	u32 (*enter)(void *env); /* a readers' section begins; it may sleep and may nest */
	void (*leave)(void *env, u32 token);
	void (*sync)(void *env); /* waits until all sections that began before have ended */
};

#define GMEM_EHWPOISON (-133) /* as Linux numbers it on most architectures */

struct gmem_config {
	const struct gmem_env_ops *ops;
	void *env;
	struct gmem_backend *backend;
	u32 page_shift; /* log2 of the host's page in bytes */
	u32 ipa_bits;	/* size of the guest's physical address space */
	bool pinned;	/* pages are donated: pinned for good, notifications do not apply */
	bool exec_free; /* executing needs no cache maintenance: all RAM is mapped executable */
};

/* One of the two generations of slots: the trees that readers look in. */
struct gmem_slots {
	struct gmem_tree by_gfn;
	struct gmem_tree by_hva;
};

struct gmem_stats {
	/* Approximate: counted without a lock. */
	u64 faults;	/* that mapped something new */
	u64 fast;	/* access flag and dirty faults that needed no resolve */
	u64 retries;	/* met an invalidation or another vCPU */
	u64 invalidations;
};

struct gmem {
	const struct gmem_env_ops *ops;
	void *env;
	struct gmem_backend *be;
	u32 page_shift;
	u32 ipa_bits;
	bool pinned;
	bool exec_free;

	/* Slots mutex; `active` is read in readers' sections and under the mmu lock. */
	struct gmem_slots slots[2];
	u64 active;	    /* index into slots */
	u64 generation;	    /* of the slots; grows with every change */
	struct gmem_tree by_id;
	u64 slot_pages;	    /* in all slots */
	u32 nslots;
	bool manual_protect; /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
	bool initially_set;
	bool rings;	    /* vCPUs note their writes in rings, the bits are for others' */
	u64 split_chunk;    /* pages that eager splitting does at once; 0: split on faults */

	/* mmu lock: written with it held for writing, seq also sampled without it. */
	u64 seq;
	u64 invalidating;   /* how many invalidations are in progress */
	u64 inv_start;	    /* their union, in bytes of hva */
	u64 inv_end;

	struct gmem_stats stats;
};

/* Why the guest stopped. */
enum gmem_fault_kind {
	GMEM_FAULT_TRANSLATION,
	GMEM_FAULT_PERMISSION,
	GMEM_FAULT_ACCESS, /* the access flag is clear */
};

struct gmem_fault {
	u64 gfn;
	enum gmem_fault_kind kind;
	bool write;
	bool exec;
	struct gmem_ring *ring; /* the vCPU's; NULL: writes are noted in the slot's bits */
};

/* What became of a fault. */
enum gmem_result {
	GMEM_DONE,   /* let the guest go on (or try again) */
	GMEM_RETRY,  /* nothing changed; let the guest try again */
	GMEM_NOSLOT, /* no memory there */
	GMEM_RDONLY, /* a write to a read-only slot: an MMIO exit; if pinned, any access to one,
		      * since what is given away can't be kept from being written */
	GMEM_POISON, /* the host's page is broken: SIGBUS, see hva and order */
	GMEM_NOEXEC, /* an instruction fetch from what isn't RAM */
	GMEM_FAILED, /* error says why: -EFAULT, -EINTR, -ENOMEM, -EPERM */
};

struct gmem_outcome {
	enum gmem_result result;
	int error;
	u64 hva;   /* of the page; 0 with GMEM_NOSLOT */
	u32 order; /* of the poisoned piece */
	u64 unused; /* donated pages: those that resolve() found around the one, and that stayed */
};

/* As struct kvm_userspace_memory_region. */
struct gmem_region {
	u32 id;
	u32 flags;
	u64 gpa;   /* bytes */
	u64 bytes; /* 0 deletes the slot */
	u64 hva;
};

/**
 * gmem_init() - an empty guest memory.
 * @g: zeroed or garbage.
 * @cfg: copied; what it points to lives as long as @g.
 */
void gmem_init(struct gmem *g, const struct gmem_config *cfg);

/**
 * gmem_destroy() - remove all translations and free all slots.
 * @g: no vCPU, reader or notifier is left. Also destroys the backend.
 */
void gmem_destroy(struct gmem *g);

/**
 * gmem_set_region() - add, delete, move or re-flag a memslot (KVM_SET_USER_MEMORY_REGION).
 * @r: checked as hostile input; that hva is user memory is the caller's to check.
 *
 * Lock: slots mutex; may sleep. Errors, with nothing changed: -EINVAL misaligned, wrapping,
 * too large, unknown flags, or a change that an existing slot does not allow; -EEXIST overlaps
 * another slot; -EFAULT beyond ipa_bits; -EPERM not with donated pages; -ENOMEM.
 */
int gmem_set_region(struct gmem *g, const struct gmem_region *r);

/**
 * gmem_slot_of_gfn() - the slot around a guest frame.
 * Lock: a readers' section or the slots mutex. Return: NULL if there is none.
 */
struct gmem_slot *gmem_slot_of_gfn(const struct gmem *g, u64 gfn);

/* gmem_slot_of_id() - the same by number. Lock: slots mutex. */
struct gmem_slot *gmem_slot_of_id(const struct gmem *g, u32 id);

/**
 * gmem_hva() - the host address of a guest frame.
 * @write: the caller wants to write: a read-only slot is -EPERM.
 * @hva: set to the address in bytes.
 *
 * Lock: a readers' section. Errors: -ENOENT, -EPERM, -EAGAIN while the slot is on its way out.
 */
int gmem_hva(const struct gmem *g, u64 gfn, bool write, u64 *hva);

/**
 * gmem_fault() - handle a stage-2 fault.
 * @cache: the vCPU's; filled by topup() as needed.
 * @out: what to do next.
 *
 * Lock: none; may sleep. Runs in parallel with everything.
 */
void gmem_fault(struct gmem *g, const struct gmem_fault *f, struct gmem_cache *cache,
		struct gmem_outcome *out);

/**
 * gmem_invalidate_start() - the host is about to change [@start, @end), bytes of hva.
 * @may_sleep: relax() may be called.
 * When it returns, no vCPU can use an old translation, and until the matching
 * gmem_invalidate_end() no fault makes a new one. Lock: none; a readers' section inside.
 */
void gmem_invalidate_start(struct gmem *g, u64 start, u64 end, bool may_sleep);
void gmem_invalidate_end(struct gmem *g, u64 start, u64 end);

/**
 * gmem_change_pte() - the host now maps another page at @hva, outside of start and end.
 * The translation is removed; the next fault finds the new page. Lock: none.
 */
void gmem_change_pte(struct gmem *g, u64 hva);

/**
 * gmem_age() - whether the guest used any page of [@start, @end), bytes of hva, lately.
 * @clear: make them old.
 * @flush: and make sure that the next use is noticed, at the price of a TLB invalidation.
 * Lock: none.
 */
bool gmem_age(struct gmem *g, u64 start, u64 end, bool clear, bool flush);

/* gmem_unmap_all() - remove every translation: the host's address space is going. Lock: none. */
void gmem_unmap_all(struct gmem *g);

/* gmem_flush_caches() - clean all mapped pages to the point of coherency. Lock: none. */
void gmem_flush_caches(struct gmem *g);

/**
 * gmem_mark_dirty() - note a write to a guest frame that no fault has announced.
 * @ring: of the vCPU in whose name and thread it was, if it has one; else NULL.
 * Lock: a readers' section, not the mmu lock. Call it after the write, in the section in
 * which the frame's address was looked up.
 */
void gmem_mark_dirty(struct gmem *g, u64 gfn, struct gmem_ring *ring);

/**
 * gmem_dirty_bits() - a slot's log, for reading, and its length in @words u64 words.
 * Bits are set meanwhile, and with manual_protect cleared by nobody but
 * gmem_clear_dirty_log(). Lock: slots mutex. Return: NULL, and 0 words, if there is no
 * such slot or it keeps no log.
 */
const u64 *gmem_dirty_bits(const struct gmem *g, u32 id, u64 *words);

/**
 * gmem_get_dirty_log() - read a slot's log (KVM_GET_DIRTY_LOG).
 * @out: as many words as gmem_dirty_bits() says, bit n of word m: page 64*m+n.
 * Without manual_protect the log is emptied, and the pages are write-protected again,
 * before it returns. Lock: slots mutex. Errors: -ENOENT.
 */
int gmem_get_dirty_log(struct gmem *g, u32 id, u64 *out);

/**
 * gmem_clear_dirty_log() - empty part of a slot's log (KVM_CLEAR_DIRTY_LOG).
 * @first: page in the slot, a multiple of 64.
 * @pages: a multiple of 64, or up to the slot's end.
 * @bits: a word for each 64 pages; set bits are the ones to clear.
 * Lock: slots mutex. Errors: -ENOENT, -EINVAL.
 */
int gmem_clear_dirty_log(struct gmem *g, u32 id, u64 first, u64 pages, const u64 *bits);

/**
 * gmem_ring_reset() - empty what the VMM has collected of a ring (KVM_RESET_DIRTY_RINGS).
 * The pages are write-protected before it returns, so that their next write is noted again.
 * Lock: slots mutex. Return: how many entries there were, at most the ring's size.
 */
u64 gmem_ring_reset(struct gmem *g, struct gmem_ring *r);

#endif /* CORE_GMEM_H */
