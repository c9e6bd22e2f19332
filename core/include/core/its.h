/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual Interrupt Translation Service (Arm IHI 0069H chapters 5 and 12.18): it
 * turns an event of a device into an LPI of a vCPU.
 *
 * Translations are kept in maps of our own (devices, events, collections); the
 * guest's tables are only written when user space saves them, in the layout that
 * Documentation/virt/kvm/devices/arm-vgic-its.rst calls revision 0. A lookup is a
 * walk of six pointers and never sleeps: no cache is needed beside it.
 *
 * Locks
 *   Commands, register accesses and user space's calls are one at a time for all
 *   ITSes of a VM: the caller holds a mutex. its.lock, a spinlock taken inside,
 *   guards what its_inject() looks at against removal; the vGIC's locks come after.
 */
#ifndef CORE_ITS_H
#define CORE_ITS_H

#include <core/vgic.h>

/* Translations of an ITS: as many as there are LPIs, and then some. */
#define ITS_MAX_ITES 65536

struct its_ite {
	struct vgic_irq *irq;
	u16 collection;
};

struct its_device {
	u64 itt;		/* guest's address of its table */
	u8 bits;		/* of an EventID */
	struct vgic_radix ites;	/* by EventID */
};

struct its_collection {
	u32 target;		/* vCPU index, or VGIC_NONE: not mapped yet */
};

struct its {
	port_lock_t lock;
	struct vgic *d;
	bool enabled;
	u32 nr_ites;
	u64 device_table;	/* GITS_BASER0 */
	u64 collection_table;	/* GITS_BASER1 */
	u64 cbaser;
	u32 creadr, cwriter;	/* bytes */
	struct vgic_radix devices;
	struct vgic_radix collections;
};

/* Prepares @its (zeroed): the registers' reset values. */
void its_setup(struct its *its, struct vgic *d);

/* Forgets all translations. Mutex. May sleep. */
void its_forget(struct its *its);

/* KVM_DEV_ARM_ITS_CTRL_RESET. Mutex. May sleep. */
void its_reset(struct its *its);

/*
 * The device @devid signals @event. 1: delivered; 0: the guest hasn't mapped it;
 * -EBUSY: the ITS, or the vCPU's LPIs, are off. Any context, no mutex.
 */
int its_inject(struct its *its, u32 devid, u32 event);

/* A guest's access to the control frame. Mutex. May sleep. */
u64 its_read(struct its *its, u32 off, u32 len);
void its_write(struct its *its, u32 off, u32 len, u64 val);

/*
 * User space's access to a register (KVM_DEV_ARM_VGIC_GRP_ITS_REGS). -EINVAL: not
 * aligned or not that value; -ENXIO: no such register; -EBUSY: not while enabled.
 */
int its_user(struct its *its, u64 off, bool write, u64 *val);
int its_has(u64 off);

/*
 * KVM_DEV_ARM_ITS_SAVE_TABLES and _RESTORE_TABLES. Mutex, no vCPU runs. May sleep.
 * -EFAULT: no such guest memory; -EINVAL: tables that contradict themselves;
 * -EINTR: gave up. After a failed restoration nothing is mapped.
 */
int its_save(struct its *its);
int its_restore(struct its *its);

#endif /* CORE_ITS_H */
