// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 at EL1: which VMs have it, and the registers that only it uses. Of these, EL1
 * and EL0 of the host and of other VMs can neither read one nor feel it, for their EL1 is
 * AArch64 (Arm ARM D19.2: DACR32_EL2, IFSR32_EL2, SPSR_abt and the like; DBGVCR32_EL2 and
 * FPEXC32_EL2 have no effect then), so that they stay as they are when the guest has left.
 *
 * Locks: none. vm->width is written once, by compare-and-exchange. The rest belongs to the
 * CPU that runs.
 */
#include "aarch32.h"
#include "fp.h"
#include "hvc.h"

#define PSR_MODE32_USR 0x10
#define PSR_MODE32_FIQ 0x11
#define PSR_MODE32_IRQ 0x12
#define PSR_MODE32_SVC 0x13
#define PSR_MODE32_ABT 0x17
#define PSR_MODE32_UND 0x1b
#define PSR_MODE32_SYS 0x1f

/* CP15's c15 is the implementation's own: performance, caches, errors of the CPU itself. */
#define HSTR_GUEST (1ULL << 15)

#define FPEXC_EN (1ULL << 30)

#define AARCH32_REGS(X)                                                                            \
	X(SPSR_ABT, spsr_abt) X(SPSR_UND, spsr_und) X(SPSR_IRQ, spsr_irq) X(SPSR_FIQ, spsr_fiq)    \
	X(DACR32_EL2, dacr32_el2) X(IFSR32_EL2, ifsr32_el2) X(DBGVCR32_EL2, dbgvcr32_el2)

#define SAVE(id, reg)	 vcpu->state->sys[RD_SYS_##id] = read_sysreg(reg);
#define RESTORE(id, reg) write_sysreg(reg, vcpu->state->sys[RD_SYS_##id]);

bool aarch32_pstate_ok(u64 pstate)
{
	if (!aarch32_el1())
		return false;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE32_USR:
	case PSR_MODE32_FIQ:
	case PSR_MODE32_IRQ:
	case PSR_MODE32_SVC:
	case PSR_MODE32_ABT:
	case PSR_MODE32_UND:
	case PSR_MODE32_SYS:
		return true;
	default:
		return false;
	}
}

/*
 * FP registers that are not the guest's are to trap here, and FPEXC.EN = 0 would be an
 * undefined instruction instead, at EL1. The guest's own FPEXC comes with its registers
 * (hyp/fp.c). With no owner but the host nothing traps here yet.
 */
void aarch32_to_guest(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	AARCH32_REGS(RESTORE)
	if (cpu->fp_owner != vcpu)
		write_sysreg(fpexc32_el2, FPEXC_EN);
	cpu->host.hstr = read_sysreg(hstr_el2);
	write_sysreg(hstr_el2, HSTR_GUEST);
}

void aarch32_to_host(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	AARCH32_REGS(SAVE)
	write_sysreg(hstr_el2, cpu->host.hstr);
}

/* x1: VM. On a machine whose CPUs differ, those without AArch32 refuse to run its vCPUs. */
long hvc_VM_AARCH32(struct host_regs *regs)
{
	struct hyp_vm *vm = vm_get(regs->x[1]);
	long ret = 0;

	if (!vm)
		return -ENOENT;
	if (vm->is_protected)
		ret = -EPERM;
	else if (!aarch32_el1())
		ret = -ENODEV;
	else if (port_cmpxchg64(&vm->width, VM_WIDTH_OPEN, VM_WIDTH_32) == VM_WIDTH_64)
		ret = -EBUSY;
	vm_put(vm);
	return ret;
}
