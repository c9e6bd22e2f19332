// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls and SMCs with arguments that no honest host would use. After each the
 * number of pages that EL2 owns is as before.
 */
#include <linux/arm-smccc.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/psci.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/psci.h>

#include "attack.h"

#define NOT_SUPPORTED (-1L)

struct call {
	const char *name;
	u64 fn;
	u64 arg[5];
	long expected;
};

static int count_pages(u64 start, u64 pages, void *arg)
{
	*(u64 *)arg += pages;
	return 0;
}

static u64 hyp_pages(void)
{
	u64 pages = 0;

	for_each_hyp_range(count_pages, &pages);
	return pages;
}

static void try_calls(struct seq_file *m, const struct call *call, int n)
{
	int i;

	for (i = 0; i < n; i++, call++)
		report(m, call->name, call->expected,
		       rd_hvc5(call->fn, call->arg[0], call->arg[1], call->arg[2], call->arg[3],
			       call->arg[4]));
}

static void wild_pages(struct seq_file *m, u64 own, u64 hyp, u64 text)
{
	const u64 top = 1ULL << (52 - PAGE_SHIFT);
	const struct call calls[] = {
		{ "share: no pages", RD_HVC_HOST_SHARE_HYP, { own, 0 }, -EINVAL },
		{ "share: 513 pages", RD_HVC_HOST_SHARE_HYP, { own, 513 }, -E2BIG },
		{ "share: all pages there could be", RD_HVC_HOST_SHARE_HYP, { 0, ~0ULL }, -E2BIG },
		{ "share: wraps", RD_HVC_HOST_SHARE_HYP, { ~0ULL, 2 }, -EINVAL },
		{ "share: beyond 52 bits", RD_HVC_HOST_SHARE_HYP, { top, 1 }, -EINVAL },
		{ "share: MMIO", RD_HVC_HOST_SHARE_HYP, { 0x9000000 >> PAGE_SHIFT, 1 }, -ERANGE },
		{ "share: no such address", RD_HVC_HOST_SHARE_HYP, { top - 1, 1 }, -ERANGE },
		{ "share: straddles the start of RAM", RD_HVC_HOST_SHARE_HYP,
		  { (0x40000000 >> PAGE_SHIFT) - 1, 2 }, -ERANGE },
		{ "share: hyp memory", RD_HVC_HOST_SHARE_HYP, { hyp, 1 }, -EPERM },
		{ "share: a page before hyp memory and one of it", RD_HVC_HOST_SHARE_HYP,
		  { hyp - 1, 2 }, -EPERM },
		{ "share: a kernel address for a frame", RD_HVC_HOST_SHARE_HYP, { text, 1 }, -EINVAL },
		{ "unshare: what was never shared", RD_HVC_HOST_UNSHARE_HYP, { own, 1 }, -EPERM },
		{ "unshare: hyp memory", RD_HVC_HOST_UNSHARE_HYP, { hyp, 1 }, -EPERM },
		{ "unshare: wraps", RD_HVC_HOST_UNSHARE_HYP, { ~0ULL - 1, 3 }, -EINVAL },
	};

	try_calls(m, calls, ARRAY_SIZE(calls));
}

static void wild_vms(struct seq_file *m, u64 own, u64 hyp, u64 text)
{
	const struct call calls[] = {
		{ "VM: unknown flags", RD_HVC_VM_CREATE, { own, own, 40, ~0ULL, 1 }, -EINVAL },
		{ "VM: no vCPUs", RD_HVC_VM_CREATE, { own, own, 40, 0, 0 }, -EINVAL },
		{ "VM: too many vCPUs", RD_HVC_VM_CREATE, { own, own, 40, 0, 513 }, -EINVAL },
		{ "VM: 31 IPA bits", RD_HVC_VM_CREATE, { own, own, 31, 0, 1 }, -EINVAL },
		{ "VM: 53 IPA bits", RD_HVC_VM_CREATE, { own, own, 53, 0, 1 }, -EINVAL },
		{ "VM: 2^32 + 40 IPA bits", RD_HVC_VM_CREATE, { own, own, 40 + (1ULL << 32), 0, 1 },
		  -EINVAL },
		{ "VM: made of hyp memory", RD_HVC_VM_CREATE, { hyp, hyp, 40, 0, 1 }, -EPERM },
		{ "VM: made of MMIO", RD_HVC_VM_CREATE,
		  { 0x9000000 >> PAGE_SHIFT, 0x9000000 >> PAGE_SHIFT, 40, 0, 1 }, -ERANGE },
		{ "VM sizes: wild IPA bits", RD_HVC_VM_SIZES, { ~0ULL }, -EINVAL },
		{ "teardown: no VM", RD_HVC_VM_TEARDOWN, { 0 }, -ENOENT },
		{ "teardown: handle beyond the table", RD_HVC_VM_TEARDOWN, { 256 }, -ENOENT },
		{ "teardown: wild handle", RD_HVC_VM_TEARDOWN, { text }, -ENOENT },
		{ "top-up: no VM", RD_HVC_VM_TOPUP, { 1, 1, own }, -ENOENT },
		{ "top-up: no pages", RD_HVC_VM_TOPUP, { 1, 0, own }, -EINVAL },
		{ "top-up: 16 pages", RD_HVC_VM_TOPUP, { 1, 16, own }, -EINVAL },
		{ "vCPU: no VM", RD_HVC_VCPU_CREATE, { 1, 0, own, own }, -ENOENT },
		{ "load: no VM", RD_HVC_VCPU_LOAD, { ~0ULL, 0 }, -ENOENT },
		{ "put: nothing loaded", RD_HVC_VCPU_PUT, {}, -ENOENT },
		{ "run: nothing loaded", RD_HVC_VCPU_RUN, {}, -ENOENT },
	};

	try_calls(m, calls, ARRAY_SIZE(calls));
}

static void wild_others(struct seq_file *m, u64 own, u64 text)
{
	const u64 top = 1ULL << (52 - PAGE_SHIFT);
	const struct call calls[] = {
		{ "map: no VM", RD_HVC_GUEST_MAP, { 1, 0, own, 1, RD_PROT_R }, -ENOENT },
		{ "map: unknown rights", RD_HVC_GUEST_MAP, { 1, 0, own, 1, 1ULL << 40 }, -EINVAL },
		{ "map: 513 pages", RD_HVC_GUEST_MAP, { 1, 0, own, 513, RD_PROT_R }, -E2BIG },
		{ "map: gfn beyond 52 bits", RD_HVC_GUEST_MAP, { 1, top, own, 1, RD_PROT_R }, -EINVAL },
		{ "unmap: no pages", RD_HVC_GUEST_UNMAP, { 1, 0, 0 }, -EINVAL },
		{ "stat: wild index", RD_HVC_STAT, { ~0ULL }, -EINVAL },
		{ "owners: wild cursor", RD_HVC_OWNERS, { ~0ULL - 1 }, -EINVAL },
		{ "leaves: unaligned cursor", RD_HVC_HOST_LEAVES, { 1 }, -EINVAL },
		{ "leaves: wild cursor", RD_HVC_HOST_LEAVES, { ~0ULL << PAGE_SHIFT }, -EINVAL },
		{ "trace: wild CPU", RD_HVC_TRACE_READ, { ~0ULL, 0 }, -EINVAL },
		{ "trace: position in the future", RD_HVC_TRACE_READ, { 0, ~0ULL }, -ENOENT },
		{ "release: while locked", RD_HVC_RELEASE, {}, -EPERM },
		{ "stub: set vectors", 0, { text }, 0xbadca11 },
		{ "stub: soft restart", 1, { text }, 0xbadca11 },
		{ "stub: reset vectors", 2, {}, 0xbadca11 },
		{ "stub: finalise EL2", 3, {}, 0xbadca11 },
	};

	try_calls(m, calls, ARRAY_SIZE(calls));
}

int attack_calls(struct seq_file *m)
{
	u64 own = page_to_pfn(virt_to_page(m)), hyp = a_hyp_pfn(), before = hyp_pages();
	u64 text = (u64)attack_calls;

	wild_pages(m, own, hyp, text);
	wild_vms(m, own, hyp, text);
	wild_others(m, own, text);
	report(m, "pages of EL2 after wild calls", before, hyp_pages());
	return 0;
}

#define ONE_CALL(n, name, args, results) +1

/* Every number, and every bit of the upper half: unknown ones are NOT_SUPPORTED. */
int attack_numbers(struct seq_file *m)
{
	u64 known = 0, unknown = 0, wrong = 0, n;
	int bit;

	for (n = 0; n < 65536; n++) {
		long ret = rd_hvc5(RD_HVC(n), ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL);

		if (ret == NOT_SUPPORTED)
			unknown++;
		else
			known++;
		if (!(n % 4096))
			cond_resched();
	}
	for (bit = 16; bit < 64; bit++)
		wrong += rd_hvc0(RD_HVC_NOP ^ 1ULL << bit) != NOT_SUPPORTED;
	/* RELEASE is refused with -EPERM while EL2 is locked: the same number. */
	report(m, "hypercall numbers 0 to 65535 that are refused", 65536 - (0 RD_HYPERCALLS(ONE_CALL)) + 1,
	       unknown);
	report(m, "numbers with one upper bit changed that are not refused", 0, wrong);
	report(m, "an empty call after all that", 0, rd_hvc0(RD_HVC_NOP));
	return known ? 0 : -EIO;
}

static long smc1(u64 id)
{
	register u64 x0 asm("x0") = id;

	asm volatile("smc #1" : "+r"(x0) : : "memory", "x1", "x2", "x3", "x4", "x5", "x6", "x7",
		     "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	return x0;
}

int attack_smc(struct seq_file *m)
{
	struct arm_smccc_res res;
	/* CPU, SiP, OEM, standard, hypervisor, vendor, trusted application ranges; a yielding call. */
	static const u32 unknown[] = { 0xc0000abc, 0xc2000abc, 0xc3000abc, 0xc5000abc, 0xc6000abc,
				       0xf0000001, 0xffffffff, 0x32000000, 0 };
	u64 hyp = a_hyp_pfn() << PAGE_SHIFT;
	u64 id, wrong = 0;

	report(m, "SMC with an immediate", NOT_SUPPORTED, smc1(PSCI_0_2_FN_PSCI_VERSION));
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON, 0xffffff, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON of no CPU, entry in hyp memory", -2, (long)res.a0);
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON, ~0UL, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON of a wild affinity", -2, (long)res.a0);
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON, 0, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON of a CPU that is on, entry in hyp memory", -4, (long)res.a0);
	for (id = 0x84000015; id < 0x84000020; id++) {
		arm_smccc_smc(id, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, &res);
		wrong += (long)res.a0 != NOT_SUPPORTED;
	}
	report(m, "PSCI functions that don't exist and are not refused", 0, wrong);
	/* Firmware's affair, and this machine's knows none: whatever it says, EL2 is not moved. */
	for (wrong = 0, id = 0; id < ARRAY_SIZE(unknown); id++) {
		arm_smccc_smc(unknown[id], hyp, hyp, hyp, hyp, hyp, hyp, hyp, &res);
		wrong += (long)res.a0 != NOT_SUPPORTED;
	}
	report(m, "SMCs of other ranges that nobody knows and are not refused", 0, wrong);
	/* SMCCC 1.3's hint is not part of the number: it must not lead around the relay. */
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON | 1UL << 16, 0, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON with the SVE hint bit, of a CPU that is on", -4, (long)res.a0);
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON | 1UL << 40, 0, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON with a bit above the number, of a CPU that is on", -4, (long)res.a0);
	return 0;
}

/* Hypercalls with random arguments, near to and far from what makes sense. */
static u64 wild(u64 own, u64 hyp)
{
	switch (get_random_u32() % 8) {
	case 0:
		return get_random_u64();
	case 1:
		return hyp + get_random_u32() % 4;
	case 2:
		return own;
	case 3:
		/* Not the frames of RAM: those are the host's to lose, and it would miss them. */
		return 1ULL << (24 + get_random_u32() % 40);
	case 4:
		return ~0ULL - get_random_u32() % 4;
	default:
		return get_random_u32() % 64;
	}
}

/* Pages of the host's own that it lent to EL2 by chance are its own again. */
static void take_back(void)
{
	u64 cursor = 0, i;

	while (cursor != ~0ULL) {
		u64 x[18] = { RD_HVC_OWNERS, cursor };

		if (rd_hvc_full(x))
			return;
		cursor = x[1];
		if (!(x[4] & 0xffff) && (x[4] >> 20 & 3) == 2)
			for (i = 0; i < x[3]; i++)
				rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, (x[2] >> PAGE_SHIFT) + i, 1);
	}
}

int attack_fuzz(struct seq_file *m)
{
	/* Room on both sides: what is called a VM's first page may be taken with its neighbours. */
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 5);
	u64 before = hyp_pages(), hyp = a_hyp_pfn(), pfn, i;

	if (!page)
		return -ENOMEM;
	pfn = page_to_pfn(page) + 16;
	for (i = 0; i < 50000; i++) {
		/* Not those that would succeed and take memory away: VM_CREATE and on are raced elsewhere. */
		u64 x[18] = { RD_HVC(get_random_u32() % 64) };
		int arg;

		if (x[0] == RD_HVC_TRACE_CTL)
			continue;
		for (arg = 1; arg < 8; arg++)
			x[arg] = wild(pfn, hyp);
		rd_hvc_full(x);
		if (!(i % 1024))
			cond_resched();
	}
	take_back();
	report(m, "pages of EL2 after 50000 random calls", before, hyp_pages());
	report(m, "an empty call after these", 0, rd_hvc0(RD_HVC_NOP));
	__free_pages(page, 5);
	return 0;
}
