/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile kernel module: each attack is tried and its outcome reported, a line
 * "name TAB expected TAB got" in /sys/kernel/debug/attack/NAME. What the outcome
 * should be is said here, beside the attempt; who judges is the test that reads it.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <linux/seq_file.h>
#include <linux/types.h>

#include "hvc.h"

/* Reports one attack whose outcome is a number (an error, a count). */
void report(struct seq_file *m, const char *name, long expected, long got);

/* Calls @fn for each range of physical memory of whom OWNERS' @x4 says; non-zero ends the walk. */
int for_each_range(bool (*match)(u64 x4), int (*fn)(u64 start, u64 pages, void *arg), void *arg);

/* Memory that is a protected guest's alone; the host's that it lends to ordinary guests. */
bool is_protected_guests(u64 x4);
bool is_ordinary_guests(u64 x4);

/* The same for what EL2 owns. */
int for_each_hyp_range(int (*fn)(u64 start, u64 pages, void *arg), void *arg);

/* The first page of EL2's that the ownership list has, as a frame number. */
u64 a_hyp_pfn(void);

/* Pages that an attack has tried, and how many of them it could read and write. */
struct tally {
	u64 pages, readable, writable;
};

/* Tries each page of a range through the linear map; @arg is a struct tally. */
int try_pages(u64 start, u64 pages, void *arg);

/* Runs what is loaded, once, with interrupts masked as the contract asks: RD_EXIT_*, or an error. */
long run_vcpu(void);

/* The groups: each prints its lines. */
int attack_memory(struct seq_file *m);
int attack_calls(struct seq_file *m);
int attack_numbers(struct seq_file *m);
int attack_smc(struct seq_file *m);
int attack_race(struct seq_file *m);
int attack_vcpu(struct seq_file *m);
int attack_mmio(struct seq_file *m);
int attack_protected(struct seq_file *m);
int attack_running(struct seq_file *m);
int attack_guest(struct seq_file *m);
int attack_fuzz(struct seq_file *m);

/* Only where EL2 may be asked for and a CPU may be lost: unlocked, the last CPU off. */
int attack_open(struct seq_file *m);

/* Those that the kernel doesn't forgive: called in a task that may die of it. */
void attack_execute(void);
void attack_sysreg(const char *reg);
void attack_direct_read(void);
void attack_direct_write(void);

#endif /* ATTACK_H */
