// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt map: who owns physical memory, as a picture or as sums.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "owners.h"

/* Pixels across, and rows at most, of the SVG's strip. */
#define SVG_COLUMNS 1024
#define SVG_ROWS    32

struct options {
	const char *svg;
	bool json;
};

static const char help[] =
	"Usage: redoubt map [--svg FILE | --json] [--color WHEN] [--columns N] [--rows N]\n\n"
	"Draws all of RAM in cells of one size. A cell shows who has most of it besides the host,\n"
	"as a capital letter if that is at least half of the cell.\n\n"
	"  --svg FILE    write a picture that a browser shows ('-': to standard output)\n"
	"  --json        only sums in bytes\n"
	"  --color WHEN  always, never or auto (default: on a terminal)\n"
	"  --columns N   width in characters, 40 to 500 (default: the terminal's)\n"
	"  --rows N      rows of cells at most, 1 to 500 (default: what the terminal has room for)\n";

static int number(const struct rt_env *env, const char *option, int least, int *value)
{
	char *end;
	long n = strtol(optarg, &end, 10);

	if (end == optarg || *end || n < least || n > 500)
		return rt_usage(env, "--%s takes a number from %d to 500, not '%s'", option, least,
				optarg);
	*value = n;
	return RT_OK;
}

static int color(struct rt_env *env)
{
	if (!strcmp(optarg, "always"))
		env->color = true;
	else if (!strcmp(optarg, "never"))
		env->color = false;
	else if (strcmp(optarg, "auto"))
		return rt_usage(env, "--color takes always, never or auto, not '%s'", optarg);
	return RT_OK;
}

static int parse(struct rt_env *env, struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "svg", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "color", required_argument, NULL, 'c' },
		{ "columns", required_argument, NULL, 'C' },
		{ "rows", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c, ret = RT_OK;

	opterr = 0;
	optind = 0;
	while (!ret && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			o->svg = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'c':
			ret = color(env);
			break;
		case 'C':
			ret = number(env, "columns", 40, &env->columns);
			break;
		case 'R':
			ret = number(env, "rows", 1, &env->rows);
			break;
		case 'h':
			fputs(help, env->out);
			return -1;
		default:
			return rt_usage(env, "map: no option '%s', or its value is missing",
					argv[optind - 1]);
		}
	}
	if (!ret && optind < argc)
		return rt_usage(env, "map takes no '%s'", argv[optind]);
	if (!ret && o->svg && o->json)
		return rt_usage(env, "--svg or --json, not both");
	return ret;
}

static int write_svg(const struct rt_env *env, const char *path, const struct owners *owners,
		     const struct vms *vms)
{
	struct raster raster;
	int ret = raster_make(env, &raster, owners, SVG_COLUMNS, SVG_ROWS);
	bool bad;
	FILE *out;

	if (ret)
		return ret;
	out = strcmp(path, "-") ? fopen(path, "we") : env->out;
	if (!out) {
		rt_error(env, "%s: %s", path, strerror(errno));
		raster_free(&raster);
		return RT_FAILED;
	}
	map_svg(out, owners, &raster, vms);
	raster_free(&raster);
	if (out == env->out)
		return RT_OK;
	bad = ferror(out);
	if (fclose(out) || bad) {
		rt_error(env, "%s: %s", path, strerror(errno));
		return RT_FAILED;
	}
	return RT_OK;
}

static int draw(const struct rt_env *env, const struct options *o, const struct owners *owners,
		const struct vms *vms)
{
	/* Titles, the legend and the prompt need lines. */
	size_t rows = env->rows > 14 ? env->rows - 12 : env->rows, columns = 16;
	struct raster raster;
	int ret;

	/* A power of two, so that rows begin at round addresses; an address takes 15 more. */
	while (columns * 2 + 15 <= (size_t)env->columns)
		columns *= 2;

	if (o->json) {
		map_json(env, owners, vms);
		return RT_OK;
	}
	if (o->svg)
		return write_svg(env, o->svg, owners, vms);
	ret = raster_make(env, &raster, owners, columns, rows);
	if (ret)
		return ret;
	map_term(env, owners, &raster, vms);
	raster_free(&raster);
	return RT_OK;
}

int rt_map(struct rt_env *env, int argc, char **argv)
{
	struct options o = {};
	struct owners owners;
	struct vms vms;
	int ret = parse(env, &o, argc, argv);

	if (ret)
		return ret < 0 ? RT_OK : ret;
	ret = owners_read(env, &owners);
	if (ret)
		return ret;
	ret = vms_read(env, &vms);
	if (!ret)
		ret = draw(env, &o, &owners, &vms);
	vms_free(&vms);
	owners_free(&owners);
	return ret;
}
