// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's life, and steps on it. What is looked at is in ownership_watch.c.
 */
#include "ownership_machine.h"
#include "ownership_watch.h"

#define POOL_PAGES      40
#define POOL_PAGES_HUGE 700 /* chunks of a quarter of 1 GiB, page by page */

/* ---- A shape ---- */

void jm_init(struct jm_machine *m)
{
	u32 id;

	memset(m, 0, sizeof(*m));
	for (id = 0; id < JM_SPACES; id++)
		jt_init(&m->tables[id]);
}

void jm_fini(struct jm_machine *m)
{
	u32 id;

	judge_ear.fn = NULL;
	for (id = 0; id < JM_SPACES; id++)
		jt_fini(&m->tables[id]);
	free(m->records);
	free(m->all_counts);
}

static void choose_cpu(struct jm_machine *m, struct rng *rng)
{
	bool wide = rng_chance(rng, 50);
	u32 i;

	memset(&m->cpu, 0, sizeof(m->cpu));
	m->cpu.pa_bits = wide ? 52 : rng_chance(rng, 50) ? 48 : 40;
	for (i = 0; i < 3; i++)
		m->cpu.granule_s1[i] = m->cpu.granule_s2[i] =
			wide && i < 2 ? PGT_GRANULE_LPA2 : PGT_GRANULE_48;
	m->cpu.vmid_bits = 16;
	m->cpu.ha = rng_chance(rng, 50);
	m->cpu.xnx = rng_chance(rng, 50);
	m->cpu.fwb = rng_chance(rng, 50);
	m->cpu.ttl = rng_chance(rng, 70);
	m->cpu.lva = wide;
	m->cpu.tlbirange = rng_chance(rng, 60);
}

/* Runs of RAM with holes between them. */
static void choose_regions(struct jm_machine *m, struct rng *rng)
{
	struct jo_shape *shape = &m->shape;
	u32 f = 0, region = 1, n;

	memset(shape->region, 0, sizeof(shape->region));
	while (f < shape->nr_frames) {
		n = 1 + (u32)rng_below(rng, 10);
		while (n-- && f < shape->nr_frames)
			shape->region[f++] = (u8)region;
		region++;
		f += 1 + (u32)rng_below(rng, 3);
	}
}

static void choose_shape(struct jm_machine *m, struct rng *rng)
{
	static const u8 frames[] = {8, 16, 32, 64};
	struct jo_shape *shape = &m->shape;
	u32 granule = 12 + 2 * (u32)rng_below(rng, 3), stride = granule - 3, g;
	const u32 chunks[] = {0, 0, 2, stride - 2, stride};
	u32 chunk = chunks[rng_below(rng, 5)];
	u64 top;

	m->pool_pages = POOL_PAGES;
	/* Now and then a chunk is a quarter of a 1 GiB block. */
	if (granule == 12 && rng_chance(rng, 6) && !m->small) {
		chunk = 2 * stride - 2;
		m->pool_pages = POOL_PAGES_HUGE;
	}
	if (m->small && chunk > 9)
		chunk = 2;
	choose_cpu(m, rng);
	memset(shape, 0, sizeof(*shape));
	m->target.chunk_shift = chunk;
	shape->page_shift = granule + chunk;
	shape->nr_frames = frames[rng_below(rng, chunk > 4 ? 2 : 4)];
	if (chunk > stride)
		shape->nr_frames = 8;
	shape->nr_gfns = 4 + (u32)rng_below(rng, shape->nr_frames);
	shape->nr_guests = 2 + (u32)rng_below(rng, 3);
	shape->max_devices = JM_DEVICES;
	for (g = 0; g < shape->nr_guests; g++)
		shape->guarded[g] = g != 1 && (g == 0 || rng_chance(rng, 50));
	/* Frames lie anywhere, at the very end of memory, or at the start of a block. */
	top = 1ull << (m->cpu.pa_bits - shape->page_shift);
	shape->pfn = 1 + rng_below(rng, top - shape->nr_frames - 1);
	if (rng_chance(rng, 20))
		shape->pfn = top - shape->nr_frames;
	else if (rng_chance(rng, 50))
		shape->pfn =
			(shape->pfn & ~((1ull << stride) - 1)) + (shape->pfn >> stride ? 0 : 4);
	choose_regions(m, rng);
}

/* Frames and guests as given, in chunks of half a block at most. */
static void impose_shape(struct jm_machine *m, const struct jo_shape *fixed)
{
	struct jo_shape chosen = m->shape;
	u32 granule = chosen.page_shift - m->target.chunk_shift, half = granule - 4;

	m->shape = *fixed;
	if (m->target.chunk_shift > half)
		m->target.chunk_shift = half;
	m->shape.page_shift = granule + m->target.chunk_shift;
	m->shape.pfn = (chosen.pfn << chosen.page_shift >> m->shape.page_shift) & ~1ull;
	m->shape.max_devices = JM_DEVICES;
	m->pool_pages = POOL_PAGES;
}

/* ---- Tables ---- */

static bool start_tables(struct jm_machine *m, u32 id, struct rng *rng)
{
	struct pgt_request req = {.stage = id == OWN_ID_HYP ? PGT_STAGE1 : PGT_STAGE2};
	bool wide = m->cpu.pa_bits == 52;
	struct jt_tables *t = &m->tables[id];
	u64 pa = rng_next(rng, 7) & ((1ull << m->cpu.pa_bits) - 1) & ~((1ull << 25) - 1);
	u32 room = m->shape.page_shift + 8;

	req.granule_shift = (u8)(m->shape.page_shift - m->target.chunk_shift);
	req.oa_bits = m->cpu.pa_bits;
	req.ia_bits = m->cpu.pa_bits;
	req.ha = m->cpu.ha;
	if (id == OWN_ID_HYP)
		req.ia_bits = wide ? 52 : 48;
	else if (id >= OWN_ID_GUEST0)
		req.ia_bits = (u8)(m->cpu.pa_bits - rng_below(rng, m->cpu.pa_bits - 32));
	if (id >= OWN_ID_GUEST0 && req.ia_bits < room)
		req.ia_bits = (u8)room;
	if (id >= OWN_ID_GUEST0 && m->all_at_top && req.ia_bits == 52)
		req.ia_bits = 51;
	if (!jt_start(t, &req, &m->cpu, id >= OWN_ID_GUEST0 && m->cpu.fwb, pa))
		jo_problem(&m->target, "tables of %u: %s", id, t->problem);
	jt_fill(t, m->pool_pages);
	return !jo_failed(&m->target);
}

static bool start_guest(struct jm_machine *m, u32 guest, struct rng *rng)
{
	u32 id = jo_guest_id(guest), granule = m->shape.page_shift - m->target.chunk_shift;
	struct jt_tables *t = &m->tables[id];
	u64 frames;

	if (!start_tables(m, id, rng))
		return false;
	if (own_pgt_guest_init(&t->space, jo_kind(&m->shape, id), id, &t->pgt, &t->pool))
		jo_problem(&m->target, "own_pgt_guest_init()");
	frames = (1ull << (t->geo.ia_bits - granule)) -
		 ((u64)m->shape.nr_gfns << m->target.chunk_shift);
	/* At 52 bits a range that goes beyond is refused for a reason of its own. */
	m->gfn_at_top[guest] = m->all_at_top || (rng_chance(rng, 40) && t->geo.ia_bits < 52);
	m->target.gfn_base[guest] = m->gfn_at_top[guest] ? frames : rng_below(rng, frames);
	if (!m->gfn_at_top[guest] && rng_chance(rng, 60))
		m->target.gfn_base[guest] &= ~((1ull << (granule - 3)) - 1);
	m->target.guest[guest] = &t->space.own;
	return !jo_failed(&m->target);
}

/* The hyp's linear map: all RAM has to fit into its addresses. */
static void choose_offset(struct jm_machine *m, struct rng *rng)
{
	u64 size = 1ull << m->tables[OWN_ID_HYP].geo.ia_bits, base;
	u64 span = (u64)m->shape.nr_frames << m->shape.page_shift;

	base = rng_next(rng, 7) % (size - span) >> m->shape.page_shift << m->shape.page_shift;
	m->shape.va_offset = base - (m->shape.pfn << m->shape.page_shift);
}

/* Counts by blocks of some size, or none. */
static void set_counts(struct jm_machine *m, struct vmemmap *mem)
{
	u32 i, shift = rng_below(&m->shape_rng, VMEMMAP_BLOCK_SHIFT_MAX + 1);
	struct vmemmap_count *next;
	u64 all = 0;

	if (rng_chance(&m->shape_rng, 25))
		return;
	for (i = 0; i < mem->nr_regions; i++)
		all += vmemmap_nr_blocks(m->region[i].pfn, m->region[i].nr_pages, shift);
	free(m->all_counts);
	m->all_counts = next = calloc(all, sizeof(*next));
	for (i = 0; i < mem->nr_regions; i++) {
		m->counts[i] = next;
		next += vmemmap_nr_blocks(m->region[i].pfn, m->region[i].nr_pages, shift);
	}
	vmemmap_set_counts(mem, m->counts, shift);
}

static void set_records(struct jm_machine *m, struct vmemmap *mem)
{
	u32 f, n = 0, chunk = m->target.chunk_shift;
	u32 nr = m->shape.nr_frames << chunk;

	if (nr > m->nr_records) {
		free(m->records);
		m->records = malloc(nr * sizeof(*m->records));
		m->nr_records = nr;
	}
	memset(m->records, 0, nr * sizeof(*m->records));
	memset(m->region, 0, sizeof(m->region));
	for (f = 0; f < m->shape.nr_frames; f++) {
		if (!m->shape.region[f])
			continue;
		if (!f || m->shape.region[f] != m->shape.region[f - 1]) {
			m->region[n].pfn = (m->shape.pfn + f) << chunk;
			m->region[n++].records = m->records + ((size_t)f << chunk);
		}
		m->region[n - 1].nr_pages += 1ull << chunk;
	}
	if (vmemmap_init(mem, m->region, n))
		jo_problem(&m->target, "vmemmap_init()");
	set_counts(m, mem);
}

static int recycle(struct jo_target *target, u32 guest)
{
	struct jm_machine *m = (struct jm_machine *)target;
	struct jt_tables *t = &m->tables[jo_guest_id(guest)];

	if (!own_guest_is_empty(target->ctx, target->guest[guest]) ||
	    target->guest[guest]->life != OWN_DYING)
		return -EPERM;
	jt_stop(t);
	if (jt_problem(t))
		jo_problem(target, "guest %u taken apart: %s", guest, jt_problem(t));
	return start_guest(m, guest, &m->shape_rng) ? 0 : -EFAULT;
}

bool jm_start(struct jm_machine *m, struct rng *rng, const struct jo_shape *fixed,
	      struct jo_model *model)
{
	struct jt_tables *host = &m->tables[OWN_ID_HOST], *hyp = &m->tables[OWN_ID_HYP];
	struct vmemmap mem;
	u32 g;

	m->target = (struct jo_target){.shape = &m->shape, .ctx = &m->ctx, .recycle = recycle};
	m->rng = rng_seeded(rng_next(rng, 4));
	m->shape_rng = rng_seeded(rng_next(rng, 4));
	m->before = m->after = NULL;
	choose_shape(m, rng);
	m->all_at_top = fixed;
	if (fixed)
		impose_shape(m, fixed);
	set_records(m, &mem);
	if (!start_tables(m, OWN_ID_HOST, rng) || !start_tables(m, OWN_ID_HYP, rng))
		return false;
	choose_offset(m, rng);
	own_pgt_host_init(&host->space, &m->ctx, &host->pgt, &host->pool);
	own_pgt_hyp_init(&hyp->space, &hyp->pgt, &hyp->pool, m->shape.va_offset);
	for (g = 0; g < m->shape.nr_guests; g++)
		if (!start_guest(m, g, rng))
			return false;
	if (own_init(&m->ctx, &mem, m->devices, JM_DEVICES, &host->space.own, &hyp->space.own,
		     &jm_env, m->shape.page_shift - m->target.chunk_shift))
		jo_problem(&m->target, "own_init()");
	m->ctx.pa_bits = m->cpu.pa_bits;
	jo_model_init(model, &m->shape);
	memset(m->data, JO_DATA(OWN_ID_HOST), sizeof(m->data));
	judge_ear = (struct judge_ear){.fn = jm_on_write, .ctx = m};
	return jm_compare(m, model);
}

bool jm_stop(struct jm_machine *m, struct jo_model *model)
{
	u32 id;

	for (id = 0; id < OWN_ID_GUEST0 + m->shape.nr_guests && !jo_failed(&m->target); id++) {
		struct jo_step end = {.op = JO_GUEST_KILL, .guest = id - OWN_ID_GUEST0, .nr = 3};

		if (id >= OWN_ID_GUEST0) {
			jm_step(m, model, &end, JO_DOOR_FUNCTION, false);
			end.op = JO_GUEST_DRAIN;
			jm_step(m, model, &end, JO_DOOR_FUNCTION, false);
		}
	}
	for (id = 0; id < OWN_ID_GUEST0 + m->shape.nr_guests && !jo_failed(&m->target); id++) {
		jt_stop(&m->tables[id]);
		if (jt_problem(&m->tables[id]))
			jo_problem(&m->target, "tables of %u taken apart: %s", id,
				   jt_problem(&m->tables[id]));
	}
	judge_ear.fn = NULL;
	return !jo_failed(&m->target);
}

/* ---- Steps ---- */

static void expect(struct jm_machine *m, const struct jo_model *before,
		   const struct jo_model *after)
{
	m->before = before;
	m->after = after;
	memset(m->zeroed, 0, sizeof(m->zeroed));
}

bool jm_refuse(struct jm_machine *m, const struct jo_model *model, const struct jo_step *step,
	       enum jo_door door, u64 refusals)
{
	u64 gfn = 0;
	int ret;

	expect(m, model, NULL);
	ret = jo_call(&m->target, step, door, &gfn);
	if (ret >= 0 || ret < -39 || !(refusals & JO_REFUSE(-ret)))
		jo_problem(&m->target, "returned %d, the model refuses (set %#llx)", ret, refusals);
	return !jo_failed(&m->target);
}

/* The step is over: is it what it should be? Then every owner writes to its pages. */
static bool settle(struct jm_machine *m, struct jo_model *model, const struct jo_model *after)
{
	*model = *after;
	if (!jm_compare(m, model))
		return false;
	jo_model_write_all(model);
	jm_write_all(m, model);
	return true;
}

/* A drain to its end, in pieces: each within its budget. */
static bool drain(struct jm_machine *m, struct jo_model *model, const struct jo_step *step)
{
	struct jt_tables *t = &m->tables[jo_guest_id(step->guest)];
	u64 gfn = 0, was, left, budget = step->nr << (m->target.chunk_shift / 2);
	struct jo_model after = *model;
	u32 calls = 0;
	int ret;

	jo_model_drain(&after, step->guest, 0, m->shape.nr_gfns);
	expect(m, model, &after);
	do {
		was = gfn;
		left = t->space.own.nr_pages;
		jt_fill(t, m->pool_pages);
		jt_fill(&m->tables[OWN_ID_HOST], m->pool_pages);
		ret = own_guest_drain(&m->ctx, &t->space.own, &gfn, budget);
		if (left - t->space.own.nr_pages > budget)
			jo_problem(&m->target, "drain took %llu pages, its budget was %llu",
				   left - t->space.own.nr_pages, budget);
		if (ret == -EAGAIN && gfn <= was)
			jo_problem(&m->target, "drain makes no progress at %#llx", gfn);
	} while (ret == -EAGAIN && !jo_failed(&m->target) && ++calls < 1000000);
	if (ret)
		jo_problem(&m->target, "drain ended with %d at %#llx", ret, gfn);
	return settle(m, model, &after);
}

/* The tables other than the host's that the step is about. */
static struct jt_tables *other_tables(struct jm_machine *m, const struct jo_step *step)
{
	return &m->tables[step->op < JO_HOST_SHARE_GUEST ? OWN_ID_HYP : jo_guest_id(step->guest)];
}

/* With ever more pages in one pool, until it works. Gives what the step returned. */
static int starving(struct jm_machine *m, struct jo_model *model, struct jo_model *after,
		    const struct jo_step *step, enum jo_door door, struct jt_tables *victim)
{
	u32 pages, in_use;
	u64 gfn = 0;
	int ret;

	for (pages = 0; pages <= m->pool_pages; pages += 1 + pages / 20) {
		jt_fill(victim, pages);
		in_use = victim->mem.in_use;
		expect(m, model, after);
		ret = jo_call(&m->target, step, door, &gfn);
		if (ret != -ENOMEM)
			return ret;
		m->starved++;
		if (victim->mem.in_use != in_use || victim->pool.mc.count < pages ||
		    victim->pool.reserved)
			jo_problem(&m->target, "pages of a pool were not returned");
		if (!jm_compare(m, model))
			return ret;
	}
	jo_problem(&m->target, "-ENOMEM with %u table pages at hand", m->pool_pages);
	return ret;
}

bool jm_step(struct jm_machine *m, struct jo_model *model, const struct jo_step *step,
	     enum jo_door door, bool starve)
{
	struct jt_tables *host = &m->tables[OWN_ID_HOST], *other = other_tables(m, step);
	u64 refusals = jo_model_refusals(model, step), gfn = 0;
	struct jo_model after = *model;
	int ret;

	jt_fill(host, m->pool_pages);
	jt_fill(other, m->pool_pages);
	if (refusals)
		return jm_refuse(m, model, step, door, refusals) && jm_compare(m, model);
	if (step->op == JO_GUEST_DRAIN)
		return drain(m, model, step);
	jo_model_commit(&after, step);
	if (starve && step->op < JO_GUEST_KILL) {
		ret = starving(m, model, &after, step, door, step->nr & 1 ? host : other);
	} else {
		expect(m, model, &after);
		ret = jo_call(&m->target, step, door, &gfn);
	}
	if (ret)
		jo_problem(&m->target, "returned %d, the model sees nothing wrong", ret);
	return settle(m, model, &after);
}

bool jm_touch(struct jm_machine *m, const struct jo_model *model, u32 f, u64 page)
{
	struct jt_tables *host = &m->tables[OWN_ID_HOST];
	u32 granule = m->shape.page_shift - m->target.chunk_shift;
	u64 at = ((m->shape.pfn + f) << m->shape.page_shift) + (page << granule) + (page & 0xfff);
	bool may = jo_model_users(model, f) & 1u << OWN_ID_HOST;
	int ret;

	jt_fill(host, m->pool_pages);
	expect(m, model, model);
	ret = own_host_fault(&host->space, pa(at));
	if (ret != (may ? 0 : -EPERM))
		jo_problem(&m->target, "the host touches frame %u: %d", f, ret);
	if (may && !jt_reaches(host, at, at))
		jo_problem(&m->target, "the host does not get frame %u", f);
	return jm_compare(m, model);
}

void jm_print(const struct jm_machine *m)
{
	const struct jo_shape *shape = &m->shape;
	u32 f, g;

	printf("  %uK pages, %u pages a frame, %u-bit PA, frames from %#llx:",
	       1u << (shape->page_shift - m->target.chunk_shift - 10), 1u << m->target.chunk_shift,
	       m->cpu.pa_bits, shape->pfn << shape->page_shift);
	for (f = 0; f < shape->nr_frames; f++)
		printf("%c", shape->region[f] ? 'R' : '.');
	printf("\n  hyp at +%#llx;", shape->va_offset);
	for (g = 0; g < shape->nr_guests; g++)
		printf(" guest %u: %u bits, frame 0 is %#llx;", g,
		       m->tables[jo_guest_id(g)].geo.ia_bits, m->target.gfn_base[g]);
	printf("%s%s%s%s\n", m->cpu.fwb ? " FWB" : "", m->cpu.ttl ? " TTL" : "",
	       m->cpu.tlbirange ? " TLBIRANGE" : "", m->cpu.ha ? " HA" : "");
}
