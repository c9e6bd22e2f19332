// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC of a VM and its vCPUs: life, entry and exit, and interrupts from the
 * host. What a GIC does is in core/vgic; this file gives it a kernel to live in.
 *
 * Memory: struct rd_vgic and the struct rd_vgic_cpu hold frames that the I/O bus
 * knows. When the VM ends, the bus is the last to look at them and frees them
 * through its release function; those that never got to it are freed here.
 *
 * Locks: glue.h.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../irqroute.h"
#include "glue.h"

/* ICC_SRE_EL1 of a GIC without memory-mapped CPU interface: SRE, DFB, DIB. */
#define SRE_FIXED 7

/* ---- What core/vgic asks of the kernel ---- */

static struct rd_vcpu *vcpu_of(void *ctx, u32 cpu)
{
	struct rd_vgic *g = ctx;

	return rd_vgic_cpu_of(g->core.cpus[cpu])->vcpu;
}

static void kick(void *ctx, u32 cpu)
{
	struct rd_vcpu *vcpu = vcpu_of(ctx, cpu);

	/* NULL: the VM ends, and its interrupts with it. */
	if (vcpu)
		rd_vcpu_kick(vcpu);
}

static bool wants_eoi(void *ctx, u32 intid)
{
	struct rd_vgic *g = ctx;

	return rd_irq_has_ack(g->vm, intid - VGIC_NR_PRIVATE);
}

static void ended(void *ctx, u32 intid)
{
	struct rd_vgic *g = ctx;

	rd_irq_notify_ack(g->vm, intid - VGIC_NR_PRIVATE);
}

static bool hw_idle(void *ctx, u32 cpu, u32 intid)
{
	return rd_timer_hw_idle(vcpu_of(ctx, cpu), intid);
}

static void hw_sync(void *ctx, u32 cpu, u32 intid, bool active)
{
	rd_timer_hw_sync(vcpu_of(ctx, cpu), intid, active);
}

static int read_guest(void *ctx, u64 gpa, void *buf, u32 len)
{
	struct rd_vgic *g = ctx;

	return rd_mmu_gpa_read(g->vm, gpa, buf, len);
}

static int write_guest(void *ctx, u64 gpa, const void *buf, u32 len)
{
	struct rd_vgic *g = ctx;

	return rd_mmu_gpa_write(g->vm, gpa, buf, len);
}

static void *alloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

static void release(void *p)
{
	kvfree(p);
}

static int yield_cpu(void *ctx)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

const struct vgic_ops rd_vgic_ops = {
	.kick = kick,
	.wants_eoi = wants_eoi,
	.ended = ended,
	.hw_idle = hw_idle,
	.hw_sync = hw_sync,
	.read = read_guest,
	.write = write_guest,
	.alloc = alloc,
	.free = release,
	.yield = yield_cpu,
};

/* ---- Life ---- */

int rd_vgic_vm_init(struct rd_vm *vm)
{
	struct rd_vgic *g = kvzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);

	if (!g)
		return -ENOMEM;
	vgic_setup(&g->core, &rd_vgic_ops, g, rd_vgic_vtr());
	g->vm = vm;
	g->dist_base = RD_ADDR_UNDEF;
	INIT_LIST_HEAD(&g->regions);
	INIT_LIST_HEAD(&g->devices);
	mutex_init(&g->its_lock);
	vm->vgic.dist = g;
	return 0;
}

void rd_vgic_vm_destroy(struct rd_vm *vm)
{
	struct rd_vgic *g = vm->vgic.dist;
	struct rd_vgic_dev *dev, *next;
	u32 i;

	list_for_each_entry_safe(dev, next, &g->devices, list) {
		list_del(&dev->list);
		rd_its_destroy(g, dev);
		if (!dev->registered)
			kvfree(dev);
	}
	vgic_destroy(&g->core);
	for (i = 0; i < g->core.nr_cpus; i++) {
		struct rd_vgic_cpu *c = rd_vgic_cpu_of(g->core.cpus[i]);

		if (!c->region)
			kvfree(c);
	}
	rd_frame_destroy(g);
	vm->vgic.dist = NULL;
	if (!g->dist_registered)
		kvfree(g);
}

/*
 * A vCPU without a vGIC has interrupts too, which nobody uses: the vGIC may yet be
 * created. vm->lock held.
 */
int rd_vgic_vcpu_init(struct rd_vcpu *vcpu)
{
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	struct rd_vgic_cpu *c;
	int ret = 0;

	if (vcpu->vm->vgic.initialised)
		return -EBUSY;
	c = kvzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->vcpu = vcpu;
	mutex_lock(&vcpu->vm->slots_lock);
	if (vcpu->vm->vgic.in_kernel)
		ret = rd_frame_add_cpu(g, c);
	if (!ret) {
		ret = vgic_add_cpu(&g->core, &c->core, vcpu->id);
		if (ret)
			rd_frame_del_cpu(g, c);
	}
	mutex_unlock(&vcpu->vm->slots_lock);
	if (ret) {
		kvfree(c);
		return ret;
	}
	vcpu->vgic.cpu = c;
	return 0;
}

/* The vCPU didn't come to be; those that did go with rd_vgic_vm_destroy(). */
void rd_vgic_vcpu_destroy(struct rd_vcpu *vcpu)
{
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	struct rd_vgic_cpu *c = vcpu->vgic.cpu;

	if (vcpu->idx < rd_vm_nr_vcpus(vcpu->vm)) {
		c->vcpu = NULL;
		return;
	}
	mutex_lock(&vcpu->vm->slots_lock);
	rd_frame_del_cpu(g, c);
	vgic_del_cpu(&g->core, &c->core);
	mutex_unlock(&vcpu->vm->slots_lock);
	kvfree(c);
	vcpu->vgic.cpu = NULL;
}

static int init_locked(struct rd_vgic *g)
{
	struct rd_vm *vm = g->vm;
	int ret;

	if (vm->vgic.initialised)
		return 0;
	if (!g->nr_spis)
		g->nr_spis = 256 - VGIC_NR_PRIVATE;
	ret = vgic_init_spis(&g->core, g->nr_spis);
	if (ret)
		return ret;
	WRITE_ONCE(vm->vgic.initialised, true);
	return 0;
}

int rd_vgic_init(struct rd_vgic *g)
{
	int ret;

	mutex_lock(&g->vm->lock);
	mutex_lock(&g->vm->config_lock);
	ret = init_locked(g);
	mutex_unlock(&g->vm->config_lock);
	mutex_unlock(&g->vm->lock);
	return ret;
}

int rd_vgic_first_run(struct rd_vcpu *vcpu)
{
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	int ret = 0;

	mutex_lock(&vcpu->vm->slots_lock);
	if (!g->ready)
		ret = rd_frame_map(g);
	g->ready |= !ret;
	mutex_unlock(&vcpu->vm->slots_lock);
	if (!ret)
		vcpu->state->flags |= RD_VCPU_VGIC;
	return ret;
}

/* ---- Around the guest ---- */

void rd_vgic_load(struct rd_vcpu *vcpu)
{
}

void rd_vgic_put(struct rd_vcpu *vcpu)
{
	unsigned long flags;

	local_irq_save(flags);
	vgic_unload(&vcpu->vm->vgic.dist->core, &vcpu->vgic.cpu->core, &vcpu->state->vgic);
	local_irq_restore(flags);
}

bool rd_vgic_needs_flush(struct rd_vcpu *vcpu)
{
	return READ_ONCE(vcpu->vgic.cpu->core.work);
}

void rd_vgic_flush(struct rd_vcpu *vcpu)
{
	vgic_flush(&vcpu->vm->vgic.dist->core, &vcpu->vgic.cpu->core, &vcpu->state->vgic);
}

void rd_vgic_sync(struct rd_vcpu *vcpu)
{
	struct rd_vgic_cpu *c = vcpu->vgic.cpu;

	if (likely(!vcpu->state->vgic.used_lrs))
		return;
	vgic_sync(&vcpu->vm->vgic.dist->core, &c->core, &vcpu->state->vgic);
	WRITE_ONCE(c->syncs, c->syncs + 1);
}

bool rd_vgic_pending(struct rd_vcpu *vcpu)
{
	/* EL2 stores ICH_VMCR_EL2 at each exit. */
	return vgic_cpu_pending(&vcpu->vm->vgic.dist->core, &vcpu->vgic.cpu->core,
				&vcpu->state->vgic.vmcr);
}

void rd_vgic_block(struct rd_vcpu *vcpu)
{
}

void rd_vgic_unblock(struct rd_vcpu *vcpu)
{
}

/* ---- Interrupts ---- */

int rd_vgic_inject(struct rd_vm *vm, struct rd_vcpu *vcpu, u32 intid, bool level, void *owner)
{
	struct vgic_cpu *c = vcpu ? &vcpu->vgic.cpu->core : NULL;

	return vgic_inject(&vm->vgic.dist->core, c, intid, level, owner);
}

static int line_of_ppi(struct rd_vm *vm, u32 vcpu_idx, u32 intid, bool level)
{
	struct rd_vcpu *vcpu = rd_vm_vcpu(vm, vcpu_idx);

	if (!vcpu || intid < VGIC_NR_SGIS || intid >= VGIC_NR_PRIVATE)
		return -EINVAL;
	return rd_vgic_inject(vm, vcpu, intid, level, NULL);
}

int rd_vgic_irq_line(struct rd_vm *vm, u32 irq, bool level)
{
	u32 type = irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK;
	u32 intid = irq >> KVM_ARM_IRQ_NUM_SHIFT & KVM_ARM_IRQ_NUM_MASK;
	u32 vcpu = (irq >> KVM_ARM_IRQ_VCPU_SHIFT & KVM_ARM_IRQ_VCPU_MASK) +
		   (irq >> KVM_ARM_IRQ_VCPU2_SHIFT & KVM_ARM_IRQ_VCPU2_MASK) *
			   (KVM_ARM_IRQ_VCPU_MASK + 1);

	if (type == KVM_ARM_IRQ_TYPE_PPI)
		return line_of_ppi(vm, vcpu, intid, level);
	if (type != KVM_ARM_IRQ_TYPE_SPI || intid < VGIC_NR_PRIVATE)
		return -EINVAL;
	return rd_vgic_inject(vm, NULL, intid, level, NULL);
}

u32 rd_vgic_nr_spis(struct rd_vm *vm)
{
	return vm->vgic.dist->core.nr_spis;
}

int rd_vgic_claim(struct rd_vcpu *vcpu, u32 intid, u32 hw_intid, void *owner)
{
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	struct vgic_cpu *c = &vcpu->vgic.cpu->core;
	struct vgic_irq *irq = vgic_irq(&g->core, c, intid);
	const void *old = cmpxchg(&irq->owner, NULL, owner);

	if (old && old != owner)
		return -EEXIST;
	if (hw_intid)
		vgic_map_hw(&g->core, c, intid, hw_intid);
	return 0;
}

bool rd_vgic_is_active(struct rd_vcpu *vcpu, u32 intid)
{
	return vgic_irq_is_active(&vcpu->vgic.cpu->core.priv[intid]);
}

void rd_vgic_reset_ppi(struct rd_vcpu *vcpu, u32 intid)
{
	struct vgic *d = &vcpu->vm->vgic.dist->core;
	struct vgic_irq *irq = vgic_irq(d, &vcpu->vgic.cpu->core, intid);

	vgic_irq_change(d, irq, VGIC_LINE_LOW);
	vgic_irq_change(d, irq, VGIC_UNPEND);
	vgic_irq_change(d, irq, VGIC_DEACTIVATE);
}

bool rd_vgic_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	struct vgic *d = &vcpu->vm->vgic.dist->core;
	struct vgic_cpu *c = &vcpu->vgic.cpu->core;

	switch (sysreg) {
	case SYS_ICC_SGI1R_EL1:
	case SYS_ICC_ASGI1R_EL1:
	case SYS_ICC_SGI0R_EL1:
		if (!write)
			return false;
		vgic_send_sgi(d, c, *val, sysreg == SYS_ICC_SGI1R_EL1);
		return true;
	case SYS_ICC_DIR_EL1:
		if (!write)
			return false;
		vgic_write_dir(d, c, *val);
		return true;
	case SYS_ICC_SRE_EL1:
		if (!write)
			*val = SRE_FIXED;
		return true;
	default:
		return false;
	}
}
