// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interval tree and the gfn->pfn records, against flat arrays that can't be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <core/gmem_records.h>

#include <cmocka.h>

static u64 seed = 88172645463325252ull;

static u64 rnd(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* ---- The tree ---- */

#define NODES 300

static void check_node(const struct gmem_node *n, const struct gmem_node *up)
{
	u32 l, r;
	u64 max;

	if (!n)
		return;
	assert_ptr_equal(n->up, up);
	check_node(n->left, n);
	check_node(n->right, n);
	l = n->left ? n->left->height : 0;
	r = n->right ? n->right->height : 0;
	assert_true(l <= r + 1 && r <= l + 1);
	assert_int_equal(n->height, (l > r ? l : r) + 1);
	max = n->last;
	if (n->left && n->left->max > max)
		max = n->left->max;
	if (n->right && n->right->max > max)
		max = n->right->max;
	assert_true(n->max == max);
}

static void check_overlaps(const struct gmem_tree *tree, const struct gmem_node *nodes,
			   const bool *in)
{
	u64 first = rnd(1000), last = first + rnd(60), before = 0;
	struct gmem_node *n = gmem_tree_overlap(tree, first, last);
	size_t i, want = 0, got = 0;

	for (i = 0; i < NODES; i++)
		want += in[i] && nodes[i].first <= last && nodes[i].last >= first;
	for (; n; n = gmem_tree_next_overlap(n, first, last), got++) {
		assert_true(n->first <= last && n->last >= first);
		assert_true(n->first >= before);
		before = n->first;
	}
	assert_int_equal(got, want);
}

static void check_floor(const struct gmem_tree *tree, const struct gmem_node *nodes,
			const bool *in)
{
	u64 key = rnd(1000);
	struct gmem_node *n = gmem_tree_floor(tree, key), *next;
	size_t i;

	for (i = 0; i < NODES; i++) {
		if (in[i] && nodes[i].first <= key)
			assert_true(n && n->first >= nodes[i].first);
	}
	assert_true(!n || n->first <= key);
	next = n ? gmem_tree_next(n) : gmem_tree_first(tree);
	assert_true(!next || next->first > key);
	if (n && next)
		assert_ptr_equal(gmem_tree_prev(next), n);
}

static void tree_is_right(void **state)
{
	static struct gmem_node nodes[NODES];
	static bool in[NODES];
	struct gmem_tree tree = { 0 };
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		size_t i = rnd(NODES);

		if (in[i]) {
			gmem_tree_remove(&tree, &nodes[i]);
		} else {
			nodes[i].first = rnd(1000);
			nodes[i].last = nodes[i].first + rnd(40);
			gmem_tree_insert(&tree, &nodes[i]);
		}
		in[i] = !in[i];
		i = rnd(NODES);
		if (in[i])
			gmem_tree_resize(&nodes[i], nodes[i].first, nodes[i].first + rnd(40));
		if (round % 16 == 0)
			check_node(tree.root, NULL);
		check_overlaps(&tree, nodes, in);
		check_floor(&tree, nodes, in);
	}
}

/* ---- The records ---- */

#define FRAMES 6000

struct world {
	struct gmem_records r;
	void *leaves;
	u64 pfn[FRAMES]; /* 0: not mapped */
	u32 attr[FRAMES];
	u64 base; /* the gfn of frame 0 */
};

static void give_leaf(struct world *w)
{
	void *leaf = calloc(1, gmem_records_leaf_size());

	assert_non_null(leaf);
	gmem_leaf_push(&w->leaves, leaf);
}

static u32 leaf_count(void *list)
{
	u32 n = 0;

	for (; list; list = *(void **)list)
		n++;
	return n;
}

static void trim(struct world *w, u32 keep)
{
	while (leaf_count(w->leaves) > keep)
		free(gmem_leaf_pop(&w->leaves));
}

/* Runs cover exactly the mapped frames; neighbours that could be one run are one. */
static void check_records(struct world *w)
{
	struct gmem_run run = { 0 }, before = { 0 }, next = { 0 };
	struct gmem_cursor c;
	u64 i = 0, at = 0, runs = 0, pages = 0;

	while (gmem_records_find(&w->r, at, &run)) {
		if (runs ? gmem_records_next(&c, &next) : gmem_records_first(&w->r, 0, &c, &next))
			assert_true(next.gfn == run.gfn && next.pages == run.pages);
		assert_true(run.pages > 0 && run.gfn >= at);
		assert_false(runs && before.gfn + before.pages == run.gfn &&
			     before.pfn + before.pages == run.pfn && before.attr == run.attr);
		for (; i < run.gfn - w->base; i++)
			assert_true(!w->pfn[i]);
		for (; i < run.gfn + run.pages - w->base; i++) {
			assert_true(w->pfn[i] == run.pfn + (i - (run.gfn - w->base)));
			assert_int_equal(w->attr[i], run.attr);
		}
		before = run;
		at = run.gfn + run.pages;
		pages += run.pages;
		runs++;
	}
	for (; i < FRAMES; i++)
		assert_true(!w->pfn[i]);
	assert_true(w->r.pages == pages && w->r.runs == runs);
}

static void insert(struct world *w, u64 at, u64 n)
{
	struct gmem_run run = { .gfn = w->base + at, .pages = n, .attr = (u32)rnd(10) ? 1 : 2 };
	u64 i;

	for (i = 0; i < n; i++) {
		if (w->pfn[at + i])
			return;
	}
	/* Half of all pages fit their neighbours. */
	run.pfn = rnd(2) ? (0xab00000000ull | (at + 1)) : 1 + rnd(1ull << 39);
	if (!w->leaves)
		give_leaf(w);
	assert_int_equal(gmem_records_insert(&w->r, &run, &w->leaves), 0);
	for (i = 0; i < n; i++) {
		w->pfn[at + i] = run.pfn + i;
		w->attr[at + i] = run.attr;
	}
}

static void take_out(struct world *w, u64 at, u64 n)
{
	struct gmem_run run;

	if (!gmem_records_find(&w->r, w->base + at, &run))
		return;
	if (run.gfn < w->base + at) {
		run.pages -= w->base + at - run.gfn;
		run.gfn = w->base + at;
	}
	if (n > run.pages)
		n = run.pages;
	if (!w->leaves)
		give_leaf(w);
	assert_int_equal(gmem_records_remove(&w->r, run.gfn, n, &w->leaves), 0);
	memset(&w->pfn[run.gfn - w->base], 0, n * sizeof(w->pfn[0]));
}

/* All of a range at once, whatever is there. */
static void take_range(struct world *w, u64 at, u64 n)
{
	if (!w->leaves)
		give_leaf(w);
	assert_int_equal(gmem_records_remove_range(&w->r, w->base + at, w->base + at + n,
						   &w->leaves), 0);
	memset(&w->pfn[at], 0, n * sizeof(w->pfn[0]));
}

static void clear_out(struct world *w)
{
	struct gmem_run run;

	while (gmem_records_find(&w->r, 0, &run))
		take_out(w, run.gfn - w->base, run.pages);
	check_records(w);
	assert_true(w->r.nleaves == 0 && !w->r.leaves.root);
	trim(w, 0);
}

static void records_are_right(void **state)
{
	static struct world w;
	int phase, i;

	(void)state;
	gmem_records_init(&w.r);
	w.base = 1ull << 35;
	for (phase = 0; phase < 8; phase++) {
		for (i = 0; i < 6000; i++) {
			u64 at = rnd(FRAMES - 20);

			/* Fill, then thin out. */
			if (rnd(10) < (phase % 2 ? 2 : 8))
				insert(&w, at, rnd(4) ? 1 : 1 + rnd(20));
			else if (rnd(50))
				take_out(&w, at, rnd(4) ? 1 : 1 + rnd(40));
			else
				take_range(&w, at / 2, 1 + rnd(FRAMES / 8));
			if (i % 64 == 0)
				check_records(&w);
			trim(&w, 1);
		}
	}
	clear_out(&w);
}

static void no_leaf_changes_nothing(void **state)
{
	static struct world w;
	struct gmem_run run = { .attr = 1 };
	u64 i, refused = 0;

	(void)state;
	gmem_records_init(&w.r);
	/* Isolated pages, in random order, without a leaf to spare every other time. */
	for (i = 0; i < 20000; i++) {
		u64 at = rnd(FRAMES);
		void *none = NULL;
		int err;

		if (w.pfn[at])
			continue;
		run.gfn = at;
		run.pfn = 1 + 3 * rnd(1ull << 38);
		run.pages = 1;
		err = gmem_records_insert(&w.r, &run, &none);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			refused++;
			check_records(&w);
			give_leaf(&w);
			assert_int_equal(gmem_records_insert(&w.r, &run, &w.leaves), 0);
			assert_null(w.leaves);
		}
		w.pfn[at] = run.pfn;
		w.attr[at] = 1;
	}
	assert_true(refused > 10);
	check_records(&w);
	clear_out(&w);
}

static void middle_needs_a_leaf_or_nothing(void **state)
{
	static struct world w;
	void *none = NULL;
	u64 i, refused = 0;

	(void)state;
	gmem_records_init(&w.r);
	give_leaf(&w);
	insert(&w, 0, FRAMES - 1);
	for (i = 1; i < FRAMES - 2; i += 2) {
		int err = gmem_records_remove(&w.r, w.base + i, 1, &none);

		if (err) {
			assert_int_equal(err, -ENOMEM);
			refused++;
			check_records(&w);
			give_leaf(&w);
			assert_int_equal(gmem_records_remove(&w.r, w.base + i, 1, &w.leaves), 0);
		}
		w.pfn[i] = 0;
	}
	assert_true(refused > 10);
	check_records(&w);
	clear_out(&w);
}

/* Leaves that @n isolated pages take, touched in the order gfn = i * step mod n. */
static double bytes_a_page(u64 n, u64 step)
{
	struct gmem_records r;
	struct gmem_run run = { .attr = 4, .pages = 1 };
	void *leaves = NULL, *more;
	double bytes;
	u64 i;

	gmem_records_init(&r);
	for (i = 0; i < n; i++) {
		if (!leaves)
			gmem_leaf_push(&leaves, calloc(1, gmem_records_leaf_size()));
		run.gfn = i * step % n;
		run.pfn = (run.gfn * 7 + 1) & ((1ull << 40) - 1);
		assert_int_equal(gmem_records_insert(&r, &run, &leaves), 0);
	}
	assert_true(r.pages == n && r.runs == n);
	bytes = (double)gmem_records_bytes(&r) / (double)n;
	for (i = 0; i < n; i++) {
		assert_int_equal(gmem_records_remove(&r, i, 1, &leaves), 0);
		while ((more = gmem_leaf_pop(&leaves)))
			free(more);
	}
	assert_true(!r.nleaves);
	return bytes;
}

static void isolated_pages_stay_below_16_bytes(void **state)
{
	double up = bytes_a_page(100003, 1), down = bytes_a_page(100003, 100002);
	double mixed = bytes_a_page(100003, 61927), two = bytes_a_page(100003, 50002);

	(void)state;
	print_message("bytes a page: up %.2f, down %.2f, mixed %.2f, two streams %.2f\n", up, down,
		      mixed, two);
	assert_true(up <= 16 && down <= 16 && mixed <= 16 && two <= 16);
}

static void contiguous_pages_are_one_run(void **state)
{
	struct gmem_records r;
	struct gmem_run run = { .attr = 5, .pages = 1 };
	void *leaves = calloc(1, gmem_records_leaf_size());
	u64 i;

	(void)state;
	gmem_records_init(&r);
	for (i = 0; i < 1 << 18; i++) {
		run.gfn = 0x40000 + i;
		run.pfn = 0x80000 + i;
		assert_int_equal(gmem_records_insert(&r, &run, &leaves), 0);
	}
	assert_true(r.runs == 1 && r.nleaves == 1);
	/* In two halves from both sides as well, and with the last page in between. */
	assert_int_equal(gmem_records_remove(&r, 0x40000, 1 << 18, &leaves), 0);
	for (i = 0; i < 1000; i++) {
		run.gfn = i % 2 ? 1000 - i / 2 : i / 2;
		run.pfn = 5000 + run.gfn;
		assert_int_equal(gmem_records_insert(&r, &run, &leaves), 0);
	}
	assert_true(r.runs == 2);
	run.gfn = 500;
	run.pfn = 5500;
	assert_int_equal(gmem_records_insert(&r, &run, &leaves), 0);
	assert_true(r.runs == 1 && r.pages == 1001);
	assert_int_equal(gmem_records_remove(&r, 0, 1001, &leaves), 0);
	free(gmem_leaf_pop(&leaves));
	assert_null(leaves);
}

static void far_apart(void **state)
{
	static struct world w;
	struct gmem_run run = { .attr = 1, .pages = (1 << 24) - 1 }, got;
	u64 i;

	(void)state;
	gmem_records_init(&w.r);
	for (i = 0; i < 64; i++) {
		give_leaf(&w);
		run.gfn = (i * 37 % 64) << 25;
		run.pfn = run.gfn ^ (1ull << 33);
		assert_int_equal(gmem_records_insert(&w.r, &run, &w.leaves), 0);
	}
	for (i = 0; i < 64; i++) {
		/* The head goes, and the run is where it should be. */
		give_leaf(&w);
		assert_int_equal(gmem_records_remove(&w.r, i << 25, (1 << 24) - 2, &w.leaves), 0);
		assert_true(gmem_records_find(&w.r, i << 25, &got));
		assert_true(got.gfn == (i << 25) + (1 << 24) - 2 && got.pages == 1);
		assert_true(got.pfn == (got.gfn ^ (1ull << 33)));
	}
	for (i = 0; i < 64; i++)
		assert_int_equal(gmem_records_remove(&w.r, (i << 25) + (1 << 24) - 2, 1,
						     &w.leaves), 0);
	assert_true(!w.r.nleaves);
	trim(&w, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_is_right),
		cmocka_unit_test(records_are_right),
		cmocka_unit_test(no_leaf_changes_nothing),
		cmocka_unit_test(middle_needs_a_leaf_or_nothing),
		cmocka_unit_test(isolated_pages_stay_below_16_bytes),
		cmocka_unit_test(contiguous_pages_are_one_run),
		cmocka_unit_test(far_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
