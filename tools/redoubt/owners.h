/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns physical memory: debugfs' file owners, as ranges and as a raster.
 *
 * A class is what a map draws in one colour. Classes of protected VMs follow the fixed
 * ones in the order of their handles; those beyond the last share it.
 */
#ifndef REDOUBT_TOOL_OWNERS_H
#define REDOUBT_TOOL_OWNERS_H

#include "vms.h"

enum {
	OWNERS_HOST,   /* the host's own */
	OWNERS_EL2,    /* EL2's */
	OWNERS_LENT,   /* the host's, lent to ordinary VMs */
	OWNERS_LETTER, /* the host's, lent to EL2: where both leave letters */
	OWNERS_WINDOW, /* a protected VM's, lent to the host */
	OWNERS_VM0,    /* the first protected VM's own */
	OWNERS_CLASSES = OWNERS_VM0 + 9,
};

struct owners_range {
	uint64_t start, end; /* physical addresses; end is behind the last byte */
	int class;
	bool device;
};

struct owners {
	size_t nr;
	struct owners_range *range;
	uint64_t bytes[OWNERS_CLASSES]; /* of RAM */
	uint64_t ram;			/* all of them together */
	uint64_t device;		/* bytes of device pages that are not the host's */
	size_t nr_vms;			/* protected VMs that own something */
	uint64_t vm[OWNERS_CLASSES - OWNERS_VM0]; /* their handles; of the last: the first there */
};

/** owners_parse() - Out of the file's text. RT_OK or RT_FAILED, after a line; to owners_free(). */
int owners_parse(const struct rt_env *env, struct owners *owners, const char *text);

/** owners_read() - The file's. An exit code, after a line. */
int owners_read(const struct rt_env *env, struct owners *owners);

void owners_free(struct owners *owners);

/**
 * owners_label() - What a class is, in words.
 * @vms:	for names, may be empty
 */
const char *owners_label(const struct owners *owners, const struct vms *vms, int class,
			 char *buffer, size_t size);

/** owners_percent() - A share of 1 as "5.5%", or "<0.1%" for what would round to nothing. */
const char *owners_percent(double share, char *buffer, size_t size);

/* A piece of RAM without holes, and rows of it. */
struct raster_region {
	uint64_t start, end;
	size_t first_row, nr_rows;
};

struct raster_cell {
	uint64_t bytes[OWNERS_CLASSES];
	uint64_t size; /* RAM in it: less than cell_bytes at a region's end, 0 behind it */
};

struct raster {
	uint64_t cell_bytes; /* a power of two, at least a page */
	size_t columns, rows;
	size_t nr_regions;
	struct raster_region *region;
	struct raster_cell *cell; /* rows * columns */
};

/**
 * raster_make() - RAM in cells of one size, a region from the beginning of a row on.
 * @columns:	cells in a row
 * @max_rows:	rows wanted at most; more only if there are more regions
 *
 * Return: RT_OK or RT_FAILED, after a line; to raster_free().
 */
int raster_make(const struct rt_env *env, struct raster *raster, const struct owners *owners,
		size_t columns, size_t max_rows);

void raster_free(struct raster *raster);

/**
 * raster_class() - What to draw a cell as, so that no owner is lost between the host's.
 * @full:	set if that class has at least half of it
 *
 * Return: the class with the most bytes that is not the host's; else the host's; -1 for no RAM.
 */
int raster_class(const struct raster_cell *cell, bool *full);

/* map's forms. */
void map_term(const struct rt_env *env, const struct owners *owners, const struct raster *raster,
	      const struct vms *vms);
void map_svg(FILE *out, const struct owners *owners, const struct raster *raster,
	     const struct vms *vms);
void map_json(const struct rt_env *env, const struct owners *owners, const struct vms *vms);

#endif /* REDOUBT_TOOL_OWNERS_H */
