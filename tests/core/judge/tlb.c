// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TLB model. See tlb.h for what it believes. The tables themselves are read
 * from the simulated memory; the model's own state is the stale list and, for
 * every page of tables, where it hangs in the tree.
 */
#include <stdarg.h>

#include "tlb.h"

#define ENTRY_BYTES 8

__attribute__((format(printf, 2, 3))) static void fail(struct tlb *tlb, const char *fmt, ...)
{
	va_list args;

	if (tlb->problem[0])
		return;
	va_start(args, fmt);
	vsnprintf(tlb->problem, sizeof(tlb->problem), fmt, args);
	va_end(args);
}

bool tlb_failed(const struct tlb *tlb)
{
	return tlb->problem[0];
}

void tlb_init(struct tlb *tlb, struct mem *mem)
{
	memset(tlb, 0, sizeof(*tlb));
	tlb->mem = mem;
}

void tlb_fini(struct tlb *tlb)
{
	free(tlb->stale);
}

static struct mem_page *target_of(struct tlb *tlb, u64 desc)
{
	u64 pa = walk_table_addr(&tlb->reg, desc);

	return mem_holds_pa(tlb->mem, pa) ? mem_page_of(tlb->mem, mem_to_host(tlb->mem, pa)) : NULL;
}

static void add_stale(struct tlb *tlb, const struct tlb_stale *entry)
{
	if (tlb->nr == tlb->room) {
		tlb->room = tlb->room ? 2 * tlb->room : 256;
		tlb->stale = realloc(tlb->stale, tlb->room * sizeof(*tlb->stale));
		if (!tlb->stale)
			abort();
	}
	tlb->stale[tlb->nr++] = *entry;
	if (entry->table) {
		struct mem_page *page = target_of(tlb, entry->desc);

		if (page)
			page->stale++;
	}
}

static void remove_stale(struct tlb *tlb, u32 i)
{
	if (tlb->stale[i].table) {
		struct mem_page *page = target_of(tlb, tlb->stale[i].desc);

		if (page)
			page->stale--;
	}
	tlb->stale[i] = tlb->stale[--tlb->nr];
}

/* May a descriptor that goes visible be held together with this stale entry? */
static bool conflicts(const struct tlb *tlb, const struct tlb_stale *s, u64 ia, int level, u64 desc,
		      enum walk_type type)
{
	u64 size = walk_level_size(&tlb->reg, level);

	if (ia > s->ia + (s->size - 1) || s->ia > ia + (size - 1))
		return false;
	if (type == WALK_LEAF)
		return s->table ? s->level >= level
				: s->level != level ||
					  !walk_same_output(&tlb->reg, s->desc, desc, level);
	if (!s->table)
		return s->level <= level;
	return s->level == level &&
	       walk_table_addr(&tlb->reg, s->desc) != walk_table_addr(&tlb->reg, desc);
}

static void check_make(struct tlb *tlb, u64 ia, int level, u64 desc, enum walk_type type)
{
	u32 i;

	for (i = 0; i < tlb->nr; i++) {
		const struct tlb_stale *s = &tlb->stale[i];

		if (!conflicts(tlb, s, ia, level, desc, type))
			continue;
		fail(tlb,
		     "break-before-make: level %d entry %#llx for %#llx goes live while a CPU may "
		     "hold level %d %s %#llx for %#llx%s",
		     level, desc, ia, s->level, s->table ? "table" : "leaf", s->desc, s->ia,
		     s->leaving ? " (invalidation not complete)" : "");
		return;
	}
}

static void attach(struct tlb *tlb, u64 desc, int level, u64 ia);
static void detach(struct tlb *tlb, u64 desc);

/* A descriptor has become reachable and valid. */
static void make(struct tlb *tlb, u64 ia, int level, u64 desc)
{
	enum walk_type type = walk_desc_type(&tlb->reg, desc, level);

	if (type == WALK_INVALID)
		return;
	if (tlb->nr)
		check_make(tlb, ia, level, desc, type);
	if (type == WALK_TABLE)
		attach(tlb, desc, level, ia);
	else
		tlb->made++;
}

/* A valid descriptor is no longer reachable, or no longer what it was. */
static void drop(struct tlb *tlb, u64 pa, u64 ia, int level, u64 desc)
{
	enum walk_type type = walk_desc_type(&tlb->reg, desc, level);
	struct tlb_stale entry = {.ia = ia,
				  .size = walk_level_size(&tlb->reg, level),
				  .desc = desc,
				  .pa = pa,
				  .level = level,
				  .table = type == WALK_TABLE,
				  .held = TLB_BY_ADDRESS};

	if (type == WALK_INVALID)
		return;
	if (type == WALK_LEAF && tlb->reg.stage2)
		entry.held |= TLB_COMBINED;
	/* An entry without the access flag is never cached (Arm ARM D8.4.5). */
	if (type == WALK_TABLE || walk_leaf(&tlb->reg, desc, level).af)
		add_stale(tlb, &entry);
	if (type == WALK_TABLE)
		detach(tlb, desc);
}

static u32 entries_per_page(const struct tlb *tlb)
{
	return 1u << (tlb->reg.granule_bits - 3);
}

static void attach_page(struct tlb *tlb, struct mem_page *page, int level, u64 ia)
{
	const u8 *slot = mem_page_host(tlb->mem, page);
	u32 i;

	if (page->use != MEM_LOOSE) {
		fail(tlb, "table for %#llx at level %d is %s", ia, level,
		     page->use == MEM_FREE ? "a page that was freed" : "in the tree already");
		return;
	}
	page->use = MEM_ATTACHED;
	page->level = level;
	page->ia = ia;
	for (i = 0; i < entries_per_page(tlb); i++) {
		u64 desc = mem_desc(slot + i * ENTRY_BYTES);

		if (desc & 1)
			make(tlb, ia + i * walk_level_size(&tlb->reg, level), level, desc);
	}
}

static void attach(struct tlb *tlb, u64 desc, int level, u64 ia)
{
	struct mem_page *page = target_of(tlb, desc);

	if (page)
		attach_page(tlb, page, level + 1, ia);
	else
		fail(tlb, "table entry %#llx for %#llx points outside the tables", desc, ia);
}

static void detach(struct tlb *tlb, u64 desc)
{
	struct mem_page *page = target_of(tlb, desc);
	const u8 *slot;
	u32 i;

	if (!page || page->use != MEM_ATTACHED)
		return;
	page->use = MEM_LOOSE;
	slot = mem_page_host(tlb->mem, page);
	for (i = 0; i < entries_per_page(tlb); i++) {
		u64 child = mem_desc(slot + i * ENTRY_BYTES);

		if (child & 1)
			drop(tlb, mem_to_pa(tlb->mem, slot + i * ENTRY_BYTES),
			     page->ia + i * walk_level_size(&tlb->reg, page->level), page->level,
			     child);
	}
}

void tlb_start(struct tlb *tlb, const struct walk_regime *reg)
{
	u64 pa, ia = 0, per_page;

	tlb->reg = *reg;
	tlb->nr = 0;
	tlb->problem[0] = 0;
	tlb->live = true;
	per_page = ((u64)1 << (reg->granule_bits - 3)) * walk_level_size(reg, reg->start_level);
	for (pa = reg->base; pa < reg->base + reg->base_size; pa += (u64)1 << reg->granule_bits) {
		if (!mem_holds_pa(tlb->mem, pa)) {
			fail(tlb, "root table at %#llx is outside the tables", pa);
			return;
		}
		attach_page(tlb, mem_page_of(tlb->mem, mem_to_host(tlb->mem, pa)), reg->start_level,
			    ia);
		ia += per_page;
	}
}

void tlb_stop(struct tlb *tlb)
{
	u32 i;

	tlb->live = false;
	while (tlb->nr)
		remove_stale(tlb, tlb->nr - 1);
	for (i = 0; i < tlb->mem->npages; i++)
		if (tlb->mem->page[i].use == MEM_ATTACHED)
			tlb->mem->page[i].use = MEM_LOOSE;
}

/* Only the software bits changed, or nothing did. */
static bool same_to_hardware(u64 was, u64 now)
{
	return !((was ^ now) & ~((u64)0xf << 55));
}

static void change(struct tlb *tlb, u64 pa, u64 ia, int level, u64 was, u64 now)
{
	enum walk_type before = walk_desc_type(&tlb->reg, was, level);
	enum walk_type after = walk_desc_type(&tlb->reg, now, level);

	if (before == WALK_TABLE && after == WALK_TABLE &&
	    walk_table_addr(&tlb->reg, was) == walk_table_addr(&tlb->reg, now))
		return;
	if (before != WALK_INVALID && after != WALK_INVALID &&
	    (before != after || before == WALK_TABLE ||
	     !walk_same_output(&tlb->reg, was, now, level)))
		fail(tlb, "break-before-make: level %d entry for %#llx goes from %#llx to %#llx",
		     level, ia, was, now);
	drop(tlb, pa, ia, level, was);
	/* Same output as before: whatever it may conflict with, it did so already. */
	if (before != WALK_LEAF || after != WALK_LEAF)
		make(tlb, ia, level, now);
}

void tlb_on_write(struct tlb *tlb, const void *slot, u64 was, u64 now)
{
	struct mem_page *page = mem_page_of(tlb->mem, slot);
	u32 index;
	u64 ia;

	if (!page || !tlb->live)
		return;
	if (page->use == MEM_FREE) {
		fail(tlb, "write of %#llx to a table page after it was freed", now);
		return;
	}
	if (page->use == MEM_LOOSE && !page->stale)
		return;
	if (same_to_hardware(was, now))
		return;
	tlb->writes++;
	index = (u32)((size_t)((const u8 *)slot - (u8 *)mem_page_host(tlb->mem, page)) /
		      ENTRY_BYTES);
	ia = page->ia + index * walk_level_size(&tlb->reg, page->level);
	if (page->use == MEM_ATTACHED)
		change(tlb, mem_to_pa(tlb->mem, slot), ia, page->level, was, now);
	else if (now & 1)
		fail(tlb,
		     "level %d entry %#llx for %#llx written to a table that a CPU may still walk",
		     page->level, now, ia);
}

void tlb_on_publish(struct tlb *tlb)
{
	u32 i;

	for (i = 0; i < tlb->nr; i++)
		tlb->stale[i].published = true;
}

void tlb_on_invalidate(struct tlb *tlb, const struct tlbi *op, unsigned int copies, bool local)
{
	u32 i;

	tlb->invalidations++;
	if (op->vain)
		fail(tlb, "invalidation in vain: %s", op->vain);
	for (i = 0; i < tlb->nr; i++) {
		struct tlb_stale *s = &tlb->stale[i];
		unsigned int gone = copies;

		if (!s->published || !tlbi_removes(op, s->ia, s->size, s->level, s->table))
			continue;
		if (copies == TLB_COMBINED && (s->held & TLB_BY_ADDRESS))
			gone = 0;
		if (local)
			s->local = true;
		else
			s->leaving |= gone;
	}
}

void tlb_on_sync(struct tlb *tlb)
{
	u32 i = 0;

	tlb->syncs++;
	while (i < tlb->nr) {
		struct tlb_stale *s = &tlb->stale[i];

		s->held &= ~s->leaving;
		s->leaving = 0;
		if (!s->held)
			remove_stale(tlb, i);
		else
			i++;
	}
}

void tlb_on_free(struct tlb *tlb, const void *host)
{
	struct mem_page *page = mem_page_of(tlb->mem, host);

	if (!page)
		fail(tlb, "a page that is no table page was freed");
	else if (page->use == MEM_FREE)
		fail(tlb, "a table page was freed twice");
	else if (page->use == MEM_ATTACHED)
		fail(tlb, "level %d table for %#llx freed while in the tree", page->level,
		     page->ia);
	else if (page->stale)
		fail(tlb, "level %d table for %#llx freed while a CPU may still walk it",
		     page->level, page->ia);
}

/* What kinds of difference there are between a stale leaf and what the tables say now. */
static bool tolerable(const struct tlb *tlb, const struct tlb_stale *s, unsigned int tolerance)
{
	struct walk_result old = walk_leaf(&tlb->reg, s->desc, s->level);
	struct walk_result now = walk_translate(&tlb->reg, s->ia, mem_read_desc, tlb->mem);

	if (now.fault != WALK_OK || now.level != s->level ||
	    !walk_same_output(&tlb->reg, s->desc, now.desc, s->level))
		return false;
	if ((old.r && !now.r) || (old.px && !now.px) || (old.ux && !now.ux))
		return false;
	if (!now.af && !(tolerance & TLB_YOUNG))
		return false;
	if (((old.w && !now.w) || (old.dirty && !now.dirty)) && !(tolerance & TLB_WRITE))
		return false;
	return (old.r == now.r && old.w == now.w && old.px == now.px && old.ux == now.ux) ||
	       (old.w && !now.w) || s->local;
}

void tlb_check_clean(struct tlb *tlb, unsigned int tolerance, u64 owed_start, u64 owed_end)
{
	u32 i;

	for (i = 0; i < tlb->nr; i++) {
		const struct tlb_stale *s = &tlb->stale[i];

		bool owed = s->ia < owed_end && s->ia + s->size > owed_start;

		if (!s->table && tolerable(tlb, s, owed ? tolerance : tolerance & ~TLB_WRITE))
			continue;
		fail(tlb, "stale: a CPU may still use level %d %s %#llx for %#llx%s", s->level,
		     s->table ? "table" : "leaf", s->desc, s->ia,
		     s->leaving ? " (invalidation not complete)" : "");
		return;
	}
}
