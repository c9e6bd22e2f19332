// SPDX-License-Identifier: GPL-2.0-only
/*
 * RAM in cells of one size (owners.h).
 */
#include <stdlib.h>
#include <string.h>

#include "owners.h"

#define SMALLEST 4096

/* Regions begin on a cell's boundary, so that cells compare between rows. */
static uint64_t region_rows(const struct raster_region *g, uint64_t row_bytes, uint64_t cell_bytes)
{
	uint64_t base = g->start / cell_bytes * cell_bytes;

	return (g->end - base + row_bytes - 1) / row_bytes;
}

static uint64_t all_rows(const struct raster *r)
{
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < r->nr_regions; i++)
		rows += region_rows(&r->region[i], r->cell_bytes * r->columns, r->cell_bytes);
	return rows;
}

/* Ranges of RAM that touch are one region, whoever owns them. */
static void find_regions(struct raster *r, const struct owners *o)
{
	struct raster_region *g = NULL;
	size_t i;

	for (i = 0; i < o->nr; i++) {
		if (o->range[i].device)
			continue;
		if (g && g->end == o->range[i].start) {
			g->end = o->range[i].end;
			continue;
		}
		g = &r->region[r->nr_regions++];
		g->start = o->range[i].start;
		g->end = o->range[i].end;
	}
}

static void add_range(struct raster *r, const struct raster_region *g,
		      const struct owners_range *range)
{
	uint64_t base = g->start / r->cell_bytes * r->cell_bytes, at, next;
	struct raster_cell *cell;

	for (at = range->start; at < range->end; at = next) {
		next = (at / r->cell_bytes + 1) * r->cell_bytes;
		if (next > range->end)
			next = range->end;
		cell = &r->cell[g->first_row * r->columns + (at - base) / r->cell_bytes];
		cell->bytes[range->class] += next - at;
		cell->size += next - at;
	}
}

static int fill(struct raster *r, const struct owners *o)
{
	size_t i, g = 0, row = 0;

	for (i = 0; i < r->nr_regions; i++) {
		r->region[i].first_row = row;
		r->region[i].nr_rows = region_rows(&r->region[i], r->cell_bytes * r->columns,
						   r->cell_bytes);
		row += r->region[i].nr_rows;
	}
	r->rows = row;
	r->cell = calloc(r->rows * r->columns, sizeof(*r->cell));
	if (!r->cell)
		return RT_FAILED;
	for (i = 0; i < o->nr; i++) {
		if (o->range[i].device)
			continue;
		while (o->range[i].start >= r->region[g].end)
			g++;
		add_range(r, &r->region[g], &o->range[i]);
	}
	return RT_OK;
}

int raster_make(const struct rt_env *env, struct raster *r, const struct owners *o,
		size_t columns, size_t max_rows)
{
	*r = (struct raster){ .cell_bytes = SMALLEST, .columns = columns };
	r->region = calloc(o->nr, sizeof(*r->region));
	if (r->region) {
		find_regions(r, o);
		if (max_rows < r->nr_regions)
			max_rows = r->nr_regions;
		/* Ends: with one cell as large as the address space, a region has one row. */
		while (all_rows(r) > max_rows && r->cell_bytes < 1ULL << 56)
			r->cell_bytes *= 2;
		if (!fill(r, o))
			return RT_OK;
	}
	rt_error(env, "out of memory");
	raster_free(r);
	return RT_FAILED;
}

void raster_free(struct raster *r)
{
	free(r->region);
	free(r->cell);
	*r = (struct raster){};
}

int raster_class(const struct raster_cell *cell, bool *full)
{
	int class, best = OWNERS_HOST;

	if (!cell->size)
		return -1;
	for (class = OWNERS_HOST + 1; class < OWNERS_CLASSES; class++)
		if (cell->bytes[class] && (best == OWNERS_HOST ||
					   cell->bytes[class] > cell->bytes[best]))
			best = class;
	*full = cell->bytes[best] * 2 >= cell->size;
	return best;
}
