// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest is refused at memory that is not plain RAM:
 *
 *	oddmem fetch FILE	instructions from no memory, and from FILE, a PCI device's memory
 *	oddmem mte		allocation tags, in memory that the VMM has mapped with PROT_MTE
 *
 * The guest reads its orders (where to go, x22) from ORDER_IPA and reports to it; each
 * exception is a report, and no end. Prints "@@ NAME: ok|fail ...".
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "onevm.h"

#define CODE_IPA  0x40000000UL
#define CODE_SIZE 0x10000UL
#define TABLE_OFF 0x4000UL
#define ORDER_IPA 0x10000000UL /* no memory: an access is an exit */
#define EMPTY_IPA 0x20000000UL /* no memory either */
#define DATA_IPA  0x80000000UL
#define DATA_SIZE 0x10000UL

/* ESR_EL1 without the syndrome's IL: exception class, and the status of an abort. */
#define EC(esr)		((esr) >> 26 & 0x3f)
#define EC_UNKNOWN	0
#define EC_FETCH	0x21
#define FSC(esr)	((esr) & 0x3f)
#define FSC_EXTERNAL	0x10

/*
 * Stage 1 maps all to itself, as tagged memory (MAIR_EL1 0xf0): with it off, the guest
 * could not ask for tags at all.
 */
__asm__(".pushsection .rodata\n"
	".arch armv8.5-a+memtag\n"
	".balign 4096\n"
	"guest_code:	adr x0, guest_vectors\n"
	"		msr vbar_el1, x0\n"
	"		adr x0, guest_code + 0x4000\n"
	"		msr ttbr0_el1, x0\n"
	"		mov x0, #0xf0\n"
	"		msr mair_el1, x0\n"
	"		ldr x0, =0x803519\n" /* TCR_EL1: 39 bits, 4K, write-back, shared; no TTBR1 */
	"		msr tcr_el1, x0\n"
	"		isb\n"
	"		mrs x0, sctlr_el1\n"
	"		ldr x1, =0x80000001005\n" /* ATA, I, C, M */
	"		orr x0, x0, x1\n"
	"		msr sctlr_el1, x0\n"
	"		isb\n"
	"		mov x20, #0x10000000\n"
	"guest_next:	ldr x21, [x20]\n"
	"		ldr x22, [x20]\n"
	"		br x21\n"
	"guest_load:	ldr x0, [x22]\n"
	"guest_report:	str x0, [x20]\n"
	"		b guest_next\n"
	"guest_pfr1:	mrs x0, id_aa64pfr1_el1\n"
	"		b guest_report\n"
	"guest_gcr:	mrs x0, s3_0_c1_c0_6\n" /* GCR_EL1 */
	"		b guest_report\n"
	"guest_ldg:	mov x0, x22\n"
	"		ldg x0, [x22]\n"
	"		b guest_report\n"
	"guest_stg:	ubfx x1, x22, #0, #52\n" /* the tag is of x22, the address has none */
	"		stg x22, [x1]\n"
	"		mov x0, #0\n"
	"		b guest_report\n"
	"		.ltorg\n"
	"		.balign 2048\n"
	"guest_vectors:	.space 0x200\n"
	"		mrs x0, esr_el1\n" /* of this EL, with its own stack pointer */
	"		orr x0, x0, #1 << 63\n"
	"		b guest_report\n"
	"guest_end:\n"
	".popsection\n");

#define EXCEPTION (1ULL << 63)

/* Hidden, so that their addresses do not go through a table of global symbols. */
#pragma GCC visibility push(hidden)
extern const char guest_load[], guest_pfr1[], guest_gcr[], guest_ldg[], guest_stg[];
#pragma GCC visibility pop

static int failures;

static void say(const char *name, bool ok, uint64_t found)
{
	printf("@@ %s: %s %#llx\n", name, ok ? "ok" : "fail", (unsigned long long)found);
	failures += !ok;
}

/* Runs the guest up to its next access to ORDER_IPA. */
static void run(struct one_vm *vm, bool is_write)
{
	check(ioctl(vm->vcpu, KVM_RUN, 0), "KVM_RUN");
	if (vm->run->exit_reason != KVM_EXIT_MMIO || vm->run->mmio.phys_addr != ORDER_IPA ||
	    vm->run->mmio.is_write != is_write)
		error(1, 0, "exit %u, address %#llx", vm->run->exit_reason,
		      (unsigned long long)vm->run->mmio.phys_addr);
}

/* Sends the guest to @ipa with @arg in x22; what it reports. */
static uint64_t order(struct one_vm *vm, uint64_t ipa, uint64_t arg)
{
	uint64_t report;

	run(vm, false);
	memcpy(vm->run->mmio.data, &ipa, sizeof(ipa));
	run(vm, false);
	memcpy(vm->run->mmio.data, &arg, sizeof(arg));
	run(vm, true);
	memcpy(&report, vm->run->mmio.data, sizeof(report));
	return report;
}

static uint64_t order_code(struct one_vm *vm, const char *label, uint64_t arg)
{
	return order(vm, CODE_IPA + (label - guest_code), arg);
}

static void open_vm(struct one_vm *vm, int kvm, void *data)
{
	char *code = map_memory(CODE_SIZE, 0);
	uint64_t *table = (uint64_t *)(code + TABLE_OFF), i;

	vm->fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	vm->vcpu = create_vcpu(kvm, vm->fd, 0, &vm->run);
	memcpy(code, guest_code, guest_end - guest_code);
	/* Blocks of 1 GiB: AF, inner shareable, MAIR_EL1's first attribute. */
	for (i = 0; i < 4; i++)
		table[i] = i << 30 | 0x701;
	__builtin___clear_cache(code, code + CODE_SIZE);
	set_slot(vm->fd, 0, CODE_IPA, code, CODE_SIZE, 0);
	set_slot(vm->fd, 1, DATA_IPA, data, DATA_SIZE, 0);
	set_core(vm->vcpu, offsetof(struct kvm_regs, regs.pc), CODE_IPA);
}

static void refused_fetch(struct one_vm *vm, const char *name, uint64_t ipa)
{
	uint64_t report = order(vm, ipa, 0);

	say(name, report & EXCEPTION && EC(report) == EC_FETCH && FSC(report) == FSC_EXTERNAL,
	    report);
}

/* A fetch is refused by an abort; the guest goes on, and data are as before. */
static void test_fetch(int kvm, const char *path)
{
	int fd = check(open(path, O_RDWR | O_CLOEXEC), path);
	volatile uint64_t *bar = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct one_vm vm;

	check((void *)bar == MAP_FAILED ? -1 : 0, "mmap of the device");
	bar[0] = 0xd65f03c0d503201f; /* NOP, RET: it would not stay unnoticed */
	open_vm(&vm, kvm, (void *)bar);
	refused_fetch(&vm, "fetch_from_nothing", EMPTY_IPA);
	refused_fetch(&vm, "fetch_from_device", DATA_IPA);
	say("load_from_device", order_code(&vm, guest_load, DATA_IPA) == bar[0], bar[0]);
	/* Now that it is mapped, too. */
	refused_fetch(&vm, "fetch_from_mapped_device", DATA_IPA);
	say("load_after_that", order_code(&vm, guest_load, DATA_IPA) == bar[0], bar[0]);
}

static void store_tag(void *at, uint64_t tag)
{
	__asm__ volatile(".arch armv8.5-a+memtag\n stg %0, [%0]"
			 : : "r"((uint64_t)at | tag << 56) : "memory");
}

static uint64_t load_tag(void *at)
{
	uint64_t tagged = (uint64_t)at;

	__asm__ volatile(".arch armv8.5-a+memtag\n ldg %0, [%0]" : "+r"(tagged) : : "memory");
	return tagged >> 56 & 0xf;
}

static void refused_ioctl(const char *name, int fd, unsigned long cmd, void *arg)
{
	errno = 0;
	say(name, ioctl(fd, cmd, arg) == -1 && errno == EINVAL, errno);
}

/* No VM has tags: its own are none, and the VMM's are out of its reach. */
static void test_mte(int kvm)
{
	uint64_t *data = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE | 0x20 /* PROT_MTE */,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	struct kvm_arm_copy_mte_tags copy = {
		.guest_ipa = DATA_IPA, .length = sysconf(_SC_PAGESIZE), .addr = data,
	};
	uint64_t value;
	struct one_vm vm;

	check(data == MAP_FAILED ? -1 : 0, "mmap with PROT_MTE");
	data[0] = 0x1122334455667788;
	store_tag(data, 5);
	open_vm(&vm, kvm, data);
	value = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE);
	say("no_capability", value == 0, value);
	refused_ioctl("enable_refused", vm.fd, KVM_ENABLE_CAP, &cap);
	refused_ioctl("copy_refused", vm.fd, KVM_ARM_MTE_COPY_TAGS, &copy);
	value = order_code(&vm, guest_load, DATA_IPA);
	say("memory_is_there", value == data[0], value);
	value = order_code(&vm, guest_pfr1, 0);
	say("hidden", (value >> 8 & 0xf) == 0, value);
	value = order_code(&vm, guest_gcr, 0);
	say("register_undefined", value & EXCEPTION && EC(value) == EC_UNKNOWN, value);
	value = order_code(&vm, guest_ldg, DATA_IPA);
	say("no_tag_read", value & EXCEPTION || (value >> 56 & 0xf) == 0, value);
	value = order_code(&vm, guest_stg, DATA_IPA | 9ULL << 56);
	say("no_tag_written", load_tag(data) == 5, value);
	say("memory_is_as_it_was", data[0] == 0x1122334455667788, data[0]);
}

int main(int argc, char **argv)
{
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	if (argc == 3 && !strcmp(argv[1], "fetch")) {
		test_fetch(kvm, argv[2]);
	} else if (argc == 2 && !strcmp(argv[1], "mte")) {
		test_mte(kvm);
	} else {
		fprintf(stderr, "usage: oddmem fetch FILE, oddmem mte\n");
		return 2;
	}
	return failures != 0;
}
