/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the redoubt command's tests: calls it as main() does, on a machine that is files in a
 * directory of its own, and keeps what it prints.
 */
#ifndef REDOUBT_TEST_HARNESS_H
#define REDOUBT_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "redoubt.h"

struct called {
	int code;
	char *out;
	char *err;
};

static char called_root[256];

/* An empty machine; rm_machine() removes it. */
static inline void new_machine(void)
{
	strcpy(called_root, "/tmp/redoubt-test-XXXXXX");
	assert_non_null(mkdtemp(called_root));
}

static inline void rm_machine(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", called_root);
	assert_int_equal(system(command), 0);
}

/* Writes a file of the machine, with the directories above it. */
static inline void put_bytes(const char *path, const void *bytes, size_t size)
{
	char full[512], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", called_root, path);
	slash = full + strlen(called_root);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

/* Calls the command; @line's words are separated by blanks. */
static inline struct called call_at(const char *root, const char *line)
{
	struct called c = {};
	size_t out_size, err_size;
	char *words = strdup(line), *argv[32], *at;
	struct rt_env env = { .root = root, .columns = 100, .rows = 40 };
	int argc = 0;

	env.out = open_memstream(&c.out, &out_size);
	env.err = open_memstream(&c.err, &err_size);
	argv[argc++] = (char *)"redoubt";
	for (at = strtok(words, " "); at; at = strtok(NULL, " "))
		argv[argc++] = at;
	argv[argc] = NULL;
	c.code = rt_main(&env, argc, argv);
	fclose(env.out);
	fclose(env.err);
	free(words);
	return c;
}

static inline void called_free(struct called *c)
{
	free(c->out);
	free(c->err);
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("no '%s' in:\n%s", part, text);                                   \
	} while (0)
#define assert_lacks(text, part)                                                                   \
	do {                                                                                       \
		if (strstr(text, part))                                                            \
			fail_msg("there is '%s' in:\n%s", part, text);                             \
	} while (0)

/* The usual case: on this machine, with this code, and these parts in what it prints. */
#define expect(root, line, exit_code, part)                                                        \
	do {                                                                                       \
		struct called expected_ = call_at(root, line);                                     \
		if (expected_.code != (exit_code))                                                 \
			fail_msg("'%s' gave %d:\n%s%s", line, expected_.code, expected_.out,       \
				 expected_.err);                                                   \
		assert_has((exit_code) && !*expected_.out ? expected_.err : expected_.out, part);  \
		called_free(&expected_);                                                           \
	} while (0)

#endif /* REDOUBT_TEST_HARNESS_H */
