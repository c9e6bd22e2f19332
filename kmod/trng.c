// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entropy for guests: the TRNG firmware interface 1.0 (Arm DEN0098), served from the
 * kernel's random number generator. Stateless, no locks.
 */
#include <linux/arm-smccc.h>
#include <linux/random.h>
#include <linux/string.h>

#include "smccc.h"
#include "vcpu.h"

#define TRNG_VERSION_1_0    0x10000
#define TRNG_SUCCESS	    0
#define TRNG_NOT_SUPPORTED  (-1L)
#define TRNG_INVALID_PARAMS (-2L)

/* Names this implementation; any constant will do. */
static const u32 uuid[4] = { 0x6d1f4c0a, 0x4b8e12d7, 0x95aa93f0, 0x7c2be841 };

/*
 * x1 bits of entropy, most significant word first in x1 to x3; words of 32 bits for
 * the 32-bit call.
 */
static void random_bits(struct rd_vcpu *vcpu, unsigned int word_bits)
{
	u64 *x = vcpu->state->x, word[3], bits = x[1];
	unsigned int i;

	if (word_bits == 32)
		bits = lower_32_bits(bits);
	if (!bits || bits > 3 * word_bits) {
		x[0] = TRNG_INVALID_PARAMS;
		return;
	}
	get_random_bytes(word, sizeof(word));
	for (i = 0; i < 3; i++) {
		u64 here = min_t(u64, bits, word_bits);

		/* word[0] is the least significant, and goes to x3. */
		x[3 - i] = here ? word[i] >> (64 - here) : 0;
		bits -= here;
	}
	memzero_explicit(word, sizeof(word));
	x[0] = TRNG_SUCCESS;
}

bool rd_trng_owns(u32 fn)
{
	switch (fn) {
	case ARM_SMCCC_TRNG_VERSION:
	case ARM_SMCCC_TRNG_FEATURES:
	case ARM_SMCCC_TRNG_GET_UUID:
	case ARM_SMCCC_TRNG_RND32:
	case ARM_SMCCC_TRNG_RND64:
		return true;
	default:
		return false;
	}
}

void rd_trng_call(struct rd_vcpu *vcpu, u32 fn)
{
	u64 *x = vcpu->state->x;
	unsigned int i;

	switch (fn) {
	case ARM_SMCCC_TRNG_VERSION:
		x[0] = TRNG_VERSION_1_0;
		break;
	case ARM_SMCCC_TRNG_FEATURES:
		x[0] = rd_trng_owns(x[1]) ? TRNG_SUCCESS : TRNG_NOT_SUPPORTED;
		break;
	case ARM_SMCCC_TRNG_GET_UUID:
		for (i = 0; i < 4; i++)
			x[i] = uuid[i];
		break;
	case ARM_SMCCC_TRNG_RND32:
		random_bits(vcpu, 32);
		break;
	default:
		random_bits(vcpu, 64);
		break;
	}
}
