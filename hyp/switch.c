// SPDX-License-Identifier: GPL-2.0-only
/*
 * World switch between the host and a guest on one CPU: the noun is the set of
 * EL1 registers and EL2 controls of whoever runs. All of it happens with every
 * exception masked, so nothing here needs a lock; invariant 6 is kept by reading
 * each word of the shared state once.
 *
 * Barriers: writes to EL1 registers and EL2 controls over EL1 take effect at the
 * ERET at the latest, which is a context synchronization event. Only what EL2
 * itself depends on before that has an ISB, with its reason beside it.
 */
#include "aarch32.h"
#include "arch.h"
#include "debug.h"
#include "fp.h"
#include "host_mem.h"
#include "protected.h"
#include "recorder.h"
#include "switch.h"
#include "tlb.h"
#include "trace.h"
#include "vgic.h"
#include "vm.h"

/* The host's registers that may differ from one run to the next. */
#define HOST_RUN_REGS(X)                                                                           \
	X(sp_el0) X(sp_el1) X(ttbr0_el1) X(ttbr1_el1) X(contextidr_el1) X(cpacr_el1) X(mdscr_el1)  \
	X(tpidr_el0) X(tpidrro_el0)

/* Those that stay for as long as a vCPU is loaded. */
#define HOST_LOAD_REGS(X)                                                                          \
	X(sctlr_el1) X(tcr_el1) X(mair_el1) X(amair_el1) X(vbar_el1) X(tpidr_el1) X(actlr_el1)     \
	X(cntkctl_el1) X(csselr_el1) X(mdccint_el1)

#define HOST_ENUM(reg) HOST_##reg,
enum { HOST_RUN_REGS(HOST_ENUM) HOST_LOAD_REGS(HOST_ENUM) HOST_NR };
_Static_assert(HOST_NR <= sizeof(((struct host_sysregs *)0)->sys) / sizeof(u64), "room for all");

#define HOST_SAVE(reg)	  host->sys[HOST_##reg] = read_sysreg(reg);
#define HOST_RESTORE(reg) write_sysreg(reg, host->sys[HOST_##reg]);

/* A guest's registers, in the order of the contract. DISR is only there with RAS. */
#define GUEST_REGS(X)                                                                              \
	X(SP_EL0, sp_el0) X(SP_EL1, sp_el1) X(ELR_EL1, elr_el1) X(SPSR_EL1, spsr_el1)              \
	X(SCTLR_EL1, sctlr_el1) X(CPACR_EL1, cpacr_el1) X(TTBR0_EL1, ttbr0_el1)                    \
	X(TTBR1_EL1, ttbr1_el1) X(TCR_EL1, tcr_el1) X(ESR_EL1, esr_el1) X(AFSR0_EL1, afsr0_el1)    \
	X(AFSR1_EL1, afsr1_el1) X(FAR_EL1, far_el1) X(MAIR_EL1, mair_el1) X(VBAR_EL1, vbar_el1)    \
	X(CONTEXTIDR_EL1, contextidr_el1) X(TPIDR_EL0, tpidr_el0)                                  \
	X(TPIDRRO_EL0, tpidrro_el0) X(TPIDR_EL1, tpidr_el1) X(AMAIR_EL1, amair_el1)                \
	X(CNTKCTL_EL1, cntkctl_el1) X(PAR_EL1, par_el1) X(CSSELR_EL1, csselr_el1)                  \
	X(MDSCR_EL1, mdscr_el1) X(MDCCINT_EL1, mdccint_el1)

#define GUEST_SAVE(id, reg)    state->sys[RD_SYS_##id] = read_sysreg(reg);
#define GUEST_RESTORE(id, reg) write_sysreg(reg, state->sys[RD_SYS_##id]);

/*
 * A guest's registers that host_restore() doesn't overwrite, since the kernel has nothing
 * in them between LOAD and PUT: addresses and syndromes, which a protected guest's host
 * must not learn. PAR_EL1 has what the guest translated last.
 */
#define GUEST_LEFT(X)                                                                              \
	X(elr_el1) X(spsr_el1) X(esr_el1) X(afsr0_el1) X(afsr1_el1) X(far_el1) X(par_el1)

#define GUEST_WIPE(reg) write_sysreg(reg, 0);

/* What a guest always runs with: its interrupts are virtual, its secrets its own. */
#define HCR_GUEST                                                                                  \
	(HCR_EL2_VM | HCR_EL2_SWIO | HCR_EL2_PTW | HCR_EL2_FMO | HCR_EL2_IMO | HCR_EL2_AMO |       \
	 HCR_EL2_FB | HCR_EL2_BSU_IS | HCR_EL2_TID3 | HCR_EL2_TSC |                                \
	 HCR_EL2_TIDCP | HCR_EL2_TACR | HCR_EL2_TLOR)

/*
 * A protected guest reads the CPU's own cache geometry and cleans by set and way as
 * it likes; for an ordinary one the module answers. CTR_EL0 is read before every cache
 * maintenance by address, at EL0 too: a hundred thousand times while a kernel boots.
 * It traps only where a guest is to see another value than the CPU's, or where the CPU
 * can't trap the geometry without it (no FEAT_EVT).
 */
static u64 ordinary_hcr(const struct hyp_vcpu *vcpu, u64 flags)
{
	bool same = flags & RD_VCPU_IDREGS &&
		    port_read64(&vcpu->state->idregs.ctr) == read_sysreg(ctr_el0);

	return HCR_EL2_TSW | (same && cpu_has_evt() ? HCR_EL2_TID4 : HCR_EL2_TID2);
}

/* What stays from one run to the next: it depends on the VM, whose width is settled, and the CPU. */
static u64 loaded_hcr(const struct hyp_vm *vm)
{
	u64 hcr = HCR_GUEST | (vm->width & HCR_EL2_RW);

	if (host_mem_has_fwb())
		hcr |= HCR_EL2_FWB;
	if (cpu_has_ras())
		hcr |= HCR_EL2_TERR;
	if (cpu_has_mte())
		hcr |= HCR_EL2_TID5;
	return hcr;
}

static u64 guest_hcr(const struct hyp_cpu *cpu, const struct hyp_vcpu *vcpu, u64 flags)
{
	u64 hcr = cpu->loaded_hcr;

	if (!vcpu->vm->is_protected)
		hcr |= ordinary_hcr(vcpu, flags);
	if (flags & RD_VCPU_TRAP_WFI)
		hcr |= HCR_EL2_TWI;
	if (flags & RD_VCPU_TRAP_WFE)
		hcr |= HCR_EL2_TWE;
	if (flags & RD_VCPU_TRAP_VM)
		hcr |= HCR_EL2_TVM;
	if (flags & RD_VCPU_VSERROR)
		hcr |= HCR_EL2_VSE;
	if (flags & RD_VCPU_VIRQ)
		hcr |= HCR_EL2_VI;
	if (flags & RD_VCPU_VFIQ)
		hcr |= HCR_EL2_VF;
	return hcr;
}

/* PMU, trace and profiling are hidden; debug as the flags say. HPMN stays the host's. */
static u64 guest_mdcr(u64 host_mdcr, u64 flags)
{
	u64 mdcr = (host_mdcr & MDCR_EL2_HPMN_MASK) | MDCR_EL2_TPM | MDCR_EL2_TPMCR |
		   MDCR_EL2_TPMS | MDCR_EL2_TTRF | MDCR_EL2_TDRA | MDCR_EL2_TDOSA;

	if (flags & RD_VCPU_TRAP_DBG)
		mdcr |= MDCR_EL2_TDA;
	/* TDE implies the traps of debug registers (Arm ARM D2.9.3). */
	if (flags & RD_VCPU_ROUTE_DBG)
		mdcr |= MDCR_EL2_TDE | MDCR_EL2_TDA;
	return mdcr;
}

/*
 * May the CPU return to this PSTATE? Only to EL1 or EL0: an illegal return would keep
 * it at EL2 with PSTATE.IL set. Where EL1 is AArch64, AArch32 only at EL0, and only if the
 * CPU has it.
 */
static bool pstate_ok(u64 pstate, u64 flags)
{
	if (port_unlikely(flags & RUN_AARCH32))
		return aarch32_pstate_ok(pstate);
	switch (pstate & (PSR_M32 | 0xf)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return true;
	case PSR_M32:
		return (read_sysreg(id_aa64pfr0_el1) & 0xf) == 2;
	default:
		return false;
	}
}

static void host_save(struct hyp_cpu *cpu)
{
	struct host_sysregs *host = &cpu->host;

	HOST_RUN_REGS(HOST_SAVE)
	host->mdcr = read_sysreg(mdcr_el2);
	recorder_stop(&cpu->recorders);
}

static void host_restore(struct hyp_cpu *cpu)
{
	struct host_sysregs *host = &cpu->host;

	HOST_RUN_REGS(HOST_RESTORE)
	HOST_LOAD_REGS(HOST_RESTORE)
	write_sysreg(mdcr_el2, host->mdcr);
	write_sysreg(vmpidr_el2, read_sysreg(mpidr_el1));
	write_sysreg(vpidr_el2, read_sysreg(midr_el1));
	write_sysreg(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
	write_sysreg(cptr_el2, fp_cptr_host(cpu));
	arch_host_activate();
	host_mem_activate();
	recorder_resume(&cpu->recorders);
}

static void guest_restore(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 flags)
{
	struct rd_vcpu_state *state = vcpu->state;
	u64 timer = port_read64(&state->timer.cnthctl);

	GUEST_REGS(GUEST_RESTORE)
	write_sysreg(vmpidr_el2, state->vmpidr);
	write_sysreg(vpidr_el2, state->vpidr);
	write_sysreg(cnthctl_el2, timer & RD_TIMER_PCT_TRAP ? 0 : CNTHCTL_EL1PCTEN);
	write_sysreg(mdcr_el2, guest_mdcr(cpu->host.mdcr, flags));
	if (port_unlikely(flags & RUN_AARCH32))
		aarch32_to_guest(cpu, vcpu);
	write_sysreg(cptr_el2, fp_cptr_guest(cpu, vcpu));
	if (flags & RD_VCPU_VSERROR && cpu_has_ras())
		write_sysreg(S3_4_C5_C2_3, state->vsesr & ESR_ISS_MASK);
	arch_guest_activate();
	write_sysreg(vtcr_el2, vcpu->vm->geo.tcr);
	write_sysreg(vttbr_el2, vcpu->vm->vttbr);
	write_sysreg(hcr_el2, guest_hcr(cpu, vcpu, flags));
}

static void guest_save(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 flags)
{
	struct rd_vcpu_state *state = vcpu->state;

	GUEST_REGS(GUEST_SAVE)
	if (port_unlikely(flags & RUN_AARCH32))
		aarch32_to_host(cpu, vcpu);
	state->pc = read_sysreg(elr_el2);
	state->pstate = read_sysreg(spsr_el2);
}

void switch_skip_insn(void)
{
	write_sysreg(elr_el2, read_sysreg(elr_el2) + 4);
	/* As a completed instruction leaves them; a step that was under way is complete. */
	write_sysreg(spsr_el2, read_sysreg(spsr_el2) & ~(u64)(PSR_BTYPE | PSR_SS));
}

/*
 * An ordinary guest's read of an ID register, answered with what the module said. It is
 * the guest's own state: EL2 depends on none of it. A VMM that steps the guest hears of
 * every instruction, so that these exit.
 */
static bool read_idreg(struct rd_vcpu_state *state, u64 esr)
{
	u64 reg = esr & SYS64_REG_MASK, flags = port_read64(&state->flags);
	u32 rt = SYS64_RT(esr);
	const u64 *from;

	if (!(esr & SYS64_READ) || !(flags & RD_VCPU_IDREGS) || flags & RD_VCPU_ROUTE_DBG)
		return false;
	if (reg == SYS64_CTR_EL0)
		from = &state->idregs.ctr;
	else if (sys64_is_idreg(reg))
		from = &state->idregs.val[(SYS64_CRM(reg) - 1) * 8 + SYS64_OP2(reg)];
	else
		return false;
	if (rt < 31)
		state->x[rt] = port_read64(from);
	switch_skip_insn();
	return true;
}

/*
 * A synchronous exception of the guest: what the host needs to know of it. False if
 * EL2 has dealt with it, and the guest goes on.
 */
static bool guest_trap(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	struct rd_vcpu_state *state = vcpu->state;
	u64 esr = read_sysreg(esr_el2), ec = esr >> ESR_EC_SHIFT & ESR_EC_MASK;
	u64 hpfar = 0;

	if (ec == ESR_EC_FP && cpu->fp_owner != vcpu) {
		fp_guest_trap(cpu, vcpu);
		write_sysreg(cptr_el2, fp_cptr_guest(cpu, vcpu));
		return false;
	}
	/* The address of a permission fault needs the guest's translation: still in place. */
	if ((ec == ESR_EC_DABT_LOW || ec == ESR_EC_IABT_LOW) && !host_mem_fault_ipa(esr, &hpfar))
		return false;
	if (vcpu->vm->is_protected)
		return protected_trap(vcpu, esr, hpfar);
	if (ec == ESR_EC_SYS64 && read_idreg(state, esr))
		return false;
	state->exit.esr = esr;
	state->exit.far = read_sysreg(far_el2);
	state->exit.hpfar = hpfar;
	return true;
}

/* Until something is for the host. ELR_EL2 and SPSR_EL2 are the guest's throughout. */
static u64 run(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	for (;;) {
		switch (guest_enter(cpu, vcpu->state)) {
		case 0:
			if (guest_trap(cpu, vcpu)) {
				stat_inc(RD_STAT_EXITS_TRAP);
				return RD_EXIT_TRAP;
			}
			stat_inc(RD_STAT_EXITS_EL2);
			break;
		case 3:
			vcpu->state->exit.esr = read_sysreg(esr_el2);
			stat_inc(RD_STAT_EXITS_SERROR);
			return RD_EXIT_SERROR;
		default:
			stat_inc(RD_STAT_EXITS_IRQ);
			return RD_EXIT_IRQ;
		}
	}
}

/* HCR_EL2.VSE clears when the guest takes the SError: tell the host that it's done. */
static void note_vserror(struct rd_vcpu_state *state, u64 flags)
{
	if (flags & RD_VCPU_VSERROR && !(read_sysreg(hcr_el2) & HCR_EL2_VSE))
		port_write64(&state->flags, flags & ~(RD_VCPU_VSERROR | RUN_AARCH32));
}

void switch_load(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	struct host_sysregs *host = &cpu->host;

	HOST_LOAD_REGS(HOST_SAVE)
	cpu->loaded_hcr = loaded_hcr(vcpu->vm);
	arch_guest_load(cpu);
	cpu->vgic_loaded = port_read64(&vcpu->shared->flags) & RD_VCPU_VGIC;
	if (cpu->vgic_loaded)
		vgic_load(vcpu->state);
	/* The guest's virtual timer counts between runs as well, and the module looks at it. */
	write_sysreg(cntvoff_el2, vcpu->state->timer.cntvoff);
	/*
	 * Another vCPU of this VM may have run here with the same VMID: its stage-1
	 * entries, tagged with ASIDs of its own choosing, are not this one's. Local: a vCPU
	 * runs in one place at a time.
	 */
	if (vcpu->vm->last_vcpu[cpu->boot.index] != vcpu->index + 1) {
		tlb_flush_vmid_local(vcpu->vm->vttbr, vcpu->vm->geo.tcr);
		vcpu->vm->last_vcpu[cpu->boot.index] = (u16)(vcpu->index + 1);
	}
}

void switch_put(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	if (cpu->vgic_loaded)
		vgic_put(vcpu->state);
	arch_guest_put(cpu);
	write_sysreg(cntvoff_el2, 0);
	fp_restore_host(cpu);
	write_sysreg(cptr_el2, fp_cptr_host(cpu));
}

void switch_panic_to_host(struct hyp_cpu *cpu)
{
	if (cpu->loaded && read_sysreg(vttbr_el2) == cpu->loaded->vm->vttbr)
		host_restore(cpu);
}

/* What the run works with: an ordinary vCPU's page says it, read once; EL2 for a protected one. */
static long prepare(struct hyp_vcpu *vcpu, u64 *flags, u64 *pstate)
{
	long ret = 0;

	*flags = port_read64(&vcpu->state->flags) & ~RUN_AARCH32;
	*flags |= vcpu->vm->width & RUN_AARCH32;
	if (vcpu->vm->is_protected)
		ret = protected_enter(vcpu, flags);
	*pstate = port_read64(&vcpu->state->pstate);
	return ret;
}

long switch_run(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 *why)
{
	struct rd_vcpu_state *state = vcpu->state;
	u64 host_pc = read_sysreg(elr_el2), host_pstate = read_sysreg(spsr_el2);
	u64 flags, pstate;
	long ret = prepare(vcpu, &flags, &pstate);

	*why = RD_EXIT_ILLEGAL;
	if (ret || !pstate_ok(pstate, flags))
		return ret;
	stat_inc(RD_STAT_RUNS);
	trace_event(RD_TRACE_RUN, vcpu->vm->handle, vcpu->index, flags);
	host_save(cpu);
	if (flags & RD_VCPU_DEBUG)
		debug_to_guest(cpu, state);
	vgic_enter(cpu, state);
	guest_restore(cpu, vcpu, flags);
	write_sysreg(elr_el2, state->pc);
	write_sysreg(spsr_el2, pstate);
	*why = run(cpu, vcpu);
	note_vserror(state, flags);
	guest_save(cpu, vcpu, flags);
	vgic_exit(cpu, state);
	if (flags & RD_VCPU_DEBUG)
		debug_to_host(cpu, state);
	host_restore(cpu);
	if (vcpu->vm->is_protected) {
		GUEST_LEFT(GUEST_WIPE)
		protected_exit(vcpu, *why);
	}
	write_sysreg(elr_el2, host_pc);
	write_sysreg(spsr_el2, host_pstate);
	trace_event(RD_TRACE_EXIT, *why, vcpu->shared->exit.esr, vcpu->shared->exit.hpfar);
	return 0;
}
