// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Device pages: everything that is not RAM. They have no record in the vmemmap;
 * their states are the host's (the default, not stored), the hyp's, or one
 * guest's, as an entry of a table sorted by frame number: a page is in at most one
 * entry (invariant 1). What is the host's it may lend to ordinary guests, page by page;
 * that is only counted, and while the count is not 0 nothing is donated.
 *
 * Memory transitions refuse device pages because they find no record; device
 * transitions refuse RAM because some region contains it. Neither can happen to
 * the other kind by accident. As there: check all, then commit (invariants 3, 5).
 *
 * Locks: the host's protects the table; then the guest's.
 */
#include "own_private.h"

u32 own_device_index(const struct own_devices *devices, u64 pfn)
{
	u32 low = 0, high = devices->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (devices->table[mid].pfn + devices->table[mid].nr_pages <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool own_devices_clear(const struct own_devices *devices, u64 pfn, u64 nr_pages)
{
	u32 i = own_device_index(devices, pfn);

	return i == devices->nr || devices->table[i].pfn >= pfn + nr_pages;
}

u32 own_device_owner(const struct own_ctx *ctx, u64 pfn)
{
	u32 i = own_device_index(&ctx->devices, pfn);

	if (i == ctx->devices.nr || ctx->devices.table[i].pfn > pfn)
		return OWN_ID_HOST;
	return ctx->devices.table[i].owner;
}

static void insert(struct own_devices *devices, struct own_device device)
{
	u32 at = own_device_index(devices, device.pfn);

	memmove(&devices->table[at + 1], &devices->table[at],
		(devices->nr - at) * sizeof(device));
	devices->table[at] = device;
	devices->nr++;
}

static void remove_at(struct own_devices *devices, u32 at)
{
	devices->nr--;
	memmove(&devices->table[at], &devices->table[at + 1],
		(devices->nr - at) * sizeof(devices->table[0]));
}

/* Is the range the host's MMIO, and is there room for an entry? */
static int check_host_device(const struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	if (!vmemmap_is_hole(&ctx->mem, pfn, nr_pages))
		return -ERANGE;
	if (!own_devices_clear(&ctx->devices, pfn, nr_pages))
		return -EPERM;
	if (ctx->devices.lent)
		return -EBUSY;
	if (ctx->devices.nr == ctx->devices.max)
		return -ENOSPC;
	return 0;
}

int own_assign_device_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages)
{
	struct own_device device = { .pfn = pfn, .nr_pages = nr_pages, .owner = OWN_ID_HYP };
	int ret;

	if (!own_frames_ok(ctx, pfn, nr_pages, ctx->pa_bits))
		return -EINVAL;
	own_lock(ctx, NULL);
	ret = check_host_device(ctx, pfn, nr_pages);
	if (!ret)
		insert(&ctx->devices, device);
	own_unlock(ctx, NULL);
	return ret;
}

static int check_donate(struct own_ctx *ctx, struct own_space *guest,
			const struct own_device *device)
{
	struct own_space *host = ctx->host;
	u64 ipa = own_bytes(ctx, device->gfn);
	int ret;

	if (guest->life != OWN_LIVE)
		return -EPERM;
	ret = check_host_device(ctx, device->pfn, device->nr_pages);
	if (!ret)
		ret = guest->ops->check_unmapped(guest, ipa, device->nr_pages);
	if (!ret)
		ret = host->ops->prepare(host, OWN_EDIT_UNMAP, own_bytes(ctx, device->pfn),
					 device->nr_pages);
	if (!ret)
		ret = guest->ops->prepare(guest, OWN_EDIT_MAP, ipa, device->nr_pages);
	return ret;
}

static void commit_donate(struct own_ctx *ctx, struct own_space *guest,
			  const struct own_device *device)
{
	struct own_space *host = ctx->host;
	u64 addr = own_bytes(ctx, device->pfn);

	host->ops->unmap(host, addr, device->nr_pages, guest->id);
	insert(&ctx->devices, *device);
	guest->ops->map(guest, own_bytes(ctx, device->gfn), pa(addr), device->nr_pages,
			OWN_PROT_RW | OWN_PROT_DEVICE);
	guest->nr_device_pages += device->nr_pages;
}

int own_host_donate_device(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			   u64 nr_pages)
{
	struct own_device device = {
		.pfn = pfn, .nr_pages = nr_pages, .gfn = gfn, .owner = guest->id,
	};
	int ret;

	if (!own_is_guest(guest) || !own_frames_ok(ctx, pfn, nr_pages, ctx->pa_bits) ||
	    !own_frames_ok(ctx, gfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	own_lock(ctx, guest);
	ret = check_donate(ctx, guest, &device);
	if (!ret)
		commit_donate(ctx, guest, &device);
	own_unlock(ctx, guest);
	return ret;
}

/* The guest's entry that has @gfn in it. A few entries: a linear search will do. */
static struct own_device *find_by_gfn(struct own_ctx *ctx, const struct own_space *guest, u64 gfn)
{
	struct own_device *device = ctx->devices.table;
	u32 i;

	for (i = 0; i < ctx->devices.nr; i++, device++)
		if (device->owner == guest->id && gfn >= device->gfn &&
		    gfn - device->gfn < device->nr_pages)
			return device;
	return NULL;
}

int own_device_return_locked(struct own_ctx *ctx, struct own_space *guest, u64 gfn)
{
	struct own_device *device = find_by_gfn(ctx, guest, gfn);
	struct own_space *host = ctx->host;
	u64 addr, ipa, nr_pages;
	int ret;

	if (!device)
		return -ENOENT;
	addr = own_bytes(ctx, device->pfn);
	ipa = own_bytes(ctx, device->gfn);
	nr_pages = device->nr_pages;
	ret = host->ops->prepare(host, OWN_EDIT_MAP, addr, nr_pages);
	if (!ret)
		ret = guest->ops->prepare(guest, OWN_EDIT_UNMAP, ipa, nr_pages);
	if (ret)
		return ret;

	guest->ops->unmap(guest, ipa, nr_pages, OWN_ID_HOST);
	remove_at(&ctx->devices, (u32)(device - ctx->devices.table));
	host->ops->map(host, addr, pa(addr), nr_pages, OWN_PROT_RW | OWN_PROT_DEVICE);
	guest->nr_device_pages -= nr_pages;
	return 0;
}

int own_device_return(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages)
{
	const struct own_device *device;
	int ret = -ENOENT;

	if (!own_is_guest(guest) || !own_frames_ok(ctx, gfn, nr_pages, OWN_ADDR_BITS))
		return -EINVAL;
	own_lock(ctx, guest);
	device = find_by_gfn(ctx, guest, gfn);
	if (device && device->gfn == gfn && device->nr_pages == nr_pages)
		ret = own_device_return_locked(ctx, guest, gfn);
	own_unlock(ctx, guest);
	return ret;
}

/* ---- Lending to ordinary guests ---- */

static bool lendable_prot(u32 prot)
{
	u32 kind = prot & (OWN_PROT_DEVICE | OWN_PROT_NC);

	return (prot & OWN_PROT_R) && (kind == OWN_PROT_DEVICE || kind == OWN_PROT_NC) &&
	       !(prot & ~(OWN_PROT_RW | kind));
}

static int check_lend(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 ipa)
{
	int ret;

	if (guest->kind != OWN_KIND_GUEST_ORDINARY || guest->life != OWN_LIVE)
		return -EPERM;
	if (!vmemmap_is_hole(&ctx->mem, pfn, 1))
		return -ERANGE;
	if (!own_devices_clear(&ctx->devices, pfn, 1))
		return -EPERM;
	ret = guest->ops->check_unmapped(guest, ipa, 1);
	return ret ? ret : guest->ops->prepare(guest, OWN_EDIT_MAP, ipa, 1);
}

int own_host_share_device(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			  u32 prot)
{
	u64 ipa = own_bytes(ctx, gfn);
	int ret;

	if (!own_is_guest(guest) || !lendable_prot(prot) ||
	    !own_frames_ok(ctx, pfn, 1, ctx->pa_bits) || !own_frames_ok(ctx, gfn, 1, OWN_ADDR_BITS))
		return -EINVAL;
	own_lock(ctx, guest);
	ret = check_lend(ctx, guest, pfn, ipa);
	if (!ret) {
		guest->ops->map(guest, ipa, pa(own_bytes(ctx, pfn)), 1, prot);
		guest->nr_device_pages++;
		ctx->devices.lent++;
	}
	own_unlock(ctx, guest);
	return ret;
}

void own_device_unlent(struct own_ctx *ctx, struct own_space *guest, u64 nr)
{
	port_assert(guest->nr_device_pages >= nr && ctx->devices.lent >= nr);
	guest->nr_device_pages -= nr;
	ctx->devices.lent -= nr;
}

int own_device_unshare_locked(struct own_ctx *ctx, struct own_space *guest, u64 gfn)
{
	u64 addr = own_bytes(ctx, gfn);
	int ret = guest->ops->prepare(guest, OWN_EDIT_UNMAP, addr, 1);

	if (ret)
		return ret;
	guest->ops->unmap(guest, addr, 1, OWN_ID_HOST);
	own_device_unlent(ctx, guest, 1);
	return 0;
}
