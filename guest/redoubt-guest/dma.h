/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA API over the pool: what a driver maps is copied to shared memory and back, what
 * it allocates for a device is shared memory.
 */
#ifndef REDOUBT_GUEST_DMA_H
#define REDOUBT_GUEST_DMA_H

#include <linux/device.h>

/**
 * dma_prepare() - Make a device reach the pool and nothing else.
 * @dev:	has nothing mapped
 *
 * Return: 0; -EBUSY if the kernel has put it behind an IOMMU; -EIO if it can't address
 * the pool.
 */
int dma_prepare(struct device *dev);

#endif
