/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EL2's own controls over the host: as the kernel's hyp stub left them, and put
 * back so on every CPU that comes online later, with what Redoubt adds.
 */
#ifndef HYP_ARCH_H
#define HYP_ARCH_H

#include "cpu.h"

/* HCR_EL2 while the host runs, before and after its stage 2 is on (FACTS: as pKVM's). */
#define HCR_HOST_OPEN (HCR_EL2_RW | HCR_EL2_API | HCR_EL2_APK | HCR_EL2_ATA)

/** arch_snapshot() - Remember what the hyp stub left; once, on the first CPU. */
void arch_snapshot(void);

/**
 * arch_host_reset() - Bring a CPU that comes from firmware to the state in which
 * the kernel's own EL2 setup would have left it, with EL1 as after a reset: MMU
 * and caches off.
 */
void arch_host_reset(void);

/* Which of these registers are to be written at all, a bit each; constant after launch. */
extern u64 arch_differs;
void arch_write_guest(void);
void arch_write_host(void);

/**
 * arch_guest_activate() - What lets EL1 use extensions that no guest has, off: a guest
 * could reach registers that are not switched, and are the host's. No barrier: in force from the
 * ERET on.
 */
static inline void arch_guest_activate(void)
{
	if (port_unlikely(arch_differs))
		arch_write_guest();
}

/** arch_host_activate() - As the hyp stub left it. No barrier, as above. */
static inline void arch_host_activate(void)
{
	if (port_unlikely(arch_differs))
		arch_write_host();
}

/* Whether TPIDR2_EL0 has to be switched; constant after launch. */
extern bool arch_bare_tpidr2;
void arch_take_tpidr2(struct hyp_cpu *cpu);
void arch_give_tpidr2(struct hyp_cpu *cpu);

/**
 * arch_guest_load() - Keep for the host, for as long as a vCPU is loaded, what a guest could
 * reach although it isn't shown it. Guests find zero.
 */
static inline void arch_guest_load(struct hyp_cpu *cpu)
{
	if (port_unlikely(arch_bare_tpidr2))
		arch_take_tpidr2(cpu);
}

/** arch_guest_put() - Give that back. */
static inline void arch_guest_put(struct hyp_cpu *cpu)
{
	if (port_unlikely(arch_bare_tpidr2))
		arch_give_tpidr2(cpu);
}

/** hyp_host_enter() - Leave for EL1, see hyp/vectors.S. */
void hyp_host_enter(u64 x0, u64 pc, u64 pstate) __attribute__((noreturn));

#endif /* HYP_ARCH_H */
