/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory at a restart: PSCI's MEM_PROTECT (DEN0022D, 5.22) asks firmware to overwrite all
 * of it before anybody else runs. It is on while a protected VM exists, and else
 * as the host likes. Firmware that has no such call is asked once.
 */
#ifndef HYP_MEM_PROTECT_H
#define HYP_MEM_PROTECT_H

#include <redoubt/types.h>

/** mem_protect_hold() - A protected VM is about to have memory; pairs with mem_protect_drop(). */
void mem_protect_hold(void);

/** mem_protect_drop() - It has given all of it back, overwritten. */
void mem_protect_drop(void);

/**
 * mem_protect_host() - The host's own MEM_PROTECT.
 * @enable:	0 or 1
 *
 * Return: what the host asked for last, 0 or 1; PSCI's INVALID_PARAMETERS or NOT_SUPPORTED.
 */
u64 mem_protect_host(u64 enable);

#endif /* HYP_MEM_PROTECT_H */
