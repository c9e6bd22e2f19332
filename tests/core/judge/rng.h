/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where choices come from: a seed (xorshift64*, the same on every machine), or the
 * bytes of a fuzzer's input, which end.
 */
#ifndef JUDGE_RNG_H
#define JUDGE_RNG_H

#include "redoubt_port.h"

struct rng {
	u64 state;
	const u8 *data; /* NULL: from the seed */
	size_t left;
	bool dry; /* the input has ended; everything is 0 from now on */
};

static inline struct rng rng_seeded(u64 seed)
{
	struct rng rng = {.state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1};

	return rng;
}

static inline struct rng rng_from_bytes(const u8 *data, size_t size)
{
	struct rng rng = {.data = data, .left = size};

	return rng;
}

static inline u64 rng_next(struct rng *rng, unsigned int bytes)
{
	u64 v = 0;

	if (!rng->data) {
		rng->state ^= rng->state >> 12;
		rng->state ^= rng->state << 25;
		rng->state ^= rng->state >> 27;
		return (rng->state * 0x2545f4914f6cdd1dull) >> (64 - 8 * bytes);
	}
	while (bytes--) {
		if (!rng->left) {
			rng->dry = true;
			return 0;
		}
		v = v << 8 | *rng->data++;
		rng->left--;
	}
	return v;
}

/* 0 to n - 1; the slight bias does no harm here. */
static inline u64 rng_below(struct rng *rng, u64 n)
{
	unsigned int bytes = n <= 0x100     ? (rng->data ? 1 : 4)
			     : n <= 0x10000 ? (rng->data ? 2 : 4)
					    : 7;

	return n ? rng_next(rng, bytes) % n : 0;
}

static inline bool rng_chance(struct rng *rng, unsigned int percent)
{
	return rng_below(rng, 100) < percent;
}

#endif /* JUDGE_RNG_H */
