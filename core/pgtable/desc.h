/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One entry of a table: its bits, and how to read and change it in memory.
 *
 * Functions here take and return entries in CPU byte order; only entry_*()
 * touch memory, where entries are little-endian. (Arm ARM D8.3.)
 */
#ifndef PGTABLE_DESC_H
#define PGTABLE_DESC_H

#include <core/pgtable.h>

#define DESC_BIT(n) (1ULL << (n))

/* Type, bits 1:0. Bit 1 tells a table from a block; at level 3 it is set in a page. */
#define DESC_VALID    DESC_BIT(0)
#define DESC_NOTBLOCK DESC_BIT(1)
#define DESC_TYPE     (DESC_VALID | DESC_NOTBLOCK)
#define DESC_TABLE    (DESC_VALID | DESC_NOTBLOCK)
#define DESC_BLOCK    DESC_VALID
#define DESC_PAGE     (DESC_VALID | DESC_NOTBLOCK)

/* Leaf attributes that both stages have. */
#define DESC_SH_INNER (3ULL << 8)
#define DESC_AF	      DESC_BIT(10)
#define DESC_DBM      DESC_BIT(51)
#define DESC_SW_SHIFT 55
#define DESC_SW	      (0xfULL << DESC_SW_SHIFT)

/* Stage 1. */
#define DESC_S1_IDX(n)	((u64)(n) << 2)
#define DESC_S1_IDX_ALL DESC_S1_IDX(7)
#define DESC_S1_AP1	DESC_BIT(6) /* RES1 in a regime with one VA range */
#define DESC_S1_RO	DESC_BIT(7)
#define DESC_S1_XN	DESC_BIT(54)
enum { S1_IDX_NORMAL = 0, S1_IDX_DEVICE = 1, S1_IDX_NC = 2 };

/* Stage 2. */
#define DESC_S2_MEM(n)	((u64)(n) << 2)
#define DESC_S2_MEM_ALL DESC_S2_MEM(0xf)
#define DESC_S2_R	DESC_BIT(6)
#define DESC_S2_W	DESC_BIT(7)
#define DESC_S2_XN_SHIFT 53
#define DESC_S2_XN1	DESC_BIT(54)
#define DESC_S2_XN	(3ULL << DESC_S2_XN_SHIFT)
#define DESC_S2_PERMS	(DESC_S2_R | DESC_S2_W | DESC_DBM | DESC_S2_XN)
/* MemAttr without FWB, and with. */
enum { S2_MEM_DEVICE = 1, S2_MEM_NC = 5, S2_MEM_WB = 0xf, S2_MEM_FWB_WB = 6 };

/*
 * An invalid entry that isn't zero is ours (bits 63:1 are ignored by the CPU):
 * bits 3:1 say what it is, the payload begins at bit 8.
 */
#define DESC_LOCKED	 (1ULL << 1)
#define DESC_OWNER	 (2ULL << 1)
#define DESC_DEAD	 (3ULL << 1) /* entry 0 of a detached table: link to the next */
#define DESC_KIND	 (7ULL << 1)
/* A leaf without FWB, Normal write-back, between its unmapping and its cleaning. */
#define DESC_TO_CLEAN	 (3ULL << 2)
#define DESC_OWNER_SHIFT 8

static inline u64 desc_from_owner(u64 owner)
{
	return owner ? owner << DESC_OWNER_SHIFT | DESC_OWNER : 0;
}

static inline bool desc_is_valid(u64 desc)
{
	return desc & DESC_VALID;
}

/* Bit 1 of an entry of @level, if that makes a valid entry a table. */
static inline u64 desc_table_bit(s8 level)
{
	return level == PGT_LEVEL_LAST ? 0 : DESC_NOTBLOCK;
}

static inline bool desc_is_table(u64 desc, s8 level)
{
	return desc_is_valid(desc) && (desc & desc_table_bit(level));
}

static inline bool desc_is_leaf(u64 desc, s8 level)
{
	return desc_is_valid(desc) && !(desc & desc_table_bit(level));
}

static inline bool desc_is_owner(u64 desc)
{
	return (desc & (DESC_VALID | DESC_KIND)) == DESC_OWNER;
}

static inline bool desc_is_locked(u64 desc)
{
	return desc == DESC_LOCKED;
}

static inline u64 desc_leaf_type(s8 level)
{
	return level == PGT_LEVEL_LAST ? DESC_PAGE : DESC_BLOCK;
}

/* The output address @oa, a multiple of the granule, where the format wants it. */
static inline u64 desc_from_oa(const struct pgt_geometry *geo, u64 oa)
{
	u64 desc = oa & geo->oa_mask;

	if (geo->hi_mask)
		desc |= (oa >> geo->hi_oa_bit & geo->hi_mask) << geo->hi_desc_bit;
	return desc;
}

static inline u64 desc_oa(const struct pgt_geometry *geo, u64 desc)
{
	u64 oa = desc & geo->oa_mask;

	if (geo->hi_mask)
		oa |= (desc >> geo->hi_desc_bit & geo->hi_mask) << geo->hi_oa_bit;
	return oa;
}

/* All bits that hold some of the output address. */
static inline u64 desc_oa_bits(const struct pgt_geometry *geo)
{
	return geo->oa_mask | geo->hi_mask << geo->hi_desc_bit;
}

/* What isn't attributes in a leaf. */
static inline u64 desc_not_attr(const struct pgt_geometry *geo)
{
	return desc_oa_bits(geo) | DESC_TYPE;
}

/* Dirty: hardware or software has let writes through since DBM was armed. */
static inline bool desc_is_s2_dirty(u64 desc)
{
	return desc & DESC_S2_W;
}

/* Bits of a valid leaf that the CPU changes behind our back. */
static inline u64 desc_hw_bits(const struct pgt_geometry *geo, u64 desc)
{
	u64 bits = geo->ha ? DESC_AF : 0;

	if (geo->hd && (desc & DESC_DBM))
		bits |= DESC_S2_W;
	return bits;
}

/* Acquire: what was written to a table before it was linked in is seen through it. */
static inline u64 entry_read(const u64 *slot)
{
	return port_le64(port_read_acquire64(slot));
}

/* For an entry that no hardware or walker follows a pointer from, or that is invalid. */
static inline void entry_write(u64 *slot, u64 desc)
{
	port_write64(slot, port_le64(desc));
}

/* Release: everything below the new entry is in memory before it is. */
static inline void entry_publish(u64 *slot, u64 desc)
{
	port_write_release64(slot, port_le64(desc));
}

/* Whether the entry was @old, and is @desc now. */
static inline bool entry_cas(u64 *slot, u64 old, u64 desc)
{
	return port_cmpxchg64(slot, port_le64(old), port_le64(desc)) == port_le64(old);
}

/* Some of PX and UX, but not both. */
static inline bool desc_x_is_mixed(u32 prot)
{
	return (prot / PGT_PROT_PX ^ prot / PGT_PROT_UX) & 1;
}

/*
 * The attributes, type apart, of a leaf with @prot. 0; -EINVAL, -EOPNOTSUPP as
 * the map functions say.
 */
int desc_attr(const struct pgt *pgt, u32 prot, u64 *attr);
/* PGT_PROT_* of a leaf. */
u32 desc_prot(const struct pgt *pgt, u64 desc);
/* Whether a stage-2 leaf's memory may have lines in the data cache. */
bool desc_is_cacheable(const struct pgt *pgt, u64 desc);
/* Whether somebody may execute from the leaf. */
bool desc_is_exec(const struct pgt *pgt, u64 desc);
/* Stage 2: adds R, W, X of @prot to @desc. */
u64 desc_s2_relax(const struct pgt *pgt, u64 desc, u32 prot);
/* Fills @leaf from an entry of @level that isn't a table, read at @ia. */
void desc_decode(const struct pgt *pgt, u64 ia, s8 level, u64 desc, struct pgt_leaf *leaf);

#endif /* PGTABLE_DESC_H */
