// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt trace: the events that EL2 recorded, of all CPUs in order of time.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events.h"
#include "pairs.h"
#include "tree.h"

#define TRACE_ON "sys/kernel/debug/redoubt/trace_on"

struct options {
	int turn;	/* 1: on, 0: off, -1: leave it */
	double seconds; /* record for so long; 0: print what there is */
	const char *event;
	int cpu; /* -1: all */
	bool raw;
};

static const char help[] =
	"Usage: redoubt trace [--on | --off | --for SECONDS] [--event NAME] [--cpu N] [--raw]\n\n"
	"Prints the newest events at EL2 that were recorded, or starts and stops recording. A CPU\n"
	"keeps its newest 128. Times are seconds since the first event that is printed.\n\n"
	"  --on            start recording, and print nothing\n"
	"  --off           stop recording, and print nothing\n"
	"  --for SECONDS   record for so long, then print\n"
	"  --event NAME    only HVC, HOST_FAULT, SMC, RUN, EXIT or OWN\n"
	"  --cpu N         only this CPU's\n"
	"  --raw           numbers as EL2 recorded them\n";

static int number(const struct rt_env *env, struct options *o, int c)
{
	char *end;

	if (c == 'c') {
		o->cpu = strtol(optarg, &end, 10);
		if (end == optarg || *end || o->cpu < 0)
			return rt_usage(env, "--cpu takes a CPU's number, not '%s'", optarg);
		return RT_OK;
	}
	o->seconds = strtod(optarg, &end);
	if (end == optarg || *end || !(o->seconds > 0 && o->seconds <= 3600))
		return rt_usage(env, "--for takes seconds, at most 3600, not '%s'", optarg);
	return RT_OK;
}

static int parse(struct rt_env *env, struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "on", no_argument, NULL, '1' },	 { "off", no_argument, NULL, '0' },
		{ "for", required_argument, NULL, 'f' }, { "event", required_argument, NULL, 'e' },
		{ "cpu", required_argument, NULL, 'c' }, { "raw", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },	 {},
	};
	int c, ret = RT_OK;

	opterr = 0;
	optind = 0;
	while (!ret && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case '0':
		case '1':
			o->turn = c - '0';
			break;
		case 'f':
		case 'c':
			ret = number(env, o, c);
			break;
		case 'e':
			if (event_id(optarg) < 0)
				return rt_usage(env, "no event '%s'", optarg);
			o->event = optarg;
			break;
		case 'r':
			o->raw = true;
			break;
		case 'h':
			fputs(help, env->out);
			return -1;
		default:
			return rt_usage(env, "trace: no option '%s', or its value is missing",
					argv[optind - 1]);
		}
	}
	if (!ret && optind < argc)
		return rt_usage(env, "trace takes no '%s'", argv[optind]);
	if (!ret && o->turn >= 0 && o->seconds)
		return rt_usage(env, "--for turns recording on and off by itself");
	return ret;
}

static int turn(const struct rt_env *env, bool on)
{
	if (!tree_write(env, TRACE_ON, on ? "1" : "0"))
		return RT_OK;
	return tree_debugfs_error(env, "trace_on");
}

static int record(const struct rt_env *env, double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };
	int ret = turn(env, true);

	t.tv_nsec = (long)((seconds - t.tv_sec) * 1e9);
	if (ret)
		return ret;
	while (nanosleep(&t, &t) && errno == EINTR)
		;
	return turn(env, false);
}

static uint64_t counter_hz(const struct rt_env *env)
{
	struct pairs pairs = {};
	char *text = tree_read(env, "sys/kernel/debug/redoubt/geometry", NULL);

	if (text)
		pairs_lines(&pairs, text);
	free(text);
	return pairs_get(&pairs, "counter_hz");
}

static void print_all(const struct rt_env *env, const struct options *o, const struct events *events)
{
	uint64_t hz = counter_hz(env), first = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < events->nr; i++) {
		const struct event *e = &events->event[i];

		if ((o->cpu >= 0 && e->cpu != (unsigned int)o->cpu) ||
		    (o->event && e->id != event_id(o->event)))
			continue;
		if (!any)
			first = e->time;
		any = true;
		if (hz)
			fprintf(env->out, "%12.6f", (double)(e->time - first) / hz);
		else
			fprintf(env->out, "%12" PRIu64, e->time - first);
		fprintf(env->out, "  CPU %-3u  ", e->cpu);
		event_print(env, e, o->raw);
		fputc('\n', env->out);
	}
	if (!any)
		rt_error(env, "no such event is recorded: 'redoubt trace --for 1' records for a second");
}

int rt_trace(struct rt_env *env, int argc, char **argv)
{
	struct options o = { .turn = -1, .cpu = -1 };
	struct events events;
	char *text;
	int ret = parse(env, &o, argc, argv);

	if (ret)
		return ret < 0 ? RT_OK : ret;
	if (o.turn >= 0)
		return turn(env, o.turn);
	if (o.seconds) {
		ret = record(env, o.seconds);
		if (ret)
			return ret;
	}
	ret = tree_debugfs(env, "trace", &text);
	if (ret)
		return ret;
	ret = events_parse(env, &events, text);
	free(text);
	if (ret)
		return ret;
	print_all(env, &o, &events);
	events_free(&events);
	return RT_OK;
}
