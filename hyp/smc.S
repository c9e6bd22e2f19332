/* SPDX-License-Identifier: GPL-2.0-only */
#include "asm.h"

	.text
/*
 * int hyp_smc(u64 x[18]): SMCCC keeps x18 to x30, so the pointer waits in x18. If
 * the machine has nobody to take the call, hyp/vectors.S turns the exception into
 * a jump to hyp_smc_undef.
 */
SYM_FUNC(hyp_smc)
	stp	x18, lr, [sp, #-16]!
	mov	x18, x0
	ldp	x0, x1, [x18]
	ldp	x2, x3, [x18, #16]
	ldp	x4, x5, [x18, #32]
	ldp	x6, x7, [x18, #48]
	ldp	x8, x9, [x18, #64]
	ldp	x10, x11, [x18, #80]
	ldp	x12, x13, [x18, #96]
	ldp	x14, x15, [x18, #112]
	ldp	x16, x17, [x18, #128]
SYM_OBJECT(hyp_smc_insn)
	smc	#0
	stp	x0, x1, [x18]
	stp	x2, x3, [x18, #16]
	stp	x4, x5, [x18, #32]
	stp	x6, x7, [x18, #48]
	stp	x8, x9, [x18, #64]
	stp	x10, x11, [x18, #80]
	stp	x12, x13, [x18, #96]
	stp	x14, x15, [x18, #112]
	stp	x16, x17, [x18, #128]
	mov	x0, #0
	ldp	x18, lr, [sp], #16
	ret
SYM_OBJECT(hyp_smc_undef)
	mov	x0, #-1
	ldp	x18, lr, [sp], #16
	ret
SYM_END(hyp_smc)
