// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with a level-triggered line, as a resampling irqfd has it: each write of the
 * eventfd raises the line, it stays up until the guest has ended the interrupt, and then the
 * other eventfd tells the device to look whether it wants the line up again.
 *
 *	resample COUNT		interrupts
 *
 * The guest tells of every interrupt before it ends it. Prints "@@ NAME: ok|fail ...".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "onevm.h"

#define CODE_IPA   0x40000000UL
#define CODE_SIZE  0x10000UL
#define REPORT_IPA 0x10000000UL /* no memory: a write is an exit */
#define GSI	   8
#define INTID	   (32 + GSI)
#define LOST	   20000 /* milliseconds without an answer */

__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	"guest_code:	mov x1, #0x08000000\n"
	"		mov w0, #0x12\n" /* ARE_NS, EnableGrp1 */
	"		str w0, [x1]\n"
	"		mov w0, #-1\n"
	"		str w0, [x1, #0x84]\n" /* GICD_IGROUPR1 */
	"		mov w0, #0x100\n"
	"		str w0, [x1, #0x104]\n" /* GICD_ISENABLER1: 40; level-triggered at reset */
	"		mov x0, #0xff\n"
	"		msr s3_0_c4_c6_0, x0\n" /* ICC_PMR_EL1 */
	"		mov x0, #1\n"
	"		msr s3_0_c12_c12_7, x0\n" /* ICC_IGRPEN1_EL1 */
	"		isb\n"
	"		mov x20, #0x10000000\n"
	"1:		wfi\n"
	"		mrs x2, s3_0_c12_c12_0\n" /* ICC_IAR1_EL1 */
	"		and x2, x2, #0xffffff\n"
	"		cmp x2, #1023\n"
	"		b.eq 1b\n"
	"		str x2, [x20]\n"
	"		msr s3_0_c12_c12_1, x2\n" /* ICC_EOIR1_EL1 */
	"		isb\n"
	"		b 1b\n"
	"guest_end:\n"
	".popsection\n");

struct device {
	int trigger, ended;
	unsigned long count, told; /* interrupts to send; ends it has been told of */
	struct one_vm *vm;
	pthread_t vcpu;
};

static bool told(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout) > 0;
}

/* The device's part: the next interrupt as soon as it hears of the last one's end. */
static void *device_run(void *arg)
{
	struct device *d = arg;

	while (d->told < d->count) {
		eventfd_t n;

		check(eventfd_write(d->trigger, 1), "write of the trigger");
		if (!told(d->ended, LOST))
			break;
		check(eventfd_read(d->ended, &n), "read of the end");
		d->told += n;
	}
	/* The vCPU sleeps, or soon will. */
	d->vm->run->immediate_exit = 1;
	pthread_kill(d->vcpu, SIGUSR1);
	return NULL;
}

/* The line's level, as the vGIC has it. */
static bool line_is_up(struct one_vm *vm)
{
	uint32_t level = 0;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
		.attr = INTID & ~31U,
		.addr = (uintptr_t)&level,
	};

	check(ioctl(vm->vgic, KVM_GET_DEVICE_ATTR, &attr), "KVM_GET_DEVICE_ATTR of a line");
	return level >> (INTID & 31) & 1;
}

/* Runs the guest until the device has ended. Returns the interrupts that it told of. */
static unsigned long guest_run(struct one_vm *vm, unsigned long *down)
{
	unsigned long interrupts = 0;

	*down = 0;
	while (ioctl(vm->vcpu, KVM_RUN, 0) == 0) {
		uint64_t intid;

		memcpy(&intid, vm->run->mmio.data, sizeof(intid));
		if (vm->run->exit_reason != KVM_EXIT_MMIO || vm->run->mmio.phys_addr != REPORT_IPA ||
		    intid != INTID) {
			printf("@@ interrupts: fail exit %u, interrupt %llu\n", vm->run->exit_reason,
			       (unsigned long long)intid);
			exit(1);
		}
		interrupts++;
		/* It has not been ended: nobody has lowered the line. */
		*down += !line_is_up(vm);
	}
	if (errno != EINTR)
		check(-1, "KVM_RUN");
	return interrupts;
}

static void wake_up(int number)
{
	(void)number;
}

static void attach(struct device *d, uint32_t flags)
{
	struct kvm_irqfd irqfd = {
		.fd = d->trigger, .gsi = GSI, .flags = flags, .resamplefd = d->ended,
	};

	check(ioctl(d->vm->fd, KVM_IRQFD, &irqfd), "KVM_IRQFD");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = wake_up }; /* without SA_RESTART */
	unsigned long interrupts, down;
	struct one_vm vm;
	struct device d = {
		.count = argc == 2 ? strtoul(argv[1], NULL, 0) : 0, .vm = &vm, .vcpu = pthread_self(),
	};
	pthread_t thread;
	bool up;

	if (!d.count) {
		fprintf(stderr, "usage: resample COUNT\n");
		return 2;
	}
	sigaction(SIGUSR1, &action, NULL);
	open_one_vm(&vm, check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm"), guest_code,
		    guest_end, CODE_IPA, CODE_SIZE);
	d.trigger = check(eventfd(0, EFD_CLOEXEC), "eventfd");
	d.ended = check(eventfd(0, EFD_CLOEXEC), "eventfd");
	attach(&d, KVM_IRQFD_FLAG_RESAMPLE);
	check(pthread_create(&thread, NULL, device_run, &d) ? -1 : 0, "pthread_create");
	interrupts = guest_run(&vm, &down);
	pthread_join(thread, NULL);
	up = line_is_up(&vm);
	attach(&d, KVM_IRQFD_FLAG_DEASSIGN);
	printf("@@ interrupts: %s %lu, and the device was told of %lu ends\n",
	       interrupts == d.count && d.told == d.count ? "ok" : "fail", interrupts, d.told);
	printf("@@ line: %s down %lu times before the end, %s after it\n",
	       down || up ? "fail" : "ok", down, up ? "up" : "down");
	return interrupts != d.count || d.told != d.count || down || up;
}
