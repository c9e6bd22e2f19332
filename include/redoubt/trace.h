/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event trace: a ring of records for each CPU, at EL2, off until asked for.
 */
#ifndef REDOUBT_TRACE_H
#define REDOUBT_TRACE_H

#include <redoubt/types.h>

/* X(name, format of its three words) */
#define RD_TRACE_EVENTS(X)                                                                         \
	X(HVC, "function %llu, x1 0x%llx, x2 0x%llx")                                              \
	X(HOST_FAULT, "ESR 0x%llx, IPA 0x%llx, result %lld")                                       \
	X(SMC, "function 0x%llx, x1 0x%llx, x2 0x%llx")                                            \
	X(RUN, "VM %llu, vCPU %llu, flags 0x%llx")                                                    \
	X(EXIT, "reason %llu, ESR 0x%llx, HPFAR 0x%llx")                                              \
	X(OWN, "verb %llu, pfn or gfn 0x%llx, pages %llu")

#define RD_TRACE_ENUM(name, format) RD_TRACE_##name,
enum rd_trace_id { RD_TRACE_EVENTS(RD_TRACE_ENUM) RD_TRACE_NR };

struct rd_trace_record {
	u64 time; /* CNTPCT_EL0 */
	u64 id;
	u64 arg[3];
};

/* Records that a CPU keeps: the newest. */
#define RD_TRACE_RING 128

#endif /* REDOUBT_TRACE_H */
