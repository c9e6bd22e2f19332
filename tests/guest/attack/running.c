// SPDX-License-Identifier: GPL-2.0-only
/*
 * A running guest's memory, of a protected VM or, to show that the attempts are good, of
 * an ordinary one: each of its pages by the linear map and by an alias, and the calls by
 * which a host would move, lend or share what is not its own any more.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "attack.h"

/* x4 of OWNERS: who owns, and to whom it is lent. */
#define OWNER(x4) ((x4) & 0xffff)
#define LENT(x4)  ((x4) >> 20 & 0xf)
#define GUEST0	  2
#define LENT_GUESTS 3

/* A page that a VM has had since it began to run: its loader's, under QEMU and protvm. */
#define A_GFN (0x40000000 >> PAGE_SHIFT)
#define OWN_ORDER 5
#define FREE_GFN (0xf00000000ULL >> PAGE_SHIFT)

struct guest_tally {
	u64 owner; /* 0: none found yet */
	u64 pfn;   /* a page of its */
	u64 pages, readable, writable, aliased;
};

/* What is there is written back, if it can be read; it may change in between, under a test. */
static bool can_write(u64 *at, u64 word)
{
	pagefault_disable();
	__put_kernel_nofault(at, &word, u64, fault);
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

static void try_page(struct guest_tally *tally, u64 pfn)
{
	struct page *page = pfn_to_page(pfn);
	/* Of the last word of a page: a guest's kernel hardly ever has something there. */
	u64 *at = page_address(page) + PAGE_SIZE - 8, word = 0, *alias;

	tally->pages++;
	tally->readable += !copy_from_kernel_nofault(&word, at, 8);
	if (tally->owner)
		tally->writable += can_write(at, word);
	if (tally->pages % 64)
		return;
	alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!alias)
		return;
	tally->aliased += !copy_from_kernel_nofault(&word, alias, 8);
	vunmap(alias);
}

bool is_protected_guests(u64 x4)
{
	return OWNER(x4) >= GUEST0 && !LENT(x4) && !(x4 >> 24 & 1);
}

bool is_ordinary_guests(u64 x4)
{
	return !OWNER(x4) && LENT(x4) == LENT_GUESTS;
}

static void try_ranges(struct guest_tally *tally, bool is_protected)
{
	u64 cursor = 0, i;

	while (cursor != ~0ULL) {
		u64 x[18] = { RD_HVC_OWNERS, cursor };

		if (rd_hvc_full(x))
			return;
		cursor = x[1];
		if (!(is_protected ? is_protected_guests(x[4]) : is_ordinary_guests(x[4])))
			continue;
		tally->owner = OWNER(x[4]);
		tally->pfn = x[2] >> PAGE_SHIFT;
		for (i = 0; i < x[3]; i++)
			try_page(tally, tally->pfn + i);
		cond_resched();
	}
}

static void try_calls(struct seq_file *m, u64 handle, u64 pfn, u64 own)
{
	report(m, "protected VM: another page where it has one", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, handle, A_GFN, own, 1, RD_PROT_R));
	report(m, "protected VM: a page of its at another address", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, handle, FREE_GFN, pfn, 1, RD_PROT_R));
	report(m, "protected VM: unmap", -EPERM, rd_hvc3(RD_HVC_GUEST_UNMAP, handle, A_GFN, 1));
	report(m, "protected VM: write-protect", -EPERM,
	       rd_hvc3(RD_HVC_GUEST_WRPROTECT, handle, A_GFN, 1));
	report(m, "protected VM: look which pages it uses", -EPERM,
	       rd_hvc4(RD_HVC_GUEST_TEST_CLEAR_YOUNG, handle, A_GFN, 1, 1));
	report(m, "protected VM: set an access flag", -EPERM,
	       rd_hvc2(RD_HVC_GUEST_MKYOUNG, handle, A_GFN));
	report(m, "protected VM: change rights", -EPERM,
	       rd_hvc3(RD_HVC_GUEST_RELAX, handle, A_GFN, RD_PROT_R));
	report(m, "protected VM: split a block", -EPERM,
	       rd_hvc3(RD_HVC_GUEST_SPLIT, handle, A_GFN, 1));
	report(m, "protected VM: lend a page of its to EL2", -EPERM,
	       rd_hvc2(RD_HVC_HOST_SHARE_HYP, pfn, 1));
	report(m, "protected VM: unshare a page of its", -EPERM,
	       rd_hvc2(RD_HVC_HOST_UNSHARE_HYP, pfn, 1));
	report(m, "protected VM: a page of its for its tables", -EPERM,
	       rd_hvc3(RD_HVC_VM_TOPUP, handle, 1, pfn));
	report(m, "protected VM: a page of its for another VM's object", -EPERM,
	       rd_hvc5(RD_HVC_VM_CREATE, pfn, own, 40, 0, 1));
	report(m, "protected VM: a page of its for a vCPU's state", -EPERM,
	       rd_hvc4(RD_HVC_VCPU_CREATE, handle, 7, own, pfn));
	report(m, "protected VM: its pages before it is torn down", -EBUSY,
	       rd_hvc1(RD_HVC_VM_RECLAIM, handle));
	report(m, "release EL2 while it runs", -EPERM, rd_hvc0(RD_HVC_RELEASE));
}

int attack_running(struct seq_file *m)
{
	struct guest_tally closed = {}, open = {};
	/* As large and aligned as any object of EL2's: what it takes and gives back is zeroed. */
	struct page *own = alloc_pages(GFP_KERNEL | __GFP_ZERO, OWN_ORDER);

	if (!own)
		return -ENOMEM;
	try_ranges(&closed, true);
	if (closed.owner) {
		report(m, "protected VM: pages tried (at least 1000)", 1, closed.pages >= 1000);
		report(m, "protected VM: pages readable by the linear map", 0, closed.readable);
		report(m, "protected VM: pages writable by the linear map", 0, closed.writable);
		report(m, "protected VM: pages readable by an alias", 0, closed.aliased);
		try_calls(m, closed.owner - GUEST0, closed.pfn, page_to_pfn(own));
	} else {
		try_ranges(&open, false);
		report(m, "ordinary VM: pages tried (at least 1000)", 1, open.pages >= 1000);
		report(m, "ordinary VM: pages that the linear map reads", open.pages, open.readable);
		report(m, "ordinary VM: every 64th page, that an alias reads", open.pages / 64,
		       open.aliased);
	}
	__free_pages(own, OWN_ORDER);
	return 0;
}
