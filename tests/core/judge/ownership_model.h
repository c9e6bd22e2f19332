/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns which page: the specification as a program, to judge core/ownership by.
 *
 * Written from the invariants and tables of the design and from what the public
 * headers promise, and from nothing else. A state is a plain description: for each
 * frame its owner and to whom it is lent, for each guest address what is there.
 * For each step the model says which refusals are right (any precondition that does
 * not hold gives one; the order in which they are looked at is nobody's promise)
 * and, if there are none, which state comes next.
 */
#ifndef JUDGE_OWNERSHIP_MODEL_H
#define JUDGE_OWNERSHIP_MODEL_H

#include <core/ownership.h>

#define JO_FRAMES 96
#define JO_GUESTS 4
#define JO_GFNS   96

/* What never changes in a world. */
struct jo_shape {
	u64 pfn;       /* of frame 0; frames are numbered from there */
	u64 va_offset; /* of the hyp's linear map */
	u32 nr_frames;
	u32 nr_guests;
	u32 nr_gfns;     /* input size of every guest; addresses start at 0 */
	u32 max_devices; /* entries of the device table */
	u32 page_shift;
	u8 region[JO_FRAMES];    /* 0: not RAM; else equal within a region, ascending */
	bool guarded[JO_GUESTS]; /* protected guest */
};

/* A frame: RAM of the world, or a device page of it. */
struct jo_frame {
	u16 owner;    /* OWN_ID_* */
	u16 pins;     /* references that the hyp holds */
	u16 borrows;  /* mappings in ordinary guests; a device's too */
	u8 lent;      /* enum own_lent */
	u8 data;      /* who wrote last: JO_DATA_* */
	u8 run_first; /* device that is not the host's: first frame of its range ... */
	u8 run_nr;    /* ... and the length of it */
};

#define JO_DATA_ZERO 0
#define JO_DATA(id)  ((u8)((id) + 1)) /* written by component id */
#define JO_DATA_ANY  0xff             /* zero, or what was there */

enum jo_what { JO_NOTHING, JO_RAM, JO_DEVICE, JO_POISON };

/* What a guest has at an address. */
struct jo_slot {
	u8 what;
	u8 frame;
	u8 prot;
};

struct jo_guest {
	bool dying;
	struct jo_slot slot[JO_GFNS];
};

struct jo_model {
	const struct jo_shape *shape;
	struct jo_frame frame[JO_FRAMES];
	struct jo_guest guest[JO_GUESTS];
};

enum jo_op {
	JO_HOST_SHARE_HYP,
	JO_HOST_UNSHARE_HYP,
	JO_HOST_DONATE_HYP,
	JO_HYP_DONATE_HOST,
	JO_HYP_PIN,
	JO_HYP_UNPIN,
	JO_HOST_SHARE_GUEST,
	JO_HOST_UNSHARE_GUEST,
	JO_HOST_DONATE_GUEST,
	JO_GUEST_SHARE_HOST,
	JO_GUEST_UNSHARE_HOST,
	JO_GUEST_DONATE_HOST,
	JO_GUEST_RECLAIM,
	JO_GUEST_FORCE_RECLAIM,
	JO_HOST_DONATE_DEVICE,
	JO_DEVICE_RETURN,
	JO_HOST_SHARE_DEVICE,  /* one frame, whatever nr is */
	JO_HOST_UNSHARE_PAGES, /* likewise: what is there, RAM or a lent device */
	JO_GUEST_KILL,
	JO_GUEST_DRAIN,   /* nr: the budget; gfn: 0 */
	JO_GUEST_RECYCLE, /* a dead and empty guest's identity is used again */
	JO_NR_OPS,
};

struct jo_step {
	enum jo_op op;
	u32 guest;
	u32 prot;
	u64 pfn;
	u64 gfn;
	u64 nr;
};

/* A set of refusals: one bit for each errno. */
#define JO_REFUSE(err) (1ull << (err))

/* All RAM and devices are the host's, no guest has anything. */
void jo_model_init(struct jo_model *model, const struct jo_shape *shape);

/* The refusals of which one is due; 0 if the step must succeed (memory permitting). */
u64 jo_model_refusals(const struct jo_model *model, const struct jo_step *step);

/* The step happens. Not for JO_GUEST_DRAIN, which reports how far it got. */
void jo_model_commit(struct jo_model *model, const struct jo_step *step);

/* A dying guest gives back what it has at [from, to). */
void jo_model_drain(struct jo_model *model, u32 guest, u64 from, u64 to);

/* Does the guest own, borrow and use nothing? */
bool jo_model_guest_empty(const struct jo_model *model, u32 guest);

/* How many slots of the guest hold @what. */
u32 jo_model_count(const struct jo_model *model, u32 guest, enum jo_what what);

/* How many mappings of device frames ordinary guests have borrowed. */
u32 jo_model_devices_lent(const struct jo_model *model);

/* How many ranges the device table has. */
u32 jo_model_device_ranges(const struct jo_model *model);

/* Who may have a valid mapping of the frame: bit OWN_ID_HOST, OWN_ID_HYP, guests from 2. */
u32 jo_model_users(const struct jo_model *model, u32 frame);

/* Only what the host, or the one owner, last wrote is in the pages. */
void jo_model_write_all(struct jo_model *model);

static inline u32 jo_guest_id(u32 guest)
{
	return OWN_ID_GUEST0 + guest;
}

/* The number of the frame, modulo 2^64; nr_frames and more if it is outside of the world. */
static inline u64 jo_frame_of(const struct jo_shape *shape, u64 pfn)
{
	return pfn - shape->pfn;
}

#endif /* JUDGE_OWNERSHIP_MODEL_H */
