/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with real page tables: host, hyp and up to four guests over core/pgtable,
 * through the adapter of core/ownership, in any granule and format.
 *
 * A frame of the model is a chunk of one or many pages (a whole block, for instance),
 * so that blocks are made and split. Whenever a leaf goes live, the judge looks who can
 * reach the page at this very moment, by tables or by a stale TLB entry: these must
 * be some of those that may before the step, or some of those that may after it.
 */
#ifndef JUDGE_OWNERSHIP_MACHINE_H
#define JUDGE_OWNERSHIP_MACHINE_H

#include "ownership_tables.h"
#include "ownership_target.h"
#include "rng.h"

#define JM_SPACES  (2 + JO_GUESTS)
#define JM_DEVICES 4

struct jm_machine {
	struct jo_target target;
	struct jo_shape shape;
	struct own_ctx ctx;
	struct vmemmap_region region[JO_FRAMES];
	struct own_device devices[JM_DEVICES];
	u32 *records;
	u32 nr_records; /* room */
	struct vmemmap_count *counts[JO_FRAMES]; /* by region, in the room of all_counts */
	struct vmemmap_count *all_counts;
	struct pgt_cpu_features cpu;
	struct jt_tables tables[JM_SPACES];
	bool gfn_at_top[JO_GUESTS]; /* beyond the guest's last frame there is nothing */
	u64 zeroed[JO_FRAMES];      /* pages zeroed in this step */
	u8 data[JO_FRAMES];
	const struct jo_model *before, *after;
	bool small;      /* no more than 512 pages a frame, for many short runs */
	bool all_at_top; /* that of every guest */
	u32 pool_pages;  /* in each pool, before a step */
	u64 makes;       /* leaves that went live, and were looked at */
	u64 starved;
	struct rng rng;       /* where to look */
	struct rng shape_rng; /* what the next guest is like */
};

void jm_init(struct jm_machine *m);
void jm_fini(struct jm_machine *m);

/*
 * A new machine, of a shape that @rng chooses. With @shape, its frames and guests are as
 * there (and page size, addresses, chunks, formats are chosen). @model becomes its state.
 */
bool jm_start(struct jm_machine *m, struct rng *rng, const struct jo_shape *shape,
	      struct jo_model *model);

/* Everything is given back and taken apart; no page of tables may be missing. */
bool jm_stop(struct jm_machine *m, struct jo_model *model);

/*
 * A step, as the model says. With @starve, pools hold too few pages at first, and one
 * more each time, until the step succeeds: until then nothing may change.
 */
bool jm_step(struct jm_machine *m, struct jo_model *model, const struct jo_step *step,
	     enum jo_door door, bool starve);

/*
 * A step that the model refuses for one of @refusals: no descriptor may be written. What
 * else must not change, the caller sees by jm_compare().
 */
bool jm_refuse(struct jm_machine *m, const struct jo_model *model, const struct jo_step *step,
	       enum jo_door door, u64 refusals);

/* The host touches a page: it must get it exactly if the page is its to use. */
bool jm_touch(struct jm_machine *m, const struct jo_model *model, u32 frame, u64 page);

/* Is the machine in this state? Looks at everything that a CPU could see. */
bool jm_compare(struct jm_machine *m, const struct jo_model *model);

/* The shape, for people. */
void jm_print(const struct jm_machine *m);

#endif /* JUDGE_OWNERSHIP_MACHINE_H */
