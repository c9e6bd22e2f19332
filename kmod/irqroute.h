/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts by number (GSI): KVM_SET_GSI_ROUTING, KVM_IRQFD with resampling, and
 * KVM_IOEVENTFD. A GSI leads to a line of the vGIC (pin n is SPI 32 + n) or to an
 * MSI. Without a table of user space's, GSI n is pin n.
 */
#ifndef REDOUBT_KMOD_IRQROUTE_H
#define REDOUBT_KMOD_IRQROUTE_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct rd_vm;
struct rd_route_table;

/* As KVM_CAP_IRQ_ROUTING says. */
#define RD_MAX_ROUTES 4096

struct rd_irqs {
	struct rd_route_table __rcu *routes; /* written under irq_lock, read under vm->srcu */
	spinlock_t lock;		     /* irqfds, below; taken with interrupts off */
	struct list_head irqfds;
	struct list_head resamplers;	     /* under irq_lock; read under vm->srcu */
	struct list_head ioeventfds;	     /* under slots_lock */
};

void rd_irqs_init(struct rd_vm *vm);
/* The VM's descriptor was closed: no irqfd fires from here on. May sleep. */
void rd_irqs_release(struct rd_vm *vm);
void rd_irqs_destroy(struct rd_vm *vm);

/* The ioctls; arguments copied from user space, fields unchecked. */
int rd_irq_set_routing(struct rd_vm *vm, const struct kvm_irq_routing __user *routing);
int rd_irqfd(struct rd_vm *vm, const struct kvm_irqfd *args);
int rd_ioeventfd(struct rd_vm *vm, const struct kvm_ioeventfd *args);
/* At the end of a VM, before its I/O bus: frees those that are not on it. */
void rd_ioeventfds_destroy(struct rd_vm *vm);

/* Raises or lowers a GSI's line, or sends its MSI when raised. May sleep. */
int rd_irq_set(struct rd_vm *vm, u32 gsi, bool level);

/*
 * For the vGIC: the guest has ended SPI 32 + @pin. has_ack is cheap and asks
 * whether to bother; notify is called without the vGIC's locks, may not sleep.
 */
bool rd_irq_has_ack(struct rd_vm *vm, u32 pin);
void rd_irq_notify_ack(struct rd_vm *vm, u32 pin);

int rd_irq_module_init(void);
void rd_irq_module_exit(void);

#endif /* REDOUBT_KMOD_IRQROUTE_H */
