/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of core/ownership share: the description of a transition
 * (a rule), one transition under way (a job), and small helpers.
 */
#ifndef OWN_PRIVATE_H
#define OWN_PRIVATE_H

#include <core/ownership.h>

/* Input and output addresses have at most 52 bits (FEAT_LPA, FEAT_LPA2). */
#define OWN_ADDR_BITS 52

/* A record without count. Lending implies the owner's state SHARED_OWNED. */
#define OWN_REC(owner, lent)                                                          \
	((owner) | ((lent) != OWN_LENT_NONE ? 1u << OWN_REC_STATE_SHIFT : 0u) |       \
	 (u32)(lent) << OWN_REC_LENT_SHIFT)

#define OWN_REC_HOST	    OWN_REC(OWN_ID_HOST, OWN_LENT_NONE)
#define OWN_REC_HOST_HYP    OWN_REC(OWN_ID_HOST, OWN_LENT_HYP)
#define OWN_REC_HOST_GUESTS OWN_REC(OWN_ID_HOST, OWN_LENT_GUESTS)
#define OWN_REC_HYP	    OWN_REC(OWN_ID_HYP, OWN_LENT_NONE)

static inline u32 own_count(u32 record)
{
	return record >> OWN_REC_COUNT_SHIFT;
}

static inline bool own_is_guest(const struct own_space *space)
{
	return space->kind == OWN_KIND_GUEST_ORDINARY || space->kind == OWN_KIND_GUEST_PROTECTED;
}

/* Is [@frame, + @nr_pages) a range of at least one page, inside 2^@bits bytes? */
static inline bool own_frames_ok(const struct own_ctx *ctx, u64 frame, u64 nr_pages, u32 bits)
{
	u64 end = 1ULL << (bits - ctx->page_shift);

	return nr_pages && frame < end && nr_pages <= end - frame;
}

static inline u64 own_bytes(const struct own_ctx *ctx, u64 pages)
{
	return pages << ctx->page_shift;
}

/* The two locks, in the documented order; @other may be NULL. */
static inline void own_lock(struct own_ctx *ctx, struct own_space *other)
{
	ctx->host->ops->lock(ctx->host);
	if (other)
		other->ops->lock(other);
}

static inline void own_unlock(struct own_ctx *ctx, struct own_space *other)
{
	if (other)
		other->ops->unlock(other);
	ctx->host->ops->unlock(ctx->host);
}

/*
 * own_records.c: runs of records. @region is one of @mem's, the records are those of its
 * pages @index to @index + @nr - 1.
 */

/* How many records, from the first on, equal the first one? At least 1. */
u64 own_records_prefix(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index,
		       u64 nr);
/* How many pages, from the first on, may the host use? */
u64 own_records_host_prefix(const struct vmemmap *mem, const struct vmemmap_region *region,
			    u64 index, u64 nr);
/* All of them, which are equal now, become @value. */
void own_records_write(const struct vmemmap *mem, const struct vmemmap_region *region, u64 index,
		       u64 nr, u32 value);

/* own_transition.c: with both locks held, as own_apply() otherwise. */
int own_apply_locked(struct own_ctx *ctx, const struct own_transition *tx);
/* The space that is not the host's, or NULL if @tx does not fit its verb. */
struct own_space *own_transition_other(const struct own_ctx *ctx,
				       const struct own_transition *tx);

/* Is the host the source of this verb? @verb must be in range. */
bool own_verb_from_host(enum own_verb verb);

/* own_device.c */

/* The first entry that ends above @pfn, or the number of entries. */
u32 own_device_index(const struct own_devices *devices, u64 pfn);
/* Is every page of the range the host's, as far as the table goes? */
bool own_devices_clear(const struct own_devices *devices, u64 pfn, u64 nr_pages);
/* With both locks held: the guest has @nr pages of devices that the host had lent it less. */
void own_device_unlent(struct own_ctx *ctx, struct own_space *guest, u64 nr);
/* With both locks held: take the lent device page at @gfn away. */
int own_device_unshare_locked(struct own_ctx *ctx, struct own_space *guest, u64 gfn);
/* With both locks held: give back the whole range that has @gfn in it. */
int own_device_return_locked(struct own_ctx *ctx, struct own_space *guest, u64 gfn);

#endif /* OWN_PRIVATE_H */
