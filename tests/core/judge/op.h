/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One operation on page tables, with everything that it depends on written down:
 * a sequence of them can be repeated, cut short, shrunk and printed.
 */
#ifndef JUDGE_OP_H
#define JUDGE_OP_H

#include "world.h"

enum op_kind {
	OP_S2_MAP,
	OP_S2_MAP_PFNS,
	OP_S2_UNMAP,
	OP_S2_WRPROTECT,
	OP_S2_CLEAR_DIRTY,
	OP_S2_TEST_YOUNG,
	OP_S2_CLEAR_YOUNG,
	OP_S2_MKYOUNG,
	OP_S2_RELAX,
	OP_S2_FLUSH,
	OP_S2_SPLIT,
	OP_S2_UNLINKED,
	OP_S2_SET_OWNER,
	OP_S2_COALESCE,
	OP_S2_FLUSH_TLB,
	OP_S1_MAP,
	OP_S1_UNMAP,
	OP_FLUSH_TLB_ALL,
	OP_CPU_ACCESS, /* not core's: a CPU reads or writes, with HA and HD */
	OP_LOOK,       /* get_leaf at one address */
	OP_KINDS,
};

struct op {
	u8 kind;
	u8 max_shift;
	u8 mc_pages;
	u8 leaf_level; /* OP_S2_UNLINKED, plus 1 */
	u8 level;      /* likewise */
	bool gather;   /* collect the invalidation, flush it at once after */
	bool write;    /* OP_CPU_ACCESS */
	u16 budget;
	u32 flags, prot;
	u64 ia, size, to, owner;
};

/*
 * A random operation that makes sense for @spec, most of the time; often at the
 * addresses of @like, an earlier one (NULL: none).
 */
void op_random(struct op *op, const struct spec *spec, const struct pgt_geometry *geo,
	       const struct op *like, struct rng *rng);
/* As a line of C, near enough. */
void op_print(const struct op *op);
const char *op_name(const struct op *op);

/* Carries @op out on core and on the flat map; problems go to the world. */
void op_run(struct world *w, const struct op *op);

/* The pieces, by the file they are in (run_*.c of this directory are programs). */
void exec_map(struct world *w, const struct op *op);
void exec_map_pfns(struct world *w, const struct op *op);
void exec_s1_map(struct world *w, const struct op *op);
void exec_s1_unmap(struct world *w, const struct op *op);
void exec_unmap(struct world *w, const struct op *op);
void exec_wrprotect(struct world *w, const struct op *op);
void exec_clear_dirty(struct world *w, const struct op *op);
void exec_young(struct world *w, const struct op *op);
void exec_mkyoung(struct world *w, const struct op *op);
void exec_relax(struct world *w, const struct op *op);
void exec_flush(struct world *w, const struct op *op);
void exec_split(struct world *w, const struct op *op);
void exec_unlinked(struct world *w, const struct op *op);
void exec_set_owner(struct world *w, const struct op *op);
void exec_coalesce(struct world *w, const struct op *op);
void exec_flush_tlb(struct world *w, const struct op *op);
void exec_flush_tlb_all(struct world *w, const struct op *op);
void exec_access(struct world *w, const struct op *op);
void exec_look(struct world *w, const struct op *op);

/* Shared by them. */

/* The flags, budget, gather and fresh memcache pages that @op asks for. */
struct pgt_op exec_prepare(struct world *w, const struct op *op, u32 allowed_flags, bool pages);
/*
 * Calls until there is an error or progress: with a small budget, a call may do no
 * more than put a table in, but it must not do nothing for ever.
 */
#define EXEC_CALLS 16
#define exec_call(rc, p, call)                                                                     \
	do {                                                                                       \
		int exec_left = EXEC_CALLS;                                                        \
                                                                                                   \
		do                                                                                 \
			(rc) = (call);                                                             \
		while (!(rc) && !(p)->done && (p)->budget && --exec_left);                         \
	} while (0)
/* Flushes what was gathered, and checks that nothing is stale. */
void exec_flush_gather(struct world *w);

/* Errors that the arguments alone ask for, as a set; empty if they are in order. */
#define WANT_EINVAL     1u
#define WANT_ERANGE     2u
#define WANT_EOPNOTSUPP 4u
unsigned int exec_want_range(const struct world *w, u64 ia, u64 size);
unsigned int exec_want_output(const struct world *w, u64 to, u64 size);
unsigned int exec_want_prot(const struct world *w, u32 prot);
/* True if @want is not empty: then @rc has been checked, and there is no more to do. */
bool exec_refused(struct world *w, const struct op *op, unsigned int want, int rc, u64 done);
/* False, and a problem, if success or partial success is reported in an impossible way. */
bool exec_progress(struct world *w, const struct op *op, int rc, u64 done);
/* The first byte of the leaf that @ia lies in, or @ia itself; and one past the last. */
u64 exec_leaf_start(struct world *w, u64 ia);
u64 exec_leaf_end(struct world *w, u64 last);
/* The caller owes an invalidation of this range. */
void exec_owe(struct world *w, u64 start, u64 end);

/* Compares the tables with the flat map. */
void scan_range(struct world *w, u64 ia, u64 size);
void scan_all(struct world *w);
/* Tables whose entries coalesce would have put together. */
bool scan_could_coalesce(struct world *w, u64 ia, u64 size, u8 max_shift, u64 *where);
/* An empty table that lies in the range. */
bool scan_has_empty_table(struct world *w, u64 ia, u64 size);
/* What core says about an entry, against the flat map; @kind: of the flat map there. */
void scan_leaf_says(struct world *w, const struct pgt_leaf *leaf, enum flat_kind kind);
bool scan_leaf_matches(struct world *w, const struct walk_result *leaf, u64 ia,
		       const struct flat_run *run);

#endif /* JUDGE_OP_H */
