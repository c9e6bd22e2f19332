// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings. First a migration: the VMM copies what the vCPUs' rings name, whenever one
 * is full and in between; at the end the copy must be the guest's memory. Then it writes
 * what it likes into the rings, which must harm nobody.
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

#ifndef KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP
#define KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP 225
#endif

#define PAGES	    2048 /* a sweep fills a ring, whatever the size of a page */
#define RING_PAGES  64 /* KVM_DIRTY_LOG_PAGE_OFFSET */
#define ENTRIES	    1024 /* 16 KiB: a page at least */
#define RING_BYTES  (ENTRIES * sizeof(struct kvm_dirty_gfn))
#define DATA_SLOT   1

static struct {
	pthread_mutex_t lock; /* one collector at a time */
	struct kvm_dirty_gfn *entry[CPUS_MAX];
	uint32_t next[CPUS_MAX];
	char *copy;
	uint64_t copied, full;
	bool spoiling; /* the rings' contents mean nothing any more */
} r = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Takes what one ring has; the pages' numbers go to @page. */
static unsigned int collect(struct vm *vm, int cpu, uint64_t *page)
{
	unsigned int n;

	for (n = 0; n < ENTRIES; n++) {
		struct kvm_dirty_gfn *e = &r.entry[cpu][r.next[cpu] % ENTRIES];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		if (e->slot != DATA_SLOT || e->offset >= vm->pages)
			die("an entry for slot %u, page %llu", e->slot,
			    (unsigned long long)e->offset);
		page[n] = e->offset;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		r.next[cpu]++;
	}
	return n;
}

/* Collects, resets, and only then copies: what is written later is in a ring again. */
static void migrate(struct vm *vm)
{
	static uint64_t page[CPUS_MAX * ENTRIES];
	unsigned int i, n = 0;
	long reset;

	pthread_mutex_lock(&r.lock);
	for (i = 0; !r.spoiling && i < (unsigned int)vm->cpus; i++)
		n += collect(vm, i, page + n);
	reset = check(ioctl(vm->fd[0], KVM_RESET_DIRTY_RINGS, 0), "KVM_RESET_DIRTY_RINGS");
	errno = 0;
	if (!r.spoiling && reset != n)
		die("%u entries were collected, %ld reset", n, reset);
	for (i = 0; i < n; i++)
		memcpy(r.copy + page[i] * vm->page, (char *)vm->data + page[i] * vm->page,
		       vm->page);
	r.copied += n;
	pthread_mutex_unlock(&r.lock);
}

static bool ring_exit(struct cpu *cpu)
{
	if (cpu->run->exit_reason != KVM_EXIT_DIRTY_RING_FULL)
		return false;
	__atomic_fetch_add(&r.full, 1, __ATOMIC_RELAXED);
	migrate(cpu->vm);
	return true;
}

static void enable_rings(int fd)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL };

	cap.args[0] = RING_BYTES - 16;
	if (!ioctl(fd, KVM_ENABLE_CAP, &cap) || errno != EINVAL)
		die("a ring of an odd size was taken");
	cap.args[0] = RING_BYTES;
	check(ioctl(fd, KVM_ENABLE_CAP, &cap), "KVM_CAP_DIRTY_LOG_RING_ACQ_REL");
	if (!ioctl(fd, KVM_ENABLE_CAP, &cap) || errno != EINVAL)
		die("rings were made twice");
}

static void map_rings(struct vm *vm)
{
	long page = sysconf(_SC_PAGESIZE);
	int i;

	for (i = 0; i < vm->cpus; i++) {
		r.entry[i] = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
				  vm->cpu[i].fd, RING_PAGES * page);
		if (r.entry[i] == MAP_FAILED)
			die("mmap of a ring");
		if (mmap(NULL, RING_BYTES, PROT_READ, MAP_PRIVATE, vm->cpu[i].fd,
			 RING_PAGES * page) != MAP_FAILED)
			die("a ring was mapped privately");
	}
}

/* Whatever the VMM writes there: resets end, the guest goes on, and nothing else happens. */
static void spoil(struct vm *vm)
{
	unsigned int round, i;
	int cpu;

	pthread_mutex_lock(&r.lock);
	r.spoiling = true;
	pthread_mutex_unlock(&r.lock);
	for (round = 0; round < 400; round++) {
		for (cpu = 0; cpu < vm->cpus; cpu++)
			for (i = 0; i < ENTRIES; i++) {
				struct kvm_dirty_gfn *e = &r.entry[cpu][i];

				e->slot = rnd(8) ? rnd(4) : rnd(~0u);
				e->offset = rnd(4) ? rnd(vm->pages * 2) : (uint64_t)rnd(~0u) << 32;
				e->flags = rnd(4) ? KVM_DIRTY_GFN_F_RESET : rnd(~0u);
			}
		migrate(vm);
	}
	for (cpu = 0; cpu < vm->cpus; cpu++)
		for (i = 0; i < ENTRIES; i++)
			__atomic_store_n(&r.entry[cpu][i].flags, KVM_DIRTY_GFN_F_RESET,
					 __ATOMIC_RELEASE);
	/* No log, no rings: the guest must come round by itself. */
	vm_data_slot(vm, DATA_IPA, vm->size, 0);
	migrate(vm);
	vm_sweeps(vm, 2);
}

void event_ring(void)
{
	size_t size = (size_t)PAGES * sysconf(_SC_PAGESIZE);
	struct vm_config config = {
		.data = map_anonymous(size, 0), .size = size,
		.prepare = enable_rings, .on_exit = ring_exit,
	};
	struct kvm_dirty_log log = { .slot = DATA_SLOT };
	struct vm vm;
	int i;

	r.copy = map_anonymous(size, 0);
	vm_open(&vm, &config);
	map_rings(&vm);
	vm_run(&vm);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	/* From here on the rings know what is written; all that is there goes first. */
	vm_data_slot(&vm, DATA_IPA, vm.size, KVM_MEM_LOG_DIRTY_PAGES);
	memcpy(r.copy, vm.data, vm.size);
	if (!ioctl(vm.fd[0], KVM_GET_DIRTY_LOG, &log) || errno != ENXIO)
		die("KVM_GET_DIRTY_LOG without a bitmap");
	for (i = 0; i < 8; i++) {
		migrate(&vm);
		vm_sweeps(&vm, 1);
	}
	vm_order(&vm, ORDER_REST);
	migrate(&vm);
	errno = 0;
	if (memcmp(r.copy, vm.data, vm.size))
		die("the copy is not what the guest has written");
	if (!r.full)
		die("no ring was ever full");
	printf("ring: %llu pages copied, %llu times full\n", (unsigned long long)r.copied,
	       (unsigned long long)r.full);
	vm_order(&vm, ORDER_WRITE);
	spoil(&vm);
	vm_end(&vm);
}
