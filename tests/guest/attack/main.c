// SPDX-License-Identifier: GPL-2.0-only
/* The files through which the attacks are made, and what they share. */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "attack.h"

void report(struct seq_file *m, const char *name, long expected, long got)
{
	seq_printf(m, "%s\t%ld\t%ld\n", name, expected, got);
}

int for_each_range(bool (*match)(u64 x4), int (*fn)(u64 start, u64 pages, void *arg), void *arg)
{
	u64 cursor = 0;
	int ret = 0;

	while (cursor != ~0ULL && !ret) {
		u64 x[18] = { RD_HVC_OWNERS, cursor };
		long err = rd_hvc_full(x);

		if (err)
			return err;
		cursor = x[1];
		if (match(x[4]))
			ret = fn(x[2], x[3], arg);
	}
	return ret;
}

static bool is_hyps(u64 x4)
{
	return (x4 & 0xffff) == 1;
}

int for_each_hyp_range(int (*fn)(u64 start, u64 pages, void *arg), void *arg)
{
	return for_each_range(is_hyps, fn, arg);
}

static int first_pfn(u64 start, u64 pages, void *arg)
{
	*(u64 *)arg = start >> PAGE_SHIFT;
	return 1;
}

u64 a_hyp_pfn(void)
{
	u64 pfn = 0;

	for_each_hyp_range(first_pfn, &pfn);
	return pfn;
}

#define ATTACK_FILE(name)                                                                          \
	static int name##_show(struct seq_file *m, void *v)                                        \
	{                                                                                          \
		return attack_##name(m);                                                           \
	}                                                                                          \
	DEFINE_SHOW_ATTRIBUTE(name)

ATTACK_FILE(memory);
ATTACK_FILE(calls);
ATTACK_FILE(numbers);
ATTACK_FILE(smc);
ATTACK_FILE(race);
ATTACK_FILE(vcpu);
ATTACK_FILE(mmio);
ATTACK_FILE(guest);
ATTACK_FILE(fuzz);
ATTACK_FILE(open);
ATTACK_FILE(protected);
ATTACK_FILE(running);

/* Writing a name here makes an attack that may cost the writer its life. */
static ssize_t deadly_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char name[24] = {};

	if (len >= sizeof(name) || copy_from_user(name, buf, len))
		return -EINVAL;
	if (sysfs_streq(name, "execute"))
		attack_execute();
	else if (strstarts(name, "sysreg "))
		attack_sysreg(name + strlen("sysreg "));
	else if (sysfs_streq(name, "read"))
		attack_direct_read();
	else if (sysfs_streq(name, "write"))
		attack_direct_write();
	else
		return -EINVAL;
	return len; /* the attack was not refused */
}

static const struct file_operations deadly_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = deadly_write,
};

/* The page that is number @nr of all; 0 if there are fewer. */
static int nth_of_range(u64 start, u64 pages, void *arg)
{
	u64 *nr = arg;

	if (nr[0] < pages) {
		nr[1] = (start >> PAGE_SHIFT) + nr[0];
		return 1;
	}
	nr[0] -= pages;
	return 0;
}

static int map_page(struct vm_area_struct *vma, u64 pfn)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	if (!pfn)
		return -ENXIO;
	return remap_pfn_range(vma, vma->vm_start, pfn, PAGE_SIZE, vma->vm_page_prot);
}

/* mmap() of this file at page N maps EL2's page number N into a process. */
static int page_mmap(struct file *file, struct vm_area_struct *vma)
{
	u64 nr[2] = { vma->vm_pgoff };

	for_each_hyp_range(nth_of_range, nr);
	return map_page(vma, nr[1]);
}

static const struct file_operations page_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = page_mmap,
};

/*
 * As /dev/mem would, if this kernel's let anybody have memory: every 64th page of a guest's,
 * of a protected one's if there is one.
 */
static int guest_page_mmap(struct file *file, struct vm_area_struct *vma)
{
	u64 closed[2] = { 0 }, nr[2] = { vma->vm_pgoff * 64 };

	for_each_range(is_protected_guests, nth_of_range, closed);
	for_each_range(closed[1] ? is_protected_guests : is_ordinary_guests, nth_of_range, nr);
	return map_page(vma, nr[1]);
}

static const struct file_operations guest_page_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = guest_page_mmap,
};

static struct dentry *top;

static int __init attack_init(void)
{
	top = debugfs_create_dir("attack", NULL);
	debugfs_create_file("memory", 0400, top, NULL, &memory_fops);
	debugfs_create_file("calls", 0400, top, NULL, &calls_fops);
	debugfs_create_file("numbers", 0400, top, NULL, &numbers_fops);
	debugfs_create_file("smc", 0400, top, NULL, &smc_fops);
	debugfs_create_file("race", 0400, top, NULL, &race_fops);
	debugfs_create_file("vcpu", 0400, top, NULL, &vcpu_fops);
	debugfs_create_file("mmio", 0400, top, NULL, &mmio_fops);
	debugfs_create_file("guest", 0400, top, NULL, &guest_fops);
	debugfs_create_file("open", 0400, top, NULL, &open_fops);
	debugfs_create_file("fuzz", 0400, top, NULL, &fuzz_fops);
	debugfs_create_file("protected", 0400, top, NULL, &protected_fops);
	debugfs_create_file("running", 0400, top, NULL, &running_fops);
	debugfs_create_file_unsafe("deadly", 0200, top, NULL, &deadly_fops);
	debugfs_create_file_unsafe("page", 0600, top, NULL, &page_fops);
	debugfs_create_file_unsafe("guest_page", 0600, top, NULL, &guest_page_fops);
	return 0;
}

static void __exit attack_exit(void)
{
	debugfs_remove_recursive(top);
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_DESCRIPTION("A hostile kernel, for the tests of Redoubt");
MODULE_LICENSE("GPL");
