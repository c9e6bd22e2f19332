/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vCPU's exits lead to. Handlers answer 1: run the guest again; 0: return
 * to user space, run->exit_reason says why; or a negative errno that ends KVM_RUN.
 */
#ifndef REDOUBT_KMOD_EXIT_H
#define REDOUBT_KMOD_EXIT_H

#include <linux/types.h>

struct rd_vcpu;

/*
 * A trap that can be handled at once: interrupts off, nothing sleeps. True when it
 * was, and the guest may go on.
 */
bool rd_exit_fast(struct rd_vcpu *vcpu);

/* Any exit (enum rd_exit) but RD_EXIT_IRQ, preemptible. */
int rd_exit_slow(struct rd_vcpu *vcpu, u64 exit);

/* A trapped access to a system register; both from fast and slow. Always done. */
void rd_exit_sysreg(struct rd_vcpu *vcpu);

/*
 * The guest reads or writes a register that traps; @sysreg as in sys_reg(). False: for
 * the guest there is none.
 */
bool rd_sysreg_access(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val);

/* An access to no memory, after rd_mmu_fault() said so. */
int rd_exit_mmio(struct rd_vcpu *vcpu);

/* Tries the devices that the kernel emulates. True when one did the access. */
bool rd_exit_device(struct rd_vcpu *vcpu);

/* Finishes the access that user space emulated: a read's value goes to its register. */
void rd_mmio_complete(struct rd_vcpu *vcpu);

#endif /* REDOUBT_KMOD_EXIT_H */
