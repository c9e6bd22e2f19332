/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of EL2's trace (redoubt/trace.h), as debugfs prints them and in words.
 */
#ifndef REDOUBT_TOOL_EVENTS_H
#define REDOUBT_TOOL_EVENTS_H

#include <redoubt/trace.h>

#include "redoubt.h"

struct event {
	uint64_t time; /* of the counter */
	unsigned int cpu;
	int id; /* enum rd_trace_id; -1: unknown */
	uint64_t arg[3];
	size_t order; /* among the lines: a CPU's events at one time stay in order */
};

struct events {
	size_t nr;
	struct event *event;
};

/** events_parse() - Out of the file's text, sorted by time. An exit code; to events_free(). */
int events_parse(const struct rt_env *env, struct events *events, const char *text);

void events_free(struct events *events);

/** event_id() - The number of a kind of event, -1 if there is none of that name. */
int event_id(const char *name);

/** event_print() - Its kind and what it says; with @raw as numbers. */
void event_print(const struct rt_env *env, const struct event *event, bool raw);

#endif /* REDOUBT_TOOL_EVENTS_H */
