// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM whose EL1 is AArch32: guest.S does what a Linux guest hardly ever does, and this
 * program says what must come of it: exceptions that KVM gives it, conditional
 * instructions that trap, halves of registers, calls, a second vCPU in Thumb.
 *
 *	aarch32 [DEVICE]
 *
 * Prints "@@ NAME: ok ..." for each, or "@@ offered: fail" and ends with 4 where there is
 * no AArch32 at EL1.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../onevm.h"
#include "map.h"

#define MEMORY	    0x10000UL
#define HIGH_IPA    0xffff0000UL
#define HIGH_OFFSET 4096 /* of what guest.S has for it */
#define NR_REPORTS  128
#define WIDTH32	    (1U << KVM_ARM_VCPU_EL1_32BIT)
#define OFF	    (1U << KVM_ARM_VCPU_POWER_OFF)
#define NOT_OFFERED 4
#define GUEST_SECONDS 20 /* it takes less than one, and then it hangs */

/* CPSR: Supervisor, Undefined and Abort, with A, I and F set. */
#define SVC 0x1d3
#define UND 0x1db
#define ABT 0x1d7
#define A   0x100
#define THUMB 0x20
#define C   0x20000000U
#define NC  0xa0000000U
#define ZC  0x60000000U

#define PSTATE_SS (1 << 21)
#define EC_STEP	  0x32

/* ID registers of ONE_REG; Op0 3, Op1 0, CRn 0. */
#define ID_REG(crm, op2) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | \
			  (uint64_t)(3 << 14 | (crm) << 3 | (op2)))

__asm__(".pushsection .rodata\n"
	".balign 4096\n"
	"guest_code:	.incbin " "\"" GUEST "\"" "\n"
	"guest_end:\n"
	".popsection\n");

#pragma GCC visibility push(hidden)
extern const char guest_code[], guest_end[];
#pragma GCC visibility pop

static uint32_t report[NR_REPORTS], second[2];
static unsigned int at;
static int failed;

/* What single steps have shown. */
static struct {
	uint32_t base, pc[32];
	unsigned int seen;
	bool state_ok;
} step = { .state_ok = true };

static uint32_t id_reg(int vcpu, uint32_t crm, uint32_t op2)
{
	uint64_t value;
	struct kvm_one_reg reg = { .id = ID_REG(crm, op2), .addr = (uintptr_t)&value };

	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG of an ID register");
	return value;
}

/* WRPs, BRPs, CTX_CMPs, version; bit 15 is RES1; EL3 is nSUHD and SE. */
static uint32_t dbgdidr(int vcpu)
{
	uint64_t dfr0, pfr0;
	struct kvm_one_reg reg = { .id = ID_REG(5, 0), .addr = (uintptr_t)&dfr0 };

	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG of ID_AA64DFR0_EL1");
	reg = (struct kvm_one_reg){ .id = ID_REG(4, 0), .addr = (uintptr_t)&pfr0 };
	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG of ID_AA64PFR0_EL1");
	return (dfr0 >> 20 & 0xf) << 28 | (dfr0 >> 12 & 0xf) << 24 | (dfr0 >> 28 & 0xf) << 20 |
	       (dfr0 & 0xf) << 16 | 1 << 15 | (pfr0 >> 12 & 0xf ? 1 << 14 | 1 << 12 : 0);
}

/* The next @n words of the report. */
static void expect(const char *name, const uint32_t *want, unsigned int n)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; i < n; i++)
		ok &= report[at + i] == want[i];
	printf("@@ %s: %s", name, ok ? "ok" : "fail");
	for (i = 0; i < n; i++)
		printf(report[at + i] == want[i] ? " %#x" : " %#x (not %#x)", report[at + i],
		       want[i]);
	printf("\n");
	at += n;
	failed |= !ok;
}

#define EXPECT(name, ...)                                                                          \
	expect(name, (const uint32_t[]){ __VA_ARGS__ },                                            \
	       sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/*
 * Where each step must lead to, from STEP_BEGIN's store on; an MMIO's step ends when user space
 * has done its part.
 */
static const uint8_t places[] = { 0, 4, 8, 12, 16, 18, 20, 22, 26, 28, 30, 32, 36 };

static void judge_steps(void)
{
	bool ok = step.seen == sizeof(places) && step.state_ok;
	unsigned int i;

	for (i = 0; i < sizeof(places) && i < step.seen; i++)
		ok &= step.pc[i] == step.base + places[i];
	printf("@@ steps: %s", ok ? "ok" : "fail");
	for (i = 0; i < step.seen; i++)
		printf(" +%d", (int)(step.pc[i] - step.base));
	printf("\n");
	failed |= !ok;
}

static void judge(int vcpu)
{
	EXPECT("reset", SVC);
	EXPECT("undefined", 4, ZC | SVC, ZC | UND);
	EXPECT("undefined-thumb", 2, ZC | SVC | THUMB, ZC | UND);
	EXPECT("it-block", id_reg(vcpu, 2, 0), 0, 1);
	EXPECT("condition", 0x55);
	EXPECT("data-abort", 8, C | SVC, C | ABT, 0x8, REFUSED_IPA + 0x24);
	EXPECT("prefetch-abort", 4, ZC | SVC, ZC | ABT, 0x8, REFUSED_IPA);
	EXPECT("data-abort-long", 8, ZC | SVC, ZC | ABT, 0x210, REFUSED_IPA + 0x24);
	EXPECT("prefetch-abort-long", 4, ZC | SVC, ZC | ABT, 0x210, REFUSED_IPA);
	EXPECT("high-vectors", 4, NC | SVC, NC | UND, 0x4869);
	EXPECT("fp", 4, id_reg(vcpu, 3, 0), id_reg(vcpu, 3, 1), id_reg(vcpu, 3, 2), 0x1234, 1 << 30);
	EXPECT("calls", 0x10001, ~0U, 0x10001, 0x4321);
	EXPECT("debug", dbgdidr(vcpu), 0x1000, 0);
	EXPECT("halves", 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x14, 0x15, 0x8000, 0x77);
	EXPECT("timer", 0x9999, 0x8888);
	EXPECT("serror", 12, ZC | (SVC & ~A), ZC | ABT, 0x406);
	EXPECT("thumb-handlers", 4, ZC | SVC, ZC | UND, 8, C | SVC, C | ABT);
	judge_steps();
	EXPECT("cpu-on", 0);
	report[at] = second[0];
	report[at + 1] = second[1];
	EXPECT("second", __builtin_bswap32(0x7777), SVC);
}

/* In the place of the load's data. */
static void refuse(int vcpu)
{
	struct kvm_vcpu_events events = { .exception.ext_dabt_pending = 1 };

	check(ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events), "KVM_SET_VCPU_EVENTS");
}

/*
 * From a handler, which is still in the mode that it was entered in: SPSR comes from KVM,
 * and goes into the next place. QEMU's emulation (7.2) shows a guest the SPSR that it had
 * before its hypervisor wrote that mode's, so that it can't be asked.
 */
static void take(int vcpu, unsigned int i, uint32_t word)
{
	uint64_t mode = get_core(vcpu, offsetof(struct kvm_regs, regs.pstate)) & 0x1f;

	report[i] = word;
	if (mode == (UND & 0x1f))
		report[i + 1] = get_core(vcpu, offsetof(struct kvm_regs, spsr[KVM_SPSR_UND]));
	if (mode == (ABT & 0x1f))
		report[i + 1] = get_core(vcpu, offsetof(struct kvm_regs, spsr[KVM_SPSR_ABT]));
}

static void expect_serror(int vcpu, bool pending)
{
	struct kvm_vcpu_events events;

	check(ioctl(vcpu, KVM_GET_VCPU_EVENTS, &events), "KVM_GET_VCPU_EVENTS");
	if (events.exception.serror_pending != pending)
		error(1, 0, "a system error is %spending", pending ? "not " : "still ");
}

static void make_serror(int vcpu)
{
	struct kvm_vcpu_events events = { .exception.serror_pending = 1 };

	check(ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events), "KVM_SET_VCPU_EVENTS");
	expect_serror(vcpu, true);
}

static void set_steps(int vcpu, bool on)
{
	struct kvm_guest_debug debug = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	check(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG");
}

/* KVM_EXIT_DEBUG: after an instruction; nothing of the stepping is in what KVM shows. */
static void take_step(int vcpu, const struct kvm_run *run)
{
	uint64_t pstate = get_core(vcpu, offsetof(struct kvm_regs, regs.pstate));

	if (step.seen == sizeof(step.pc) / sizeof(step.pc[0]))
		error(1, 0, "steps without an end");
	step.pc[step.seen++] = get_core(vcpu, offsetof(struct kvm_regs, regs.pc));
	step.state_ok &= run->debug.arch.hsr >> 26 == EC_STEP && !(pstate & PSTATE_SS) &&
			 (pstate & 0x1f) == (SVC & 0x1f);
}

/* What the guest asks for by an access. */
static void ask(int vcpu, uint64_t what, uint32_t word)
{
	switch (what) {
	case SERROR:
		make_serror(vcpu);
		break;
	case STEP_BEGIN:
		step.base = word;
		set_steps(vcpu, true);
		break;
	case STEP_END:
		set_steps(vcpu, false);
		break;
	default:
		error(1, 0, "unexpected access to %#llx", (unsigned long long)what + REFUSED_IPA);
	}
}

static void wake_up(int number)
{
	(void)number;
}

/* Until it has stored to DONE_IPA. */
static void run(int vcpu, struct kvm_run *run)
{
	uint32_t word, words = 0;
	uint64_t addr;

	do {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			error(1, errno, "KVM_RUN, after %u words, at %#llx", words,
			      (unsigned long long)get_core(vcpu, offsetof(struct kvm_regs, regs.pc)));
		addr = 0;
		if (run->exit_reason == KVM_EXIT_DEBUG) {
			take_step(vcpu, run);
			continue;
		}
		words++;
		addr = run->mmio.phys_addr;
		if (run->exit_reason != KVM_EXIT_MMIO)
			error(1, 0, "unexpected exit %u", run->exit_reason);
		memcpy(&word, run->mmio.data, sizeof(word));
		if (addr - REPORT_IPA < sizeof(report) - sizeof(word))
			take(vcpu, (addr - REPORT_IPA) / 4, word);
		else if (addr - REPORT_IPA - SECOND < sizeof(second))
			second[(addr - REPORT_IPA - SECOND) / 4] = word;
		else if (addr == REFUSED_IPA + 0x24 && !run->mmio.is_write)
			refuse(vcpu);
		else if (addr - REFUSED_IPA < 0x100)
			ask(vcpu, addr - REFUSED_IPA, word);
		else if (addr != DONE_IPA)
			error(1, 0, "unexpected access to %#llx", (unsigned long long)addr);
	} while (addr != DONE_IPA);
}

/* Is it said, and kept, that there is none? */
static int without(int vm)
{
	struct kvm_vcpu_init init = {};
	int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");

	check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	init.features[0] = WIDTH32;
	if (!ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) || errno != EINVAL)
		error(1, errno, "KVM_ARM_VCPU_INIT of a 32-bit vCPU");
	init.features[0] = 0;
	check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	printf("@@ offered: fail no AArch32 at EL1\n");
	return NOT_OFFERED;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = wake_up }; /* without SA_RESTART */
	const char *device = argc > 1 ? argv[1] : "/dev/kvm";
	int kvm = check(open(device, O_RDWR | O_CLOEXEC), device), vm, vcpu[2], i;
	char *memory = map_memory(MEMORY, 0), *high = map_memory(MEMORY, 0);
	struct kvm_run *state[2];

	vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	if (!check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL1_32BIT), "KVM_CHECK_EXTENSION"))
		return without(vm);
	memcpy(memory, guest_code, guest_end - guest_code);
	memcpy(high, guest_code + HIGH_OFFSET, guest_end - guest_code - HIGH_OFFSET);
	__builtin___clear_cache(memory, memory + MEMORY);
	__builtin___clear_cache(high, high + MEMORY);
	set_slot(vm, 0, CODE_IPA, memory, MEMORY, 0);
	set_slot(vm, 1, HIGH_IPA, high, MEMORY, 0);
	for (i = 0; i < 2; i++)
		vcpu[i] = create_vcpu_with(kvm, vm, i, WIDTH32 | (i ? OFF : 0), &state[i]);
	set_core(vcpu[0], offsetof(struct kvm_regs, regs.pc), CODE_IPA);
	sigaction(SIGALRM, &action, NULL);
	alarm(GUEST_SECONDS);
	for (i = 0; i < 2; i++)
		run(vcpu[i], state[i]);
	expect_serror(vcpu[0], false);
	judge(vcpu[0]);
	return failed;
}
