// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory with everything at once: vCPUs that touch it, a host that changes its
 * mappings from three threads, a VMM that moves slots and reads dirty logs. Every access
 * is checked while it happens (gmem_machine.c); under the thread sanitizer a stale
 * translation is a race as well, since what a vCPU uses of a page is plain memory to
 * the host that changes it (invariant 9).
 *
 * In rounds: while all run, a migration copies the pages that the log calls dirty, as
 * a VMM does (in every other world the log is rings); at the end of a round the vCPUs stop, the log is read a last time, and
 * the copy must be what the guest has (invariant 10); and everything is compared.
 *
 * --seed N, --ops N (accesses of a vCPU in a round), --quick.
 */
#include <sched.h>
#include <stdio.h>

#include "expect.h"
#include "gmem_env.h"

#define SLOTS 4
#define ROUNDS 12
#define HOSTS  3

/* Slots lie apart, so that a move never collides: each has a third of its share. */
#define SHARE (GM_GFNS / SLOTS)

struct vmm_slot {
	u64 gfn, pages, hvn;
	u32 flags;
};

static struct gm_machine m;
static struct vmm_slot slot[SLOTS];
static u64 copy[GM_HVNS][GM_CPUS];
static atomic_bool stop;
static u64 ops = 1500;

/* ---- vCPUs ---- */

static void *vcpu_main(void *arg)
{
	u32 c = (u32)(uintptr_t)arg;
	struct rng *rng = &m.cpu[c].rng;
	u64 i, gfn = 0;

	for (i = 0; i < ops; i++) {
		gm_at = i;
		gfn = rng_chance(rng, 70) ? gfn + 1 : rng_below(rng, GM_GFNS);
		gm_access(&m, c, gfn % GM_GFNS, rng_chance(rng, 60), rng_chance(rng, 10));
	}
	return NULL;
}

/* ---- The host ---- */

static void *host_main(void *arg)
{
	struct rng *rng = arg;

	while (!atomic_load(&stop)) {
		gm_host_step(&m.host, rng);
		if (rng_chance(rng, 20)) {
			u64 first = rng_below(rng, GM_HVNS - 64);

			gmem_age(&m.g, gm_hva(first), gm_hva(first + 64), rng_chance(rng, 50),
				 rng_chance(rng, 50));
		}
		if (rng_chance(rng, 50))
			sched_yield();
	}
	return NULL;
}

/* ---- The VMM ---- */

static void set(u32 id)
{
	struct gmem_region r = { id, slot[id].flags, slot[id].gfn << GM_SHIFT,
				 slot[id].pages << GM_SHIFT, gm_hva(slot[id].hvn) };

	gm_check(!gmem_set_region(&m.g, &r));
}

static void change_slot(struct rng *rng, u32 id)
{
	struct gmem_region none = { .id = id };

	switch (rng_below(rng, 3)) {
	case 0: /* another place */
		slot[id].gfn = id * SHARE + rng_below(rng, SHARE - slot[id].pages);
		if (rng_chance(rng, 50))
			slot[id].gfn &= ~63ull;
		if (slot[id].gfn < id * SHARE)
			slot[id].gfn = id * SHARE;
		break;
	case 1: /* gone, and back somewhere else in the host, without a log at first */
		gm_check(!gmem_set_region(&m.g, &none));
		slot[id].hvn = rng_below(rng, 2) ? id * SHARE : id * SHARE + rng_below(rng, 60);
		break;
	default:
		break;
	}
	set(id);
}

/* The contents of pages whose bits are set go over, as the VMM sees them. */
static void copy_pages(u32 id, const u64 *bits)
{
	u64 n;
	u32 c;

	for (n = 0; n < slot[id].pages; n++) {
		if (!(bits[n / 64] >> (n % 64) & 1))
			continue;
		for (c = 0; c < GM_CPUS; c++)
			copy[slot[id].hvn + n][c] = gm_host_read(&m.host, slot[id].hvn + n, c);
	}
}

/* Reads the log of a slot, clears it one way or the other, and copies. */
static void sync_log(u32 id)
{
	u64 bits[SHARE / 64 + 1] = { 0 };

	if (!(slot[id].flags & GMEM_LOG_DIRTY))
		return;
	gm_check(!gmem_get_dirty_log(&m.g, id, bits));
	if (m.g.manual_protect)
		gm_check(!gmem_clear_dirty_log(&m.g, id, 0, slot[id].pages, bits));
	copy_pages(id, bits);
}

/* ---- Rings: whoever finds one full makes the VMM collect them all ---- */

static void saw(void *ctx, u32 id, u64 page)
{
	u64 bits[SHARE / 64 + 1] = { 0 };

	(void)ctx;
	gm_check(id < SLOTS);
	if (page >= slot[id].pages)
		return;
	bits[page / 64] = 1ull << (page % 64);
	copy_pages(id, bits);
}

static void collect(struct gm_machine *machine, u32 c)
{
	(void)c;
	pthread_mutex_lock(&machine->slots);
	gm_rings_collect(machine, ~0ull, saw, NULL);
	pthread_mutex_unlock(&machine->slots);
}

static void start_log(u32 id)
{
	u64 all[SHARE / 64 + 1];

	memset(all, 0xff, sizeof(all));
	slot[id].flags = GMEM_LOG_DIRTY;
	set(id);
	copy_pages(id, all);
}

/* Whether the copy has what the guest wrote; pages that went to zero by themselves excepted. */
static void compare(u32 id)
{
	u64 n;
	u32 c;

	if (!(slot[id].flags & GMEM_LOG_DIRTY))
		return;
	for (n = 0; n < slot[id].pages; n++) {
		u64 i = slot[id].hvn + n;

		for (c = 0; c < GM_CPUS; c++) {
			u64 have = gm_host_read(&m.host, i, c);

			/* Punching is the VMM's own doing: it knows without a log. */
			gm_check(!have || have == copy[i][c]);
		}
	}
}

static void run_round(u32 round, struct rng *rng)
{
	static struct rng host_rng[HOSTS];
	pthread_t cpu[GM_CPUS], host[HOSTS];
	u32 c, i;

	atomic_store(&stop, false);
	m.starve = round & 1;
	for (i = 0; i < SLOTS; i++) {
		slot[i].flags = 0;
		change_slot(rng, i);
		if (i % 2 == round % 2)
			start_log(i);
	}
	for (c = 0; c < GM_CPUS; c++)
		pthread_create(&cpu[c], NULL, vcpu_main, (void *)(uintptr_t)c);
	for (i = 0; i < HOSTS; i++) {
		host_rng[i] = rng_seeded(gm_seed * 1000 + round * HOSTS + i);
		pthread_create(&host[i], NULL, host_main, &host_rng[i]);
	}
	for (i = 0; i < 60; i++) {
		u32 id = (u32)rng_below(rng, SLOTS);

		if (m.g.rings && rng_chance(rng, 50))
			collect(&m, 0);
		pthread_mutex_lock(&m.slots);
		if (slot[id].flags & GMEM_LOG_DIRTY)
			sync_log(id);
		else
			change_slot(rng, id);
		pthread_mutex_unlock(&m.slots);
		sched_yield();
	}
	for (c = 0; c < GM_CPUS; c++)
		pthread_join(cpu[c], NULL);
	atomic_store(&stop, true);
	for (i = 0; i < HOSTS; i++)
		pthread_join(host[i], NULL);
	if (m.g.rings)
		collect(&m, 0);
	for (i = 0; i < SLOTS; i++) {
		sync_log(i);
		compare(i);
	}
	gm_check_all(&m);
}

static void one_world(u64 seed, u64 *accesses)
{
	struct rng rng = rng_seeded(seed ^ 0xabc);
	u32 i;

	gm_machine_init(&m, seed, seed & 1);
	memset(copy, 0, sizeof(copy));
	m.host.fail_percent = 2;
	m.g.manual_protect = seed % 3 != 0;
	m.g.initially_set = seed % 3 == 2;
	m.g.split_chunk = seed % 2 ? 8 : 0;
	if (seed / 2 % 2)
		gm_rings_init(&m);
	m.ring_full = collect;
	for (i = 0; i < SLOTS; i++) {
		slot[i] = (struct vmm_slot){ i * SHARE, SHARE * 2 / 3, i * SHARE, 0 };
		set(i);
	}
	for (i = 0; i < ROUNDS; i++)
		run_round(i, &rng);
	printf("  seed %llu: faults %llu, fast %llu, retries %llu, invalidations %llu; cow %llu, ksm %llu, swap %llu, huge %llu\n",
	       seed, m.g.stats.faults, m.g.stats.fast, m.g.stats.retries, m.g.stats.invalidations,
	       m.host.cows, m.host.ksm, m.host.swaps, m.host.huge);
	for (i = 0; i < GM_CPUS; i++)
		*accesses += m.cpu[i].reads + m.cpu[i].writes;
	gm_machine_free(&m);
}

/* ---- A slot that comes while somebody looks at slots under the mmu lock alone ---- */

static void *set_second(void *arg)
{
	set(1);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

/*
 * The generation that was active when the lock was taken stays as it is until it is let go:
 * who changes slots is waiting for the lock by then, and has not got through without it.
 */
static void slots_stay_while_locked(void)
{
	const struct gmem_tree *seen;
	atomic_bool ended = false;
	pthread_t vmm;
	u64 was;
	u32 i;

	gm_machine_init(&m, 1, false);
	for (i = 0; i < 2; i++)
		slot[i] = (struct vmm_slot){ i * SHARE, SHARE / 2, i * SHARE, 0 };
	set(0);
	gm_env_ops.lock(&m, GMEM_LOCK_MMU, false);
	was = port_read_acquire64(&m.g.active);
	seen = &m.g.slots[was].by_hva;
	pthread_create(&vmm, NULL, set_second, &ended);
	while (port_read_acquire64(&m.g.active) == was)
		sched_yield();
	while (!atomic_load(&m.mmu_writers) && !atomic_load(&ended))
		sched_yield();
	gm_check(!atomic_load(&ended));
	gm_check(!gmem_tree_overlap(seen, gm_hva(SHARE), gm_hva(SHARE)));
	gm_env_ops.unlock(&m, GMEM_LOCK_MMU, false);
	pthread_join(vmm, NULL);
	gm_check(gmem_tree_overlap(seen, gm_hva(SHARE), gm_hva(SHARE)));
	gm_machine_free(&m);
}

int main(int argc, char **argv)
{
	u64 seed = 1, i, worlds = 3, accesses = 0;
	int a;

	for (a = 1; a < argc; a++) {
		if (!strcmp(argv[a], "--seed") && a + 1 < argc)
			seed = strtoull(argv[++a], NULL, 0);
		else if (!strcmp(argv[a], "--ops") && a + 1 < argc)
			ops = strtoull(argv[++a], NULL, 0);
		else if (!strcmp(argv[a], "--quick"))
			worlds = 2, ops = 700;
	}
	printf("seed %llu, %llu worlds\n", seed, worlds);
	slots_stay_while_locked();
	gm_host_linger = 6;
	for (i = 0; i < worlds; i++)
		one_world(seed + i, &accesses);
	printf("accesses that were checked: %llu\n", accesses);
	expect(accesses > worlds * ROUNDS * ops);
	a = expect_done("no stale translation, no missing dirty page, with all threads at once");
	printf("%d passed, %d failed\n", !a, a);
	return a;
}
