/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that the kernel emulates behind MMIO: the vGIC's frames, ioeventfds
 * and zones of coalesced MMIO.
 *
 * A VM's devices are one sorted array that is replaced as a whole. Writers hold
 * vm->slots_lock; readers vm->srcu. A device that was removed is not in use any
 * more, and may be freed, when rd_iobus_remove() returns.
 */
#ifndef REDOUBT_KMOD_IOBUS_H
#define REDOUBT_KMOD_IOBUS_H

#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;
struct rd_iodev;

struct rd_iodev_ops {
	/*
	 * Called with vm->srcu held, preemptible, the vCPU loaded. @len is 1, 2, 4 or
	 * 8 bytes at @addr, inside the device's range; @val little-endian. 0 when the
	 * access is done; -EOPNOTSUPP passes it to the next device or to user space.
	 */
	int (*read)(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len, void *val);
	int (*write)(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len,
		     const void *val);
	/* The VM ends with the device still registered. May be NULL. */
	void (*release)(struct rd_iodev *dev);
};

/* Embedded in what it stands for (container_of()). */
struct rd_iodev {
	const struct rd_iodev_ops *ops;
	u64 base; /* guest physical address */
	u64 len;  /* bytes */
};

struct rd_iobus;

/* The most devices of a VM. */
#define RD_IOBUS_MAX 1000

/*
 * Registers @dev (base and len set). vm->slots_lock held. 0, -ENOSPC or -ENOMEM;
 * nothing changed on error. Overlaps are the caller's affair.
 */
int rd_iobus_add(struct rd_vm *vm, struct rd_iodev *dev);

/*
 * Removes @dev, if it is there, and waits until nobody uses it. vm->slots_lock
 * held. Cannot fail: without memory for a smaller array it reuses the old one.
 */
void rd_iobus_remove(struct rd_vm *vm, struct rd_iodev *dev);

/*
 * Offers an access to the devices that cover it, lowest address first. vm->srcu
 * held. 0 when a device did it, -EOPNOTSUPP when none did.
 */
int rd_iobus_read(struct rd_vcpu *vcpu, u64 addr, int len, void *val);
int rd_iobus_write(struct rd_vcpu *vcpu, u64 addr, int len, const void *val);

/* At the end of a VM: releases all that is left. */
void rd_iobus_destroy(struct rd_vm *vm);

#endif /* REDOUBT_KMOD_IOBUS_H */
