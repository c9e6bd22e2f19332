// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hypercall from the host's kernel costs: "id" is called "rounds" times,
 * nanoseconds of the clock for one go to the parameter "result", in tenths.
 * Under -icount a nanosecond is an instruction.
 */
#include <linux/arm-smccc.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/preempt.h>

static ulong id;
module_param(id, ulong, 0444);
MODULE_PARM_DESC(id, "function identifier, as in x0");

static uint rounds = 16384;
module_param(rounds, uint, 0444);

static ulong result;
module_param(result, ulong, 0444);

static u64 __init time_calls(void)
{
	struct arm_smccc_res res;
	u64 start = ktime_get_ns();
	uint i;

	for (i = 0; i < rounds; i++)
		arm_smccc_1_1_hvc(id, 0, 0, 0, &res);
	return ktime_get_ns() - start;
}

static int __init hvcbench_init(void)
{
	unsigned long flags;
	u64 spent;

	if (!rounds)
		return -EINVAL;
	local_irq_save(flags);
	spent = time_calls();
	local_irq_restore(flags);
	result = spent * 10 / rounds;
	return 0;
}

static void __exit hvcbench_exit(void)
{
}

module_init(hvcbench_init);
module_exit(hvcbench_exit);
MODULE_DESCRIPTION("Cost of a hypercall from the host");
MODULE_LICENSE("GPL");
