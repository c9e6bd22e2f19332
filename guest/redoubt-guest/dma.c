// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of one device, through the pool (Documentation/core-api/dma-api.rst).
 *
 * The device and the host are not trusted: an address or size that they had a hand in
 * (a driver may pass on the length that a device reports) is held against the slot's own
 * record, which only the guest has. Nothing is copied out but what a driver maps for
 * the device to read; what the device is to write begins as zeros, not as the old
 * contents of the driver's buffer.
 *
 * Shared memory is cacheable on both sides, so there is nothing to clean or invalidate.
 *
 * Locks: none. Calls on one mapping are in order, as the DMA API asks of drivers; a
 * slot's record is written between pool_alloc() and the mapping's first use.
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/scatterlist.h>

#include "dma.h"
#include "pool.h"

/* One mapping at most: larger ones would wait for a free stretch in vain. */
#define MAX_MAPPING ((size_t)SZ_256K)

static bool reads(enum dma_data_direction dir)
{
	return dir == DMA_TO_DEVICE || dir == DMA_BIDIRECTIONAL;
}

static bool writes(enum dma_data_direction dir)
{
	return dir == DMA_FROM_DEVICE || dir == DMA_BIDIRECTIONAL;
}

/* The mapping that @addr, @size lie in; NULL if there is none, or it ends before. */
static struct pool_slot *find(struct device *dev, dma_addr_t addr, size_t size)
{
	phys_addr_t phys = dma_to_phys(dev, addr);
	struct pool_slot *slot = pool_slot(phys);

	if (!slot || phys < slot->start || phys - slot->start > slot->size ||
	    size > slot->size - (phys - slot->start)) {
		dev_warn_ratelimited(dev, "redoubt-guest: no mapping of %zu bytes at %pad\n",
				     size, &addr);
		return NULL;
	}
	return slot;
}

static void copy(struct device *dev, dma_addr_t addr, size_t size, bool to_device)
{
	struct pool_slot *slot = find(dev, addr, size);
	phys_addr_t phys = dma_to_phys(dev, addr);
	void *shared, *orig;

	if (!slot)
		return;
	shared = phys_to_virt(phys);
	orig = phys_to_virt(slot->orig + (phys - slot->start));
	if (to_device)
		memcpy(shared, orig, size);
	else
		memcpy(orig, shared, size);
}

/* Every slot of a mapping has its record, so that any address in it finds it. */
static void record(phys_addr_t start, size_t size, struct pool_slot as)
{
	phys_addr_t at;

	for (at = ALIGN_DOWN(start, POOL_SLOT); at < start + size; at += POOL_SLOT)
		*pool_slot(at) = as;
}

static dma_addr_t bounce_map_phys(struct device *dev, phys_addr_t orig, size_t size,
				  enum dma_data_direction dir, unsigned long attrs)
{
	size_t mask = dma_get_min_align_mask(dev), offset = orig & mask;
	dma_addr_t addr;
	void *shared;

	if (!size || size > MAX_MAPPING || mask >= MAX_MAPPING)
		return DMA_MAPPING_ERROR;
	shared = pool_alloc(offset + size, mask + 1);
	if (!shared) {
		/* Block drivers try again, so it is not a failure yet. */
		dev_warn_once(dev, "redoubt-guest: the pool was full: pool_mib makes it larger\n");
		return DMA_MAPPING_ERROR;
	}
	shared += offset;
	record(virt_to_phys(shared), size, (struct pool_slot){
		.orig = orig, .start = virt_to_phys(shared), .size = size });
	addr = phys_to_dma(dev, virt_to_phys(shared));
	if (reads(dir) && !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		copy(dev, addr, size, true);
	else
		memset(shared, 0, size);
	return addr;
}

static dma_addr_t bounce_map_page(struct device *dev, struct page *page, unsigned long offset,
				  size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	return bounce_map_phys(dev, page_to_phys(page) + offset, size, dir, attrs);
}

static void bounce_unmap_page(struct device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	struct pool_slot *slot = find(dev, addr, size);
	phys_addr_t start = dma_to_phys(dev, addr);
	size_t offset = start & dma_get_min_align_mask(dev);

	if (!slot || slot->start != start)
		return;
	if (writes(dir) && !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		copy(dev, addr, size, false);
	size = slot->size;
	record(start, size, (struct pool_slot){});
	pool_free(phys_to_virt(start - offset), offset + size);
}

static void bounce_unmap_sg(struct device *dev, struct scatterlist *sgl, int nents,
			    enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		bounce_unmap_page(dev, sg_dma_address(sg), sg_dma_len(sg), dir, attrs);
}

static int bounce_map_sg(struct device *dev, struct scatterlist *sgl, int nents,
			 enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i) {
		dma_addr_t addr = bounce_map_phys(dev, sg_phys(sg), sg->length, dir, attrs);

		if (addr == DMA_MAPPING_ERROR) {
			bounce_unmap_sg(dev, sgl, i, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
			return -ENOMEM;
		}
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = sg->length;
	}
	return nents;
}

static void bounce_sync_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
				enum dma_data_direction dir)
{
	if (writes(dir))
		copy(dev, addr, size, false);
}

static void bounce_sync_for_device(struct device *dev, dma_addr_t addr, size_t size,
				   enum dma_data_direction dir)
{
	if (reads(dir))
		copy(dev, addr, size, true);
}

static void bounce_sync_sg_for_cpu(struct device *dev, struct scatterlist *sgl, int nents,
				   enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		bounce_sync_for_cpu(dev, sg_dma_address(sg), sg->length, dir);
}

static void bounce_sync_sg_for_device(struct device *dev, struct scatterlist *sgl, int nents,
				      enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		bounce_sync_for_device(dev, sg_dma_address(sg), sg->length, dir);
}

static void *shared_alloc(struct device *dev, size_t size, dma_addr_t *addr, gfp_t gfp,
			  unsigned long attrs)
{
	size_t pages = PAGE_ALIGN(size);
	void *shared;

	if (!size || size > POOL_CHUNK)
		return NULL;
	/* dma_alloc_coherent()'s promise: aligned to the order of the size. */
	shared = pool_alloc(pages, PAGE_SIZE << get_order(size));
	if (!shared)
		return NULL;
	memset(shared, 0, pages);
	*addr = phys_to_dma(dev, virt_to_phys(shared));
	return shared;
}

static void shared_free(struct device *dev, size_t size, void *shared, dma_addr_t addr,
			unsigned long attrs)
{
	pool_free(shared, PAGE_ALIGN(size));
}

static struct page *shared_alloc_pages(struct device *dev, size_t size, dma_addr_t *addr,
				       enum dma_data_direction dir, gfp_t gfp)
{
	void *shared = shared_alloc(dev, size, addr, gfp, 0);

	return shared ? virt_to_page(shared) : NULL;
}

static void shared_free_pages(struct device *dev, size_t size, struct page *page,
			      dma_addr_t addr, enum dma_data_direction dir)
{
	shared_free(dev, size, page_address(page), addr, 0);
}

static int pool_supported(struct device *dev, u64 mask)
{
	return phys_to_dma(dev, pool_end() - 1) <= mask;
}

static u64 pool_required_mask(struct device *dev)
{
	return DMA_BIT_MASK(fls64(phys_to_dma(dev, pool_end() - 1)));
}

static size_t max_mapping_size(struct device *dev)
{
	return MAX_MAPPING - dma_get_min_align_mask(dev);
}

static const struct dma_map_ops pool_dma_ops = {
	.alloc = shared_alloc,
	.free = shared_free,
	.alloc_pages_op = shared_alloc_pages,
	.free_pages = shared_free_pages,
	.map_page = bounce_map_page,
	.unmap_page = bounce_unmap_page,
	.map_sg = bounce_map_sg,
	.unmap_sg = bounce_unmap_sg,
	.sync_single_for_cpu = bounce_sync_for_cpu,
	.sync_single_for_device = bounce_sync_for_device,
	.sync_sg_for_cpu = bounce_sync_sg_for_cpu,
	.sync_sg_for_device = bounce_sync_sg_for_device,
	.dma_supported = pool_supported,
	.get_required_mask = pool_required_mask,
	.max_mapping_size = max_mapping_size,
};

int dma_prepare(struct device *dev)
{
	if (get_dma_ops(dev) == &pool_dma_ops)
		return 0;
	if (device_iommu_mapped(dev))
		return -EBUSY;
	set_dma_ops(dev, &pool_dma_ops);
	/*
	 * The DMA core keeps what it concluded from the operations before: that this device
	 * needs no sync calls, for one. Setting the mask makes it look again.
	 */
	return dev->dma_mask ? dma_set_mask(dev, *dev->dma_mask) : 0;
}
