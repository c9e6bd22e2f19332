// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operation that takes table pages, run dry after 0, 1, 2, ... pages.
 *
 * Random sequences of operations make a state; each operation in them that takes
 * pages is then tried on that state with every number of pages up to what it needs.
 * After each failure the whole address space is compared with the flat map, no page
 * may be lost, and the same call, made again from where it stopped and with enough
 * pages, must finish the job.
 *
 *	run_pgtable_oom [--quick]
 */
#include "expect.h"
#include "sequence.h"

#define SEQUENCES 400
#define MAX_PAGES 40

static struct world world;
static struct sequence seq;
static u64 failures[OP_KINDS], resumed[OP_KINDS];

static bool takes_pages(const struct op *op)
{
	switch (op->kind) {
	case OP_S2_MAP:
	case OP_S2_MAP_PFNS:
	case OP_S2_SPLIT:
	case OP_S2_UNLINKED:
	case OP_S2_SET_OWNER:
	case OP_S1_MAP:
		return true;
	default:
		return false;
	}
}

static bool replay(u32 n)
{
	u32 i;

	if (!world_start(&world, &seq.spec))
		return false;
	world.thorough = false;
	for (i = 0; i < n; i++) {
		op_run(&world, &seq.op[i]);
		if (world_problem(&world))
			return false;
	}
	exec_flush_gather(&world);
	world.thorough = true;
	return !world_problem(&world);
}

/* The rest of an operation that ran dry, with pages in plenty. */
static void resume(const struct op *op)
{
	struct op rest = *op;

	rest.ia += world.done;
	rest.to += world.done;
	rest.size -= world.done;
	rest.mc_pages = 255;
	rest.budget = 0;
	op_run(&world, &rest);
	if (!world_problem(&world) && world.rc != -ENOMEM)
		resumed[op->kind]++;
}

static void complain(u32 i, u32 pages)
{
	if (!world_problem(&world))
		return;
	printf("  %s\n  with %u pages for the last of:\n", world_problem(&world), pages);
	seq.n = i + 1;
	seq.op[i].mc_pages = (u8)pages;
	sequence_print(&seq);
	expect_failures++;
}

/* Returns false when the operation no longer runs dry, or something is wrong. */
static bool run_dry(u32 i, u32 pages)
{
	struct op op = seq.op[i];

	op.mc_pages = (u8)pages;
	op.gather = false;
	if (replay(i)) {
		world.rc = 0;
		op_run(&world, &op);
	}
	if (!world_problem(&world) && world.rc == -ENOMEM) {
		failures[op.kind]++;
		if (op.kind == OP_S2_UNLINKED)
			world_stop(&world, 0);
		else
			resume(&op);
		return !world_problem(&world);
	}
	return false;
}

/* Blocks to split are rare by chance: what was just mapped is split, every other time. */
static void split_what_was_mapped(u64 k)
{
	u32 i;

	for (i = 1; i < seq.n; i++)
		if (((i + k) & 1) && seq.op[i - 1].kind == OP_S2_MAP) {
			seq.op[i] = seq.op[i - 1];
			seq.op[i].kind = OP_S2_SPLIT;
		}
}

static void one_sequence(u64 k)
{
	struct rng rng = rng_seeded(0x00a11c + k);
	u32 i, pages;

	sequence_make(&seq, &rng, 12);
	split_what_was_mapped(k);
	for (i = 0; i < seq.n && !expect_failures; i++) {
		if (!takes_pages(&seq.op[i]))
			continue;
		for (pages = 0; pages < MAX_PAGES; pages++)
			if (!run_dry(i, pages))
				break;
		complain(i, pages);
	}
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	u64 k, sequences = quick ? SEQUENCES / 4 : SEQUENCES;
	int failed = 0;
	u8 kind;

	world_init(&world);
	for (k = 0; k < sequences && !expect_failures; k++)
		one_sequence(k);
	failed |= expect_done("nothing is lost or leaked wherever memory runs out");
	for (kind = 0; kind < OP_KINDS; kind++) {
		struct op op = {.kind = kind};
		char words[96];

		if (!takes_pages(&op))
			continue;
		expect(failures[kind] > 0 && (resumed[kind] > 0 || kind == OP_S2_UNLINKED));
		snprintf(words, sizeof(words), "%s: %llu points of failure, %llu resumed",
			 op_name(&op), failures[kind], resumed[kind]);
		failed |= expect_done(words);
	}
	world_fini(&world);
	return failed;
}
