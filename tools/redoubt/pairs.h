/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names with numbers: what most files of debugfs hold.
 */
#ifndef REDOUBT_TOOL_PAIRS_H
#define REDOUBT_TOOL_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIR_NAME 32
#define PAIRS_MAX 64

struct pairs {
	size_t nr;
	struct pair {
		char name[PAIR_NAME];
		uint64_t value;
	} pair[PAIRS_MAX];
};

/** pairs_add() - One more; what is too long or too much is left out. */
void pairs_add(struct pairs *pairs, const char *name, uint64_t value);

/** pairs_lines() - Out of lines "name value ...": other lines are skipped. */
void pairs_lines(struct pairs *pairs, const char *text);

/**
 * pairs_words() - Out of "name value name value ...", up to the line's end.
 *
 * Return: where it stopped: at the end, or at a name whose value is no number.
 */
const char *pairs_words(struct pairs *pairs, const char *text);

/** pairs_get() - The value of @name, 0 if there is none. */
uint64_t pairs_get(const struct pairs *pairs, const char *name);

#endif /* REDOUBT_TOOL_PAIRS_H */
