/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests in AArch32: instructions that trap from there, and exceptions to an EL1 that is
 * AArch32 itself (KVM_ARM_VCPU_EL1_32BIT).
 */
#ifndef REDOUBT_KMOD_AARCH32_H
#define REDOUBT_KMOD_AARCH32_H

#include <linux/types.h>
#include <asm/ptrace.h>

struct rd_vcpu;

/* Has the host AArch32 at EL1, on all of its CPUs? */
bool rd_aarch32_el1(void);

/*
 * Would the instruction that trapped have been executed? A CPU may trap one whose
 * condition fails (Arm ARM G1.18.1); it is then to be skipped, with no other effect.
 */
bool rd_aarch32_executes(const struct rd_vcpu *vcpu);

/* A trapped access to CP15, CP14, or VMRS; both from fast and slow. Always done. */
void rd_aarch32_exit(struct rd_vcpu *vcpu);

/* The upper halves of the registers of a call are nobody's: AArch32 has none. */
void rd_aarch32_narrow(struct rd_vcpu *vcpu);

/* PSTATE after a skipped instruction: the IT state has advanced. */
u64 rd_aarch32_advance_it(u64 pstate);

/* Takes an exception to EL1, as rd_vcpu_inject_undef() and its like. */
void rd_aarch32_inject_undef(struct rd_vcpu *vcpu);
void rd_aarch32_inject_abort(struct rd_vcpu *vcpu, bool iabt, u64 far);

#endif /* REDOUBT_KMOD_AARCH32_H */
