// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that tell about the machine (tree.h): the running one's, or a recorded one's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

#define LIMIT (64u << 20)
#define DEBUGFS "sys/kernel/debug/redoubt/"

static int tree_open(const struct rt_env *env, const char *path, int flags)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s/%s", env->root, path) >= (int)sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(full, flags | O_CLOEXEC);
}

/* Reads to the end: files of debugfs and procfs have no size beforehand. */
static char *read_all(int fd, size_t *size)
{
	size_t used = 0, room = 4096;
	char *text = malloc(room), *more;
	ssize_t n = 0;

	while (text) {
		n = read(fd, text + used, room - used - 1);
		if (n <= 0)
			break;
		used += n;
		if (used > LIMIT) {
			errno = EFBIG;
			n = -1;
			break;
		}
		if (room - used > 1)
			continue;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			n = -1;
		else
			text = more;
		if (n < 0)
			break;
	}
	if (text && n < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[used] = '\0';
	if (size)
		*size = used;
	return text;
}

char *tree_read(const struct rt_env *env, const char *path, size_t *size)
{
	int fd = tree_open(env, path, O_RDONLY), error;
	char *text;

	if (fd < 0)
		return NULL;
	text = read_all(fd, size);
	error = errno;
	close(fd);
	errno = error;
	return text;
}

char *tree_word(const struct rt_env *env, const char *path)
{
	char *text = tree_read(env, path, NULL);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

int tree_write(const struct rt_env *env, const char *path, const char *text)
{
	int fd = tree_open(env, path, O_WRONLY), error;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	error = n < 0 ? errno : EIO;
	close(fd);
	errno = error;
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

int tree_access(const struct rt_env *env, const char *path, int mode)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s/%s", env->root, path) >= (int)sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return access(full, mode);
}

bool tree_exists(const struct rt_env *env, const char *path)
{
	return !tree_access(env, path, F_OK);
}

bool tree_loaded(const struct rt_env *env)
{
	return tree_exists(env, "sys/module/redoubt");
}

int tree_debugfs_error(const struct rt_env *env, const char *name)
{
	int error = errno;

	if (!tree_loaded(env)) {
		rt_error(env, "the module is not loaded: 'modprobe redoubt' as root; 'redoubt doctor' says what else is missing");
		return RT_NOT_LOADED;
	}
	if (error == EACCES || error == EPERM) {
		rt_error(env, "only root may see /sys/kernel/debug");
		return RT_DENIED;
	}
	if (error == ENOENT && !tree_exists(env, "sys/kernel/debug/redoubt"))
		rt_error(env, "debugfs is not mounted: mount -t debugfs none /sys/kernel/debug");
	else if (error == ENOENT)
		rt_error(env, "the loaded module has no file '%s': it is older than this command", name);
	else
		rt_error(env, "/" DEBUGFS "%s: %s", name, strerror(error));
	return RT_FAILED;
}

int tree_debugfs(const struct rt_env *env, const char *name, char **text)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	*text = tree_read(env, path, NULL);
	return *text ? RT_OK : tree_debugfs_error(env, name);
}
