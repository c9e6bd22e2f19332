// SPDX-License-Identifier: GPL-2.0-only
/*
 * Facts, counters and the ownership list, for whoever reads debugfs. Nothing here
 * tells more than the host knows or may know: who owns a page, not what is in it.
 */
#include <redoubt/stat.h>

#include "host_mem.h"
#include "hvc.h"
#include "setup.h"
#include "status.h"
#include "vm.h"

/* Pages of RAM that one OWNERS or HOST_LEAVES call looks at. */
#define STATUS_BUDGET 4096

u64 status_geometry(void)
{
	return hyp_boot.granule_shift | hyp_boot.host_bits << 8 | hyp_boot.host_bits << 16 |
	       hyp_boot.lpa2 << 24 | (u64)host_cpu_features.vmid_bits << 32;
}

static u64 value(u64 index)
{
	switch (index) {
	case RD_STAT_GEOMETRY:
		return status_geometry();
	case RD_STAT_ICH_VTR:
		return read_sysreg(S3_4_C12_C11_1);
	case RD_STAT_POOL_FREE:
		return host_mem_pool_pages();
	default:
		return vm_count();
	}
}

/* The sum over all CPUs; each counts for itself, so this is a little behind. */
static u64 counter(u64 index)
{
	u64 i, sum = 0;

	for (i = 0; i < hyp_boot.nr_cpus; i++) {
		struct hyp_cpu *cpu = setup_cpu(i);

		if (cpu)
			sum += port_read64(&cpu->stat[index]);
	}
	return sum;
}

long hvc_STAT(struct host_regs *regs)
{
	u64 index = regs->x[1];

	if (index < RD_STAT_NR_VALUES)
		regs->x[1] = value(index);
	else if (index < RD_STAT_END)
		regs->x[1] = counter(index - RD_STAT_NR_VALUES);
	else
		return -EINVAL;
	return 0;
}

static bool take_first(const struct own_range *range, void *arg)
{
	*(struct own_range *)arg = *range;
	return false;
}

/* x4: owner in bits 0 to 15, then state, to whom it's lent, device, and the count. */
long hvc_OWNERS(struct host_regs *regs)
{
	u64 cursor = regs->x[1];
	struct own_range range = {};
	bool more;

	if (cursor > 1ULL << 52)
		return -EINVAL;
	more = own_for_each_range(&host_own, &cursor, STATUS_BUDGET, take_first, &range);
	regs->x[1] = more ? cursor : ~0ULL;
	regs->x[2] = range.pfn << host_own.page_shift;
	regs->x[3] = range.nr_pages;
	regs->x[4] = range.page.owner | (u64)range.page.state << 16 | (u64)range.page.lent << 20 |
		     (u64)range.device << 24 | (u64)range.page.count << 32;
	return 0;
}

struct leaf_count {
	u64 by_level[PGT_LEVELS];
};

static int count_leaf(void *arg, const struct pgt_leaf *leaf)
{
	struct leaf_count *count = arg;

	if (leaf->kind == PGT_LEAF)
		count->by_level[leaf->level + 1]++;
	return 0;
}

/*
 * x1: bytes, where to go on. Counts the leaves of the host's stage 2 by level, -1 to
 * 3 in x2 to x6; x1 is then where to go on, or ~0.
 */
long hvc_HOST_LEAVES(struct host_regs *regs)
{
	struct leaf_count count = {};
	u64 at = regs->x[1];
	long ret = host_mem_walk(&at, STATUS_BUDGET, count_leaf, &count);
	u32 i;

	if (ret)
		return ret;
	regs->x[1] = at;
	for (i = 0; i < PGT_LEVELS; i++)
		regs->x[2 + i] = count.by_level[i];
	return 0;
}
