// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of the input choose a regime and a stream of operations on it, exactly as
 * a seed does for run_pgtable; everything that the judge checks is checked. A finding
 * is printed as a list of calls.
 */
#include "../judge/sequence.h"

#define OPERATIONS 48

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct world *world;
	static struct sequence seq;
	struct rng rng = rng_from_bytes(data, size);

	if (!world) {
		world = malloc(sizeof(*world));
		if (!world)
			abort();
		world_init(world);
		world->bare = true;
	}
	sequence_make(&seq, &rng, OPERATIONS);
	if (sequence_run(world, &seq) < 0)
		return 0;
	printf("FAILED: %s\n", world_problem(world));
	sequence_print(&seq);
	fflush(stdout);
	abort();
}
