// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map as characters, with or without colours.
 */
#include <ctype.h>
#include <inttypes.h>

#include "palette.h"

#define SIZE(bytes) rt_size((char[24]){ 0 }, 24, bytes)
#define BAR 24 /* cells of the legend's longest bar */

/* Letters on a colour are black: white is read less easily on all but the darkest of them.
 * A new colour is only said where it changes: half of a frame would be escape sequences. */
static void style(const struct rt_env *env, int *last, int class, bool full)
{
	int want = class < 0 ? 0 : (class + 1) * 2 + full;

	if (!env->color || want == *last)
		return;
	*last = want;
	if (class < 0)
		fputs("\033[0m", env->out);
	else if (class == OWNERS_HOST)
		fprintf(env->out, "\033[0;38;5;%dm", palette[class].terminal);
	else if (full)
		fprintf(env->out, "\033[0;1;38;5;16;48;5;%dm", palette[class].terminal);
	else
		fprintf(env->out, "\033[0;1;38;5;%dm", palette[class].terminal);
}

static void row(const struct rt_env *env, const struct raster *r, size_t y)
{
	int last = 0, class;
	bool full = false;
	size_t x;

	for (x = 0; x < r->columns; x++) {
		class = raster_class(&r->cell[y * r->columns + x], &full);
		style(env, &last, class, full);
		if (class < 0)
			fputc(' ', env->out);
		else
			fputc(full ? palette[class].letter : tolower(palette[class].letter),
			      env->out);
	}
	style(env, &last, -1, false);
}

static void region(const struct rt_env *env, const struct raster *r, const struct raster_region *g)
{
	uint64_t base = g->start / r->cell_bytes * r->cell_bytes;
	size_t y;

	for (y = 0; y < g->nr_rows; y++) {
		fprintf(env->out, "%s%12" PRIx64 "%s |", RT_DIM(env),
			y ? base + y * r->columns * r->cell_bytes : g->start, RT_PLAIN(env));
		row(env, r, g->first_row + y);
		fputs("|\n", env->out);
	}
}

/* A share of 1 as a bar: in eighths of a cell where colours, and so block characters, are. */
static void bar(const struct rt_env *env, double share)
{
	static const char *const eighths[] = { "", "\u258f", "\u258e", "\u258d", "\u258c",
					       "\u258b", "\u258a", "\u2589" };
	unsigned int units = share * BAR * 8 + 0.5, i;

	/* The smallest owner shows, too. */
	if (!units)
		units = 1;
	for (i = 0; i < (env->color ? units / 8 : (units + 7) / 8); i++)
		fputs(env->color ? "\u2588" : "#", env->out);
	if (env->color)
		fputs(eighths[units % 8], env->out);
}

/* Every owner, with its bytes and share. */
static void legend(const struct rt_env *env, const struct owners *o, const struct vms *vms)
{
	char label[96], percent[16];
	int class, last = 0;
	double share;

	for (class = 0; class < OWNERS_CLASSES; class++) {
		if (!o->bytes[class])
			continue;
		share = (double)o->bytes[class] / o->ram;
		fputs("  ", env->out);
		style(env, &last, class, true);
		fprintf(env->out, " %c ", palette[class].letter);
		style(env, &last, -1, false);
		fprintf(env->out, " %-38s %10s %6s  ",
			owners_label(o, vms, class, label, sizeof(label)), SIZE(o->bytes[class]),
			owners_percent(share, percent, sizeof(percent)));
		style(env, &last, class, false);
		bar(env, share);
		style(env, &last, -1, false);
		fputc('\n', env->out);
	}
}

void map_term(const struct rt_env *env, const struct owners *o, const struct raster *r,
	      const struct vms *vms)
{
	size_t i;

	fprintf(env->out, "%sPhysical memory%s: %s of RAM, %s a cell, %s a row\n\n", RT_BOLD(env),
		RT_PLAIN(env), SIZE(o->ram), SIZE(r->cell_bytes), SIZE(r->cell_bytes * r->columns));
	for (i = 0; i < r->nr_regions; i++) {
		if (i)
			fprintf(env->out, "%12s %s%s without RAM%s\n", "", RT_DIM(env),
				SIZE(r->region[i].start - r->region[i - 1].end), RT_PLAIN(env));
		region(env, r, &r->region[i]);
	}
	fputc('\n', env->out);
	legend(env, o, vms);
	if (o->device)
		fprintf(env->out, "  and %s of device memory that is not the host's\n",
			SIZE(o->device));
	fprintf(env->out, "\n  %sA capital letter: at least half of the cell; a small one: less, the rest is the host's or others'.%s\n",
		RT_DIM(env), RT_PLAIN(env));
}
