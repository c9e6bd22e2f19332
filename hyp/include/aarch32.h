/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs whose EL1 is AArch32. A VM becomes one by VM_AARCH32, before the first of its vCPUs
 * is loaded, and stays one; any other VM's EL1 is AArch64 from that first load on. Protected
 * VMs are never AArch32.
 */
#ifndef HYP_AARCH32_H
#define HYP_AARCH32_H

#include "vm.h"

/** aarch32_el1() - Has this CPU AArch32 at EL1? ID_AA64PFR0_EL1.EL1. */
static inline bool aarch32_el1(void)
{
	return (read_sysreg(id_aa64pfr0_el1) >> 4 & 0xf) == 2;
}

/** aarch32_settle() - A vCPU of @vm is loaded: if nobody said otherwise, its EL1 is AArch64 for good. */
static inline void aarch32_settle(struct hyp_vm *vm)
{
	if (port_unlikely(port_read64(&vm->width) == VM_WIDTH_OPEN))
		port_cmpxchg64(&vm->width, VM_WIDTH_OPEN, VM_WIDTH_64);
}

/**
 * aarch32_pstate_ok() - May this CPU return to @pstate with HCR_EL2.RW clear?
 *
 * True for the modes of EL1 and EL0 that AArch32 has without EL3 (Arm ARM G1.9.1), on a
 * CPU that has them: a return to any other would be an illegal one, and stay at EL2.
 */
bool aarch32_pstate_ok(u64 pstate);

/**
 * aarch32_to_guest() - Load what only AArch32 has.
 * @cpu:	this CPU; what of it is the host's is kept there
 * @vcpu:	the vCPU that is about to run, of a VM whose EL1 is AArch32
 *
 * Before the guest's CPTR_EL2 is written: FPEXC traps with FP.
 */
void aarch32_to_guest(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);

/** aarch32_to_host() - Store it again, and give the host its HSTR_EL2. */
void aarch32_to_host(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);

#endif /* HYP_AARCH32_H */
