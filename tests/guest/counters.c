// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest reads from its two counters, between two readings of the host's own: as VMMs
 * move them, all at once (KVM_ARM_SET_COUNTER_OFFSET) or one by one (registers).
 *
 * Prints "@@ offset: ok|fail ..." and "@@ registers: ok|fail ...".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "onevm.h"

#define CODE_IPA   0x40000000UL
#define CODE_SIZE  0x10000UL
#define REPORT_IPA 0x10000000UL /* no memory: a write is an exit */

/* Of Linux 6.4; the build machine's headers may be older. */
struct counter_offset {
	uint64_t offset, reserved;
};
#define SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, struct counter_offset)

/* Far from what a machine's counter says that has just started. */
#define FAR (1ULL << 44)

__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	"guest_code:	mov x20, #0x10000000\n"
	"1:		isb\n"
	"		mrs x1, cntvct_el0\n"
	"		mrs x2, cntpct_el0\n"
	"		str x1, [x20]\n"
	"		str x2, [x20, #8]\n"
	"		b 1b\n"
	"guest_end:\n"
	".popsection\n");

static bool failed;

static uint64_t host_count(void)
{
	uint64_t count;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count) : : "memory");
	return count;
}

static void open_vm(struct one_vm *vm)
{
	open_one_vm(vm, check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm"), guest_code,
		    guest_end, CODE_IPA, CODE_SIZE);
}

static void close_vm(struct one_vm *vm)
{
	close(vm->vcpu);
	close(vm->vgic);
	close(vm->fd);
}

/* The guest's next store. */
static uint64_t told(struct one_vm *vm, uint64_t where)
{
	uint64_t value;

	check(ioctl(vm->vcpu, KVM_RUN, 0), "KVM_RUN");
	if (vm->run->exit_reason != KVM_EXIT_MMIO || vm->run->mmio.phys_addr != where)
		error(1, 0, "exit %u", vm->run->exit_reason);
	memcpy(&value, vm->run->mmio.data, sizeof(value));
	return value;
}

static bool lies_between(const char *test, const char *what, uint64_t low, uint64_t n, uint64_t high)
{
	bool good = n - low <= high - low;

	if (!good)
		printf("@@ %s: fail %s counter %llx, not from %llx to %llx\n", test, what,
		       (unsigned long long)n, (unsigned long long)low, (unsigned long long)high);
	failed |= !good;
	return good;
}

/* Both counters of the guest are the host's less these. */
static bool counts(struct one_vm *vm, const char *test, uint64_t voffset, uint64_t poffset)
{
	uint64_t before, after, virt, phys;

	before = host_count();
	virt = told(vm, REPORT_IPA);
	phys = told(vm, REPORT_IPA + 8);
	after = host_count();
	return lies_between(test, "virtual", before - voffset, virt, after - voffset) &&
	       lies_between(test, "physical", before - poffset, phys, after - poffset);
}

/* KVM_REG_ARM_TIMER_CNT or KVM_REG_ARM_PTIMER_CNT. */
static void set_count(struct one_vm *vm, uint64_t id, uint64_t count)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&count };

	check(ioctl(vm->vcpu, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG of a counter");
}

static bool check_offset(void)
{
	static const uint64_t offsets[] = { 1, FAR, -FAR, 0 };
	struct counter_offset offset = { .reserved = 1 };
	struct one_vm vm;
	bool good;
	size_t i;

	open_vm(&vm);
	good = ioctl(vm.fd, SET_COUNTER_OFFSET, &offset) == -1 && errno == EINVAL;
	if (!good)
		printf("@@ offset: fail reserved bits are taken\n");
	offset.reserved = 0;
	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		offset.offset = offsets[i];
		check(ioctl(vm.fd, SET_COUNTER_OFFSET, &offset), "KVM_ARM_SET_COUNTER_OFFSET");
		good &= counts(&vm, "offset", offsets[i], offsets[i]);
	}
	/* Who has set it once for all does not mean what restored registers say. */
	set_count(&vm, KVM_REG_ARM_TIMER_CNT, FAR);
	set_count(&vm, KVM_REG_ARM_PTIMER_CNT, FAR);
	good &= counts(&vm, "offset", 0, 0);
	close_vm(&vm);
	return good;
}

/* From the register's writing on, the counter goes on from there; the other one is left alone. */
static bool check_registers(void)
{
	uint64_t start, before, virt, phys;
	struct one_vm vm;
	bool good;

	open_vm(&vm);
	start = host_count();
	set_count(&vm, KVM_REG_ARM_PTIMER_CNT, FAR);
	told(&vm, REPORT_IPA);
	phys = told(&vm, REPORT_IPA + 8);
	good = lies_between("registers", "physical", FAR, phys, FAR + host_count() - start);

	before = host_count();
	set_count(&vm, KVM_REG_ARM_TIMER_CNT, 3 * FAR);
	virt = told(&vm, REPORT_IPA);
	good &= lies_between("registers", "virtual", 3 * FAR, virt,
			     3 * FAR + host_count() - before);
	phys = told(&vm, REPORT_IPA + 8);
	good &= lies_between("registers", "other", FAR, phys, FAR + host_count() - start);
	close_vm(&vm);
	return good;
}

int main(void)
{
	if (check_offset())
		printf("@@ offset: ok\n");
	if (check_registers())
		printf("@@ registers: ok\n");
	return failed;
}
