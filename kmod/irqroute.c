// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRQ routing: a VM's table from GSI to vGIC line or MSI. At most one route a GSI, as
 * arm64 has one interrupt controller. A table is replaced as a whole.
 *
 * Locks: vm->irq_lock for writers, vm->srcu for readers (invariant: a table that
 * readers may see is constant).
 */
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "irq_priv.h"
#include "vm.h"

/* Pins of the one irqchip: SPIs. */
#define NR_PINS 988

struct rd_route_table {
	u32 nr;
	struct rd_route route[];
};

static const struct rd_route_table *table_of(struct rd_vm *vm)
{
	return srcu_dereference(vm->irqs.routes, &vm->srcu);
}

void rd_route_find(struct rd_vm *vm, u32 gsi, struct rd_route *route)
{
	const struct rd_route_table *t = table_of(vm);

	if (!t) {
		/* Before user space says otherwise, each GSI is the pin of that number. */
		route->kind = gsi < NR_PINS ? RD_ROUTE_PIN : RD_ROUTE_NONE;
		route->pin = gsi;
	} else if (gsi < t->nr) {
		*route = t->route[gsi];
	} else {
		route->kind = RD_ROUTE_NONE;
	}
}

/* The GSI that leads to a pin, or -1. */
static s64 gsi_of_pin(struct rd_vm *vm, u32 pin)
{
	const struct rd_route_table *t = table_of(vm);
	u32 i;

	if (!t)
		return pin;
	for (i = 0; i < t->nr; i++)
		if (t->route[i].kind == RD_ROUTE_PIN && t->route[i].pin == pin)
			return i;
	return -1;
}

int rd_route_raise(struct rd_vm *vm, const struct rd_route *route, bool level)
{
	switch (route->kind) {
	case RD_ROUTE_PIN:
		if (!vm->vgic.in_kernel || route->pin >= rd_vgic_nr_spis(vm))
			return -EINVAL;
		return rd_vgic_inject(vm, NULL, 32 + route->pin, level, NULL);
	case RD_ROUTE_MSI:
		return level && vm->vgic.in_kernel ? rd_vgic_inject_msi(vm, &route->msi) : 0;
	default:
		return -EINVAL;
	}
}

int rd_irq_set(struct rd_vm *vm, u32 gsi, bool level)
{
	struct rd_route route;
	int idx = srcu_read_lock(&vm->srcu);

	rd_route_find(vm, gsi, &route);
	srcu_read_unlock(&vm->srcu, idx);
	return rd_route_raise(vm, &route, level);
}

static int parse(const struct kvm_irq_routing_entry *e, struct rd_route *route)
{
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (e->flags || e->u.irqchip.irqchip || e->u.irqchip.pin >= NR_PINS)
			return -EINVAL;
		route->kind = RD_ROUTE_PIN;
		route->pin = e->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		if (e->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		route->kind = RD_ROUTE_MSI;
		route->msi.address_lo = e->u.msi.address_lo;
		route->msi.address_hi = e->u.msi.address_hi;
		route->msi.data = e->u.msi.data;
		route->msi.flags = e->flags;
		route->msi.devid = e->u.msi.devid;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The size of a table that holds all entries, or 0 for one that is out of bounds. */
static u32 table_size(const struct kvm_irq_routing_entry *e, u32 nr)
{
	u32 i, size = NR_PINS;

	for (i = 0; i < nr; i++) {
		if (e[i].gsi >= RD_MAX_ROUTES)
			return 0;
		size = max(size, e[i].gsi + 1);
	}
	return size;
}

static struct rd_route_table *build(const struct kvm_irq_routing_entry *e, u32 nr)
{
	struct rd_route_table *t;
	u32 i, size = table_size(e, nr);
	int ret = size ? 0 : -EINVAL;

	if (ret)
		return ERR_PTR(ret);
	t = kvzalloc(struct_size(t, route, size), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->nr = size;
	for (i = 0; !ret && i < nr; i++) {
		struct rd_route *route = &t->route[e[i].gsi];

		ret = route->kind == RD_ROUTE_NONE ? parse(&e[i], route) : -EINVAL;
	}
	if (ret) {
		kvfree(t);
		return ERR_PTR(ret);
	}
	return t;
}

static void replace(struct rd_vm *vm, struct rd_route_table *new)
{
	struct rd_route_table *old;

	mutex_lock(&vm->irq_lock);
	old = rcu_dereference_protected(vm->irqs.routes, 1);
	rcu_assign_pointer(vm->irqs.routes, new);
	rd_irqfd_routes_changed(vm);
	mutex_unlock(&vm->irq_lock);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
}

int rd_irq_set_routing(struct rd_vm *vm, const struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	struct rd_route_table *new;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nr > RD_MAX_ROUTES || head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_array_user(user->entries, head.nr, sizeof(*entries));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	new = build(entries, head.nr);
	kvfree(entries);
	if (IS_ERR(new))
		return PTR_ERR(new);
	replace(vm, new);
	return 0;
}

void rd_irqs_init(struct rd_vm *vm)
{
	spin_lock_init(&vm->irqs.lock);
	INIT_LIST_HEAD(&vm->irqs.irqfds);
	INIT_LIST_HEAD(&vm->irqs.resamplers);
	INIT_LIST_HEAD(&vm->irqs.ioeventfds);
}

void rd_irqs_destroy(struct rd_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->irqs.routes, 1));
}

bool rd_irq_has_ack(struct rd_vm *vm, u32 pin)
{
	s64 gsi;
	bool has;
	int idx;

	if (list_empty(&vm->irqs.resamplers))
		return false;
	idx = srcu_read_lock(&vm->srcu);
	gsi = gsi_of_pin(vm, pin);
	has = gsi >= 0 && rd_resampler_exists(vm, gsi);
	srcu_read_unlock(&vm->srcu, idx);
	return has;
}

void rd_irq_notify_ack(struct rd_vm *vm, u32 pin)
{
	s64 gsi;
	int idx = srcu_read_lock(&vm->srcu);

	gsi = gsi_of_pin(vm, pin);
	if (gsi >= 0)
		rd_resampler_ack(vm, gsi);
	srcu_read_unlock(&vm->srcu, idx);
}
