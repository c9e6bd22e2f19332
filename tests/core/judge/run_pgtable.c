// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on random page tables, compared with a flat map, an independent
 * walk and a TLB model.
 *
 *	run_pgtable [--seed N] [--ops N] [--sequence K]
 *
 * The same seed makes the same operations everywhere. --sequence runs one of them
 * again (the number is printed when it fails), comparing everything every time.
 */
#include <time.h>

#include "sequence.h"

static struct world world;
static struct sequence seq;

struct run {
	u64 seed, ops, only;
	bool one;
};

/* What was covered, by the kind of tables. */
struct tally {
	u64 ops, sequences;
};

static struct tally tally[3][6];

static unsigned int row_of(const struct pgt_geometry *geo)
{
	return 2u * PGT_GRANULE_INDEX(geo->granule_shift) + (geo->format != PGT_FORMAT_48);
}

static void make(struct run *r, u64 k)
{
	struct rng rng = rng_seeded(r->seed * 1000003 + k);

	sequence_make(&seq, &rng, (u32)(20 + rng_below(&rng, 300)));
}

static int report(struct run *r, u64 k, int failed)
{
	printf("# operation %d of sequence %llu: %s\n", failed, k, world_problem(&world));
	printf("# shrinking %u operations\n", seq.n);
	fflush(stdout);
	sequence_shrink(&world, &seq);
	printf("FAILED: %s\n", world_problem(&world) ? world_problem(&world) : "(not repeatable)");
	sequence_print(&seq);
	printf("  again: --seed %llu --sequence %llu\n", r->seed, k);
	return 1;
}

static int print_tally(const struct run *r)
{
	static const char *const row[6] = {"4K, 48 bits", "4K, LPA2",     "16K, 48 bits",
					   "16K, LPA2",   "64K, 48 bits", "64K, LPA"};
	u64 total = 0;
	int stage, i;

	for (stage = 1; stage <= 2; stage++) {
		for (i = 0; i < 6; i++) {
			const struct tally *t = &tally[stage][i];

			total += t->ops;
			if (!t->ops)
				continue;
			printf("ok: stage %d, %s: %llu operations in %llu sequences\n", stage,
			       row[i], t->ops, t->sequences);
		}
	}
	printf("# seed %llu, %llu operations, %.1f s\n", r->seed, total,
	       (double)clock() / CLOCKS_PER_SEC);
	return 0;
}

static int run(struct run *r)
{
	u64 k = r->one ? r->only : 0, done = 0;
	clock_t spoke = clock();

	printf("# seed %llu\n", r->seed);
	do {
		struct pgt_geometry geo;
		int failed;

		make(r, k);
		failed = sequence_run(&world, &seq);
		if (failed >= 0)
			return report(r, k, failed);
		if (!pgt_geometry_init(&geo, &seq.spec.req, &seq.spec.cpu)) {
			tally[geo.stage][row_of(&geo)].ops += seq.n;
			tally[geo.stage][row_of(&geo)].sequences++;
		}
		done += seq.n;
		k++;
		if (clock() - spoke > 4 * CLOCKS_PER_SEC) {
			spoke = clock();
			printf("# %llu operations\n", done);
			fflush(stdout);
		}
	} while (done < r->ops && !r->one);
	return print_tally(r);
}

int main(int argc, char **argv)
{
	struct run r = {.seed = 1, .ops = 1000000};
	int i, failed;

	for (i = 1; i + 1 < argc; i += 2) {
		u64 v = strtoull(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--seed")) {
			r.seed = v;
		} else if (!strcmp(argv[i], "--ops")) {
			r.ops = v;
		} else if (!strcmp(argv[i], "--sequence")) {
			r.only = v;
			r.one = true;
		} else {
			break;
		}
	}
	if (i < argc) {
		fprintf(stderr, "usage: %s [--seed N] [--ops N] [--sequence K]\n", argv[0]);
		return 2;
	}
	world_init(&world);
	world.thorough = r.one;
	failed = run(&r);
	world_fini(&world);
	return failed;
}
