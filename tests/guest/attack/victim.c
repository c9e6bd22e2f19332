// SPDX-License-Identifier: GPL-2.0-only
/* Makes and ends VMs for those attacks that need one; see victim.h. */
#include <linux/mm.h>

#include "victim.h"

static struct page *pages(u64 nr, unsigned int *order)
{
	struct page *page;

	*order = get_order(nr << PAGE_SHIFT);
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, *order);
	if (page)
		split_page(page, *order);
	return page;
}

static void free_all(struct page *page, unsigned int order)
{
	int i;

	for (i = 0; page && i < 1 << order; i++)
		__free_page(page + i);
}

long victim_make(struct victim *v, u64 flags)
{
	struct rd_hvc_res size, res;
	long ret = rd_hvc_res(RD_HVC_VM_SIZES, 40, 0, 0, 0, 0, &size);

	if (ret)
		return ret;
	v->object = pages(size.x1, &v->object_order);
	v->root = pages(size.x2, &v->root_order);
	v->vcpu = pages(size.x3, &v->vcpu_order);
	v->state = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!v->object || !v->root || !v->vcpu || !v->state)
		return -ENOMEM;
	ret = rd_hvc_res(RD_HVC_VM_CREATE, page_to_pfn(v->object), page_to_pfn(v->root), 40, flags,
			 1, &res);
	v->handle = res.x1;
	return ret;
}

u64 victim_topup(struct victim *v, unsigned int nr)
{
	u64 x[18] = { RD_HVC_VM_TOPUP, v->handle, nr };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			return 0;
		x[3 + i] = page_to_pfn(page);
	}
	return rd_hvc_full(x) ? 0 : x[1];
}

long victim_map(struct victim *v, u64 gfn, struct page *page)
{
	return rd_hvc5(RD_HVC_GUEST_MAP, v->handle, gfn, page_to_pfn(page), 1,
		       RD_PROT_R | RD_PROT_W | RD_PROT_X);
}

static bool is_of(struct page *page, unsigned int order, u64 pfn)
{
	return page && pfn - page_to_pfn(page) < 1ULL << order;
}

/* What came back and is none of the objects', victim_topup() once gave. */
static void free_topup(struct victim *v, u64 pfn)
{
	if (!is_of(v->object, v->object_order, pfn) && !is_of(v->root, v->root_order, pfn) &&
	    !is_of(v->vcpu, v->vcpu_order, pfn))
		__free_page(pfn_to_page(pfn));
}

void victim_end(struct seq_file *m, struct victim *v)
{
	struct rd_hvc_res res = { .x1 = 1 };
	u64 x[18], i;
	long ret = 0;

	while (!ret && res.x1)
		ret = rd_hvc_res(RD_HVC_VM_TEARDOWN, v->handle, 0, 0, 0, 0, &res);
	report(m, "teardown of the VM", 0, ret);
	do {
		x[0] = RD_HVC_VM_RECLAIM;
		x[1] = v->handle;
		ret = rd_hvc_full(x);
		for (i = 0; !ret && i < x[1]; i++)
			free_topup(v, x[2 + i]);
	} while (!ret && x[1]);
	report(m, "all pages of the VM come back", 0, ret);
	free_all(v->object, v->object_order);
	free_all(v->root, v->root_order);
	free_all(v->vcpu, v->vcpu_order);
	__free_page(v->state);
}
