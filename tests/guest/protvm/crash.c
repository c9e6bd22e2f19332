// SPDX-License-Identifier: GPL-2.0-only
/*
 * A crash kernel's look at the memory of the kernel that crashed. /proc/vmcore copies with
 * no way to fail: who reads a page of a protected guest ends in an oops of its own task. So a
 * child reads each piece, and, where it dies, one child each page.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protvm.h"

#define PIECE (4UL << 20)

struct tally {
	uint64_t found, read, refused;
};

/* In a child; 0, or -1 if it died of it. */
static int read_piece(int fd, struct tally *tally, uint64_t *buffer, off_t at, size_t size)
{
	int status;

	if (!check(fork(), "fork")) {
		ssize_t got = check(pread(fd, buffer, size, at), "pread"), i;

		for (i = 0; i < got / 8; i++)
			tally->found += is_secret(buffer[i]);
		tally->read += got;
		_exit(got == (ssize_t)size ? 0 : 1);
	}
	check(wait(&status), "wait");
	if (WIFEXITED(status) && WEXITSTATUS(status))
		exit(1);
	return WIFSIGNALED(status) ? -1 : 0;
}

static void scan(int fd, struct tally *tally, uint64_t *buffer, const Elf64_Phdr *load)
{
	size_t page = sysconf(_SC_PAGESIZE), done, size, at;

	for (done = 0; done < load->p_filesz; done += size) {
		size = load->p_filesz - done < PIECE ? load->p_filesz - done : PIECE;
		if (!read_piece(fd, tally, buffer, load->p_offset + done, size))
			continue;
		for (at = 0; at < size; at += page)
			if (read_piece(fd, tally, buffer, load->p_offset + done + at, page))
				tally->refused++;
	}
}

void scan_crash(void)
{
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = check(open("/proc/vmcore", O_RDONLY), "/proc/vmcore"), i;
	uint64_t *buffer = malloc(PIECE);
	static Elf64_Phdr loads[512];
	Elf64_Ehdr header;

	if (tally == MAP_FAILED || !buffer ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) || header.e_phnum > 512 ||
	    pread(fd, loads, header.e_phnum * sizeof(loads[0]), header.e_phoff) < 0)
		die("/proc/vmcore");
	for (i = 0; i < header.e_phnum; i++)
		if (loads[i].p_type == PT_LOAD)
			scan(fd, tally, buffer, &loads[i]);
	printf("%lu found, %lu pages refused, %lu MiB read\n", (unsigned long)tally->found,
	       (unsigned long)tally->refused, (unsigned long)(tally->read >> 20));
}
