/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual GICv3 as the run loop, the ioctls and the timers use it.
 */
#ifndef REDOUBT_KMOD_VGIC_H
#define REDOUBT_KMOD_VGIC_H

#include <linux/kvm.h>
#include <linux/types.h>

struct file;
struct rd_vm;
struct rd_vcpu;

struct rd_vgic;
struct rd_vgic_cpu;

struct rd_vgic_vm {
	bool in_kernel;	  /* a vGICv3 was created: interrupts go to it, not to user space */
	bool initialised; /* KVM_DEV_ARM_VGIC_CTRL_INIT done */
	struct rd_vgic *dist;
};

struct rd_vgic_vcpu {
	struct rd_vgic_cpu *cpu;
};

/* Module load and unload: what the CPU's interface has, the maintenance interrupt. */
int rd_vgic_module_init(void);
void rd_vgic_module_exit(void);

/* A VM and a vCPU begin and end. A VM's end frees all devices made by create. */
int rd_vgic_vm_init(struct rd_vm *vm);
void rd_vgic_vm_destroy(struct rd_vm *vm);
int rd_vgic_vcpu_init(struct rd_vcpu *vcpu);
void rd_vgic_vcpu_destroy(struct rd_vcpu *vcpu);

/* KVM_CHECK_EXTENSION of IRQCHIP, IRQFD, MSI_DEVID, SIGNAL_MSI...: value, or -ENOTTY if not one. */
int rd_vgic_check_cap(u64 cap);

/*
 * KVM_CREATE_DEVICE of KVM_DEV_TYPE_ARM_VGIC_V3 and _ITS. vm->lock held. Stores the
 * device in *@dev. -ENODEV for other types, -EEXIST, -EBUSY.
 */
struct rd_vgic_dev;
int rd_vgic_create(struct rd_vm *vm, u32 type, struct rd_vgic_dev **dev);
/* Only asks whether the type exists (KVM_CREATE_DEVICE_TEST): 0 or -ENODEV. */
int rd_vgic_has_type(u32 type);

/* KVM_SET/GET/HAS_DEVICE_ATTR on a device's descriptor. They take the locks they need. */
int rd_vgic_set_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);
int rd_vgic_get_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);
int rd_vgic_has_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);

/* KVM_ARM_SET_DEVICE_ADDR, the legacy form. -ENODEV without a vGIC. */
int rd_vgic_set_addr(struct rd_vm *vm, const struct kvm_arm_device_addr *addr);

/* Before a vCPU's first run: maps the frames. -EBUSY and others end KVM_RUN. Preemptible. */
int rd_vgic_first_run(struct rd_vcpu *vcpu);

/* The vCPU comes to, leaves this CPU. Preemption off. */
void rd_vgic_load(struct rd_vcpu *vcpu);
void rd_vgic_put(struct rd_vcpu *vcpu);

/*
 * Interrupts off, around each entry: flush fills state->vgic and RD_VCPU_VGIC in
 * state->flags, sync reads back what the guest did. Called only with in_kernel set.
 */
void rd_vgic_flush(struct rd_vcpu *vcpu);
void rd_vgic_sync(struct rd_vcpu *vcpu);

/* True if flush must run before the next entry; a load of a word or two. Interrupts off. */
bool rd_vgic_needs_flush(struct rd_vcpu *vcpu);

/* True if an enabled interrupt is pending that the vCPU would take. Any context. */
bool rd_vgic_pending(struct rd_vcpu *vcpu);

/* The vCPU is about to block, has woken up (doorbells, maintenance). Preemption on. */
void rd_vgic_block(struct rd_vcpu *vcpu);
void rd_vgic_unblock(struct rd_vcpu *vcpu);

/*
 * Changes the level of a line: SPI @intid (32..), or with @vcpu a PPI (16..31).
 * Any context. @owner NULL for user space; a PPI that was claimed takes its owner's only.
 */
int rd_vgic_inject(struct rd_vm *vm, struct rd_vcpu *vcpu, u32 intid, bool level, void *owner);

/*
 * PPI @intid is @owner's: nobody else may inject it. With @hw_intid not 0, its end
 * in the guest deactivates that physical interrupt as well, and rd_timer_hw_idle()
 * hears of it. -EEXIST: it has another owner.
 */
int rd_vgic_claim(struct rd_vcpu *vcpu, u32 intid, u32 hw_intid, void *owner);

/* True while the guest handles PPI @intid, as far as the last exit has shown. */
bool rd_vgic_is_active(struct rd_vcpu *vcpu, u32 intid);

/* PPI @intid is neither pending nor active any more, nor its line up. vCPU not loaded. */
void rd_vgic_reset_ppi(struct rd_vcpu *vcpu, u32 intid);

/* KVM_IRQ_LINE with an in-kernel vGIC: @irq as in the ioctl. */
int rd_vgic_irq_line(struct rd_vm *vm, u32 irq, bool level);

/* An MSI through the ITS. 1 delivered, 0 lost by the guest's choice, or a negative errno. */
int rd_vgic_inject_msi(struct rd_vm *vm, const struct kvm_msi *msi);
/* The same without sleeping; -EWOULDBLOCK where only the form above can. */
int rd_vgic_inject_msi_atomic(struct rd_vm *vm, const struct kvm_msi *msi);

/* How many SPIs there are: lines of the irqchip in IRQ routing (0 before init). */
u32 rd_vgic_nr_spis(struct rd_vm *vm);

/*
 * A trapped access to an ICC_*, ICH_* register: @sysreg as ESR_ELx.ISS encodes it,
 * (Op0,Op1,CRn,CRm,Op2) as in sys_reg(). Value in and out through *@val. False: the
 * register doesn't exist, the caller injects UNDEF.
 */
bool rd_vgic_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val);

#endif /* REDOUBT_KMOD_VGIC_H */
