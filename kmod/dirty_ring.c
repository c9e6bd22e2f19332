// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings of vCPUs (dirty_ring.h): their memory, their mapping, and the exit of a vCPU
 * whose ring is full.
 *
 * User space can write the entries at any time. Nothing is believed of them: core/gmem
 * counts on its own, and checks slot and page.
 *
 * Locks: vm->lock for the choice, vm->slots_lock for resets; pushes are the vCPU's own,
 * under vcpu->mutex.
 */
#include <core/gmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "mmu_priv.h"
#include "testing.h"
#include "vcpu.h"

static_assert(sizeof(struct gmem_ring_entry) == sizeof(struct kvm_dirty_gfn));
static_assert(offsetof(struct gmem_ring_entry, slot) == offsetof(struct kvm_dirty_gfn, slot));
static_assert(offsetof(struct gmem_ring_entry, page) == offsetof(struct kvm_dirty_gfn, offset));
static_assert(GMEM_RING_DIRTY == KVM_DIRTY_GFN_F_DIRTY);
static_assert(GMEM_RING_COLLECTED == KVM_DIRTY_GFN_F_RESET);

int rd_ring_check_cap(u64 cap)
{
	switch (cap) {
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return GMEM_RING_MAX * sizeof(struct kvm_dirty_gfn);
	case KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP:
		return 1;
	default:
		return -ENOTTY;
	}
}

static int enable_rings(struct rd_vm *vm, u64 bytes)
{
	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE ||
	    bytes / sizeof(struct kvm_dirty_gfn) <= GMEM_RING_RESERVE)
		return -EINVAL;
	if (bytes > GMEM_RING_MAX * sizeof(struct kvm_dirty_gfn))
		return -E2BIG;
	if (vm->rings.entries || vm->nr_vcpus)
		return -EINVAL;
	vm->rings.entries = bytes / sizeof(struct kvm_dirty_gfn);
	rd_mmu_of(vm)->g.rings = true;
	return 0;
}

static int enable_bitmap(struct rd_vm *vm)
{
	if (!vm->rings.entries || rd_mmu_of(vm)->g.nslots)
		return -EINVAL;
	vm->rings.bitmap = true;
	return 0;
}

int rd_ring_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap)
{
	int ret;

	if (rd_ring_check_cap(cap->cap) == -ENOTTY)
		return -ENOTTY;
	/* A protected VM keeps no log: its memory is not copied while it runs. */
	if (cap->flags || vm->is_protected)
		return -EINVAL;
	mutex_lock(&vm->lock);
	mutex_lock(&vm->slots_lock);
	ret = cap->cap == KVM_CAP_DIRTY_LOG_RING_ACQ_REL ? enable_rings(vm, cap->args[0]) :
							   enable_bitmap(vm);
	mutex_unlock(&vm->slots_lock);
	mutex_unlock(&vm->lock);
	return ret;
}

int rd_ring_vcpu_init(struct rd_vcpu *vcpu)
{
	u32 entries = vcpu->vm->rings.entries;
	struct gmem_ring_entry *memory;

	lockdep_assert_held(&vcpu->vm->lock);
	if (!entries)
		return 0;
	/* vmalloc_user() is not charged to the VMM's memory cgroup. */
	memory = rd_fail_now() ? NULL :
				 __vmalloc(entries * sizeof(*memory), GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!memory)
		return -ENOMEM;
	gmem_ring_init(&vcpu->dirty_ring, memory, entries);
	return 0;
}

void rd_ring_vcpu_destroy(struct rd_vcpu *vcpu)
{
	vfree(vcpu->dirty_ring.entry);
}

struct gmem_ring *rd_ring_of(struct rd_vcpu *vcpu)
{
	return vcpu->dirty_ring.entry ? &vcpu->dirty_ring : NULL;
}

static bool in_ring(const struct rd_vcpu *vcpu, unsigned long pgoff)
{
	return pgoff >= KVM_DIRTY_LOG_PAGE_OFFSET &&
	       pgoff - KVM_DIRTY_LOG_PAGE_OFFSET <
		       vcpu->dirty_ring.size * sizeof(struct gmem_ring_entry) >> PAGE_SHIFT;
}

struct page *rd_ring_page(struct rd_vcpu *vcpu, unsigned long pgoff)
{
	if (!in_ring(vcpu, pgoff))
		return NULL;
	return vmalloc_to_page((void *)vcpu->dirty_ring.entry +
			       ((pgoff - KVM_DIRTY_LOG_PAGE_OFFSET) << PAGE_SHIFT));
}

bool rd_ring_may_map(struct rd_vcpu *vcpu, struct vm_area_struct *vma)
{
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;

	if (!in_ring(vcpu, vma->vm_pgoff) && !in_ring(vcpu, last))
		return true;
	return (vma->vm_flags & VM_SHARED) && !(vma->vm_flags & VM_EXEC);
}

void rd_ring_pushed(struct rd_vcpu *vcpu)
{
	if (vcpu->dirty_ring.entry && gmem_ring_full(&vcpu->dirty_ring))
		rd_vcpu_request(vcpu, RD_REQ_RING);
}

int rd_ring_serve(struct rd_vcpu *vcpu)
{
	if (!gmem_ring_full(&vcpu->dirty_ring))
		return 1;
	/* Asked again by the next KVM_RUN, until user space has made room. */
	rd_vcpu_request(vcpu, RD_REQ_RING);
	vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return 0;
}

int rd_ring_reset_all(struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;
	u64 count = 0;

	mutex_lock(&vm->slots_lock);
	rd_vm_for_each_vcpu(i, vcpu, vm) {
		if (vcpu->dirty_ring.entry)
			count += gmem_ring_reset(&rd_mmu_of(vm)->g, &vcpu->dirty_ring);
		cond_resched();
	}
	mutex_unlock(&vm->slots_lock);
	return READ_ONCE(vm->rings.entries) ? count : -EINVAL;
}
