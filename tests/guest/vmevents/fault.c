// SPDX-License-Identifier: GPL-2.0-only
/* Events that are noticed as faults: copy on write after fork, userfaultfd, mprotect, poison. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm.h"

#define SIZE (4 << 20)

#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

static uint64_t *word(const struct vm *vm, size_t page)
{
	return (uint64_t *)((char *)vm->data + page * vm->page);
}

/* ---- fork ---- */

static uint64_t snapshot[PAGES_MAX], before[PAGES_MAX], after[PAGES_MAX];

/*
 * The child's memory is as it was when it was born, whatever the guest writes meanwhile. It
 * stays until the parent has seen which pages were copied: alone, the guest writes in place.
 */
static int watch_copy(const struct vm *vm, const int *end)
{
	bool last;
	size_t i;

	for (i = 0; i < vm->pages; i++)
		snapshot[i] = __atomic_load_n(word(vm, i), __ATOMIC_RELAXED);
	do {
		last = __atomic_load_n(end, __ATOMIC_ACQUIRE);
		for (i = 0; i < vm->pages; i++)
			if (__atomic_load_n(word(vm, i), __ATOMIC_RELAXED) != snapshot[i])
				return 1;
		sched_yield();
	} while (!last);
	return 0;
}

void event_fork(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	int *end = mmap(NULL, sizeof(*end), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t copied = 0, i;
	struct vm vm;
	int round;

	if (end == MAP_FAILED)
		die("mmap");
	vm_start(&vm, &config);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (round = 0; round < 12; round++) {
		int status;
		pid_t pid;

		page_frames(vm.data, vm.pages, before);
		*end = 0;
		pid = check(fork(), "fork");
		if (!pid)
			_exit(watch_copy(&vm, end));
		vm_sweeps(&vm, 1);
		page_frames(vm.data, vm.pages, after);
		for (i = 0; i < vm.pages; i++)
			copied += before[i] && after[i] && before[i] != after[i];
		__atomic_store_n(end, 1, __ATOMIC_RELEASE);
		check(waitpid(pid, &status, 0), "waitpid");
		errno = 0;
		if (status)
			die("the child's memory changed with the guest's writes");
	}
	if (copied < vm.pages)
		die("%zu pages were copied on write", copied);
	printf("fork: %d times, %zu pages copied on write\n", round, copied);
	vm_end(&vm);
}

/* ---- userfaultfd ---- */

static int uffd;
static uint64_t wp_faults;

static void protect(uint64_t at, size_t size, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = at, .len = size },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	while (ioctl(uffd, UFFDIO_WRITEPROTECT, &wp))
		if (errno != EAGAIN)
			die("UFFDIO_WRITEPROTECT");
}

/* From the fault's report until we let it go on, nobody may write the page. */
static void *serve_faults(void *arg)
{
	struct vm *vm = arg;
	struct uffd_msg msg;
	uint64_t *at, value;
	int i;

	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (msg.event != UFFD_EVENT_PAGEFAULT ||
		    !(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP))
			die("an unexpected userfault");
		at = (uint64_t *)(msg.arg.pagefault.address & ~(vm->page - 1));
		value = __atomic_load_n(at, __ATOMIC_RELAXED);
		for (i = 0; i < 1000; i++)
			if (__atomic_load_n(at, __ATOMIC_RELAXED) != value)
				die("a write to a page that is write-protected");
		__atomic_add_fetch(&wp_faults, 1, __ATOMIC_RELAXED);
		protect((uintptr_t)at, vm->page, false);
	}
	return NULL;
}

void event_uffd_wp(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE / 2, 0), .size = SIZE / 2 };
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)config.data, .len = config.size },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	pthread_t server;
	struct vm vm;
	int round;

	check(madvise(config.data, config.size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	uffd = check(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	check(ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API");
	check(ioctl(uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
	vm_start(&vm, &config);
	if (pthread_create(&server, NULL, serve_faults, &vm))
		die("pthread_create");
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (round = 0; round < 8; round++) {
		protect((uintptr_t)vm.data, vm.size, true);
		vm_sweeps(&vm, 1);
	}
	errno = 0;
	if (wp_faults < vm.pages)
		die("%llu faults", (unsigned long long)wp_faults);
	printf("uffd-wp: %d times, %llu faults\n", round, (unsigned long long)wp_faults);
	vm_end(&vm);
}

/* ---- mprotect ---- */

/* What the VMM itself may not write, its guest may not: KVM_RUN says EFAULT. */
void event_protect(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	double start = seconds();
	struct vm vm;
	int round;

	vm_start(&vm, &config);
	vm.may_fault = true;
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (round = 0; round < 10; round++) {
		uint64_t refused = vm_refused(&vm);
		size_t i;

		check(mprotect(vm.data, vm.size, PROT_READ), "mprotect");
		for (i = 0; i < vm.pages; i++)
			snapshot[i] = __atomic_load_n(word(&vm, i), __ATOMIC_RELAXED);
		while (__atomic_load_n(&vm.cpu[0].refused, __ATOMIC_RELAXED) < 3 ||
		       vm_refused(&vm) < refused + 10) {
			usleep(500);
			patience(start, "KVM_RUN to refuse a write");
		}
		errno = 0;
		for (i = 0; i < vm.pages; i++)
			if (__atomic_load_n(word(&vm, i), __ATOMIC_RELAXED) != snapshot[i])
				die("page %zu was written though it is read-only", i);
		check(mprotect(vm.data, vm.size, PROT_READ | PROT_WRITE), "mprotect");
		vm_sweeps(&vm, 1);
	}
	printf("protect: %d times, %llu refusals\n", round, (unsigned long long)vm_refused(&vm));
	vm_end(&vm);
}

/* ---- Broken memory ---- */

/* What the signal handler works with, and what it saw. */
static struct {
	size_t size; /* of the piece to replace */
	int flags;   /* of the mapping that replaces it */
	pthread_t injector;
	volatile int injected, guest, other;
	void *volatile addr;
	volatile int lsb;
} poison;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	char *at = (char *)((uintptr_t)info->si_addr & ~(poison.size - 1));

	(void)number;
	(void)context;
	if (pthread_equal(pthread_self(), poison.injector)) {
		poison.injected++;
		return;
	}
	if (info->si_code != BUS_MCEERR_AR) {
		poison.other++;
		return;
	}
	poison.addr = info->si_addr;
	poison.lsb = info->si_addr_lsb;
	if (mmap(at, poison.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | poison.flags, -1, 0) == MAP_FAILED)
		die("mmap over a broken page");
	poison.guest++;
}

/* A page goes bad; the guest's next access is a SIGBUS for the VMM, which gives it a new one. */
static void break_page(struct vm *vm, size_t page)
{
	size_t pages = poison.size / vm->page, first = page & ~(pages - 1);
	int hits = poison.guest;
	double start = seconds();

	vm_order(vm, ORDER_REST);
	vm_begin(vm, first, pages);
	check(madvise(word(vm, page), vm->page, MADV_HWPOISON), "MADV_HWPOISON");
	errno = 0;
	if (poison.guest != hits)
		die("SIGBUS before the guest has touched the page");
	vm_order(vm, ORDER_WRITE);
	while (poison.guest == hits) {
		usleep(500);
		patience(start, "SIGBUS");
	}
	vm_order(vm, ORDER_REST);
	vm_done(vm, first, pages);
	errno = 0;
	if (((uintptr_t)poison.addr & ~(poison.size - 1)) != (uintptr_t)word(vm, first) ||
	    1UL << poison.lsb != poison.size)
		die("SIGBUS for %p, %d bits; page %zu is broken", poison.addr, poison.lsb, page);
	vm_order(vm, ORDER_WRITE);
	vm_sweeps(vm, 1);
}

static void catch_sigbus(size_t size, int flags)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	poison.size = size;
	poison.flags = flags;
	poison.injector = pthread_self();
	check(sigaction(SIGBUS, &action, NULL), "sigaction");
}

void event_hwpoison(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE };
	struct vm vm;
	int i;

	check(madvise(config.data, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	vm_start(&vm, &config);
	catch_sigbus(vm.page, 0);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	for (i = 0; i < 16; i++)
		break_page(&vm, rnd(vm.pages));
	printf("hwpoison: %d pages broken, SIGBUS with BUS_MCEERR_AR for each, %d for the injector\n",
	       poison.guest, poison.injected);
	vm_end(&vm);
}

void event_hwpoison_huge(void)
{
	size_t huge = huge_page_size();
	struct vm_config config = { .data = map_anonymous(huge, MAP_HUGETLB), .size = huge };
	struct vm vm;

	vm_start(&vm, &config);
	catch_sigbus(huge, MAP_HUGETLB);
	vm_order(&vm, ORDER_WRITE);
	vm_sweeps(&vm, 1);
	break_page(&vm, rnd(vm.pages));
	printf("hwpoison-huge: a page of %zu KiB broken, SIGBUS for all of it\n", huge >> 10);
	vm_end(&vm);
}
