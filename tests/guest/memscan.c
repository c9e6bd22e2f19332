// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks for a text in all of the machine's memory, through /proc/kcore, as
 * whoever has the host's kernel in hand can:
 *
 *	memscan TEXT
 *
 * TEXT is given in ROT13 and only compared letter by letter, so that neither the
 * command line nor this program's memory is a place where it is found. Prints
 * the number of places, and the physical addresses of the first ones.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK	  (1 << 20)
#define SHOWN	  4
#define MAX_LOADS 512

struct scan {
	int fd;
	const char *text; /* ROT13 */
	size_t length;
	unsigned char first;
	uint64_t found, bytes;
	char *buffer;
};

static unsigned char rot13(unsigned char c)
{
	if (c >= 'a' && c <= 'z')
		return 'a' + (c - 'a' + 13) % 26;
	if (c >= 'A' && c <= 'Z')
		return 'A' + (c - 'A' + 13) % 26;
	return c;
}

static bool matches(const struct scan *s, const char *at)
{
	size_t i;

	for (i = 1; i < s->length; i++)
		if ((unsigned char)at[i] != rot13(s->text[i]))
			return false;
	return true;
}

static void scan_buffer(struct scan *s, size_t size, uint64_t physical)
{
	const char *at = s->buffer, *end = s->buffer + size;

	while (at + s->length <= end &&
	       (at = memchr(at, s->first, end - at - s->length + 1)) != NULL) {
		if (matches(s, at)) {
			if (s->found++ < SHOWN)
				printf("  at physical address %#llx\n",
				       (unsigned long long)physical + (at - s->buffer));
			at += s->length;
		} else {
			at++;
		}
	}
}

/* One range of RAM; a chunk that can't be read is left out. */
static void scan_load(struct scan *s, const Elf64_Phdr *load)
{
	uint64_t done;

	for (done = 0; done < load->p_filesz; done += CHUNK) {
		size_t size = load->p_filesz - done < CHUNK ? load->p_filesz - done : CHUNK;
		ssize_t got = pread(s->fd, s->buffer, size, load->p_offset + done);

		if (got <= 0)
			continue;
		scan_buffer(s, got, load->p_paddr + done);
		s->bytes += got;
	}
}

/* RAM is what has a physical address and is not another view of the same. */
static bool is_ram(const Elf64_Phdr *loads, int count, int i)
{
	int j;

	if (loads[i].p_type != PT_LOAD || loads[i].p_paddr == (Elf64_Addr)-1)
		return false;
	for (j = 0; j < count; j++)
		if (j != i && loads[j].p_type == PT_LOAD && loads[j].p_paddr != (Elf64_Addr)-1 &&
		    loads[j].p_paddr <= loads[i].p_paddr && loads[j].p_filesz > loads[i].p_filesz &&
		    loads[i].p_paddr - loads[j].p_paddr < loads[j].p_filesz)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static Elf64_Phdr loads[MAX_LOADS];
	struct scan s = { 0 };
	Elf64_Ehdr header;
	int i, count;

	if (argc != 2 || strlen(argv[1]) < 8) {
		fprintf(stderr, "usage: memscan TEXT-IN-ROT13 (8 letters or more)\n");
		return 2;
	}
	s.text = argv[1];
	s.length = strlen(s.text);
	s.first = rot13(s.text[0]);
	s.buffer = malloc(CHUNK);
	s.fd = open("/proc/kcore", O_RDONLY);
	if (s.fd < 0 || !s.buffer ||
	    pread(s.fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header)) {
		fprintf(stderr, "memscan: /proc/kcore: %s\n", strerror(errno));
		return 2;
	}
	count = header.e_phnum < MAX_LOADS ? header.e_phnum : MAX_LOADS;
	if (pread(s.fd, loads, count * sizeof(loads[0]), header.e_phoff) < 0)
		return 2;
	for (i = 0; i < count; i++)
		if (is_ram(loads, count, i))
			scan_load(&s, &loads[i]);
	printf("found %llu times in %llu MiB\n", (unsigned long long)s.found,
	       (unsigned long long)s.bytes >> 20);
	return 0;
}
