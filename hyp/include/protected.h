/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Protected vCPUs: their registers live at EL2 (struct hyp_vcpu.own). The page that is
 * shared with the host is a letter box: an exit puts into it what the host must see,
 * an entry takes out of it what the host may answer, and that is all.
 *
 *	exit		the host sees				and may answer
 *	interrupt	nothing
 *	WFI, WFE	which						(skipped by EL2)
 *	abort		syndrome, IPA, offset in the page;	memory, or, with RD_VCPU_SKIP:
 *			for a store its data			"done", and a load's data
 *	SGI		ICC_SGI*R_EL1's value			(skipped by EL2)
 *	PSCI		function and arguments			(answered by EL2)
 *	relinquish	function, IPA, whether tables are short	table pages
 *	share without	an abort on the page			memory
 *	  a page
 *
 * List registers, and which of WFI and WFE exit, are the host's to say at any time.
 */
#ifndef HYP_PROTECTED_H
#define HYP_PROTECTED_H

#include "vm.h"

/**
 * protected_enter() - Prepare a protected vCPU's own state for a run.
 * @vcpu:	loaded here
 * @flags:	RD_VCPU_* that the run has
 *
 * Return: 0; -EPERM if the vCPU is off, or the VM has ended; -EINVAL if the host's
 * initial state is not one to start with.
 */
long protected_enter(struct hyp_vcpu *vcpu, u64 *flags);

/**
 * protected_trap() - A synchronous exception of a protected guest.
 * @vcpu:	the vCPU; its EL1 registers are in the CPU, its general ones in vcpu->own
 * @esr:	ESR_EL2
 * @hpfar:	HPFAR_EL2, for aborts
 *
 * Return: true if the host must be told: vcpu->letter says what.
 */
bool protected_trap(struct hyp_vcpu *vcpu, u64 esr, u64 hpfar);

/** protected_exit() - Write to the shared page what the host may see of exit @why. */
void protected_exit(struct hyp_vcpu *vcpu, u64 why);

/**
 * protected_hypercall() - SMCCC and PSCI calls of a protected guest (hyp/protected_hvc.c).
 *
 * As protected_trap(). Results are in the guest's registers on return.
 */
bool protected_hypercall(struct hyp_vcpu *vcpu);

/**
 * protected_is_mmio() - May the host emulate an access of the guest to @addr?
 * @addr:	IPA
 */
bool protected_is_mmio(struct hyp_vm *vm, u64 addr);

/**
 * protected_mmio_guard() - The guest enrols the page around @addr as MMIO.
 *
 * Return: 0; -EINVAL outside the IPA space; -ENOSPC after VM_MMIO_MAX ranges.
 */
long protected_mmio_guard(struct hyp_vm *vm, u64 addr);

/**
 * protected_declare_memory() - The guest says that a range is memory, whoever says otherwise.
 * @base:	IPA, @size: bytes; both aligned to pages
 *
 * Return: 0; -EINVAL for a range that isn't one; -ENOSPC after VM_MEMORY_MAX ranges.
 */
long protected_declare_memory(struct hyp_vm *vm, u64 base, u64 size);

/** protected_idreg() - What a protected guest reads from an ID register (hyp/protected_idreg.c). */
u64 protected_idreg(u32 sysreg);

#endif /* HYP_PROTECTED_H */
