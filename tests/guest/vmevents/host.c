// SPDX-License-Identifier: GPL-2.0-only
/* What the events tell the host's kernel, and what it tells them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vm.h"

#define PATIENCE 100 /* seconds, on a machine that may be busy with other things */

/* /proc/self/pagemap, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

void *map_anonymous(size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			-1, 0);

	if (at == MAP_FAILED)
		die("mmap of %zu bytes", size);
	return at;
}

void *map_aligned(size_t size, size_t alignment)
{
	char *at = map_anonymous(size + alignment, MAP_NORESERVE);

	return at + (-(uintptr_t)at & (alignment - 1));
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s", path);
	close(fd);
}

uint64_t read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long n;

	if (!f || fscanf(f, "%llu", &n) != 1)
		die("%s", path);
	fclose(f);
	return n;
}

static uint64_t find_number(const char *path, const char *format)
{
	char line[256];
	unsigned long long n = 0;
	FILE *f = fopen(path, "r");
	bool found = false;

	if (!f)
		die("%s", path);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, format, &n) == 1;
	fclose(f);
	if (!found)
		die("%s has no '%s'", path, format);
	return n;
}

uint64_t vmstat(const char *name)
{
	char format[64];

	snprintf(format, sizeof(format), "%s %%llu", name);
	return find_number("/proc/vmstat", format);
}

size_t huge_page_size(void)
{
	return find_number("/proc/meminfo", "Hugepagesize: %llu kB") * 1024;
}

void page_frames(const void *at, size_t n, uint64_t *pfn)
{
	size_t page = sysconf(_SC_PAGESIZE), i;
	int fd = check(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), "pagemap");

	if (pread(fd, pfn, n * 8, (uintptr_t)at / page * 8) != (ssize_t)(n * 8))
		die("pagemap");
	for (i = 0; i < n; i++)
		pfn[i] = pfn[i] & PAGEMAP_PRESENT ? pfn[i] & PAGEMAP_FRAME : 0;
	close(fd);
}

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void patience(double start, const char *what)
{
	errno = 0;
	if (seconds() - start > PATIENCE)
		die("waited %d s for %s", PATIENCE, what);
}

static uint64_t state = 1;

void rnd_seed(uint64_t seed)
{
	state = seed * 2 + 1;
}

uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}
