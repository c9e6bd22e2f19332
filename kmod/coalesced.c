// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zones of coalesced MMIO and their ring (coalesced.h).
 *
 * The ring lies in a page that user space can write: its indexes are read once and
 * bounded before use. One ring a VM, all vCPUs' mappings show the same page.
 *
 * Locks: vm->slots_lock for the zones, rd_coalesced.lock for the ring.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "coalesced.h"
#include "vcpu.h"
#include "vm.h"

struct rd_zone {
	struct list_head list;
	struct rd_iodev dev;
	struct kvm_coalesced_mmio_zone area;
};

static int zone_read(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len, void *val)
{
	return -EOPNOTSUPP;
}

/* Queues a write; a full ring makes it an ordinary exit. */
static int zone_write(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len,
		      const void *val)
{
	struct rd_coalesced *co = &vcpu->vm->coalesced;
	struct rd_zone *zone = container_of(dev, struct rd_zone, dev);
	struct kvm_coalesced_mmio_ring *ring = page_address(co->page);
	struct kvm_coalesced_mmio *entry;
	int ret = -EOPNOTSUPP;
	u32 last;

	spin_lock(&co->lock);
	last = READ_ONCE(ring->last);
	if (last < KVM_COALESCED_MMIO_MAX &&
	    (last + 1) % KVM_COALESCED_MMIO_MAX != READ_ONCE(ring->first)) {
		entry = &ring->coalesced_mmio[last];
		entry->phys_addr = addr;
		entry->len = len;
		entry->pio = zone->area.pio;
		memcpy(entry->data, val, len);
		smp_store_release(&ring->last, (last + 1) % KVM_COALESCED_MMIO_MAX);
		ret = 0;
	}
	spin_unlock(&co->lock);
	return ret;
}

static void zone_release(struct rd_iodev *dev)
{
	kfree(container_of(dev, struct rd_zone, dev));
}

static const struct rd_iodev_ops zone_ops = {
	.read = zone_read,
	.write = zone_write,
	.release = zone_release,
};

void rd_coalesced_init(struct rd_vm *vm)
{
	spin_lock_init(&vm->coalesced.lock);
	INIT_LIST_HEAD(&vm->coalesced.zones);
}

void rd_coalesced_destroy(struct rd_vm *vm)
{
	struct rd_zone *zone, *next;

	/* The others are the bus's to release. */
	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, list)
		if (zone->area.pio)
			kfree(zone);
	if (vm->coalesced.page)
		__free_page(vm->coalesced.page);
}

struct page *rd_coalesced_page(struct rd_vm *vm)
{
	lockdep_assert_held(&vm->lock);
	if (!vm->coalesced.page)
		vm->coalesced.page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->coalesced.page;
}

/* There is no port I/O: a zone of it is accepted and never hit, as mainline does. */
static int add_zone(struct rd_vm *vm, struct rd_zone *zone)
{
	int ret = zone->area.pio ? 0 : rd_iobus_add(vm, &zone->dev);

	if (!ret)
		list_add_tail(&zone->list, &vm->coalesced.zones);
	return ret;
}

int rd_coalesced_add(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *area)
{
	struct rd_zone *zone;
	int ret = -ENOMEM;

	if (area->pio > 1 || !area->size || area->addr + area->size < area->addr)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->area = *area;
	zone->dev.ops = &zone_ops;
	zone->dev.base = area->addr;
	zone->dev.len = area->size;
	mutex_lock(&vm->lock);
	if (rd_coalesced_page(vm)) {
		mutex_lock(&vm->slots_lock);
		ret = add_zone(vm, zone);
		mutex_unlock(&vm->slots_lock);
	}
	mutex_unlock(&vm->lock);
	if (ret)
		kfree(zone);
	return ret;
}

/* Removes every zone that lies within the range; none is no error. */
int rd_coalesced_remove(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *area)
{
	struct rd_zone *zone, *next;

	if (area->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, list) {
		if (zone->area.pio != area->pio || zone->area.addr < area->addr ||
		    zone->area.addr + zone->area.size > area->addr + area->size)
			continue;
		list_del(&zone->list);
		rd_iobus_remove(vm, &zone->dev);
		kfree(zone);
	}
	mutex_unlock(&vm->slots_lock);
	return 0;
}
