// SPDX-License-Identifier: GPL-2.0-only
/* Events in which the kernel wants memory: KSM, swap, MADV_COLD, MADV_FREE. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define KSM "/sys/kernel/mm/ksm/"
#define SIZE (4 << 20)

static uint64_t ksm_sharing(void)
{
	return read_number(KSM "pages_sharing");
}

/* The guest reads the same values for as long as it takes; KSM wants to see them twice. */
static uint64_t ksm_merge(struct vm *vm)
{
	double start = seconds();

	vm_order(vm, ORDER_READ);
	while (ksm_sharing() < vm->pages / 4 * 3) {
		usleep(2000);
		patience(start, "KSM to merge the guest's pages");
	}
	return ksm_sharing();
}

/* Each write of the guest takes a page out of the merge. */
static uint64_t ksm_unmerge(struct vm *vm)
{
	double start = seconds();

	vm_order(vm, ORDER_WRITE);
	while (ksm_sharing() > vm->pages / 4) {
		usleep(2000);
		patience(start, "the guest's writes to undo the merge");
	}
	return ksm_sharing();
}

void event_ksm(void)
{
	/* One vCPU, so that ksmd has a CPU of its own. */
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .cpus = 1 };
	uint64_t merged, left;
	struct vm vm;
	int i;

	write_file(KSM "run", "2");
	write_file(KSM "sleep_millisecs", "0");
	write_file(KSM "pages_to_scan", "50000");
	check(madvise(config.data, SIZE, MADV_MERGEABLE), "MADV_MERGEABLE");
	vm_start(&vm, &config);
	write_file(KSM "run", "1");
	for (i = 0; i < 2; i++) {
		vm_order(&vm, ORDER_WRITE);
		vm_sweeps(&vm, 3);
		merged = ksm_merge(&vm);
		left = ksm_unmerge(&vm);
		printf("ksm: %llu of %zu pages merged, %llu after the guest's writes\n",
		       (unsigned long long)merged, vm.pages, (unsigned long long)left);
	}
	merged = ksm_merge(&vm);
	write_file(KSM "run", "2");
	printf("ksm: %llu merged, %llu after unmerging by the host\n", (unsigned long long)merged,
	       (unsigned long long)ksm_sharing());
	if (ksm_sharing())
		die("KSM did not unmerge");
	vm_sweeps(&vm, 3);
	vm_end(&vm);
	write_file(KSM "run", "0");
}

/* Until every page has gone out and come back on average once. */
void event_swap(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	uint64_t out = vmstat("pswpout"), in = vmstat("pswpin");
	double start = seconds();
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	while (vmstat("pswpout") - out < 2 * vm.pages || vmstat("pswpin") - in < vm.pages) {
		check(madvise(vm.data, vm.size, MADV_PAGEOUT), "MADV_PAGEOUT");
		patience(start, "pages to go to swap and come back");
	}
	/* And with a guest that does nothing meanwhile: all of it goes out. */
	vm_order(&vm, ORDER_REST);
	check(madvise(vm.data, vm.size, MADV_PAGEOUT), "MADV_PAGEOUT");
	vm_order(&vm, ORDER_READ);
	vm_sweeps(&vm, 1);
	printf("swap: %llu pages out, %llu in\n", (unsigned long long)(vmstat("pswpout") - out),
	       (unsigned long long)(vmstat("pswpin") - in));
	vm_end(&vm);
}

void event_cold(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	uint64_t before = vmstat("pgdeactivate");
	double start = seconds();
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	while (vmstat("pgdeactivate") - before < vm.pages) {
		check(madvise(vm.data, vm.size, MADV_COLD), "MADV_COLD");
		vm_sweeps(&vm, 1);
		patience(start, "pages to be deactivated");
	}
	printf("cold: %llu pages deactivated\n",
	       (unsigned long long)(vmstat("pgdeactivate") - before));
	vm_end(&vm);
}

/*
 * A page that was freed and has been written since must stay; one that has not may go,
 * which MADV_PAGEOUT makes happen.
 */
void event_free(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	uint64_t before = vmstat("pglazyfreed");
	double start = seconds();
	unsigned int rounds;
	struct vm vm;

	vm_start(&vm, &config);
	vm.mail->may_stay = 1;
	for (rounds = 0; rounds < 20 || vmstat("pglazyfreed") - before < vm.pages; rounds++) {
		size_t n = vm.pages / 4, first = rnd(vm.pages - n);
		char *at = (char *)vm.data + first * vm.page;

		vm_order(&vm, ORDER_WRITE);
		vm_begin(&vm, first, n);
		check(madvise(at, n * vm.page, MADV_FREE), "MADV_FREE");
		/* Half of the time the guest writes on, half of the time it only looks. */
		if (rounds % 2)
			vm_order(&vm, ORDER_READ);
		vm_done(&vm, first, n);
		if (rounds % 4 == 0)
			vm_sweeps(&vm, 1);
		check(madvise(at, n * vm.page, MADV_PAGEOUT), "MADV_PAGEOUT");
		patience(start, "freed pages to be reclaimed");
	}
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 2);
	printf("free: %llu pages reclaimed, %llu found empty\n",
	       (unsigned long long)(vmstat("pglazyfreed") - before),
	       (unsigned long long)vm_emptied(&vm));
	vm_end(&vm);
}
