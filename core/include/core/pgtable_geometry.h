/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The shape of a translation regime's tables, as data.
 *
 * A geometry says how many levels there are, what each entry covers, where the
 * output address lies in an entry, and which TCR_EL2 or VTCR_EL2 describes all
 * that to the CPU. Nothing about it is known at build time: one binary serves
 * every granule, address size and format (Arm ARM D8.2 to D8.3).
 *
 * A geometry is made once, from what is wanted (struct pgt_request) and what
 * the CPU has (struct pgt_cpu_features), and is read-only afterwards. What the
 * architecture or the CPU doesn't allow is refused with an error of its own;
 * nothing is ever rounded to something similar.
 */
#ifndef CORE_PGTABLE_GEOMETRY_H
#define CORE_PGTABLE_GEOMETRY_H

#include <redoubt/types.h>

/* Levels of lookup count from -1 to 3; level 3 always maps pages. */
#define PGT_LEVEL_MIN  (-1)
#define PGT_LEVEL_LAST 3
#define PGT_LEVELS     5

enum pgt_stage {
	PGT_STAGE1 = 1, /* EL2's own, one VA range (HCR_EL2.E2H = 0) */
	PGT_STAGE2 = 2, /* of EL1&0: a guest's, or the host's */
};

/* Where an entry keeps the output address (Arm ARM D8.3). */
enum pgt_format {
	PGT_FORMAT_48,	 /* OA[47:p] in place */
	PGT_FORMAT_LPA,	 /* 64K granule: OA[51:48] in bits 15:12 */
	PGT_FORMAT_LPA2, /* 4K and 16K, DS=1: OA[51:50] in bits 9:8, no SH field */
};

/* What the CPU has, for one granule at one stage. */
enum pgt_granule_support {
	PGT_GRANULE_NONE,
	PGT_GRANULE_48,	  /* addresses of 48 bits (64K: 52 with LPA) */
	PGT_GRANULE_LPA2, /* 52 bits with DS=1 (4K and 16K only) */
};

/*
 * The ID registers, parsed. On a system of unlike CPUs, parse the values that
 * all CPUs share.
 */
struct pgt_cpu_features {
	/* Indexed by PGT_GRANULE_INDEX(): 4K, 16K, 64K. */
	u8 granule_s1[3]; /* enum pgt_granule_support */
	u8 granule_s2[3]; /* enum pgt_granule_support */
	u8 pa_bits;	  /* ID_AA64MMFR0_EL1.PARange, at most 52 */
	u8 vmid_bits;	  /* 8 or 16 */
	u8 bbm;		  /* FEAT_BBM level: 0, 1, 2 */
	bool ha;	  /* FEAT_HAFDBS: access flag by hardware */
	bool hd;	  /* FEAT_HAFDBS: dirty state by hardware */
	bool xnx;	  /* FEAT_XNX: execute-never per exception level at stage 2 */
	bool fwb;	  /* FEAT_S2FWB */
	bool ttl;	  /* FEAT_TTL: level hints in TLBI */
	bool ttst;	  /* FEAT_TTST: input sizes below 25 bits */
	bool lva;	  /* FEAT_LVA: 52-bit VA with the 64K granule */
	bool tlbirange;	  /* FEAT_TLBIRANGE */
};

#define PGT_GRANULE_INDEX(granule_shift) (((granule_shift)-12) / 2)

/* Whether DS=1 is to be used. */
enum pgt_lpa2 {
	PGT_LPA2_AUTO,	 /* when an address of more than 48 bits asks for it */
	PGT_LPA2_NEVER,	 /* refuse what would need it */
	PGT_LPA2_ALWAYS, /* even where 48 bits would do; refused if the CPU lacks it */
};

/* What is wanted. Zeroed fields other than stage, granule and ia_bits are defaults. */
struct pgt_request {
	enum pgt_stage stage;
	u8 granule_shift;   /* 12, 14, 16 */
	u8 ia_bits;	    /* input address size in bits */
	u8 oa_bits;	    /* 32, 36, 40, 42, 44, 48, 52; 0: as large as CPU and format allow */
	enum pgt_lpa2 lpa2;
	bool start_given;   /* use start_level; otherwise the fewest levels possible */
	s8 start_level;     /* stage 2 only: -1 to 3 */
	bool ha;	    /* have the hardware set access flags (HA) */
	bool hd;	    /* have the hardware track dirty state (HD); needs ha */
	bool vmid16;	    /* stage 2: 16-bit VMIDs (VS) */
};

/* Why pgt_geometry_init() refused. Each negative value has one cause. */
enum pgt_refusal {
	PGT_E_STAGE = -1,	   /* neither stage 1 nor stage 2 */
	PGT_E_GRANULE = -2,	   /* not 4K, 16K or 64K */
	PGT_E_GRANULE_CPU = -3,	   /* the CPU lacks this granule at this stage */
	PGT_E_LPA2_GRANULE = -4,   /* LPA2 asked for with 64K */
	PGT_E_LPA2_STAGE1 = -5,	   /* LPA2 needed, the CPU lacks it at stage 1 */
	PGT_E_LPA2_STAGE2 = -6,	   /* LPA2 needed, the CPU lacks it at stage 2 */
	PGT_E_LPA2_NEVER = -7,	   /* LPA2 needed, and ruled out by the request */
	PGT_E_OA_SIZE = -8,	   /* not an output size that the architecture has */
	PGT_E_OA_CPU = -9,	   /* larger than the CPU's physical addresses */
	PGT_E_IA_LARGE = -10,	   /* more than 52 bits */
	PGT_E_IA_LVA = -11,	   /* more than 48 bits at stage 1, 64K, without FEAT_LVA */
	PGT_E_IA_PA = -12,	   /* stage 2: larger than the CPU's physical addresses */
	PGT_E_IA_SMALL = -13,	   /* smaller than the architecture's least */
	PGT_E_IA_TTST = -14,	   /* below 25 bits without FEAT_TTST */
	PGT_E_START_STAGE1 = -15,  /* a start level asked for at stage 1 */
	PGT_E_START_LEVEL = -16,   /* this granule and format have no such start level */
	PGT_E_START_TTST = -17,	   /* 4K stage 2 from level 3 without FEAT_TTST */
	PGT_E_START_PA = -18,	   /* start level needs larger physical addresses than the CPU's */
	PGT_E_START_SIZE = -19,	   /* start level doesn't fit the input size */
	PGT_E_HA = -20,		   /* HA asked for, the CPU lacks it */
	PGT_E_HD = -21,		   /* HD asked for, the CPU lacks it or HA wasn't asked for */
	PGT_E_VMID16 = -22,	   /* 16-bit VMIDs at stage 1, or the CPU lacks them */
};

/* The shape. Fields are data for everybody to read; only pgt_geometry_init() writes. */
struct pgt_geometry {
	enum pgt_stage stage;
	enum pgt_format format;
	u8 granule_shift;      /* log2 bytes of a page and of a table: 12, 14, 16 */
	u8 stride;	       /* input bits that one level resolves: 9, 11, 13 */
	u8 ia_bits, oa_bits;
	s8 start_level;	       /* -1 to 3 */
	u8 block_levels;       /* bit level+1: a leaf may lie there (level 3 included) */
	u8 level_shift[PGT_LEVELS]; /* [level+1]: log2 bytes that one entry covers */
	u8 hi_oa_bit;	       /* first OA bit that doesn't lie in place: 48 or 50 */
	u8 hi_desc_bit;	       /* where in the entry it lies instead */
	u64 oa_mask;	       /* OA bits in place, down to the granule */
	u64 hi_mask;	       /* OA bits elsewhere, shifted down to bit 0 (0: none) */
	u32 table_entries;     /* of a table that isn't the root */
	u32 root_entries;      /* concatenated tables included */
	u32 root_tables;       /* concatenated tables: 1 to 16 */
	u64 root_bytes;	       /* memory to give to pgt_init() */
	u64 root_align;	       /* its alignment in physical memory, bytes */
	u64 tcr;	       /* TCR_EL2 or VTCR_EL2 */
	bool ha, hd, vmid16;
	bool xnx, ttl, tlbirange; /* of the CPU, kept for whoever has only the geometry */
};

/*
 * Parses raw ID registers into @f. Reserved values count as "not there" or, for
 * sizes, as the largest size known.
 */
void pgt_cpu_features_parse(struct pgt_cpu_features *f, u64 mmfr0, u64 mmfr1, u64 mmfr2, u64 isar0);

/*
 * Makes the geometry that @req asks for on a CPU with @cpu. 0, or one of enum
 * pgt_refusal with @geo untouched. (Arm ARM D8.2; TCR_EL2, VTCR_EL2 in D24.2.)
 *
 * LPA2 is used only if the CPU has it at both stages for the granule: the
 * kernel's stage-1 tables, EL2's and stage 2 then agree on what an address is.
 */
int pgt_geometry_init(struct pgt_geometry *geo, const struct pgt_request *req,
		      const struct pgt_cpu_features *cpu);

/* A sentence for a value of enum pgt_refusal, for logs. Never NULL. */
const char *pgt_refusal_reason(int refusal);

/*
 * TTBR0_EL2 (@vmid 0) or VTTBR_EL2 for a root at @root. With 52-bit output
 * addresses, PA[51:48] go to bits 5:2 (Arm ARM D24.2, TTBR0_EL2.BADDR). CnP is
 * left 0: or in bit 0 if the CPU has FEAT_TTCNP and all CPUs share the tables.
 */
u64 pgt_geometry_ttbr(const struct pgt_geometry *geo, pa_t root, u16 vmid);

/* Bytes that one entry of @level covers. */
static inline u64 pgt_level_size(const struct pgt_geometry *geo, s8 level)
{
	return 1ULL << geo->level_shift[level + 1];
}

/* Whether a leaf (block or page) may lie at @level. */
static inline bool pgt_level_has_leaf(const struct pgt_geometry *geo, s8 level)
{
	return geo->block_levels >> (level + 1) & 1;
}

/*
 * The largest leaf that contains @addr and lies in [@lo, @hi), all in bytes: for
 * identity maps. Returns its size and its address in *@base; 0 if not even a
 * page fits. No leaf is larger than 1 << @max_shift (0: any).
 */
u64 pgt_largest_leaf(const struct pgt_geometry *geo, u64 addr, u64 lo, u64 hi, u8 max_shift,
		     u64 *base);

/*
 * Table pages (root apart) that mapping [@ia, @ia + @size) with leaves of at
 * most 1 << @max_shift bytes (0: pages only) can need at the very most, whatever
 * is there beforehand. Fill the memcache with so many, and the call can't run dry.
 * With a @max_shift, input and output must agree in the bits below it, as in an
 * identity map; otherwise pages are all that fits, and 0 is the right value.
 */
u64 pgt_map_pages_needed(const struct pgt_geometry *geo, u64 ia, u64 size, u8 max_shift);

#endif /* CORE_PGTABLE_GEOMETRY_H */
