// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a VM's descriptor. Each copies its argument in once, takes the locks
 * that vm.h orders, and calls the owner of the matter; bounds are checked there.
 */
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "coalesced.h"
#include "kvm_dev.h"
#include "vcpu.h"
#include "vm.h"

/* Copies an ioctl's argument into a local variable. */
#define FETCH(var, arg) (copy_from_user(&(var), (void __user *)(arg), sizeof(var)) ? -EFAULT : 0)

static int set_region(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	struct kvm_userspace_memory_region2 region = {};
	size_t size = cmd == KVM_SET_USER_MEMORY_REGION ?
			      sizeof(struct kvm_userspace_memory_region) : sizeof(region);
	int ret;

	if (copy_from_user(&region, (void __user *)arg, size))
		return -EFAULT;
	if (region.flags & KVM_MEM_GUEST_MEMFD)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = rd_mmu_set_region(vm, &region);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int get_dirty_log(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_dirty_log log;
	int ret = FETCH(log, arg);

	if (ret)
		return ret;
	mutex_lock(&vm->slots_lock);
	ret = rd_mmu_get_dirty_log(vm, &log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int clear_dirty_log(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_clear_dirty_log log;
	int ret = FETCH(log, arg);

	if (ret)
		return ret;
	mutex_lock(&vm->slots_lock);
	ret = rd_mmu_clear_dirty_log(vm, &log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int enable_cap(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_enable_cap cap;
	int ret = FETCH(cap, arg);

	if (ret)
		return ret;
	ret = rd_mmu_enable_cap(vm, &cap);
	if (ret != -ENOTTY)
		return ret;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_ARM_NISV_TO_USER:
		set_bit(RD_VM_NISV_TO_USER, &vm->flags);
		return 0;
	case KVM_CAP_ARM_SYSTEM_SUSPEND:
		set_bit(RD_VM_SUSPEND_TO_USER, &vm->flags);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The line of a vCPU's core: HCR_EL2.VI or VF, with the controller in user space. */
static int core_line(struct rd_vm *vm, u32 id, u32 irq, bool level)
{
	struct rd_vcpu *vcpu = rd_vm_vcpu_by_id(vm, id);

	if (vm->vgic.in_kernel)
		return -ENXIO;
	if (!vcpu || irq > KVM_ARM_IRQ_CPU_FIQ)
		return -EINVAL;
	if (level ? test_and_set_bit(irq, &vcpu->irq_lines) :
		    !test_and_clear_bit(irq, &vcpu->irq_lines))
		return 0;
	rd_vcpu_request(vcpu, RD_REQ_KICK);
	rd_vcpu_kick(vcpu);
	return 0;
}

static int irq_line(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	struct kvm_irq_level level;
	u32 type, vcpu, irq;
	int ret = FETCH(level, arg);

	if (ret)
		return ret;
	type = (level.irq >> KVM_ARM_IRQ_TYPE_SHIFT) & KVM_ARM_IRQ_TYPE_MASK;
	irq = (level.irq >> KVM_ARM_IRQ_NUM_SHIFT) & KVM_ARM_IRQ_NUM_MASK;
	vcpu = (level.irq >> KVM_ARM_IRQ_VCPU_SHIFT) & KVM_ARM_IRQ_VCPU_MASK;
	vcpu += ((level.irq >> KVM_ARM_IRQ_VCPU2_SHIFT) & KVM_ARM_IRQ_VCPU2_MASK) *
		(KVM_ARM_IRQ_VCPU_MASK + 1);
	if (type == KVM_ARM_IRQ_TYPE_CPU)
		ret = core_line(vm, vcpu, irq, level.level);
	else
		ret = vm->vgic.in_kernel ? rd_vgic_irq_line(vm, level.irq, level.level) : -ENXIO;
	if (ret || cmd != KVM_IRQ_LINE_STATUS)
		return ret;
	level.status = 1;
	return copy_to_user((void __user *)arg, &level, sizeof(level)) ? -EFAULT : 0;
}

static int signal_msi(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_msi msi;
	int ret = FETCH(msi, arg);

	if (ret)
		return ret;
	if (msi.flags & ~KVM_MSI_VALID_DEVID)
		return -EINVAL;
	return vm->vgic.in_kernel ? rd_vgic_inject_msi(vm, &msi) : -EINVAL;
}

static int preferred_target(unsigned long arg)
{
	struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8 };

	return copy_to_user((void __user *)arg, &init, sizeof(init)) ? -EFAULT : 0;
}

static int set_counter_offset(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_arm_counter_offset offset;
	int ret = FETCH(offset, arg);

	if (ret)
		return ret;
	if (offset.reserved)
		return -EINVAL;
	/* EL2 gives protected guests the host's counter. */
	if (vm->is_protected)
		return -EPERM;
	mutex_lock(&vm->lock);
	ret = rd_vm_lock_vcpus(vm);
	if (!ret) {
		set_bit(RD_VM_COUNTER_SET, &vm->flags);
		rd_timer_set_offset(vm, offset.counter_offset);
		rd_vm_unlock_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/* The VM's own attributes: the SMCCC filter. */
static int device_attr(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	struct kvm_device_attr attr;
	int ret = FETCH(attr, arg);

	if (ret)
		return ret;
	if (cmd == KVM_GET_DEVICE_ATTR || attr.flags || attr.group != KVM_ARM_VM_SMCCC_CTRL ||
	    attr.attr != KVM_ARM_VM_SMCCC_FILTER)
		return -ENXIO;
	return cmd == KVM_HAS_DEVICE_ATTR ? 0 : rd_smccc_set_filter(vm, &attr);
}

static int set_device_addr(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_arm_device_addr addr;
	int ret = FETCH(addr, arg);

	return ret ? ret : rd_vgic_set_addr(vm, &addr);
}

static int create_device(struct rd_vm *vm, unsigned long arg)
{
	struct kvm_create_device cd;
	int ret = FETCH(cd, arg);

	if (!ret)
		ret = rd_device_create(vm, &cd);
	if (ret)
		return ret;
	/* The descriptor is the process's already: it sees its number or a fault. */
	return copy_to_user((void __user *)arg, &cd, sizeof(cd)) ? -EFAULT : 0;
}

static int coalesced_zone(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	struct kvm_coalesced_mmio_zone zone;
	int ret = FETCH(zone, arg);

	if (ret)
		return ret;
	return cmd == KVM_REGISTER_COALESCED_MMIO ? rd_coalesced_add(vm, &zone) :
						    rd_coalesced_remove(vm, &zone);
}

static int eventfd(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	struct kvm_irqfd irqfd;
	struct kvm_ioeventfd io;
	int ret;

	if (cmd == KVM_IRQFD) {
		ret = FETCH(irqfd, arg);
		return ret ? ret : rd_irqfd(vm, &irqfd);
	}
	ret = FETCH(io, arg);
	return ret ? ret : rd_ioeventfd(vm, &io);
}

static int writable_masks(struct rd_vm *vm, unsigned long arg)
{
	struct reg_mask_range range;
	int ret = FETCH(range, arg);

	return ret ? ret : rd_idregs_writable_masks(vm, &range);
}

long rd_vm_ioctl(struct rd_vm *vm, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_CREATE_VCPU:
		return rd_vcpu_create_fd(vm, min_t(unsigned long, arg, U32_MAX));
	case KVM_ENABLE_CAP:
		return enable_cap(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_SET_USER_MEMORY_REGION2:
		return set_region(vm, cmd, arg);
	case KVM_GET_DIRTY_LOG:
		return get_dirty_log(vm, arg);
	case KVM_CLEAR_DIRTY_LOG:
		return clear_dirty_log(vm, arg);
	case KVM_RESET_DIRTY_RINGS:
		return rd_ring_reset_all(vm);
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return coalesced_zone(vm, cmd, arg);
	case KVM_IRQFD:
	case KVM_IOEVENTFD:
		return eventfd(vm, cmd, arg);
	case KVM_SIGNAL_MSI:
		return signal_msi(vm, arg);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return irq_line(vm, cmd, arg);
	case KVM_SET_GSI_ROUTING:
		return rd_irq_set_routing(vm, (void __user *)arg);
	case KVM_CREATE_DEVICE:
		return create_device(vm, arg);
	case KVM_CREATE_IRQCHIP:
		/* Only a GICv2, which a GICv3 CPU interface without legacy support isn't. */
		return -ENODEV;
	case KVM_ARM_SET_DEVICE_ADDR:
		return set_device_addr(vm, arg);
	case KVM_ARM_PREFERRED_TARGET:
		return preferred_target(arg);
	case KVM_CHECK_EXTENSION:
		return rd_check_cap(vm, vm->is_protected, arg);
	case KVM_ARM_SET_COUNTER_OFFSET:
		return set_counter_offset(vm, arg);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return device_attr(vm, cmd, arg);
	case KVM_ARM_GET_REG_WRITABLE_MASKS:
		return writable_masks(vm, arg);
	case KVM_GET_STATS_FD:
		return rd_stats_vm_fd(vm);
	default:
		return -EINVAL;
	}
}
