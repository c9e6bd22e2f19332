// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls and capabilities that are about a VM's memory, as the KVM API has them
 * (Documentation/virt/kvm/api.rst): every field is checked here or by core/gmem.
 *
 * Locks: vm->slots_lock, held by the caller where mmu.h says so.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <redoubt/abi.h>

#include "mmu_priv.h"

/* The high half of a slot's number is the address space, of which there is one. */
static bool wrong_space(u32 slot)
{
	return slot >> 16;
}

/* A dirty log of memory that has no page of its own to copy would be of no use. */
static int check_vmas(struct rd_vm *vm, const struct kvm_userspace_memory_region2 *r)
{
	unsigned long at = r->userspace_addr, end = at + r->memory_size;
	struct vm_area_struct *vma;
	int ret = 0;

	mmap_read_lock(vm->mm);
	for (; at < end && (vma = find_vma(vm->mm, at)) && vma->vm_start < end; at = vma->vm_end) {
		if (vma->vm_flags & VM_PFNMAP)
			ret = -EINVAL;
	}
	mmap_read_unlock(vm->mm);
	return ret;
}

int rd_mmu_set_region(struct rd_vm *vm, const struct kvm_userspace_memory_region2 *r)
{
	struct gmem_region region = {
		.id = r->slot & 0xffff,
		.flags = r->flags,
		.gpa = r->guest_phys_addr,
		.bytes = r->memory_size,
		.hva = r->userspace_addr,
	};
	int ret;

	if (wrong_space(r->slot) || r->memory_size != (unsigned long)r->memory_size)
		return -EINVAL;
	if (r->userspace_addr != untagged_addr(r->userspace_addr) ||
	    !access_ok((void __user *)(unsigned long)r->userspace_addr, r->memory_size))
		return -EINVAL;
	if (r->memory_size && (r->flags & KVM_MEM_LOG_DIRTY_PAGES)) {
		ret = check_vmas(vm, r);
		if (ret)
			return ret;
	}
	return gmem_set_region(&rd_mmu_of(vm)->g, &region);
}

/* ---- The dirty log ---- */

/* The rings are the log; what no vCPU writes is in none. */
static bool only_rings(const struct rd_vm *vm)
{
	return vm->rings.entries && !vm->rings.bitmap;
}

/* Reads and empties the log: that takes a copy, since user memory can't be touched under locks. */
static int get_and_clear(struct gmem *g, const struct kvm_dirty_log *log, u64 words)
{
	u64 *bits = kvmalloc_array(words, sizeof(*bits), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!bits)
		return -ENOMEM;
	ret = gmem_get_dirty_log(g, log->slot, bits);
	if (!ret && copy_to_user(log->dirty_bitmap, bits, words * sizeof(*bits)))
		ret = -EFAULT;
	kvfree(bits);
	return ret;
}

int rd_mmu_get_dirty_log(struct rd_vm *vm, const struct kvm_dirty_log *log)
{
	struct gmem *g = &rd_mmu_of(vm)->g;
	const u64 *bits;
	u64 words;

	if (only_rings(vm))
		return -ENXIO;
	if (wrong_space(log->slot) || log->slot >= GMEM_SLOTS_MAX)
		return -EINVAL;
	bits = gmem_dirty_bits(g, log->slot, &words);
	if (!bits)
		return -ENOENT;
	if (!g->manual_protect)
		return get_and_clear(g, log, words);
	return copy_to_user(log->dirty_bitmap, bits, words * sizeof(u64)) ? -EFAULT : 0;
}

int rd_mmu_clear_dirty_log(struct rd_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct gmem *g = &rd_mmu_of(vm)->g;
	u64 words = DIV_ROUND_UP((u64)log->num_pages, 64), all;
	u64 *bits;
	int ret;

	if (only_rings(vm))
		return -ENXIO;
	if (wrong_space(log->slot) || log->slot >= GMEM_SLOTS_MAX || (log->first_page & 63))
		return -EINVAL;
	if (!gmem_dirty_bits(g, log->slot, &all))
		return -ENOENT;
	if (words > all)
		return -EINVAL;
	bits = kvmalloc_array(words ? words : 1, sizeof(*bits), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	ret = copy_from_user(bits, log->dirty_bitmap, words * sizeof(*bits)) ? -EFAULT : 0;
	if (!ret)
		ret = gmem_clear_dirty_log(g, log->slot, log->first_page, log->num_pages, bits);
	kvfree(bits);
	return ret;
}

/* ---- Capabilities ---- */

/* The sizes of leaves that a guest's stage 2 can have here, one bit each. */
static u64 block_sizes(void)
{
	u64 sizes = PAGE_SIZE;
	unsigned int i;
	u32 order[3];

	gmem_protected_block_orders(PAGE_SHIFT, RD_BLOCK_PAGES(PAGE_SHIFT), order);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		sizes |= order[i] ? (u64)PAGE_SIZE << order[i] : 0;
	return sizes;
}

#define MANUAL_PROTECT (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

int rd_mmu_check_cap(struct rd_vm *vm, u64 cap)
{
	struct rd_mmu *m = vm ? rd_mmu_of(vm) : NULL;

	switch (cap) {
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_USER_MEMORY2:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_READONLY_MEM:
		return 1;
	case KVM_CAP_NR_MEMSLOTS:
		return GMEM_SLOTS_MAX;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return MANUAL_PROTECT;
	case KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE:
		return m ? m->g.split_chunk << PAGE_SHIFT : 0;
	case KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES:
		return block_sizes();
	default:
		return rd_ring_check_cap(cap);
	}
}

static int enable_manual_protect(struct gmem *g, u64 arg)
{
	/* Initially set goes with enable only. */
	if (arg & ~(u64)(arg & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE ? MANUAL_PROTECT : 0))
		return -EINVAL;
	g->manual_protect = arg & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	g->initially_set = arg & KVM_DIRTY_LOG_INITIALLY_SET;
	return 0;
}

static int enable_eager_split(struct rd_vm *vm, u64 bytes)
{
	struct rd_mmu *m = rd_mmu_of(vm);

	if (bytes && (!is_power_of_2(bytes) || !(bytes & block_sizes())))
		return -EINVAL;
	if (m->g.nslots)
		return -EINVAL;
	m->g.split_chunk = bytes >> PAGE_SHIFT;
	return 0;
}

int rd_mmu_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap)
{
	int ret;

	if (cap->cap != KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 &&
	    cap->cap != KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE)
		return rd_ring_enable_cap(vm, cap);
	if (cap->flags)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	if (cap->cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
		ret = enable_manual_protect(&rd_mmu_of(vm)->g, cap->args[0]);
	else
		ret = enable_eager_split(vm, cap->args[0]);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
