// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory at a restart: see hyp/include/mem_protect.h. Lock: mem_protect_lock, innermost;
 * held over the call to firmware, so that the last word to it is the latest.
 */
#include <redoubt_port.h>

#include "mem_protect.h"
#include "psci.h"

#define PSCI_MEM_PROTECT 0x84000013u

static port_lock_t mem_protect_lock;
static enum { UNKNOWN, OFF, ON, ABSENT } firmware;
static u64 holders;	/* protected VMs */
static u64 host_wish;	/* 0 or 1 */

/* With the lock. What firmware says the first time is what the host has had so far. */
static void apply(void)
{
	u64 on = holders || host_wish, x[18] = { PSCI_MEM_PROTECT, on };
	bool gone;

	if (firmware == ABSENT || firmware == (on ? ON : OFF))
		return;
	gone = hyp_smc(x);
	if (firmware == UNKNOWN && !gone && x[0] == 1)
		host_wish = 1;
	firmware = gone || x[0] > 1 ? ABSENT : on ? ON : OFF;
}

void mem_protect_hold(void)
{
	port_lock(&mem_protect_lock);
	holders++;
	apply();
	port_unlock(&mem_protect_lock);
}

void mem_protect_drop(void)
{
	port_lock(&mem_protect_lock);
	holders--;
	apply();
	port_unlock(&mem_protect_lock);
}

u64 mem_protect_host(u64 enable)
{
	u64 ret;

	if (enable > 1)
		return PSCI_INVALID_PARAMETERS;
	port_lock(&mem_protect_lock);
	/* To learn what was before, if nobody has asked yet: this keeps or turns it off. */
	apply();
	ret = host_wish;
	host_wish = enable;
	apply();
	if (firmware == ABSENT)
		ret = PSCI_NOT_SUPPORTED;
	port_unlock(&mem_protect_lock);
	return ret;
}
