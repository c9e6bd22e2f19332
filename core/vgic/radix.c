// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A map of 16-bit keys: LPIs by INTID, and the ITS's devices, events and
 * collections by theirs. Nodes are added with a release store and only freed with
 * the whole map, so that readers need no lock for the map itself.
 */
#include "vgic_private.h"

#define NODE_ENTRIES 64

static void *load(void *const *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void *const *find_leaf(const struct vgic_radix *map, u32 key)
{
	void *const *node = load((void *const *)&map->top[key >> 12]);

	return node ? load(&node[(key >> 6) & 63]) : NULL;
}

void *vgic_radix_get(const struct vgic_radix *map, u32 key)
{
	void *const *leaf;

	if (key > 0xffff)
		return NULL;
	leaf = find_leaf(map, key);
	return leaf ? load(&leaf[key & 63]) : NULL;
}

void *vgic_radix_next(const struct vgic_radix *map, u32 *key)
{
	while (*key <= 0xffff) {
		void *const *leaf = find_leaf(map, *key);

		if (!leaf) {
			*key += load((void *const *)&map->top[*key >> 12]) ? 64 - (*key & 63)
									 : 4096 - (*key & 4095);
			continue;
		}
		do {
			void *entry = load(&leaf[*key & 63]);

			if (entry)
				return entry;
		} while (++*key & 63);
	}
	return NULL;
}

static void *reserve_node(void **p, const struct vgic_ops *ops)
{
	void *node = load(p);

	if (node)
		return node;
	node = ops->alloc(NODE_ENTRIES * sizeof(void *));
	if (node)
		__atomic_store_n(p, node, __ATOMIC_RELEASE);
	return node;
}

int vgic_radix_reserve(struct vgic_radix *map, u32 key, const struct vgic_ops *ops)
{
	void **node;

	if (key > 0xffff)
		return -EINVAL;
	node = reserve_node((void **)&map->top[key >> 12], ops);
	if (!node || !reserve_node(&node[(key >> 6) & 63], ops))
		return -ENOMEM;
	return 0;
}

void vgic_radix_set(struct vgic_radix *map, u32 key, void *entry)
{
	void **leaf = (void **)find_leaf(map, key);

	__atomic_store_n(&leaf[key & 63], entry, __ATOMIC_RELEASE);
}

void vgic_radix_destroy(struct vgic_radix *map, const struct vgic_ops *ops)
{
	u32 i, j;

	for (i = 0; i < 16; i++) {
		void **node = map->top[i];

		for (j = 0; node && j < NODE_ENTRIES; j++)
			if (node[j])
				ops->free(node[j]);
		if (node)
			ops->free(node);
		map->top[i] = NULL;
	}
}
