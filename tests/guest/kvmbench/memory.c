// SPDX-License-Identifier: GPL-2.0-only
/* Faults, and what the host does to memory that a guest has. */
#include "bench.h"
#include "../lru_gen.h"

#define BLOCKS 16UL

/* First writes to pages that the host has; then again, which is what the loop itself costs. */
void bench_faults(struct bench *b, const char *name, uint64_t pages, uint64_t stride)
{
	uint64_t fault = timed_write(b, pages, stride);
	uint64_t plain = timed_write(b, pages, stride);

	row(b, name, per(fault, plain, pages), "instructions/fault");
}

static uint64_t timed_dontneed(void *memory, size_t size)
{
	uint64_t start = now();

	check(madvise(memory, size, MADV_DONTNEED), "MADV_DONTNEED");
	return now() - start;
}

/* The host's own share of MADV_DONTNEED is taken off: same pages, no guest. */
void bench_unmap(struct bench *b, uint64_t page)
{
	uint64_t host = 0, both = 0;
	int i;

	for (i = 0; i < TRIES; i++) {
		memset(b->data, 1, b->data_size);
		timed_write(b, PAGES, page);
		keep_least(&both, timed_dontneed(b->data, b->data_size));
		memset(b->data, 1, b->data_size);
		keep_least(&host, timed_dontneed(b->data, b->data_size));
	}
	row(b, "notifier_unmap", per(both, host, PAGES), "instructions/page");
}

static uint64_t timed_ageing(void)
{
	uint64_t start;
	struct lru_gen lru;

	if (!lru_gen_open(&lru))
		return 0;
	start = now();
	lru_gen_age(&lru);
	return now() - start;
}

/* An ageing of all: without the data, and with it. */
struct ageing {
	uint64_t others, all;
};

/*
 * Ages when the data is gone, and when it is new pages that host and perhaps guest have used.
 * The first few ageings fill the oldest generation, which each of them moves.
 */
static void age_data(struct bench *b, uint64_t page, bool guest, struct ageing *least)
{
	int i;

	timed_dontneed(b->data, b->data_size);
	for (i = 0; i < 7; i++)
		timed_ageing();
	keep_least(&least->others, timed_ageing());
	memset(b->data, 1, b->data_size);
	if (guest)
		timed_write(b, PAGES, page);
	keep_least(&least->all, timed_ageing());
}

/* In a process that has had no VM yet, or the list of its notifiers costs already. */
void bench_ageing(struct bench *b, uint64_t page)
{
	struct ageing host = { 0 }, both = { 0 };
	int i;

	if (!timed_ageing())
		return;
	for (i = 0; i < TRIES; i++)
		age_data(b, page, false, &host);
	vm_open(b);
	for (i = 0; i < TRIES; i++)
		age_data(b, page, true, &both);
	row(b, "notifier_age", per(both.all - both.others, host.all - host.others, PAGES),
	    "instructions/page");
	vm_close(b);
}

static void clear_log(struct bench *b, void *bitmap)
{
	struct kvm_clear_dirty_log clear = {
		.slot = 1, .num_pages = PAGES, .dirty_bitmap = bitmap,
	};

	check(ioctl(b->vm, KVM_CLEAR_DIRTY_LOG, &clear), "KVM_CLEAR_DIRTY_LOG");
}

static void get_log(struct bench *b, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	check(ioctl(b->vm, KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
}

/* What the log costs once: to start, to be read, to be cleared. */
struct log_times {
	uint64_t start, get, clear;
};

/* One life of a log in which the guest writes every page; returns how long the writes took. */
static uint64_t live_log(struct bench *b, uint64_t page, struct log_times *least)
{
	uint64_t start, writes, bitmap[PAGES / 64];

	start = now();
	set_slot(b->vm, 1, DATA_IPA, b->data, b->data_size, KVM_MEM_LOG_DIRTY_PAGES);
	keep_least(&least->start, now() - start);
	writes = timed_write(b, PAGES, page);
	start = now();
	get_log(b, bitmap);
	keep_least(&least->get, now() - start);
	start = now();
	clear_log(b, bitmap);
	keep_least(&least->clear, now() - start);
	set_slot(b->vm, 1, DATA_IPA, b->data, b->data_size, 0);
	return writes;
}

void bench_dirty_log(struct bench *b, uint64_t page)
{
	uint64_t plain, writes = 0;
	struct log_times least = { 0 };
	int i;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
	};

	memset(b->data, 1, b->data_size);
	check(ioctl(b->vm, KVM_ENABLE_CAP, &cap), "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	for (i = 0; i < TRIES; i++) {
		/* Without a log again, the guest may write where it only could read. */
		timed_write(b, PAGES, page);
		plain = timed_write(b, PAGES, page);
		keep_least(&writes, live_log(b, page, &least));
	}
	row(b, "dirty_log_wrprotect", per(least.start, 0, PAGES), "instructions/page");
	row(b, "dirty_log_fault", per(writes, plain, PAGES), "instructions/fault");
	row(b, "dirty_log_get", per(least.get, 0, PAGES), "instructions/page");
	row(b, "dirty_log_clear", per(least.clear, 0, PAGES), "instructions/page");
}

static size_t huge_page_size(void)
{
	char line[128];
	size_t kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Hugepagesize: %zu kB", &kib);
	if (f)
		fclose(f);
	return kib * 1024;
}

void bench_blocks(struct bench *b)
{
	uint64_t fault = 0, plain = 0;
	size_t huge = huge_page_size();
	int i;

	b->data_size = BLOCKS * huge;
	b->data = map_memory(b->data_size, MAP_HUGETLB | MAP_POPULATE);
	memset(b->data, 1, b->data_size);
	for (i = 0; i < TRIES; i++) {
		vm_open(b);
		timed_loop(b, guest_empty, 1);
		keep_least(&fault, timed_write(b, BLOCKS, huge));
		keep_least(&plain, timed_write(b, BLOCKS, huge));
		if (i == TRIES - 1) {
			row(b, "fault_block", per(fault, plain, BLOCKS), "instructions/fault");
			record_row(b, "record_block", BLOCKS * (huge / sysconf(_SC_PAGESIZE)));
		}
		vm_close(b);
	}
	munmap(b->data, b->data_size);
}
