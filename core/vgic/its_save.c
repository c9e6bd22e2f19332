// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ITS's tables in guest memory, in the layout of revision 0
 * (Documentation/virt/kvm/devices/arm-vgic-its.rst): written on user space's demand,
 * read back on the other side of a migration.
 *
 * An entry says how far the next valid one is, so that a reader skips what is empty;
 * the maps give entries in the order of their keys. What is read is the guest's
 * memory, and anything may be in it: every key is checked as a command's would be.
 *
 * Locks: the mutex of core/its.h.
 */
#include "its_private.h"

#define DTE_VALID     VGIC_BIT(63)
#define DTE_NEXT      49
#define DTE_MAX_NEXT  0x3fffu
#define DTE_ITT       0x0001ffffffffffe0ULL
#define CTE_VALID     VGIC_BIT(63)
#define CTE_RDBASE    16
#define ITE_NEXT      48
#define ITE_INTID     16
#define CHUNK	      64 /* entries read at once */

/* ---- Writing ---- */

static u32 distance(u32 from, u32 to, u32 max)
{
	return to - from < max ? to - from : max;
}

static int save_itt(struct its *its, struct its_device *dev)
{
	struct its_ite *ite;
	u32 event, next;
	int ret = 0;
	u64 val;

	for (event = 0; !ret && (ite = vgic_radix_next(&dev->ites, &event)); event++) {
		next = event + 1;
		val = vgic_radix_next(&dev->ites, &next)
			      ? (u64)distance(event, next, 0xffff) << ITE_NEXT : 0;
		val |= (u64)ite->irq->intid << ITE_INTID | ite->collection;
		/* Without its collection an event is lost: an invalid entry. */
		if (!its_collection(its, ite->collection))
			val = 0;
		ret = its_write64(its, dev->itt + (u64)event * ITS_ENTRY_SIZE, val);
	}
	return ret;
}

/* The next device from @devid on whose entry the guest's table has room for. */
static struct its_device *next_saved(struct its *its, u32 *devid, u64 *gpa)
{
	struct its_device *dev;

	while ((dev = vgic_radix_next(&its->devices, devid))) {
		if (!its_entry(its, its->device_table, *devid, gpa))
			return dev;
		++*devid;
	}
	return NULL;
}

static int save_devices(struct its *its)
{
	u64 gpa, next_gpa, val;
	struct its_device *dev, *next;
	u32 devid = 0, next_id;
	int ret;

	for (dev = next_saved(its, &devid, &gpa); dev; dev = next) {
		next_id = devid + 1;
		next = next_saved(its, &next_id, &next_gpa);
		ret = save_itt(its, dev);
		if (ret)
			return ret;
		val = DTE_VALID | (dev->itt >> 8) << 5 | (dev->bits - 1u);
		if (next)
			val |= (u64)distance(devid, next_id, DTE_MAX_NEXT) << DTE_NEXT;
		ret = its_write64(its, gpa, val);
		if (ret)
			return ret;
		if (its->d->ops->yield(its->d->ctx))
			return -EINTR;
		devid = next_id;
		gpa = next_gpa;
	}
	return 0;
}

static int save_collections(struct its *its)
{
	u64 gpa = its_table_base(its->collection_table);
	u64 end = gpa + its_table_size(its->collection_table);
	struct its_collection *c;
	u32 id, rdbase;
	int ret = 0;

	for (id = 0; !ret && gpa < end && (c = vgic_radix_next(&its->collections, &id)); id++) {
		rdbase = c->target == VGIC_NONE ? VGIC_NONE : its->d->cpus[c->target]->id;
		ret = its_write64(its, gpa, CTE_VALID | (u64)rdbase << CTE_RDBASE | id);
		gpa += ITS_ENTRY_SIZE;
	}
	/* An invalid entry ends the table. */
	return !ret && gpa < end ? its_write64(its, gpa, 0) : ret;
}

int its_save(struct its *its)
{
	int ret = 0;

	if (its->device_table & BASER_VALID)
		ret = save_devices(its);
	if (!ret && (its->collection_table & BASER_VALID))
		ret = save_collections(its);
	return ret;
}

/* ---- Reading ---- */

/* An entry of a table: a negative errno, 0: no more, or the distance of the next one. */
typedef int (*restore_fn)(struct its *its, u32 id, u64 entry, void *arg);

/*
 * Goes through @nr entries from @gpa, the first of which is for @id. 0: one said it
 * was the last; 1: came to the end; or a negative errno.
 */
static int scan(struct its *its, u64 gpa, u32 nr, u32 id, restore_fn restore, void *arg)
{
	u64 chunk[CHUNK];
	u32 i = 0, first = 0, have = 0;

	while (i < nr) {
		int ret;

		if (i >= first + have) {
			first = i;
			have = nr - i < CHUNK ? nr - i : CHUNK;
			if (its->d->ops->yield(its->d->ctx))
				return -EINTR;
			if (its->d->ops->read(its->d->ctx, gpa + (u64)i * ITS_ENTRY_SIZE, chunk,
					      have * ITS_ENTRY_SIZE))
				return -EFAULT;
		}
		ret = restore(its, id + i, port_le64(chunk[i - first]), arg);
		if (ret <= 0)
			return ret;
		i += (u32)ret;
	}
	return 1;
}

static int restore_ite(struct its *its, u32 event, u64 entry, void *arg)
{
	struct its_device *dev = arg;
	u32 intid = (u32)(entry >> ITE_INTID), next = (u32)(entry >> ITE_NEXT);
	int ret;

	if (!intid)
		return 1;
	if (intid < VGIC_MIN_LPI || event + next >= 1u << dev->bits ||
	    !its_collection(its, entry & 0xffff) || vgic_radix_get(&dev->ites, event))
		return -EINVAL;
	ret = its_add_ite(its, dev, event, intid, entry & 0xffff);
	return ret ? ret : (int)next;
}

static int restore_dte(struct its *its, u32 devid, u64 entry, void *arg)
{
	u32 bits = (u32)(entry & 0x1f) + 1;
	struct its_device *dev;
	u64 gpa;
	int ret;

	(void)arg;
	if (!(entry & DTE_VALID))
		return 1;
	if (bits > ITS_ID_BITS || its_device(its, devid) ||
	    its_entry(its, its->device_table, devid, &gpa))
		return -EINVAL;
	dev = its_add_device(its, devid, (entry & DTE_ITT) << 3, (u8)bits);
	if (!dev)
		return -ENOMEM;
	ret = scan(its, dev->itt, 1u << bits, 0, restore_ite, dev);
	return ret < 0 ? ret : (int)(entry >> DTE_NEXT & DTE_MAX_NEXT);
}

/* An entry of the first of two levels. */
static int restore_level1(struct its *its, u32 index, u64 entry, void *arg)
{
	u32 per_page = ITS_PAGE / ITS_ENTRY_SIZE;
	int ret;

	if (!(entry & VGIC_BIT(63)))
		return 1;
	ret = scan(its, entry & 0x000fffffffff0000ULL, per_page, index * per_page, restore_dte, arg);
	return ret;
}

static int restore_devices(struct its *its)
{
	u64 baser = its->device_table;
	u32 nr = its_table_size(baser) / ITS_ENTRY_SIZE, ids = 1u << ITS_ID_BITS;

	/* No device's number is larger than what commands take. */
	if (baser & BASER_INDIRECT) {
		ids /= ITS_PAGE / ITS_ENTRY_SIZE;
		return scan(its, its_table_base(baser), nr < ids ? nr : ids, 0, restore_level1,
			    NULL);
	}
	return scan(its, its_table_base(baser), nr < ids ? nr : ids, 0, restore_dte, NULL);
}

static int restore_cte(struct its *its, u32 index, u64 entry, void *arg)
{
	u32 id = entry & 0xffff, rdbase = (u32)(entry >> CTE_RDBASE);
	struct vgic_cpu *target = vgic_cpu_by_id(its->d, rdbase);
	u64 gpa;

	(void)index;
	(void)arg;
	if (!(entry & CTE_VALID))
		return 0;
	/* VGIC_NONE: events were mapped to it before it was. */
	if ((!target && rdbase != VGIC_NONE) || its_collection(its, id) ||
	    its_entry(its, its->collection_table, id, &gpa))
		return -EINVAL;
	return its_add_collection(its, id, target ? target->index : VGIC_NONE) ? 1 : -ENOMEM;
}

int its_restore(struct its *its)
{
	int ret = 0;

	if (its->collection_table & BASER_VALID)
		ret = scan(its, its_table_base(its->collection_table),
			   its_table_size(its->collection_table) / ITS_ENTRY_SIZE, 0, restore_cte,
			   NULL);
	if (ret >= 0 && (its->device_table & BASER_VALID))
		ret = restore_devices(its);
	if (ret >= 0)
		return 0;
	its_del_devices(its);
	its_del_collections(its);
	return ret;
}
