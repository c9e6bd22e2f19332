/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The `direct` backend: the guest's stage 2 is edited right here, by core/pgtable.
 * For hosts that hold their guests' tables themselves, and for tests.
 */
#ifndef CORE_GMEM_DIRECT_H
#define CORE_GMEM_DIRECT_H

#include <core/gmem_backend.h>
#include <core/pgtable.h>

struct gmem_direct {
	struct gmem_backend be; /* first */
	struct pgt *pgt;
	u32 shift; /* log2 of a page in bytes */
};

/**
 * gmem_direct_init() - a backend over @pgt, whose tables are empty.
 * @pgt: its env has defer_free, that waits for the readers' sections of struct gmem: faults
 *	 run in one. gmem's prepare() does the cache maintenance; the env's hooks are not called.
 * gmem_cache.tables is a struct pgt_memcache.
 */
void gmem_direct_init(struct gmem_direct *d, struct pgt *pgt);

#endif /* CORE_GMEM_DIRECT_H */
