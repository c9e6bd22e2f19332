/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a TLB invalidation instruction promises to remove, decoded from its operand.
 *
 * Arm ARM: TLBI IPAS2E1IS, IPAS2LE1IS, RIPAS2E1IS, RIPAS2LE1IS, VMALLS12E1IS and
 * the VAE2IS, VALE2IS, RVAE2IS, RVALE2IS, ALLE2IS of stage 1 at EL2. "Promises":
 * a CPU may remove more, so a caller can count only on this.
 */
#ifndef JUDGE_TLBI_H
#define JUDGE_TLBI_H

#include "walk.h"

#define TLBI_ANY_LEVEL (-9)

struct tlbi {
	u64 first, last;  /* input addresses, both included */
	int level;        /* of the leaves it removes, or TLBI_ANY_LEVEL */
	bool last_level;  /* walk-cache entries stay */
	const char *vain; /* why it need not remove anything; NULL when it does */
};

struct tlbi tlbi_decode_all(void);
struct tlbi tlbi_decode_single(const struct walk_regime *reg, u64 operand, bool last_level);
struct tlbi tlbi_decode_range(const struct walk_regime *reg, u64 operand, bool last_level);

/* True if the operation removes a leaf, or a walk-cache entry, found at @level for [ia, +size). */
bool tlbi_removes(const struct tlbi *op, u64 ia, u64 size, int level, bool table);

#endif /* JUDGE_TLBI_H */
