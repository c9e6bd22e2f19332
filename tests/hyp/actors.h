/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses EL2: a host that attacks it, with the calls that it makes, and the guests.
 */
#ifndef ACTORS_H
#define ACTORS_H

#include "oracle.h"

/*
 * Words that a protected guest must be able to keep to itself begin so; what the host reads
 * after a run must not have any.
 */
#define SECRET_PREFIX 0x5ec2e7ULL
static inline u64 secret_of(u32 handle)
{
	return SECRET_PREFIX << 40 | (u64)handle << 32 | (u32)rng_next(&sim.rng, 4);
}

static inline bool is_secret(u64 word)
{
	return word >> 40 == SECRET_PREFIX;
}

/* ---- host.c ---- */

void host_init(struct rng *rng);
/* A hypercall with arguments of all kinds. */
struct call host_choose(u32 cpu);
/* A step of making, running or ending a VM, as a sane host would. */
struct call host_choose_sane(u32 cpu);
/* What the host knows after a call, and what it must find in its registers. */
void host_note(const struct call *call);
void host_check_cpu(struct sim_cpu *cpu);
void host_mark_registers(struct sim_cpu *cpu);
/* Reads or writes memory at a random address. */
void host_touch(struct sim_cpu *cpu);
/* An SMC of any kind. */
void host_smc(struct sim_cpu *cpu);
/* Runs on a CPU that firmware has started. */
void host_cpu_started(struct sim_cpu *cpu);
bool host_choose_floating_point(struct sim_cpu *cpu);

/* ---- guest.c ---- */

/* A vCPU has been made. */
void guest_begin(u32 handle, u32 vcpu);
/* Words of a vCPU's page that the host may read: fails if a secret is among them. */
void guest_check_secrets(const struct call *call);
/* After a run of an AArch32 vCPU: its page has what the guest left in its registers. */
void guest_check_a32(const struct call *call);

#endif /* ACTORS_H */
