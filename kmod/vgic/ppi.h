/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private peripheral interrupts that the host leaves to its guests: the virtual
 * timer's and the GIC's maintenance interrupt. Found in the firmware's tables,
 * requested, and enabled on each CPU that is online.
 */
#ifndef REDOUBT_KMOD_PPI_H
#define REDOUBT_KMOD_PPI_H

#include <linux/interrupt.h>

enum rd_ppi {
	RD_PPI_MAINTENANCE,
	RD_PPI_VIRT_TIMER,
	RD_PPI_COUNT
};

/* Requests @ppi for @handler. -ENODEV: the firmware doesn't name it; or what Linux returns. */
int rd_ppi_request(enum rd_ppi ppi, irq_handler_t handler, const char *name);

/* Gives it back, if it was requested. */
void rd_ppi_free(enum rd_ppi ppi);

/* Linux's number of @ppi, and the GIC's. Requested. */
int rd_ppi_irq(enum rd_ppi ppi);
u32 rd_ppi_intid(enum rd_ppi ppi);

#endif /* REDOUBT_KMOD_PPI_H */
