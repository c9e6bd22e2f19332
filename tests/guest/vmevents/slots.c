// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the VMM and the guest do: slots that move, go and change, or have a device in
 * them; caches by set and way.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define SIZE (4 << 20)

static void away_and_back(struct vm *vm, unsigned int way)
{
	switch (way) {
	case 0: /* to another place */
		vm_data_slot(vm, OTHER_IPA, vm->size, 0);
		usleep(rnd(2000));
		break;
	case 1: /* away */
		vm_data_slot(vm, DATA_IPA, 0, 0);
		usleep(rnd(2000));
		break;
	default: /* a dirty log begins and ends */
		vm_data_slot(vm, DATA_IPA, vm->size, KVM_MEM_LOG_DIRTY_PAGES);
		usleep(rnd(2000));
	}
	vm_data_slot(vm, DATA_IPA, vm->size, 0);
}

void event_slots(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	double start = seconds();
	unsigned int rounds;
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (rounds = 0; rounds < 200 || vm_mmio(&vm) < 100; rounds++) {
		size_t page = rnd(vm.pages);

		away_and_back(&vm, rounds % 3);
		/* Together with the host's own changes. */
		vm_begin(&vm, page, 1);
		check(madvise((char *)vm.data + page * vm.page, vm.page, MADV_DONTNEED),
		      "MADV_DONTNEED");
		vm_done(&vm, page, 1);
		if (rounds % 10 == 0)
			vm_sweeps(&vm, 1);
		patience(start, "exits while the slot is away");
	}
	vm_sweeps(&vm, 1);
	printf("slots: %u changes, %llu exits while the slot was away\n", rounds,
	       (unsigned long long)vm_mmio(&vm));
	vm_end(&vm);
}

/* Prints how often pages were cleaned: thrice for each time, or never, as the CPU needs it. */
void event_set_way(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .cpus = 1 };
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	vm_order(&vm, ORDER_SET_WAY);
	vm_sweeps(&vm, 3);
	vm_order(&vm, ORDER_REST);
	printf("set-way: %llu times, pages were cleaned %llu times\n",
	       (unsigned long long)vm.mail->cpu[0].set_ways, (unsigned long long)vm_stat(&vm, "cache_cleans"));
	vm_end(&vm);
}

/* The slot is a PCI device's memory, as VFIO would map it: the guest reaches it by itself. */
void event_device(void)
{
	size_t size = 1 << 20;
	const char *path = getenv("VMEVENTS_BAR");
	int fd = check(open(path ? path : "", O_RDWR | O_CLOEXEC), "VMEVENTS_BAR");
	struct vm_config config = { .size = size };
	struct vm vm;
	size_t i;
	int round;

	config.data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (config.data == MAP_FAILED)
		die("mmap of %s", path);
	/* The device keeps what is written. */
	for (i = 0; i < size / sizeof(uint64_t); i++)
		((volatile uint64_t *)config.data)[i] = 0;
	vm_start(&vm, &config);
	for (round = 0; round < 8; round++) {
		vm_order(&vm, ORDER_WRITE);
		vm_sweeps(&vm, 2);
		vm_order(&vm, ORDER_REST);
		vm_compare(&vm);
		if (vm_mmio(&vm))
			die("the guest left for its device");
		vm_data_slot(&vm, DATA_IPA, 0, 0);
		vm_data_slot(&vm, DATA_IPA, vm.size, 0);
	}
	printf("device: %zu pages, %d times\n", vm.pages, round);
	vm_end(&vm);
}
