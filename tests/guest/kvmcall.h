/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of KVM's ioctls that every VMM of the tests fills in alike. */
#ifndef REDOUBT_TEST_KVMCALL_H
#define REDOUBT_TEST_KVMCALL_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* What the ioctl returns. */
static inline int kvm_set_region(int vm, int number, uint64_t ipa, void *memory, size_t size,
				 int flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = number,
		.flags = flags,
		.guest_phys_addr = ipa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* A core register of 64 bits, by its offset in struct kvm_regs. */
static inline struct kvm_one_reg kvm_core_register(size_t offset, uint64_t *value)
{
	return (struct kvm_one_reg){
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (offset / 4),
		.addr = (uintptr_t)value,
	};
}

#endif /* REDOUBT_TEST_KVMCALL_H */
