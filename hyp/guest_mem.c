// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's memory, as the host manages it: maps by transitions of ownership, and
 * edits of an ordinary guest's stage 2 that don't change who owns what. Every call
 * covers at most RD_RANGE_MAX pages or one block (invariant 7) and says how far it got.
 *
 * Locks: core/ownership's for transitions; the guest space's for the rest.
 */
#include "hvc.h"
#include "host_mem.h"
#include "trace.h"
#include "vm.h"

#define RD_PROT_KNOWN (RD_PROT_R | RD_PROT_W | RD_PROT_X)
#define RD_PROT_MMIO  (RD_PROT_DEVICE | RD_PROT_NC)

/* A checked range of one VM, in bytes. */
struct guest_range {
	struct hyp_vm *vm;
	ipa_t ipa;
	u64 size;
};

/* x1: VM, x2: gfn, @pages. On success the VM is held. */
static long get_range(struct host_regs *regs, u64 pages, struct guest_range *range)
{
	u64 shift = host_own.page_shift, gfn = regs->x[2];

	if (pages > RD_RANGE_MAX && pages != RD_BLOCK_PAGES(shift))
		return -E2BIG;
	if (!pages || gfn >> (52 - shift))
		return -EINVAL;
	range->vm = vm_get(regs->x[1]);
	if (!range->vm)
		return -ENOENT;
	if (pages > RD_RANGE_MAX && (range->vm->is_protected || gfn & (pages - 1))) {
		vm_put(range->vm);
		return -E2BIG;
	}
	range->ipa = ipa(gfn << shift);
	range->size = pages << shift;
	return 0;
}

/* Enough for the range's entries, and the one that leads to them. */
static u32 budget_of(const struct guest_range *range)
{
	u64 pages = range->size >> host_own.page_shift;

	return (pages > RD_RANGE_MAX ? (u32)pages : RD_RANGE_MAX) + 1;
}

/* Only an ordinary guest's stage 2 is the host's to edit; a protected one's is its memory. */
static long get_ordinary(struct host_regs *regs, u64 pages, struct guest_range *range)
{
	long ret = get_range(regs, pages, range);

	if (!ret && range->vm->is_protected) {
		vm_put(range->vm);
		ret = -EPERM;
	}
	return ret;
}

/* Refused before it began: x1, which had the handle, must not read as pages done. */
static long none_done(struct host_regs *regs, long ret)
{
	regs->x[1] = 0;
	return ret;
}

static u32 own_prot(u64 prot)
{
	return (prot & RD_PROT_R ? OWN_PROT_R : 0) | (prot & RD_PROT_W ? OWN_PROT_W : 0) |
	       (prot & RD_PROT_X ? OWN_PROT_X : 0) | (prot & RD_PROT_DEVICE ? OWN_PROT_DEVICE : 0) |
	       (prot & RD_PROT_NC ? OWN_PROT_NC : 0);
}

/* RAM, or one page of a device that stays the host's too. */
static long share(struct hyp_vm *vm, u64 pfn, u64 gfn, u64 pages, u64 prot)
{
	if (!(prot & RD_PROT_MMIO))
		return own_host_share_guest(&host_own, &vm->space.own, pfn, gfn, pages,
					    own_prot(prot));
	if (pages != 1)
		return -EINVAL;
	return own_host_share_device(&host_own, &vm->space.own, pfn, gfn, own_prot(prot));
}

static u32 pgt_prot(u64 prot)
{
	return (prot & RD_PROT_R ? PGT_PROT_R : 0) | (prot & RD_PROT_W ? PGT_PROT_W : 0) |
	       (prot & RD_PROT_X ? PGT_PROT_X : 0);
}

long hvc_GUEST_MAP(struct host_regs *regs)
{
	u64 gfn = regs->x[2], pfn = regs->x[3], pages = regs->x[4], prot = regs->x[5];
	struct guest_range range;
	long ret;

	if (prot & ~(RD_PROT_KNOWN | RD_PROT_MMIO))
		return none_done(regs, -EINVAL);
	ret = get_range(regs, pages, &range);
	if (ret)
		return none_done(regs, ret);
	trace_event(RD_TRACE_OWN, OWN_HOST_SHARE_GUEST, gfn, pages);
	if (!range.vm->is_protected)
		ret = share(range.vm, pfn, gfn, pages, prot);
	else if (prot & RD_PROT_MMIO)
		ret = -EPERM;
	else
		ret = own_host_donate_guest(&host_own, &range.vm->space.own, pfn, gfn, pages);
	vm_put(range.vm);
	regs->x[1] = ret ? 0 : pages;
	return ret;
}

/* What the guest doesn't have is passed over: the host's records may be behind, never ahead. */
long hvc_GUEST_UNMAP(struct host_regs *regs)
{
	struct guest_range range;
	u64 done = 0;
	long ret = get_ordinary(regs, regs->x[3], &range);

	if (ret)
		return none_done(regs, ret);
	ret = own_host_unshare_pages(&host_own, &range.vm->space.own, regs->x[2], regs->x[3],
				     &done);
	vm_put(range.vm);
	regs->x[1] = done;
	return ret;
}

long hvc_GUEST_WRPROTECT(struct host_regs *regs)
{
	struct pgt_gather gather = {};
	struct pgt_op op = { .gather = &gather };
	struct guest_range range;
	long ret = get_ordinary(regs, regs->x[3], &range);

	if (ret)
		return none_done(regs, ret);
	op.budget = budget_of(&range);
	port_lock(&range.vm->space.lock);
	ret = pgt_s2_wrprotect(&range.vm->pgt, &op, range.ipa, range.size, NULL);
	pgt_gather_flush(&range.vm->pgt, &gather);
	port_unlock(&range.vm->space.lock);
	vm_put(range.vm);
	regs->x[1] = op.done >> host_own.page_shift;
	return ret;
}

/*
 * x4: RD_AGE_*. Without FLUSH, a CPU that has the page in its TLB may go on using it without
 * setting the flag again: who asks so knows, and what is mapped where is as before.
 */
long hvc_GUEST_TEST_CLEAR_YOUNG(struct host_regs *regs)
{
	struct pgt_gather gather = {};
	struct pgt_op op = { .gather = regs->x[4] & RD_AGE_FLUSH ? &gather : NULL };
	bool clear = regs->x[4] & RD_AGE_CLEAR, young = false;
	struct guest_range range;
	long ret = regs->x[4] & ~RD_AGE_KNOWN ? -EINVAL : get_ordinary(regs, regs->x[3], &range);

	if (ret)
		return none_done(regs, ret);
	op.budget = budget_of(&range);
	port_lock(&range.vm->space.lock);
	ret = pgt_s2_test_clear_young(&range.vm->pgt, &op, range.ipa, range.size, clear, &young);
	pgt_gather_flush(&range.vm->pgt, &gather);
	port_unlock(&range.vm->space.lock);
	vm_put(range.vm);
	regs->x[1] = op.done >> host_own.page_shift;
	regs->x[2] = young;
	return ret;
}

long hvc_GUEST_MKYOUNG(struct host_regs *regs)
{
	struct guest_range range;
	long ret = get_ordinary(regs, 1, &range);

	if (ret)
		return ret;
	port_lock(&range.vm->space.lock);
	ret = pgt_s2_mkyoung(&range.vm->pgt, range.ipa);
	port_unlock(&range.vm->space.lock);
	vm_put(range.vm);
	return ret;
}

/* What is not RAM is never executable: GUEST_MAP refuses it, and so must this. VM's lock held. */
static bool may_relax(struct hyp_vm *vm, ipa_t at, u64 prot)
{
	struct pgt_leaf leaf;

	if (!(prot & RD_PROT_X) || pgt_s2_get_leaf(&vm->pgt, at, &leaf) || leaf.kind != PGT_LEAF)
		return true;
	return vmemmap_records(&host_own.mem, leaf.pa.v >> host_own.page_shift, 1);
}

long hvc_GUEST_RELAX(struct host_regs *regs)
{
	u64 prot = regs->x[3];
	struct guest_range range;
	long ret;

	if (prot & ~RD_PROT_KNOWN)
		return -EINVAL;
	ret = get_ordinary(regs, 1, &range);
	if (ret)
		return ret;
	port_lock(&range.vm->space.lock);
	ret = -EPERM;
	if (may_relax(range.vm, range.ipa, prot))
		ret = pgt_s2_relax_perms(&range.vm->pgt, range.ipa, pgt_prot(prot), 0);
	port_unlock(&range.vm->space.lock);
	vm_put(range.vm);
	return ret;
}

long hvc_GUEST_SPLIT(struct host_regs *regs)
{
	struct guest_range range;
	struct pgt_op op = {};
	long ret = get_ordinary(regs, regs->x[3], &range);

	if (ret)
		return none_done(regs, ret);
	port_lock(&range.vm->space.lock);
	op.mc = &range.vm->pool.mc;
	op.budget = budget_of(&range);
	ret = pgt_s2_split(&range.vm->pgt, &op, range.ipa, range.size);
	port_unlock(&range.vm->space.lock);
	vm_put(range.vm);
	regs->x[1] = op.done >> host_own.page_shift;
	return ret;
}

/* The host takes pages of a protected guest by force; the guest faults on them from then on. */
long hvc_GUEST_RECLAIM(struct host_regs *regs)
{
	struct guest_range range;
	long ret = get_range(regs, regs->x[3], &range);

	if (ret)
		return none_done(regs, ret);
	if (range.vm->is_protected)
		ret = own_guest_force_reclaim(&host_own, &range.vm->space.own, regs->x[2],
					      regs->x[3]);
	else
		ret = -EPERM;
	vm_put(range.vm);
	regs->x[1] = ret ? 0 : regs->x[3];
	return ret;
}

long hvc_GUEST_FLUSH_TLB(struct host_regs *regs)
{
	struct hyp_vm *vm = vm_get(regs->x[1]);

	if (!vm)
		return -ENOENT;
	port_lock(&vm->space.lock);
	pgt_flush_tlb_all(&vm->pgt);
	port_unlock(&vm->space.lock);
	vm_put(vm);
	return 0;
}
