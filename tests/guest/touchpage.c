// SPDX-License-Identifier: GPL-2.0-only
/*
 * touchpage HOW FILE: maps the first page of FILE and reads, writes or executes it, or has
 * the kernel copy from it; prints what came of that.
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
	int ends[2];

	if (pipe(ends))
		return "no pipe";
	if (write(ends[1], page, 64) < 0)
		return errno == EFAULT ? "EFAULT" : strerror(errno);
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

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	long size = sysconf(_SC_PAGESIZE);
	void *page;
	int fd;

	if (argc != 3)
		return 2;
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	fd = open(argv[2], O_RDWR);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		perror(argv[2]);
		return 1;
	}
	puts(touch(argv[1], page));
	return 0;
}
