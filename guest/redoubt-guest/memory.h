/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REDOUBT_GUEST_MEMORY_H
#define REDOUBT_GUEST_MEMORY_H

#include <linux/types.h>

/**
 * memory_declare() - Tell EL2 what is System RAM.
 * @granule:	bytes, the hypervisor's unit
 *
 * Return: 0; -EOPNOTSUPP if the hypervisor has no such call; -EIO if it refused one.
 */
int memory_declare(size_t granule);

#endif /* REDOUBT_GUEST_MEMORY_H */
