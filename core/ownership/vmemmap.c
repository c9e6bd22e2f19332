// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of RAM regions: finding the records of a page or a range. It keeps no
 * state of its own; the regions never change after vmemmap_init(), so that no lock
 * is needed to search them. Every lookup takes any number that a host may send and
 * answers NULL, before a record is touched, for a range that is not RAM throughout.
 */
#include <core/vmemmap.h>

/* Frame numbers stay below 2^52 bytes of 4 KiB pages, so that sums don't overflow. */
#define VMEMMAP_MAX_PFN (1ULL << 40)

static bool region_fits(const struct vmemmap_region *region, u64 above)
{
	return region->records && region->nr_pages && region->pfn >= above &&
	       region->pfn < VMEMMAP_MAX_PFN && region->nr_pages <= VMEMMAP_MAX_PFN - region->pfn;
}

int vmemmap_init(struct vmemmap *mem, const struct vmemmap_region *regions, u32 nr_regions)
{
	u64 above = 0;
	u32 i;

	for (i = 0; i < nr_regions; i++) {
		if (!region_fits(&regions[i], above))
			return -EINVAL;
		above = regions[i].pfn + regions[i].nr_pages + 1;
	}
	mem->regions = regions;
	mem->nr_regions = nr_regions;
	mem->block_shift = 0;
	mem->counts = NULL;
	return 0;
}

void vmemmap_set_counts(struct vmemmap *mem, struct vmemmap_count *const *counts, u32 shift)
{
	port_assert(shift <= VMEMMAP_BLOCK_SHIFT_MAX);
	mem->counts = counts;
	mem->block_shift = shift;
}

const struct vmemmap_region *vmemmap_next_region(const struct vmemmap *mem, u64 pfn)
{
	u32 low = 0, high = mem->nr_regions;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (mem->regions[mid].pfn + mem->regions[mid].nr_pages <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < mem->nr_regions ? &mem->regions[low] : NULL;
}

const struct vmemmap_region *vmemmap_region(const struct vmemmap *mem, u64 pfn)
{
	const struct vmemmap_region *region = vmemmap_next_region(mem, pfn);

	return region && region->pfn <= pfn ? region : NULL;
}

const struct vmemmap_region *vmemmap_range(const struct vmemmap *mem, u64 pfn, u64 nr_pages)
{
	const struct vmemmap_region *region = vmemmap_region(mem, pfn);

	if (!region || !nr_pages || nr_pages > region->nr_pages - (pfn - region->pfn))
		return NULL;
	return region;
}

u32 *vmemmap_records(const struct vmemmap *mem, u64 pfn, u64 nr_pages)
{
	const struct vmemmap_region *region = vmemmap_range(mem, pfn, nr_pages);

	return region ? &region->records[pfn - region->pfn] : NULL;
}

bool vmemmap_is_hole(const struct vmemmap *mem, u64 pfn, u64 nr_pages)
{
	const struct vmemmap_region *region = vmemmap_next_region(mem, pfn);

	return !region || region->pfn >= pfn + nr_pages;
}
