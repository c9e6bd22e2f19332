// SPDX-License-Identifier: GPL-2.0-only
/* Making, running, shrinking and printing a sequence. */
#include <setjmp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "sequence.h"

void sequence_make(struct sequence *seq, struct rng *rng, u32 n)
{
	struct pgt_geometry geo;

	spec_random(&seq->spec, rng);
	seq->unmap_first = rng_chance(rng, 50);
	seq->destroy_budget = (u16)(rng_chance(rng, 50) ? 1 + rng_below(rng, 100) : 0);
	seq->n = 0;
	if (pgt_geometry_init(&geo, &seq->spec.req, &seq->spec.cpu))
		return;
	while (seq->n < n && seq->n < SEQUENCE_MAX && !rng->dry) {
		u32 back = 1 + (u32)rng_below(rng, 6);

		op_random(&seq->op[seq->n], &seq->spec, &geo,
			  back <= seq->n ? &seq->op[seq->n - back] : NULL, rng);
		seq->n++;
	}
}

/* ---- Running ---- */

static _Thread_local sigjmp_buf way_out;

static void on_signal(int sig)
{
	siglongjmp(way_out, sig);
}

#define SECONDS_PER_SEQUENCE 20

/* An assertion or a wild access of core ends the sequence, not the judge. */
static void catch_signals(bool on)
{
	static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGALRM};
	struct sigaction action = {.sa_handler = on ? on_signal : SIG_DFL, .sa_flags = SA_NODEFER};
	size_t i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &action, NULL);
	alarm(on ? SECONDS_PER_SEQUENCE : 0);
}

static void take_down(struct world *w)
{
	struct op unmap = {.kind = OP_S2_UNMAP, .size = (u64)1 << w->geo.ia_bits};
	struct op disown = {.kind = OP_S2_SET_OWNER, .size = unmap.size};

	w->thorough = true;
	if (w->geo.stage == PGT_STAGE1)
		unmap.kind = OP_S1_UNMAP;
	op_run(w, &unmap);
	if (!world_problem(w) && w->geo.stage == PGT_STAGE2)
		op_run(w, &disown);
	if (!world_problem(w) && w->mem.in_use != w->root_pages)
		world_fail(w, "%d tables are left in an empty address space",
			   (int)(w->mem.in_use - w->root_pages));
}

static void finish(struct world *w, const struct sequence *seq)
{
	bool thorough = w->thorough;

	exec_flush_gather(w);
	if (!world_problem(w))
		scan_all(w);
	if (seq->unmap_first && !world_problem(w))
		take_down(w);
	if (!world_problem(w))
		world_stop(w, seq->destroy_budget);
	w->thorough = thorough;
}

static int run(struct world *w, const struct sequence *seq, volatile u32 *at)
{
	if (!world_start(w, &seq->spec))
		return 0;
	for (*at = 0; *at < seq->n; (*at)++) {
		op_run(w, &seq->op[*at]);
		if (world_problem(w))
			return (int)*at;
	}
	finish(w, seq);
	return world_problem(w) ? (int)seq->n : -1;
}

int sequence_run(struct world *w, const struct sequence *seq)
{
	volatile u32 at = 0;
	int sig, failed;

	if (w->bare)
		return run(w, seq, &at);
	sig = sigsetjmp(way_out, 1);
	if (sig) {
		catch_signals(false);
		world_fail(w,
			   sig == SIGALRM
				   ? "no return in time"
				   : "core ended with signal %d (an assertion, or a wild access)",
			   sig);
		return (int)at;
	}
	catch_signals(true);
	failed = run(w, seq, &at);
	catch_signals(false);
	return failed;
}

/* ---- Shrinking: delta debugging, then plainer arguments ---- */

#define SECONDS_TO_SHRINK 60

static time_t deadline;

static bool still_fails(struct world *w, const struct sequence *seq)
{
	return time(NULL) < deadline && sequence_run(w, seq) >= 0;
}

/* Leaves out [from, from + n) if the rest still fails. */
static bool try_without(struct world *w, struct sequence *seq, u32 from, u32 n)
{
	static struct sequence less;

	less = *seq;
	memmove(less.op + from, less.op + from + n, (less.n - from - n) * sizeof(less.op[0]));
	less.n -= n;
	if (!still_fails(w, &less))
		return false;
	*seq = less;
	return true;
}

static bool drop_operations(struct world *w, struct sequence *seq)
{
	u32 chunk, from;
	bool any = false;

	for (chunk = seq->n / 2; chunk; chunk /= 2)
		for (from = 0; from + chunk <= seq->n;) {
			if (try_without(w, seq, from, chunk))
				any = true;
			else
				from += chunk;
		}
	return any;
}

static bool try_op(struct world *w, struct sequence *seq, u32 i, const struct op *op)
{
	struct op was = seq->op[i];

	if (!memcmp(&was, op, sizeof(was)))
		return false;
	seq->op[i] = *op;
	if (still_fails(w, seq))
		return true;
	seq->op[i] = was;
	return false;
}

/* Fewer flags, no budget, enough memory, a smaller size: whatever keeps the failure. */
static bool plain_arguments(struct world *w, struct sequence *seq, u32 i)
{
	u64 page = (u64)1 << seq->spec.req.granule_shift;
	bool any = false;
	unsigned int bit;
	struct op op;

#define TRY(change)                                                                                \
	do {                                                                                       \
		op = seq->op[i];                                                                   \
		change;                                                                            \
		any |= try_op(w, seq, i, &op);                                                     \
	} while (0)
	TRY(op.budget = 0);
	TRY(op.gather = false);
	TRY(op.max_shift = 0);
	TRY(op.write = false);
	TRY(op.mc_pages = 12);
	for (bit = 0; bit < 12; bit++) {
		TRY(op.flags &= ~(1u << bit));
		TRY(op.prot &= ~(1u << bit));
	}
	TRY(op.size = page);
	TRY(op.size = op.size / 2 & ~(page - 1));
	TRY(op.size -= page);
	TRY(op.ia = 0);
	TRY(op.to = 0);
	TRY(op.owner = op.owner ? 1 : 0);
#undef TRY
	return any;
}

void sequence_shrink(struct world *w, struct sequence *seq)
{
	int failed, rounds = 0;
	bool any = true;
	u32 i;

	deadline = time(NULL) + SECONDS_TO_SHRINK;
	w->thorough = true;
	failed = sequence_run(w, seq);
	if (failed < 0) {
		w->thorough = false; /* it takes the sparse comparison to see it: keep that */
		failed = sequence_run(w, seq);
	}
	if (failed >= 0 && failed < (int)seq->n)
		seq->n = (u32)failed + 1;
	while (any && rounds++ < 8) {
		any = drop_operations(w, seq);
		for (i = 0; i < seq->n; i++)
			any |= plain_arguments(w, seq, i);
	}
	sequence_run(w, seq);
}

void sequence_print(const struct sequence *seq)
{
	u32 i;

	spec_print(&seq->spec);
	for (i = 0; i < seq->n; i++)
		op_print(&seq->op[i]);
	printf("    %sdestroy, budget %u\n",
	       seq->unmap_first ? "unmap and disown everything, " : "", seq->destroy_budget);
}
