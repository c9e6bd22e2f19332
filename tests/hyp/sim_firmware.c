// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware: PSCI (DEN0022D) as far as EL2 depends on it, and rubbish for all other calls.
 * It starts a CPU only where EL2 told it to, which must be EL2's own entry.
 */
#include "psci.h"
#include "setup.h"
#include "sim.h"

#define CPU_SUSPEND_64	 0xc4000001u
#define CPU_OFF		 0x84000002u
#define CPU_ON_64	 0xc4000003u
#define MEM_PROTECT	 0x84000013u
#define SYSTEM_SUSPEND	 0xc400000eu
#define ALREADY_ON	 ((u64)-4)
#define INVALID		 ((u64)-2)
#define NOT_SUPPORTED	 ((u64)-1)

void hyp_cpu_resume(struct hyp_cpu *cpu) __attribute__((noreturn));

static u64 start_context[SIM_CPUS];

static void check_entry(u64 entry, u64 context, const struct sim_cpu *cpu)
{
	if (entry != setup_pa((u64)hyp_psci_entry))
		sim_fail("CPU %u would enter at the host's address, not at EL2's", cpu->index);
	if (context != setup_pa((u64)cpu->data))
		sim_fail("CPU %u would enter EL2 with another's data", cpu->index);
}

static u64 cpu_on(const u64 *x)
{
	u32 index = (u32)(x[1] & 0xff);

	if (x[1] >> 8 || index >= sim.nr_cpus)
		return INVALID;
	if (sim.cpu[index].on || start_context[index])
		return ALREADY_ON;
	check_entry(x[2], x[3], &sim.cpu[index]);
	start_context[index] = x[3];
	return 0;
}

bool sim_firmware_starts(u32 index)
{
	return start_context[index];
}

void sim_firmware_start(struct sim_cpu *cpu)
{
	struct hyp_cpu *data = (void *)(start_context[cpu->index] + sim_va_offset());

	/* System registers are as after a reset; FP registers may be what they were before. */
	start_context[cpu->index] = 0;
	sim_cpu_init(cpu, cpu->index, false);
	hyp_cpu_resume(data);
}

static u64 suspend(const u64 *x, bool system)
{
	check_entry(x[system ? 1 : 2], x[system ? 2 : 3], sim_this);
	/* Standby, or refused: it comes back here. Else through the entry. */
	if (rng_chance(&sim.rng, 50))
		return rng_chance(&sim.rng, 50) ? 0 : INVALID;
	start_context[sim_this->index] = x[system ? 2 : 3];
	sim_firmware_start(sim_this);
	return 0;
}

/* Memory is overwritten at a restart: on half of the machines firmware can be asked to. */
static bool mem_protected;

static u64 mem_protect(u64 enable)
{
	u64 was = mem_protected;

	if (!sim.shape->modern)
		return NOT_SUPPORTED;
	if (enable > 1)
		return INVALID;
	mem_protected = enable;
	return was;
}

bool sim_firmware_has_mem_protect(void)
{
	return sim.shape->modern;
}

bool sim_firmware_clears_memory(void)
{
	return mem_protected;
}

int hyp_smc(u64 x[18])
{
	u32 fn = (u32)x[0] & ~0x10000u, i;

	switch (fn) {
	case MEM_PROTECT:
		x[0] = mem_protect(x[1]);
		return 0;
	case CPU_ON_64:
		x[0] = cpu_on(x);
		return 0;
	case CPU_OFF:
		longjmp(sim_this->leave, SIM_TURNED_OFF);
	case CPU_SUSPEND_64:
	case SYSTEM_SUSPEND:
		x[0] = suspend(x, fn == SYSTEM_SUSPEND);
		return 0;
	}
	if (rng_chance(&sim.rng, 5))
		return -1;
	for (i = 0; i < 18; i++)
		x[i] = rng_next(&sim.rng, 8);
	return 0;
}
