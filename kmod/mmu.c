// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's memory: core/gmem with its `protected` backend, tied to the VMM's address
 * space by an MMU notifier, and the ioctls and capabilities that are about memory.
 *
 * The environment of core/gmem: the mmu lock and the records' lock are rwlocks, the
 * readers' sections are this VM's own (mmu_readers.h), so that a fault that sleeps
 * (userfaultfd) delays changes of its memslots and nothing else.
 *
 * Locks: vm->slots_lock is gmem's slots mutex; the rest is gmem's (core/gmem.h).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "hvc.h"
#include "mmu_priv.h"
#include "testing.h"

static struct rd_mmu *to_mmu(struct mmu_notifier *mn)
{
	return container_of(mn, struct rd_mmu, mn);
}

/* ---- The environment of core/gmem ---- */

static rwlock_t *lock_of(struct rd_mmu *m, enum gmem_lock which)
{
	return which == GMEM_LOCK_MMU ? &m->lock : &m->records_lock;
}

static void env_lock(void *env, enum gmem_lock which, bool write)
{
	if (write)
		write_lock(lock_of(env, which));
	else
		read_lock(lock_of(env, which));
}

static void env_unlock(void *env, enum gmem_lock which, bool write)
{
	if (write)
		write_unlock(lock_of(env, which));
	else
		read_unlock(lock_of(env, which));
}

static void env_relax(void *env)
{
	struct rd_mmu *m = env;

	cond_resched_rwlock_write(&m->lock);
}

static u32 env_enter(void *env)
{
	struct rd_mmu *m = env;

	return rd_readers_enter(&m->readers);
}

static void env_leave(void *env, u32 token)
{
	struct rd_mmu *m = env;

	rd_readers_leave(&m->readers, token);
}

static void env_sync(void *env)
{
	struct rd_mmu *m = env;

	rd_readers_sync(&m->readers);
}

static void *env_alloc(void *env, size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
}

static void *env_alloc_now(void *env, size_t bytes)
{
	return kzalloc(bytes, GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT);
}

static void env_free(void *env, void *p, size_t bytes)
{
	kvfree(p);
}

/* Table pages that EL2 gets when it has none left: enough for 15 times 2 MiB (4K granule). */
#define TOPUP_PAGES 15

static int env_topup(void *env, struct gmem_cache *cache, bool more)
{
	struct rd_mmu *m = env;
	void *leaf = cache->leaves;
	unsigned int have;

	for (have = 0; leaf && have < GMEM_CACHE_LEAVES; have++)
		leaf = *(void **)leaf;
	for (; have < GMEM_CACHE_LEAVES; have++) {
		leaf = rd_fail_now() ? NULL :
				       kzalloc(gmem_records_leaf_size(), GFP_KERNEL_ACCOUNT);
		if (!leaf)
			return -ENOMEM;
		gmem_leaf_push(&cache->leaves, leaf);
	}
	return more ? rd_el2_vm_topup(m->vm, TOPUP_PAGES) : 0;
}

static void env_drain(void *env, struct gmem_cache *cache)
{
	void *leaf;

	while ((leaf = gmem_leaf_pop(&cache->leaves)))
		kfree(leaf);
}

static const struct gmem_env_ops env_ops = {
	.resolve = rd_mmu_resolve,
	.release = rd_mmu_release,
	.prepare = rd_mmu_prepare,
	.topup = env_topup,
	.drain = env_drain,
	.alloc = env_alloc,
	.alloc_now = env_alloc_now,
	.free = env_free,
	.lock = env_lock,
	.unlock = env_unlock,
	.relax = env_relax,
	.enter = env_enter,
	.leave = env_leave,
	.sync = env_sync,
};

/* ---- The MMU notifier ---- */

static int notify_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	/* Nothing sleeps but the moment's rest in a long range, which must not be then. */
	gmem_invalidate_start(&to_mmu(mn)->g, range->start, range->end,
			      mmu_notifier_range_blockable(range));
	return 0;
}

static void notify_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	gmem_invalidate_end(&to_mmu(mn)->g, range->start, range->end);
}

static int notify_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				    unsigned long start, unsigned long end)
{
	return gmem_age(&to_mmu(mn)->g, start, end, true, true);
}

static int notify_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	/* Callers of this one want it cheap: an entry in a TLB may hide a use for a while. */
	return gmem_age(&to_mmu(mn)->g, start, end, true, false);
}

static int notify_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	return gmem_age(&to_mmu(mn)->g, address, address + 1, false, false);
}

/* The address space goes away; what it maps is freed next. */
static void notify_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	gmem_unmap_all(&to_mmu(mn)->g);
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = notify_start,
	.invalidate_range_end = notify_end,
	.clear_flush_young = notify_clear_flush_young,
	.clear_young = notify_clear_young,
	.test_young = notify_test_young,
	.release = notify_release,
};

/* ---- Life ---- */

static void init_gmem(struct rd_mmu *m)
{
	struct gmem_protected_config p = {
		.hyp_ops = &rd_mmu_hyp_ops,
		.hyp = m,
		.env_ops = &env_ops,
		.env = m,
		.page_shift = PAGE_SHIFT,
		.batch = RD_RANGE_MAX,
		.largest = m->vm->is_protected ? RD_RANGE_MAX : RD_BLOCK_PAGES(PAGE_SHIFT),
		.pinned = m->vm->is_protected,
	};
	struct gmem_config g = {
		.ops = &env_ops,
		.env = m,
		.backend = &m->p.be,
		.page_shift = PAGE_SHIFT,
		.ipa_bits = m->vm->ipa_bits,
		.pinned = m->vm->is_protected,
		.exec_free = rd_mmu_exec_free(),
	};

	gmem_protected_init(&m->p, &p);
	gmem_init(&m->g, &g);
}

int rd_mmu_init(struct rd_vm *vm)
{
	struct rd_mmu *m = rd_fail_now() ? NULL : kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!m)
		return -ENOMEM;
	m->vm = vm;
	rwlock_init(&m->lock);
	rwlock_init(&m->records_lock);
	init_gmem(m);
	ret = rd_readers_init(&m->readers);
	if (ret)
		goto no_readers;
	m->mn.ops = &notifier_ops;
	vm->mmu.gmem = m;
	ret = mmu_notifier_register(&m->mn, vm->mm);
	if (ret)
		goto no_notifier;
	m->registered = true;
	return 0;

no_notifier:
	vm->mmu.gmem = NULL;
	rd_readers_destroy(&m->readers);
no_readers:
	kfree(m);
	return ret;
}

void rd_mmu_destroy(struct rd_vm *vm)
{
	struct rd_mmu *m = rd_mmu_of(vm);

	if (!m)
		return;
	if (m->registered)
		mmu_notifier_unregister(&m->mn, vm->mm);
	m->registered = false;
	/* Donated pages come back with EL2's VM. */
	if (!vm->is_protected)
		m->p.be.ops->destroy(&m->p.be);
}

void rd_mmu_free(struct rd_vm *vm)
{
	struct rd_mmu *m = rd_mmu_of(vm);
	struct gmem_cache cache = {};
	unsigned int i;

	if (!m)
		return;
	gmem_protected_forget(&m->p);
	gmem_destroy(&m->g);
	account_locked_vm(vm->mm, atomic_long_read(&m->accounted), false);
	for (i = 0; i < RD_MMU_STASHES; i++) {
		cache.leaves = m->stash[i];
		env_drain(m, &cache);
	}
	rd_readers_destroy(&m->readers);
	kfree(m);
	vm->mmu.gmem = NULL;
}

void rd_mmu_refresh_stats(struct rd_vm *vm)
{
	struct rd_mmu *m = rd_mmu_of(vm);

	if (!m)
		return;
	read_lock(&m->records_lock);
	WRITE_ONCE(vm->stat.pages_mapped, m->p.records.pages);
	WRITE_ONCE(vm->stat.record_bytes, gmem_records_bytes(&m->p.records));
	read_unlock(&m->records_lock);
}

int rd_mmu_module_init(void)
{
	return 0;
}

void rd_mmu_module_exit(void)
{
}
