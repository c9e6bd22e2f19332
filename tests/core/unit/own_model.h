/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine for the tests of core/ownership: address spaces that are arrays,
 * memory that is one number a page. The model checks what the library owes its
 * environment: lock order, edits that were prepared, mappings made only where
 * nothing was, zeroing only of pages that nobody maps, invariants 3 and 4.
 *
 * RAM is [16, 48) and [56, 64); [48, 56) is a hole; devices are from 100 on.
 */
#ifndef OWN_MODEL_H
#define OWN_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <core/ownership.h>

#define M_SHIFT	   12
#define M_FRAMES   128 /* physical frames, and frames of each space */
#define M_RAM	   16ULL
#define M_RAM_NR   32ULL
#define M_RAM2	   56ULL
#define M_RAM2_NR  8ULL
#define M_HOLE	   48ULL
#define M_DEV	   100ULL
#define M_OFFSET   0xffff800000000000ULL
#define M_DEVICES  3
#define M_SECRET   0x5ec2e7u
#define M_NR_SPACES 6

enum { M_HOST, M_HYP, M_P1, M_P2, M_O1, M_O2 };

/* An entry of a space: a valid one, or a poisoned one. */
struct m_entry {
	bool valid, poisoned;
	u64 pfn;
	u32 prot;
};

/* Everything that a refused transition must leave alone. */
struct m_state {
	u32 records[M_RAM_NR + M_RAM2_NR];
	struct m_entry entries[M_NR_SPACES][M_FRAMES];
	u32 memory[M_FRAMES];
	struct own_device devices[M_DEVICES];
	u32 nr_devices;
	u64 nr_pages[M_NR_SPACES], nr_device_pages[M_NR_SPACES];
	enum own_life life[M_NR_SPACES];
};

struct m_space {
	struct own_space own;
	struct model *model;
	struct m_entry *entries;
	bool locked;
	u64 reserved[3]; /* pages promised, by enum own_edit */
};

struct model {
	struct own_ctx ctx;
	struct vmemmap_region regions[2];
	struct m_state state;
	struct m_space spaces[M_NR_SPACES];
	u32 prepare_left; /* how many calls of prepare succeed */
	u32 prepared;	  /* how many did */
	u32 cleaned, zeroed; /* pages */
	u64 run_max;	  /* lookup reports at most this many pages */
	u32 locks_taken;
};

static inline struct m_space *m_space(struct own_space *own)
{
	return (struct m_space *)((char *)own - offsetof(struct m_space, own));
}

static inline u64 m_frame(struct m_space *space, u64 addr)
{
	assert_int_equal(addr & ((1u << M_SHIFT) - 1), 0);
	return (addr - (space->own.kind == OWN_KIND_HYP ? M_OFFSET : 0)) >> M_SHIFT;
}

static inline struct m_entry *m_entry(struct m_space *space, u64 addr, u64 nr_pages)
{
	u64 frame = m_frame(space, addr);

	assert_true(space->locked);
	assert_true(nr_pages && frame < M_FRAMES && nr_pages <= M_FRAMES - frame);
	return &space->entries[frame];
}

static void m_lock(struct own_space *own)
{
	struct m_space *space = m_space(own), *spaces = space->model->spaces;
	int i;

	assert_int_equal(spaces[M_HOST].locked, own->kind != OWN_KIND_HOST);
	for (i = M_HYP; i < M_NR_SPACES; i++)
		assert_false(spaces[i].locked);
	space->locked = true;
	space->model->locks_taken++;
}

static void m_unlock(struct own_space *own)
{
	struct m_space *space = m_space(own);

	assert_true(space->locked);
	space->locked = false;
	memset(space->reserved, 0, sizeof(space->reserved));
}

static int m_check_unmapped(struct own_space *own, u64 addr, u64 nr_pages)
{
	struct m_space *space = m_space(own);
	u64 frame = m_frame(space, addr), i;

	assert_true(space->locked);
	assert_int_not_equal(own->kind, OWN_KIND_HOST);
	if (frame >= M_FRAMES || nr_pages > M_FRAMES - frame)
		return -ERANGE;
	for (i = frame; i < frame + nr_pages; i++)
		if (space->entries[i].valid || space->entries[i].poisoned)
			return -EPERM;
	return 0;
}

static enum own_run_kind m_kind(const struct m_entry *entry)
{
	return entry->valid ? OWN_RUN_MAPPED : entry->poisoned ? OWN_RUN_POISONED : OWN_RUN_NONE;
}

static int m_lookup(struct own_space *own, u64 addr, u64 nr_pages, struct own_run *run)
{
	struct m_space *space = m_space(own);
	u64 frame = m_frame(space, addr), max = nr_pages;
	const struct m_entry *entry;

	assert_true(space->locked && nr_pages);
	assert_int_not_equal(own->kind, OWN_KIND_HOST);
	if (frame >= M_FRAMES)
		return -ERANGE;
	entry = &space->entries[frame];
	if (max > M_FRAMES - frame)
		max = M_FRAMES - frame;
	if (max > space->model->run_max)
		max = space->model->run_max;
	run->kind = m_kind(entry);
	run->pa = pa(entry->pfn << M_SHIFT);
	for (run->nr_pages = 1; run->nr_pages < max; run->nr_pages++)
		if (m_kind(&entry[run->nr_pages]) != run->kind ||
		    (run->kind == OWN_RUN_MAPPED &&
		     entry[run->nr_pages].pfn != entry->pfn + run->nr_pages))
			break;
	return 0;
}

static int m_prepare(struct own_space *own, enum own_edit edit, u64 addr, u64 nr_pages)
{
	struct m_space *space = m_space(own);

	m_entry(space, addr, nr_pages);
	if (!space->model->prepare_left)
		return -ENOMEM;
	space->model->prepare_left--;
	space->model->prepared++;
	space->reserved[edit] += nr_pages;
	return 0;
}

static void m_use_reserve(struct m_space *space, enum own_edit edit, u64 nr_pages)
{
	assert_true(space->reserved[edit] >= nr_pages);
	space->reserved[edit] -= nr_pages;
}

/* Does a space other than @except have a valid entry of this frame? */
static bool m_mapped_elsewhere(struct model *m, u64 pfn, int except)
{
	int i, frame;

	for (i = 0; i < M_NR_SPACES; i++)
		for (frame = 0; i != except && frame < M_FRAMES; frame++)
			if (m->state.entries[i][frame].valid &&
			    m->state.entries[i][frame].pfn == pfn)
				return true;
	return false;
}

static u32 *m_record(struct model *m, u64 pfn)
{
	u32 *record = vmemmap_records(&m->ctx.mem, pfn, 1);

	assert_non_null(record);
	return record;
}

/* Invariant 4: what the host may map from here on is zeroed, or lent to it. */
static void m_host_gains(struct model *m, u64 pfn, u32 prot)
{
	if (prot & OWN_PROT_DEVICE)
		return;
	assert_true(own_record_host_may(*m_record(m, pfn)));
	if (own_record_unpack(*m_record(m, pfn)).lent != OWN_LENT_HOST)
		assert_int_equal(m->state.memory[pfn], 0);
}

static void m_map(struct own_space *own, u64 addr, pa_t at, u64 nr_pages, u32 prot)
{
	struct m_space *space = m_space(own);
	struct m_entry *entry = m_entry(space, addr, nr_pages);
	u64 i, pfn = at.v >> M_SHIFT;

	m_use_reserve(space, OWN_EDIT_MAP, nr_pages);
	for (i = 0; i < nr_pages; i++, entry++, pfn++) {
		assert_true(pfn < M_FRAMES);
		if (own->kind == OWN_KIND_HOST) {
			assert_true(addr == at.v);
			m_host_gains(space->model, pfn, prot);
			continue;
		}
		assert_false(entry->valid || entry->poisoned);
		if (own->kind == OWN_KIND_GUEST_PROTECTED ||
		    ((prot & OWN_PROT_DEVICE) && own_device_owner(&space->model->ctx, pfn) == own->id))
			assert_false(m_mapped_elsewhere(space->model, pfn, -1)); /* invariant 3 */
		*entry = (struct m_entry){ .valid = true, .pfn = pfn, .prot = prot };
	}
}

static void m_unmap(struct own_space *own, u64 addr, u64 nr_pages, u32 next)
{
	struct m_space *space = m_space(own);
	struct m_entry *entry = m_entry(space, addr, nr_pages);
	u64 i;

	m_use_reserve(space, OWN_EDIT_UNMAP, nr_pages);
	assert_int_not_equal(next, own->id);
	for (i = 0; i < nr_pages; i++) {
		assert_true(own->kind == OWN_KIND_HOST || entry[i].valid);
		entry[i] = (struct m_entry){ 0 };
	}
}

static void m_poison(struct own_space *own, u64 addr, u64 nr_pages)
{
	struct m_space *space = m_space(own);
	struct m_entry *entry = m_entry(space, addr, nr_pages);
	u64 i;

	m_use_reserve(space, OWN_EDIT_POISON, nr_pages);
	assert_true(own->kind == OWN_KIND_GUEST_PROTECTED);
	for (i = 0; i < nr_pages; i++) {
		assert_true(entry[i].valid);
		entry[i] = (struct m_entry){ .poisoned = true };
	}
}

static void m_zero(struct own_ctx *ctx, pa_t at, u64 nr_pages)
{
	struct model *m = (struct model *)((char *)ctx - offsetof(struct model, ctx));
	u64 pfn = at.v >> M_SHIFT, i;

	assert_true(m->spaces[M_HOST].locked);
	for (i = pfn; i < pfn + nr_pages; i++) {
		assert_false(m_mapped_elsewhere(m, i, -1));
		m->state.memory[i] = 0;
	}
	m->zeroed += nr_pages;
}

/* Dirty lines of the host's are harmful only once it can't write new ones. */
static void m_clean(struct own_ctx *ctx, pa_t at, u64 nr_pages)
{
	struct model *m = (struct model *)((char *)ctx - offsetof(struct model, ctx));
	u64 pfn = at.v >> M_SHIFT, i;

	for (i = pfn; i < pfn + nr_pages; i++)
		if (m->spaces[M_P1].locked || m->spaces[M_P2].locked)
			assert_false(m->state.entries[M_HOST][i].valid);
	m->cleaned += nr_pages;
}

static const struct own_space_ops m_ops = {
	.lock = m_lock,
	.unlock = m_unlock,
	.check_unmapped = m_check_unmapped,
	.lookup = m_lookup,
	.prepare = m_prepare,
	.map = m_map,
	.unmap = m_unmap,
	.poison = m_poison,
};

static const struct own_env_ops m_env = { .zero = m_zero, .clean = m_clean };

static struct own_space *m_own(struct model *m, int space)
{
	return &m->spaces[space].own;
}

static void m_init_spaces(struct model *m)
{
	static const enum own_kind kinds[M_NR_SPACES] = {
		OWN_KIND_HOST, OWN_KIND_HYP, OWN_KIND_GUEST_PROTECTED,
		OWN_KIND_GUEST_PROTECTED, OWN_KIND_GUEST_ORDINARY, OWN_KIND_GUEST_ORDINARY,
	};
	int i;

	for (i = 0; i < M_NR_SPACES; i++) {
		/* The last identity of all is in use too. */
		u32 id = i == M_P2 ? OWN_ID_MAX : (u32)i;

		m->spaces[i] = (struct m_space){ .model = m, .entries = m->state.entries[i] };
		assert_int_equal(own_space_init(m_own(m, i), &m_ops, kinds[i], id), 0);
	}
	m_own(m, M_HYP)->va_offset = M_OFFSET;
}

static void m_init(struct model *m)
{
	struct vmemmap mem;

	memset(m, 0, sizeof(*m));
	m->regions[0] = (struct vmemmap_region){ M_RAM, M_RAM_NR, m->state.records };
	m->regions[1] = (struct vmemmap_region){ M_RAM2, M_RAM2_NR, m->state.records + M_RAM_NR };
	m_init_spaces(m);
	assert_int_equal(vmemmap_init(&mem, m->regions, 2), 0);
	assert_int_equal(own_init(&m->ctx, &mem, m->state.devices, M_DEVICES, m_own(m, M_HOST),
				  m_own(m, M_HYP), &m_env, M_SHIFT), 0);
	m->ctx.pa_bits = 40;
	m->prepare_left = 1000;
	m->run_max = M_FRAMES;
}

/* The host touches a page: a fault fills the entry if the page is its to use. */
static inline bool m_host_touch(struct model *m, u64 pfn)
{
	bool ram, may;

	m_lock(m_own(m, M_HOST));
	may = !own_check_host_range(&m->ctx, pfn, 1, &ram);
	if (may) {
		assert_int_equal(ram, pfn < M_DEV && !(pfn >= M_HOLE && pfn < M_RAM2));
		m->state.entries[M_HOST][pfn] = (struct m_entry){ .valid = true, .pfn = pfn };
	}
	m_unlock(m_own(m, M_HOST));
	return may;
}

/* A copy of everything that a refusal must leave alone. */
static inline void m_save(struct model *m, struct m_state *copy)
{
	int i;

	m->state.nr_devices = m->ctx.devices.nr;
	for (i = 0; i < M_NR_SPACES; i++) {
		m->state.nr_pages[i] = m_own(m, i)->nr_pages;
		m->state.nr_device_pages[i] = m_own(m, i)->nr_device_pages;
		m->state.life[i] = m_own(m, i)->life;
	}
	memcpy(copy, &m->state, sizeof(*copy));
}

static inline void m_assert_unchanged(struct model *m, const struct m_state *before)
{
	static struct m_state now;

	m_save(m, &now);
	/* Entries of the device table above its count are nothing. */
	memcpy(now.devices + now.nr_devices, before->devices + now.nr_devices,
	       (M_DEVICES - now.nr_devices) * sizeof(now.devices[0]));
	assert_memory_equal(&now, before, sizeof(now));
}

/* A space has a valid entry of this page: is it entitled to? Counts what guests borrow. */
static inline void m_assert_entitled(struct model *m, u64 pfn, struct own_space *own, u64 *lent)
{
	const u32 *record = vmemmap_records(&m->ctx.mem, pfn, 1);

	if (!record) {
		assert_int_equal(own_device_owner(&m->ctx, pfn), own->id);
		return;
	}
	if (own->kind != OWN_KIND_GUEST_ORDINARY) {
		assert_int_not_equal(own_record_state(*record, own->id), OWN_NOPAGE);
		return;
	}
	assert_int_equal(own_record_unpack(*record).lent, OWN_LENT_GUESTS);
	(*lent)++;
}

/* Invariants 1 and 3, for every page, and the counts of records and guests. */
static inline void m_assert_invariants(struct model *m)
{
	u64 nr_pages[M_NR_SPACES] = { 0 }, lent[M_FRAMES] = { 0 }, pfn;
	int s, f;

	for (s = 0; s < M_NR_SPACES; s++) {
		assert_false(m->spaces[s].locked);
		for (f = 0; f < M_FRAMES; f++) {
			if (!m->state.entries[s][f].valid)
				continue;
			pfn = m->state.entries[s][f].pfn;
			m_assert_entitled(m, pfn, m_own(m, s), &lent[pfn]);
			nr_pages[s] += vmemmap_region(&m->ctx.mem, pfn) != NULL;
		}
	}
	for (pfn = M_RAM; pfn < M_RAM + M_RAM_NR; pfn++) {
		struct own_page page = own_record_unpack(*m_record(m, pfn));

		if (page.lent == OWN_LENT_GUESTS && page.count < OWN_COUNT_MAX / 2)
			assert_int_equal(page.count, lent[pfn]); /* above that it is faked */
	}
	for (s = M_P1; s < M_NR_SPACES; s++)
		assert_true(m_own(m, s)->nr_pages == nr_pages[s]);
}

#endif /* OWN_MODEL_H */
