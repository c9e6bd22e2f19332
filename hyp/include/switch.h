/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * World switch: which registers belong to whom while a vCPU is loaded and runs.
 *
 * Between VCPU_LOAD and VCPU_PUT the host stays in one kernel context on this CPU
 * (the module sees to it with preemption notifiers). What the kernel never
 * changes there is saved once, at LOAD; the rest at each run. Should the host
 * break that rule, it gets back stale registers of its own: its own harm.
 */
#ifndef HYP_SWITCH_H
#define HYP_SWITCH_H

#include "cpu.h"
#include "vcpu.h"

/** switch_load() - A vCPU was loaded here: save the host's constant registers, load the vGIC's. */
void switch_load(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);

/** switch_put() - It is put: give back what runs leave on the CPU (vGIC, FP). */
void switch_put(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);

/**
 * switch_run() - Run the guest until something is for the host.
 * @cpu:	this CPU
 * @vcpu:	the loaded vCPU
 * @why:	enum rd_exit, with the shared page's exit filled in
 *
 * Interrupts of the host are masked (EL2 runs with PSTATE.DAIF set) and end the run.
 * Return: 0, or what protected_enter() refuses with; nothing ran then.
 */
long switch_run(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 *why);

/** switch_skip_insn() - The guest's instruction that trapped has been done for it (AArch64). */
void switch_skip_insn(void);

/** switch_panic_to_host() - Get the host's registers back as far as possible; for panics. */
void switch_panic_to_host(struct hyp_cpu *cpu);

u64 guest_enter(struct hyp_cpu *cpu, struct rd_vcpu_state *state);

#endif /* HYP_SWITCH_H */
