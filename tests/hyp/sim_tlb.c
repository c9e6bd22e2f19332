// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 translations as CPUs hold them. Filled by accesses; a translation is held twice,
 * by IPA and combined with stage 1, and an invalidation by IPA leaves the second (Arm ARM
 * D8.16.5). What oracle.c finds here that the owner has lost is a hole (invariant 3).
 */
#include <string.h>

#include "sim.h"
#include "../core/judge/tlbi.h"

struct walk_regime sim_stage2(struct sim_cpu *cpu)
{
	return walk_decode(&sim.shape->cpu, true, *SIM_REG(cpu, vtcr_el2),
			   *SIM_REG(cpu, vttbr_el2),
			   *SIM_REG(cpu, hcr_el2) & HCR_EL2_FWB);
}

static void hold(struct sim_cpu *cpu, const struct walk_regime *reg, u64 ia,
		 const struct walk_result *res)
{
	struct sim_tlb_entry *entry, new = {
		.valid = true, .combined = true, .by_ipa = true, .vmid = reg->vmid,
		.ia = ia & ~(res->leaf_size - 1), .oa = res->oa & ~(res->leaf_size - 1),
		.size = res->leaf_size, .level = res->level, .w = res->w,
	};
	u32 i;

	for (i = 0; i < SIM_TLB_SIZE; i++) {
		entry = &cpu->tlb[i];
		if (entry->valid && entry->vmid == new.vmid && entry->ia == new.ia &&
		    entry->level == new.level && entry->oa == new.oa) {
			*entry = new;
			return;
		}
	}
	cpu->tlb[rng_below(&sim.rng, SIM_TLB_SIZE)] = new;
}

struct walk_result sim_access(struct sim_cpu *cpu, u64 ia, bool write, enum walk_fault *fault)
{
	struct walk_regime reg = sim_stage2(cpu);
	struct walk_result res = walk_translate(&reg, ia, sim_read_desc, NULL);

	*fault = walk_access(&reg, &res, write, false, false);
	/* A translation or access flag fault is never cached (Arm ARM D8.16.1). */
	if (*fault == WALK_OK || *fault == WALK_PERMISSION)
		hold(cpu, &reg, ia, &res);
	return res;
}

void sim_tlb_forget(struct sim_cpu *cpu)
{
	memset(cpu->tlb, 0, sizeof(cpu->tlb));
}

/* What of an entry goes with an instruction. */
struct removal {
	struct tlbi op;
	bool by_ipa, combined;
};

static void remove_from(struct sim_cpu *cpu, u32 vmid, const struct removal *removal)
{
	u32 i;

	for (i = 0; i < SIM_TLB_SIZE; i++) {
		struct sim_tlb_entry *entry = &cpu->tlb[i];

		if (!entry->valid || entry->vmid != vmid ||
		    !tlbi_removes(&removal->op, entry->ia, entry->size, entry->level, false))
			continue;
		if (removal->by_ipa)
			entry->by_ipa = false;
		/* As long as it is held by IPA, the combined one may come back. */
		if (removal->combined && !entry->by_ipa)
			entry->combined = false;
		entry->valid = entry->by_ipa || entry->combined;
	}
}

static void stage2_invalidate(const struct removal *removal, bool all_cpus)
{
	u32 vmid = (u32)(*SIM_REG(sim_this, vttbr_el2) >> 48), i;

	for (i = 0; i < sim.nr_cpus; i++)
		if (all_cpus || &sim.cpu[i] == sim_this)
			remove_from(&sim.cpu[i], vmid, removal);
}

/* Range forms by encoding: op1 4, CRn C8; CRm C0 or C2 is broadcast, C4 or C6 is not. */
static const char *range_form(const char *op)
{
	static const struct {
		const char *code, *name;
	} forms[] = {
		{ "sys C2 1", "rvae2is" }, { "sys C2 5", "rvale2is" }, { "sys C0 2", "ripas2e1is" },
		{ "sys C0 6", "ripas2le1is" }, { "sys C6 1", "rvae2" }, { "sys C6 5", "rvale2" },
		{ "sys C4 2", "ripas2e1" }, { "sys C4 6", "ripas2le1" },
	};
	u32 i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(op, forms[i].code))
			return forms[i].name;
	return op;
}

static void stage1_invalidate(const char *op, u64 operand, bool range)
{
	struct walk_regime reg = sim_stage1();
	struct tlbi decoded = !strncmp(op, "alle2", 5) ? tlbi_decode_all() :
			      range ? tlbi_decode_range(&reg, operand, true) :
				      tlbi_decode_single(&reg, operand, true);

	if (decoded.vain)
		sim_fail("TLBI %s of %#llx: %s", op, operand, decoded.vain);
	sim_mem_tlbi(decoded.first, decoded.last);
}

void sim_tlbi(const char *op, u64 operand)
{
	struct walk_regime reg = sim_stage2(sim_this);
	struct removal removal = { .op = tlbi_decode_all() };
	bool range, all_cpus;

	op = range_form(op);
	range = op[0] == 'r';
	all_cpus = !strcmp(op + strlen(op) - 2, "is");
	sim_barrier();
	if (strstr(op, "e2") && !strstr(op, "s2")) {
		stage1_invalidate(op, operand, range);
		return;
	}
	if (strstr(op, "ipas2")) {
		removal.op = range ? tlbi_decode_range(&reg, operand, true) :
				     tlbi_decode_single(&reg, operand, true);
		removal.by_ipa = true;
	} else {
		removal.combined = true;
		removal.by_ipa = !strncmp(op, "vmalls12e1", 10);
	}
	if (removal.op.vain)
		sim_fail("TLBI %s of %#llx: %s", op, operand, removal.op.vain);
	stage2_invalidate(&removal, all_cpus);
}
