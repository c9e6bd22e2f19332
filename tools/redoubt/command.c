// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line's first part, up to the name of a command, and what commands share.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "redoubt.h"

#define VERSION "0.1"

static const struct command {
	const char *name;
	int (*call)(struct rt_env *env, int argc, char **argv);
	const char *what;
} commands[] = {
	{ "doctor", rt_doctor, "can this machine run Redoubt, and what is missing" },
	{ "status", rt_status, "geometry, memory, VMs, vCPUs, exits per second" },
	{ "map", rt_map, "who owns physical memory, on the terminal or as SVG" },
	{ "trace", rt_trace, "what happened at EL2, event by event" },
	{ "run", rt_run, "start a VM, ordinary or protected, under QEMU" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_error(const struct rt_env *env, const char *format, va_list args)
{
	fputs("redoubt: ", env->err);
	vfprintf(env->err, format, args);
	fputc('\n', env->err);
}

void rt_error(const struct rt_env *env, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(env, format, args);
	va_end(args);
}

int rt_usage(const struct rt_env *env, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(env, format, args);
	va_end(args);
	fprintf(env->err, "Try 'redoubt %s%s--help'.\n", env->command ? env->command : "",
		env->command ? " " : "");
	return RT_USAGE;
}

const char *rt_size(char *buffer, size_t length, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes / 1024.0;
	unsigned int i = 0;

	for (; value >= 1023.95 && i < 5; i++)
		value /= 1024;
	if (bytes % 1024 == 0 && !i)
		snprintf(buffer, length, "%" PRIu64 " KiB", bytes / 1024);
	else
		snprintf(buffer, length, "%.1f %s", value, units[i]);
	return buffer;
}

static int help(const struct rt_env *env)
{
	unsigned int i;

	fputs("Usage: redoubt [--root DIR] COMMAND [OPTION...]\n\n"
	      "Looks at and uses Redoubt, a protected hypervisor for arm64 Linux.\n\n", env->out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(env->out, "  %-8s  %s\n", commands[i].name, commands[i].what);
	fputs("\n  --root DIR  look at a recorded /proc and /sys below DIR (also: REDOUBT_ROOT)\n"
	      "  --version   print the version\n"
	      "  --help      this text; 'redoubt COMMAND --help' has each command's options\n\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 module not loaded, 4 not permitted.\n"
	      "redoubt(1) has more.\n", env->out);
	return RT_OK;
}

int rt_main(struct rt_env *env, int argc, char **argv)
{
	unsigned int i;
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h"))
			return help(env);
		if (!strcmp(argv[at], "--version")) {
			fputs("redoubt " VERSION "\n", env->out);
			return RT_OK;
		}
		if (!strcmp(argv[at], "--root") && at + 1 < argc)
			env->root = argv[++at];
		else
			return rt_usage(env, "unknown option %s", argv[at]);
	}
	if (at == argc)
		return rt_usage(env, "which command?");
	for (i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, argv[at])) {
			env->command = commands[i].name;
			return commands[i].call(env, argc - at, argv + at);
		}
	}
	return rt_usage(env, "no command '%s'", argv[at]);
}
