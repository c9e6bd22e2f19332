/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/redoubt.
 */
#ifndef REDOUBT_KMOD_DEBUGFS_H
#define REDOUBT_KMOD_DEBUGFS_H

struct dentry;
struct rd_el2;

/** rd_debugfs_init() - Make the files appear. EL2 is in place; failures are ignored, as usual. */
void rd_debugfs_init(struct rd_el2 *launched);

/** rd_debugfs_exit() - Take them away, before EL2 goes. */
void rd_debugfs_exit(void);

/** rd_debugfs_debug() - Files that only debug builds have (kmod/debug/). */
#ifdef RD_DEBUG
void rd_debugfs_debug(struct dentry *top);
#else
static inline void rd_debugfs_debug(struct dentry *top)
{
}
#endif

#endif /* REDOUBT_KMOD_DEBUGFS_H */
