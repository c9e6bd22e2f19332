/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between irqroute.c, irqfd.c and resample.c.
 */
#ifndef REDOUBT_KMOD_IRQ_PRIV_H
#define REDOUBT_KMOD_IRQ_PRIV_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vm;
struct rd_irqfd;

enum rd_route_kind { RD_ROUTE_NONE, RD_ROUTE_PIN, RD_ROUTE_MSI };

/* Where a GSI leads. */
struct rd_route {
	u32 kind;
	u32 pin;
	struct kvm_msi msi;
};

/* The route of @gsi; vm->srcu held (or irq_lock). */
void rd_route_find(struct rd_vm *vm, u32 gsi, struct rd_route *route);

/* Raises or lowers what a route leads to. May sleep. */
int rd_route_raise(struct rd_vm *vm, const struct rd_route *route, bool level);

/* The table was replaced: irqfds take their routes anew. irq_lock held. */
void rd_irqfd_routes_changed(struct rd_vm *vm);

/*
 * Resampling (resample.c): a level-triggered GSI whose line goes down when the guest
 * ends the interrupt, and whose eventfds are told then.
 */
struct eventfd_ctx;
struct rd_resampler;

/* Joins @gsi's resampler with one more eventfd. irq_lock held. An error pointer on failure. */
struct rd_resample_link *rd_resampler_join(struct rd_vm *vm, u32 gsi, struct eventfd_ctx *ctx);
/* Leaves it; waits for acknowledgements in flight, drops the eventfd. irq_lock not held. */
void rd_resampler_leave(struct rd_vm *vm, struct rd_resample_link *link);
/* vm->srcu held. */
bool rd_resampler_exists(struct rd_vm *vm, u32 gsi);
void rd_resampler_ack(struct rd_vm *vm, u32 gsi);

#endif /* REDOUBT_KMOD_IRQ_PRIV_H */
