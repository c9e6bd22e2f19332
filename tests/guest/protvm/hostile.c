// SPDX-License-Identifier: GPL-2.0-only
/* A protected guest against EL2: every number of hypercall, wild arguments, greed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "protvm.h"

#define PSCI_CPU_ON	   0xc4000003UL
#define PSCI_AFFINITY_INFO 0xc4000004UL
#define PSCI_INVALID	   (-2L)
#define PSCI_ALREADY_ON	   (-4L)
#define MMIO_RANGES	   128

/* Of the numbers [@first, @last], which would end or stop the vCPU, so they are left out. */
static bool ends(uint64_t fn)
{
	switch (fn) {
	case 0xc4000001: /* CPU_SUSPEND: waits for an interrupt, and there is none */
	case 0x84000002: /* CPU_OFF */
	case 0x84000008: /* SYSTEM_OFF */
	case 0x84000009: /* SYSTEM_RESET */
		return true;
	}
	return false;
}

/* How many of @count numbers from @first on have another answer than NOT_SUPPORTED. */
static long answered(struct vm *vm, uint64_t first, uint64_t count, uint64_t argument)
{
	uint64_t from = first, fn;
	long n = 0;

	for (fn = first; fn <= first + count; fn++) {
		if (fn != first + count && !ends(fn))
			continue;
		if (fn > from)
			n += vm_order(vm, guest_hvcs, from, fn - from, argument, 0);
		from = fn + 1;
	}
	return n;
}

static void numbers(struct vm *vm)
{
	/* SMCCC_VERSION, ARCH_FEATURES' answer is NOT_SUPPORTED to wild arguments. */
	expect(answered(vm, 0x80000000, 0x10000, ~0UL) == 1, "SMCCC's own numbers");
	/* VERSION, MIGRATE_INFO_TYPE; FEATURES as above. */
	expect(answered(vm, 0x84000000, 0x10000, ~0UL) == 2, "PSCI's 32-bit numbers");
	/* CPU_ON, AFFINITY_INFO. */
	expect(answered(vm, 0xc4000000, 0x10000, ~0UL) == 2, "PSCI's 64-bit numbers");
	/* UID, FEATURES. */
	expect(answered(vm, 0x86000000, 0x10000, ~0UL) == 2, "the vendor's 32-bit numbers");
	/* MEMINFO, SHARE, UNSHARE, MMIO_GUARD, RELINQUISH, DECLARE; the host's calls are no guest's. */
	expect(answered(vm, 0xc6000000, 0x10000, ~0UL) == 6, "the vendor's 64-bit numbers");
	expect(answered(vm, 0, 0x10000, ~0UL) == 0, "numbers from 0 on");
	expect(answered(vm, 0x12340000, 0x1000, 0) == 0, "numbers of nobody");
}

static void psci(struct vm *vm)
{
	uint64_t wild;

	expect(vm_hvc(vm, PSCI_CPU_ON, 0) == PSCI_ALREADY_ON, "CPU_ON of itself");
	for (wild = 1; wild; wild <<= 1)
		expect(vm_hvc(vm, PSCI_CPU_ON, wild) == PSCI_INVALID, "CPU_ON of %#lx", wild);
	expect(vm_hvc(vm, PSCI_CPU_ON, ~0UL) == PSCI_INVALID, "CPU_ON of all");
	expect(vm_hvc(vm, PSCI_AFFINITY_INFO, 1) == PSCI_INVALID, "AFFINITY_INFO of none");
	expect(vm_order(vm, guest_hvc, PSCI_AFFINITY_INFO, 0, 9, 0) == PSCI_INVALID,
	       "AFFINITY_INFO of level 9");
	expect(vm_order(vm, guest_smc, 0x84000000, 0, 0, 0) == -1000, "an SMC");
}

/* All that it can lend, and again; table pages of EL2 must not be lost on the way. */
static void greed(struct vm *vm)
{
	uint64_t i, round, at, pages = vm->data_size / vm->page;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < pages; i++) {
			at = DATA_IPA + i * vm->page;
			expect(vm_hvc(vm, MEM_SHARE, at) == 0, "MEM_SHARE of page %lu", i);
		}
		for (i = 0; i < pages; i++) {
			at = DATA_IPA + i * vm->page;
			expect(vm_hvc(vm, MEM_UNSHARE, at) == 0, "MEM_UNSHARE of page %lu", i);
			if (i & 1)
				expect(vm_hvc(vm, MEM_RELINQUISH, at) == 0, "page %lu", i);
		}
	}
	/* The last: from here on only what is listed is MMIO, and the orders are. */
	expect(vm_hvc(vm, MMIO_GUARD, ORDER_IPA) == 0, "MMIO_GUARD of the order page");
	/* Neighbours make one range. */
	for (i = 1; i < MMIO_RANGES; i++)
		expect(vm_hvc(vm, MMIO_GUARD, ORDER_IPA + 2 * i * vm->page) == 0, "range %lu", i);
	expect(vm_hvc(vm, MMIO_GUARD, ORDER_IPA + 2 * i * vm->page) == SMCCC_INVALID,
	       "one too many");
	expect(vm_hvc(vm, MMIO_GUARD, ORDER_IPA) == 0, "MMIO_GUARD of the same again");
	expect(vm_hvc(vm, MMIO_GUARD, 1UL << 50) == SMCCC_INVALID, "MMIO_GUARD beyond its addresses");
}

/* What it doesn't own. The VMM hears of it as an error, and the VM can be run no further. */
static void not_its_own(uint64_t address)
{
	uint64_t args[4] = { address, 1 }, results[4];
	struct vm vm;
	int ret;

	vm_open(&vm, true, 64 * sysconf(_SC_PAGESIZE), NULL);
	ret = vm_try(&vm, guest_store, args, results);
	/* An address size fault is the guest's own to see. */
	expect(ret == EFAULT || (!ret && (long)results[0] == -1000), "a store to %#lx: %d, %ld",
	       address, ret, (long)results[0]);
	vm_close(&vm);
}

static void guard_keeps_memory(void)
{
	uint64_t args[4] = { 0x20000000 }, results[4];
	struct vm vm;

	/* Without memory there, and the page not listed: no MMIO exit, and no data shown. */
	vm_open(&vm, true, 64 * sysconf(_SC_PAGESIZE), NULL);
	vm_hvc(&vm, MMIO_GUARD, ORDER_IPA);
	expect(vm_try(&vm, guest_load, args, results) == EFAULT, "MMIO that is not listed");
	vm_close(&vm);
}

void hostile_guest(void)
{
	struct vm vm;

	vm_open(&vm, true, 64 * sysconf(_SC_PAGESIZE), NULL);
	numbers(&vm);
	psci(&vm);
	greed(&vm);
	vm_close(&vm);
	not_its_own(1UL << 41);
	not_its_own(~0xfffUL);
	guard_keeps_memory();
}
