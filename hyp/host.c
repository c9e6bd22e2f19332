// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's exceptions: sorted by class and handed on. Nothing in here loops or
 * waits, and no class of exception from EL1 or EL0 is a reason to panic
 * (invariant 7): what EL2 doesn't know is UNDEFINED to the host.
 */
#include "fp.h"
#include "host.h"
#include "host_mem.h"
#include "hvc.h"
#include "psci.h"

static void inject_abort(u64 esr, u64 far, u64 fsc)
{
	bool from_el1 = (read_sysreg(spsr_el2) & PSR_MODE_MASK) != PSR_MODE_EL0t;
	bool insn = (esr >> ESR_EC_SHIFT & ESR_EC_MASK) == ESR_EC_IABT_LOW;
	u64 ec = insn ? ESR_EC_IABT_LOW : ESR_EC_DABT_LOW;

	/* "Current" classes are one above the "lower" ones. */
	if (from_el1)
		ec++;
	host_inject(ec << ESR_EC_SHIFT | ESR_IL | (insn ? 0 : esr & ESR_WNR) | fsc, far);
}

/*
 * Linux decides by the fault status what an abort may become. From EL0, external
 * abort: it's the truth, and means SIGBUS. From EL1, an external abort is always
 * the end of the task, although many accesses come with a fixup. A permission
 * fault on a kernel address (bit 55) looks for one and is an oops otherwise. On a
 * user address it would be retried for ever, as the kernel's own tables allow the
 * access; an alignment fault is not, and looks for a fixup too.
 */
void host_refuse_access(u64 esr, u64 far)
{
	stat_inc(RD_STAT_HOST_REFUSED);
	if ((read_sysreg(spsr_el2) & PSR_MODE_MASK) == PSR_MODE_EL0t)
		inject_abort(esr, far, ESR_FSC_SEA);
	else if (far >> 55 & 1)
		inject_abort(esr, far, ESR_FSC_PERM | 3);
	else
		inject_abort(esr, far, ESR_FSC_ALIGN);
}

/* AArch64.TakeException: the offset into the vectors by where it came from. */
static u64 vector_offset(u64 pstate)
{
	switch (pstate & (PSR_MODE_MASK)) {
	case PSR_MODE_EL1t:
		return 0x000;
	case PSR_MODE_EL1h:
		return 0x200;
	case PSR_MODE_EL0t:
		return 0x400;
	default:
		return 0x600; /* AArch32 at EL0 */
	}
}

void host_inject(u64 esr, u64 far)
{
	u64 pstate = read_sysreg(spsr_el2);
	u64 sctlr = read_sysreg(sctlr_el1);
	u64 new = PSR_MODE_EL1h | PSR_D | PSR_A | PSR_I | PSR_F;

	write_sysreg(esr_el1, esr);
	write_sysreg(far_el1, far);
	write_sysreg(elr_el1, read_sysreg(elr_el2));
	write_sysreg(spsr_el1, pstate);
	write_sysreg(elr_el2, read_sysreg(vbar_el1) + vector_offset(pstate));
	/*
	 * NZCV and DIT are kept; PAN is kept or, with SCTLR_EL1.SPAN clear, set; TCO
	 * is set with MTE; SSBS takes SCTLR_EL1.DSSBS. UAO, SS, IL and BTYPE become 0.
	 */
	new |= pstate & (PSR_NZCV | PSR_DIT | PSR_PAN);
	if (!(sctlr & SCTLR_EL1_SPAN) && cpu_has_pan())
		new |= PSR_PAN;
	if (cpu_has_mte())
		new |= PSR_TCO;
	if (sctlr & SCTLR_EL1_DSSBS)
		new |= PSR_SSBS;
	write_sysreg(spsr_el2, new);
}

void host_inject_undef(void)
{
	stat_inc(RD_STAT_HOST_UNDEF);
	host_inject(((u64)ESR_EC_UNKNOWN << ESR_EC_SHIFT) | ESR_IL, read_sysreg(far_el1));
}

u64 host_sync(struct host_regs *regs)
{
	u64 esr = read_sysreg(esr_el2);

	switch (esr >> ESR_EC_SHIFT & ESR_EC_MASK) {
	case ESR_EC_HVC64:
		return hvc_host(regs, esr);
	case ESR_EC_DABT_LOW:
	case ESR_EC_IABT_LOW:
		host_mem_fault(esr);
		return 0;
	case ESR_EC_SMC64:
		psci_host_smc(regs, esr);
		return 0;
	case ESR_EC_FP:
	case ESR_EC_SVE:
	case ESR_EC_SME:
		if (fp_host_trap())
			return 0;
		break;
	}
	host_inject_undef();
	return 0;
}
