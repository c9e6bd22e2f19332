// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's EL2: the guest's stage 2 as a flat array, changed by the hypercalls of
 * <redoubt/abi.h>. It is stricter than any real one: it refuses to cut a
 * block, and to write-protect or age what isn't mapped, it runs out of table pages, it stops half way through a
 * range whenever it likes; and a page that is mapped already is another vCPU's.
 *
 * Locks: el2, outside of the CPUs' own. Entries are atomic: CPUs walk without a lock.
 */
#include "gmem_env.h"

static struct gm_machine *machine(void *hyp)
{
	return hyp;
}

static void begin(struct gm_machine *m)
{
	pthread_mutex_lock(&m->el2);
	m->hypercalls++;
}

static int end(struct gm_machine *m, int err)
{
	pthread_mutex_unlock(&m->el2);
	return err;
}

void gm_tlbi(struct gm_machine *m, u64 gfn, u64 pages)
{
	u32 c, i;

	for (c = 0; c < GM_CPUS; c++) {
		struct gm_cpu *cpu = &m->cpu[c];

		pthread_mutex_lock(&cpu->lock);
		for (i = 0; i < GM_TLB; i++) {
			if (cpu->tlb[i].gfn - gfn < pages)
				cpu->tlb[i].valid = false;
		}
		pthread_mutex_unlock(&cpu->lock);
	}
}

static u64 entry(const struct gm_machine *m, u64 gfn)
{
	return port_read_acquire64(&m->s2[gfn]);
}

/* Sets and clears bits of a valid entry, whatever the CPUs do to its access flag meanwhile. */
static void change(struct gm_machine *m, u64 gfn, u64 set, u64 clear)
{
	u64 old = entry(m, gfn), was;

	while ((was = port_cmpxchg64(&m->s2[gfn], old, (old | set) & ~clear)) != old)
		old = was;
}

static u64 block_first(const struct gm_machine *m, u64 gfn)
{
	return gfn & ~((1ull << GM_ORDER(entry(m, gfn))) - 1);
}

static u64 block_pages(const struct gm_machine *m, u64 gfn)
{
	return 1ull << GM_ORDER(entry(m, gfn));
}

/* What one call may be about: a batch, or one block. */
static bool is_range(const struct gm_machine *m, u64 gfn, u64 pages)
{
	if (!pages || gfn + pages > GM_GFNS)
		return false;
	return pages <= m->p.batch || (pages == GM_BLOCK_MAX && !(gfn & (pages - 1)));
}

/* All of it is mapped, in whole blocks. */
static int check_mapped(struct gm_machine *m, u64 gfn, u64 pages)
{
	u64 i;

	if (!is_range(m, gfn, pages))
		return -EINVAL;
	for (i = gfn; i < gfn + pages; i++) {
		if (!(entry(m, i) & GM_VALID))
			return -ENOENT;
	}
	if (block_first(m, gfn) != gfn)
		return -E2BIG;
	i = gfn + pages - 1;
	return block_first(m, i) + block_pages(m, i) == gfn + pages ? 0 : -E2BIG;
}

/* Where to stop in a range: at its end, or somewhere before, after at least one block. */
static u64 stop_at(struct gm_machine *m, u64 gfn, u64 pages)
{
	u64 stop = rng_chance(&m->rng, 70) ? pages : 1 + rng_below(&m->rng, pages), at = gfn;

	while (at < gfn + stop)
		at += block_pages(m, at);
	return at - gfn;
}

/* MAP: pages one by one, or one block. */
static int hyp_map(void *hyp, u64 gfn, u64 pfn, u64 pages, u32 prot, u64 *done)
{
	struct gm_machine *m = hyp;
	u32 order = (u32)__builtin_ctzll(pages);
	u64 i, bits = GM_VALID | GM_AF;

	gm_check(gm_env_mmu_held() == 1 && gm_env_records_held() == 2);
	begin(m);
	gm_check(pages == 1 || pages == 8 || pages == GM_BLOCK_MAX);
	gm_check(!((gfn | pfn) & (pages - 1)) && gfn + pages <= GM_GFNS);
	for (i = gfn; i < gfn + pages; i++) {
		if (entry(m, i) & GM_VALID)
			return end(m, -EPERM);
	}
	if (rng_chance(&m->rng, 30) && m->tables-- <= 0) {
		m->tables = 0;
		return end(m, -ENOMEM);
	}
	bits |= (prot & GMEM_PROT_W ? GM_W : 0) | (prot & GMEM_PROT_X ? GM_X : 0);
	for (i = 0; i < pages; i++)
		port_write_release64(&m->s2[gfn + i], bits | (u64)order << 4 | (pfn + i) << 16);
	*done += pages;
	return end(m, 0);
}

/* No block is cut; there may be gaps. */
static int check_uncut(struct gm_machine *m, u64 gfn, u64 pages)
{
	u64 i = gfn + pages - 1;

	if (!is_range(m, gfn, pages))
		return -EINVAL;
	if (block_first(m, gfn) != gfn)
		return -E2BIG;
	return block_first(m, i) + block_pages(m, i) == gfn + pages ? 0 : -E2BIG;
}

static int hyp_unmap(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	struct gm_machine *m = hyp;
	u64 i;
	int err;

	gm_check(gm_env_mmu_held() && gm_env_records_held() == 2);
	begin(m);
	err = check_uncut(m, gfn, pages);
	if (err)
		return end(m, err);
	pages = stop_at(m, gfn, pages);
	for (i = gfn; i < gfn + pages; i++)
		port_write_release64(&m->s2[i], 0);
	gm_tlbi(m, gfn, pages);
	*done += pages;
	return end(m, 0);
}

static int hyp_wrprotect(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	struct gm_machine *m = hyp;
	u64 i;
	int err;

	gm_check(gm_env_mmu_held() == 2);
	begin(m);
	err = check_uncut(m, gfn, pages);
	if (err)
		return end(m, err);
	pages = stop_at(m, gfn, pages);
	for (i = gfn; i < gfn + pages; i++)
		change(m, i, 0, GM_W);
	*done += pages;
	return end(m, 0);
}

/* An entry is aged as one, also when a single page of it was asked about. */
static int hyp_test_clear_young(void *hyp, u64 gfn, u64 pages, u32 age, u64 *done,
				bool *young)
{
	struct gm_machine *m = hyp;
	u64 i, first, stop;
	int err = 0;

	gm_check(gm_env_mmu_held() == 2);
	begin(m);
	if (pages != 1) {
		err = check_uncut(m, gfn, pages);
		pages = err ? 0 : stop_at(m, gfn, pages);
	} else if (!is_range(m, gfn, pages)) {
		err = -EINVAL;
	}
	if (err)
		return end(m, err);
	first = block_first(m, gfn);
	stop = block_first(m, gfn + pages - 1) + block_pages(m, gfn + pages - 1);
	for (i = first; i < stop; i++) {
		*young |= (entry(m, i) & GM_AF) != 0;
		if (age & GMEM_AGE_CLEAR)
			change(m, i, 0, GM_AF);
	}
	if (age & GMEM_AGE_FLUSH)
		gm_tlbi(m, first, stop - first);
	*done += pages;
	return end(m, 0);
}

static int hyp_mkyoung(void *hyp, u64 gfn)
{
	struct gm_machine *m = hyp;
	u64 i;

	gm_check(gm_env_mmu_held());
	begin(m);
	if (!(entry(m, gfn) & GM_VALID))
		return end(m, -ENOENT);
	/* One flag a block. */
	for (i = 0; i < block_pages(m, gfn); i++)
		change(m, block_first(m, gfn) + i, GM_AF, 0);
	return end(m, 0);
}

static int hyp_relax(void *hyp, u64 gfn, u32 prot)
{
	struct gm_machine *m = hyp;
	u64 i, first;

	gm_check(gm_env_mmu_held() == 1);
	begin(m);
	if (!(entry(m, gfn) & GM_VALID))
		return end(m, -ENOENT);
	first = block_first(m, gfn);
	for (i = first; i < first + block_pages(m, gfn); i++)
		change(m, i, GM_AF | (prot & GMEM_PROT_W ? GM_W : 0) |
		       (prot & GMEM_PROT_X ? GM_X : 0), 0);
	return end(m, 0);
}

static int hyp_split(void *hyp, u64 gfn, u64 pages, u64 *done)
{
	struct gm_machine *m = hyp;
	u64 i, n;
	int err;

	gm_check(gm_env_mmu_held() && gm_env_records_held() == 2);
	begin(m);
	err = check_mapped(m, gfn, pages);
	if (err)
		return end(m, err);
	if (rng_chance(&m->rng, 30) && m->tables-- <= 0) {
		m->tables = 0;
		return end(m, -ENOMEM);
	}
	n = stop_at(m, gfn, pages);
	for (i = gfn; i < gfn + n; i++) {
		u64 old = entry(m, i), was;

		while ((was = port_cmpxchg64(&m->s2[i], old, old & ~(7ull << 4))) != old)
			old = was;
	}
	gm_tlbi(m, gfn, n);
	*done += n;
	return end(m, 0);
}

static void hyp_flush_tlb(void *hyp)
{
	struct gm_machine *m = hyp;

	begin(m);
	gm_tlbi(m, 0, GM_GFNS);
	end(m, 0);
}

static void hyp_clean(void *hyp, u64 pfn, u64 pages)
{
	(void)hyp;
	gm_check(pfn >= GM_PFN0 && pages);
}

static void hyp_returned(void *hyp, u64 pfn, u64 pages, u32 order)
{
	(void)hyp;
	(void)pfn;
	(void)pages;
	(void)order;
	gm_check(!"nothing was donated");
}

static void hyp_complain(void *hyp, const char *what, u64 gfn, int err)
{
	struct gm_machine *m = machine(hyp);

	printf("EL2 refused to %s %#llx: %d\n", what, gfn, err);
	m->complaints++;
	gm_check(!"EL2 had to refuse");
}

const struct gmem_hyp_ops gm_hyp_ops = {
	.map = hyp_map,
	.unmap = hyp_unmap,
	.reclaim = hyp_unmap,
	.wrprotect = hyp_wrprotect,
	.test_clear_young = hyp_test_clear_young,
	.mkyoung = hyp_mkyoung,
	.relax = hyp_relax,
	.split = hyp_split,
	.flush_tlb = hyp_flush_tlb,
	.clean = hyp_clean,
	.returned = hyp_returned,
	.complain = hyp_complain,
};
