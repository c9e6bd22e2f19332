/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for core/ownership to run on, which watches what is done to it.
 *
 * Address spaces are arrays with one entry a page. Everything that the library can
 * change lies in one block of memory (the arena), so that a state is saved, restored
 * and compared by memcpy() and memcmp(). The hooks look at every single edit:
 *
 *  - locks: the host's first, then one other, and edits under the right ones only;
 *  - an edit happens only if it was prepared, and only if the step may succeed;
 *  - at every moment the components that map a page are a subset of those that may
 *    map it before the step, or of those that may after it: so the old owner has lost
 *    a page before the new one gets it (invariant 3);
 *  - a page is zeroed while nobody maps it, and what the host gets to see is not the
 *    contents of a hyp's or a protected guest's page (invariant 4);
 *  - a guest never gets a page whose lines may be dirty in the host's cache.
 */
#ifndef JUDGE_OWNERSHIP_WORLD_H
#define JUDGE_OWNERSHIP_WORLD_H

#include "ownership_target.h"

#define JO_SPACES (2 + JO_GUESTS) /* indexed by identity: host, hyp, guests */

struct jo_world;

struct jo_aspace {
	struct own_space space;
	struct jo_world *world;
	struct jo_slot *entry; /* in the arena */
	u32 nr;
};

enum jo_lookup {
	JO_LOOKUP_RUNS,   /* as many equal pages as there are */
	JO_LOOKUP_SINGLE, /* one page at a time */
	JO_LOOKUP_HOLES,  /* as runs, but a hole is reported to its very end */
};

struct jo_world {
	struct jo_target target;
	struct jo_aspace *aspace;
	u32 *records;
	u32 *bait; /* what lies in records of frames that are no RAM */
	struct own_device *devices;
	u8 *data;  /* who wrote last: JO_DATA_* */
	u8 *stale; /* lines of the host's may be dirty, and the host has lost the page */
	u8 *arena;
	size_t arena_size;
	u8 *scratch; /* as large as the arena */

	struct vmemmap_region region[JO_FRAMES];
	u32 nr_regions;

	/* How the environment behaves. */
	enum jo_lookup lookup;
	s32 fail_after; /* prepares that still succeed; negative: all do */

	/* What is being done. */
	const struct jo_model *before, *after; /* NULL: any edit is one too many */
	bool unwatched; /* several steps at once: edits are not looked at one by one */
	u32 held;       /* bit mask of locks */
	u32 prepares;
	bool prepared_any;
	u8 prepared[JO_SPACES][JO_FRAMES];
	u8 cleaned[JO_FRAMES];
};

extern const struct own_space_ops jo_array_ops;
extern const struct own_env_ops jo_array_env;

/* A world in which everything is the host's. */
void jo_world_init(struct jo_world *world, const struct jo_shape *shape);
void jo_world_fini(struct jo_world *world);

/* Puts the world into the state that the model describes. */
void jo_world_load(struct jo_world *world, const struct jo_model *model);

/*
 * Is the world in the state that the model describes, to the byte? If not, the first
 * difference becomes the problem. Afterwards every page holds what its owner wrote.
 */
bool jo_world_compare(struct jo_world *world, const struct jo_model *model);

/* Saves what the library can change, to arena_size bytes; brings it back; compares. */
void jo_world_save(const struct jo_world *world, void *to);
void jo_world_restore(struct jo_world *world, const void *from);
bool jo_world_equals(const struct jo_world *world, const void *saved);

/* A step begins: it may lead from @before to @after (NULL: it must be refused). */
void jo_world_expect(struct jo_world *world, const struct jo_model *before,
		     const struct jo_model *after);

/* Bit mask of the components that have a valid mapping of the frame. */
u32 jo_world_users(const struct jo_world *world, u32 frame);

/*
 * Invariants 1, 3 and 4 in this state, from the records and mappings alone: the model
 * has no say in it.
 */
void jo_world_invariants(struct jo_world *world);

/* The answers to questions: lists, records, host ranges, empty guests. */
void jo_world_questions(struct jo_world *world, const struct jo_model *model);

#endif /* JUDGE_OWNERSHIP_WORLD_H */
