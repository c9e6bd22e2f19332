// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of devices made by KVM_CREATE_DEVICE: the vGIC and its ITS. The
 * devices are the VM's and end with it; a descriptor only keeps the VM.
 *
 * Locks: vm->lock for creation. Attributes take what they need (vgic.h).
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm_dev.h"
#include "vm.h"

struct device_file {
	struct rd_vm *vm;
	struct rd_vgic_dev *dev;
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct device_file *d = file->private_data;
	struct kvm_device_attr attr;

	if (d->vm->mm != current->mm || test_bit(RD_VM_DEAD, &d->vm->flags))
		return -EIO;
	if (cmd != KVM_SET_DEVICE_ATTR && cmd != KVM_GET_DEVICE_ATTR && cmd != KVM_HAS_DEVICE_ATTR)
		return -ENOTTY;
	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;
	switch (cmd) {
	case KVM_SET_DEVICE_ATTR:
		return rd_vgic_set_attr(d->dev, &attr);
	case KVM_GET_DEVICE_ATTR:
		return rd_vgic_get_attr(d->dev, &attr);
	default:
		return rd_vgic_has_attr(d->dev, &attr);
	}
}

static int device_release(struct inode *inode, struct file *file)
{
	struct device_file *d = file->private_data;

	/* Without a device, creation failed and the VM was never referenced. */
	if (d->dev)
		rd_vm_put(d->vm);
	kfree(d);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.release = device_release,
	.llseek = noop_llseek,
};

/* An open file without a device yet. */
static struct file *device_file(struct rd_vm *vm)
{
	struct device_file *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->vm = vm;
	file = anon_inode_getfile("kvm-device", &device_fops, d, O_RDWR);
	if (IS_ERR(file))
		kfree(d);
	return file;
}

/* The file first: a device cannot be taken back. */
static int create_with_fd(struct rd_vm *vm, u32 type, int fd)
{
	struct file *file = device_file(vm);
	struct device_file *d;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	d = file->private_data;
	mutex_lock(&vm->lock);
	ret = rd_vgic_create(vm, type, &d->dev);
	mutex_unlock(&vm->lock);
	if (ret) {
		d->dev = NULL;
		fput(file);
		return ret;
	}
	rd_vm_get(vm);
	fd_install(fd, file);
	return 0;
}

int rd_device_create(struct rd_vm *vm, struct kvm_create_device *cd)
{
	int ret = rd_vgic_has_type(cd->type), fd;

	if (ret)
		return ret;
	if (cd->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	ret = create_with_fd(vm, cd->type, fd);
	if (ret)
		put_unused_fd(fd);
	else
		cd->fd = fd;
	return ret;
}
