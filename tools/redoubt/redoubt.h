/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The redoubt command: what its parts share. A command is a function of the environment
 * and its arguments; it writes to the environment's streams only and returns an exit code,
 * so that tests call it as main() does.
 */
#ifndef REDOUBT_TOOL_H
#define REDOUBT_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes; redoubt(1) has them too. */
enum rt_exit {
	RT_OK = 0,
	RT_FAILED = 1,	   /* it did not work; doctor: something is missing */
	RT_USAGE = 2,	   /* the command line makes no sense */
	RT_NOT_LOADED = 3, /* the module is not loaded */
	RT_DENIED = 4,	   /* this user may not */
};

struct rt_env {
	const char *command; /* that was called, NULL before that is known */
	const char *root; /* "", or a directory that holds a recorded /proc, /sys and so on */
	FILE *out;
	FILE *err;
	bool color; /* escape sequences are welcome on out */
	int columns;
	int rows;
};

#define RT_PRINTF(text, args) __attribute__((format(printf, text, args)))

/** rt_error() - One line on env->err: "redoubt: ...". */
void rt_error(const struct rt_env *env, const char *format, ...) RT_PRINTF(2, 3);

/** rt_usage() - The same, and where to find help. Returns RT_USAGE. */
int rt_usage(const struct rt_env *env, const char *format, ...) RT_PRINTF(2, 3);

/* The commands: argv[0] is the command's name. */
int rt_doctor(struct rt_env *env, int argc, char **argv);
int rt_status(struct rt_env *env, int argc, char **argv);
int rt_map(struct rt_env *env, int argc, char **argv);
int rt_trace(struct rt_env *env, int argc, char **argv);
int rt_run(struct rt_env *env, int argc, char **argv);

/** rt_main() - The whole command, after the environment is known. */
int rt_main(struct rt_env *env, int argc, char **argv);

/** rt_size() - @bytes for people, as "220.1 MiB", into @buffer, which is returned. */
const char *rt_size(char *buffer, size_t length, uint64_t bytes);

/* Terminal attributes, or nothing where escape sequences are not welcome. */
#define RT_BOLD(env)  ((env)->color ? "\033[1m" : "")
#define RT_DIM(env)   ((env)->color ? "\033[2m" : "")
#define RT_RED(env)   ((env)->color ? "\033[31m" : "")
#define RT_GREEN(env) ((env)->color ? "\033[32m" : "")
#define RT_YELLOW(env) ((env)->color ? "\033[33m" : "")
#define RT_PLAIN(env) ((env)->color ? "\033[0m" : "")

#endif /* REDOUBT_TOOL_H */
