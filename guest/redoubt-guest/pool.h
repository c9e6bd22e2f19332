/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that this guest shares with its host, all of it allocated when the module is
 * loaded: the only memory that devices reach. In chunks of POOL_CHUNK bytes, aligned to
 * that; handed out in slots of POOL_SLOT bytes.
 */
#ifndef REDOUBT_GUEST_POOL_H
#define REDOUBT_GUEST_POOL_H

#include <linux/sizes.h>
#include <linux/types.h>

#define POOL_CHUNK ((size_t)SZ_4M)
#define POOL_SLOT_SHIFT 11
#define POOL_SLOT ((size_t)1 << POOL_SLOT_SHIFT)

/* What a slot is used for. Private to the guest; the host has no say in it. */
struct pool_slot {
	phys_addr_t orig;	/* the memory that it stands in for */
	phys_addr_t start;	/* where in the pool that begins */
	size_t size;		/* bytes from there */
};

/**
 * pool_create() - Allocate and share the pool.
 * @bytes:	its size, a multiple of POOL_CHUNK
 * @granule:	bytes that one hypercall shares, a power of 2, at most POOL_CHUNK
 *
 * Return: 0; -ENOMEM; -EPERM if the hypervisor refused to share. Nothing is left shared
 * on error, except what the hypervisor refuses to take back: that is never used again.
 */
int pool_create(size_t bytes, size_t granule);

/** pool_destroy() - Take back and free all of the pool, none of which is in use. */
void pool_destroy(void);

/**
 * pool_alloc() - Bytes of the pool, for any context. Their contents are old ones,
 * which the host has seen.
 * @size:	bytes, more than 0
 * @align:	bytes, a power of 2, at most POOL_CHUNK
 *
 * Return: the address in the kernel's linear map, or NULL.
 */
void *pool_alloc(size_t size, size_t align);

/** pool_free() - Give back what pool_alloc() gave for the same @size. */
void pool_free(void *addr, size_t size);

/** pool_slot() - The slot that @phys lies in, or NULL if that is not in the pool. */
struct pool_slot *pool_slot(phys_addr_t phys);

/** pool_end() - First physical address past all of the pool. */
phys_addr_t pool_end(void);

#endif
