// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in which the guest's pages go to other frames: compaction, migration between
 * nodes, collapsing into huge pages and splitting them, soft offlining.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm.h"

#define SIZE (4 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#define MPOL_MF_MOVE (1 << 1)

static uint64_t before[PAGES_MAX], after[PAGES_MAX];

/* How many pages are in another frame than at the last page_frames() into `before`. */
static size_t moved(const struct vm *vm)
{
	size_t i, n = 0;

	page_frames(vm->data, vm->pages, after);
	for (i = 0; i < vm->pages; i++)
		n += before[i] && after[i] && before[i] != after[i];
	return n;
}

/* Memory of which every second page is free, for compaction to put together. */
static void *make_gaps(size_t size, size_t page)
{
	char *at = map_anonymous(size, 0);
	size_t i;

	check(madvise(at, size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	for (i = 0; i < size; i += page)
		at[i] = 1;
	for (i = 0; i < size; i += 2 * page)
		check(madvise(at + i, page, MADV_DONTNEED), "MADV_DONTNEED");
	return at;
}

/*
 * Compaction moves pages from the lower end of a zone to the upper one, and leaves those
 * alone that are there already: each round gives the guest other frames first, between
 * those of the filler.
 */
void event_compact(void)
{
	const size_t filler = 64 << 20;
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	double start = seconds();
	unsigned int rounds;
	size_t sum = 0;
	struct vm vm;

	check(madvise(config.data, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (rounds = 0; rounds < 4 || sum < vm.pages; rounds++) {
		void *gaps = make_gaps(filler, vm.page);

		vm_begin(&vm, 0, vm.pages);
		check(madvise(vm.data, vm.size, MADV_DONTNEED), "MADV_DONTNEED");
		vm_done(&vm, 0, vm.pages);
		vm_sweeps(&vm, 1);
		page_frames(vm.data, vm.pages, before);
		write_file("/proc/sys/vm/compact_memory", "1");
		sum += moved(&vm);
		munmap(gaps, filler);
		patience(start, "compaction to move the guest's pages");
	}
	vm_sweeps(&vm, 2);
	printf("compact: %u times, %zu pages of the guest moved\n", rounds, sum);
	vm_end(&vm);
}

/* All pages to one node and back. */
void event_migrate(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	size_t n = config.size / sysconf(_SC_PAGESIZE), i, sum = 0;
	void **pages = calloc(n, sizeof(*pages));
	int *nodes = calloc(n, sizeof(*nodes)), *status = calloc(n, sizeof(*status));
	double start = seconds();
	unsigned int rounds;
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (rounds = 0; rounds < 10 || sum < 4 * vm.pages; rounds++) {
		for (i = 0; i < n; i++) {
			pages[i] = (char *)vm.data + i * vm.page;
			nodes[i] = !(rounds & 1);
		}
		page_frames(vm.data, vm.pages, before);
		check(syscall(SYS_move_pages, 0, n, pages, nodes, status, MPOL_MF_MOVE),
		      "move_pages");
		sum += moved(&vm);
		patience(start, "pages to move to another node");
	}
	vm_sweeps(&vm, 2);
	printf("migrate: %u times, %zu pages moved\n", rounds, sum);
	vm_end(&vm);
}

/*
 * The kernel unmaps pages to see which node uses them, and moves them there. Elsewhere the
 * tests turn that off: a range that is unmapped so cannot be collapsed (EINVAL), and pages
 * that move by themselves are not the ones that an event moves.
 */
void event_numa(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	uint64_t hints = vmstat("numa_hint_faults"), moves = vmstat("numa_pages_migrated");
	double start = seconds();
	struct vm vm;

	write_file("/proc/sys/kernel/numa_balancing", "1");
	check(madvise(config.data, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	while (vmstat("numa_hint_faults") - hints < vm.pages ||
	       vmstat("numa_pages_migrated") - moves < 1) {
		usleep(2000);
		patience(start, "the kernel to look which node uses the guest's pages");
	}
	vm_sweeps(&vm, 2);
	write_file("/proc/sys/kernel/numa_balancing", "0");
	printf("numa: %llu pages unmapped for a moment, %llu moved\n",
	       (unsigned long long)(vmstat("numa_hint_faults") - hints),
	       (unsigned long long)(vmstat("numa_pages_migrated") - moves));
	vm_end(&vm);
}

/* Pages become a huge page under the guest; taking one of them away splits it again. */
void event_collapse(void)
{
	size_t huge = huge_page_size(), size = 2 * huge, sum = 0, thrown = 0;
	struct vm_config config = { .data = map_aligned(size, huge), .size = size };
	double start = seconds();
	unsigned int rounds;
	struct vm vm;

	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (rounds = 0; rounds < 12; rounds++) {
		size_t page = rnd(vm.pages);

		vm_begin(&vm, page, 1);
		check(madvise((char *)vm.data + page * vm.page, vm.page, MADV_DONTNEED),
		      "MADV_DONTNEED");
		vm_done(&vm, page, 1);
		thrown++;
		vm_sweeps(&vm, 1);
		page_frames(vm.data, vm.pages, before);
		/* The guest's faults, and khugepaged, hold pages for a moment. */
		while (madvise(vm.data, vm.size, MADV_COLLAPSE)) {
			if (errno != EAGAIN && errno != EBUSY)
				die("MADV_COLLAPSE");
			patience(start, "huge pages");
		}
		sum += moved(&vm);
		vm_sweeps(&vm, 1);
	}
	if (!sum)
		die("collapsing moved nothing");
	printf("collapse: %u times, %zu pages moved, %zu splits\n", rounds, sum, thrown);
	vm_end(&vm);
}

/* A page that the kernel stops trusting is copied elsewhere, and its frame is lost for good. */
void event_soft_offline(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	size_t count = 32, i, sum;
	struct vm vm;

	check(madvise(config.data, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	page_frames(vm.data, vm.pages, before);
	for (i = 0; i < count; i++)
		check(madvise((char *)vm.data + i * 5 * vm.page, vm.page, MADV_SOFT_OFFLINE),
		      "MADV_SOFT_OFFLINE");
	sum = moved(&vm);
	vm_sweeps(&vm, 2);
	if (sum < count)
		die("only %zu pages of %zu moved", sum, count);
	printf("soft-offline: %zu pages moved\n", sum);
	vm_end(&vm);
}
