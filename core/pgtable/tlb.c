// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From what was changed to which TLBI instructions: a plan.
 *
 * Pure arithmetic on a gather and a geometry. A plan may invalidate more than was
 * changed, never less: the hull is widened to whole leaves, to 64K where a range's
 * base demands it, and to everything where listing would cost more than refilling.
 * (Arm ARM D8.16 and the TLBI pages of C5.5.)
 */
#include <core/pgtable.h>

/* More instructions than this take longer than refilling a TLB from memory. */
#define SINGLES_MAX 16

/* NUM is 5 bits: scale 3 reaches 32 units of 2^16 pages. */
#define SCALE_MAX	3
#define SCALE_UNIT(s)	(5U * (s) + 1U) /* log2 pages */
#define NUM_MAX		31U
#define RANGE_PAGES_MAX ((u64)(NUM_MAX + 1) << SCALE_UNIT(SCALE_MAX))

/* With DS=1 a range's BaseADDR holds address bits 52:16, whatever the granule. */
#define DS_BASE_SHIFT 16

struct planner {
	const struct pgt_geometry *geo;
	struct pgt_tlb_plan *plan;
	u64 start, end;
	s8 level;    /* of the leaves, if one level only and TTL may be given */
	u8 stride;   /* log2 bytes of the smallest leaf */
	bool leaves; /* leaf entries only */
};

static bool is_ds(const struct pgt_geometry *geo)
{
	return geo->format == PGT_FORMAT_LPA2;
}

/* TG of the TTL field and of range operands: 1, 2, 3 for 4K, 16K, 64K. */
static u64 operand_tg(const struct pgt_geometry *geo)
{
	return PGT_GRANULE_INDEX(geo->granule_shift) + 1;
}

static struct pgt_tlbi *plan_add(struct planner *p, enum pgt_tlbi_kind kind)
{
	struct pgt_tlbi *op = &p->plan->op[p->plan->n++];

	*op = (struct pgt_tlbi){ .kind = kind, .level = PGT_TTL_NONE };
	return op;
}

/* The four by-address kinds of one stage follow each other in the enum. */
static enum pgt_tlbi_kind kind_of(const struct planner *p, bool range)
{
	enum pgt_tlbi_kind base =
		p->geo->stage == PGT_STAGE1 ? PGT_TLBI_VAE2 : PGT_TLBI_IPAS2E1;

	return base + (range ? 2 : 0) + (p->leaves ? 1 : 0);
}

static void plan_single(struct planner *p, u64 addr)
{
	struct pgt_tlbi *op = plan_add(p, kind_of(p, false));

	op->addr = addr;
	op->size = 1ULL << p->stride;
	op->level = p->level;
	op->operand = addr >> 12;
	if (p->level != PGT_TTL_NONE)
		op->operand |= (operand_tg(p->geo) << 2 | (u64)p->level) << 44;
}

static void plan_range(struct planner *p, u64 addr, u8 scale, u32 num)
{
	u8 granule = p->geo->granule_shift;
	u8 base_shift = is_ds(p->geo) ? DS_BASE_SHIFT : granule;
	struct pgt_tlbi *op = plan_add(p, kind_of(p, true));

	op->addr = addr;
	op->size = (u64)(num + 1) << SCALE_UNIT(scale) << granule;
	op->level = p->level;
	op->scale = scale;
	op->num = (u8)num;
	op->operand = addr >> base_shift | (u64)num << 39 | (u64)scale << 44 |
		      operand_tg(p->geo) << 46;
	if (p->level != PGT_TTL_NONE)
		op->operand |= (u64)p->level << 37;
}

static void plan_everything(struct planner *p)
{
	p->plan->n = 0;
	plan_add(p, p->geo->stage == PGT_STAGE1 ? PGT_TLBI_ALLE2 : PGT_TLBI_VMALLS12E1);
}

/* Largest scale first, which keeps every base aligned; an odd page comes last, alone. */
static void plan_by_range(struct planner *p)
{
	u8 granule = p->geo->granule_shift;
	u64 addr = p->start, pages;
	int scale;

	if (is_ds(p->geo))
		addr &= ~((1ULL << DS_BASE_SHIFT) - 1);
	pages = (p->end - addr) >> granule;
	if (pages > RANGE_PAGES_MAX) {
		plan_everything(p);
		return;
	}
	for (scale = SCALE_MAX; scale >= 0; scale--) {
		u32 units = (u32)(pages >> SCALE_UNIT(scale));

		if (!units)
			continue;
		plan_range(p, addr, (u8)scale, units - 1);
		addr += (u64)units << SCALE_UNIT(scale) << granule;
		pages -= (u64)units << SCALE_UNIT(scale);
	}
	if (pages)
		plan_single(p, addr);
}

static void plan_singles(struct planner *p)
{
	u64 addr;

	for (addr = p->start; addr < p->end; addr += 1ULL << p->stride)
		plan_single(p, addr);
}

static void plan_addresses(struct planner *p)
{
	u64 count = (p->end - p->start) >> p->stride;

	if (count > 1 && p->geo->tlbirange)
		plan_by_range(p);
	else if (count <= SINGLES_MAX)
		plan_singles(p);
	else
		plan_everything(p);
}

/*
 * By-IPA instructions leave combined entries (VA to PA) alone: those go with the
 * VMID's stage 1, once the stage-2 entries that could refill them are gone.
 */
static void plan_combined(struct planner *p)
{
	if (p->geo->stage == PGT_STAGE1 || p->plan->op[0].kind == PGT_TLBI_VMALLS12E1)
		return;
	plan_add(p, PGT_TLBI_DSB);
	plan_add(p, PGT_TLBI_VMALLE1);
}

/* The lowest level noted in @levels: the one with the smallest leaves. */
static s8 lowest_level(u8 levels)
{
	s8 level = PGT_LEVEL_LAST;

	while (level > PGT_LEVEL_MIN && !(levels >> (level + 1) & 1))
		level--;
	return level;
}

void pgt_tlb_plan(const struct pgt_geometry *geo, const struct pgt_gather *g,
		  struct pgt_tlb_plan *plan)
{
	s8 lowest = lowest_level(g->levels);
	u8 stride = geo->level_shift[lowest + 1];
	u64 mask = (1ULL << stride) - 1;
	struct planner p = {
		.geo = geo,
		.plan = plan,
		.start = g->start & ~mask,
		.end = (g->end + mask) & ~mask,
		.level = PGT_TTL_NONE,
		.stride = stride,
		.leaves = !g->tables,
	};

	plan->n = 0;
	plan->local = false;
	if (g->start >= g->end)
		return;
	/*
	 * The hint speaks of leaves, all of one level; an instruction that is to drop walk
	 * caches goes without. Levels -1 and 0 can't be told apart from no hint.
	 */
	if (geo->ttl && !g->tables && lowest >= 1 && g->levels == 1U << (lowest + 1))
		p.level = lowest;
	plan_addresses(&p);
	plan_combined(&p);
}

void pgt_tlb_plan_all(const struct pgt_geometry *geo, struct pgt_tlb_plan *plan)
{
	struct planner p = { .geo = geo, .plan = plan };

	plan->local = false;
	plan_everything(&p);
}
