/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: from the kernel's hyp stub, with EL2's MMU off, to the EL2
 * program; from firmware on a CPU that was off or suspended; and the way back to
 * the stub.
 *
 * This page is mapped at its physical address too, so that the MMU can be turned
 * on and off while it runs. It reads struct rd_boot and struct rd_boot_cpu with
 * the MMU off: whoever wrote them last cleaned them to the point of coherency
 * (the module at launch; nobody writes them after).
 */
#include <redoubt/abi.h>
#include <redoubt/boot.h>
#include "asm.h"
#include "layout.h"
#include "sysreg.h"

	.section .head, "ax"
/* Offsets, which are link-time constants: relocation must not turn them into addresses. */
SYM_OBJECT(hyp_image_header)
	.quad	RD_IMAGE_MAGIC
	.quad	RD_ABI_VERSION
	.quad	hyp_text_end - hyp_image_header
	.quad	hyp_rodata_end - hyp_image_header
	.quad	hyp_image_end - hyp_image_header
	.quad	hyp_memory_end - hyp_image_header
	.quad	hyp_rela_start - hyp_image_header
	.quad	hyp_rela_end - hyp_image_header
	.quad	hyp_boot - hyp_image_header
	.quad	hyp_init - hyp_image_header
	.quad	hyp_idmap_start - hyp_image_header
	.quad	hyp_idmap_end - hyp_image_header
	.quad	hyp_text_used - hyp_image_header
	.quad	HYP_CPU_SIZE
SYM_END(hyp_image_header)

	.section .idmap, "ax"
/*
 * Where HVC_SOFT_RESTART of the kernel's hyp stub jumps at launch: EL2, MMU off,
 * exceptions masked, the host's return address and PSTATE in ELR_EL2 and
 * SPSR_EL2. x0: PA of this CPU's struct rd_boot_cpu. Returns to EL1 with x0 = 0
 * and x1 to x17 cleared; x18 to x30 are the host's.
 *
 * Entering this way, rather than by HVC_SET_VECTORS, leaves the stub's vectors in
 * VBAR_EL2, where they are found for the day they go back.
 */
SYM_FUNC(hyp_init)
	mov	x1, x0
	mrs	x2, vbar_el2
	mov	x9, lr
	bl	hyp_mmu_on
	stp	x18, x9, [sp, #-16]!
	mov	x1, x2
	bl	hyp_cpu_launch		/* (struct hyp_cpu *, stub vectors) */
	ldp	x18, lr, [sp], #16
	mov	x0, #0
	clear_gprs 1, 17
	eret
SYM_END(hyp_init)

/*
 * PSCI's entry on CPU_ON and the resume of CPU_SUSPEND: EL2 with the MMU off,
 * exceptions masked, x0 = PA of the struct rd_boot_cpu that the relay gave.
 */
SYM_FUNC(hyp_psci_entry)
	mov	x1, x0
	/* Resets leave EL2's controls UNKNOWN (Arm ARM D1.9.1), and firmware need not care. */
	mov_q	x0, SCTLR_EL2_MMU_OFF
	msr	sctlr_el2, x0
	mov_q	x0, HCR_EL2_RW
	msr	hcr_el2, x0
	isb
	bl	hyp_mmu_on
	b	hyp_cpu_resume		/* (struct hyp_cpu *), no return */
SYM_END(hyp_psci_entry)

/*
 * x1: PA of struct rd_boot_cpu. Turns the MMU on, takes the stack, vectors and
 * TPIDR_EL2 of this CPU, and returns to the caller's virtual address with x0 =
 * VA of its struct hyp_cpu. Clobbers x3 to x8.
 */
SYM_FUNC(hyp_mmu_on)
	adr_l	x3, hyp_boot
	ldr	x5, [x3, #RD_BOOT_TCR]
	ldr	x6, [x3, #RD_BOOT_MAIR]
	ldr	x7, [x3, #RD_BOOT_TTBR]
	msr	tcr_el2, x5
	msr	mair_el2, x6
	msr	ttbr0_el2, x7
	ldp	x0, x5, [x1, #RD_BOOT_CPU_VA]
	ldp	x6, x8, [x3, #RD_BOOT_SCTLR]
	/*
	 * Nothing that an earlier owner of EL2 left in this CPU's TLBs may be used:
	 * neither EL2's own entries nor stage 1+2 ones of any VMID. Local is enough,
	 * since every CPU comes this way. The first ISB makes the new controls
	 * current before the invalidation, the last one before the MMU goes on; no
	 * translation uses them until then (D8.14, D8.16).
	 */
	isb
	tlbi	alle2
	tlbi	alle1
	dsb	nsh
	/* Instructions may be cached from before this memory was the image's. */
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x6
	isb
	/* The identity map is in use now; return, and go on, in the linear map. */
	add	lr, lr, x8
	mov	sp, x5
	msr	tpidr_el2, x0
	adr_l	x5, hyp_host_vectors
	add	x5, x5, x8
	msr	vbar_el2, x5
	isb
	ret
SYM_END(hyp_mmu_on)

/*
 * void hyp_mmu_off(u64 stub_vectors, const struct host_regs *): the way back to
 * the stub; called at its physical address by hyp_cpu_release(), in a frame of
 * host_sync(). The MMU goes off for good, so all that is needed from the linear
 * map is loaded first. Returns to EL1 with x0 = 0.
 */
SYM_FUNC(hyp_mmu_off)
	ldp	x18, lr, [x1, #144]
	mov_q	x5, SCTLR_EL2_MMU_OFF
	msr	sctlr_el2, x5
	isb
	msr	vbar_el2, x0
	msr	tpidr_el2, xzr
	/* EL2's translations must not outlive its tables, which the host gets back. */
	tlbi	alle2
	tlbi	alle1
	dsb	nsh
	ic	iallu
	dsb	nsh
	isb
	mov	x0, #0
	clear_gprs 1, 17
	eret
SYM_END(hyp_mmu_off)
