// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a kernel's clocks and timers are right, judged by the architected counter.
 * Every check holds however slow the machine is: nothing here says how late is too late.
 *
 *	timercheck SECONDS
 *
 * Prints "@@ NAME: ok|fail DETAIL": the clock and the counter run alike; no sleep ends
 * early; an interval timer has expired as often as time has passed, on every CPU; all CPUs
 * have the same counter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 10000000ULL

static uint64_t counter(void)
{
	uint64_t count;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count) : : "memory");
	return count;
}

static uint64_t frequency(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

static double counter_ns(uint64_t ticks)
{
	return (double)ticks * 1e9 / frequency();
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int verdict(const char *name, bool ok, const char *what, double value)
{
	printf("@@ %s: %s %s %.0f\n", name, ok ? "ok" : "fail", what, value);
	fflush(stdout);
	return !ok;
}

/* One reading of both: how much later than the counter the clock was read is known. */
struct reading {
	uint64_t before, clock, after;
};

static struct reading read_both(void)
{
	struct reading r = { .before = counter() };

	r.clock = clock_ns();
	r.after = counter();
	return r;
}

static int check_clock(unsigned int seconds)
{
	struct reading a = read_both(), b;
	struct timespec rest = { .tv_sec = seconds };
	double clock, least, most;

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
	b = read_both();
	clock = b.clock - a.clock;
	least = counter_ns(b.before - a.after);
	most = counter_ns(b.after - a.before);
	/* 200 ppm for the roundings of the kernel's conversion. */
	return verdict("clock", clock >= least * 0.9998 && clock <= most * 1.0002,
		       "nanoseconds beside the counter:", clock - least);
}

static int check_sleeps(unsigned int seconds)
{
	uint64_t end = counter() + seconds * frequency(), start;
	double early = 0, passed;
	unsigned int n = 0;

	while (counter() < end) {
		uint64_t ns = 50000 + n % 97 * 31337;
		struct timespec t = { .tv_nsec = ns };

		start = counter();
		nanosleep(&t, NULL);
		passed = counter_ns(counter() - start);
		if (passed < ns * 0.9998 && ns - passed > early)
			early = ns - passed;
		n++;
	}
	return verdict("sleeps", n && early == 0, early ? "early by ns:" : "of them:", early ?: n);
}

static bool go_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/* From CPU to CPU and round again, the counter never goes back; it would from one that is ahead. */
static int check_counters(void)
{
	unsigned int cpus = get_nprocs(), i;
	uint64_t last = counter(), now;
	double back = 0;
	bool ok = true;

	for (i = 0; ok && i < 200 * cpus; i++) {
		ok = go_to(i % cpus);
		now = counter();
		if (now < last && counter_ns(last - now) > back)
			back = counter_ns(last - now);
		last = now;
	}
	return verdict("counters", ok && back == 0, back != 0 ? "back by ns:" : "CPUs:",
		       back != 0 ? back : cpus);
}

/* The periods in some ticks of the counter. */
static double periods(uint64_t ticks)
{
	return counter_ns(ticks) / PERIOD_NS;
}

/*
 * An interval timer's expiries: a read returns at least those that were due when it was
 * called, and no more than those due when it returned. One is the rounding's.
 */
static int check_interval(unsigned int cpu, unsigned int seconds)
{
	struct itimerspec spec = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t first, armed, before, n, sum = 0;
	bool ok = true;
	char name[32];

	snprintf(name, sizeof(name), "interval%u", cpu);
	if (fd < 0 || !go_to(cpu))
		return verdict(name, false, "errno", errno);
	first = counter();
	timerfd_settime(fd, 0, &spec, NULL);
	armed = counter();
	do {
		before = counter();
		ok = ok && read(fd, &n, sizeof(n)) == sizeof(n);
		sum += n;
		ok = ok && sum + 1 >= periods(before - armed) && sum <= periods(counter() - first) + 1;
	} while (ok && before - armed < seconds * frequency());
	close(fd);
	return verdict(name, ok, "expiries:", sum);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 0, cpu;
	int failed;

	if (!seconds) {
		fprintf(stderr, "usage: timercheck SECONDS\n");
		return 2;
	}
	failed = check_clock(seconds) + check_sleeps(seconds) + check_counters();
	for (cpu = 0; cpu < (unsigned int)get_nprocs(); cpu++)
		failed += check_interval(cpu, 1);
	return failed ? 1 : 0;
}
