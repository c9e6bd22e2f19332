/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark of core needs: a name and a number of pages around a piece of work.
 *
 *	bench_begin("map/4K/batched/1GiB");
 *	work();
 *	bench_end(pages);
 *
 * A program runs twice. By itself it measures time; under callgrind, the same calls
 * make callgrind dump the instructions in between under that name. run.py puts both
 * together. The output has one line a figure: name, unit, value, separated by tabs.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <time.h>

#include <valgrind/callgrind.h>

#include "redoubt_port.h"

static struct {
	const char *name;
	struct timespec start;
} bench_now;

/* A figure that isn't measured here: bytes, instructions of another kind. */
static inline void bench_value(const char *name, const char *unit, double value)
{
	printf("%s\t%s\t%.2f\n", name, unit, value);
}

static inline void bench_begin(const char *name)
{
	bench_now.name = name;
	clock_gettime(CLOCK_MONOTONIC, &bench_now.start);
	CALLGRIND_ZERO_STATS;
}

/* @n: pages, or whatever the cost is to be divided by. */
static inline void bench_end(u64 n)
{
	struct timespec end;
	double ns;

	CALLGRIND_DUMP_STATS_AT(bench_now.name);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (double)(end.tv_sec - bench_now.start.tv_sec) * 1e9 +
	     (double)(end.tv_nsec - bench_now.start.tv_nsec);
	printf("%s\tpages\t%llu\n", bench_now.name, n);
	printf("%s\tns\t%.2f\n", bench_now.name, ns / (double)n);
}

#endif /* BENCH_H */
