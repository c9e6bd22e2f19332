// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION: what this build can do, and nothing that it can't.
 *
 * Capabilities of the memory and of the vGIC are asked of their owners. Read-only,
 * no locks.
 */
#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "aarch32.h"
#include "hvc.h"
#include "kvm_dev.h"
#include "vm.h"

/* Fields of ID_AA64DFR0_EL1 that count breakpoints and watchpoints, less one. */
static int debug_units(unsigned int shift)
{
	u64 dfr0 = read_sanitised_ftr_reg(SYS_ID_AA64DFR0_EL1);

	return cpuid_feature_extract_unsigned_field(dfr0, shift) + 1;
}

static int ipa_limit(void)
{
	struct rd_hvc_res res;

	return rd_hvc_res(RD_HVC_VERSION, 0, 0, 0, 0, 0, &res) ? 0 : RD_GEO_IPA_BITS(res.x2);
}

static int check_number(u64 cap)
{
	switch (cap) {
	case KVM_CAP_NR_VCPUS:
		return min_t(int, num_online_cpus(), RD_MAX_VCPUS);
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return RD_MAX_VCPUS;
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return ipa_limit();
	case KVM_CAP_GUEST_DEBUG_HW_BPS:
		return debug_units(ID_AA64DFR0_EL1_BRPs_SHIFT);
	case KVM_CAP_GUEST_DEBUG_HW_WPS:
		return debug_units(ID_AA64DFR0_EL1_WRPs_SHIFT);
	case KVM_CAP_SET_GUEST_DEBUG2:
		return KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
		       KVM_GUESTDBG_USE_HW;
	case KVM_CAP_COALESCED_MMIO:
		return KVM_COALESCED_MMIO_PAGE_OFFSET;
	case KVM_CAP_IRQ_ROUTING:
		return RD_MAX_ROUTES;
	case KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES:
		return 1 << KVM_ARM_FEATURE_ID_RANGE;
	case KVM_CAP_STEAL_TIME:
		return IS_ENABLED(CONFIG_SCHED_INFO);
	case KVM_CAP_ARM_EL1_32BIT:
		return rd_aarch32_el1();
	default:
		return 0;
	}
}

/*
 * What a protected VM cannot have, for its registers and memory are out of reach: a VMM
 * that is told so does without.
 */
static bool needs_open_vm(u64 cap)
{
	switch (cap) {
	case KVM_CAP_STEAL_TIME:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_ARM_NISV_TO_USER:
	case KVM_CAP_ARM_INJECT_EXT_DABT:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_SET_GUEST_DEBUG2:
	case KVM_CAP_GUEST_DEBUG_HW_BPS:
	case KVM_CAP_GUEST_DEBUG_HW_WPS:
	case KVM_CAP_PTP_KVM:
	case KVM_CAP_ARM_SYSTEM_SUSPEND:
	case KVM_CAP_COUNTER_OFFSET:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
	case KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP:
	case KVM_CAP_ARM_EL1_32BIT:
		return true;
	default:
		return false;
	}
}

int rd_check_cap(struct rd_vm *vm, bool is_protected, u64 cap)
{
	int ret;

	if (is_protected && needs_open_vm(cap))
		return 0;
	switch (cap) {
	case KVM_CAP_ONE_REG:
	case KVM_CAP_ARM_PSCI:
	case KVM_CAP_ARM_PSCI_0_2:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_ARM_IRQ_LINE_LAYOUT_2:
	case KVM_CAP_ARM_NISV_TO_USER:
	case KVM_CAP_ARM_INJECT_EXT_DABT:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_VCPU_ATTRIBUTES:
	case KVM_CAP_PTP_KVM:
	case KVM_CAP_ARM_SYSTEM_SUSPEND:
	case KVM_CAP_COUNTER_OFFSET:
	case KVM_CAP_ARM_SET_DEVICE_ADDR:
	case KVM_CAP_ARM_USER_IRQ:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_COALESCED_PIO:
	case KVM_CAP_BINARY_STATS_FD:
	case KVM_CAP_SYSTEM_EVENT_DATA:
	case KVM_CAP_DEVICE_CTRL:
	case KVM_CAP_VM_ATTRIBUTES:
		return 1;
	default:
		break;
	}
	ret = rd_mmu_check_cap(vm, cap);
	if (ret == -ENOTTY)
		ret = rd_vgic_check_cap(cap);
	return ret == -ENOTTY ? check_number(cap) : ret;
}
