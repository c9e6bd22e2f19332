// SPDX-License-Identifier: GPL-2.0-only
/* Events in which the kernel wants memory: KSM, swap, MADV_COLD, MADV_FREE. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define KSM "/sys/kernel/mm/ksm/"
#define SIZE (4 << 20)

static uint64_t frames[PAGES_MAX];

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many of the guest's pages are in a frame that another of them is in as well. */
static size_t merged_pages(const struct vm *vm)
{
	size_t i, n = 0;

	page_frames(vm->data, vm->pages, frames);
	qsort(frames, vm->pages, sizeof(*frames), by_number);
	for (i = 0; i < vm->pages; i++)
		n += (i && frames[i] == frames[i - 1]) ||
		     (i + 1 < vm->pages && frames[i] == frames[i + 1]);
	return n;
}

/*
 * The guest reads the same values for as long as it takes; KSM wants to see them twice.
 * Then ksmd rests: otherwise it would merge again what the guest writes, page by page.
 */
static size_t ksm_merge(struct vm *vm)
{
	double start = seconds();
	size_t merged;

	vm_order(vm, ORDER_READ);
	while ((merged = merged_pages(vm)) < vm->pages / 4 * 3) {
		usleep(10000);
		patience(start, "KSM to merge the guest's pages");
	}
	write_file(KSM "run", "0");
	return merged;
}

/* Each write of the guest must give its page a frame of its own. */
static void ksm_write(struct vm *vm)
{
	size_t left;

	vm_order(vm, ORDER_WRITE);
	vm_sweeps(vm, 1);
	left = merged_pages(vm);
	errno = 0;
	if (left)
		die("%zu pages share frames after the guest has written all", left);
}

void event_ksm(void)
{
	/* One vCPU, so that ksmd has a CPU of its own. */
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .cpus = 1 };
	struct vm vm;
	size_t left;
	int i;

	write_file(KSM "run", "2");
	write_file(KSM "sleep_millisecs", "0");
	write_file(KSM "pages_to_scan", "50000");
	check(madvise(config.data, SIZE, MADV_MERGEABLE), "MADV_MERGEABLE");
	vm_start(&vm, &config);
	for (i = 0; i < 3; i++) {
		/* Merging while the guest writes, then while it reads. */
		write_file(KSM "run", "1");
		vm_order(&vm, ORDER_WRITE);
		vm_sweeps(&vm, 3);
		printf("ksm: %zu of %zu pages merged\n", ksm_merge(&vm), vm.pages);
		if (i < 2)
			ksm_write(&vm);
	}
	write_file(KSM "run", "2");
	left = merged_pages(&vm);
	errno = 0;
	if (left || read_number(KSM "pages_sharing"))
		die("%zu pages share frames after KSM has unmerged all", left);
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
