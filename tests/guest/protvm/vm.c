// SPDX-License-Identifier: GPL-2.0-only
/* The VM: made, given orders, ended. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kvmcall.h"
#include "protvm.h"

void die(const char *what)
{
	fprintf(stderr, "protvm: %s: %s\n", what, strerror(errno));
	exit(1);
}

long check(long result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

void *anonymous(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/*
 * Memory of a VM: away from other mappings, since what the module does to one that holds a
 * page of a protected guest it does to all of it. Aligned to @align.
 */
static void *guest_memory(size_t size, size_t align)
{
	uint8_t *all = mmap(NULL, size + 2 * align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at;

	if (all == MAP_FAILED)
		die("mmap");
	at = (uint8_t *)(((uintptr_t)all + 2 * align - 1) & ~(align - 1));
	check(mprotect(at, size, PROT_READ | PROT_WRITE), "mprotect");
	return at;
}

int vm_slot(struct vm *vm, int number, uint64_t ipa, void *memory, size_t size, int flags)
{
	return kvm_set_region(vm->fd, number, ipa, memory, size, flags);
}

int core_reg(struct vm *vm, bool set, size_t offset, uint64_t *value)
{
	struct kvm_one_reg reg = kvm_core_register(offset, value);

	return ioctl(vm->vcpu, set ? KVM_SET_ONE_REG : KVM_GET_ONE_REG, &reg) ? errno : 0;
}

static void vcpu_open(struct vm *vm)
{
	struct kvm_vcpu_init init;
	uint64_t pc = CODE_IPA;

	vm->vcpu = check(ioctl(vm->fd, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	check(ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	check(ioctl(vm->vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	vm->run_size = check(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		die("mmap of the vCPU");
	if (core_reg(vm, true, offsetof(struct kvm_regs, regs.pc), &pc))
		die("KVM_SET_ONE_REG");
}

void vm_open(struct vm *vm, bool is_protected, size_t size, void *memory)
{
	memset(vm, 0, sizeof(*vm));
	vm->page = sysconf(_SC_PAGESIZE);
	vm->is_protected = is_protected;
	vm->kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm->fd = check(ioctl(vm->kvm, KVM_CREATE_VM, is_protected ? VM_PROTECTED : 0),
		       "KVM_CREATE_VM");
	vcpu_open(vm);
	vm->code = guest_memory(CODE_SIZE, CODE_SIZE);
	memcpy(vm->code, guest_code, guest_end - guest_code);
	__builtin___clear_cache(vm->code, (char *)vm->code + CODE_SIZE);
	vm->data_size = size;
	vm->data = memory ? memory : guest_memory(size, 2 << 20);
	check(vm_slot(vm, 0, CODE_IPA, vm->code, CODE_SIZE, 0), "the slot of the code");
	check(vm_slot(vm, 1, DATA_IPA, vm->data, size, 0), "the slot of the data");
}

void vm_close(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	close(vm->vcpu);
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->code, CODE_SIZE);
	munmap(vm->data, vm->data_size);
}

/* Up to the next access to ORDER_IPA; 0 or errno. */
static int run_to_order(struct vm *vm, bool is_write)
{
	for (;;) {
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			return errno;
		}
		if (vm->run->exit_reason == KVM_EXIT_MMIO &&
		    vm->run->mmio.phys_addr == ORDER_IPA && vm->run->mmio.is_write == is_write)
			return 0;
		fprintf(stderr, "protvm: unexpected exit %u, at %#llx\n", vm->run->exit_reason,
			(unsigned long long)vm->run->mmio.phys_addr);
		exit(1);
	}
}

int vm_try(struct vm *vm, const char *label, const uint64_t args[4], uint64_t results[4])
{
	int ret;

	if (label) {
		vm->step = 0;
		vm->words[0] = CODE_IPA + (uint64_t)(label - guest_code);
		memcpy(&vm->words[1], args, 4 * sizeof(args[0]));
	}
	for (; vm->step < 9; vm->step++) {
		ret = run_to_order(vm, vm->step >= 5);
		if (ret)
			return ret;
		if (vm->step < 5)
			memcpy(vm->run->mmio.data, &vm->words[vm->step], sizeof(uint64_t));
		else
			memcpy(&results[vm->step - 5], vm->run->mmio.data, sizeof(uint64_t));
	}
	return 0;
}

long vm_order(struct vm *vm, const char *label, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	const uint64_t args[4] = { a0, a1, a2, a3 };
	uint64_t results[4];

	errno = vm_try(vm, label, args, results);
	if (errno)
		die("KVM_RUN");
	return (long)results[0];
}

/* ---- Looking at memory ---- */

static sigjmp_buf back;

static void handler(int number)
{
	siglongjmp(back, number);
}

int touch(volatile void *at, bool write, uint64_t *value)
{
	struct sigaction action = { .sa_handler = handler };
	volatile uint64_t *word = at;
	int caught;

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	caught = sigsetjmp(back, 1);
	if (!caught && write)
		*word = *value;
	else if (!caught)
		*value = *word;
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	return caught;
}

#define CHUNK (1 << 20)

static uint64_t scan_load(int fd, const Elf64_Phdr *load, uint64_t *buffer)
{
	uint64_t done, found = 0;
	ssize_t got, i;

	for (done = 0; done < load->p_filesz; done += CHUNK) {
		got = pread(fd, buffer, CHUNK, load->p_offset + done);
		for (i = 0; i < got / 8; i++)
			found += is_secret(buffer[i]);
	}
	/* What was read is a copy: the next look must not find this one's. */
	memset(buffer, 0, CHUNK);
	__asm__ volatile("" : : "r"(buffer) : "memory");
	return found;
}

uint64_t find_secret(void)
{
	static Elf64_Phdr loads[512];
	uint64_t *buffer = malloc(CHUNK), found = 0;
	int fd = open("/proc/kcore", O_RDONLY), i;
	Elf64_Ehdr header;

	if (fd < 0 || !buffer || pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phnum > 512 ||
	    pread(fd, loads, header.e_phnum * sizeof(loads[0]), header.e_phoff) < 0)
		die("/proc/kcore");
	for (i = 0; i < header.e_phnum; i++)
		if (loads[i].p_type == PT_LOAD && loads[i].p_paddr != (Elf64_Addr)-1)
			found += scan_load(fd, &loads[i], buffer);
	free(buffer);
	close(fd);
	return found;
}
