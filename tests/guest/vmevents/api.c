// SPDX-License-Identifier: GPL-2.0-only
/* What VMMs ask of the API itself: address sizes, read-only slots, statistics. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define SIZE (1 << 20)

/* ---- IPA sizes ---- */

static void refuse_type(int kvm, uint64_t type)
{
	int fd = ioctl(kvm, KVM_CREATE_VM, type);

	if (fd >= 0 || errno != EINVAL)
		die("KVM_CREATE_VM of type %#llx gave %d", (unsigned long long)type, fd);
}

/* The guest's memory ends where its addresses do. */
static void use_last_pages(void *data, unsigned int bits)
{
	struct vm_config config = { .data = data, .size = SIZE, .cpus = 1, .type = bits,
				    .ipa = (1ULL << bits) - SIZE, .order = ORDER_WRITE };
	struct vm vm;

	/* Empty, as the guest takes it to be. */
	check(madvise(data, SIZE, MADV_DONTNEED), "MADV_DONTNEED");
	vm_start(&vm, &config);
	vm_sweeps(&vm, 1);
	vm_order(&vm, ORDER_REST);
	if (vm_try_slot(&vm, 1ULL << bits, 0) != EFAULT)
		die("a slot beyond %u bits", bits);
	if (vm_mmio(&vm))
		die("the last pages of %u bits are no memory", bits);
	vm_end(&vm);
}

/* Every size up to the CPU's, or the 48 bits to which our guest's tables lead. */
void event_ipa(void)
{
	void *data = map_anonymous(SIZE, 0);
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	unsigned int bits, most = check(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE),
					"KVM_CAP_ARM_VM_IPA_SIZE");

	refuse_type(kvm, 1);
	refuse_type(kvm, 31);
	refuse_type(kvm, most + 1);
	refuse_type(kvm, 255);
	refuse_type(kvm, 1 << 8 | 40);
	refuse_type(kvm, 1ULL << 32 | 40);
	for (bits = 32; bits <= most && bits <= 48; bits++)
		use_last_pages(data, bits);
	printf("ipa: VMs of 32 to %u bits, of %u\n", bits - 1, most);
}

/* ---- KVM_MEM_READONLY ---- */

/* Reads go to memory, each write comes to the VMM. */
void event_readonly(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .cpus = 1 };
	uint64_t writes;
	struct vm vm;

	vm_open(&vm, &config);
	vm_data_slot(&vm, DATA_IPA, 0, 0);
	vm_data_slot(&vm, DATA_IPA, vm.size, KVM_MEM_READONLY);
	if (vm_try_slot(&vm, DATA_IPA, 0) != EINVAL)
		die("a slot that becomes writable in place");
	vm_run(&vm);
	vm_order(&vm, ORDER_READ);
	vm_sweeps(&vm, 2);
	vm_order(&vm, ORDER_REST);
	errno = 0;
	if (vm_mmio(&vm))
		die("%llu exits for reads", (unsigned long long)vm_mmio(&vm));
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 2);
	vm_order(&vm, ORDER_REST);
	writes = vm_mmio(&vm);
	if (writes < 2 * vm.pages)
		die("%llu exits for two writes to each page", (unsigned long long)writes);
	vm_compare(&vm);
	vm_data_slot(&vm, DATA_IPA, 0, 0);
	vm_data_slot(&vm, DATA_IPA, vm.size, 0);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 2);
	vm_order(&vm, ORDER_REST);
	errno = 0;
	if (vm_mmio(&vm) != writes)
		die("exits for writes to a slot that is writable");
	printf("readonly: %llu writes came to the VMM\n", (unsigned long long)writes);
	vm_end(&vm);
}

/* ---- Statistics ---- */

/* A counter of KVM_GET_STATS_FD's file. */
static uint64_t counter(int fd, const struct kvm_stats_header *h, uint32_t i, char *name)
{
	struct kvm_stats_desc desc;
	off_t at = h->desc_offset + i * (sizeof(desc) + h->name_size);
	uint64_t value;

	if (pread(fd, &desc, sizeof(desc), at) != sizeof(desc) || desc.size != 1 ||
	    pread(fd, name, h->name_size, at + sizeof(desc)) != h->name_size ||
	    pread(fd, &value, sizeof(value), h->data_offset + desc.offset) != sizeof(value))
		die("the statistics' file");
	return value;
}

static int stats_of(int fd, struct kvm_stats_header *h)
{
	int stats = check(ioctl(fd, KVM_GET_STATS_FD, NULL), "KVM_GET_STATS_FD");

	if (pread(stats, h, sizeof(*h), 0) != sizeof(*h) || h->name_size > 256 || !h->num_desc)
		die("the statistics' header");
	return stats;
}

static void compare_counter(const struct vm *vm, const char *name, uint64_t binary)
{
	uint64_t text = vm_stat(vm, name);

	errno = 0;
	if (text != binary)
		die("%s is %llu in the VM's file, %llu in debugfs", name,
		    (unsigned long long)binary, (unsigned long long)text);
}

/* The guest rests: both ways of asking say the same, a VM's counters and its vCPUs' sums. */
static uint32_t compare_stats(const struct vm *vm)
{
	struct kvm_stats_header h;
	int fd[CPUS_MAX], vm_stats = stats_of(vm->fd[0], &h), cpu;
	char name[256];
	uint32_t i, nr = h.num_desc;

	for (i = 0; i < h.num_desc; i++) {
		uint64_t value = counter(vm_stats, &h, i, name);

		compare_counter(vm, name, value);
	}
	close(vm_stats);
	for (cpu = 0; cpu < vm->cpus; cpu++)
		fd[cpu] = stats_of(vm->cpu[cpu].fd, &h);
	for (i = 0; i < h.num_desc; i++) {
		uint64_t sum = 0;

		for (cpu = 0; cpu < vm->cpus; cpu++)
			sum += counter(fd[cpu], &h, i, name);
		compare_counter(vm, name, sum);
	}
	for (cpu = 0; cpu < vm->cpus; cpu++)
		close(fd[cpu]);
	return nr + h.num_desc;
}

void event_stats(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	uint64_t faults, reports;
	char path[128];
	uint32_t nr;
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	vm_order(&vm, ORDER_REST);
	nr = compare_stats(&vm);
	faults = vm_stat(&vm, "fault_exits");
	reports = vm_stat(&vm, "mmio_exit_user");
	errno = 0;
	if (vm_stat(&vm, "pages_mapped") < vm.pages)
		die("%llu of %zu pages are mapped, it says",
		    (unsigned long long)vm_stat(&vm, "pages_mapped"), vm.pages);
	if (faults < vm.pages || reports < (uint64_t)vm.cpus ||
	    vm_stat(&vm, "exits") < faults + reports)
		die("too few exits: %llu faults, %llu reports", (unsigned long long)faults,
		    (unsigned long long)reports);
	/* All mapped: a sweep more is no fault more. */
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	vm_order(&vm, ORDER_REST);
	compare_stats(&vm);
	errno = 0;
	if (vm_stat(&vm, "fault_exits") > faults + 8 || vm_stat(&vm, "mmio_exit_user") <= reports)
		die("%llu faults where there should be none",
		    (unsigned long long)(vm_stat(&vm, "fault_exits") - faults));
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d", getpid(), vm.fd[0]);
	vm_end(&vm);
	errno = 0;
	if (!access(path, F_OK))
		die("%s outlives its VM", path);
	printf("stats: %u counters, %llu faults\n", nr, (unsigned long long)faults);
}
