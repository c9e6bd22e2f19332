// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: launch on load, the KVM API while EL2 is in place, release on unload.
 */
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/reboot.h>

#include "debugfs.h"
#include "kvm_dev.h"
#include "launch.h"

static bool locked;
module_param(locked, bool, 0444);
MODULE_PARM_DESC(locked, "keep EL2 for good: the module can't be unloaded, and nobody gets EL2 back");

static struct rd_el2 el2;

/*
 * RAM that comes or goes would be RAM that EL2 has no record of, or records of RAM
 * that is gone. EL2 learns of RAM at launch only, so from then on both are refused.
 */
static int refuse_hotplug(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != MEM_GOING_ONLINE && action != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	pr_warn("memory hotplug is refused while EL2 guards memory; unload redoubt first\n");
	return NOTIFY_BAD;
}

static struct notifier_block memory_nb = { .notifier_call = refuse_hotplug };

/*
 * kexec starts the next kernel where this one runs, and it finds no stub at EL2, and
 * memory that it may not touch, unless EL2 is given back first. (A crash kernel stays
 * in memory of its own, and runs behind stage 2.)
 */
static int reboot_notify(struct notifier_block *nb, unsigned long action, void *cmd)
{
	int ret;

	if (action != SYS_RESTART || !cmd || strcmp(cmd, "kexec reboot"))
		return NOTIFY_OK;
	ret = rd_release();
	if (ret)
		pr_err("EL2 is kept (%s): the next kernel will not find its way; end all VMs, or reboot\n",
		       ret == -EBUSY ? "a VM exists" : "loaded with locked=1");
	else
		pr_info("EL2 is given back for the next kernel\n");
	return NOTIFY_OK;
}

static struct notifier_block reboot_nb = { .notifier_call = reboot_notify };

static int __init rd_init(void)
{
	int ret;

	ret = rd_check();
	if (ret)
		return ret;
	ret = register_memory_notifier(&memory_nb);
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
	register_reboot_notifier(&reboot_nb);
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
	unregister_memory_notifier(&memory_nb);
	return ret;
}

static void __exit rd_exit(void)
{
	unregister_reboot_notifier(&reboot_nb);
	rd_debugfs_exit();
	rd_kvm_exit();
	/* No VM is left, since each holds the module; a refusal would be a bug of EL2's. */
	if (WARN(rd_release(), "redoubt: EL2 does not let go; its memory is lost\n"))
		return;
	rd_el2_free(&el2);
	unregister_memory_notifier(&memory_nb);
	pr_info("EL2 is given back\n");
}

module_init(rd_init);
module_exit(rd_exit);
MODULE_DESCRIPTION("Redoubt: a protected hypervisor");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
