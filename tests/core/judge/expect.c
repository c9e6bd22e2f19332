// SPDX-License-Identifier: GPL-2.0-only
/* See expect.h. */
#include "expect.h"

int expect_failures;

int expect_done(const char *name)
{
	int failed = expect_failures != 0;

	printf("%s: %s\n", failed ? "FAILED" : "ok", name);
	fflush(stdout);
	expect_failures = 0;
	return failed;
}
