/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON on a stream, on one line. Commas are put where they belong; a name is NULL in a list
 * and at the top.
 */
#ifndef REDOUBT_TOOL_JSON_H
#define REDOUBT_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool more; /* something precedes on this level */
};

void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);			 /* '}' or ']' */
void json_number(struct json *j, const char *name, uint64_t value);
void json_decimal(struct json *j, const char *name, double value); /* one place */
void json_bool(struct json *j, const char *name, bool value);
void json_string(struct json *j, const char *name, const char *value); /* NULL: null */

#endif /* REDOUBT_TOOL_JSON_H */
