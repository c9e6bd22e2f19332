/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parts of a VM by KVM's ioctls, for programs of one file. What fails ends the program
 * with a sentence.
 */
#ifndef REDOUBT_TEST_ONEVM_H
#define REDOUBT_TEST_ONEVM_H

#include <errno.h>
#include <error.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kvmcall.h"

/* Where every VMM that these programs stand for puts its vGICv3. */
#define GICD_IPA 0x08000000UL
#define GICR_IPA 0x080a0000UL

/*
 * A guest's code, which each program has in its .rodata. Hidden, so that addresses in it do
 * not go through a table of global symbols.
 */
#pragma GCC visibility push(hidden)
extern const char guest_code[], guest_end[];
#pragma GCC visibility pop

static inline long check(long result, const char *what)
{
	if (result < 0)
		error(1, errno, "%s", what);
	return result;
}

static inline void *map_memory(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	check(memory == MAP_FAILED ? -1 : 0, "mmap of the guest's memory");
	return memory;
}

static inline void set_slot(int vm, int number, uint64_t ipa, void *memory, size_t size, int flags)
{
	check(kvm_set_region(vm, number, ipa, memory, size, flags), "KVM_SET_USER_MEMORY_REGION");
}

/* @features: bits of KVM_ARM_VCPU_*, besides PSCI. */
static inline int create_vcpu_with(int kvm, int vm, int id, uint32_t features, struct kvm_run **run)
{
	struct kvm_vcpu_init init;
	long size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");

	check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= features | 1U << KVM_ARM_VCPU_PSCI_0_2;
	check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	*run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	check(*run == MAP_FAILED ? -1 : 0, "mmap of the vCPU");
	return vcpu;
}

static inline int create_vcpu(int kvm, int vm, int id, struct kvm_run **run)
{
	return create_vcpu_with(kvm, vm, id, 0, run);
}

static inline void set_core(int vcpu, size_t offset, uint64_t value)
{
	struct kvm_one_reg reg = kvm_core_register(offset, &value);

	check(ioctl(vcpu, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

static inline uint64_t get_core(int vcpu, size_t offset)
{
	uint64_t value;
	struct kvm_one_reg reg = kvm_core_register(offset, &value);

	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG");
	return value;
}

static inline void set_vgic(int device, uint32_t group, uint64_t attribute, uint64_t value)
{
	struct kvm_device_attr attr = {
		.group = group, .attr = attribute, .addr = (uintptr_t)&value,
	};

	check(ioctl(device, KVM_SET_DEVICE_ATTR, &attr), "KVM_SET_DEVICE_ATTR of the vGIC");
}

/* After the vCPUs; returns the device. */
static inline int create_vgic(int vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

	check(ioctl(vm, KVM_CREATE_DEVICE, &device), "KVM_CREATE_DEVICE of a vGICv3");
	set_vgic(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD_IPA);
	set_vgic(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR_IPA);
	set_vgic(device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	return device.fd;
}

struct one_vm {
	int fd, vcpu, vgic;
	struct kvm_run *run;
};

/* A vCPU and a vGIC; @code, up to @end, lies at @ipa in memory of @size, and is where it begins. */
static inline void open_one_vm(struct one_vm *vm, int kvm, const char *code, const char *end,
			       uint64_t ipa, size_t size)
{
	char *memory = map_memory(size, 0);

	vm->fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	vm->vcpu = create_vcpu(kvm, vm->fd, 0, &vm->run);
	vm->vgic = create_vgic(vm->fd);
	memcpy(memory, code, end - code);
	__builtin___clear_cache(memory, memory + size);
	set_slot(vm->fd, 0, ipa, memory, size, 0);
	set_core(vm->vcpu, offsetof(struct kvm_regs, regs.pc), ipa);
}

#endif /* REDOUBT_TEST_ONEVM_H */
