// SPDX-License-Identifier: GPL-2.0-only
/*
 * The translation table walk. Function names in comments are those of the Arm
 * ARM's pseudocode. The 56-bit (D128) formats, Secure state and indirect
 * permissions are left out: nothing here runs with them.
 */
#include "walk.h"

#define FINAL_LEVEL 3

static u64 bits(u64 v, unsigned int hi, unsigned int lo)
{
	return (v >> lo) & (((u64)1 << (hi - lo + 1)) - 1);
}

static bool bit(u64 v, unsigned int n)
{
	return (v >> n) & 1;
}

static unsigned int min_u(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* TG0 is encoded the same way in TCR_EL2 and VTCR_EL2; 3 is reserved. */
static unsigned int granule_bits_of(u64 tcr)
{
	static const u8 granule[4] = {12, 16, 14, 0};

	return granule[bits(tcr, 15, 14)];
}

static unsigned int stride(const struct walk_regime *reg)
{
	return reg->granule_bits - 3;
}

/* log2 of the input that one descriptor of @level covers (AArch64.TranslationSize). */
static unsigned int level_bits(const struct walk_regime *reg, int level)
{
	return reg->granule_bits + (unsigned int)(FINAL_LEVEL - level) * stride(reg);
}

/* AArch64.PhysicalAddressSize */
static unsigned int oa_bits_of(const struct walk_cpu *cpu, unsigned int ps, unsigned int granule)
{
	static const u8 size[8] = {32, 36, 40, 42, 44, 48, 52, 56};
	bool wide = cpu->pa_bits >= 52 && (granule == 16 || cpu->lpa2);

	return min_u(size[ps], min_u(wide ? 52 : 48, cpu->pa_bits));
}

/* AArch64.MaxTxSZ */
static unsigned int max_txsz(const struct walk_cpu *cpu, unsigned int granule)
{
	if (!cpu->ttst)
		return 39;
	return granule == 16 ? 47 : 48;
}

/* AArch64.S1MinTxSZ */
static unsigned int s1_min_txsz(const struct walk_cpu *cpu, unsigned int granule, bool ds)
{
	if (granule == 16)
		return cpu->lva ? 12 : 16;
	return ds ? 12 : 16;
}

/* AArch64.S2MinTxSZ, for a regime whose stage 1 is AArch64. */
static unsigned int s2_min_txsz(const struct walk_cpu *cpu, unsigned int granule, bool ds)
{
	unsigned int ips = cpu->pa_bits;

	if (ips >= 52)
		ips = granule == 16 || ds ? 52 : 48;
	return 64 - ips;
}

/* AArch64.S1StartLevel: as many levels as the input needs. */
static int s1_start_level(unsigned int ia_bits, unsigned int granule)
{
	unsigned int per = granule - 3;
	unsigned int levels = (ia_bits - granule + per - 1) / per;

	return FINAL_LEVEL + 1 - (int)levels;
}

#define SL_RESERVED 100

/* AArch64.S2StartLevel */
static int s2_start_level(u64 vtcr, unsigned int granule)
{
	unsigned int sl0 = (unsigned int)bits(vtcr, 7, 6);
	static const s8 of_4k[4] = {2, 1, 0, 3};

	if (granule != 12)
		return FINAL_LEVEL - (int)sl0;
	if (bit(vtcr, 33) && bit(vtcr, 32))
		return sl0 ? SL_RESERVED : -1;
	return of_4k[sl0];
}

/* AArch64.S2InvalidSL */
static bool s2_invalid_sl(const struct walk_cpu *cpu, u64 vtcr, unsigned int granule, bool ds)
{
	unsigned int sl0 = (unsigned int)bits(vtcr, 7, 6);
	bool sl2 = ds && bit(vtcr, 33);

	if (granule == 12) {
		if (sl2)
			return sl0 != 0 || cpu->pa_bits < 52;
		return (sl0 == 2 && cpu->pa_bits < 44) || (sl0 == 3 && !cpu->ttst);
	}
	if (granule == 14)
		return (sl0 == 3 && (!ds || cpu->pa_bits < 52)) || (sl0 == 2 && cpu->pa_bits < 42);
	return sl0 == 3 || (sl0 == 2 && cpu->pa_bits < 44);
}

/* AArch64.S2InconsistentSL: T0SZ must leave the start level 1 bit to a full stride plus 4. */
static bool s2_inconsistent_sl(const struct walk_regime *reg)
{
	unsigned int least = level_bits(reg, reg->start_level) + 1;
	unsigned int most = least + (stride(reg) - 1) + 4;

	return reg->ia_bits < least || reg->ia_bits > most;
}

/* AArch64.S1TTBaseAddress and AArch64.S2TTBaseAddress; bits below the alignment are ignored. */
static void decode_base(struct walk_regime *reg, const struct walk_cpu *cpu, u64 tcr, u64 ttbr)
{
	unsigned int ps = (unsigned int)bits(tcr, 18, 16);
	unsigned int tsize = reg->ia_bits - level_bits(reg, reg->start_level) + 3;
	bool wide = reg->ds || (reg->granule_bits == 16 && ps == 6 && cpu->pa_bits >= 52);

	reg->base_size = (u64)1 << tsize;
	if (wide) {
		tsize = tsize < 6 ? 6 : tsize;
		reg->base = bits(ttbr, 5, 2) << 48 | bits(ttbr, 47, 6) << 6;
	} else {
		reg->base = bits(ttbr, 47, 1) << 1;
	}
	reg->base &= ~(((u64)1 << tsize) - 1);
}

u64 walk_encode_ttbr(u64 pa, unsigned int vmid, bool wide)
{
	u64 v = (u64)vmid << 48 | bits(pa, 47, 1) << 1;

	return wide ? v | bits(pa, 51, 48) << 2 : v;
}

/* AArch64.OAOutOfRange */
static bool out_of_range(const struct walk_regime *reg, u64 addr)
{
	return addr >> reg->oa_bits;
}

static void decode_stage1(struct walk_regime *reg, const struct walk_cpu *cpu, u64 tcr)
{
	unsigned int txsz = (unsigned int)bits(tcr, 5, 0);

	reg->ha = cpu->hafdbs && bit(tcr, 21);
	reg->hd = reg->ha && bit(tcr, 22);
	reg->hpd = bit(tcr, 24);
	if (txsz < s1_min_txsz(cpu, reg->granule_bits, reg->ds) ||
	    txsz > max_txsz(cpu, reg->granule_bits)) {
		reg->wrong = "T0SZ out of range";
		return;
	}
	reg->start_level = s1_start_level(reg->ia_bits, reg->granule_bits);
}

static void decode_stage2(struct walk_regime *reg, const struct walk_cpu *cpu, u64 vtcr, bool fwb)
{
	unsigned int txsz = (unsigned int)bits(vtcr, 5, 0);

	reg->ha = cpu->hafdbs && bit(vtcr, 21);
	reg->hd = reg->ha && bit(vtcr, 22);
	reg->xnx = cpu->xnx;
	reg->fwb = fwb;
	reg->start_level = s2_start_level(vtcr, reg->granule_bits);
	if (txsz < s2_min_txsz(cpu, reg->granule_bits, reg->ds) ||
	    txsz > max_txsz(cpu, reg->granule_bits))
		reg->wrong = "T0SZ out of range";
	else if (s2_invalid_sl(cpu, vtcr, reg->granule_bits, reg->ds) ||
		 reg->start_level == SL_RESERVED)
		reg->wrong = "SL0/SL2 reserved or not implemented";
	else if (s2_inconsistent_sl(reg))
		reg->wrong = "start level does not fit T0SZ";
}

struct walk_regime walk_decode(const struct walk_cpu *cpu, bool stage2, u64 tcr, u64 ttbr, bool fwb)
{
	struct walk_regime reg = {.stage2 = stage2, .granule_bits = granule_bits_of(tcr)};
	int level;

	if (!reg.granule_bits) {
		reg.wrong = "TG0 reserved";
		return reg;
	}
	for (level = 0; level <= FINAL_LEVEL; level++)
		reg.size[level + 1] = (u64)1 << level_bits(&reg, level);
	reg.size[0] = reg.granule_bits == 12 ? (u64)1 << 48 : 0; /* level -1: 4K only */
	reg.lpa2 = cpu->lpa2;
	reg.ttl = cpu->ttl;
	reg.tlbirange = cpu->tlbirange;
	reg.ds = reg.granule_bits != 16 && cpu->lpa2 && bit(tcr, 32);
	reg.high64 = reg.granule_bits == 16 && cpu->pa_bits >= 52;
	reg.ia_bits = 64 - (unsigned int)bits(tcr, 5, 0);
	reg.sh = (unsigned int)bits(tcr, 13, 12);
	reg.oa_bits = oa_bits_of(cpu, (unsigned int)bits(tcr, 18, 16), reg.granule_bits);
	reg.vmid = (unsigned int)bits(ttbr, 63, 48);
	if (stage2)
		decode_stage2(&reg, cpu, tcr, fwb);
	else
		decode_stage1(&reg, cpu, tcr);
	if (reg.wrong)
		return reg;
	decode_base(&reg, cpu, tcr, ttbr);
	if (out_of_range(&reg, reg.base))
		reg.wrong = "base address beyond PS";
	return reg;
}

/* AArch64.BlockDescSupported */
static bool block_supported(const struct walk_regime *reg, int level)
{
	if (level == 2)
		return true;
	if (reg->granule_bits == 12)
		return level == 1 || (level == 0 && reg->ds);
	if (reg->granule_bits == 14)
		return level == 1 && reg->ds;
	return level == 1 && reg->high64;
}

/* AArch64.DecodeDescriptorType */
enum walk_type walk_desc_type(const struct walk_regime *reg, u64 desc, int level)
{
	if (!bit(desc, 0))
		return WALK_INVALID;
	if (level == FINAL_LEVEL)
		return bit(desc, 1) ? WALK_LEAF : WALK_INVALID;
	if (bit(desc, 1))
		return WALK_TABLE;
	return block_supported(reg, level) ? WALK_LEAF : WALK_INVALID;
}

/* OA[51:48], wherever the format keeps them. */
static u64 high_addr(const struct walk_regime *reg, u64 desc)
{
	if (reg->high64)
		return bits(desc, 15, 12) << 48;
	if (reg->ds)
		return bits(desc, 9, 8) << 50 | bits(desc, 49, 48) << 48;
	return 0;
}

/* AArch64.NextTableBase */
u64 walk_table_addr(const struct walk_regime *reg, u64 desc)
{
	return high_addr(reg, desc) | bits(desc, 47, reg->granule_bits) << reg->granule_bits;
}

/* AArch64.LeafBase; a level 0 LPA2 block starts at bit 39, so the shift stays in range. */
u64 walk_leaf_addr(const struct walk_regime *reg, u64 desc, int level)
{
	unsigned int size = level_bits(reg, level);
	u64 low = size <= 47 ? bits(desc, 47, size) << size : 0;

	return high_addr(reg, desc) | low;
}

/* AArch64.S1DecodePermissions of the EL2 regime: one privilege level, AP[1] is RES1. */
static void stage1_permissions(const struct walk_regime *reg, struct walk_result *res)
{
	res->r = true;
	res->dirty = !bit(res->desc, 7);
	res->w = res->dirty || (reg->hd && res->dbm);
	res->px = !bit(res->desc, 54);
	res->attr = (unsigned int)bits(res->desc, 4, 2);
}

/* AArch64.S2DirectBasePermissions */
static void stage2_permissions(const struct walk_regime *reg, struct walk_result *res)
{
	unsigned int xn = (unsigned int)bits(res->desc, 54, 53);

	if (!reg->xnx)
		xn &= 2;
	res->r = bit(res->desc, 6);
	res->dirty = bit(res->desc, 7);
	res->w = res->dirty || (reg->hd && res->dbm);
	res->px = xn == 0 || xn == 3;
	res->ux = xn == 0 || xn == 1;
	res->attr = (unsigned int)bits(res->desc, 5, 2);
}

/* Stage 2 memory type: with FWB the field means something else (Arm ARM D8.6.6). */
static enum walk_mem stage2_mem(const struct walk_regime *reg, unsigned int attr)
{
	if (reg->fwb) {
		if (!(attr & 4))
			return WALK_MEM_DEVICE;
		return attr == 6 ? WALK_MEM_NORMAL : attr == 5 ? WALK_MEM_NC : WALK_MEM_OTHER;
	}
	if (!(attr & 0xc))
		return WALK_MEM_DEVICE;
	return attr == 0xf ? WALK_MEM_NORMAL : attr == 5 ? WALK_MEM_NC : WALK_MEM_OTHER;
}

static void finish_leaf(const struct walk_regime *reg, struct walk_result *res, u64 ia)
{
	u64 desc = res->desc, base = walk_leaf_addr(reg, desc, res->level);

	res->leaf_size = walk_level_size(reg, res->level);
	res->oa = base | (ia & (res->leaf_size - 1));
	res->af = bit(desc, 10);
	res->dbm = bit(desc, 51);
	res->contig = bit(desc, 52);
	res->sh = reg->ds ? reg->sh : (unsigned int)bits(desc, 9, 8);
	res->sw = (unsigned int)bits(desc, 58, 55);
	if (reg->stage2) {
		stage2_permissions(reg, res);
		res->mem = stage2_mem(reg, res->attr);
	} else {
		stage1_permissions(reg, res);
	}
	res->fault = out_of_range(reg, base) ? WALK_ADDRESS_SIZE : WALK_OK;
}

struct walk_result walk_leaf(const struct walk_regime *reg, u64 desc, int level)
{
	struct walk_result res = {.level = level, .desc = desc};

	finish_leaf(reg, &res, 0);
	return res;
}

/* Output address, memory type, shareability, nG and the contiguous hint (Arm ARM D8.16.1). */
bool walk_same_output(const struct walk_regime *reg, u64 a, u64 b, int level)
{
	u64 attributes = reg->stage2 ? 0x3c : 0x1c | 1 << 11;

	if (!reg->ds)
		attributes |= 0x300;
	attributes |= (u64)1 << 52;
	return walk_leaf_addr(reg, a, level) == walk_leaf_addr(reg, b, level) &&
	       !((a ^ b) & attributes);
}

/* APTable[1] and XNTable of the tables on the way, unless HPD says to ignore them. */
static void stage1_hierarchy(const struct walk_regime *reg, struct walk_result *res, u64 tables)
{
	if (reg->stage2 || reg->hpd)
		return;
	if (bit(tables, 62))
		res->w = res->dirty = false;
	if (bit(tables, 60))
		res->px = false;
}

struct walk_result walk_translate(const struct walk_regime *reg, u64 ia, walk_read_fn *read,
				  void *ctx)
{
	struct walk_result res = {.fault = WALK_TRANSLATION};
	u64 base = reg->base, tables = 0;
	unsigned int msb = reg->ia_bits - 1;

	if (reg->wrong || ia >> reg->ia_bits)
		return res;
	for (res.level = reg->start_level;; res.level++) {
		unsigned int lsb = level_bits(reg, res.level);

		res.desc_pa = base | bits(ia, msb, lsb) << 3;
		if (!read(ctx, res.desc_pa, &res.desc)) {
			res.fault = WALK_EXTERNAL;
			return res;
		}
		switch (walk_desc_type(reg, res.desc, res.level)) {
		case WALK_INVALID:
			return res;
		case WALK_LEAF:
			finish_leaf(reg, &res, ia);
			stage1_hierarchy(reg, &res, tables);
			return res;
		case WALK_TABLE:
			break;
		}
		base = walk_table_addr(reg, res.desc);
		if (out_of_range(reg, base)) {
			res.fault = WALK_ADDRESS_SIZE;
			return res;
		}
		tables |= res.desc;
		msb = lsb - 1;
	}
}

/* The order of the checks is the architecture's: access flag before permission. */
enum walk_fault walk_access(const struct walk_regime *reg, const struct walk_result *res,
			    bool write, bool exec, bool el0)
{
	if (res->fault != WALK_OK)
		return res->fault;
	if (!res->af && !reg->ha)
		return WALK_ACCESS_FLAG;
	if (exec ? !(el0 ? res->ux : res->px) : write ? !res->w : !res->r)
		return WALK_PERMISSION;
	return WALK_OK;
}

const char *walk_fault_name(enum walk_fault fault)
{
	static const char *const name[] = {"ok",
					   "translation fault",
					   "address size fault",
					   "access flag fault",
					   "permission fault",
					   "read outside the tables"};

	return name[fault];
}
