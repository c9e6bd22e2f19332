/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of kmod/mmu*.c share: the VM's memory, and how the host's pages
 * and EL2 are asked.
 */
#ifndef REDOUBT_KMOD_MMU_PRIV_H
#define REDOUBT_KMOD_MMU_PRIV_H

#include <core/gmem.h>
#include <core/gmem_protected.h>
#include <linux/mmu_notifier.h>
#include <linux/spinlock.h>

#include "mmu_readers.h"
#include "vm.h"

/* Filled caches wait here for the next fault; vCPUs spread over them. */
#define RD_MMU_STASHES 16

struct rd_mmu {
	struct gmem g;
	struct gmem_protected p;
	struct rd_vm *vm;
	rwlock_t lock;	       /* GMEM_LOCK_MMU */
	rwlock_t records_lock; /* GMEM_LOCK_RECORDS */
	struct rd_readers readers; /* of slots */
	struct mmu_notifier mn;
	bool registered;
	atomic_long_t accounted; /* pages charged to RLIMIT_MEMLOCK, protected VMs */
	atomic_long_t returned;	 /* of these, pages that came back and are charged still */
	bool complained;
	void *stash[RD_MMU_STASHES]; /* lists of leaves */
};

static inline struct rd_mmu *rd_mmu_of(const struct rd_vm *vm)
{
	return vm->mmu.gmem;
}

/* mmu_resolve.c: gmem_env_ops.resolve and release. */
int rd_mmu_resolve(void *env, u64 hva, u32 want, struct gmem_page *page);
void rd_mmu_release(void *env, struct gmem_page *page, enum gmem_release how);

/* Takes @pages off what the VM is charged for. No lock held; sleeps. */
void rd_mmu_uncharge(struct rd_mmu *m, unsigned long pages);

/* The same for what rd_mmu_returned() has counted so far. */
void rd_mmu_uncharge_returned(struct rd_mmu *m);

/* Frames that a protected VM had been lent and has given back. mmu lock held. */
void rd_mmu_returned(struct rd_mmu *m, u64 pfn, u64 pages, u32 order);

/* mmu_cache.c: whether code that was just written can be fetched without maintenance. */
bool rd_mmu_exec_free(void);
/* Makes [@pfn, @pfn + @pages) fit for a guest that gets @prot (GMEM_PROT_*) to it. */
void rd_mmu_prepare(void *env, u64 pfn, u64 pages, u32 prot);
/* Writes the frames back to the point of coherency. */
void rd_mmu_clean(u64 pfn, u64 pages);

/* mmu_hyp.c: the hypercalls of a guest's memory; their argument is struct rd_mmu. */
extern const struct gmem_hyp_ops rd_mmu_hyp_ops;

#endif /* REDOUBT_KMOD_MMU_PRIV_H */
