// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ITS's translations: devices, the events of each, collections.
 *
 * Invariants:
 *  a. An ITE's LPI targets the vCPU of the ITE's collection, or VGIC_NONE if that
 *     collection isn't mapped. (Two events that share an LPI: the last one wins.)
 *  b. What its.lock's holder finds in the maps is not freed while it holds it.
 *
 * Locks: core/its.h. Maps change under mutex and lock both, so that either is
 * enough to read.
 */
#include "its_private.h"

#define BASER_RESET(type)                                                              \
	(BASER_RAWB << 59 | BASER_SAME_AS_INNER << 53 | BASER_INNER_SHARE << 10 |      \
	 2ULL << 8 | (u64)(ITS_ENTRY_SIZE - 1) << BASER_SIZE | (type) << BASER_TYPE)

void its_setup(struct its *its, struct vgic *d)
{
	its->d = d;
	its->device_table = BASER_RESET(TYPE_DEVICE);
	its->collection_table = BASER_RESET(TYPE_COLLECTION);
}

/* ---- Guest memory ---- */

u64 its_table_base(u64 baser)
{
	/* 64K pages: bits 51:48 are in 15:12. */
	return (baser & 0xffffffff0000ULL) | ((baser >> 12) & 0xf) << 48;
}

u32 its_table_size(u64 baser)
{
	return (u32)((baser & 0xff) + 1) * ITS_PAGE;
}

int its_read64(struct its *its, u64 gpa, u64 *val)
{
	int ret = its->d->ops->read(its->d->ctx, gpa, val, sizeof(*val));

	*val = port_le64(*val);
	return ret;
}

int its_write64(struct its *its, u64 gpa, u64 val)
{
	val = port_le64(val);
	return its->d->ops->write(its->d->ctx, gpa, &val, sizeof(val));
}

int its_probe(struct its *its, u64 gpa)
{
	u8 byte;

	return its->d->ops->read(its->d->ctx, gpa, &byte, 1);
}

int its_entry(struct its *its, u64 baser, u32 id, u64 *gpa)
{
	u32 per_page = ITS_PAGE / ITS_ENTRY_SIZE;
	u64 level1;

	if (id >= 1u << ITS_ID_BITS)
		return -EINVAL;
	if (!(baser & BASER_INDIRECT)) {
		if (id >= its_table_size(baser) / ITS_ENTRY_SIZE)
			return -EINVAL;
		*gpa = its_table_base(baser) + (u64)id * ITS_ENTRY_SIZE;
		return its_probe(its, *gpa) ? -EINVAL : 0;
	}
	if (id / per_page >= its_table_size(baser) / sizeof(u64) ||
	    its_read64(its, its_table_base(baser) + (u64)(id / per_page) * sizeof(u64), &level1) ||
	    !(level1 & VGIC_BIT(63)))
		return -EINVAL;
	*gpa = (level1 & 0x000fffffffff0000ULL) + (u64)(id % per_page) * ITS_ENTRY_SIZE;
	return its_probe(its, *gpa) ? -EINVAL : 0;
}

/* ---- Lookup ---- */

struct its_device *its_device(struct its *its, u32 devid)
{
	return vgic_radix_get(&its->devices, devid);
}

struct its_ite *its_ite(struct its *its, u32 devid, u32 event)
{
	struct its_device *dev = its_device(its, devid);

	return dev ? vgic_radix_get(&dev->ites, event) : NULL;
}

struct its_collection *its_collection(struct its *its, u32 id)
{
	return vgic_radix_get(&its->collections, id);
}

static struct vgic_irq *translate(struct its *its, u32 devid, u32 event)
{
	unsigned long flags = vgic_lock(&its->lock);
	struct its_ite *ite = its_ite(its, devid, event);
	struct vgic_irq *irq = ite ? ite->irq : NULL;

	vgic_unlock(&its->lock, flags);
	return irq;
}

int its_inject(struct its *its, u32 devid, u32 event)
{
	struct vgic_irq *irq;
	u32 target;

	if (!its->enabled)
		return -EBUSY;
	/* An LPI's record outlives its translation, and takes no event then. */
	irq = translate(its, devid, event);
	if (!irq)
		return 0;
	target = port_read32(&irq->target);
	if (target == VGIC_NONE)
		return 0;
	if (!its->d->cpus[target]->lpis_enabled)
		return -EBUSY;
	vgic_irq_change(its->d, irq, VGIC_PEND);
	return 1;
}

/* ---- Change ---- */

static void publish(struct its *its, struct vgic_radix *map, u32 key, void *entry)
{
	unsigned long flags = vgic_lock(&its->lock);

	vgic_radix_set(map, key, entry);
	vgic_unlock(&its->lock, flags);
}

/* A zeroed record for a free key of @map. */
static void *make(struct its *its, struct vgic_radix *map, u32 key, size_t size)
{
	const struct vgic_ops *ops = its->d->ops;

	return vgic_radix_reserve(map, key, ops) ? NULL : ops->alloc(size);
}

struct its_device *its_add_device(struct its *its, u32 devid, u64 itt, u8 bits)
{
	struct its_device *dev = make(its, &its->devices, devid, sizeof(*dev));

	if (!dev)
		return NULL;
	dev->itt = itt;
	dev->bits = bits;
	publish(its, &its->devices, devid, dev);
	return dev;
}

struct its_collection *its_add_collection(struct its *its, u32 id, u32 target)
{
	struct its_collection *c = make(its, &its->collections, id, sizeof(*c));

	if (!c)
		return NULL;
	c->target = target;
	publish(its, &its->collections, id, c);
	return c;
}

int its_add_ite(struct its *its, struct its_device *dev, u32 event, u32 intid, u32 collection)
{
	struct its_collection *c = its_collection(its, collection);
	struct vgic_irq *irq;
	struct its_ite *ite;

	if (its->nr_ites >= ITS_MAX_ITES)
		return -ENOSPC;
	ite = make(its, &dev->ites, event, sizeof(*ite));
	if (!ite)
		return -ENOMEM;
	irq = vgic_lpi_get(its->d, intid);
	if (!irq) {
		its->d->ops->free(ite);
		return -ENOMEM;
	}
	vgic_irq_retarget(its->d, irq, c ? c->target : VGIC_NONE);
	if (vgic_lpi_load_config(its->d, irq) || vgic_lpi_load_pending(its->d, irq)) {
		vgic_lpi_put(its->d, irq);
		its->d->ops->free(ite);
		return -EFAULT;
	}
	ite->irq = irq;
	ite->collection = (u16)collection;
	publish(its, &dev->ites, event, ite);
	its->nr_ites++;
	return 0;
}

void its_del_ite(struct its *its, struct its_device *dev, u32 event)
{
	struct its_ite *ite = vgic_radix_get(&dev->ites, event);

	publish(its, &dev->ites, event, NULL);
	vgic_lpi_put(its->d, ite->irq);
	its->d->ops->free(ite);
	its->nr_ites--;
}

void its_del_device(struct its *its, u32 devid)
{
	struct its_device *dev = its_device(its, devid);
	u32 event;

	for (event = 0; vgic_radix_next(&dev->ites, &event); event++) {
		its_del_ite(its, dev, event);
		if ((event & 63) == 63)
			its->d->ops->yield(its->d->ctx);
	}
	publish(its, &its->devices, devid, NULL);
	vgic_radix_destroy(&dev->ites, its->d->ops);
	its->d->ops->free(dev);
}

void its_retarget_collection(struct its *its, u32 id, u32 target)
{
	struct its_device *dev;
	struct its_ite *ite;
	u32 devid, event;

	for (devid = 0; (dev = vgic_radix_next(&its->devices, &devid)); devid++)
		for (event = 0; (ite = vgic_radix_next(&dev->ites, &event)); event++) {
			if (ite->collection == id)
				vgic_irq_retarget(its->d, ite->irq, target);
			if ((event & 63) == 63)
				its->d->ops->yield(its->d->ctx);
		}
}

void its_del_collection(struct its *its, u32 id)
{
	struct its_collection *c = its_collection(its, id);

	its_retarget_collection(its, id, VGIC_NONE);
	publish(its, &its->collections, id, NULL);
	its->d->ops->free(c);
}

void its_del_collections(struct its *its)
{
	u32 id;

	for (id = 0; vgic_radix_next(&its->collections, &id); id++)
		its_del_collection(its, id);
}

void its_del_devices(struct its *its)
{
	u32 devid;

	for (devid = 0; vgic_radix_next(&its->devices, &devid); devid++) {
		its_del_device(its, devid);
		its->d->ops->yield(its->d->ctx);
	}
}

void its_forget(struct its *its)
{
	its_del_devices(its);
	its_del_collections(its);
	vgic_radix_destroy(&its->devices, its->d->ops);
	vgic_radix_destroy(&its->collections, its->d->ops);
}
