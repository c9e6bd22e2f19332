// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL2 registers that shape the host's world besides stage 2. The list is one: it
 * is read on the CPU that launches and written on each that comes online. VMPIDR
 * differs by CPU and is not in it.
 */
#include "arch.h"
#include "recorder.h"

/*
 * X(name, encoding as an assembler operand, implemented if). Registers of
 * extensions are named by encoding, as the assembler may not know them.
 */
#define ARCH_REGS(X)                                                                               \
	X(CNTHCTL, cnthctl_el2, true)                                                              \
	X(CNTVOFF, cntvoff_el2, true)                                                              \
	X(CPTR, cptr_el2, true)                                                                    \
	X(HSTR, hstr_el2, true)                                                                    \
	X(MDCR, mdcr_el2, true)                                                                    \
	X(VPIDR, vpidr_el2, true)                                                                  \
	X(ICC_SRE, S3_4_C12_C9_5, gicv3())                                                         \
	X(ICH_HCR, S3_4_C12_C11_0, gicv3())                                                        \
	X(ZCR, S3_4_C1_C2_0, sve())                                                                \
	X(SMCR, S3_4_C1_C2_6, sme())                                                               \
	X(HCRX, S3_4_C1_C2_2, hcx())                                                               \
	X(HFGRTR, S3_4_C1_C1_4, fgt())                                                             \
	X(HFGWTR, S3_4_C1_C1_5, fgt())                                                             \
	X(HFGITR, S3_4_C1_C1_6, fgt())                                                             \
	X(HDFGRTR, S3_4_C3_C1_4, fgt())                                                            \
	X(HDFGWTR, S3_4_C3_C1_5, fgt())

#define ARCH_ENUM(name, reg, cond) ARCH_##name,
enum { ARCH_REGS(ARCH_ENUM) ARCH_NR };

static u64 snapshot[ARCH_NR];

static inline u64 field(u64 reg, unsigned int shift)
{
	return reg >> shift & 0xf;
}

static bool gicv3(void)
{
	return field(read_sysreg(id_aa64pfr0_el1), 24);
}

static bool sve(void)
{
	return field(read_sysreg(id_aa64pfr0_el1), 32);
}

static bool sme(void)
{
	return field(read_sysreg(id_aa64pfr1_el1), 24);
}

static bool hcx(void)
{
	return field(read_sysreg(id_aa64mmfr1_el1), 40);
}

static bool fgt(void)
{
	return field(read_sysreg(id_aa64mmfr0_el1), 56);
}

/*
 * What guests run with, where it is not what the host has. Zero in HCRX_EL2: no LS64,
 * MOPS, TCR2_EL1, SCTLR2_EL1, FPMR, GCS. In the fine-grained traps an "n" bit of zero traps
 * what came after Armv8.7: TPIDR2_EL0, PIR and POR, GCS, BRBE and the like; what is older
 * has a trap of its own in HCR_EL2, CPTR_EL2 or MDCR_EL2, except for SCXTNUM.
 */
#define HFGRTR_SCXTNUM (1ULL << 30 | 1ULL << 31) /* EL1's and EL0's */
#define ARCH_GUEST(X)                                                                              \
	X(HCRX, S3_4_C1_C2_2, 0)                                                                   \
	X(HFGRTR, S3_4_C1_C1_4, HFGRTR_SCXTNUM)                                                    \
	X(HFGWTR, S3_4_C1_C1_5, HFGRTR_SCXTNUM)                                                    \
	X(HFGITR, S3_4_C1_C1_6, 0)                                                                 \
	X(HDFGRTR, S3_4_C3_C1_4, 0)                                                                \
	X(HDFGWTR, S3_4_C3_C1_5, 0)

/* Those that the CPU has with another value for the host. */
u64 arch_differs;

#define ARCH_READ(name, reg, cond)                                                                 \
	if (cond)                                                                                  \
		snapshot[ARCH_##name] = read_sysreg(reg);
#define ARCH_WRITE(name, reg, cond)                                                                \
	if (cond)                                                                                  \
		write_sysreg(reg, snapshot[ARCH_##name]);

/* Registers that aren't there have stayed 0 in the snapshot, and must not be written. */
static bool implemented(int i)
{
	return i == ARCH_HCRX ? hcx() : fgt();
}

#define ARCH_DIFFERS(name, reg, value)                                                             \
	if (implemented(ARCH_##name) && snapshot[ARCH_##name] != (value))                          \
		arch_differs |= 1ULL << ARCH_##name;

/*
 * SME has a thread register, TPIDR2_EL0, which only a fine-grained trap hides. Every CPU
 * with SME has those (Armv9.2), but emulated ones may not (QEMU 7.2): there it is switched.
 */
#define TPIDR2_EL0 S3_3_C13_C0_5
bool arch_bare_tpidr2;

void arch_snapshot(void)
{
	ARCH_REGS(ARCH_READ)
	ARCH_GUEST(ARCH_DIFFERS)
	arch_bare_tpidr2 = sme() && !fgt();
}

void arch_take_tpidr2(struct hyp_cpu *cpu)
{
	cpu->host.tpidr2 = read_sysreg(TPIDR2_EL0);
	write_sysreg(TPIDR2_EL0, 0);
}

void arch_give_tpidr2(struct hyp_cpu *cpu)
{
	write_sysreg(TPIDR2_EL0, cpu->host.tpidr2);
}

#define ARCH_TO_GUEST(name, reg, value)                                                            \
	if (arch_differs >> ARCH_##name & 1)                                                       \
		write_sysreg(reg, value);
#define ARCH_TO_HOST(name, reg, value)                                                             \
	if (arch_differs >> ARCH_##name & 1)                                                       \
		write_sysreg(reg, snapshot[ARCH_##name]);

void arch_write_guest(void)
{
	ARCH_GUEST(ARCH_TO_GUEST)
}

void arch_write_host(void)
{
	ARCH_GUEST(ARCH_TO_HOST)
}

/* SCTLR_EL1 out of reset, for a kernel that expects its MMU off: RES1 bits, no E0E, no EE. */
#define SCTLR_EL1_OFF 0x30d00800

void arch_host_reset(void)
{
	ARCH_REGS(ARCH_WRITE)
	recorder_init();
	write_sysreg(vmpidr_el2, read_sysreg(mpidr_el1));
	write_sysreg(sctlr_el1, SCTLR_EL1_OFF);
	isb();
}
