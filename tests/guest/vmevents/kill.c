// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMMs that are killed: children that make a VM, ordinary or protected, and change its
 * memory without end, until SIGKILL comes at a moment of chance. What they leave behind
 * is for the caller to look for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm.h"

#define SIZE (1 << 20)
#define PROTECTED (1ULL << 31)

enum phase { BORN, OPEN, RUNNING, CHANGED, PHASES };

static volatile enum phase *phase; /* the child's, which we see */

static void change_memory(struct vm *vm, unsigned int way)
{
	size_t page = rnd(vm->pages);

	switch (way % 4) {
	case 0:
		vm_begin(vm, page, 1);
		madvise((char *)vm->data + page * vm->page, vm->page, MADV_DONTNEED);
		vm_done(vm, page, 1);
		break;
	case 1:
		vm_data_slot(vm, way & 8 ? OTHER_IPA : DATA_IPA, vm->size, 0);
		break;
	case 2:
		vm_data_slot(vm, DATA_IPA, 0, 0);
		vm_data_slot(vm, DATA_IPA, vm->size, KVM_MEM_LOG_DIRTY_PAGES);
		break;
	default:
		usleep(rnd(500));
	}
}

/*
 * A protected guest's memory is out of our reach, its slots stay, and its second vCPU
 * would be for the guest itself to start.
 */
static void live(uint64_t type)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .type = type,
				    .cpus = type & PROTECTED ? 1 : 2, .order = ORDER_WRITE };
	unsigned int way;
	struct vm vm;

	vm_open(&vm, &config);
	*phase = OPEN;
	vm_run(&vm);
	*phase = RUNNING;
	for (way = 0;; way++) {
		if (type & PROTECTED)
			usleep(500);
		else
			change_memory(&vm, way);
		*phase = CHANGED;
	}
}

/* Kills a child @delay microseconds after its birth; says how far it came. */
static enum phase kill_one(uint64_t type, uint64_t seed, useconds_t delay)
{
	int status;
	pid_t pid;

	*phase = BORN;
	pid = check(fork(), "fork");
	if (!pid) {
		rnd_seed(seed);
		live(type);
	}
	usleep(delay);
	kill(pid, SIGKILL);
	check(waitpid(pid, &status, 0), "waitpid");
	errno = 0;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("a VMM ended by itself, with status %#x, in phase %d", status, *phase);
	return *phase;
}

void event_kill(unsigned int rounds, uint64_t seed)
{
	unsigned int died_in[PHASES] = { 0 }, i;
	useconds_t longest = 20000;

	phase = mmap(NULL, sizeof(*phase), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (phase == MAP_FAILED)
		die("mmap");
	rnd_seed(seed);
	for (i = 0; i < rounds; i++) {
		uint64_t type = i & 1 ? PROTECTED : 0;
		enum phase at = kill_one(type, rnd(1 << 30), rnd(longest));

		died_in[at]++;
		/* About a third of them shall live to change their memory. */
		longest = longest * (at == CHANGED ? 97 : 102) / 100 + 100;
	}
	printf("kill: %u VMMs, %u before their VM was there, %u before it ran, %u before a change, %u after one\n",
	       rounds, died_in[BORN], died_in[OPEN], died_in[RUNNING], died_in[CHANGED]);
	if (!died_in[BORN] || !(died_in[OPEN] + died_in[RUNNING]) || !died_in[CHANGED])
		die("some moments never came");
}
