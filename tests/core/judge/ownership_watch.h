/* SPDX-License-Identifier: GPL-2.0-only */
/* The eyes of the machine with page tables (ownership_machine.h). */
#ifndef JUDGE_OWNERSHIP_WATCH_H
#define JUDGE_OWNERSHIP_WATCH_H

#include "ownership_machine.h"

/* Zeroing and cleaning. */
extern const struct own_env_ops jm_env;

/* judge_write_fn: a store to a descriptor. */
void jm_on_write(void *ctx, const u64 *slot, u64 was, u64 now);

/* Every page holds what its owner wrote. */
void jm_write_all(struct jm_machine *m, const struct jo_model *model);

#endif /* JUDGE_OWNERSHIP_WATCH_H */
