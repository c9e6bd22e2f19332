/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts of the generic timers as ACPI has them: the GTDT (ACPI 6.5, section 5.2.25).
 */
#ifndef REDOUBT_KMOD_GTDT_H
#define REDOUBT_KMOD_GTDT_H

#include <linux/acpi.h>

#ifdef CONFIG_ACPI
/*
 * The kernel's number of a timer's interrupt, or a negative errno. The kernel has mapped
 * it at boot, as the table's flags say: with another trigger or polarity it refuses.
 */
static inline int rd_gtdt_irq(u32 gsi, u32 flags)
{
	return acpi_register_gsi(NULL, gsi,
				 flags & ACPI_GTDT_INTERRUPT_MODE ? ACPI_EDGE_SENSITIVE :
								    ACPI_LEVEL_SENSITIVE,
				 flags & ACPI_GTDT_INTERRUPT_POLARITY ? ACPI_ACTIVE_LOW :
									ACPI_ACTIVE_HIGH);
}
#endif

#endif /* REDOUBT_KMOD_GTDT_H */
