// SPDX-License-Identifier: GPL-2.0-only
/* Random operations. They gather around a few addresses, so that they meet. */
#include "op.h"

/* A random level that may hold a leaf, pages more often than blocks. */
static s8 random_level(const struct pgt_geometry *geo, struct rng *rng)
{
	s8 level = PGT_LEVEL_LAST;

	while (level > geo->start_level && pgt_level_has_leaf(geo, (s8)(level - 1)) &&
	       rng_chance(rng, 35))
		level--;
	return level;
}

static u64 page_size(const struct pgt_geometry *geo)
{
	return (u64)1 << geo->granule_shift;
}

/* An address near an anchor, on a border of a random level or a few pages off. */
static u64 random_ia(const struct spec *spec, const struct pgt_geometry *geo, struct rng *rng)
{
	u64 top = (u64)1 << geo->ia_bits;
	u64 ia = spec->anchor[rng_below(rng, 4)];
	s8 level = random_level(geo, rng);

	ia += rng_below(rng, 4) * pgt_level_size(geo, level);
	if (rng_chance(rng, 40))
		ia &= ~(pgt_level_size(geo, level) - 1);
	if (rng_chance(rng, 60))
		ia += rng_below(rng, 16) * page_size(geo);
	return ia & (top - 1) & ~(page_size(geo) - 1);
}

static u64 random_size(const struct pgt_geometry *geo, struct rng *rng)
{
	u64 page = page_size(geo);

	switch (rng_below(rng, 8)) {
	case 0:
	case 1:
		return page;
	case 2:
	case 3:
		return page * (1 + rng_below(rng, 8));
	case 4:
		return page * (1 + rng_below(rng, 64));
	case 5:
		return pgt_level_size(geo, random_level(geo, rng)) * (1 + rng_below(rng, 2));
	case 6:
		return pgt_level_size(geo, random_level(geo, rng)) + page * rng_below(rng, 8);
	default:
		return pgt_level_size(geo, random_level(geo, rng)) * (1 + rng_below(rng, 3)) -
		       page * rng_below(rng, 4);
	}
}

static u32 random_prot(const struct pgt_geometry *geo, struct rng *rng)
{
	u32 prot = PGT_PROT_R;

	if (geo->stage == PGT_STAGE2 && rng_chance(rng, 5))
		prot = 0;
	if (rng_chance(rng, 70))
		prot |= PGT_PROT_W;
	switch (rng_below(rng, 10)) {
	case 0:
		prot |= PGT_PROT_DEVICE;
		break;
	case 1:
		prot |= PGT_PROT_NC;
		break;
	case 2:
		prot |= geo->stage == PGT_STAGE2 ? PGT_PROT_PX : PGT_PROT_X;
		break;
	case 3:
		prot |= geo->stage == PGT_STAGE2 ? PGT_PROT_UX : PGT_PROT_X;
		break;
	default:
		prot |= rng_chance(rng, 50) ? PGT_PROT_X : 0;
	}
	if (geo->hd && (prot & PGT_PROT_W) && geo->stage == PGT_STAGE2 && rng_chance(rng, 60))
		prot |= PGT_PROT_CLEAN;
	if (rng_chance(rng, 15))
		prot |= PGT_PROT_OLD;
	if (rng_chance(rng, 25))
		prot |= (u32)rng_below(rng, 16) << PGT_PROT_SW_SHIFT;
	if (rng_chance(rng, 1))
		prot ^= 1u << rng_below(rng, 8);
	return prot;
}

/* An output address: usually as aligned as the input, so that blocks are possible. */
static u64 random_to(const struct pgt_geometry *geo, u64 ia, u64 size, struct rng *rng)
{
	u64 top = (u64)1 << geo->oa_bits;
	u64 big = pgt_level_size(geo, random_level(geo, rng));
	u64 to = (rng_next(rng, 7) & (top - 1)) & ~(big - 1);

	if (rng_chance(rng, 50))
		to = ia & ~(big - 1) & (top - 1); /* an identity map, often */
	to += ia & (big - 1);
	if (rng_chance(rng, 15))
		to += page_size(geo) * rng_below(rng, 4);
	if (to + size > top)
		to = (top - size) & ~(page_size(geo) - 1);
	if (rng_chance(rng, 1))
		to = top - page_size(geo) * rng_below(rng, 3);
	return to;
}

/* Pages one by one must not be too many: as large as a few tables, no more. */
static void bound_pages(struct op *op, const struct pgt_geometry *geo)
{
	u64 differ = op->ia ^ op->to, unit = page_size(geo);
	s8 level;

	for (level = PGT_LEVEL_LAST; level >= geo->start_level; level--)
		if (pgt_level_has_leaf(geo, level) &&
		    !(differ & (pgt_level_size(geo, level) - 1)) &&
		    (!op->max_shift || geo->level_shift[level + 1] <= op->max_shift))
			unit = pgt_level_size(geo, level);
	if (op->size / unit > 64)
		op->size = unit * (1 + (op->size / unit) % 64);
}

static void random_arguments(struct op *op, const struct spec *spec, const struct pgt_geometry *geo,
			     struct rng *rng)
{
	op->ia = random_ia(spec, geo, rng);
	op->size = random_size(geo, rng);
	if (op->ia + op->size > (u64)1 << geo->ia_bits)
		op->size = ((u64)1 << geo->ia_bits) - op->ia;
	if (rng_chance(rng, 30))
		op->max_shift = geo->level_shift[random_level(geo, rng) + 1];
	op->to = random_to(geo, op->ia, op->size, rng);
	op->prot = random_prot(geo, rng);
	op->mc_pages = (u8)(rng_chance(rng, 85) ? 8 + rng_below(rng, 4) : rng_below(rng, 8));
	if (rng_chance(rng, 15))
		op->budget = (u16)(1 + rng_below(rng, 20));
	if (rng_chance(rng, 30))
		op->flags |= PGT_OP_SHARED;
	if (rng_chance(rng, 15))
		op->flags |= PGT_OP_REPLACE;
	if (rng_chance(rng, 10))
		op->flags |= PGT_OP_NO_CMO;
	op->gather = rng_chance(rng, 30);
	op->write = rng_chance(rng, 50);
}

/* What a caller gets wrong. */
static void spoil(struct op *op, const struct pgt_geometry *geo, struct rng *rng)
{
	switch (rng_below(rng, 7)) {
	case 0:
		op->ia += 8;
		break;
	case 1:
		op->size += 0x10;
		break;
	case 2:
		op->size = 0;
		break;
	case 3:
		op->ia = (u64)1 << geo->ia_bits;
		break;
	case 4:
		op->size = 0 - op->ia;
		break;
	case 5:
		op->size = 0 - page_size(geo);
		break;
	default:
		op->to += 1;
	}
}

static enum op_kind random_kind(const struct pgt_geometry *geo, struct rng *rng)
{
	static const u8 stage2[] = {
		OP_S2_MAP,         OP_S2_MAP,        OP_S2_MAP,         OP_S2_MAP,
		OP_S2_MAP,         OP_S2_MAP,        OP_S2_MAP_PFNS,    OP_S2_UNMAP,
		OP_S2_UNMAP,       OP_S2_UNMAP,      OP_S2_WRPROTECT,   OP_S2_WRPROTECT,
		OP_S2_CLEAR_DIRTY, OP_S2_TEST_YOUNG, OP_S2_CLEAR_YOUNG, OP_S2_MKYOUNG,
		OP_S2_RELAX,       OP_S2_RELAX,      OP_S2_FLUSH,       OP_S2_SPLIT,
		OP_S2_UNLINKED,    OP_S2_SET_OWNER,  OP_S2_SET_OWNER,   OP_S2_COALESCE,
		OP_S2_FLUSH_TLB,   OP_FLUSH_TLB_ALL, OP_CPU_ACCESS,     OP_CPU_ACCESS,
		OP_LOOK,
	};
	static const u8 stage1[] = {
		OP_S1_MAP,   OP_S1_MAP, OP_S1_MAP,        OP_S1_UNMAP,
		OP_S1_UNMAP, OP_LOOK,   OP_FLUSH_TLB_ALL,
	};

	if (geo->stage == PGT_STAGE1)
		return (enum op_kind)stage1[rng_below(rng, sizeof(stage1))];
	return (enum op_kind)stage2[rng_below(rng, sizeof(stage2))];
}

/* The same place again, or nearly. */
static void revisit(struct op *op, const struct op *like, const struct pgt_geometry *geo,
		    struct rng *rng)
{
	op->ia = like->ia;
	op->size = like->size;
	if (rng_chance(rng, 70))
		op->to = like->to;
	if (rng_chance(rng, 20))
		op->size = page_size(geo);
	if (rng_chance(rng, 20) && op->size > page_size(geo)) {
		op->ia += page_size(geo);
		op->size -= page_size(geo);
	}
}

void op_random(struct op *op, const struct spec *spec, const struct pgt_geometry *geo,
	       const struct op *like, struct rng *rng)
{
	memset(op, 0, sizeof(*op));
	op->kind = (u8)random_kind(geo, rng);
	random_arguments(op, spec, geo, rng);
	if (like && rng_chance(rng, 40))
		revisit(op, like, geo, rng);
	switch (op->kind) {
	case OP_S2_MAP:
	case OP_S1_MAP:
		bound_pages(op, geo);
		break;
	case OP_S2_UNLINKED:
		op->leaf_level = (u8)(random_level(geo, rng) + 1);
		op->level = (u8)(PGT_LEVEL_LAST + 1 - rng_below(rng, 2));
		op->to &= ~(pgt_level_size(geo, (s8)(op->level - 2)) - 1);
		break;
	case OP_S2_SET_OWNER:
		op->owner = rng_chance(rng, 30)   ? 0
			    : rng_chance(rng, 10) ? PGT_OWNER_MAX
						  : 1 + rng_next(rng, 6);
		break;
	case OP_S2_UNMAP:
		if (rng_chance(rng, 4)) {
			op->ia = 0;
			op->size = (u64)1 << geo->ia_bits;
		}
		break;
	case OP_S2_RELAX:
		op->prot &= PGT_PROT_RWX;
		break;
	case OP_S2_SPLIT:
		op->mc_pages = (u8)(rng_chance(rng, 70) ? 12 : rng_below(rng, 12));
		break;
	default:
		break;
	}
	if (rng_chance(rng, 2))
		spoil(op, geo, rng);
}

static const char *const names[OP_KINDS] = {
	"pgt_s2_map",
	"pgt_s2_map_pfns",
	"pgt_s2_unmap",
	"pgt_s2_wrprotect",
	"pgt_s2_clear_dirty",
	"pgt_s2_test_clear_young",
	"pgt_s2_test_clear_young",
	"pgt_s2_mkyoung",
	"pgt_s2_relax_perms",
	"pgt_s2_flush",
	"pgt_s2_split",
	"pgt_s2_create_unlinked",
	"pgt_s2_set_owner",
	"pgt_s2_coalesce",
	"pgt_s2_flush_tlb_range",
	"pgt_s1_map",
	"pgt_s1_unmap",
	"pgt_flush_tlb_all",
	"CPU access",
	"get_leaf",
};

const char *op_name(const struct op *op)
{
	return names[op->kind];
}

static void print_prot(u32 prot)
{
	static const char *const word[] = {"R", "W", "PX", "UX", "DEVICE", "NC", "OLD", "CLEAN"};
	unsigned int i;

	printf(", ");
	for (i = 0; i < 8; i++)
		if (prot >> i & 1)
			printf("%s ", word[i]);
	if (prot & ~0xffu)
		printf("SW=%x", prot >> PGT_PROT_SW_SHIFT);
	if (!prot)
		printf("no access");
}

static bool has_pages(const struct op *op)
{
	return op->kind == OP_S2_MAP || op->kind == OP_S2_MAP_PFNS || op->kind == OP_S1_MAP ||
	       op->kind == OP_S2_SPLIT || op->kind == OP_S2_UNLINKED || op->kind == OP_S2_SET_OWNER;
}

void op_print(const struct op *op)
{
	bool map = op->kind == OP_S2_MAP || op->kind == OP_S1_MAP || op->kind == OP_S2_MAP_PFNS;

	printf("    %s(%#llx", names[op->kind], op->ia);
	if (op->kind != OP_S2_MKYOUNG && op->kind != OP_S2_RELAX && op->kind != OP_LOOK &&
	    op->kind != OP_CPU_ACCESS)
		printf(", size %#llx", op->size);
	if (map || op->kind == OP_S2_UNLINKED)
		printf(", to %#llx", op->to);
	if (map || op->kind == OP_S2_UNLINKED || op->kind == OP_S2_RELAX)
		print_prot(op->prot);
	if (op->kind == OP_S2_SET_OWNER)
		printf(", owner %#llx", op->owner);
	if (op->kind == OP_S2_UNLINKED)
		printf(", level %d, leaves of level %d", op->level - 1, op->leaf_level - 1);
	if (op->kind == OP_S2_CLEAR_YOUNG)
		printf(", clear");
	if (op->kind == OP_CPU_ACCESS)
		printf(", %s", op->write ? "write" : "read");
	if (op->max_shift && (map || op->kind == OP_S2_COALESCE))
		printf(", max_shift %d", op->max_shift);
	if (has_pages(op))
		printf(", %d pages", op->mc_pages);
	if (op->budget)
		printf(", budget %d", op->budget);
	if (op->flags & PGT_OP_SHARED)
		printf(", SHARED");
	if (op->flags & PGT_OP_REPLACE)
		printf(", REPLACE");
	if (op->flags & PGT_OP_NO_CMO)
		printf(", NO_CMO");
	printf("%s)\n", op->gather ? ", gather" : "");
}
