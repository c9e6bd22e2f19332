// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices that the kernel emulates for a VM: one sorted array, replaced as a
 * whole (iobus.h).
 *
 * Locks: writers hold vm->slots_lock, readers vm->srcu. An array that readers may
 * see is never changed but for one case, the removal without memory, which turns
 * the removed entry into its neighbour's double: readers stop at the first match.
 */
#include <linux/slab.h>
#include <linux/srcu.h>

#include "iobus.h"
#include "vcpu.h"

struct rd_slot {
	struct rd_iodev *dev;
	u64 reach; /* the highest end of this device and all before it, or more */
};

struct rd_iobus {
	u32 nr;
	struct rd_slot slot[];
};

static struct rd_iobus *bus_of(struct rd_vm *vm)
{
	return rcu_dereference_protected(vm->iobus, lockdep_is_held(&vm->slots_lock));
}

/* The first entry whose base is above @addr. */
static u32 upper_bound(const struct rd_iobus *bus, u64 addr)
{
	u32 lo = 0, hi = bus->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (READ_ONCE(bus->slot[mid].dev)->base > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Where a device ends; one without a length stands for any access at its base. */
static u64 end_of(const struct rd_iodev *dev)
{
	return dev->base + max_t(u64, dev->len, 1);
}

/* Makes the new array the VM's, waits for readers of the old one and frees it. */
static void publish(struct rd_vm *vm, struct rd_iobus *new, struct rd_iobus *old)
{
	u64 reach = 0;
	u32 i;

	for (i = 0; i < new->nr; i++) {
		reach = max(reach, end_of(new->slot[i].dev));
		new->slot[i].reach = reach;
	}
	rcu_assign_pointer(vm->iobus, new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
}

int rd_iobus_add(struct rd_vm *vm, struct rd_iodev *dev)
{
	struct rd_iobus *old = bus_of(vm), *new;
	u32 nr = old ? old->nr : 0, at;

	if (nr >= RD_IOBUS_MAX)
		return -ENOSPC;
	new = kmalloc(struct_size(new, slot, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr = nr + 1;
	at = old ? upper_bound(old, dev->base) : 0;
	if (old) {
		memcpy(new->slot, old->slot, at * sizeof(*old->slot));
		memcpy(new->slot + at + 1, old->slot + at, (nr - at) * sizeof(*old->slot));
	}
	new->slot[at].dev = dev;
	publish(vm, new, old);
	return 0;
}

/* Without memory: closes the gap in place. Readers see each other entry at least once. */
static void close_gap(struct rd_iobus *bus, u32 at)
{
	u32 i;

	for (i = at; i + 1 < bus->nr; i++) {
		WRITE_ONCE(bus->slot[i].reach, bus->slot[i + 1].reach);
		WRITE_ONCE(bus->slot[i].dev, bus->slot[i + 1].dev);
	}
	WRITE_ONCE(bus->nr, bus->nr - 1);
}

void rd_iobus_remove(struct rd_vm *vm, struct rd_iodev *dev)
{
	struct rd_iobus *old = bus_of(vm), *new;
	u32 at;

	for (at = 0; old && at < old->nr; at++)
		if (old->slot[at].dev == dev)
			break;
	if (!old || at == old->nr)
		return;
	new = kmalloc(struct_size(new, slot, old->nr - 1), GFP_KERNEL_ACCOUNT);
	if (!new) {
		close_gap(old, at);
		synchronize_srcu_expedited(&vm->srcu);
		return;
	}
	new->nr = old->nr - 1;
	memcpy(new->slot, old->slot, at * sizeof(*old->slot));
	memcpy(new->slot + at, old->slot + at + 1, (new->nr - at) * sizeof(*old->slot));
	publish(vm, new, old);
}

/* True if the access lies in the device. */
static bool covers(const struct rd_iodev *dev, u64 addr, int len)
{
	if (!dev->len)
		return addr == dev->base;
	return addr >= dev->base && addr - dev->base < dev->len &&
	       dev->len - (addr - dev->base) >= (u64)len;
}

/*
 * Calls the devices that cover the access, from the one with the highest base
 * down, until one takes it.
 */
static int access(struct rd_vcpu *vcpu, u64 addr, int len, void *val, bool write)
{
	struct rd_iobus *bus = srcu_dereference(vcpu->vm->iobus, &vcpu->vm->srcu);
	u32 i;
	int ret;

	if (!bus)
		return -EOPNOTSUPP;
	for (i = upper_bound(bus, addr); i-- > 0 && READ_ONCE(bus->slot[i].reach) > addr;) {
		struct rd_iodev *dev = READ_ONCE(bus->slot[i].dev);

		if (!covers(dev, addr, len))
			continue;
		ret = write ? dev->ops->write(vcpu, dev, addr, len, val) :
			      dev->ops->read(vcpu, dev, addr, len, val);
		if (ret != -EOPNOTSUPP)
			return ret;
	}
	return -EOPNOTSUPP;
}

int rd_iobus_read(struct rd_vcpu *vcpu, u64 addr, int len, void *val)
{
	return access(vcpu, addr, len, val, false);
}

int rd_iobus_write(struct rd_vcpu *vcpu, u64 addr, int len, const void *val)
{
	return access(vcpu, addr, len, (void *)val, true);
}

void rd_iobus_destroy(struct rd_vm *vm)
{
	struct rd_iobus *bus = rcu_dereference_protected(vm->iobus, 1);
	u32 i;

	for (i = 0; bus && i < bus->nr; i++)
		if (bus->slot[i].dev->ops->release)
			bus->slot[i].dev->ops->release(bus->slot[i].dev);
	kfree(bus);
	RCU_INIT_POINTER(vm->iobus, NULL);
}
