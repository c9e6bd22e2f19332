// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/redoubt: what EL2 and the module tell people. Each file asks EL2
 * when it is read, in steps that are bounded there; nothing is cached.
 *
 *	version		versions of the contract and of the module
 *	geometry	granule, address sizes, formats
 *	memory		bytes that EL2 has, by purpose
 *	stats		values and counters, a line each: name, value, what it is
 *	vms		VMs and vCPUs with their counters, a line each
 *	host_blocks	leaves of the host's stage 2 by level
 *	owners		who owns physical memory, range by range
 *	trace_on	1 to record events at EL2
 *	trace		the newest events of every CPU
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <asm/sysreg.h>

#include <redoubt/stat.h>
#include <redoubt/trace.h>
#include <core/vmemmap.h>

#include "debugfs.h"
#include "hvc.h"
#include "launch.h"
#include "stats.h"
#include "vm.h"

static struct dentry *top;
static struct rd_el2 *el2;

static int version_show(struct seq_file *m, void *v)
{
	seq_printf(m, "abi %d\nmodule %s\n", RD_ABI_VERSION, THIS_MODULE->version);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(version);

static int geometry_show(struct seq_file *m, void *v)
{
	struct rd_hvc_res res = {};
	long ret = rd_hvc_res(RD_HVC_VERSION, 0, 0, 0, 0, 0, &res);
	u64 geo = res.x2;

	if (ret)
		return ret;
	seq_printf(m, "granule_bytes %llu\n", 1ULL << RD_GEO_GRANULE_SHIFT(geo));
	seq_printf(m, "physical_bits %llu\n", RD_GEO_PA_BITS(geo));
	seq_printf(m, "guest_bits_max %llu\n", RD_GEO_IPA_BITS(geo));
	seq_printf(m, "lpa2 %llu\n", RD_GEO_LPA2(geo));
	seq_printf(m, "vmid_bits %llu\n", RD_GEO_VMID_BITS(geo));
	seq_printf(m, "el2_va_bits %llu\n", el2->launched.va_bits);
	seq_printf(m, "counter_hz %llu\n", read_sysreg(cntfrq_el0));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(geometry);

static int memory_show(struct seq_file *m, void *v)
{
	static const char *const purpose[] = {
		[RD_CHUNK_IMAGE] = "image",
		[RD_CHUNK_VMEMMAP] = "vmemmap",
		[RD_CHUNK_CPU] = "cpus",
		[RD_CHUNK_POOL] = "tables",
	};
	u64 sum = 0;
	int i;

	for (i = 0; i < RD_CHUNK_PURPOSES; i++) {
		seq_printf(m, "%s %llu\n", purpose[i], el2->launched.bytes[i]);
		sum += el2->launched.bytes[i];
	}
	seq_printf(m, "total %llu\ntext %llu\nram %llu\n", sum, el2->launched.text_bytes,
		   el2->launched.ram_bytes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(memory);

#define STAT_NAME(name, what) [RD_STAT_##name] = { #name, what },
static const struct {
	const char *name, *what;
} stat_names[RD_STAT_END] = { RD_STAT_VALUES(STAT_NAME) RD_STAT_COUNTERS(STAT_NAME) };

static int stats_show(struct seq_file *m, void *v)
{
	struct rd_hvc_res res;
	u64 i;

	for (i = 0; i < RD_STAT_END; i++) {
		long ret = rd_hvc_res(RD_HVC_STAT, i, 0, 0, 0, 0, &res);

		if (ret)
			return ret;
		seq_printf(m, "%-18s %16llu  %s\n", stat_names[i].name, res.x1, stat_names[i].what);
	}
	seq_printf(m, "%-18s %16llu  %s\n", "TEARDOWN_MAX_NS", rd_el2_longest_teardown(),
		   "longest call of a VM's teardown");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int vms_show(struct seq_file *m, void *v)
{
	rd_stats_print_vms(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vms);

static int host_blocks_show(struct seq_file *m, void *v)
{
	u64 sum[5] = {}, cursor = 0, size;
	int i;

	while (cursor != ~0ULL) {
		u64 x[18] = { RD_HVC_HOST_LEAVES, cursor };
		long ret = rd_hvc_full(x);

		if (ret)
			return ret;
		cursor = x[1];
		for (i = 0; i < 5; i++)
			sum[i] += x[2 + i];
		cond_resched();
	}
	for (i = 4; i >= 0; i--) {
		size = 1ULL << (PAGE_SHIFT + (4 - i) * (PAGE_SHIFT - 3));
		if (sum[i])
			seq_printf(m, "%llu KiB %llu\n", size / SZ_1K, sum[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(host_blocks);

static void print_owner(struct seq_file *m, u64 owner)
{
	if (owner == OWN_ID_HOST)
		seq_puts(m, "host");
	else if (owner == OWN_ID_HYP)
		seq_puts(m, "hyp");
	else
		seq_printf(m, "vm%llu", owner - OWN_ID_GUEST0);
}

static void print_range(struct seq_file *m, u64 start, u64 pages, u64 who)
{
	static const char *const lent[] = { "", " lent to host", " lent to hyp", " lent to guests" };

	seq_printf(m, "%012llx-%012llx %10llu ", start, start + (pages << PAGE_SHIFT) - 1, pages);
	print_owner(m, who & 0xffff);
	seq_puts(m, lent[who >> 20 & 3]);
	if (who >> 32)
		seq_printf(m, " x%llu", who >> 32);
	seq_puts(m, who >> 24 & 1 ? " device\n" : "\n");
}

static int owners_show(struct seq_file *m, void *v)
{
	u64 cursor = 0, start = 0, pages = 0, who = 0;

	/* A range may end where EL2's budget did: put such together again. */
	while (cursor != ~0ULL) {
		u64 x[18] = { RD_HVC_OWNERS, cursor };
		long ret = rd_hvc_full(x);

		if (ret)
			return ret;
		cursor = x[1];
		if (pages && (x[2] != start + (pages << PAGE_SHIFT) || x[4] != who)) {
			print_range(m, start, pages, who);
			pages = 0;
		}
		if (!pages) {
			start = x[2];
			who = x[4];
		}
		pages += x[3];
		cond_resched();
	}
	if (pages)
		print_range(m, start, pages, who);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(owners);

static void print_event(struct seq_file *m, u64 cpu, const u64 *record)
{
#define TRACE_FORMAT(name, format) [RD_TRACE_##name] = #name ": " format,
	static const char *const formats[] = { RD_TRACE_EVENTS(TRACE_FORMAT) };

	seq_printf(m, "%llu [%03llu] ", record[0], cpu);
	if (record[1] < ARRAY_SIZE(formats))
		seq_printf(m, formats[record[1]], record[2], record[3], record[4]);
	seq_putc(m, '\n');
}

static int trace_show(struct seq_file *m, void *v)
{
	u64 cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		u64 position = 0, n = 0;
		long ret;

		/* The ring's length bounds it: a busy CPU writes as fast as this reads. */
		do {
			u64 x[18] = { RD_HVC_TRACE_READ, cpu, position };

			ret = rd_hvc_full(x);
			if (!ret) {
				position = x[1];
				print_event(m, cpu, &x[2]);
			}
		} while ((!ret || ret == -EAGAIN) && n++ < RD_TRACE_RING);
		cond_resched();
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(trace);

static int trace_on_set(void *data, u64 on)
{
	return rd_hvc1(RD_HVC_TRACE_CTL, !!on);
}
DEFINE_DEBUGFS_ATTRIBUTE(trace_on_fops, NULL, trace_on_set, "%llu\n");

void rd_debugfs_init(struct rd_el2 *launched)
{
	el2 = launched;
	top = debugfs_create_dir("redoubt", NULL);
	debugfs_create_file("version", 0444, top, NULL, &version_fops);
	debugfs_create_file("geometry", 0444, top, NULL, &geometry_fops);
	debugfs_create_file("memory", 0444, top, NULL, &memory_fops);
	debugfs_create_file("stats", 0444, top, NULL, &stats_fops);
	debugfs_create_file("vms", 0400, top, NULL, &vms_fops);
	debugfs_create_file("host_blocks", 0444, top, NULL, &host_blocks_fops);
	debugfs_create_file("owners", 0400, top, NULL, &owners_fops);
	debugfs_create_file("trace", 0400, top, NULL, &trace_fops);
	debugfs_create_file_unsafe("trace_on", 0200, top, NULL, &trace_on_fops);
	rd_debugfs_debug(top);
}

void rd_debugfs_exit(void)
{
	debugfs_remove_recursive(top);
}
