// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is MMIO to a protected guest. The host is shown the data of a store to MMIO, and
 * answers a load from it; so it must not be able to turn memory into MMIO. It can't:
 *
 *  - where the guest has, or once had and lost, memory;
 *  - where the guest has said that all is memory (MEM_DECLARE);
 *  - after the first MMIO_GUARD, anywhere but in the pages that were enrolled.
 *
 * A guest that says nothing takes its first access to a page for what the host makes
 * of it. Locks: the guest space's.
 */
#include "host_mem.h"
#include "protected.h"

static bool is_in(const struct vm_range *range, u64 nr, u64 addr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		if (addr - range[i].base < range[i].size)
			return true;
	return false;
}

bool protected_is_mmio(struct hyp_vm *vm, u64 addr)
{
	struct pgt_leaf leaf;
	bool mmio;

	port_lock(&vm->space.lock);
	/* Mapped by now, or poisoned: an entry that isn't empty is memory's. */
	mmio = !pgt_s2_get_leaf(&vm->pgt, ipa(addr), &leaf) && leaf.kind == PGT_EMPTY &&
	       !is_in(vm->memory, vm->nr_memory, addr) &&
	       (!vm->nr_mmio || is_in(vm->mmio, vm->nr_mmio, addr));
	port_unlock(&vm->space.lock);
	return mmio;
}

/*
 * Linux maps a device's pages in ascending order, 65,536 of them for the configuration
 * space of PCI: a page that follows a range makes it longer.
 */
static long enrol(struct hyp_vm *vm, u64 base, u64 size)
{
	u64 i;

	if (is_in(vm->mmio, vm->nr_mmio, base))
		return 0;
	for (i = 0; i < vm->nr_mmio; i++)
		if (vm->mmio[i].base + vm->mmio[i].size == base) {
			vm->mmio[i].size += size;
			return 0;
		}
	if (i == VM_MMIO_MAX)
		return -ENOSPC;
	vm->mmio[vm->nr_mmio++] = (struct vm_range){ base, size };
	return 0;
}

long protected_mmio_guard(struct hyp_vm *vm, u64 addr)
{
	u64 page = 1ULL << host_own.page_shift;
	long ret;

	if (addr >> vm->geo.ia_bits)
		return -EINVAL;
	port_lock(&vm->space.lock);
	ret = enrol(vm, addr & ~(page - 1), page);
	port_unlock(&vm->space.lock);
	return ret;
}

long protected_declare_memory(struct hyp_vm *vm, u64 base, u64 size)
{
	u64 page = 1ULL << host_own.page_shift, end = 1ULL << vm->geo.ia_bits;
	long ret = 0;

	if ((base | size) & (page - 1) || !size || base >= end || size > end - base)
		return -EINVAL;
	port_lock(&vm->space.lock);
	if (vm->nr_memory == VM_MEMORY_MAX)
		ret = -ENOSPC;
	else
		vm->memory[vm->nr_memory++] = (struct vm_range){ base, size };
	port_unlock(&vm->space.lock);
	return ret;
}
