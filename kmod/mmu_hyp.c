// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercalls that the `protected` backend makes (core/gmem/protected.c), on
 * behalf of one VM.
 *
 * Locks: called under the mmu lock and mostly under the records' lock.
 */
#include "hvc.h"
#include "mmu_priv.h"

static struct rd_vm *vm_of(void *hyp)
{
	return ((struct rd_mmu *)hyp)->vm;
}

/*
 * Adds what a call over a range has done. A call that was refused may not have come as
 * far as to say: then it counts as nothing done, and doing it again does no harm.
 */
static int account(long ret, const struct rd_hvc_res *res, u64 pages, u64 *done)
{
	if (ret)
		return ret;
	if (res->x1 > pages)
		return -EIO;
	*done += res->x1;
	return 0;
}

static int hyp_map(void *hyp, u64 gfn, u64 pfn, u64 pages, u32 prot, u64 *done)
{
	struct rd_hvc_res res;
	long ret = rd_hvc_res(RD_HVC_GUEST_MAP, vm_of(hyp)->handle, gfn, pfn, pages, prot, &res);

	return account(ret, &res, pages, done);
}

static int range_call(struct rd_vm *vm, u64 fn, u64 gfn, u64 pages, u64 *done)
{
	struct rd_hvc_res res;
	long ret = rd_hvc_res(fn, vm->handle, gfn, pages, 0, 0, &res);

	return account(ret, &res, pages, done);
}

static int hyp_unmap(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	return range_call(vm_of(hyp), RD_HVC_GUEST_UNMAP, gfn, pages, done);
}

static int hyp_reclaim(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	return range_call(vm_of(hyp), RD_HVC_GUEST_RECLAIM, gfn, pages, done);
}

static int hyp_wrprotect(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	return range_call(vm_of(hyp), RD_HVC_GUEST_WRPROTECT, gfn, pages, done);
}

static int hyp_split(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	return range_call(vm_of(hyp), RD_HVC_GUEST_SPLIT, gfn, pages, done);
}

static_assert(GMEM_AGE_CLEAR == RD_AGE_CLEAR && GMEM_AGE_FLUSH == RD_AGE_FLUSH);

static int hyp_test_clear_young(void *hyp, u64 gfn, u64 pages, u32 age, u64 *done, bool *young)
{
	struct rd_hvc_res res;
	long ret = rd_hvc_res(RD_HVC_GUEST_TEST_CLEAR_YOUNG, vm_of(hyp)->handle, gfn, pages, age, 0,
			      &res);

	if (!ret)
		*young |= res.x2 == 1;
	return account(ret, &res, pages, done);
}

static int hyp_mkyoung(void *hyp, u64 gfn)
{
	return rd_hvc2(RD_HVC_GUEST_MKYOUNG, vm_of(hyp)->handle, gfn);
}

static int hyp_relax(void *hyp, u64 gfn, u32 prot)
{
	return rd_hvc3(RD_HVC_GUEST_RELAX, vm_of(hyp)->handle, gfn, prot);
}

static void hyp_clean(void *hyp, u64 pfn, u64 pages)
{
	rd_mmu_clean(pfn, pages);
}

static void hyp_returned(void *hyp, u64 pfn, u64 pages, u32 order)
{
	rd_mmu_returned(hyp, pfn, pages, order);
}

static void hyp_complain(void *hyp, const char *what, u64 gfn, int err)
{
	struct rd_mmu *m = hyp;

	if (!READ_ONCE(m->complained))
		pr_err("VM %llu: EL2 refused to %s guest frame %#llx: %d; the VM is stopped\n",
		       m->vm->handle, what, gfn, err);
	WRITE_ONCE(m->complained, true);
	rd_vm_kill(m->vm);
}

const struct gmem_hyp_ops rd_mmu_hyp_ops = {
	.map = hyp_map,
	.unmap = hyp_unmap,
	.reclaim = hyp_reclaim,
	.wrprotect = hyp_wrprotect,
	.test_clear_young = hyp_test_clear_young,
	.mkyoung = hyp_mkyoung,
	.relax = hyp_relax,
	.split = hyp_split,
	/* flush_tlb: EL2 invalidates as part of the calls themselves. */
	.clean = hyp_clean,
	.returned = hyp_returned,
	.complain = hyp_complain,
};
