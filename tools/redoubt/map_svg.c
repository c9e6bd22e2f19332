// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map as one SVG file that needs nothing else: rows of RAM, a bar of all shares, a
 * legend. Cells of one class that touch are one rectangle, whose title is its addresses.
 */
#include <inttypes.h>

#include "palette.h"

#define SIZE(bytes) rt_size((char[24]){ 0 }, 24, bytes)

enum {
	LEFT = 128,	/* addresses */
	RIGHT = 24,
	TOP = 116,	/* title and bar */
	ROW = 20,	/* a row's height, with its gap */
	GAP = 4,
	HOLE = 28,	/* between regions */
	LEGEND = 26,	/* a line of it */
};

/* Plain rules, colours last in dark ones: viewers beside browsers know no variables. */
static const char css[] =
	"<style>\n"
	"text{font-family:'DejaVu Sans','Segoe UI',system-ui,sans-serif;font-size:14px;"
	"fill:#1d2430}\n"
	".title{font-size:22px;font-weight:600}.end{text-anchor:end}\n"
	".address{font-family:'DejaVu Sans Mono',ui-monospace,monospace;font-size:12px;"
	"text-anchor:end}\n"
	".dim,.address{fill:#677081}.paper{fill:#ffffff}.some{fill-opacity:.55}\n"
	"rect[class^=c]:hover{stroke:#677081;stroke-width:1.5}\n";

static const char css_dark[] =
	"\n@media (prefers-color-scheme: dark){text{fill:#e8ecf2}.dim,.address{fill:#98a2b3}"
	".paper{fill:#14181f}.c0{fill:#4a5361}}\n</style>\n";

static void escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			fputc('?', out);
		else
			fputc(*text, out);
	}
}

static size_t height(const struct owners *o, const struct raster *r)
{
	size_t lines = 0;
	int class;

	for (class = 0; class < OWNERS_CLASSES; class++)
		lines += !!o->bytes[class];
	return TOP + r->rows * ROW + (r->nr_regions - 1) * HOLE + 24 + lines * LEGEND + 44;
}

static void head(FILE *out, const struct owners *o, const struct raster *r)
{
	size_t width = LEFT + r->columns + RIGHT, i;

	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%zu' height='%zu' viewBox='0 0 %zu %zu' role='img'>\n",
		width, height(o, r), width, height(o, r));
	fputs("<title>Who owns physical memory</title>\n", out);
	fputs(css, out);
	for (i = 0; i < OWNERS_CLASSES; i++)
		fprintf(out, ".c%zu{fill:%s}", i, palette[i].web);
	fputs(css_dark, out);
	fputs("<rect class='paper' width='100%' height='100%'/>\n", out);
	fprintf(out, "<text class='title' x='%d' y='40'>Who owns physical memory</text>\n", LEFT);
	fprintf(out, "<text class='dim' x='%d' y='62'>%s of RAM; a row is %s, a pixel %s</text>\n",
		LEFT, SIZE(o->ram), SIZE(r->cell_bytes * r->columns), SIZE(r->cell_bytes));
}

/* All of RAM on one line; an owner of little is wide enough to be seen. */
static void bar(FILE *out, const struct owners *o, const struct raster *r, const struct vms *vms)
{
	double x = LEFT, width, taken = 0;
	char label[96];
	int class;

	for (class = 1; class < OWNERS_CLASSES; class++) {
		width = (double)o->bytes[class] / o->ram * r->columns;
		taken += o->bytes[class] && width < 3 ? 3 : width;
	}
	for (class = 0; class < OWNERS_CLASSES; class++) {
		if (!o->bytes[class])
			continue;
		width = (double)o->bytes[class] / o->ram * r->columns;
		if (class == OWNERS_HOST)
			width = r->columns - taken > 3 ? r->columns - taken : 3;
		else if (width < 3)
			width = 3;
		fprintf(out, "<rect class='c%d' x='%.1f' y='78' width='%.1f' height='18'><title>",
			class, x, width);
		escaped(out, owners_label(o, vms, class, label, sizeof(label)));
		fprintf(out, ": %s</title></rect>\n", SIZE(o->bytes[class]));
		x += width;
	}
}

/* A run of cells that look alike. One that is not the host's is two pixels wide at least. */
static void run(FILE *out, const struct owners *o, const struct vms *vms, size_t x, size_t width,
		size_t y, int class, bool full, uint64_t start, uint64_t end)
{
	char label[96];

	if (class != OWNERS_HOST && width < 2)
		width = 2;
	fprintf(out, "<rect class='c%d%s' x='%zu' y='%zu' width='%zu' height='%d'><title>%" PRIx64
		" to %" PRIx64 ": ", class, full ? "" : " some", LEFT + x, y, width, ROW - GAP, start,
		end - 1);
	escaped(out, owners_label(o, vms, class, label, sizeof(label)));
	fputs("</title></rect>\n", out);
}

/* @host: the host's runs; they come first, so that the others' least width is seen. */
static void row(FILE *out, const struct owners *o, const struct raster *r, const struct vms *vms,
		size_t index, size_t y, uint64_t base, bool host)
{
	const struct raster_cell *cells = &r->cell[index * r->columns];
	bool full = true, run_full = true;
	int class, run_class = -1;
	size_t x, from = 0;

	for (x = 0; x <= r->columns; x++) {
		class = x < r->columns ? raster_class(&cells[x], &full) : -1;
		if (class == run_class && full == run_full && x < r->columns)
			continue;
		if (run_class >= 0 && (run_class == OWNERS_HOST) == host)
			run(out, o, vms, from, x - from, y, run_class, run_full,
			    base + from * r->cell_bytes, base + x * r->cell_bytes);
		from = x;
		run_class = class;
		run_full = full;
	}
}

static size_t strip(FILE *out, const struct owners *o, const struct raster *r,
		    const struct vms *vms)
{
	size_t i, n, y = TOP;
	uint64_t base, at;

	for (i = 0; i < r->nr_regions; i++) {
		if (i) {
			fprintf(out, "<text class='dim' x='%d' y='%zu'>%s without RAM</text>\n",
				LEFT, y + 15, SIZE(r->region[i].start - r->region[i - 1].end));
			y += HOLE;
		}
		base = r->region[i].start / r->cell_bytes * r->cell_bytes;
		for (n = 0; n < r->region[i].nr_rows; n++, y += ROW) {
			at = base + n * r->columns * r->cell_bytes;
			fprintf(out, "<text class='address' x='%d' y='%zu'>%" PRIx64 "</text>\n",
				LEFT - 10, y + 12, n ? at : r->region[i].start);
			row(out, o, r, vms, r->region[i].first_row + n, y, at, true);
			row(out, o, r, vms, r->region[i].first_row + n, y, at, false);
		}
	}
	return y;
}

static void legend(FILE *out, const struct owners *o, const struct vms *vms, size_t y)
{
	char label[96];
	int class;

	y += 24;
	for (class = 0; class < OWNERS_CLASSES; class++) {
		if (!o->bytes[class])
			continue;
		fprintf(out, "<rect class='c%d' x='%d' y='%zu' width='28' height='16'/>", class, LEFT, y);
		fprintf(out, "<text x='%d' y='%zu'>", LEFT + 40, y + 13);
		escaped(out, owners_label(o, vms, class, label, sizeof(label)));
		fprintf(out, "</text><text class='end' x='%d' y='%zu'>%s</text>", LEFT + 460, y + 13,
			SIZE(o->bytes[class]));
		owners_percent((double)o->bytes[class] / o->ram, label, sizeof(label));
		fprintf(out, "<text class='end dim' x='%d' y='%zu'>", LEFT + 540, y + 13);
		escaped(out, label);
		fputs("</text>\n", out);
		y += LEGEND;
	}
	fprintf(out, "<text class='dim' x='%d' y='%zu'>Pale: less than half of the pixel, the rest is the host's or others'. Point at a piece for its addresses.</text>\n",
		LEFT, y + 18);
}

void map_svg(FILE *out, const struct owners *o, const struct raster *r, const struct vms *vms)
{
	size_t y;

	head(out, o, r);
	bar(out, o, r, vms);
	y = strip(out, o, r, vms);
	legend(out, o, vms, y);
	fputs("</svg>\n", out);
}
