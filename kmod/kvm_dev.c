// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node /dev/kvm and its ioctls, and /dev/kvm-protected, on which each
 * VM is a protected one: for VMMs that cannot be told to set the type's bit.
 *
 * No state of its own, no locks.
 */
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "irqroute.h"
#include "kvm_dev.h"
#include "mmu.h"
#include "stats.h"
#include "timer.h"
#include "vgic.h"
#include "vm.h"

/* Bit 31 of KVM_CREATE_VM's type. */
#define TYPE_PROTECTED (1UL << 31)

static struct miscdevice rd_protected_dev;

static bool is_protected_dev(struct file *file)
{
	return iminor(file_inode(file)) == rd_protected_dev.minor;
}

static long rd_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return rd_vm_create_fd(is_protected_dev(file) ? arg | TYPE_PROTECTED : arg);
	case KVM_CHECK_EXTENSION:
		return rd_check_cap(NULL, is_protected_dev(file), arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : RD_VCPU_MMAP_SIZE;
	default:
		return -EINVAL;
	}
}

static const struct file_operations rd_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = rd_dev_ioctl,
	.compat_ioctl = NULL,
	.llseek = noop_llseek,
};

static struct miscdevice rd_dev = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &rd_dev_fops,
};

static struct miscdevice rd_protected_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvm-protected",
	.fops = &rd_dev_fops,
};

static int register_nodes(void)
{
	int ret = misc_register(&rd_protected_dev);

	if (ret)
		return ret;
	ret = misc_register(&rd_dev);
	if (ret)
		misc_deregister(&rd_protected_dev);
	return ret;
}

int rd_kvm_init(void)
{
	int ret = rd_vm_module_init();

	if (ret)
		return ret;
	ret = rd_mmu_module_init();
	if (ret)
		goto no_mmu;
	ret = rd_vgic_module_init();
	if (ret)
		goto no_vgic;
	ret = rd_timer_module_init();
	if (ret)
		goto no_timer;
	ret = rd_irq_module_init();
	if (ret)
		goto no_irq;
	rd_stats_init();
	preempt_notifier_inc();
	ret = register_nodes();
	if (!ret)
		return 0;
	preempt_notifier_dec();
	rd_stats_exit();
	rd_irq_module_exit();
no_irq:
	rd_timer_module_exit();
no_timer:
	rd_vgic_module_exit();
no_vgic:
	rd_mmu_module_exit();
no_mmu:
	rd_vm_module_exit();
	return ret;
}

void rd_kvm_exit(void)
{
	misc_deregister(&rd_dev);
	misc_deregister(&rd_protected_dev);
	preempt_notifier_dec();
	rd_stats_exit();
	rd_irq_module_exit();
	rd_timer_module_exit();
	rd_vgic_module_exit();
	rd_mmu_module_exit();
	rd_vm_module_exit();
}
