// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapped accesses of AArch32 to its system registers: CP15, CP14, and VFP's ID registers
 * (Arm ARM G8.3.1, G8.3.2). Each is the AArch64 register that it is mapped to, or half of
 * one, whose owner rd_sysreg_access() finds. Most have the same numbers in both; the
 * tables have those that haven't.
 *
 * Locks: vcpu->mutex. Called with interrupts off or on; nothing sleeps.
 */
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "aarch32.h"
#include "exit.h"
#include "vcpu.h"

/* What of the AArch64 register an AArch32 one of 32 bits is. Others of a WHOLE one are 0. */
enum part { WHOLE, LOW, HIGH };

#define CP(opc1, crn, crm, opc2) ((opc1) << 11 | (crn) << 7 | (crm) << 3 | (opc2))
#define CP_ROW(opc1, crn, crm, opc2, sysreg, part)                                                 \
	{ CP(opc1, crn, crm, opc2), sysreg, part }

struct cp_reg {
	u32 cp;
	u32 sysreg;
	enum part part;
};

static const struct cp_reg cp15[] = {
	CP_ROW(0, 0, 0, 1, SYS_CTR_EL0, WHOLE),
	CP_ROW(0, 1, 0, 1, SYS_ACTLR_EL1, LOW),
	CP_ROW(0, 1, 0, 3, SYS_ACTLR_EL1, HIGH),     /* ACTLR2 */
	CP_ROW(0, 2, 0, 0, SYS_TTBR0_EL1, LOW),
	CP_ROW(0, 2, 0, 1, SYS_TTBR1_EL1, LOW),
	CP_ROW(0, 2, 0, 2, SYS_TCR_EL1, LOW),	     /* TTBCR */
	CP_ROW(0, 2, 0, 3, SYS_TCR_EL1, HIGH),	     /* TTBCR2 */
	CP_ROW(0, 3, 0, 0, SYS_DACR32_EL2, WHOLE),
	CP_ROW(0, 5, 0, 0, SYS_ESR_EL1, WHOLE),	     /* DFSR */
	CP_ROW(0, 5, 0, 1, SYS_IFSR32_EL2, WHOLE),
	CP_ROW(0, 6, 0, 0, SYS_FAR_EL1, LOW),	     /* DFAR */
	CP_ROW(0, 6, 0, 2, SYS_FAR_EL1, HIGH),	     /* IFAR */
	CP_ROW(0, 7, 6, 2, SYS_DC_ISW, WHOLE),
	CP_ROW(0, 7, 10, 2, SYS_DC_CSW, WHOLE),
	CP_ROW(0, 7, 14, 2, SYS_DC_CISW, WHOLE),
	CP_ROW(0, 10, 2, 0, SYS_MAIR_EL1, LOW),	     /* PRRR, MAIR0 */
	CP_ROW(0, 10, 2, 1, SYS_MAIR_EL1, HIGH),     /* NMRR, MAIR1 */
	CP_ROW(0, 10, 3, 0, SYS_AMAIR_EL1, LOW),
	CP_ROW(0, 10, 3, 1, SYS_AMAIR_EL1, HIGH),
	CP_ROW(0, 14, 2, 0, SYS_CNTP_TVAL_EL0, WHOLE),
	CP_ROW(0, 14, 2, 1, SYS_CNTP_CTL_EL0, WHOLE),
};

/* Of 64 bits: opc1 and CRm say which. */
static const struct cp_reg cp15_64[] = {
	CP_ROW(0, 0, 2, 0, SYS_TTBR0_EL1, WHOLE),
	CP_ROW(1, 0, 2, 0, SYS_TTBR1_EL1, WHOLE),
	CP_ROW(0, 0, 12, 0, SYS_ICC_SGI1R_EL1, WHOLE),
	CP_ROW(1, 0, 12, 0, SYS_ICC_ASGI1R_EL1, WHOLE),
	CP_ROW(2, 0, 12, 0, SYS_ICC_SGI0R_EL1, WHOLE),
	CP_ROW(0, 0, 14, 0, SYS_CNTPCT_EL0, WHOLE),
	CP_ROW(2, 0, 14, 0, SYS_CNTP_CVAL_EL0, WHOLE),
	CP_ROW(8, 0, 14, 0, SYS_CNTPCTSS_EL0, WHOLE),
};

/* Sources and ends of what a debugger outside the machine would transfer: there is none. */
static const struct cp_reg cp14[] = {
	CP_ROW(0, 0, 1, 0, SYS_MDCCSR_EL0, WHOLE),   /* DBGDSCRint */
	CP_ROW(0, 0, 5, 0, SYS_DBGDTRTX_EL0, WHOLE), /* DBGDTRRXint, DBGDTRTXint */
	CP_ROW(0, 0, 7, 0, SYS_DBGVCR32_EL2, WHOLE),
};

/* Read as zero, writes are ignored: as mainline has it, and not for AArch64. */
static const u32 cp14_raz[] = {
	CP(0, 0, 0, 2), /* DBGDTRRXext */
	CP(0, 0, 3, 2), /* DBGDTRTXext */
	CP(0, 0, 6, 0), /* DBGWFAR */
	CP(0, 0, 6, 2), /* DBGOSECCR */
	CP(0, 2, 0, 0), /* DBGDSAR */
	CP(0, 7, 0, 7), /* DBGDEVID2, 1, 0 */
	CP(0, 7, 1, 7),
	CP(0, 7, 2, 7),
};

#define DBGDIDR CP(0, 0, 0, 0)

static const struct cp_reg *find(const struct cp_reg *table, unsigned int n, u32 cp)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (table[i].cp == cp)
			return &table[i];
	return NULL;
}

/* Registers that have the same numbers as the AArch64 ones. */
static struct cp_reg same_numbers(u32 op0, u32 cp)
{
	struct cp_reg reg = { .cp = cp, .part = WHOLE };

	reg.sysreg = sys_reg(op0, cp >> 11, cp >> 7 & 0xf, cp >> 3 & 0xf, cp & 7);
	return reg;
}

/* DBGBVR<n> and DBGBXVR<n> share one register. */
static struct cp_reg debug_reg(u32 cp)
{
	struct cp_reg reg = same_numbers(2, cp);
	u32 n = cp >> 3 & 0xf;

	if ((cp & ~CP(0, 0, 0xf, 0)) == CP(0, 0, 0, 4))
		reg.part = LOW;
	else if ((cp & ~CP(0, 0, 0xf, 0)) == CP(0, 1, 0, 1))
		reg = (struct cp_reg){ cp, SYS_DBGBVRn_EL1(n), HIGH };
	return reg;
}

/* DACR, IFSR and DBGVCR: AArch64 has them at EL2 only, so that nobody else owns them. */
static u64 *aarch32_only(struct rd_vcpu *vcpu, u32 sysreg)
{
	u64 *sys = vcpu->state->sys;

	switch (sysreg) {
	case SYS_DACR32_EL2:
		return &sys[RD_SYS_DACR32_EL2];
	case SYS_IFSR32_EL2:
		return &sys[RD_SYS_IFSR32_EL2];
	case SYS_DBGVCR32_EL2:
		return &sys[RD_SYS_DBGVCR32_EL2];
	default:
		return NULL;
	}
}

static bool access_whole(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	u64 *at = aarch32_only(vcpu, sysreg);

	if (!at)
		return rd_sysreg_access(vcpu, sysreg, write, val);
	if (write)
		*at = *val;
	else
		*val = *at;
	return true;
}

/* A register of 32 bits; @val has its value at the bottom. */
static bool access_part(struct rd_vcpu *vcpu, const struct cp_reg *reg, bool write, u64 *val)
{
	u64 now = 0;

	if (reg->part == WHOLE)
		return access_whole(vcpu, reg->sysreg, write, val);
	if (!access_whole(vcpu, reg->sysreg, false, &now))
		return false;
	if (!write) {
		*val = reg->part == HIGH ? upper_32_bits(now) : lower_32_bits(now);
		return true;
	}
	if (reg->part == HIGH)
		now = lower_32_bits(now) | *val << 32;
	else
		now = (now & ~0xffffffffULL) | lower_32_bits(*val);
	return access_whole(vcpu, reg->sysreg, true, &now);
}

static bool access_cp15(struct rd_vcpu *vcpu, u32 cp, bool write, u64 *val)
{
	const struct cp_reg *known = find(cp15, ARRAY_SIZE(cp15), cp);
	struct cp_reg reg;

	if (known)
		return access_part(vcpu, known, write, val);
	reg = same_numbers(3, cp);
	/* AArch64's own ID registers are no registers here: zero (Arm ARM G7.3.1). */
	if (rd_idreg_covers(reg.sysreg) && sys_reg_CRm(reg.sysreg) > 3 && !write) {
		*val = 0;
		return true;
	}
	return access_part(vcpu, &reg, write, val);
}

static u64 id_field(const struct rd_vm *vm, u32 sysreg, unsigned int shift)
{
	return rd_idreg_read(vm, sysreg) >> shift & 0xf;
}

/* Breakpoints, watchpoints and version as in ID_AA64DFR0_EL1; EL3 as in ID_AA64PFR0_EL1. */
static u64 dbgdidr(const struct rd_vm *vm)
{
	u64 el3 = !!id_field(vm, SYS_ID_AA64PFR0_EL1, ID_AA64PFR0_EL1_EL3_SHIFT);

	return id_field(vm, SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_WRPs_SHIFT) << 28 |
	       id_field(vm, SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_BRPs_SHIFT) << 24 |
	       id_field(vm, SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_CTX_CMPs_SHIFT) << 20 |
	       id_field(vm, SYS_ID_AA64DFR0_EL1, ID_AA64DFR0_EL1_DebugVer_SHIFT) << 16 |
	       1U << 15 | el3 << 14 | el3 << 12;
}

static bool access_cp14(struct rd_vcpu *vcpu, u32 cp, bool write, u64 *val)
{
	const struct cp_reg *known = find(cp14, ARRAY_SIZE(cp14), cp);
	struct cp_reg reg;
	unsigned int i;

	if (known)
		return access_part(vcpu, known, write, val);
	if (cp == DBGDIDR && !write) {
		*val = dbgdidr(vcpu->vm);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(cp14_raz); i++) {
		if (cp14_raz[i] == cp) {
			*val = 0;
			return true;
		}
	}
	reg = debug_reg(cp);
	return access_part(vcpu, &reg, write, val);
}

/* MCR and MRC: ISS has opc2, opc1, CRn, Rt, CRm, direction (Arm ARM D24.2.40). */
static bool access_32(struct rd_vcpu *vcpu, u64 esr, unsigned int ec)
{
	u32 cp = CP(esr >> 14 & 7, esr >> 10 & 0xf, esr >> 1 & 0xf, esr >> 17 & 7);
	bool write = !(esr & 1);
	unsigned int rt = esr >> 5 & 0x1f;
	u64 val = lower_32_bits(rd_vcpu_reg(vcpu, rt));

	if (!(ec == ESR_ELx_EC_CP15_32 ? access_cp15 : access_cp14)(vcpu, cp, write, &val))
		return false;
	if (!write)
		rd_vcpu_set_reg(vcpu, rt, lower_32_bits(val));
	return true;
}

/* MCRR and MRRC: opc1, Rt2, Rt, CRm, direction. */
static bool access_64(struct rd_vcpu *vcpu, u64 esr, unsigned int ec)
{
	u32 cp = CP(esr >> 16 & 0xf, 0, esr >> 1 & 0xf, 0);
	const struct cp_reg *reg = find(cp15_64, ARRAY_SIZE(cp15_64), cp);
	unsigned int rt = esr >> 5 & 0x1f, rt2 = esr >> 10 & 0x1f;
	bool write = !(esr & 1);
	u64 val = lower_32_bits(rd_vcpu_reg(vcpu, rt)) | rd_vcpu_reg(vcpu, rt2) << 32;

	if (ec == ESR_ELx_EC_CP14_64) {
		/* DBGDRAR, DBGDSAR: no debug registers in memory. */
		val = 0;
		if (write || (cp != CP(0, 0, 1, 0) && cp != CP(0, 0, 2, 0)))
			return false;
	} else if (!reg || !access_whole(vcpu, reg->sysreg, write, &val)) {
		return false;
	}
	if (!write) {
		rd_vcpu_set_reg(vcpu, rt, lower_32_bits(val));
		rd_vcpu_set_reg(vcpu, rt2, upper_32_bits(val));
	}
	return true;
}

/* VMRS of MVFR0, 1, 2, which it numbers 7, 6, 5, where MRC has CRn. */
static bool access_vfp(struct rd_vcpu *vcpu, u64 esr)
{
	u32 n = 7 - (esr >> 10 & 0xf);

	if (!(esr & 1) || n > 2)
		return false;
	rd_vcpu_set_reg(vcpu, esr >> 5 & 0x1f,
			rd_idreg_read(vcpu->vm, sys_reg(3, 0, 0, 3, n)));
	return true;
}

static bool access(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;

	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_CP15_32:
	case ESR_ELx_EC_CP14_MR:
		return access_32(vcpu, esr, ESR_ELx_EC(esr));
	case ESR_ELx_EC_CP15_64:
	case ESR_ELx_EC_CP14_64:
		return access_64(vcpu, esr, ESR_ELx_EC(esr));
	case ESR_ELx_EC_CP10_ID:
		return access_vfp(vcpu, esr);
	default:
		return false;
	}
}

void rd_aarch32_exit(struct rd_vcpu *vcpu)
{
	RD_STAT_INC(vcpu, sysreg_exits);
	if (rd_aarch32_executes(vcpu) && !access(vcpu))
		rd_vcpu_inject_undef(vcpu);
	else
		rd_vcpu_skip_insn(vcpu);
}
