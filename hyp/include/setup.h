/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Launch and end: from "EL2's MMU is on" on one CPU to "the host is behind its
 * stage 2" on all, and back.
 */
#ifndef HYP_SETUP_H
#define HYP_SETUP_H

#include "cpu.h"

/* Of each CPU's stack, bytes, at least (a page of a larger granule otherwise). */
#define SETUP_STACK_SIZE 0x4000

/* What the module handed over; read-only from CLOSE on. */
extern struct rd_boot hyp_boot;

/** setup_pa() - The physical address of something in EL2's linear map. */
static inline u64 setup_pa(u64 va)
{
	return va - hyp_boot.va_offset;
}

/** setup_va() - The linear-map address of physical memory. Says nothing on whether it's mapped. */
static inline void *setup_va(u64 pa)
{
	return (void *)(pa + hyp_boot.va_offset);
}

/** setup_cpu() - A CPU's data by the module's number, or NULL. */
struct hyp_cpu *setup_cpu(u64 index);

/**
 * setup_cpu_by_mpidr() - A CPU's data by its affinity, or NULL. Linear in their number.
 *
 * An unknown affinity claims the data of a CPU that nobody has named yet; firmware
 * decides whether such a CPU exists. (Two at the same instant: one gets NULL.)
 */
struct hyp_cpu *setup_cpu_by_mpidr(u64 mpidr);

/** setup_is_closed() - Has any CPU closed the door? */
bool setup_is_closed(void);

/** setup_cpu_resumed() - A CPU came back from firmware: put the host behind stage 2, if it is. */
void setup_cpu_resumed(struct hyp_cpu *cpu);

/**
 * setup_close() - RD_HVC_CLOSE: turn the host's stage 2 on, on this CPU.
 *
 * The first call also puts ownership in place. All or nothing: what can fail fails
 * in that first call and leaves nothing behind.
 *
 * Return: 0 or a negative errno.
 */
long setup_close(void);

/**
 * setup_release() - RD_HVC_RELEASE: give EL2 on this CPU back to the kernel's stub.
 * @ret:	what the host is told, if not released
 *
 * Return: what host_sync() returns; 0 with @ret = -EBUSY while a VM exists, or
 * -EPERM if launched as locked.
 */
u64 setup_release(long *ret);

#endif /* HYP_SETUP_H */
