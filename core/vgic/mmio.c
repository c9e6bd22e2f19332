// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The distributor's and the redistributors' registers (IHI 0069H 12.9 to 12.11).
 *
 * Most are banks: a field an interrupt, at an offset that grows with the INTID. A
 * redistributor's SGI frame has the same layout for INTIDs 0 to 31, where the
 * distributor's banks read as zero. Affinity routing is always on (ARE, DS).
 *
 * Bits that only one place writes whole (enabled, group, level) are read without
 * the interrupt's lock.
 */
#include "vgic_private.h"

enum bank {
	BANK_NONE,
	/* Numbered by offset / 128: one bit an interrupt. */
	BANK_GROUP,
	BANK_SENABLE,
	BANK_CENABLE,
	BANK_SPEND,
	BANK_CPEND,
	BANK_SACTIVE,
	BANK_CACTIVE,
	BANK_PRIORITY, /* a byte */
	BANK_CONFIG,   /* two bits */
	BANK_ROUTE,    /* eight bytes */
	BANK_ZERO,     /* reads as zero */
};

#define GICD_CTLR    0x0000
#define GICD_TYPER   0x0004
#define GICD_IIDR    0x0008
#define GICD_TYPER2  0x000c
#define GICD_STATUSR 0x0010
#define GICR_CTLR    0x0000
#define GICR_IIDR    0x0004
#define GICR_TYPER   0x0008
#define GICR_STATUSR 0x0010
#define GICR_WAKER   0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_INVLPIR 0x00a0
#define GICR_INVALLR 0x00b0
#define GICR_SYNCR   0x00c0
#define GICR_NSACR   0x0e00
#define GIC_IDREGS   0xffd0
#define GIC_PIDR2    0xffe8
#define SGI_FRAME    0x10000

#define CTLR_ENABLE_G1 (1u << 1)
#define CTLR_ARE       (1u << 4)
#define CTLR_DS	       (1u << 6)
#define TYPER_LPIS     (1u << 17)
#define PIDR2_GICV3    0x3b
#define IIDR_KVM       0x4b00043b /* product "K", Arm: what guests know KVM's GIC by */
#define IIDR_REV_MASK  0xf000u

/* Which bank @off is in, and the first interrupt of it. */
static enum bank find_bank(u32 off, u32 *intid)
{
	*intid = 0;
	if (off >= 0x80 && off < 0x400) {
		*intid = (off & 0x7f) * 8;
		return (enum bank)(off >> 7);
	}
	if (off >= 0x400 && off < 0x800) {
		*intid = off - 0x400;
		return BANK_PRIORITY;
	}
	if (off >= 0xc00 && off < 0xd00) {
		*intid = (off - 0xc00) * 4;
		return BANK_CONFIG;
	}
	if (off >= 0x6000 && off < 0x7fe0) {
		*intid = (off - 0x6000) / 8;
		return BANK_ROUTE;
	}
	if ((off >= 0x800 && off < 0xc00) || (off >= 0xd00 && off < 0xd80)) {
		return BANK_ZERO; /* ITARGETSR, IGRPMODR */
	}
	return BANK_NONE;
}

static bool aligned(u32 off, u32 len)
{
	return !(off & (len - 1));
}

/* True if an access of a bank has a width that it takes. */
static bool bank_takes(enum bank bank, u32 off, u32 len)
{
	if (!aligned(off, len))
		return false;
	return len == 4 || (len == 1 && bank == BANK_PRIORITY) || (len == 8 && bank == BANK_ROUTE);
}

bool vgic_off_is_active(u32 off)
{
	return (off & 0xffff) >= 0x300 && (off & 0xffff) < 0x400;
}

/* ---- Banks of one bit an interrupt ---- */

static bool read_bit(enum bank bank, const struct vgic_irq *irq, bool user)
{
	switch (bank) {
	case BANK_GROUP:
		return irq->group1;
	case BANK_SENABLE:
	case BANK_CENABLE:
		return irq->enabled;
	case BANK_SPEND:
		return user ? irq->pending || (!irq->level && irq->lr_pending)
			    : vgic_irq_is_pending(irq);
	case BANK_CPEND:
		return !user && vgic_irq_is_pending(irq);
	case BANK_SACTIVE:
	case BANK_CACTIVE:
		return vgic_irq_is_active(irq);
	default:
		return false;
	}
}

static u32 read_bits(struct vgic *d, struct vgic_cpu *c, enum bank bank, u32 intid, bool user)
{
	struct vgic_irq *irq = vgic_irq(d, c, intid);
	u32 i, val = 0;

	for (i = 0; irq && i < 32; i++)
		val |= (u32)read_bit(bank, irq + i, user) << i;
	return val;
}

/* What a 1 written to a bit of a bank means. */
static enum vgic_change meaning(enum bank bank)
{
	switch (bank) {
	case BANK_SENABLE:
		return VGIC_ENABLE;
	case BANK_CENABLE:
		return VGIC_DISABLE;
	case BANK_SPEND:
		return VGIC_PEND;
	case BANK_CPEND:
		return VGIC_UNPEND;
	case BANK_SACTIVE:
		return VGIC_ACTIVATE;
	default:
		return VGIC_DEACTIVATE;
	}
}

static void write_bits(struct vgic *d, struct vgic_cpu *c, enum bank bank, u32 intid, u32 val,
		       bool user)
{
	struct vgic_irq *irq = vgic_irq(d, c, intid);
	u32 i;

	if (user && bank == BANK_CPEND)
		return;
	for (i = 0; irq && i < 32; i++) {
		bool bit = val & (1u << i);

		if (bank == BANK_GROUP)
			vgic_irq_change(d, irq + i, bit ? VGIC_GROUP1 : VGIC_GROUP0);
		else if (bit)
			vgic_irq_change(d, irq + i, meaning(bank));
		else if (user && bank == BANK_SPEND)
			vgic_irq_change(d, irq + i, VGIC_UNPEND);
	}
}

/* ---- All banks; @intid is in range for the frame ---- */

static u64 bank_read(struct vgic *d, struct vgic_cpu *c, enum bank bank, u32 intid, u32 off,
		     u32 len, bool user)
{
	struct vgic_irq *irq = vgic_irq(d, c, intid);
	u64 val = 0;
	u32 i;

	if (bank < BANK_PRIORITY)
		return read_bits(d, c, bank, intid, user);
	if (!irq)
		return 0;
	if (bank == BANK_ROUTE)
		return vgic_reg_extract(irq->route, off, len);
	if (bank == BANK_PRIORITY)
		for (i = 0; i < len; i++)
			val |= (u64)irq[i].priority << (i * 8);
	if (bank == BANK_CONFIG)
		for (i = 0; i < 16; i++)
			val |= (u64)!irq[i].level << (i * 2 + 1);
	return val;
}

static void write_route(struct vgic *d, struct vgic_irq *irq, u32 off, u64 val)
{
	struct vgic_cpu *c;

	if (off & 4)
		return; /* Aff3 is zero */
	irq->route = val & 0xffffff;
	c = vgic_cpu_by_affinity(d, irq->route);
	vgic_irq_retarget(d, irq, c ? c->index : VGIC_NONE);
}

static void bank_write(struct vgic *d, struct vgic_cpu *c, enum bank bank, u32 intid, u32 off,
		       u32 len, u64 val, bool user)
{
	struct vgic_irq *irq = vgic_irq(d, c, intid);
	u32 i;

	if (!irq)
		return;
	if (bank < BANK_PRIORITY)
		write_bits(d, c, bank, intid, (u32)val, user);
	else if (bank == BANK_ROUTE)
		write_route(d, irq, off, val);
	else if (bank == BANK_PRIORITY)
		for (i = 0; i < len; i++)
			vgic_irq_set_priority(d, irq + i, (val >> (i * 8)) & 0xf8);
	else if (bank == BANK_CONFIG && intid >= VGIC_NR_PRIVATE)
		for (i = 0; i < 16; i++)
			vgic_irq_change(d, irq + i,
					val >> (i * 2 + 1) & 1 ? VGIC_EDGE : VGIC_LEVEL);
}

/* ---- Distributor ---- */

static u32 dist_typer(const struct vgic *d)
{
	u32 typer = (VGIC_NR_PRIVATE + d->nr_spis) / 32 - 1;

	if (d->has_its)
		return typer | TYPER_LPIS | (VGIC_ID_BITS - 1) << 19;
	return typer | (10 - 1) << 19;
}

static u32 dist_reg_read(const struct vgic *d, u32 off)
{
	switch (off) {
	case GICD_CTLR:
		return (d->enabled ? CTLR_ENABLE_G1 : 0) | CTLR_ARE | CTLR_DS;
	case GICD_TYPER:
		return dist_typer(d);
	case GICD_IIDR:
		return IIDR_KVM | (u32)d->rev << 12;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

static bool dist_has_reg(u32 off)
{
	return off <= GICD_STATUSR + 3 || (off >= GIC_IDREGS && off < 0x10000);
}

/* True if @off is in a bank of the distributor, in the part for interrupts that exist. */
static bool dist_has_bank(const struct vgic *d, u32 off, enum bank *bank, u32 *intid)
{
	*bank = find_bank(off, intid);
	return *bank != BANK_NONE && *intid < VGIC_NR_PRIVATE + d->nr_spis;
}

u64 vgic_dist_read(struct vgic *d, u32 off, u32 len)
{
	enum bank bank;
	u32 intid;

	if (off < 0x80 || off >= GIC_IDREGS)
		return len == 4 && aligned(off, 4) ? dist_reg_read(d, off) : 0;
	if (!dist_has_bank(d, off, &bank, &intid) || !bank_takes(bank, off, len))
		return 0;
	return bank_read(d, NULL, bank, intid, off, len, false);
}

static void set_dist_enabled(struct vgic *d, bool enabled)
{
	unsigned long flags = vgic_lock(&d->lock);
	u32 i;

	if (d->enabled == enabled)
		enabled = false;
	else
		d->enabled = enabled;
	vgic_unlock(&d->lock, flags);
	for (i = 0; i < d->nr_cpus; i++) {
		flags = vgic_lock(&d->cpus[i]->lock);
		port_write32(&d->cpus[i]->work, 1);
		vgic_unlock(&d->cpus[i]->lock, flags);
		if (enabled && port_read64(&d->cpus[i]->mask))
			d->ops->kick(d->ctx, i);
	}
}

void vgic_dist_write(struct vgic *d, u32 off, u32 len, u64 val)
{
	enum bank bank;
	u32 intid;

	if (off == GICD_CTLR && len == 4)
		set_dist_enabled(d, val & CTLR_ENABLE_G1);
	else if (dist_has_bank(d, off, &bank, &intid) && bank_takes(bank, off, len))
		bank_write(d, NULL, bank, intid, off, len, val, false);
}

/* ---- Redistributor ---- */

static u64 redist_typer(const struct vgic *d, const struct vgic_cpu *c)
{
	return (u64)vgic_id_to_affinity(c->id) << 32 | (u64)(c->id & 0xffff) << 8 |
	       (c->rd_last ? 1u << 4 : 0) | (d->has_its ? 1 : 0);
}

static u64 redist_reg_read(const struct vgic *d, const struct vgic_cpu *c, u32 off, u32 len)
{
	switch (off & ~7u) {
	case GICR_TYPER:
		return vgic_reg_extract(redist_typer(d, c), off, len);
	case GICR_PROPBASER:
		return vgic_reg_extract(d->propbaser, off, len);
	case GICR_PENDBASER:
		return vgic_reg_extract(c->pendbaser & ~VGIC_BIT(62), off, len);
	}
	if (len != 4)
		return 0;
	switch (off) {
	case GICR_CTLR:
		return (c->lpis_enabled ? 1 : 0) | (d->rev >= 3 ? 6 : 0);
	case GICR_IIDR:
		return IIDR_KVM;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

static void write_redist_ctlr(struct vgic *d, struct vgic_cpu *c, u64 val)
{
	bool enable = val & 1;

	if (!d->has_its || c->lpis_enabled == enable)
		return;
	c->lpis_enabled = enable;
	if (enable)
		vgic_lpi_enable(d, c);
	else
		vgic_lpi_disable(d, c);
}

static void invalidate_lpi(struct vgic *d, u64 val)
{
	u32 intid = (u32)val;
	struct vgic_irq *irq = intid >= VGIC_MIN_LPI ? vgic_irq(d, NULL, intid) : NULL;

	if (irq)
		vgic_lpi_load_config(d, irq);
}

static void redist_reg_write(struct vgic *d, struct vgic_cpu *c, u32 off, u32 len, u64 val)
{
	switch (off & ~7u) {
	case GICR_CTLR:
		if (off == GICR_CTLR && len == 4)
			write_redist_ctlr(d, c, val);
		break;
	case GICR_PROPBASER:
		if (!c->lpis_enabled)
			vgic_propbaser_write(d, vgic_reg_update(d->propbaser, off, len, val));
		break;
	case GICR_PENDBASER:
		if (!c->lpis_enabled)
			c->pendbaser = vgic_pendbaser_write(
				vgic_reg_update(c->pendbaser, off, len, val));
		break;
	case GICR_INVLPIR:
		if (c->lpis_enabled && !(off & 4))
			invalidate_lpi(d, val);
		break;
	case GICR_INVALLR:
		if (c->lpis_enabled && !(off & 4))
			vgic_lpi_load_all(d, c);
		break;
	}
}

static bool redist_has_reg(u32 off)
{
	switch (off & ~7u) {
	case GICR_CTLR:
	case GICR_TYPER:
	case GICR_STATUSR:
	case GICR_PROPBASER:
	case GICR_PENDBASER:
	case GICR_INVLPIR:
	case GICR_INVALLR:
		return true;
	}
	return (off & ~3u) == GICR_SYNCR || (off >= GIC_IDREGS && off < 0x10000);
}

static bool sgi_has_bank(u32 off, enum bank *bank, u32 *intid)
{
	*intid = 0;
	*bank = BANK_ZERO;
	if (off < SGI_FRAME)
		return false;
	if ((off & ~3u) == SGI_FRAME + GICR_NSACR)
		return true;
	*bank = find_bank(off - SGI_FRAME, intid);
	return *bank != BANK_NONE && *bank != BANK_ROUTE && *intid < VGIC_NR_PRIVATE;
}

static bool redist_width_ok(u32 off, u32 len)
{
	return aligned(off, len) && (len == 4 || len == 8);
}

u64 vgic_redist_read(struct vgic *d, struct vgic_cpu *c, u32 off, u32 len)
{
	enum bank bank;
	u32 intid;

	if (off < SGI_FRAME)
		return redist_width_ok(off, len) ? redist_reg_read(d, c, off, len) : 0;
	if (!sgi_has_bank(off, &bank, &intid) || !bank_takes(bank, off, len))
		return 0;
	return bank_read(d, c, bank, intid, off, len, false);
}

void vgic_redist_write(struct vgic *d, struct vgic_cpu *c, u32 off, u32 len, u64 val)
{
	enum bank bank;
	u32 intid;

	if (off < SGI_FRAME) {
		if (redist_width_ok(off, len))
			redist_reg_write(d, c, off, len, val);
	} else if (sgi_has_bank(off, &bank, &intid) && bank_takes(bank, off, len)) {
		bank_write(d, c, bank, intid, off, len, val, false);
	}
}

/* ---- User space ---- */

int vgic_dist_has(struct vgic *d, u32 off)
{
	enum bank bank;
	u32 intid;

	if ((off & 3) || (!dist_has_reg(off) && !dist_has_bank(d, off, &bank, &intid)))
		return -ENXIO;
	return 0;
}

int vgic_redist_has(u32 off)
{
	enum bank bank;
	u32 intid;

	if ((off & 3) || !(off < SGI_FRAME ? redist_has_reg(off) : sgi_has_bank(off, &bank, &intid)))
		return -ENXIO;
	return 0;
}

static int dist_user_reg(struct vgic *d, u32 off, u32 val)
{
	u32 rev = (val & IIDR_REV_MASK) >> 12;

	switch (off) {
	case GICD_CTLR:
		set_dist_enabled(d, val & CTLR_ENABLE_G1);
		return 0;
	case GICD_TYPER2:
		return val ? -EINVAL : 0;
	case GICD_IIDR:
		if ((val & ~IIDR_REV_MASK) != IIDR_KVM || rev < 2 || rev > 3)
			return -EINVAL;
		d->rev = (u8)rev;
		return 0;
	default:
		return 0;
	}
}

int vgic_dist_user(struct vgic *d, u32 off, bool write, u32 *val)
{
	enum bank bank;
	u32 intid;

	if (vgic_dist_has(d, off))
		return -ENXIO;
	if (dist_has_reg(off)) {
		if (write)
			return dist_user_reg(d, off, *val);
		*val = dist_reg_read(d, off);
		return 0;
	}
	dist_has_bank(d, off, &bank, &intid);
	if (write)
		bank_write(d, NULL, bank, intid, off, 4, *val, true);
	else
		*val = (u32)bank_read(d, NULL, bank, intid, off, 4, true);
	return 0;
}

int vgic_redist_user(struct vgic *d, struct vgic_cpu *c, u32 off, bool write, u32 *val)
{
	enum bank bank;
	u32 intid;

	if (vgic_redist_has(off))
		return -ENXIO;
	if (!sgi_has_bank(off, &bank, &intid)) {
		if (write)
			redist_reg_write(d, c, off, 4, *val);
		else
			*val = (u32)redist_reg_read(d, c, off, 4);
	} else if (write) {
		bank_write(d, c, bank, intid, off, 4, *val, true);
	} else {
		*val = (u32)bank_read(d, c, bank, intid, off, 4, true);
	}
	return 0;
}

u32 vgic_read_lines(struct vgic *d, struct vgic_cpu *c, u32 intid)
{
	u32 i, val = 0;

	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = vgic_irq(d, c, intid + i);

		if (irq && intid + i >= VGIC_NR_SGIS && irq->level && irq->line)
			val |= 1u << i;
	}
	return val;
}

void vgic_write_lines(struct vgic *d, struct vgic_cpu *c, u32 intid, u32 val)
{
	u32 i;

	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = vgic_irq(d, c, intid + i);

		if (irq && intid + i >= VGIC_NR_SGIS)
			vgic_irq_change(d, irq,
					val & (1u << i) ? VGIC_LINE_HIGH : VGIC_LINE_LOW);
	}
}
