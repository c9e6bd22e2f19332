// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of protected guests, answered by EL2: PSCI 1.1 (DEN0022D), SMCCC 1.1, and
 * the vendor calls of Linux's pKVM guest driver for memory. The host learns of those
 * that it has to act on (a vCPU starts, the VM ends), and cannot answer any.
 */
#include "host_mem.h"
#include "protected.h"

#define NOT_SUPPORTED	   ((u64)-1)
#define PSCI_INVALID	   ((u64)-2)
#define PSCI_DENIED	   ((u64)-3)
#define PSCI_ALREADY_ON	   ((u64)-4)
#define PSCI_ON_PENDING	   ((u64)-5)
#define SMCCC_INVALID	   ((u64)-3)

#define SMCCC_VERSION	   0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define PSCI_VERSION	   0x84000000u
#define PSCI_CPU_SUSPEND   0xc4000001u
#define PSCI_CPU_OFF	   0x84000002u
#define PSCI_CPU_ON	   0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define PSCI_MIGRATE_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF	   0x84000008u
#define PSCI_SYSTEM_RESET  0x84000009u
#define PSCI_FEATURES	   0x8400000au
#define VENDOR_FEATURES	   0x86000000u
#define VENDOR_UID	   0x8600ff01u
#define HYP_MEMINFO	   0xc6000002u
#define MEM_SHARE	   0xc6000003u
#define MEM_UNSHARE	   0xc6000004u
#define MMIO_GUARD	   0xc6000007u
#define MEM_RELINQUISH	   0xc6000009u
#define MEM_DECLARE	   0xc6000030u

/* Bits of VENDOR_FEATURES are the functions' numbers: 0 to 31, 32 to 63. */
#define FEATURES    (1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 7 | 1u << 9)
#define FEATURES_32 (1u << (0x30 - 32))

static void answer(struct hyp_vcpu *vcpu, u64 x0)
{
	vcpu->own.x[0] = x0;
}

static void answer4(struct hyp_vcpu *vcpu, u64 x0, u64 x1, u64 x2, u64 x3)
{
	vcpu->own.x[0] = x0;
	vcpu->own.x[1] = x1;
	vcpu->own.x[2] = x2;
	vcpu->own.x[3] = x3;
}

/* The host sees the call as if it had to answer it: function and arguments, up to x3. */
static bool tell_host(struct hyp_vcpu *vcpu)
{
	int i;

	vcpu->letter.esr = (u64)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL;
	for (i = 0; i < 4; i++)
		vcpu->letter.x[i] = vcpu->own.x[i];
	vcpu->letter.nr_regs = 4;
	return true;
}

static struct hyp_vcpu *find_vcpu(struct hyp_vm *vm, u64 mpidr)
{
	u64 index = (mpidr & 0xf) | (mpidr >> 8 & 0xff) << 4 | (mpidr >> 16 & 0xff) << 12;

	if (mpidr & ~0xffff0fULL || index >= vm->max_vcpus)
		return NULL;
	return __atomic_load_n(&vm->vcpus[index], __ATOMIC_ACQUIRE);
}

/*
 * The result must not depend on the host, and the host must see the arguments: they
 * are in the letter, the result in the guest's x0, before the exit.
 */
static bool cpu_on(struct hyp_vcpu *vcpu)
{
	struct hyp_vcpu *target = find_vcpu(vcpu->vm, vcpu->own.x[1]);
	u64 old;

	if (!target) {
		answer(vcpu, PSCI_INVALID);
		return false;
	}
	/* Claim it first (VCPU_ON can't be run into: the target doesn't run), then fill in. */
	old = port_cmpxchg64(&target->power, VCPU_OFF, VCPU_CLAIMED);
	if (old != VCPU_OFF) {
		answer(vcpu, old == VCPU_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING);
		return false;
	}
	target->start_pc = vcpu->own.x[2];
	target->start_x0 = vcpu->own.x[3];
	port_write_release64(&target->power, VCPU_PENDING);
	tell_host(vcpu);
	answer(vcpu, 0);
	return true;
}

static void affinity_info(struct hyp_vcpu *vcpu)
{
	struct hyp_vcpu *target = find_vcpu(vcpu->vm, vcpu->own.x[1]);
	u64 power = target ? __atomic_load_n(&target->power, __ATOMIC_ACQUIRE) : 0;

	if (!target || vcpu->own.x[2])
		answer(vcpu, PSCI_INVALID);
	else
		answer(vcpu, power == VCPU_ON ? 0 : power == VCPU_OFF ? 1 : 2);
}

static bool cpu_off(struct hyp_vcpu *vcpu)
{
	port_write_release64(&vcpu->power, VCPU_OFF);
	return tell_host(vcpu);
}

static bool system_end(struct hyp_vcpu *vcpu)
{
	port_write64(&vcpu->vm->stopped, 1);
	return tell_host(vcpu);
}

static void features(struct hyp_vcpu *vcpu)
{
	switch ((u32)vcpu->own.x[1]) {
	case SMCCC_VERSION:
	case PSCI_VERSION:
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON:
	case PSCI_AFFINITY_INFO:
	case PSCI_MIGRATE_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		answer(vcpu, 0);
		break;
	default:
		answer(vcpu, NOT_SUPPORTED);
	}
}

/*
 * MEM_SHARE, MEM_UNSHARE: x1 an IPA, one page. A page that the host has not given yet
 * is asked for as a fault would ask, and the call is made again.
 */
static bool share(struct hyp_vcpu *vcpu, bool unshare)
{
	u64 addr = vcpu->own.x[1], page = 1ULL << host_own.page_shift;
	u64 gfn = addr >> host_own.page_shift;
	struct own_space *guest = &vcpu->vm->space.own;
	long ret = -EINVAL;

	if (!(addr & (page - 1)) && !vcpu->own.x[2] && !vcpu->own.x[3])
		ret = unshare ? own_guest_unshare_host(&host_own, guest, gfn, 1) :
				own_guest_share_host(&host_own, guest, gfn, 1);
	if (ret != -ENOENT) {
		answer(vcpu, ret ? SMCCC_INVALID : 0);
		return false;
	}
	vcpu->letter.esr = (u64)ESR_EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | ESR_WNR |
			   ESR_FSC_TRANS | 3;
	vcpu->letter.hpfar = addr >> 12 << 4;
	/* Back to the HVC: its preferred return address is the instruction after it. */
	write_sysreg(elr_el2, read_sysreg(elr_el2) - 4);
	return true;
}

/*
 * MEM_RELINQUISH: x1 an IPA, one page that goes back to the host, zeroed. What the guest
 * doesn't have is no loss. The host is told the page, to let go of it; or, with x2 = 1, that
 * a block has to be split and there is no page for a table: it gives some, and the call
 * is made again. Once: what else may be short of memory is not the VM's to wait for.
 */
static bool relinquish(struct hyp_vcpu *vcpu)
{
	u64 addr = vcpu->own.x[1], page = 1ULL << host_own.page_shift;
	struct own_space *guest = &vcpu->vm->space.own;
	bool asked = vcpu->asked_for_tables;
	long ret = -EINVAL;

	vcpu->asked_for_tables = false;
	if (!(addr & (page - 1)) && !vcpu->own.x[2] && !vcpu->own.x[3])
		ret = own_guest_donate_host(&host_own, guest, addr >> host_own.page_shift, 1);
	if (!ret || (ret == -ENOMEM && !asked))
		tell_host(vcpu);
	if (ret != -ENOMEM || asked) {
		answer(vcpu, ret && ret != -ENOENT ? SMCCC_INVALID : 0);
		return !ret;
	}
	vcpu->letter.x[2] = 1;
	vcpu->asked_for_tables = true;
	/* Back to the HVC, as in share(). */
	write_sysreg(elr_el2, read_sysreg(elr_el2) - 4);
	return true;
}

static bool psci(struct hyp_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case PSCI_VERSION:
		answer(vcpu, 0x10001);
		return false;
	case PSCI_CPU_SUSPEND:
		/* A standby state: WFI, which is what the host is shown. */
		vcpu->letter.esr = (u64)ESR_EC_WFX << ESR_EC_SHIFT | ESR_IL;
		answer(vcpu, 0);
		return true;
	case PSCI_CPU_OFF:
		return cpu_off(vcpu);
	case PSCI_CPU_ON:
		return cpu_on(vcpu);
	case PSCI_AFFINITY_INFO:
		affinity_info(vcpu);
		return false;
	case PSCI_MIGRATE_TYPE:
		answer(vcpu, 2);
		return false;
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		return system_end(vcpu);
	case PSCI_FEATURES:
		features(vcpu);
		return false;
	default:
		answer(vcpu, NOT_SUPPORTED);
		return false;
	}
}

bool protected_hypercall(struct hyp_vcpu *vcpu)
{
	u32 fn = (u32)vcpu->own.x[0];
	long ret;

	switch (fn) {
	case SMCCC_VERSION:
		answer(vcpu, 0x10001);
		return false;
	case SMCCC_ARCH_FEATURES:
		answer(vcpu, (u32)vcpu->own.x[1] == SMCCC_VERSION ? 0 : NOT_SUPPORTED);
		return false;
	case VENDOR_UID:
		/* 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, by which Linux knows these calls. */
		answer4(vcpu, 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d);
		return false;
	case VENDOR_FEATURES:
		answer4(vcpu, FEATURES, FEATURES_32, 0, 0);
		return false;
	case HYP_MEMINFO:
		answer(vcpu, vcpu->own.x[1] || vcpu->own.x[2] || vcpu->own.x[3] ?
				     SMCCC_INVALID : 1ULL << host_own.page_shift);
		return false;
	case MEM_SHARE:
		return share(vcpu, false);
	case MEM_UNSHARE:
		return share(vcpu, true);
	case MEM_RELINQUISH:
		return relinquish(vcpu);
	case MMIO_GUARD:
		ret = protected_mmio_guard(vcpu->vm, vcpu->own.x[1]);
		answer(vcpu, ret ? SMCCC_INVALID : 0);
		return false;
	case MEM_DECLARE:
		ret = protected_declare_memory(vcpu->vm, vcpu->own.x[1], vcpu->own.x[2]);
		answer(vcpu, ret ? SMCCC_INVALID : 0);
		return false;
	default:
		return psci(vcpu, fn);
	}
}
