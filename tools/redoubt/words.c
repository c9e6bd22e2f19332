// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of a program (qemu.h).
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

void words_add(struct words *w, const char *format, ...)
{
	char **grown = realloc(w->word, (w->nr + 2) * sizeof(*grown));
	va_list args;

	if (!grown) {
		w->failed = true;
		return;
	}
	w->word = grown;
	va_start(args, format);
	if (vasprintf(&grown[w->nr], format, args) < 0)
		w->failed = true;
	else
		w->nr++;
	va_end(args);
	grown[w->nr] = NULL;
}

void words_free(struct words *w)
{
	size_t i;

	for (i = 0; i < w->nr; i++)
		free(w->word[i]);
	free(w->word);
	*w = (struct words){};
}

/* In single quotes where a shell would see more than letters. */
static void print_quoted(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

void words_print(FILE *out, const struct words *w)
{
	bool qemu = false;
	size_t i;

	for (i = 0; i < w->nr; i++) {
		if (qemu && w->word[i][0] == '-')
			fputs(" \\\n    ", out);
		else if (i)
			fputc(' ', out);
		print_quoted(out, w->word[i]);
		qemu |= !!strstr(w->word[i], "qemu-system");
	}
	fputc('\n', out);
}
