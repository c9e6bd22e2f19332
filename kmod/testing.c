// SPDX-License-Identifier: GPL-2.0-only
/* Parameters of a debug build (testing.h); empty in a release. No locks. */
#include "testing.h"

#ifdef RD_DEBUG
#include <linux/module.h>

static bool leave_open;
module_param(leave_open, bool, 0600);
MODULE_PARM_DESC(leave_open, "debug build: make ordinary VMs where protected ones are asked for");

static int fail_after = -1;
module_param(fail_after, int, 0600);
MODULE_PARM_DESC(fail_after, "debug build: fail one allocation, or step of a VM's end, after this many");

bool rd_leave_open(void)
{
	if (READ_ONCE(leave_open))
		pr_warn("a VM that asked to be protected is left open: debug build, leave_open=1\n");
	return READ_ONCE(leave_open);
}

/* Two CPUs may count one allocation as one: it's a test's to use one. */
bool rd_fail_now(void)
{
	int left = READ_ONCE(fail_after);

	if (left < 0)
		return false;
	WRITE_ONCE(fail_after, left - 1);
	return !left;
}
#endif
