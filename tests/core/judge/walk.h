/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architecture's own translation table walk, for one address at a time.
 *
 * Written from the pseudocode of the Arm ARM (shared/translation/vmsa:
 * AArch64.S1Walk, AArch64.S2Walk and what they call) and from the register
 * descriptions of TCR_EL2, VTCR_EL2, TTBR0_EL2 and VTTBR_EL2. It knows registers,
 * descriptors in memory and nothing else: no header of core/pgtable is included,
 * so that the two can only agree by both being right.
 */
#ifndef JUDGE_WALK_H
#define JUDGE_WALK_H

#include "redoubt_port.h"

/* What the CPU implements; the walk itself looks at nothing else of the ID registers. */
struct walk_cpu {
	unsigned int pa_bits; /* ID_AA64MMFR0_EL1.PARange, in bits */
	bool lpa2;            /* 4K and 16K take DS=1 */
	bool lva;             /* 64K takes 52-bit VAs */
	bool ttst;   /* small tables: T0SZ up to 48 (47 with 64K), 4K stage 2 from level 3 */
	bool xnx;    /* XN[1:0] at stage 2 */
	bool hafdbs; /* HA and HD do something */
	bool ttl, tlbirange; /* level hints, TLBI by range */
};

/* A translation regime, decoded once from its registers. */
struct walk_regime {
	bool stage2;
	bool ds, ha, hd, hpd, xnx, fwb, lpa2, ttl, tlbirange;
	bool high64; /* 64K granule with OA[51:48] in bits 15:12 */
	unsigned int granule_bits, ia_bits, oa_bits, sh;
	int start_level;
	unsigned int vmid;
	u64 size[5];       /* bytes that one descriptor of level -1 to 3 covers */
	u64 base;          /* of the start table, in bytes */
	u64 base_size;     /* of the start table, in bytes */
	const char *wrong; /* why every access takes a level 0 fault; NULL when sane */
};

enum walk_type { WALK_INVALID, WALK_TABLE, WALK_LEAF };

enum walk_fault {
	WALK_OK,
	WALK_TRANSLATION,
	WALK_ADDRESS_SIZE,
	WALK_ACCESS_FLAG,
	WALK_PERMISSION,
	WALK_EXTERNAL, /* the walk read memory that holds no tables */
};

enum walk_mem { WALK_MEM_NORMAL, WALK_MEM_NC, WALK_MEM_DEVICE, WALK_MEM_OTHER };

/* Reads the descriptor at @pa, in CPU byte order. False: no table memory there. */
typedef bool walk_read_fn(void *ctx, u64 pa, u64 *desc);

struct walk_result {
	enum walk_fault fault;
	int level;             /* of the fault or of the leaf */
	u64 desc, desc_pa;     /* last descriptor read, and where */
	u64 oa;                /* output address of the address asked for */
	u64 leaf_size;         /* bytes that the leaf maps */
	bool r, w, px, ux;     /* what the descriptors allow; px: EL1 (EL2 at stage 1), ux: EL0 */
	bool af, dbm, contig;  /* access flag, dirty bit modifier, contiguous hint */
	bool dirty;            /* writable now, without the hardware setting anything */
	unsigned int sh, attr; /* shareability in force; raw MemAttr or AttrIndx */
	enum walk_mem mem;     /* stage 2 only */
	unsigned int sw;       /* bits 58:55 */
};

/*
 * Decodes the regime. @tcr is TCR_EL2 or VTCR_EL2, @ttbr TTBR0_EL2 or VTTBR_EL2,
 * @fwb HCR_EL2.FWB (stage 2). The result's @wrong says what the CPU would refuse.
 */
struct walk_regime walk_decode(const struct walk_cpu *cpu, bool stage2, u64 tcr, u64 ttbr,
			       bool fwb);

/*
 * Translates @ia. Faults that depend on the access (access flag, permission) are
 * not raised here: see walk_access().
 */
struct walk_result walk_translate(const struct walk_regime *reg, u64 ia, walk_read_fn *read,
				  void *ctx);

/* The fault that an access of this kind takes, given a finished translation. */
enum walk_fault walk_access(const struct walk_regime *reg, const struct walk_result *res,
			    bool write, bool exec, bool el0);

/* Pieces that the TLB model needs as well. */
enum walk_type walk_desc_type(const struct walk_regime *reg, u64 desc, int level);
u64 walk_table_addr(const struct walk_regime *reg, u64 desc);
u64 walk_leaf_addr(const struct walk_regime *reg, u64 desc, int level);
/* What one leaf descriptor of @level means; tables above it are not looked at. */
struct walk_result walk_leaf(const struct walk_regime *reg, u64 desc, int level);
/* True if two leaves of @level differ in nothing that asks for break-before-make. */
bool walk_same_output(const struct walk_regime *reg, u64 a, u64 b, int level);
/* Bytes of input address that one descriptor of @level covers. */
static inline u64 walk_level_size(const struct walk_regime *reg, int level)
{
	return reg->size[level + 1];
}

/* The value of TTBR0_EL2 or VTTBR_EL2 for a table at @pa; @wide: 52-bit BADDR format. */
u64 walk_encode_ttbr(u64 pa, unsigned int vmid, bool wide);
const char *walk_fault_name(enum walk_fault fault);

#endif /* JUDGE_WALK_H */
