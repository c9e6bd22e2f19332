// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page ownership from several threads at once, over real page tables: everybody shares,
 * donates, pins, lists and touches the same few pages; then the guests die, and all
 * threads take back what they had. No locks but the documented ones, which the library
 * takes. At the end nothing is lost: every page has one owner, records and mappings
 * agree, counts are what the successful steps add up to.
 *
 *	run_ownership_threads [--seed N] [--quick]
 */
#include <pthread.h>

#include "ownership_machine.h"
#include "ownership_watch.h"

#define THREADS 4
#define POOL    400
#define FRAMES  8

/* Protected, and shares nothing: its secrets are never to be seen. */
#define PRIVATE 3u

struct thread {
	pthread_t id;
	struct jm_machine *m;
	struct rng rng;
	u32 steps;
	bool dying; /* the second half: guests give back */
	s64 pages[JO_GUESTS], devices[JO_GUESTS], pins;
	u64 done, refused, secrets;
	char problem[128];
};

static void lock(struct jm_machine *m)
{
	m->ctx.host->ops->lock(m->ctx.host);
}

static void unlock(struct jm_machine *m)
{
	m->ctx.host->ops->unlock(m->ctx.host);
}

/* The one machine: small pages, all guests alike in their addresses. */
static void set_up(struct jm_machine *m, struct jo_model *model, u64 seed)
{
	struct rng rng;
	u32 id;

	for (;; seed++) {
		rng = rng_seeded(seed);
		if (!jm_start(m, &rng, NULL, model)) {
			printf("FAILED: %s\n", m->target.problem);
			exit(1);
		}
		if (!m->target.chunk_shift && m->shape.nr_frames == FRAMES &&
		    m->shape.nr_guests == 4 && m->shape.guarded[PRIVATE])
			break;
	}
	judge_ear.fn = NULL;
	for (id = 0; id < JM_SPACES; id++)
		jt_fill(&m->tables[id], POOL);
	jm_print(m);
}

/* ---- What threads do ---- */

/* A guest puts its secret into a page that it has. */
static void guest_writes(struct thread *t, u32 guest)
{
	struct jm_machine *m = t->m;
	u32 gfn = (u32)rng_below(&t->rng, m->shape.nr_gfns);
	struct walk_result res;
	u64 f;

	lock(m);
	res = jt_walk(&m->tables[jo_guest_id(guest)], jm_slot_ipa(m, guest, gfn));
	f = (res.oa >> m->shape.page_shift) - m->shape.pfn;
	if (res.fault == WALK_OK && f < m->shape.nr_frames && m->shape.region[f])
		m->data[f] = JO_DATA(jo_guest_id(guest));
	unlock(m);
}

/* The host touches a page, and reads it if it gets it. */
static void host_reads(struct thread *t)
{
	struct jm_machine *m = t->m;
	u32 f = (u32)rng_below(&t->rng, m->shape.nr_frames);
	u64 at = (m->shape.pfn + f) << m->shape.page_shift;
	struct jt_tables *host = &m->tables[OWN_ID_HOST];
	int ret = own_host_fault(&host->space, pa(at));

	if (ret && ret != -EPERM)
		snprintf(t->problem, sizeof(t->problem), "host fault: %d", ret);
	lock(m);
	if (jt_reaches(host, at, at)) {
		t->secrets += m->data[f] == JO_DATA(jo_guest_id(PRIVATE));
		m->data[f] = JO_DATA(OWN_ID_HOST);
	}
	unlock(m);
}

static bool count_range(const struct own_range *range, void *arg)
{
	*(u64 *)arg += range->device ? 0 : range->nr_pages;
	return true;
}

/* All RAM is listed, whatever happens meanwhile. */
static void list(struct thread *t)
{
	const struct jo_shape *shape = &t->m->shape;
	u64 cursor = 0, pages = 0, ram = 0;
	u32 f;

	for (f = 0; f < shape->nr_frames; f++)
		ram += shape->region[f] != 0;
	while (own_for_each_range(&t->m->ctx, &cursor, 3, count_range, &pages))
		;
	if (pages != ram)
		snprintf(t->problem, sizeof(t->problem), "%llu pages listed of %llu", pages, ram);
}

/* Books the step that succeeded. */
static void book(struct thread *t, const struct jo_step *step)
{
	s64 nr = (s64)step->nr;

	if (step->op == JO_HYP_PIN)
		t->pins += nr;
	if (step->op == JO_HYP_UNPIN)
		t->pins -= nr;
	if (step->op == JO_HOST_SHARE_GUEST || step->op == JO_HOST_DONATE_GUEST)
		t->pages[step->guest] += nr;
	if (step->op == JO_HOST_UNSHARE_GUEST || step->op == JO_GUEST_DONATE_HOST ||
	    step->op == JO_GUEST_RECLAIM || step->op == JO_GUEST_FORCE_RECLAIM)
		t->pages[step->guest] -= nr;
	if (step->op == JO_HOST_DONATE_DEVICE)
		t->devices[step->guest] += nr;
	if (step->op == JO_DEVICE_RETURN)
		t->devices[step->guest] -= nr;
}

static void one_step(struct thread *t)
{
	const u64 expected = JO_REFUSE(EPERM) | JO_REFUSE(ENOENT) | JO_REFUSE(EBUSY) |
			     JO_REFUSE(ERANGE) | JO_REFUSE(EAGAIN) | JO_REFUSE(ENOSPC);
	struct jm_machine *m = t->m;
	struct jo_step step = {.prot = OWN_PROT_RW};
	enum jo_door door = rng_below(&t->rng, JO_NR_DOORS);
	u64 unused;
	int ret;

	step.op = (enum jo_op)rng_below(&t->rng, JO_GUEST_KILL);
	step.guest = (u32)rng_below(&t->rng, 4);
	step.pfn = m->shape.pfn + rng_below(&t->rng, FRAMES);
	step.gfn = rng_below(&t->rng, 3);
	step.nr = rng_chance(&t->rng, 75) ? 1 : 1 + rng_below(&t->rng, 3);
	if (step.guest == PRIVATE && step.op == JO_GUEST_SHARE_HOST)
		return;
	/* Which of several owners' pages they took, nobody could book. */
	if (step.op == JO_HOST_SHARE_DEVICE || step.op == JO_HOST_UNSHARE_PAGES)
		return;
	/* Poison and pins stay, and then nothing moves any more. */
	if (step.op == JO_GUEST_FORCE_RECLAIM && rng_chance(&t->rng, 99))
		return;
	if (step.op == JO_HYP_PIN && rng_chance(&t->rng, 70))
		return;
	if (step.op == JO_HOST_DONATE_DEVICE && step.nr > m->shape.pfn + FRAMES - step.pfn)
		step.nr = m->shape.pfn + FRAMES - step.pfn;
	if (!jo_step_fits(&step, door))
		door = JO_DOOR_FUNCTION;
	ret = jo_call(&m->target, &step, door, &unused);
	if (ret == 0) {
		t->done++;
		book(t, &step);
	} else if (ret < 0 && ret > -40 && (expected & JO_REFUSE(-ret))) {
		t->refused++;
	} else {
		snprintf(t->problem, sizeof(t->problem), "%s returned %d", jo_op_name(step.op),
			 ret);
	}
}

/* Until the guest has nothing left. What goes is not booked: all has to go. */
static void drain(struct thread *t, u32 guest)
{
	struct own_space *space = t->m->target.guest[guest];
	u64 gfn = 0;
	int ret;

	do {
		ret = own_guest_drain(&t->m->ctx, space, &gfn, 1 + rng_below(&t->rng, 3));
	} while (ret == -EAGAIN);
	if (ret)
		snprintf(t->problem, sizeof(t->problem), "drain returned %d", ret);
}

static void *run(void *arg)
{
	struct thread *t = arg;
	u32 i;

	for (i = 0; i < t->steps && !t->problem[0]; i++) {
		u64 what = rng_below(&t->rng, 100);

		if (what < 8)
			guest_writes(t, PRIVATE);
		else if (what < 24)
			host_reads(t);
		else if (what < 26)
			list(t);
		else
			one_step(t);
	}
	if (t->dying)
		for (i = 0; i < 4; i++)
			drain(t, (u32)(i + rng_below(&t->rng, 4)) % 4);
	for (i = 0; t->dying && i < 4; i++)
		drain(t, i);
	return NULL;
}

/* ---- The account ---- */

static void check_frame(struct jm_machine *m, u32 f, s64 *pins)
{
	struct own_page page = own_record_unpack(m->records[f]);
	u32 users = jm_users_at(m, (m->shape.pfn + f) << m->shape.page_shift), allowed, g, gfn;
	u32 borrows = 0;

	allowed = 1u << page.owner;
	if (page.lent == OWN_LENT_HOST)
		allowed |= 1u << OWN_ID_HOST;
	if (page.lent == OWN_LENT_HYP)
		allowed |= 1u << OWN_ID_HYP;
	if (page.lent == OWN_LENT_HYP || page.owner == OWN_ID_HYP)
		*pins += page.count;
	for (g = 0; g < 4; g++)
		for (gfn = 0; gfn < m->shape.nr_gfns; gfn++)
			borrows += !m->shape.guarded[g] &&
				   jt_reaches(&m->tables[jo_guest_id(g)], jm_slot_ipa(m, g, gfn),
					      (m->shape.pfn + f) << m->shape.page_shift);
	for (g = 0; g < 4; g++)
		if (page.lent == OWN_LENT_GUESTS && !m->shape.guarded[g])
			allowed |= 1u << jo_guest_id(g);
	if ((users & ~allowed) || (page.owner != OWN_ID_HOST && !(users & 1u << page.owner)) ||
	    borrows != (page.lent == OWN_LENT_GUESTS ? page.count : 0u))
		jo_problem(&m->target,
			   "frame %u, record %#010x: in reach of %#x, borrowed %u times", f,
			   m->records[f], users, borrows);
}

static void settle(struct jm_machine *m, const struct thread *threads, u32 rounds)
{
	s64 pins = 0, booked = 0, pages, devices;
	u32 f, g, i;

	for (i = 0; i < rounds; i++) {
		booked += threads[i].pins;
		if (threads[i].problem[0] || threads[i].secrets)
			jo_problem(&m->target, "%s; %llu secrets seen", threads[i].problem,
				   threads[i].secrets);
	}
	for (g = 0; g < 4; g++) {
		const struct own_space *space = m->target.guest[g];

		pages = (s64)space->nr_pages;
		devices = (s64)space->nr_device_pages;
		for (i = 0; i < rounds && space->life == OWN_LIVE; i++) {
			pages -= threads[i].pages[g];
			devices -= threads[i].devices[g];
		}
		if (pages || devices)
			jo_problem(&m->target, "guest %u: %lld pages, %lld devices too many", g,
				   pages, devices);
	}
	for (f = 0; f < m->shape.nr_frames; f++)
		if (m->shape.region[f])
			check_frame(m, f, &pins);
	if (pins != booked)
		jo_problem(&m->target, "%lld pins, should be %lld", pins, booked);
}

static void phase(struct jm_machine *m, struct thread *threads, u64 seed, u32 steps, bool dying)
{
	u32 i;

	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){.m = m, .steps = steps, .dying = dying};
		threads[i].rng = rng_seeded(seed * 64 + i + (dying ? THREADS : 0));
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			exit(2);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
}

int main(int argc, char **argv)
{
	static struct jm_machine m;
	static struct jo_model model;
	static struct thread threads[2 * THREADS];
	u32 steps = jo_quick(argc, argv) ? 4000 : 20000, i, g;
	u64 seed = jo_argument(argc, argv, "--seed", 1);
	u64 done = 0, refused = 0;

	printf("seed %llu\n", seed);
	jm_init(&m);
	set_up(&m, &model, seed);
	phase(&m, threads, seed, steps, false);
	settle(&m, threads, THREADS);
	for (g = 0; g < 4; g++)
		own_guest_kill(&m.ctx, m.target.guest[g]);
	phase(&m, threads + THREADS, seed, steps / 4, true);
	settle(&m, threads, 2 * THREADS);
	for (i = 0; i < 2 * THREADS; i++) {
		done += threads[i].done;
		refused += threads[i].refused;
	}
	if (jo_failed(&m.target))
		printf("FAILED: %s\n", m.target.problem);
	else
		printf("ok: %d threads, %llu steps done, %llu refused; all pages accounted for\n",
		       THREADS, done, refused);
	printf("%d passed, %d failed\n", !jo_failed(&m.target), jo_failed(&m.target));
	return jo_failed(&m.target);
}
