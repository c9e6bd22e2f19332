/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM made by hand, with one vCPU at most: what attacks on guests are made with.
 */
#ifndef ATTACK_VICTIM_H
#define ATTACK_VICTIM_H

#include <linux/mm_types.h>

#include "attack.h"

struct victim {
	u64 handle;
	struct page *object, *root, *vcpu, *state;
	unsigned int object_order, root_order, vcpu_order;
};

/* Makes a VM of 40 address bits; RD_VM_* in @flags. 0 or the first error. */
long victim_make(struct victim *v, u64 flags);

/* Gives EL2 @nr pages for the VM's tables; how many it took. They come back with the VM. */
u64 victim_topup(struct victim *v, unsigned int nr);

/* Gives the VM a page, with all rights, as GUEST_MAP answers. */
long victim_map(struct victim *v, u64 gfn, struct page *page);

/* Ends the VM, which must give back all of its pages, and frees them. */
void victim_end(struct seq_file *m, struct victim *v);

/* Loads its vCPU here (vcpu.c); preemption is off from before that until it is put. */
long load_vcpu(struct victim *v);

/* Loads, runs and puts it while another CPU rewrites its state; reports what failed. */
void rewrite_state(struct seq_file *m, struct victim *v);

#endif /* ATTACK_VICTIM_H */
