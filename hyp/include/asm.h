/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the assembly files share: symbols, small macros, and the numbers that C
 * checks with static assertions (hyp/asm-offsets.c).
 */
#ifndef HYP_ASM_H
#define HYP_ASM_H

#ifdef __ASSEMBLY__

	.macro	SYM_FUNC_START name
	.globl	\name
	.hidden	\name
	.type	\name, %function
\name:
	.endm

#define SYM_FUNC(name)	 SYM_FUNC_START name
#define SYM_OBJECT(name) .globl name; .hidden name; .type name, %object; name:
#define SYM_END(name)	 .size name, . - name

	.macro	adr_l reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
	.endm

	/* A constant of up to 64 bits. */
	.macro	mov_q reg, val
	movz	\reg, :abs_g3:\val
	movk	\reg, :abs_g2_nc:\val
	movk	\reg, :abs_g1_nc:\val
	movk	\reg, :abs_g0_nc:\val
	.endm

	.macro	clear_gprs from, to
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	.if	\n >= \from && \n <= \to
	mov	x\n, xzr
	.endif
	.endr
	.endm

#define lr x30

#endif /* __ASSEMBLY__ */

#endif /* HYP_ASM_H */
