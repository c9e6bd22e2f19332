// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event trace. Each CPU writes its own ring; readers on other CPUs take what
 * they find and check the position again, so that a record that was overwritten
 * meanwhile is not passed on. Records tell what the host sees anyway: hypercalls,
 * faults, exits. Nothing of a protected guest's registers goes in.
 */
#include "hvc.h"
#include "setup.h"
#include "trace.h"

u32 trace_on;

void trace_write(enum rd_trace_id id, u64 a, u64 b, u64 c)
{
	struct hyp_cpu *cpu = this_cpu();
	u64 n = cpu->trace_next;

	cpu->trace[n % RD_TRACE_RING] = (struct rd_trace_record){
		.time = read_sysreg(cntpct_el0),
		.id = id,
		.arg = { a, b, c },
	};
	port_write_release64(&cpu->trace_next, n + 1);
}

long hvc_TRACE_CTL(struct host_regs *regs)
{
	port_write32(&trace_on, regs->x[1] & 1);
	return 0;
}

/*
 * x1: CPU, x2: position, a running number. Returns the record at that position, or
 * the oldest there still is after it, in x2 to x6 and the next position in x1;
 * -ENOENT if there is none yet.
 */
long hvc_TRACE_READ(struct host_regs *regs)
{
	struct hyp_cpu *cpu = setup_cpu(regs->x[1]);
	struct rd_trace_record record;
	u64 pos = regs->x[2], next;

	if (!cpu)
		return -EINVAL;
	next = port_read_acquire64(&cpu->trace_next);
	if (pos >= next)
		return -ENOENT;
	if (next - pos >= RD_TRACE_RING)
		pos = next - RD_TRACE_RING + 1;
	record = cpu->trace[pos % RD_TRACE_RING];
	port_smp_rmb();
	if (port_read64(&cpu->trace_next) - pos >= RD_TRACE_RING)
		return -EAGAIN;
	regs->x[1] = pos + 1;
	regs->x[2] = record.time;
	regs->x[3] = record.id;
	regs->x[4] = record.arg[0];
	regs->x[5] = record.arg[1];
	regs->x[6] = record.arg[2];
	return 0;
}
