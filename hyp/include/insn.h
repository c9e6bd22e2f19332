/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instructions that C cannot say: all that EL2's C code asks of the machine. Nothing
 * else in hyp/ has inline assembly, so that a simulated machine is one other header of
 * this name (tests/hyp/port/insn.h).
 */
#ifndef HYP_INSN_H
#define HYP_INSN_H

#include <redoubt/port_builtin.h>

/* System registers; @name may be a macro for an encoding: S3_4_C12_C11_0. */
#define read_sysreg(name)	READ_SYSREG(name)
#define write_sysreg(name, val) WRITE_SYSREG(name, val)

#define READ_SYSREG(name)                                                                          \
	({                                                                                         \
		u64 __val;                                                                         \
		asm volatile("mrs %0, " #name : "=r"(__val));                                      \
		__val;                                                                             \
	})
#define WRITE_SYSREG(name, val)                                                                    \
	do {                                                                                       \
		u64 __val = (val);                                                                 \
		asm volatile("msr " #name ", %x0" : : "rZ"(__val));                                \
	} while (0)

/* TPIDR_EL2. Not volatile: it is the same for as long as this code runs, so it may be kept. */
static inline void *read_cpu_pointer(void)
{
	void *p;

	asm("mrs %0, tpidr_el2" : "=r"(p));
	return p;
}

#define isb()	    asm volatile("isb" : : : "memory")
#define dsb(domain) asm volatile("dsb " #domain : : : "memory")
#define dmb(domain) asm volatile("dmb " #domain : : : "memory")

/* Hints: what was profiled, or traced, so far is ordered before a following DSB. */
#define psb_csync() asm volatile("hint #17" : : : "memory")
#define tsb_csync() asm volatile("hint #18" : : : "memory")

/* TLBI by name, without and with an operand, and by encoding: op1 is 4, CRn is C8. */
#define tlbi(op)	     asm volatile("tlbi " #op : : : "memory")
#define tlbi_with(op, x)     asm volatile("tlbi " #op ", %0" : : "r"(x) : "memory")
#define tlbi_sys(crm, op2, x) asm volatile("sys #4, C8, " #crm ", #" #op2 ", %0" : : "r"(x) : "memory")

/* AT S1E1R: translate by the current EL1 regime, a read of EL1; the answer is in PAR_EL1. */
static inline void at_s1e1r(u64 va)
{
	asm volatile("at s1e1r, %0" : : "r"(va));
}

/* One line: clean and invalidate to the point of coherency. */
static inline void dc_civac(u64 va)
{
	asm volatile("dc civac, %0" : : "r"(va) : "memory");
}

/* One block of DCZID_EL0's size becomes zeroes. */
static inline void dc_zva(u64 va)
{
	asm volatile("dc zva, %0" : : "r"(va) : "memory");
}

static inline void ic_ialluis(void)
{
	asm volatile("ic ialluis" : : : "memory");
}

/* While waiting for another CPU. */
static inline void relax(void)
{
	asm volatile("yield");
}

static inline void wfi(void)
{
	asm volatile("wfi");
}

/* A breakpoint: an exception to EL2 itself, which is a panic. */
static inline void __attribute__((noreturn)) brk(void)
{
	asm volatile("brk #0" : : : "memory");
	__builtin_unreachable();
}

#endif /* HYP_INSN_H */
