// SPDX-License-Identifier: GPL-2.0-only
/*
 * The preconditions of a launch. Nothing is changed here, and each refusal is one
 * sentence with its remedy: whoever reads it should not need the source.
 */
#include <linux/acpi.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/fs.h>
#include <linux/irq.h>
#include <linux/miscdevice.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/smp.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include <core/pgtable_geometry.h>
#include "gtdt.h"
#include "launch.h"

#define REMEDY "'kvm-arm.mode=none id_aa64mmfr1.vh=0'"

/* Interrupt 1 of the timer's node is the EL1 physical timer, 2 the virtual one. */
#define TIMER_IRQ_PHYS 1

static const struct of_device_id timer_match[] = {
	{ .compatible = "arm,armv8-timer" },
	{}
};

#ifdef CONFIG_ACPI
static bool acpi_conduit_is_hvc(void)
{
	return acpi_gbl_FADT.arm_boot_flags & ACPI_FADT_PSCI_USE_HVC;
}

static int acpi_timer_irq(void)
{
	struct acpi_table_header *table;
	struct acpi_table_gtdt *gtdt;
	int irq;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_GTDT, 0, &table)))
		return 0;
	gtdt = (struct acpi_table_gtdt *)table;
	/* Registered at boot already: this only looks it up. */
	irq = rd_gtdt_irq(gtdt->non_secure_el1_interrupt, gtdt->non_secure_el1_flags);
	acpi_put_table(table);
	return irq;
}
#else /* acpi_disabled is a constant, and these are never called */
static bool acpi_conduit_is_hvc(void)
{
	return false;
}

static int acpi_timer_irq(void)
{
	return 0;
}
#endif

static bool conduit_is_hvc(void)
{
	struct device_node *psci;
	const char *method;
	bool hvc = false;

	if (!acpi_disabled)
		return acpi_conduit_is_hvc();
	psci = of_find_node_by_path("/psci");
	if (psci && !of_property_read_string(psci, "method", &method))
		hvc = !strcmp(method, "hvc");
	of_node_put(psci);
	return hvc;
}

static int timer_phys_irq(void)
{
	struct device_node *node;
	int irq;

	if (!acpi_disabled)
		return acpi_timer_irq();
	node = of_find_matching_node(NULL, timer_match);
	irq = node ? irq_of_parse_and_map(node, TIMER_IRQ_PHYS) : 0;
	of_node_put(node);
	return irq;
}

/*
 * Was the kernel started at EL2? It does not tell modules, but it ticks on the
 * physical timer if so, and on the virtual one if it came up at EL1.
 */
static bool booted_at_el2(void)
{
	int irq = timer_phys_irq();

	return irq > 0 && irq_percpu_is_enabled(irq);
}

struct cpu_check {
	atomic_t at_el2;
	atomic_t unlike;
	u64 mmfr0;
};

static void check_cpu(void *arg)
{
	struct cpu_check *check = arg;

	if (read_sysreg(CurrentEL) != CurrentEL_EL1)
		atomic_inc(&check->at_el2);
	if (read_cpuid(ID_AA64MMFR0_EL1) != check->mmfr0)
		atomic_inc(&check->unlike);
}

static int check_cpus(void)
{
	struct cpu_check check = { .mmfr0 = read_cpuid(ID_AA64MMFR0_EL1) };

	on_each_cpu(check_cpu, &check, 1);
	if (atomic_read(&check.at_el2)) {
		pr_err("this kernel itself runs at EL2 (VHE); boot it with " REMEDY
		       " on its command line\n");
		return -ENODEV;
	}
	if (atomic_read(&check.unlike)) {
		pr_err("the CPUs differ in granules or address sizes (ID_AA64MMFR0_EL1), which is not supported\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_el2(void)
{
	u64 pfr0 = read_sysreg_s(SYS_ID_AA64PFR0_EL1);

	if (!(pfr0 >> ID_AA64PFR0_EL1_EL2_SHIFT & 0xf) || conduit_is_hvc()) {
		pr_err("there is no EL2 for this kernel: the CPU has none, or another hypervisor has it; run on the bare machine, or under QEMU with -M virt,virtualization=on\n");
		return -ENODEV;
	}
	if (!booted_at_el2()) {
		pr_err("this kernel was not started at EL2; have the firmware or boot loader start it there\n");
		return -ENODEV;
	}
	return 0;
}

static int check_granule(void)
{
	struct pgt_cpu_features cpu;
	int i = PGT_GRANULE_INDEX(PAGE_SHIFT);

	pgt_cpu_features_parse(&cpu, read_cpuid(ID_AA64MMFR0_EL1), read_cpuid(ID_AA64MMFR1_EL1),
			       read_sysreg_s(SYS_ID_AA64MMFR2_EL1),
			       read_sysreg_s(SYS_ID_AA64ISAR0_EL1));
	if (!cpu.granule_s1[i] || !cpu.granule_s2[i]) {
		pr_err("the CPU has no %lu KiB pages at stage 2; use a kernel of another page size\n",
		       PAGE_SIZE / 1024);
		return -EOPNOTSUPP;
	}
	if (!(read_sysreg_s(SYS_ID_AA64PFR0_EL1) >> ID_AA64PFR0_EL1_GIC_SHIFT & 0xf)) {
		pr_err("the CPU has no GICv3 system registers, which Redoubt's VMs need\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Is /dev/kvm taken? Whoever has it, has EL2. A device of another name with the same
 * number answers that without a trace.
 */
static int check_kvm(void)
{
	static const struct file_operations fops = {};
	struct miscdevice probe = { .minor = KVM_MINOR, .name = "redoubt-probe", .fops = &fops };

	if (misc_register(&probe)) {
		pr_err("the kernel's own KVM has EL2; boot with " REMEDY " on the kernel command line\n");
		return -EBUSY;
	}
	misc_deregister(&probe);
	return 0;
}

int rd_check(void)
{
	int ret;

	if (num_possible_cpus() > RD_MAX_CPUS) {
		pr_err("more than %u CPUs; boot with fewer (maxcpus=)\n", RD_MAX_CPUS);
		return -EOPNOTSUPP;
	}
	ret = check_cpus();
	if (!ret)
		ret = check_kvm();
	if (!ret)
		ret = check_el2();
	if (!ret)
		ret = check_granule();
	return ret;
}
