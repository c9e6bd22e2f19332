/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Launch of the EL2 program and its end, as steps that kmod/main.c takes in order.
 */
#ifndef REDOUBT_KMOD_LAUNCH_H
#define REDOUBT_KMOD_LAUNCH_H

#include <linux/types.h>
#include <redoubt/boot.h>

/*
 * What was launched, for people to look at. A copy: from CLOSE on, struct rd_boot and
 * everything else that EL2 was given is out of the module's reach.
 */
struct rd_el2_facts {
	u64 bytes[RD_CHUNK_PURPOSES];
	u64 text_bytes;
	u64 ram_bytes;
	u64 va_bits;
};

/* Memory of EL2's: what the module must keep to free it one day. */
struct rd_el2 {
	struct rd_boot *boot;	       /* in the image; out of reach while EL2 has it */
	struct rd_image_header *image; /* kernel VA of the copy that EL2 runs; likewise */
	struct rd_panic *panic;
	u64 va_base;	/* start of EL2's half of its address space: linear map */
	u64 va_private; /* start of stacks and page records */
	u64 va_next;	/* first free address there */
	int pool_chunk; /* chunk that the module takes table pages from */
	struct rd_el2_facts launched;
};

/**
 * rd_check() - Can this machine and kernel run EL2? Touches nothing.
 *
 * Says in one sentence in the log what is missing, and what to do about it.
 * Return: 0, -ENODEV (no EL2, or in use), -EOPNOTSUPP (CPU or kernel).
 */
int rd_check(void);

/**
 * rd_el2_prepare() - Allocate EL2's memory and fill it: image, tables, parameters.
 * @el2:	zeroed; what to free is in it, also on error
 * @locked:	EL2 is to stay for good
 *
 * Return: 0 or a negative errno, with a line in the log.
 */
int rd_el2_prepare(struct rd_el2 *el2, bool locked);

/** rd_el2_free() - Give the memory back. EL2 no longer runs, or never did. */
void rd_el2_free(struct rd_el2 *el2);

/**
 * rd_launch() - Hand all online CPUs over, then turn the host's stage 2 on.
 *
 * Everywhere or nowhere: on an error every CPU is back with the kernel's stub.
 * Return: 0 or a negative errno, with a line in the log.
 */
int rd_launch(struct rd_el2 *el2);

/**
 * rd_release() - Take EL2 back from the program, on all online CPUs.
 *
 * Return: 0; -EBUSY while a VM exists; -EPERM if locked. On error nothing changed.
 */
int rd_release(void);

/** rd_regions() - Fill in boot->region from the kernel's map of RAM. 0, or -E2BIG. */
int rd_regions(struct rd_boot *boot);

/** rd_panic_init() - Where EL2 goes when it panics; @panic is its message. */
u64 rd_panic_init(struct rd_el2 *el2);

#endif /* REDOUBT_KMOD_LAUNCH_H */
