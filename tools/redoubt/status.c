// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt status: takes samples at an interval and shows them.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"

struct options {
	bool json, watch;
	double interval; /* seconds; 0: no rates */
};

static const char help[] =
	"Usage: redoubt status [--json] [--watch] [--interval SECONDS]\n\n"
	"Geometry, EL2's memory, VMs and vCPUs, with exits per second.\n\n"
	"  --json              one line of JSON for each look\n"
	"  --watch             look again and again, until interrupted\n"
	"  --interval SECONDS  time over which rates are measured (default 1); 0: only totals\n";

static int parse(struct rt_env *env, struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	char *end;
	int c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, "jwi:h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'w':
			o->watch = true;
			break;
		case 'i':
			o->interval = strtod(optarg, &end);
			if (*end || end == optarg || !(o->interval >= 0 && o->interval <= 86400))
				return rt_usage(env, "--interval takes seconds, not '%s'", optarg);
			break;
		case 'h':
			fputs(help, env->out);
			return -1;
		default:
			return rt_usage(env, "status: no option '%s', or its value is missing",
					argv[optind - 1]);
		}
	}
	if (optind < argc)
		return rt_usage(env, "status takes no '%s'", argv[optind]);
	if (o->watch && !o->interval)
		return rt_usage(env, "--watch needs an interval");
	return RT_OK;
}

static void wait_for(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static void show(const struct rt_env *env, const struct options *o, const struct sample *old,
		 const struct sample *now)
{
	/* One frame, from the upper left corner, so that nothing flickers. */
	if (o->watch && !o->json && env->color)
		fputs("\033[H\033[2J", env->out);
	if (o->json)
		status_json(env, old, now);
	else
		status_text(env, old, now);
	fflush(env->out);
}

static int watch(const struct rt_env *env, const struct options *o)
{
	struct sample old, now;
	int ret = sample_take(env, &old);

	if (ret)
		return ret;
	do {
		wait_for(o->interval);
		ret = sample_take(env, &now);
		if (ret)
			break;
		show(env, o, &old, &now);
		sample_free(&old);
		old = now;
	} while (o->watch && !ferror(env->out));
	sample_free(&old);
	return ret;
}

int rt_status(struct rt_env *env, int argc, char **argv)
{
	struct options o = { .interval = 1 };
	struct sample now;
	int ret = parse(env, &o, argc, argv);

	if (ret)
		return ret < 0 ? RT_OK : ret;
	if (o.interval)
		return watch(env, &o);
	ret = sample_take(env, &now);
	if (!ret)
		show(env, &o, NULL, &now);
	sample_free(&now);
	return ret;
}
