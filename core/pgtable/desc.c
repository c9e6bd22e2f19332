// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The meaning of a leaf's attributes, for both stages: from PGT_PROT_* to bits and
 * back. Pure functions; no locks, no memory. (Arm ARM D8.3.1.2, D8.4, D8.5.)
 */
#include "desc.h"

static u64 s2_mem_attr(const struct pgt *pgt, u32 prot)
{
	if (prot & PGT_PROT_DEVICE)
		return DESC_S2_MEM(S2_MEM_DEVICE);
	if (prot & PGT_PROT_NC)
		return DESC_S2_MEM(S2_MEM_NC);
	return DESC_S2_MEM(pgt->flags & PGT_FWB ? S2_MEM_FWB_WB : S2_MEM_WB);
}

/* XN[1:0]: 00 all may execute, 01 EL0 only, 10 nobody, 11 EL1 only. */
static u64 s2_xn(u32 prot)
{
	switch (prot & PGT_PROT_X) {
	case PGT_PROT_X:
		return 0;
	case PGT_PROT_UX:
		return DESC_S2_XN0;
	case PGT_PROT_PX:
		return DESC_S2_XN1 | DESC_S2_XN0;
	default:
		return DESC_S2_XN1;
	}
}

static u32 s2_xn_to_prot(u64 desc)
{
	switch (desc & DESC_S2_XN) {
	case 0:
		return PGT_PROT_X;
	case DESC_S2_XN0:
		return PGT_PROT_UX;
	case DESC_S2_XN1 | DESC_S2_XN0:
		return PGT_PROT_PX;
	default:
		return 0;
	}
}

static bool x_is_mixed(u32 prot)
{
	return (prot & PGT_PROT_X) && (prot & PGT_PROT_X) != PGT_PROT_X;
}

static int s2_attr(const struct pgt *pgt, u32 prot, u64 *attr)
{
	if (x_is_mixed(prot) && !pgt->geo->xnx)
		return -EOPNOTSUPP;
	if ((prot & PGT_PROT_CLEAN) && (!(prot & PGT_PROT_W) || !pgt->geo->hd))
		return -EINVAL;
	if (prot & PGT_PROT_R)
		*attr |= DESC_S2_R;
	/* Clean: the CPU turns DBM into write access at the first write. */
	if (prot & PGT_PROT_CLEAN)
		*attr |= DESC_DBM;
	else if (prot & PGT_PROT_W)
		*attr |= DESC_S2_W;
	*attr |= s2_xn(prot) | s2_mem_attr(pgt, prot);
	return 0;
}

static int s1_attr(u32 prot, u64 *attr)
{
	/* What is valid at stage 1 is readable; there is no other way to say it. */
	if (!(prot & PGT_PROT_R) || (prot & PGT_PROT_CLEAN) || x_is_mixed(prot))
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
	u64 bits = (u64)((prot & PGT_PROT_SW_MASK) >> PGT_PROT_SW_SHIFT) << DESC_SW_SHIFT;
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
	u32 prot = desc & DESC_S2_R ? PGT_PROT_R : 0;
	u64 mem = desc & DESC_S2_MEM_ALL;

	if (desc & (DESC_S2_W | DESC_DBM))
		prot |= PGT_PROT_W;
	if ((desc & DESC_DBM) && !(desc & DESC_S2_W))
		prot |= PGT_PROT_CLEAN;
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

void desc_decode(const struct pgt *pgt, u64 ia, s8 level, u64 desc, struct pgt_leaf *leaf)
{
	u64 size = pgt_level_size(pgt->geo, level);

	*leaf = (struct pgt_leaf){
		.level = level,
		.ia = ia & ~(size - 1),
		.size = size,
		.desc = desc,
	};
	if (desc_is_leaf(desc, level)) {
		leaf->kind = PGT_LEAF;
		leaf->pa = pa(desc_oa(pgt->geo, desc));
		leaf->prot = desc_prot(pgt, desc);
		leaf->dirty = pgt->geo->stage == PGT_STAGE2 ? desc_is_s2_dirty(desc) :
							      !(desc & DESC_S1_RO);
	} else if (desc_is_owner(desc)) {
		leaf->kind = PGT_OWNER;
		leaf->owner = desc >> DESC_OWNER_SHIFT;
	} else if (desc_is_locked(desc)) {
		leaf->kind = PGT_LOCKED;
	} else {
		leaf->kind = PGT_EMPTY;
	}
}
