/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine as the host's kernel sees it: struct rd_vm.
 *
 * A VM lives as long as any file descriptor that names it: the VM's own, its
 * vCPUs', its devices', its statistics'. Each holds one reference. The last put
 * destroys it, in process context, with no vCPU loaded.
 *
 * Locks, outermost first:
 *	vm->lock	creation of vCPUs and devices, capabilities, rd_vm_lock_vcpus()
 *	vcpu->mutex	one ioctl at a time on a vCPU; all of KVM_RUN
 *	vm->slots_lock	memslots, the I/O bus (writers), zones of coalesced MMIO
 *	vm->config_lock	ID registers, SMCCC filter, the vGIC's configuration
 *	vm->irq_lock	IRQ routing and irqfds (writers)
 *	the MMU's, then the vGIC's and timers' spinlocks (their headers)
 *	vcpu->mp_lock	spinlock: power state and reset arguments of a vCPU
 * Readers of the I/O bus and IRQ routing hold vm->srcu.
 */
#ifndef REDOUBT_KMOD_VM_H
#define REDOUBT_KMOD_VM_H

#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "coalesced.h"
#include "dirty_ring.h"
#include "idregs.h"
#include "iobus.h"
#include "irqroute.h"
#include "mmu.h"
#include "smccc.h"
#include "stats.h"
#include "timer.h"
#include "vgic.h"

struct rd_vcpu;

/* The affinity fields of an MPIDR. */
#define RD_MPIDR_AFFINITY 0xff00ffffffULL

/* The most vCPUs that a VM can have: what the vGICv3 numbers (abi.h's RD_VCPU_MAX). */
#define RD_MAX_VCPUS 512

/* vm->flags, by bit number; they are only ever set. */
enum rd_vm_flag {
	RD_VM_NISV_TO_USER,	/* KVM_CAP_ARM_NISV_TO_USER */
	RD_VM_RAN_ONCE,		/* a vCPU has run: ID registers and features are final */
	RD_VM_FEATURES_SET,	/* vm->features is what the first KVM_ARM_VCPU_INIT asked for */
	RD_VM_SUSPEND_TO_USER,	/* KVM_CAP_ARM_SYSTEM_SUSPEND */
	RD_VM_COUNTER_SET,	/* KVM_ARM_SET_COUNTER_OFFSET has fixed the offsets */
	RD_VM_DEAD,		/* EL2 refused something that must not fail: no vCPU runs again */
};

struct rd_vm {
	struct kref ref;
	unsigned long flags;	/* bits of enum rd_vm_flag */
	struct mm_struct *mm;	/* the VMM's, pinned with mmgrab(): ioctls of others are -EIO */
	bool is_protected;	/* RD_VM_PROTECTED at EL2 */
	u8 ipa_bits;

	/* EL2's objects (el2_vm.c). */
	u64 handle;		/* what the hypercalls call this VM; 0: none */
	u64 object_pfn;		/* the first page of its object: the last that comes back */
	u32 object_pages;	/* sizes of what EL2 wants for the VM, */
	u32 root_pages;		/* its root table, */
	u32 vcpu_pages;		/* and each vCPU */
	bool torn_down;		/* VM_TEARDOWN is done: VM_RECLAIM is next */
	struct delayed_work burial; /* tries again what EL2 had no memory for (vm.c) */

	struct mutex lock;
	struct mutex slots_lock;
	struct mutex config_lock;
	struct mutex irq_lock;
	struct srcu_struct srcu;

	/* vCPUs by index, in order of creation; they stay until the VM ends. */
	struct xarray vcpus;
	u32 nr_vcpus;		/* read with smp_load_acquire(): all below it are complete */

	u64 features;		/* bits of KVM_ARM_VCPU_*, the same for all vCPUs */
	struct rd_idregs idregs;
	struct rd_smccc smccc;
	struct rd_iobus __rcu *iobus;
	struct rd_coalesced coalesced;
	struct rd_dirty_rings rings;
	struct rd_irqs irqs;
	struct rd_vm_stat stat;
	struct rd_stats_dir stats_dir;

	/* Whose contents belong to other files: mmu.h, vgic.h, timer.h. */
	struct rd_vm_mmu mmu;
	struct rd_vgic_vm vgic;
	struct rd_vm_timer timer;
};

/*
 * Makes a VM of the type that KVM_CREATE_VM got: bits 0 to 7 the IPA bits (0 means
 * 40), bit 31 protected. Returns its file descriptor or a negative errno.
 */
int rd_vm_create_fd(unsigned long type);

/* One more reference to @vm, for a caller that already has one. */
void rd_vm_get(struct rd_vm *vm);

/* The queue for VMs whose end has to wait. */
int rd_vm_module_init(void);
void rd_vm_module_exit(void);

/* Drops a reference; may sleep, destroys the VM with the last one. */
void rd_vm_put(struct rd_vm *vm);

/* How many vCPUs the VM has; those with a smaller index are complete. No lock. */
static inline u32 rd_vm_nr_vcpus(struct rd_vm *vm)
{
	return smp_load_acquire(&vm->nr_vcpus);
}

/* The vCPU with index @idx, or NULL. No lock: vCPUs go away with the VM only. */
static inline struct rd_vcpu *rd_vm_vcpu(struct rd_vm *vm, u32 idx)
{
	return idx < rd_vm_nr_vcpus(vm) ? xa_load(&vm->vcpus, idx) : NULL;
}

/* Walks all vCPUs: @i an unsigned long, @vcpu the cursor. */
#define rd_vm_for_each_vcpu(i, vcpu, vm)                                                           \
	for ((i) = 0; ((vcpu) = rd_vm_vcpu((vm), (i))); (i)++)

/* The vCPU that user space created with number @id, or NULL. */
struct rd_vcpu *rd_vm_vcpu_by_id(struct rd_vm *vm, u32 id);

/* The vCPU whose MPIDR affinity (Aff3 to Aff0, other bits ignored) is @mpidr's, or NULL. */
struct rd_vcpu *rd_vm_vcpu_by_mpidr(struct rd_vm *vm, u64 mpidr);

/*
 * Takes every vCPU's mutex, so that none runs or is configured. Called with
 * vm->lock held. -EBUSY, with none taken, if a vCPU is in an ioctl.
 */
int rd_vm_lock_vcpus(struct rd_vm *vm);
void rd_vm_unlock_vcpus(struct rd_vm *vm);

/* Sets request @req (RD_REQ_*) in every vCPU and kicks those that run. Never sleeps. */
void rd_vm_request_all(struct rd_vm *vm, unsigned int req);

/* Marks the VM as beyond repair: each KVM_RUN returns -EIO from now on. */
void rd_vm_kill(struct rd_vm *vm);

/* EL2's side of a VM (el2_vm.c). */

/* Asks EL2 what it will want for the VM. -EINVAL: it doesn't have the VM's IPA size. */
int rd_el2_vm_sizes(struct rd_vm *vm);

/*
 * Allocates that, donates it and stores vm->handle; after rd_el2_vm_sizes(). Refused:
 * -ENOMEM, -ENOSPC with RD_VM_MAX VMs.
 */
int rd_el2_vm_create(struct rd_vm *vm);

/*
 * Donates up to @pages (1 to 15) zeroed pages to the VM's page-table memory. May
 * sleep. Returns 0, -ENOMEM, or EL2's refusal; pages that it did not take are freed.
 */
int rd_el2_vm_topup(struct rd_vm *vm, unsigned int pages);

/*
 * Tears the VM down at EL2 and frees every page that comes back. May sleep. 0: all are
 * back. -ENOMEM, -EBUSY and others: the rest is EL2's still, to be asked for again.
 */
int rd_el2_vm_destroy(struct rd_vm *vm);

/* Nanoseconds of the longest step of that so far, of all VMs. */
u64 rd_el2_longest_teardown(void);

/* Allocates and donates the vCPU's EL2 object and its shared state page. */
int rd_el2_vcpu_create(struct rd_vcpu *vcpu);

/* Frees the state page; after rd_el2_vm_destroy(), or if the vCPU never got to EL2. */
void rd_el2_vcpu_free(struct rd_vcpu *vcpu);

#endif /* REDOUBT_KMOD_VM_H */
