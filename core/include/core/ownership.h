/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ownership: who may use which page, and the transitions between host, hyp and
 * guests. docs/ownership.md has the state diagram and the table of transitions.
 *
 * The shape
 *   An address space (struct own_space) is the host's stage 2 (an identity map
 *   that is filled lazily), the hyp's stage 1, or a guest's stage 2. The library
 *   edits it through a table of operations, so that the same code runs over real
 *   page tables (<core/own_pgtable.h>) and over the arrays of a test.
 *   A page of RAM has a record in the vmemmap (<core/vmemmap.h>). Any other page
 *   is MMIO: the host's, unless the device table says otherwise.
 *
 * Check, then commit (invariant 5)
 *   Every transition checks all pages of all its ranges, and has both address
 *   spaces prepare (reserve table pages), before it changes anything. What follows
 *   cannot fail. On an error nothing has changed: no record, no mapping, no byte
 *   of memory, no count. (A reserve of table pages may have been looked at; it is
 *   returned in full.)
 *
 * Locks
 *   Every transition involves the host. Its space's lock protects all records and
 *   the device table as well; it is taken first, then the lock of the one other
 *   space. Locks of two guests are never held together. The caller holds neither;
 *   it may hold its own VM table's lock, or a reference that keeps the guest's
 *   space in existence: VM table -> host -> hyp or guest.
 *
 * Ranges
 *   Frame numbers and counts may come from an attacker and take any value.
 *   -EINVAL: no page at all, or a range that overflows or passes 2^52 bytes.
 *   -ERANGE: a range of frames that does not lie in one RAM region (a hole, MMIO,
 *   a straddle), or addresses beyond the input size of the other space.
 *   Work is linear in the number of pages: bounding it is up to the caller.
 */
#ifndef CORE_OWNERSHIP_H
#define CORE_OWNERSHIP_H

#include <core/vmemmap.h>
#include <redoubt/types.h>

/* ---- Address spaces ---- */

enum own_kind {
	OWN_KIND_HOST,		  /* one; OWN_ID_HOST; addresses are physical */
	OWN_KIND_HYP,		  /* one; OWN_ID_HYP; addresses are EL2 VAs */
	OWN_KIND_GUEST_ORDINARY,  /* borrows pages of the host; addresses are IPAs */
	OWN_KIND_GUEST_PROTECTED, /* owns pages that the host donated; likewise */
};

enum own_life {
	OWN_LIVE,  /* may be given pages */
	OWN_DYING, /* never runs again: only gives pages back */
};

/* Rights of a mapping, and what it maps. */
#define OWN_PROT_R	0x1u
#define OWN_PROT_W	0x2u
#define OWN_PROT_X	0x4u
#define OWN_PROT_DEVICE 0x8u /* device memory; never with OWN_PROT_X */
#define OWN_PROT_NC	0x10u /* not RAM, but Normal non-cacheable; in the place of DEVICE */
#define OWN_PROT_RW	(OWN_PROT_R | OWN_PROT_W)
#define OWN_PROT_RWX	(OWN_PROT_RW | OWN_PROT_X)

/* What own_space_ops.prepare() promises for. */
enum own_edit {
	OWN_EDIT_MAP,
	OWN_EDIT_UNMAP,
	OWN_EDIT_POISON,
};

/* What an address space has at an address. */
enum own_run_kind {
	OWN_RUN_NONE,	  /* nothing */
	OWN_RUN_MAPPED,	  /* a valid mapping */
	OWN_RUN_POISONED, /* poisoned: taken from the guest by force */
};

/* Pages that an address space has in a row. */
struct own_run {
	enum own_run_kind kind;
	pa_t pa;      /* OWN_RUN_MAPPED: physical address of the first page */
	u64 nr_pages; /* at least 1; more than were asked for only if OWN_RUN_NONE */
};

struct own_space;

/*
 * How the library sees and edits an address space. @addr is in bytes and aligned
 * to the granule, ranges have at least one page and don't overflow. All but
 * @lock are called with the space's lock held.
 *
 * @lock, @unlock:
 *	Take and release the space's lock. A transaction lies between the two:
 *	@unlock also returns what @prepare reserved and the commit did not use.
 * @check_unmapped:
 *	0 if [@addr, +@nr_pages) is inside the space and has no valid and no
 *	poisoned entry, not even a part of a larger block; -EPERM if it has one;
 *	-ERANGE if the range is not inside the space's input size. Not called for
 *	the host, whose state is in the records.
 * @lookup:
 *	Describe what is at @addr: the kind, and how many of the @nr_pages from
 *	there on are the same (mapped: and physically contiguous). May stop early,
 *	but reports at least one page; a hole may be reported as large as it is
 *	known to be, so that sparse address spaces are crossed in big steps.
 *	-ERANGE if @addr is beyond the input size (a range that reaches beyond it
 *	is cut). Not called for the host.
 * @prepare:
 *	Make certain that the edit on this range cannot fail: set table pages
 *	aside for maps, and for the blocks that an unmap or poison has to split.
 *	Reservations add up until the next edit or @unlock. -ENOMEM, with no
 *	mapping changed; -ERANGE as above. The edits of the range that follow are
 *	cut at most where @lookup ended a run, or (the host) between a page that it
 *	had and one that it had not: no entry need be split for that.
 * @map:
 *	Map [@addr, +@nr_pages) to @pa with rights @prot; may use blocks. For the
 *	host, @addr equals @pa and the entry may be left for a later fault: "map"
 *	means "the host may have it now". Prepared; cannot fail.
 * @unmap:
 *	Make every entry of the range invalid, @next being the identity that gets
 *	the pages (for annotations). On return no CPU holds a translation of it
 *	(invariant 3). Entries that are invalid already stay as they are.
 *	Prepared; cannot fail.
 * @poison:
 *	As @unmap, for guests only, and leaves a mark by which @lookup and
 *	@check_unmapped know that the pages were taken by force. The mark stays as
 *	long as the tables. Prepared; cannot fail. May be NULL for host and hyp.
 * @pages:
 *	The frame numbers of the pages that are mapped at @addr and, without a gap,
 *	behind it, as pages and not as parts of larger entries: at most @max of them.
 *	Returns how many; 0 if the first is none such. May be NULL: then runs have to
 *	do. What was told may be unmapped without splitting anything.
 */
struct own_space_ops {
	void (*lock)(struct own_space *space);
	void (*unlock)(struct own_space *space);
	int (*check_unmapped)(struct own_space *space, u64 addr, u64 nr_pages);
	int (*lookup)(struct own_space *space, u64 addr, u64 nr_pages, struct own_run *run);
	int (*prepare)(struct own_space *space, enum own_edit edit, u64 addr, u64 nr_pages);
	void (*map)(struct own_space *space, u64 addr, pa_t pa, u64 nr_pages, u32 prot);
	void (*unmap)(struct own_space *space, u64 addr, u64 nr_pages, u32 next);
	void (*poison)(struct own_space *space, u64 addr, u64 nr_pages);
	u32 (*pages)(struct own_space *space, u64 addr, u32 max, u64 *pfn);
};

/* One address space; the environment embeds it in its own structure. */
struct own_space {
	const struct own_space_ops *ops;
	enum own_kind kind;
	enum own_life life;   /* written under the host's lock */
	u16 id;		      /* OWN_ID_* */
	u64 va_offset;	      /* hyp: VA = PA + va_offset, modulo 2^64; else 0 */
	u64 nr_pages;	      /* guest: mappings of RAM that it owns or borrows */
	u64 nr_device_pages;  /* guest: device pages donated to it */
};

/* ---- Device pages ---- */

/* A range that is not RAM and not the host's. */
struct own_device {
	u64 pfn;
	u64 nr_pages;
	u64 gfn;   /* where the guest has it; 0 for the hyp */
	u16 owner; /* OWN_ID_HYP or a guest */
};

/* Sorted by @pfn; storage is the caller's. All other MMIO is the host's. */
struct own_devices {
	struct own_device *table;
	u32 nr;
	u32 max;
	u64 lent; /* pages, as often as they are mapped in ordinary guests */
};

/* ---- The context ---- */

struct own_ctx;

/*
 * What the library asks of its environment, for ranges of RAM.
 *
 * @zero:
 *	Fill the pages with zeroes, through a mapping that the environment makes
 *	for this purpose only and has removed, TLB included, when it returns: at
 *	this point nobody else maps them. The zeroes must have reached the point of
 *	coherency: the next user may read with its caches off, or through a
 *	non-cacheable alias, and would see the old contents behind dirty lines.
 * @clean:
 *	Clean and invalidate the pages' data cache lines to the point of
 *	coherency. Called before a guest gets the pages or has them to itself again,
 *	and after the host lost them if it does: a guest with its caches off would
 *	read stale memory, and a dirty line of the host's, evicted later, would
 *	overwrite what the guest wrote. NULL if stage 2 forces write-back (FWB).
 */
struct own_env_ops {
	void (*zero)(struct own_ctx *ctx, pa_t pa, u64 nr_pages);
	void (*clean)(struct own_ctx *ctx, pa_t pa, u64 nr_pages);
};

struct own_ctx {
	struct vmemmap mem;
	struct own_devices devices;
	struct own_space *host;
	struct own_space *hyp;
	const struct own_env_ops *env;
	u8 page_shift; /* 12, 14 or 16 */
	u8 pa_bits;    /* own_init() says 52; lower it to the machine's right after */
};

/**
 * own_init() - Put a context together.
 * @ctx:	what to initialise
 * @mem:	an initialised vmemmap; copied. The records must be as the launch
 *		wants them: zeroed, so that all RAM is the host's.
 * @devices:	storage for @max_devices ranges of device pages
 * @max_devices: number of entries; may be 0
 * @host:	the host's address space, see own_space_init()
 * @hyp:	the hyp's, with va_offset set
 * @env:	operations of the environment
 * @page_shift:	12, 14 or 16
 *
 * Return: 0, or -EINVAL for another page shift, spaces of the wrong kind, or a
 * region beyond 2^52 bytes. @ctx is unchanged on error. No lock needed or taken.
 */
int own_init(struct own_ctx *ctx, const struct vmemmap *mem, struct own_device *devices,
	     u32 max_devices, struct own_space *host, struct own_space *hyp,
	     const struct own_env_ops *env, u32 page_shift);

/**
 * own_space_init() - Initialise the library's part of an address space: live, empty.
 * @space:	what to initialise
 * @ops:	how to edit it
 * @kind:	host, hyp or guest
 * @id:		OWN_ID_HOST, OWN_ID_HYP, or OWN_ID_GUEST0 + the guest's index; the
 *		caller sees to it that no two spaces in use share one
 *
 * Return: 0, or -EINVAL if @kind and @id don't match, or @id > OWN_ID_MAX.
 */
int own_space_init(struct own_space *space, const struct own_space_ops *ops, enum own_kind kind,
		   u32 id);

/**
 * own_assign_hyp() - At launch: record that the hyp owns these pages.
 * @ctx:	context
 * @pfn:	first frame number; the range must be host-owned RAM
 * @nr_pages:	number of pages
 *
 * Only records change. For the time before the host's stage 2 is live, when the
 * hyp's own tables already map the pages, and the host's map nothing.
 *
 * Return: 0, -EINVAL, -ERANGE, or -EPERM if a page is not exclusively the host's.
 */
int own_assign_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_assign_device_hyp() - At launch: record that the hyp owns these device pages.
 * @ctx:	context
 * @pfn:	first frame number; no page of the range may be RAM
 * @nr_pages:	number of pages
 *
 * Only the device table changes, as in own_assign_hyp().
 *
 * Return: 0, -EINVAL, -ERANGE if a page is RAM, -EPERM if one is not the host's,
 * -ENOSPC if the device table is full.
 */
int own_assign_device_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/* ---- Transitions ---- */

/*
 * Each transition moves or lends pages from a source to a target. Both are of
 * one type: an address space, and an address in it.
 */
struct own_addr {
	struct own_space *space;
	u64 addr; /* bytes; a guest's IPA, the hyp's VA, a physical address */
};

enum own_verb {
	OWN_HOST_SHARE_HYP,
	OWN_HOST_UNSHARE_HYP,
	OWN_HOST_DONATE_HYP,
	OWN_HYP_DONATE_HOST,
	OWN_HOST_SHARE_GUEST,
	OWN_HOST_UNSHARE_GUEST,
	OWN_HOST_DONATE_GUEST,
	OWN_GUEST_SHARE_HOST,
	OWN_GUEST_UNSHARE_HOST,
	OWN_GUEST_DONATE_HOST,
	OWN_GUEST_RECLAIM,
	OWN_GUEST_FORCE_RECLAIM,
	OWN_NR_VERBS,
};

/*
 * A transition of memory, described. The source is the component that gives or
 * lends (or takes back what it lent), the target the other one.
 *
 * Where the pages are found by a guest's address (OWN_HOST_UNSHARE_GUEST and all
 * OWN_GUEST_*), the guest's own tables say which pages they are; they need not be
 * contiguous, and the host's address is ignored. The hyp's address must be its
 * linear VA of the page.
 */
struct own_transition {
	enum own_verb verb;
	struct own_addr source;
	struct own_addr target;
	u64 nr_pages;
	u32 prot; /* OWN_HOST_SHARE_GUEST: the guest's rights; otherwise ignored */
};

/**
 * own_apply() - Check and carry out one transition.
 * @ctx:	context
 * @tx:		the transition
 *
 * The functions below are this one with the arguments put in order; use them
 * where the verb is fixed. Locks: takes the host's, then the other space's.
 *
 * Return: as the function of the verb; -EINVAL for spaces that don't fit the
 * verb, or addresses that are not aligned to the granule.
 */
int own_apply(struct own_ctx *ctx, const struct own_transition *tx);

/* One piece of a batch. */
struct own_extent {
	u64 pfn; /* ignored where the guest's tables say it */
	u64 gfn; /* ignored for verbs without a guest */
	u64 nr_pages;
};

/**
 * own_apply_batch() - Carry out one transition for each of several extents.
 * @ctx:	context
 * @verb:	what to do
 * @guest:	the guest, or NULL for verbs between host and hyp
 * @extents:	in the library's caller's own memory (never the host's)
 * @nr_extents:	how many
 * @prot:	OWN_HOST_SHARE_GUEST: the guest's rights
 * @done:	how many extents were carried out, set on success and on error
 *
 * Locks are taken once. Each extent is checked and committed by itself, in order;
 * the first refusal ends the batch. Extents before @done are done in full, the
 * others are untouched.
 *
 * Return: 0, or the refusal of extent @done.
 */
int own_apply_batch(struct own_ctx *ctx, enum own_verb verb, struct own_space *guest,
		    const struct own_extent *extents, u64 nr_extents, u32 prot, u64 *done);

/**
 * own_host_share_hyp() - The host lends its pages to the hyp.
 * @ctx:	context
 * @pfn:	first frame number
 * @nr_pages:	number of pages
 *
 * host OWNED, hyp unmapped -> host SHARED_OWNED, hyp SHARED_BORROWED, mapped
 * read-write at its linear VA, no pins.
 *
 * Return: 0; -EINVAL, -ERANGE (see "Ranges" above); -EPERM if a page is in another
 * state, or the hyp has something at the VA; -ENOMEM.
 */
int own_host_share_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_host_unshare_hyp() - The host ends own_host_share_hyp().
 *
 * host SHARED_OWNED, hyp SHARED_BORROWED -> host OWNED, hyp unmapped.
 * Arguments as there.
 *
 * Return: 0; -EINVAL, -ERANGE; -EBUSY if a page is pinned; -EPERM if one is not
 * lent to the hyp; -ENOMEM.
 */
int own_host_unshare_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_host_donate_hyp() - The host gives pages to the hyp. Their contents stay.
 *
 * host OWNED -> host NOPAGE, unmapped there; hyp OWNED, mapped read-write.
 * Arguments as own_host_share_hyp(). A reader of links stored in the pages may
 * trust them to stay put from here on, not to be sane.
 *
 * Return: 0; -EINVAL, -ERANGE; -EPERM if a page is not exclusively the host's, or
 * the hyp has something at the VA; -ENOMEM.
 */
int own_host_donate_hyp(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_hyp_donate_host() - The hyp gives pages to the host, zeroed.
 *
 * hyp OWNED -> hyp unmapped, pages zeroed, host OWNED. Arguments as
 * own_host_share_hyp().
 *
 * Return: 0; -EINVAL, -ERANGE; -EBUSY if a page is pinned; -EPERM if one is not
 * the hyp's; -ENOMEM.
 */
int own_hyp_donate_host(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_hyp_pin() - The hyp takes a reference on pages that it owns or borrows.
 * @ctx:	context
 * @pfn:	first frame number
 * @nr_pages:	number of pages
 *
 * Until own_hyp_unpin(), the pages cannot be unshared from the hyp or donated by
 * it. Takes the host's lock.
 *
 * Return: 0; -EINVAL, -ERANGE; -EPERM if a page is neither the hyp's nor lent to
 * it; -EBUSY if a count would overflow. No count has changed on error.
 */
int own_hyp_pin(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_hyp_unpin() - Drop a reference of own_hyp_pin().
 *
 * Return: 0; -EINVAL, -ERANGE; -EPERM if a page is not pinned.
 */
int own_hyp_unpin(struct own_ctx *ctx, u64 pfn, u64 nr_pages);

/**
 * own_host_share_guest() - The host lends pages to an ordinary guest.
 * @ctx:	context
 * @guest:	ordinary and live
 * @pfn:	first frame number
 * @gfn:	first guest frame number
 * @nr_pages:	number of pages
 * @prot:	the guest's rights, OWN_PROT_R and more, without OWN_PROT_DEVICE
 *
 * host OWNED, or SHARED_OWNED with guests; guest unmapped -> host SHARED_OWNED
 * with guests, count + 1; guest SHARED_BORROWED, mapped. One page may be lent
 * to several guests, and to one guest at several addresses; each counts.
 *
 * Return: 0; -EINVAL (also: @prot), -ERANGE; -EPERM if the guest is protected or
 * dying, a page is in another state, or the guest has something at @gfn (another
 * vCPU was faster, perhaps: the caller's table of mappings knows); -EBUSY if a
 * count would overflow; -ENOMEM.
 */
int own_host_share_guest(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			 u64 nr_pages, u32 prot);

/**
 * own_host_unshare_guest() - The host ends own_host_share_guest() for one guest.
 * @ctx:	context
 * @guest:	ordinary, live or dying
 * @gfn:	first guest frame number; pages need not be contiguous
 * @nr_pages:	number of pages
 *
 * host SHARED_OWNED with guests, guest SHARED_BORROWED -> guest unmapped, count - 1;
 * host OWNED once the count is 0.
 *
 * Return: 0; -EINVAL, -ERANGE; -ENOENT if the guest has nothing at one of the
 * addresses; -EPERM if the guest is protected, or has a device there; -ENOMEM
 * if a block must be split.
 */
int own_host_unshare_guest(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_host_unshare_pages() - The host takes back whatever it lent in a range.
 * @ctx:	context
 * @guest:	an ordinary guest
 * @gfn:	first guest frame number
 * @nr_pages:	number of pages
 * @done:	how many pages of the range are dealt with, error or not
 *
 * As own_host_unshare_guest(), for ranges whose pages are scattered in RAM and have
 * holes: what is not mapped is passed over. Many pages at once are checked, unmapped
 * with one round of TLB maintenance, and recorded; each such group as a whole or not
 * at all (invariant 5).
 *
 * Return: 0; -EINVAL a bad range; -EPERM not an ordinary guest, or a record that says
 * that the page is not lent; -ENOMEM a block had to be split and there is no table.
 */
int own_host_unshare_pages(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages,
			   u64 *done);

/**
 * own_host_donate_guest() - The host gives pages to a protected guest.
 * @ctx:	context
 * @guest:	protected and live
 * @pfn:	first frame number
 * @gfn:	first guest frame number
 * @nr_pages:	number of pages
 *
 * host OWNED, guest unmapped -> host NOPAGE, unmapped there; guest OWNED, mapped
 * read-write-execute. The contents stay.
 *
 * Return: 0; -EINVAL, -ERANGE; -EPERM if the guest is ordinary or dying, a page is
 * not exclusively the host's, or the guest has something (or a poisoned entry) at
 * @gfn; -ENOMEM.
 */
int own_host_donate_guest(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			  u64 nr_pages);

/**
 * own_guest_share_host() - A protected guest lends pages to the host.
 * @ctx:	context
 * @guest:	protected and live
 * @gfn:	first guest frame number; pages need not be contiguous
 * @nr_pages:	number of pages
 *
 * guest OWNED, host NOPAGE -> guest SHARED_OWNED, host SHARED_BORROWED. The guest's
 * mapping stays.
 *
 * Return: 0; -EINVAL, -ERANGE; -ENOENT if the guest has nothing at one of the
 * addresses yet (let the host fault it in, and replay the hypercall); -EPERM if
 * the guest is ordinary or dying, a page is in another state, a device, or
 * poisoned; -ENOMEM.
 */
int own_guest_share_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_guest_unshare_host() - A protected guest ends own_guest_share_host().
 *
 * guest SHARED_OWNED, host SHARED_BORROWED -> guest OWNED; host NOPAGE, unmapped
 * there. Arguments and errors as there.
 */
int own_guest_unshare_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_guest_donate_host() - A protected guest gives pages to the host for good.
 *
 * guest OWNED -> guest unmapped, pages zeroed, host OWNED. What a balloon does; the
 * addresses may be filled again later. A page that is lent to the host must be
 * unshared first. Arguments and errors as own_guest_share_host().
 */
int own_guest_donate_host(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_guest_reclaim() - The host takes pages of a dying protected guest.
 * @ctx:	context
 * @guest:	protected and dying
 * @gfn:	first guest frame number; pages need not be contiguous
 * @nr_pages:	number of pages
 *
 * guest OWNED -> guest unmapped, page zeroed, host OWNED;
 * guest SHARED_OWNED -> guest unmapped, host OWNED (it could read the page anyway).
 *
 * Return: 0; -EINVAL, -ERANGE; -ENOENT if the guest has nothing at one of the
 * addresses; -EPERM if the guest is ordinary or live, or there is a device or a
 * poisoned entry; -ENOMEM if a block must be split.
 */
int own_guest_reclaim(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_guest_force_reclaim() - The host takes pages of a live protected guest.
 * @ctx:	context
 * @guest:	protected and live
 * @gfn:	first guest frame number; pages need not be contiguous
 * @nr_pages:	number of pages
 *
 * As own_guest_reclaim(), but the guest's entries are poisoned: it faults on them
 * from then on, and nothing can be put there while it lives. (Otherwise the host
 * could swap a page of zeroes under a running guest.)
 *
 * Return: 0; -EAGAIN if the guest is dying (reclaim it the usual way); otherwise
 * as own_guest_reclaim().
 */
int own_guest_force_reclaim(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_host_donate_device() - The host gives a range of device pages to a guest.
 * @ctx:	context
 * @guest:	live, of either kind
 * @pfn:	first frame number; no page of the range may be RAM
 * @gfn:	first guest frame number
 * @nr_pages:	number of pages
 *
 * host's MMIO, guest unmapped -> the guest's alone; mapped there as device memory,
 * read-write, never executable. Bringing the device into a known state, before and
 * after, is the caller's affair.
 *
 * Return: 0; -EINVAL; -ERANGE if a page is RAM, or @gfn is beyond the guest's input
 * size; -EPERM if the guest is dying, a page is not the host's, or the guest has
 * something at @gfn; -EBUSY while an ordinary guest has device pages of the host's;
 * -ENOSPC if the device table is full; -ENOMEM.
 */
int own_host_donate_device(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			   u64 nr_pages);

/**
 * own_device_return() - A guest's device range goes back to the host.
 * @ctx:	context
 * @guest:	live (it gives the device back) or dying (the host takes it)
 * @gfn:	first guest frame number, as donated
 * @nr_pages:	number of pages, as donated: a range is returned whole
 *
 * Return: 0; -EINVAL; -ENOENT if no such range was donated to the guest there;
 * -ENOMEM.
 */
int own_device_return(struct own_ctx *ctx, struct own_space *guest, u64 gfn, u64 nr_pages);

/**
 * own_host_share_device() - The host lends a device page to an ordinary guest.
 * @ctx:	context
 * @guest:	live and ordinary
 * @pfn:	frame number, not of RAM
 * @gfn:	guest frame number
 * @prot:	OWN_PROT_R and more, with OWN_PROT_DEVICE or OWN_PROT_NC, without OWN_PROT_X
 *
 * What the host reaches by itself, a process of its own may, and so may a guest that it
 * could read and write at will. There is no record of such a page: while any is lent, no
 * device can be donated. It comes back by own_host_unshare_pages(), or with the guest's end.
 *
 * Return: 0; -EINVAL; -ERANGE if the page is RAM, or @gfn is beyond the guest's input size;
 * -EPERM if the guest is dying or protected, the page is not the host's, or the guest has
 * something at @gfn; -ENOMEM.
 */
int own_host_share_device(struct own_ctx *ctx, struct own_space *guest, u64 pfn, u64 gfn,
			  u32 prot);

/* ---- A guest's end ---- */

/**
 * own_guest_kill() - The guest is dying from here on.
 * @ctx:	context
 * @guest:	a guest, none of whose vCPUs runs, or will run again
 *
 * Takes the host's lock. Pages and devices only leave the guest from here on.
 */
void own_guest_kill(struct own_ctx *ctx, struct own_space *guest);

/**
 * own_guest_drain() - Take back what a dying guest still has, a bounded part of it.
 * @ctx:	context
 * @guest:	dying, of either kind
 * @gfn:	where to go on; 0 at first, then as the last call left it
 * @budget:	how many pages of address space to look at, at most, before
 *		returning; at least 1. Empty stretches count one for each step of
 *		own_space_ops.lookup().
 *
 * Each page is reclaimed (protected guest), unshared (ordinary guest) or returned
 * (device). Poisoned entries hold no page; they go when the tables do.
 *
 * Return: 0 when the guest has nothing left; -EAGAIN if there is more to do;
 * -EPERM if the guest is live; -ENOMEM if a block of more than @budget pages must be
 * split and there is no table page for it, or the host's tables need one. Progress is
 * in @gfn in every case.
 */
int own_guest_drain(struct own_ctx *ctx, struct own_space *guest, u64 *gfn, u64 budget);

/**
 * own_guest_is_empty() - Has the guest given everything back?
 * @ctx:	context
 * @guest:	any guest
 *
 * The guest's tables and identity may be reused only once this is true and the
 * guest is dying. Takes the host's lock.
 */
bool own_guest_is_empty(struct own_ctx *ctx, struct own_space *guest);

/* ---- Questions ---- */

/**
 * own_page() - The record of a page of RAM.
 * @ctx:	context
 * @pfn:	frame number, any value
 * @page:	the answer
 *
 * Takes the host's lock. Return: 0, or -ERANGE if the page is not RAM.
 */
int own_page(struct own_ctx *ctx, u64 pfn, struct own_page *page);

/**
 * own_device_owner() - The owner of a page that is not RAM.
 * @ctx:	context
 * @pfn:	frame number, any value
 *
 * Needs the host's lock. Return: OWN_ID_HOST, OWN_ID_HYP or a guest's identity.
 */
u32 own_device_owner(const struct own_ctx *ctx, u64 pfn);

/**
 * own_check_host_range() - May the host map all of this, as one kind of memory?
 * @ctx:	context
 * @pfn:	first frame number
 * @nr_pages:	number of pages; the range must not overflow
 * @ram:	set, on success, to whether the range is RAM (otherwise MMIO)
 *
 * Needs the host's lock. Return: 0 if the range lies in one RAM region and the
 * host owns or borrows every page of it, or if it contains no RAM and every page
 * is the host's; -EPERM otherwise.
 */
int own_check_host_range(const struct own_ctx *ctx, u64 pfn, u64 nr_pages, bool *ram);

/* Neighbouring pages that have the same owner, state, borrower and count. */
struct own_range {
	u64 pfn;
	u64 nr_pages;
	bool device; /* not RAM: @page.owner, and the guest's frame number in @gfn */
	u64 gfn;
	struct own_page page;
};

/**
 * own_for_each_range() - List who owns and borrows what, a bounded part of it.
 * @ctx:	context
 * @cursor:	frame number to go on from; 0 at first, then as the last call left it
 * @budget:	look at this many pages of RAM and ranges of devices, at most
 * @fn:		called in order of frame numbers with each range, under the host's
 *		lock; returns false to stop after this range
 * @arg:	passed to @fn
 *
 * RAM and donated devices are listed; MMIO of the host's is not. Equal neighbours
 * are merged, except where @budget ends a call or a region ends. What changes
 * between two calls may be seen in its old or its new state.
 *
 * Return: true if there may be more.
 */
bool own_for_each_range(struct own_ctx *ctx, u64 *cursor, u64 budget,
			bool (*fn)(const struct own_range *range, void *arg), void *arg);

#endif /* CORE_OWNERSHIP_H */
