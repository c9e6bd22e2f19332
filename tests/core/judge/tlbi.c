// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLBI operands. The level hint rules are those of the TTL field: leaves found at
 * exactly that level go, walk-cache entries above it go, nothing else has to.
 */
#include "tlbi.h"

static u64 bits(u64 v, unsigned int hi, unsigned int lo)
{
	return (v >> lo) & (((u64)1 << (hi - lo + 1)) - 1);
}

/* TG as TLBI operands write it: 1 is 4K, 2 is 16K, 3 is 64K (not the order of TCR.TG0). */
static unsigned int tg_of(const struct walk_regime *reg)
{
	return (reg->granule_bits - 10) / 2;
}

struct tlbi tlbi_decode_all(void)
{
	return (struct tlbi){.first = 0, .last = ~(u64)0, .level = TLBI_ANY_LEVEL};
}

/* TTL[3:0] of the single forms. Reserved combinations are to be taken as "no hint". */
static void single_level(const struct walk_regime *reg, struct tlbi *op, unsigned int ttl)
{
	unsigned int level = ttl & 3;

	if (!ttl)
		return;
	if (!reg->ttl)
		op->vain = "TTL is not 0 on a CPU without FEAT_TTL";
	else if (!(ttl >> 2))
		return;
	else if (ttl >> 2 != tg_of(reg))
		op->vain = "TTL names another granule";
	else if (level == 0 && (reg->granule_bits != 12 || !reg->lpa2))
		return;
	else if (level == 1 && reg->granule_bits == 14 && !reg->lpa2)
		return;
	else
		op->level = (int)level;
}

struct tlbi tlbi_decode_single(const struct walk_regime *reg, u64 operand, bool last_level)
{
	struct tlbi op = {.level = TLBI_ANY_LEVEL, .last_level = last_level};
	u64 ia = bits(operand, reg->stage2 ? 39 : 43, 0) << 12;

	op.first = ia & ~(((u64)1 << reg->granule_bits) - 1);
	op.last = op.first + ((u64)1 << reg->granule_bits) - 1;
	single_level(reg, &op, (unsigned int)bits(operand, 47, 44));
	return op;
}

/*
 * BaseADDR counts granules, except that it counts 64K units as soon as DS=1, for
 * 4K and 16K granules as well. The length always counts granules.
 */
struct tlbi tlbi_decode_range(const struct walk_regime *reg, u64 operand, bool last_level)
{
	struct tlbi op = {.level = TLBI_ANY_LEVEL, .last_level = last_level};
	unsigned int unit = reg->ds ? 16 : reg->granule_bits;
	unsigned int scale = (unsigned int)bits(operand, 45, 44);
	u64 pages = (bits(operand, 43, 39) + 1) << (5 * scale + 1);
	unsigned int ttl = (unsigned int)bits(operand, 38, 37);

	op.first = bits(operand, 36, 0) << unit;
	op.last = op.first + (pages << reg->granule_bits) - 1;
	if (!reg->tlbirange)
		op.vain = "undefined: a CPU without FEAT_TLBIRANGE";
	else if (bits(operand, 47, 46) != tg_of(reg))
		op.vain = "TG names another granule";
	if (ttl && !(ttl == 1 && reg->granule_bits == 14 && !reg->lpa2))
		op.level = (int)ttl;
	return op;
}

bool tlbi_removes(const struct tlbi *op, u64 ia, u64 size, int level, bool table)
{
	if (op->vain || ia > op->last || ia + (size - 1) < op->first)
		return false;
	if (table)
		return !op->last_level && (op->level == TLBI_ANY_LEVEL || level < op->level);
	return op->level == TLBI_ANY_LEVEL || op->level == level;
}
