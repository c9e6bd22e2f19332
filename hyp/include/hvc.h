/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls: the table of <redoubt/abi.h>, one function a call.
 *
 * A handler reads its arguments from regs->x[1] on, writes its results there, and
 * returns what goes to x0. Arguments are the host's and mean nothing until
 * checked; they are registers already, so that no other CPU can change them.
 */
#ifndef HYP_HVC_H
#define HYP_HVC_H

#include <redoubt/abi.h>
#include "cpu.h"

/**
 * hvc_host() - The host made an HVC.
 * @regs:	its registers
 * @esr:	ESR_EL2
 *
 * An unknown function, or an immediate other than 0, returns SMCCC's
 * NOT_SUPPORTED (-1) and changes nothing.
 *
 * Return: what host_sync() returns.
 */
u64 hvc_host(struct host_regs *regs, u64 esr);

#define HVC_DECLARE(n, name, args, results) long hvc_##name(struct host_regs *regs);
RD_HYPERCALLS(HVC_DECLARE)

/**
 * hvc_debug() - Calls that only debug builds have (hyp/debug/).
 *
 * Return: false if it is none of them.
 */
#ifdef RD_DEBUG
bool hvc_debug(struct host_regs *regs);
#else
static inline bool hvc_debug(struct host_regs *regs)
{
	(void)regs;
	return false;
}
#endif

#endif /* HYP_HVC_H */
