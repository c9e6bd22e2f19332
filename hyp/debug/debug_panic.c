// SPDX-License-Identifier: GPL-2.0-only
/*
 * In debug builds only: EL2 panics because it was asked to. Some functions deep, so that
 * there is something to trace back.
 */
#include <redoubt/debug.h>

#include "hvc.h"
#include "setup.h"

/* Memory of the host's: EL2 has no mapping of it. */
static __attribute__((noinline)) u64 debug_panic_fault(void)
{
	u64 at = hyp_boot.region[hyp_boot.nr_regions - 1].base +
		 hyp_boot.region[hyp_boot.nr_regions - 1].size - sizeof(u64);

	return *(volatile u64 *)setup_va(at) + 1;
}

static __attribute__((noinline)) u64 debug_panic_here(u64 how)
{
	port_assert(how != RD_DEBUG_ASSERT);
	return how == RD_DEBUG_FAULT ? debug_panic_fault() + 1 : 0;
}

bool hvc_debug(struct host_regs *regs)
{
	if (regs->x[0] != RD_HVC_DEBUG_PANIC)
		return false;
	regs->x[0] = debug_panic_here(regs->x[1]) ? 0 : (u64)-EINVAL;
	return true;
}
