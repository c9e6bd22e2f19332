/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PSCI relay: the host's SMCs. A CPU that is turned on or wakes up enters EL2
 * first, whatever the host asked for; all else is forwarded or refused.
 */
#ifndef HYP_PSCI_H
#define HYP_PSCI_H

#include "cpu.h"

/* Results that more than the relay has. */
#define PSCI_NOT_SUPPORTED	((u64)-1)
#define PSCI_INVALID_PARAMETERS ((u64)-2)

/**
 * psci_host_smc() - Carry out an SMC of the host and step over it.
 * @regs:	its arguments and results (SMCCC 1.2: x0 to x17)
 * @esr:	ESR_EL2 of the trap; an immediate other than 0 is NOT_SUPPORTED
 *
 * PSCI functions (PSCI 1.1, DEN0022D) go through the relay; any other SMC goes to
 * firmware with all its registers. An SMC that this machine does not implement at
 * all is UNDEFINED to the host, as without a hypervisor.
 */
void psci_host_smc(struct host_regs *regs, u64 esr);

/* Where the firmware is told to enter (hyp/init.S); a link-time address. */
void hyp_psci_entry(void);

/**
 * hyp_smc() - Execute `smc #0`.
 * @x:		x0 to x17, replaced by what comes back
 *
 * Return: 0, or -1 if the instruction is UNDEFINED here; @x is unchanged then.
 */
int hyp_smc(u64 x[18]);

#endif /* HYP_PSCI_H */
