// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID registers of a VM: what the host's CPUs have in common, less what EL2 doesn't
 * switch or must keep for itself.
 *
 * One line of the table a register: the bits that guests may see at all, the bits
 * that user space may change, and which 4-bit fields are not plain "larger means
 * more". A value of user space's is good if no field claims more than the default.
 *
 * Locks: vm->config_lock until RD_VM_RAN_ONCE, constant from then on.
 */
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "idregs.h"
#include "vcpu.h"

struct idreg {
	u32 sysreg;
	u64 keep;	/* bits shown to guests */
	u64 writable;	/* bits that user space may lower; shown as its mask */
	u64 signed_fields; /* fields in which 0b1xxx is below 0 */
	u64 inverse;	/* fields in which a larger value is the safe one */
};

#define F(shift) (0xfULL << (shift))
#define ALL	 (~0ULL)
#define LOW32	 0xffffffffULL

/* clang-format off */
static const struct idreg idregs[] = {
	/* AArch32. */
	{ SYS_ID_PFR0_EL1, LOW32 & ~(F(28) | F(20)), LOW32, 0, 0 },	/* no RAS, AMU */
	{ SYS_ID_PFR1_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_DFR0_EL1, F(0) | F(4) | F(8), LOW32, 0, 0 },		/* debug only */
	{ SYS_ID_AFR0_EL1, 0, 0, 0, 0 },
	{ SYS_ID_MMFR0_EL1, LOW32, LOW32, F(12) | F(28), 0 },
	{ SYS_ID_MMFR1_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_MMFR2_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_MMFR3_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR0_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR1_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR2_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR3_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR4_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_ISAR5_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_MMFR4_EL1, LOW32 & ~F(24), LOW32, 0, 0 },		/* no CCIDX */
	{ SYS_ID_ISAR6_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_MVFR0_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_MVFR1_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_MVFR2_EL1, LOW32, LOW32, 0, 0 },
	{ SYS_ID_PFR2_EL1, F(0) | F(4), LOW32, 0, 0 },			/* no RAS_frac */
	{ SYS_ID_DFR1_EL1, 0, 0, 0, 0 },
	{ SYS_ID_MMFR5_EL1, LOW32, LOW32, 0, 0 },

	/* EL0, EL1, EL3, FP, AdvSIMD, GIC, DIT, CSV2, CSV3: no EL2, RAS, SVE, MPAM, AMU, RME. */
	{ SYS_ID_AA64PFR0_EL1, F(0) | F(4) | F(12) | F(16) | F(20) | F(24) | F(48) | F(56) | F(60),
	  ALL & ~(F(44) | F(40) | F(32) | F(28) | F(20) | F(16)), F(16) | F(20), 0 },
	/* BT, SSBS: no MTE, SME, CSV2_frac, NMI, GCS. */
	{ SYS_ID_AA64PFR1_EL1, F(0) | F(4), F(0) | F(4) | F(32), 0, 0 },
	{ SYS_ID_AA64PFR2_EL1, 0, F(32), 0, 0 },
	{ SYS_ID_AA64ZFR0_EL1, 0,
	  F(56) | F(52) | F(44) | F(40) | F(32) | F(24) | F(20) | F(16) | F(4) | F(0), 0, 0 },
	{ SYS_ID_AA64SMFR0_EL1, 0, 0, 0, 0 },
	/* DebugVer, BRPs, WRPs, CTX_CMPs, DoubleLock: no trace, PMU, SPE, BRBE. */
	{ SYS_ID_AA64DFR0_EL1, F(0) | F(12) | F(20) | F(28) | F(36),
	  F(0) | F(8) | F(20) | F(36), F(8) | F(36), 0 },
	{ SYS_ID_AA64DFR1_EL1, 0, 0, 0, 0 },
	{ SYS_ID_AA64AFR0_EL1, 0, 0, 0, 0 },
	{ SYS_ID_AA64AFR1_EL1, 0, 0, 0, 0 },
	/* No TME. */
	{ SYS_ID_AA64ISAR0_EL1, ALL & ~(F(0) | F(24)), ALL & ~F(0), 0, 0 },
	/* No pointer authentication (4, 8, 24, 28), LS64. */
	{ SYS_ID_AA64ISAR1_EL1, ALL & ~(F(4) | F(8) | F(24) | F(28) | F(60)),
	  ALL & ~(F(4) | F(8) | F(24) | F(28)), 0, 0 },
	/* RPRES, BC, CLRBHB: no WFxT, pointer authentication, MOPS. */
	{ SYS_ID_AA64ISAR2_EL1, F(4) | F(20) | F(28),
	  F(0) | F(4) | F(16) | F(20) | F(24) | F(28) | F(48) | F(52), 0, 0 },
	/* No FGT, ECV. */
	{ SYS_ID_AA64MMFR0_EL1, ALL & ~(F(48) | F(52) | F(56) | F(60)),
	  ALL & ~(F(32) | F(36) | F(40) | F(48) | F(52)), F(24) | F(28), 0 },
	/* HAFDBS, HPDS, PAN, SpecSEI, ETS, AFP, nTLBPA, TIDCP1: no VH, LO, XNX, TWED, HCX, CMOW. */
	{ SYS_ID_AA64MMFR1_EL1, F(0) | F(12) | F(20) | F(24) | F(36) | F(44) | F(48) | F(52),
	  ALL & ~(F(4) | F(8) | F(28) | F(32) | F(40)), 0, F(24) },
	/* No IESB, CCIDX, NV, FWB, EVT. */
	{ SYS_ID_AA64MMFR2_EL1, ALL & ~(F(12) | F(20) | F(24) | F(40) | F(44) | F(56)),
	  ALL & ~(F(20) | F(24) | F(36) | F(40) | F(44) | F(56)), 0, 0 },
	{ SYS_ID_AA64MMFR3_EL1, 0, F(0) | F(8) | F(16), 0, 0 },
	{ SYS_ID_AA64MMFR4_EL1, 0, 0, 0, 0 },
};
/* clang-format on */

/* CTR_EL0's fields that user space may lower. */
#define CTR_WRITABLE                                                                               \
	(CTR_EL0_DIC_MASK | CTR_EL0_IDC_MASK | CTR_EL0_DminLine_MASK | CTR_EL0_IminLine_MASK)

bool rd_idreg_covers(u32 sysreg)
{
	return sys_reg_Op0(sysreg) == 3 && sys_reg_Op1(sysreg) == 0 && sys_reg_CRn(sysreg) == 0 &&
	       sys_reg_CRm(sysreg) >= 1 && sys_reg_CRm(sysreg) <= 7;
}

static unsigned int index_of(u32 sysreg)
{
	return (sys_reg_CRm(sysreg) - 1) * 8 + sys_reg_Op2(sysreg);
}

static const struct idreg *find(u32 sysreg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(idregs); i++)
		if (idregs[i].sysreg == sysreg)
			return &idregs[i];
	return NULL;
}

static bool host_has_aarch32(void)
{
	return cpuid_feature_extract_unsigned_field(read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1),
						    ID_AA64PFR0_EL1_EL0_SHIFT) == 2;
}

static u64 limit_field(u64 val, unsigned int shift, u64 most)
{
	u64 field = (val >> shift) & 0xf;

	return (val & ~F(shift)) | min(field, most) << shift;
}

static u64 set_field(u64 val, unsigned int shift, u64 field)
{
	return (val & ~F(shift)) | field << shift;
}

static bool is_aarch32(u32 sysreg)
{
	return sys_reg_CRm(sysreg) <= 3;
}

/* The default of a register, which is also its limit. */
static u64 default_of(const struct idreg *reg)
{
	u64 val;

	if (!reg->keep || (is_aarch32(reg->sysreg) && !host_has_aarch32()))
		return 0;
	val = read_sanitised_ftr_reg(reg->sysreg) & reg->keep;
	switch (reg->sysreg) {
	case SYS_ID_AA64PFR0_EL1:
		/* Branch prediction isolation without SCXTNUM. */
		val = limit_field(val, ID_AA64PFR0_EL1_CSV2_SHIFT, 1);
		return set_field(val, ID_AA64PFR0_EL1_GIC_SHIFT, 1);
	case SYS_ID_PFR1_EL1:
		return set_field(val, ID_PFR1_EL1_GIC_SHIFT, 1);
	case SYS_ID_AA64DFR0_EL1:
		return limit_field(val, ID_AA64DFR0_EL1_DebugVer_SHIFT, 8);
	case SYS_ID_DFR0_EL1:
		return limit_field(val, ID_DFR0_EL1_CopDbg_SHIFT, 8);
	default:
		return val;
	}
}

void rd_idregs_init(struct rd_vm *vm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(idregs); i++)
		vm->idregs.val[index_of(idregs[i].sysreg)] = default_of(&idregs[i]);
	vm->idregs.ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
}

void rd_idregs_finalise(struct rd_vm *vm)
{
	u64 *pfr0 = &vm->idregs.val[index_of(SYS_ID_AA64PFR0_EL1)];
	u64 *pfr1 = &vm->idregs.val[index_of(SYS_ID_PFR1_EL1)];

	if (vm->vgic.in_kernel || test_bit(RD_VM_RAN_ONCE, &vm->flags))
		return;
	*pfr0 = set_field(*pfr0, ID_AA64PFR0_EL1_GIC_SHIFT, 0);
	*pfr1 = set_field(*pfr1, ID_PFR1_EL1_GIC_SHIFT, 0);
}

void rd_idregs_publish(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_idregs *idregs = &vcpu->state->idregs;

	idregs->ctr = vcpu->vm->idregs.ctr;
	memcpy(idregs->val, vcpu->vm->idregs.val, sizeof(idregs->val));
	vcpu->state->flags |= RD_VCPU_IDREGS;
}

u64 rd_idreg_read(const struct rd_vm *vm, u32 sysreg)
{
	return sysreg == SYS_CTR_EL0 ? vm->idregs.ctr : vm->idregs.val[index_of(sysreg)];
}

bool rd_idreg_named(u32 sysreg)
{
	return find(sysreg);
}

/* One 4-bit field of a new value against the default's. */
static bool field_ok(const struct idreg *reg, unsigned int shift, u64 val, u64 limit)
{
	s64 v = (val >> shift) & 0xf, l = (limit >> shift) & 0xf;

	if (v == l)
		return true;
	if ((reg->writable & F(shift)) != F(shift))
		return false;
	if (reg->signed_fields & F(shift)) {
		v = sign_extend64(v, 3);
		l = sign_extend64(l, 3);
	}
	return reg->inverse & F(shift) ? v > l : v < l;
}

/* Fields with a smallest meaningful value other than nothing. */
static bool above_minimum(u32 sysreg, u64 val)
{
	u64 perfmon;

	switch (sysreg) {
	case SYS_ID_AA64DFR0_EL1:
		return (val & F(ID_AA64DFR0_EL1_DebugVer_SHIFT)) >= ID_AA64DFR0_EL1_DebugVer_IMP;
	case SYS_ID_DFR0_EL1:
		perfmon = (val >> ID_DFR0_EL1_PerfMon_SHIFT) & 0xf;
		return !perfmon && (val & 0xf) >= ID_DFR0_EL1_CopDbg_Armv8;
	default:
		return true;
	}
}

static bool acceptable(const struct idreg *reg, u64 val)
{
	u64 limit = default_of(reg);
	unsigned int shift;

	if (is_aarch32(reg->sysreg) && !host_has_aarch32())
		return !val;
	for (shift = 0; shift < 64; shift += 4)
		if (!field_ok(reg, shift, val, limit))
			return false;
	return above_minimum(reg->sysreg, val);
}

static bool ctr_acceptable(u64 val)
{
	u64 limit = read_sanitised_ftr_reg(SYS_CTR_EL0);

	if ((val ^ limit) & ~CTR_WRITABLE)
		return false;
	return (val & CTR_EL0_DIC_MASK) <= (limit & CTR_EL0_DIC_MASK) &&
	       (val & CTR_EL0_IDC_MASK) <= (limit & CTR_EL0_IDC_MASK) &&
	       (val & CTR_EL0_DminLine_MASK) <= (limit & CTR_EL0_DminLine_MASK) &&
	       (val & CTR_EL0_IminLine_MASK) <= (limit & CTR_EL0_IminLine_MASK);
}

/* What a value becomes of which mainline once told user space more than it meant. */
static u64 tolerate(u32 sysreg, u64 val)
{
	if (sysreg == SYS_ID_AA64DFR0_EL1 && (val & F(8)) == F(8))
		return val & ~F(8);
	return val;
}

static int store(struct rd_vm *vm, u32 sysreg, u64 val)
{
	const struct idreg *reg = find(sysreg);

	if (sysreg == SYS_CTR_EL0) {
		if (!ctr_acceptable(val))
			return -EINVAL;
		vm->idregs.ctr = val;
		return 0;
	}
	if (!reg)
		return val ? -EINVAL : 0;
	val = tolerate(sysreg, val);
	if (!acceptable(reg, val))
		return -EINVAL;
	vm->idregs.val[index_of(sysreg)] = val;
	return 0;
}

int rd_idreg_set(struct rd_vcpu *vcpu, u32 sysreg, u64 val)
{
	struct rd_vm *vm = vcpu->vm;
	int ret;

	mutex_lock(&vm->config_lock);
	if (test_bit(RD_VM_RAN_ONCE, &vm->flags))
		ret = val == rd_idreg_read(vm, sysreg) ? 0 : -EBUSY;
	else
		ret = store(vm, sysreg, val);
	mutex_unlock(&vm->config_lock);
	return ret;
}

static u64 writable_of(const struct idreg *reg)
{
	return is_aarch32(reg->sysreg) && !host_has_aarch32() ? 0 : reg->writable;
}

static unsigned int range_index(u32 sysreg)
{
	return KVM_ARM_FEATURE_ID_RANGE_IDX(sys_reg_Op0(sysreg), sys_reg_Op1(sysreg),
					    sys_reg_CRn(sysreg), sys_reg_CRm(sysreg),
					    sys_reg_Op2(sysreg));
}

int rd_idregs_writable_masks(struct rd_vm *vm, const struct reg_mask_range *range)
{
	const void *nonzero = memchr_inv(range->reserved, 0, sizeof(range->reserved));
	u64 __user *masks = (u64 __user *)range->addr;
	unsigned int i;

	if (range->range != KVM_ARM_FEATURE_ID_RANGE || nonzero)
		return -EINVAL;
	if (clear_user(masks, KVM_ARM_FEATURE_ID_RANGE_SIZE * sizeof(u64)))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(idregs); i++)
		if (put_user(writable_of(&idregs[i]), masks + range_index(idregs[i].sysreg)))
			return -EFAULT;
	return put_user(CTR_WRITABLE, masks + range_index(SYS_CTR_EL0));
}
