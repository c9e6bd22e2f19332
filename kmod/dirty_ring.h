/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty rings: each vCPU tells the VMM what it writes through a ring of its own, that the
 * VMM maps behind KVM_DIRTY_LOG_PAGE_OFFSET (KVM_CAP_DIRTY_LOG_RING_ACQ_REL). What a ring
 * is, is in core/gmem_ring.h.
 */
#ifndef REDOUBT_KMOD_DIRTY_RING_H
#define REDOUBT_KMOD_DIRTY_RING_H

#include <core/gmem_ring.h>
#include <linux/kvm.h>
#include <linux/types.h>

struct page;
struct rd_vcpu;
struct rd_vm;
struct vm_area_struct;

/* The VM's choice; under vm->lock, and final with the first vCPU or memslot. */
struct rd_dirty_rings {
	u32 entries; /* of each vCPU's ring; 0: no rings */
	bool bitmap; /* KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP: GET_DIRTY_LOG works, too */
};

/* KVM_CHECK_EXTENSION and KVM_ENABLE_CAP of the rings' capabilities. -ENOTTY: another one. */
int rd_ring_check_cap(u64 cap);
int rd_ring_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap);

/* A new vCPU's ring, if the VM wants them: 0 or -ENOMEM. vm->lock held. */
int rd_ring_vcpu_init(struct rd_vcpu *vcpu);
void rd_ring_vcpu_destroy(struct rd_vcpu *vcpu);

/* The vCPU's ring for core/gmem; NULL: it has none. */
struct gmem_ring *rd_ring_of(struct rd_vcpu *vcpu);

/* The page of the vCPU's ring at @pgoff of its file, or NULL. */
struct page *rd_ring_page(struct rd_vcpu *vcpu, unsigned long pgoff);

/* False: the mapping would show a ring privately or executable, which makes no sense. */
bool rd_ring_may_map(struct rd_vcpu *vcpu, struct vm_area_struct *vma);

/* After a push: has RD_REQ_RING set if the vCPU must not run on. vcpu->mutex held. */
void rd_ring_pushed(struct rd_vcpu *vcpu);

/* RD_REQ_RING was taken: 1 go on; 0 leave for user space, KVM_EXIT_DIRTY_RING_FULL. */
int rd_ring_serve(struct rd_vcpu *vcpu);

/* KVM_RESET_DIRTY_RINGS: how many entries, or -EINVAL. Takes vm->slots_lock. */
int rd_ring_reset_all(struct rd_vm *vm);

#endif /* REDOUBT_KMOD_DIRTY_RING_H */
