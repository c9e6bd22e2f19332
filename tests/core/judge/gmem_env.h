/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The environment that the machine gives gmem, and what a thread holds of its locks.
 */
#ifndef JUDGE_GMEM_ENV_H
#define JUDGE_GMEM_ENV_H

#include "gmem_machine.h"

extern const struct gmem_env_ops gm_env_ops;
extern const struct gmem_hyp_ops gm_hyp_ops; /* gmem_el2.c; hyp is struct gm_machine */

/* gmem_el2.c: TLBI by IPA, and DSB: no CPU has, or still uses, an entry of the range. */
void gm_tlbi(struct gm_machine *m, u64 gfn, u64 pages);

/* gmem_tables.c: the stage 2 of a machine with the `direct` backend. */
void gm_tables_init(struct gm_machine *m);
void gm_tables_free(struct gm_machine *m);
/* Fills a cache, and frees what is left in it. */
void gm_tables_topup(struct gm_machine *m, struct gmem_cache *cache);
void gm_tables_drain(struct gm_machine *m, struct gmem_cache *cache);
/* Frees detached tables. Nobody else runs. */
void gm_tables_reap(struct gm_machine *m);
/* What a CPU finds for @gfn, as an entry of GM_* bits; the same with the access flag set. */
u64 gm_tables_entry(const struct gm_machine *m, u64 gfn);
u64 gm_tables_set_af(struct gm_machine *m, u64 gfn);

/* 0: not held by this thread, 1: for reading, 2: for writing. */
int gm_env_mmu_held(void);
int gm_env_records_held(void);

#endif /* JUDGE_GMEM_ENV_H */
