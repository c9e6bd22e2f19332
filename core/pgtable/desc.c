// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The meaning of a leaf's attributes, for both stages: from PGT_PROT_* to bits and
 * back. Pure functions; no locks, no memory. (Arm ARM D8.3.1.2, D8.4, D8.5.)
 */
#include "desc.h"

/* XN[1:0] by PX, UX: 10 nobody may execute, 11 EL1 only, 01 EL0 only, 00 both. */
static u64 s2_xn(u32 prot)
{
	static const u8 xn[4] = { 2, 3, 1, 0 };

	return (u64)xn[prot / PGT_PROT_PX & 3] << DESC_S2_XN_SHIFT;
}

static u32 s2_xn_to_prot(u64 desc)
{
	static const u8 x[4] = { PGT_PROT_X, PGT_PROT_UX, 0, PGT_PROT_PX };

	return x[desc >> DESC_S2_XN_SHIFT & 3];
}

static u64 s2_mem_attr(const struct pgt *pgt, u32 prot)
{
	if (port_likely(!(prot & (PGT_PROT_DEVICE | PGT_PROT_NC))))
		return DESC_S2_MEM(pgt->flags & PGT_FWB ? S2_MEM_FWB_WB : S2_MEM_WB);
	return DESC_S2_MEM(prot & PGT_PROT_DEVICE ? S2_MEM_DEVICE : S2_MEM_NC);
}

static int s2_attr(const struct pgt *pgt, u32 prot, u64 *attr)
{
	if (desc_x_is_mixed(prot) && !pgt->geo->xnx)
		return -EOPNOTSUPP;
	/* R and W lie side by side in both places. */
	*attr |= (u64)(prot & PGT_PROT_RW) * DESC_S2_R | s2_xn(prot) | s2_mem_attr(pgt, prot);
	if (port_unlikely(prot & PGT_PROT_CLEAN)) {
		if (!(prot & PGT_PROT_W) || !pgt->geo->hd)
			return -EINVAL;
		/* Clean: the CPU turns DBM into write access at the first write. */
		*attr = (*attr & ~DESC_S2_W) | DESC_DBM;
	}
	return 0;
}

static int s1_attr(u32 prot, u64 *attr)
{
	/* What is valid at stage 1 is readable; there is no other way to say it. */
	if (!(prot & PGT_PROT_R) || (prot & PGT_PROT_CLEAN) || desc_x_is_mixed(prot))
		return -EINVAL;
	*attr |= DESC_S1_AP1;
	if (!(prot & PGT_PROT_W))
		*attr |= DESC_S1_RO;
	if (!(prot & PGT_PROT_X))
		*attr |= DESC_S1_XN;
	if (prot & PGT_PROT_DEVICE)
		*attr |= DESC_S1_IDX(S1_IDX_DEVICE);
	else if (prot & PGT_PROT_NC)
		*attr |= DESC_S1_IDX(S1_IDX_NC);
	else
		*attr |= DESC_S1_IDX(S1_IDX_NORMAL);
	return 0;
}

int desc_attr(const struct pgt *pgt, u32 prot, u64 *attr)
{
	u64 bits = (u64)(prot & PGT_PROT_SW_MASK) << (DESC_SW_SHIFT - PGT_PROT_SW_SHIFT);
	int ret;

	if (prot & ~PGT_PROT_ALL)
		return -EINVAL;
	if ((prot & PGT_PROT_DEVICE) && (prot & (PGT_PROT_X | PGT_PROT_NC)))
		return -EINVAL;
	if (!(prot & PGT_PROT_OLD))
		bits |= DESC_AF;
	/* With DS=1 bits 9:8 are OA[51:50], and SH comes from the control register. */
	if (pgt->geo->format != PGT_FORMAT_LPA2)
		bits |= DESC_SH_INNER;
	ret = pgt->geo->stage == PGT_STAGE2 ? s2_attr(pgt, prot, &bits) : s1_attr(prot, &bits);
	if (!ret)
		*attr = bits;
	return ret;
}

static u32 s2_prot(u64 desc)
{
	u32 prot = (u32)(desc / DESC_S2_R) & PGT_PROT_RW;
	u64 mem = desc & DESC_S2_MEM_ALL;

	if ((desc & DESC_DBM) && !(prot & PGT_PROT_W))
		prot |= PGT_PROT_W | PGT_PROT_CLEAN;
	if (mem == DESC_S2_MEM(S2_MEM_DEVICE))
		prot |= PGT_PROT_DEVICE;
	else if (mem == DESC_S2_MEM(S2_MEM_NC))
		prot |= PGT_PROT_NC;
	/* Without FEAT_XNX, bit 53 is RES0 and was written so. */
	return prot | s2_xn_to_prot(desc);
}

static u32 s1_prot(u64 desc)
{
	u32 prot = PGT_PROT_R;
	u64 idx = desc & DESC_S1_IDX_ALL;

	if (!(desc & DESC_S1_RO))
		prot |= PGT_PROT_W;
	if (!(desc & DESC_S1_XN))
		prot |= PGT_PROT_X;
	if (idx == DESC_S1_IDX(S1_IDX_DEVICE))
		prot |= PGT_PROT_DEVICE;
	else if (idx == DESC_S1_IDX(S1_IDX_NC))
		prot |= PGT_PROT_NC;
	return prot;
}

u32 desc_prot(const struct pgt *pgt, u64 desc)
{
	u32 prot = pgt->geo->stage == PGT_STAGE2 ? s2_prot(desc) : s1_prot(desc);

	if (!(desc & DESC_AF))
		prot |= PGT_PROT_OLD;
	return prot | (u32)((desc & DESC_SW) >> DESC_SW_SHIFT) << PGT_PROT_SW_SHIFT;
}

bool desc_is_cacheable(const struct pgt *pgt, u64 desc)
{
	u64 wb = pgt->flags & PGT_FWB ? S2_MEM_FWB_WB : S2_MEM_WB;

	return (desc & DESC_S2_MEM_ALL) == DESC_S2_MEM(wb);
}

bool desc_is_exec(const struct pgt *pgt, u64 desc)
{
	if (pgt->geo->stage == PGT_STAGE1)
		return !(desc & DESC_S1_XN);
	return (desc & DESC_S2_XN) != DESC_S2_XN1;
}

u64 desc_s2_relax(const struct pgt *pgt, u64 desc, u32 prot)
{
	u32 x = (desc_prot(pgt, desc) | prot) & PGT_PROT_X;

	if (prot & PGT_PROT_R)
		desc |= DESC_S2_R;
	if (prot & PGT_PROT_W)
		desc |= DESC_S2_W;
	return (desc & ~DESC_S2_XN) | s2_xn(x);
}

static void decode_leaf(const struct pgt *pgt, u64 desc, struct pgt_leaf *leaf)
{
	leaf->kind = PGT_LEAF;
	leaf->pa = pa(desc_oa(pgt->geo, desc));
	leaf->prot = desc_prot(pgt, desc);
	leaf->dirty = pgt->geo->stage == PGT_STAGE2 ? desc_is_s2_dirty(desc) :
						      !(desc & DESC_S1_RO);
	leaf->owner = 0;
}

void desc_decode(const struct pgt *pgt, u64 ia, s8 level, u64 desc, struct pgt_leaf *leaf)
{
	u64 size = pgt_level_size(pgt->geo, level);

	leaf->level = level;
	leaf->ia = ia & ~(size - 1);
	leaf->size = size;
	leaf->desc = desc;
	if (port_likely(desc_is_leaf(desc, level))) {
		decode_leaf(pgt, desc, leaf);
		return;
	}
	leaf->pa = pa(0);
	leaf->prot = 0;
	leaf->dirty = false;
	leaf->owner = desc_is_owner(desc) ? desc >> DESC_OWNER_SHIFT : 0;
	if (desc_is_owner(desc))
		leaf->kind = PGT_OWNER;
	else
		leaf->kind = desc_is_locked(desc) ? PGT_LOCKED : PGT_EMPTY;
}
