/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The GICv3 virtual CPU interface on this CPU (IHI 0069, chapters 6 and 9.4): list
 * registers at each run, the rest while a vCPU is loaded. What is in them is the
 * module's affair; EL2 bounds how many there are.
 */
#ifndef HYP_VGIC_H
#define HYP_VGIC_H

#include "cpu.h"

/** vgic_load() - A vCPU with a vGIC was loaded: VMCR and active priorities from @state. */
void vgic_load(struct rd_vcpu_state *state);

/** vgic_put() - It is put: VMCR and active priorities back to @state, the interface off. */
void vgic_put(struct rd_vcpu_state *state);

/** vgic_enter() - Before a run: list registers, if any are used; without a vGIC, traps. */
void vgic_enter(struct hyp_cpu *cpu, struct rd_vcpu_state *state);

/** vgic_exit() - After it: list registers and what became of them, and VMCR. */
void vgic_exit(struct hyp_cpu *cpu, struct rd_vcpu_state *state);

#endif /* HYP_VGIC_H */
