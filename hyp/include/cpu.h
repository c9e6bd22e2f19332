/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What EL2 keeps for each CPU. TPIDR_EL2 points at it; no other CPU writes it,
 * except where a field says so.
 */
#ifndef HYP_CPU_H
#define HYP_CPU_H

#include <redoubt/boot.h>
#include <redoubt/types.h>
#include <redoubt/vcpu.h>
#include "layout.h"
#include <redoubt/stat.h>
#include <redoubt/trace.h>
#include "sysreg.h"

struct hyp_vcpu;

/* x0 to x18 and x30 of the host, as hyp/vectors.S saves them. */
struct host_regs {
	u64 x[19];
	u64 lr;
};
_Static_assert(sizeof(struct host_regs) == HOST_REGS_SIZE, "as hyp/vectors.S saves them");

/* What EL2 must put back when the host goes on after a guest. */
struct host_sysregs {
	u64 sys[32];
	u64 mdcr;
	u64 tpidr2;
	u64 hstr; /* only while a guest with AArch32 EL1 runs */
};

/* The host's recorders while they stand still: hyp/recorder.c. */
struct host_recorders {
	u64 has; /* which the CPU has, by their fields of ID_AA64DFR0_EL1 */
	u64 pmscr, pmblimitr, trfcr, trblimitr, brbcr;
};

/* The largest vectors that the architecture has: 2048 bits. */
struct host_fp {
	u64 z[32 * 256 / 8];
	u64 p[17 * 32 / 8];
	u64 control[2];
	u64 svcr;
} __attribute__((aligned(16)));

struct hyp_cpu {
	struct rd_boot_cpu boot;
	struct rd_vcpu_state *guest_state;
	u64 stub_vectors;
	u64 panic_x[32];
	u64 panicking;
	const char *assert_file, *assert_what; /* of an assertion that has failed */
	u64 assert_line;
	u64 closed;		   /* the host's stage 2 is on here */
	struct hyp_vcpu *loaded;   /* vCPU that VCPU_LOAD put here, or NULL */
	u64 loaded_hcr;		   /* its HCR_EL2, but for what a run's flags say */
	struct hyp_vcpu *fp_owner; /* whose FP/SIMD state the CPU holds; NULL: the host's */
	struct host_sysregs host;
	struct host_recorders recorders;
	/* Where the host goes on after CPU_ON or a suspend: the PSCI relay's, with its lock. */
	u64 resume_pc;
	u64 resume_x0;
	u64 resume_state;
	u64 stat[RD_STAT_NR_COUNTERS];
	bool vgic_loaded;	   /* the loaded vCPU has a vGIC: RD_VCPU_VGIC at VCPU_LOAD */
	bool vgic_hcr;		   /* the run under way has more of ICH_HCR_EL2 than En, */
	u64 vgic_used;		   /* and list registers */
	struct rd_vcpu_dbg host_dbg;
	struct host_fp host_fp;
	u64 trace_next;
	struct rd_trace_record trace[RD_TRACE_RING];
};
_Static_assert(sizeof(struct hyp_cpu) <= HYP_CPU_SIZE - 4096, "leaves the panic stack 4 KiB");
_Static_assert(offsetof(struct hyp_cpu, guest_state) == HYP_CPU_GUEST_STATE, "as hyp/layout.h");
_Static_assert(offsetof(struct hyp_cpu, stub_vectors) == HYP_CPU_STUB_VECTORS, "as hyp/layout.h");
_Static_assert(offsetof(struct hyp_cpu, panic_x) == HYP_CPU_PANIC_X, "as hyp/layout.h");

static inline struct hyp_cpu *this_cpu(void)
{
	return read_cpu_pointer();
}

/* Count one of RD_STAT_COUNTERS. */
static inline void stat_inc(enum rd_stat stat)
{
	this_cpu()->stat[stat - RD_STAT_NR_VALUES]++;
}

#endif /* HYP_CPU_H */
