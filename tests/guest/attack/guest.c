// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's memory, made of what a host must not give; the memory of EL2's objects for
 * that guest and of a protected guest itself, through the host's linear map.
 */
#include <linux/arm-smccc.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <uapi/linux/psci.h>

#include "attack.h"
#include "victim.h"

#define TOP (1ULL << (52 - PAGE_SHIFT))

struct map {
	const char *name;
	u64 gfn, pfn, pages;
	long expected;
};

static void wild_maps(struct seq_file *m, struct victim *v, const char *kind)
{
	struct page *pair = alloc_pages(GFP_KERNEL, 1);
	u64 own = page_to_pfn(v->state), hyp = a_hyp_pfn();
	const struct map maps[] = {
		{ "MMIO", 0, 0x9000000 >> PAGE_SHIFT, 1, -ERANGE },
		{ "no such address", 0, TOP - 1, 1, -ERANGE },
		{ "beyond 52 bits", 0, TOP, 1, -EINVAL },
		{ "frames that wrap", 0, ~0ULL, 2, -EINVAL },
		{ "a straddle of the start of RAM", 0, (0x40000000 >> PAGE_SHIFT) - 1, 2, -ERANGE },
		{ "hyp memory", 0, hyp, 1, -EPERM },
		{ "a page before hyp memory and one of it", 0, hyp - 1, 2, -EPERM },
		{ "its own object", 0, page_to_pfn(v->object), 1, -EPERM },
		{ "its own root", 0, page_to_pfn(v->root), 1, -EPERM },
		{ "a gfn beyond its 40 bits", 1ULL << (40 - PAGE_SHIFT), own, 1, -ERANGE },
		{ "gfns that end beyond its 40 bits", (1ULL << (40 - PAGE_SHIFT)) - 1,
		  pair ? page_to_pfn(pair) : 0, 2, -ERANGE },
		{ "a kernel address for a frame", 0, (u64)wild_maps, 1, -EINVAL },
	};
	char name[96];
	int i;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		snprintf(name, sizeof(name), "%s VM, map: %s", kind, maps[i].name);
		report(m, name, maps[i].expected,
		       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, maps[i].gfn, maps[i].pfn, maps[i].pages,
			       RD_PROT_R | RD_PROT_W));
	}
	if (pair)
		__free_pages(pair, 1);
	report(m, "top-up with hyp memory", -EPERM, rd_hvc3(RD_HVC_VM_TOPUP, v->handle, 1, hyp));
	report(m, "top-up with MMIO", -ERANGE,
	       rd_hvc3(RD_HVC_VM_TOPUP, v->handle, 1, 0x9000000 >> PAGE_SHIFT));
	report(m, "top-up with the VM's own object", -EPERM,
	       rd_hvc3(RD_HVC_VM_TOPUP, v->handle, 1, page_to_pfn(v->object)));
}

static void out_of_reach(struct seq_file *m, struct victim *v)
{
	struct tally tally = {};

	try_pages(page_to_phys(v->object), 1, &tally);
	try_pages(page_to_phys(v->root), 1, &tally);
	report(m, "pages of a VM's object and root that the host reads", 0, tally.readable);
	report(m, "pages of a VM's object and root that the host writes", 0, tally.writable);
}

/* A protected guest's page: donated, out of reach, taken back by force, zeroed. */
static void donated(struct seq_file *m, struct victim *v)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct tally tally = {};
	u64 pfn;

	if (!page)
		return;
	pfn = page_to_pfn(page);
	memset(page_address(page), 0x5a, PAGE_SIZE);
	report(m, "donate a page to a protected VM", 0,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 1, pfn, 1, RD_PROT_R | RD_PROT_W));
	try_pages(page_to_phys(page), 1, &tally);
	report(m, "its reads and writes by the host that succeed", 0, tally.readable + tally.writable);
	report(m, "donate it again, elsewhere", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 2, pfn, 1, RD_PROT_R | RD_PROT_W));
	report(m, "share it with EL2", -EPERM, rd_hvc2(RD_HVC_HOST_SHARE_HYP, pfn, 1));
	report(m, "unmap it as if the VM were an ordinary one", -EPERM,
	       rd_hvc3(RD_HVC_GUEST_UNMAP, v->handle, 1, 1));
	report(m, "make a vCPU of it", -EPERM,
	       rd_hvc4(RD_HVC_VCPU_CREATE, v->handle, 0, pfn, page_to_pfn(v->state)));
	report(m, "take it by force", 0, rd_hvc3(RD_HVC_GUEST_RECLAIM, v->handle, 1, 1));
	report(m, "bytes of it that are left", 0, !!memchr_inv(page_address(page), 0, PAGE_SIZE));
	report(m, "put another page there", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, v->handle, 1, pfn, 1, RD_PROT_R | RD_PROT_W));
	__free_page(page);
}

static void attack_vm(struct seq_file *m, const char *kind, u64 flags)
{
	struct victim v = {};
	long ret = victim_make(&v, flags);

	report(m, "a VM made by hand", 0, ret);
	if (ret)
		return;
	report(m, "pages for its tables", 15, victim_topup(&v, 15));
	wild_maps(m, &v, kind);
	out_of_reach(m, &v);
	if (flags & RD_VM_PROTECTED)
		donated(m, &v);
	victim_end(m, &v);
}

int attack_guest(struct seq_file *m)
{
	attack_vm(m, "ordinary", 0);
	attack_vm(m, "protected", RD_VM_PROTECTED);
	return 0;
}

/*
 * EL2 is not given up while a VM exists. And a CPU that is off is turned on at an
 * address in EL2's memory: firmware does so, by way of EL2, and that is where it ends:
 * at EL1, behind stage 2, from abort to abort. It is lost to the host, EL2 is as before.
 */
int attack_open(struct seq_file *m)
{
	struct arm_smccc_res res;
	struct victim v = {};
	u64 mpidr = nr_cpu_ids - 1, hyp = a_hyp_pfn() << PAGE_SHIFT;

	report(m, "a VM made by hand", 0, victim_make(&v, 0));
	report(m, "release: while a VM exists", -EBUSY, rd_hvc0(RD_HVC_RELEASE));
	victim_end(m, &v);
	arm_smccc_smc(PSCI_0_2_FN64_CPU_ON, mpidr, hyp, 0, 0, 0, 0, 0, &res);
	report(m, "CPU_ON of a CPU that is off, entry in hyp memory", 0, (long)res.a0);
	do {
		arm_smccc_smc(PSCI_0_2_FN64_CPU_ON, mpidr, hyp, 0, 0, 0, 0, 0, &res);
	} while ((long)res.a0 == -5); /* ON_PENDING */
	report(m, "CPU_ON of the same again", -4, (long)res.a0);
	report(m, "an empty call after these", 0, rd_hvc0(RD_HVC_NOP));
	return 0;
}
