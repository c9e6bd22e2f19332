// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guests' timers.
 *
 * The virtual timer is the hardware's own: a host that was booted at EL2 ticks on
 * the physical one. While a vCPU is loaded, so are its CNTV registers, and the
 * timer's PPI takes the vCPU out of the guest. It is made active at the physical
 * GIC, so that it does not come again; the guest's end of the virtual interrupt ends
 * the physical one too, by the list register's HW bit. A tick costs one exit. If it
 * was the timer that ended the run, rd_timer_sync() sees that while interrupts are
 * off, and by making the interrupt active spares the host from taking it. One that
 * the host takes (between two runs) stays active when the handler returns: it is
 * "forwarded", in Linux's words.
 *
 * Invariant: while a vCPU is loaded with interrupts on, the physical interrupt of
 * this CPU is active exactly if the vCPU's line is up or its guest handles the
 * interrupt. phys_active is what we know of it: set by the handler, cleared when
 * the guest has ended it, and changed by hand otherwise.
 *
 * The physical timer (CNTP) belongs to the host: a guest's accesses trap, and an
 * hrtimer stands for it. While a vCPU is blocked, one more hrtimer raises the line
 * of whichever timer is due.
 *
 * Locks: a vCPU's timers belong to its thread; its hrtimers run on its CPU while it
 * is loaded, so that interrupts off keep them out, and are cancelled before
 * anything else. The vGIC's locks are taken inside.
 */
#include <linux/irq.h>
#include <linux/math64.h>
#include <linux/uaccess.h>
#include <asm/arch_timer.h>
#include <asm/sysreg.h>

#include "timer.h"
#include "vcpu.h"
#include "vgic/ppi.h"

#define DEFAULT_VIRT_IRQ 27
#define DEFAULT_PHYS_IRQ 30

#define CTL_ENABLE  ARCH_TIMER_CTRL_ENABLE
#define CTL_IMASK   ARCH_TIMER_CTRL_IT_MASK
#define CTL_ISTATUS ARCH_TIMER_CTRL_IT_STAT

/* The virtual timer's physical interrupt is active on this CPU. Interrupts off. */
static DEFINE_PER_CPU(bool, phys_active);

static void set_phys_active(bool active)
{
	__this_cpu_write(phys_active, active);
	WARN_ON_ONCE(irq_set_irqchip_state(rd_ppi_irq(RD_PPI_VIRT_TIMER), IRQCHIP_STATE_ACTIVE,
					   active));
}

/* ---- Time ---- */

static u64 virt_count(struct rd_vcpu *vcpu)
{
	return __arch_counter_get_cntpct() - READ_ONCE(vcpu->vm->timer.voffset);
}

static u64 phys_count(struct rd_vcpu *vcpu)
{
	return __arch_counter_get_cntpct() - READ_ONCE(vcpu->vm->timer.poffset);
}

static bool can_fire(const struct rd_timer *t)
{
	return (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
}

static bool should_fire(const struct rd_timer *t, u64 now)
{
	return can_fire(t) && t->cval <= now;
}

/* From @now until the timer fires, rounded up; at most a day, after which one looks again. */
static u64 ns_until(const struct rd_timer *t, u64 now)
{
	u64 freq = arch_timer_get_cntfrq(), cycles = t->cval - now;

	cycles = min(cycles, freq * 86400);
	return cycles / freq * NSEC_PER_SEC + DIV_ROUND_UP(cycles % freq * NSEC_PER_SEC, freq);
}

/* ---- Lines ---- */

/* The loaded virtual timer's output. */
static bool virt_asserted(void)
{
	return (read_sysreg(cntv_ctl_el0) & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) ==
	       (CTL_ENABLE | CTL_ISTATUS);
}

static void set_line(struct rd_vcpu *vcpu, struct rd_timer *t, bool level)
{
	struct rd_vm *vm = vcpu->vm;
	u32 intid = t == &vcpu->timer.virt ? vm->timer.virt_irq : vm->timer.phys_irq;

	if (t->level == level)
		return;
	t->level = level;
	if (vm->vgic.in_kernel)
		rd_vgic_inject(vm, vcpu, intid, level, t);
	else if (level)
		rd_vcpu_kick(vcpu);
}

/* Raises the line of @t if it is due at @now; else returns the ns until it fires, U64_MAX: never. */
static u64 raise_or_wait(struct rd_vcpu *vcpu, struct rd_timer *t, u64 now)
{
	if (!can_fire(t))
		return U64_MAX;
	if (t->cval > now)
		return ns_until(t, now);
	set_line(vcpu, t, true);
	return U64_MAX;
}

/*
 * Raises the lines of timers that are due, while neither is loaded. Returns the time
 * until the next of the others, U64_MAX: none. Both answers are of one reading of the
 * counter: a timer that came due between two would be neither raised nor waited for.
 */
static u64 raise_due(struct rd_vcpu *vcpu)
{
	struct rd_vm_timer *vt = &vcpu->vm->timer;
	u64 now = __arch_counter_get_cntpct();
	u64 v = raise_or_wait(vcpu, &vcpu->timer.virt, now - READ_ONCE(vt->voffset));
	u64 p = raise_or_wait(vcpu, &vcpu->timer.phys, now - READ_ONCE(vt->poffset));

	return min(v, p);
}

/* ---- The virtual timer's interrupt ---- */

static irqreturn_t virt_handler(int irq, void *cookie)
{
	struct rd_vcpu *vcpu = rd_vcpu_current();

	__this_cpu_write(phys_active, true);
	/* It may come late, when the timer has been put: then load() clears it up. */
	if (!vcpu || !vcpu->timer.loaded)
		return IRQ_HANDLED;
	if (virt_asserted())
		set_line(vcpu, &vcpu->timer.virt, true);
	else
		vcpu->timer.stray = true;
	return IRQ_HANDLED;
}

bool rd_timer_hw_idle(struct rd_vcpu *vcpu, u32 intid)
{
	__this_cpu_write(phys_active, false);
	/* If it is still up, the physical interrupt comes again at once. */
	vcpu->timer.virt.level = vcpu->timer.loaded && virt_asserted();
	return vcpu->timer.virt.level;
}

void rd_timer_hw_sync(struct rd_vcpu *vcpu, u32 intid, bool active)
{
	if (__this_cpu_read(phys_active) != active)
		set_phys_active(active);
}

static bool guest_handles(struct rd_vcpu *vcpu)
{
	return vcpu->vm->vgic.in_kernel && rd_vgic_is_active(vcpu, vcpu->vm->timer.virt_irq);
}

/* The timer has fired, and its interrupt has not been taken: then it needn't be. */
static void raise_untaken(struct rd_vcpu *vcpu)
{
	set_line(vcpu, &vcpu->timer.virt, true);
	if (!__this_cpu_read(phys_active))
		set_phys_active(true);
}

static void take_back(struct rd_vcpu *vcpu)
{
	vcpu->timer.stray = false;
	set_line(vcpu, &vcpu->timer.virt, false);
	if (__this_cpu_read(phys_active) && !guest_handles(vcpu))
		set_phys_active(false);
}

void rd_timer_sync(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;
	bool up = virt_asserted();

	if (likely(up == ctx->virt.level && !ctx->stray))
		return;
	if (up)
		raise_untaken(vcpu);
	else
		take_back(vcpu);
}

/* ---- The physical timer ---- */

/* Its line, and the hrtimer that will raise it. Loaded, interrupts off. */
static void update_phys(struct rd_vcpu *vcpu)
{
	struct rd_timer *t = &vcpu->timer.phys;
	u64 now;

	if (!can_fire(t)) {
		set_line(vcpu, t, false);
		return;
	}
	now = phys_count(vcpu);
	set_line(vcpu, t, t->cval <= now);
	if (t->cval > now)
		hrtimer_start(&vcpu->timer.phys_timer, ns_to_ktime(ns_until(t, now)),
			      HRTIMER_MODE_REL_PINNED_HARD);
}

static enum hrtimer_restart phys_expired(struct hrtimer *hrt)
{
	struct rd_vcpu *vcpu = container_of(hrt, struct rd_vcpu, timer.phys_timer);
	struct rd_timer *t = &vcpu->timer.phys;
	u64 now = phys_count(vcpu);

	if (!can_fire(t))
		return HRTIMER_NORESTART;
	if (t->cval > now) {
		hrtimer_forward_now(hrt, ns_to_ktime(ns_until(t, now)));
		return HRTIMER_RESTART;
	}
	set_line(vcpu, t, true);
	return HRTIMER_NORESTART;
}

/* ---- Load and put ---- */

void rd_timer_load(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;
	unsigned long flags;
	bool active;

	if (!ctx->enabled)
		return;
	local_irq_save(flags);
	set_line(vcpu, &ctx->virt, should_fire(&ctx->virt, virt_count(vcpu)));
	active = ctx->virt.level || guest_handles(vcpu);
	if (__this_cpu_read(phys_active) != active)
		set_phys_active(active);
	ctx->stray = false;
	write_sysreg(ctx->virt.cval, cntv_cval_el0);
	isb();
	write_sysreg(ctx->virt.ctl, cntv_ctl_el0);
	isb();
	ctx->loaded = true;
	update_phys(vcpu);
	local_irq_restore(flags);
}

void rd_timer_put(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;
	unsigned long flags;

	if (!ctx->loaded)
		return;
	local_irq_save(flags);
	ctx->virt.ctl = read_sysreg(cntv_ctl_el0) & (CTL_ENABLE | CTL_IMASK);
	ctx->virt.cval = read_sysreg(cntv_cval_el0);
	write_sysreg(0, cntv_ctl_el0);
	isb();
	ctx->loaded = false;
	hrtimer_cancel(&ctx->phys_timer);
	local_irq_restore(flags);
}

/* ---- A blocked vCPU ---- */

static enum hrtimer_restart background_expired(struct hrtimer *hrt)
{
	struct rd_vcpu *vcpu = container_of(hrt, struct rd_vcpu, timer.background);
	/* The guest may have disabled the interrupt of one, and wait for the other. */
	u64 ns = raise_due(vcpu);

	if (ns == U64_MAX)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(hrt, ns_to_ktime(ns));
	return HRTIMER_RESTART;
}

void rd_timer_block(struct rd_vcpu *vcpu)
{
	u64 ns;

	if (!vcpu->timer.enabled)
		return;
	ns = raise_due(vcpu);
	if (ns != U64_MAX)
		hrtimer_start(&vcpu->timer.background, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

void rd_timer_unblock(struct rd_vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer.background);
}

/* ---- An interrupt controller in user space ---- */

static u64 lines_now(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;
	bool virt = ctx->loaded ? virt_asserted() : should_fire(&ctx->virt, virt_count(vcpu));
	u64 lines = virt ? KVM_ARM_DEV_EL1_VTIMER : 0;

	if (can_fire(&ctx->phys) && ctx->phys.cval <= phys_count(vcpu))
		lines |= KVM_ARM_DEV_EL1_PTIMER;
	return lines;
}

bool rd_timer_notify_user(struct rd_vcpu *vcpu)
{
	u64 told = READ_ONCE(vcpu->run->s.regs.device_irq_level);

	return lines_now(vcpu) != (told & (KVM_ARM_DEV_EL1_VTIMER | KVM_ARM_DEV_EL1_PTIMER));
}

void rd_timer_update_run(struct rd_vcpu *vcpu)
{
	u64 told = READ_ONCE(vcpu->run->s.regs.device_irq_level);

	told &= ~(u64)(KVM_ARM_DEV_EL1_VTIMER | KVM_ARM_DEV_EL1_PTIMER);
	WRITE_ONCE(vcpu->run->s.regs.device_irq_level, told | lines_now(vcpu));
}

bool rd_timer_pending(struct rd_vcpu *vcpu)
{
	return !vcpu->vm->vgic.in_kernel && rd_timer_notify_user(vcpu);
}

/* ---- Registers ---- */

static u64 read_ctl(const struct rd_timer *t, u64 now)
{
	/* ISTATUS is UNKNOWN while the timer is off: here, it always compares. */
	return t->ctl | (t->cval <= now ? CTL_ISTATUS : 0);
}

static void write_phys(struct rd_vcpu *vcpu, u32 sysreg, u64 val)
{
	struct rd_timer *t = &vcpu->timer.phys;
	unsigned long flags;

	local_irq_save(flags);
	hrtimer_cancel(&vcpu->timer.phys_timer);
	if (sysreg == SYS_CNTP_CTL_EL0)
		t->ctl = val & (CTL_ENABLE | CTL_IMASK);
	else if (sysreg == SYS_CNTP_CVAL_EL0)
		t->cval = val;
	else
		t->cval = phys_count(vcpu) + (s64)(s32)val;
	update_phys(vcpu);
	local_irq_restore(flags);
}

bool rd_timer_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	const struct rd_timer *t = &vcpu->timer.phys;

	switch (sysreg) {
	case SYS_CNTPCT_EL0:
	case SYS_CNTPCTSS_EL0:
		if (!write)
			*val = phys_count(vcpu);
		return !write;
	case SYS_CNTP_CTL_EL0:
	case SYS_CNTP_CVAL_EL0:
	case SYS_CNTP_TVAL_EL0:
		break;
	default:
		return false;
	}
	if (write)
		write_phys(vcpu, sysreg, *val);
	else if (sysreg == SYS_CNTP_CTL_EL0)
		*val = read_ctl(t, phys_count(vcpu));
	else if (sysreg == SYS_CNTP_CVAL_EL0)
		*val = t->cval;
	else
		*val = (u32)(t->cval - phys_count(vcpu));
	return true;
}

/* What EL2 loads with the vCPU; for all, since offsets are the VM's. */
static void publish_offsets(struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_vm_for_each_vcpu(i, vcpu, vm) {
		WRITE_ONCE(vcpu->state->timer.cntvoff, vm->timer.voffset);
		WRITE_ONCE(vcpu->state->timer.cnthctl, vm->timer.poffset ? RD_TIMER_PCT_TRAP : 0);
	}
	rd_vm_request_all(vm, RD_REQ_TIMER);
}

/* User space sets a counter by its value; ignored once it has fixed the offset. */
static void set_count(struct rd_vm *vm, u64 *offset, u64 val)
{
	u64 old = READ_ONCE(*offset), new = __arch_counter_get_cntpct() - val;

	if (test_bit(RD_VM_COUNTER_SET, &vm->flags) || old == new || vm->is_protected)
		return;
	WRITE_ONCE(*offset, new);
	publish_offsets(vm);
}

void rd_timer_set_offset(struct rd_vm *vm, u64 offset)
{
	WRITE_ONCE(vm->timer.voffset, offset);
	WRITE_ONCE(vm->timer.poffset, offset);
	publish_offsets(vm);
}

int rd_timer_get_reg(struct rd_vcpu *vcpu, u64 id, u64 *val)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;

	switch (id) {
	case KVM_REG_ARM_TIMER_CTL:
		*val = read_ctl(&ctx->virt, virt_count(vcpu));
		return 0;
	case KVM_REG_ARM_TIMER_CVAL:
		*val = ctx->virt.cval;
		return 0;
	case KVM_REG_ARM_TIMER_CNT:
		*val = virt_count(vcpu);
		return 0;
	case KVM_REG_ARM_PTIMER_CTL:
		*val = read_ctl(&ctx->phys, phys_count(vcpu));
		return 0;
	case KVM_REG_ARM_PTIMER_CVAL:
		*val = ctx->phys.cval;
		return 0;
	case KVM_REG_ARM_PTIMER_CNT:
		*val = phys_count(vcpu);
		return 0;
	default:
		return -ENOENT;
	}
}

int rd_timer_set_reg(struct rd_vcpu *vcpu, u64 id, u64 val)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;

	switch (id) {
	case KVM_REG_ARM_TIMER_CTL:
		ctx->virt.ctl = val & (CTL_ENABLE | CTL_IMASK);
		return 0;
	case KVM_REG_ARM_TIMER_CVAL:
		ctx->virt.cval = val;
		return 0;
	case KVM_REG_ARM_TIMER_CNT:
		set_count(vcpu->vm, &vcpu->vm->timer.voffset, val);
		return 0;
	case KVM_REG_ARM_PTIMER_CTL:
		ctx->phys.ctl = val & (CTL_ENABLE | CTL_IMASK);
		return 0;
	case KVM_REG_ARM_PTIMER_CVAL:
		ctx->phys.cval = val;
		return 0;
	case KVM_REG_ARM_PTIMER_CNT:
		set_count(vcpu->vm, &vcpu->vm->timer.poffset, val);
		return 0;
	default:
		return -ENOENT;
	}
}

/* ---- Interrupt numbers ---- */

static u8 *irq_of_attr(struct rd_vm *vm, u64 attr)
{
	switch (attr) {
	case KVM_ARM_VCPU_TIMER_IRQ_VTIMER:
		return &vm->timer.virt_irq;
	case KVM_ARM_VCPU_TIMER_IRQ_PTIMER:
		return &vm->timer.phys_irq;
	default:
		return NULL;
	}
}

int rd_timer_set_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	struct rd_vm *vm = vcpu->vm;
	u8 *number = irq_of_attr(vm, attr->attr);
	int irq, ret = 0;

	if (!vm->vgic.in_kernel)
		return -EINVAL;
	if (get_user(irq, (int __user *)attr->addr))
		return -EFAULT;
	if (irq < 16 || irq > 31)
		return -EINVAL;
	if (!number)
		return -ENXIO;
	mutex_lock(&vm->config_lock);
	if (vm->timer.irqs_final)
		ret = -EBUSY;
	else
		*number = irq;
	mutex_unlock(&vm->config_lock);
	return ret;
}

int rd_timer_get_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	u8 *number = irq_of_attr(vcpu->vm, attr->attr);

	return number ? put_user((int)*number, (int __user *)attr->addr) : -ENXIO;
}

int rd_timer_has_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	return irq_of_attr(vcpu->vm, attr->attr) ? 0 : -ENXIO;
}

/* ---- Life ---- */

int rd_timer_vm_init(struct rd_vm *vm)
{
	vm->timer.virt_irq = DEFAULT_VIRT_IRQ;
	vm->timer.phys_irq = DEFAULT_PHYS_IRQ;
	return 0;
}

/* A VM's clocks start over with each vCPU that is made, as user space knows it. */
int rd_timer_vcpu_init(struct rd_vcpu *vcpu)
{
	struct rd_vm *vm = vcpu->vm;

	hrtimer_init(&vcpu->timer.background, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	vcpu->timer.background.function = background_expired;
	hrtimer_init(&vcpu->timer.phys_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	vcpu->timer.phys_timer.function = phys_expired;
	if (!test_bit(RD_VM_COUNTER_SET, &vm->flags)) {
		/* EL2 gives protected guests the host's counter. */
		WRITE_ONCE(vm->timer.voffset, vm->is_protected ? 0 : __arch_counter_get_cntpct());
		WRITE_ONCE(vm->timer.poffset, 0);
		publish_offsets(vm);
	}
	/* The new vCPU isn't among the VM's yet. */
	vcpu->state->timer.cntvoff = vm->timer.voffset;
	vcpu->state->timer.cnthctl = vm->timer.poffset ? RD_TIMER_PCT_TRAP : 0;
	return 0;
}

void rd_timer_vcpu_destroy(struct rd_vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer.background);
	hrtimer_cancel(&vcpu->timer.phys_timer);
}

void rd_timer_vcpu_reset(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_timer_ctx *ctx = &vcpu->timer;
	unsigned long flags;

	local_irq_save(flags);
	ctx->virt.ctl = 0;
	ctx->phys.ctl = 0;
	if (ctx->loaded)
		write_sysreg(0, cntv_ctl_el0);
	hrtimer_cancel(&ctx->phys_timer);
	if (ctx->enabled) {
		set_line(vcpu, &ctx->virt, false);
		set_line(vcpu, &ctx->phys, false);
		if (vcpu->vm->vgic.in_kernel)
			rd_vgic_reset_ppi(vcpu, vcpu->vm->timer.virt_irq);
	}
	local_irq_restore(flags);
}

static int claim_irqs(struct rd_vcpu *vcpu)
{
	struct rd_vm *vm = vcpu->vm;
	int ret = rd_vgic_claim(vcpu, vm->timer.virt_irq, rd_ppi_intid(RD_PPI_VIRT_TIMER),
				&vcpu->timer.virt);

	if (!ret)
		ret = rd_vgic_claim(vcpu, vm->timer.phys_irq, 0, &vcpu->timer.phys);
	return ret ? -EINVAL : 0;
}

int rd_timer_first_run(struct rd_vcpu *vcpu)
{
	struct rd_vm *vm = vcpu->vm;
	int ret = 0;

	if (vcpu->timer.enabled)
		return 0;
	if (vm->vgic.in_kernel) {
		mutex_lock(&vm->config_lock);
		vm->timer.irqs_final = true;
		mutex_unlock(&vm->config_lock);
		ret = claim_irqs(vcpu);
	}
	vcpu->timer.enabled = !ret;
	return ret;
}

int rd_timer_module_init(void)
{
	int ret = rd_ppi_request(RD_PPI_VIRT_TIMER, virt_handler, "redoubt-timer");

	if (ret) {
		pr_err("the virtual timer's interrupt isn't to be had (%d)\n", ret);
		return ret;
	}
	/* Forwarded: the handler's return leaves the interrupt active. */
	ret = irq_set_vcpu_affinity(rd_ppi_irq(RD_PPI_VIRT_TIMER), &phys_active);
	if (ret) {
		pr_err("the interrupt controller can't forward interrupts to guests (%d)\n", ret);
		rd_ppi_free(RD_PPI_VIRT_TIMER);
	}
	return ret;
}

void rd_timer_module_exit(void)
{
	irq_set_vcpu_affinity(rd_ppi_irq(RD_PPI_VIRT_TIMER), NULL);
	rd_ppi_free(RD_PPI_VIRT_TIMER);
}
