// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool of shared memory. Made once and never taken back: devices may use it as long
 * as the kernel runs.
 *
 * Locks: none. gen_pool's bitmaps are changed by atomic operations; the chunks are set
 * up before the first allocation and don't change. A slot's record belongs to whoever
 * has allocated the slot.
 */
#include <linux/arm-smccc.h>
#include <linux/genalloc.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "pool.h"

#define CHUNK_ORDER get_order(POOL_CHUNK)
#define CHUNK_SLOTS (POOL_CHUNK >> POOL_SLOT_SHIFT)

struct chunk {
	phys_addr_t phys;
	struct pool_slot slots[];
};

static struct gen_pool *pool;
static DEFINE_XARRAY(chunks); /* by physical address / POOL_CHUNK */
static phys_addr_t end;
static size_t granule; /* bytes that one hypercall shares */

/* One granule. The calls that Linux's pKVM guest driver makes. */
static int change(u32 function, phys_addr_t phys)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_invoke(function, phys, 0, 0, &res);
	return res.a0 == SMCCC_RET_SUCCESS ? 0 : -EPERM;
}

/* Of @size bytes. -EPERM: not all of them are the guest's own again. */
static int unshare(phys_addr_t phys, size_t size)
{
	size_t done;
	int ret = 0;

	for (done = 0; done < size; done += granule)
		ret = change(ARM_SMCCC_VENDOR_HYP_KVM_MEM_UNSHARE_FUNC_ID, phys + done) ?: ret;
	return ret;
}

/* A chunk. -EPERM: refused, and all as before; -EBUSY: refused, and some of it is shared. */
static int share(phys_addr_t phys)
{
	size_t done;

	for (done = 0; done < POOL_CHUNK; done += granule)
		if (change(ARM_SMCCC_VENDOR_HYP_KVM_MEM_SHARE_FUNC_ID, phys + done))
			return unshare(phys, done) ? -EBUSY : -EPERM;
	return 0;
}

/* What may be shared still must not become anybody's memory: it is lost. */
static void free_shared(phys_addr_t phys)
{
	if (!unshare(phys, POOL_CHUNK))
		__free_pages(phys_to_page(phys), CHUNK_ORDER);
}

static int share_chunk(struct chunk *chunk)
{
	int ret = share(chunk->phys);

	if (ret) {
		if (ret == -EPERM)
			__free_pages(phys_to_page(chunk->phys), CHUNK_ORDER);
		return -EPERM;
	}
	ret = xa_err(xa_store(&chunks, chunk->phys / POOL_CHUNK, chunk, GFP_KERNEL));
	if (!ret) {
		ret = gen_pool_add_virt(pool, (unsigned long)phys_to_virt(chunk->phys),
					chunk->phys, POOL_CHUNK, NUMA_NO_NODE);
		if (ret)
			xa_erase(&chunks, chunk->phys / POOL_CHUNK);
	}
	if (ret)
		free_shared(chunk->phys);
	return ret;
}

/*
 * Below 4 GiB, for devices with 32 address bits. Zeroed: the host is to see nothing that
 * was in it before.
 */
static int add_chunk(void)
{
	struct chunk *chunk = vzalloc(struct_size(chunk, slots, CHUNK_SLOTS));
	struct page *page;
	int ret = -ENOMEM;

	if (!chunk)
		return -ENOMEM;
	page = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO | __GFP_NOWARN, CHUNK_ORDER);
	if (page) {
		chunk->phys = page_to_phys(page);
		ret = share_chunk(chunk);
	}
	if (ret)
		vfree(chunk);
	else
		end = max_t(phys_addr_t, end, chunk->phys + POOL_CHUNK);
	return ret;
}

void pool_destroy(void)
{
	struct chunk *chunk;
	unsigned long index;

	xa_for_each(&chunks, index, chunk) {
		free_shared(chunk->phys);
		vfree(chunk);
	}
	xa_destroy(&chunks);
	gen_pool_destroy(pool);
}

int pool_create(size_t bytes, size_t share_granule)
{
	int ret = 0;

	granule = share_granule;
	pool = gen_pool_create(POOL_SLOT_SHIFT, NUMA_NO_NODE);
	if (!pool)
		return -ENOMEM;
	for (; !ret && bytes; bytes -= POOL_CHUNK)
		ret = add_chunk();
	if (ret)
		pool_destroy();
	return ret;
}

void *pool_alloc(size_t size, size_t align)
{
	struct genpool_data_align data = { .align = max(align, POOL_SLOT) };

	return (void *)gen_pool_alloc_algo(pool, size, gen_pool_first_fit_align, &data);
}

void pool_free(void *addr, size_t size)
{
	gen_pool_free(pool, (unsigned long)addr, size);
}

struct pool_slot *pool_slot(phys_addr_t phys)
{
	struct chunk *chunk = xa_load(&chunks, phys / POOL_CHUNK);

	return chunk ? &chunk->slots[(phys - chunk->phys) >> POOL_SLOT_SHIFT] : NULL;
}

phys_addr_t pool_end(void)
{
	return end;
}
