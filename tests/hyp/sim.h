/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine on which EL2's code runs as a part of a test program.
 *
 * Memory	RAM is a file in memory, mapped twice: as the host and guests reach it
 *		(sim_ram()), and at EL2's addresses, where a page opens only once EL2's own
 *		stage-1 tables say so and closes with the TLB invalidation. EL2 touching
 *		anything else ends the test.
 * CPUs		each with its registers and its TLB of stage-2 translations. EL2 runs on
 *		one CPU at a time; where another may go on (sim_switch_point()) a seed decides.
 * Firmware	answers SMCs.
 *
 * Nothing here knows what EL2 is meant to do: see oracle.h.
 */
#ifndef SIM_H
#define SIM_H

#include <setjmp.h>
#include <stdio.h>

#include <redoubt/vcpu.h>

#include "cpu.h"
#include "../core/judge/rng.h"
#include "../core/judge/walk.h"

#define SIM_CPUS	4
#define SIM_REGS	256
#define SIM_TLB_SIZE	96
#define SIM_REGIONS	2
#define SIM_PAGES_MAX	4608
#define SIM_NO_PAGE	(~0u)
#define SIM_DEVICE	(~1u) /* what an ordinary guest may have that is not RAM */

/* What a test machine is like. */
struct sim_shape {
	const char *name;
	u32 shift;		       /* of the granule */
	bool lpa2, fwb;
	bool modern;		       /* has what tests/hyp/sim_ext.c has */
	bool aarch32;		       /* EL1 may be AArch32, on all CPUs but the fourth */
	u64 mmfr0, mmfr1, mmfr2, isar0;
	struct walk_cpu cpu;
	u64 base[SIM_REGIONS], pages[SIM_REGIONS];
};

extern const struct sim_shape sim_shapes[];
extern const u32 sim_nr_shapes;

/* A translation that a CPU may use: one leaf. */
struct sim_tlb_entry {
	bool valid;
	bool combined; /* with stage 1: not reached by an invalidation by IPA */
	bool by_ipa;
	u32 vmid;
	u64 ia, oa;    /* of the leaf, bytes */
	u64 size;
	bool w;
	int level;
};

struct sim_cpu {
	u32 index;
	bool on;		       /* else turned off: firmware has it */
	u64 reg[SIM_REGS];
	struct hyp_cpu *data;	       /* TPIDR_EL2 */
	struct rd_vcpu_fp fp;
	struct sim_tlb_entry tlb[SIM_TLB_SIZE];
	jmp_buf leave;		       /* where hyp_host_enter() or a CPU_OFF leads */
	u64 entered_pc, entered_x0;
	u64 insns;		       /* of the call under way */
};

/* Why a CPU came out of EL2 by sim_cpu.leave. */
enum { SIM_ENTERED = 1, SIM_TURNED_OFF };

struct sim {
	const struct sim_shape *shape;
	u32 nr_cpus;
	struct sim_cpu cpu[SIM_CPUS];
	u64 page_bytes;
	u32 nr_pages;		       /* of RAM */
	struct rng rng;		       /* of the machine itself: firmware, switches */
	u32 switch_percent;
	bool hostile;		       /* lent words change after they were read */
	bool racing;		       /* and at any time: a thread rewrites them */
};

extern struct sim sim;
extern _Thread_local struct sim_cpu *sim_this;

/* ---- sim_cpu.c ---- */

/* Registers by name, as the assembler knows it. */
u64 *sim_reg(struct sim_cpu *cpu, const char *name);
#define SIM_REG(cpu, name)                                                                         \
	({                                                                                         \
		static u32 slot__;                                                                 \
		&(cpu)->reg[sim_reg_slot(&slot__, #name)];                                         \
	})
u32 sim_reg_slot(u32 *slot, const char *name);
void sim_cpu_init(struct sim_cpu *cpu, u32 index, bool launched);
bool sim_has_aarch32_el1(u32 index);

/* Says what is wrong, and how to see it again; ends the program. */
void sim_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* For sim_fail(): what the run is, and what is being done. */
extern char sim_run_words[128], sim_call_words[512];

/* ---- sim_ext.c ---- */

/* Out of reset; @launched: and then set up by the kernel's hyp stub. */
void sim_ext_init(struct sim_cpu *cpu, bool launched);
void sim_ext_check_host(struct sim_cpu *cpu);
void sim_ext_check_guest(struct sim_cpu *cpu);
void sim_ext_watch(u32 slot, u64 value);

/* ---- sim_mem.c ---- */

void sim_mem_init(void);
/* The memory at @pa as everybody but EL2 reaches it; NULL if it is not RAM. */
void *sim_ram(u64 pa);
/* Pages of RAM are numbered from 0 on, without the holes. */
u32 sim_page(u64 pfn);
u64 sim_pfn(u32 page);
/* EL2's address of physical memory, and its window. */
u64 sim_va_offset(void);
u64 sim_window(void);
void sim_window_close(void);
void sim_mem_tlbi(u64 first, u64 last);
bool sim_read_desc(void *ctx, u64 pa, u64 *desc);
struct walk_regime sim_stage1(void);
/* Fill a page of RAM with a word, or say if it is full of it. */
void sim_fill(u32 page, u64 word);
bool sim_is_filled(u32 page, u64 word);
/* The first word that is another: its index, and itself. */
u64 sim_first_other(u32 page, u64 word, u64 *found);

/* The test's to say: has the host lent this page to EL2 for words that EL2 reads? */
bool sim_lent_word(u64 pa);

/* ---- sim_tlb.c ---- */

/* The stage-2 regime that is current on @cpu. */
struct walk_regime sim_stage2(struct sim_cpu *cpu);
/* An access of EL1 or EL0 on @cpu: its translation, through TLB or tables. */
struct walk_result sim_access(struct sim_cpu *cpu, u64 ia, bool write, enum walk_fault *fault);
void sim_tlb_forget(struct sim_cpu *cpu);

/* ---- sim_sched.c ---- */

/* Runs @job on each CPU of the mask @cpus, interleaved by the seed; returns when all are done. */
void sim_run(u32 cpus, void (*job)(struct sim_cpu *cpu));
void sim_sched_init(void);
void sim_switch_point(void);

/* ---- sim_firmware.c ---- */

/* A CPU that firmware starts or wakes: it enters EL2. Called on that CPU. */
void sim_firmware_start(struct sim_cpu *cpu);
bool sim_firmware_starts(u32 index);
/* Can this firmware be asked to overwrite memory at a restart, and has it been? */
bool sim_firmware_has_mem_protect(void);
bool sim_firmware_clears_memory(void);

/* ---- boot.c ---- */

/* Lays EL2 out in @shape's memory and launches it on @nr_cpus CPUs: open. */
void sim_boot(const struct sim_shape *shape, u32 nr_cpus, u64 seed);
/* EL2's own memory: the page is of a chunk. */
bool sim_is_chunk(u32 page);

#endif /* SIM_H */
