// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory, one step at a time: a guest, a host that plays with the VMM's memory,
 * and a VMM that changes slots and reads dirty logs, all at random; after every step
 * everything is compared (gm_check_all()), and the VMM's view is held against a model:
 * which writes the dirty log owes it, and which pages were used since they were made
 * old (invariants 8, 9, 10).
 *
 * --seed N, --ops N, --quick.
 */
#include <stdio.h>

#include "expect.h"
#include "gmem_env.h"

#define SLOTS 7
#define IDS   9 /* some never exist */

struct model_slot {
	bool used;
	u64 gfn, pages, hvn;
	u32 flags;
	bool wrote[GM_GFNS];  /* by page: the log owes it, or a ring */
	bool marked[GM_GFNS]; /* the same of the log, if there are rings */
};

struct run {
	struct gm_machine m;
	struct rng rng;
	struct model_slot slot[IDS];
	bool touched[GM_GFNS];
	bool soft[GM_GFNS]; /* made old without a flush: a TLB may hide its next use */
	u64 ops, accesses, regions, regions_done, logs, ages, young, collected, full;
};

static struct model_slot *slot_at(struct run *r, u64 gfn)
{
	u32 i;

	for (i = 0; i < IDS; i++) {
		if (r->slot[i].used && gfn - r->slot[i].gfn < r->slot[i].pages)
			return &r->slot[i];
	}
	return NULL;
}

/* ---- The guest ---- */

static void step_access(struct run *r)
{
	struct model_slot *slot;
	u64 gfn = rng_below(&r->rng, GM_GFNS);
	u32 c = (u32)rng_below(&r->rng, GM_CPUS), n = (u32)rng_below(&r->rng, 6);
	bool write = rng_chance(&r->rng, 60), exec = rng_chance(&r->rng, 20);
	enum gm_access got;

	/* A few in a row, as guests do. */
	for (; n-- && gfn < GM_GFNS; gfn++) {
		slot = slot_at(r, gfn);
		got = gm_access(&r->m, c, gfn, write, exec);
		r->accesses++;
		gm_check((got == GM_NOTHING) == !slot);
		if (slot)
			gm_check((got == GM_REFUSED) == (write && (slot->flags & GMEM_READONLY)));
		if (got != GM_OK)
			continue;
		slot->wrote[gfn - slot->gfn] |= write;
		r->touched[gfn] |= r->m.cpu[c].walked || !r->soft[gfn];
	}
}

/* ---- The VMM's slots ---- */

static bool overlaps(struct run *r, u64 gfn, u64 pages, const struct model_slot *but)
{
	u32 i;

	for (i = 0; i < IDS; i++) {
		const struct model_slot *s = &r->slot[i];

		if (s->used && s != but && gfn < s->gfn + s->pages && s->gfn < gfn + pages)
			return true;
	}
	return false;
}

/* What gmem_set_region() has to answer. */
static int expected(struct run *r, const struct gmem_region *reg)
{
	struct model_slot *old = reg->id < IDS ? &r->slot[reg->id] : NULL;
	u64 gfn = reg->gpa >> GM_SHIFT, pages = reg->bytes >> GM_SHIFT;

	if (reg->id >= GMEM_SLOTS_MAX || (reg->flags & ~3u))
		return -EINVAL;
	if ((reg->gpa | reg->bytes | reg->hva) & ((1u << GM_SHIFT) - 1))
		return -EINVAL;
	if (!reg->bytes)
		return old && old->used ? 0 : -EINVAL;
	if (gfn + pages > GM_GFNS)
		return -EFAULT;
	if (old && old->used) {
		if (old->pages != pages || gm_hva(old->hvn) != reg->hva ||
		    ((old->flags ^ reg->flags) & GMEM_READONLY))
			return -EINVAL;
	}
	return overlaps(r, gfn, pages, old) ? -EEXIST : 0;
}

static void model_region(struct run *r, const struct gmem_region *reg)
{
	struct model_slot *s = &r->slot[reg->id];
	bool logged = s->used && (s->flags & GMEM_LOG_DIRTY);

	s->used = reg->bytes;
	s->gfn = reg->gpa >> GM_SHIFT;
	s->pages = reg->bytes >> GM_SHIFT;
	s->hvn = (reg->hva >> GM_SHIFT) - GM_HVN0;
	s->flags = reg->flags;
	if (!logged || !(s->flags & GMEM_LOG_DIRTY)) {
		memset(s->wrote, 0, sizeof(s->wrote));
		memset(s->marked, 0, sizeof(s->marked));
	}
}

/* An aligned place now and then, so that blocks are possible. */
static u64 place(struct run *r, u64 below)
{
	u64 at = rng_below(&r->rng, below);

	return rng_chance(&r->rng, 60) ? at & ~63ull : at;
}

static void step_region(struct run *r)
{
	struct gmem_region reg = { .id = (u32)rng_below(&r->rng, SLOTS) };
	const struct model_slot *old = &r->slot[reg.id];
	int want;

	reg.flags = (u32)rng_below(&r->rng, 4) & (rng_chance(&r->rng, 70) ? 1u : 3u);
	reg.gpa = place(r, GM_GFNS) << GM_SHIFT;
	reg.bytes = (1 + rng_below(&r->rng, 300)) << GM_SHIFT;
	reg.hva = gm_hva(place(r, GM_HVNS - 300));
	if (old->used && rng_chance(&r->rng, 70)) {
		/* Move it, change its flags, delete it, or nothing at all. */
		reg.bytes = old->pages << GM_SHIFT;
		reg.hva = gm_hva(old->hvn);
		reg.flags = (reg.flags & 1) | (old->flags & GMEM_READONLY);
		if (rng_chance(&r->rng, 60))
			reg.gpa = old->gfn << GM_SHIFT;
		else if (rng_chance(&r->rng, 40))
			reg.bytes = 0;
	}
	if (rng_chance(&r->rng, 3))
		reg.id = (u32)rng_below(&r->rng, 70000);
	if (rng_chance(&r->rng, 3))
		reg.gpa++;
	if (rng_chance(&r->rng, 3))
		reg.flags |= 4;
	want = expected(r, &reg);
	gm_check(gmem_set_region(&r->m.g, &reg) == want);
	r->regions++;
	if (!want && reg.id < IDS) {
		model_region(r, &reg);
		r->regions_done++;
	} else if (!want && reg.bytes) {
		reg.bytes = 0;
		gm_check(!gmem_set_region(&r->m.g, &reg));
	}
}

/* ---- The dirty log ---- */

/* What the bits of a log owe. */
static bool *owed(struct run *r, struct model_slot *s)
{
	return r->m.g.rings ? s->marked : s->wrote;
}

static void step_get_log(struct run *r)
{
	u32 id = (u32)rng_below(&r->rng, SLOTS);
	struct model_slot *s = &r->slot[id];
	bool logged = s->used && (s->flags & GMEM_LOG_DIRTY);
	u64 bits[GM_GFNS / 64] = { 0 }, words, i;

	gm_check(!gmem_dirty_bits(&r->m.g, id, &words) == !logged);
	gm_check(words == (logged ? (s->pages + 63) / 64 : 0));
	gm_check(gmem_get_dirty_log(&r->m.g, id, bits) == (logged ? 0 : -ENOENT));
	if (!logged)
		return;
	r->logs++;
	for (i = 0; i < GM_GFNS; i++) {
		bool set = bits[i / 64] >> (i % 64) & 1;

		gm_check(set || !owed(r, s)[i]);
		gm_check(!set || i < s->pages);
		if (!r->m.g.manual_protect)
			owed(r, s)[i] = false;
	}
}

static void step_clear_log(struct run *r)
{
	u32 id = (u32)rng_below(&r->rng, SLOTS);
	struct model_slot *s = &r->slot[id];
	bool logged = s->used && (s->flags & GMEM_LOG_DIRTY);
	u64 bits[GM_GFNS / 64], before[GM_GFNS / 64] = { 0 }, i;
	u64 first = rng_below(&r->rng, 5) * 64, pages = rng_below(&r->rng, 5) * 64;
	int want = 0;

	if (rng_chance(&r->rng, 40) && first <= s->pages)
		pages = s->pages - first;
	if (rng_chance(&r->rng, 5))
		first += 1 + rng_below(&r->rng, 63);
	if (!logged)
		want = -ENOENT;
	else if (first % 64 || first > s->pages || pages > s->pages - first ||
		 (pages % 64 && pages != s->pages - first))
		want = -EINVAL;
	for (i = 0; i < GM_GFNS / 64; i++)
		bits[i] = rng_chance(&r->rng, 50) ? ~0ull : rng_next(&r->rng, 7);
	if (logged && r->m.g.manual_protect)
		gm_check(!gmem_get_dirty_log(&r->m.g, id, before));
	gm_check(gmem_clear_dirty_log(&r->m.g, id, first, pages, bits) == want);
	if (want)
		return;
	for (i = 0; i < pages; i++) {
		if (bits[i / 64] >> (i % 64) & 1) {
			/* The VMM has seen it: manual GET shows without clearing. */
			gm_check(!r->m.g.manual_protect || !owed(r, s)[first + i] ||
				 (before[(first + i) / 64] >> ((first + i) % 64) & 1));
			owed(r, s)[first + i] = false;
		}
	}
}

static void step_mark(struct run *r)
{
	u64 gfn = rng_below(&r->rng, GM_GFNS);
	struct model_slot *s = slot_at(r, gfn);
	u32 token = r->m.g.ops->enter(&r->m);

	gmem_mark_dirty(&r->m.g, gfn, NULL);
	r->m.g.ops->leave(&r->m, token);
	if (s)
		owed(r, s)[gfn - s->gfn] = true;
}

/* ---- Dirty rings ---- */

static void saw(void *ctx, u32 id, u64 page)
{
	struct run *r = ctx;
	struct model_slot *s = &r->slot[id % IDS];

	r->collected++;
	if (id >= IDS)
		return;
	if (s->used && page < s->pages)
		s->wrote[page] = false;
}

static void ring_full(struct gm_machine *m, u32 c)
{
	struct run *r = gmem_entry(m, struct run, m);

	(void)c;
	r->full++;
	gm_rings_collect(m, ~0ull, saw, r);
}

static void step_rings(struct run *r)
{
	u64 most = rng_chance(&r->rng, 50) ? ~0ull : rng_below(&r->rng, 20), i, n;

	/* A lazy VMM, or a late one: its vCPUs find their rings full. */
	if (!r->m.g.rings || r->m.late_vmm || rng_chance(&r->rng, 70))
		return;
	gm_rings_spoil(&r->m, &r->rng);
	gm_rings_collect(&r->m, most, saw, r);
	for (i = 0; most > GM_RING && i < IDS; i++) {
		const struct model_slot *s = &r->slot[i];

		for (n = 0; s->used && (s->flags & GMEM_LOG_DIRTY) && n < s->pages; n++)
			gm_check(!s->wrote[n]);
	}
}

/* ---- Ageing ---- */

/* The page is old from now on; so is all of its block, which has one access flag. */
static void grow_old(struct run *r, u64 gfn, bool flush)
{
	u64 mask = (1ull << GM_ORDER(r->m.s2[gfn])) - 1, i;

	for (i = gfn & ~mask; i <= (gfn | mask); i++) {
		if (r->touched[i] || !flush)
			r->soft[i] = !flush;
		r->touched[i] = false;
	}
}

/* Whether the host page of @gfn is one of @n from @first on. */
static bool in_range(struct run *r, u64 gfn, u64 first, u64 n)
{
	const struct model_slot *s = slot_at(r, gfn);

	return s && s->hvn + (gfn - s->gfn) - first < n;
}

/* A CPU that has a page in its TLB uses it again, right after it was made old for sure. */
static void use_again(struct run *r, u32 c, u64 gfn)
{
	const struct model_slot *s = slot_at(r, gfn);
	u64 hva;

	if (gm_access(&r->m, c, gfn, false, false) != GM_OK)
		return;
	hva = gm_hva(s->hvn + (gfn - s->gfn));
	r->touched[gfn] = true;
	gm_check(gmem_age(&r->m.g, hva, hva + 1, false, false));
}

static void step_age(struct run *r)
{
	u64 first = rng_below(&r->rng, GM_HVNS), gfn;
	u64 n = 1 + rng_below(&r->rng, rng_chance(&r->rng, 20) ? GM_HVNS : 80);
	bool clear = rng_chance(&r->rng, 60), flush = rng_chance(&r->rng, 60), want = false, got;
	u32 c = (u32)rng_below(&r->rng, GM_CPUS);
	struct gm_tlb tlb = { 0 };

	if (n > GM_HVNS - first)
		n = GM_HVNS - first;
	for (gfn = 0; gfn < GM_GFNS; gfn++)
		want |= in_range(r, gfn, first, n) && r->touched[gfn] &&
			(r->m.s2[gfn] & GM_VALID);
	for (gfn = 0; gfn < GM_TLB; gfn++) {
		const struct gm_tlb *t = &r->m.cpu[c].tlb[gfn];

		if (t->valid && in_range(r, t->gfn, first, n) && !r->soft[t->gfn] &&
		    r->touched[t->gfn])
			tlb = *t;
	}
	for (gfn = 0; clear && gfn < GM_GFNS; gfn++) {
		if (in_range(r, gfn, first, n))
			grow_old(r, gfn, flush);
	}
	got = gmem_age(&r->m.g, gm_hva(first), gm_hva(first + n), clear, flush);
	gm_check(got || !want);
	r->ages++;
	r->young += got;
	if (!clear)
		return;
	gm_check(!gmem_age(&r->m.g, gm_hva(first), gm_hva(first + n), false, false));
	if (flush && tlb.valid)
		use_again(r, c, tlb.gfn);
}

/* ---- The run ---- */

static void step_settings(struct run *r)
{
	struct gm_machine *m = &r->m;

	/* As KVM_ENABLE_CAP would; the log's meaning changes for logs yet to come. */
	m->starve = rng_chance(&r->rng, 30);
	if (rng_chance(&r->rng, 20)) {
		gmem_unmap_all(&m->g);
		memset(r->touched, 0, sizeof(r->touched));
		memset(r->soft, 0, sizeof(r->soft));
	}
	if (rng_chance(&r->rng, 10))
		gmem_change_pte(&m->g, gm_hva(rng_below(&r->rng, GM_HVNS)));
	if (rng_chance(&r->rng, 10))
		gmem_flush_caches(&m->g);
}

static void step(struct run *r)
{
	u64 what = rng_below(&r->rng, 100);

	if (what < 55)
		step_access(r);
	else if (what < 75)
		gm_host_step(&r->m.host, &r->rng);
	else if (what < 81)
		step_region(r);
	else if (what < 86)
		step_get_log(r);
	else if (what < 90)
		step_clear_log(r);
	else if (what < 91)
		step_mark(r);
	else if (what < 92)
		step_rings(r);
	else if (what < 98)
		step_age(r);
	else
		step_settings(r);
}

static void one_world(u64 seed, u64 ops, struct run *sum)
{
	static struct run r;
	u64 i;

	memset(&r, 0, sizeof(r));
	r.rng = rng_seeded(seed);
	gm_machine_init(&r.m, seed, seed % 4 == 3);
	r.m.host.fail_percent = 3;
	r.m.g.manual_protect = seed / 2 % 3;
	r.m.g.initially_set = seed / 2 % 3 == 2;
	r.m.g.split_chunk = seed / 6 % 2 ? 64 : 0;
	r.m.g.exec_free = seed / 12 % 2;
	if (seed % 3 == 2)
		gm_rings_init(&r.m);
	r.m.ring_full = ring_full;
	if (seed % 3 == 2 && !(seed / 6 % 2))
		gm_rings_late(&r.m);
	for (i = 0; i < ops; i++) {
		gm_at = i;
		step(&r);
		gm_check_all(&r.m);
	}
	if (rng_chance(&r.rng, 50))
		gm_host_poison(&r.m.host, rng_below(&r.rng, GM_HVNS));
	gm_check_all(&r.m);
	sum->accesses += r.accesses;
	sum->regions += r.regions_done;
	sum->logs += r.logs;
	sum->ages += r.ages;
	sum->young += r.young;
	sum->collected += r.collected;
	sum->full += r.full;
	sum->m.host.cows += r.m.host.cows;
	sum->m.host.reuses += r.m.host.reuses;
	sum->m.host.ksm += r.m.host.ksm;
	sum->m.host.swaps += r.m.host.swaps;
	sum->m.host.migrations += r.m.host.migrations;
	sum->m.host.punches += r.m.host.punches;
	sum->m.host.huge += r.m.host.huge;
	sum->m.g.stats.faults += r.m.g.stats.faults;
	sum->m.g.stats.fast += r.m.g.stats.fast;
	sum->m.g.stats.retries += r.m.g.stats.retries;
	sum->m.hypercalls += r.m.hypercalls;
	gm_machine_free(&r.m);
}

static u64 number(const char *s)
{
	return strtoull(s, NULL, 0);
}

int main(int argc, char **argv)
{
	static struct run sum;
	u64 seed = 1, ops = 6000, worlds = 24, i;
	int a;

	for (a = 1; a < argc; a++) {
		if (!strcmp(argv[a], "--seed") && a + 1 < argc)
			seed = number(argv[++a]);
		else if (!strcmp(argv[a], "--ops") && a + 1 < argc)
			ops = number(argv[++a]) / worlds;
		else if (!strcmp(argv[a], "--quick"))
			ops = 1000;
	}
	printf("seed %llu, %llu worlds of %llu steps\n", seed, worlds, ops);
	for (i = 0; i < worlds; i++)
		one_world(seed + i, ops, &sum);
	printf("accesses %llu, slot changes %llu, logs %llu, ages %llu (young %llu)\n",
	       sum.accesses, sum.regions, sum.logs, sum.ages, sum.young);
	printf("rings: %llu collected, %llu times full\n", sum.collected, sum.full);
	printf("host: %llu cow, %llu reuse, %llu ksm, %llu swap, %llu migrate, %llu punch, %llu huge\n",
	       sum.m.host.cows, sum.m.host.reuses, sum.m.host.ksm, sum.m.host.swaps,
	       sum.m.host.migrations, sum.m.host.punches, sum.m.host.huge);
	printf("faults %llu, fast %llu, retries %llu, hypercalls %llu\n", sum.m.g.stats.faults,
	       sum.m.g.stats.fast, sum.m.g.stats.retries, sum.m.hypercalls);
	/* A run in which something never happened would prove nothing about it. */
	expect(sum.m.host.cows && sum.m.host.reuses && sum.m.host.ksm && sum.m.host.swaps);
	expect(sum.m.host.migrations && sum.m.host.punches && sum.m.host.huge);
	expect(sum.collected && sum.full);
	expect(sum.m.g.stats.fast && sum.m.g.stats.retries && sum.young && sum.logs);
	a = expect_done("guest memory under a host that never rests");
	printf("%d passed, %d failed\n", !a, a);
	return a;
}
