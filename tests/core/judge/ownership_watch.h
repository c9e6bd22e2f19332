/* SPDX-License-Identifier: GPL-2.0-only */
/* The eyes of the machine with page tables (ownership_machine.h). */
#ifndef JUDGE_OWNERSHIP_WATCH_H
#define JUDGE_OWNERSHIP_WATCH_H

#include "ownership_machine.h"

/* Zeroing and cleaning. */
extern const struct own_env_ops jm_env;

/* judge_write_fn: a store to a descriptor. */
void jm_on_write(void *ctx, const u64 *slot, u64 was, u64 now);

/*
 * Who can reach a page of the world at this moment, by tables or by a TLB: bit
 * OWN_ID_HOST, OWN_ID_HYP, guests from 2.
 */
u32 jm_users_at(struct jm_machine *m, u64 pa);

/* Where a guest has frame @gfn of its own, in bytes. */
u64 jm_slot_ipa(const struct jm_machine *m, u32 guest, u32 gfn);

/* Every page holds what its owner wrote. */
void jm_write_all(struct jm_machine *m, const struct jo_model *model);

#endif /* JUDGE_OWNERSHIP_WATCH_H */
