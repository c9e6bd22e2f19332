/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host as EL2 sees it: what it traps to EL2 for, and what is put into it.
 */
#ifndef HYP_HOST_H
#define HYP_HOST_H

#include "cpu.h"

/**
 * host_sync() - A synchronous exception of the host: the only way in for it.
 * @regs:	the host's x0 to x18 and x30, to read and change
 *
 * Called by hyp/vectors.S with ESR_EL2 and friends as the exception left them.
 *
 * Return: 0 to go on with the host, or the physical address of hyp_mmu_off() to
 * give EL2 back to the kernel's stub.
 */
u64 host_sync(struct host_regs *regs);

/**
 * host_skip() - Go on after the instruction that trapped (SMC, system register).
 *
 * An HVC needs none: its preferred return address is already the next one.
 */
static inline void host_skip(void)
{
	write_sysreg(elr_el2, read_sysreg(elr_el2) + 4);
}

/**
 * host_inject() - Make the host take a synchronous exception to EL1 at its PC.
 * @esr:	what it finds in ESR_EL1
 * @far:	what it finds in FAR_EL1
 *
 * Follows AArch64.TakeException of the Arm ARM J1.3: the host's vectors, its
 * banked PSTATE, and PSTATE bits as SCTLR_EL1 and the features say.
 */
void host_inject(u64 esr, u64 far);

/** host_inject_undef() - The trapped instruction was UNDEFINED to the host. */
void host_inject_undef(void);

/**
 * host_refuse_access() - Answer a refused stage-2 access of the host.
 * @esr:	ESR_EL2 of the fault
 * @far:	FAR_EL2
 *
 * A process gets SIGBUS. A kernel access with a fixup (copy_to_user, a probe of
 * kernel memory) fails as such accesses fail; any other becomes an oops.
 */
void host_refuse_access(u64 esr, u64 far);

#endif /* HYP_HOST_H */
