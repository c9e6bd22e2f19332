// SPDX-License-Identifier: GPL-2.0-only
/*
 * What page-table operations cost per 4K page: batched and one by one, with 1 GiB and
 * with 64 GiB mapped. Stage 2, 4K granule, 48-bit IPAs, four levels, FWB (no cache
 * maintenance), table memory mapped linearly, TLB maintenance planned in full and executed by
 * nobody.
 *
 * One by one, in 1 GiB, means each page in turn, in an empty tree that grows; in 64 GiB,
 * one page in 256, all over the tree.
 */
#include <sys/mman.h>

#include <core/pgtable.h>

#include "bench.h"

#define GIB	    (1ULL << 30)
#define PAGE	    4096ULL
#define PHYS	    0x100000000ULL
#define ARENA_BYTES (192ULL << 20)
#define SPARSE	    256

struct arena {
	u8 *mem;
	u64 used;
	u32 tables; /* in use */
	u32 tlbi, syncs;
	struct pgt_memcache mc;
};

static void *to_virt(void *ctx, pa_t pa)
{
	return ((struct arena *)ctx)->mem + (pa.v - PHYS);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	return pa(PHYS + (u64)((const u8 *)virt - ((struct arena *)ctx)->mem));
}

static void free_table(void *ctx, void *table)
{
	struct arena *a = ctx;

	pgt_memcache_push(&a->mc, table);
}

static void publish(void *ctx)
{
	(void)ctx;
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	struct arena *a = ctx;

	a->tlbi += plan->n;
	a->syncs++;
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.publish = publish,
	.tlb_flush = tlb_flush,
};

static struct arena arena;
static struct pgt_geometry geo;
static struct pgt pgt;

static void setup(void)
{
	const struct pgt_cpu_features cpu = {
		.granule_s1 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.granule_s2 = { PGT_GRANULE_48, PGT_GRANULE_48, PGT_GRANULE_48 },
		.pa_bits = 48, .vmid_bits = 16, .ha = true, .ttl = true, .tlbirange = true,
	};
	const struct pgt_request req = {
		.stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 48, .ha = true,
	};
	int ret = pgt_geometry_init(&geo, &req, &cpu);

	port_assert(!ret);
	arena.mem = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	port_assert(arena.mem != MAP_FAILED);
	/* Touched beforehand: the operating system's page faults aren't what is measured. */
	memset(arena.mem, 0, ARENA_BYTES);
	ret = pgt_init(&pgt, &geo, arena.mem, &env, &arena, PGT_FWB | PGT_LINEAR);
	port_assert(!ret);
	for (arena.used = geo.root_bytes; arena.used < ARENA_BYTES; arena.used += PAGE)
		pgt_memcache_push(&arena.mc, arena.mem + arena.used);
	arena.tables = arena.mc.count;
}

static struct pgt_op op_with(u32 flags)
{
	return (struct pgt_op){ .mc = &arena.mc, .max_shift = 12, .flags = flags };
}

/* Something that the compiler can't see through, so that results are used. */
static volatile u64 sink;

static int count_leaf(void *arg, const struct pgt_leaf *leaf)
{
	*(u64 *)arg += leaf->kind == PGT_LEAF;
	return 0;
}

enum verb { DO_MAP, DO_MAP_SHARED, DO_UNMAP, DO_WRPROTECT, DO_TEST_YOUNG, DO_CLEAR_YOUNG, DO_WALK };

static const char *const verb_name[] = {
	[DO_MAP] = "map",
	[DO_MAP_SHARED] = "map shared",
	[DO_UNMAP] = "unmap",
	[DO_WRPROTECT] = "wrprotect",
	[DO_TEST_YOUNG] = "test_young",
	[DO_CLEAR_YOUNG] = "test_clear_young",
	[DO_WALK] = "walk",
};

/* Does @verb to [@ia, @ia + @size). */
static void do_verb(enum verb verb, u64 ia, u64 size)
{
	struct pgt_op op = op_with(verb == DO_MAP_SHARED ? PGT_OP_SHARED : 0);
	struct pgt_gather gather;
	bool flag = false;
	u64 leaves = 0;
	int ret = 0;

	switch (verb) {
	case DO_MAP:
	case DO_MAP_SHARED:
		ret = pgt_s2_map(&pgt, &op, ipa(ia), size, pa(ia + GIB), PGT_PROT_RWX);
		break;
	case DO_UNMAP:
		ret = pgt_s2_unmap(&pgt, &op, ipa(ia), size);
		break;
	case DO_WRPROTECT:
		pgt_gather_init(&gather);
		op.gather = &gather;
		ret = pgt_s2_wrprotect(&pgt, &op, ipa(ia), size, &flag);
		pgt_gather_flush(&pgt, &gather);
		break;
	case DO_TEST_YOUNG:
		ret = pgt_s2_test_clear_young(&pgt, &op, ipa(ia), size, false, &flag);
		break;
	case DO_CLEAR_YOUNG:
		ret = pgt_s2_test_clear_young(&pgt, &op, ipa(ia), size, true, &flag);
		break;
	case DO_WALK:
		ret = pgt_walk(&pgt, &op, ia, size, count_leaf, &leaves);
		break;
	}
	port_assert(!ret && op.done == size);
	sink += flag + leaves;
}

static const char *name_of(enum verb verb, const char *how, u64 size)
{
	static char names[64][64];
	static u32 next;

	snprintf(names[next], sizeof(names[0]), "%s/%s/%lluGiB", verb_name[verb], how, size / GIB);
	return names[next++ % 64];
}

static void batched(enum verb verb, u64 size)
{
	arena.tlbi = arena.syncs = 0;
	bench_begin(name_of(verb, "batched", size));
	do_verb(verb, 0, size);
	bench_end(size / PAGE);
}

/* Maps each page of [0, @size), or one in @every, as faults would. */
static void map_singly(u32 flags, u64 size, u64 every)
{
	struct pgt_op op = op_with(flags);
	u64 ia, n = 0;
	int ret = 0;

	bench_begin(name_of(flags ? DO_MAP_SHARED : DO_MAP, "single", size));
	for (ia = 0; ia < size; ia += PAGE * every, n++)
		ret |= pgt_s2_map(&pgt, &op, ipa(ia), PAGE, pa(ia + GIB), PGT_PROT_RWX);
	bench_end(n);
	port_assert(!ret);
}

/* Does @verb to each page of [0, @size), or to one in @every. */
static void singly(enum verb verb, u64 size, u64 every)
{
	u64 ia, n = 0;

	bench_begin(name_of(verb, "single", size));
	for (ia = 0; ia < size; ia += PAGE * every, n++)
		do_verb(verb, ia, PAGE);
	bench_end(n);
}

static void get_leaf(u64 size, u64 every)
{
	char name[64];
	struct pgt_leaf leaf;
	u64 ia, n = 0;

	snprintf(name, sizeof(name), "get_leaf/single/%lluGiB", size / GIB);
	bench_begin(name);
	for (ia = 0; ia < size; ia += PAGE * every, n++) {
		pgt_s2_get_leaf(&pgt, ipa(ia), &leaf);
		sink += leaf.pa.v;
	}
	bench_end(n);
}

static void tables_and_tlbis(u64 size)
{
	char name[64];

	snprintf(name, sizeof(name), "tables/%lluGiB", size / GIB);
	bench_value(name, "bytes per GiB",
		    (double)(arena.tables - arena.mc.count) * PAGE / ((double)size / GIB));
}

static void unmap_tlbis(u64 size)
{
	char name[64];

	snprintf(name, sizeof(name), "unmap/batched/%lluGiB", size / GIB);
	bench_value(name, "TLBI and DSB planned", arena.tlbi);
	bench_value(name, "syncs", arena.syncs);
}

static void all_batched(u64 size)
{
	batched(DO_MAP, size);
	tables_and_tlbis(size);
	batched(DO_WALK, size);
	batched(DO_WRPROTECT, size);
	batched(DO_CLEAR_YOUNG, size);
	batched(DO_TEST_YOUNG, size); /* nothing young: looks at every page */
	batched(DO_UNMAP, size);
	unmap_tlbis(size);
	port_assert(arena.mc.count == arena.tables);
	batched(DO_MAP_SHARED, size);
}

/* Everything is mapped at the beginning, and not at the end. */
static void all_single(u64 size, u64 every)
{
	singly(DO_UNMAP, size, every);
	map_singly(0, size, every);
	singly(DO_UNMAP, size, every);
	map_singly(PGT_OP_SHARED, size, every);
	get_leaf(size, every);
	singly(DO_WALK, size, every);
	singly(DO_WRPROTECT, size, every);
	singly(DO_CLEAR_YOUNG, size, every);
	singly(DO_TEST_YOUNG, size, every);
	do_verb(DO_UNMAP, 0, size);
}

int main(void)
{
	setup();
	all_batched(GIB);
	all_single(GIB, 1);
	all_batched(64 * GIB);
	all_single(64 * GIB, SPARSE);
	return 0;
}
