// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions of later CPUs, of which EL2 must keep guests away: the recorders that the
 * host programs, and registers that EL2 does not switch. Half of the machines have them.
 */
#include <string.h>

#include "sim.h"

/* A recorder's filter, which says what is recorded, and the limit of its buffer, with its switch. */
static struct {
	const char *csync, *filter, *limit;
	u32 filter_slot, limit_slot;
} buffers[] = {
	{ "spe", "S3_0_C9_C9_0", "S3_0_C9_C10_0", 0, 0 },
	{ "trbe", "S3_0_C1_C2_1", "S3_0_C9_C11_0", 0, 0 },
};
#define NR_BUFFERS (sizeof(buffers) / sizeof(buffers[0]))

/* Filters for EL2, and what the hyp stub gave the host: HCRX_EL2, fine-grained traps. */
static struct extension {
	const char *name;
	u64 host, guest;
	u32 slot;
} el2_filters[] = {
	{ .name = "S3_4_C9_C9_0" },
	{ .name = "S3_4_C1_C2_1" },
	{ .name = "S2_4_C9_C0_0" },
}, extensions[] = {
	{ "S3_4_C1_C2_2", 1 << 11 | 1 << 14, 0, 0 },
	{ "S3_4_C1_C1_4", 0x7ULL << 54, 3ULL << 30, 0 },
	{ "S3_4_C1_C1_5", 0x7ULL << 54, 3ULL << 30, 0 },
	{ "S3_4_C1_C1_6", 0x3ULL << 55, 0, 0 },
	{ "S3_4_C3_C1_4", 0x7ULL << 60, 0, 0 },
	{ "S3_4_C3_C1_5", 0x3ULL << 60, 0, 0 },
};

static bool drained[SIM_CPUS][NR_BUFFERS];

static u64 *reg(struct sim_cpu *cpu, struct extension *ext)
{
	return &cpu->reg[sim_reg_slot(&ext->slot, ext->name)];
}

static bool recording(struct sim_cpu *cpu, u32 i)
{
	return cpu->reg[sim_reg_slot(&buffers[i].limit_slot, buffers[i].limit)] & 1;
}

void sim_ext_init(struct sim_cpu *cpu, bool launched)
{
	u32 i;

	if (!sim.shape->modern)
		return;
	*sim_reg(cpu, "id_aa64dfr0_el1") |= 1ULL << 32 | 1ULL << 44 | 1ULL << 52;
	for (i = 0; i < sizeof(el2_filters) / sizeof(el2_filters[0]); i++)
		*reg(cpu, &el2_filters[i]) = 3;
	for (i = 0; launched && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		*reg(cpu, &extensions[i]) = extensions[i].host;
}

void sim_ext_check_host(struct sim_cpu *cpu)
{
	u32 i;

	if (!sim.shape->modern)
		return;
	for (i = 0; i < sizeof(el2_filters) / sizeof(el2_filters[0]); i++)
		if (*reg(cpu, &el2_filters[i]))
			sim_fail("%s lets EL2 be recorded", el2_filters[i].name);
	for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (*reg(cpu, &extensions[i]) != extensions[i].host)
			sim_fail("the host runs with %s %#llx", extensions[i].name,
				 *reg(cpu, &extensions[i]));
}

void sim_ext_check_guest(struct sim_cpu *cpu)
{
	u32 i;

	if (!sim.shape->modern)
		return;
	for (i = 0; i < NR_BUFFERS; i++)
		if (recording(cpu, i))
			sim_fail("a guest runs with the host's %s buffer on", buffers[i].csync);
	if (*SIM_REG(cpu, S2_1_C9_C0_0) & 3)
		sim_fail("a guest's branches are recorded for the host");
	for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (*reg(cpu, &extensions[i]) != extensions[i].guest)
			sim_fail("a guest runs with %s %#llx", extensions[i].name,
				 *reg(cpu, &extensions[i]));
}

void sim_csync(const char *what)
{
	u32 i;

	for (i = 0; i < NR_BUFFERS; i++)
		if (!strcmp(what, buffers[i].csync))
			drained[sim_this->index][i] = !(sim_this->reg[sim_reg_slot(&buffers[i].filter_slot, buffers[i].filter)] & 3);
}

/* A write that is about to be done. */
void sim_ext_watch(u32 slot, u64 value)
{
	static u32 vttbr;
	bool new_vmid = slot == sim_reg_slot(&vttbr, "vttbr_el2") &&
			*SIM_REG(sim_this, vttbr_el2) >> 48 != value >> 48;
	u32 i;

	for (i = 0; i < NR_BUFFERS; i++) {
		bool filter = slot == sim_reg_slot(&buffers[i].filter_slot, buffers[i].filter);
		bool limit = slot == sim_reg_slot(&buffers[i].limit_slot, buffers[i].limit);

		if ((filter || limit) && !sim.shape->modern)
			sim_fail("EL2 writes to a recorder that this CPU lacks");
		if (filter)
			drained[sim_this->index][i] = false;
		if (limit && recording(sim_this, i) && !(value & 1) && !drained[sim_this->index][i])
			sim_fail("the %s buffer goes off with records under way", buffers[i].csync);
		if (new_vmid && sim.shape->modern && recording(sim_this, i))
			sim_fail("the %s buffer is on while stage 2 changes", buffers[i].csync);
	}
}
