// SPDX-License-Identifier: GPL-2.0-only
/* KVM's ioctls by which a VMM could look into, or change, a vCPU that has run. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "protvm.h"

#define SYSREG(op0, op1, crn, crm, op2)                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (uint64_t)(op0) << 14 |         \
	 (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define CORE(field) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                         \
		     (offsetof(struct kvm_regs, field) / 4))
#define VREG0 (KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                              \
	       (offsetof(struct kvm_regs, fp_regs.vregs[0]) / 4))

/* Newer than the headers of Debian 12: struct kvm_arm_counter_offset, two words. */
#define SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, uint64_t[2])

static const struct {
	const char *name;
	uint64_t id;
} regs[] = {
	{ "x4", CORE(regs.regs[4]) },
	{ "pc", CORE(regs.pc) },
	{ "pstate", CORE(regs.pstate) },
	{ "elr_el1", CORE(elr_el1) },
	{ "spsr_el1", CORE(spsr[0]) },
	{ "v0", VREG0 },
	{ "ttbr0_el1", SYSREG(3, 0, 2, 0, 0) },
	{ "tpidr_el1", SYSREG(3, 0, 13, 0, 4) },
	{ "mdscr_el1", SYSREG(2, 0, 0, 2, 2) },
	{ "dbgbvr0_el1", SYSREG(2, 0, 0, 0, 4) },
	{ "mpidr_el1", SYSREG(3, 0, 0, 0, 5) },
	{ "id_aa64pfr0_el1", SYSREG(3, 0, 0, 4, 0) },
	{ "timer's count", KVM_REG_ARM_TIMER_CNT },
	{ "timer's compare", KVM_REG_ARM_TIMER_CVAL },
	{ "psci version", KVM_REG_ARM_PSCI_VERSION },
};

static void say(const char *what, const char *name, int result)
{
	printf("%s%s\t%s\n", what, name, result < 0 ? strerrorname_np(errno) : "done");
}

/* Writes back what it reads, where it can read: that must do no harm to an ordinary VM. */
static void one_regs(struct vm *vm)
{
	uint64_t value[2];
	size_t i;

	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		struct kvm_one_reg reg = { .id = regs[i].id, .addr = (uintptr_t)value };

		memset(value, 0, sizeof(value));
		say("get ", regs[i].name, ioctl(vm->vcpu, KVM_GET_ONE_REG, &reg));
		say("set ", regs[i].name, ioctl(vm->vcpu, KVM_SET_ONE_REG, &reg));
	}
}

static void debugging(struct vm *vm)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };

	say("single-step", "", ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &debug));
	debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	say("software breakpoints", "", ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &debug));
	debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
	debug.arch.dbg_bcr[0] = 0x1e7;
	say("hardware breakpoints", "", ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &debug));
	debug.control = 0;
	say("debugging off", "", ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &debug));
}

static void exceptions(struct vm *vm)
{
	struct kvm_vcpu_events events = { 0 };

	say("get events", "", ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &events));
	memset(&events, 0, sizeof(events));
	say("set no events", "", ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &events));
	events.exception.ext_dabt_pending = 1;
	say("inject an abort", "", ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &events));
	memset(&events, 0, sizeof(events));
	events.exception.serror_pending = 1;
	say("inject an SError", "", ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &events));
}

static void features(struct vm *vm)
{
	uint64_t offset[2] = { 1000 };
	uint64_t base = DATA_IPA;
	struct kvm_device_attr steal = {
		.group = KVM_ARM_VCPU_PVTIME_CTRL, .attr = KVM_ARM_VCPU_PVTIME_IPA,
		.addr = (uintptr_t)&base,
	};
	struct kvm_vcpu_init init;

	check(ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	say("offset of the counter", "", ioctl(vm->fd, SET_COUNTER_OFFSET, offset));
	say("steal time", "", ioctl(vm->vcpu, KVM_SET_DEVICE_ATTR, &steal));
	say("reset", "", ioctl(vm->vcpu, KVM_ARM_VCPU_INIT, &init));
}

static void memory(struct vm *vm)
{
	say("a slot's log", "", vm_slot(vm, 1, DATA_IPA, vm->data, vm->data_size,
					KVM_MEM_LOG_DIRTY_PAGES));
	say("a slot read-only", "", vm_slot(vm, 2, SPARE_IPA, vm->data, vm->page, KVM_MEM_READONLY));
	say("a slot moved", "", vm_slot(vm, 1, DATA_IPA + (1UL << 31), vm->data, vm->data_size, 0));
	say("a slot deleted", "", vm_slot(vm, 1, DATA_IPA, vm->data, 0, 0));
}

void try_ioctls(bool is_protected)
{
	struct vm vm;

	vm_open(&vm, is_protected, 64 * sysconf(_SC_PAGESIZE), NULL);
	vm_order(&vm, guest_hold_secret, 0, 0, 0, 0);
	vm_order(&vm, guest_fill, DATA_IPA, vm.data_size / 8, 5, 8);
	one_regs(&vm);
	debugging(&vm);
	exceptions(&vm);
	memory(&vm);
	if (is_protected) {
		printf("the registers after all that\t%ld\n",
		       vm_order(&vm, guest_held_secret, 0, 0, 0, 0));
		printf("the memory after all that\t%ld\n",
		       vm_order(&vm, guest_check, DATA_IPA, vm.data_size / 8, 5, 8));
	}
	features(&vm);
	if (is_protected)
		printf("the registers at the end\t%ld\n",
		       vm_order(&vm, guest_held_secret, 0, 0, 0, 0));
	vm_close(&vm);
}
