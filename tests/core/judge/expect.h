/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a judge program says what it found: one line a check, "ok: words" or
 * "FAILED: words", which tests/core/run.py counts.
 */
#ifndef JUDGE_EXPECT_H
#define JUDGE_EXPECT_H

#include "redoubt_port.h"

/* Failures since the last expect_done(). */
extern int expect_failures;

/* Remembers a failure, and says where. */
#define expect(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("  %s:%d: not so: %s\n", __FILE__, __LINE__, #cond);                \
			expect_failures++;                                                         \
		}                                                                                  \
	} while (0)

#define expect_u64(a, b)                                                                           \
	do {                                                                                       \
		u64 expect_a = (a), expect_b = (b);                                                \
		if (expect_a != expect_b) {                                                        \
			printf("  %s:%d: %s is %#llx, not %#llx\n", __FILE__, __LINE__, #a,        \
			       expect_a, expect_b);                                                \
			expect_failures++;                                                         \
		}                                                                                  \
	} while (0)

/* Ends one check: prints its line. Returns 1 if it failed. */
int expect_done(const char *name);

#endif /* JUDGE_EXPECT_H */
