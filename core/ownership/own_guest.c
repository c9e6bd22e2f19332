// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A guest's end (invariant 11): from live to dying, and from there, a bounded
 * number of pages at a time (invariant 7), to holding nothing. Draining asks the
 * guest's own tables what is left, so that nothing depends on what the host
 * remembers having given. Locks: the host's, then the guest's.
 */
#include "own_private.h"

void own_guest_kill(struct own_ctx *ctx, struct own_space *guest)
{
	own_lock(ctx, guest);
	guest->life = OWN_DYING;
	own_unlock(ctx, guest);
}

static bool guest_is_empty(const struct own_space *guest)
{
	return !guest->nr_pages && !guest->nr_device_pages;
}

bool own_guest_is_empty(struct own_ctx *ctx, struct own_space *guest)
{
	bool empty;

	own_lock(ctx, NULL);
	empty = guest_is_empty(guest);
	own_unlock(ctx, NULL);
	return empty;
}

static int drain_memory(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	struct own_addr host = { ctx->host, 0 };
	struct own_addr other = { guest, own_bytes(ctx, gfn) };
	struct own_transition tx = {
		.verb = OWN_GUEST_RECLAIM, .source = other, .target = host, .nr_pages = nr_pages,
	};

	if (guest->kind == OWN_KIND_GUEST_ORDINARY) {
		tx.verb = OWN_HOST_UNSHARE_GUEST;
		tx.source = host;
		tx.target = other;
	}
	return own_apply_locked(ctx, &tx);
}

/* A device page: lent, or part of a range that was donated. */
static int drain_device(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 pfn)
{
	return own_device_owner(ctx, pfn) == OWN_ID_HOST ?
		       own_device_unshare_locked(ctx, guest, gfn) :
		       own_device_return_locked(ctx, guest, gfn);
}

/*
 * Take back the mapping that begins at *@gfn: of a run, the part that lies in one RAM
 * region, or the device range that begins it. (The pages of a run are neighbours; that
 * does not make them one thing: RAM may border on a device.) Says in @run how many
 * pages are done.
 */
static int drain_mapped(struct own_ctx *ctx, struct own_space *guest, u64 gfn,
			struct own_run *run)
{
	u64 pfn = run->pa.v >> ctx->page_shift, left;
	const struct vmemmap_region *region = vmemmap_region(&ctx->mem, pfn);

	if (!region) {
		run->nr_pages = 1;
		return drain_device(ctx, guest, gfn, pfn);
	}
	left = region->pfn + region->nr_pages - pfn;
	if (run->nr_pages > left)
		run->nr_pages = left;
	return drain_memory(ctx, guest, gfn, run->nr_pages);
}

static int drain(struct own_ctx *ctx, struct own_space *guest, u64 *gfn, u64 full_budget)
{
	u64 end = 1ULL << (OWN_ADDR_BITS - ctx->page_shift), budget = full_budget;
	struct own_run run;
	int ret;

	while (!guest_is_empty(guest)) {
		if (!budget)
			return -EAGAIN;
		if (*gfn >= end ||
		    guest->ops->lookup(guest, own_bytes(ctx, *gfn), budget, &run)) {
			*gfn = 0; /* the rest is below where the caller began */
			return -EAGAIN;
		}
		/* The budget's end may cut a block: let the next call have it whole. */
		if (run.kind != OWN_RUN_NONE && run.nr_pages == budget && budget != full_budget)
			return -EAGAIN;
		ret = run.kind == OWN_RUN_MAPPED ? drain_mapped(ctx, guest, *gfn, &run) : 0;
		if (ret)
			return ret;
		*gfn += run.nr_pages;
		budget -= run.kind == OWN_RUN_NONE ? 1 : run.nr_pages;
	}
	return 0;
}

int own_guest_drain(struct own_ctx *ctx, struct own_space *guest, u64 *gfn, u64 budget)
{
	int ret = -EPERM;

	own_lock(ctx, guest);
	if (guest->life == OWN_DYING)
		ret = drain(ctx, guest, gfn, budget);
	own_unlock(ctx, guest);
	return ret;
}
