/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mapping, for both stages; what is there already is the one thing they treat differently. */
#ifndef PGTABLE_MAP_H
#define PGTABLE_MAP_H

#include "table.h"

/* As pgt_s2_map() and pgt_s1_map() say. */
int pgt_map(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size, u64 to, u32 prot);

#endif /* PGTABLE_MAP_H */
