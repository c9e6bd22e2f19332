// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every request for a geometry, on many CPUs, against the registers.
 *
 * What core accepts must make sense to the CPU: the TCR or VTCR value is decoded by
 * the judge and must mean what was asked for. What core refuses must be refused for
 * its own reason, and have no encoding: all start levels and both settings of DS are
 * tried on the judge's decoder, and none may serve the request.
 *
 *	run_geometry [--quick]
 */
#include "expect.h"
#include "world.h"

static u64 accepted, refused;
static u64 by_reason[32];

/* TCR_EL2 or VTCR_EL2, put together here from the register descriptions alone. */
static u64 encode(const struct pgt_request *req, unsigned int oa_bits, int start, bool ds)
{
	static const u8 sl_4k[5] = {0, 2, 1, 0, 3}; /* levels -1 to 3 */
	static const u8 tg[3] = {0, 2, 1};
	static const u8 ps_bits[7] = {32, 36, 40, 42, 44, 48, 52};
	u64 v = (64 - (u64)req->ia_bits) & 0x3f, ps = 0;

	while (ps < 6 && ps_bits[ps] != oa_bits)
		ps++;
	v |= (u64)tg[PGT_GRANULE_INDEX(req->granule_shift)] << 14 | ps << 16;
	if (ds)
		v |= (u64)1 << 32;
	if (req->stage == PGT_STAGE1)
		return v;
	if (req->granule_shift != 12)
		v |= (u64)(3 - start) << 6;
	else
		v |= (u64)sl_4k[start + 1] << 6 | (start == -1 ? (u64)1 << 33 : 0);
	return v;
}

static bool is_oa_size(unsigned int bits)
{
	return bits == 32 || bits == 36 || bits == 40 || bits == 42 || bits == 44 || bits == 48 ||
	       bits == 52;
}

/* One way to serve the request: does the CPU take it, and is the output as wide? */
static bool serves(const struct pgt_request *req, const struct walk_cpu *cpu, unsigned int oa_bits,
		   int start, bool ds)
{
	struct walk_regime reg = walk_decode(cpu, req->stage == PGT_STAGE2,
					     encode(req, oa_bits, start, ds), 0, false);

	return !reg.wrong && reg.start_level == start && reg.ds == ds && reg.oa_bits == oa_bits &&
	       reg.ia_bits == req->ia_bits;
}

/* Is there any way? Also by the rules that are Redoubt's own and not the architecture's. */
static bool possible(const struct pgt_request *req, const struct pgt_cpu_features *f)
{
	u8 i = PGT_GRANULE_INDEX(req->granule_shift);
	struct walk_cpu cpu = spec_walk_cpu(f, req->granule_shift);
	u8 support = req->stage == PGT_STAGE1 ? f->granule_s1[i] : f->granule_s2[i];
	static const u8 sizes[] = {52, 48, 44, 42, 40, 36, 32};
	int start, ds;
	bool large;
	size_t n;

	if (support == PGT_GRANULE_NONE || (req->ha && !f->ha) ||
	    (req->hd && !(f->hd && req->ha)) ||
	    (req->vmid16 && (req->stage == PGT_STAGE1 || f->vmid_bits < 16)) ||
	    (req->start_given && req->stage == PGT_STAGE1) || req->ia_bits > 52 ||
	    req->ia_bits < 16 || (req->oa_bits && !is_oa_size(req->oa_bits)))
		return false;
	/* LPA2 is used where it is demanded, or where an address of more than 48 bits asks for it.
	 */
	large = req->granule_shift != 16 &&
		(req->ia_bits > 48 || req->oa_bits > 48 || !req->oa_bits);
	for (ds = req->lpa2 == PGT_LPA2_ALWAYS;
	     ds <= (req->lpa2 == PGT_LPA2_ALWAYS || (req->lpa2 == PGT_LPA2_AUTO && large)); ds++)
		for (start = -1; start <= 3; start++)
			for (n = 0; n < sizeof(sizes); n++)
				if ((!req->start_given || req->start_level == start) &&
				    (!req->oa_bits || req->oa_bits == sizes[n]) &&
				    (ds || sizes[n] <= 48 || req->granule_shift == 16) &&
				    serves(req, &cpu, sizes[n], start, ds))
					return true;
	return false;
}

static void describe(const struct pgt_request *req, const struct pgt_cpu_features *f, int rc)
{
	printf("  stage %d granule %d ia %d oa %d lpa2 %d start %d%s ha %d hd %d vmid16 %d: %d "
	       "(%s)\n",
	       req->stage, req->granule_shift, req->ia_bits, req->oa_bits, req->lpa2,
	       req->start_level, req->start_given ? "" : " (not given)", req->ha, req->hd,
	       req->vmid16, rc, rc ? pgt_refusal_reason(rc) : "accepted");
	printf("  CPU: PA %d, s1 %d%d%d s2 %d%d%d, ha %d hd %d ttst %d lva %d vmid %d\n",
	       f->pa_bits, f->granule_s1[0], f->granule_s1[1], f->granule_s1[2], f->granule_s2[0],
	       f->granule_s2[1], f->granule_s2[2], f->ha, f->hd, f->ttst, f->lva, f->vmid_bits);
}

static u64 page_size_of(const struct pgt_geometry *geo)
{
	return (u64)1 << geo->granule_shift;
}

/* The fields that say what the entries look like. */
static void check_shape(const struct pgt_geometry *geo, const struct walk_regime *reg)
{
	int level;

	expect_u64(reg->ia_bits, geo->ia_bits);
	expect_u64(reg->oa_bits, geo->oa_bits);
	expect(reg->start_level == geo->start_level);
	expect_u64(reg->base_size, geo->root_bytes);
	expect_u64(geo->root_entries * 8ull, geo->root_bytes);
	expect(geo->root_align >= geo->root_bytes && !(geo->root_align & (geo->root_align - 1)));
	expect(geo->oa_bits < 52 || geo->root_align >= 64);
	expect(geo->root_tables ==
	       (geo->root_bytes <= page_size_of(geo) ? 1 : geo->root_bytes / page_size_of(geo)));
	expect(geo->root_tables <= (geo->stage == PGT_STAGE2 ? 16u : 1u));
	expect(reg->ds == (geo->format == PGT_FORMAT_LPA2));
	expect(reg->ha == geo->ha && reg->hd == geo->hd);
	for (level = geo->start_level; level <= 3; level++) {
		u64 block = level == 3 ? 3 : 1;

		expect_u64(pgt_level_size(geo, (s8)level), walk_level_size(reg, level));
		expect(pgt_level_has_leaf(geo, (s8)level) ==
		       (walk_desc_type(reg, block, level) == WALK_LEAF));
	}
}

/* What the register has besides the shape (VTCR_EL2, TCR_EL2 in the Arm ARM). */
static void check_register(const struct pgt_geometry *geo, const struct pgt_request *req)
{
	u64 tcr = geo->tcr;

	expect(tcr >> 31 & 1);                               /* RES1 */
	expect((tcr >> 12 & 3) == 3);                        /* inner shareable walks */
	expect((tcr >> 10 & 3) == 1 && (tcr >> 8 & 3) == 1); /* write-back, allocate */
	expect((tcr >> 21 & 1) == req->ha && (tcr >> 22 & 1) == req->hd);
	if (geo->stage == PGT_STAGE2)
		expect((tcr >> 19 & 1) == req->vmid16);
	else
		expect((tcr >> 23 & 1) && !(tcr >> 33));
	expect(!(tcr & ((u64)1 << 20 | (u64)0xf << 25 | (u64)3 << 29)) || geo->stage == PGT_STAGE1);
}

static void check_base(const struct pgt_geometry *geo, const struct walk_cpu *cpu)
{
	u64 root = (((u64)1 << geo->oa_bits) - 1) & ~(geo->root_align - 1);
	u64 ttbr = pgt_geometry_ttbr(geo, pa(root), geo->stage == PGT_STAGE2 ? 0x1234 : 0);
	struct walk_regime reg = walk_decode(cpu, geo->stage == PGT_STAGE2, geo->tcr, ttbr, false);

	expect(!reg.wrong);
	expect_u64(reg.base, root);
	expect(reg.vmid == (geo->stage == PGT_STAGE2 ? 0x1234u : 0u));
}

/* Tables that a range of pages needs where there is nothing: those that it touches. */
static u64 tables_touched(const struct pgt_geometry *geo, u64 ia, u64 size)
{
	u64 sum = 0;
	int level;

	for (level = geo->start_level; level < PGT_LEVEL_LAST; level++) {
		u64 covers = pgt_level_size(geo, (s8)level);

		sum += (ia + size - 1) / covers - ia / covers + 1;
	}
	return sum;
}

static void check_pages_needed(const struct pgt_geometry *geo)
{
	static u64 scatter = 1;
	u64 top = (u64)1 << geo->ia_bits, page = page_size_of(geo), ia, size, pages;

	scatter = scatter * 6364136223846793005ull + 1442695040888963407ull;
	ia = (scatter >> 8 & (top - 1)) & ~(page - 1);
	size = page << (scatter >> 58);
	if (size > top - ia)
		size = top - ia;
	pages = tables_touched(geo, ia, size);
	expect_u64(pgt_map_pages_needed(geo, ia, size, 0), pages);
	expect(pgt_map_pages_needed(geo, ia, size, 63) <= pages);
	/* A single block needs the tables above it; a bound may say one more, not less. */
	if (pgt_level_has_leaf(geo, 2) && geo->start_level <= 2 && top >= pgt_level_size(geo, 2)) {
		u64 block = pgt_level_size(geo, 2), above = (u64)(2 - geo->start_level);
		u64 needed =
			pgt_map_pages_needed(geo, ia & ~(block - 1), block, geo->level_shift[3]);

		expect(needed >= above && needed <= above + 1);
	}
}

static void check_one(const struct pgt_request *req, const struct pgt_cpu_features *f)
{
	struct pgt_geometry geo, untouched;
	struct walk_cpu cpu = spec_walk_cpu(f, req->granule_shift);
	int before = expect_failures, rc;

	memset(&geo, 0xa5, sizeof(geo));
	untouched = geo;
	rc = pgt_geometry_init(&geo, req, f);
	expect((rc == 0) == possible(req, f));
	if (rc) {
		expect(!memcmp(&geo, &untouched, sizeof(geo)));
		expect(rc < 0 && rc >= PGT_E_VMID16);
		refused++;
		by_reason[-rc & 31]++;
	} else {
		struct walk_regime reg =
			walk_decode(&cpu, geo.stage == PGT_STAGE2, geo.tcr, 0, false);

		accepted++;
		expect(!reg.wrong);
		expect(!req->oa_bits || geo.oa_bits == req->oa_bits);
		expect(!req->start_given || geo.start_level == req->start_level);
		if (!reg.wrong) {
			check_shape(&geo, &reg);
			check_register(&geo, req);
			check_base(&geo, &cpu);
			check_pages_needed(&geo);
		}
	}
	if (expect_failures != before && expect_failures < 20)
		describe(req, f, rc);
}

static struct pgt_cpu_features a_cpu(unsigned int n)
{
	static const u8 pa_bits[] = {32, 36, 40, 42, 44, 48, 52, 52};
	struct pgt_cpu_features f = {.pa_bits = pa_bits[n & 7], .vmid_bits = n & 8 ? 16 : 8};
	int i;

	for (i = 0; i < 3; i++) {
		bool wide = i < 2 && f.pa_bits == 52 && (n & 16);

		f.granule_s1[i] = wide ? PGT_GRANULE_LPA2 : PGT_GRANULE_48;
		f.granule_s2[i] = wide && !(n & 32) ? PGT_GRANULE_LPA2 : PGT_GRANULE_48;
	}
	if ((n & 48) == 32)
		f.granule_s2[n & 1] = PGT_GRANULE_NONE;
	f.ha = n & 64;
	f.hd = f.ha && (n & 8);
	f.ttst = n & 128;
	f.lva = n & 64;
	f.xnx = f.fwb = f.ttl = f.tlbirange = true;
	return f;
}

static void all_sizes(struct pgt_request *req, const struct pgt_cpu_features *f)
{
	static const u8 oa_bits[] = {0, 32, 40, 44, 48, 52, 50};
	unsigned int ia, oa, lpa2;
	int start;

	for (ia = 14; ia <= 54; ia++)
		for (oa = 0; oa < sizeof(oa_bits); oa++)
			for (lpa2 = PGT_LPA2_AUTO; lpa2 <= PGT_LPA2_ALWAYS; lpa2++)
				for (start = -2; start <= 3; start++) {
					req->ia_bits = (u8)ia;
					req->oa_bits = oa_bits[oa];
					req->lpa2 = (enum pgt_lpa2)lpa2;
					req->start_given = start != -2;
					req->start_level = (s8)start;
					check_one(req, f);
				}
}

static int every_request(unsigned int step)
{
	struct pgt_request req;
	unsigned int cpu, stage, granule;

	for (cpu = 0; cpu < 256; cpu += step) {
		struct pgt_cpu_features f = a_cpu(cpu);

		for (stage = 1; stage <= 2; stage++)
			for (granule = 12; granule <= 16; granule += 2) {
				req = (struct pgt_request){.stage = (enum pgt_stage)stage,
							   .granule_shift = (u8)granule,
							   .ha = cpu & 1,
							   .hd = (cpu & 3) == 3,
							   .vmid16 = cpu & 2};
				all_sizes(&req, &f);
			}
	}
	printf("# %llu requests accepted, %llu refused\n", accepted, refused);
	return expect_done("every request is served as asked, or refused where no encoding exists");
}

static int every_reason(void)
{
	int rc;

	for (rc = PGT_E_GRANULE_CPU; rc >= PGT_E_VMID16; rc--) {
		if (!by_reason[-rc])
			printf("  never refused with %d (%s)\n", rc, pgt_refusal_reason(rc));
		expect(by_reason[-rc] || rc == PGT_E_IA_LVA || rc == PGT_E_START_TTST);
		expect(pgt_refusal_reason(rc) && strlen(pgt_refusal_reason(rc)) > 10);
	}
	return expect_done("every reason to refuse is given, with a sentence");
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");

	/* Every seventh CPU still meets every value of every feature. */
	return every_request(quick ? 7 : 1) | every_reason();
}
