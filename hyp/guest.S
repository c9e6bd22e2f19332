/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into a guest and out again: general registers, vectors and PC. What else
 * differs between host and guest is switched by hyp/switch.c.
 */
#include "asm.h"
#include "layout.h"
#include "sysreg.h"

	.text
/*
 * u64 guest_enter(struct hyp_cpu *cpu, struct rd_vcpu_state *state): run the guest
 * until it comes back to EL2; 0 synchronous, 1 IRQ, 2 FIQ, 3 SError. ELR_EL2 and
 * SPSR_EL2 are set by the caller, and hold the guest's on return.
 *
 * The new VBAR_EL2 is in force from the ERET on, a context synchronization event
 * (SCTLR_EL2.EOS is 1 or FEAT_ExS is not there; Arm ARM D1.4.4).
 */
SYM_FUNC(guest_enter)
	stp	x19, x20, [sp, #-112]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, lr, [sp, #80]
	str	x18, [sp, #96]
	str	x1, [x0, #HYP_CPU_GUEST_STATE]
	adr_l	x2, hyp_guest_vectors
	msr	vbar_el2, x2
	ldp	x2, x3, [x1, #VCPU_X + 16]
	ldp	x4, x5, [x1, #VCPU_X + 32]
	ldp	x6, x7, [x1, #VCPU_X + 48]
	ldp	x8, x9, [x1, #VCPU_X + 64]
	ldp	x10, x11, [x1, #VCPU_X + 80]
	ldp	x12, x13, [x1, #VCPU_X + 96]
	ldp	x14, x15, [x1, #VCPU_X + 112]
	ldp	x16, x17, [x1, #VCPU_X + 128]
	ldp	x18, x19, [x1, #VCPU_X + 144]
	ldp	x20, x21, [x1, #VCPU_X + 160]
	ldp	x22, x23, [x1, #VCPU_X + 176]
	ldp	x24, x25, [x1, #VCPU_X + 192]
	ldp	x26, x27, [x1, #VCPU_X + 208]
	ldp	x28, x29, [x1, #VCPU_X + 224]
	ldr	lr, [x1, #VCPU_X + 240]
	ldp	x0, x1, [x1, #VCPU_X]
	eret
	/* No CPU may run past an ERET by speculation into what follows. */
	dsb	nsh
	isb
SYM_END(guest_enter)

/* From hyp_guest_vectors: x0 the kind, the guest's x0 and x1 on the stack. */
SYM_FUNC(guest_exit)
	mrs	x1, tpidr_el2
	ldr	x1, [x1, #HYP_CPU_GUEST_STATE]
	stp	x2, x3, [x1, #VCPU_X + 16]
	stp	x4, x5, [x1, #VCPU_X + 32]
	stp	x6, x7, [x1, #VCPU_X + 48]
	stp	x8, x9, [x1, #VCPU_X + 64]
	stp	x10, x11, [x1, #VCPU_X + 80]
	stp	x12, x13, [x1, #VCPU_X + 96]
	stp	x14, x15, [x1, #VCPU_X + 112]
	stp	x16, x17, [x1, #VCPU_X + 128]
	stp	x18, x19, [x1, #VCPU_X + 144]
	stp	x20, x21, [x1, #VCPU_X + 160]
	stp	x22, x23, [x1, #VCPU_X + 176]
	stp	x24, x25, [x1, #VCPU_X + 192]
	stp	x26, x27, [x1, #VCPU_X + 208]
	stp	x28, x29, [x1, #VCPU_X + 224]
	str	lr, [x1, #VCPU_X + 240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1, #VCPU_X]
	adr_l	x2, hyp_host_vectors
	msr	vbar_el2, x2
	/* EL2 may take an exception of its own (a panic) from here: let it find its vectors. */
	isb
	ldr	x18, [sp, #96]
	ldp	x29, lr, [sp, #80]
	ldp	x27, x28, [sp, #64]
	ldp	x25, x26, [sp, #48]
	ldp	x23, x24, [sp, #32]
	ldp	x21, x22, [sp, #16]
	ldp	x19, x20, [sp], #112
	ret
SYM_END(guest_exit)
