/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The environment that the machine gives gmem, and what a thread holds of its locks.
 */
#ifndef JUDGE_GMEM_ENV_H
#define JUDGE_GMEM_ENV_H

#include "gmem_machine.h"

extern const struct gmem_env_ops gm_env_ops;
extern const struct gmem_hyp_ops gm_hyp_ops; /* gmem_el2.c; hyp is struct gm_machine */

/* 0: not held by this thread, 1: for reading, 2: for writing. */
int gm_env_mmu_held(void);
int gm_env_records_held(void);

#endif /* JUDGE_GMEM_ENV_H */
