// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of hypercalls, and those that are about EL2 itself. The others are
 * with their nouns: hyp/host_mem.c, hyp/vm.c, hyp/vcpu.c, hyp/guest_mem.c.
 */
#include "hvc.h"
#include "setup.h"
#include "status.h"
#include "trace.h"

#define SMCCC_NOT_SUPPORTED (-1L)

/* The numbers of the kernel's own hyp stub (0 to 3), which some paths still use. */
#define STUB_HVC_MAX  3
#define STUB_HVC_ERR  0xbadca11UL

typedef long (*hvc_fn)(struct host_regs *regs);

#define HVC_ENTRY(n, name, args, results) [n] = hvc_##name,
static const hvc_fn hvc_table[] = { RD_HYPERCALLS(HVC_ENTRY) };
#define HVC_TABLE_SIZE (sizeof(hvc_table) / sizeof(hvc_table[0]))

long hvc_NOP(struct host_regs *regs)
{
	(void)regs;
	return 0;
}

long hvc_VERSION(struct host_regs *regs)
{
	regs->x[1] = RD_ABI_VERSION;
	regs->x[2] = status_geometry();
	return 0;
}

long hvc_CLOSE(struct host_regs *regs)
{
	(void)regs;
	return setup_close();
}

/* In the table for its name and number; hvc_host() has it already. */
long hvc_RELEASE(struct host_regs *regs)
{
	(void)regs;
	return SMCCC_NOT_SUPPORTED;
}

/* Before the door is closed, only what launch needs. */
static bool hvc_allowed_open(u64 n)
{
	return n == RD_HVC_VERSION - RD_HVC_BASE || n == RD_HVC_CLOSE - RD_HVC_BASE ||
	       n == RD_HVC_NOP - RD_HVC_BASE;
}

static u64 hvc_release(struct host_regs *regs)
{
	long ret;
	u64 way_out = setup_release(&ret);

	regs->x[0] = (u64)ret;
	return way_out;
}

u64 hvc_host(struct host_regs *regs, u64 esr)
{
	u64 n = regs->x[0] - RD_HVC_BASE;

	stat_inc(RD_STAT_HYPERCALLS);
	if (port_unlikely(n >= HVC_TABLE_SIZE || !hvc_table[n] || (esr & ESR_ISS_IMM16))) {
		if (hvc_debug(regs))
			return 0;
		stat_inc(RD_STAT_HYPERCALLS_BAD);
		regs->x[0] = regs->x[0] <= STUB_HVC_MAX ? STUB_HVC_ERR : (u64)SMCCC_NOT_SUPPORTED;
		return 0;
	}
	trace_event(RD_TRACE_HVC, n, regs->x[1], regs->x[2]);
	if (port_unlikely(!this_cpu()->closed)) {
		if (n == RD_HVC_RELEASE - RD_HVC_BASE)
			return hvc_release(regs);
		if (!hvc_allowed_open(n)) {
			regs->x[0] = (u64)-EPERM;
			return 0;
		}
	}
	if (port_unlikely(n == RD_HVC_RELEASE - RD_HVC_BASE))
		return hvc_release(regs);
	regs->x[0] = (u64)hvc_table[n](regs);
	return 0;
}
