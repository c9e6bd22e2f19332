// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that sleeps until its timer fires, for every time from "as good as now" to
 * well after it has gone to sleep: whatever the host is doing for it at that moment,
 * it must wake up, and soon. Meant for a machine that counts instructions as time (QEMU
 * -icount), where the deadline passes through every step of the way to sleep.
 *
 *	timersweep LAST LATE		ticks of the counter; behind its deadline by LATE is late
 *
 * Prints "@@ virtual: ok ..." and "@@ physical: ok ...".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "onevm.h"

#define CODE_IPA   0x40000000UL
#define CODE_SIZE  0x10000UL
#define REPORT_IPA 0x10000000UL /* no memory: a write is an exit */
#define ASLEEP	   10		/* seconds without an end of the guest's work */

/*
 * The guest: no page tables, interrupts masked (a WFI ends all the same). x19 is the
 * time to sleep, x24 the last one; it reports the last interrupt it got. x26 is how often
 * it woke up more than x25 ticks late.
 */
#define SWEEP(name, count, cval, ctl, intid)                                                       \
	#name ":	isb\n"                                                                     \
	"		mrs x0, " count "\n"                                                       \
	"		add x0, x0, x19\n"                                                         \
	"		msr " cval ", x0\n"                                                        \
	"		mov x1, #1\n"                                                              \
	"		msr " ctl ", x1\n"                                                         \
	"		isb\n"                                                                     \
	"1:		wfi\n"                                                                     \
	"		mrs x2, s3_0_c12_c12_0\n" /* ICC_IAR1_EL1 */                               \
	"		and x2, x2, #0xffffff\n"                                                   \
	"		cmp x2, #1023\n"                                                           \
	"		b.eq 1b\n"                                                                 \
	"		isb\n"                                                                     \
	"		mrs x3, " count "\n"                                                       \
	"		sub x3, x3, x0\n"                                                          \
	"		cmp x3, x25\n"                                                             \
	"		cinc x26, x26, hi\n"                                                       \
	"		mrs x1, " ctl "\n"                                                         \
	"		msr " ctl ", xzr\n"                                                        \
	"		isb\n"                                                                     \
	"		msr s3_0_c12_c12_1, x2\n" /* ICC_EOIR1_EL1 */                              \
	"		cmp x2, #" intid "\n"                                                      \
	"		b.ne guest_report\n"                                                       \
	"		tbz x1, #2, guest_early\n" /* ISTATUS */                                   \
	"		add x19, x19, #1\n"                                                        \
	"		cmp x19, x24\n"                                                            \
	"		b.ls " #name "\n"                                                          \
	"		b guest_report\n"

__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	"guest_code:	mov x1, #0x08000000\n"
	"		mov w0, #0x12\n" /* ARE_NS, EnableGrp1 */
	"		str w0, [x1]\n"
	"		mov x1, #0x080b0000\n"
	"		mov w0, #-1\n"
	"		str w0, [x1, #0x80]\n" /* GICR_IGROUPR0 */
	"		mov w0, #0x48000000\n" /* 27 and 30 */
	"		str w0, [x1, #0x100]\n" /* GICR_ISENABLER0 */
	"		mov x0, #0xff\n"
	"		msr s3_0_c4_c6_0, x0\n" /* ICC_PMR_EL1 */
	"		mov x0, #1\n"
	"		msr s3_0_c12_c12_7, x0\n" /* ICC_IGRPEN1_EL1 */
	"		isb\n"
	"		br x21\n"
	SWEEP(guest_virtual, "cntvct_el0", "cntv_cval_el0", "cntv_ctl_el0", "27")
	SWEEP(guest_physical, "cntpct_el0", "cntp_cval_el0", "cntp_ctl_el0", "30")
	"guest_early:	mov x2, #0\n"
	"guest_report:	mov x20, #0x10000000\n"
	"		str x2, [x20]\n"
	"		b guest_report\n"
	"guest_end:\n"
	".popsection\n");

/* Hidden, so that their addresses do not go through a table of global symbols. */
#pragma GCC visibility push(hidden)
extern const char guest_virtual[], guest_physical[];
#pragma GCC visibility pop

static size_t general(unsigned int n)
{
	return offsetof(struct kvm_regs, regs.regs[0]) + 8 * n;
}

static void wake_up(int number)
{
	(void)number;
}

/* One timer's sweep. @want: its interrupt, which the guest reports at the end. */
static int sweep(int kvm, const char *name, const char *entry, uint64_t want, uint64_t last,
		 uint64_t late)
{
	struct one_vm vm;
	uint64_t got, times;
	bool ok;

	open_one_vm(&vm, kvm, guest_code, guest_end, CODE_IPA, CODE_SIZE);
	set_core(vm.vcpu, general(19), 0);
	set_core(vm.vcpu, general(21), CODE_IPA + (entry - guest_code));
	set_core(vm.vcpu, general(24), last);
	set_core(vm.vcpu, general(25), late);
	set_core(vm.vcpu, general(26), 0);
	alarm(ASLEEP);
	if (ioctl(vm.vcpu, KVM_RUN, 0) < 0) {
		printf("@@ %s: fail asleep for %d s though its timer was set to %llu ticks (%s)\n",
		       name, ASLEEP, (unsigned long long)get_core(vm.vcpu, general(19)), strerror(errno));
		return 1;
	}
	alarm(0);
	if (vm.run->exit_reason != KVM_EXIT_MMIO || vm.run->mmio.phys_addr != REPORT_IPA) {
		printf("@@ %s: fail unexpected exit %u\n", name, vm.run->exit_reason);
		return 1;
	}
	memcpy(&got, vm.run->mmio.data, sizeof(got));
	/* Now and then the host has work of its own. */
	times = get_core(vm.vcpu, general(26));
	ok = got == want && times <= last / 8;
	printf("@@ %s: %s interrupt %llu, awake after each of %llu sleeps, late %llu times\n", name,
	       ok ? "ok" : "fail", (unsigned long long)got,
	       (unsigned long long)get_core(vm.vcpu, general(19)), (unsigned long long)times);
	close(vm.vgic);
	close(vm.vcpu);
	close(vm.fd);
	return !ok;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = wake_up }; /* without SA_RESTART */
	uint64_t last = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t late = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	int kvm, failed;

	if (!last || !late) {
		fprintf(stderr, "usage: timersweep LAST LATE\n");
		return 2;
	}
	sigaction(SIGALRM, &action, NULL);
	kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	failed = sweep(kvm, "virtual", guest_virtual, 27, last, late);
	failed += sweep(kvm, "physical", guest_physical, 30, last, late);
	return failed ? 1 : 0;
}
