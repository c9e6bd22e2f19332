// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of a guest: filtered, then found in what the firmware bitmaps offer
 * (Arm DEN0028). What isn't offered answers NOT_SUPPORTED, as the convention asks.
 *
 * Locks: the vCPU's mutex. The filter and the bitmaps change under vm->config_lock
 * until RD_VM_RAN_ONCE; a running vCPU reads them without a lock.
 */
#include <linux/arm-smccc.h>
#include <linux/clocksource_ids.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <uapi/linux/psci.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>

#include "pvtime.h"
#include "smccc.h"
#include "vcpu.h"

#define STD_BITS     GENMASK(KVM_REG_ARM_STD_BIT_TRNG_V1_0, 0)
#define STD_HYP_BITS GENMASK(KVM_REG_ARM_STD_HYP_BIT_PV_TIME, 0)
#define VENDOR_BITS  GENMASK(KVM_REG_ARM_VENDOR_HYP_BIT_PTP, 0)

void rd_smccc_init(struct rd_vm *vm)
{
	vm->smccc.std_bmap = STD_BITS;
	vm->smccc.std_hyp_bmap = STD_HYP_BITS;
	vm->smccc.vendor_bmap = VENDOR_BITS;
	vm->smccc.psci_version = RD_PSCI_1_1;
}

void rd_smccc_destroy(struct rd_vm *vm)
{
	kvfree(vm->smccc.filter);
}

/* Where @fn would be inserted: the first range that ends at or after it. */
static u32 find_range(const struct rd_smccc *smccc, u32 fn)
{
	u32 lo = 0, hi = smccc->nr_filter;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (smccc->filter[mid].last < fn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static u8 filter_action(const struct rd_smccc *smccc, u32 fn)
{
	u32 at = find_range(smccc, fn);

	if (at < smccc->nr_filter && smccc->filter[at].first <= fn)
		return smccc->filter[at].action;
	return KVM_SMCCC_FILTER_HANDLE;
}

/* The architecture's own calls can't be taken away: 0x80000000 and 0xc0000000, 64K each. */
static bool reserved(u32 first, u32 last)
{
	return (first <= 0x8000ffff && last >= 0x80000000) ||
	       (first <= 0xc000ffff && last >= 0xc0000000);
}

/* Inserts a range into a copy of the array. config_lock held. */
static int insert_range(struct rd_vm *vm, const struct rd_smccc_range *range)
{
	struct rd_smccc *smccc = &vm->smccc;
	u32 at = find_range(smccc, range->first), nr = smccc->nr_filter;
	struct rd_smccc_range *new;

	if (test_bit(RD_VM_RAN_ONCE, &vm->flags))
		return -EBUSY;
	if (reserved(range->first, range->last) ||
	    (at < nr && smccc->filter[at].first <= range->last))
		return -EEXIST;
	if (nr == RD_SMCCC_MAX_RANGES)
		return -ENOSPC;
	new = kvmalloc_array(nr + 1, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (nr) {
		memcpy(new, smccc->filter, at * sizeof(*new));
		memcpy(new + at + 1, smccc->filter + at, (nr - at) * sizeof(*new));
	}
	new[at] = *range;
	kvfree(smccc->filter);
	smccc->filter = new;
	smccc->nr_filter = nr + 1;
	return 0;
}

int rd_smccc_set_filter(struct rd_vm *vm, const struct kvm_device_attr *attr)
{
	struct rd_smccc_range range;
	struct kvm_smccc_filter filter;
	int ret;

	if (copy_from_user(&filter, (void __user *)attr->addr, sizeof(filter)))
		return -EFAULT;
	if (memchr_inv(filter.pad, 0, sizeof(filter.pad)) || !filter.nr_functions ||
	    filter.base + (filter.nr_functions - 1) < filter.base ||
	    filter.action >= NR_SMCCC_FILTER_ACTIONS)
		return -EINVAL;
	range.first = filter.base;
	range.last = filter.base + (filter.nr_functions - 1);
	range.action = filter.action;
	mutex_lock(&vm->config_lock);
	ret = insert_range(vm, &range);
	mutex_unlock(&vm->config_lock);
	return ret;
}

static bool host_field(u32 sysreg, unsigned int shift, u64 at_least)
{
	return cpuid_feature_extract_unsigned_field(read_sanitised_ftr_reg(sysreg), shift) >=
	       at_least;
}

/* CSV2: branch predictors don't leak between contexts; no firmware call is needed. */
static bool spectre_v2_safe(void)
{
	return host_field(SYS_ID_AA64PFR0_EL1, ID_AA64PFR0_EL1_CSV2_SHIFT, 1);
}

static bool spectre_bhb_safe(void)
{
	return host_field(SYS_ID_AA64PFR0_EL1, ID_AA64PFR0_EL1_CSV2_SHIFT, 3);
}

static s64 arch_feature(struct rd_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case ARM_SMCCC_ARCH_WORKAROUND_1:
		return spectre_v2_safe() ? SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED :
					   SMCCC_RET_NOT_SUPPORTED;
	case ARM_SMCCC_ARCH_WORKAROUND_3:
		return spectre_bhb_safe() ? SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED :
					    SMCCC_RET_NOT_SUPPORTED;
	case ARM_SMCCC_HV_PV_TIME_FEATURES:
		return vcpu->vm->smccc.std_hyp_bmap & BIT(KVM_REG_ARM_STD_HYP_BIT_PV_TIME) ?
			       SMCCC_RET_SUCCESS : SMCCC_RET_NOT_SUPPORTED;
	default:
		/* Among them WORKAROUND_2: guests have SSBS, or nothing that helps. */
		return SMCCC_RET_NOT_SUPPORTED;
	}
}

static s64 pv_features(struct rd_vcpu *vcpu, u32 fn)
{
	if (fn != ARM_SMCCC_HV_PV_TIME_FEATURES && fn != ARM_SMCCC_HV_PV_TIME_ST)
		return SMCCC_RET_NOT_SUPPORTED;
	return vcpu->pvtime.base == RD_NO_PVTIME ? SMCCC_RET_NOT_SUPPORTED : SMCCC_RET_SUCCESS;
}

/* The host's time of day and the guest's counter at the same moment (ptp_kvm). */
static void ptp_time(struct rd_vcpu *vcpu)
{
	struct system_time_snapshot now;
	u64 *x = vcpu->state->x, cycles;

	ktime_get_snapshot(&now);
	if (now.cs_id != CSID_ARM_ARCH_COUNTER || x[1] > KVM_PTP_PHYS_COUNTER) {
		x[0] = SMCCC_RET_NOT_SUPPORTED;
		return;
	}
	cycles = now.cycles - (x[1] == KVM_PTP_VIRT_COUNTER ? vcpu->vm->timer.voffset :
							      vcpu->vm->timer.poffset);
	x[0] = upper_32_bits(now.real);
	x[1] = lower_32_bits(now.real);
	x[2] = upper_32_bits(cycles);
	x[3] = lower_32_bits(cycles);
}

/* A bitmap of 128 bits, in four registers of 32. */
static void vendor_features(struct rd_vcpu *vcpu)
{
	u64 *x = vcpu->state->x;

	x[0] = vcpu->vm->smccc.vendor_bmap;
	x[1] = x[2] = x[3] = 0;
}

/* The id by which guests know the calls of KVM, which are also ours. */
static void vendor_uid(struct rd_vcpu *vcpu)
{
	u64 *x = vcpu->state->x;

	x[0] = ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_0;
	x[1] = ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_1;
	x[2] = ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_2;
	x[3] = ARM_SMCCC_VENDOR_HYP_UID_KVM_REG_3;
}

/* Whether the bitmaps offer a call, of those that have a bit. */
static bool offered(const struct rd_smccc *smccc, u32 fn)
{
	switch (fn) {
	case ARM_SMCCC_HV_PV_TIME_FEATURES:
	case ARM_SMCCC_HV_PV_TIME_ST:
		return smccc->std_hyp_bmap & BIT(KVM_REG_ARM_STD_HYP_BIT_PV_TIME);
	case ARM_SMCCC_VENDOR_HYP_KVM_FEATURES_FUNC_ID:
	case ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID:
		return smccc->vendor_bmap & BIT(KVM_REG_ARM_VENDOR_HYP_BIT_FUNC_FEAT);
	case ARM_SMCCC_VENDOR_HYP_KVM_PTP_FUNC_ID:
		return smccc->vendor_bmap & BIT(KVM_REG_ARM_VENDOR_HYP_BIT_PTP);
	default:
		return !rd_trng_owns(fn) || smccc->std_bmap & BIT(KVM_REG_ARM_STD_BIT_TRNG_V1_0);
	}
}

bool rd_smccc_too_wide(const struct rd_vcpu *vcpu, u32 fn)
{
	return ARM_SMCCC_IS_64(fn) && vcpu->state->pstate & PSR_MODE32_BIT;
}

/* Calls that end at once: no sleep, no exit. */
static void simple_call(struct rd_vcpu *vcpu, u32 fn)
{
	u64 *x = vcpu->state->x;

	switch (fn) {
	case ARM_SMCCC_VERSION_FUNC_ID:
		x[0] = ARM_SMCCC_VERSION_1_1;
		break;
	case ARM_SMCCC_ARCH_FEATURES_FUNC_ID:
		x[0] = arch_feature(vcpu, x[1]);
		break;
	case ARM_SMCCC_HV_PV_TIME_FEATURES:
		x[0] = pv_features(vcpu, x[1]);
		break;
	case ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID:
		vendor_uid(vcpu);
		break;
	case ARM_SMCCC_VENDOR_HYP_KVM_FEATURES_FUNC_ID:
		vendor_features(vcpu);
		break;
	case ARM_SMCCC_VENDOR_HYP_KVM_PTP_FUNC_ID:
		ptp_time(vcpu);
		break;
	default:
		if (rd_trng_owns(fn))
			rd_trng_call(vcpu, fn);
		else
			x[0] = SMCCC_RET_NOT_SUPPORTED;
		break;
	}
}

/* PSCI but for its version may sleep or leave; stolen time writes guest memory. */
static bool is_slow(u32 fn)
{
	return (rd_psci_owns(fn) && fn != PSCI_0_2_FN_PSCI_VERSION) ||
	       fn == ARM_SMCCC_HV_PV_TIME_ST;
}

bool rd_smccc_fast(struct rd_vcpu *vcpu)
{
	const struct rd_smccc *smccc = &vcpu->vm->smccc;
	u32 fn = vcpu->state->x[0];

	if (smccc->nr_filter || is_slow(fn) || vcpu->vm->is_protected)
		return false;
	if (fn == PSCI_0_2_FN_PSCI_VERSION)
		rd_psci_call(vcpu, fn);
	else if (offered(smccc, fn))
		simple_call(vcpu, fn);
	else
		vcpu->state->x[0] = SMCCC_RET_NOT_SUPPORTED;
	return true;
}

static int forward(struct rd_vcpu *vcpu, u32 fn, bool smc)
{
	struct kvm_run *run = vcpu->run;
	u32 flags = smc ? KVM_HYPERCALL_EXIT_SMC : 0;

	if (!(vcpu->state->exit.esr & ESR_ELx_IL))
		flags |= KVM_HYPERCALL_EXIT_16BIT;
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = fn;
	rd_run_set_hypercall_flags(run, flags);
	return 0;
}

int rd_smccc_exit(struct rd_vcpu *vcpu, bool smc)
{
	const struct rd_smccc *smccc = &vcpu->vm->smccc;
	u64 *x = vcpu->state->x;
	u32 fn = x[0];
	u8 action;

	if (vcpu->vm->is_protected)
		return rd_psci_protected(vcpu, fn);
	/* SMCs with another immediate are somebody else's convention. */
	if (smc && vcpu->state->exit.esr & ESR_ELx_xVC_IMM_MASK) {
		x[0] = ~0UL;
		return 1;
	}
	action = filter_action(smccc, fn);
	if (action == KVM_SMCCC_FILTER_FWD_TO_USER)
		return forward(vcpu, fn, smc);
	if (action == KVM_SMCCC_FILTER_DENY || !offered(smccc, fn) || rd_smccc_too_wide(vcpu, fn))
		x[0] = SMCCC_RET_NOT_SUPPORTED;
	else if (rd_psci_owns(fn))
		return rd_psci_call(vcpu, fn);
	else if (fn == ARM_SMCCC_HV_PV_TIME_ST)
		x[0] = rd_pvtime_start(vcpu);
	else
		simple_call(vcpu, fn);
	return 1;
}

static const u64 reg_ids[] = {
	KVM_REG_ARM_PSCI_VERSION,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3,
	KVM_REG_ARM_STD_BMAP,
	KVM_REG_ARM_STD_HYP_BMAP,
	KVM_REG_ARM_VENDOR_HYP_BMAP,
};

u64 rd_smccc_reg_id(unsigned int i)
{
	return i < ARRAY_SIZE(reg_ids) ? reg_ids[i] : 0;
}

int rd_smccc_get_reg(struct rd_vcpu *vcpu, u64 id, u64 *val)
{
	const struct rd_smccc *smccc = &vcpu->vm->smccc;

	switch (id) {
	case KVM_REG_ARM_PSCI_VERSION:
		*val = rd_psci_version(vcpu);
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
		*val = spectre_v2_safe() ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED :
					   KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL;
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		*val = KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_AVAIL;
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		*val = spectre_bhb_safe() ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED :
					    KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_AVAIL;
		return 0;
	case KVM_REG_ARM_STD_BMAP:
		*val = smccc->std_bmap;
		return 0;
	case KVM_REG_ARM_STD_HYP_BMAP:
		*val = smccc->std_hyp_bmap;
		return 0;
	case KVM_REG_ARM_VENDOR_HYP_BMAP:
		*val = smccc->vendor_bmap;
		return 0;
	default:
		return -ENOENT;
	}
}

static int set_bitmap(struct rd_vm *vm, u64 *bmap, u64 allowed, u64 val)
{
	int ret = 0;

	if (val & ~allowed)
		return -EINVAL;
	mutex_lock(&vm->config_lock);
	if (test_bit(RD_VM_RAN_ONCE, &vm->flags) && val != *bmap)
		ret = -EBUSY;
	else
		WRITE_ONCE(*bmap, val);
	mutex_unlock(&vm->config_lock);
	return ret;
}

static int set_psci_version(struct rd_vcpu *vcpu, u64 val)
{
	bool newer = vcpu->features & BIT(KVM_ARM_VCPU_PSCI_0_2);

	if (newer ? val != RD_PSCI_0_2 && val != RD_PSCI_1_0 && val != RD_PSCI_1_1 :
		    val != RD_PSCI_0_1)
		return -EINVAL;
	WRITE_ONCE(vcpu->vm->smccc.psci_version, val);
	return 0;
}

/* A mitigation may be promised less to a guest that comes from elsewhere, not more. */
static int set_workaround(struct rd_vcpu *vcpu, u64 id, u64 val)
{
	u64 now;

	rd_smccc_get_reg(vcpu, id, &now);
	return val > now ? -EINVAL : 0;
}

int rd_smccc_set_reg(struct rd_vcpu *vcpu, u64 id, u64 val)
{
	struct rd_vm *vm = vcpu->vm;

	switch (id) {
	case KVM_REG_ARM_PSCI_VERSION:
		return set_psci_version(vcpu, val);
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		return set_workaround(vcpu, id, val);
	case KVM_REG_ARM_STD_BMAP:
		return set_bitmap(vm, &vm->smccc.std_bmap, STD_BITS, val);
	case KVM_REG_ARM_STD_HYP_BMAP:
		return set_bitmap(vm, &vm->smccc.std_hyp_bmap, STD_HYP_BITS, val);
	case KVM_REG_ARM_VENDOR_HYP_BMAP:
		return set_bitmap(vm, &vm->smccc.vendor_bmap, VENDOR_BITS, val);
	default:
		return -ENOENT;
	}
}
