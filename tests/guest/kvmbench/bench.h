/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of kvmbench: guest.S runs the loops, vm.c times them; exits.c and memory.c
 * have the rows. What fails ends the program with a sentence.
 */
#ifndef REDOUBT_TEST_KVMBENCH_H
#define REDOUBT_TEST_KVMBENCH_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../onevm.h"

#define CODE_IPA     0x40000000UL
#define DATA_IPA     0x80000000UL
#define VM_PROTECTED (1UL << 31)
#define PAGES	     2048UL
#define ROUNDS	     16384UL

/*
 * What takes less than some milliseconds is done TRIES times, and the least counts: now and
 * then the kernel has work of its own that falls into one of them, and the first of them may
 * touch memory for the first time.
 */
#define TRIES 5

/* Its loops. Hidden, so that their addresses do not go through a table of global symbols. */
#pragma GCC visibility push(hidden)
extern const char guest_empty[], guest_hvc[], guest_mmio[], guest_read[],
	guest_share[], guest_write[], guest_timer[], guest_ipi[], guest_echo[];
#pragma GCC visibility pop

/* One VM with one vCPU and two memslots: code, and the data that faults are about. */
struct bench {
	int kvm, vm, vcpu;
	int vgic; /* -1: VMs without one */
	struct kvm_run *run;
	uint64_t type; /* of KVM_CREATE_VM */
	void *code, *data;
	size_t data_size;
	bool two_vcpus;
	int other; /* the second vCPU */
	struct kvm_run *other_run;
};

/* Nanoseconds, which are instructions of the machine. */
uint64_t now(void);
double per(uint64_t with, uint64_t without, uint64_t rounds);
void keep_least(uint64_t *least, uint64_t time);
void row(struct bench *b, const char *name, double value, const char *unit);
void record_row(struct bench *b, const char *name, uint64_t pages);

size_t guest_offset(const char *label);
/* A VM without anything. */
void vm_create(struct bench *b);
/* A VM with data_size bytes of memory at DATA_IPA, given as b->data, about to begin. */
void vm_open(struct bench *b);
void vm_close(struct bench *b);
/* The time that the guest takes for one of its loops. */
uint64_t timed(struct bench *b, const char *label, uint64_t rounds, uint64_t address,
	       uint64_t stride);
uint64_t timed_loop(struct bench *b, const char *label, uint64_t rounds);
uint64_t timed_write(struct bench *b, uint64_t rounds, uint64_t stride);

/* exits.c; all but bench_ipi() with a VM that is open */
void bench_exits(struct bench *b);
void bench_timer(struct bench *b);
void bench_ipi(struct bench *b);
void bench_share(struct bench *b);

/* memory.c; @page: bytes. The first three with a VM that is open */
void bench_faults(struct bench *b, const char *name, uint64_t pages, uint64_t stride);
void bench_unmap(struct bench *b, uint64_t page);
void bench_dirty_log(struct bench *b, uint64_t page);
void bench_ageing(struct bench *b, uint64_t page);
void bench_blocks(struct bench *b);

#endif /* REDOUBT_TEST_KVMBENCH_H */
