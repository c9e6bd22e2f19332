// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the KVM API costs: a VMM of its own, small enough that its share of the
 * work is the same under every hypervisor. The guest has no page tables and a few
 * loops for code. Meant for a machine that counts instructions as time (QEMU -icount
 * shift=0), where a nanosecond of CLOCK_MONOTONIC is one instruction.
 *
 * Prints "name value unit" a line; with --protected, the rows of a protected VM; with
 * --ageing, the one of that.
 */
#include "bench.h"

#define TEARDOWN_MIB 64UL

static void nothing(int signal)
{
	(void)signal;
}

static void use_pages(struct bench *b, uint64_t page)
{
	b->data_size = PAGES * page;
	b->data = map_memory(b->data_size, 0);
	check(madvise(b->data, b->data_size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	memset(b->data, 1, b->data_size);
}

/* One VM, with a vCPU, that has run and touched 16 pages. */
static void bench_create(struct bench *b, uint64_t page)
{
	const int rounds = 32;
	uint64_t start, create = 0, destroy = 0;
	int i;

	for (i = -2; i < rounds; i++) {
		start = now();
		vm_open(b);
		create += i < 0 ? 0 : now() - start;
		timed_write(b, 16, page);
		start = now();
		vm_close(b);
		destroy += i < 0 ? 0 : now() - start;
	}
	row(b, "vm_create", (double)create / rounds, "instructions");
	row(b, "vm_destroy", (double)destroy / rounds, "instructions");
}

/* The end of a VM that has touched its memory, from the last close() on. */
static void bench_teardown(struct bench *b, uint64_t page)
{
	uint64_t start, took;

	b->data_size = TEARDOWN_MIB << 20;
	b->data = map_memory(b->data_size, 0);
	check(madvise(b->data, b->data_size, MADV_HUGEPAGE), "MADV_HUGEPAGE");
	memset(b->data, 1, b->data_size);
	vm_open(b);
	timed_write(b, b->data_size / page, page);
	start = now();
	vm_close(b);
	took = now() - start;
	row(b, "teardown_per_gib", took * (1024.0 / TEARDOWN_MIB), "instructions/GiB");
	munmap(b->data, b->data_size);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	uint64_t page = sysconf(_SC_PAGESIZE);
	bool ageing = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--protected") == 0) {
			b.type = VM_PROTECTED;
		} else if (strcmp(argv[i], "--no-vgic") == 0) {
			b.vgic = -1;
		} else if (strcmp(argv[i], "--ageing") == 0) {
			ageing = true;
		} else {
			fprintf(stderr, "usage: kvmbench [--protected | --ageing] [--no-vgic]\n");
			return 2;
		}
	}
	signal(SIGUSR1, nothing);
	b.kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	use_pages(&b, page);
	if (ageing) {
		bench_ageing(&b, page);
		return 0;
	}
	bench_create(&b, page);
	vm_open(&b);
	bench_exits(&b);
	if (b.vgic >= 0)
		bench_timer(&b);
	bench_faults(&b, "fault_page", PAGES, page);
	record_row(&b, "record_page", PAGES);
	if (!b.type) {
		bench_unmap(&b, page);
		bench_dirty_log(&b, page);
	} else {
		bench_share(&b);
	}
	vm_close(&b);
	/* Two protected vCPUs would need PSCI to start the second. */
	if (!b.type && b.vgic >= 0)
		bench_ipi(&b);
	munmap(b.data, b.data_size);
	bench_blocks(&b);
	bench_teardown(&b, page);
	return 0;
}
