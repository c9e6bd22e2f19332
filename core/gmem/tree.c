// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A balanced interval tree: AVL, with each node knowing the greatest end of its
 * subtree, so that the first interval to meet a range is found in O(log n) even
 * where intervals overlap. No recursion, no allocation; the caller locks.
 */
#include <core/gmem_tree.h>

static u32 height(const struct gmem_node *n)
{
	return n ? n->height : 0;
}

/* Recomputes what @n knows about its subtree; true if any of it changed. */
static bool refresh(struct gmem_node *n)
{
	u32 l = height(n->left), r = height(n->right);
	u32 h = (l > r ? l : r) + 1;
	u64 max = n->last;
	bool changed;

	if (n->left && n->left->max > max)
		max = n->left->max;
	if (n->right && n->right->max > max)
		max = n->right->max;
	changed = h != n->height || max != n->max;
	n->height = h;
	n->max = max;
	return changed;
}

/* Puts @new where @old hangs below @up (the root if NULL). */
static void replace_child(struct gmem_tree *tree, struct gmem_node *up,
			  const struct gmem_node *old, struct gmem_node *new)
{
	if (!up)
		tree->root = new;
	else if (up->left == old)
		up->left = new;
	else
		up->right = new;
	if (new)
		new->up = up;
}

/* @n's right child takes its place; returns that child. */
static struct gmem_node *rotate_left(struct gmem_tree *tree, struct gmem_node *n)
{
	struct gmem_node *r = n->right;

	replace_child(tree, n->up, n, r);
	n->right = r->left;
	if (n->right)
		n->right->up = n;
	r->left = n;
	n->up = r;
	refresh(n);
	refresh(r);
	return r;
}

static struct gmem_node *rotate_right(struct gmem_tree *tree, struct gmem_node *n)
{
	struct gmem_node *l = n->left;

	replace_child(tree, n->up, n, l);
	n->left = l->right;
	if (n->left)
		n->left->up = n;
	l->right = n;
	n->up = l;
	refresh(n);
	refresh(l);
	return l;
}

/* Restores the AVL condition at @n, whose subtrees meet it; returns the subtree's root. */
static struct gmem_node *rebalance(struct gmem_tree *tree, struct gmem_node *n)
{
	if (height(n->left) > height(n->right) + 1) {
		if (height(n->left->left) < height(n->left->right))
			rotate_left(tree, n->left);
		return rotate_right(tree, n);
	}
	if (height(n->right) > height(n->left) + 1) {
		if (height(n->right->right) < height(n->right->left))
			rotate_right(tree, n->right);
		return rotate_left(tree, n);
	}
	return n;
}

/* Refreshes and rebalances from @n up, as far as anything changes. */
static void fix_up(struct gmem_tree *tree, struct gmem_node *n)
{
	while (n) {
		bool changed = refresh(n);
		struct gmem_node *root = rebalance(tree, n);

		if (!changed && root == n)
			return;
		n = root->up;
	}
}

void gmem_tree_insert(struct gmem_tree *tree, struct gmem_node *node)
{
	struct gmem_node **link = &tree->root, *up = NULL;

	while (*link) {
		up = *link;
		link = node->first < up->first ? &up->left : &up->right;
	}
	node->left = NULL;
	node->right = NULL;
	node->up = up;
	node->height = 1;
	node->max = node->last;
	*link = node;
	fix_up(tree, up);
}

static struct gmem_node *leftmost(struct gmem_node *n)
{
	while (n->left)
		n = n->left;
	return n;
}

/* @node has two children: its successor takes its place. */
static void remove_inner(struct gmem_tree *tree, struct gmem_node *node)
{
	struct gmem_node *next = leftmost(node->right);
	struct gmem_node *from = next->up == node ? next : next->up;

	if (from != next) {
		replace_child(tree, next->up, next, next->right);
		next->right = node->right;
		next->right->up = next;
	}
	next->left = node->left;
	next->left->up = next;
	replace_child(tree, node->up, node, next);
	next->height = node->height;
	next->max = node->max;
	fix_up(tree, from);
	/* The ends below may be as they were, and @next's own is new all the same. */
	fix_up(tree, next);
}

void gmem_tree_remove(struct gmem_tree *tree, struct gmem_node *node)
{
	struct gmem_node *up = node->up;

	if (node->left && node->right) {
		remove_inner(tree, node);
		return;
	}
	replace_child(tree, up, node, node->left ? node->left : node->right);
	fix_up(tree, up);
}

void gmem_tree_resize(struct gmem_node *node, u64 first, u64 last)
{
	node->first = first;
	node->last = last;
	while (node && refresh(node))
		node = node->up;
}

/* The first of the nodes at and below @n. */
static struct gmem_node *overlap(struct gmem_node *n, u64 first, u64 last)
{
	while (n) {
		if (n->left && n->left->max >= first) {
			n = n->left;
			continue;
		}
		if (n->first > last)
			return NULL;
		if (n->last >= first)
			return n;
		n = n->right && n->right->max >= first ? n->right : NULL;
	}
	return NULL;
}

struct gmem_node *gmem_tree_overlap(const struct gmem_tree *tree, u64 first, u64 last)
{
	return overlap(tree->root, first, last);
}

struct gmem_node *gmem_tree_next_overlap(struct gmem_node *node, u64 first, u64 last)
{
	for (;;) {
		struct gmem_node *n;

		if (node->right && node->right->max >= first)
			return overlap(node->right, first, last);
		do {
			n = node;
			node = n->up;
			if (!node)
				return NULL;
		} while (node->right == n);
		if (node->first > last)
			return NULL;
		if (node->last >= first)
			return node;
	}
}

struct gmem_node *gmem_tree_floor(const struct gmem_tree *tree, u64 key)
{
	struct gmem_node *n = tree->root, *found = NULL;

	while (n) {
		if (n->first <= key) {
			found = n;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return found;
}

struct gmem_node *gmem_tree_first(const struct gmem_tree *tree)
{
	return tree->root ? leftmost(tree->root) : NULL;
}

struct gmem_node *gmem_tree_next(const struct gmem_node *node)
{
	if (node->right)
		return leftmost(node->right);
	while (node->up && node->up->right == node)
		node = node->up;
	return node->up;
}

struct gmem_node *gmem_tree_prev(const struct gmem_node *node)
{
	if (node->left) {
		struct gmem_node *n = node->left;

		while (n->right)
			n = n->right;
		return n;
	}
	while (node->up && node->up->left == node)
		node = node->up;
	return node->up;
}
