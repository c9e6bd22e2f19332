/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions that EL2 takes: one table while the host runs, another while a
 * guest does (hyp/guest.S switches to it), so that neither path has to ask.
 */
#include "asm.h"
#include "layout.h"
#include "sysreg.h"

	/*
	 * An exception that must not happen. The stack may be what failed, so nothing
	 * is pushed: registers go to struct hyp_cpu, and x0 gets there by way of
	 * TPIDRRO_EL0, which nobody will miss in a kernel that is about to stop.
	 */
	.macro	bad_vector id
	.balign	128
	msr	tpidrro_el0, x0
	mrs	x0, tpidr_el2
	str	x1, [x0, #HYP_CPU_PANIC_X + 8]
	mrs	x1, tpidrro_el0
	str	x1, [x0, #HYP_CPU_PANIC_X]
	mov	x1, #\id
	b	hyp_panic_vector
	.endm

	/* Numbered as in Arm ARM D1.3.6: 0 to 7 are from EL2 itself. */
	.macro	el2_vectors
	.irp	id, 0, 1, 2, 3, 4, 5, 6, 7
	bad_vector \id
	.endr
	.endm

	/* From a lower EL of either width: AArch32 only ever at EL0. */
	.macro	host_vectors
	.balign	128
	b	host_sync_entry
	/* The host's interrupts go to EL1 (no IMO, FMO, AMO): never here. */
	bad_vector 9
	bad_vector 10
	bad_vector 11
	.endm

	/* x0: as the Arm ARM orders them: 0 synchronous, 1 IRQ, 2 FIQ, 3 SError. */
	.macro	guest_vectors
	.irp	kind, 0, 1, 2, 3
	.balign	128
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\kind
	b	guest_exit
	.endr
	.endm

	.section .vectors, "ax"
	.balign	2048
SYM_FUNC(hyp_host_vectors)
	el2_vectors
	host_vectors
	host_vectors
SYM_END(hyp_host_vectors)

	.balign	2048
SYM_FUNC(hyp_guest_vectors)
	el2_vectors
	guest_vectors
	guest_vectors
SYM_END(hyp_guest_vectors)

	.text
/*
 * The host made a synchronous exception: hypercall, SMC, stage-2 fault, trap. C
 * keeps x19 to x29, so only the rest is saved. The handler gets the registers to
 * read and change.
 */
SYM_FUNC(host_sync_entry)
	stp	x0, x1, [sp, #-HOST_REGS_SIZE]!
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, lr, [sp, #144]
	mov	x0, sp
	bl	host_sync
	cbnz	x0, 1f			/* the way out, for good */
	ldp	x18, lr, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp], #HOST_REGS_SIZE
	eret
1:	/* x0: PA of hyp_mmu_off, which takes the stub's vectors and these registers. */
	mov	x2, x0
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #HYP_CPU_STUB_VECTORS]
	mov	x1, sp
	br	x2
SYM_END(host_sync_entry)

/*
 * x0: struct hyp_cpu, which has the interrupted x0 and x1 already; x1: vector.
 * Saves the rest and goes on in C, on the stack kept for this.
 */
SYM_FUNC(hyp_panic_vector)
	add	x0, x0, #HYP_CPU_PANIC_X
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	mov	x2, sp
	stp	lr, x2, [x0, #240]
	/* The one exception with a way on: an SMC that nobody takes, see hyp/smc.S. */
	mrs	x2, elr_el2
	adr_l	x3, hyp_smc_insn
	cmp	x2, x3
	b.ne	1f
	adr_l	x3, hyp_smc_undef
	msr	elr_el2, x3
	eret
1:	mrs	x0, tpidr_el2
	add	x2, x0, #HYP_CPU_SIZE
	mov	sp, x2
	bl	hyp_panic_exception	/* (struct hyp_cpu *, vector), no return */
SYM_END(hyp_panic_vector)

/*
 * void hyp_host_enter(u64 x0, u64 pc, u64 pstate): leave for the host with
 * nothing of EL2 in the registers. The CPU's own stack is empty after this.
 */
SYM_FUNC(hyp_host_enter)
	msr	elr_el2, x1
	msr	spsr_el2, x2
	mrs	x1, tpidr_el2
	ldr	x1, [x1, #8]		/* struct rd_boot_cpu: stack */
	mov	sp, x1
	clear_gprs 1, 17
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	mov	x\n, xzr
	.endr
	eret
SYM_END(hyp_host_enter)
