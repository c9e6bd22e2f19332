// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that throw memory away: when the call that does it has returned, no vCPU may
 * find what was there, nor may a write of later be lost.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define SIZE   (4 << 20)
#define ROUNDS 150

typedef void throw_fn(struct vm *vm, size_t first, size_t n);

static int memfd;

static char *at_page(const struct vm *vm, size_t page)
{
	return (char *)vm->data + page * vm->page;
}

static void by_dontneed(struct vm *vm, size_t first, size_t n)
{
	check(madvise(at_page(vm, first), n * vm->page, MADV_DONTNEED), "MADV_DONTNEED");
}

static void by_replacing(struct vm *vm, size_t first, size_t n)
{
	if (mmap(at_page(vm, first), n * vm->page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		die("mmap over the guest's memory");
}

static void by_punching(struct vm *vm, size_t first, size_t n)
{
	check(fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first * vm->page,
			n * vm->page), "fallocate");
}

/* Throws ranges of random size and place away, @unit pages or a multiple, under a busy guest. */
static void throw_at_random(struct vm *vm, throw_fn *fn, size_t unit, const char *name)
{
	size_t units = vm->pages / unit, thrown = 0;
	double start = seconds();
	unsigned int i;

	vm_order(vm, ORDER_WRITE);
	vm_sweeps(vm, 1);
	for (i = 0; i < ROUNDS / (unit > 1 ? 8 : 1) || vm_emptied(vm) < vm->pages; i++) {
		size_t n = (i % 8 ? 1 + rnd(4) : 1 + rnd(units)) * unit, first;

		if (n > vm->pages)
			n = unit;
		first = rnd((vm->pages - n) / unit + 1) * unit;
		vm_begin(vm, first, n);
		fn(vm, first, n);
		vm_done(vm, first, n);
		thrown += n;
		/* Huge pages take the guest so long to fill that it would never come round. */
		if (i % 32 == 0 || unit > 1)
			vm_sweeps(vm, 1);
		patience(start, "the guest to find pages empty");
	}
	vm_sweeps(vm, 2);
	printf("%s: %zu pages thrown away, %llu found empty by the guest\n", name, thrown,
	       (unsigned long long)vm_emptied(vm));
	vm_end(vm);
}

void event_dontneed(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	struct vm vm;

	vm_start(&vm, &config);
	throw_at_random(&vm, by_dontneed, 1, "dontneed");
}

void event_replace(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	struct vm vm;

	vm_start(&vm, &config);
	throw_at_random(&vm, by_replacing, 1, "replace");
}

static void *map_memfd(size_t size, unsigned int flags)
{
	void *at;

	memfd = check(memfd_create("guest", MFD_CLOEXEC | flags), "memfd_create");
	check(ftruncate(memfd, size), "ftruncate");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (at == MAP_FAILED)
		die("mmap of a memfd");
	return at;
}

void event_punch(void)
{
	struct vm_config config = { .data = map_memfd(SIZE, 0), .size = SIZE };
	struct vm vm;

	vm_start(&vm, &config);
	throw_at_random(&vm, by_punching, 1, "punch");
}

/* Where a huge page makes a block of the guest's tables, one fault is enough for it. */
static void check_blocks(struct vm *vm, size_t huge)
{
	size_t block = vm->page * (vm->page / 8);
	uint64_t faults;

	if (huge < block)
		return;
	vm_order(vm, ORDER_WRITE);
	vm_sweeps(vm, 1);
	vm_order(vm, ORDER_REST);
	faults = vm_stat(vm, "fault_exits");
	errno = 0;
	if (faults > vm->pages / 2)
		die("%llu faults for %zu blocks of %zu pages", (unsigned long long)faults,
		    vm->size / block, block / vm->page);
}

/* Whole huge pages come and go. */
void event_hugetlb(void)
{
	size_t huge = huge_page_size(), size = 2 * huge;
	struct vm_config config = { .data = map_memfd(size, MFD_HUGETLB), .size = size };
	struct vm vm;

	vm_start(&vm, &config);
	check_blocks(&vm, huge);
	throw_at_random(&vm, by_punching, huge / vm.page, "hugetlb");
}

/* The others of the kernel's sizes, as far as a small machine has memory for them. */
#define HUGE_MAX (32 << 20)

static void try_huge_size(size_t huge)
{
	struct vm_config config = { .size = 2 * huge };
	char path[128], name[64];
	struct vm vm;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
		 huge >> 10);
	/* Two that replace those which are on their way back while a fault holds them. */
	write_file(path, "4");
	errno = 0;
	if (read_number(path) != 4)
		die("no four huge pages of %zu KiB", huge >> 10);
	config.data = map_memfd(config.size, MFD_HUGETLB | __builtin_ctzl(huge) << MFD_HUGE_SHIFT);
	snprintf(name, sizeof(name), "hugetlb of %zu KiB", huge >> 10);
	vm_start(&vm, &config);
	check_blocks(&vm, huge);
	throw_at_random(&vm, by_punching, huge / vm.page, name);
	munmap(config.data, config.size);
	close(memfd);
	write_file(path, "0");
}

void event_hugetlb_sizes(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	unsigned int tried = 0;
	size_t kib;

	if (!dir)
		die("/sys/kernel/mm/hugepages");
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "hugepages-%zukB", &kib) != 1 ||
		    kib << 10 == huge_page_size() || kib > HUGE_MAX >> 10)
			continue;
		try_huge_size(kib << 10);
		tried++;
	}
	closedir(dir);
	errno = 0;
	if (!tried)
		die("there is one size only");
}

/* What one VM has is taken from both. */
void event_two_vms(void)
{
	struct vm_config config = { .data = map_memfd(SIZE, 0), .size = SIZE, .vms = 2 };
	struct vm vm;

	vm_start(&vm, &config);
	throw_at_random(&vm, by_punching, 1, "two-vms");
}
