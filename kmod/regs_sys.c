// SPDX-License-Identifier: GPL-2.0-only
/*
 * System registers of ONE_REG: which there are, and where each one's value is. Ids
 * are encodings (Op0, Op1, CRn, CRm, Op2) in the order of sys_reg().
 *
 * Locks: vcpu->mutex, the vCPU not loaded; vm->config_lock for ID registers (idregs.c).
 */
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include "cache.h"
#include "regs.h"
#include "vcpu.h"

/* Between an id's low bits and sys_reg()'s encoding. */
#define ID_BITS	    0xffffULL
#define ID_BASE	    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG)
#define TO_SYSREG(id) ((u32)((id) & ID_BITS) << 5)
#define TO_ID(sysreg) (ID_BASE | (u64)(sysreg) >> 5)

/* Held in state->sys. */
static const struct {
	u32 sysreg;
	u32 index;
} in_state[] = {
	{ SYS_MDCCINT_EL1, RD_SYS_MDCCINT_EL1 },
	{ SYS_MDSCR_EL1, RD_SYS_MDSCR_EL1 },
	{ SYS_SCTLR_EL1, RD_SYS_SCTLR_EL1 },
	{ SYS_ACTLR_EL1, RD_SYS_ACTLR_EL1 },
	{ SYS_CPACR_EL1, RD_SYS_CPACR_EL1 },
	{ SYS_TTBR0_EL1, RD_SYS_TTBR0_EL1 },
	{ SYS_TTBR1_EL1, RD_SYS_TTBR1_EL1 },
	{ SYS_TCR_EL1, RD_SYS_TCR_EL1 },
	{ SYS_AFSR0_EL1, RD_SYS_AFSR0_EL1 },
	{ SYS_AFSR1_EL1, RD_SYS_AFSR1_EL1 },
	{ SYS_ESR_EL1, RD_SYS_ESR_EL1 },
	{ SYS_FAR_EL1, RD_SYS_FAR_EL1 },
	{ SYS_PAR_EL1, RD_SYS_PAR_EL1 },
	{ SYS_MAIR_EL1, RD_SYS_MAIR_EL1 },
	{ SYS_AMAIR_EL1, RD_SYS_AMAIR_EL1 },
	{ SYS_VBAR_EL1, RD_SYS_VBAR_EL1 },
	{ SYS_DISR_EL1, RD_SYS_DISR_EL1 },
	{ SYS_CONTEXTIDR_EL1, RD_SYS_CONTEXTIDR_EL1 },
	{ SYS_TPIDR_EL1, RD_SYS_TPIDR_EL1 },
	{ SYS_CNTKCTL_EL1, RD_SYS_CNTKCTL_EL1 },
	{ SYS_CSSELR_EL1, RD_SYS_CSSELR_EL1 },
	{ SYS_TPIDR_EL0, RD_SYS_TPIDR_EL0 },
	{ SYS_TPIDRRO_EL0, RD_SYS_TPIDRRO_EL0 },
	{ SYS_DACR32_EL2, RD_SYS_DACR32_EL2 },
	{ SYS_IFSR32_EL2, RD_SYS_IFSR32_EL2 },
	{ SYS_FPEXC32_EL2, RD_SYS_FPEXC32_EL2 },
	{ SYS_DBGVCR32_EL2, RD_SYS_DBGVCR32_EL2 },
};

/* The CPU's own, the same for every vCPU; user space may only confirm them. */
static const u32 invariant[] = { SYS_MIDR_EL1, SYS_REVIDR_EL1, SYS_AIDR_EL1 };

/* The rest, each with a rule of its own below. */
static const u32 special[] = {
	SYS_CLIDR_EL1, SYS_CTR_EL0, SYS_OSLSR_EL1, SYS_MPIDR_EL1,
};

static bool invariant_value(u32 sysreg, u64 *val)
{
	switch (sysreg) {
	case SYS_MIDR_EL1:
		*val = read_cpuid_id();
		return true;
	case SYS_REVIDR_EL1:
		*val = read_sysreg(revidr_el1);
		return true;
	case SYS_AIDR_EL1:
		*val = read_sysreg(aidr_el1);
		return true;
	default:
		return false;
	}
}

/* A register whose value is simply stored, or NULL. */
static u64 *stored(struct rd_vcpu *vcpu, u32 sysreg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in_state); i++)
		if (in_state[i].sysreg == sysreg)
			return &vcpu->state->sys[in_state[i].index];
	return sysreg == SYS_MPIDR_EL1 ? &vcpu->state->vmpidr : rd_debug_reg(vcpu, sysreg);
}

int rd_sysreg_get(struct rd_vcpu *vcpu, u64 id, u64 *val)
{
	u32 sysreg = TO_SYSREG(id);
	u64 *at;

	if (TO_ID(sysreg) != id)
		return -ENOENT;
	if (rd_idreg_covers(sysreg) || sysreg == SYS_CTR_EL0) {
		*val = rd_idreg_read(vcpu->vm, sysreg);
		return 0;
	}
	if (invariant_value(sysreg, val))
		return 0;
	at = stored(vcpu, sysreg);
	if (at)
		*val = *at;
	else if (sysreg == SYS_CLIDR_EL1)
		*val = vcpu->shadow.clidr;
	else if (sysreg == SYS_OSLSR_EL1)
		*val = vcpu->debug.oslsr;
	else
		return -ENOENT;
	return 0;
}

static int set_oslsr(struct rd_vcpu *vcpu, u64 val)
{
	/* OSLM: the lock exists; only whether it is locked may differ. */
	if ((val ^ vcpu->debug.oslsr) & ~RD_OSLSR_LOCKED)
		return -EINVAL;
	rd_debug_set_oslsr(vcpu, val);
	return 0;
}

int rd_sysreg_set(struct rd_vcpu *vcpu, u64 id, u64 val)
{
	u32 sysreg = TO_SYSREG(id);
	u64 *at, now;

	if (TO_ID(sysreg) != id)
		return -ENOENT;
	if (rd_idreg_covers(sysreg) || sysreg == SYS_CTR_EL0)
		return rd_idreg_set(vcpu, sysreg, val);
	if (invariant_value(sysreg, &now))
		return val == now ? 0 : -EINVAL;
	at = stored(vcpu, sysreg);
	if (at)
		*at = val;
	else if (sysreg == SYS_CLIDR_EL1)
		return rd_cache_set_clidr(vcpu, val);
	else if (sysreg == SYS_OSLSR_EL1)
		return set_oslsr(vcpu, val);
	else
		return -ENOENT;
	return 0;
}

u64 rd_sysreg_id(struct rd_vcpu *vcpu, unsigned int i)
{
	if (i < ARRAY_SIZE(in_state))
		return TO_ID(in_state[i].sysreg);
	i -= ARRAY_SIZE(in_state);
	if (i < ARRAY_SIZE(invariant))
		return TO_ID(invariant[i]);
	i -= ARRAY_SIZE(invariant);
	if (i < ARRAY_SIZE(special))
		return TO_ID(special[i]);
	i -= ARRAY_SIZE(special);
	/* DBGBVR, DBGBCR, DBGWVR, DBGWCR<n>. */
	if (i < 64)
		return TO_ID(sys_reg(2, 0, 0, i / 4, 4 + i % 4));
	i -= 64;
	if (i < RD_NR_IDREGS)
		return TO_ID(sys_reg(3, 0, 0, 1 + i / 8, i % 8));
	return 0;
}
