// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU's registers and instructions, and the parts of EL2 that are in assembly. No
 * locks: EL2 runs on one CPU at a time.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "psci.h"
#include "sim.h"
#include "../core/judge/tlbi.h"

/* More than this in one call is not bounded work (invariant 7). */
#define INSNS_MAX 3000000

struct sim sim;
_Thread_local struct sim_cpu *sim_this;
_Thread_local u32 sim_locks_held;
char sim_run_words[128], sim_call_words[512];

static const char *reg_name[SIM_REGS];
static u32 nr_regs = 1; /* slot 0: not looked up yet */

void sim_fail(const char *format, ...)
{
	va_list args;

	printf("FAILED: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n  %s\n  %s\n", sim_call_words, sim_run_words);
	fflush(stdout);
	_Exit(1);
}

void hyp_assert_failed(const char *file, int line, const char *what)
{
	sim_fail("EL2 panics: %s:%d: assertion failed: %s", file, line, what);
}

/* List registers beyond the fourth, and active priorities of more than 5 bits, are not there. */
static void check_defined(const char *name)
{
	static const char *const missing[] = {
		"S3_4_C12_C12_4", "S3_4_C12_C12_5", "S3_4_C12_C12_6", "S3_4_C12_C12_7",
		"S3_4_C12_C8_1", "S3_4_C12_C8_2", "S3_4_C12_C8_3", "S3_4_C12_C9_1",
		"S3_4_C12_C9_2", "S3_4_C12_C9_3",
	};
	u32 i;

	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (!strcmp(name, missing[i]))
			sim_fail("EL2 uses %s, which this CPU lacks", name);
	if (!strncmp(name, "S3_4_C12_C13_", 13))
		sim_fail("EL2 uses %s, which this CPU lacks", name);
}

u32 sim_reg_slot(u32 *slot, const char *name)
{
	u32 i = *slot;

	if (i)
		return i;
	for (i = 1; i < nr_regs; i++)
		if (!strcasecmp(reg_name[i], name))
			break;
	if (i == SIM_REGS)
		sim_fail("more than %d registers", SIM_REGS);
	if (i == nr_regs) {
		check_defined(name);
		reg_name[nr_regs++] = name;
	}
	*slot = i;
	return i;
}

u64 *sim_reg(struct sim_cpu *cpu, const char *name)
{
	u32 slot = 0;

	return &cpu->reg[sim_reg_slot(&slot, name)];
}

static void count(void)
{
	if (++sim_this->insns > INSNS_MAX)
		sim_fail("a call that does not end");
}

u64 sim_sysreg_read(u32 *slot, const char *name)
{
	count();
	return sim_this->reg[sim_reg_slot(slot, name)];
}

void sim_sysreg_write(u32 *slot, const char *name, u64 value)
{
	count();
	sim_ext_watch(sim_reg_slot(slot, name), value);
	sim_this->reg[*slot] = value;
}

void *sim_cpu_pointer(void)
{
	return sim_this->data;
}

void sim_barrier(void)
{
	count();
	sim_switch_point();
}

void sim_dc(u64 va)
{
	count();
	/* A line that is not mapped is a fault here as well. */
	(void)*(volatile u8 *)va;
}

void sim_wfi(void)
{
	sim_fail("EL2 waits for ever");
}

/* The host's and guests' stage 1 is off: an address is its own translation. */
void sim_at(u64 va)
{
	bool changed_meanwhile = rng_chance(&sim.rng, 10);

	*SIM_REG(sim_this, par_el1) = changed_meanwhile ? 1 : va & 0xffffffffff000ULL;
}

/* What the host lent changes behind EL2's back, as soon as it has been read. */
void sim_has_read(const void *p)
{
	u64 at = (u64)p - sim_va_offset();
	u64 *word;

	sim_switch_point();
	if (!sim.hostile || !sim_ram(at) || rng_chance(&sim.rng, 60))
		return;
	word = sim_ram(at);
	if (sim_lent_word(at))
		*word = rng_chance(&sim.rng, 50) ? rng_next(&sim.rng, 8) : rng_below(&sim.rng, 64);
}

/* ---- EL2's assembly ---- */

char hyp_mmu_off[64];

void hyp_psci_entry(void)
{
}

void hyp_host_enter(u64 x0, u64 pc, u64 pstate)
{
	(void)pstate;
	sim_this->entered_x0 = x0;
	sim_this->entered_pc = pc;
	longjmp(sim_this->leave, SIM_ENTERED);
}

void fp_simd_save(struct rd_vcpu_fp *fp);
void fp_simd_load(const struct rd_vcpu_fp *fp);
void fp_sve_save(void *z, void *p, u64 *control, u64 ffr);
void fp_sve_load(const void *z, const void *p, const u64 *control, u64 ffr);

static void check_fp_open(void)
{
	if (*SIM_REG(sim_this, cptr_el2) & CPTR_EL2_TFP)
		sim_fail("EL2 uses FP registers while they trap");
}

void fp_simd_save(struct rd_vcpu_fp *fp)
{
	check_fp_open();
	*fp = sim_this->fp;
}

void fp_simd_load(const struct rd_vcpu_fp *fp)
{
	check_fp_open();
	sim_this->fp = *fp;
}

void fp_sve_save(void *z, void *p, u64 *control, u64 ffr)
{
	(void)p, (void)control, (void)ffr;
	fp_simd_save(z);
}

void fp_sve_load(const void *z, const void *p, const u64 *control, u64 ffr)
{
	(void)p, (void)control, (void)ffr;
	fp_simd_load(z);
}

/* ---- Out of reset ---- */

bool sim_has_aarch32_el1(u32 index)
{
	return sim.shape->aarch32 && index < 3;
}

void sim_cpu_init(struct sim_cpu *cpu, u32 index, bool launched)
{
	const struct sim_shape *shape = sim.shape;
	struct {
		const char *name;
		u64 value;
	} reset[] = {
		{ "id_aa64mmfr0_el1", shape->mmfr0 },
		{ "id_aa64mmfr1_el1", shape->mmfr1 },
		{ "S3_0_C0_C7_2", shape->mmfr2 },
		{ "id_aa64isar0_el1", shape->isar0 },
		{ "id_aa64pfr0_el1", 0x1100000000ULL | 1ULL << 24 | (shape->aarch32 ? 2 : 1) |
					     (sim_has_aarch32_el1(index) ? 2 : 1) << 4 },
		{ "id_aa64dfr0_el1", 0x10305106 },
		{ "ctr_el0", 0x84448004 },
		{ "dczid_el0", 4 }, /* 64 bytes */
		{ "midr_el1", 0x410fd0c0 },
		{ "mpidr_el1", 0x80000000 | index },
		{ "vmpidr_el2", 0x80000000 | index },
		{ "S3_4_C12_C11_1", 4ULL << 29 | 4ULL << 26 | 3 }, /* ICH_VTR: 4 list registers */
		{ "cptr_el2", 0x22ff | CPTR_EL2_TZ | CPTR_EL2_TSM },
		{ "vbar_el1", 0xffff800080010000 },
		{ "hcr_el2", HCR_EL2_RW },
		{ "spsr_el2", PSR_MODE_EL1h | PSR_D | PSR_A | PSR_I | PSR_F },
		{ "elr_el2", 0xffff800080020000 },
	};
	u32 i;

	memset(cpu->reg, 0, sizeof(cpu->reg));
	cpu->index = index;
	for (i = 0; i < sizeof(reset) / sizeof(reset[0]); i++)
		*sim_reg(cpu, reset[i].name) = reset[i].value;
	sim_ext_init(cpu, launched);
}
