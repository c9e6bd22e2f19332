/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest: asks for an order and its arguments by reading ORDER_IPA, and writes four
 * results there. It has no page tables; x20 is ORDER_IPA. An exception is a result of its
 * own: -1000, ESR, FAR, ELR.
 */
#include "protvm.h"

	.macro	code name
	.globl	guest_\name
	.hidden	guest_\name
guest_\name:
	.endm

	.section .rodata
	.balign	4096
	code	code
	mov	x20, #ORDER_IPA
	ldr	x9, =(3 << 24 | 3 << 20 | 3 << 16)	/* CPACR_EL1.SMEN, FPEN, ZEN */
	msr	cpacr_el1, x9
	adr	x9, vectors
	msr	vbar_el1, x9
	isb
	/* So that no store to it is shown to the host as one to MMIO (an ordinary VM says no). */
	ldr	x0, =MEM_DECLARE
	mov	x1, #DATA_IPA
	mov	x2, #(SPARE_IPA - DATA_IPA)
	hvc	#0
next:	ldr	x9, [x20]
	ldr	x0, [x20]
	ldr	x1, [x20]
	ldr	x2, [x20]
	ldr	x3, [x20]
	br	x9
done:	str	x0, [x20]
	str	x1, [x20]
	str	x2, [x20]
	str	x3, [x20]
	b	next

	code	hvc			/* x0 to x3 as the call has them */
	hvc	#0
	b	done
	code	hvcs			/* x0 first, x1 how many, x2 their arguments; x0: answered */
	mov	x10, x0
	mov	x11, x1
	mov	x12, #0
	mov	x13, x2
1:	mov	x0, x10
	mov	x1, x13
	mov	x2, x13
	mov	x3, x13
	hvc	#0
	cmn	x0, #1			/* NOT_SUPPORTED */
	cinc	x12, x12, ne
	add	x10, x10, #1
	subs	x11, x11, #1
	b.ne	1b
	mov	x0, x12
	b	done
	code	smc
	smc	#0
	b	done
	code	load			/* x0 address */
	ldr	x0, [x0]
	b	done
	code	store			/* x0 address, x1 word */
	str	x1, [x0]
	mov	x0, #0
	b	done
	code	fill			/* x0 address, x1 words, x2 word, x3 stride in bytes */
1:	str	x2, [x0]
	add	x0, x0, x3
	subs	x1, x1, #1
	b.ne	1b
	mov	x0, #0
	b	done
	code	check			/* likewise; x0: words that differ */
	mov	x9, #0
1:	ldr	x4, [x0]
	cmp	x4, x2
	cinc	x9, x9, ne
	add	x0, x0, x3
	subs	x1, x1, #1
	b.ne	1b
	mov	x0, x9
	b	done
	code	fill_secret		/* as fill, but for the word */
	ldr	x2, =SECRET_A
	ldr	x4, =SECRET_B
	eor	x2, x2, x4
1:	str	x2, [x0]
	add	x0, x0, x3
	subs	x1, x1, #1
	b.ne	1b
	/* Only a result's registers are shown; this one must not hold the secret. */
	mov	x2, #0
	mov	x0, #0
	b	done
	code	check_secret
	ldr	x2, =SECRET_A
	ldr	x4, =SECRET_B
	eor	x2, x2, x4
	mov	x9, #0
1:	ldr	x4, [x0]
	cmp	x4, x2
	cinc	x9, x9, ne
	add	x0, x0, x3
	subs	x1, x1, #1
	b.ne	1b
	mov	x2, #0
	mov	x0, x9
	b	done
	code	hold_secret		/* in x10 to x19, x21 to x30 and all vectors, from here on */
	ldr	x10, =SECRET_A
	ldr	x11, =SECRET_B
	eor	x10, x10, x11
	.irp	n, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	mov	x\n, x10
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	dup	v\n\().2d, x10
	.endr
	msr	tpidr_el1, x10
	msr	tpidr_el0, x10
	mov	x0, #0
	b	done
	code	held_secret		/* how many of these have another value now */
	mov	x0, #0
	ldr	x4, =SECRET_A
	ldr	x5, =SECRET_B
	eor	x4, x4, x5
	.irp	n, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	cmp	x\n, x4
	cinc	x0, x0, ne
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	umov	x5, v\n\().d[1]
	cmp	x5, x4
	cinc	x0, x0, ne
	.endr
	mrs	x5, tpidr_el1
	cmp	x5, x4
	cinc	x0, x0, ne
	mov	x5, #0
	mov	x4, #0
	b	done
	code	execute			/* x0 address of instructions that return; x1 what they leave there */
	mov	x9, x0
	mov	x0, #0
	mov	x1, #0
	blr	x9
	b	done

	.ltorg
	.balign	2048
vectors:
	.rept	16
	.balign	128
	mov	x0, #-1000
	mrs	x1, esr_el1
	mrs	x2, far_el1
	mrs	x3, elr_el1
	b	done
	.endr
	code	end

	.section .note.GNU-stack, "", %progbits
