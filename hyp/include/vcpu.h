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

struct hyp_vcpu {
	struct hyp_vm *vm;
	struct rd_vcpu_state *state; /* what runs: @shared, or @own of a protected VM */
	struct rd_vcpu_state *shared;
	u64 index;
	u64 cpu;		     /* loaded on: the CPU's index + 1; 0: on none */
	u64 last_cpu;		     /* index + 1 of the CPU that it ran on last */
	u64 pfn;		     /* of this object */
	u64 state_pfn;		     /* of the shared page */
};

#endif /* HYP_VCPU_H */
