/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only a debug build can be told to do (RD_DEBUG=1), by parameters of the module. A
 * release build has neither the parameters nor the code.
 */
#ifndef REDOUBT_KMOD_TESTING_H
#define REDOUBT_KMOD_TESTING_H

#include <linux/types.h>

#ifdef RD_DEBUG
/* leave_open=1: VMs that ask to be protected are ordinary ones, to be looked into. */
bool rd_leave_open(void);
/*
 * fail_after=N: the allocation after the next N fails, once. True: this is the one. Counted with
 * them are the steps of a VM's end for which EL2 may lack memory.
 */
bool rd_fail_now(void);
#else
static inline bool rd_leave_open(void)
{
	return false;
}

static inline bool rd_fail_now(void)
{
	return false;
}
#endif

#endif /* REDOUBT_KMOD_TESTING_H */
