// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a protected VM does for its guest and its VMM, one word a run:
 *
 *	protvm [--ordinary] contents|share|relinquish|registers|blocks|memlock|churn
 *	protvm [--ordinary] attack [NAME]	(without a name: which there are)
 *	protvm [--ordinary] ioctls
 *	protvm [--ordinary] features
 *	protvm kcore				how often the secret is in memory
 *	protvm [--ordinary] hold		a VM with the secret in 64 pages; "ready", and waits
 *	protvm vmcore				in a crash kernel: how often it has been left
 *	protvm hostile				a guest against EL2
 *	protvm lives N				N VMs, one after the other
 *	protvm life				status 3: memory ran out on the way
 *	protvm fill MIB				a VM that has touched that much
 *
 * "ok", or what was wrong and status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protvm.h"

#define PAGES 64UL

void expect(bool right, const char *format, ...)
{
	va_list list;

	if (right)
		return;
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	exit(1);
}

/* kB after @name in /proc/self/status. */
static unsigned long status_kb(const char *name)
{
	char line[256];
	unsigned long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoul(line + strlen(name) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

/* What the VMM wrote before the first run is there for the guest; then it's the guest's alone. */
static void contents(bool is_protected)
{
	uint64_t i, value, pattern = 0x1122334455667788;
	struct vm vm;
	int caught;

	vm_open(&vm, is_protected, PAGES * sysconf(_SC_PAGESIZE), NULL);
	for (i = 0; i < vm.data_size / 8; i++)
		((uint64_t *)vm.data)[i] = pattern;
	expect(!vm_order(&vm, guest_check, DATA_IPA, vm.data_size / 8, pattern, 8),
	       "the guest reads something else than the VMM wrote");
	for (i = 0; i < PAGES; i++) {
		caught = touch(vm.data + i * vm.page, false, &value);
		expect(caught == (is_protected ? SIGBUS : 0), "page %lu: signal %d", i, caught);
	}
	expect(!vm_order(&vm, guest_check, DATA_IPA, vm.data_size / 8, pattern, 8),
	       "the contents changed");
	vm_close(&vm);
}

/* A window that the guest lends, to a page that it has not been given yet. */
static void share(void)
{
	uint64_t value = 0, at = DATA_IPA, args[4] = { MEM_SHARE, SPARE_IPA }, results[4];
	struct vm vm;

	vm_open(&vm, true, PAGES * sysconf(_SC_PAGESIZE), NULL);
	expect(vm_hvc(&vm, HYP_MEMINFO, 0) == (long)vm.page, "HYP_MEMINFO");
	vm.data[0] = 42;
	expect(vm_hvc(&vm, MEM_SHARE, at) == 0, "MEM_SHARE of a page that is not there yet");
	expect(!touch(vm.data, false, &value) && value == 42, "the VMM can't read the window");
	expect(vm_hvc(&vm, MEM_SHARE, at) == SMCCC_INVALID, "MEM_SHARE twice");
	value = 43;
	expect(!touch(vm.data, true, &value), "the VMM can't write the window");
	expect(vm_order(&vm, guest_load, at, 0, 0, 0) == 43, "the guest doesn't see the VMM's write");
	vm_order(&vm, guest_store, at, 44, 0, 0);
	expect(!touch(vm.data, false, &value) && value == 44, "the VMM doesn't see the guest's write");
	expect(vm_hvc(&vm, MEM_RELINQUISH, at) == SMCCC_INVALID, "MEM_RELINQUISH of a lent page");
	expect(vm_hvc(&vm, MEM_UNSHARE, at) == 0, "MEM_UNSHARE");
	expect(touch(vm.data, false, &value) == SIGBUS, "the VMM reads what is lent no more");
	expect(vm_order(&vm, guest_load, at, 0, 0, 0) == 44, "the guest lost its page");
	expect(vm_hvc(&vm, MEM_UNSHARE, at) == SMCCC_INVALID, "MEM_UNSHARE twice");
	expect(vm_hvc(&vm, MEM_SHARE, at + 8) == SMCCC_INVALID, "MEM_SHARE, not aligned");
	expect(vm_hvc(&vm, MEM_SHARE, 1UL << 52) == SMCCC_INVALID, "MEM_SHARE beyond 52 bits");
	expect(vm_hvc(&vm, MEM_SHARE, ~0UL << 12) == SMCCC_INVALID, "MEM_SHARE of the last page");
	expect(vm_order(&vm, guest_hvc, MEM_SHARE, at, 1, 0) == SMCCC_INVALID, "MEM_SHARE, x2");
	/* There is no memory: the VMM hears of it, as of any access there. */
	expect(vm_try(&vm, guest_hvc, args, results) == EFAULT, "MEM_SHARE of no memory");
	vm_close(&vm);
}

/* Pages for good: zeroed, the VMM's again, and off its account. */
static void relinquish(bool block)
{
	unsigned long page = sysconf(_SC_PAGESIZE), before, full, i, pages;
	uint64_t value = 1;
	struct vm vm;

	vm_open(&vm, true, 2 << 20, NULL);
	pages = vm.data_size / page;
	madvise(vm.data, vm.data_size, block ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	before = status_kb("VmLck:");
	vm_order(&vm, guest_fill_secret, DATA_IPA, vm.data_size / 8, 0, 8);
	full = status_kb("VmLck:");
	expect(full - before >= 2048, "%lu KiB of 2048 are accounted", full - before);
	expect(full - before <= 2048 + 64, "%lu KiB are accounted, of 2048", full - before);
	expect(vm_hvc(&vm, MEM_RELINQUISH, DATA_IPA + 3 * page) == 0, "MEM_RELINQUISH");
	expect(!touch(vm.data + 3 * page, false, &value) && !value, "not zero: %#lx", value);
	expect(touch(vm.data + 2 * page, false, &value) == SIGBUS, "the page before it went too");
	expect(touch(vm.data + 4 * page, false, &value) == SIGBUS, "the page after it went too");
	expect(vm_hvc(&vm, MEM_RELINQUISH, DATA_IPA + 3 * page) == 0, "a page that is gone");
	expect(vm_order(&vm, guest_load, DATA_IPA + 3 * page, 0, 0, 0) == 0, "new memory is not zero");
	expect(!vm_order(&vm, guest_check_secret, DATA_IPA, 3 * page / 8, 0, 8), "the pages before");
	expect(!vm_order(&vm, guest_check_secret, DATA_IPA + 4 * page,
			 (vm.data_size - 4 * page) / 8, 0, 8), "the pages after");
	for (i = 0; i < pages; i++)
		expect(vm_hvc(&vm, MEM_RELINQUISH, DATA_IPA + i * page) == 0, "page %lu", i);
	expect(status_kb("VmLck:") - before <= 64, "%lu KiB are accounted still",
	       status_kb("VmLck:") - before);
	for (i = 0; i < vm.data_size; i += 8) {
		expect(!touch(vm.data + i, false, &value), "lost at %#lx", i);
		expect(!value, "not zero at %#lx", i);
	}
	/* Free to be thrown away, and the guest to touch it again. */
	check(madvise(vm.data, vm.data_size, MADV_DONTNEED), "MADV_DONTNEED");
	vm_order(&vm, guest_fill_secret, DATA_IPA, vm.data_size / 8, 0, 8);
	expect(!vm_order(&vm, guest_check_secret, DATA_IPA, vm.data_size / 8, 0, 8), "once more");
	vm_close(&vm);
}

/* The secret is in registers while the VMM has the vCPU: it's nowhere in the host's memory. */
static void registers(bool is_protected)
{
	uint64_t found, i;
	struct vm vm;

	vm_open(&vm, is_protected, PAGES * sysconf(_SC_PAGESIZE), NULL);
	vm_order(&vm, guest_hold_secret, 0, 0, 0, 0);
	for (i = 0; i < vm.run_size / 8; i++)
		expect(!is_secret(((uint64_t *)vm.run)[i]), "in struct kvm_run, at %#lx", i * 8);
	found = find_secret();
	expect(is_protected ? !found : found > 0, "found %lu times", found);
	expect(!vm_order(&vm, guest_held_secret, 0, 0, 0, 0), "the registers changed");
	vm_close(&vm);
}

/* Writes a word to each page of 16 MiB of huge pages; the test counts the exits. */
static void blocks(void)
{
	struct vm vm;

	vm_open(&vm, true, 16 << 20, NULL);
	check(madvise(vm.data, vm.data_size, MADV_HUGEPAGE), "MADV_HUGEPAGE");
	memset(vm.data, 1, vm.data_size);
	vm_order(&vm, guest_fill, DATA_IPA, vm.data_size / vm.page, 1, vm.page);
	vm_close(&vm);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	check(syscall(SYS_capset, &header, data), "capset");
}

/* RLIMIT_MEMLOCK stops the guest with an errno; with more of it, it goes on. */
static void memlock(void)
{
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	uint64_t args[4] = { DATA_IPA, 0, 7, 0 }, results[4];
	struct vm vm;
	int ret;

	vm_open(&vm, true, 4 << 20, NULL);
	check(madvise(vm.data, vm.data_size, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	check(setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
	drop_capabilities();
	args[1] = vm.data_size / vm.page;
	args[3] = vm.page;
	ret = vm_try(&vm, guest_fill, args, results);
	expect(ret == ENOMEM, "beyond the limit: %s", strerror(ret));
	expect(status_kb("VmLck:") <= 1024, "%lu KiB are locked", status_kb("VmLck:"));
	limit.rlim_cur = 64 << 20;
	check(setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
	ret = vm_try(&vm, NULL, NULL, results);
	expect(!ret && !results[0], "with more: %s", strerror(ret));
	expect(!vm_order(&vm, guest_check, DATA_IPA, args[1], 7, vm.page), "contents");
	vm_close(&vm);
	expect(!status_kb("VmLck:"), "%lu KiB stay locked", status_kb("VmLck:"));
}

/* Everything a VM's life has, again and again, until somebody ends it. */
static void churn(void)
{
	unsigned long page = sysconf(_SC_PAGESIZE), round;
	struct vm vm;

	puts("ready");
	fflush(stdout);
	for (round = 0;; round++) {
		vm_open(&vm, true, 4 << 20, NULL);
		madvise(vm.data, vm.data_size, round & 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		vm_order(&vm, guest_fill_secret, DATA_IPA, vm.data_size / page, 0, page);
		vm_order(&vm, guest_hold_secret, 0, 0, 0, 0);
		/* What it lends the host may read, and keep. */
		vm_order(&vm, guest_store, DATA_IPA + 5 * page, 0, 0, 0);
		vm_hvc(&vm, MEM_SHARE, DATA_IPA + 5 * page);
		vm_hvc(&vm, MEM_RELINQUISH, DATA_IPA + 7 * page);
		vm_close(&vm);
	}
}

/* One short life, in which any step may fail for want of memory: status 0 or 3. */
static int life(void)
{
	uint64_t args[4] = { DATA_IPA, 0, 0, 0 }, results[4];
	struct vm vm;
	int ret;

	vm_open(&vm, true, 4 << 20, NULL);
	args[1] = vm.data_size / vm.page;
	args[3] = vm.page;
	ret = vm_try(&vm, guest_fill_secret, args, results);
	/* What failed once goes on from there. */
	if (ret == ENOMEM)
		ret = vm_try(&vm, NULL, NULL, results);
	if (ret && ret != ENOMEM)
		expect(false, "%s", strerror(ret));
	vm_close(&vm);
	return ret ? 3 : 0;
}

/* Says "ready", and is there with its VM until somebody ends it, or the machine. */
static void hold(bool is_protected)
{
	struct vm vm;

	vm_open(&vm, is_protected, PAGES * sysconf(_SC_PAGESIZE), NULL);
	vm_order(&vm, guest_fill_secret, DATA_IPA, vm.data_size / 8, 0, 8);
	puts("ready");
	for (;;)
		pause();
}

/* Short ones: what matters is that another VMM's begin as these end. */
static void lives(unsigned long n)
{
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	while (n--)
		close(check(ioctl(kvm, KVM_CREATE_VM, VM_PROTECTED), "KVM_CREATE_VM"));
	close(kvm);
}

static void fill(size_t mib)
{
	struct vm vm;

	vm_open(&vm, true, mib << 20, NULL);
	check(madvise(vm.data, vm.data_size, MADV_HUGEPAGE), "MADV_HUGEPAGE");
	vm_order(&vm, guest_fill_secret, DATA_IPA, vm.data_size / vm.page, 0, vm.page);
	vm_close(&vm);
}

static void run_attacks(const char *name, bool is_protected)
{
	const char *outcome;

	if (!name) {
		attack_names();
		exit(0);
	}
	outcome = attack(name, is_protected);
	expect(outcome, "no attack of this name");
	puts(outcome);
	exit(0);
}

int main(int argc, char **argv)
{
	bool is_protected = !(argc > 1 && !strcmp(argv[1], "--ordinary"));
	const char *what = argc > 1 ? argv[is_protected ? 1 : 2] : NULL, *arg;

	if (!what)
		return 2;
	arg = argv[is_protected ? 2 : 3];
	setbuf(stdout, NULL);
	if (!strcmp(what, "contents"))
		contents(is_protected);
	else if (!strcmp(what, "share"))
		share();
	else if (!strcmp(what, "relinquish"))
		relinquish(arg && !strcmp(arg, "block"));
	else if (!strcmp(what, "registers"))
		registers(is_protected);
	else if (!strcmp(what, "features"))
		guest_features(is_protected);
	else if (!strcmp(what, "blocks"))
		blocks();
	else if (!strcmp(what, "memlock"))
		memlock();
	else if (!strcmp(what, "churn"))
		churn();
	else if (!strcmp(what, "hostile"))
		hostile_guest();
	else if (!strcmp(what, "life"))
		return life();
	else if (!strcmp(what, "lives") && arg)
		lives(strtoul(arg, NULL, 0));
	else if (!strcmp(what, "fill") && arg)
		fill(strtoul(arg, NULL, 0));
	else if (!strcmp(what, "hold"))
		hold(is_protected);
	else if (!strcmp(what, "vmcore"))
		scan_crash();
	else if (!strcmp(what, "attack"))
		run_attacks(arg, is_protected);
	else if (!strcmp(what, "ioctls"))
		try_ioctls(is_protected);
	else if (!strcmp(what, "kcore"))
		printf("%lu\n", (unsigned long)find_secret());
	else
		return 2;
	if (strcmp(what, "ioctls") && strcmp(what, "kcore") && strcmp(what, "vmcore"))
		puts("ok");
	return 0;
}
