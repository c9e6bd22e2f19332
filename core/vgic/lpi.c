// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LPIs, and the tables in the guest's memory that describe them: configuration
 * (one byte an LPI, at GICR_PROPBASER) and pending state (one bit, GICR_PENDBASER).
 *
 * An LPI's record is made with its first translation and stays until the VM ends:
 * a list register or a queue may hold it whatever the guest does to the ITS. There
 * are at most 57,344 of them. One that no translation leads to (ites 0) takes no
 * event.
 *
 * Locks: an LPI is an interrupt like any other (irq.c). Records are made by one
 * caller at a time (the ITS's mutex). Guest memory is accessed with no lock held.
 */
#include "vgic_private.h"

#define PROPBASER_RES0 (0xf800000000000000ULL | 0x00f0000000000000ULL | 0x60ULL)
#define PENDBASER_RES0 \
	(0xb800000000000000ULL | 0x00f0000000000000ULL | 0xf000ULL | 0x7fULL)
#define PENDBASER_PTZ  VGIC_BIT(62)
#define PROP_ADDRESS   0x000ffffffffff000ULL
#define PEND_ADDRESS   0x000fffffffff0000ULL

u64 vgic_sanitise_attrs(u64 reg, u32 inner, u32 outer)
{
	if (((reg >> 10) & 3) == 2) /* outer shareable */
		reg ^= 3ULL << 10;
	if (((reg >> inner) & 7) <= 1) /* device or non-cacheable */
		reg = (reg & ~(7ULL << inner)) | BASER_RAWB << inner;
	if (((reg >> outer) & 7) > 1)
		reg &= ~(7ULL << outer);
	return reg;
}

u64 vgic_propbaser_write(struct vgic *d, u64 val)
{
	d->propbaser = vgic_sanitise_attrs(val, 7, 56) & ~PROPBASER_RES0;
	return d->propbaser;
}

u64 vgic_pendbaser_write(u64 val)
{
	return vgic_sanitise_attrs(val, 7, 56) & ~PENDBASER_RES0;
}

static struct vgic_irq *make_lpi(struct vgic *d, u32 intid)
{
	struct vgic_irq *irq;

	if (intid < VGIC_MIN_LPI || intid >= 1u << VGIC_ID_BITS)
		return NULL;
	if (vgic_radix_reserve(&d->lpis, intid - VGIC_MIN_LPI, d->ops))
		return NULL;
	irq = d->ops->alloc(sizeof(*irq));
	if (!irq)
		return NULL;
	irq->intid = intid;
	irq->target = irq->home = VGIC_NONE;
	irq->group1 = true;
	vgic_radix_set(&d->lpis, intid - VGIC_MIN_LPI, irq);
	return irq;
}

struct vgic_irq *vgic_lpi_get(struct vgic *d, u32 intid)
{
	struct vgic_irq *irq = vgic_irq(d, NULL, intid);
	struct vgic_cpu *home;
	unsigned long flags;

	if (!irq)
		irq = make_lpi(d, intid);
	if (irq) {
		home = vgic_irq_lock(d, irq, &flags);
		irq->ites++;
		vgic_irq_unlock(d, home, flags);
	}
	return irq;
}

void vgic_lpi_put(struct vgic *d, struct vgic_irq *irq)
{
	unsigned long flags;
	struct vgic_cpu *home = vgic_irq_lock(d, irq, &flags);
	bool unmapped = !--irq->ites;

	vgic_irq_unlock(d, home, flags);
	if (unmapped) {
		vgic_irq_change(d, irq, VGIC_DISABLE);
		vgic_irq_change(d, irq, VGIC_UNPEND);
		vgic_irq_retarget(d, irq, VGIC_NONE);
	}
}

int vgic_lpi_load_config(struct vgic *d, struct vgic_irq *irq)
{
	u64 table = port_read64(&d->propbaser) & PROP_ADDRESS;
	u8 prop;

	if (d->ops->read(d->ctx, table + irq->intid - VGIC_MIN_LPI, &prop, 1))
		return -EFAULT;
	vgic_irq_set_priority(d, irq, prop & 0xfc);
	vgic_irq_change(d, irq, (prop & 1) && irq->ites ? VGIC_ENABLE : VGIC_DISABLE);
	return 0;
}

/* Every 64 LPIs, others may run. */
static int breathe(struct vgic *d, u32 key)
{
	return (key & 63) == 63 && d->ops->yield(d->ctx) ? -EINTR : 0;
}

int vgic_lpi_load_all(struct vgic *d, struct vgic_cpu *c)
{
	struct vgic_irq *irq;
	u32 key;

	for (key = 0; (irq = vgic_radix_next(&d->lpis, &key)); key++) {
		if (irq->ites && port_read32(&irq->target) == c->index)
			vgic_lpi_load_config(d, irq);
		if (breathe(d, key))
			return -EINTR;
	}
	return 0;
}

/* The guest's address of an LPI's pending bit's byte. */
static u64 pending_byte(const struct vgic_cpu *c, u32 intid)
{
	return (port_read64(&c->pendbaser) & PEND_ADDRESS) + intid / 8;
}

static struct vgic_cpu *lpi_target(struct vgic *d, const struct vgic_irq *irq)
{
	u32 target = port_read32(&irq->target);

	return irq->ites ? vgic_home(d, target) : NULL;
}

int vgic_lpi_save_pending(struct vgic *d)
{
	struct vgic_irq *irq;
	u32 key;

	for (key = 0; (irq = vgic_radix_next(&d->lpis, &key)); key++) {
		struct vgic_cpu *c = lpi_target(d, irq);
		u8 byte, bit = (u8)(1u << (irq->intid & 7));

		if (breathe(d, key))
			return -EINTR;
		if (!c)
			continue;
		if (d->ops->read(d->ctx, pending_byte(c, irq->intid), &byte, 1))
			return -EFAULT;
		if (!(byte & bit) == !vgic_irq_is_pending(irq))
			continue;
		byte ^= bit;
		if (d->ops->write(d->ctx, pending_byte(c, irq->intid), &byte, 1))
			return -EFAULT;
	}
	return 0;
}

int vgic_lpi_load_pending(struct vgic *d, struct vgic_irq *irq)
{
	struct vgic_cpu *c = lpi_target(d, irq);
	u8 byte, bit = (u8)(1u << (irq->intid & 7));

	if (!c)
		return 0;
	if (d->ops->read(d->ctx, pending_byte(c, irq->intid), &byte, 1))
		return -EFAULT;
	if (!(byte & bit))
		return 0;
	vgic_irq_change(d, irq, VGIC_PEND);
	byte &= (u8)~bit;
	return d->ops->write(d->ctx, pending_byte(c, irq->intid), &byte, 1) ? -EFAULT : 0;
}

void vgic_lpi_enable(struct vgic *d, struct vgic_cpu *c)
{
	struct vgic_irq *irq;
	u32 key;
	u8 byte;

	if (c->pendbaser & PENDBASER_PTZ)
		return;
	for (key = 0; (irq = vgic_radix_next(&d->lpis, &key)); key++) {
		if (lpi_target(d, irq) == c &&
		    !d->ops->read(d->ctx, pending_byte(c, irq->intid), &byte, 1))
			vgic_irq_change(d, irq, byte >> (irq->intid & 7) & 1 ? VGIC_PEND
									    : VGIC_UNPEND);
		if (breathe(d, key))
			return;
	}
}

void vgic_lpi_disable(struct vgic *d, struct vgic_cpu *c)
{
	struct vgic_irq *irq;
	u32 key;

	for (key = 0; (irq = vgic_radix_next(&d->lpis, &key)); key++) {
		if (lpi_target(d, irq) == c)
			vgic_irq_change(d, irq, VGIC_UNPEND);
		if (breathe(d, key))
			return;
	}
}
