/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Address types shared by core, the EL2 program and the Linux module.
 *
 * A physical address and an intermediate physical address are both 64-bit
 * numbers, and confusing them is how an identity map hides bugs until the first
 * guest runs. They are distinct structures, so that the compiler refuses the
 * mistake; on every ABI in use they are passed in one register.
 *
 * Frame numbers (gfn, pfn: an address shifted right by the granule) and virtual
 * addresses of stage 1 stay plain u64.
 */
#ifndef REDOUBT_TYPES_H
#define REDOUBT_TYPES_H

#include "redoubt_port.h"

/* A physical address, in bytes. */
typedef struct {
	u64 v;
} pa_t;

/* An intermediate physical address (the input of stage 2), in bytes. */
typedef struct {
	u64 v;
} ipa_t;

static inline pa_t pa(u64 v)
{
	return (pa_t){ .v = v };
}

static inline ipa_t ipa(u64 v)
{
	return (ipa_t){ .v = v };
}

#endif /* REDOUBT_TYPES_H */
