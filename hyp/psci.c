// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PSCI relay. Its noun is the slot in struct hyp_cpu that says where the host
 * goes on when that CPU comes back to EL2; it is taken by compare-and-exchange
 * before the firmware is asked and given back by the CPU that arrives, or by the
 * one that asked when the firmware refused. No locks.
 */
#include "arch.h"
#include "host.h"
#include "mem_protect.h"
#include "psci.h"
#include "setup.h"

#define PSCI_FN32(n) (0x84000000u + (n))
#define PSCI_FN64(n) (0xc4000000u + (n))
#define PSCI_FN_BIT64 0x40000000u
#define PSCI_FN_MAX  0x1f

/* The SVE hint of SMCCC 1.3: bit 16 of a function identifier says nothing about it. */
#define SMCCC_HINT 0x10000u
#define SMCCC_VERSION 0x80000000u

enum {
	PSCI_VERSION = 0,
	PSCI_CPU_SUSPEND = 1,
	PSCI_CPU_OFF = 2,
	PSCI_CPU_ON = 3,
	PSCI_AFFINITY_INFO = 4,
	PSCI_MIGRATE = 5,
	PSCI_MIGRATE_INFO_TYPE = 6,
	PSCI_MIGRATE_INFO_UP_CPU = 7,
	PSCI_SYSTEM_OFF = 8,
	PSCI_SYSTEM_RESET = 9,
	PSCI_FEATURES = 10,
	PSCI_CPU_FREEZE = 11,
	PSCI_CPU_DEFAULT_SUSPEND = 12,
	PSCI_NODE_HW_STATE = 13,
	PSCI_SYSTEM_SUSPEND = 14,
	PSCI_SET_SUSPEND_MODE = 15,
	PSCI_STAT_RESIDENCY = 16,
	PSCI_STAT_COUNT = 17,
	PSCI_SYSTEM_RESET2 = 18,
	PSCI_MEM_PROTECT = 19,
	PSCI_MEM_PROTECT_CHECK_RANGE = 20,
};

#define PSCI_DENIED		((u64)-3)
#define PSCI_ON_PENDING		((u64)-5)

/*
 * Calls that keep the CPU where it is, or never return: firmware may have them as
 * they are. CPU_FREEZE and CPU_DEFAULT_SUSPEND, which choose a power state by
 * themselves, are not here and NOT_SUPPORTED; Linux uses neither.
 */
#define PSCI_FORWARDED                                                                             \
	(1u << PSCI_VERSION | 1u << PSCI_CPU_OFF | 1u << PSCI_AFFINITY_INFO | 1u << PSCI_MIGRATE | \
	 1u << PSCI_MIGRATE_INFO_TYPE | 1u << PSCI_MIGRATE_INFO_UP_CPU | 1u << PSCI_SYSTEM_OFF |   \
	 1u << PSCI_SYSTEM_RESET | 1u << PSCI_NODE_HW_STATE | 1u << PSCI_SET_SUSPEND_MODE |        \
	 1u << PSCI_STAT_RESIDENCY | 1u << PSCI_STAT_COUNT | 1u << PSCI_SYSTEM_RESET2 |            \
	 1u << PSCI_MEM_PROTECT_CHECK_RANGE)
#define PSCI_RELAYED                                                                               \
	(1u << PSCI_CPU_SUSPEND | 1u << PSCI_CPU_ON | 1u << PSCI_SYSTEM_SUSPEND |                  \
	 1u << PSCI_FEATURES | 1u << PSCI_MEM_PROTECT)

/*
 * Calls after which a CPU may have lost its registers: denied while a vCPU is loaded on it.
 * Those that stay in the CPU from LOAD to PUT would be gone, or another's: the guest's FP
 * registers, which the host, back with its traps open, could read and write.
 */
#define PSCI_LEAVES                                                                                \
	(1u << PSCI_CPU_SUSPEND | 1u << PSCI_CPU_OFF | 1u << PSCI_SYSTEM_SUSPEND)

enum { SLOT_FREE, SLOT_TAKEN };

static bool slot_take(struct hyp_cpu *cpu, u64 pc, u64 x0)
{
	if (port_cmpxchg64(&cpu->resume_state, SLOT_FREE, SLOT_TAKEN) != SLOT_FREE)
		return false;
	cpu->resume_pc = pc;
	cpu->resume_x0 = x0;
	return true;
}

static void slot_give_back(struct hyp_cpu *cpu)
{
	port_write_release64(&cpu->resume_state, SLOT_FREE);
}

static u64 smc(u64 fn, u64 a1, u64 a2, u64 a3)
{
	u64 x[18] = { fn, a1, a2, a3 };

	return hyp_smc(x) ? PSCI_NOT_SUPPORTED : x[0];
}

/* 5.6 CPU_ON: the target enters EL2, and from there the host's entry point. */
static u64 cpu_on(u64 mpidr, u64 pc, u64 x0)
{
	struct hyp_cpu *cpu = setup_cpu_by_mpidr(mpidr);
	u64 ret;

	if (!cpu)
		return PSCI_INVALID_PARAMETERS;
	if (!slot_take(cpu, pc, x0))
		return PSCI_ON_PENDING;
	/* What the target reads of the slot is written before firmware starts it. */
	dsb(ish);
	ret = smc(PSCI_FN64(PSCI_CPU_ON), mpidr, setup_pa((u64)hyp_psci_entry), setup_pa((u64)cpu));
	if (ret)
		slot_give_back(cpu);
	return ret;
}

/*
 * 5.4 CPU_SUSPEND and 5.20 SYSTEM_SUSPEND. A power-down state comes back through
 * hyp_psci_entry, as if turned on; a standby or refused one returns here.
 */
static u64 suspend(u64 fn, u64 state, u64 pc, u64 x0)
{
	struct hyp_cpu *cpu = this_cpu();
	u64 entry = setup_pa((u64)hyp_psci_entry), self = setup_pa((u64)cpu);
	u64 ret;

	if (!slot_take(cpu, pc, x0))
		return PSCI_INVALID_PARAMETERS;
	if (fn == PSCI_CPU_SUSPEND)
		ret = smc(PSCI_FN64(PSCI_CPU_SUSPEND), state, entry, self);
	else
		ret = smc(PSCI_FN64(PSCI_SYSTEM_SUSPEND), entry, self, 0);
	slot_give_back(cpu);
	return ret;
}

/* 5.10 PSCI_FEATURES: what the relay won't do, the host must not find. */
static u64 features(u64 id)
{
	u32 fn = (u32)id & ~SMCCC_HINT;
	u32 n = fn & ~(PSCI_FN32(0) | PSCI_FN_BIT64);

	if (fn != SMCCC_VERSION &&
	    (n > PSCI_FN_MAX || !((PSCI_FORWARDED | PSCI_RELAYED) >> n & 1)))
		return PSCI_NOT_SUPPORTED;
	return smc(PSCI_FN32(PSCI_FEATURES), fn, 0, 0);
}

/* The relay's calls by number; @wide: the arguments are 64 bits, else 32. */
static u64 relay(u32 n, bool wide, struct host_regs *regs)
{
	u64 mask = wide ? ~0ULL : 0xffffffffULL;
	u64 a1 = regs->x[1] & mask, a2 = regs->x[2] & mask, a3 = regs->x[3] & mask;

	switch (n) {
	case PSCI_CPU_ON:
		return cpu_on(a1, a2, a3);
	case PSCI_CPU_SUSPEND:
		return suspend(n, a1, a2, a3);
	case PSCI_SYSTEM_SUSPEND:
		return suspend(n, 0, a1, a2);
	case PSCI_MEM_PROTECT:
		return wide ? PSCI_NOT_SUPPORTED : mem_protect_host(a1);
	default:
		return features(a1);
	}
}

void psci_host_smc(struct host_regs *regs, u64 esr)
{
	u32 fn = (u32)regs->x[0] & ~SMCCC_HINT;
	u32 n = fn & ~(PSCI_FN32(0) | PSCI_FN_BIT64);
	bool psci = (fn | PSCI_FN_BIT64) - PSCI_FN64(0) <= PSCI_FN_MAX;

	stat_inc(RD_STAT_SMCS);
	if (esr & ESR_ISS_IMM16) {
		regs->x[0] = PSCI_NOT_SUPPORTED;
	} else if (psci && PSCI_LEAVES >> n & 1 && this_cpu()->loaded) {
		regs->x[0] = PSCI_DENIED;
	} else if (psci && PSCI_RELAYED >> n & 1) {
		regs->x[0] = relay(n, fn & PSCI_FN_BIT64, regs);
	} else if (psci && !(PSCI_FORWARDED >> n & 1)) {
		regs->x[0] = PSCI_NOT_SUPPORTED;
	} else if (hyp_smc(regs->x)) {
		host_inject_undef();
		return;
	}
	host_skip();
}

/* Called by hyp/init.S on a CPU that was off or suspended: MMU on, nothing else set. */
void hyp_cpu_resume(struct hyp_cpu *cpu) __attribute__((noreturn));

void hyp_cpu_resume(struct hyp_cpu *cpu)
{
	u64 pc = cpu->resume_pc, x0 = cpu->resume_x0;

	slot_give_back(cpu);
	arch_host_reset();
	setup_cpu_resumed(cpu);
	hyp_host_enter(x0, pc, PSR_D | PSR_A | PSR_I | PSR_F | PSR_MODE_EL1h);
}
