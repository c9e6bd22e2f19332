/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translation tables: stage 1 of EL2, and stage 2 of a guest or of the host.
 *
 * struct pgt is one set of tables: a geometry, a root, and the environment that
 * knows memory and executes TLB maintenance. Operations take an input address,
 * a size in bytes, and a struct pgt_op that says how to go about it and reports
 * how far it got.
 *
 * Entries
 *	invalid	  zero: nothing there
 *		  owner annotation: nothing there for the CPU, but software keeps
 *		  56 bits about the range ("who has it, and where")
 *		  locked: a shared operation is between break and make
 *	table	  leads to the next level
 *	leaf	  a block or a page, with attributes, AF and four software bits
 *
 * Locks. An operation is exclusive unless its text says "shared allowed": then,
 * with PGT_OP_SHARED, any number of callers may run such operations at once on
 * the same tables, and no exclusive one. Entries change by compare-and-exchange;
 * who loses gets -EAGAIN with nothing changed by the loser. A shared caller must
 * be in a read-side section that pgt_env.defer_free waits for.
 *
 * Every operation does bounded work if pgt_op.budget is set: it returns 0 with
 * pgt_op.done smaller than the size asked for, and is called again for the rest.
 * Nothing but pgt_op.done needs to be remembered in between.
 *
 * Errors common to all operations on ranges, with nothing changed:
 *	-EINVAL	 address or size not a multiple of the granule; size 0
 *	-ERANGE	 the range leaves the input or the output address space, or wraps
 * On any later error, [ia, ia + done) is finished and the rest is as it was, except
 * that empty tables or smaller leaves with the same translation may have been put in.
 *
 * The arithmetic of addresses and all formats come from struct pgt_geometry;
 * entries are little-endian in memory whatever the CPU (SCTLR_ELx.EE = 0).
 */
#ifndef CORE_PGTABLE_H
#define CORE_PGTABLE_H

#include <core/pgtable_geometry.h>
#include <core/pgtable_tlb.h>

/*
 * Access and attributes of a leaf. At stage 1 (EL2 with one VA range) PX and UX are
 * the same bit: use PGT_PROT_X. At stage 2 PX is EL1's, UX EL0's; unlike values
 * need FEAT_XNX. A leaf without R, W and X is allowed: valid, and accessible to nobody.
 */
#define PGT_PROT_R	(1U << 0)
#define PGT_PROT_W	(1U << 1)
#define PGT_PROT_PX	(1U << 2)
#define PGT_PROT_UX	(1U << 3)
#define PGT_PROT_X	(PGT_PROT_PX | PGT_PROT_UX)
#define PGT_PROT_RW	(PGT_PROT_R | PGT_PROT_W)
#define PGT_PROT_RWX	(PGT_PROT_RW | PGT_PROT_X)
#define PGT_PROT_DEVICE (1U << 4) /* Device-nGnRE; never with X, NC */
#define PGT_PROT_NC	(1U << 5) /* Normal non-cacheable */
#define PGT_PROT_OLD	(1U << 6) /* begin with the access flag clear */
#define PGT_PROT_CLEAN	(1U << 7) /* stage 2 with HD: writable, begin clean (DBM); needs W */
/* The software bits 58:55, for the caller to use. */
#define PGT_PROT_SW_SHIFT 8
#define PGT_PROT_SW0	  (1U << 8)
#define PGT_PROT_SW1	  (1U << 9)
#define PGT_PROT_SW2	  (1U << 10)
#define PGT_PROT_SW3	  (1U << 11)
#define PGT_PROT_SW_MASK  (0xfU << PGT_PROT_SW_SHIFT)
#define PGT_PROT_ALL	  0xfffU

/* MAIR_EL2 that stage 1 entries are made for: 0 Normal WBWA, 1 Device-nGnRE, 2 Normal NC. */
#define PGT_MAIR_EL2 0x4404ffULL

/* Largest owner annotation. */
#define PGT_OWNER_MAX ((1ULL << 56) - 1)

/*
 * Table pages that the caller sets aside for an operation. A list threaded through
 * the first word of each page; zeroed means empty. Core zeroes a page when it takes
 * it. Whoever pushes owns the page: a hypervisor takes it from its host first.
 */
struct pgt_memcache {
	void *head;
	u32 count;
};

/* Adds the page at @page (granule bytes, aligned). Lock: the memcache's. */
void pgt_memcache_push(struct pgt_memcache *mc, void *page);
/* Takes a page, contents arbitrary; NULL when empty. Lock: the memcache's. */
void *pgt_memcache_pop(struct pgt_memcache *mc);

/* What the tables need from the world. @ctx is pgt.ctx. Functions marked * may be NULL. */
struct pgt_env {
	/* The mapping of table memory: any table page, the root included. Never fails. */
	void *(*to_virt)(void *ctx, pa_t pa);
	pa_t (*to_pa)(void *ctx, const void *virt);
	/* Takes back one table page that nobody can reach any more, hardware included. */
	void (*free_table)(void *ctx, void *table);
	/*
	 * * A shared operation has detached and invalidated the subtree @table, whose
	 * entries are of @level; other walkers may still be inside. Once none that began
	 * earlier is left, call pgt_s2_free_unlinked(pgt, table, level). NULL: no
	 * operation on these tables is ever shared, and core frees at once.
	 */
	void (*defer_free)(void *ctx, struct pgt *pgt, void *table, s8 level);
	/* * New entries are in memory: DSB ISHST (stage 1 in use by this CPU: and ISB). */
	void (*publish)(void *ctx);
	/* Executes @plan, with its barriers, for this regime (its VMID). */
	void (*tlb_flush)(void *ctx, const struct pgt_tlb_plan *plan);
	/* * Cleans and invalidates memory to the point of coherency. Not called with PGT_FWB. */
	void (*dcache_clean_inval)(void *ctx, pa_t pa, u64 size);
	/* * Makes memory fit for instruction fetch, before it becomes executable. */
	void (*icache_inval)(void *ctx, pa_t pa, u64 size);
};

/* Flags of a set of tables. */
#define PGT_FWB	   (1U << 0) /* stage 2 runs with HCR_EL2.FWB = 1 */
#define PGT_LINEAR (1U << 1) /* table memory is mapped at one distance: to_virt isn't called */

/* One set of tables. Fields are core's; read geo, root and flags freely. */
struct pgt {
	const struct pgt_geometry *geo;
	u64 *root;
	const struct pgt_env *env;
	void *ctx;
	u32 flags;
	u64 linear; /* with PGT_LINEAR: virtual minus physical address */
	u64 plain;  /* attributes of Normal memory without any access, type apart */
};

/* Flags of one operation. */
#define PGT_OP_SHARED  (1U << 0) /* others may run shared operations meanwhile */
#define PGT_OP_REPLACE (1U << 1) /* map: a block may replace a table, and all that it maps */
#define PGT_OP_NO_CMO  (1U << 2) /* no data or instruction cache maintenance */

/*
 * How to carry an operation out, and how far it got. Zeroed: exclusive, without a
 * limit, no table pages, invalidation before return.
 */
struct pgt_op {
	u32 flags;
	u32 budget;		 /* entries to look at, at most (about); 0: no limit */
	u8 max_shift;		 /* map: largest leaf to make, log2 bytes; 0: any */
	struct pgt_memcache *mc; /* table pages; NULL: none */
	struct pgt_gather *gather; /* collect invalidations here; NULL: do them */
	u64 done;		 /* out: bytes finished, from the range's start */
};

/*
 * Ties up @pgt. @root is geo->root_bytes of zeroed memory, aligned in physical memory
 * to geo->root_align, and stays the caller's. 0; -EINVAL if it isn't aligned or the
 * geometry's table doesn't fit the output size. Lock: none, @pgt is new.
 */
int pgt_init(struct pgt *pgt, const struct pgt_geometry *geo, void *root,
	     const struct pgt_env *env, void *ctx, u32 flags);

/* ---- Looking ---------------------------------------------------------------------- */

enum pgt_kind {
	PGT_EMPTY,  /* zero */
	PGT_OWNER,  /* owner annotation */
	PGT_LOCKED, /* between break and make: try again */
	PGT_LEAF,   /* valid */
};

/* One entry that isn't a table, decoded; or, from pgt_walk(), a run of empty ones. */
struct pgt_leaf {
	enum pgt_kind kind;
	s8 level;
	u64 ia;	    /* first input address covered */
	u64 size;   /* bytes covered */
	pa_t pa;    /* LEAF: where ia leads */
	u32 prot;   /* LEAF: PGT_PROT_*; OLD and CLEAN say what the CPU made of it */
	bool dirty; /* LEAF: writable now without the CPU setting anything */
	u64 owner;  /* OWNER: the annotation */
	u64 desc;   /* the entry, in CPU byte order */
};

/*
 * The entry that decides about one address. Shared allowed (always shared). 0;
 * -ERANGE outside the input address space. Doesn't change anything.
 */
int pgt_s2_get_leaf(struct pgt *pgt, ipa_t ipa, struct pgt_leaf *leaf);
int pgt_s1_get_leaf(struct pgt *pgt, u64 va, struct pgt_leaf *leaf);

/*
 * Looks for single pages from @ipa on: entries of one table of the last level, one after
 * the other. @pfn: set to the frame of each, at most @max. Shared allowed (always shared).
 * Return: how many; 0 if a block, an invalid entry or nothing is at @ipa, or outside the
 * input address space. Doesn't change anything.
 */
u32 pgt_s2_get_pages(struct pgt *pgt, ipa_t ipa, u32 max, u64 *pfn);

/* Return 0 to go on; anything else ends the walk and is what it returns. */
typedef int pgt_leaf_fn(void *arg, const struct pgt_leaf *leaf);

/*
 * Calls @fn for every entry in [@ia, @ia + @size) that isn't a table, in order: leaves,
 * annotations, and runs of empty entries as one (a run ends at the end of its table).
 * The first and the last may reach beyond the range. For both stages: @ia is a VA or an
 * IPA. Shared allowed: then the picture is of no single moment. @op: budget, done.
 * Doesn't change anything itself, and @fn must not change these tables.
 */
int pgt_walk(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, pgt_leaf_fn *fn, void *arg);

/* ---- Stage 2 ---------------------------------------------------------------------- */

/*
 * Maps [@ipa, @ipa + @size) to [@to, @to + @size) with @prot, with the largest leaves
 * that alignment, geometry, @op->max_shift and what is there allow. Shared allowed.
 *
 * Over an empty entry: writes. Over a leaf with another output address or memory type,
 * or a block that is to become smaller: break-before-make; the rest of a block keeps
 * its translation. Over one that differs in software bits (and maybe permissions): it is
 * rewritten in place and invalidated. A table is kept, and its entries are filled, even
 * where a block would do; with PGT_OP_REPLACE the block takes the table's place (annotations below
 * are lost with it: not for the host's tables).
 *
 * -EAGAIN: the next leaf is already there, equal or with other permissions only
 *	(use relax_perms, wrprotect), or another walker has it locked.
 * -EPERM: the next entry carries an owner annotation.
 * -ENOMEM: the memcache ran dry.
 * -EINVAL: also for a @prot that doesn't make sense: DEVICE with X or NC, CLEAN without
 *	W, without HD. -EOPNOTSUPP: PX unlike UX without FEAT_XNX.
 * All with @op->done exact; call again, from there, once the cause is gone.
 *
 * Data cache: without FWB, cacheable memory is cleaned before it is mapped, and
 * executable memory is made fit for fetching. No TLB maintenance for new entries
 * (Arm ARM D8.16.1: a translation fault is never cached).
 */
int pgt_s2_map(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, pa_t to, u32 prot);

/* Maps @n pages at @ipa, to frames @pfn[0] to @pfn[n - 1], as pages. As pgt_s2_map() otherwise. */
int pgt_s2_map_pfns(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, const u64 *pfn, u32 n,
		    u32 prot);

/*
 * Removes every leaf that overlaps the range: a block that is partly outside goes
 * whole. Owner annotations stay. Tables left empty are freed. Exclusive. Never needs
 * memory, and fails for nothing but a bad range. Without FWB, cacheable memory is
 * cleaned and invalidated. @op: budget, gather, done.
 */
int pgt_s2_unmap(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size);

/*
 * Takes write access away (S2AP[1] and DBM) from every leaf that overlaps the range.
 * Exclusive. The invalidation is owed to @op->gather; with none, it is the caller's
 * (pgt_s2_flush_tlb_range()), once for many calls. *@changed, unless NULL, becomes true
 * if any leaf was writable (is left alone otherwise).
 */
int pgt_s2_wrprotect(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, bool *changed);

/*
 * Makes writable leaves that are dirty clean again, for hardware dirty tracking (HD).
 * Leaves without DBM are not touched. For each dirty one, sets the bits of its pages in
 * @bitmap: bit 0 of @bitmap[0] is the page at @ipa; the part of a block outside the
 * range has no bits. Exclusive. Invalidation as for wrprotect.
 */
int pgt_s2_clear_dirty(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u64 *bitmap);

/*
 * Looks for leaves with the access flag set that overlap the range; *@young becomes
 * true if there is one, and false otherwise. With @clear, clears the flags. Exclusive.
 * Invalidation as for wrprotect; leaving it out only delays ageing.
 */
int pgt_s2_test_clear_young(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, bool clear,
			    bool *young);

/*
 * Sets the access flag of the leaf at @ipa, for an access flag fault. Always shared.
 * 0; -ENOENT if there is no leaf; -EAGAIN if it changed meanwhile. No invalidation: an
 * entry whose flag is clear is never cached (Arm ARM D8.5.1).
 */
int pgt_s2_mkyoung(struct pgt *pgt, ipa_t ipa);

/*
 * Adds R, W, PX, UX of @prot to the leaf at @ipa, and sets its access flag, for a
 * permission fault. Takes nothing away. Always shared. Invalidates the leaf on this CPU
 * (others fault and come here themselves), also if nothing was to be added. A newly
 * executable leaf is made fit for fetching first, unless PGT_OP_NO_CMO is in @flags.
 * 0; -ENOENT if there is no leaf; -EAGAIN if it changed meanwhile; -EINVAL for other
 * bits in @prot; -EOPNOTSUPP as for map.
 */
int pgt_s2_relax_perms(struct pgt *pgt, ipa_t ipa, u32 prot, u32 flags);

/*
 * Cleans and invalidates the cacheable memory that the range maps. Nothing with FWB.
 * Shared allowed. @op: budget, done.
 */
int pgt_s2_flush(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size);

/*
 * Makes pages of the blocks that overlap the range, one break-before-make a block
 * (as many levels at once as the memcache has pages for). Translations, permissions,
 * AF and dirty state stay. Shared allowed. -ENOMEM with done exact; -EAGAIN if a
 * block changed meanwhile. With BBM level 2 in the CPU the sequence is the same: that
 * level permits a TLB conflict abort, which nobody here wants to handle.
 */
int pgt_s2_split(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size);

/*
 * Builds a table, not linked in anywhere, that maps what one entry of @level - 1 at
 * @to would, with leaves of @leaf_level (@level to 3) and @prot. NULL if @op's memcache
 * runs dry (its pages are back in it), or arguments don't fit. *@table is of @level.
 * 0; -ENOMEM; -EINVAL; -EOPNOTSUPP.
 */
int pgt_s2_create_unlinked(struct pgt *pgt, struct pgt_op *op, pa_t to, s8 level, s8 leaf_level,
			   u32 prot, void **table);

/*
 * Frees @table, whose entries are of @level, and all tables below. Nobody else can
 * reach it: neither walkers nor hardware. At most 1 + 8192 + ... pages; the caller
 * bounds the work by what it detaches.
 */
void pgt_s2_free_unlinked(struct pgt *pgt, void *table, s8 level);

/*
 * Marks the range as @owner's (1 to PGT_OWNER_MAX), or as nobody's (0: plain empty
 * entries). Leaves in it are removed, blocks that reach beyond it are split so that
 * the rest keeps its translation; annotations are overwritten. Whole entries are
 * annotated at their level. Exclusive. Invalidated before return unless @op->gather.
 * -ENOMEM, with done exact. -EINVAL: @owner too large.
 */
int pgt_s2_set_owner(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u64 owner);

/*
 * Puts one block in the place of each table in the range whose entries all are leaves
 * that make it up (same attributes, adjacent output), lowest level first, so that
 * blocks of blocks arise; and one annotation or one empty entry in the place of a table
 * of equal ones. Software bits must agree; AF and dirty state are merged. Only tables
 * wholly inside the range, no leaf larger than @op->max_shift. Exclusive. One
 * break-before-make a table. A call that goes on where the budget ended another doesn't
 * try tables that began before it. Returns 0; *@made (unless NULL) counts the tables freed.
 */
int pgt_s2_coalesce(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size, u32 *made);

/*
 * Frees every table but the root, and empties the root. No invalidation and no cache
 * maintenance: the VMID must be out of use, and be invalidated by the caller before it
 * is used again and before the tables' pages are. Exclusive. @op: budget, done, in
 * bytes of the input address space: finished once done is 1 << ia_bits. Unlike other
 * operations, go on with the same @op: it begins at @op->done.
 */
int pgt_s2_destroy(struct pgt *pgt, struct pgt_op *op);

/* Invalidates [@ipa, @ipa + @size), leaves only, any level. */
void pgt_s2_flush_tlb_range(struct pgt *pgt, ipa_t ipa, u64 size);
/* Invalidates everything of the VMID (stage 1: of EL2). */
void pgt_flush_tlb_all(struct pgt *pgt);

/* ---- Stage 1, of EL2 -------------------------------------------------------------- */

/*
 * Maps [@va, @va + @size) to [@to, @to + @size). As pgt_s2_map(), but a leaf that is
 * there is never changed, for EL2 can't break what it may be running on: an equal one
 * counts as done, any other is -EEXIST. Exclusive.
 */
int pgt_s1_map(struct pgt *pgt, struct pgt_op *op, u64 va, u64 size, pa_t to, u32 prot);

/*
 * Removes the leaves in the range; tables left empty are freed. A block that reaches
 * beyond the range is -EBUSY with done exact (it stays). Exclusive.
 */
int pgt_s1_unmap(struct pgt *pgt, struct pgt_op *op, u64 va, u64 size);

/* As pgt_s2_destroy(). Nobody may be running on these tables. */
int pgt_s1_destroy(struct pgt *pgt, struct pgt_op *op);

#endif /* CORE_PGTABLE_H */
