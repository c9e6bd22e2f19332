// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC as KVM devices: creation, and the attributes of KVM_DEV_TYPE_ARM_VGIC_V3
 * (Documentation/virt/kvm/devices/arm-vgic-v3.rst). GICv2 is refused as a type that
 * doesn't exist. The ITS's attributes are in its.c.
 *
 * Locks: glue.h. Attributes that read or write the state of a vCPU or an interrupt
 * hold all vCPUs still.
 */
#include <linux/bitfield.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "glue.h"

#define REGION_INDEX GENMASK_ULL(11, 0)
#define REGION_FLAGS GENMASK_ULL(15, 12)
#define REGION_BASE  GENMASK_ULL(51, 16)
#define REGION_COUNT GENMASK_ULL(63, 52)

/* ---- Creation ---- */

int rd_vgic_has_type(u32 type)
{
	return type == KVM_DEV_TYPE_ARM_VGIC_V3 || type == KVM_DEV_TYPE_ARM_VGIC_ITS ? 0 : -ENODEV;
}

/* All vCPUs are still. */
static int create_v3(struct rd_vgic *g)
{
	struct rd_vm *vm = g->vm;
	struct rd_vcpu *vcpu;
	unsigned long i;

	if (vm->vgic.in_kernel)
		return -EEXIST;
	rd_vm_for_each_vcpu(i, vcpu, vm)
		if (vcpu->ran_once)
			return -EBUSY;
	WRITE_ONCE(vm->vgic.in_kernel, true);
	return 0;
}

static int create_locked(struct rd_vgic *g, struct rd_vgic_dev *dev)
{
	int ret;

	if (dev->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		return rd_its_create(g, dev);
	ret = rd_vm_lock_vcpus(g->vm);
	if (ret)
		return ret;
	ret = create_v3(g);
	rd_vm_unlock_vcpus(g->vm);
	return ret;
}

int rd_vgic_create(struct rd_vm *vm, u32 type, struct rd_vgic_dev **dev)
{
	struct rd_vgic *g = vm->vgic.dist;
	struct rd_vgic_dev *new;
	int ret = rd_vgic_has_type(type);

	if (ret)
		return ret;
	new = kvzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->vm = vm;
	new->type = type;
	ret = create_locked(g, new);
	if (ret) {
		kvfree(new);
		return ret;
	}
	list_add_tail(&new->list, &g->devices);
	*dev = new;
	return 0;
}

int rd_vgic_set_addr(struct rd_vm *vm, const struct kvm_arm_device_addr *addr)
{
	/* The form is the GICv2's alone. */
	return -ENODEV;
}

/* ---- Addresses ---- */

static int add_region(struct rd_vgic *g, u64 val)
{
	if (!FIELD_GET(REGION_COUNT, val) || FIELD_GET(REGION_FLAGS, val))
		return -EINVAL;
	return rd_frame_add_region(g, FIELD_GET(REGION_INDEX, val), val & REGION_BASE,
				   FIELD_GET(REGION_COUNT, val));
}

static int set_addr_locked(struct rd_vgic *g, u64 attr, u64 val)
{
	switch (attr) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		return rd_frame_set_dist(g, val);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		return rd_frame_add_region(g, 0, val, 0);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		return add_region(g, val);
	default:
		return -ENXIO;
	}
}

static int get_addr_locked(struct rd_vgic *g, u64 attr, u64 *val)
{
	u64 index = attr == KVM_VGIC_V3_ADDR_TYPE_REDIST ? 0 : FIELD_GET(REGION_INDEX, *val);
	struct rd_redist_region *r = rd_frame_region(g, index);

	switch (attr) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		*val = g->dist_base;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		*val = r ? r->base : RD_ADDR_UNDEF;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		if (!r)
			return -ENOENT;
		*val = index | r->base | FIELD_PREP(REGION_COUNT, r->count);
		return 0;
	default:
		return -ENXIO;
	}
}

static int access_addr(struct rd_vgic *g, const struct kvm_device_attr *attr, bool write)
{
	u64 __user *user = (u64 __user *)attr->addr;
	u64 val = 0;
	int ret;

	if (write || attr->attr == KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION)
		if (get_user(val, user))
			return -EFAULT;
	mutex_lock(&g->vm->slots_lock);
	if (write)
		ret = set_addr_locked(g, attr->attr, val);
	else
		ret = get_addr_locked(g, attr->attr, &val);
	mutex_unlock(&g->vm->slots_lock);
	if (!ret && !write)
		ret = put_user(val, user);
	return ret;
}

/* ---- Number of interrupts ---- */

static int set_nr_irqs(struct rd_vgic *g, u32 __user *user)
{
	int ret = 0;
	u32 nr;

	if (get_user(nr, user))
		return -EFAULT;
	if (nr < VGIC_NR_PRIVATE + 32 || nr > 1023 || nr % 32)
		return -EINVAL;
	mutex_lock(&g->vm->config_lock);
	if (g->nr_spis)
		ret = -EBUSY;
	else
		g->nr_spis = nr - VGIC_NR_PRIVATE;
	mutex_unlock(&g->vm->config_lock);
	return ret;
}

/* ---- Registers ---- */

static struct rd_vcpu *vcpu_of_attr(struct rd_vm *vm, const struct kvm_device_attr *attr)
{
	u64 aff = FIELD_GET(KVM_DEV_ARM_VGIC_V3_MPIDR_MASK, attr->attr);

	/* The distributor's registers are nobody's in particular. */
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS)
		return rd_vm_vcpu(vm, 0);
	/* Aff3 is in bits 39:32 of MPIDR_EL1. */
	return rd_vm_vcpu_by_mpidr(vm, (aff & 0xffffff) | (aff & 0xff000000) << 8);
}

static int access_lines(struct vgic *d, struct vgic_cpu *c, u64 attr, bool write, u32 *val)
{
	u32 intid = attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;

	if (FIELD_GET(KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK, attr) != VGIC_LEVEL_INFO_LINE_LEVEL ||
	    intid % 32)
		return -EINVAL;
	if (write)
		vgic_write_lines(d, c, intid, *val);
	else
		*val = vgic_read_lines(d, c, intid);
	return 0;
}

/* All vCPUs are still; @val has 64 bits for CPU interface registers only. */
static int access_reg(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr, bool write,
		      u64 *val)
{
	struct vgic *d = &vcpu->vm->vgic.dist->core;
	struct vgic_cpu *c = &vcpu->vgic.cpu->core;
	u32 off = attr->attr & KVM_DEV_ARM_VGIC_OFFSET_MASK, val32 = *val;
	int ret;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		return vgic_sysreg_user(d, c, &vcpu->state->vgic,
					attr->attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK, write, val);
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
		ret = vgic_dist_user(d, off, write, &val32);
		break;
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
		ret = vgic_redist_user(d, c, off, write, &val32);
		break;
	default:
		ret = access_lines(d, c, attr->attr, write, &val32);
		break;
	}
	*val = val32;
	return ret;
}

static int access_reg_still(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr, bool write,
			    u64 *val)
{
	struct rd_vm *vm = vcpu->vm;
	int ret;

	mutex_lock(&vm->lock);
	ret = rd_vm_lock_vcpus(vm);
	if (!ret) {
		ret = vm->vgic.initialised ? access_reg(vcpu, attr, write, val) : -EBUSY;
		rd_vm_unlock_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static int access_user_reg(struct rd_vgic *g, const struct kvm_device_attr *attr, bool write)
{
	bool wide = attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	struct rd_vcpu *vcpu = vcpu_of_attr(g->vm, attr);
	u64 val = 0;
	u32 val32 = 0;
	int ret;

	if (!vcpu)
		return -EINVAL;
	if (write && (wide ? get_user(val, (u64 __user *)attr->addr)
			   : get_user(val32, (u32 __user *)attr->addr)))
		return -EFAULT;
	if (!wide)
		val = val32;
	ret = access_reg_still(vcpu, attr, write, &val);
	if (ret || write)
		return ret;
	return wide ? put_user(val, (u64 __user *)attr->addr)
		    : put_user((u32)val, (u32 __user *)attr->addr);
}

/* ---- Control ---- */

static int save_pending(struct rd_vgic *g)
{
	struct rd_vm *vm = g->vm;
	int ret;

	mutex_lock(&vm->lock);
	ret = rd_vm_lock_vcpus(vm);
	if (!ret) {
		ret = vm->vgic.initialised ? vgic_lpi_save_pending(&g->core) : -ENXIO;
		rd_vm_unlock_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static int control(struct rd_vgic *g, u64 attr)
{
	switch (attr) {
	case KVM_DEV_ARM_VGIC_CTRL_INIT:
		return rd_vgic_init(g);
	case KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES:
		return save_pending(g);
	default:
		return -ENXIO;
	}
}

/* ---- Attributes ---- */

int rd_vgic_set_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	struct rd_vgic *g = dev->vm->vgic.dist;

	if (dev->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		return rd_its_set_attr(dev, attr);
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return access_addr(g, attr, true);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return set_nr_irqs(g, (u32 __user *)attr->addr);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return control(g, attr->attr);
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return access_user_reg(g, attr, true);
	default:
		return -ENXIO;
	}
}

int rd_vgic_get_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	struct rd_vgic *g = dev->vm->vgic.dist;

	if (dev->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		return rd_its_get_attr(dev, attr);
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return access_addr(g, attr, false);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return put_user(g->nr_spis + VGIC_NR_PRIVATE, (u32 __user *)attr->addr);
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return access_user_reg(g, attr, false);
	default:
		return -ENXIO;
	}
}

static int has_reg(struct rd_vgic *g, const struct kvm_device_attr *attr)
{
	u32 off = attr->attr & KVM_DEV_ARM_VGIC_OFFSET_MASK;

	if (!vcpu_of_attr(g->vm, attr))
		return -EINVAL;
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS)
		return vgic_sysreg_has(attr->attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK);
	return attr->group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS ? vgic_dist_has(&g->core, off)
							     : vgic_redist_has(off);
}

int rd_vgic_has_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr)
{
	struct rd_vgic *g = dev->vm->vgic.dist;

	if (dev->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		return rd_its_has_attr(dev, attr);
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return attr->attr >= KVM_VGIC_V3_ADDR_TYPE_DIST &&
		       attr->attr <= KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION &&
		       attr->attr != KVM_VGIC_ITS_ADDR_TYPE ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		return has_reg(g, attr);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return 0;
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return FIELD_GET(KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK, attr->attr) ==
		       VGIC_LEVEL_INFO_LINE_LEVEL ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return attr->attr == KVM_DEV_ARM_VGIC_CTRL_INIT ||
		       attr->attr == KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES ? 0 : -ENXIO;
	default:
		return -ENXIO;
	}
}
