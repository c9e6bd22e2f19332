// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS as a KVM device (Documentation/virt/kvm/devices/arm-vgic-its.rst), its
 * frame, and MSIs from the host. What an ITS does is in core/vgic.
 *
 * Locks: glue.h; its_lock around everything but injection, which takes none.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "glue.h"

int rd_its_create(struct rd_vgic *g, struct rd_vgic_dev *dev)
{
	dev->base = RD_ADDR_UNDEF;
	its_setup(&dev->its, &g->core);
	/*
	 * Its tables and commands are in the guest's memory: a protected guest is told that
	 * there is no ITS, by the distributor and by a frame that reads as zero. The device
	 * is there all the same, for QEMU's virt machine makes one unasked.
	 */
	if (!g->vm->is_protected)
		WRITE_ONCE(g->core.has_its, true);
	return 0;
}

void rd_its_destroy(struct rd_vgic *g, struct rd_vgic_dev *dev)
{
	if (dev->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		its_forget(&dev->its);
}

/* ---- Injection ---- */

static struct its *its_at(struct rd_vgic *g, u64 addr)
{
	int i;

	for (i = 0; i < RD_MAX_ITS; i++) {
		struct rd_vgic_dev *dev = smp_load_acquire(&g->its[i]);

		if (!dev)
			break;
		if (addr - dev->base < RD_ITS_SIZE)
			return &dev->its;
	}
	return NULL;
}

int rd_vgic_inject_msi(struct rd_vm *vm, const struct kvm_msi *msi)
{
	struct rd_vgic *g = vm->vgic.dist;
	struct its *its;

	if (!READ_ONCE(g->core.has_its))
		return -ENODEV;
	if (!(msi->flags & KVM_MSI_VALID_DEVID))
		return -EINVAL;
	its = its_at(g, (u64)msi->address_hi << 32 | msi->address_lo);
	return its ? its_inject(its, msi->devid, msi->data) : -EINVAL;
}

int rd_vgic_inject_msi_atomic(struct rd_vm *vm, const struct kvm_msi *msi)
{
	return rd_vgic_inject_msi(vm, msi);
}

/* ---- The frame ---- */

static int its_dev_read(struct rd_vcpu *vcpu, struct rd_iodev *iodev, u64 addr, int len, void *val)
{
	struct rd_vgic_dev *dev = container_of(iodev, struct rd_vgic_dev, iodev);
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	u64 data = 0;

	if (!vcpu->vm->is_protected) {
		mutex_lock(&g->its_lock);
		data = its_read(&dev->its, addr - iodev->base, len);
		mutex_unlock(&g->its_lock);
	}
	rd_frame_store(val, len, data);
	return 0;
}

static int its_dev_write(struct rd_vcpu *vcpu, struct rd_iodev *iodev, u64 addr, int len,
			 const void *val)
{
	struct rd_vgic_dev *dev = container_of(iodev, struct rd_vgic_dev, iodev);
	struct rd_vgic *g = vcpu->vm->vgic.dist;

	if (vcpu->vm->is_protected)
		return 0;
	mutex_lock(&g->its_lock);
	its_write(&dev->its, addr - iodev->base, len, rd_frame_load(val, len));
	mutex_unlock(&g->its_lock);
	return 0;
}

static void its_dev_release(struct rd_iodev *iodev)
{
	kvfree(container_of(iodev, struct rd_vgic_dev, iodev));
}

static const struct rd_iodev_ops its_ops = {
	.read = its_dev_read,
	.write = its_dev_write,
	.release = its_dev_release,
};

/* vm->slots_lock held. */
static int set_base(struct rd_vgic *g, struct rd_vgic_dev *dev, u64 addr)
{
	int ret = rd_vgic_check_range(g->vm, dev->base, addr, SZ_64K, RD_ITS_SIZE);
	int i;

	if (ret)
		return ret;
	for (i = 0; i < RD_MAX_ITS && g->its[i]; i++)
		;
	if (i == RD_MAX_ITS)
		return -ENOSPC;
	dev->iodev.ops = &its_ops;
	dev->iodev.base = addr;
	dev->iodev.len = RD_ITS_SIZE;
	ret = rd_iobus_add(g->vm, &dev->iodev);
	if (ret)
		return ret;
	dev->base = addr;
	dev->registered = true;
	smp_store_release(&g->its[i], dev);
	return 0;
}

static int set_addr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	struct rd_vm *vm = dev->vm;
	u64 addr;
	int ret;

	if (attr->attr != KVM_VGIC_ITS_ADDR_TYPE)
		return -ENODEV;
	if (get_user(addr, (u64 __user *)attr->addr))
		return -EFAULT;
	mutex_lock(&vm->slots_lock);
	ret = set_base(vm->vgic.dist, dev, addr);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/* ---- Attributes ---- */

static int control_locked(struct its *its, u64 attr)
{
	switch (attr) {
	case KVM_DEV_ARM_ITS_CTRL_RESET:
		its_reset(its);
		return 0;
	case KVM_DEV_ARM_ITS_SAVE_TABLES:
		return its_save(its);
	case KVM_DEV_ARM_ITS_RESTORE_TABLES:
		return its_restore(its);
	default:
		return -ENXIO;
	}
}

/* Holds all vCPUs and the ITS still. 0 or -EBUSY. */
static int hold(struct rd_vm *vm)
{
	int ret;

	mutex_lock(&vm->lock);
	ret = rd_vm_lock_vcpus(vm);
	if (ret) {
		mutex_unlock(&vm->lock);
		return ret;
	}
	mutex_lock(&vm->vgic.dist->its_lock);
	return 0;
}

static void let_go(struct rd_vm *vm)
{
	mutex_unlock(&vm->vgic.dist->its_lock);
	rd_vm_unlock_vcpus(vm);
	mutex_unlock(&vm->lock);
}

static int control(struct rd_vgic_dev *dev, u64 attr)
{
	int ret;

	if (attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		return 0;
	ret = hold(dev->vm);
	if (ret)
		return ret;
	ret = control_locked(&dev->its, attr);
	let_go(dev->vm);
	return ret;
}

static int access_reg(struct rd_vgic_dev *dev, u64 off, bool write, u64 *val)
{
	int ret = its_has(off);

	if (ret == -EINVAL)
		return ret;
	ret = hold(dev->vm);
	if (ret)
		return ret;
	ret = dev->base == RD_ADDR_UNDEF ? -ENXIO : its_user(&dev->its, off, write, val);
	let_go(dev->vm);
	return ret;
}

int rd_its_set_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	u64 val;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return set_addr(dev, attr);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return control(dev, attr->attr);
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		if (get_user(val, (u64 __user *)attr->addr))
			return -EFAULT;
		return access_reg(dev, attr->attr, true, &val);
	default:
		return -ENXIO;
	}
}

int rd_its_get_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	u64 val = dev->base;
	int ret = 0;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		if (attr->attr != KVM_VGIC_ITS_ADDR_TYPE)
			return -ENODEV;
		break;
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		ret = access_reg(dev, attr->attr, false, &val);
		break;
	default:
		return -ENXIO;
	}
	return ret ? ret : put_user(val, (u64 __user *)attr->addr);
}

int rd_its_has_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return attr->attr == KVM_VGIC_ITS_ADDR_TYPE ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		switch (attr->attr) {
		case KVM_DEV_ARM_VGIC_CTRL_INIT:
		case KVM_DEV_ARM_ITS_CTRL_RESET:
		case KVM_DEV_ARM_ITS_SAVE_TABLES:
		case KVM_DEV_ARM_ITS_RESTORE_TABLES:
			return 0;
		default:
			return -ENXIO;
		}
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		return its_has(attr->attr);
	default:
		return -ENXIO;
	}
}
