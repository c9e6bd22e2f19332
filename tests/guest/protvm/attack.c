// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks of the VMM, and of processes that may trace it, on a guest whose memory and
 * registers hold the secret. Each has one word for what came of it: "secret" or "changed"
 * where it succeeds, as it must on an ordinary VM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protvm.h"

#define SIZE   (2UL << 20)
#define FOREIGN 0x666f726569676e21UL

static struct vm victim;

static const char *failed(void)
{
	return strerrorname_np(errno);
}

static const char *signal_name(int number)
{
	return number == SIGBUS ? "SIGBUS" : number == SIGSEGV ? "SIGSEGV" : "another signal";
}

static const char *read_as(uint64_t word)
{
	return is_secret(word) ? "secret" : word ? "something" : "zeroes";
}

/* Whether the guest finds its memory as it left it. */
static const char *guest_says(void)
{
	uint64_t args[4] = { DATA_IPA, SIZE / 8, 0, 8 }, results[4];
	int ret = vm_try(&victim, guest_check_secret, args, results);

	return ret ? strerrorname_np(ret) : results[0] ? "changed" : "unchanged";
}

/* ---- By the VMM's own mapping ---- */

static const char *user_read(void)
{
	uint64_t word = 0;
	int caught = touch(victim.data, false, &word);

	return caught ? signal_name(caught) : read_as(word);
}

static const char *user_write(void)
{
	uint64_t word = FOREIGN;
	int caught = touch(victim.data, true, &word);

	return caught ? signal_name(caught) : guest_says();
}

static const char *system_call_read(void)
{
	int ends[2];
	uint64_t word = 0;

	check(pipe(ends), "pipe");
	if (write(ends[1], victim.data, sizeof(word)) < 0)
		return failed();
	check(read(ends[0], &word, sizeof(word)), "read");
	return read_as(word);
}

static const char *system_call_write(void)
{
	uint64_t word = FOREIGN;
	int ends[2];

	check(pipe(ends), "pipe");
	check(write(ends[1], &word, sizeof(word)), "write");
	return read(ends[0], victim.data, sizeof(word)) < 0 ? failed() : guest_says();
}

/* ---- By another process ---- */

/* Runs @fn in a child that was there before there was a VM, and may trace this process. */
static int go[2], answer[2];

static void helper(const char *(*fn)(pid_t vmm, void *at))
{
	pid_t vmm = getpid();
	char outcome[32] = "";
	void *at;

	check(pipe(go) | pipe(answer), "pipe");
	if (check(fork(), "fork"))
		return;
	check(read(go[0], &at, sizeof(at)), "read");
	strncpy(outcome, fn(vmm, at), sizeof(outcome) - 1);
	check(write(answer[1], outcome, sizeof(outcome)), "write");
	_exit(0);
}

static const char *helper_says(void)
{
	static char outcome[32];
	void *at = victim.data;
	int status;

	check(write(go[1], &at, sizeof(at)), "write");
	close(answer[1]);
	if (read(answer[0], outcome, sizeof(outcome)) <= 0)
		strcpy(outcome, "killed");
	wait(&status);
	return strcmp(outcome, "written") ? outcome : guest_says();
}

static const char *do_vm_readv(pid_t vmm, void *at)
{
	uint64_t word = 0;
	struct iovec to = { &word, 8 }, from = { at, 8 };

	return process_vm_readv(vmm, &to, 1, &from, 1, 0) < 0 ? failed() : read_as(word);
}

static const char *do_vm_writev(pid_t vmm, void *at)
{
	uint64_t word = FOREIGN;
	struct iovec from = { &word, 8 }, to = { at, 8 };

	return process_vm_writev(vmm, &from, 1, &to, 1, 0) < 0 ? failed() : "written";
}

static const char *trace(pid_t vmm)
{
	if (ptrace(PTRACE_SEIZE, vmm, 0, 0) || ptrace(PTRACE_INTERRUPT, vmm, 0, 0))
		return failed();
	waitpid(vmm, NULL, __WALL);
	return NULL;
}

static const char *do_peek(pid_t vmm, void *at)
{
	const char *bad = trace(vmm);
	long word;

	if (bad)
		return bad;
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, vmm, at, 0);
	return errno ? failed() : read_as((uint64_t)word);
}

static const char *do_poke(pid_t vmm, void *at)
{
	const char *bad = trace(vmm);

	if (bad)
		return bad;
	return ptrace(PTRACE_POKEDATA, vmm, at, FOREIGN) ? failed() : "written";
}

static const char *do_mem(pid_t vmm, void *at, bool write)
{
	uint64_t word = FOREIGN;
	char path[64];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", vmm);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return failed();
	ret = write ? pwrite(fd, &word, 8, (off_t)at) : pread(fd, &word, 8, (off_t)at);
	if (ret < 0)
		return failed();
	return ret != 8 ? "nothing" : write ? "written" : read_as(word);
}

static const char *do_mem_read(pid_t vmm, void *at)
{
	return do_mem(vmm, at, false);
}

static const char *do_mem_write(pid_t vmm, void *at)
{
	return do_mem(vmm, at, true);
}

/* ---- By what the kernel does with a process's memory ---- */

static const char *child_reads(void)
{
	int status;
	uint64_t word;
	pid_t pid = check(fork(), "fork");

	if (!pid) {
		status = touch(victim.data, false, &word);
		_exit(status ? status : is_secret(word) ? 100 : 101);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status))
		return "killed";
	status = WEXITSTATUS(status);
	return status == 100 ? "secret" : status == 101 ? "something" : signal_name(status);
}

static const char *dofork(void)
{
	return madvise(victim.data, SIZE, MADV_DOFORK) ? failed() : child_reads();
}

static const char *dodump(void)
{
	return madvise(victim.data, SIZE, MADV_DODUMP) ? failed() : "secret";
}

static uint64_t file_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(path);
	close(fd);
	return strtoull(text, NULL, 10);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* KSM compares pages, and merges those that are alike, which all of the guest's are. */
static const char *ksm(void)
{
	uint64_t until;
	void *own = anonymous(2 * victim.page, 0);

	/* Without anything to scan it would not begin. */
	memset(own, 1, victim.page);
	memset((char *)own + victim.page, 2, victim.page);
	check(madvise(own, 2 * victim.page, MADV_MERGEABLE), "MADV_MERGEABLE");
	if (madvise(victim.data, SIZE, MADV_MERGEABLE))
		return failed();
	file_write("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	file_write("/sys/kernel/mm/ksm/sleep_millisecs", "10");
	file_write("/sys/kernel/mm/ksm/run", "1");
	until = file_number("/sys/kernel/mm/ksm/full_scans") + 3;
	while (file_number("/sys/kernel/mm/ksm/full_scans") < until)
		usleep(1000);
	until = file_number("/sys/kernel/mm/ksm/pages_sharing");
	file_write("/sys/kernel/mm/ksm/run", "2");
	return until ? "merged" : "not merged";
}

/* PAGEMAP of a page of the VMM's. */
static uint64_t pagemap(uint64_t page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, 8, ((uintptr_t)victim.data / victim.page + page) * 8) != 8)
		die("/proc/self/pagemap");
	close(fd);
	return entry;
}

/* Needs swap; which the test has put on /dev/ram0. */
static const char *swapped(void)
{
	uint64_t i, out = 0;

	if (madvise(victim.data, SIZE, MADV_PAGEOUT))
		return failed();
	for (i = 0; i < SIZE / victim.page; i++)
		out += pagemap(i) >> 62 & 1;
	return out ? "on the disk" : "not on the disk";
}

/* To another node of the test's machine. */
static const char *migrated(void)
{
	void *page = victim.data;
	int node, to, status = -ENOENT;

	if (syscall(SYS_move_pages, 0, 1, &page, NULL, &node, 0) || node < 0)
		return node < 0 ? strerrorname_np(-node) : failed();
	to = !node;
	if (syscall(SYS_move_pages, 0, 1, &page, &to, &status, 2 /* MPOL_MF_MOVE */))
		return failed();
	return status < 0 ? strerrorname_np(-status) : status == to ? "moved" : "stayed";
}

/* Other contents where the guest's page was. */
static const char *dontneed(void)
{
	if (madvise(victim.data, victim.page, MADV_DONTNEED))
		return failed();
	*(volatile uint64_t *)victim.data = FOREIGN;
	return guest_says();
}

static const char *map_over(void)
{
	if (mmap(victim.data, SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return failed();
	memset(victim.data, 0x77, SIZE);
	return guest_says();
}

static const char *uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)victim.data, SIZE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = { .dst = (uintptr_t)victim.data, .len = victim.page };
	int fd = check(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	void *own = anonymous(victim.page, 0);

	memset(own, 0x66, victim.page);
	copy.src = (uintptr_t)own;
	check(ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	if (ioctl(fd, UFFDIO_REGISTER, &range))
		return failed();
	if (madvise(victim.data, victim.page, MADV_DONTNEED) || ioctl(fd, UFFDIO_COPY, &copy))
		return failed();
	return guest_says();
}

/* ---- By KVM ---- */

static const char *other_vm(bool is_protected)
{
	uint64_t args[4] = { DATA_IPA }, results[4];
	struct vm other;
	int ret;

	vm_open(&other, is_protected, SIZE, victim.data);
	ret = vm_try(&other, guest_load, args, results);
	return ret ? strerrorname_np(ret) : read_as(results[0]);
}

static const char *second_vm(void)
{
	return other_vm(false);
}

static const char *second_protected_vm(void)
{
	return other_vm(true);
}

static const char *twice(void)
{
	uint64_t args[4] = { SPARE_IPA }, results[4];
	int ret;

	if (vm_slot(&victim, 2, SPARE_IPA, victim.data, SIZE, 0))
		return failed();
	ret = vm_try(&victim, guest_load, args, results);
	return ret ? strerrorname_np(ret) : read_as(results[0]);
}

static const char *remap(void)
{
	void *mine = anonymous(SIZE, 0);

	memset(mine, 0x55, SIZE);
	if (vm_slot(&victim, 1, DATA_IPA, victim.data, 0, 0) ||
	    vm_slot(&victim, 1, DATA_IPA, mine, SIZE, 0))
		return failed();
	return guest_says();
}

/* What an ordinary VM has left in free memory does not count. */
static uint64_t secrets_before;

static const char *kcore(void)
{
	return find_secret() > secrets_before ? "secret" : "not found";
}

static const char *registers_read(void)
{
	uint64_t value = 0;
	int ret = core_reg(&victim, false, offsetof(struct kvm_regs, regs.regs[15]), &value);

	return ret ? strerrorname_np(ret) : read_as(value);
}

static const char *registers_write(void)
{
	uint64_t value = FOREIGN;
	int ret = core_reg(&victim, true, offsetof(struct kvm_regs, regs.regs[15]), &value);

	if (ret)
		return strerrorname_np(ret);
	return vm_order(&victim, guest_held_secret, 0, 0, 0, 0) ? "changed" : "unchanged";
}

/* The VM has ended, and its memory is the VMM's again. */
static const char *after_the_end(void)
{
	uint64_t word = 0;
	int caught;

	close(victim.vcpu);
	munmap(victim.run, victim.run_size);
	close(victim.fd);
	caught = touch(victim.data, false, &word);
	return caught ? signal_name(caught) : read_as(word);
}

static const struct {
	const char *name;
	const char *(*fn)(void);
	const char *(*other)(pid_t vmm, void *at); /* by a process that helps */
} attacks[] = {
	{ "user-read", user_read, NULL },
	{ "user-write", user_write, NULL },
	{ "system-call-read", system_call_read, NULL },
	{ "system-call-write", system_call_write, NULL },
	{ "process_vm_readv", NULL, do_vm_readv },
	{ "process_vm_writev", NULL, do_vm_writev },
	{ "ptrace-peek", NULL, do_peek },
	{ "ptrace-poke", NULL, do_poke },
	{ "proc-mem-read", NULL, do_mem_read },
	{ "proc-mem-write", NULL, do_mem_write },
	{ "fork", child_reads, NULL },
	{ "dofork", dofork, NULL },
	{ "core-dump", dodump, NULL },
	{ "ksm", ksm, NULL },
	{ "swap", swapped, NULL },
	{ "migration", migrated, NULL },
	{ "dontneed", dontneed, NULL },
	{ "map-over", map_over, NULL },
	{ "userfaultfd", uffd, NULL },
	{ "second-vm", second_vm, NULL },
	{ "second-protected-vm", second_protected_vm, NULL },
	{ "twice-in-one-vm", twice, NULL },
	{ "remap", remap, NULL },
	{ "kcore", kcore, NULL },
	{ "registers-read", registers_read, NULL },
	{ "registers-write", registers_write, NULL },
	{ "after-the-end", after_the_end, NULL },
};

const char *attack(const char *name, bool is_protected)
{
	size_t i;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(name, attacks[i].name))
			continue;
		if (attacks[i].other)
			helper(attacks[i].other);
		if (attacks[i].fn == kcore)
			secrets_before = find_secret();
		vm_open(&victim, is_protected, SIZE, NULL);
		check(madvise(victim.data, SIZE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
		vm_order(&victim, guest_fill_secret, DATA_IPA, SIZE / 8, 0, 8);
		vm_order(&victim, guest_hold_secret, 0, 0, 0, 0);
		return attacks[i].other ? helper_says() : attacks[i].fn();
	}
	return NULL;
}

void attack_names(void)
{
	size_t i;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		puts(attacks[i].name);
}
