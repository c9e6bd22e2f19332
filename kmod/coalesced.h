/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced MMIO: writes to the zones that user space names are queued in a ring
 * that it maps (page KVM_COALESCED_MMIO_PAGE_OFFSET of each vCPU), without an exit.
 */
#ifndef REDOUBT_KMOD_COALESCED_H
#define REDOUBT_KMOD_COALESCED_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>

struct rd_vm;
struct page;

struct rd_coalesced {
	struct page *page;	/* the ring; made with the first vCPU */
	spinlock_t lock;	/* the ring's producers */
	struct list_head zones; /* under vm->slots_lock */
};

void rd_coalesced_init(struct rd_vm *vm);
void rd_coalesced_destroy(struct rd_vm *vm);

/* The ring's page for a new vCPU's mmap. vm->lock held. NULL: no memory. */
struct page *rd_coalesced_page(struct rd_vm *vm);

/* The ioctls; arguments unchecked. They take vm->slots_lock. */
int rd_coalesced_add(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *zone);
int rd_coalesced_remove(struct rd_vm *vm, const struct kvm_coalesced_mmio_zone *zone);

#endif /* REDOUBT_KMOD_COALESCED_H */
