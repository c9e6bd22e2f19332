// SPDX-License-Identifier: GPL-2.0-only
/*
 * perfcount: the CPU's own performance counters through perf_event_open(). Counts the
 * cycles of a loop, in user space and with the kernel's share, then samples them: each
 * overflow is an interrupt of the PMU. Prints "cycles N kernel N samples N".
 */
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 8

static int event(uint64_t period, int exclude_kernel)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_period = period,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
		.exclude_kernel = exclude_kernel,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void work(void)
{
	char buf[4096];
	volatile unsigned int i;
	int fds[2], n;

	for (i = 0; i < 2000000; i++)
		;
	/* The kernel's part of it. */
	if (pipe(fds))
		return;
	for (n = 0; n < 1000; n++)
		if (write(fds[1], buf, sizeof(buf)) < 0 || read(fds[0], buf, sizeof(buf)) < 0)
			break;
	close(fds[0]);
	close(fds[1]);
}

/* The counter's value over work(), or 0. */
static uint64_t count(int exclude_kernel)
{
	int fd = event(0, exclude_kernel);
	uint64_t value = 0;

	if (fd < 0) {
		perror("perf_event_open");
		return 0;
	}
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	work();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (read(fd, &value, sizeof(value)) != sizeof(value))
		value = 0;
	close(fd);
	return value;
}

/* How many samples work() leaves in the ring, which is larger than they are. */
static unsigned int sample(uint64_t period)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct perf_event_mmap_page *ring;
	unsigned int samples = 0;
	uint64_t at;
	int fd = event(period, 1);

	if (fd < 0)
		return 0;
	ring = mmap(NULL, (1 + PAGES) * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return 0;
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	work();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	for (at = 0; at < __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);) {
		struct perf_event_header *h = (void *)((char *)ring + page + at % (PAGES * page));

		samples += h->type == PERF_RECORD_SAMPLE;
		at += h->size;
	}
	close(fd);
	return samples;
}

int main(void)
{
	uint64_t user = count(1), all = count(0);

	printf("cycles %llu kernel %llu samples %u\n", (unsigned long long)user,
	       (unsigned long long)(all > user ? all - user : 0), user ? sample(user / 50 + 1) : 0);
	return 0;
}
