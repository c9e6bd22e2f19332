// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints and watchpoints of host and guest (Arm ARM D19.3), switched for a run
 * whose vCPU uses them.
 */
#include <redoubt/vcpu.h>

#include "cpu.h"
#include "debug.h"

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define SAVE_B(n)                                                                                  \
	if (brps > n) {                                                                            \
		dbg->bvr[n] = read_sysreg(dbgbvr##n##_el1);                                        \
		dbg->bcr[n] = read_sysreg(dbgbcr##n##_el1);                                        \
	}
#define SAVE_W(n)                                                                                  \
	if (wrps > n) {                                                                            \
		dbg->wvr[n] = read_sysreg(dbgwvr##n##_el1);                                        \
		dbg->wcr[n] = read_sysreg(dbgwcr##n##_el1);                                        \
	}
#define LOAD_B(n)                                                                                  \
	if (brps > n) {                                                                            \
		write_sysreg(dbgbvr##n##_el1, dbg->bvr[n]);                                        \
		write_sysreg(dbgbcr##n##_el1, dbg->bcr[n]);                                        \
	}
#define LOAD_W(n)                                                                                  \
	if (wrps > n) {                                                                            \
		write_sysreg(dbgwvr##n##_el1, dbg->wvr[n]);                                        \
		write_sysreg(dbgwcr##n##_el1, dbg->wcr[n]);                                        \
	}

static void save(struct rd_vcpu_dbg *dbg)
{
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1);
	u64 brps = (dfr0 >> 12 & 0xf) + 1, wrps = (dfr0 >> 20 & 0xf) + 1;

	EACH(SAVE_B)
	EACH(SAVE_W)
}

static void load(const struct rd_vcpu_dbg *dbg)
{
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1);
	u64 brps = (dfr0 >> 12 & 0xf) + 1, wrps = (dfr0 >> 20 & 0xf) + 1;

	EACH(LOAD_B)
	EACH(LOAD_W)
}

/*
 * A breakpoint with HMC set, or for EL2, could stop EL2 itself; MDSCR_EL1.KDE and
 * MDCR_EL2.TDE = 0 don't route such to EL2 while it runs with PSTATE.D set, and EL2
 * never clears it.
 */
void debug_to_guest(struct hyp_cpu *cpu, struct rd_vcpu_state *state)
{
	save(&cpu->host_dbg);
	load(&state->dbg);
}

void debug_to_host(struct hyp_cpu *cpu, struct rd_vcpu_state *state)
{
	save(&state->dbg);
	load(&cpu->host_dbg);
}
