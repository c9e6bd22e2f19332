// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal that is let in only while the guest runs (KVM_SET_SIGNAL_MASK): it ends KVM_RUN,
 * and nothing else happens, although its default action is the process's end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "vm.h"

#define SIZE (4 << 20)

static void *interrupt(void *arg)
{
	struct cpu *cpu = arg;

	/* Sent while the guest runs, as far as one can tell from outside. */
	vm_sweeps(cpu->vm, 2);
	check(-pthread_kill(cpu->thread, SIGUSR1), "pthread_kill");
	return NULL;
}

void event_sigmask(void)
{
	struct vm_config config = { .data = map_anonymous(SIZE, 0), .size = SIZE, .cpus = 1,
				    .order = ORDER_WRITE };
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} mask = { { .len = 8 }, 0 };
	sigset_t usr1, pending;
	pthread_t thread;
	struct vm vm;
	int round;

	/* The default action of SIGUSR1 is the process's end, and it is blocked but in KVM_RUN. */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	check(-pthread_sigmask(SIG_BLOCK, &usr1, NULL), "pthread_sigmask");
	vm_open(&vm, &config);
	vm.cpu[0].thread = pthread_self();
	check(ioctl(vm.cpu[0].fd, KVM_SET_SIGNAL_MASK, &mask), "KVM_SET_SIGNAL_MASK");
	for (round = 0; round < 20; round++) {
		if (pthread_create(&thread, NULL, interrupt, &vm.cpu[0]))
			die("pthread_create");
		if (ioctl(vm.cpu[0].fd, KVM_RUN, 0) != -1 || errno != EINTR)
			die("KVM_RUN was not interrupted");
		pthread_join(thread, NULL);
		check(sigpending(&pending), "sigpending");
		errno = 0;
		if (!sigismember(&pending, SIGUSR1))
			die("the signal is not pending any more");
		/* Pending, it keeps the guest out. */
		if (ioctl(vm.cpu[0].fd, KVM_RUN, 0) != -1 || errno != EINTR)
			die("KVM_RUN ran with a signal pending");
		sigtimedwait(&usr1, NULL, &(struct timespec){ 0 });
		check(-pthread_sigmask(SIG_BLOCK, NULL, &pending), "pthread_sigmask");
		errno = 0;
		if (!sigismember(&pending, SIGUSR1))
			die("KVM_RUN has left its own mask behind");
	}
	printf("sigmask: interrupted %d times\n", round);
}
