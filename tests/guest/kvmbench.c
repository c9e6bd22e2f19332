// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the KVM API costs: a VMM of its own, small enough that its share of the
 * work is the same under every hypervisor. The guest has no page tables
 * and a few loops for code. Meant for a machine that
 * counts instructions as time (QEMU -icount shift=0), where a nanosecond of
 * CLOCK_MONOTONIC is one instruction.
 *
 * Prints "name value unit" a line; with --protected, the rows of a protected VM; with
 * --ageing, the one of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lru_gen.h"
#include "onevm.h"

#define CODE_IPA	0x40000000UL
#define CODE_SIZE	0x10000UL
#define DATA_IPA	0x80000000UL
#define MMIO_IPA	0x10000000UL /* no memory: a read is an exit */
#define GICD_IIDR	8
#define ORDER_IPA	0x10001000UL /* read: the next order; write: a loop has ended */
#define VM_PROTECTED	(1UL << 31)
#define PAGES		2048UL
#define ROUNDS		16384UL
#define BLOCKS		16UL
#define TEARDOWN_MIB	64UL

/*
 * The guest. It asks for its orders by reading ORDER_IPA, because a protected
 * vCPU's registers are out of the VMM's reach: x21 what to do, x19 how often,
 * x23 address, x24 stride. x20 is ORDER_IPA and x22 MMIO_IPA, from x0 and x1: those are
 * what a protected vCPU starts with.
 */
__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	"guest_code:\n"
	"		mov x20, x0\n"
	"		mov x22, x1\n"
	"guest_next:	ldr x21, [x20]\n"
	"		ldr x19, [x20]\n"
	"		ldr x23, [x20]\n"
	"		ldr x24, [x20]\n"
	"		br x21\n"
	"guest_done:	str xzr, [x20]\n"
	"		b guest_next\n"
	"guest_empty:	subs x19, x19, #1\n"
	"		b.ne guest_empty\n"
	"		b guest_done\n"
	"guest_hvc:	mov w0, #0x84000000\n" /* PSCI_VERSION */
	"		hvc #0\n"
	"		subs x19, x19, #1\n"
	"		b.ne guest_hvc\n"
	"		b guest_done\n"
	"guest_mmio:	ldr w1, [x22]\n"
	"		subs x19, x19, #1\n"
	"		b.ne guest_mmio\n"
	"		b guest_done\n"
	"guest_read:	ldr w1, [x23]\n"
	"		subs x19, x19, #1\n"
	"		b.ne guest_read\n"
	"		b guest_done\n"
	"guest_share:	movz w0, #0xc600, lsl #16\n" /* MEM_SHARE of x23, then MEM_UNSHARE */
	"		movk w0, #3\n"
	"		mov x1, x23\n"
	"		mov x2, #0\n"
	"		mov x3, #0\n"
	"		hvc #0\n"
	"		movz w0, #0xc600, lsl #16\n"
	"		movk w0, #4\n"
	"		hvc #0\n"
	"		subs x19, x19, #1\n"
	"		b.ne guest_share\n"
	"		b guest_done\n"
	"guest_write:	str x19, [x23]\n"
	"		add x23, x23, x24\n"
	"		subs x19, x19, #1\n"
	"		b.ne guest_write\n"
	"		b guest_done\n"
	/*
	 * Interrupts stay masked, and are taken by asking the GIC for them: what is counted
	 * is how they come, not what an exception costs.
	 */
	"guest_gic:	mov w27, #-1\n"		/* x26: the redistributor's SGI frame */
	"		str w27, [x26, #0x80]\n"	/* GICR_IGROUPR0 */
	"		mov w27, #0xffff\n"
	"		movk w27, #0x0800, lsl #16\n"
	"		str w27, [x26, #0x100]\n"	/* GICR_ISENABLER0: SGIs and PPI 27 */
	"		mov x27, #0x08000000\n"
	"		mov w28, #2\n"
	"		str w28, [x27]\n"		/* GICD_CTLR: group 1 */
	"		mov x27, #0xff\n"
	"		msr S3_0_C4_C6_0, x27\n"	/* ICC_PMR_EL1 */
	"		mov x27, #1\n"
	"		msr S3_0_C12_C12_7, x27\n"	/* ICC_IGRPEN1_EL1 */
	"		isb\n"
	"		ret\n"
	"guest_timer:	mov x26, #0x080b0000\n"
	"		bl guest_gic\n"
	"		mov x26, #1\n"
	"1:		msr cntv_tval_el0, xzr\n"
	"		msr cntv_ctl_el0, x26\n"
	"		isb\n"
	"2:		mrs x27, S3_0_C12_C12_0\n"	/* ICC_IAR1_EL1 */
	"		cmp x27, #1020\n"
	"		b.hs 2b\n"
	"		msr cntv_ctl_el0, xzr\n"
	"		isb\n"
	"		msr S3_0_C12_C12_1, x27\n"	/* ICC_EOIR1_EL1 */
	"		subs x19, x19, #1\n"
	"		b.ne 1b\n"
	"		b guest_done\n"
	"guest_ipi:	mov x26, #0x080b0000\n"
	"		bl guest_gic\n"
	"		mov x26, #2\n"			/* SGI 0 to affinity 0.0.0.1 */
	"1:		msr S3_0_C12_C11_5, x26\n"	/* ICC_SGI1R_EL1 */
	"2:		wfi\n"
	"		mrs x27, S3_0_C12_C12_0\n"
	"		cmp x27, #1020\n"
	"		b.hs 2b\n"
	"		msr S3_0_C12_C12_1, x27\n"
	"		subs x19, x19, #1\n"
	"		b.ne 1b\n"
	"		b guest_done\n"
	"guest_echo:	mov x26, #0x080d0000\n"	/* the other vCPU: sends each SGI back */
	"		bl guest_gic\n"
	"		mov x26, #1\n"
	"1:		wfi\n"
	"		mrs x27, S3_0_C12_C12_0\n"
	"		cmp x27, #1020\n"
	"		b.hs 1b\n"
	"		msr S3_0_C12_C12_1, x27\n"
	"		msr S3_0_C12_C11_5, x26\n"
	"		b 1b\n"
	"guest_end:\n"
	".popsection\n");

/* Hidden, so that their addresses do not go through a table of global symbols. */
#pragma GCC visibility push(hidden)
extern const char guest_empty[], guest_hvc[], guest_mmio[], guest_read[],
	guest_share[], guest_write[], guest_timer[], guest_ipi[], guest_echo[];
#pragma GCC visibility pop

/* One VM with one vCPU and two memslots: code, and the data that faults are about. */
struct bench {
	int kvm, vm, vcpu;
	int vgic; /* -1: VMs without one */
	struct kvm_run *run;
	uint64_t type; /* of KVM_CREATE_VM */
	void *code, *data;
	size_t data_size;
	bool two_vcpus;
	int other; /* the second vCPU */
	struct kvm_run *other_run;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void row(struct bench *b, const char *name, double value, const char *unit)
{
	printf("%s%s %.1f %s\n", b->type & VM_PROTECTED ? "protected_" : "", name, value, unit);
	fflush(stdout);
}

static size_t guest_offset(const char *label)
{
	return label - guest_code;
}

static void vm_create(struct bench *b)
{
	b->vm = check(ioctl(b->kvm, KVM_CREATE_VM, b->type), "KVM_CREATE_VM");
}

/* vm_open() - a VM with data_size bytes of memory at DATA_IPA, given as b->data. */
static void vm_open(struct bench *b)
{
	vm_create(b);
	b->vcpu = create_vcpu(b->kvm, b->vm, 0, &b->run);
	if (b->two_vcpus)
		b->other = create_vcpu(b->kvm, b->vm, 1, &b->other_run);
	if (b->vgic >= 0)
		b->vgic = create_vgic(b->vm); /* without, timers cost more on each exit */
	b->code = map_memory(CODE_SIZE, 0);
	memcpy(b->code, guest_code, guest_offset(guest_end));
	__builtin___clear_cache(b->code, (char *)b->code + CODE_SIZE);
	set_slot(b->vm, 0, CODE_IPA, b->code, CODE_SIZE, 0);
	set_slot(b->vm, 1, DATA_IPA, b->data, b->data_size, 0);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.pc), CODE_IPA);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.regs[0]), ORDER_IPA);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.regs[1]), MMIO_IPA);
}

static void vcpu_close(struct bench *b, int vcpu, struct kvm_run *run)
{
	munmap(run, check(ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
	close(vcpu);
}

static void vm_close(struct bench *b)
{
	vcpu_close(b, b->vcpu, b->run);
	if (b->two_vcpus)
		vcpu_close(b, b->other, b->other_run);
	if (b->vgic >= 0)
		close(b->vgic);
	close(b->vm);
	munmap(b->code, CODE_SIZE);
}

/* Runs the vCPU up to its next access to ORDER_IPA; other reads are answered as they are. */
static void run_to_order(struct bench *b, bool is_write)
{
	for (;;) {
		if (ioctl(b->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			check(-1, "KVM_RUN");
		}
		if (b->run->exit_reason != KVM_EXIT_MMIO) {
			fprintf(stderr, "kvmbench: unexpected exit %u\n", b->run->exit_reason);
			exit(1);
		}
		if (b->run->mmio.phys_addr != ORDER_IPA)
			continue;
		if (b->run->mmio.is_write == is_write)
			return;
		fprintf(stderr, "kvmbench: the guest is out of step\n");
		exit(1);
	}
}

/* Gives one order; returns the time from the guest's start on it to its end. */
static uint64_t timed(struct bench *b, const char *label, uint64_t rounds, uint64_t address,
		      uint64_t stride)
{
	const uint64_t order[] = { CODE_IPA + guest_offset(label), rounds, address, stride };
	uint64_t start;
	size_t i;

	for (i = 0; i < 4; i++) {
		run_to_order(b, false);
		memcpy(b->run->mmio.data, &order[i], sizeof(order[i]));
	}
	start = now();
	run_to_order(b, true);
	return now() - start;
}

static uint64_t timed_loop(struct bench *b, const char *label, uint64_t rounds)
{
	return timed(b, label, rounds, 0, 0);
}

static uint64_t timed_write(struct bench *b, uint64_t rounds, uint64_t stride)
{
	return timed(b, guest_write, rounds, DATA_IPA, stride);
}

static double per(uint64_t with, uint64_t without, uint64_t rounds)
{
	return ((double)with - (double)without) / rounds;
}

/*
 * What takes less than some milliseconds is done TRIES times, and the least counts: now and
 * then the kernel has work of its own that falls into one of them, and the first of them may
 * touch memory for the first time.
 */
#define TRIES 5

static void keep_least(uint64_t *least, uint64_t time)
{
	if (!*least || time < *least)
		*least = time;
}

static void bench_exits(struct bench *b)
{
	uint64_t empty;

	timed_loop(b, guest_hvc, 64);
	timed_loop(b, guest_mmio, 64);
	empty = timed_loop(b, guest_empty, ROUNDS);
	row(b, "guest_hypercall", per(timed_loop(b, guest_hvc, ROUNDS), empty, ROUNDS),
	    "instructions");
	row(b, "mmio_user_read", per(timed_loop(b, guest_mmio, ROUNDS), empty, ROUNDS),
	    "instructions");
	timed(b, guest_read, 64, GICD_IPA + GICD_IIDR, 0);
	row(b, "mmio_vgic_read",
	    per(timed(b, guest_read, ROUNDS, GICD_IPA + GICD_IIDR, 0), empty, ROUNDS),
	    "instructions");
}

/* From the virtual timer's condition to the guest's end of interrupt. */
static void bench_timer(struct bench *b)
{
	timed_loop(b, guest_timer, 64);
	row(b, "timer_interrupt", (double)timed_loop(b, guest_timer, ROUNDS) / ROUNDS,
	    "instructions");
}

static void nothing(int signal)
{
	(void)signal;
}

/* The second vCPU has nothing to say to user space: it runs until the signal. */
static void *run_other(void *arg)
{
	struct bench *b = arg;

	if (ioctl(b->other, KVM_RUN, 0) == 0 || errno != EINTR)
		check(-1, "KVM_RUN of the second vCPU");
	return NULL;
}

/* Two vCPUs send each other an SGI in turn, and wait for it with WFI. */
static void bench_ipi(struct bench *b)
{
	const uint64_t rounds = 4096;
	pthread_t thread;

	b->two_vcpus = true;
	vm_open(b);
	set_core(b->other, offsetof(struct kvm_regs, regs.pc),
		 CODE_IPA + guest_offset(guest_echo));
	errno = pthread_create(&thread, NULL, run_other, b);
	check(errno ? -1 : 0, "pthread_create");
	timed_loop(b, guest_ipi, 64);
	row(b, "ipi", (double)timed_loop(b, guest_ipi, rounds) / (2 * rounds), "instructions");
	b->other_run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	vm_close(b);
	b->two_vcpus = false;
}

/* Redoubt's gfn->pfn records at EL1 (debugfs); mainline has no such counter. */
static void record_row(struct bench *b, const char *name, uint64_t pages)
{
	unsigned long long bytes;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/record_bytes", getpid(), b->vm);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fscanf(f, "%llu", &bytes) == 1)
		row(b, name, (double)bytes / pages, "bytes/page");
	fclose(f);
}

/* First writes to pages that the host has; then again, which is what the loop itself costs. */
static void bench_faults(struct bench *b, const char *name, uint64_t pages, uint64_t stride)
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
static void bench_unmap(struct bench *b, uint64_t page)
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
static void bench_ageing(struct bench *b, uint64_t page)
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

static void bench_dirty_log(struct bench *b, uint64_t page)
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

static void use_pages(struct bench *b, uint64_t page)
{
	b->data_size = PAGES * page;
	b->data = map_memory(b->data_size, 0);
	check(madvise(b->data, b->data_size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	memset(b->data, 1, b->data_size);
}

static void bench_blocks(struct bench *b)
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

/* One page lent to the host and taken back, by a protected guest that has it. */
static void bench_share(struct bench *b)
{
	uint64_t empty, both;

	timed(b, guest_share, 64, DATA_IPA, 0);
	empty = timed_loop(b, guest_empty, ROUNDS / 16);
	both = timed(b, guest_share, ROUNDS / 16, DATA_IPA, 0);
	row(b, "share_unshare", per(both, empty, ROUNDS / 16), "instructions");
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
