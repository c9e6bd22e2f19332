/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of hyp/include/insn.h: instructions of a simulated CPU (tests/hyp/sim.h).
 * Each is also a point where another simulated CPU may go on.
 */
#ifndef HYP_INSN_H
#define HYP_INSN_H

#include <redoubt/port_builtin.h>

u64 sim_sysreg_read(u32 *slot, const char *name);
void sim_sysreg_write(u32 *slot, const char *name, u64 value);
void *sim_cpu_pointer(void);
void sim_barrier(void);
void sim_csync(const char *what);
void sim_relax(void);
void sim_tlbi(const char *op, u64 operand);
void sim_at(u64 va);
void sim_dc(u64 va);
void sim_wfi(void);

#define read_sysreg(name)	READ_SYSREG(name)
#define write_sysreg(name, val) WRITE_SYSREG(name, val)

/* Registers are found by name, once at each place. */
#define READ_SYSREG(name)                                                                          \
	({                                                                                         \
		static u32 slot__;                                                                 \
		sim_sysreg_read(&slot__, #name);                                                   \
	})
#define WRITE_SYSREG(name, val)                                                                    \
	do {                                                                                       \
		static u32 slot__;                                                                 \
		sim_sysreg_write(&slot__, #name, (val));                                           \
	} while (0)

static inline void *read_cpu_pointer(void)
{
	return sim_cpu_pointer();
}

#define isb()	    sim_barrier()
#define dsb(domain) sim_barrier()
#define dmb(domain) sim_barrier()

#define psb_csync() sim_csync("spe")
#define tsb_csync() sim_csync("trbe")

#define tlbi(op)	      sim_tlbi(#op, 0)
#define tlbi_with(op, x)      sim_tlbi(#op, x)
#define tlbi_sys(crm, op2, x) sim_tlbi("sys " #crm " " #op2, x)

static inline void at_s1e1r(u64 va)
{
	sim_at(va);
}

static inline void dc_civac(u64 va)
{
	sim_dc(va);
}

/* As long as sim_cpu.c's DCZID_EL0 says. */
static inline void dc_zva(u64 va)
{
	__builtin_memset((void *)va, 0, 64);
}

static inline void ic_ialluis(void)
{
	sim_barrier();
}

static inline void relax(void)
{
	sim_relax();
}

static inline void wfi(void)
{
	sim_wfi();
}

#endif /* HYP_INSN_H */
