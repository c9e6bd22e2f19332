/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing the event trace. While it is off, an event costs a load and a branch.
 */
#ifndef HYP_TRACE_H
#define HYP_TRACE_H

#include <redoubt/trace.h>

#include "cpu.h"

extern u32 trace_on;

/* Adds a record to this CPU's ring, over its oldest. */
void trace_write(enum rd_trace_id id, u64 a, u64 b, u64 c);

static inline void trace_event(enum rd_trace_id id, u64 a, u64 b, u64 c)
{
	if (port_unlikely(port_read32(&trace_on)))
		trace_write(id, a, b, c);
}

#endif /* HYP_TRACE_H */
