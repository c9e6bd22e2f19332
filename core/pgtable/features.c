// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ID registers that matter to translation tables, parsed. (Arm ARM D24.2,
 * ID_AA64MMFR0_EL1, MMFR1, MMFR2, ID_AA64ISAR0_EL1.)
 */
#include <core/pgtable_geometry.h>

static u8 field(u64 reg, u8 shift)
{
	return reg >> shift & 0xf;
}

/* PARange; 56 bits (7) need FEAT_D128, which nobody here speaks: 52 then. */
static u8 parse_pa_bits(u64 mmfr0)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	u8 range = field(mmfr0, 0);

	return range < sizeof(bits) ? bits[range] : 52;
}

/* TGran4 and TGran64 are signed: 0 is "there", 0xf "not there". */
static u8 parse_tgran4(u64 mmfr0)
{
	switch (field(mmfr0, 28)) {
	case 0:
		return PGT_GRANULE_48;
	case 1:
		return PGT_GRANULE_LPA2;
	default:
		return PGT_GRANULE_NONE;
	}
}

static u8 parse_tgran16(u64 mmfr0)
{
	switch (field(mmfr0, 20)) {
	case 1:
		return PGT_GRANULE_48;
	case 2:
		return PGT_GRANULE_LPA2;
	default:
		return PGT_GRANULE_NONE;
	}
}

static u8 parse_tgran64(u64 mmfr0)
{
	return field(mmfr0, 24) == 0 ? PGT_GRANULE_48 : PGT_GRANULE_NONE;
}

/* TGranX_2 at @shift: stage 2. 0 means as stage 1. */
static u8 parse_tgran_2(u64 mmfr0, u8 shift, u8 stage1)
{
	switch (field(mmfr0, shift)) {
	case 0:
		return stage1;
	case 2:
		return PGT_GRANULE_48;
	case 3:
		return PGT_GRANULE_LPA2;
	default:
		return PGT_GRANULE_NONE;
	}
}

void pgt_cpu_features_parse(struct pgt_cpu_features *f, u64 mmfr0, u64 mmfr1, u64 mmfr2, u64 isar0)
{
	u8 hafdbs = field(mmfr1, 0);

	*f = (struct pgt_cpu_features){
		.granule_s1 = { parse_tgran4(mmfr0), parse_tgran16(mmfr0), parse_tgran64(mmfr0) },
		.pa_bits = parse_pa_bits(mmfr0),
		.vmid_bits = field(mmfr1, 4) == 2 ? 16 : 8,
		.bbm = field(mmfr2, 52),
		.ha = hafdbs >= 1,
		.hd = hafdbs >= 2,
		.xnx = field(mmfr1, 28) >= 1,
		.fwb = field(mmfr2, 40) >= 1,
		.ttl = field(mmfr2, 48) >= 1,
		.ttst = field(mmfr2, 28) >= 1,
		.lva = field(mmfr2, 16) >= 1,
		.tlbirange = field(isar0, 56) >= 2,
	};
	f->granule_s2[0] = parse_tgran_2(mmfr0, 40, f->granule_s1[0]);
	f->granule_s2[1] = parse_tgran_2(mmfr0, 32, f->granule_s1[1]);
	f->granule_s2[2] = parse_tgran_2(mmfr0, 36, f->granule_s1[2]);
	/* The value that means LPA2 elsewhere is reserved for 64K. */
	if (f->granule_s2[2] == PGT_GRANULE_LPA2)
		f->granule_s2[2] = PGT_GRANULE_NONE;
}
