// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests: guest_enter() in place of EL2's assembly. On each entry a guest does one thing
 * that brings it back to EL2: uses memory that it has or has not, calls, traps. Protected
 * ones fill their registers and pages with secrets.
 */
#include <string.h>

#include "actors.h"
#include "switch.h"

#define EC(ec) ((u64)(ec) << ESR_EC_SHIFT | ESR_IL)
#define GFNS   1200

static const u32 calls[] = {
	0x80000000, 0x80000001, 0x84000000, 0xc4000001, 0x84000002, 0xc4000003, 0xc4000004,
	0x84000006, 0x84000008, 0x84000009, 0x8400000a, 0x86000000, 0x8600ff01, 0xc6000002,
	0xc6000003, 0xc6000004, 0xc6000007, 0xc6000030, 0xc6000001, 0xc4000009,
};

/* Where CPU_ON lets a vCPU begin; the host sees it, but must not choose it. */
#define START_PREFIX 0x57a57ULL

/* Has any vCPU of the VM run? The first begins where the host says, no other one. */
static bool booted[RD_VM_MAX + 1];

/* What of a vCPU's FP registers is known; by VM and vCPU. */
static struct {
	bool known;
	u64 word;
} fp[RD_VM_MAX + 1][VCPUS_MAX];

/* FPEXC of AArch32 vCPUs that have used FP. */
static struct {
	bool known;
	u64 word;
} fpexc[RD_VM_MAX + 1][VCPUS_MAX];

/* What only AArch32 has, as the guest that ran last on a CPU left it. */
static const struct {
	const char *name;
	enum rd_sys index;
} a32_registers[] = {
	{ "spsr_abt", RD_SYS_SPSR_ABT },     { "spsr_und", RD_SYS_SPSR_UND },
	{ "spsr_irq", RD_SYS_SPSR_IRQ },     { "spsr_fiq", RD_SYS_SPSR_FIQ },
	{ "dacr32_el2", RD_SYS_DACR32_EL2 }, { "ifsr32_el2", RD_SYS_IFSR32_EL2 },
	{ "dbgvcr32_el2", RD_SYS_DBGVCR32_EL2 },
};
#define NR_A32 (sizeof(a32_registers) / sizeof(a32_registers[0]))
static u64 a32_left[SIM_CPUS][NR_A32];
/* It has been entered in this run: what is in the registers now is its own. */
static bool a32_entered[SIM_CPUS];

static u64 below(u64 n)
{
	return rng_below(&sim.rng, n);
}

/* A guest's own registers, all of them, in the CPU. */
static const char *const registers[] = {
	"sp_el0", "sp_el1", "elr_el1", "spsr_el1", "sctlr_el1", "cpacr_el1", "ttbr0_el1",
	"ttbr1_el1", "tcr_el1", "esr_el1", "afsr0_el1", "afsr1_el1", "far_el1", "mair_el1",
	"vbar_el1", "contextidr_el1", "tpidr_el0", "tpidrro_el0", "tpidr_el1", "amair_el1",
	"cntkctl_el1", "par_el1", "csselr_el1", "mdscr_el1", "mdccint_el1",
};

static void fill_registers(struct rd_vcpu_state *state, u32 handle)
{
	u32 i;

	for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		*sim_reg(sim_this, registers[i]) = secret_of(handle);
	for (i = 0; i < 31; i++)
		state->x[i] = secret_of(handle);
	*SIM_REG(sim_this, elr_el2) = secret_of(handle) & ~3ULL;
}

/* An AArch32 guest: loaded with its own registers; EL1's modes, and no others. */
static void check_a32_entry(u32 handle, const struct rd_vcpu_state *state)
{
	u64 spsr = *SIM_REG(sim_this, spsr_el2);
	u32 i;

	if (!sim_has_aarch32_el1(sim_this->index) || *SIM_REG(sim_this, hcr_el2) & HCR_EL2_RW)
		sim_fail("VM %u runs with EL1 in AArch64", handle);
	/* usr, fiq, irq, svc, abt, und, sys; not mon, hyp. */
	if (!(0x888f0000U >> (spsr & 0x1f) & 1))
		sim_fail("AArch32 VM %u would run with PSTATE %#llx", handle, spsr);
	if (*SIM_REG(sim_this, hstr_el2) != 1 << 15)
		sim_fail("AArch32 VM %u reaches the CPU's own registers", handle);
	if (*SIM_REG(sim_this, cptr_el2) & CPTR_EL2_TFP &&
	    !(*SIM_REG(sim_this, fpexc32_el2) & 1ULL << 30))
		sim_fail("FP of AArch32 VM %u is undefined where it should trap", handle);
	for (i = 0; i < NR_A32; i++) {
		if (!sim.racing &&
		    *sim_reg(sim_this, a32_registers[i].name) !=
		    (a32_entered[sim_this->index] ? a32_left[sim_this->index][i] :
						    state->sys[a32_registers[i].index]))
			sim_fail("AArch32 VM %u runs without its %s", handle, a32_registers[i].name);
		a32_left[sim_this->index][i] = 0xa320000000 + below(1 << 20);
		*sim_reg(sim_this, a32_registers[i].name) = a32_left[sim_this->index][i];
	}
	a32_entered[sim_this->index] = true;
}

static void check_entry(u32 handle, const struct rd_vcpu_state *state)
{
	u64 pc = *SIM_REG(sim_this, elr_el2), hcr = *SIM_REG(sim_this, hcr_el2), spsr = *SIM_REG(sim_this, spsr_el2);
	u64 must = HCR_EL2_VM | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO | HCR_EL2_TSC;
	struct walk_regime reg = sim_stage2(sim_this);

	if (book.vm[handle].width != 32)
		must |= HCR_EL2_RW;
	if ((hcr & must) != must)
		sim_fail("VM %u runs with HCR_EL2 %#llx", handle, hcr);
	if (reg.wrong || reg.vmid != handle)
		sim_fail("VM %u runs with the stage 2 of VMID %u", handle, reg.vmid);
	if (book.vm[handle].width == 32)
		check_a32_entry(handle, state);
	else if ((spsr & 0xf) > 5 || (spsr & PSR_M32 && (spsr & 0xf)))
		sim_fail("VM %u would run with PSTATE %#llx", handle, spsr);
	if (book.vm[handle].is_protected && booted[handle] && !is_secret(pc) &&
	    pc >> 40 != START_PREFIX)
		sim_fail("a vCPU of protected VM %u runs at %#llx, where it has not been", handle,
			 pc);
	booted[handle] = true;
	if (sim_locks_held)
		sim_fail("a guest runs while EL2 holds a lock");
}

static u64 abort_iss(bool write, int level)
{
	u64 iss = ESR_FSC_TRANS | (level < 0 ? 0 : (u64)level) | (write ? ESR_WNR : 0);

	if (below(4))
		iss |= 1ULL << 24 | below(4) << 22 | below(2) << 21 | below(32) << 16 | below(2) << 15;
	return iss;
}

/* Registers that an instruction names may be shown to the host: nothing secret in them. */
static void open_register(struct rd_vcpu_state *state, u64 esr)
{
	u64 rt = esr >> 16 & 0x1f, sys_rt = esr >> 5 & 0x1f;

	if (rt < 31)
		state->x[rt] = below(1 << 30);
	if (sys_rt < 31)
		state->x[sys_rt] = below(1 << 30);
}

static void trap(struct rd_vcpu_state *state, u64 esr, u64 ia)
{
	open_register(state, esr);
	*SIM_REG(sim_this, esr_el2) = esr;
	*SIM_REG(sim_this, far_el2) = ia;
	*SIM_REG(sim_this, hpfar_el2) = ia >> 12 << 4;
}

/* One that the guest has, more often than not. */
static u64 some_gfn(u32 handle)
{
	u32 i;

	for (i = 0; i < 8 && world_was.nr_maps; i++) {
		const struct guest_map *map = &world_was.map[below(world_was.nr_maps)];

		if (map->handle == handle)
			return map->gfn;
	}
	return below(GFNS);
}

static void use_memory(struct rd_vcpu_state *state, u32 handle)
{
	u64 ia = some_gfn(handle) << sim.shape->shift | (below(512) << 3), esr;
	bool write = below(2), insn = !below(8);
	enum walk_fault fault;
	struct walk_result res = sim_access(sim_this, ia, write, &fault);
	u32 page = sim_page(res.oa >> sim.shape->shift);

	if (fault == WALK_OK) {
		if (page == SIM_NO_PAGE && book.vm[handle].is_protected)
			sim_fail("VM %u reaches PA %#llx", handle, res.oa);
		if (write && page != SIM_NO_PAGE && book.filled[page]) {
			book.fill[page] = book.vm[handle].is_protected ? secret_of(handle) :
									 below(1 << 30);
			sim_fill(page, book.fill[page]);
		}
		trap(state, EC(ESR_EC_WFX), 0);
		return;
	}
	esr = EC(insn ? ESR_EC_IABT_LOW : ESR_EC_DABT_LOW) | abort_iss(write, res.level);
	if (fault == WALK_PERMISSION)
		esr = (esr & ~0x3fULL) | ESR_FSC_PERM | (u64)res.level;
	trap(state, esr, ia);
}

static void call(struct rd_vcpu_state *state, u32 handle)
{
	u32 i;

	state->x[0] = calls[below(sizeof(calls) / sizeof(calls[0]))];
	if (!below(16))
		state->x[0] = rng_next(&sim.rng, 8);
	if (!below(5))
		state->x[0] = 0xc4000003;
	state->x[1] = below(4) ? some_gfn(handle) << sim.shape->shift : below(6);
	state->x[2] = below(4) ? 0 : rng_next(&sim.rng, 5);
	state->x[3] = below(4) ? 0 : below(1000);
	if ((u32)state->x[0] == 0xc6000030)
		state->x[2] = (1 + below(3)) << sim.shape->shift;
	if (!below(12))
		state->x[1] = ~0ULL >> below(64);
	if ((u32)state->x[0] == 0xc4000003) {
		state->x[1] = below(VCPUS_MAX + 1);
		state->x[2] = START_PREFIX << 40 | below(1 << 20) << 2;
	}
	/* PSCI's CPU_OFF and CPU_ON begin with new registers. */
	for (i = 0; i < VCPUS_MAX; i++)
		if ((u32)state->x[0] == 0x84000002 || (u32)state->x[0] == 0xc4000003)
			fp[handle][i].known = false;
	*SIM_REG(sim_this, esr_el2) = EC(ESR_EC_HVC64);
}

/* FP registers: a trap, if they are not there yet; else they must be this vCPU's. */
static void use_fp(struct rd_vcpu_state *state, u32 handle, u32 vcpu)
{
	u32 i;

	if (*SIM_REG(sim_this, cptr_el2) & CPTR_EL2_TFP) {
		trap(state, EC(ESR_EC_FP), 0);
		return;
	}
	for (i = 0; i < 64 && book.vm[handle].is_protected && fp[handle][vcpu].known; i++)
		if (sim_this->fp.v[i] != fp[handle][vcpu].word)
			sim_fail("VM %u has lost its FP registers", handle);
	if (book.vm[handle].width == 32) {
		if (fpexc[handle][vcpu].known && !sim.racing &&
		    *SIM_REG(sim_this, fpexc32_el2) != fpexc[handle][vcpu].word)
			sim_fail("AArch32 VM %u has lost its FPEXC", handle);
		fpexc[handle][vcpu].word = below(1ULL << 32);
		fpexc[handle][vcpu].known = true;
		*SIM_REG(sim_this, fpexc32_el2) = fpexc[handle][vcpu].word;
	}
	fp[handle][vcpu].word = secret_of(handle);
	fp[handle][vcpu].known = true;
	for (i = 0; i < 64; i++)
		sim_this->fp.v[i] = fp[handle][vcpu].word;
	trap(state, EC(ESR_EC_WFX), 0);
}

static void trap_sysreg(struct rd_vcpu_state *state)
{
	static const u32 known[] = { 0x300018 | 5 << 17 | 11 << 10 /* SGI1R-like */, 0x300008,
				     0x30000a, 0x30000c, 0x30000e, 0x200000, 0x300402, 0x35d07a };
	u64 iss = below(2) ? known[below(8)] ^ below(2) : rng_next(&sim.rng, 4) & ESR_ISS_MASK;

	trap(state, EC(ESR_EC_SYS64) | (iss & ~(0x1fULL << 5)) | below(32) << 5, 0);
}

u64 guest_enter(struct hyp_cpu *cpu, struct rd_vcpu_state *state)
{
	u32 handle = book.loaded[sim_this->index], vcpu = book.loaded_vcpu[sim_this->index];

	(void)cpu;
	check_entry(handle, state);
	sim_ext_check_guest(sim_this);
	sim_switch_point();
	fill_registers(state, handle);
	/* FPEXC is only found lost by a vCPU that comes back to FP. */
	if (book.vm[handle].width == 32 && !below(4)) {
		use_fp(state, handle, vcpu);
		return 0;
	}
	switch (below(12)) {
	case 0:
	case 1:
	case 2:
		use_memory(state, handle);
		return 0;
	case 3:
	case 4:
	case 5:
		call(state, handle);
		return 0;
	case 6:
		trap_sysreg(state);
		return 0;
	case 7:
		use_fp(state, handle, vcpu);
		return 0;
	case 8:
		/* Any class that a lower exception level can cause. */
		trap(state, below(1ULL << 32) & ~(0xc00ULL), below(1ULL << 40));
		return 0;
	case 9:
		return 3;
	default:
		return 1 + below(2);
	}
}

/* Has the VM one yet? */
static bool vcpu_of_live(u32 handle)
{
	u32 i;

	for (i = 0; i < VCPUS_MAX; i++)
		if (book.vm[handle].vcpu[i])
			return true;
	return false;
}

void guest_begin(u32 handle, u32 vcpu)
{
	fp[handle][vcpu].known = fpexc[handle][vcpu].known = false;
	if (!vcpu_of_live(handle))
		booted[handle] = false;
}

void guest_check_a32(const struct call *call)
{
	u32 handle = book.loaded[call->cpu], i;
	const struct rd_vcpu_state *state =
		sim_ram(book.vm[handle].state_pfn[book.loaded_vcpu[call->cpu]]
			<< sim.shape->shift);

	a32_entered[call->cpu] = false;
	if (book.vm[handle].width != 32 || call->out[1] == RD_EXIT_ILLEGAL || sim.racing)
		return;
	for (i = 0; i < NR_A32; i++)
		if (state->sys[a32_registers[i].index] != a32_left[call->cpu][i])
			sim_fail("AArch32 VM %u loses its %s", handle, a32_registers[i].name);
}

void guest_check_secrets(const struct call *call)
{
	u32 handle = book.loaded[call->cpu], i;
	const struct sim_cpu *cpu = &sim.cpu[call->cpu];
	const u64 *words = sim_ram(book.vm[handle].state_pfn[book.loaded_vcpu[call->cpu]]
				   << sim.shape->shift);

	if (!book.vm[handle].is_protected)
		return;
	for (i = 0; i < sizeof(struct rd_vcpu_state) / sizeof(u64); i++)
		if (is_secret(words[i]))
			sim_fail("word %u of the shared page shows a protected guest's secret", i);
	for (i = 1; i < 18; i++)
		if (is_secret(call->out[i]))
			sim_fail("x%u of a hypercall shows a protected guest's secret", i);
	for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (is_secret(*sim_reg((struct sim_cpu *)cpu, registers[i])))
			sim_fail("%s still has a protected guest's value", registers[i]);
	if (is_secret(cpu->fp.v[0]) && !(*SIM_REG((struct sim_cpu *)cpu, cptr_el2) & CPTR_EL2_TFP))
		sim_fail("the host can read a protected guest's FP registers");
}
