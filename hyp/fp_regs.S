/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FP/SIMD and SVE register files to memory and back. The caller has CPTR_EL2's
 * traps off, and an ISB behind that.
 */
#include "asm.h"

	.arch_extension fp
	.arch_extension simd
	.arch_extension sve

	.text
	.macro	simd_each insn
	\insn	q0, q1, [x0]
	\insn	q2, q3, [x0, #32]
	\insn	q4, q5, [x0, #64]
	\insn	q6, q7, [x0, #96]
	\insn	q8, q9, [x0, #128]
	\insn	q10, q11, [x0, #160]
	\insn	q12, q13, [x0, #192]
	\insn	q14, q15, [x0, #224]
	\insn	q16, q17, [x0, #256]
	\insn	q18, q19, [x0, #288]
	\insn	q20, q21, [x0, #320]
	\insn	q22, q23, [x0, #352]
	\insn	q24, q25, [x0, #384]
	\insn	q26, q27, [x0, #416]
	\insn	q28, q29, [x0, #448]
	\insn	q30, q31, [x0, #480]
	.endm

/* void fp_simd_save(struct rd_vcpu_fp *fp) */
SYM_FUNC(fp_simd_save)
	simd_each stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x0, x0, #512
	stp	x1, x2, [x0]
	ret
SYM_END(fp_simd_save)

/* void fp_simd_load(const struct rd_vcpu_fp *fp) */
SYM_FUNC(fp_simd_load)
	simd_each ldp
	add	x0, x0, #512
	ldp	x1, x2, [x0]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
SYM_END(fp_simd_load)

	.macro	sve_each_z insn
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\insn	z\n, [x0, #\n, mul vl]
	.endr
	.endm

	.macro	sve_each_p insn
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\insn	p\n, [x1, #\n, mul vl]
	.endr
	.endm

/*
 * void fp_sve_save(void *z, void *p, u64 *control, u64 ffr): vectors, predicates
 * (FFR behind p15, unless @ffr is 0: streaming mode has none), FPSR and FPCR.
 */
SYM_FUNC(fp_sve_save)
	sve_each_z str
	sve_each_p str
	cbz	x3, 1f
	rdffr	p0.b
	str	p0, [x1, #16, mul vl]
	ldr	p0, [x1, #0, mul vl]
1:	mrs	x4, fpsr
	mrs	x5, fpcr
	stp	x4, x5, [x2]
	ret
SYM_END(fp_sve_save)

/* void fp_sve_load(const void *z, const void *p, const u64 *control, u64 ffr) */
SYM_FUNC(fp_sve_load)
	sve_each_z ldr
	cbz	x3, 1f
	ldr	p0, [x1, #16, mul vl]
	wrffr	p0.b
1:	sve_each_p ldr
	ldp	x4, x5, [x2]
	msr	fpsr, x4
	msr	fpcr, x5
	ret
SYM_END(fp_sve_load)
