/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest. It asks for its orders by reading ORDER_IPA, because a protected
 * vCPU's registers are out of the VMM's reach: x21 what to do, x19 how often,
 * x23 address, x24 stride. x20 is ORDER_IPA and x22 MMIO_IPA, from x0 and x1: those are
 * what a protected vCPU starts with.
 */
	.section .rodata
	.balign 4096
	.global guest_code
	.global guest_end
	.global guest_empty
	.global guest_hvc
	.global guest_mmio
	.global guest_read
	.global guest_share
	.global guest_write
	.global guest_timer
	.global guest_ipi
	.global guest_echo
guest_code:
	mov x20, x0
	mov x22, x1
guest_next:
	ldr x21, [x20]
	ldr x19, [x20]
	ldr x23, [x20]
	ldr x24, [x20]
	br x21
guest_done:
	str xzr, [x20]
	b guest_next
guest_empty:
	subs x19, x19, #1
	b.ne guest_empty
	b guest_done
guest_hvc:
	mov w0, #0x84000000	/* PSCI_VERSION */
	hvc #0
	subs x19, x19, #1
	b.ne guest_hvc
	b guest_done
guest_mmio:
	ldr w1, [x22]
	subs x19, x19, #1
	b.ne guest_mmio
	b guest_done
guest_read:
	ldr w1, [x23]
	subs x19, x19, #1
	b.ne guest_read
	b guest_done
guest_share:
	movz w0, #0xc600, lsl #16	/* MEM_SHARE of x23, then MEM_UNSHARE */
	movk w0, #3
	mov x1, x23
	mov x2, #0
	mov x3, #0
	hvc #0
	movz w0, #0xc600, lsl #16
	movk w0, #4
	hvc #0
	subs x19, x19, #1
	b.ne guest_share
	b guest_done
guest_write:
	str x19, [x23]
	add x23, x23, x24
	subs x19, x19, #1
	b.ne guest_write
	b guest_done
/*
 * Interrupts stay masked, and are taken by asking the GIC for them: what is counted
 * is how they come, not what an exception costs.
 */
guest_gic:
	mov w27, #-1	/* x26: the redistributor's SGI frame */
	str w27, [x26, #0x80]	/* GICR_IGROUPR0 */
	mov w27, #0xffff
	movk w27, #0x0800, lsl #16
	str w27, [x26, #0x100]	/* GICR_ISENABLER0: SGIs and PPI 27 */
	mov x27, #0x08000000
	mov w28, #2
	str w28, [x27]	/* GICD_CTLR: group 1 */
	mov x27, #0xff
	msr S3_0_C4_C6_0, x27	/* ICC_PMR_EL1 */
	mov x27, #1
	msr S3_0_C12_C12_7, x27	/* ICC_IGRPEN1_EL1 */
	isb
	ret
guest_timer:
	mov x26, #0x080b0000
	bl guest_gic
	mov x26, #1
1:	msr cntv_tval_el0, xzr
	msr cntv_ctl_el0, x26
	isb
2:	mrs x27, S3_0_C12_C12_0	/* ICC_IAR1_EL1 */
	cmp x27, #1020
	b.hs 2b
	msr cntv_ctl_el0, xzr
	isb
	msr S3_0_C12_C12_1, x27	/* ICC_EOIR1_EL1 */
	subs x19, x19, #1
	b.ne 1b
	b guest_done
guest_ipi:
	mov x26, #0x080b0000
	bl guest_gic
	mov x26, #2	/* SGI 0 to affinity 0.0.0.1 */
1:	msr S3_0_C12_C11_5, x26	/* ICC_SGI1R_EL1 */
2:	wfi
	mrs x27, S3_0_C12_C12_0
	cmp x27, #1020
	b.hs 2b
	msr S3_0_C12_C12_1, x27
	subs x19, x19, #1
	b.ne 1b
	b guest_done
guest_echo:
	mov x26, #0x080d0000	/* the other vCPU: sends each SGI back */
	bl guest_gic
	mov x26, #1
1:	wfi
	mrs x27, S3_0_C12_C12_0
	cmp x27, #1020
	b.hs 1b
	msr S3_0_C12_C12_1, x27
	msr S3_0_C12_C11_5, x26
	b 1b
guest_end:

	.section .note.GNU-stack, "", %progbits
