// SPDX-License-Identifier: GPL-2.0-only
/*
 * Level-triggered irqfds: when the guest ends the interrupt, the line goes down and
 * every device that shares it is asked, by eventfd, whether it still wants it up
 * (KVM_IRQFD_FLAG_RESAMPLE).
 *
 * Locks: vm->irq_lock for changes, vm->srcu for acknowledgements.
 */
#include <linux/eventfd.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "irq_priv.h"
#include "vm.h"

struct rd_resampler {
	struct list_head node; /* vm->irqs.resamplers */
	struct list_head links;
	u32 gsi;
};

struct rd_resample_link {
	struct list_head node; /* rd_resampler.links */
	struct rd_resampler *resampler;
	struct eventfd_ctx *ctx;
};

static struct rd_resampler *find(struct rd_vm *vm, u32 gsi)
{
	struct rd_resampler *r;

	list_for_each_entry_srcu(r, &vm->irqs.resamplers, node, true)
		if (r->gsi == gsi)
			return r;
	return NULL;
}

struct rd_resample_link *rd_resampler_join(struct rd_vm *vm, u32 gsi, struct eventfd_ctx *ctx)
{
	struct rd_resample_link *link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	struct rd_resampler *r;

	lockdep_assert_held(&vm->irq_lock);
	if (!link)
		return ERR_PTR(-ENOMEM);
	r = find(vm, gsi);
	if (!r) {
		r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
		if (!r) {
			kfree(link);
			return ERR_PTR(-ENOMEM);
		}
		r->gsi = gsi;
		INIT_LIST_HEAD(&r->links);
		list_add_rcu(&r->node, &vm->irqs.resamplers);
	}
	link->resampler = r;
	link->ctx = ctx;
	list_add_rcu(&link->node, &r->links);
	return link;
}

void rd_resampler_leave(struct rd_vm *vm, struct rd_resample_link *link)
{
	struct rd_resampler *r = link->resampler;
	bool last;

	mutex_lock(&vm->irq_lock);
	list_del_rcu(&link->node);
	last = list_empty(&r->links);
	if (last)
		list_del_rcu(&r->node);
	mutex_unlock(&vm->irq_lock);
	synchronize_srcu(&vm->srcu);
	if (last) {
		rd_irq_set(vm, r->gsi, false);
		kfree(r);
	}
	eventfd_ctx_put(link->ctx);
	kfree(link);
}

bool rd_resampler_exists(struct rd_vm *vm, u32 gsi)
{
	return find(vm, gsi);
}

void rd_resampler_ack(struct rd_vm *vm, u32 gsi)
{
	struct rd_resampler *r = find(vm, gsi);
	struct rd_resample_link *link;
	struct rd_route route;

	if (!r)
		return;
	rd_route_find(vm, gsi, &route);
	if (route.kind == RD_ROUTE_PIN)
		rd_route_raise(vm, &route, false);
	list_for_each_entry_srcu(link, &r->links, node, true)
		eventfd_signal(link->ctx);
}
