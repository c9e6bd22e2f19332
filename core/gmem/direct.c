// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The `direct` backend: each function is one of core/pgtable's, in units of frames.
 * Whether the host lets the VM write a page is kept in a software bit of its entry.
 *
 * Locks: what gmem_backend.h calls shared runs as PGT_OP_SHARED, the rest is alone
 * under the mmu lock held for writing.
 */
#include <core/gmem_direct.h>
#include <core/gmem_tree.h>

/* The host lets the VM write, whatever the entry itself allows. */
#define SW_WRITABLE PGT_PROT_SW0

/* Entries that a call looks at before it lets go of the lock. */
#define BUDGET 2048

static struct gmem_direct *to_direct(struct gmem_backend *be)
{
	return gmem_entry(be, struct gmem_direct, be);
}

static ipa_t to_ipa(const struct gmem_direct *d, u64 gfn)
{
	return ipa(gfn << d->shift);
}

static u32 to_prot(u32 prot)
{
	u32 p = 0;

	if (prot & GMEM_PROT_R)
		p |= PGT_PROT_R;
	if (prot & GMEM_PROT_W)
		p |= PGT_PROT_W;
	if (prot & GMEM_PROT_X)
		p |= PGT_PROT_X;
	if (prot & GMEM_PROT_DEVICE)
		p |= PGT_PROT_DEVICE;
	if (prot & GMEM_PROT_NC)
		p |= PGT_PROT_NC;
	return p;
}

/* Ends a call over a range: how many pages are done. */
static int finish(const struct gmem_direct *d, const struct pgt_op *op, int err, u64 *done)
{
	*done = op->done >> d->shift;
	return err;
}

static int direct_map(struct gmem_backend *be, u64 gfn, u64 pages, u64 pfn, u32 prot,
		      bool host_writable, struct gmem_cache *cache)
{
	struct gmem_direct *d = to_direct(be);
	u64 bytes = pages << d->shift;
	struct pgt_op op = {
		.flags = PGT_OP_SHARED | PGT_OP_NO_CMO | (pages > 1 ? PGT_OP_REPLACE : 0),
		.max_shift = (u8)__builtin_ctzll(bytes),
		.mc = cache->tables,
	};

	return pgt_s2_map(d->pgt, &op, to_ipa(d, gfn), bytes, pa(pfn << d->shift),
			  to_prot(prot) | (host_writable ? SW_WRITABLE : 0));
}

static int direct_unmap(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .flags = PGT_OP_NO_CMO, .budget = BUDGET };

	return finish(d, &op, pgt_s2_unmap(d->pgt, &op, to_ipa(d, gfn), pages << d->shift), done);
}

static int direct_wrprotect(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .budget = BUDGET };
	int err = pgt_s2_wrprotect(d->pgt, &op, to_ipa(d, gfn), pages << d->shift, NULL);

	return finish(d, &op, err, done);
}

static int direct_flush(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .budget = BUDGET };

	return finish(d, &op, pgt_s2_flush(d->pgt, &op, to_ipa(d, gfn), pages << d->shift), done);
}

static int direct_test_clear_young(struct gmem_backend *be, u64 gfn, u64 pages, u32 age,
				   u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .budget = BUDGET };
	bool young = false;
	int err = pgt_s2_test_clear_young(d->pgt, &op, to_ipa(d, gfn), pages << d->shift,
					  age & GMEM_AGE_CLEAR, &young);

	if (young && age & GMEM_AGE_FLUSH)
		pgt_s2_flush_tlb_range(d->pgt, to_ipa(d, gfn), pages << d->shift);
	return finish(d, &op, err ? err : young, done);
}

static int direct_relax_perms(struct gmem_backend *be, u64 gfn, u32 prot)
{
	struct gmem_direct *d = to_direct(be);
	int err = pgt_s2_relax_perms(d->pgt, to_ipa(d, gfn),
				     to_prot(prot) & (PGT_PROT_RW | PGT_PROT_X), PGT_OP_NO_CMO);

	return err == -ENOENT ? -EAGAIN : err;
}

static void direct_mkyoung(struct gmem_backend *be, u64 gfn)
{
	struct gmem_direct *d = to_direct(be);

	/* Gone or changed is no error: the guest faults again. */
	pgt_s2_mkyoung(d->pgt, to_ipa(d, gfn));
}

static int direct_split(struct gmem_backend *be, u64 gfn, u64 pages, struct gmem_cache *cache,
			u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .flags = PGT_OP_SHARED, .budget = BUDGET, .mc = cache->tables };

	return finish(d, &op, pgt_s2_split(d->pgt, &op, to_ipa(d, gfn), pages << d->shift), done);
}

static int direct_collapse(struct gmem_backend *be, u64 gfn, u64 pages, u64 *done)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .budget = BUDGET };

	return finish(d, &op,
		      pgt_s2_coalesce(d->pgt, &op, to_ipa(d, gfn), pages << d->shift, NULL), done);
}

static int direct_lookup(struct gmem_backend *be, u64 gfn, struct gmem_mapping *m)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_leaf leaf;

	if (pgt_s2_get_leaf(d->pgt, to_ipa(d, gfn), &leaf) || leaf.kind != PGT_LEAF)
		return -ENOENT;
	m->gfn = leaf.ia >> d->shift;
	m->pfn = leaf.pa.v >> d->shift;
	m->pages = leaf.size >> d->shift;
	m->host_writable = leaf.prot & SW_WRITABLE;
	m->device = leaf.prot & (PGT_PROT_DEVICE | PGT_PROT_NC);
	return 0;
}

static void direct_flush_tlb(struct gmem_backend *be, u64 gfn, u64 pages)
{
	struct gmem_direct *d = to_direct(be);

	pgt_s2_flush_tlb_range(d->pgt, to_ipa(d, gfn), pages << d->shift);
}

static void direct_destroy(struct gmem_backend *be)
{
	struct gmem_direct *d = to_direct(be);
	struct pgt_op op = { .budget = BUDGET };

	/* Nothing runs on the tables any more; the environment frees the VMID. */
	while (!pgt_s2_destroy(d->pgt, &op) && op.done < 1ull << d->pgt->geo->ia_bits)
		;
}

static const struct gmem_backend_ops direct_ops = {
	.name = "direct",
	.map = direct_map,
	.unmap = direct_unmap,
	.wrprotect = direct_wrprotect,
	.flush = direct_flush,
	.test_clear_young = direct_test_clear_young,
	.relax_perms = direct_relax_perms,
	.mkyoung = direct_mkyoung,
	.split = direct_split,
	.collapse = direct_collapse,
	.lookup = direct_lookup,
	.flush_tlb = direct_flush_tlb,
	.destroy = direct_destroy,
};

void gmem_direct_init(struct gmem_direct *d, struct pgt *pgt)
{
	const struct pgt_geometry *geo = pgt->geo;
	u32 i = 0;
	s8 level;

	memset(d, 0, sizeof(*d));
	d->be.ops = &direct_ops;
	d->be.shared_split = true;
	d->pgt = pgt;
	d->shift = geo->granule_shift;
	for (level = 2; level >= geo->start_level && level >= 0 && i < 3; level--) {
		if (pgt_level_has_leaf(geo, level))
			d->be.block_order[i++] = geo->level_shift[level + 1] - d->shift;
	}
}
