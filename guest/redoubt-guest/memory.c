// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is memory, told to EL2, so that the host can't have it taken for a device: it
 * would be shown what the guest stores there (docs/hypercalls.md, MEM_DECLARE). A
 * kernel that enrols its devices with the MMIO guard needs none of this.
 */
#include <linux/align.h>
#include <linux/arm-smccc.h>
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <asm/hypervisor.h>

#include "memory.h"

/* Redoubt's own, in the numbers that Linux has for the calls of KVM. */
#define FUNC_MEM_DECLARE 0x30
#define MEM_DECLARE                                                                                \
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, ARM_SMCCC_SMC_64, ARM_SMCCC_OWNER_VENDOR_HYP,      \
			   FUNC_MEM_DECLARE)

struct declaration {
	size_t granule;
	u64 bytes;
};

static int declare(struct resource *res, void *arg)
{
	struct declaration *all = arg;
	u64 start = ALIGN(res->start, all->granule), end = ALIGN_DOWN(res->end + 1, all->granule);
	struct arm_smccc_res answer;

	if (end <= start)
		return 0;
	arm_smccc_1_1_invoke(MEM_DECLARE, start, end - start, 0, &answer);
	if (answer.a0)
		return -EIO;
	all->bytes += end - start;
	return 0;
}

int memory_declare(size_t granule)
{
	struct declaration all = { .granule = granule };
	int ret;

	if (!kvm_arm_hyp_service_available(FUNC_MEM_DECLARE))
		return -EOPNOTSUPP;
	ret = walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
				  &all, declare);
	if (!ret)
		pr_info("redoubt-guest: %llu MiB are declared memory\n", all.bytes >> 20);
	return ret;
}
