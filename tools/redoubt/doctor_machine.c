// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requirements on the CPU, the firmware and how the kernel was started (doctor.h). The
 * module checks the same, with registers that a program cannot read (kmod/check.c); here
 * they show by their traces in /proc and /sys.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <redoubt/boot.h>

#include "doctor.h"
#include "tree.h"

/* Numbers of the timers' private interrupts, as firmware has them (Arm BSA, section 3.5). */
enum { PPI_EL2_PHYS = 26, PPI_VIRT = 27, PPI_EL2_VIRT = 28, PPI_PHYS = 30 };

static void check_arch(const struct doctor *d, struct doctor_answer *a)
{
	char *arch = tree_word(d->env, "proc/sys/kernel/arch");
	bool arm64 = arch && !strcmp(arch, "aarch64");

	if (!arch)
		doctor_answer(a, DOCTOR_UNSURE, "not told: the kernel is older than 6.1", NULL);
	else
		doctor_answer(a, arm64 ? DOCTOR_OK : DOCTOR_MISSING, arch,
			      arm64 ? NULL : "Redoubt runs on 64-bit Arm only.");
	free(arch);
}

static void check_cpus(const struct doctor *d, struct doctor_answer *a)
{
	char *possible = tree_word(d->env, "sys/devices/system/cpu/possible");
	const char *last = possible ? strrchr(possible, '-') : NULL;
	long nr = possible ? strtol(last ? last + 1 : possible, NULL, 10) + 1 : 0;
	char found[40], todo[80];

	snprintf(found, sizeof(found), "%ld possible", nr);
	snprintf(todo, sizeof(todo), "At most %d: boot with maxcpus=%d.", RD_MAX_CPUS, RD_MAX_CPUS);
	if (!possible)
		doctor_answer(a, DOCTOR_UNSURE, "not told", NULL);
	else
		doctor_answer(a, nr <= RD_MAX_CPUS ? DOCTOR_OK : DOCTOR_MISSING, found,
			      nr <= RD_MAX_CPUS ? NULL : todo);
	free(possible);
}

static void check_gic(const struct doctor *d, struct doctor_answer *a)
{
	if (!d->interrupts)
		doctor_answer(a, DOCTOR_UNSURE, "/proc/interrupts cannot be read", NULL);
	else if (strstr(d->interrupts, "GICv3"))
		doctor_answer(a, DOCTOR_OK, "GICv3 or later", NULL);
	else
		doctor_answer(a, DOCTOR_MISSING, "no GICv3",
			      "VMs need the system registers of a GICv3. Under QEMU: -M virt,gic-version=3.");
}

/* The interrupt number that the kernel's timer ticks on, 0 if it does not show. */
static int timer_interrupt(const struct doctor *d)
{
	char line[1024], *at;
	const char *text = d->interrupts;
	int number;

	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
		at = strstr(line, "GIC");
		if (!at || !strstr(at, "arch_timer"))
			continue;
		at += strcspn(at, " ");
		if (sscanf(at, " %d", &number) == 1)
			return number;
	}
	return 0;
}

/* Firmware that offers HVC is itself a hypervisor's: the CPU's EL2 is taken. */
static bool conduit_is_hvc(const struct doctor *d)
{
	char *method = tree_word(d->env, "proc/device-tree/psci/method"), *fadt;
	bool hvc = method && !strcmp(method, "hvc");
	size_t size = 0;

	free(method);
	if (hvc)
		return true;
	/* ACPI 6.5, table 5.9: ARM Boot Architecture Flags, bit 1. */
	fadt = tree_read(d->env, "sys/firmware/acpi/tables/FACP", &size);
	hvc = fadt && size > 130 && (fadt[129] & 2);
	free(fadt);
	return hvc;
}

static void check_el2(const struct doctor *d, struct doctor_answer *a)
{
	int ppi = timer_interrupt(d);

	if (d->loaded)
		doctor_answer(a, DOCTOR_OK, "Redoubt has it", NULL);
	else if (conduit_is_hvc(d))
		doctor_answer(a, DOCTOR_MISSING, "another hypervisor has it",
			      "Run on the bare machine, or under QEMU with -M virt,virtualization=on.");
	else if (ppi == PPI_EL2_PHYS || ppi == PPI_EL2_VIRT)
		doctor_answer(a, DOCTOR_MISSING, "the kernel itself runs there (VHE)",
			      "Put " DOCTOR_WORDS " on the kernel command line; the second word keeps it out.");
	else if (ppi == PPI_VIRT)
		doctor_answer(a, DOCTOR_MISSING, "the kernel was not started there",
			      "The firmware or boot loader must start the kernel at EL2. Under QEMU: -M virt,virtualization=on.");
	else if (ppi == PPI_PHYS)
		doctor_answer(a, DOCTOR_OK, "the kernel was started there and runs at EL1", NULL);
	else
		doctor_answer(a, DOCTOR_UNSURE, "cannot be seen from /proc/interrupts",
			      "'modprobe redoubt' tells, in 'dmesg'.");
}

const struct doctor_check doctor_machine[] = {
	{ "64-bit Arm", check_arch },
	{ "number of CPUs", check_cpus },
	{ "interrupt controller", check_gic },
	{ "EL2", check_el2 },
};
const size_t doctor_nr_machine = sizeof(doctor_machine) / sizeof(doctor_machine[0]);
