// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt doctor: goes through the requirements and says what to do.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "json.h"
#include "tree.h"

#define MARGIN 27 /* columns before what is found */

static const char help[] =
	"Usage: redoubt doctor [--json]\n\n"
	"Looks whether this machine and kernel can run Redoubt, and says what to do where they\n"
	"cannot. Nothing is changed. Exit code 1 if something is missing.\n";

void doctor_answer(struct doctor_answer *a, enum doctor_verdict verdict, const char *found,
		   const char *todo)
{
	a->verdict = verdict;
	snprintf(a->found, sizeof(a->found), "%s", found);
	snprintf(a->todo, sizeof(a->todo), "%s", todo ? todo : "");
}

bool doctor_word(const struct doctor *d, const char *word)
{
	size_t length = strlen(word);
	const char *at = d->cmdline;

	while (at && (at = strstr(at, word))) {
		if ((at == d->cmdline || at[-1] == ' ') && strchr(" \n", at[length]))
			return true;
		at += length;
	}
	return false;
}

static void look(const struct rt_env *env, struct doctor *d)
{
	char path[PATH_MAX];

	*d = (struct doctor){ .env = env, .loaded = tree_loaded(env) };
	d->release = tree_word(env, "proc/sys/kernel/osrelease");
	d->cmdline = tree_read(env, "proc/cmdline", NULL);
	d->interrupts = tree_read(env, "proc/interrupts", NULL);
	if (!d->release)
		return;
	snprintf(path, sizeof(path), "boot/config-%s", d->release);
	d->config = tree_read(env, path, NULL);
}

static void forget(struct doctor *d)
{
	free(d->release);
	free(d->cmdline);
	free(d->interrupts);
	free(d->config);
}

/* Words, in lines that fit the terminal, with a margin. */
static void wrapped(const struct rt_env *env, const char *text)
{
	int room = env->columns - MARGIN - 4, used = 0;

	fprintf(env->out, "%*s-> ", MARGIN, "");
	while (*text) {
		int length = strcspn(text, " ");

		if (used && used + 1 + length > room) {
			fprintf(env->out, "\n%*s", MARGIN + 3, "");
			used = 0;
		}
		used += fprintf(env->out, "%s%.*s", used ? " " : "", length, text);
		text += length;
		text += *text == ' ';
	}
	fputc('\n', env->out);
}

static void print(const struct rt_env *env, const char *name, const struct doctor_answer *a)
{
	static const char *const words[] = { "ok", "?", "no" };
	const char *color = a->verdict == DOCTOR_OK ? RT_GREEN(env) :
			    a->verdict == DOCTOR_UNSURE ? RT_YELLOW(env) : RT_RED(env);

	fprintf(env->out, "%s%3s%s  %-20s  %s\n", color, words[a->verdict], RT_PLAIN(env), name,
		a->found);
	if (*a->todo)
		wrapped(env, a->todo);
}

static void print_json(struct json *j, const char *name, const struct doctor_answer *a)
{
	static const char *const words[] = { "ok", "unsure", "missing" };

	json_open(j, NULL, '{');
	json_string(j, "requirement", name);
	json_string(j, "verdict", words[a->verdict]);
	json_string(j, "found", a->found);
	json_string(j, "todo", *a->todo ? a->todo : NULL);
	json_close(j, '}');
}

/* Returns how many are missing. */
static int examine(const struct doctor *d, struct json *j, const struct doctor_check *checks,
		   size_t nr)
{
	struct doctor_answer answer;
	int missing = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		checks[i].check(d, &answer);
		missing += answer.verdict == DOCTOR_MISSING;
		if (j)
			print_json(j, checks[i].name, &answer);
		else
			print(d->env, checks[i].name, &answer);
	}
	return missing;
}

static int report(const struct rt_env *env, bool json)
{
	struct json j = { .out = env->out };
	struct doctor d;
	int missing;

	look(env, &d);
	if (json)
		json_open(&j, NULL, '[');
	missing = examine(&d, json ? &j : NULL, doctor_machine, doctor_nr_machine);
	missing += examine(&d, json ? &j : NULL, doctor_system, doctor_nr_system);
	if (json) {
		json_close(&j, ']');
		fputc('\n', env->out);
	} else if (d.loaded && !missing) {
		fputs("\nRedoubt is in place.\n", env->out);
	} else {
		fprintf(env->out, "\n%d requirement%s not met.\n", missing,
			missing == 1 ? " is" : "s are");
	}
	forget(&d);
	return missing ? RT_FAILED : RT_OK;
}

int rt_doctor(struct rt_env *env, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	bool json = false;
	int c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, env->out);
			return RT_OK;
		}
		if (c != 'j')
			return rt_usage(env, "doctor: no option '%s'", argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return rt_usage(env, "doctor takes no '%s'", argv[optind]);
	return report(env, json);
}
