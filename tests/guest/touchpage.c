// SPDX-License-Identifier: GPL-2.0-only
/*
 * touchpage HOW FILE: maps each page of FILE and reads, writes or executes it, or has the
 * kernel copy from it; prints what came of that and for how many pages, a line an outcome.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;

static void handler(int number)
{
	siglongjmp(back, number);
}

/* The kernel reads the page for us, and must survive it. */
static const char *copy(const void *page)
{
	static int ends[2];

	if (!ends[1] && pipe(ends))
		return "no pipe";
	if (write(ends[1], page, 64) < 0)
		return errno == EFAULT ? "EFAULT" : "another error";
	return "copied";
}

static const char *touch(const char *how, volatile unsigned long *page)
{
	int caught = sigsetjmp(back, 1);

	if (caught)
		return caught == SIGBUS ? "SIGBUS" : caught == SIGSEGV ? "SIGSEGV" : "another signal";
	if (!strcmp(how, "read"))
		(void)*page;
	else if (!strcmp(how, "write"))
		*page = 0;
	else if (!strcmp(how, "execute"))
		((void (*)(void))page)();
	else
		return copy((const void *)page);
	return "nothing happened";
}

/* Outcomes are few, and each is a constant string. */
static struct {
	const char *what;
	long pages;
} outcome[16];

static void count(const char *what)
{
	int i;

	for (i = 0; outcome[i].what && strcmp(outcome[i].what, what); i++)
		;
	outcome[i].what = what;
	outcome[i].pages++;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	long size = sysconf(_SC_PAGESIZE), nr;
	int fd, i;

	if (argc != 3)
		return 2;
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	fd = open(argv[2], O_RDWR);
	for (nr = 0;; nr++) {
		void *page = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd,
				  nr * size);

		if (page == MAP_FAILED)
			break;
		count(touch(argv[1], page));
		munmap(page, size);
	}
	if (errno != ENXIO) {
		perror(argv[2]);
		return 1;
	}
	for (i = 0; outcome[i].what; i++)
		printf("%s %ld\n", outcome[i].what, outcome[i].pages);
	return 0;
}
