// SPDX-License-Identifier: GPL-2.0-only
/*
 * The environment of a set of page tables, and the checks that need nothing but
 * it: that entries were published, that cache maintenance came first, that dead
 * tables are only freed once nobody can be in them, that no page is lost.
 */
#include <stdarg.h>

#include "world.h"

#define WORLD_BYTES ((size_t)32 << 20)

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->problem[0])
		return;
	va_start(args, fmt);
	vsnprintf(w->problem, sizeof(w->problem), fmt, args);
	va_end(args);
}

const char *world_problem(const struct world *w)
{
	if (tlb_failed(&w->tlb))
		return w->tlb.problem;
	return w->problem[0] ? w->problem : NULL;
}

/* ---- What core calls ---- */

static void *to_virt(void *ctx, pa_t pa)
{
	struct world *w = ctx;

	if (!mem_holds_pa(&w->mem, pa.v)) {
		world_fail(w, "to_virt(%#llx): not the address of a table", pa.v);
		return w->root;
	}
	return mem_to_host(&w->mem, pa.v);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	struct world *w = ctx;

	if (!mem_holds_host(&w->mem, virt)) {
		world_fail(w, "to_pa(%p): not a table", virt);
		return pa(w->mem.pa);
	}
	return pa(mem_to_pa(&w->mem, virt));
}

static void free_table(void *ctx, void *table)
{
	struct world *w = ctx;

	tlb_on_free(&w->tlb, table);
	if (!tlb_failed(&w->tlb))
		mem_free(&w->mem, table);
}

static void defer_free(void *ctx, struct pgt *pgt, void *table, s8 level)
{
	struct world *w = ctx;

	if (pgt != &w->pgt)
		world_fail(w, "defer_free() of other tables");
	if (w->ndead == WORLD_DEAD_MAX) {
		world_fail(w, "too many tables for defer_free()");
		return;
	}
	w->dead[w->ndead].table = table;
	w->dead[w->ndead++].level = level;
}

static void publish(void *ctx)
{
	struct world *w = ctx;

	w->unpublished = false;
	tlb_on_publish(&w->tlb);
}

/* The same instruction, decoded by the judge from its operand. */
static struct tlbi decode(struct world *w, const struct pgt_tlbi *op, unsigned int *copies)
{
	*copies = TLB_BY_ADDRESS;
	switch (op->kind) {
	case PGT_TLBI_VAE2:
	case PGT_TLBI_VALE2:
	case PGT_TLBI_IPAS2E1:
	case PGT_TLBI_IPAS2LE1:
		return tlbi_decode_single(&w->reg, op->operand,
					  op->kind == PGT_TLBI_VALE2 ||
						  op->kind == PGT_TLBI_IPAS2LE1);
	case PGT_TLBI_RVAE2:
	case PGT_TLBI_RVALE2:
	case PGT_TLBI_RIPAS2E1:
	case PGT_TLBI_RIPAS2LE1:
		return tlbi_decode_range(&w->reg, op->operand,
					 op->kind == PGT_TLBI_RVALE2 ||
						 op->kind == PGT_TLBI_RIPAS2LE1);
	case PGT_TLBI_VMALLE1:
		*copies = TLB_COMBINED;
		break;
	case PGT_TLBI_VMALLS12E1:
		*copies = TLB_BY_ADDRESS | TLB_COMBINED;
		break;
	default:
		break;
	}
	return tlbi_decode_all();
}

static bool kind_fits_stage(const struct world *w, enum pgt_tlbi_kind kind)
{
	if (kind == PGT_TLBI_DSB)
		return true;
	return (kind <= PGT_TLBI_ALLE2) == (w->geo.stage == PGT_STAGE1);
}

/* The plan's own words for the operand, which some environments go by. */
static void check_words(struct world *w, const struct pgt_tlbi *op, const struct tlbi *real)
{
	bool by_address = real->last != ~(u64)0;
	bool range = op->kind == PGT_TLBI_RVAE2 || op->kind == PGT_TLBI_RVALE2 ||
		     op->kind == PGT_TLBI_RIPAS2E1 || op->kind == PGT_TLBI_RIPAS2LE1;

	if (!by_address || op->kind == PGT_TLBI_DSB)
		return;
	if (op->addr < real->first || op->addr > real->last ||
	    (range && (op->addr != real->first || op->size != real->last - real->first + 1)))
		world_fail(w, "TLBI operand %#llx is for %#llx to %#llx, not %#llx+%#llx",
			   op->operand, real->first, real->last, op->addr, op->size);
	if (range && (op->scale != (op->operand >> 44 & 3) || op->num != (op->operand >> 39 & 31)))
		world_fail(w, "TLBI operand %#llx, the plan says scale %d, num %d", op->operand,
			   op->scale, op->num);
	if (real->level != (op->level == PGT_TTL_NONE ? TLBI_ANY_LEVEL : op->level))
		world_fail(w, "TLBI operand %#llx hints level %d, the plan says %d", op->operand,
			   real->level, op->level);
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	struct world *w = ctx;
	unsigned int copies;
	u32 i;

	w->flushes++;
	w->unpublished = false;
	tlb_on_publish(&w->tlb);
	if (plan->n > PGT_TLBI_MAX) {
		world_fail(w, "a plan of %u instructions", plan->n);
		return;
	}
	for (i = 0; i < plan->n; i++) {
		struct tlbi op = decode(w, &plan->op[i], &copies);

		check_words(w, &plan->op[i], &op);
		if (!kind_fits_stage(w, plan->op[i].kind))
			world_fail(w, "TLBI kind %d at the wrong stage", plan->op[i].kind);
		if (plan->op[i].kind == PGT_TLBI_DSB)
			tlb_on_sync(&w->tlb);
		else
			tlb_on_invalidate(&w->tlb, &op, copies, plan->local);
	}
	tlb_on_sync(&w->tlb);
}

static void record(struct world *w, struct cmo *list, u32 *n, u64 pa, u64 size)
{
	if (*n && list[*n - 1].pa + list[*n - 1].size == pa) {
		list[*n - 1].size += size;
		return;
	}
	if (*n == sizeof(w->dcache) / sizeof(w->dcache[0])) {
		w->cmo_lost = true;
		return;
	}
	list[*n].pa = pa;
	list[(*n)++].size = size;
}

static void dcache_clean_inval(void *ctx, pa_t pa, u64 size)
{
	struct world *w = ctx;

	if (w->spec.fwb)
		world_fail(w, "data cache maintenance with FWB");
	record(w, w->dcache, &w->ndcache, pa.v, size);
}

static void icache_inval(void *ctx, pa_t pa, u64 size)
{
	struct world *w = ctx;

	record(w, w->icache, &w->nicache, pa.v, size);
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.defer_free = defer_free,
	.publish = publish,
	.tlb_flush = tlb_flush,
	.dcache_clean_inval = dcache_clean_inval,
	.icache_inval = icache_inval,
};

static bool covers(const struct cmo *list, u32 n, u64 pa, u64 size)
{
	u32 i;

	for (i = 0; i < n && size; i++) {
		u64 end = list[i].pa + list[i].size;

		if (pa < list[i].pa || pa >= end)
			continue;
		if (end - pa >= size)
			return true;
		size -= end - pa;
		pa = end;
		i = (u32)-1; /* the rest may be in any other one */
	}
	return !size;
}

bool world_dcache_covers(const struct world *w, u64 pa, u64 size)
{
	return w->cmo_lost || covers(w->dcache, w->ndcache, pa, size);
}

bool world_icache_covers(const struct world *w, u64 pa, u64 size)
{
	return w->cmo_lost || covers(w->icache, w->nicache, pa, size);
}

/* ---- What the port tells ---- */

/* A new leaf in the range that is being mapped: its memory was cleaned before. */
static void check_cleaned(struct world *w, const struct mem_page *page, u64 desc)
{
	struct walk_result leaf;

	if (!w->map_size || page->use != MEM_ATTACHED ||
	    walk_desc_type(&w->reg, desc, page->level) != WALK_LEAF)
		return;
	leaf = walk_leaf(&w->reg, desc, page->level);
	if (leaf.oa < w->map_pa || leaf.oa + leaf.leaf_size > w->map_pa + w->map_size)
		return;
	if (leaf.mem == WALK_MEM_NORMAL && !w->spec.fwb &&
	    !world_dcache_covers(w, leaf.oa, leaf.leaf_size))
		world_fail(w, "memory at %#llx mapped before it was cleaned", leaf.oa);
	if (w->map_exec && (leaf.px || leaf.ux) && !world_icache_covers(w, leaf.oa, leaf.leaf_size))
		world_fail(w, "memory at %#llx made executable before it was fit to fetch",
			   leaf.oa);
}

static void on_write(void *ctx, const u64 *slot, u64 was, u64 now)
{
	struct world *w = ctx;
	struct mem_page *page = mem_page_of(&w->mem, slot);
	u64 made = w->tlb.made;

	if (!page)
		return;
	was = port_le64(was);
	now = port_le64(now);
	if (now & 1)
		check_cleaned(w, page, now);
	tlb_on_write(&w->tlb, slot, was, now);
	if (w->tlb.made != made)
		w->unpublished = true;
}

/* ---- Life ---- */

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	mem_init(&w->mem, WORLD_BYTES);
	tlb_init(&w->tlb, &w->mem);
	flat_init(&w->flat);
}

void world_fini(struct world *w)
{
	judge_ear.fn = NULL;
	mem_fini(&w->mem);
	tlb_fini(&w->tlb);
	flat_fini(&w->flat);
}

static void reset(struct world *w, const struct spec *spec)
{
	w->spec = *spec;
	w->problem[0] = 0;
	w->tlb.problem[0] = 0;
	w->owed_start = w->owed_end = 0;
	w->ndead = 0;
	w->mc = (struct pgt_memcache){0};
	pgt_gather_init(&w->gather);
	w->gathering = false;
	w->countdown = 0;
	flat_clear(&w->flat);
	world_begin(w);
}

static bool same_shape(struct world *w)
{
	const struct pgt_geometry *g = &w->geo;

	return !w->reg.wrong && w->reg.ia_bits == g->ia_bits && w->reg.oa_bits == g->oa_bits &&
	       w->reg.start_level == g->start_level && w->reg.base_size == g->root_bytes &&
	       w->reg.granule_bits == g->granule_shift && w->reg.ha == g->ha &&
	       w->reg.hd == g->hd && w->reg.ds == (g->format == PGT_FORMAT_LPA2);
}

bool world_start(struct world *w, const struct spec *spec)
{
	int rc;

	reset(w, spec);
	rc = pgt_geometry_init(&w->geo, &spec->req, &spec->cpu);
	if (rc) {
		world_fail(w, "geometry refused: %s", pgt_refusal_reason(rc));
		return false;
	}
	mem_reset(&w->mem, spec->table_pa, w->geo.granule_shift);
	w->root_pages = (u32)((w->geo.root_bytes - 1) >> w->geo.granule_shift) + 1;
	w->root = mem_alloc(&w->mem, w->root_pages, (size_t)w->geo.root_align);
	w->cpu = spec_walk_cpu(&spec->cpu, w->geo.granule_shift);
	w->reg = walk_decode(&w->cpu, w->geo.stage == PGT_STAGE2, w->geo.tcr,
			     pgt_geometry_ttbr(&w->geo, pa(mem_to_pa(&w->mem, w->root)), 0x5a),
			     spec->fwb);
	if (!same_shape(w) || w->reg.base != mem_to_pa(&w->mem, w->root))
		world_fail(w, "the CPU takes TCR %#llx for something else: %s", w->geo.tcr,
			   w->reg.wrong ? w->reg.wrong : "another shape or base");
	rc = pgt_init(&w->pgt, &w->geo, w->root, &env, w, spec->fwb ? PGT_FWB : 0);
	if (rc)
		world_fail(w, "pgt_init: %d", rc);
	judge_ear = (struct judge_ear){.fn = on_write, .ctx = w};
	if (!world_problem(w))
		tlb_start(&w->tlb, &w->reg);
	return !world_problem(w);
}

static void free_dead(struct world *w)
{
	u32 i;

	for (i = 0; i < w->ndead; i++)
		pgt_s2_free_unlinked(&w->pgt, w->dead[i].table, w->dead[i].level);
	w->ndead = 0;
}

void world_stop(struct world *w, u32 budget)
{
	struct pgt_op op = {.budget = budget};
	u64 before = 0;
	u32 i;

	tlb_stop(&w->tlb);
	do {
		int rc = w->geo.stage == PGT_STAGE2 ? pgt_s2_destroy(&w->pgt, &op)
						    : pgt_s1_destroy(&w->pgt, &op);

		if (rc || (op.done <= before && op.done)) {
			world_fail(w, "destroy: %d after %#llx bytes", rc, op.done);
			return;
		}
		before = op.done;
	} while (op.done < (u64)1 << w->geo.ia_bits);
	for (i = 0; i < w->geo.root_entries; i++)
		if (w->root[i])
			world_fail(w, "destroy left %#llx in the root", port_le64(w->root[i]));
	if (w->mem.in_use != w->root_pages)
		world_fail(w, "%d table pages lost", (int)(w->mem.in_use - w->root_pages));
}

/* ---- One operation ---- */

void world_fill(struct world *w, u32 n)
{
	s64 fail_after = w->mem.fail_after;

	w->mem.fail_after = -1;
	while (n--) {
		/* Core must not count on what is in it. */
		pgt_memcache_push(&w->mc, mem_alloc_rubbish(&w->mem));
	}
	w->mem.fail_after = fail_after;
}

u32 world_drain(struct world *w)
{
	void *page;
	u32 n = 0, count = w->mc.count;

	for (page = pgt_memcache_pop(&w->mc); page; page = pgt_memcache_pop(&w->mc)) {
		if (mem_page_of(&w->mem, page)->use == MEM_FREE)
			world_fail(w, "a freed page is in the memcache");
		else
			free_table(w, page);
		n++;
	}
	if (n != count)
		world_fail(w, "the memcache counts %u pages and has %u", count, n);
	return n;
}

void world_begin(struct world *w)
{
	w->ndcache = w->nicache = 0;
	w->cmo_lost = w->map_exec = w->unpublished = w->mapping = false;
	w->map_size = 0;
	w->flushes = 0;
}

void world_end(struct world *w)
{
	if (w->unpublished && w->mapping)
		world_fail(w, "new entries, and no barrier after them");
	tlb_check_clean(&w->tlb, TLB_YOUNG | TLB_WRITE, w->owed_start, w->owed_end);
	if (!world_problem(w))
		free_dead(w);
	w->map_size = 0;
}

struct walk_result world_walk(struct world *w, u64 ia)
{
	return walk_translate(&w->reg, ia, mem_read_desc, &w->mem);
}
