/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An environment for unit tests of core/pgtable: an arena of table pages at a physical
 * address of the test's choice, which knows how many are in use, and keeps a record of
 * every plan and every cache maintenance call.
 */
#ifndef PGTABLE_ENV_H
#define PGTABLE_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <core/pgtable.h>

#define KiB(n) ((u64)(n) << 10)
#define MiB(n) ((u64)(n) << 20)
#define GiB(n) ((u64)(n) << 30)
#define TiB(n) ((u64)(n) << 40)

#define ENV_BYTES    ((size_t)64 << 20)
#define ENV_PLANS    64
#define ENV_DEFERRED 4

struct env_range {
	u64 pa, size;
};

struct env {
	u8 *mem;
	u64 phys;  /* of mem */
	u8 shift;  /* of a page */
	size_t next;
	void *free;
	s32 in_use; /* pages handed out, in memcaches or in trees */
	struct pgt_tlb_plan plan[ENV_PLANS];
	u32 plans, publishes, cleans, invals;
	u64 clean_bytes, inval_bytes;
	struct env_range last_clean, last_inval;
	struct {
		void *table;
		s8 level;
	} deferred[ENV_DEFERRED];
	u32 ndeferred;
	/* Called at each flush, before it is recorded: a race in the making. */
	void (*at_flush)(struct env *env);
	/* Called once, the next time: when a table's address is asked for, or at an icache call. */
	void (*once_at_to_pa)(struct env *env);
	void (*once_at_inval)(struct env *env);
	void *arg;
};

/* All features; 52 bits. */
static inline struct pgt_cpu_features env_cpu(void)
{
	return (struct pgt_cpu_features){
		.granule_s1 = { PGT_GRANULE_LPA2, PGT_GRANULE_LPA2, PGT_GRANULE_48 },
		.granule_s2 = { PGT_GRANULE_LPA2, PGT_GRANULE_LPA2, PGT_GRANULE_48 },
		.pa_bits = 52, .vmid_bits = 16, .bbm = 2, .ha = true, .hd = true, .xnx = true,
		.fwb = true, .ttl = true, .ttst = true, .lva = true, .tlbirange = true,
	};
}

static inline void *env_to_virt(void *ctx, pa_t pa)
{
	struct env *env = ctx;

	assert_true(pa.v >= env->phys && pa.v - env->phys < ENV_BYTES);
	return env->mem + (size_t)(pa.v - env->phys);
}

static inline void env_once(struct env *env, void (**hook)(struct env *env))
{
	void (*fn)(struct env *env) = *hook;

	*hook = NULL;
	if (fn)
		fn(env);
}

static inline pa_t env_to_pa(void *ctx, const void *virt)
{
	struct env *env = ctx;

	env_once(env, &env->once_at_to_pa);
	return pa(env->phys + (u64)((const u8 *)virt - env->mem));
}

static inline void env_free_table(void *ctx, void *table)
{
	struct env *env = ctx;

	memset(table, 0xa5, (size_t)1 << env->shift);
	*(void **)table = env->free;
	env->free = table;
	env->in_use--;
}

static inline void env_defer_free(void *ctx, struct pgt *pgt, void *table, s8 level)
{
	struct env *env = ctx;

	(void)pgt;
	assert_true(env->ndeferred < ENV_DEFERRED);
	env->deferred[env->ndeferred].table = table;
	env->deferred[env->ndeferred++].level = level;
}

static inline void env_publish(void *ctx)
{
	((struct env *)ctx)->publishes++;
}

static inline void env_tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	struct env *env = ctx;

	assert_true(plan->n >= 1 && plan->n <= PGT_TLBI_MAX);
	if (env->at_flush)
		env->at_flush(env);
	env->plan[env->plans++ % ENV_PLANS] = *plan;
}

static inline void env_clean(void *ctx, pa_t pa, u64 size)
{
	struct env *env = ctx;

	env->cleans++;
	env->clean_bytes += size;
	env->last_clean = (struct env_range){ pa.v, size };
}

static inline void env_inval(void *ctx, pa_t pa, u64 size)
{
	struct env *env = ctx;

	env_once(env, &env->once_at_inval);
	env->invals++;
	env->inval_bytes += size;
	env->last_inval = (struct env_range){ pa.v, size };
}

static const struct pgt_env env_ops = {
	.to_virt = env_to_virt,
	.to_pa = env_to_pa,
	.free_table = env_free_table,
	.defer_free = env_defer_free,
	.publish = env_publish,
	.tlb_flush = env_tlb_flush,
	.dcache_clean_inval = env_clean,
	.icache_inval = env_inval,
};

static inline void *env_page(struct env *env)
{
	void *page = env->free;

	if (page) {
		env->free = *(void **)page;
	} else {
		assert_true(env->next + ((size_t)1 << env->shift) <= ENV_BYTES);
		page = env->mem + env->next;
		env->next += (size_t)1 << env->shift;
	}
	env->in_use++;
	/* Pages come dirty: core is to clear what it uses. */
	memset(page, 0x5a, (size_t)1 << env->shift);
	return page;
}

static inline void env_fill(struct env *env, struct pgt_memcache *mc, u32 n)
{
	while (mc->count < n)
		pgt_memcache_push(mc, env_page(env));
}

static inline void env_drain(struct env *env, struct pgt_memcache *mc)
{
	void *page;

	while ((page = pgt_memcache_pop(mc)))
		env_free_table(env, page);
}

static inline const struct pgt_tlb_plan *env_last_plan(const struct env *env)
{
	assert_true(env->plans > 0);
	return &env->plan[(env->plans - 1) % ENV_PLANS];
}

/* A world with one set of tables. */
struct world {
	struct env env;
	struct pgt_geometry geo;
	struct pgt pgt;
	struct pgt_memcache mc;
	struct pgt_op op;
};

static inline struct world *world_with(const struct pgt_request *req,
				       const struct pgt_cpu_features *cpu, u32 flags)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(pgt_geometry_init(&w->geo, req, cpu), 0);
	w->env.shift = w->geo.granule_shift;
	w->env.phys = w->geo.oa_bits > 48 ? 0x7000080000000ULL : 0x80000000ULL;
	assert_int_equal(posix_memalign((void **)&w->env.mem, (size_t)1 << 20, ENV_BYTES), 0);
	memset(w->env.mem, 0, (size_t)1 << 20);
	w->env.next = (size_t)1 << 20; /* the first megabyte is the root's */
	assert_int_equal(pgt_init(&w->pgt, &w->geo, w->env.mem, &env_ops, &w->env, flags), 0);
	w->op.mc = &w->mc;
	return w;
}

static inline struct world *world_s2(u8 granule_shift, u8 ia_bits)
{
	struct pgt_cpu_features cpu = env_cpu();
	struct pgt_request req = {
		.stage = PGT_STAGE2, .granule_shift = granule_shift, .ia_bits = ia_bits,
		.oa_bits = ia_bits > 48 ? 52 : 48, .ha = true,
	};

	return world_with(&req, &cpu, PGT_FWB);
}

/* Ends @w: tears the tables down, and finds every page back. */
static inline void world_end(struct world *w)
{
	struct pgt_op op = { 0 };

	assert_int_equal(pgt_s2_destroy(&w->pgt, &op), 0);
	assert_true(op.done == 1ULL << w->geo.ia_bits);
	env_drain(&w->env, &w->mc);
	assert_int_equal(w->env.in_use, 0);
	free(w->env.mem);
	free(w);
}

static inline struct pgt_leaf leaf_at(struct world *w, u64 ia)
{
	struct pgt_leaf leaf;

	assert_int_equal(pgt_s2_get_leaf(&w->pgt, ipa(ia), &leaf), 0);
	return leaf;
}

static inline void assert_leaf(struct world *w, u64 ia, u64 to, s8 level, u32 prot)
{
	struct pgt_leaf leaf = leaf_at(w, ia);

	assert_int_equal(leaf.kind, PGT_LEAF);
	assert_int_equal(leaf.level, level);
	assert_true(leaf.size == pgt_level_size(&w->geo, level));
	assert_true(leaf.pa.v + (ia - leaf.ia) == to);
	assert_int_equal(leaf.prot, prot);
}

static inline void assert_kind(struct world *w, u64 ia, enum pgt_kind kind)
{
	assert_int_equal(leaf_at(w, ia).kind, kind);
}

#endif /* PGTABLE_ENV_H */
