/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of a guest by HVC or SMC (SMCCC 1.1): which are offered (the bitmaps that
 * user space may reduce), which user space wants for itself (the filter), and
 * PSCI 1.1.
 */
#ifndef REDOUBT_KMOD_SMCCC_H
#define REDOUBT_KMOD_SMCCC_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;

/* Ranges of function ids with an action; sorted, disjoint. */
struct rd_smccc_range {
	u32 first;
	u32 last;
	u8 action; /* enum kvm_smccc_filter_action */
};

#define RD_SMCCC_MAX_RANGES 1024

/* PSCI versions: major in the upper half, as PSCI_VERSION answers. */
#define RD_PSCI_0_1 0x00001
#define RD_PSCI_0_2 0x00002
#define RD_PSCI_1_0 0x10000
#define RD_PSCI_1_1 0x10001

/* SMCCC_VERSION, which PSCI_FEATURES knows too. */
#define RD_SMCCC_VERSION_FN 0x80000000

struct rd_smccc {
	u64 std_bmap;	  /* KVM_REG_ARM_STD_BMAP */
	u64 std_hyp_bmap;
	u64 vendor_bmap;
	u64 psci_version; /* KVM_ARM_PSCI_* */
	struct rd_smccc_range *filter; /* vm->config_lock; constant once the VM ran */
	u32 nr_filter;
};

void rd_smccc_init(struct rd_vm *vm);
void rd_smccc_destroy(struct rd_vm *vm);

/* KVM_ARM_VM_SMCCC_FILTER's attribute. */
int rd_smccc_set_filter(struct rd_vm *vm, const struct kvm_device_attr *attr);

/* Handles the HVC or SMC of the last exit. 1: run on, 0: to user space, or a negative errno. */
int rd_smccc_exit(struct rd_vcpu *vcpu, bool smc);

/* The same for calls that neither sleep nor leave; interrupts off. False: not such a call. */
bool rd_smccc_fast(struct rd_vcpu *vcpu);

/* A 64-bit call from AArch32, which has none (Arm DEN0028 section 2.6). */
bool rd_smccc_too_wide(const struct rd_vcpu *vcpu, u32 fn);

/* PSCI (psci.c): the same results. @fn is the function id, arguments in x1 to x3. */
int rd_psci_call(struct rd_vcpu *vcpu, u32 fn);

/* A protected vCPU's call, which EL2 has answered: what is left to do here. As rd_psci_call(). */
int rd_psci_protected(struct rd_vcpu *vcpu, u32 fn);

/* The version that the vCPU has, RD_PSCI_*. */
u32 rd_psci_version(const struct rd_vcpu *vcpu);

/* True for PSCI's function ids, old and new. */
bool rd_psci_owns(u32 fn);

/* Entropy for guests (Arm DEN0098; trng.c). Always answered. */
void rd_trng_call(struct rd_vcpu *vcpu, u32 fn);
bool rd_trng_owns(u32 fn);

/* Firmware registers (KVM_REG_ARM_FW, KVM_REG_ARM_FW_FEAT_BMAP). -ENOENT: not one of them. */
int rd_smccc_get_reg(struct rd_vcpu *vcpu, u64 id, u64 *val);
int rd_smccc_set_reg(struct rd_vcpu *vcpu, u64 id, u64 val);
/* Their ids: the @i-th, or 0 after the last. */
u64 rd_smccc_reg_id(unsigned int i);

#endif /* REDOUBT_KMOD_SMCCC_H */
