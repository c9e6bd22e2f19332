// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The gfn->pfn records (invariant 8): runs, sorted by gfn, packed into leaves of 1 KiB
 * that hang in an interval tree. No run is empty, none overlaps another, and no two
 * neighbours could be one. A leaf is never empty.
 *
 * A full leaf first shares with a neighbour that has room; two full ones become
 * three; and a run behind the end of a full leaf starts a new one, so that guests
 * which touch their memory in order leave full leaves behind. The caller locks.
 */
#include <core/gmem_records.h>

/* A packed run: 28 bits of distance from the leaf's base, 4 of attr, 40 of pfn, 24 of pages. */
struct packed {
	u32 where;
	u32 pfn_low;
	u32 pages; /* the low 8 bits are the pfn's high ones */
};

#define LEAF_BYTES 1024
#define LEAF_RUNS  79
#define PAGES_MAX  ((1ull << 24) - 1)
#define REACH_MAX  (1ull << 28)
/* Runs are gathered in a leaf up to this distance: losing its head never puts one out of reach. */
#define SPAN_MAX   (REACH_MAX - PAGES_MAX - 1)

struct leaf {
	struct gmem_node node; /* first: gfn of the first run; last: last gfn of the last */
	u64 base;	       /* at most node.first */
	u32 nr;
	struct packed run[LEAF_RUNS];
};

_Static_assert(sizeof(struct packed) == 12, "a run takes 12 bytes");
_Static_assert(sizeof(struct leaf) <= LEAF_BYTES, "a leaf fits its allocation");

/* Where in the records: run @i of @leaf; i == leaf->nr is behind its last. */
struct place {
	struct leaf *leaf;
	u32 i;
};

static struct leaf *to_leaf(struct gmem_node *node)
{
	return node ? gmem_entry(node, struct leaf, node) : NULL;
}

static struct leaf *next_leaf(const struct leaf *l)
{
	return to_leaf(gmem_tree_next(&l->node));
}

static struct leaf *prev_leaf(const struct leaf *l)
{
	return to_leaf(gmem_tree_prev(&l->node));
}

static u64 run_gfn(const struct leaf *l, u32 i)
{
	return l->base + (l->run[i].where >> 4);
}

static void load(const struct leaf *l, u32 i, struct gmem_run *run)
{
	const struct packed *p = &l->run[i];

	run->gfn = run_gfn(l, i);
	run->attr = p->where & 0xf;
	run->pfn = p->pfn_low | ((u64)(p->pages & 0xff) << 32);
	run->pages = p->pages >> 8;
}

static void store(struct leaf *l, u32 i, const struct gmem_run *run)
{
	struct packed *p = &l->run[i];

	port_assert(run->gfn - l->base < REACH_MAX && run->pages && run->pages <= PAGES_MAX);
	p->where = (u32)(run->gfn - l->base) << 4 | run->attr;
	p->pfn_low = (u32)run->pfn;
	p->pages = (u32)run->pages << 8 | (u32)(run->pfn >> 32);
}

/* The tree learns what @l covers now. */
static void rebound(struct leaf *l)
{
	struct gmem_run last;

	load(l, l->nr - 1, &last);
	gmem_tree_resize(&l->node, run_gfn(l, 0), last.gfn + last.pages - 1);
}

/* Makes @base the base of @l. */
static void rebase(struct leaf *l, u64 base)
{
	u32 i;

	for (i = 0; i < l->nr; i++) {
		u64 gfn = run_gfn(l, i);

		port_assert(gfn - base < REACH_MAX);
		l->run[i].where = (u32)(gfn - base) << 4 | (l->run[i].where & 0xf);
	}
	l->base = base;
}

size_t gmem_records_leaf_size(void)
{
	return LEAF_BYTES;
}

void gmem_records_init(struct gmem_records *r)
{
	memset(r, 0, sizeof(*r));
}

u64 gmem_records_end(const struct gmem_records *r)
{
	return r->leaves.root ? r->leaves.root->max + 1 : 0;
}

u64 gmem_records_bytes(const struct gmem_records *r)
{
	return r->nleaves * LEAF_BYTES;
}

void gmem_leaf_push(void **leaves, void *leaf)
{
	*(void **)leaf = *leaves;
	*leaves = leaf;
}

void *gmem_leaf_pop(void **leaves)
{
	void *leaf = *leaves;

	if (leaf)
		*leaves = *(void **)leaf;
	return leaf;
}

/* How many runs of @l begin at or before @gfn. */
static u32 count_upto(const struct leaf *l, u64 gfn)
{
	u32 lo = 0, hi = l->nr;

	/* As it is when memory is touched in order. */
	if (run_gfn(l, hi - 1) <= gfn)
		return hi;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (run_gfn(l, mid) <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Where a run at @gfn is, or would go: behind all that begin before it. No leaf: none at all. */
static struct place locate(const struct gmem_records *r, u64 gfn)
{
	struct leaf *l = to_leaf(gmem_tree_floor(&r->leaves, gfn));
	struct place p = { l, 0 };

	if (l)
		p.i = count_upto(l, gfn);
	else
		p.leaf = to_leaf(gmem_tree_first(&r->leaves));
	return p;
}

bool gmem_records_first(const struct gmem_records *r, u64 gfn, struct gmem_cursor *c,
			struct gmem_run *run)
{
	struct place p = locate(r, gfn);

	if (!p.leaf)
		return false;
	if (p.i) {
		load(p.leaf, p.i - 1, run);
		*c = (struct gmem_cursor){ p.leaf, p.i - 1 };
		if (gfn - run->gfn < run->pages)
			return true;
		return gmem_records_next(c, run);
	}
	*c = (struct gmem_cursor){ p.leaf, 0 };
	load(p.leaf, 0, run);
	return true;
}

bool gmem_records_next(struct gmem_cursor *c, struct gmem_run *run)
{
	struct leaf *l = c->leaf;

	if (++c->i == l->nr) {
		l = next_leaf(l);
		if (!l)
			return false;
		*c = (struct gmem_cursor){ l, 0 };
	}
	load(l, c->i, run);
	return true;
}

bool gmem_records_find(const struct gmem_records *r, u64 gfn, struct gmem_run *run)
{
	struct gmem_cursor c;

	return gmem_records_first(r, gfn, &c, run);
}

/* ---- Room ---- */

static void hang(struct gmem_records *r, struct leaf *l)
{
	struct gmem_run last;

	load(l, l->nr - 1, &last);
	l->node.first = run_gfn(l, 0);
	l->node.last = last.gfn + last.pages - 1;
	gmem_tree_insert(&r->leaves, &l->node);
	r->nleaves++;
}

static void unhang(struct gmem_records *r, struct leaf *l, void **leaves)
{
	gmem_tree_remove(&r->leaves, &l->node);
	r->nleaves--;
	gmem_leaf_push(leaves, l);
}

/* Moves the last @n runs of @from to the front of @to, which follows it; both may be unhung. */
static void move_up(struct leaf *from, struct leaf *to, u32 n)
{
	u64 base = run_gfn(from, from->nr - n);
	u32 i;

	rebase(to, base);
	memmove(&to->run[n], &to->run[0], to->nr * sizeof(to->run[0]));
	to->nr += n;
	for (i = 0; i < n; i++) {
		struct gmem_run run;

		load(from, from->nr - n + i, &run);
		store(to, i, &run);
	}
	from->nr -= n;
}

/* Moves the first @n runs of @from to the end of @to, which it follows. */
static void move_down(struct leaf *from, struct leaf *to, u32 n)
{
	u32 i;

	rebase(to, to->nr ? run_gfn(to, 0) : run_gfn(from, 0));
	for (i = 0; i < n; i++) {
		struct gmem_run run;

		load(from, i, &run);
		store(to, to->nr++, &run);
	}
	from->nr -= n;
	memmove(&from->run[0], &from->run[n], from->nr * sizeof(from->run[0]));
}

/* Whether one leaf could span what lies between the beginnings of @l and @h's last run. */
static bool can_span(const struct leaf *l, const struct leaf *h)
{
	return run_gfn(h, h->nr - 1) - run_gfn(l, 0) < SPAN_MAX;
}

/* A neighbour worth giving runs to: it keeps room for several more. */
static bool roomy(const struct leaf *l)
{
	return l && l->nr < LEAF_RUNS - LEAF_RUNS / 8;
}

/* A full leaf gives half of a neighbour's room away; false if neither has any. */
static bool share(struct leaf *l)
{
	struct leaf *prev = prev_leaf(l), *next = next_leaf(l);

	if (roomy(prev) && can_span(prev, l)) {
		move_down(l, prev, (LEAF_RUNS - prev->nr + 1) / 2);
		/* In this order the leaves never seem to be out of order. */
		rebound(l);
		rebound(prev);
		return true;
	}
	if (roomy(next) && can_span(l, next)) {
		move_up(l, next, (LEAF_RUNS - next->nr + 1) / 2);
		rebound(l);
		rebound(next);
		return true;
	}
	return false;
}

/* A full leaf @l gets an empty one, @new, behind it: a third each if the next is full too. */
static void split(struct gmem_records *r, struct leaf *l, struct leaf *new)
{
	struct leaf *next = next_leaf(l);
	bool three = next && next->nr == LEAF_RUNS && can_span(l, next);

	new->nr = 0;
	move_up(l, new, three ? LEAF_RUNS / 3 : LEAF_RUNS / 2);
	if (three) {
		move_down(next, new, LEAF_RUNS / 3);
		rebound(next);
	}
	rebound(l);
	hang(r, new);
}

/* A new leaf with nothing but @run. */
static int insert_alone(struct gmem_records *r, const struct gmem_run *run, void **leaves)
{
	struct leaf *l = gmem_leaf_pop(leaves);

	if (!l)
		return -ENOMEM;
	l->base = run->gfn;
	l->nr = 1;
	store(l, 0, run);
	hang(r, l);
	r->runs++;
	return 0;
}

/* Puts @run before run @i of @l, which has room and can span it. */
static void insert_at(struct gmem_records *r, struct leaf *l, u32 i, const struct gmem_run *run)
{
	if (run->gfn < l->base || run->gfn - l->base >= REACH_MAX)
		rebase(l, i ? run_gfn(l, 0) : run->gfn);
	memmove(&l->run[i + 1], &l->run[i], (l->nr - i) * sizeof(l->run[0]));
	l->nr++;
	store(l, i, run);
	rebound(l);
	r->runs++;
}

static bool spans(const struct leaf *l, u64 gfn)
{
	u64 first = run_gfn(l, 0), last = run_gfn(l, l->nr - 1);

	return (gfn > last ? gfn : last) - (gfn < first ? gfn : first) < SPAN_MAX;
}

/* Adds @run, that joins with no other, at its place @p, finding or making room for it. */
static int insert_new(struct gmem_records *r, struct place p, const struct gmem_run *run,
		      void **leaves)
{
	for (;; p = locate(r, run->gfn)) {
		struct leaf *new;

		if (!p.leaf || !spans(p.leaf, run->gfn))
			return insert_alone(r, run, leaves);
		if (p.leaf->nr < LEAF_RUNS) {
			insert_at(r, p.leaf, p.i, run);
			return 0;
		}
		if (p.i == LEAF_RUNS) {
			new = next_leaf(p.leaf);
			if (new && new->nr < LEAF_RUNS && spans(new, run->gfn)) {
				insert_at(r, new, 0, run);
				return 0;
			}
		}
		if ((p.i == 0 || p.i == LEAF_RUNS) && *leaves)
			return insert_alone(r, run, leaves);
		if (share(p.leaf))
			continue;
		new = gmem_leaf_pop(leaves);
		if (!new)
			return -ENOMEM;
		split(r, p.leaf, new);
	}
}

/* ---- Runs ---- */

static bool joins(const struct gmem_run *a, const struct gmem_run *b)
{
	return a->gfn + a->pages == b->gfn && a->pfn + a->pages == b->pfn && a->attr == b->attr &&
	       a->pages + b->pages <= PAGES_MAX;
}

/* Two neighbours that fit well into one leaf become one; false if they don't. */
static bool merge_leaves(struct gmem_records *r, struct leaf *a, struct leaf *b, void **leaves)
{
	if (!a || !b || a->nr + b->nr > LEAF_RUNS - LEAF_RUNS / 8 || !can_span(a, b))
		return false;
	move_down(b, a, b->nr);
	unhang(r, b, leaves);
	rebound(a);
	return true;
}

/* Takes runs @i to @i + @n - 1 of @l out. */
static void drop(struct gmem_records *r, struct leaf *l, u32 i, u32 n, void **leaves)
{
	struct leaf *prev;

	r->runs -= n;
	l->nr -= n;
	if (!l->nr) {
		unhang(r, l, leaves);
		return;
	}
	memmove(&l->run[i], &l->run[i + n], (l->nr - i) * sizeof(l->run[0]));
	rebound(l);
	if (l->nr > LEAF_RUNS / 2)
		return;
	prev = prev_leaf(l);
	if (!merge_leaves(r, prev, l, leaves))
		merge_leaves(r, l, next_leaf(l), leaves);
}

/* Run @i of @l becomes @run, without changing places with another. */
static void change(struct leaf *l, u32 i, const struct gmem_run *run)
{
	u64 first = run_gfn(l, 0);

	if (run->gfn < l->base || run->gfn - l->base >= REACH_MAX)
		rebase(l, run->gfn < first ? run->gfn : first);
	store(l, i, run);
	if (!i || i + 1 == l->nr)
		rebound(l);
}

/* The run before place @p, if there is one. */
static bool run_before(struct place p, struct place *at, struct gmem_run *run)
{
	if (!p.leaf || !p.i)
		return false;
	*at = (struct place){ p.leaf, p.i - 1 };
	load(at->leaf, at->i, run);
	return true;
}

static bool run_behind(struct place p, struct place *at, struct gmem_run *run)
{
	if (!p.leaf)
		return false;
	if (p.i == p.leaf->nr) {
		p.leaf = next_leaf(p.leaf);
		p.i = 0;
	}
	if (!p.leaf)
		return false;
	*at = p;
	load(at->leaf, at->i, run);
	return true;
}

int gmem_records_insert(struct gmem_records *r, const struct gmem_run *run, void **leaves)
{
	struct place p = locate(r, run->gfn), before = p, behind = p;
	struct gmem_run a, b;
	bool join_a = run_before(p, &before, &a) && joins(&a, run);
	bool join_b = run_behind(p, &behind, &b) && joins(run, &b);
	int err = 0;

	if (join_a) {
		a.pages += run->pages;
		if (join_b && joins(&a, &b)) {
			a.pages += b.pages;
			change(before.leaf, before.i, &a);
			drop(r, behind.leaf, behind.i, 1, leaves);
		} else {
			change(before.leaf, before.i, &a);
		}
	} else if (join_b && (behind.i || spans(behind.leaf, run->gfn))) {
		b.gfn = run->gfn;
		b.pfn = run->pfn;
		b.pages += run->pages;
		change(behind.leaf, behind.i, &b);
	} else {
		err = insert_new(r, p, run, leaves);
	}
	if (!err)
		r->pages += run->pages;
	return err;
}

/* Forgets [@gfn, @gfn + @pages) from the middle of @run, at @p: its end becomes a run. */
static int remove_middle(struct gmem_records *r, struct place p, struct gmem_run *run, u64 gfn,
			 u64 pages, void **leaves)
{
	struct gmem_run tail = *run;
	u64 skip = gfn + pages - run->gfn;
	u64 whole = run->pages;
	int err;

	tail.gfn += skip;
	tail.pfn += skip;
	tail.pages -= skip;
	run->pages = gfn - run->gfn;
	change(p.leaf, p.i, run);
	err = insert_new(r, (struct place){ p.leaf, p.i + 1 }, &tail, leaves);
	if (err) {
		/* Nothing has moved: insert_new() changes no run unless it succeeds. */
		p = locate(r, run->gfn);
		run->pages = whole;
		change(p.leaf, p.i - 1, run);
	}
	return err;
}

int gmem_records_remove(struct gmem_records *r, u64 gfn, u64 pages, void **leaves)
{
	struct place p = locate(r, gfn);
	struct gmem_run run;
	int err = 0;

	port_assert(p.leaf && p.i);
	p.i--;
	load(p.leaf, p.i, &run);
	port_assert(pages && gfn - run.gfn < run.pages && pages <= run.pages - (gfn - run.gfn));
	if (pages == run.pages) {
		drop(r, p.leaf, p.i, 1, leaves);
	} else if (gfn == run.gfn) {
		run.gfn += pages;
		run.pfn += pages;
		run.pages -= pages;
		change(p.leaf, p.i, &run);
	} else if (gfn + pages == run.gfn + run.pages) {
		run.pages -= pages;
		change(p.leaf, p.i, &run);
	} else {
		err = remove_middle(r, p, &run, gfn, pages, leaves);
	}
	if (!err)
		r->pages -= pages;
	return err;
}

/* Drops all runs of the cursor's leaf, from it on, that end by @end; how many pages. */
static u64 drop_whole(struct gmem_records *r, const struct gmem_cursor *c, u64 end, void **leaves)
{
	struct leaf *l = c->leaf;
	struct gmem_run run;
	u64 pages = 0;
	u32 i;

	for (i = c->i; i < l->nr; i++) {
		load(l, i, &run);
		if (run.gfn + run.pages > end)
			break;
		pages += run.pages;
	}
	if (i > c->i)
		drop(r, l, c->i, i - c->i, leaves);
	return pages;
}

int gmem_records_remove_range(struct gmem_records *r, u64 gfn, u64 end, void **leaves)
{
	struct gmem_cursor c;
	struct gmem_run run;

	while (gmem_records_first(r, gfn, &c, &run) && run.gfn < end) {
		u64 from = run.gfn > gfn ? run.gfn : gfn;
		u64 to = run.gfn + run.pages < end ? run.gfn + run.pages : end;

		if (from == run.gfn && to == run.gfn + run.pages) {
			r->pages -= drop_whole(r, &c, end, leaves);
		} else {
			int err = gmem_records_remove(r, from, to - from, leaves);

			if (err)
				return err;
		}
	}
	return 0;
}
