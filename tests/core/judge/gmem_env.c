// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmem's environment on the machine: locks, readers' sections, memory. Each function
 * checks that it is called with the locks that its contract says.
 */
#include <sched.h>

#include "gmem_env.h"

u64 gm_seed;
u32 gm_shift = 6;
u32 gm_huge_order[2] = { 3, 6 };
_Thread_local u64 gm_at;

/* What this thread holds. */
static _Thread_local int mmu_held, records_held; /* 0, 1 read, 2 write */
static _Thread_local int sections;

void gm_fail(const char *file, int line, const char *what)
{
	fflush(stdout);
	printf("FAILED: %s:%d: not so: %s (seed %llu, step %llu)\n", file, line, what, gm_seed,
	       gm_at);
	fflush(stdout);
	abort();
}

int gm_env_mmu_held(void)
{
	return mmu_held;
}

int gm_env_records_held(void)
{
	return records_held;
}

static struct gm_machine *machine(void *env)
{
	return env;
}

static int env_resolve(void *env, u64 hva, u32 want, struct gmem_page *page)
{
	gm_check(!mmu_held && !records_held && sections);
	return gm_host_resolve(&machine(env)->host, hva, want, page);
}

static void env_release(void *env, struct gmem_page *page, enum gmem_release how)
{
	gm_check(how == GMEM_RELEASE_UNUSED ? !mmu_held : mmu_held == 1);
	gm_host_release(&machine(env)->host, page, how);
}

static void env_prepare(void *env, u64 pfn, u64 pages, u32 prot)
{
	(void)env;
	gm_check(mmu_held == 1 && pfn >= GM_PFN0 && pages && prot);
}

static void *env_alloc(void *env, size_t bytes)
{
	gm_check(!mmu_held && !records_held);
	machine(env)->allocated += (long)bytes;
	return calloc(1, bytes);
}

static void *env_alloc_now(void *env, size_t bytes)
{
	if (machine(env)->starve)
		return NULL;
	machine(env)->allocated += (long)bytes;
	return calloc(1, bytes);
}

static void env_free(void *env, void *p, size_t bytes)
{
	if (p)
		machine(env)->allocated -= (long)bytes;
	free(p);
}

static int env_topup(void *env, struct gmem_cache *cache, bool more)
{
	struct gm_machine *m = env;
	u32 have = 0;
	void *leaf;

	gm_check(!mmu_held && !records_held);
	for (leaf = cache->leaves; leaf; leaf = *(void **)leaf)
		have++;
	for (; have < GMEM_CACHE_LEAVES; have++)
		gmem_leaf_push(&cache->leaves, env_alloc(env, gmem_records_leaf_size()));
	if (m->is_direct)
		gm_tables_topup(m, cache);
	if (more) {
		pthread_mutex_lock(&m->el2);
		m->tables += 5;
		pthread_mutex_unlock(&m->el2);
	}
	return 0;
}

static void env_drain(void *env, struct gmem_cache *cache)
{
	void *leaf;

	gm_check(!mmu_held);
	while ((leaf = gmem_leaf_pop(&cache->leaves)))
		env_free(env, leaf, gmem_records_leaf_size());
	gm_tables_drain(env, cache);
}

static void env_lock(void *env, enum gmem_lock lock, bool write)
{
	struct gm_machine *m = env;
	pthread_rwlock_t *l = lock == GMEM_LOCK_MMU ? &m->mmu : &m->records;
	int *held = lock == GMEM_LOCK_MMU ? &mmu_held : &records_held;

	/* The mmu lock is the outer one, and no lock is taken twice. */
	gm_check(!*held && (lock == GMEM_LOCK_RECORDS || !records_held));
	if (write && lock == GMEM_LOCK_MMU)
		atomic_fetch_add(&m->mmu_writers, 1);
	if (write)
		pthread_rwlock_wrlock(l);
	else
		pthread_rwlock_rdlock(l);
	*held = write ? 2 : 1;
}

static void env_unlock(void *env, enum gmem_lock lock, bool write)
{
	struct gm_machine *m = env;
	int *held = lock == GMEM_LOCK_MMU ? &mmu_held : &records_held;

	gm_check(*held == (write ? 2 : 1));
	*held = 0;
	if (write && lock == GMEM_LOCK_MMU)
		atomic_fetch_sub(&m->mmu_writers, 1);
	pthread_rwlock_unlock(lock == GMEM_LOCK_MMU ? &m->mmu : &m->records);
}

static void env_relax(void *env)
{
	gm_check(mmu_held == 2 && !records_held);
	env_unlock(env, GMEM_LOCK_MMU, true);
	sched_yield();
	env_lock(env, GMEM_LOCK_MMU, true);
}

static u32 env_enter(void *env)
{
	struct gm_machine *m = env;
	int idx = atomic_load(&m->generation) & 1;

	gm_check(!mmu_held);
	atomic_fetch_add(&m->readers[idx], 1);
	sections++;
	return (u32)idx;
}

static void env_leave(void *env, u32 token)
{
	gm_check(sections > 0);
	sections--;
	atomic_fetch_sub(&machine(env)->readers[token], 1);
}

/* Twice: a reader may have counted itself in just after the first change. */
static void env_sync(void *env)
{
	struct gm_machine *m = env;
	int round, idx;

	gm_check(!mmu_held && !sections);
	pthread_mutex_lock(&m->sync);
	for (round = 0; round < 2; round++) {
		idx = atomic_fetch_add(&m->generation, 1) & 1;
		while (atomic_load(&m->readers[idx]))
			sched_yield();
	}
	pthread_mutex_unlock(&m->sync);
}

const struct gmem_env_ops gm_env_ops = {
	.resolve = env_resolve,
	.release = env_release,
	.prepare = env_prepare,
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
