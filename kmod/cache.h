/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cache identification as a guest reads it: CLIDR_EL1, CCSIDR_EL1, CSSELR_EL1 and
 * CTR_EL0. Made up, so that it doesn't depend on the CPU that a vCPU is on.
 */
#ifndef REDOUBT_KMOD_CACHE_H
#define REDOUBT_KMOD_CACHE_H

#include <linux/types.h>

struct rd_vcpu;

/* CLIDR_EL1 of a new vCPU. */
u64 rd_cache_default_clidr(void);

/* A trapped access. False: not one of them. */
bool rd_cache_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val);

/* How many CCSIDR_EL1 values ONE_REG shows: CSSELR 0 to this less one, if they exist. */
#define RD_CSSELR_MAX 14

/* True if CSSELR @sel (level << 1 | instruction) names a cache of the vCPU. */
bool rd_cache_exists(const struct rd_vcpu *vcpu, u32 sel);

/* ONE_REG: KVM_REG_ARM_DEMUX's CCSIDR. -ENOENT, -EINVAL, -ENOMEM. */
int rd_cache_get_ccsidr(struct rd_vcpu *vcpu, u32 sel, u32 *val);
int rd_cache_set_ccsidr(struct rd_vcpu *vcpu, u32 sel, u32 val);

/* ONE_REG: CLIDR_EL1. -EINVAL if levels and types contradict each other. */
int rd_cache_set_clidr(struct rd_vcpu *vcpu, u64 val);

#endif /* REDOUBT_KMOD_CACHE_H */
