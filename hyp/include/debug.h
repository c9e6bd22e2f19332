/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Self-hosted debug registers, for vCPUs that use them (RD_VCPU_DEBUG).
 */
#ifndef HYP_DEBUG_H
#define HYP_DEBUG_H

struct hyp_cpu;
struct rd_vcpu_state;

/** debug_to_guest() - Put the host's registers aside, load the guest's from @state. */
void debug_to_guest(struct hyp_cpu *cpu, struct rd_vcpu_state *state);

/** debug_to_host() - The other way round. */
void debug_to_host(struct hyp_cpu *cpu, struct rd_vcpu_state *state);

#endif /* HYP_DEBUG_H */
