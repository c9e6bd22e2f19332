// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU as a guest finds it. The guest executes instructions that this program puts
 * before it: reads of all ID registers (Arm ARM D19.2), and one or more instructions of
 * each extension that guests don't have, which have to be undefined whether the CPU knows
 * them or not; those of extensions that are shown have to work.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/auxv.h>

#include "protvm.h"

#define MRS(op0, op1, crn, crm, op2)                                                               \
	(0xd5300001 | ((op0) & 1) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define RET   0xd65f03c0
#define ID(crm, op2) ((crm) * 8 + (op2))
#define IDS   ID(8, 0)
#define UNDEFINED 0 /* ESR_ELx.EC */

static const struct hidden {
	const char *name;
	uint32_t insn;
} hidden[] = {
	{ "SVE: ZCR_EL1", MRS(3, 0, 1, 2, 0) },
	{ "SVE: RDVL", 0x04bf5021 },
	{ "SME: SMCR_EL1", MRS(3, 0, 1, 2, 6) },
	{ "SME: RDSVL", 0x04bf5821 },
	{ "PAuth: APIAKeyLo_EL1", MRS(3, 0, 2, 1, 0) },
	{ "PAuth: PACGA", 0x9ac23021 },
	{ "MTE: GCR_EL1", MRS(3, 0, 1, 0, 6) },
	{ "MTE: TFSR_EL1", MRS(3, 0, 5, 6, 0) },
	{ "AMU: AMCR_EL0", MRS(3, 3, 13, 2, 0) },
	{ "SPE: PMSCR_EL1", MRS(3, 0, 9, 9, 0) },
	{ "TRF: TRFCR_EL1", MRS(3, 0, 1, 2, 1) },
	{ "trace: TRCAUTHSTATUS", MRS(2, 1, 7, 14, 6) },
	{ "RAS: ERRIDR_EL1", MRS(3, 0, 5, 3, 0) },
	{ "LOR: LORC_EL1", MRS(3, 0, 10, 4, 3) },
	{ "TCR2: TCR2_EL1", MRS(3, 0, 2, 0, 3) },
	{ "S1PIE: PIR_EL1", MRS(3, 0, 10, 2, 3) },
	{ "CSV2_2: SCXTNUM_EL1", MRS(3, 0, 13, 0, 7) },
	{ "TME: TSTART", 0xd5233061 },
	{ "LS64: LD64B", 0xf83fd040 },
	{ "implementation defined: S3_0_C15_C0_0", MRS(3, 0, 15, 0, 0) },
	{ "EL2: HCR_EL2", MRS(3, 4, 1, 1, 0) },
};

/* Fields of protected guests' ID registers that have one value on any CPU. */
static const struct field {
	const char *name;
	int reg, shift, width;
	uint64_t value;
} fields[] = {
	{ "PFR0.EL0", ID(4, 0), 0, 4, 1 },     { "PFR0.EL1", ID(4, 0), 4, 4, 1 },
	{ "PFR0.EL2", ID(4, 0), 8, 4, 0 },     { "PFR0.EL3", ID(4, 0), 12, 4, 0 },
	{ "PFR0.RAS", ID(4, 0), 28, 4, 0 },    { "PFR0.SVE", ID(4, 0), 32, 4, 0 },
	{ "PFR0.SEL2", ID(4, 0), 36, 4, 0 },   { "PFR0.MPAM", ID(4, 0), 40, 4, 0 },
	{ "PFR0.AMU", ID(4, 0), 44, 4, 0 },    { "PFR0.RME", ID(4, 0), 52, 4, 0 },
	{ "PFR1 above SSBS", ID(4, 1), 8, 56, 0 },
	{ "PFR2", ID(4, 2), 0, 64, 0 },
	{ "ZFR0", ID(4, 4), 0, 64, 0 },	       { "SMFR0", ID(4, 5), 0, 64, 0 },
	{ "DFR0", ID(5, 0), 0, 64, 6 },	       { "DFR1", ID(5, 1), 0, 64, 0 },
	{ "AFR0", ID(5, 4), 0, 64, 0 },	       { "AFR1", ID(5, 5), 0, 64, 0 },
	{ "ISAR0.TME", ID(6, 0), 24, 4, 0 },
	{ "ISAR1.APA, API", ID(6, 1), 4, 8, 0 }, { "ISAR1.GPA, GPI", ID(6, 1), 24, 8, 0 },
	{ "ISAR1.LS64", ID(6, 1), 60, 4, 0 },
	{ "ISAR2.WFxT", ID(6, 2), 0, 4, 0 },   { "ISAR2 above RPRES", ID(6, 2), 8, 56, 0 },
	{ "ISAR3", ID(6, 3), 0, 64, 0 },
	{ "MMFR0.ExS to ECV", ID(7, 0), 32, 32, 0 },
	{ "MMFR1.VMIDBits, VH", ID(7, 1), 4, 8, 0 }, { "MMFR1.LO", ID(7, 1), 16, 4, 0 },
	{ "MMFR1.TWED", ID(7, 1), 32, 4, 0 },  { "MMFR1 above ETS", ID(7, 1), 40, 24, 0 },
	{ "MMFR2.NV", ID(7, 2), 24, 4, 0 },    { "MMFR2.FWB", ID(7, 2), 40, 4, 0 },
	{ "MMFR2.EVT", ID(7, 2), 56, 4, 0 },
	{ "MMFR3", ID(7, 3), 0, 64, 0 },       { "MMFR4", ID(7, 4), 0, 64, 0 },
};

/* Instructions that work where the field is at least @least; all CPUs have the first. */
static const struct shown {
	const char *name;
	int reg, shift;
	uint64_t least;
	uint32_t insn;
} shown[] = {
	{ "CNTVCT_EL0", ID(4, 0), 0, 1, MRS(3, 3, 14, 0, 2) },
	{ "DIT", ID(4, 0), 48, 1, MRS(3, 3, 4, 2, 5) },
	{ "SSBS", ID(4, 1), 4, 2, MRS(3, 3, 4, 2, 6) },
	{ "RNDR", ID(6, 0), 60, 1, MRS(3, 3, 2, 4, 0) },
	{ "SB", ID(6, 1), 36, 1, 0xd50330ff },
	{ "PAN", ID(7, 1), 20, 1, MRS(3, 0, 4, 2, 3) },
	{ "UAO", ID(7, 2), 4, 1, MRS(3, 0, 4, 2, 4) },
};

/*
 * SME's thread register. A CPU with SME but without fine-grained traps can't make it
 * undefined (QEMU 7.2's): a guest finds nothing there of the host's or of the one before it.
 */
#define TPIDR2_READ  MRS(3, 3, 13, 0, 5)
#define TPIDR2_WRITE 0xd51bd0b4 /* of x20: ORDER_IPA */
static const uint32_t tpidr2[] = { TPIDR2_READ, TPIDR2_WRITE };
#define TPIDR2_VALUE 0x7e57

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HIDDEN	     IDS
#define SHOWN	     (HIDDEN + COUNT(hidden))
#define TPIDR2	     (SHOWN + COUNT(shown))
#define SLOTS	     (TPIDR2 + COUNT(tpidr2))

/* Executes the instruction of @slot: -1 and what it left in x1, or its exception's class. */
static int execute(struct vm *vm, size_t slot, uint64_t *value)
{
	uint64_t args[4] = { DATA_IPA + slot * 8 }, results[4];

	expect(!vm_try(vm, guest_execute, args, results), "slot %zu: KVM_RUN", slot);
	*value = results[1];
	return results[0] == (uint64_t)-1000 ? (int)(results[1] >> 26 & 0x3f) : -1;
}

static uint64_t id_field(const uint64_t *ids, int reg, int shift, int width)
{
	return ids[reg] >> shift & (~0ULL >> (64 - width));
}

static uint32_t instruction(size_t slot)
{
	if (slot < HIDDEN)
		return (uint32_t)MRS(3, 0, 0, slot / 8, slot % 8);
	if (slot < SHOWN)
		return hidden[slot - HIDDEN].insn;
	return slot < TPIDR2 ? shown[slot - SHOWN].insn : tpidr2[slot - TPIDR2];
}

static void try_tpidr2(struct vm *vm)
{
	bool sme = getauxval(AT_HWCAP2) & HWCAP2_SME;
	uint64_t value = 0;
	size_t i;
	int class;

	if (sme)
		__asm__ volatile("msr S3_3_C13_C0_5, %0" : : "r"((uint64_t)TPIDR2_VALUE));
	for (i = 0; i < COUNT(tpidr2); i++) {
		class = execute(vm, TPIDR2 + i, &value);
		expect(class == UNDEFINED || (class < 0 && !value), "TPIDR2_EL0: %d, %#lx", class, value);
	}
	if (sme) {
		__asm__ volatile("mrs %0, S3_3_C13_C0_5" : "=r"(value));
		expect(value == TPIDR2_VALUE, "TPIDR2_EL0 has become %#lx", value);
	}
}

static void one_guest(bool is_protected)
{
	uint64_t ids[IDS] = { 0 }, value;
	uint32_t *code;
	struct vm vm;
	size_t i;
	int class, wrong = 0;

	vm_open(&vm, is_protected, 1 << 16, NULL);
	code = (uint32_t *)vm.data;
	for (i = ID(1, 0); i < SLOTS; i++) {
		code[i * 2] = instruction(i);
		code[i * 2 + 1] = RET;
	}
	/* What is written here is fetched there: Arm ARM B2.4.4. */
	__builtin___clear_cache((char *)code, (char *)(code + SLOTS * 2));
	for (i = ID(1, 0); i < IDS; i++) {
		class = execute(&vm, i, &ids[i]);
		expect(class < 0, "ID register %zu, %zu: exception %#x", i / 8, i % 8, class);
		expect(!is_protected || i >= ID(4, 0) || !ids[i], "an AArch32 ID register has %#lx", ids[i]);
	}
	for (i = 0; is_protected && i < COUNT(fields); i++) {
		value = id_field(ids, fields[i].reg, fields[i].shift, fields[i].width);
		if (value != fields[i].value)
			wrong += printf("%s is %#lx\n", fields[i].name, value) > 0;
	}
	for (i = 0; i < COUNT(hidden); i++) {
		class = execute(&vm, HIDDEN + i, &value);
		/* As mainline has it, RAS's registers of an ordinary VM read as zero. */
		if (class != UNDEFINED && (is_protected || class >= 0 || value))
			wrong += printf("%s is not undefined: %d, %#lx\n", hidden[i].name, class, value) > 0;
	}
	for (i = 0; i < COUNT(shown); i++)
		if (id_field(ids, shown[i].reg, shown[i].shift, 4) >= shown[i].least) {
			class = execute(&vm, SHOWN + i, &value);
			if (class >= 0)
				wrong += printf("%s is shown: exception %#x\n", shown[i].name, class) > 0;
		}
	try_tpidr2(&vm);
	expect(!wrong, "%d are wrong", wrong);
	vm_close(&vm);
}

void guest_features(bool is_protected)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	check(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	one_guest(is_protected);
	one_guest(is_protected);
}
