// SPDX-License-Identifier: GPL-2.0-only
/* What leaves the guest: hypercalls, MMIO, interrupts. */
#include "bench.h"

#define GICD_IIDR 8

void bench_exits(struct bench *b)
{
	uint64_t empty;

	timed_loop(b, guest_hvc, 64);
	timed_loop(b, guest_mmio, 64);
	empty = timed_loop(b, guest_empty, ROUNDS);
	row(b, "guest_hypercall", per(timed_loop(b, guest_hvc, ROUNDS), empty, ROUNDS),
	    "instructions");
	row(b, "mmio_user_read", per(timed_loop(b, guest_mmio, ROUNDS), empty, ROUNDS),
	    "instructions");
	timed(b, guest_read, 64, GICD_IPA + GICD_IIDR, 0);
	row(b, "mmio_vgic_read",
	    per(timed(b, guest_read, ROUNDS, GICD_IPA + GICD_IIDR, 0), empty, ROUNDS),
	    "instructions");
}

/* From the virtual timer's condition to the guest's end of interrupt. */
void bench_timer(struct bench *b)
{
	timed_loop(b, guest_timer, 64);
	row(b, "timer_interrupt", (double)timed_loop(b, guest_timer, ROUNDS) / ROUNDS,
	    "instructions");
}

/* The second vCPU has nothing to say to user space: it runs until the signal. */
static void *run_other(void *arg)
{
	struct bench *b = arg;

	if (ioctl(b->other, KVM_RUN, 0) == 0 || errno != EINTR)
		check(-1, "KVM_RUN of the second vCPU");
	return NULL;
}

/* Two vCPUs send each other an SGI in turn, and wait for it with WFI. */
void bench_ipi(struct bench *b)
{
	const uint64_t rounds = 4096;
	pthread_t thread;

	b->two_vcpus = true;
	vm_open(b);
	set_core(b->other, offsetof(struct kvm_regs, regs.pc),
		 CODE_IPA + guest_offset(guest_echo));
	errno = pthread_create(&thread, NULL, run_other, b);
	check(errno ? -1 : 0, "pthread_create");
	timed_loop(b, guest_ipi, 64);
	row(b, "ipi", (double)timed_loop(b, guest_ipi, rounds) / (2 * rounds), "instructions");
	b->other_run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	vm_close(b);
	b->two_vcpus = false;
}

/* One page lent to the host and taken back, by a protected guest that has it. */
void bench_share(struct bench *b)
{
	uint64_t empty, both;

	timed(b, guest_share, 64, DATA_IPA, 0);
	empty = timed_loop(b, guest_empty, ROUNDS / 16);
	both = timed(b, guest_share, ROUNDS / 16, DATA_IPA, 0);
	row(b, "share_unshare", per(both, empty, ROUNDS / 16), "instructions");
}
