/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of debug builds (make RD_DEBUG=1), which no other build has: for tests of what
 * happens when EL2 itself is wrong.
 */
#ifndef REDOUBT_DEBUG_H
#define REDOUBT_DEBUG_H

#include <redoubt/abi.h>

/* x1: enum rd_debug_panic. EL2 panics, and does not return. */
#define RD_HVC_DEBUG_PANIC RD_HVC(0xff00)

enum rd_debug_panic {
	RD_DEBUG_ASSERT = 1, /* by an assertion that fails */
	RD_DEBUG_FAULT,	     /* by touching what EL2 does not map */
};

#endif /* REDOUBT_DEBUG_H */
