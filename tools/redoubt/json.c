// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON on a stream (json.h; RFC 8259). What is not ASCII is passed on: a command's name is
 * bytes that its process chose, so those that are no UTF-8 are replaced.
 */
#include <inttypes.h>
#include <string.h>

#include "json.h"

/* The length of the UTF-8 sequence at @s, 0 if it is none. */
static int utf8(const unsigned char *s)
{
	int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
		s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	int i;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and numbers above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void quoted(FILE *out, const char *text)
{
	const unsigned char *s;
	int n;

	fputc('"', out);
	for (s = (const unsigned char *)text; *s; s += n ? n : 1) {
		n = utf8(s);
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (n)
			fwrite(s, 1, n, out);
		else
			fputs("\\ufffd", out);
	}
	fputc('"', out);
}

static void begin(struct json *j, const char *name)
{
	if (j->more)
		fputs(", ", j->out);
	j->more = true;
	if (name) {
		quoted(j->out, name);
		fputs(": ", j->out);
	}
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	fputc(bracket, j->out);
	j->more = false;
}

void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->more = true;
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	begin(j, name);
	fprintf(j->out, "%" PRIu64, value);
}

void json_decimal(struct json *j, const char *name, double value)
{
	begin(j, name);
	fprintf(j->out, "%.1f", value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	fputs(value ? "true" : "false", j->out);
}

void json_string(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	if (value)
		quoted(j->out, value);
	else
		fputs("null", j->out);
}
