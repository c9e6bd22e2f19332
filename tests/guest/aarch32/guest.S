/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of vm.c: AArch32 at EL1, without tables. It does what traps, or makes KVM
 * give it an exception, and stores what it finds to consecutive words of REPORT_IPA (r11),
 * where no memory is. vm.c knows what each must be.
 *
 * Handlers report LR as the distance from where the exception was (r9), and CPSR; SPSR
 * between the two is for vm.c to ask for. They go on at r10, with Z and C set. With r12
 * other than 0 they report nothing.
 */
#include "map.h"

	.syntax	unified
	.arch	armv8-a
	.fpu	neon-fp-armv8
	.text
	.arm

	/* Not one instruction: the CPU doesn't describe a store with write-back. */
	.macro	report reg
	str	\reg, [r11]
	add	r11, r11, #4
	.endm

	/* Where the next exception is to continue, and where it will be. */
	.macro	expect at, next
	adr	r10, \next
	adr	r9, \at
	.endm

	.macro	handler
	sub	r4, lr, r9
	mrs	r5, spsr
	mrs	r6, cpsr
	cmp	r12, #0
	bne	1f
	report	r4
	add	r11, r11, #4
	report	r6
1:	msr	cpsr_c, #0xd3		/* Supervisor; A is left as it was found */
	bx	r10
	.endm

	.balign	32
	.global	_start
_start:
vectors:
	b	begin
	b	undefined
	b	.
	b	aborted			/* instruction */
	b	aborted			/* data */
	b	.
	b	.
	b	.

undefined:
aborted:
	handler

begin:
	mov	r12, #0
	mov	r11, #REPORT_IPA
	mrs	r0, cpsr
	report	r0			/* out of reset */
	ldr	r7, =CODE_IPA
	mcr	p15, 0, r7, c12, c0, 0	/* VBAR */
	isb

	/* Undefined: the PMU is not there. */
	expect	1f, 2f
	msr	cpsr_f, #0x60000000	/* Z, C: seen in SPSR */
1:	mrc	p15, 0, r0, c9, c12, 0	/* PMCR */
	b	.
2:

	/* The same in Thumb. The handler is entered in ARM state. */
	expect	4f, 5f
	adr	r0, 3f + 1
	bx	r0
	.thumb
	.balign	4
3:	nop
	nop
4:	mrc	p15, 0, r0, c9, c12, 0
	b	.
	.arm
	.balign	4
5:

	/*
	 * A trapped instruction in an IT block, which is skipped when it has been done: the
	 * one behind it must not be executed, and the third must be.
	 */
	mov	r1, #0
	mov	r2, #0
	mov	r3, #0
	adr	r0, 6f + 1
	bx	r0
	.thumb
	.balign	4
6:	cmp	r3, #0
	itet	eq
	mrceq	p15, 0, r1, c0, c2, 0	/* ID_ISAR0: traps */
	movne	r2, #1
	moveq	r3, #1
	adr	r0, 7f
	bx	r0
	.arm
	.balign	4
7:	report	r1
	report	r2
	report	r3

	/* Conditions that fail: nothing is read. */
	mov	r1, #0x55
	cmp	r1, #0
	mrceq	p15, 0, r1, c0, c2, 0
	mrceq	p15, 0, r1, c9, c12, 0
	report	r1

	/* External abort of a load that user space refuses. Short format, then long. */
	mov	r8, #0
8:	mcr	p15, 0, r8, c2, c0, 2	/* TTBCR */
	isb
	mov	r7, #REFUSED_IPA
	add	r7, r7, #0x24
	expect	9f, 10f
9:	ldr	r0, [r7]
	b	.
10:
	mrc	p15, 0, r0, c5, c0, 0	/* DFSR */
	report	r0
	mrc	p15, 0, r0, c6, c0, 0	/* DFAR */
	report	r0

	/* No memory to execute. */
	mov	r9, #REFUSED_IPA
	adr	r10, 11f
	bx	r9
11:
	mrc	p15, 0, r0, c5, c0, 1	/* IFSR */
	report	r0
	mrc	p15, 0, r0, c6, c0, 2	/* IFAR */
	report	r0
	cmp	r8, #0
	mov	r8, #0x80000000		/* EAE */
	beq	8b
	mov	r8, #0
	mcr	p15, 0, r8, c2, c0, 2
	isb

	/* Vectors at the top of the address space. */
	mrc	p15, 0, r0, c1, c0, 0	/* SCTLR */
	orr	r0, r0, #0x2000		/* V */
	mcr	p15, 0, r0, c1, c0, 0
	isb
	expect	12f, 13f
12:	mrc	p15, 0, r1, c9, c12, 0
	b	.
13:	report	r7			/* the handler up there has been */
	mrc	p15, 0, r0, c1, c0, 0
	bic	r0, r0, #0x2000
	mcr	p15, 0, r0, c1, c0, 0
	isb

	/* FP: undefined by FPEXC, although the registers are still the host's; then there. */
	mov	r0, #0xf00000		/* CPACR: cp10, cp11 */
	mcr	p15, 0, r0, c1, c0, 2
	isb
	mov	r12, #1			/* not KVM's exception, so that it has no say */
	expect	14f, 15f
14:	vmov	s0, r0
	b	.
15:	mov	r12, #0
	report	r4
	mov	r0, #0x40000000
	vmsr	fpexc, r0
	vmrs	r0, mvfr0
	report	r0
	vmrs	r0, mvfr1
	report	r0
	vmrs	r0, mvfr2
	report	r0
	movw	r1, #0x1234
	vmov	s0, r1
	vmov	r0, s0
	report	r0
	vmrs	r0, fpexc
	report	r0

	/* Calls. */
	mov	r0, #0x84000000		/* PSCI_VERSION */
	hvc	#0
	report	r0
	movw	r0, #0x0003		/* CPU_ON of 64 bits */
	movt	r0, #0xc400
	hvc	#0
	report	r0
	mov	r0, #0x84000000
	smc	#0			/* the same by SMC, which is to be skipped */
	report	r0
	cmp	r0, #0
	movw	r0, #0x4321
	smceq	#0			/* not executed */
	report	r0

	/* CP14 */
	mrc	p14, 0, r0, c0, c0, 0	/* DBGDIDR */
	report	r0
	mov	r0, #0x1000
	mcr	p14, 0, r0, c0, c0, 4	/* DBGBVR0 */
	mrc	p14, 0, r0, c0, c0, 4
	report	r0
	mrrc	p14, 0, r0, r1, c1	/* DBGDRAR */
	orr	r0, r0, r1
	report	r0

	/*
	 * Halves of registers. After an operation by set and way KVM may trap writes of all
	 * that translation depends on.
	 */
	mov	r0, #0
	mcr	p15, 0, r0, c7, c14, 2	/* DCCISW */
	movw	r1, #0x1111
	mcr	p15, 0, r1, c10, c2, 0	/* MAIR0 */
	movw	r1, #0x2222
	mcr	p15, 0, r1, c10, c2, 1	/* MAIR1 */
	movw	r1, #0x3333
	mcr	p15, 0, r1, c6, c0, 0	/* DFAR */
	movw	r1, #0x4444
	mcr	p15, 0, r1, c6, c0, 2	/* IFAR */
	movw	r1, #0x5555
	mcr	p15, 0, r1, c3, c0, 0	/* DACR */
	movw	r1, #0x14
	mcr	p15, 0, r1, c5, c0, 0	/* DFSR */
	movw	r1, #0x15
	mcr	p15, 0, r1, c5, c0, 1	/* IFSR */
	mov	r0, #0x6000
	mov	r1, #0x77
	mcrr	p15, 0, r0, r1, c2	/* TTBR0, 64 bits */
	mov	r0, #0x8000
	mcr	p15, 0, r0, c2, c0, 0	/* its lower half */
	mrc	p15, 0, r0, c10, c2, 0
	report	r0
	mrc	p15, 0, r0, c10, c2, 1
	report	r0
	mrc	p15, 0, r0, c6, c0, 0
	report	r0
	mrc	p15, 0, r0, c6, c0, 2
	report	r0
	mrc	p15, 0, r0, c3, c0, 0
	report	r0
	mrc	p15, 0, r0, c5, c0, 0
	report	r0
	mrc	p15, 0, r0, c5, c0, 1
	report	r0
	mrrc	p15, 0, r0, r1, c2
	report	r0
	report	r1

	/* A compare value of the physical timer, which KVM has: 64 bits and two registers. */
	movw	r0, #0x9999
	movw	r1, #0x8888
	mcrr	p15, 2, r0, r1, c14	/* CNTP_CVAL */
	mrrc	p15, 2, r2, r3, c14
	report	r2
	report	r3

	/* A system error, made pending by user space while it is masked. */
	mov	r7, #REFUSED_IPA
	ldr	r0, [r7, #SERROR]
	expect	16f, 17f
	mov	r12, #1			/* the CPU's exception, which sets SPSR */
	msr	cpsr_f, #0x60000000
16:	cpsie	a
	b	.
17:	mov	r12, #0
	report	r4
	report	r5
	report	r6
	mrc	p15, 0, r0, c5, c0, 0	/* DFSR */
	report	r0

	/* Handlers in Thumb. */
	mrc	p15, 0, r0, c1, c0, 0	/* SCTLR */
	orr	r0, r0, #0x40000000	/* TE */
	mcr	p15, 0, r0, c1, c0, 0
	adr	r0, thumb_vectors
	mcr	p15, 0, r0, c12, c0, 0	/* VBAR */
	isb
	expect	18f, 19f
	msr	cpsr_f, #0x60000000
18:	mrc	p15, 0, r0, c9, c12, 0
	b	.
19:	expect	20f, 21f
20:	ldr	r0, [r7, #0x24]
	b	.
21:	mrc	p15, 0, r0, c1, c0, 0
	bic	r0, r0, #0x40000000
	mcr	p15, 0, r0, c1, c0, 0
	isb

	/*
	 * Step by step: user space compares each address with what it knows of the lengths
	 * here. Instructions that trap, too, in and out of an IT block.
	 */
	adr	r0, 22f
	str	r0, [r7, #STEP_BEGIN]
22:	nop
	mrc	p15, 0, r1, c0, c2, 0	/* ID_ISAR0: traps */
	adr	r0, 23f + 1
	bx	r0
	.thumb
	.balign	4
23:	nop
	cmp	r7, r7
	itte	eq
	mrceq	p15, 0, r1, c0, c2, 0
	moveq	r3, #1
	movne	r3, #2
	adr	r0, 24f
	bx	r0
	.arm
	.balign	4
24:	str	r3, [r7, #STEP_END]

	/* The second vCPU, in Thumb and in this one's byte order: it reports its own part. */
	movw	r0, #0x0003		/* CPU_ON of 32 bits */
	movt	r0, #0x8400
	mov	r1, #1
	adr	r2, second + 1
	movw	r3, #0x7777
	setend	be
	hvc	#0
	setend	le
	report	r0
	mov	r0, #0
	ldr	r11, =DONE_IPA
	report	r0
	b	.

	/* With SCTLR.TE; each is four bytes long, as in ARM. */
	.thumb
	.balign	32
thumb_vectors:
	b.w	.
	b.w	thumb_handler
	b.w	.
	b.w	.
	b.w	thumb_handler		/* data abort */

thumb_handler:
	sub	r4, lr, r9
	mrs	r6, cpsr
	report	r4
	add	r11, r11, #4
	report	r6
	movs	r5, #0xd3
	msr	cpsr_c, r5
	bx	r10

	.balign	4
second:
	mov	r11, #REPORT_IPA
	add	r11, r11, #SECOND
	str	r0, [r11]
	setend	le
	mrs	r0, cpsr
	str	r0, [r11, #4]
	ldr	r11, =DONE_IPA
	str	r0, [r11]
	b	.
	.balign	4
	.ltorg

	/* What lies at 0xffff0000: the same vectors; they say in r7 that they were used. */
	.arm
	.balign	4096
high:	b	.
	b	high_undefined
	b	.
	b	.
	b	.
	b	.
	b	.
	b	.
high_undefined:
	movw	r7, #0x4869
	handler
