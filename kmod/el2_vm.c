// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of EL2's objects: VMs, vCPUs, and the pages for stage 2's tables.
 *
 * Pages for EL2 are allocated here, donated by the hypercall that uses them, and
 * come back one by one through VM_RECLAIM (invariant 11): nothing here remembers
 * them, but for the first of the VM's object, which comes last. A vCPU's state page is
 * only shared with EL2, until VM_TEARDOWN is done with it, and stays the kernel's.
 *
 * Locks: none of its own. The callers' order is create, vcpu_create and topup in
 * any number, destroy, vcpu_free.
 */
#include <linux/arm-smccc.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <uapi/linux/psci.h>

#include "hvc.h"
#include "testing.h"
#include "vcpu.h"
#include "vm.h"

/* PSCI 1.1; not in every kernel's header. */
#define MEM_PROTECT PSCI_0_2_FN(19)

/* Contiguous zeroed pages, each of which is freed on its own later. NULL: none. */
static struct page *alloc_donation(unsigned int nr)
{
	unsigned int order = get_order((size_t)nr << PAGE_SHIFT), i;
	struct page *page = NULL;

	if (!rd_fail_now())
		page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, order);
	if (!page)
		return NULL;
	split_page(page, order);
	for (i = nr; i < 1U << order; i++)
		__free_page(page + i);
	return page;
}

static void free_donation(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; page && i < nr; i++)
		__free_page(page + i);
}

/* What EL2 gets at once if it needs table pages to take a VM apart. */
#define TEARDOWN_PAGES 4

/* The most pages that EL2 may ask for at once: more is a broken answer. */
#define MAX_DONATION 1024

int rd_el2_vm_sizes(struct rd_vm *vm)
{
	struct rd_hvc_res size;
	long ret = rd_hvc_res(RD_HVC_VM_SIZES, vm->ipa_bits, 0, 0, 0, 0, &size);

	/* The kernel's stub, after EL2 was given back for kexec, has a positive answer to all. */
	if (ret)
		return ret < 0 ? ret : -ENODEV;
	if (!size.x1 || size.x1 > MAX_DONATION || !size.x2 || size.x2 > MAX_DONATION ||
	    !size.x3 || size.x3 > MAX_DONATION)
		return -EIO;
	vm->object_pages = size.x1;
	vm->root_pages = size.x2;
	vm->vcpu_pages = size.x3;
	return 0;
}

/* EL2 asks firmware to overwrite memory at a restart; not all firmware can. */
static void say_if_memory_outlives_a_restart(void)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_smc(PSCI_1_0_FN_PSCI_FEATURES, MEM_PROTECT, &res);
	if ((s32)res.a0 < 0)
		pr_info_once("this firmware leaves memory as it is at a restart, that of protected VMs too\n");
}

int rd_el2_vm_create(struct rd_vm *vm)
{
	struct page *object = alloc_donation(vm->object_pages);
	struct page *root = alloc_donation(vm->root_pages);
	struct rd_hvc_res res;
	long ret = -ENOMEM;

	if (object && root)
		ret = rd_hvc_res(RD_HVC_VM_CREATE, page_to_pfn(object), page_to_pfn(root),
				 vm->ipa_bits, vm->is_protected ? RD_VM_PROTECTED : 0,
				 RD_MAX_VCPUS, &res);
	if (ret) {
		free_donation(object, vm->object_pages);
		free_donation(root, vm->root_pages);
		return ret;
	}
	vm->handle = res.x1;
	vm->object_pfn = page_to_pfn(object);
	if (vm->is_protected)
		say_if_memory_outlives_a_restart();
	return 0;
}

int rd_el2_vm_topup(struct rd_vm *vm, unsigned int pages)
{
	struct page *page[15];
	u64 x[18] = { RD_HVC_VM_TOPUP, vm->handle };
	unsigned int i, nr = min_t(unsigned int, pages, ARRAY_SIZE(page));
	u64 taken;
	long ret;

	for (i = 0; i < nr; i++) {
		page[i] = rd_fail_now() ? NULL : alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page[i])
			break;
		x[3 + i] = page_to_pfn(page[i]);
	}
	nr = i;
	if (!nr)
		return -ENOMEM;
	x[2] = nr;
	ret = rd_hvc_full(x);
	taken = min_t(u64, x[1], nr);
	for (i = taken; i < nr; i++)
		__free_page(page[i]);
	RD_STAT_ADD(vm, topup_pages, taken);
	return taken ? 0 : ret ? ret : -ENOMEM;
}

/* Frees the pages that one VM_RECLAIM names. 1 while there are more, 0, or a negative errno. */
static int reclaim_some(struct rd_vm *vm)
{
	u64 x[18] = { RD_HVC_VM_RECLAIM, vm->handle };
	long ret = rd_fail_now() ? -ENOMEM : rd_hvc_full(x);
	unsigned int i, nr;
	bool last;

	if (ret)
		return ret;
	nr = min_t(u64, x[1], 16);
	/* With its object the VM is gone, and its handle may be another VM's already. */
	last = !nr || x[2] == vm->object_pfn;
	for (i = 0; i < nr; i++)
		__free_page(pfn_to_page(x[2 + i]));
	return !last;
}

/* The longest that one VM_TEARDOWN kept a CPU at EL2, of all VMs so far. */
static u64 longest_ns;

u64 rd_el2_longest_teardown(void)
{
	return READ_ONCE(longest_ns);
}

/* One step, timed: interrupts wait at EL2, so that its length is what they may see. */
static long teardown_step(struct rd_vm *vm, struct rd_hvc_res *res)
{
	unsigned long flags;
	u64 ns;
	long ret;

	local_irq_save(flags);
	ns = ktime_get_ns();
	ret = rd_fail_now() ? -ENOMEM :
			      rd_hvc_res(RD_HVC_VM_TEARDOWN, vm->handle, 0, 0, 0, 0, res);
	ns = ktime_get_ns() - ns;
	local_irq_restore(flags);
	/* Two VMs that end at once may lose one's record: it's for people. */
	if (ns > READ_ONCE(longest_ns))
		WRITE_ONCE(longest_ns, ns);
	return ret;
}

/* VM_TEARDOWN to its end; for a block that has to be split, EL2 gets pages. */
static long teardown(struct rd_vm *vm)
{
	struct rd_hvc_res res;
	bool fed = false;
	long ret;

	for (;;) {
		ret = teardown_step(vm, &res);
		if (ret == -ENOMEM && !fed) {
			ret = rd_el2_vm_topup(vm, TEARDOWN_PAGES);
			fed = true;
			res.x1 = 1;
		} else {
			fed = false;
		}
		if (ret || !res.x1)
			return ret;
		cond_resched();
	}
}

int rd_el2_vm_destroy(struct rd_vm *vm)
{
	long ret;

	if (!vm->handle)
		return 0;
	if (!vm->torn_down) {
		ret = teardown(vm);
		if (ret)
			return ret;
		vm->torn_down = true;
	}
	do {
		ret = reclaim_some(vm);
		cond_resched();
	} while (ret > 0);
	if (!ret)
		vm->handle = 0;
	return ret;
}

int rd_el2_vcpu_create(struct rd_vcpu *vcpu)
{
	struct rd_vm *vm = vcpu->vm;
	struct page *object = alloc_donation(vm->vcpu_pages);
	long ret;

	if (!object)
		return -ENOMEM;
	ret = rd_hvc4(RD_HVC_VCPU_CREATE, vm->handle, vcpu->idx, page_to_pfn(object),
		      page_to_pfn(vcpu->state_page));
	if (ret)
		free_donation(object, vm->vcpu_pages);
	return ret;
}

void rd_el2_vcpu_free(struct rd_vcpu *vcpu)
{
	if (vcpu->state_page)
		__free_page(vcpu->state_page);
	vcpu->state_page = NULL;
}
