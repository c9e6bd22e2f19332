// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protected vCPUs: what crosses between their own state and the page shared with the
 * host (invariant 6: each word of it is read once). Runs on the CPU that has the vCPU
 * loaded, with exceptions masked; no locks.
 */
#include "host.h"
#include "host_mem.h"
#include "protected.h"
#include "setup.h"
#include "switch.h"

/* ISS of a data abort, Arm ARM D19.2.40. */
#define ISS_ISV	      (1ULL << 24)
#define ISS_SAS_SHIFT 22
#define ISS_SSE	      (1ULL << 21)
#define ISS_SRT_SHIFT 16
#define ISS_SF	      (1ULL << 15)

/* What an abort's syndrome shows: the access, not FnV, SET, EA, CM, VNCR and the like. */
#define ABORT_ISS_SHOWN                                                                            \
	(ISS_ISV | 3ULL << ISS_SAS_SHIFT | ISS_SSE | 0x1fULL << ISS_SRT_SHIFT | ISS_SF |           \
	 ESR_S1PTW | ESR_WNR | ESR_FSC_MASK)

#define SCTLR_EL1_RESET 0x30d00800ULL
#define CNTV_DEFAULT_OFFSET 0

/* What the host decides about a run. */
#define FLAGS_HOST (RD_VCPU_TRAP_WFI | RD_VCPU_TRAP_WFE | RD_VCPU_VGIC)

/* As mainline KVM numbers vCPUs; the module makes them in order. */
static u64 vmpidr(u64 index)
{
	return 1ULL << 31 | (index & 0xf) | (index >> 4 & 0xff) << 8 | (index >> 12 & 0xff) << 16;
}

static void reset(struct rd_vcpu_state *own, u64 index)
{
	memset(own, 0, sizeof(*own));
	own->pstate = PSR_D | PSR_A | PSR_I | PSR_F | PSR_MODE_EL1h;
	own->sys[RD_SYS_SCTLR_EL1] = SCTLR_EL1_RESET;
	own->vmpidr = vmpidr(index);
	own->vpidr = read_sysreg(midr_el1);
	own->timer.cntvoff = CNTV_DEFAULT_OFFSET;
}

/*
 * The first vCPU to run starts where the host says, with the registers that a boot
 * protocol has (x0 to x3). From then on only CPU_ON starts one.
 */
static void start_boot_vcpu(struct hyp_vcpu *vcpu)
{
	int i;

	reset(&vcpu->own, vcpu->index);
	vcpu->own.pc = port_read64(&vcpu->shared->pc);
	for (i = 0; i < 4; i++)
		vcpu->own.x[i] = port_read64(&vcpu->shared->x[i]);
}

static void start_secondary(struct hyp_vcpu *vcpu)
{
	reset(&vcpu->own, vcpu->index);
	vcpu->own.pc = vcpu->start_pc;
	vcpu->own.x[0] = vcpu->start_x0;
}

static long start(struct hyp_vcpu *vcpu)
{
	switch (__atomic_load_n(&vcpu->power, __ATOMIC_ACQUIRE)) {
	case VCPU_ON:
		return 0;
	case VCPU_PENDING:
		start_secondary(vcpu);
		break;
	case VCPU_OFF:
		if (port_cmpxchg64(&vcpu->vm->booted, 0, 1))
			return -EPERM;
		start_boot_vcpu(vcpu);
		break;
	default:
		return -EPERM;
	}
	port_write_release64(&vcpu->power, VCPU_ON);
	return 0;
}

/* The data of an emulated load, as the instruction would have it in the register. */
static u64 load_data(u64 data, u64 esr)
{
	u32 bits = 8U << (esr >> ISS_SAS_SHIFT & 3);
	u64 mask = bits == 64 ? ~0ULL : (1ULL << bits) - 1;

	data &= mask;
	if (esr & ISS_SSE && data >> (bits - 1))
		data |= ~mask;
	return esr & ISS_SF ? data : (u32)data;
}

static void take_answer(struct hyp_vcpu *vcpu, u64 flags)
{
	struct vcpu_letter *letter = &vcpu->letter;

	if (!letter->may_skip || !(flags & RD_VCPU_SKIP))
		return;
	if (letter->load && letter->rt < 31)
		vcpu->own.x[letter->rt] =
			load_data(port_read64(&vcpu->shared->x[letter->rt]), letter->esr);
	vcpu->own.pc += 4;
}

/* Which interrupts a guest gets is the host's to say; its masks and priorities are not. */
static void take_list_registers(struct hyp_vcpu *vcpu)
{
	struct rd_vcpu_vgic *own = &vcpu->own.vgic, *shared = &vcpu->shared->vgic;
	int i;

	own->hcr = port_read64(&shared->hcr);
	own->used_lrs = port_read64(&shared->used_lrs);
	for (i = 0; i < 16; i++)
		own->lr[i] = port_read64(&shared->lr[i]);
}

long protected_enter(struct hyp_vcpu *vcpu, u64 *flags)
{
	u64 asked = port_read64(&vcpu->shared->flags);
	long ret;

	if (port_read64(&vcpu->vm->stopped))
		return -EPERM;
	ret = start(vcpu);
	if (ret)
		return ret;
	take_answer(vcpu, asked);
	vcpu->letter = (struct vcpu_letter){};
	if (asked & RD_VCPU_VGIC)
		take_list_registers(vcpu);
	*flags = (asked & FLAGS_HOST) | RD_VCPU_TRAP_DBG;
	vcpu->own.flags = *flags;
	port_write64(&vcpu->shared->flags, asked & ~RD_VCPU_SKIP);
	write_sysreg(cntv_cval_el0, vcpu->cntv_cval);
	write_sysreg(cntv_ctl_el0, vcpu->cntv_ctl);
	return 0;
}

static void show_vgic(struct hyp_vcpu *vcpu)
{
	struct rd_vcpu_vgic *own = &vcpu->own.vgic, *shared = &vcpu->shared->vgic;
	int i;

	shared->vmcr = own->vmcr;
	shared->misr = own->misr;
	shared->eisr = own->eisr;
	shared->elrsr = own->elrsr;
	shared->hcr_out = own->hcr_out;
	for (i = 0; i < 16; i++)
		shared->lr[i] = own->lr[i];
}

void protected_exit(struct hyp_vcpu *vcpu, u64 why)
{
	struct rd_vcpu_state *shared = vcpu->shared;
	struct vcpu_letter *letter = &vcpu->letter;
	u64 i;

	/* The timer goes on in the CPU, for its interrupt is the host's to deliver. */
	vcpu->cntv_ctl = read_sysreg(cntv_ctl_el0) & 3;
	vcpu->cntv_cval = read_sysreg(cntv_cval_el0);
	if (vcpu->own.flags & RD_VCPU_VGIC)
		show_vgic(vcpu);
	shared->exit.esr = why == RD_EXIT_TRAP ? letter->esr : 0;
	shared->exit.far = letter->far;
	shared->exit.hpfar = letter->hpfar;
	shared->vmpidr = vcpu->own.vmpidr;
	for (i = 0; i < letter->nr_regs; i++)
		shared->x[i] = letter->x[i];
	if (letter->show_store && letter->rt < 31)
		shared->x[letter->rt] = letter->store;
}

/* ---- Traps ---- */

static u64 get_reg(const struct hyp_vcpu *vcpu, u32 rt)
{
	return rt < 31 ? vcpu->own.x[rt] : 0;
}

static void set_reg(struct hyp_vcpu *vcpu, u32 rt, u64 value)
{
	if (rt < 31)
		vcpu->own.x[rt] = value;
}

static bool abort_trap(struct hyp_vcpu *vcpu, u64 esr, u64 hpfar)
{
	struct vcpu_letter *letter = &vcpu->letter;
	u64 shown = esr & ~(u64)ESR_ISS_MASK;
	bool store = esr & ESR_WNR;

	shown |= esr & ABORT_ISS_SHOWN;
	letter->hpfar = hpfar;
	letter->far = read_sysreg(far_el2) & 0xfff;
	if ((esr >> ESR_EC_SHIFT & ESR_EC_MASK) != ESR_EC_DABT_LOW || !(esr & ISS_ISV) ||
	    !protected_is_mmio(vcpu->vm, hpfar >> 4 << 12)) {
		letter->esr = shown & ~(ISS_ISV | 3ULL << ISS_SAS_SHIFT | ISS_SSE |
					0x1fULL << ISS_SRT_SHIFT | ISS_SF);
		return true;
	}
	letter->esr = shown;
	letter->rt = (u32)(esr >> ISS_SRT_SHIFT & 0x1f);
	letter->may_skip = true;
	letter->load = !store;
	if (store) {
		letter->show_store = true;
		letter->store = load_data(get_reg(vcpu, letter->rt), (esr & ~ISS_SSE) | ISS_SF);
	}
	return true;
}

/* ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1: the host's vGIC sends them. */
static bool is_sgi(u64 reg)
{
	return reg == SYS64(3, 0, 12, 11, 5) || reg == SYS64(3, 0, 12, 11, 6) ||
	       reg == SYS64(3, 0, 12, 11, 7);
}

/* op0 = 2, op1 = 0: breakpoints, OS lock and the like; ACTLR_EL1: there, and without effect. */
static bool is_raz_wi(u64 reg)
{
	return (reg >> 20 == 2 && !(reg >> 14 & 7)) || reg == SYS64(3, 0, 1, 0, 1);
}

static bool sys64_trap(struct hyp_vcpu *vcpu, u64 esr)
{
	u64 reg = esr & SYS64_REG_MASK;
	u32 rt = SYS64_RT(esr);

	if (is_sgi(reg) && !(esr & SYS64_READ)) {
		vcpu->letter.esr = esr & (0xffULL << 24 | ESR_ISS_MASK);
		vcpu->letter.rt = rt;
		vcpu->letter.show_store = true;
		vcpu->letter.store = get_reg(vcpu, rt);
		switch_skip_insn();
		return true;
	}
	if (sys64_is_idreg(reg) && esr & SYS64_READ)
		set_reg(vcpu, rt, protected_idreg((u32)reg));
	else if (is_raz_wi(reg))
		set_reg(vcpu, esr & SYS64_READ ? rt : 31, 0);
	else {
		host_inject_undef();
		return false;
	}
	switch_skip_insn();
	return false;
}

bool protected_trap(struct hyp_vcpu *vcpu, u64 esr, u64 hpfar)
{
	switch (esr >> ESR_EC_SHIFT & ESR_EC_MASK) {
	case ESR_EC_DABT_LOW:
	case ESR_EC_IABT_LOW:
		return abort_trap(vcpu, esr, hpfar);
	case ESR_EC_WFX:
		vcpu->letter.esr = esr;
		switch_skip_insn();
		return true;
	case ESR_EC_HVC64:
		return protected_hypercall(vcpu);
	case ESR_EC_SYS64:
		return sys64_trap(vcpu, esr);
	default:
		/* SMC, SVE, SME, PAuth and whatever else: a protected guest has none of it. */
		host_inject_undef();
		return false;
	}
}
