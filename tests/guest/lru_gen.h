/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's multi-generational LRU, by /sys/kernel/debug/lru_gen: ageing on request.
 * What fails ends the program with a sentence.
 */
#ifndef REDOUBT_TEST_LRU_GEN_H
#define REDOUBT_TEST_LRU_GEN_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "onevm.h"

#define LRU_GEN "/sys/kernel/debug/lru_gen"

struct lru_gen {
	int fd;
	char command[64]; /* that ages all */
};

/* Reads what the root group's newest generation is. False: this kernel has no such LRU. */
static inline bool lru_gen_open(struct lru_gen *lru)
{
	unsigned long group = 0, newest = 0, n;
	char line[128], path[2];
	bool root = false;
	FILE *f = fopen(LRU_GEN, "r");

	if (!f)
		return false;
	/* "memcg N PATH", "node 0", and a line for each generation, the newest last. */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " memcg %lu %1s", &n, path) == 2) {
			root = strstr(line, " /\n");
			group = root ? n : group;
		} else if (root && sscanf(line, "%lu", &n) == 1) {
			newest = n;
		}
	}
	fclose(f);
	/* Anonymous memory too, though there is no swap; all, not what seems worth a look. */
	snprintf(lru->command, sizeof(lru->command), "+ %lu 0 %lu 1 1\n", group, newest);
	lru->fd = check(open(LRU_GEN, O_WRONLY | O_CLOEXEC), LRU_GEN);
	return true;
}

/*
 * One ageing of all processes: visits each page of each, and asks the MMU notifiers whether
 * it was used. Ends what lru_gen_open() began.
 */
static inline void lru_gen_age(struct lru_gen *lru)
{
	check(write(lru->fd, lru->command, strlen(lru->command)), LRU_GEN);
	close(lru->fd);
}

#endif /* REDOUBT_TEST_LRU_GEN_H */
