// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2's memory through every mapping that a kernel has or can make: each page of each
 * kind must be refused. Accesses that have a fixup fail with -EFAULT; what hasn't one
 * is made by attack_direct_*() and attack_execute(), and kills the task.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/sysreg.h>

#include "attack.h"

/* copy_to_kernel_nofault(), which modules can't call. */
static bool can_write(void *va)
{
	u64 word = 0;

	pagefault_disable();
	__put_kernel_nofault(va, &word, u64, fault);
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

int try_pages(u64 start, u64 pages, void *arg)
{
	struct tally *tally = arg;
	u64 i, word = 0;

	for (i = 0; i < pages; i++) {
		void *va = phys_to_virt(start + (i << PAGE_SHIFT));

		tally->pages++;
		tally->readable += !copy_from_kernel_nofault(&word, va + 8 * (i % 512), 8);
		tally->writable += can_write(va + 8 * (i % 512));
	}
	return 0;
}

static int try_vmap(u64 start, u64 pages, void *arg)
{
	struct tally *tally = arg;
	struct page *page = pfn_to_page(start >> PAGE_SHIFT);
	void *va = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	u64 word = 0;

	if (!va)
		return -ENOMEM;
	tally->pages++;
	tally->readable += !copy_from_kernel_nofault(&word, va, 8);
	tally->writable += can_write(va);
	vunmap(va);
	return 0;
}

/* The same on a page of the kernel's own: these ways in work where they may. */
static void control(struct seq_file *m)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct tally tally = {};

	if (!page)
		return;
	try_pages(page_to_phys(page), 1, &tally);
	try_vmap(page_to_phys(page), 1, &tally);
	report(m, "control: own page readable by linear map and vmap", 2, tally.readable);
	report(m, "control: own page writable by linear map and vmap", 2, tally.writable);
	__free_page(page);
}

int attack_memory(struct seq_file *m)
{
	struct tally linear = {}, alias = {};

	control(m);
	for_each_hyp_range(try_pages, &linear);
	for_each_hyp_range(try_vmap, &alias);
	report(m, "hyp pages tried by the linear map (at least 100)", 1, linear.pages >= 100);
	report(m, "hyp pages readable by the linear map", 0, linear.readable);
	report(m, "hyp pages writable by the linear map", 0, linear.writable);
	report(m, "hyp ranges tried by a vmalloc alias (at least 3)", 1, alias.pages >= 3);
	report(m, "hyp pages readable by a vmalloc alias", 0, alias.readable);
	report(m, "hyp pages writable by a vmalloc alias", 0, alias.writable);
	return 0;
}

void attack_execute(void)
{
	struct page *page = pfn_to_page(a_hyp_pfn());
	void (*code)(void) = vmap(&page, 1, VM_MAP, PAGE_KERNEL_EXEC);

	code();
}

void attack_direct_read(void)
{
	READ_ONCE(*(u64 *)phys_to_virt(a_hyp_pfn() << PAGE_SHIFT));
}

void attack_direct_write(void)
{
	WRITE_ONCE(*(u64 *)phys_to_virt(a_hyp_pfn() << PAGE_SHIFT), 0);
}

/* Registers that are EL2's: each by its name, so that one write is one attack. */
#define SYSREG_WRITE(name)                                                                         \
	if (sysfs_streq(reg, #name))                                                               \
		asm volatile("msr " #name ", xzr")

void attack_sysreg(const char *reg)
{
	SYSREG_WRITE(hcr_el2);
	SYSREG_WRITE(vttbr_el2);
	SYSREG_WRITE(vtcr_el2);
	SYSREG_WRITE(sctlr_el2);
	SYSREG_WRITE(vbar_el2);
	SYSREG_WRITE(ttbr0_el2);
	SYSREG_WRITE(cptr_el2);
	SYSREG_WRITE(mdcr_el2);
	SYSREG_WRITE(cnthctl_el2);
	SYSREG_WRITE(tpidr_el2);
}
