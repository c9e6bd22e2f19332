/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLB invalidation, planned by core and carried out by the environment.
 *
 * An operation gathers what it changed (struct pgt_gather), and at its end turns
 * it into a plan: a short list of TLBI instructions with their operands (struct
 * pgt_tlb_plan), handed to the environment in one call. At EL2 that executes
 * them; a host kernel that edits stage 2 from EL1 sends them to EL2 in one
 * hypercall; a test's TLB model obeys them to the letter.
 *
 * Arm ARM D8.16 (TLB maintenance), C5.5 (operands).
 */
#ifndef CORE_PGTABLE_TLB_H
#define CORE_PGTABLE_TLB_H

#include <core/pgtable_geometry.h>

struct pgt;

/*
 * The instructions. All broadcast to the inner shareable domain (the ...IS form)
 * unless the plan says local. "L" forms drop leaf entries only.
 */
enum pgt_tlbi_kind {
	PGT_TLBI_VAE2,	     /* stage 1, by VA */
	PGT_TLBI_VALE2,	     /* stage 1, by VA, leaf only */
	PGT_TLBI_RVAE2,	     /* stage 1, by range */
	PGT_TLBI_RVALE2,     /* stage 1, by range, leaf only */
	PGT_TLBI_ALLE2,	     /* stage 1, all; no operand */
	PGT_TLBI_IPAS2E1,    /* stage 2, by IPA */
	PGT_TLBI_IPAS2LE1,   /* stage 2, by IPA, leaf only */
	PGT_TLBI_RIPAS2E1,   /* stage 2, by range */
	PGT_TLBI_RIPAS2LE1,  /* stage 2, by range, leaf only */
	PGT_TLBI_VMALLE1,    /* everything of stage 1 of the VMID, combined entries included */
	PGT_TLBI_VMALLS12E1, /* everything of the VMID; no operand */
	PGT_TLBI_DSB,	     /* not a TLBI: DSB ISH (local: DSB NSH) at this point */
};

/* No hint: the TTL field is 0. */
#define PGT_TTL_NONE ((s8)-2)

/* One instruction: its operand for the register, and the same taken apart. */
struct pgt_tlbi {
	enum pgt_tlbi_kind kind;
	u64 operand; /* Xt; 0 for kinds without one */
	u64 addr;    /* first input address covered, bytes (by-address kinds) */
	u64 size;    /* bytes covered; for a single address, of the leaf meant */
	s8 level;    /* hinted level of the leaf, or PGT_TTL_NONE */
	u8 scale;    /* range kinds */
	u8 num;	     /* range kinds */
};

#define PGT_TLBI_MAX 20

/*
 * What to execute: DSB ISHST (so that walkers see the changed entries), then
 * @op[0] to @op[n-1] in order with the regime's VMID current, then DSB ISH and
 * ISB. With @local, the non-broadcast forms and NSH barriers suffice.
 */
struct pgt_tlb_plan {
	u32 n;
	bool local;
	struct pgt_tlbi op[PGT_TLBI_MAX];
};

/*
 * Changes whose invalidation is still owed. One hull of addresses is kept, which
 * may cover more than was changed: invalidating too much is allowed.
 *
 * A caller that passes one to several operations (struct pgt_op.gather) saves
 * barriers, and promises not to map anything at the gathered addresses before
 * pgt_gather_flush(): that would be a make without its break. (An operation that has to
 * put in a table where one may have been detached flushes by itself.)
 */
struct pgt_gather {
	u64 start, end; /* input addresses; start >= end: nothing owed */
	u8 levels;	/* bit level+1: leaves were changed there */
	bool tables;	/* tables were detached: walk caches are stale too */
	u64 *dead;	/* detached tables, linked by physical address in entry 0 */
};

/* Empties @g. Needed before first use; zeroing does the same. */
void pgt_gather_init(struct pgt_gather *g);

/* Notes that leaves at @level in [@ia, @ia + @size) were changed. */
void pgt_gather_leaf(struct pgt_gather *g, u64 ia, u64 size, s8 level);

/*
 * Notes that tables that lead to @ia were detached. @size and @level: of an entry there
 * that was reached through them (one address is enough to drop a table from walk caches).
 */
void pgt_gather_table(struct pgt_gather *g, u64 ia, u64 size, s8 level);

/*
 * Invalidates what @g holds and frees the tables in it; @g is empty afterwards.
 * Without anything owed, does nothing. Lock: as for the operations that filled it.
 */
void pgt_gather_flush(struct pgt *pgt, struct pgt_gather *g);

/*
 * Fills @plan for the changes in @g under @geo. Pure: this is what
 * pgt_gather_flush() uses, and what tests look at.
 *
 * By range where the CPU has FEAT_TLBIRANGE: at most five instructions. With DS=1
 * the base operand counts 64K units whatever the granule, so the range is widened
 * downwards to 64K. Otherwise one by one, up to 16. Beyond either, everything.
 * After by-IPA kinds at stage 2 come DSB and VMALLE1: by-IPA invalidation
 * leaves entries that combine both stages alone (Arm ARM D8.16.5).
 */
void pgt_tlb_plan(const struct pgt_geometry *geo, const struct pgt_gather *g,
		  struct pgt_tlb_plan *plan);

/* A plan for the whole regime: ALLE2, or VMALLS12E1. */
void pgt_tlb_plan_all(const struct pgt_geometry *geo, struct pgt_tlb_plan *plan);

#endif /* CORE_PGTABLE_TLB_H */
