/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the vGIC's Linux side share.
 *
 * Locks (vm.h has the whole order): vm->slots_lock guards addresses, regions and
 * what is on the I/O bus; vm->config_lock the number of interrupts and
 * initialisation; vm->lock the list of devices. Registers of the GIC itself have
 * the locks of core/vgic. An ITS's mutex (its_lock, one a VM) comes after all of
 * these.
 */
#ifndef REDOUBT_KMOD_VGIC_GLUE_H
#define REDOUBT_KMOD_VGIC_GLUE_H

#include <core/its.h>
#include <core/vgic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

#include "../iobus.h"
#include "../vcpu.h"
#include "../vgic.h"
#include "../vm.h"

#define RD_ADDR_UNDEF ((u64)-1)
#define RD_DIST_SIZE	SZ_64K
#define RD_REDIST_SIZE	(2 * SZ_64K)
#define RD_ITS_SIZE	(2 * SZ_64K)

/* A region of redistributors (KVM_VGIC_V3_ADDR_TYPE_REDIST, _REDIST_REGION). */
struct rd_redist_region {
	struct list_head list;
	u64 base;
	u32 index;
	u32 count; /* 0: the legacy kind, as large as there are vCPUs */
	u32 used;  /* redistributors in it */
};

struct rd_vgic_dev {
	struct list_head list;
	struct rd_vm *vm;
	u32 type;
	/* An ITS. */
	struct its its;
	u64 base;
	struct rd_iodev iodev;
	bool registered;
};

/* The most ITSes of a VM. */
#define RD_MAX_ITS 16

struct rd_vgic {
	struct vgic core;
	struct rd_vm *vm;
	u32 nr_spis;		/* 0: not chosen yet */
	u64 dist_base;
	bool ready;		/* a vCPU has run: the frames are final */
	struct list_head regions; /* by index */
	struct list_head devices;
	struct mutex its_lock;
	struct rd_vgic_dev *its[RD_MAX_ITS]; /* those with an address; read with acquire */
	struct rd_iodev dist_dev;
	bool dist_registered;
};

struct rd_vgic_cpu {
	struct vgic_cpu core;
	struct rd_vcpu *vcpu;
	u32 syncs;			 /* counts rd_vgic_sync() with list registers */
	struct rd_iodev rd_dev;
	struct rd_redist_region *region; /* NULL: no frame yet */
	u32 slot;			 /* in the region */
};

static inline struct rd_vgic_cpu *rd_vgic_cpu_of(struct vgic_cpu *c)
{
	return container_of(c, struct rd_vgic_cpu, core);
}

/*
 * Checks a frame: @set its address so far. -EEXIST: it has one; -EINVAL: not
 * aligned, or it wraps; -E2BIG: beyond the VM's address space.
 */
int rd_vgic_check_range(struct rd_vm *vm, u64 set, u64 addr, u64 align, u64 size);

/* The value of an access of @len bytes: little-endian at @val, which may be unaligned. */
static inline u64 rd_frame_load(const void *val, int len)
{
	__le64 data = 0;

	memcpy(&data, val, len);
	return le64_to_cpu(data);
}

static inline void rd_frame_store(void *val, int len, u64 data)
{
	__le64 le = cpu_to_le64(data);

	memcpy(val, &le, len);
}

/* Frames (frame.c); vm->slots_lock held. */

/* The distributor's address. */
int rd_frame_set_dist(struct rd_vgic *g, u64 addr);

/* A region of @count redistributors (0: legacy) with index @index. */
int rd_frame_add_region(struct rd_vgic *g, u32 index, u64 base, u32 count);
struct rd_redist_region *rd_frame_region(struct rd_vgic *g, u32 index);

/* Gives a new vCPU's redistributor a place, if there is one already. 0 or -EINVAL, -ENOMEM. */
int rd_frame_add_cpu(struct rd_vgic *g, struct rd_vgic_cpu *c);
/* Takes it off the bus again: the vCPU didn't come to be. */
void rd_frame_del_cpu(struct rd_vgic *g, struct rd_vgic_cpu *c);

/* Before the first run: all frames are there, and don't overlap. -ENXIO, -EINVAL, -ENOMEM. */
int rd_frame_map(struct rd_vgic *g);

/* Frees regions; the frames go with the I/O bus. */
void rd_frame_destroy(struct rd_vgic *g);

/* The ITS (its.c). */

int rd_its_create(struct rd_vgic *g, struct rd_vgic_dev *dev);
void rd_its_destroy(struct rd_vgic *g, struct rd_vgic_dev *dev);
int rd_its_set_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);
int rd_its_get_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);
int rd_its_has_attr(struct rd_vgic_dev *dev, const struct kvm_device_attr *attr);

/* probe.c: ICH_VTR_EL2. */
u64 rd_vgic_vtr(void);

/* vgic.c */
extern const struct vgic_ops rd_vgic_ops;

/* KVM_DEV_ARM_VGIC_CTRL_INIT. Takes its locks. */
int rd_vgic_init(struct rd_vgic *g);

#endif /* REDOUBT_KMOD_VGIC_GLUE_H */
