// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is always being written and always checked.
 *
 *	memcheck MIB FILE
 *
 * Every page holds its number and how often it has been written, in every word. Pages are
 * picked at random: each is checked whole, then written anew. Once all have been written
 * FILE appears with the count of writes so far, and is renewed now and then. When FILE.stop
 * appears, all pages are checked once more.
 *
 * What a page must hold is written down elsewhere, so that a page that is lost, stale, or
 * another's shows. The contents compress well: a machine under pressure can swap them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define WORDS (PAGE / sizeof(uint64_t))
/* Pages between two looks at the files. */
#define BATCH 256

static uint64_t *memory;
static uint32_t *written; /* times each page was */
static size_t pages;

static uint64_t word(size_t page, uint32_t times, size_t i)
{
	return (uint64_t)page << 32 ^ (uint64_t)times << 3 ^ (i & 7);
}

static void write_page(size_t page)
{
	uint64_t *p = memory + page * WORDS;

	written[page]++;
	for (size_t i = 0; i < WORDS; i++)
		p[i] = word(page, written[page], i);
}

static void check_page(size_t page)
{
	const uint64_t *p = memory + page * WORDS;

	for (size_t i = 0; i < WORDS; i++) {
		if (p[i] == word(page, written[page], i))
			continue;
		printf("@@ memory: fail page %zu word %zu is %#llx, not %#llx (write %u)\n", page, i,
		       (unsigned long long)p[i],
		       (unsigned long long)word(page, written[page], i), written[page]);
		exit(1);
	}
}

/* An xorshift generator: any order will do, as long as it has no period of a few pages. */
static size_t next_page(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % pages;
}

/* The file is whole whenever it is there. */
static void report(const char *path, unsigned long long count)
{
	char part[512];
	FILE *f;

	snprintf(part, sizeof(part), "%s.new", path);
	f = fopen(part, "w");
	if (!f || fprintf(f, "%llu\n", count) < 0 || fclose(f) || rename(part, path)) {
		perror(path);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	unsigned long long count = 0;
	char stop[512];

	if (argc != 3 || strlen(argv[2]) > 500) {
		fprintf(stderr, "usage: memcheck MIB FILE\n");
		return 2;
	}
	pages = (strtoul(argv[1], NULL, 0) << 20) / PAGE;
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	written = calloc(pages, sizeof(*written));
	if (!pages || memory == MAP_FAILED || !written) {
		perror("memcheck");
		return 2;
	}
	snprintf(stop, sizeof(stop), "%s.stop", argv[2]);
	for (size_t page = 0; page < pages; page++, count++)
		write_page(page);
	do {
		report(argv[2], count);
		for (int i = 0; i < BATCH; i++, count++) {
			size_t page = next_page();

			check_page(page);
			write_page(page);
		}
		usleep(1000);
	} while (access(stop, F_OK));
	for (size_t page = 0; page < pages; page++)
		check_page(page);
	printf("@@ memory: ok %zu pages, %llu writes\n", pages, count);
	return 0;
}
