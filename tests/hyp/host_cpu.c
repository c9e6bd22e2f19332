// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host on one CPU: its registers, its accesses to memory, its SMCs, and its CPUs going
 * off and coming back.
 */
#include <string.h>

#include "actors.h"
#include "host.h"
#include "setup.h"

/* Registers that the host must find as it left them, whatever it asked for. */
static const char *const kept[] = {
	"sp_el0", "sp_el1", "ttbr0_el1", "ttbr1_el1", "contextidr_el1", "cpacr_el1", "mdscr_el1",
	"tpidr_el0", "tpidrro_el0", "sctlr_el1", "tcr_el1", "mair_el1", "amair_el1", "vbar_el1",
	"tpidr_el1", "actlr_el1", "cntkctl_el1", "csselr_el1", "mdccint_el1", "mdcr_el2",
	"hstr_el2",
	/* Recorders: PMSCR, PMBLIMITR, TRFCR, TRBLIMITR, BRBCR. */
	"S3_0_C9_C9_0", "S3_0_C9_C10_0", "S3_0_C1_C2_1", "S3_0_C9_C11_0", "S2_1_C9_C0_0",
};
#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

static u64 mark[SIM_CPUS][NR_KEPT], fp_mark[SIM_CPUS];

/* CPUs whose name EL2 has learnt: others may have taken the place of one that it has not. */
static bool known[SIM_CPUS];

/* Where the host wants a CPU to begin that it turned on, or that sleeps. */
static u64 start_pc[SIM_CPUS], start_x0[SIM_CPUS];

static u64 below(u64 n)
{
	return rng_below(&sim.rng, n);
}

static void mark_fp(struct sim_cpu *cpu)
{
	u32 i;

	fp_mark[cpu->index] = 0xf0000000 + below(1 << 20);
	for (i = 0; i < 64; i++)
		cpu->fp.v[i] = fp_mark[cpu->index];
}

void host_mark_registers(struct sim_cpu *cpu)
{
	u32 i;

	for (i = 0; i < NR_KEPT; i++) {
		mark[cpu->index][i] = 0x1000000000 + below(1 << 30);
		*sim_reg(cpu, kept[i]) = mark[cpu->index][i];
	}
	mark_fp(cpu);
}

static bool fp_is_host(const struct sim_cpu *cpu)
{
	u32 i;

	for (i = 0; i < 64 && cpu->fp.v[i] == fp_mark[cpu->index]; i++)
		;
	return i == 64;
}

void host_check_cpu(struct sim_cpu *cpu)
{
	u64 hcr = *SIM_REG(cpu, hcr_el2);
	u32 i;

	for (i = 0; i < NR_KEPT; i++)
		if (*sim_reg(cpu, kept[i]) != mark[cpu->index][i])
			sim_fail("the host's %s on CPU %u was %#llx and is %#llx", kept[i],
				 cpu->index, mark[cpu->index][i], *sim_reg(cpu, kept[i]));
	sim_ext_check_host(cpu);
	if (cpu->data->closed && (!(hcr & HCR_EL2_VM) || sim_stage2(cpu).vmid))
		sim_fail("the host on CPU %u is not behind its stage 2: HCR_EL2 %#llx", cpu->index,
			 hcr);
	if (hcr & (HCR_EL2_TWI | HCR_EL2_VI | HCR_EL2_VSE | HCR_EL2_IMO | HCR_EL2_TVM) ||
	    !(hcr & HCR_EL2_TSC) || !(hcr & HCR_EL2_RW))
		sim_fail("the host runs with HCR_EL2 %#llx", hcr);
	if (!(*SIM_REG(cpu, cptr_el2) & CPTR_EL2_TFP) && !fp_is_host(cpu))
		sim_fail("the host's FP registers on CPU %u are not its own", cpu->index);
}

bool host_choose_floating_point(struct sim_cpu *cpu)
{
	struct host_regs regs = { .lr = 0 };

	if (!(*SIM_REG(cpu, cptr_el2) & CPTR_EL2_TFP)) {
		mark_fp(cpu);
		return true;
	}
	*SIM_REG(cpu, esr_el2) = (u64)ESR_EC_FP << ESR_EC_SHIFT | ESR_IL;
	host_sync(&regs);
	return !(*SIM_REG(cpu, cptr_el2) & CPTR_EL2_TFP) && fp_is_host(cpu);
}

/* ---- Memory ---- */

static u64 some_address(void)
{
	switch (below(8)) {
	case 0:
		return below(1ULL << 52);
	case 1: /* devices */
		return 0x9000000 + (below(64) << 12);
	case 2:
		return hyp_boot.chunk[below(hyp_boot.nr_chunks)].base + below(0x3000);
	default:
		return (sim_pfn((u32)below(sim.nr_pages)) << sim.shape->shift) + below(4096);
	}
}

static bool host_may(u64 at)
{
	u32 page = sim_page(at >> sim.shape->shift);

	if (page == SIM_NO_PAGE)
		return !(at >> hyp_boot.host_bits);
	return world_was.page[page].owner == BY_HOST || world_was.page[page].lent == LENT_HOST;
}

/*
 * The access has not worked: EL2 maps it (true: to be done again), or puts an abort into
 * the host.
 */
static bool take_fault(struct sim_cpu *cpu, u64 at, bool write, int level, enum walk_fault fault)
{
	u64 pc = *SIM_REG(cpu, elr_el2), vector = *SIM_REG(cpu, vbar_el1) + 0x200;
	struct host_regs regs = { .lr = 0 };
	u64 fsc = fault == WALK_PERMISSION ? ESR_FSC_PERM : ESR_FSC_TRANS;

	*SIM_REG(cpu, esr_el2) = (u64)ESR_EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | fsc |
				 (write ? ESR_WNR : 0) | (u64)(level < 0 ? 0 : level);
	*SIM_REG(cpu, far_el2) = at;
	*SIM_REG(cpu, hpfar_el2) = (at >> 12) << 4;
	host_sync(&regs);
	if (*SIM_REG(cpu, elr_el2) == pc)
		return true;
	if (*SIM_REG(cpu, elr_el2) != vector)
		sim_fail("a refused access leads to %#llx", *SIM_REG(cpu, elr_el2));
	/* The kernel's handler has run, and gone back. */
	*SIM_REG(cpu, elr_el2) = pc;
	*SIM_REG(cpu, spsr_el2) = *SIM_REG(cpu, spsr_el1);
	return false;
}

void host_touch(struct sim_cpu *cpu)
{
	u64 at = some_address();
	bool write = below(2);
	enum walk_fault fault;
	struct walk_result res = sim_access(cpu, at, write, &fault);
	u32 page = sim_page(at >> sim.shape->shift), tries;

	for (tries = 0; fault != WALK_OK; tries++) {
		if (!take_fault(cpu, at, write, res.level, fault))
			break;
		res = sim_access(cpu, at, write, &fault);
		if (tries > 50)
			sim_fail("the host's access to PA %#llx neither works nor fails", at);
	}
	if (fault == WALK_OK && !host_may(at))
		sim_fail("the host reaches PA %#llx, which is not its own", at);
	if (fault == WALK_OK && page != SIM_NO_PAGE && write && book.filled[page]) {
		book.fill[page] = below(1ULL << 40);
		sim_fill(page, book.fill[page]);
	}
}

/* ---- SMCs ---- */

static void set_smc(u64 *x, struct sim_cpu *cpu)
{
	static const u32 fns[] = { 0x84000000, 0xc4000001, 0x84000001, 0x84000002, 0x84000002,
				   0x84000002, 0xc4000003, 0xc4000003, 0xc4000003, 0xc4000003,
				   0x84000003, 0xc4000004, 0x8400000a, 0xc400000e,
				   0x8400000b, 0xc400000c, 0x80000000, 0xc4000014,
				   0x84000013, 0x84000013, 0xc4000013 };
	u32 i;

	for (i = 0; i < 18; i++)
		x[i] = below(3) ? below(1000) : rng_next(&sim.rng, 8);
	x[0] = below(8) ? fns[below(sizeof(fns) / sizeof(fns[0]))] : rng_next(&sim.rng, 8);
	if (!below(20))
		x[0] |= 0x10000;
	if ((x[0] & 0xbfffffff) == 0x84000013 && below(8))
		x[1] = below(2);
	if ((x[0] & 0xbfffffff) == 0x84000003 && below(8))
		x[1] = below(8) ? below(sim.nr_cpus) : SIM_CPUS;
	/* The last CPU stays; and a CPU that is to go off must exist. */
	if (((u32)x[0] & ~0x10000u) == 0x84000002) {
		for (i = 0; i < sim.nr_cpus; i++)
			if (sim.cpu[i].on && &sim.cpu[i] != cpu)
				return;
		x[0] = 0x84000000;
	}
}

/* Where a CPU that starts must find itself: noted before firmware is asked. */
static void note_start(const u64 *x, const struct sim_cpu *cpu)
{
	bool wide = x[0] & 0x40000000;
	u64 mask = wide ? ~0ULL : 0xffffffff;

	switch ((u32)x[0] & ~0x40010000u) {
	case 0x84000003:
		if ((x[1] & mask) < sim.nr_cpus && !sim_firmware_starts((u32)(x[1] & mask)) &&
		    !sim.cpu[x[1] & mask].on) {
			start_pc[x[1] & mask] = x[2] & mask;
			start_x0[x[1] & mask] = x[3] & mask;
		}
		break;
	case 0x84000001:
		start_pc[cpu->index] = x[2] & mask;
		start_x0[cpu->index] = x[3] & mask;
		break;
	case 0x8400000e:
		start_pc[cpu->index] = x[1] & mask;
		start_x0[cpu->index] = x[2] & mask;
	}
}

/* CPU_ON of a CPU that EL2 knows, and that is off. */
static bool starts_cpu(const u64 *x)
{
	return (u32)x[0] == 0xc4000003 && x[1] < sim.nr_cpus && known[x[1]] && !sim.cpu[x[1]].on &&
	       !sim_firmware_starts((u32)x[1]);
}

static void started(struct sim_cpu *cpu)
{
	if (cpu->entered_pc != start_pc[cpu->index] || cpu->entered_x0 != start_x0[cpu->index])
		sim_fail("CPU %u begins at %#llx with %#llx, asked for %#llx with %#llx", cpu->index,
			 cpu->entered_pc, cpu->entered_x0, start_pc[cpu->index],
			 start_x0[cpu->index]);
	sim_tlb_forget(cpu);
	cpu->on = known[cpu->index] = true;
	if (book.closed && !cpu->data->closed)
		sim_fail("CPU %u comes up with the host's stage 2 off", cpu->index);
	if (!(*SIM_REG(cpu, cptr_el2) & CPTR_EL2_TFP) && is_secret(cpu->fp.v[0]))
		sim_fail("a CPU comes up with a protected guest's FP registers");
	host_mark_registers(cpu);
	*SIM_REG(cpu, elr_el2) = 0xffff800080020000;
	*SIM_REG(cpu, spsr_el2) = PSR_MODE_EL1h | PSR_D | PSR_A | PSR_I | PSR_F;
}

static void went_off(struct sim_cpu *cpu)
{
	cpu->on = false;
	known[cpu->index] = true;
	sim_tlb_forget(cpu);
}

/* MEM_PROTECT: the host hears what it asked for last, whatever firmware was told since. */
static void note_mem_protect(u32 fn, u64 enable, u64 ret)
{
	u64 want = book.mem_protect_wish;

	if ((fn & ~0x10000u) != 0x84000013)
		return;
	if ((u32)enable > 1)
		want = (u64)-2;
	else if (!sim_firmware_has_mem_protect())
		want = (u64)-1;
	else
		book.mem_protect_wish = (u32)enable;
	if (ret != want)
		sim_fail("MEM_PROTECT(%llu) returns %lld, not %lld", enable, (long long)ret,
			 (long long)want);
}

void host_smc(struct sim_cpu *cpu)
{
	struct host_regs regs = { .lr = 0 };
	u64 pc = *SIM_REG(cpu, elr_el2), vector = *SIM_REG(cpu, vbar_el1) + 0x200;
	u64 imm = below(10) ? 0 : 1 + below(0xffff), enable;
	bool must_start;
	u32 fn;

	set_smc(regs.x, cpu);
	fn = (u32)regs.x[0];
	enable = regs.x[1];
	must_start = starts_cpu(regs.x) && !imm;
	if (!imm)
		note_start(regs.x, cpu);
	snprintf(sim_call_words, sizeof(sim_call_words), "CPU %u: SMC %#llx(%#llx, %#llx, %#llx)",
		 cpu->index, regs.x[0], regs.x[1], regs.x[2], regs.x[3]);
	*SIM_REG(cpu, esr_el2) = (u64)ESR_EC_SMC64 << ESR_EC_SHIFT | ESR_IL | imm;
	switch (setjmp(cpu->leave)) {
	case 0:
		host_sync(&regs);
		if (imm && regs.x[0] != ~0ULL)
			sim_fail("an SMC with an immediate returns %#llx", regs.x[0]);
		if (!imm)
			note_mem_protect(fn, enable, regs.x[0]);
		if (must_start && regs.x[0])
			sim_fail("a CPU that is off does not start: %lld", (long long)regs.x[0]);
		break;
	case SIM_TURNED_OFF:
		went_off(cpu);
		return;
	default:
		started(cpu);
		return;
	}
	if (*SIM_REG(cpu, elr_el2) == vector) {
		*SIM_REG(cpu, spsr_el2) = *SIM_REG(cpu, spsr_el1); /* UNDEFINED here */
	} else if (*SIM_REG(cpu, elr_el2) != pc + 4) {
		sim_fail("an SMC leads to %#llx", *SIM_REG(cpu, elr_el2));
	}
	*SIM_REG(cpu, elr_el2) = pc;
}

void host_cpu_started(struct sim_cpu *cpu)
{
	if (!setjmp(cpu->leave))
		sim_firmware_start(cpu);
	started(cpu);
}
