// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults of several vCPUs in parallel, against each other and against exclusive
 * operations, for ThreadSanitizer to watch.
 *
 * Shared operations run under the read side of a lock and exclusive ones under its
 * write side, as <core/pgtable.h> asks. What a table leads to is known whatever the
 * order: an input address maps to itself, or to itself plus ALT. Tables that shared
 * operations detach are freed when the write side is next held, and are overwritten
 * then, so that a walker still inside is a race. At the end the tables are walked
 * as a CPU would, and every page of them is counted.
 *
 *	run_pgtable_threads [--rounds N] [--seed N]
 */
#include <pthread.h>
#include <sched.h>

#include "dead.h"
#include "expect.h"
#include "mem.h"
#include "rng.h"
#include "walk.h"

#include <core/pgtable.h>

#define THREADS  4
#define AREA     ((u64)4 << 21) /* four level 2 blocks, in two places */
#define FAR      ((u64)1 << 30)
#define ALT      ((u64)1 << 33)

struct machine {
	struct pgt_geometry geo;
	struct pgt pgt;
	struct walk_regime reg;
	struct mem mem;
	pthread_mutex_t mem_lock;
	pthread_rwlock_t lock;
	struct dead_tables dead;
	u64 seed;
	u32 rounds;
};

struct vcpu {
	struct machine *m;
	struct rng rng;
	struct pgt_memcache mc;
	u64 maps, again, races, wrong;
	char problem[160];
};

static struct machine machine;

#define complain(v, ...)                                                                           \
	do {                                                                                       \
		if (!(v)->wrong++)                                                                 \
			snprintf((v)->problem, sizeof((v)->problem), __VA_ARGS__);                 \
	} while (0)

/* ---- The environment ---- */

static void *to_virt(void *ctx, pa_t pa)
{
	struct machine *m = ctx;

	port_assert(mem_holds_pa(&m->mem, pa.v));
	return mem_to_host(&m->mem, pa.v);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	struct machine *m = ctx;

	return pa(mem_to_pa(&m->mem, virt));
}

static void free_table(void *ctx, void *table)
{
	struct machine *m = ctx;

	pthread_mutex_lock(&m->mem_lock);
	mem_free(&m->mem, table);
	pthread_mutex_unlock(&m->mem_lock);
}

static void defer_free(void *ctx, struct pgt *pgt, void *table, s8 level)
{
	struct machine *m = ctx;

	(void)pgt;
	dead_add(&m->dead, table, level);
}

/* Between break and make: let somebody else run. */
static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	(void)ctx;
	(void)plan;
	sched_yield();
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.defer_free = defer_free,
	.tlb_flush = tlb_flush,
};

static void top_up(struct vcpu *v)
{
	pthread_mutex_lock(&v->m->mem_lock);
	while (v->mc.count < 8)
		pgt_memcache_push(&v->mc, mem_alloc_rubbish(&v->m->mem));
	pthread_mutex_unlock(&v->m->mem_lock);
}

/* ---- What vCPUs do ---- */

static u64 random_page(struct vcpu *v)
{
	u64 page = rng_below(&v->rng, AREA >> 12) << 12;

	/* Half of the faults go to a few pages, so that they meet. */
	if (rng_chance(&v->rng, 50))
		page &= 0x00603000;
	return page + (rng_chance(&v->rng, 50) ? FAR : 0);
}

static void check_leaf(struct vcpu *v, u64 ia, u32 prot, bool young)
{
	struct pgt_leaf leaf;
	u64 pa;
	int rc = pgt_s2_get_leaf(&v->m->pgt, ipa(ia), &leaf);

	if (rc) {
		complain(v, "get_leaf(%#llx): %d", ia, rc);
		return;
	}
	/* Another thread may be replacing it just now. */
	if (leaf.kind == PGT_LOCKED)
		return;
	if (leaf.kind != PGT_LEAF) {
		complain(v, "%#llx has kind %d after it was mapped", ia, leaf.kind);
		return;
	}
	pa = leaf.pa.v + (ia - leaf.ia);
	if (pa != ia && pa != ia + ALT)
		complain(v, "%#llx leads to %#llx", ia, pa);
	if ((leaf.prot & prot) != prot || (young && (leaf.prot & PGT_PROT_OLD)))
		complain(v, "%#llx has prot %#x, less than %#x", ia, leaf.prot, prot);
}

/* A translation fault: as a page or as a block, seldom to the other place. */
static void fault_map(struct vcpu *v)
{
	bool block = rng_chance(&v->rng, 30), alt = rng_chance(&v->rng, 10);
	u64 size = block ? (u64)1 << 21 : (u64)1 << 12, ia = random_page(v) & ~(size - 1);
	struct pgt_op op = {.flags = PGT_OP_SHARED, .mc = &v->mc};
	int rc;

	if (block && rng_chance(&v->rng, 50))
		op.flags |= PGT_OP_REPLACE;
	if (!block)
		op.max_shift = 12;
	top_up(v);
	pthread_rwlock_rdlock(&v->m->lock);
	rc = pgt_s2_map(&v->m->pgt, &op, ipa(ia), size, pa(alt ? ia + ALT : ia),
			PGT_PROT_R | PGT_PROT_X);
	v->maps++;
	if (rc == -EAGAIN)
		v->again++;
	else if (rc)
		complain(v, "map(%#llx, %#llx): %d", ia, size, rc);
	else
		check_leaf(v, ia, PGT_PROT_R, false);
	pthread_rwlock_unlock(&v->m->lock);
}

/* A permission or access flag fault. */
static void fault_attributes(struct vcpu *v)
{
	u64 ia = random_page(v);
	int rc;

	pthread_rwlock_rdlock(&v->m->lock);
	if (rng_chance(&v->rng, 50))
		rc = pgt_s2_mkyoung(&v->m->pgt, ipa(ia));
	else
		rc = pgt_s2_relax_perms(&v->m->pgt, ipa(ia), PGT_PROT_W, 0);
	if (rc == -EAGAIN)
		v->races++;
	else if (rc && rc != -ENOENT)
		complain(v, "mkyoung or relax_perms(%#llx): %d", ia, rc);
	pthread_rwlock_unlock(&v->m->lock);
}

static int count_leaf(void *arg, const struct pgt_leaf *leaf)
{
	struct vcpu *v = arg;

	if (leaf->kind == PGT_LEAF && leaf->pa.v != leaf->ia && leaf->pa.v != leaf->ia + ALT)
		complain(v, "walk: %#llx leads to %#llx", leaf->ia, leaf->pa.v);
	return 0;
}

static void look_or_split(struct vcpu *v)
{
	u64 ia = random_page(v) & ~(((u64)1 << 21) - 1);
	struct pgt_op op = {.flags = PGT_OP_SHARED, .mc = &v->mc};
	int rc;

	top_up(v);
	pthread_rwlock_rdlock(&v->m->lock);
	if (rng_chance(&v->rng, 70)) {
		rc = pgt_walk(&v->m->pgt, &op, ia, (u64)1 << 21, count_leaf, v);
	} else {
		rc = pgt_s2_split(&v->m->pgt, &op, ipa(ia), (u64)1 << 21);
		if (rc == -EAGAIN)
			rc = 0;
	}
	if (rc)
		complain(v, "walk or split(%#llx): %d", ia, rc);
	pthread_rwlock_unlock(&v->m->lock);
}

static void exclusive(struct vcpu *v)
{
	u64 ia = random_page(v), size = (u64)1 << (12 + rng_below(&v->rng, 10));
	struct pgt *pgt = &v->m->pgt;
	struct pgt_op op = {.mc = &v->mc};
	bool flag;
	int rc;

	ia &= ~(size - 1);
	top_up(v);
	pthread_rwlock_wrlock(&v->m->lock);
	switch (rng_below(&v->rng, 5)) {
	case 0:
		rc = pgt_s2_unmap(pgt, &op, ipa(ia), size);
		break;
	case 1:
		rc = pgt_s2_wrprotect(pgt, &op, ipa(ia), size, &flag);
		break;
	case 2:
		rc = pgt_s2_test_clear_young(pgt, &op, ipa(ia), size, true, &flag);
		break;
	case 3:
		rc = pgt_s2_coalesce(pgt, &op, ipa(ia), size, NULL);
		break;
	default:
		rc = pgt_s2_unmap(pgt, &op, ipa(ia & ~(((u64)1 << 21) - 1)), (u64)1 << 21);
	}
	if (rc)
		complain(v, "exclusive operation at %#llx: %d", ia, rc);
	dead_free(&v->m->dead, &v->m->pgt);
	pthread_rwlock_unlock(&v->m->lock);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	u32 i;

	for (i = 0; i < v->m->rounds && !v->wrong; i++) {
		u64 what = rng_below(&v->rng, 100);

		if (what < 55)
			fault_map(v);
		else if (what < 80)
			fault_attributes(v);
		else if (what < 92)
			look_or_split(v);
		else
			exclusive(v);
	}
	return NULL;
}

/* ---- Before and after ---- */

static void set_up(struct machine *m)
{
	struct pgt_cpu_features cpu = {.granule_s1 = {1, 1, 1},
				       .granule_s2 = {1, 1, 1},
				       .pa_bits = 48,
				       .vmid_bits = 8,
				       .tlbirange = true};
	struct pgt_request req = {.stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 32};
	const struct walk_cpu walk_cpu = {.pa_bits = 48, .tlbirange = true};
	void *root;

	expect(!pgt_geometry_init(&m->geo, &req, &cpu));
	mem_init(&m->mem, (size_t)256 << 20);
	mem_reset(&m->mem, (u64)5 << 32, 12);
	root = mem_alloc(&m->mem, m->geo.root_tables, (size_t)m->geo.root_align);
	expect(!pgt_init(&m->pgt, &m->geo, root, &env, m, 0));
	m->reg = walk_decode(&walk_cpu, true, m->geo.tcr, mem_to_pa(&m->mem, root), false);
	expect(!m->reg.wrong);
	pthread_mutex_init(&m->mem_lock, NULL);
	pthread_mutex_init(&m->dead.lock, NULL);
	pthread_rwlock_init(&m->lock, NULL);
}

/* Every address of both areas, as a CPU walks. Returns the number of pages mapped. */
static u32 walk_all(struct machine *m)
{
	u64 ia, far;
	u32 mapped = 0;

	for (far = 0; far <= FAR; far += FAR)
		for (ia = far; ia < far + AREA; ia += 4096) {
			struct walk_result res =
				walk_translate(&m->reg, ia, mem_read_desc, &m->mem);

			if (res.fault == WALK_TRANSLATION)
				continue;
			expect(res.fault == WALK_OK && (res.oa == ia || res.oa == ia + ALT));
			mapped++;
		}
	return mapped;
}

static void tear_down(struct machine *m, struct vcpu *vcpus)
{
	struct pgt_op op = {0};
	void *page;
	int i;

	dead_free(&m->dead, &m->pgt);
	for (i = 0; i < THREADS; i++)
		while ((page = pgt_memcache_pop(&vcpus[i].mc)))
			mem_free(&m->mem, page);
	expect(!pgt_s2_unmap(&m->pgt, &op, ipa(0), (u64)1 << 32));
	expect(m->mem.in_use == m->geo.root_tables);
	mem_fini(&m->mem);
}

static int report(struct machine *m, struct vcpu *vcpus)
{
	u64 maps = 0, again = 0, races = 0;
	u32 mapped = walk_all(m);
	char words[160];
	int i;

	for (i = 0; i < THREADS; i++) {
		maps += vcpus[i].maps;
		again += vcpus[i].again;
		races += vcpus[i].races;
		if (vcpus[i].wrong)
			printf("  vCPU %d: %s\n", i, vcpus[i].problem);
		expect(!vcpus[i].wrong);
	}
	snprintf(words, sizeof(words),
		 "%d threads: %llu maps (%llu found it done), %llu lost races, %u pages at the end",
		 THREADS, maps, again, races, mapped);
	tear_down(m, vcpus);
	printf("# seed %llu\n", m->seed);
	return expect_done(words);
}

int main(int argc, char **argv)
{
	static struct vcpu vcpus[THREADS];
	pthread_t thread[THREADS];
	struct machine *m = &machine;
	int i;

	m->seed = 1;
	m->rounds = 60000;
	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			m->seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rounds"))
			m->rounds = (u32)strtoul(argv[i + 1], NULL, 0);
	}
	set_up(m);
	for (i = 0; i < THREADS; i++) {
		vcpus[i].m = m;
		vcpus[i].rng = rng_seeded(m->seed * 16 + (u64)i);
		if (pthread_create(&thread[i], NULL, vcpu_thread, &vcpus[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return report(m, vcpus);
}
