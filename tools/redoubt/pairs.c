// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names with numbers (pairs.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"

void pairs_add(struct pairs *pairs, const char *name, uint64_t value)
{
	struct pair *p = &pairs->pair[pairs->nr];

	if (pairs->nr == PAIRS_MAX || strlen(name) >= sizeof(p->name))
		return;
	strcpy(p->name, name);
	p->value = value;
	pairs->nr++;
}

/* One name and number at @text; returns what is behind them, or NULL if there are none. */
static const char *one(struct pairs *pairs, const char *text)
{
	char name[PAIR_NAME], *end;
	const char *at = text + strspn(text, " ");
	size_t length = strcspn(at, " \n");
	uint64_t value;

	if (!length || length >= sizeof(name))
		return NULL;
	memcpy(name, at, length);
	name[length] = '\0';
	at += length;
	at += strspn(at, " ");
	if (*at < '0' || *at > '9')
		return NULL;
	errno = 0;
	value = strtoull(at, &end, 10);
	if (errno || (*end && *end != ' ' && *end != '\n'))
		return NULL;
	pairs_add(pairs, name, value);
	return end;
}

void pairs_lines(struct pairs *pairs, const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		one(pairs, text);
}

const char *pairs_words(struct pairs *pairs, const char *text)
{
	const char *next;

	while ((next = one(pairs, text)))
		text = next;
	return text + strspn(text, " ");
}

uint64_t pairs_get(const struct pairs *pairs, const char *name)
{
	size_t i;

	for (i = 0; i < pairs->nr; i++)
		if (!strcmp(pairs->pair[i].name, name))
			return pairs->pair[i].value;
	return 0;
}
