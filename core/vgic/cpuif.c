// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The CPU interface, as far as it isn't the hardware's: generation of SGIs,
 * deactivation of interrupts that no list register holds, and user space's view of
 * the ICC_* registers, which is ICH_VMCR_EL2 and the active priorities in another
 * layout (IHI 0069H 12.2, 12.4).
 */
#include "vgic_private.h"

#define REG(op0, op1, crn, crm, op2) \
	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR	    REG(3, 0, 4, 6, 0)
#define ICC_BPR0    REG(3, 0, 12, 8, 3)
#define ICC_AP0R0   REG(3, 0, 12, 8, 4)
#define ICC_AP0R3   REG(3, 0, 12, 8, 7)
#define ICC_AP1R0   REG(3, 0, 12, 9, 0)
#define ICC_AP1R3   REG(3, 0, 12, 9, 3)
#define ICC_BPR1    REG(3, 0, 12, 12, 3)
#define ICC_CTLR    REG(3, 0, 12, 12, 4)
#define ICC_SRE	    REG(3, 0, 12, 12, 5)
#define ICC_IGRPEN0 REG(3, 0, 12, 12, 6)
#define ICC_IGRPEN1 REG(3, 0, 12, 12, 7)

#define CTLR_CBPR     VGIC_BIT(0)
#define CTLR_EOIMODE  VGIC_BIT(1)
#define CTLR_PRIBITS  8
#define CTLR_IDBITS   11
#define CTLR_SEIS     VGIC_BIT(14)
#define CTLR_A3V      VGIC_BIT(15)
#define SRE_FIXED     7 /* SRE, DFB, DIB */

/* ---- SGIs ---- */

static void send_sgi(struct vgic *d, struct vgic_cpu *to, u32 intid, bool group1)
{
	struct vgic_irq *irq = &to->priv[intid];

	if (group1 || !irq->group1)
		vgic_irq_change(d, irq, VGIC_PEND);
}

void vgic_send_sgi(struct vgic *d, struct vgic_cpu *from, u64 value, bool group1)
{
	u32 intid = (value >> 24) & 0xf, list = value & 0xffff, i;
	u64 cluster = ((value >> 16) & 0xff) << 8 | ((value >> 32) & 0xff) << 16 |
		      ((value >> 48) & 0xff) << 24;

	if (value & VGIC_BIT(40)) {
		for (i = 0; i < d->nr_cpus; i++)
			if (d->cpus[i] != from)
				send_sgi(d, d->cpus[i], intid, group1);
		return;
	}
	if ((value >> 44) & 0xf)
		return; /* Aff0 is below 16 */
	for (; list; list &= list - 1) {
		struct vgic_cpu *to = vgic_cpu_by_affinity(d, cluster | __builtin_ctz(list));

		if (to)
			send_sgi(d, to, intid, group1);
	}
}

void vgic_write_dir(struct vgic *d, struct vgic_cpu *c, u64 value)
{
	u32 intid = value & 0xffffff;
	struct vgic_irq *irq = intid < VGIC_MAX_IRQS ? vgic_irq(d, c, intid) : NULL;

	if (!irq || !vgic_irq_is_active(irq))
		return;
	vgic_irq_change(d, irq, VGIC_DEACTIVATE);
	if (irq->level && intid >= VGIC_NR_PRIVATE)
		d->ops->ended(d->ctx, intid);
}

/* ---- User space ---- */

static u64 field(u64 vmcr, u32 shift, u64 mask)
{
	return (vmcr >> shift) & mask;
}

static void set_field(u64 *vmcr, u32 shift, u64 mask, u64 val)
{
	*vmcr = (*vmcr & ~(mask << shift)) | (val & mask) << shift;
}

static u64 read_ctlr(const struct vgic *d, const struct vgic_cpu *c, u64 vmcr)
{
	u64 val = (u64)(c->pri_bits - 1) << CTLR_PRIBITS | (u64)c->id_bits << CTLR_IDBITS;

	if (d->vtr & VTR_SEIS)
		val |= CTLR_SEIS;
	if (d->vtr & VTR_A3V)
		val |= CTLR_A3V;
	if (vmcr & VMCR_CBPR)
		val |= CTLR_CBPR;
	if (vmcr & VMCR_EOIM)
		val |= CTLR_EOIMODE;
	return val;
}

/* A VM saved elsewhere may have had fewer priority or ID bits, never more. */
static int write_ctlr(const struct vgic *d, struct vgic_cpu *c, u64 *vmcr, u64 val)
{
	u32 pri_bits = (u32)field(val, CTLR_PRIBITS, 7) + 1;
	u32 id_bits = (u32)field(val, CTLR_IDBITS, 7);

	if (pri_bits > c->pri_bits || id_bits > c->id_bits ||
	    !(val & CTLR_SEIS) != !(d->vtr & VTR_SEIS) || !(val & CTLR_A3V) != !(d->vtr & VTR_A3V))
		return -EINVAL;
	c->pri_bits = (u8)pri_bits;
	c->id_bits = (u8)id_bits;
	*vmcr &= ~(VMCR_CBPR | VMCR_EOIM);
	*vmcr |= (val & CTLR_CBPR ? VMCR_CBPR : 0) | (val & CTLR_EOIMODE ? VMCR_EOIM : 0);
	return 0;
}

/* Which of the active priority registers there are. */
static u32 nr_aprs(const struct vgic_cpu *c)
{
	return c->pri_bits >= 7 ? 4 : c->pri_bits == 6 ? 2 : 1;
}

static int access_apr(const struct vgic_cpu *c, struct rd_vcpu_vgic *st, u32 reg, bool write,
		      u64 *val)
{
	bool group1 = reg >= ICC_AP1R0;
	u32 n = reg - (group1 ? ICC_AP1R0 : ICC_AP0R0);
	u64 *apr = group1 ? &st->apr1[n] : &st->apr0[n];

	if (n >= nr_aprs(c))
		return -EINVAL;
	if (write)
		*apr = (u32)*val;
	else
		*val = *apr;
	return 0;
}

static bool is_apr(u32 reg)
{
	return (reg >= ICC_AP0R0 && reg <= ICC_AP0R3) || (reg >= ICC_AP1R0 && reg <= ICC_AP1R3);
}

int vgic_sysreg_has(u32 reg)
{
	switch (reg) {
	case ICC_PMR:
	case ICC_BPR0:
	case ICC_BPR1:
	case ICC_CTLR:
	case ICC_SRE:
	case ICC_IGRPEN0:
	case ICC_IGRPEN1:
		return 0;
	}
	return is_apr(reg) ? 0 : -ENXIO;
}

static int write_icc(struct vgic *d, struct vgic_cpu *c, u64 *vmcr, u32 reg, u64 val)
{
	switch (reg) {
	case ICC_CTLR:
		return write_ctlr(d, c, vmcr, val);
	case ICC_SRE:
		return val & 1 ? 0 : -EINVAL;
	case ICC_PMR:
		set_field(vmcr, VMCR_PMR, 0xff, val);
		break;
	case ICC_BPR0:
		set_field(vmcr, VMCR_BPR0, 7, val);
		break;
	case ICC_BPR1:
		if (!(*vmcr & VMCR_CBPR))
			set_field(vmcr, VMCR_BPR1, 7, val);
		break;
	case ICC_IGRPEN0:
		set_field(vmcr, 0, 1, val);
		break;
	case ICC_IGRPEN1:
		set_field(vmcr, 1, 1, val);
		break;
	}
	return 0;
}

static u64 read_bpr1(u64 vmcr)
{
	u64 bpr0 = field(vmcr, VMCR_BPR0, 7);

	if (!(vmcr & VMCR_CBPR))
		return field(vmcr, VMCR_BPR1, 7);
	return bpr0 < 7 ? bpr0 + 1 : 7;
}

static u64 read_icc(const struct vgic *d, const struct vgic_cpu *c, u64 vmcr, u32 reg)
{
	switch (reg) {
	case ICC_CTLR:
		return read_ctlr(d, c, vmcr);
	case ICC_SRE:
		return SRE_FIXED;
	case ICC_PMR:
		return field(vmcr, VMCR_PMR, 0xff);
	case ICC_BPR0:
		return field(vmcr, VMCR_BPR0, 7);
	case ICC_BPR1:
		return read_bpr1(vmcr);
	case ICC_IGRPEN0:
		return field(vmcr, 0, 1);
	default:
		return field(vmcr, 1, 1); /* ICC_IGRPEN1 */
	}
}

int vgic_sysreg_user(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st, u32 reg,
		     bool write, u64 *val)
{
	if (vgic_sysreg_has(reg))
		return -ENXIO;
	if (is_apr(reg))
		return access_apr(c, st, reg, write, val);
	if (write)
		return write_icc(d, c, &st->vmcr, reg, *val);
	*val = read_icc(d, c, st->vmcr, reg);
	return 0;
}
