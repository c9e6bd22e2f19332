// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memslots: add, delete, move, change flags; look up by gfn and by id.
 *
 * There are two generations of the trees that readers search. A change edits the
 * one that nobody reads, publishes it, waits for the readers of the other one, and
 * then edits that one too: two edits of O(log n) and one wait, whatever the number
 * of slots. A slot that goes away is dead first: under the mmu lock nothing can be
 * mapped through it any more, and what was is removed (invariant 9: it can still be
 * found by notifications until nothing of it is mapped).
 *
 * Locks: the slots mutex for everything that changes slots, a readers' section or the mmu
 * lock, held throughout, for those that look something up.
 */
#include "gmem_priv.h"

static struct gmem_slot *slot_by_gfn(struct gmem_node *n, u32 idx)
{
	return gmem_entry(n - idx, struct gmem_slot, by_gfn[0]);
}

struct gmem_slot *gmem_slot_of_gfn(const struct gmem *g, u64 gfn)
{
	u32 idx;
	const struct gmem_slots *s = gmem_active(g, &idx);
	struct gmem_node *n = gmem_tree_overlap(&s->by_gfn, gfn, gfn);

	return n ? slot_by_gfn(n, idx) : NULL;
}

struct gmem_slot *gmem_slot_of_id(const struct gmem *g, u32 id)
{
	struct gmem_node *n = gmem_tree_overlap(&g->by_id, id, id);

	return n ? gmem_entry(n, struct gmem_slot, by_id) : NULL;
}

int gmem_hva(const struct gmem *g, u64 gfn, bool write, u64 *hva)
{
	const struct gmem_slot *slot = gmem_slot_of_gfn(g, gfn);

	if (!slot)
		return -ENOENT;
	if (port_read32(&slot->dead))
		return -EAGAIN;
	if (write && (port_read32(&slot->flags) & GMEM_READONLY))
		return -EPERM;
	*hva = slot->hva + ((gfn - slot->gfn) << g->page_shift);
	return 0;
}

/* ---- Changes ---- */

static struct gmem_slot *slot_alloc(struct gmem *g, const struct gmem_region *r)
{
	struct gmem_slot *slot = g->ops->alloc(g->env, sizeof(*slot));

	if (!slot)
		return NULL;
	slot->id = r->id;
	slot->flags = r->flags;
	slot->gfn = r->gpa >> g->page_shift;
	slot->pages = r->bytes >> g->page_shift;
	slot->hva = r->hva;
	slot->by_id.first = slot->id;
	slot->by_id.last = slot->id;
	return slot;
}

static u64 *log_alloc(struct gmem *g, u64 pages)
{
	u64 *log = g->ops->alloc(g->env, gmem_log_bytes(pages));

	if (log)
		gmem_log_fill(g, log, pages);
	return log;
}

static void log_free(struct gmem *g, u64 *log, u64 pages)
{
	if (log)
		g->ops->free(g->env, log, gmem_log_bytes(pages));
}

static void slot_free(struct gmem *g, struct gmem_slot *slot)
{
	log_free(g, slot->dirty, slot->pages);
	g->ops->free(g->env, slot, sizeof(*slot));
}

static void generation_add(struct gmem *g, u32 idx, struct gmem_slot *slot)
{
	struct gmem_node *gfn = &slot->by_gfn[idx], *hva = &slot->by_hva[idx];

	gfn->first = slot->gfn;
	gfn->last = slot->gfn + slot->pages - 1;
	gmem_tree_insert(&g->slots[idx].by_gfn, gfn);
	hva->first = slot->hva;
	hva->last = slot->hva + (slot->pages << g->page_shift) - 1;
	gmem_tree_insert(&g->slots[idx].by_hva, hva);
}

static void generation_remove(struct gmem *g, u32 idx, struct gmem_slot *slot)
{
	gmem_tree_remove(&g->slots[idx].by_gfn, &slot->by_gfn[idx]);
	gmem_tree_remove(&g->slots[idx].by_hva, &slot->by_hva[idx]);
}

static void generation_edit(struct gmem *g, u32 idx, struct gmem_slot *old, struct gmem_slot *new)
{
	if (old)
		generation_remove(g, idx, old);
	if (new)
		generation_add(g, idx, new);
}

/* Waits until nobody uses what was found in the generation that is not active any more. */
static void wait_for_readers(struct gmem *g)
{
	g->ops->sync(g->env);
	/* Who looked under the mmu lock alone has let go of it; who takes it next sees the change. */
	gmem_lock_write(g);
	gmem_unlock_write(g);
}

/* Readers see @new in place of @old, either of which may be NULL; @old is then only ours. */
static void publish(struct gmem *g, struct gmem_slot *old, struct gmem_slot *new)
{
	u32 now = (u32)g->active;

	generation_edit(g, !now, old, new);
	port_write_release64(&g->active, !now);
	g->generation++;
	wait_for_readers(g);
	generation_edit(g, now, old, new);
	if (old) {
		gmem_tree_remove(&g->by_id, &old->by_id);
		g->slot_pages -= old->pages;
		g->nslots--;
	}
	if (new) {
		gmem_tree_insert(&g->by_id, &new->by_id);
		g->slot_pages += new->pages;
		g->nslots++;
	}
}

/*
 * Nothing is mapped through @slot from here on. Donated pages can't be taken back:
 * -EPERM if there are any, and the slot lives on.
 */
static int slot_kill(struct gmem *g, struct gmem_slot *slot)
{
	int err;

	gmem_lock_write(g);
	port_write32(&slot->dead, 1);
	err = gmem_walk(g, GMEM_WALK_UNMAP, slot->gfn, slot->pages, true);
	if (err)
		port_write32(&slot->dead, 0);
	gmem_unlock_write(g);
	return err;
}

static int slot_delete(struct gmem *g, struct gmem_slot *old)
{
	int err = slot_kill(g, old);

	if (err)
		return err;
	publish(g, old, NULL);
	slot_free(g, old);
	return 0;
}

/* Whether a slot other than @but meets the frames. */
static bool taken(struct gmem *g, u64 gfn, u64 pages, const struct gmem_slot *but)
{
	u32 idx;
	const struct gmem_slots *s = gmem_active(g, &idx);
	struct gmem_node *n = gmem_tree_overlap(&s->by_gfn, gfn, gfn + pages - 1);

	if (n && slot_by_gfn(n, idx) == but)
		n = gmem_tree_next_overlap(n, gfn, gfn + pages - 1);
	return n;
}

static int slot_create(struct gmem *g, const struct gmem_region *r)
{
	struct gmem_slot *new;

	if (taken(g, r->gpa >> g->page_shift, r->bytes >> g->page_shift, NULL))
		return -EEXIST;
	new = slot_alloc(g, r);
	if (!new)
		return -ENOMEM;
	if (r->flags & GMEM_LOG_DIRTY) {
		new->dirty = log_alloc(g, new->pages);
		if (!new->dirty) {
			slot_free(g, new);
			return -ENOMEM;
		}
	}
	publish(g, NULL, new);
	return 0;
}

/* The log moves with the slot; both know it until the old one can't be found any more. */
static int slot_move(struct gmem *g, struct gmem_slot *old, const struct gmem_region *r)
{
	bool log = r->flags & GMEM_LOG_DIRTY;
	struct gmem_slot *new;
	int err;

	if (taken(g, r->gpa >> g->page_shift, old->pages, old))
		return -EEXIST;
	new = slot_alloc(g, r);
	if (!new)
		return -ENOMEM;
	if (log) {
		new->dirty = old->dirty ? old->dirty : log_alloc(g, new->pages);
		if (!new->dirty) {
			slot_free(g, new);
			return -ENOMEM;
		}
	}
	err = slot_kill(g, old);
	if (err) {
		if (old->dirty)
			new->dirty = NULL;
		slot_free(g, new);
		return err;
	}
	publish(g, old, new);
	if (log)
		old->dirty = NULL;
	slot_free(g, old);
	return 0;
}

static int slot_reflag(struct gmem *g, struct gmem_slot *slot, u32 flags)
{
	u64 *log;

	if (!((slot->flags ^ flags) & GMEM_LOG_DIRTY))
		return 0;
	if (!(flags & GMEM_LOG_DIRTY)) {
		log_free(g, gmem_log_stop(g, slot), slot->pages);
		g->generation++;
		return 0;
	}
	log = log_alloc(g, slot->pages);
	if (!log)
		return -ENOMEM;
	gmem_log_start(g, slot, log);
	g->generation++;
	return 0;
}

static int slot_change(struct gmem *g, struct gmem_slot *old, const struct gmem_region *r)
{
	if (old->pages != r->bytes >> g->page_shift || old->hva != r->hva ||
	    ((old->flags ^ r->flags) & GMEM_READONLY))
		return -EINVAL;
	if (old->gfn != r->gpa >> g->page_shift)
		return slot_move(g, old, r);
	return slot_reflag(g, old, r->flags);
}

static int region_check(const struct gmem *g, const struct gmem_region *r)
{
	u64 mask = (1ull << g->page_shift) - 1;
	u64 limit = 1ull << g->ipa_bits;

	if (r->id >= GMEM_SLOTS_MAX || (r->flags & ~(GMEM_LOG_DIRTY | GMEM_READONLY)))
		return -EINVAL;
	if ((r->gpa | r->bytes | r->hva) & mask)
		return -EINVAL;
	if (r->gpa + r->bytes < r->gpa || r->hva + r->bytes < r->hva)
		return -EINVAL;
	if (r->bytes >> g->page_shift > GMEM_SLOT_PAGES_MAX)
		return -EINVAL;
	if (r->bytes && (r->gpa >= limit || r->bytes > limit - r->gpa))
		return -EFAULT;
	/* Donated pages are the guest's to write, and nobody's to watch. */
	if (g->pinned && r->bytes && (r->flags & GMEM_LOG_DIRTY))
		return -EPERM;
	return 0;
}

int gmem_set_region(struct gmem *g, const struct gmem_region *r)
{
	struct gmem_slot *old;
	int err = region_check(g, r);

	if (err)
		return err;
	old = gmem_slot_of_id(g, r->id);
	if (!r->bytes)
		return old ? slot_delete(g, old) : -EINVAL;
	return old ? slot_change(g, old, r) : slot_create(g, r);
}

/* ---- Life ---- */

void gmem_init(struct gmem *g, const struct gmem_config *cfg)
{
	memset(g, 0, sizeof(*g));
	g->ops = cfg->ops;
	g->env = cfg->env;
	g->be = cfg->backend;
	g->page_shift = cfg->page_shift;
	g->ipa_bits = cfg->ipa_bits;
	g->pinned = cfg->pinned;
	g->exec_free = cfg->exec_free;
}

void gmem_destroy(struct gmem *g)
{
	struct gmem_node *n;

	g->be->ops->destroy(g->be);
	while ((n = gmem_tree_first(&g->by_id))) {
		gmem_tree_remove(&g->by_id, n);
		slot_free(g, gmem_entry(n, struct gmem_slot, by_id));
	}
	memset(g->slots, 0, sizeof(g->slots));
	g->nslots = 0;
	g->slot_pages = 0;
}
