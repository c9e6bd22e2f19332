// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfds: guest writes that signal an eventfd and nothing else (KVM_IOEVENTFD).
 *
 * Locks: vm->slots_lock for the list and the bus.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "irqroute.h"
#include "vcpu.h"
#include "vm.h"

#define VALID_FLAGS                                                                                \
	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN | KVM_IOEVENTFD_FLAG_PIO)

struct ioeventfd {
	struct list_head node; /* vm->irqs.ioeventfds */
	struct rd_iodev dev;   /* len 0: a write of any length */
	struct eventfd_ctx *ctx;
	u64 match;
	bool any; /* any value */
	bool pio; /* of a port: there are none, so it's only on the list */
};

static int io_read(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len, void *val)
{
	return -EOPNOTSUPP;
}

static int io_write(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len,
		    const void *val)
{
	struct ioeventfd *io = container_of(dev, struct ioeventfd, dev);
	u64 data = 0;

	if (addr != dev->base || (dev->len && dev->len != (u64)len))
		return -EOPNOTSUPP;
	memcpy(&data, val, len);
	if (!io->any && data != io->match)
		return -EOPNOTSUPP;
	eventfd_signal(io->ctx);
	return 0;
}

static void io_free(struct ioeventfd *io)
{
	eventfd_ctx_put(io->ctx);
	kfree(io);
}

static void io_release(struct rd_iodev *dev)
{
	io_free(container_of(dev, struct ioeventfd, dev));
}

static const struct rd_iodev_ops io_ops = {
	.read = io_read,
	.write = io_write,
	.release = io_release,
};

static int check(const struct kvm_ioeventfd *args)
{
	if (args->flags & ~VALID_FLAGS)
		return -EINVAL;
	switch (args->len) {
	case 0:
		/* Any length has no value to compare. */
		return args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH ? -EINVAL : 0;
	case 1:
	case 2:
	case 4:
	case 8:
		return args->addr + args->len < args->addr ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->pio == b->pio && a->dev.base == b->dev.base &&
	       (!a->dev.len || !b->dev.len ||
		(a->dev.len == b->dev.len && (a->any || b->any || a->match == b->match)));
}

static int add(struct rd_vm *vm, struct ioeventfd *io)
{
	struct ioeventfd *other;
	int ret;

	lockdep_assert_held(&vm->slots_lock);
	list_for_each_entry(other, &vm->irqs.ioeventfds, node)
		if (same(io, other))
			return -EEXIST;
	ret = io->pio ? 0 : rd_iobus_add(vm, &io->dev);
	if (!ret)
		list_add_tail(&io->node, &vm->irqs.ioeventfds);
	return ret;
}

static int assign(struct rd_vm *vm, const struct kvm_ioeventfd *args, struct eventfd_ctx *ctx)
{
	struct ioeventfd *io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!io)
		return -ENOMEM;
	io->dev.ops = &io_ops;
	io->dev.base = args->addr;
	io->dev.len = args->len;
	io->any = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	io->match = args->datamatch;
	io->pio = args->flags & KVM_IOEVENTFD_FLAG_PIO;
	io->ctx = ctx;
	mutex_lock(&vm->slots_lock);
	ret = add(vm, io);
	mutex_unlock(&vm->slots_lock);
	if (ret)
		kfree(io);
	return ret;
}

static int deassign(struct rd_vm *vm, const struct kvm_ioeventfd *args, struct eventfd_ctx *ctx)
{
	bool any = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	bool pio = args->flags & KVM_IOEVENTFD_FLAG_PIO;
	struct ioeventfd *io, *next;
	int ret = -ENOENT;

	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(io, next, &vm->irqs.ioeventfds, node) {
		if (io->ctx != ctx || io->dev.base != args->addr || io->dev.len != args->len ||
		    io->pio != pio || io->any != any || (!any && io->match != args->datamatch))
			continue;
		list_del(&io->node);
		if (!pio)
			rd_iobus_remove(vm, &io->dev);
		io_free(io);
		ret = 0;
		break;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

void rd_ioeventfds_destroy(struct rd_vm *vm)
{
	struct ioeventfd *io, *next;

	/* The others are the bus's to release. */
	list_for_each_entry_safe(io, next, &vm->irqs.ioeventfds, node)
		if (io->pio)
			io_free(io);
}

int rd_ioeventfd(struct rd_vm *vm, const struct kvm_ioeventfd *args)
{
	bool leave = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct eventfd_ctx *ctx;
	int ret;

	ret = leave ? 0 : check(args);
	if (ret)
		return ret;
	ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ret = leave ? deassign(vm, args, ctx) : assign(vm, args, ctx);
	/* An assigned one keeps the reference. */
	if (leave || ret)
		eventfd_ctx_put(ctx);
	return ret;
}
