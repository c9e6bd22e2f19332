// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Transitions by name, and batches of them: the arguments of a hypercall (frame
 * numbers) put into the form of struct own_transition (spaces and addresses).
 * No state, no checks beyond the conversion; locks as in own_transition.c.
 */
#include "own_private.h"

/* A frame number that no 52-bit address has becomes an address that is refused. */
static u64 frame_addr(const struct own_ctx *ctx, u64 frame)
{
	return frame >> (OWN_ADDR_BITS - ctx->page_shift) ? ~0ULL : frame << ctx->page_shift;
}

static struct own_transition describe(const struct own_ctx *ctx, enum own_verb verb,
				      struct own_space *guest, const struct own_extent *extent,
				      u32 prot)
{
	u64 addr = frame_addr(ctx, extent->pfn);
	struct own_addr host = { ctx->host, addr }, other = { guest, 0 };
	bool from_host = own_verb_from_host(verb);

	if (guest)
		other.addr = frame_addr(ctx, extent->gfn);
	else
		other = (struct own_addr){ ctx->hyp, addr + ctx->hyp->va_offset };
	return (struct own_transition){
		.verb = verb,
		.source = from_host ? host : other,
		.target = from_host ? other : host,
		.nr_pages = extent->nr_pages,
		.prot = prot,
	};
}

int own_apply_batch(struct own_ctx *ctx, enum own_verb verb, struct own_space *guest,
		    const struct own_extent *extents, u64 nr_extents, u32 prot, u64 *done)
{
	struct own_space *other = guest ? guest : ctx->hyp;
	struct own_transition tx;
	int ret = 0;
	u64 i;

	*done = 0;
	if ((u32)verb >= OWN_NR_VERBS)
		return -EINVAL;
	tx = describe(ctx, verb, guest, &(struct own_extent){ 0 }, prot);
	if (!own_transition_other(ctx, &tx))
		return -EINVAL;
	own_lock(ctx, other);
	for (i = 0; i < nr_extents; i++) {
		tx = describe(ctx, verb, guest, &extents[i], prot);
		ret = own_apply_locked(ctx, &tx);
		if (ret)
			break;
	}
	own_unlock(ctx, other);
	*done = i;
	return ret;
}

static int with_hyp(struct own_ctx *ctx, enum own_verb verb, u64 pfn, u64 nr_pages)
{
	struct own_extent extent = { .pfn = pfn, .nr_pages = nr_pages };
	struct own_transition tx = describe(ctx, verb, NULL, &extent, 0);

	return own_apply(ctx, &tx);
}

static int with_guest(struct own_ctx *ctx, enum own_verb verb, struct own_space *guest, u64 pfn,
		      u64 gfn, u64 nr_pages, u32 prot)
{
	struct own_extent extent = { .pfn = pfn, .gfn = gfn, .nr_pages = nr_pages };
	struct own_transition tx = describe(ctx, verb, guest, &extent, prot);

	return own_apply(ctx, &tx);
}

int own_host_share_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return with_hyp(ctx, OWN_HOST_SHARE_HYP, pfn, nr_pages);
}

int own_host_unshare_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return with_hyp(ctx, OWN_HOST_UNSHARE_HYP, pfn, nr_pages);
}

int own_host_donate_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return with_hyp(ctx, OWN_HOST_DONATE_HYP, pfn, nr_pages);
}

int own_hyp_donate_host(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	return with_hyp(ctx, OWN_HYP_DONATE_HOST, pfn, nr_pages);
}

int own_host_share_guest(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			 u64 nr_pages, u32 prot)
{
	return with_guest(ctx, OWN_HOST_SHARE_GUEST, guest, pfn, gfn, nr_pages, prot);
}

int own_host_unshare_guest(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_HOST_UNSHARE_GUEST, guest, 0, gfn, nr_pages, 0);
}

int own_host_donate_guest(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			  u64 nr_pages)
{
	return with_guest(ctx, OWN_HOST_DONATE_GUEST, guest, pfn, gfn, nr_pages, 0);
}

int own_guest_share_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_GUEST_SHARE_HOST, guest, 0, gfn, nr_pages, 0);
}

int own_guest_unshare_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_GUEST_UNSHARE_HOST, guest, 0, gfn, nr_pages, 0);
}

int own_guest_donate_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_GUEST_DONATE_HOST, guest, 0, gfn, nr_pages, 0);
}

int own_guest_reclaim(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_GUEST_RECLAIM, guest, 0, gfn, nr_pages, 0);
}

int own_guest_force_reclaim(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	return with_guest(ctx, OWN_GUEST_FORCE_RECLAIM, guest, 0, gfn, nr_pages, 0);
}
