// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's own memory costs it behind stage 2, in nanoseconds, which are
 * instructions under -icount; results are parameters, in tenths:
 *
 *	share1, share512	share and unshare so many pages of the host's with EL2
 *	fault			first access to a block of 2 MiB, less that of a second one
 *	faults			how many such blocks there were
 *	empty			a hypercall that does nothing
 *
 * mainline=1 asks KVM instead of Redoubt: a call for each page, that is what it has,
 * and for the empty call the one that only sets CNTVOFF_EL2, to what it is.
 */
#include <linux/arm-smccc.h>
#include <linux/ioport.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <asm/kvm_asm.h>

#include <redoubt/abi.h>

#define PAGES  512
#define ROUNDS 16
#define CALLS  16384

static bool mainline;
module_param(mainline, bool, 0444);

static bool stage2 = true;
module_param(stage2, bool, 0444);
MODULE_PARM_DESC(stage2, "the host is behind stage 2; where it isn't, only empty is measured");

static ulong share1, share512, fault, faults, empty;
module_param(share1, ulong, 0444);
module_param(share512, ulong, 0444);
module_param(fault, ulong, 0444);
module_param(faults, ulong, 0444);
module_param(empty, ulong, 0444);

static long redoubt_call(u64 fn, u64 pfn, u64 pages)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(fn, pfn, pages, &res);
	return res.a0;
}

/* a0 says whether there is such a call, a1 is its answer. */
static long mainline_call(u64 fn, u64 pfn, u64 pages)
{
	struct arm_smccc_res res = {};

	for (; pages && !res.a0 && !res.a1; pages--)
		arm_smccc_1_1_hvc(fn, pfn++, &res);
	return res.a0 ? res.a0 : res.a1;
}

static long share_unshare(u64 pfn, u64 pages)
{
	long ret;

	if (mainline) {
		ret = mainline_call(KVM_HOST_SMCCC_FUNC(__pkvm_host_share_hyp), pfn, pages);
		return ret ? ret : mainline_call(KVM_HOST_SMCCC_FUNC(__pkvm_host_unshare_hyp), pfn,
						 pages);
	}
	ret = redoubt_call(RD_HVC_HOST_SHARE_HYP, pfn, pages);
	return ret ? ret : redoubt_call(RD_HVC_HOST_UNSHARE_HYP, pfn, pages);
}

/* Tenths of a nanosecond for one round; the first, which may split a block, is not counted. */
static int __init time_share(u64 pfn, u64 pages, ulong *result)
{
	/* A page that was left shared by a failure is still the host's to use. */
	long ret = share_unshare(pfn, pages);
	unsigned long flags;
	u64 start;
	int i;

	if (ret)
		return -EIO;
	local_irq_save(flags);
	start = ktime_get_ns();
	for (i = 0; i < ROUNDS && !ret; i++)
		ret = share_unshare(pfn, pages);
	*result = (ktime_get_ns() - start) * 10 / ROUNDS;
	local_irq_restore(flags);
	return ret ? -EIO : 0;
}

static int __init time_empty(void)
{
	u64 fn = mainline ? KVM_HOST_SMCCC_FUNC(__kvm_timer_set_cntvoff) : RD_HVC_NOP;
	struct arm_smccc_res res;
	unsigned long flags;
	u64 start;
	int i;

	local_irq_save(flags);
	start = ktime_get_ns();
	for (i = 0; i < CALLS; i++)
		arm_smccc_1_1_hvc(fn, 0, &res);
	empty = (ktime_get_ns() - start) * 10 / CALLS;
	local_irq_restore(flags);
	return res.a0 ? -EIO : 0;
}

static u64 __init time_read(u64 phys, bool *ok)
{
	u64 start = ktime_get_ns(), word;

	*ok = !copy_from_kernel_nofault(&word, phys_to_virt(phys), sizeof(word));
	return ktime_get_ns() - start;
}

/* Blocks that were never touched since stage 2 is there: the first read maps them. */
static void __init time_faults(u64 start, u64 end)
{
	u64 sum = 0, at;

	for (at = ALIGN(start, SZ_2M); at + SZ_2M <= end; at += SZ_2M) {
		unsigned long flags;
		u64 first, second;
		bool ok, again;

		/* What the kernel reserved at boot may be EL2's: pKVM panics when that is read. */
		if (!pfn_valid(at >> PAGE_SHIFT) || !page_is_ram(at >> PAGE_SHIFT) ||
		    PageReserved(pfn_to_page(at >> PAGE_SHIFT)))
			continue;
		local_irq_save(flags);
		first = time_read(at, &ok);
		second = time_read(at, &again);
		local_irq_restore(flags);
		/* More than any difference of the clock's grain, less than any fault. */
		if (ok && again && first > second + 200) {
			sum += first - second;
			faults++;
		}
	}
	if (faults)
		fault = sum * 10 / faults;
}

static u64 __init memory_end(void)
{
	struct resource *res;
	u64 end = 0;

	for (res = iomem_resource.child; res; res = res->sibling)
		if ((res->flags & IORESOURCE_SYSTEM_RAM) == IORESOURCE_SYSTEM_RAM)
			end = res->end + 1;
	return end;
}

static int __init hostcost_init(void)
{
	unsigned int order = get_order(PAGES << PAGE_SHIFT);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = time_empty();
	if (!ret && stage2)
		ret = time_share(page_to_pfn(page), 1, &share1);
	if (!ret && stage2)
		ret = time_share(page_to_pfn(page), PAGES, &share512);
	if (!ret && stage2)
		time_faults(0, memory_end());
	__free_pages(page, order);
	return ret;
}

static void __exit hostcost_exit(void)
{
}

module_init(hostcost_init);
module_exit(hostcost_exit);
MODULE_DESCRIPTION("Cost of the host's own memory behind stage 2");
MODULE_LICENSE("GPL");
