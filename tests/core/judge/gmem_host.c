// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of the simulation (gmem_host.h). Each change is: tell gmem that it
 * begins, change page tables under ptl, tell gmem that it has ended; the page tables
 * may have changed before ptl was had, so everything is looked at again under it.
 *
 * Locks: ptl, innermost. gmem is never called with it held.
 */
#include <sched.h>

#include "gmem_host.h"

u32 gm_host_linger;

#define HUGE_ORDERS 2

static void lock(struct gm_host *h)
{
	pthread_mutex_lock(&h->ptl);
}

static void unlock(struct gm_host *h)
{
	pthread_mutex_unlock(&h->ptl);
}

/* ---- Frames, under ptl ---- */

static bool free_run(const struct gm_host *h, u64 first, u64 n)
{
	u64 i;

	for (i = first; i < first + n; i++) {
		if (h->frame[i].used)
			return false;
	}
	return true;
}

/* A run of 2^@order free frames, aligned; 0: none. Rarely the one that was freed last. */
static u64 frame_alloc(struct gm_host *h, u32 order)
{
	u64 n = 1ull << order, tries, i;

	for (tries = 0; tries < GM_FRAMES / n; tries++) {
		h->cursor = (h->cursor + n) & ~(n - 1);
		if (h->cursor + n > GM_FRAMES)
			h->cursor = 64;
		if (!free_run(h, h->cursor, n))
			continue;
		for (i = h->cursor; i < h->cursor + n; i++) {
			u32 c;

			h->frame[i].used = true;
			h->frame[i].maps = 0;
			for (c = 0; c < GM_CPUS; c++)
				port_write64(&h->frame[i].word[c], 0);
		}
		return h->cursor;
	}
	return 0;
}

static void frame_check(struct gm_host *h, u64 f)
{
	struct gm_frame *frame = &h->frame[f];

	if (f != GM_ZERO && !frame->maps && !frame->refs)
		frame->used = false;
}

static void frame_unmap(struct gm_host *h, u64 f)
{
	port_assert(h->frame[f].maps);
	h->frame[f].maps--;
	frame_check(h, f);
}

static void copy_words(u64 *to, const u64 *from)
{
	u32 c;

	for (c = 0; c < GM_CPUS; c++)
		port_write64(&to[c], port_read64(&from[c]));
}

static bool same_words(const u64 *a, const u64 *b)
{
	u32 c;

	for (c = 0; c < GM_CPUS; c++) {
		if (port_read64(&a[c]) != port_read64(&b[c]))
			return false;
	}
	return true;
}

/* Between the steps of a change others get their chance to be in the way. */
static void linger(void)
{
	static _Thread_local u32 turn;

	if (gm_host_linger && !(++turn % gm_host_linger))
		sched_yield();
}

/* ---- Page tables, under ptl ---- */

static void map_frame(struct gm_host *h, u64 i, u64 f, bool writable, u32 order)
{
	struct gm_pte *pte = &h->pte[i];

	h->frame[f].maps++;
	pte->frame = f;
	pte->present = true;
	pte->swapped = false;
	pte->order = order;
	port_write32(&pte->writable, writable);
}

static void unmap_frame(struct gm_host *h, u64 i)
{
	struct gm_pte *pte = &h->pte[i];

	if (pte->present)
		frame_unmap(h, pte->frame);
	pte->present = false;
	pte->order = 0;
	port_write32(&pte->writable, 0);
}

/* The huge page around @i becomes small ones, mapped as before. */
static void split_huge(struct gm_host *h, u64 i)
{
	u32 order = h->pte[i].order;
	u64 first = i & ~((1ull << order) - 1), k;

	if (!order)
		return;
	h->splits++;
	for (k = first; k < first + (1ull << order); k++)
		h->pte[k].order = 0;
}

/* The range that a change of [@first, @first + @n) splits or changes, whole huge pages. */
static void widen(struct gm_host *h, u64 *first, u64 *n)
{
	u64 last = *first + *n - 1, a, b;

	lock(h);
	a = *first & ~((1ull << h->pte[*first].order) - 1);
	b = last | ((1ull << h->pte[last].order) - 1);
	unlock(h);
	*first = a;
	*n = b - a + 1;
}

/* ---- Faults of the host ---- */

static bool range_empty(const struct gm_host *h, u64 first, u64 n)
{
	u64 i;

	for (i = first; i < first + n; i++) {
		if (h->pte[i].present || h->pte[i].swapped || h->pte[i].poisoned)
			return false;
	}
	return true;
}

/* Anonymous memory appears: a huge page, if there is room for one and luck. */
static bool fault_huge(struct gm_host *h, u64 i)
{
	u32 order = gm_huge_order[rng_below(&h->rng, HUGE_ORDERS)];
	u64 n = 1ull << order, first = i & ~(n - 1), f, k;

	if (rng_chance(&h->rng, 50) || !range_empty(h, first, n))
		return false;
	f = frame_alloc(h, order);
	if (!f)
		return false;
	for (k = 0; k < n; k++)
		map_frame(h, first + k, f + k, true, order);
	h->huge++;
	return true;
}

static int fault_small(struct gm_host *h, u64 i, bool write)
{
	struct gm_pte *pte = &h->pte[i];
	u64 f;

	if (!write && !pte->swapped) {
		map_frame(h, i, GM_ZERO, false, 0);
		return 0;
	}
	f = frame_alloc(h, 0);
	if (!f)
		return -ENOMEM;
	if (pte->swapped)
		copy_words(h->frame[f].word, pte->word);
	map_frame(h, i, f, true, 0);
	return 0;
}

/* Write access to a page that others may share. True: it takes a copy, hence a notification. */
static bool needs_copy(struct gm_host *h, u64 i)
{
	struct gm_pte *pte = &h->pte[i];

	if (port_read32(&pte->writable))
		return false;
	if (pte->frame != GM_ZERO && h->frame[pte->frame].maps == 1) {
		/* Nobody else has it any more: it becomes writable, and nobody is told. */
		port_write32(&pte->writable, 1);
		h->reuses++;
		return false;
	}
	return true;
}

/* Huge pages don't reach out of a range that was announced, though somebody may have made one. */
static bool settled(const struct gm_host *h, u64 first, u64 n)
{
	u64 last = first + n - 1;

	return (first & ~((1ull << h->pte[first].order) - 1)) == first &&
	       (last | ((1ull << h->pte[last].order) - 1)) == last;
}

static void copy_page(struct gm_host *h, u64 i)
{
	u64 old = h->pte[i].frame, f = frame_alloc(h, 0);

	if (!f)
		return;
	split_huge(h, i);
	copy_words(h->frame[f].word, h->frame[old].word);
	unmap_frame(h, i);
	map_frame(h, i, f, true, 0);
	h->cows++;
}

static void break_cow(struct gm_host *h, u64 i)
{
	u64 first = i, n = 1;

	widen(h, &first, &n);
	gmem_invalidate_start(h->g, gm_hva(first), gm_hva(first + n), false);
	lock(h);
	if (h->pte[i].present && settled(h, first, n) && needs_copy(h, i))
		copy_page(h, i);
	unlock(h);
	gmem_invalidate_end(h->g, gm_hva(first), gm_hva(first + n));
}

/* One attempt under ptl. 1: copy on write has to be broken first. */
static int resolve_locked(struct gm_host *h, u64 i, bool write, struct gmem_page *page)
{
	struct gm_pte *pte = &h->pte[i];
	int err = 0;

	if (rng_chance(&h->rng, h->fail_percent))
		return rng_chance(&h->rng, 50) ? -EAGAIN : -EINTR;
	if (pte->poisoned) {
		page->order = pte->order;
		return GMEM_EHWPOISON;
	}
	if (!pte->present && !(write && !pte->swapped && fault_huge(h, i)))
		err = fault_small(h, i, write);
	if (err)
		return err;
	if (write && needs_copy(h, i))
		return 1;
	page->pfn = GM_PFN0 + pte->frame;
	page->order = pte->order;
	page->writable = port_read32(&pte->writable);
	page->referenced = true;
	h->frame[pte->frame].refs++;
	return 0;
}

int gm_host_resolve(struct gm_host *h, u64 hva, u32 want, struct gmem_page *page)
{
	u64 i = (hva >> GM_SHIFT) - GM_HVN0;
	int err, tries;

	if (i >= GM_HVNS)
		return -EFAULT;
	for (tries = 0; tries < 4; tries++) {
		lock(h);
		err = resolve_locked(h, i, want & GMEM_WANT_WRITE, page);
		unlock(h);
		linger();
		if (err != 1)
			return err;
		break_cow(h, i);
	}
	return -EAGAIN;
}

void gm_host_release(struct gm_host *h, struct gmem_page *page, enum gmem_release how)
{
	u64 f = page->pfn - GM_PFN0;

	(void)how;
	lock(h);
	port_assert(h->frame[f].refs);
	h->frame[f].refs--;
	frame_check(h, f);
	unlock(h);
}

/* ---- Changes ---- */

/* What a change does to one page, under ptl and announced. */
typedef void change_fn(struct gm_host *h, u64 i);

static void change_range(struct gm_host *h, u64 first, u64 n, change_fn *fn)
{
	u64 wide = first, wide_n = n, i;

	widen(h, &wide, &wide_n);
	gmem_invalidate_start(h->g, gm_hva(wide), gm_hva(wide + wide_n), true);
	linger();
	lock(h);
	if (settled(h, wide, wide_n)) {
		for (i = first; i < first + n; i++) {
			if (h->pte[i].poisoned)
				continue;
			split_huge(h, i);
			fn(h, i);
		}
	}
	unlock(h);
	linger();
	gmem_invalidate_end(h->g, gm_hva(wide), gm_hva(wide + wide_n));
}

static void punch(struct gm_host *h, u64 i)
{
	unmap_frame(h, i);
	h->pte[i].swapped = false;
	__atomic_add_fetch(&h->pte[i].punched, 1, __ATOMIC_RELEASE);
	h->punches++;
}

static void swap_out(struct gm_host *h, u64 i)
{
	struct gm_pte *pte = &h->pte[i];

	if (!pte->present)
		return;
	copy_words(pte->word, h->frame[pte->frame].word);
	unmap_frame(h, i);
	pte->swapped = true;
	h->swaps++;
}

static void migrate(struct gm_host *h, u64 i)
{
	struct gm_pte *pte = &h->pte[i];
	bool writable = port_read32(&pte->writable);
	u64 f;

	if (!pte->present || pte->frame == GM_ZERO || h->frame[pte->frame].maps > 1 ||
	    h->frame[pte->frame].refs)
		return;
	f = frame_alloc(h, 0);
	if (!f)
		return;
	copy_words(h->frame[f].word, h->frame[pte->frame].word);
	unmap_frame(h, i);
	map_frame(h, i, f, writable, 0);
	h->migrations++;
}

/* The page gets the frame of an earlier one with the same contents; both become read-only. */
static void merge(struct gm_host *h, u64 i)
{
	struct gm_pte *a = &h->pte[i], *b = i ? &h->pte[i - 1] : NULL;

	if (!b || !a->present || !b->present || b->order || a->frame == b->frame ||
	    port_read32(&b->writable) || !same_words(h->frame[a->frame].word,
						      h->frame[b->frame].word))
		return;
	unmap_frame(h, i);
	map_frame(h, i, b->frame, false, 0);
	h->ksm++;
}

static void protect(struct gm_host *h, u64 i)
{
	if (!h->pte[i].present)
		return;
	port_write32(&h->pte[i].writable, 0);
	h->protects++;
}

/* A child gets the page as it is. */
static void fork_page(struct gm_host *h, u64 i)
{
	struct gm_pte *pte = &h->pte[i];

	if (!pte->present || h->child[i] || pte->frame == GM_ZERO)
		return;
	protect(h, i);
	h->child[i] = pte->frame;
	h->frame[pte->frame].maps++;
}

/* The child ends: not a change of our address space. */
static void child_exit(struct gm_host *h, u64 first, u64 n)
{
	u64 i;

	lock(h);
	for (i = first; i < first + n; i++) {
		if (h->child[i])
			frame_unmap(h, h->child[i]);
		h->child[i] = 0;
	}
	unlock(h);
}

/* Small pages become a huge one, elsewhere. */
static void collapse(struct gm_host *h, u64 i, u32 order)
{
	u64 n = 1ull << order, first = i & ~(n - 1), f = 0, k;
	bool all = true;

	gmem_invalidate_start(h->g, gm_hva(first), gm_hva(first + n), true);
	lock(h);
	for (k = first; k < first + n; k++) {
		const struct gm_pte *pte = &h->pte[k];

		all &= pte->present && !pte->order && port_read32(&pte->writable) &&
		       h->frame[pte->frame].maps == 1 && !h->frame[pte->frame].refs;
	}
	if (all)
		f = frame_alloc(h, order);
	for (k = 0; f && k < n; k++) {
		copy_words(h->frame[f + k].word, h->frame[h->pte[first + k].frame].word);
		unmap_frame(h, first + k);
		map_frame(h, first + k, f + k, true, order);
		h->huge += !k;
	}
	unlock(h);
	gmem_invalidate_end(h->g, gm_hva(first), gm_hva(first + n));
}

void gm_host_punch(struct gm_host *h, u64 first, u64 n)
{
	change_range(h, first, n, punch);
}

static void poison_page(struct gm_host *h, u64 i)
{
	punch(h, i);
	h->pte[i].poisoned = true;
}

void gm_host_poison(struct gm_host *h, u64 i)
{
	change_range(h, i, 1, poison_page);
}

void gm_host_step(struct gm_host *h, struct rng *rng)
{
	static change_fn *const change[] = { punch, swap_out, migrate, merge, protect, fork_page };
	u64 what = rng_below(rng, 9);
	u64 n = rng_chance(rng, 10) ? 1 + rng_below(rng, 200) : 1 + rng_below(rng, 12);
	u64 first = rng_below(rng, GM_HVNS - n);

	if (what < 6)
		change_range(h, first, n, change[what]);
	else if (what == 6)
		child_exit(h, first, n);
	else
		collapse(h, first, gm_huge_order[what - 7]);
}

u64 gm_host_read(struct gm_host *h, u64 i, u32 cpu)
{
	const struct gm_pte *pte = &h->pte[i];
	u64 v = 0;

	lock(h);
	if (pte->present)
		v = port_read64(&h->frame[pte->frame].word[cpu]);
	else if (pte->swapped)
		v = port_read64(&pte->word[cpu]);
	unlock(h);
	return v;
}

u64 gm_host_leaked(struct gm_host *h)
{
	u64 i, leaked = 0;

	child_exit(h, 0, GM_HVNS);
	for (i = 0; i < GM_HVNS; i++)
		unmap_frame(h, i);
	for (i = 0; i < GM_FRAMES; i++)
		leaked += i != GM_ZERO && h->frame[i].used;
	return leaked;
}

void gm_host_init(struct gm_host *h, struct gmem *g, u64 seed)
{
	memset(h, 0, sizeof(*h));
	h->g = g;
	h->rng = rng_seeded(seed ^ 0x5eed);
	h->cursor = 64;
	h->frame[GM_ZERO].used = true;
	h->frame[GM_ZERO].maps = 1;
	pthread_mutex_init(&h->ptl, NULL);
}
