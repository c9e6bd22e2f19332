// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A virtual GIC's beginning and end, and its interrupts by number.
 */
#include "vgic_private.h"

#define PROPBASER_RESET (BASER_RAWB << 7 | BASER_INNER_SHARE << 10 | BASER_SAME_AS_INNER << 56)

void vgic_setup(struct vgic *d, const struct vgic_ops *ops, void *ctx, u64 vtr)
{
	d->ops = ops;
	d->ctx = ctx;
	d->vtr = vtr;
	d->nr_lrs = VTR_LISTREGS(vtr) < VGIC_NR_LRS ? VTR_LISTREGS(vtr) : VGIC_NR_LRS;
	d->tdir = vtr & VTR_TDS;
	d->rev = 3;
	d->propbaser = PROPBASER_RESET;
}

static void setup_private(struct vgic_cpu *c)
{
	u32 i;

	for (i = 0; i < VGIC_NR_PRIVATE; i++) {
		struct vgic_irq *irq = &c->priv[i];

		irq->intid = i;
		irq->target = irq->home = c->index;
		irq->route = vgic_id_to_affinity(c->id);
		irq->group1 = true;
		irq->enabled = i < VGIC_NR_SGIS;
		irq->level = i >= VGIC_NR_SGIS;
	}
}

int vgic_add_cpu(struct vgic *d, struct vgic_cpu *c, u32 id)
{
	if (d->nr_cpus >= VGIC_MAX_CPUS || id >= VGIC_MAX_CPUS || d->id_to_index[id])
		return -EINVAL;
	c->index = d->nr_cpus;
	c->id = id;
	c->pri_bits = VTR_PRIBITS(d->vtr) + 1;
	c->id_bits = VTR_IDBITS(d->vtr);
	c->pendbaser = PROPBASER_RESET;
	c->work = 1;
	setup_private(c);
	d->cpus[c->index] = c;
	d->id_to_index[id] = c->index + 1;
	d->nr_cpus++;
	return 0;
}

void vgic_del_cpu(struct vgic *d, struct vgic_cpu *c)
{
	d->nr_cpus--;
	d->cpus[c->index] = NULL;
	d->id_to_index[c->id] = 0;
}

int vgic_init_spis(struct vgic *d, u32 nr_spis)
{
	struct vgic_irq *spis = d->ops->alloc(nr_spis * sizeof(*spis));
	struct vgic_cpu *boot = vgic_cpu_by_affinity(d, 0);
	u32 i;

	if (!spis)
		return -ENOMEM;
	for (i = 0; i < nr_spis; i++) {
		spis[i].intid = VGIC_NR_PRIVATE + i;
		spis[i].target = spis[i].home = boot ? boot->index : VGIC_NONE;
		spis[i].group1 = true;
		spis[i].level = true;
	}
	d->nr_spis = nr_spis;
	__atomic_store_n(&d->spis, spis, __ATOMIC_RELEASE);
	return 0;
}

void vgic_destroy(struct vgic *d)
{
	struct vgic_irq *irq;
	u32 key;

	for (key = 0; (irq = vgic_radix_next(&d->lpis, &key)); key++)
		d->ops->free(irq);
	vgic_radix_destroy(&d->lpis, d->ops);
	if (d->spis)
		d->ops->free(d->spis);
	d->spis = NULL;
}

void vgic_map_hw(struct vgic *d, struct vgic_cpu *c, u32 intid, u32 hw_intid)
{
	struct vgic_irq *irq = vgic_irq(d, c, intid);
	unsigned long flags = vgic_lock(&c->lock);

	irq->hw_intid = (u16)hw_intid;
	irq->hw = true;
	vgic_unlock(&c->lock, flags);
}

struct vgic_cpu *vgic_cpu_by_affinity(struct vgic *d, u64 affinity)
{
	u64 aff0 = affinity & 0xff, aff1 = (affinity >> 8) & 0xff, aff2 = (affinity >> 16) & 0xff;

	if (aff0 > 15 || affinity >> 24)
		return NULL;
	return vgic_cpu_by_id(d, aff0 | aff1 << 4 | aff2 << 12);
}

struct vgic_irq *vgic_irq(struct vgic *d, struct vgic_cpu *c, u32 intid)
{
	struct vgic_irq *spis;

	if (intid < VGIC_NR_PRIVATE)
		return c ? &c->priv[intid] : NULL;
	if (intid >= VGIC_MIN_LPI)
		return vgic_radix_get(&d->lpis, intid - VGIC_MIN_LPI);
	spis = __atomic_load_n(&d->spis, __ATOMIC_ACQUIRE);
	return spis && intid < VGIC_NR_PRIVATE + d->nr_spis ? &spis[intid - VGIC_NR_PRIVATE] : NULL;
}
