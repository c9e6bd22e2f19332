/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes and offsets that the assembly files need; hyp/layout.c asserts that the
 * structures agree.
 */
#ifndef HYP_LAYOUT_H
#define HYP_LAYOUT_H

/* struct hyp_cpu; its end is the top of the stack for panics. */
#define HYP_CPU_SIZE 0x6000
#define HYP_CPU_GUEST_STATE 32 /* struct rd_vcpu_state of the guest that runs */
#define HYP_CPU_STUB_VECTORS 40 /* VBAR_EL2 as the kernel's hyp stub left it */
#define HYP_CPU_PANIC_X	    48 /* x0 to x30 and SP of a panic */

/* struct host_regs: x0 to x18 and x30, at the top of the stack of a host exit. */
#define HOST_REGS_SIZE 160

/* struct rd_vcpu_state. */
#define VCPU_X	    0
#define VCPU_PC	    248
#define VCPU_PSTATE 256

#endif /* HYP_LAYOUT_H */
