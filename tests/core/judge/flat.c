// SPDX-License-Identifier: GPL-2.0-only
/* The flat map: a sorted array of runs; see flat.h. */
#include "flat.h"

void flat_init(struct flat *flat)
{
	memset(flat, 0, sizeof(*flat));
}

void flat_clear(struct flat *flat)
{
	flat->n = 0;
}

void flat_fini(struct flat *flat)
{
	free(flat->run);
}

static bool same_state(const struct flat_state *a, const struct flat_state *b)
{
	return a->kind == b->kind && a->prot == b->prot && a->young == b->young &&
	       a->dirty == b->dirty && a->dbm == b->dbm && a->owner == b->owner;
}

/* Index of the first run that ends after @ia. */
static u32 lower(const struct flat *flat, u64 ia)
{
	u32 lo = 0, hi = flat->n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (flat->run[mid].end <= ia)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void insert(struct flat *flat, u32 at, const struct flat_run *run)
{
	if (flat->n == flat->room) {
		flat->room = flat->room ? 2 * flat->room : 64;
		flat->run = realloc(flat->run, flat->room * sizeof(*flat->run));
		if (!flat->run)
			abort();
	}
	memmove(flat->run + at + 1, flat->run + at, (flat->n - at) * sizeof(*run));
	flat->run[at] = *run;
	flat->n++;
}

static void erase(struct flat *flat, u32 from, u32 to)
{
	if (from == to)
		return;
	memmove(flat->run + from, flat->run + to, (flat->n - to) * sizeof(*flat->run));
	flat->n -= to - from;
}

/* Sees to it that no run straddles @ia; returns the index of the first run at or after it. */
static u32 cut(struct flat *flat, u64 ia)
{
	u32 i = lower(flat, ia);
	struct flat_run right;

	if (i == flat->n || flat->run[i].start >= ia)
		return i;
	right = flat->run[i];
	right.pa += ia - right.start;
	right.start = ia;
	flat->run[i].end = ia;
	insert(flat, i + 1, &right);
	return i + 1;
}

static bool joins(const struct flat_run *a, const struct flat_run *b)
{
	return a->end == b->start && same_state(&a->st, &b->st) &&
	       (a->st.kind != FLAT_LEAF || a->pa + (a->end - a->start) == b->pa);
}

/* Joins what can be joined among the runs @from - 1 to @to. */
static void tidy(struct flat *flat, u32 from, u32 to)
{
	u32 i = from ? from - 1 : 0, last = to < flat->n ? to : flat->n - 1;

	if (!flat->n)
		return;
	while (i < last) {
		if (joins(&flat->run[i], &flat->run[i + 1])) {
			flat->run[i].end = flat->run[i + 1].end;
			erase(flat, i + 1, i + 2);
			last--;
		} else {
			i++;
		}
	}
}

void flat_set(struct flat *flat, u64 start, u64 end, const struct flat_state *st, u64 pa)
{
	struct flat_run run = {.start = start, .end = end, .pa = pa, .st = *st};
	u32 from, to;

	if (start >= end)
		return;
	from = cut(flat, start);
	to = cut(flat, end);
	erase(flat, from, to);
	if (st->kind != FLAT_EMPTY)
		insert(flat, from, &run);
	tidy(flat, from, from + 1);
}

void flat_update(struct flat *flat, u64 start, u64 end, flat_fn *fn, void *arg)
{
	u32 from, to, i;

	if (start >= end)
		return;
	from = cut(flat, start);
	to = cut(flat, end);
	for (i = from; i < to; i++)
		fn(&flat->run[i], arg);
	tidy(flat, from, to);
}

void flat_unmap(struct flat *flat, u64 start, u64 end)
{
	u32 i, from, to;

	if (start >= end)
		return;
	from = cut(flat, start);
	to = cut(flat, end);
	for (i = from; i < to;) {
		if (flat->run[i].st.kind == FLAT_LEAF) {
			erase(flat, i, i + 1);
			to--;
		} else {
			i++;
		}
	}
	tidy(flat, from, to);
}

const struct flat_run *flat_find(const struct flat *flat, u64 ia, u64 *next)
{
	u32 i = lower(flat, ia);

	if (i < flat->n && flat->run[i].start <= ia)
		return &flat->run[i];
	if (next)
		*next = i < flat->n ? flat->run[i].start : ~(u64)0;
	return NULL;
}

u64 flat_bytes(const struct flat *flat)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < flat->n; i++)
		sum += flat->run[i].end - flat->run[i].start;
	return sum;
}
