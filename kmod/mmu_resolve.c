// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a host address of the VMM to the page behind it: what a fault needs to know.
 *
 * Ordinary VMs hold a reference only until the fault is done; MMU notifications take
 * the translation away before the page can become another's (invariant 9). Pages of
 * a protected VM change owner: they are pinned for as long as the guest has them, and
 * charged to RLIMIT_MEMLOCK (their memory cgroup is charged by the kernel as ever).
 *
 * What the host has lost stays in the VMM's page tables, and the kernel's own accesses
 * to a process's memory have no way to fail: a copy on fork(), ptrace, a core dump or KSM
 * would end in an oops, some with mmap_lock held for ever. So the mapping is marked as
 * memory-mapped I/O is (VM_IO), which keeps all of these away with an errno; of
 * get_user_pages() only the form for present pages without a look at mappings is left.
 *
 * Locks: none on entry; mmap_lock inside. rd_mmu_release() of a used page is called
 * under the mmu lock, and does not sleep.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <redoubt/abi.h>

#include "mmu_priv.h"
#include "testing.h"

/* log2 of a block's pages if it holds @pfn, or 0. */
static u32 block_order(unsigned long block_pfn, unsigned long pfn, u32 shift)
{
	u32 order = shift - PAGE_SHIFT;

	return (block_pfn ^ pfn) >> order ? 0 : order;
}

/*
 * How much around @hva the host's tables map in one piece: the order of the block that holds
 * it, if that is of @pfn. The tables are read without a lock: they are freed under RCU,
 * which waits for interrupts to be on again; and if what they say is gone by the time it
 * is used, the fault's check of the sequence count finds out. That @pfn is in the block
 * is what a protected VM relies on, for which nobody counts: it holds one page of the
 * block, and so all of it.
 */
static u32 mapped_order(struct mm_struct *mm, unsigned long hva, unsigned long pfn)
{
	unsigned long flags;
	pgd_t *pgdp, pgd;
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;
	u32 order = 0;

	local_irq_save(flags);
	pgdp = pgd_offset(mm, hva);
	pgd = READ_ONCE(*pgdp);
	if (pgd_none(pgd))
		goto out;
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		order = block_order(pud_pfn(pud), pfn, PUD_SHIFT);
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		order = block_order(pmd_pfn(pmd), pfn, PMD_SHIFT);
out:
	local_irq_restore(flags);
	return order;
}

/* How much around @hva, where @p is, the host maps in one piece. */
static u32 host_order(struct rd_mmu *m, u64 hva, struct page *p)
{
	if (!PageCompound(p))
		return 0;
	/* hugetlbfs maps a page whole or not at all. */
	if (PageHuge(p))
		return compound_order(compound_head(p));
	return mapped_order(m->vm->mm, hva, page_to_pfn(p));
}

/* The page is known; what else is there to say about it. */
static void found(struct rd_mmu *m, u64 hva, struct page *p, bool writable, struct gmem_page *page)
{
	page->pfn = page_to_pfn(p);
	page->order = host_order(m, hva, p);
	page->writable = writable;
	page->referenced = true;
	page->cookie = p;
}

/* Memory without a struct page of its own to hold: VM_IO and VM_PFNMAP. */
static int resolve_pfnmap(struct rd_mmu *m, struct vm_area_struct *vma, u64 hva, bool write,
			  struct gmem_page *page)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int err = follow_pfnmap_start(&args);

	if (err) {
		bool unlocked = false;

		/* It may drop the lock on the way: then the mapping is to be looked up anew. */
		err = fixup_user_fault(m->vm->mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
		if (unlocked)
			return -EAGAIN;
		if (err)
			return err;
		err = follow_pfnmap_start(&args);
		if (err)
			return err;
	}
	if (write && !args.writable) {
		follow_pfnmap_end(&args);
		return -EFAULT;
	}
	page->pfn = args.pfn;
	page->writable = args.writable;
	follow_pfnmap_end(&args);
	page->device = !pfn_is_map_memory(page->pfn);
	page->noncached = page->device && (vma->vm_flags & VM_ALLOW_ANY_UNCACHED);
	return 0;
}

static int resolve_other(struct rd_mmu *m, u64 hva, bool write, struct gmem_page *page)
{
	struct mm_struct *mm = m->vm->mm;
	struct vm_area_struct *vma;
	int err = -EFAULT;

	mmap_read_lock(mm);
	vma = find_vma(mm, hva);
	if (vma && vma->vm_start <= hva && (vma->vm_flags & (VM_IO | VM_PFNMAP)))
		err = resolve_pfnmap(m, vma, hva, write, page);
	mmap_read_unlock(mm);
	return err;
}

/* log2 of the pages that one poisoned page takes with it: a huge page of hugetlbfs, whole. */
static u32 poison_order(struct rd_mmu *m, u64 hva)
{
	struct vm_area_struct *vma;
	u32 order = 0;

	mmap_read_lock(m->vm->mm);
	vma = find_vma(m->vm->mm, hva);
	if (vma && vma->vm_start <= hva && is_vm_hugetlb_page(vma))
		order = ilog2(vma_kernel_pagesize(vma)) - PAGE_SHIFT;
	mmap_read_unlock(m->vm->mm);
	return order;
}

/* May wait for the page: swap, COW, userfaultfd. */
static int resolve_slow(struct rd_mmu *m, u64 hva, bool write, struct gmem_page *page)
{
	unsigned int flags = FOLL_HWPOISON | (write ? FOLL_WRITE : 0);
	struct page *p, *again;
	long ret = get_user_pages_unlocked(hva, 1, &p, flags);
	bool writable = write;

	if (ret == -EHWPOISON) {
		page->order = poison_order(m, hva);
		return GMEM_EHWPOISON;
	}
	if (ret == -EINTR || ret == -ERESTARTSYS || fatal_signal_pending(current))
		return -EINTR;
	if (ret != 1)
		return resolve_other(m, hva, write, page);
	/* Read access was asked for; write access may be there all the same. */
	if (!write && get_user_pages_fast_only(hva, 1, FOLL_WRITE, &again) == 1) {
		put_page(p);
		p = again;
		writable = true;
	}
	found(m, hva, p, writable, page);
	return 0;
}

static int resolve_shared(struct rd_mmu *m, u64 hva, bool write, struct gmem_page *page)
{
	struct page *p;

	/* Always for writing: what the host maps writable, the guest may have so at once. */
	if (get_user_pages_fast_only(hva, 1, FOLL_WRITE, &p) == 1) {
		found(m, hva, p, true, page);
		return 0;
	}
	return resolve_slow(m, hva, write, page);
}

/* mmap_lock held for writing. */
static int charge(struct rd_mmu *m, unsigned long pages)
{
	int err = rd_fail_now() ? -ENOMEM :
				  __account_locked_vm(m->vm->mm, pages, true, current,
						      capable(CAP_IPC_LOCK));

	if (!err) {
		atomic_long_add(pages, &m->accounted);
		return 0;
	}
	pr_warn_ratelimited("protected VM %llu: process %d reached RLIMIT_MEMLOCK after %lu pages: raise it\n",
			    m->vm->handle, task_tgid_nr(current), atomic_long_read(&m->accounted));
	/* Not -ENOMEM: more pages for tables would be no cure. */
	return -EDQUOT;
}

void rd_mmu_uncharge(struct rd_mmu *m, unsigned long pages)
{
	atomic_long_sub(pages, &m->accounted);
	account_locked_vm(m->vm->mm, pages, false);
}

void rd_mmu_uncharge_returned(struct rd_mmu *m)
{
	unsigned long pages = atomic_long_xchg(&m->returned, 0);

	if (pages)
		rd_mmu_uncharge(m, pages);
}

/* What a mapping must not be: a device's, whose driver means something by VM_IO. */
static bool may_be_given(const struct vm_area_struct *vma, u64 hva)
{
	return vma && vma->vm_start <= hva && !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)) &&
	       (!vma->vm_file || S_ISREG(file_inode(vma->vm_file)->i_mode));
}

/*
 * Pins the page and closes its mapping; mmap_lock held for writing, so that nobody sees
 * it open. One pin holds all of a huge page, of which as much is charged as may be given
 * away at once.
 */
static int pin_locked(struct rd_mmu *m, u64 hva, struct gmem_page *page)
{
	const unsigned int flags = FOLL_WRITE | FOLL_LONGTERM | FOLL_HWPOISON;
	struct vm_area_struct *vma = find_vma(m->vm->mm, hva);
	struct page *p;
	long ret;

	if (!may_be_given(vma, hva))
		return -EFAULT;
	vm_flags_clear(vma, VM_IO | VM_MERGEABLE);
	ret = rd_pin_user_pages(hva, 1, flags, &p);
	vm_flags_set(vma, VM_IO | VM_DONTCOPY | VM_DONTDUMP);
	if (ret != 1)
		return ret < 0 ? ret : -EFAULT;
	found(m, hva, p, true, page);
	page->order = min_t(u32, page->order, ilog2(RD_RANGE_MAX));
	ret = charge(m, 1UL << page->order);
	if (ret)
		unpin_user_page(p);
	return ret;
}

/* What may wait (userfaultfd, swap) does so before the lock is taken; errors show then. */
static int fault_in(struct mm_struct *mm, u64 hva)
{
	bool unlocked = false;
	int err;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	err = fixup_user_fault(mm, hva, FAULT_FLAG_WRITE, &unlocked);
	mmap_read_unlock(mm);
	return err == -EINTR || fatal_signal_pending(current) ? -EINTR : 0;
}

static int resolve_pinned(struct rd_mmu *m, u64 hva, struct gmem_page *page)
{
	struct mm_struct *mm = m->vm->mm;
	int ret = fault_in(mm, hva);

	if (ret)
		return ret;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = pin_locked(m, hva, page);
	mmap_write_unlock(mm);
	if (ret == -EHWPOISON) {
		page->order = poison_order(m, hva);
		return GMEM_EHWPOISON;
	}
	return fatal_signal_pending(current) && ret ? -EINTR : ret;
}

int rd_mmu_resolve(void *env, u64 hva, u32 want, struct gmem_page *page)
{
	struct rd_mmu *m = env;

	if (m->g.pinned)
		return resolve_pinned(m, hva, page);
	return resolve_shared(m, hva, want & GMEM_WANT_WRITE, page);
}

void rd_mmu_release(void *env, struct gmem_page *page, enum gmem_release how)
{
	struct rd_mmu *m = env;
	struct page *p = page->cookie;

	if (m->g.pinned) {
		unpin_user_page(p);
		rd_mmu_uncharge(m, 1UL << page->order);
		return;
	}
	if (!PageReserved(p)) {
		/*
		 * The guest may write from now on, and nobody will tell: the page counts as
		 * dirty until the host takes it away or cleans it, both of which notify us.
		 */
		if (how == GMEM_RELEASE_DIRTY && !PageDirty(p))
			SetPageDirty(p);
		if (how != GMEM_RELEASE_UNUSED && !folio_test_referenced(page_folio(p)))
			folio_mark_accessed(page_folio(p));
	}
	put_page(p);
}

void rd_mmu_returned(struct rd_mmu *m, u64 pfn, u64 pages, u32 order)
{
	u64 at;

	/* The guest wrote it, and EL2 zeroed it: nothing of the old contents is left. */
	for (at = 0; at < pages; at += 1ULL << order) {
		struct page *p = pfn_to_page(pfn + at);

		SetPageDirty(p);
		unpin_user_page(p);
	}
	/* Their charge goes later, where one may sleep. */
	atomic_long_add(pages, &m->returned);
}
