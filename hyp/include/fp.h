/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FP/SIMD, SVE and SME registers of host and guests, switched when somebody uses
 * them and not before.
 */
#ifndef HYP_FP_H
#define HYP_FP_H

#include "cpu.h"

struct hyp_vcpu;

/**
 * fp_host_trap() - The host used a register file that holds a guest's state.
 *
 * Return: true if the host's state is back and the instruction may be repeated;
 * false if the trap had another cause.
 */
bool fp_host_trap(void);

/** fp_restore_host() - Put the host's state back, if a guest's is loaded. */
void fp_restore_host(struct hyp_cpu *cpu);

/** fp_guest_trap() - The running guest used FP/SIMD: save whose state it is, load the guest's. */
void fp_guest_trap(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);

/** fp_cptr_guest() - CPTR_EL2 while @vcpu runs: traps unless its state is loaded. */
u64 fp_cptr_guest(const struct hyp_cpu *cpu, const struct hyp_vcpu *vcpu);

/** fp_cptr_host() - CPTR_EL2 while the host runs: traps if a guest's state is loaded. */
u64 fp_cptr_host(const struct hyp_cpu *cpu);

#endif /* HYP_FP_H */
