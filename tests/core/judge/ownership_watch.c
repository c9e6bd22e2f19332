// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is looked at in the machine with page tables: at the moment when a leaf goes
 * live, when a page is zeroed, and when a step is over. A CPU's view is taken from
 * the independent walk and the TLB model.
 */
#include "ownership_watch.h"

static u32 granule_of(const struct jm_machine *m)
{
	return m->shape.page_shift - m->target.chunk_shift;
}

static u64 frame_pa(const struct jm_machine *m, u32 f)
{
	return (m->shape.pfn + f) << m->shape.page_shift;
}

/* Where the guest has a frame of its own addresses. */
u64 jm_slot_ipa(const struct jm_machine *m, u32 guest, u32 gfn)
{
	return (m->target.gfn_base[guest] + ((u64)gfn << m->target.chunk_shift)) << granule_of(m);
}

static bool guest_reaches(struct jm_machine *m, u32 guest, u64 pa)
{
	struct jt_tables *t = &m->tables[jo_guest_id(guest)];
	u64 in_chunk = pa & ((1ull << m->shape.page_shift) - 1);
	u32 gfn;

	for (gfn = 0; gfn < m->shape.nr_gfns; gfn++)
		if (jt_reaches(t, jm_slot_ipa(m, guest, gfn) + in_chunk, pa))
			return true;
	return false;
}

u32 jm_users_at(struct jm_machine *m, u64 pa)
{
	u32 users = 0, id;

	for (id = 0; id < OWN_ID_GUEST0 + m->shape.nr_guests; id++)
		if (jt_stale_reaches(&m->tables[id], pa))
			users |= 1u << id;
	if (jt_reaches(&m->tables[OWN_ID_HOST], pa, pa))
		users |= 1u << OWN_ID_HOST;
	if (jt_reaches(&m->tables[OWN_ID_HYP], pa + m->shape.va_offset, pa))
		users |= 1u << OWN_ID_HYP;
	for (id = 0; id < m->shape.nr_guests; id++)
		if (guest_reaches(m, id, pa))
			users |= 1u << jo_guest_id(id);
	return users;
}

/* ---- The moment when a leaf goes live ---- */

static void check_moment(struct jm_machine *m, u32 f, u64 pa)
{
	u32 now = jm_users_at(m, pa), before = jo_model_users(m->before, f),
	    after = jo_model_users(m->after, f);

	m->makes++;
	if ((now & ~before) && (now & ~after))
		jo_problem(&m->target,
			   "page %#llx of frame %u is in reach of the set %#x, between "
			   "%#x and %#x",
			   pa, f, now, before, after);
}

/* Not all pages of a large chunk: its first, its last, some others. */
static bool worth_a_look(const struct jm_machine *m, u64 page)
{
	u64 last = (1ull << m->target.chunk_shift) - 1;

	page &= last;
	return page == 0 || page == last || (page & 63) == 17;
}

static void check_secrets(struct jm_machine *m, u32 f)
{
	bool lent = m->before->frame[f].lent == OWN_LENT_HOST ||
		    m->after->frame[f].lent == OWN_LENT_HOST;

	if (m->shape.region[f] && !lent && m->data[f] != JO_DATA_ZERO &&
	    m->data[f] != JO_DATA(OWN_ID_HOST))
		jo_problem(&m->target, "the host gets frame %u with the secrets of %d", f,
			   m->data[f] - 1);
}

/* A leaf of table set @id has gone live, and leads to [oa, oa + size). */
static void check_leaf(struct jm_machine *m, u32 id, u64 oa, u64 size)
{
	u64 base = frame_pa(m, 0), chunk = 1ull << m->shape.page_shift;
	u64 end = base + m->shape.nr_frames * chunk, at, next;

	if (oa + size <= base || oa >= end)
		return;
	at = oa > base ? oa : base;
	if (end > oa + size)
		end = oa + size;
	for (; at < end; at = next) {
		u32 f = (u32)((at - base) >> m->shape.page_shift);

		next = base + (f + 1) * chunk;
		if (id == OWN_ID_HOST)
			check_secrets(m, f);
		if (size >= chunk || worth_a_look(m, at >> granule_of(m)))
			check_moment(m, f, at);
	}
}

static void check_entry(struct jm_machine *m, u32 id, u64 desc, int level)
{
	struct jt_tables *t = &m->tables[id];
	enum walk_type type = walk_desc_type(&t->reg, desc, level);
	const u8 *table;
	u32 i;

	if (type == WALK_LEAF)
		check_leaf(m, id, walk_leaf_addr(&t->reg, desc, level),
			   walk_level_size(&t->reg, level));
	if (type != WALK_TABLE || !mem_holds_pa(&t->mem, walk_table_addr(&t->reg, desc)))
		return;
	table = mem_to_host(&t->mem, walk_table_addr(&t->reg, desc));
	for (i = 0; i < 1u << (t->reg.granule_bits - 3); i++)
		if (mem_desc(table + 8 * i) & 1)
			check_entry(m, id, mem_desc(table + 8 * i), level + 1);
}

void jm_on_write(void *ctx, const u64 *slot, u64 was, u64 now)
{
	struct jm_machine *m = ctx;
	struct mem_page *page;
	u32 id;

	for (id = 0; id < OWN_ID_GUEST0 + m->shape.nr_guests; id++)
		if (jt_on_write(&m->tables[id], slot, was, now))
			break;
	if (id == OWN_ID_GUEST0 + m->shape.nr_guests || !m->before)
		return;
	page = mem_page_of(&m->tables[id].mem, slot);
	if (!m->after)
		jo_problem(&m->target, "tables of %u are written although the step must be refused",
			   id);
	else if (page->use == MEM_ATTACHED)
		check_entry(m, id, port_le64(now), page->level);
}

/* ---- Zeroing ---- */

static void zero(struct own_ctx *ctx, pa_t at, u64 nr)
{
	struct jm_machine *m =
		(struct jm_machine *)((char *)ctx - offsetof(struct jm_machine, ctx));
	u64 page = at.v >> granule_of(m), first = m->shape.pfn << m->target.chunk_shift;

	if (m->before && !m->after)
		jo_problem(&m->target, "pages are zeroed although the step must be refused");
	for (; nr--; page++) {
		u64 f = (page - first) >> m->target.chunk_shift;

		if (f >= m->shape.nr_frames || !m->shape.region[f]) {
			jo_problem(&m->target, "zero of frame %llu, which is no RAM", f);
			return;
		}
		if (worth_a_look(m, page) && jm_users_at(m, page << granule_of(m)))
			jo_problem(&m->target, "frame %llu is zeroed while it is in reach of %#x",
				   f, jm_users_at(m, page << granule_of(m)));
		if (++m->zeroed[f] < 1ull << m->target.chunk_shift)
			continue;
		m->data[f] = JO_DATA_ZERO;
		m->zeroed[f] = 0;
	}
}

const struct own_env_ops jm_env = {.zero = zero};

void jm_write_all(struct jm_machine *m, const struct jo_model *model)
{
	u32 f;

	for (f = 0; f < m->shape.nr_frames; f++)
		m->data[f] = JO_DATA(model->frame[f].owner);
}

/* ---- After a step ---- */

/* The counts say what the records do. */
static void compare_block_counts(struct jm_machine *m)
{
	const struct vmemmap *mem = &m->ctx.mem;
	u64 i, j, left;
	u32 r;

	for (r = 0; mem->counts && r < mem->nr_regions; r++) {
		for (i = 0; i < mem->regions[r].nr_pages; i = j) {
			const struct vmemmap_count *c = vmemmap_count(mem, &m->region[r], i, &left);
			u32 foreign = 0, used = 0;

			for (j = i; j < i + left && j < mem->regions[r].nr_pages; j++) {
				foreign += !own_record_host_may(m->region[r].records[j]);
				used += m->region[r].records[j] != 0;
			}
			if (c->foreign != foreign || c->used != used)
				jo_problem(&m->target,
					   "region %u, from page %llu: counts %u and %u, "
					   "should be %u and %u",
					   r, i, c->foreign, c->used, foreign, used);
		}
	}
}

static void compare_records(struct jm_machine *m, const struct jo_model *model)
{
	u32 f, i, chunk = 1u << m->target.chunk_shift;

	for (f = 0; f < m->shape.nr_frames; f++) {
		const u32 *record = m->records + (size_t)f * chunk;
		u32 want = m->shape.region[f] ? jo_record(&model->frame[f]) : 0;

		for (i = 0; i < chunk; i++)
			if (record[i] != want)
				jo_problem(&m->target,
					   "record %u of frame %u: %#010x, should be "
					   "%#010x",
					   i, f, record[i], want);
		if (model->frame[f].data != JO_DATA_ANY && m->shape.region[f] &&
		    m->data[f] != model->frame[f].data)
			jo_problem(&m->target, "frame %u holds what %d wrote, should be %d", f,
				   m->data[f] - 1, model->frame[f].data - 1);
	}
}

/* What a component sees at an address; @want: physical address, or 0 for nothing. */
static void compare_at(struct jm_machine *m, u32 id, u64 ia, u64 want, u32 prot, bool lazy)
{
	struct walk_result res = jt_walk(&m->tables[id], ia);
	bool exec = id == OWN_ID_HYP ? res.px || res.ux : res.px && res.ux;
	u32 got = (res.r ? OWN_PROT_R : 0) | (res.w ? OWN_PROT_W : 0) | (exec ? OWN_PROT_X : 0);

	if (res.fault == WALK_TRANSLATION && (lazy || !want))
		return;
	if (res.fault != WALK_OK || res.oa != want) {
		jo_problem(&m->target, "component %u at %#llx: %s, leads to %#llx, should be %#llx",
			   id, ia, walk_fault_name(res.fault), res.oa, want);
		return;
	}
	if (got != (prot & OWN_PROT_RWX) || (res.px != res.ux && id != OWN_ID_HYP))
		jo_problem(&m->target, "component %u at %#llx: rights %#x, should be %#x", id, ia,
			   got, prot);
	if (id >= OWN_ID_GUEST0 && res.mem != (prot & OWN_PROT_DEVICE ? WALK_MEM_DEVICE :
					       prot & OWN_PROT_NC     ? WALK_MEM_NC :
									WALK_MEM_NORMAL))
		jo_problem(&m->target, "component %u at %#llx: memory type %d", id, ia, res.mem);
}

/* Three pages of each chunk. */
static u64 sample_page(struct jm_machine *m, u32 i)
{
	u64 last = (1ull << m->target.chunk_shift) - 1;

	return (i == 0 ? 0 : i == 1 ? last : rng_below(&m->rng, last + 1)) << granule_of(m);
}

static void compare_frame(struct jm_machine *m, const struct jo_model *model, u32 f, u64 offset)
{
	u64 pa = frame_pa(m, f) + offset;
	u32 users = jo_model_users(model, f);

	compare_at(m, OWN_ID_HOST, pa, users & 1u << OWN_ID_HOST ? pa : 0,
		   m->shape.region[f] ? OWN_PROT_RWX : OWN_PROT_RW, true);
	compare_at(m, OWN_ID_HYP, pa + m->shape.va_offset, users & 1u << OWN_ID_HYP ? pa : 0,
		   OWN_PROT_RW, false);
}

static void compare_guest(struct jm_machine *m, const struct jo_model *model, u32 guest, u64 offset)
{
	u32 gfn;

	for (gfn = 0; gfn < m->shape.nr_gfns; gfn++) {
		const struct jo_slot *slot = &model->guest[guest].slot[gfn];
		bool page = slot->what == JO_RAM || slot->what == JO_DEVICE;

		compare_at(m, jo_guest_id(guest), jm_slot_ipa(m, guest, gfn) + offset,
			   page ? frame_pa(m, slot->frame) + offset : 0, slot->prot, false);
	}
}

static void compare_counts(struct jm_machine *m, const struct jo_model *model, u32 guest)
{
	const struct own_space *space = m->target.guest[guest];
	u64 pages = (u64)jo_model_count(model, guest, JO_RAM) << m->target.chunk_shift;
	u64 devices = (u64)jo_model_count(model, guest, JO_DEVICE) << m->target.chunk_shift;

	if (space->nr_pages != pages || space->nr_device_pages != devices)
		jo_problem(&m->target,
			   "guest %u has %llu pages and %llu devices, should be %llu, "
			   "%llu",
			   guest, space->nr_pages, space->nr_device_pages, pages, devices);
	if ((space->life == OWN_DYING) != model->guest[guest].dying)
		jo_problem(&m->target, "guest %u: life %u", guest, space->life);
}

static void compare_devices(struct jm_machine *m, const struct jo_model *model)
{
	u32 f, owner;

	for (f = 0; f < m->shape.nr_frames; f++) {
		owner = own_device_owner(&m->ctx, (m->shape.pfn + f) << m->target.chunk_shift);
		if (!m->shape.region[f] && owner != model->frame[f].owner)
			jo_problem(&m->target, "device frame %u is %u's, should be %u's", f, owner,
				   model->frame[f].owner);
	}
	if (m->ctx.devices.lent != (u64)jo_model_devices_lent(model) << m->target.chunk_shift)
		jo_problem(&m->target, "%llu device pages are lent, should be %u frames",
			   (unsigned long long)m->ctx.devices.lent, jo_model_devices_lent(model));
	if (m->ctx.devices.nr != jo_model_device_ranges(model))
		jo_problem(&m->target, "%u ranges of devices, should be %u", m->ctx.devices.nr,
			   jo_model_device_ranges(model));
}

bool jm_compare(struct jm_machine *m, const struct jo_model *model)
{
	u32 f, g, id, i;

	compare_records(m, model);
	compare_block_counts(m);
	compare_devices(m, model);
	for (i = 0; i < (m->target.chunk_shift ? 3 : 1); i++) {
		u64 offset = sample_page(m, i);

		for (f = 0; f < m->shape.nr_frames; f++)
			compare_frame(m, model, f, offset);
		for (g = 0; g < m->shape.nr_guests; g++)
			compare_guest(m, model, g, offset);
	}
	for (g = 0; g < m->shape.nr_guests; g++)
		compare_counts(m, model, g);
	for (id = 0; id < OWN_ID_GUEST0 + m->shape.nr_guests; id++) {
		if (m->tables[id].tlb.nr)
			jo_problem(&m->target,
				   "%u stale entries in the TLB of %u, the first for %#llx",
				   m->tables[id].tlb.nr, id, m->tables[id].tlb.stale[0].ia);
		if (jt_problem(&m->tables[id]))
			jo_problem(&m->target, "tables of %u: %s", id, jt_problem(&m->tables[id]));
	}
	return !jo_failed(&m->target);
}
