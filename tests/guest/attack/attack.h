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

/* Calls @fn for each range of physical memory that EL2 owns; non-zero ends the walk. */
int for_each_hyp_range(int (*fn)(u64 start, u64 pages, void *arg), void *arg);

/* The first page of EL2's that the ownership list has, as a frame number. */
u64 a_hyp_pfn(void);

/* A VM made by hand, with one vCPU, and the pages that it is made of. */
struct victim {
	u64 handle;
	struct page *object, *root, *vcpu, *state;
	unsigned int object_order, root_order, vcpu_order;
};

long make_vm(struct victim *v, u64 flags);
void end_vm(struct seq_file *m, struct victim *v);

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
int attack_fuzz(struct seq_file *m);

/* Those that the kernel doesn't forgive: called in a task that may die of it. */
void attack_execute(void);
void attack_sysreg(void);
void attack_direct_read(void);
void attack_direct_write(void);

#endif /* ATTACK_H */
