// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From what is wanted and what the CPU has to the shape of the tables.
 *
 * Checks come in the order in which later ones rely on earlier ones: stage and
 * granule, output size and format, input size, start level, flags. The result is
 * written once everything is settled. (Arm ARM D8.2.)
 */
#include <core/pgtable_geometry.h>

#define PA_BITS_48 48
#define PA_BITS_52 52

/* Input sizes: 25 bits at least, without FEAT_TTST; 16 with it, 17 for 64K. */
#define IA_BITS_LEAST	   25
#define IA_BITS_LEAST_TTST 16

#define CONCAT_BITS_MAX 4 /* 16 tables side by side */

/* TCR_EL2 (E2H = 0) and VTCR_EL2: where they agree, and what only one has. */
#define GEO_TCR_T0SZ(ia)	   ((u64)(64 - (ia)))
#define GEO_TCR_IRGN_WBWA	   (1ULL << 8)
#define GEO_TCR_ORGN_WBWA	   (1ULL << 10)
#define GEO_TCR_SH_INNER	   (3ULL << 12)
#define GEO_TCR_TG_SHIFT	   14
#define GEO_TCR_PS_SHIFT	   16
#define GEO_TCR_HA		   (1ULL << 21)
#define GEO_TCR_HD		   (1ULL << 22)
#define TCR_EL2_RES1	   (1ULL << 31 | 1ULL << 23)
#define GEO_TCR_DS		   (1ULL << 32)
#define GEO_VTCR_SL0_SHIFT	   6
#define GEO_VTCR_VS		   (1ULL << 19)
#define GEO_VTCR_RES1	   (1ULL << 31)
#define GEO_VTCR_SL2	   (1ULL << 33)
#define TTBR_ADDR_IN_PLACE 0x0000ffffffffffc0ULL
#define TTBR_ADDR_HI_SHIFT 2

struct builder {
	const struct pgt_request *req;
	const struct pgt_cpu_features *cpu;
	struct pgt_geometry geo;
};

static bool granule_has_lpa2(const struct builder *b, int stage)
{
	u8 index = PGT_GRANULE_INDEX(b->req->granule_shift);
	const u8 *granule = stage == 1 ? b->cpu->granule_s1 : b->cpu->granule_s2;

	return granule[index] == PGT_GRANULE_LPA2;
}

static bool is_64k(const struct builder *b)
{
	return b->req->granule_shift == 16;
}

static int check_granule(struct builder *b)
{
	const struct pgt_request *req = b->req;
	const u8 *granule = b->cpu->granule_s1;

	if (req->stage != PGT_STAGE1 && req->stage != PGT_STAGE2)
		return PGT_E_STAGE;
	if (req->granule_shift != 12 && req->granule_shift != 14 && req->granule_shift != 16)
		return PGT_E_GRANULE;
	if (req->stage == PGT_STAGE2)
		granule = b->cpu->granule_s2;
	if (granule[PGT_GRANULE_INDEX(req->granule_shift)] == PGT_GRANULE_NONE)
		return PGT_E_GRANULE_CPU;
	b->geo.stage = req->stage;
	b->geo.granule_shift = req->granule_shift;
	b->geo.stride = req->granule_shift - 3;
	return 0;
}

/* The PS field; negative if there is no such size. */
static int encode_ps(u8 oa_bits)
{
	static const u8 sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
	int i;

	for (i = 0; i < (int)sizeof(sizes); i++)
		if (sizes[i] == oa_bits)
			return i;
	return -1;
}

/* The largest output size that the CPU and the formats at hand reach. */
static u8 largest_oa(const struct builder *b)
{
	bool wide = is_64k(b) || (b->req->lpa2 != PGT_LPA2_NEVER && granule_has_lpa2(b, 1) &&
				  granule_has_lpa2(b, 2));

	return b->cpu->pa_bits > PA_BITS_48 && !wide ? PA_BITS_48 : b->cpu->pa_bits;
}

static int check_oa(struct builder *b)
{
	u8 oa = b->req->oa_bits ? b->req->oa_bits : largest_oa(b);

	if (encode_ps(oa) < 0)
		return PGT_E_OA_SIZE;
	if (oa > b->cpu->pa_bits)
		return PGT_E_OA_CPU;
	b->geo.oa_bits = oa;
	return 0;
}

static int check_lpa2(const struct builder *b, bool needed)
{
	if (is_64k(b))
		return b->req->lpa2 == PGT_LPA2_ALWAYS ? PGT_E_LPA2_GRANULE : 0;
	if (!needed)
		return 0;
	if (b->req->lpa2 == PGT_LPA2_NEVER)
		return PGT_E_LPA2_NEVER;
	if (!granule_has_lpa2(b, 1))
		return PGT_E_LPA2_STAGE1;
	if (!granule_has_lpa2(b, 2))
		return PGT_E_LPA2_STAGE2;
	return 0;
}

static void set_format(struct pgt_geometry *geo, enum pgt_format format)
{
	static const struct {
		u8 in_place, hi_desc_bit, hi_mask;
	} of[] = {
		[PGT_FORMAT_48] = { 48, 0, 0 },
		[PGT_FORMAT_LPA] = { 48, 12, 0xf },
		[PGT_FORMAT_LPA2] = { 50, 8, 0x3 },
	};

	geo->format = format;
	geo->hi_oa_bit = of[format].in_place;
	geo->hi_desc_bit = of[format].hi_desc_bit;
	geo->hi_mask = of[format].hi_mask;
	geo->oa_mask = (1ULL << of[format].in_place) - (1ULL << geo->granule_shift);
}

static int choose_format(struct builder *b)
{
	bool needed = b->req->lpa2 == PGT_LPA2_ALWAYS || b->geo.oa_bits > PA_BITS_48 ||
		      b->req->ia_bits > PA_BITS_48;
	int ret = check_lpa2(b, needed);

	if (ret)
		return ret;
	if (is_64k(b))
		set_format(&b->geo, b->geo.oa_bits > PA_BITS_48 ? PGT_FORMAT_LPA : PGT_FORMAT_48);
	else
		set_format(&b->geo, needed ? PGT_FORMAT_LPA2 : PGT_FORMAT_48);
	return 0;
}

static int check_ia(struct builder *b)
{
	u8 ia = b->req->ia_bits;

	if (ia > PA_BITS_52)
		return PGT_E_IA_LARGE;
	if (ia < IA_BITS_LEAST_TTST + (is_64k(b) ? 1 : 0))
		return PGT_E_IA_SMALL;
	if (ia < IA_BITS_LEAST && !b->cpu->ttst)
		return PGT_E_IA_TTST;
	b->geo.ia_bits = ia;
	return 0;
}

/* What is special about one stage: VAs need FEAT_LVA, IPAs never exceed PAs. */
static int check_ia_stage(const struct builder *b)
{
	if (b->req->stage == PGT_STAGE2)
		return b->req->ia_bits > b->cpu->pa_bits ? PGT_E_IA_PA : 0;
	if (is_64k(b) && b->req->ia_bits > PA_BITS_48 && !b->cpu->lva)
		return PGT_E_IA_LVA;
	return 0;
}

/* Input bits that the levels from @level down resolve, without the start table's own. */
static int bits_below(const struct pgt_geometry *geo, int level)
{
	return geo->granule_shift + (PGT_LEVEL_LAST - level) * geo->stride;
}

/* Least physical address size with which stage 2 may start at @level; 0: never. */
static u8 start_level_needs_pa(const struct pgt_geometry *geo, int level)
{
	bool ds = geo->format == PGT_FORMAT_LPA2;
	u8 any = 32;

	switch (geo->granule_shift) {
	case 12:
		return level == -1 ? (ds ? 52 : 0) : level == 0 ? 44 : any;
	case 14:
		return level == -1 ? 0 : level == 0 ? (ds ? 52 : 0) : level == 1 ? 42 : any;
	default:
		return level <= 0 ? 0 : level == 1 ? 44 : any;
	}
}

/* Arm ARM: AArch64.S2InvalidSL() and S2InconsistentSL(). */
static int check_start_level(const struct builder *b, int level)
{
	const struct pgt_geometry *geo = &b->geo;
	int least = bits_below(geo, level) + 1;
	u8 pa;

	if (level < PGT_LEVEL_MIN || level > PGT_LEVEL_LAST)
		return PGT_E_START_LEVEL;
	pa = start_level_needs_pa(geo, level);
	if (!pa)
		return PGT_E_START_LEVEL;
	if (level == PGT_LEVEL_LAST && geo->granule_shift == 12 && !b->cpu->ttst)
		return PGT_E_START_TTST;
	if (b->cpu->pa_bits < pa)
		return PGT_E_START_PA;
	if (geo->ia_bits < least || geo->ia_bits > least - 1 + geo->stride + CONCAT_BITS_MAX)
		return PGT_E_START_SIZE;
	return 0;
}

/* Stage 2: the fewest levels, that is as much concatenation as there may be. */
static int choose_start_s2(struct builder *b)
{
	int level, ret = PGT_E_START_SIZE;

	if (b->req->start_given) {
		b->geo.start_level = b->req->start_level;
		return check_start_level(b, b->req->start_level);
	}
	for (level = PGT_LEVEL_LAST; level >= PGT_LEVEL_MIN; level--) {
		ret = check_start_level(b, level);
		if (!ret) {
			b->geo.start_level = (s8)level;
			break;
		}
	}
	return ret;
}

/* Stage 1: the size says it all, there is no concatenation. */
static int choose_start_s1(struct builder *b)
{
	int level = PGT_LEVEL_LAST;

	if (b->req->start_given)
		return PGT_E_START_STAGE1;
	while (bits_below(&b->geo, level) + b->geo.stride < b->geo.ia_bits)
		level--;
	b->geo.start_level = (s8)level;
	return 0;
}

static int check_flags(struct builder *b)
{
	const struct pgt_request *req = b->req;

	if (req->ha && !b->cpu->ha)
		return PGT_E_HA;
	if (req->hd && (!b->cpu->hd || !req->ha))
		return PGT_E_HD;
	if (req->vmid16 && (req->stage != PGT_STAGE2 || b->cpu->vmid_bits < 16))
		return PGT_E_VMID16;
	b->geo.ha = req->ha;
	b->geo.hd = req->hd;
	b->geo.vmid16 = req->vmid16;
	b->geo.xnx = b->cpu->xnx;
	b->geo.ttl = b->cpu->ttl;
	b->geo.tlbirange = b->cpu->tlbirange;
	return 0;
}

static void set_levels(struct builder *b)
{
	struct pgt_geometry *geo = &b->geo;
	int level;

	for (level = PGT_LEVEL_MIN; level <= PGT_LEVEL_LAST; level++) {
		int shift = bits_below(geo, level);

		geo->level_shift[level + 1] = (u8)(shift < 63 ? shift : 63);
	}
	geo->table_entries = 1U << geo->stride;
	geo->root_entries = 1U << (geo->ia_bits - geo->level_shift[geo->start_level + 1]);
	geo->root_tables = geo->root_entries <= geo->table_entries ?
				   1 : geo->root_entries / geo->table_entries;
	geo->root_bytes = geo->root_entries * 8ULL;
	/* TTBR.BADDR has no bits below 64 bytes. */
	geo->root_align = geo->root_bytes < 64 ? 64 : geo->root_bytes;
}

/* Arm ARM: AArch64.BlockDescSupported(). 64K level 1 goes by what the CPU could address. */
static void set_blocks(struct builder *b)
{
	struct pgt_geometry *geo = &b->geo;
	bool ds = geo->format == PGT_FORMAT_LPA2;
	u8 blocks = 1U << (PGT_LEVEL_LAST + 1) | 1U << (2 + 1);

	if (geo->granule_shift == 12)
		blocks |= 1U << (1 + 1);
	if (geo->granule_shift == 12 && ds)
		blocks |= 1U << (0 + 1);
	if (geo->granule_shift == 14 && ds)
		blocks |= 1U << (1 + 1);
	if (is_64k(b) && b->cpu->pa_bits >= PA_BITS_52)
		blocks |= 1U << (1 + 1);
	/* Only levels that are there. */
	geo->block_levels = (u8)(blocks & ~((1U << (geo->start_level + 1)) - 1));
}

/* SL2:SL0. 4K counts from level 2, and has level 3 and -1 out of line. */
static u64 encode_sl(const struct pgt_geometry *geo)
{
	u64 sl0;

	if (geo->start_level == -1)
		return GEO_VTCR_SL2;
	if (geo->granule_shift == 12)
		sl0 = geo->start_level == PGT_LEVEL_LAST ? 3 : 2 - geo->start_level;
	else
		sl0 = PGT_LEVEL_LAST - geo->start_level;
	return sl0 << GEO_VTCR_SL0_SHIFT;
}

/* 4K 0, 64K 1, 16K 2. */
static u64 encode_tg(const struct pgt_geometry *geo)
{
	u64 tg = geo->granule_shift == 12 ? 0 : geo->granule_shift == 16 ? 1 : 2;

	return tg << GEO_TCR_TG_SHIFT;
}

static void set_tcr(struct pgt_geometry *geo)
{
	u64 tcr = GEO_TCR_T0SZ(geo->ia_bits) | GEO_TCR_IRGN_WBWA | GEO_TCR_ORGN_WBWA |
		  GEO_TCR_SH_INNER | encode_tg(geo) | (u64)encode_ps(geo->oa_bits) << GEO_TCR_PS_SHIFT;

	if (geo->ha)
		tcr |= GEO_TCR_HA;
	if (geo->hd)
		tcr |= GEO_TCR_HD;
	if (geo->format == PGT_FORMAT_LPA2)
		tcr |= GEO_TCR_DS;
	if (geo->stage == PGT_STAGE1)
		tcr |= TCR_EL2_RES1;
	else
		tcr |= GEO_VTCR_RES1 | encode_sl(geo) | (geo->vmid16 ? GEO_VTCR_VS : 0);
	geo->tcr = tcr;
}

static int build(struct builder *b)
{
	int ret = check_granule(b);

	if (!ret)
		ret = check_oa(b);
	if (!ret)
		ret = choose_format(b);
	if (!ret)
		ret = check_ia(b);
	if (!ret)
		ret = check_ia_stage(b);
	if (!ret)
		ret = b->req->stage == PGT_STAGE1 ? choose_start_s1(b) : choose_start_s2(b);
	return ret ? ret : check_flags(b);
}

int pgt_geometry_init(struct pgt_geometry *geo, const struct pgt_request *req,
		      const struct pgt_cpu_features *cpu)
{
	struct builder b = { .req = req, .cpu = cpu };
	int ret = build(&b);

	if (ret)
		return ret;
	set_levels(&b);
	set_blocks(&b);
	set_tcr(&b.geo);
	*geo = b.geo;
	return 0;
}

const char *pgt_refusal_reason(int refusal)
{
	static const char *const reasons[] = {
		[-PGT_E_STAGE] = "there is no such stage of translation",
		[-PGT_E_GRANULE] = "the granule is not 4K, 16K or 64K",
		[-PGT_E_GRANULE_CPU] = "the CPU does not have this granule at this stage",
		[-PGT_E_LPA2_GRANULE] = "LPA2 is for 4K and 16K granules, not for 64K",
		[-PGT_E_LPA2_STAGE1] = "this needs LPA2, which the CPU lacks at stage 1",
		[-PGT_E_LPA2_STAGE2] = "this needs LPA2, which the CPU lacks at stage 2",
		[-PGT_E_LPA2_NEVER] = "this needs LPA2, which was ruled out",
		[-PGT_E_OA_SIZE] = "the architecture has no such output address size",
		[-PGT_E_OA_CPU] = "output addresses exceed the CPU's physical addresses",
		[-PGT_E_IA_LARGE] = "input addresses have 52 bits at most",
		[-PGT_E_IA_LVA] = "virtual addresses above 48 bits need FEAT_LVA",
		[-PGT_E_IA_PA] = "IPAs exceed the CPU's physical addresses",
		[-PGT_E_IA_SMALL] = "the input address size is below the architecture's least",
		[-PGT_E_IA_TTST] = "input addresses below 25 bits need FEAT_TTST",
		[-PGT_E_START_STAGE1] = "stage 1 has no choice of start level",
		[-PGT_E_START_LEVEL] = "this granule and format have no such start level",
		[-PGT_E_START_TTST] = "a start at level 3 needs FEAT_TTST",
		[-PGT_E_START_PA] = "this start level needs larger physical addresses",
		[-PGT_E_START_SIZE] = "the start level does not fit the input address size",
		[-PGT_E_HA] = "the CPU does not update access flags",
		[-PGT_E_HD] = "the CPU does not track dirty state, or HA was not asked for",
		[-PGT_E_VMID16] = "16-bit VMIDs are not to be had",
	};

	if (!refusal)
		return "not refused";
	/* Negated as unsigned, so that INT_MIN is out of range like any other. */
	if (refusal > 0 || 0U - (u32)refusal >= sizeof(reasons) / sizeof(reasons[0]))
		return "unknown refusal";
	return reasons[0U - (u32)refusal];
}

u64 pgt_geometry_ttbr(const struct pgt_geometry *geo, pa_t root, u16 vmid)
{
	u64 ttbr = (root.v & TTBR_ADDR_IN_PLACE) | (u64)vmid << 48;

	if (geo->format != PGT_FORMAT_48)
		ttbr |= (root.v >> 48 & 0xf) << TTBR_ADDR_HI_SHIFT;
	return ttbr;
}

u64 pgt_largest_leaf(const struct pgt_geometry *geo, u64 addr, u64 lo, u64 hi, u8 max_shift,
		     u64 *base)
{
	int level;

	for (level = geo->start_level; level <= PGT_LEVEL_LAST; level++) {
		u8 shift = geo->level_shift[level + 1];
		u64 size = 1ULL << shift, start = addr & ~(size - 1);

		if (!pgt_level_has_leaf(geo, (s8)level) || (max_shift && shift > max_shift))
			continue;
		if (start >= lo && start < hi && size <= hi - start) {
			*base = start;
			return size;
		}
	}
	return 0;
}

/* Entries of @shift that [@ia, @end) touches. */
static u64 spans(u64 ia, u64 end, u8 shift)
{
	return ((end - 1) >> shift) - (ia >> shift) + 1;
}

u64 pgt_map_pages_needed(const struct pgt_geometry *geo, u64 ia, u64 size, u8 max_shift)
{
	u64 end = ia + size, total = 0;
	int level;

	for (level = geo->start_level; level < PGT_LEVEL_LAST; level++) {
		u8 shift = geo->level_shift[level + 1];
		u64 n = spans(ia, end, shift);

		/* Where a leaf could do, only the ragged ends go down further. */
		if (max_shift >= shift && pgt_level_has_leaf(geo, (s8)level) && n > 2)
			n = 2;
		total += n;
	}
	return total;
}
