/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A balanced (AVL) tree of closed intervals [first, last], ordered by their first
 * element. Intervals may overlap. The nodes live in their owner's structures; the
 * tree allocates nothing, and every function is O(log n) without recursion.
 *
 * Readers and writers are kept apart by the caller.
 */
#ifndef CORE_GMEM_TREE_H
#define CORE_GMEM_TREE_H

#include "redoubt_port.h"

struct gmem_node {
	struct gmem_node *left;
	struct gmem_node *right;
	struct gmem_node *up;
	u64 first;
	u64 last;
	u64 max; /* the greatest last of this subtree */
	u32 height;
};

struct gmem_tree {
	struct gmem_node *root;
};

/* The structure that holds @node as its member. */
#define gmem_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/**
 * gmem_tree_insert() - add an interval.
 * @tree: to this tree.
 * @node: its first and last are set; it is in no tree. Among equal firsts it becomes the last.
 */
void gmem_tree_insert(struct gmem_tree *tree, struct gmem_node *node);

/**
 * gmem_tree_remove() - take an interval out.
 * @tree: the tree that @node is in.
 * @node: afterwards in no tree; first and last are untouched.
 */
void gmem_tree_remove(struct gmem_tree *tree, struct gmem_node *node);

/**
 * gmem_tree_resize() - change an interval's bounds where that keeps the order.
 * @node: a node of a tree.
 * @first: not below the previous node's first, nor above the next one's.
 * @last: the new end.
 */
void gmem_tree_resize(struct gmem_node *node, u64 first, u64 last);

/**
 * gmem_tree_overlap() - the first interval, in order, that meets [@first, @last].
 * Return: the node, or NULL.
 */
struct gmem_node *gmem_tree_overlap(const struct gmem_tree *tree, u64 first, u64 last);

/**
 * gmem_tree_next_overlap() - the next interval after @node, in order, that meets [@first, @last].
 * Return: the node, or NULL.
 */
struct gmem_node *gmem_tree_next_overlap(struct gmem_node *node, u64 first, u64 last);

/**
 * gmem_tree_floor() - the last interval, in order, whose first is at most @key.
 * Return: the node, or NULL.
 */
struct gmem_node *gmem_tree_floor(const struct gmem_tree *tree, u64 key);

/* The first interval in order, the next one after @node, the one before: or NULL. */
struct gmem_node *gmem_tree_first(const struct gmem_tree *tree);
struct gmem_node *gmem_tree_next(const struct gmem_node *node);
struct gmem_node *gmem_tree_prev(const struct gmem_node *node);

#endif /* CORE_GMEM_TREE_H */
