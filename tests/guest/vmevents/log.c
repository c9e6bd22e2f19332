// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log, by all ways that a VMM has to read it: a migration each, of memory in single
 * pages and of memory in blocks. The VMM copies everything once while the guest writes, then
 * again and again what the log names; whenever the guest rests the copy must be its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#ifndef KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE
#define KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE 228
#endif

#define SIZE	  (4 << 20) /* at least */
#define ROUNDS	  3
#define DATA_SLOT 1
#define WORD	  64 /* pages of a word of the log */
#define ALL_DIRTY (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

static const struct way {
	const char *name;
	uint64_t manual; /* of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2; 0: GET_DIRTY_LOG protects */
	bool blocks;	 /* the memory is in huge pages */
	bool split;	 /* blocks are split as the log begins, rather than by faults */
} ways[] = {
	{ "read", 0, false, false },
	{ "read, blocks split", 0, true, true },
	{ "cleared, blocks", KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, true, false },
	{ "cleared, all dirty at first", ALL_DIRTY, false, false },
	{ "cleared, all dirty at first, blocks", ALL_DIRTY, true, false },
	{ "cleared, all dirty at first, blocks split", ALL_DIRTY, true, true },
};

static const struct way *way; /* the one that is tried */

static void choose_way(int fd)
{
	struct kvm_enable_cap manual = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };
	struct kvm_enable_cap chunk = { .cap = KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE };

	manual.args[0] = way->manual;
	check(ioctl(fd, KVM_ENABLE_CAP, &manual), "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	chunk.args[0] = way->split ? huge_page_size() : 0;
	check(ioctl(fd, KVM_ENABLE_CAP, &chunk), "KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE");
}

/* Clears what was read, some words at a time. */
static void clear(struct vm *vm, uint64_t *bits)
{
	struct kvm_clear_dirty_log part = { .slot = DATA_SLOT };
	uint64_t first, left;

	for (first = 0; first < vm->pages; first += part.num_pages) {
		left = vm->pages - first;
		part.first_page = first;
		part.num_pages = WORD * (1 + rnd(8));
		if (part.num_pages > left)
			part.num_pages = left;
		part.dirty_bitmap = bits + first / WORD;
		check(ioctl(vm->fd[0], KVM_CLEAR_DIRTY_LOG, &part), "KVM_CLEAR_DIRTY_LOG");
	}
}

/* Reads the log, and only then copies: what is written later is in it again. Pages copied. */
static uint64_t migrate(struct vm *vm, char *copy)
{
	static uint64_t bits[PAGES_MAX / WORD];
	struct kvm_dirty_log log = { .slot = DATA_SLOT, .dirty_bitmap = bits };
	uint64_t i, copied = 0;

	check(ioctl(vm->fd[0], KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
	if (way->manual)
		clear(vm, bits);
	for (i = 0; i < vm->pages; i++) {
		if (!(bits[i / WORD] >> i % WORD & 1))
			continue;
		memcpy(copy + i * vm->page, (char *)vm->data + i * vm->page, vm->page);
		copied++;
	}
	return copied;
}

/* The guest rests, and what the log said until then has been copied. */
static void compare(const struct vm *vm, const char *copy)
{
	size_t i, at;

	errno = 0;
	for (i = 0; i < vm->pages; i++) {
		at = i * vm->page;
		if (memcmp(copy + at, (char *)vm->data + at, vm->page))
			die("%s: page %zu was written, and no log said so", way->name, i);
	}
}

static void migrate_guest(void *data, size_t size)
{
	struct vm_config config = {
		.data = data, .size = size, .order = ORDER_WRITE, .prepare = choose_way,
	};
	char *copy = map_anonymous(size, 0);
	uint64_t copied = 0, first, faults;
	struct vm vm;
	int i;

	memset(data, 0, size);
	vm_start(&vm, &config);
	vm_sweeps(&vm, 1);
	/* All is mapped, to be written. From here on the log knows what is. */
	faults = vm_stat(&vm, "fault_exits");
	if (way->blocks && faults > vm.pages / 4)
		die("%llu faults: these are no blocks", (unsigned long long)faults);
	vm_data_slot(&vm, DATA_IPA, vm.size, KVM_MEM_LOG_DIRTY_PAGES);
	memcpy(copy, vm.data, vm.size);
	first = migrate(&vm, copy);
	if (way->manual & KVM_DIRTY_LOG_INITIALLY_SET && first != vm.pages)
		die("%llu pages are dirty at first", (unsigned long long)first);
	for (i = 0; i < ROUNDS; i++) {
		vm_order(&vm, ORDER_WRITE);
		vm_sweeps(&vm, 1);
		copied += migrate(&vm, copy);
		vm_order(&vm, ORDER_REST);
		migrate(&vm, copy);
		compare(&vm, copy);
	}
	if (copied < ROUNDS * vm.pages)
		die("%s: only %llu pages were ever dirty", way->name, (unsigned long long)copied);
	/* Nobody asks any more what is dirty. */
	vm_data_slot(&vm, DATA_IPA, vm.size, 0);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	printf("log %s: mapped by %llu faults, %llu pages copied\n", way->name,
	       (unsigned long long)faults, (unsigned long long)copied);
	vm_end(&vm);
	munmap(copy, size);
}

void event_log(void)
{
	size_t huge = huge_page_size(), size = huge < SIZE ? SIZE : huge;
	void *pages = map_anonymous(SIZE, 0), *blocks = map_anonymous(size, MAP_HUGETLB);

	check(madvise(pages, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	for (way = ways; way < ways + sizeof(ways) / sizeof(*ways); way++)
		migrate_guest(way->blocks ? blocks : pages, way->blocks ? size : SIZE);
}
