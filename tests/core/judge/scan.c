// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables against the flat map: as a CPU walks them, as core itself describes
 * them, and as memory has them, entry by entry.
 */
#include "op.h"

#define PROT_MEMORY (PGT_PROT_DEVICE | PGT_PROT_NC)

static u32 memory_of(const struct world *w, const struct walk_result *leaf)
{
	static const u32 stage1[3] = {0, PGT_PROT_DEVICE, PGT_PROT_NC}; /* PGT_MAIR_EL2 */

	if (w->geo.stage == PGT_STAGE1)
		return leaf->attr < 3 ? stage1[leaf->attr] : PROT_MEMORY;
	switch (leaf->mem) {
	case WALK_MEM_NORMAL:
		return 0;
	case WALK_MEM_NC:
		return PGT_PROT_NC;
	case WALK_MEM_DEVICE:
		/* nGnRE is 1 in the low bits, with FWB and without. */
		return (leaf->attr & 3) == 1 ? PGT_PROT_DEVICE : PROT_MEMORY;
	default:
		return PROT_MEMORY;
	}
}

static u32 prot_of(const struct world *w, const struct walk_result *leaf)
{
	u32 prot = memory_of(w, leaf) | leaf->sw << PGT_PROT_SW_SHIFT;

	prot |= leaf->r ? PGT_PROT_R : 0;
	prot |= leaf->w ? PGT_PROT_W : 0;
	prot |= leaf->px ? PGT_PROT_PX : 0;
	if (w->geo.stage == PGT_STAGE1 ? leaf->px : leaf->ux)
		prot |= PGT_PROT_UX;
	return prot;
}

/* Bits that have to be 0 (or, AP[1] at stage 1, 1) in every leaf made here. */
static bool reserved_ok(const struct world *w, const struct walk_result *leaf)
{
	u64 address = ((u64)1 << 48) - ((u64)1 << w->geo.granule_shift), zero;

	zero = leaf->leaf_size - 1;
	if (w->geo.format == PGT_FORMAT_LPA2)
		address |= (u64)3 << 48;
	zero &= address;
	if (w->geo.format == PGT_FORMAT_48)
		zero |= (u64)3 << 48 | (w->geo.granule_shift == 16 ? 0xf000 : 0);
	else if (w->geo.format == PGT_FORMAT_LPA)
		zero |= (u64)3 << 48;
	zero |= (u64)1 << 11 | (u64)1 << 50 | (u64)0x1f << 59; /* nG, GP, PBHA and above */
	if (w->geo.stage == PGT_STAGE1)
		return !(leaf->desc & (zero | (u64)1 << 53 | 1 << 5)) && (leaf->desc >> 6 & 1);
	return !(leaf->desc & zero);
}

bool scan_leaf_matches(struct world *w, const struct walk_result *leaf, u64 ia,
		       const struct flat_run *run)
{
	u32 prot = prot_of(w, leaf);

	if (leaf->oa != run->pa + (ia - run->start))
		world_fail(w, "%#llx leads to %#llx, expected %#llx", ia, leaf->oa,
			   run->pa + (ia - run->start));
	else if (prot != run->st.prot)
		world_fail(w, "%#llx has prot %#x, expected %#x (entry %#llx)", ia, prot,
			   run->st.prot, leaf->desc);
	else if (leaf->af != run->st.young)
		world_fail(w, "%#llx: access flag %d, expected %d", ia, leaf->af, run->st.young);
	else if (leaf->dirty != run->st.dirty || leaf->dbm != run->st.dbm)
		world_fail(w, "%#llx: dirty %d DBM %d, expected %d %d", ia, leaf->dirty, leaf->dbm,
			   run->st.dirty, run->st.dbm);
	else if (!(prot & PROT_MEMORY) && leaf->sh != 3)
		world_fail(w, "%#llx: shareability %u of normal memory", ia, leaf->sh);
	else if (leaf->contig || !reserved_ok(w, leaf))
		world_fail(w, "%#llx: entry %#llx has bits that are reserved", ia, leaf->desc);
	return !world_problem(w);
}

/* ---- As a CPU walks ---- */

static u64 scan_one(struct world *w, u64 ia)
{
	struct walk_result at = world_walk(w, ia);
	const struct flat_run *run = flat_find(&w->flat, ia, NULL);
	u64 size = pgt_level_size(&w->geo, (s8)at.level);

	if (at.fault == WALK_OK && run && run->st.kind == FLAT_LEAF)
		scan_leaf_matches(w, &at, ia, run);
	else if (at.fault == WALK_OK)
		world_fail(w, "%#llx leads to %#llx, and nothing should be mapped", ia, at.oa);
	else if (at.fault != WALK_TRANSLATION)
		world_fail(w, "%#llx: %s at level %d", ia, walk_fault_name(at.fault), at.level);
	else if (run && run->st.kind == FLAT_LEAF)
		world_fail(w, "%#llx is not mapped (level %d), expected %#llx", ia, at.level,
			   run->pa + (ia - run->start));
	return size - (ia & (size - 1));
}

#define SCAN_STEPS 40

void scan_range(struct world *w, u64 ia, u64 size)
{
	u64 page = (u64)1 << w->geo.granule_shift, at, skip = (size / 8 & ~(page - 1)) + page;
	int i;

	if (ia)
		scan_one(w, ia - page);
	if (ia + size < (u64)1 << w->geo.ia_bits)
		scan_one(w, ia + size);
	scan_one(w, ia + size - page);
	for (at = 0, i = 0; at < size && i < SCAN_STEPS && !world_problem(w); i++) {
		u64 step = scan_one(w, ia + at);

		at += i < SCAN_STEPS - 8 ? step : skip;
	}
}

/* ---- As core says ---- */

void scan_leaf_says(struct world *w, const struct pgt_leaf *leaf, enum flat_kind kind)
{
	static const enum flat_kind same[] = {
		[PGT_EMPTY] = FLAT_EMPTY, [PGT_OWNER] = FLAT_OWNER, [PGT_LEAF] = FLAT_LEAF};
	const struct flat_run *run = flat_find(&w->flat, leaf->ia, NULL);
	u32 prot;

	if (leaf->kind == PGT_LOCKED || same[leaf->kind] != kind) {
		world_fail(w, "core says kind %d at %#llx, expected %d", leaf->kind, leaf->ia,
			   kind);
		return;
	}
	if (kind == FLAT_OWNER && run && run->st.owner != leaf->owner)
		world_fail(w, "core says owner %#llx at %#llx, expected %#llx", leaf->owner,
			   leaf->ia, run->st.owner);
	if (kind != FLAT_LEAF || !run)
		return;
	prot = run->st.prot | (run->st.young ? 0 : PGT_PROT_OLD) |
	       (run->st.dbm && !run->st.dirty ? PGT_PROT_CLEAN : 0);
	if (leaf->pa.v != run->pa + (leaf->ia - run->start) || leaf->prot != prot ||
	    leaf->dirty != run->st.dirty)
		world_fail(w,
			   "core says %#llx leads to %#llx, prot %#x, dirty %d; expected prot %#x, "
			   "dirty %d",
			   leaf->ia, leaf->pa.v, leaf->prot, leaf->dirty, prot, run->st.dirty);
}

struct listing {
	struct world *w;
	u64 next;
};

static int list_one(void *arg, const struct pgt_leaf *leaf)
{
	struct listing *l = arg;
	struct world *w = l->w;
	u64 end = leaf->ia + leaf->size, next = 0;
	const struct flat_run *run = flat_find(&w->flat, leaf->ia, &next);

	if (leaf->ia != l->next)
		world_fail(w, "pgt_walk goes from %#llx to %#llx", l->next, leaf->ia);
	l->next = end;
	if (run ? run->end < end : next < end)
		world_fail(w, "pgt_walk: one entry for %#llx to %#llx, which are not alike",
			   leaf->ia, end);
	scan_leaf_says(w, leaf, run ? run->st.kind : FLAT_EMPTY);
	return world_problem(w) ? 1 : 0;
}

static void list_all(struct world *w)
{
	struct listing l = {.w = w};
	struct pgt_op p = {0};
	u64 size = (u64)1 << w->geo.ia_bits;
	int rc = pgt_walk(&w->pgt, &p, 0, size, list_one, &l);

	if (world_problem(w))
		return;
	if (rc || p.done != size || l.next != size)
		world_fail(w, "pgt_walk: %d, %#llx done, %#llx listed", rc, p.done, l.next);
}

/* ---- As memory has it ---- */

struct census {
	struct world *w;
	u32 tables;
	u64 leaves, annotated; /* bytes */
};

static void count_table(struct census *c, const u64 *table, u32 entries, int level, u64 ia);

static void count_entry(struct census *c, u64 desc, int level, u64 ia)
{
	struct world *w = c->w;
	u64 size = walk_level_size(&w->reg, level), pa;
	const struct flat_run *run;
	struct walk_result leaf;

	switch (walk_desc_type(&w->reg, desc, level)) {
	case WALK_INVALID:
		if (desc & 1)
			world_fail(w, "entry %#llx of level %d is reserved", desc, level);
		c->annotated += size;
		return;
	case WALK_TABLE:
		pa = walk_table_addr(&w->reg, desc);
		if (!mem_holds_pa(&w->mem, pa))
			world_fail(w, "entry %#llx leads out of the tables", desc);
		else
			count_table(c, mem_to_host(&w->mem, pa), w->geo.table_entries, level + 1,
				    ia);
		return;
	case WALK_LEAF:
		break;
	}
	c->leaves += size;
	run = flat_find(&w->flat, ia, NULL);
	leaf = walk_leaf(&w->reg, desc, level);
	if (!run || run->st.kind != FLAT_LEAF || run->end < ia + size)
		world_fail(w, "entry %#llx of level %d at %#llx should not be there", desc, level,
			   ia);
	else
		scan_leaf_matches(w, &leaf, ia, run);
}

static void count_table(struct census *c, const u64 *table, u32 entries, int level, u64 ia)
{
	u64 size = walk_level_size(&c->w->reg, level);
	u32 i;

	c->tables++;
	for (i = 0; i < entries; i++) {
		if (!table[i])
			continue;
		if (world_problem(c->w))
			return;
		count_entry(c, mem_desc(table + i), level, ia + i * size);
	}
}

static void check_census(struct world *w)
{
	struct census c = {.w = w};
	u64 leaves = 0, annotated = 0;
	u32 i;

	count_table(&c, w->root, w->geo.root_entries, w->geo.start_level, 0);
	for (i = 0; i < w->flat.n; i++) {
		const struct flat_run *run = &w->flat.run[i];

		if (run->st.kind == FLAT_LEAF)
			leaves += run->end - run->start;
		else
			annotated += run->end - run->start;
	}
	if (c.leaves != leaves)
		world_fail(w, "%#llx bytes are mapped, expected %#llx", c.leaves, leaves);
	if (c.annotated != annotated)
		world_fail(w, "%#llx bytes are annotated, expected %#llx", c.annotated, annotated);
	if (c.tables - 1 + w->root_pages + w->ndead + w->mc.count != w->mem.in_use)
		world_fail(w, "%u pages in use; %u tables, %u root pages, %u waiting",
			   w->mem.in_use, c.tables - 1, w->root_pages, w->ndead + w->mc.count);
}

void scan_all(struct world *w)
{
	check_census(w);
	if (!world_problem(w))
		list_all(w);
}

/* ---- Shapes that should not be left ---- */

struct shape {
	struct world *w;
	u64 start, end; /* tables wholly inside */
	u8 max_shift;
	bool empty; /* look for empty tables; otherwise for what coalesce would join */
	u64 where;
};

static bool can_join(struct shape *s, const u64 *table, int level)
{
	struct world *w = s->w;
	u64 first = mem_desc(table), size = walk_level_size(&w->reg, level);
	u64 volatile_bits = (u64)1 << 10 | (w->geo.hd ? (u64)1 << 51 | 1 << 7 : 0);
	u64 pa = walk_leaf_addr(&w->reg, first, level);
	enum walk_type type = walk_desc_type(&w->reg, first, level);
	bool leaf = type == WALK_LEAF;
	u32 i;

	if (type == WALK_TABLE)
		return false;
	if (leaf && (!pgt_level_has_leaf(&w->geo, (s8)(level - 1)) ||
		     (pa & (walk_level_size(&w->reg, level - 1) - 1)) ||
		     (s->max_shift && w->geo.level_shift[level] > s->max_shift)))
		return false;
	for (i = 1; i < w->geo.table_entries; i++) {
		u64 desc = mem_desc(table + i);

		if (!leaf && desc != first)
			return false;
		if (leaf && (walk_desc_type(&w->reg, desc, level) != WALK_LEAF ||
			     walk_leaf_addr(&w->reg, desc, level) != pa + i * size ||
			     ((desc ^ first) & ~volatile_bits & ~w->geo.oa_mask &
			      ~(w->geo.hi_mask << w->geo.hi_desc_bit))))
			return false;
		/* What is dirty by permission and what is by DBM are of different kinds. */
		if (leaf && ((desc ^ first) >> 51 & 1))
			return false;
		if (leaf && !(first >> 51 & 1) && ((desc ^ first) >> 7 & 1))
			return false;
	}
	return true;
}

static bool is_empty(const struct world *w, const u64 *table)
{
	u32 i;

	for (i = 0; i < w->geo.table_entries; i++)
		if (table[i])
			return false;
	return true;
}

static bool find_shape(struct shape *s, const u64 *table, u32 entries, int level, u64 ia)
{
	struct world *w = s->w;
	u64 size = walk_level_size(&w->reg, level);
	u32 i;

	for (i = 0; i < entries; i++, ia += size) {
		u64 desc = mem_desc(table + i);
		const u64 *next;

		if (ia >= s->end)
			break;
		if (ia + size <= s->start || walk_desc_type(&w->reg, desc, level) != WALK_TABLE)
			continue;
		next = mem_to_host(&w->mem, walk_table_addr(&w->reg, desc));
		if (find_shape(s, next, w->geo.table_entries, level + 1, ia))
			return true;
		if (ia < s->start || ia + size > s->end)
			continue;
		s->where = ia;
		if (s->empty ? is_empty(w, next) : can_join(s, next, level + 1))
			return true;
	}
	return false;
}

bool scan_could_coalesce(struct world *w, u64 ia, u64 size, u8 max_shift, u64 *where)
{
	struct shape s = {.w = w, .start = ia, .end = ia + size, .max_shift = max_shift};
	bool found = find_shape(&s, w->root, w->geo.root_entries, w->geo.start_level, 0);

	*where = s.where;
	return found;
}

bool scan_has_empty_table(struct world *w, u64 ia, u64 size)
{
	struct shape s = {.w = w, .start = ia, .end = ia + size, .empty = true};

	return find_shape(&s, w->root, w->geo.root_entries, w->geo.start_level, 0);
}
