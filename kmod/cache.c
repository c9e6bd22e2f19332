// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache identification of a vCPU (cache.h). Maintenance by address goes by CTR_EL0
 * alone; these registers only describe, and guests that loop over sets and ways
 * find one set and one way.
 *
 * Locks: vcpu->mutex.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "cache.h"
#include "vcpu.h"

enum { CTYPE_NONE, CTYPE_INST, CTYPE_DATA, CTYPE_SEPARATE, CTYPE_UNIFIED };

#define CTYPE_SHIFT(level) (3 * ((level) - 1))
#define CTYPE_LEVELS	   7
#define LOUIS_SHIFT	   21
#define LOC_SHIFT	   24
#define LOUU_SHIFT	   27

static u32 ctype(u64 clidr, u32 level)
{
	return (clidr >> CTYPE_SHIFT(level)) & 7;
}

/*
 * CTR_EL0 says where maintenance is needed at all: IDC, no data cleaning for
 * instruction fetches; DIC, no instruction invalidation. The fewest caches that
 * agree with it.
 */
u64 rd_cache_default_clidr(void)
{
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0), clidr = 0, loc = 1;
	bool inst = !(ctr & CTR_EL0_DIC_MASK);

	if (ctr & CTR_EL0_IDC_MASK) {
		loc = inst ? 2 : 1;
		clidr = (u64)CTYPE_UNIFIED << CTYPE_SHIFT(loc);
	} else {
		clidr = (u64)CTYPE_DATA << CTYPE_SHIFT(1) | 1UL << LOUU_SHIFT | 1UL << LOUIS_SHIFT;
	}
	if (inst)
		clidr |= CTYPE_INST;
	return clidr | loc << LOC_SHIFT;
}

bool rd_cache_exists(const struct rd_vcpu *vcpu, u32 sel)
{
	u32 type;

	if (sel >= RD_CSSELR_MAX)
		return false;
	type = ctype(vcpu->shadow.clidr, (sel >> 1) + 1);
	if (sel & 1)
		return type == CTYPE_INST || type == CTYPE_SEPARATE;
	return type == CTYPE_DATA || type == CTYPE_SEPARATE || type == CTYPE_UNIFIED;
}

/* One set, one way; lines as short as CTR_EL0's shortest. Bits 2:0 count from 16 bytes. */
static u32 default_ccsidr(struct rd_vcpu *vcpu, u32 sel)
{
	u64 ctr = rd_idreg_read(vcpu->vm, SYS_CTR_EL0);
	u32 words = sel & 1 ? ctr & 0xf : (ctr >> 16) & 0xf;

	return words > 2 ? words - 2 : 0;
}

static u32 ccsidr(struct rd_vcpu *vcpu, u32 sel)
{
	if (sel < RD_CSSELR_MAX && vcpu->shadow.ccsidr)
		return vcpu->shadow.ccsidr[sel];
	return default_ccsidr(vcpu, sel);
}

bool rd_cache_sysreg(struct rd_vcpu *vcpu, u32 sysreg, bool write, u64 *val)
{
	u64 *csselr = &vcpu->state->sys[RD_SYS_CSSELR_EL1];

	if (sysreg == SYS_CSSELR_EL1) {
		if (write)
			*csselr = *val & 0xf;
		else
			*val = *csselr;
		return true;
	}
	if (write)
		return false;
	switch (sysreg) {
	case SYS_CLIDR_EL1:
		*val = vcpu->shadow.clidr;
		return true;
	case SYS_CCSIDR_EL1:
		*val = ccsidr(vcpu, *csselr & 0xf);
		return true;
	case SYS_CTR_EL0:
		*val = rd_idreg_read(vcpu->vm, sysreg);
		return true;
	default:
		return false;
	}
}

int rd_cache_get_ccsidr(struct rd_vcpu *vcpu, u32 sel, u32 *val)
{
	if (!rd_cache_exists(vcpu, sel))
		return -ENOENT;
	*val = ccsidr(vcpu, sel);
	return 0;
}

int rd_cache_set_ccsidr(struct rd_vcpu *vcpu, u32 sel, u32 val)
{
	u32 i, *all = vcpu->shadow.ccsidr;

	if (!rd_cache_exists(vcpu, sel))
		return -ENOENT;
	/* Lines longer than claimed by CTR_EL0 would be maintained in part. */
	if ((val & 7) < (default_ccsidr(vcpu, sel) & 7) || val & BIT(31) || val & BIT(30) ||
	    val & BIT(29) || val & BIT(28))
		return -EINVAL;
	if (!all) {
		if (val == default_ccsidr(vcpu, sel))
			return 0;
		all = kmalloc_array(RD_CSSELR_MAX, sizeof(*all), GFP_KERNEL_ACCOUNT);
		if (!all)
			return -ENOMEM;
		for (i = 0; i < RD_CSSELR_MAX; i++)
			all[i] = default_ccsidr(vcpu, i);
		vcpu->shadow.ccsidr = all;
	}
	all[sel] = val;
	return 0;
}

int rd_cache_set_clidr(struct rd_vcpu *vcpu, u64 val)
{
	u64 ctr = rd_idreg_read(vcpu->vm, SYS_CTR_EL0);
	u64 loc = (val >> LOC_SHIFT) & 7, louu = (val >> LOUU_SHIFT) & 7;
	u64 louis = (val >> LOUIS_SHIFT) & 7;
	u32 level;

	if (val & ~GENMASK_ULL(46, 0))
		return -EINVAL;
	/* Points of unification and coherency lie at or outside what needs no maintenance. */
	if ((ctr & CTR_EL0_IDC_MASK && (louu || louis)) || loc < louu || loc < louis)
		return -EINVAL;
	for (level = 1; level <= CTYPE_LEVELS; level++)
		if (ctype(val, level) > CTYPE_UNIFIED)
			return -EINVAL;
	vcpu->shadow.clidr = val;
	return 0;
}
