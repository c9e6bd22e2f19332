// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's PPIs that belong to guests: see ppi.h.
 *
 * An interrupt is enabled by each CPU for itself, as it comes online: one CPU
 * hotplug state serves each interrupt.
 *
 * Locks: none; module load and unload only.
 */
#include <linux/acpi.h>
#include <linux/cpuhotplug.h>
#include <linux/irq.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>

#include "../gtdt.h"
#include "ppi.h"

struct ppi {
	int irq;
	u32 intid;
	enum cpuhp_state state;
};

static struct ppi ppis[RD_PPI_COUNT];

/* request_percpu_irq() wants something per CPU to hand to the handler. */
static DEFINE_PER_CPU(int, cookie);

/* Where the device tree has them: the node, and which of its interrupts. */
static const struct {
	const struct of_device_id match[2];
	int index;
} nodes[RD_PPI_COUNT] = {
	[RD_PPI_MAINTENANCE] = { { { .compatible = "arm,gic-v3" } }, 0 },
	[RD_PPI_VIRT_TIMER] = { { { .compatible = "arm,armv8-timer" } }, 2 },
};

static int find_of(enum rd_ppi ppi)
{
	struct device_node *node = of_find_matching_node(NULL, nodes[ppi].match);
	int irq = node ? irq_of_parse_and_map(node, nodes[ppi].index) : 0;

	of_node_put(node);
	return irq ? irq : -ENODEV;
}

#ifdef CONFIG_ACPI
/* The maintenance interrupt of the first GICC structure of the MADT; 0: none. */
static u32 madt_maintenance(const struct acpi_table_madt *madt)
{
	const u8 *p = (const u8 *)(madt + 1), *end = (const u8 *)madt + madt->header.length;

	while (p + sizeof(struct acpi_subtable_header) <= end) {
		const struct acpi_subtable_header *sub = (const void *)p;
		const struct acpi_madt_generic_interrupt *gicc = (const void *)p;

		if (sub->length < sizeof(*sub) || p + sub->length > end)
			return 0;
		if (sub->type == ACPI_MADT_TYPE_GENERIC_INTERRUPT &&
		    sub->length >= offsetofend(struct acpi_madt_generic_interrupt, vgic_interrupt))
			return gicc->vgic_interrupt;
		p += sub->length;
	}
	return 0;
}

static int find_acpi(enum rd_ppi ppi)
{
	bool timer = ppi == RD_PPI_VIRT_TIMER;
	struct acpi_table_header *table;
	struct acpi_table_gtdt *gtdt;
	u32 gsi, flags = 0;

	if (ACPI_FAILURE(acpi_get_table(timer ? ACPI_SIG_GTDT : ACPI_SIG_MADT, 0, &table)))
		return -ENODEV;
	if (timer) {
		gtdt = (struct acpi_table_gtdt *)table;
		gsi = gtdt->virtual_timer_interrupt;
		flags = gtdt->virtual_timer_flags;
	} else {
		/* Mapped by nobody else: level, active high. */
		gsi = madt_maintenance((struct acpi_table_madt *)table);
	}
	acpi_put_table(table);
	return gsi ? rd_gtdt_irq(gsi, flags) : -ENODEV;
}
#else
static int find_acpi(enum rd_ppi ppi)
{
	return -ENODEV;
}
#endif

static int online(struct ppi *p)
{
	enable_percpu_irq(p->irq, irq_get_trigger_type(p->irq));
	return 0;
}

static int offline(struct ppi *p)
{
	disable_percpu_irq(p->irq);
	return 0;
}

static int maintenance_online(unsigned int cpu)
{
	return online(&ppis[RD_PPI_MAINTENANCE]);
}

static int maintenance_offline(unsigned int cpu)
{
	return offline(&ppis[RD_PPI_MAINTENANCE]);
}

static int timer_online(unsigned int cpu)
{
	return online(&ppis[RD_PPI_VIRT_TIMER]);
}

static int timer_offline(unsigned int cpu)
{
	return offline(&ppis[RD_PPI_VIRT_TIMER]);
}

static int enable_everywhere(enum rd_ppi ppi)
{
	if (ppi == RD_PPI_VIRT_TIMER)
		return cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "redoubt/timer:online", timer_online,
					 timer_offline);
	return cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "redoubt/vgic:online", maintenance_online,
				 maintenance_offline);
}

int rd_ppi_request(enum rd_ppi ppi, irq_handler_t handler, const char *name)
{
	int irq = acpi_disabled ? find_of(ppi) : find_acpi(ppi);
	struct ppi *p = &ppis[ppi];
	struct irq_data *data;
	int ret;

	if (irq <= 0)
		return irq ? irq : -ENODEV;
	data = irq_get_irq_data(irq);
	if (!data)
		return -ENODEV;
	ret = request_percpu_irq(irq, handler, name, &cookie);
	if (ret)
		return ret;
	p->irq = irq;
	p->intid = data->hwirq;
	ret = enable_everywhere(ppi);
	if (ret < 0) {
		free_percpu_irq(irq, &cookie);
		p->irq = 0;
		return ret;
	}
	p->state = ret;
	return 0;
}

void rd_ppi_free(enum rd_ppi ppi)
{
	struct ppi *p = &ppis[ppi];

	if (!p->irq)
		return;
	cpuhp_remove_state(p->state);
	free_percpu_irq(p->irq, &cookie);
	p->irq = 0;
}

int rd_ppi_irq(enum rd_ppi ppi)
{
	return ppis[ppi].irq;
}

u32 rd_ppi_intid(enum rd_ppi ppi)
{
	return ppis[ppi].intid;
}
