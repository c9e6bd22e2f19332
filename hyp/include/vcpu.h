/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU at EL2.
 *
 * It lives in memory that the host donated; the state that VCPU_RUN works on is,
 * for an ordinary VM, in a page that the host shares and EL2 has pinned. At most
 * one CPU has it loaded: @cpu is claimed by compare-and-exchange.
 */
#ifndef HYP_VCPU_H
#define HYP_VCPU_H

#include <redoubt/vcpu.h>

#include "cpu.h"

struct hyp_vm;

/* Beside RD_VCPU_* among the flags of a run, and never the host's to set: EL1 is AArch32. */
#define RUN_AARCH32 (1ULL << 63)

/* PSCI's view of a protected vCPU. An ordinary one's power is the module's affair. */
enum vcpu_power {
	VCPU_OFF,     /* CPU_ON, or being the first to run, starts it */
	VCPU_CLAIMED, /* a CPU_ON is under way */
	VCPU_PENDING, /* CPU_ON has left pc and x0: the next run begins there */
	VCPU_ON,
};

/* What the host is shown of a protected vCPU's exit, and what it may answer. */
struct vcpu_letter {
	u64 esr, far, hpfar;
	u64 x[4];	   /* a hypercall's function and arguments */
	u64 nr_regs;	   /* how many of these are shown */
	u64 store;	   /* data of an MMIO store, or the value written to a register */
	u32 rt;		   /* register that it came from, or that a load goes to */
	bool show_store;
	bool may_skip;	   /* RD_VCPU_SKIP is an answer */
	bool load;	   /* and x[rt] comes with it */
};

struct hyp_vcpu {
	struct hyp_vm *vm;
	struct rd_vcpu_state *state; /* what runs: @shared, or @own of a protected VM */
	struct rd_vcpu_state *shared;
	u64 index;
	u64 cpu;		     /* loaded on: the CPU's index + 1; 0: on none */
	u64 pfn;		     /* of this object */
	u64 state_pfn;		     /* of the shared page */
	/* Protected VMs only. */
	u64 power;		     /* enum vcpu_power; by compare-and-exchange */
	u64 start_pc, start_x0;	     /* of CPU_ON; written by who made it VCPU_PENDING */
	u64 cntv_ctl, cntv_cval;     /* the virtual timer between runs */
	bool asked_for_tables;	     /* the host was asked for table pages, and the call is made again */
	struct vcpu_letter letter;
	struct rd_vcpu_state own;
};

#endif /* HYP_VCPU_H */
