// SPDX-License-Identifier: GPL-2.0-only
/*
 * In debug builds only: /sys/kernel/debug/redoubt/panic, by which a test makes EL2 panic:
 * write a number of enum rd_debug_panic.
 */
#include <linux/debugfs.h>

#include <redoubt/debug.h>

#include "../debugfs.h"
#include "../hvc.h"

static int panic_set(void *data, u64 how)
{
	return rd_hvc1(RD_HVC_DEBUG_PANIC, how);
}
DEFINE_DEBUGFS_ATTRIBUTE(panic_fops, NULL, panic_set, "%llu\n");

void rd_debugfs_debug(struct dentry *top)
{
	debugfs_create_file_unsafe("panic", 0200, top, NULL, &panic_fops);
}
