// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt: the program. Finds out what the terminal can do and calls rt_main().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "redoubt.h"

static void measure(struct rt_env *env)
{
	struct winsize size = {};
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool tty = isatty(STDOUT_FILENO);

	env->columns = 80;
	env->rows = 24;
	if (tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		env->columns = size.ws_col;
		env->rows = size.ws_row;
	}
	/* https://no-color.org: any value but the empty one. */
	env->color = tty && term && strcmp(term, "dumb") && !(no_color && *no_color);
}

int main(int argc, char **argv)
{
	const char *root = getenv("REDOUBT_ROOT");
	struct rt_env env = { .root = root ? root : "", .out = stdout, .err = stderr };
	int ret;

	measure(&env);
	ret = rt_main(&env, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		rt_error(&env, "cannot write: %s", strerror(errno));
		return RT_FAILED;
	}
	return ret;
}
