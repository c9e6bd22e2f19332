/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers of EL2: the fields that Redoubt uses, by the names of the Arm ARM
 * (DDI 0487) D19 and GICv3 (IHI 0069) 12. Accessors: hyp/include/insn.h.
 */
#ifndef HYP_SYSREG_H
#define HYP_SYSREG_H

#ifdef __ASSEMBLY__
#define SYSREG_BIT(n) (1 << (n))
#else
#include <insn.h>
#define SYSREG_BIT(n) (1ULL << (n))
#endif

/* SCTLR_EL2 of D19.2.118 with E2H=0: RES1 bits, and what Redoubt turns on. */
#define SCTLR_EL2_RES1	  0x30c50830
#define SCTLR_EL2_M	  SYSREG_BIT(0)
#define SCTLR_EL2_C	  SYSREG_BIT(2)
#define SCTLR_EL2_SA	  SYSREG_BIT(3)
#define SCTLR_EL2_I	  SYSREG_BIT(12)
#define SCTLR_EL2_WXN	  SYSREG_BIT(19)
#define SCTLR_EL2_MMU_OFF SCTLR_EL2_RES1

/* HCR_EL2, D19.2.48. */
#define HCR_EL2_VM   SYSREG_BIT(0)
#define HCR_EL2_SWIO SYSREG_BIT(1)
#define HCR_EL2_PTW  SYSREG_BIT(2)
#define HCR_EL2_FMO  SYSREG_BIT(3)
#define HCR_EL2_IMO  SYSREG_BIT(4)
#define HCR_EL2_AMO  SYSREG_BIT(5)
#define HCR_EL2_VF   SYSREG_BIT(6)
#define HCR_EL2_VI   SYSREG_BIT(7)
#define HCR_EL2_VSE  SYSREG_BIT(8)
#define HCR_EL2_FB   SYSREG_BIT(9)
#define HCR_EL2_BSU_IS SYSREG_BIT(10)
#define HCR_EL2_TWI  SYSREG_BIT(13)
#define HCR_EL2_TWE  SYSREG_BIT(14)
#define HCR_EL2_TID1 SYSREG_BIT(16)
#define HCR_EL2_TID2 SYSREG_BIT(17)
#define HCR_EL2_TID3 SYSREG_BIT(18)
#define HCR_EL2_TSC  SYSREG_BIT(19)
#define HCR_EL2_TIDCP SYSREG_BIT(20)
#define HCR_EL2_TACR SYSREG_BIT(21)
#define HCR_EL2_TSW  SYSREG_BIT(22)
#define HCR_EL2_TVM  SYSREG_BIT(26)
#define HCR_EL2_RW   0x80000000
#define HCR_EL2_TLOR SYSREG_BIT(35)
#define HCR_EL2_TERR SYSREG_BIT(36)
#define HCR_EL2_APK  SYSREG_BIT(40)
#define HCR_EL2_API  SYSREG_BIT(41)
#define HCR_EL2_FWB  SYSREG_BIT(46)
#define HCR_EL2_AMVOFFEN SYSREG_BIT(51)
#define HCR_EL2_ATA  SYSREG_BIT(56)
#define HCR_EL2_TID4 SYSREG_BIT(49)
#define HCR_EL2_TID5 SYSREG_BIT(58)

/* CPTR_EL2 with E2H=0, D19.2.34. */
#define CPTR_EL2_TZ   SYSREG_BIT(8)
#define CPTR_EL2_TFP  SYSREG_BIT(10)
#define CPTR_EL2_TSM  SYSREG_BIT(12)
#define CPTR_EL2_TTA  SYSREG_BIT(20)
#define CPTR_EL2_TAM  SYSREG_BIT(30)
#define CPTR_EL2_RES1 0x22ff

/* MDCR_EL2, D19.3.18. */
#define MDCR_EL2_HPMN_MASK 0x1f
#define MDCR_EL2_TPMCR SYSREG_BIT(5)
#define MDCR_EL2_TPM   SYSREG_BIT(6)
#define MDCR_EL2_TDE   SYSREG_BIT(8)
#define MDCR_EL2_TDA   SYSREG_BIT(9)
#define MDCR_EL2_TDOSA SYSREG_BIT(10)
#define MDCR_EL2_TDRA  SYSREG_BIT(11)
#define MDCR_EL2_TPMS  SYSREG_BIT(14)
#define MDCR_EL2_TTRF  SYSREG_BIT(19)

/* CNTHCTL_EL2 with E2H=0, D19.12.8. */
#define CNTHCTL_EL1PCTEN SYSREG_BIT(0)
#define CNTHCTL_EL1PCEN  SYSREG_BIT(1)

/* ESR_ELx, D19.2.40. */
#define ESR_EC_SHIFT	26
#define ESR_EC_MASK	0x3f
#define ESR_IL		SYSREG_BIT(25)
#define ESR_EC_UNKNOWN	0x00
#define ESR_EC_WFX	0x01
#define ESR_EC_FP	0x07
#define ESR_EC_PAC	0x09
#define ESR_EC_HVC64	0x16
#define ESR_EC_SMC64	0x17
#define ESR_EC_SYS64	0x18
#define ESR_EC_SVE	0x19
#define ESR_EC_SME	0x1d
#define ESR_EC_IABT_LOW 0x20
#define ESR_EC_IABT_CUR 0x21
#define ESR_EC_DABT_LOW 0x24
#define ESR_EC_DABT_CUR 0x25
#define ESR_ISS_MASK	0x1ffffff
#define ESR_ISS_IMM16	0xffff
#define ESR_S1PTW	SYSREG_BIT(7)
#define ESR_WNR		SYSREG_BIT(6)
#define ESR_FSC_MASK	0x3f
#define ESR_FSC_TYPE	0x3c
#define ESR_FSC_TRANS	0x04
#define ESR_FSC_TRANS_1 0x2b /* level -1 */
#define ESR_FSC_ACCESS	0x08
#define ESR_FSC_PERM	0x0c
#define ESR_FSC_SEA	0x10
#define ESR_FSC_ALIGN	0x21

/* DCZID_EL0: DC ZVA is not to be used. */
#define DCZID_DZP SYSREG_BIT(4)

/* PSTATE as SPSR_ELx holds it, C5.2.19. */
#define PSR_MODE_MASK 0x1f
#define PSR_MODE_EL0t 0x00
#define PSR_MODE_EL1t 0x04
#define PSR_MODE_EL1h 0x05
#define PSR_F SYSREG_BIT(6)
#define PSR_I SYSREG_BIT(7)
#define PSR_A SYSREG_BIT(8)
#define PSR_D SYSREG_BIT(9)
#define PSR_IL SYSREG_BIT(20)
#define PSR_SS SYSREG_BIT(21)
#define PSR_PAN SYSREG_BIT(22)
#define PSR_UAO SYSREG_BIT(23)
#define PSR_DIT SYSREG_BIT(24)
#define PSR_TCO SYSREG_BIT(25)
#define PSR_BTYPE 0xc00
#define PSR_NZCV 0xf0000000
#define PSR_M32 SYSREG_BIT(4)

#define PSR_SSBS SYSREG_BIT(12)

#define SCTLR_EL1_SPAN	SYSREG_BIT(23)
#define SCTLR_EL1_DSSBS SYSREG_BIT(44)

/* ISS of a trapped MSR, MRS: direction, Rt, and the register as op0:op2:op1:CRn:Rt:CRm. */
#define SYS64_READ	1ULL
#define SYS64_RT(esr)	((u32)((esr) >> 5 & 0x1f))
#define SYS64_REG_MASK	0x3ffc1eULL
#define SYS64(op0, op1, crn, crm, op2)                                                             \
	((u64)(op0) << 20 | (u64)(op2) << 17 | (u64)(op1) << 14 | (u64)(crn) << 10 | (u64)(crm) << 1)
#define SYS64_CRM(reg)	((u32)((reg) >> 1 & 0xf))
#define SYS64_OP2(reg)	((u32)((reg) >> 17 & 7))
#define SYS64_CTR_EL0	SYS64(3, 3, 0, 0, 1)

#ifndef __ASSEMBLY__
/* op0 = 3, op1 = 0, CRn = 0, CRm = 1 to 7: the space of AArch32 and AArch64 ID registers. */
static inline bool sys64_is_idreg(u64 reg)
{
	return (reg & ~SYS64(0, 0, 0, 7, 7)) == SYS64(3, 0, 0, 0, 0) && SYS64_CRM(reg);
}

/* Fields of ID registers that change what EL2 does. */
static inline bool cpu_has_pan(void)
{
	return read_sysreg(id_aa64mmfr1_el1) >> 20 & 0xf;
}

static inline bool esr_is_translation_fault(u64 esr)
{
	return (esr & ESR_FSC_TYPE) == ESR_FSC_TRANS || (esr & ESR_FSC_MASK) == ESR_FSC_TRANS_1;
}

/* FEAT_EVT: HCR_EL2.TID4 traps cache geometry without CTR_EL0. */
static inline bool cpu_has_evt(void)
{
	return read_sysreg(id_aa64mmfr2_el1) >> 56 & 0xf;
}

static inline bool cpu_has_ras(void)
{
	return read_sysreg(id_aa64pfr0_el1) >> 28 & 0xf;
}

static inline bool cpu_has_mte(void)
{
	return (read_sysreg(id_aa64pfr1_el1) >> 8 & 0xf) >= 2;
}
#endif

#endif /* HYP_SYSREG_H */
