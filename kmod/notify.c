// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel announces while EL2 is in place: memory that comes and goes,
 * kexec, hibernation. No state and no locks of its own.
 *
 * A crash kernel (kexec -p) needs nothing from here: it starts where the kernel
 * panicked, at EL1, in memory that was set aside for it, and stays behind stage 2.
 */
#include <linux/kernel.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "launch.h"
#include "notify.h"

/*
 * RAM that comes or goes would be RAM that EL2 has no record of, or records of RAM
 * that is gone. EL2 learns of RAM at launch only, so from then on both are refused.
 */
static int on_memory(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != MEM_GOING_ONLINE && action != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	pr_warn("memory hotplug is refused while EL2 guards memory; unload redoubt first\n");
	return NOTIFY_BAD;
}

static struct notifier_block memory_nb = { .notifier_call = on_memory };

int rd_notify_memory(void)
{
	return register_memory_notifier(&memory_nb);
}

void rd_notify_memory_end(void)
{
	unregister_memory_notifier(&memory_nb);
}

/*
 * kexec starts the next kernel where this one runs, and it finds no stub at EL2, and
 * memory that it may not touch, unless EL2 is given back first. A notifier can't
 * refuse, and the next kernel would die of the first page that isn't its: so the
 * machine restarts through firmware, which whoever called kexec wanted to save.
 * This notifier is the first of all, hence the only one to be called for both.
 */
static int on_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	int ret;

	if (action != SYS_RESTART || !cmd || strcmp(cmd, "kexec reboot"))
		return NOTIFY_OK;
	ret = rd_release();
	if (!ret) {
		pr_info("EL2 is given back for the next kernel\n");
		return NOTIFY_OK;
	}
	pr_emerg("kexec is refused, since EL2 stays (%s): restarting through firmware instead\n",
		 ret == -EBUSY ? "a VM exists" : "loaded with locked=1");
	kernel_restart(NULL);
	return NOTIFY_BAD;
}

static struct notifier_block reboot_nb = { .notifier_call = on_reboot, .priority = INT_MAX };

/* The image of a hibernated kernel would be resumed on a machine whose EL2 is not Redoubt's. */
static int on_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != PM_HIBERNATION_PREPARE)
		return NOTIFY_OK;
	pr_warn("hibernation is refused, since EL2's state can't be saved; unload redoubt first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block sleep_nb = { .notifier_call = on_sleep };

void rd_notify_power(void)
{
	register_reboot_notifier(&reboot_nb);
	register_pm_notifier(&sleep_nb);
}

void rd_notify_power_end(void)
{
	unregister_pm_notifier(&sleep_nb);
	unregister_reboot_notifier(&reboot_nb);
}
