// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID registers of protected guests: what the CPU has, less what EL2 does not switch or
 * the host could use as a side door. A field that isn't named below reads as zero
 * ("not implemented"), so that a feature of a later CPU stays hidden until somebody
 * has thought about it. Arm ARM D19.2.
 */
#include "protected.h"

#define FIELD(shift) (0xfULL << (shift))

/* Registers by CRm and op2, as in the ISS of the trap (hyp/protected.c). */
#define IDREG(crm, op2) ((op2) << 17 | (crm) << 1)
#define IDREG_MASK	IDREG(0xf, 7)

/*
 * EL0 and EL1 are AArch64 only (1); no EL2, EL3, RAS, SVE, AMU. FP and AdvSIMD, GIC
 * system registers, DIT, CSV2, CSV3 as they are.
 */
#define PFR0_ALLOW (FIELD(16) | FIELD(20) | FIELD(24) | FIELD(48) | FIELD(56) | FIELD(60))
#define PFR0_FIXED (1ULL << 0 | 1ULL << 4)
/* BT, SSBS; no MTE, RAS fraction, SME. */
#define PFR1_ALLOW (FIELD(0) | FIELD(4))
/* Debug architecture v8.0, one breakpoint and one watchpoint (which do nothing); no PMU, trace. */
#define DFR0_FIXED (6ULL << 0)
/* Instructions without state of their own, RNDR too; no TME, which needs a control of EL2. */
#define ISAR0_ALLOW (~0ULL & ~(FIELD(0) | FIELD(24)))
/* No pointer authentication (APA, API, GPA, GPI), no LS64. */
#define ISAR1_ALLOW                                                                                \
	(FIELD(0) | FIELD(12) | FIELD(16) | FIELD(20) | FIELD(32) | FIELD(36) | FIELD(40) |        \
	 FIELD(44) | FIELD(48) | FIELD(52) | FIELD(56))
/* RPRES only: MOPS, WFxT and PAC3 need controls of EL2. */
#define ISAR2_ALLOW FIELD(4)
/* Physical addresses, ASIDs, granules at both stages, mixed endianness; no ExS, FGT, ECV. */
#define MMFR0_ALLOW                                                                                \
	(FIELD(0) | FIELD(4) | FIELD(8) | FIELD(12) | FIELD(16) | FIELD(20) | FIELD(24) |          \
	 FIELD(28))
/* HAFDBS, HPDS, PAN, SpecSEI as 0, XNX, ETS; no VMIDs, VHE, LOR, TWED, HCX, AFP as it has FPCR bits. */
#define MMFR1_ALLOW (FIELD(0) | FIELD(12) | FIELD(20) | FIELD(28) | FIELD(36))
/* CnP, UAO, VARange, AT, ST, IDS as 0, TTL, BBM, E0PD; no NV, FWB, EVT. */
#define MMFR2_ALLOW                                                                                \
	(FIELD(0) | FIELD(4) | FIELD(16) | FIELD(28) | FIELD(32) | FIELD(48) | FIELD(52) |         \
	 FIELD(60))

u64 protected_idreg(u32 sysreg)
{
	switch (sysreg & IDREG_MASK) {
	case IDREG(4, 0):
		return (read_sysreg(id_aa64pfr0_el1) & PFR0_ALLOW) | PFR0_FIXED;
	case IDREG(4, 1):
		return read_sysreg(id_aa64pfr1_el1) & PFR1_ALLOW;
	case IDREG(5, 0):
		return DFR0_FIXED;
	case IDREG(6, 0):
		return read_sysreg(id_aa64isar0_el1) & ISAR0_ALLOW;
	case IDREG(6, 1):
		return read_sysreg(id_aa64isar1_el1) & ISAR1_ALLOW;
	case IDREG(6, 2):
		return read_sysreg(S3_0_C0_C6_2) & ISAR2_ALLOW;
	case IDREG(7, 0):
		return read_sysreg(id_aa64mmfr0_el1) & MMFR0_ALLOW;
	case IDREG(7, 1):
		return read_sysreg(id_aa64mmfr1_el1) & MMFR1_ALLOW;
	case IDREG(7, 2):
		return read_sysreg(S3_0_C0_C7_2) & MMFR2_ALLOW;
	default:
		/* AArch32's, SVE's, SME's, and what has no meaning yet. */
		return 0;
	}
}
