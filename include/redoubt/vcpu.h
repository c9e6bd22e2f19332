/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's state as the host's module and EL2 pass it to each other.
 *
 * One structure, in pages that the host owns and shares with EL2. For an
 * ordinary VM it is the vCPU's state: VCPU_RUN loads the CPU from it and an exit
 * stores the CPU to it. For a protected VM the state lives in EL2's own memory,
 * and here appears only what an exit shows the host (DESIGN.md, protected VMs).
 *
 * EL2 reads each word once, and sanitises what could reach beyond the guest
 * (PSTATE, HCR bits, list register counts). All else is the guest's own affair.
 */
#ifndef REDOUBT_VCPU_H
#define REDOUBT_VCPU_H

#include <redoubt/types.h>

/*
 * EL1 and EL0 system registers of a vCPU that EL2 saves and restores, in the
 * order of rd_vcpu_state.sys: X(name as the assembler knows it). Those from SPSR_ABT
 * on are AArch32's: EL2 leaves them alone if EL1 is AArch64.
 */
#define RD_VCPU_SYSREGS(X)                                                                         \
	X(SP_EL0) X(SP_EL1) X(ELR_EL1) X(SPSR_EL1) X(SCTLR_EL1) X(CPACR_EL1) X(TTBR0_EL1)          \
	X(TTBR1_EL1) X(TCR_EL1) X(ESR_EL1) X(AFSR0_EL1) X(AFSR1_EL1) X(FAR_EL1) X(MAIR_EL1)        \
	X(VBAR_EL1) X(CONTEXTIDR_EL1) X(TPIDR_EL0) X(TPIDRRO_EL0) X(TPIDR_EL1) X(AMAIR_EL1)        \
	X(CNTKCTL_EL1) X(PAR_EL1) X(CSSELR_EL1) X(ACTLR_EL1) X(MDSCR_EL1) X(MDCCINT_EL1)           \
	X(DISR_EL1)                                                                                \
	X(SPSR_ABT) X(SPSR_UND) X(SPSR_IRQ) X(SPSR_FIQ) X(DACR32_EL2) X(IFSR32_EL2)                \
	X(FPEXC32_EL2) X(DBGVCR32_EL2)

#define RD_SYS_ENUM(name) RD_SYS_##name,
enum rd_sys { RD_VCPU_SYSREGS(RD_SYS_ENUM) RD_SYS_COUNT };

struct rd_vcpu_fp {
	u64 v[64]; /* v0 to v31, low half first */
	u64 fpsr;
	u64 fpcr;
};

/* Breakpoints and watchpoints; switched only while RD_VCPU_DEBUG is set. */
struct rd_vcpu_dbg {
	u64 bvr[16];
	u64 bcr[16];
	u64 wvr[16];
	u64 wcr[16];
};

/* GICv3 virtual interface (GICv3 9.3); for vCPUs with RD_VCPU_VGIC when they are loaded. */
struct rd_vcpu_vgic {
	u64 hcr;	 /* in: ICH_HCR_EL2 for this run (En, UIE, NPIE, TC, TALL0/1...) */
	u64 vmcr;	 /* in at VCPU_LOAD, out at each exit: ICH_VMCR_EL2 */
	u64 apr0[4];	 /* in at VCPU_LOAD, out at VCPU_PUT */
	u64 apr1[4];	 /* likewise */
	u64 lr[16];	 /* in, out: the first used_lrs */
	u64 used_lrs;	 /* in: list registers to load and read back, at most what the CPU has */
	u64 misr;	 /* out: ICH_MISR_EL2 at exit */
	u64 eisr;	 /* out: ICH_EISR_EL2 */
	u64 elrsr;	 /* out: ICH_ELRSR_EL2 */
	u64 hcr_out;	 /* out: ICH_HCR_EL2 with EOIcount */
	u64 reserved;
};

/*
 * The virtual timer's control and compare registers are not here: a host that
 * was booted at EL2 leaves CNTV to its guests, and the module sets it itself.
 */
struct rd_vcpu_timer {
	u64 cntvoff;	 /* in: CNTVOFF_EL2 from VCPU_LOAD to VCPU_PUT */
	u64 cnthctl;	 /* in: bits of RD_TIMER_* */
};
#define RD_TIMER_PCT_TRAP (1UL << 0) /* reads of CNTPCT_EL0 exit */
/* CNTP_* always exits: the physical timer is the host's. */

/*
 * What an ordinary guest reads from ID registers, constant once it runs. Reads always
 * trap; without RD_VCPU_IDREGS, or with RD_VCPU_ROUTE_DBG, they exit. EL2 has its own
 * answers for protected guests.
 */
#define RD_NR_IDREGS 56
struct rd_vcpu_idregs {
	u64 ctr;	       /* CTR_EL0 */
	u64 val[RD_NR_IDREGS]; /* Op0=3, Op1=0, CRn=0: (CRm - 1) * 8 + Op2, CRm from 1 to 7 */
	u64 reserved;
};

struct rd_vcpu_exit {
	u64 esr;	 /* ESR_EL2 */
	u64 far;	 /* FAR_EL2 */
	u64 hpfar;	 /* HPFAR_EL2, resolved by EL2 where the CPU leaves it out */
	u64 disr;	 /* VDISR/ESR of an SError */
};

/* rd_vcpu_state.flags, in. */
#define RD_VCPU_DEBUG	  (1UL << 0) /* switch struct rd_vcpu_dbg */
#define RD_VCPU_VGIC	  (1UL << 1) /* switch struct rd_vcpu_vgic */
#define RD_VCPU_VSERROR	  (1UL << 2) /* pend a virtual SError with vsesr; EL2 clears it once taken */
#define RD_VCPU_TRAP_WFI  (1UL << 3) /* HCR_EL2.TWI */
#define RD_VCPU_TRAP_WFE  (1UL << 4) /* HCR_EL2.TWE */
#define RD_VCPU_TRAP_DBG  (1UL << 5) /* MDCR_EL2.TDA: debug register accesses exit */
#define RD_VCPU_ROUTE_DBG (1UL << 6) /* MDCR_EL2.TDE: debug exceptions exit */
#define RD_VCPU_TRAP_VM	  (1UL << 7) /* HCR_EL2.TVM: writes of VM control registers exit */
#define RD_VCPU_IDREGS	  (1UL << 8) /* struct rd_vcpu_idregs is complete: EL2 answers reads */
#define RD_VCPU_VIRQ	  (1UL << 9) /* HCR_EL2.VI: with an interrupt controller in user space */
#define RD_VCPU_VFIQ	  (1UL << 10) /* HCR_EL2.VF */
/*
 * Protected VMs: the access that exited has been emulated, a load's data is in x[rt].
 * EL2 clears it. (The PC is EL2's there; for an ordinary VM the module moves it.)
 */
#define RD_VCPU_SKIP	  (1UL << 11)

struct rd_vcpu_state {
	u64 x[31];
	u64 pc;
	u64 pstate;
	u64 flags;
	u64 vmpidr;	 /* VMPIDR_EL2 */
	u64 vpidr;	 /* VPIDR_EL2 */
	u64 vsesr;
	u64 reserved;
	u64 sys[RD_SYS_COUNT + (RD_SYS_COUNT & 1)];
	struct rd_vcpu_exit exit;
	struct rd_vcpu_timer timer;
	struct rd_vcpu_idregs idregs;
	struct rd_vcpu_vgic vgic;
	struct rd_vcpu_dbg dbg;
	struct rd_vcpu_fp fp; /* current only between VCPU_PUT and VCPU_LOAD: FP is switched lazily */
};

_Static_assert(sizeof(struct rd_vcpu_state) <= 4096, "a vCPU's state fits the smallest granule");
_Static_assert(__builtin_offsetof(struct rd_vcpu_state, fp) % 16 == 0, "v registers are aligned");

#endif /* REDOUBT_VCPU_H */
