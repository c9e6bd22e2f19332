// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: launch on load, the KVM API while EL2 is in place, release on unload.
 */
#include <linux/module.h>

#include "debugfs.h"
#include "kvm_dev.h"
#include "launch.h"
#include "notify.h"

static bool locked;
module_param(locked, bool, 0444);
MODULE_PARM_DESC(locked, "keep EL2 for good: the module can't be unloaded, and nobody gets EL2 back");

static struct rd_el2 el2;

static int __init rd_init(void)
{
	int ret;

	ret = rd_check();
	if (ret)
		return ret;
	ret = rd_notify_memory();
	if (ret)
		return ret;
	ret = rd_el2_prepare(&el2, locked);
	if (!ret)
		ret = rd_launch(&el2);
	if (ret)
		goto free;
	ret = rd_kvm_init();
	if (ret)
		goto release;
	rd_debugfs_init(&el2);
	rd_notify_power();
	/* A module without an exit can't be unloaded, and that's what locked means. */
	if (locked)
		__module_get(THIS_MODULE);
	pr_info("EL2 is in place, the host is behind stage 2\n");
	return 0;

release:
	/* Locked or not, the module isn't loaded, so nobody could use EL2: see exit for refusals. */
	if (WARN_ON(rd_release()))
		return ret;
free:
	rd_el2_free(&el2);
	rd_notify_memory_end();
	return ret;
}

static void __exit rd_exit(void)
{
	rd_notify_power_end();
	rd_debugfs_exit();
	rd_kvm_exit();
	/* No VM is left, since each holds the module; a refusal would be a bug of EL2's. */
	if (WARN(rd_release(), "redoubt: EL2 does not let go; its memory is lost\n"))
		return;
	rd_el2_free(&el2);
	rd_notify_memory_end();
	pr_info("EL2 is given back\n");
}

module_init(rd_init);
module_exit(rd_exit);
MODULE_DESCRIPTION("Redoubt: a protected hypervisor");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
