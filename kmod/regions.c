// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is RAM, as EL2 will see it from launch on. The kernel's resource tree has
 * each memory block of the firmware's map at its top level: "System RAM", or
 * "reserved" for what firmware keeps to itself but the kernel may have to reach
 * (ACPI tables, EFI runtime code). Memory that a driver has plugged in lies below
 * the driver's own resource. All of it is memory, and the host's.
 */
#include <linux/ioport.h>
#include <linux/mm.h>

#include "launch.h"

static bool is_memory(const struct resource *res)
{
	return (res->flags & IORESOURCE_SYSTEM_RAM) == IORESOURCE_SYSTEM_RAM ||
	       (res->parent == &iomem_resource && res->name && !strcmp(res->name, "reserved"));
}

/* The resource after @res in the order of addresses; what is in memory is passed over. */
static struct resource *next_resource(struct resource *res)
{
	if (res->child && !is_memory(res))
		return res->child;
	while (!res->sibling && res->parent != &iomem_resource)
		res = res->parent;
	return res->sibling;
}

/* Resources may end in the middle of a page of a large granule: only whole pages count. */
static int add_region(struct rd_boot *boot, u64 start, u64 end)
{
	struct rd_boot_region *last = boot->nr_regions ? &boot->region[boot->nr_regions - 1] : NULL;

	start = PAGE_ALIGN(start);
	end = PAGE_ALIGN_DOWN(end);
	if (start >= end)
		return 0;
	if (last && last->base + last->size == start) {
		last->size += end - start;
		return 0;
	}
	if (boot->nr_regions == RD_MAX_REGIONS)
		return -E2BIG;
	boot->region[boot->nr_regions++] = (struct rd_boot_region){
		.base = start,
		.size = end - start,
	};
	return 0;
}

int rd_regions(struct rd_boot *boot)
{
	struct resource *res;
	int ret = 0;

	/* Sorted by address, and stable: memory hotplug is refused from before this on. */
	for (res = iomem_resource.child; res && !ret; res = next_resource(res))
		if (is_memory(res))
			ret = add_region(boot, res->start, res->end + 1);
	if (ret)
		pr_err("the machine has more than %u separate ranges of RAM\n", RD_MAX_REGIONS);
	return ret;
}
