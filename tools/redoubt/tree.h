/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that tell about the machine, below env->root. Paths have no leading slash.
 */
#ifndef REDOUBT_TOOL_TREE_H
#define REDOUBT_TOOL_TREE_H

#include "redoubt.h"

/**
 * tree_read() - A file's whole contents.
 * @size:	bytes that were read, or NULL
 *
 * Return: memory to free(), with a NUL behind it; NULL with errno set: also EFBIG, for a
 * file of more than 64 MiB.
 */
char *tree_read(const struct rt_env *env, const char *path, size_t *size);

/** tree_word() - The first line of a file, without its end. To free(); NULL as tree_read(). */
char *tree_word(const struct rt_env *env, const char *path);

/** tree_write() - Writes @text to a file that exists. 0, or -1 with errno set. */
int tree_write(const struct rt_env *env, const char *path, const char *text);

/** tree_exists() - Is there such a file? */
bool tree_exists(const struct rt_env *env, const char *path);

/** tree_access() - access(2) below the root. */
int tree_access(const struct rt_env *env, const char *path, int mode);

/** tree_loaded() - Is the module loaded? */
bool tree_loaded(const struct rt_env *env);

/**
 * tree_debugfs() - A file of /sys/kernel/debug/redoubt.
 * @text:	its contents, to free()
 *
 * Return: RT_OK; otherwise the exit code, after a line that says what to do.
 */
int tree_debugfs(const struct rt_env *env, const char *name, char **text);

/** tree_debugfs_error() - That line for the errno in hand. Returns the exit code. */
int tree_debugfs_error(const struct rt_env *env, const char *name);

#endif /* REDOUBT_TOOL_TREE_H */
