// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A stage-2 fault: from the guest's frame to the host's page and back as a mapping.
 *
 * Invariant 9: the page is found without a lock, between the sampling of the
 * sequence count and its check under the mmu lock; an invalidation that began in
 * between, or is still going on, makes the fault start over. Invariant 10: a page is
 * marked dirty before the guest can write it.
 *
 * Old pages and pages that only the dirty log made read-only need no look at the
 * host's mappings: a translation that is there under the lock is still true, because
 * the host would have had it removed.
 *
 * Locks: a readers' section throughout, the mmu lock for reading around changes.
 */
#include "gmem_priv.h"

/* One try that meets -ENOMEM tops its cache up this often. */
#define TOPUPS_MAX 8

/* Inside this file: an instruction was to be fetched from a device. */
#define NOEXEC (-8)

struct attempt {
	struct gmem *g;
	const struct gmem_fault *f;
	struct gmem_slot *slot;
	struct gmem_cache *cache;
	struct gmem_page page;
	u64 hva;
	u32 order; /* of what is to be mapped around it */
};

/* Whether what was resolved since @seq was sampled can't be relied on; mmu lock held. */
static bool overtaken(const struct attempt *a, u64 seq)
{
	const struct gmem *g = a->g;
	u64 bytes = 1ull << (g->page_shift + a->order);
	u64 start = a->hva & ~(bytes - 1);

	if (g->pinned)
		return false;
	if (g->invalidating && start < g->inv_end && start + bytes > g->inv_start)
		return true;
	return g->seq != seq;
}

/* The largest block around the fault that slot, host mapping and backend all allow. */
static u32 choose_order(const struct attempt *a)
{
	const struct gmem *g = a->g;
	const struct gmem_slot *s = a->slot;
	u64 gfn = a->f->gfn, hvn = a->hva >> g->page_shift;
	u32 i = sizeof(g->be->block_order) / sizeof(g->be->block_order[0]);

	if (gmem_logging(s) || a->page.device)
		return 0;
	while (i--) {
		u32 order = g->be->block_order[i];
		u64 mask = (1ull << order) - 1, first = gfn & ~mask;

		if (order && order <= a->page.order && !((gfn ^ hvn) & mask) &&
		    !((gfn ^ a->page.pfn) & mask) && first >= s->gfn &&
		    first + mask <= s->gfn + s->pages - 1)
			return order;
	}
	return 0;
}

/* What the guest may do with the page. */
static u32 choose_prot(const struct attempt *a)
{
	u32 prot = GMEM_PROT_R;

	if (a->page.writable && !(port_read32(&a->slot->flags) & GMEM_READONLY) &&
	    (a->f->write || !gmem_logging(a->slot)))
		prot |= GMEM_PROT_W;
	if (a->page.device)
		prot |= a->page.noncached ? GMEM_PROT_NC : GMEM_PROT_DEVICE;
	else if (a->f->exec || a->g->exec_free)
		prot |= GMEM_PROT_X;
	return prot;
}

/* The frame is mapped already: -ENOENT unless adding @prot to what it has is all it takes. */
static int reuse(struct attempt *a, u32 prot)
{
	const struct gmem_backend_ops *ops = a->g->be->ops;
	u64 mask = (1ull << a->order) - 1, gfn = a->f->gfn;
	struct gmem_mapping m;
	u64 done = 0;

	if (a->f->kind != GMEM_FAULT_PERMISSION || ops->lookup(a->g->be, gfn, &m))
		return -ENOENT;
	if (m.pfn + (gfn - m.gfn) != a->page.pfn || m.pages <= mask)
		return -ENOENT;
	if (m.pages > mask + 1) {
		int err;

		if (!a->g->be->shared_split)
			return -ENOENT;
		err = ops->split(a->g->be, m.gfn, m.pages, a->cache, &done);
		if (err)
			return err;
	}
	if ((prot & GMEM_PROT_X) && !a->page.device)
		a->g->ops->prepare(a->g->env, a->page.pfn & ~mask, mask + 1, GMEM_PROT_X);
	return ops->relax_perms(a->g->be, gfn, prot);
}

/* Maps the block or page. */
static int map(struct attempt *a, u32 prot)
{
	struct gmem *g = a->g;
	u64 mask = (1ull << a->order) - 1;
	u64 gfn = a->f->gfn & ~mask, pfn = a->page.pfn & ~mask;

	if (!a->page.device)
		g->ops->prepare(g->env, pfn, mask + 1, prot);
	return g->be->ops->map(g->be, gfn, mask + 1, pfn, prot, a->page.writable, a->cache);
}

/* Makes the mapping; the mmu lock is held for reading, the page is known to be the one. */
static int install(struct attempt *a)
{
	struct gmem *g = a->g;
	u32 prot = choose_prot(a);
	int err;

	if (a->f->exec && a->page.device)
		return NOEXEC;
	if (a->f->write && !(prot & GMEM_PROT_W))
		return -EAGAIN;
	if ((prot & GMEM_PROT_W) &&
	    !gmem_note_write(a->slot, a->f->gfn - a->slot->gfn, a->f->ring))
		return -EAGAIN;
	err = reuse(a, prot);
	if (err == -ENOENT)
		err = map(a, prot);
	if (err == -E2BIG && a->order) {
		a->order = 0;
		err = map(a, prot);
	}
	if (err)
		return err;
	gmem_count(&g->stats.faults);
	if (a->page.referenced && !g->pinned)
		g->ops->release(g->env, &a->page,
				prot & GMEM_PROT_W ? GMEM_RELEASE_DIRTY : GMEM_RELEASE_CLEAN);
	a->page.referenced = false;
	return 0;
}

/* One round of sample, resolve, check, install. 0, or -EAGAIN and others. */
static int try_once(struct attempt *a)
{
	struct gmem *g = a->g;
	u32 want = (a->f->write ? GMEM_WANT_WRITE : 0) | (a->f->exec ? GMEM_WANT_EXEC : 0);
	u64 seq = port_read_acquire64(&g->seq);
	int err;

	memset(&a->page, 0, sizeof(a->page));
	err = g->ops->resolve(g->env, a->hva, want, &a->page);
	if (err)
		return err;
	gmem_lock_read(g);
	a->order = choose_order(a);
	if (port_read32(&a->slot->dead) || overtaken(a, seq))
		err = -EAGAIN;
	else
		err = install(a);
	gmem_unlock_read(g);
	if (a->page.referenced)
		g->ops->release(g->env, &a->page, GMEM_RELEASE_UNUSED);
	return err;
}

static int try_all(struct attempt *a)
{
	int topups, err = a->g->ops->topup(a->g->env, a->cache, false);

	for (topups = 0; !err; topups++) {
		err = try_once(a);
		if (err != -ENOMEM || topups == TOPUPS_MAX)
			break;
		err = a->g->ops->topup(a->g->env, a->cache, true);
	}
	return err;
}

/* A write to a page that only the dirty log keeps read-only; true if that was it. */
static bool fast_dirty(struct attempt *a)
{
	struct gmem *g = a->g;
	struct gmem_mapping m;
	bool done = false;

	gmem_lock_read(g);
	if (!port_read32(&a->slot->dead) && gmem_logging(a->slot) &&
	    !g->be->ops->lookup(g->be, a->f->gfn, &m) && m.pages == 1 && m.host_writable &&
	    gmem_note_write(a->slot, a->f->gfn - a->slot->gfn, a->f->ring)) {
		done = !g->be->ops->relax_perms(g->be, a->f->gfn, GMEM_PROT_R | GMEM_PROT_W);
	}
	gmem_unlock_read(g);
	return done;
}

/* What takes no look at the host's mappings; true if that was all. */
static bool fast_path(struct attempt *a)
{
	struct gmem *g = a->g;

	if (a->f->kind == GMEM_FAULT_ACCESS) {
		gmem_lock_read(g);
		g->be->ops->mkyoung(g->be, a->f->gfn);
		gmem_unlock_read(g);
	} else if (a->f->kind != GMEM_FAULT_PERMISSION || !a->f->write || a->f->exec ||
		   !fast_dirty(a)) {
		return false;
	}
	gmem_count(&g->stats.fast);
	return true;
}

static void settle(struct gmem *g, const struct attempt *a, int err, struct gmem_outcome *out)
{
	out->error = err;
	out->order = a->page.order;
	if (!err) {
		out->result = GMEM_DONE;
		if (g->pinned)
			out->unused = (1ull << a->page.order) - (1ull << a->order);
	} else if (err == -EAGAIN) {
		gmem_count(&g->stats.retries);
		out->result = GMEM_RETRY;
		out->error = 0;
	} else if (err == GMEM_EHWPOISON) {
		out->result = GMEM_POISON;
	} else if (err == NOEXEC) {
		out->result = GMEM_NOEXEC;
	} else {
		out->result = GMEM_FAILED;
	}
}

static void fault_in_slot(struct gmem *g, const struct gmem_fault *f, struct gmem_slot *slot,
			  struct gmem_cache *cache, struct gmem_outcome *out)
{
	struct attempt a = {
		.g = g,
		.f = f,
		.slot = slot,
		.cache = cache,
		.hva = slot->hva + ((f->gfn - slot->gfn) << g->page_shift),
	};

	out->hva = a.hva;
	if (port_read32(&slot->dead))
		settle(g, &a, -EAGAIN, out);
	else if ((f->write || g->pinned) && (port_read32(&slot->flags) & GMEM_READONLY))
		out->result = GMEM_RDONLY;
	else if (fast_path(&a))
		out->result = GMEM_DONE;
	else
		settle(g, &a, try_all(&a), out);
}

void gmem_fault(struct gmem *g, const struct gmem_fault *f, struct gmem_cache *cache,
		struct gmem_outcome *out)
{
	u32 token = g->ops->enter(g->env);
	struct gmem_slot *slot = gmem_slot_of_gfn(g, f->gfn);

	memset(out, 0, sizeof(*out));
	if (slot)
		fault_in_slot(g, f, slot, cache, out);
	else
		out->result = GMEM_NOSLOT;
	g->ops->leave(g->env, token);
}
