// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds: eventfds whose signal is an interrupt of the guest (KVM_IRQFD).
 *
 * An irqfd is a waiter on its eventfd. Signalled, it injects at once where that
 * cannot sleep, and by a work item otherwise. It ends by KVM_IRQFD_FLAG_DEASSIGN,
 * by the eventfd's last close, or with the VM, whichever takes it off the list
 * first; a work item of its own does the rest, because the wait queue's lock is
 * held at that moment.
 *
 * Locks: vm->irqs.lock (interrupts off) for the list, taken inside the eventfd's
 * wait queue lock. vm->irq_lock for assignment and routes.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "irq_priv.h"
#include "vm.h"

struct rd_irqfd {
	struct list_head node; /* vm->irqs.irqfds; empty: being shut down */
	struct rd_vm *vm;
	u32 gsi;
	seqcount_spinlock_t seq; /* of route */
	struct rd_route route;
	struct eventfd_ctx *ctx;
	struct rd_resample_link *resample; /* NULL: edge */
	wait_queue_entry_t wait;
	poll_table pt;
	struct work_struct inject;
	struct work_struct shutdown;
	int error;
};

static struct workqueue_struct *cleanup_wq;

/* Raises the line; an edge goes down again, a level stays until the guest's end of it. */
static void inject_work(struct work_struct *work)
{
	struct rd_irqfd *irqfd = container_of(work, struct rd_irqfd, inject);
	struct rd_vm *vm = irqfd->vm;

	rd_irq_set(vm, irqfd->gsi, true);
	if (!irqfd->resample)
		rd_irq_set(vm, irqfd->gsi, false);
}

static void shutdown_work(struct work_struct *work)
{
	struct rd_irqfd *irqfd = container_of(work, struct rd_irqfd, shutdown);
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	flush_work(&irqfd->inject);
	if (irqfd->resample)
		rd_resampler_leave(irqfd->vm, irqfd->resample);
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

/* Takes it off the list and leaves the rest to its work item. irqs.lock held. */
static void deactivate(struct rd_irqfd *irqfd)
{
	list_del_init(&irqfd->node);
	queue_work(cleanup_wq, &irqfd->shutdown);
}

static void read_route(struct rd_irqfd *irqfd, struct rd_route *route)
{
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&irqfd->seq);
		*route = irqfd->route;
	} while (read_seqcount_retry(&irqfd->seq, seq));
}

/*
 * The eventfd was signalled; interrupts off. The vGIC takes lines and MSIs in any
 * context. A level-triggered line stays up, as user space that wires it to an irqfd
 * without resampling expects: it lowers the line itself.
 */
static void signalled(struct rd_irqfd *irqfd)
{
	struct rd_vm *vm = irqfd->vm;
	struct rd_route route;

	read_route(irqfd, &route);
	if (route.kind == RD_ROUTE_PIN && route.pin < rd_vgic_nr_spis(vm))
		rd_vgic_inject(vm, NULL, 32 + route.pin, true, NULL);
	else if (route.kind != RD_ROUTE_MSI ||
		 rd_vgic_inject_msi_atomic(vm, &route.msi) == -EWOULDBLOCK)
		schedule_work(&irqfd->inject);
}

static int wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct rd_irqfd *irqfd = container_of(wait, struct rd_irqfd, wait);
	__poll_t flags = key_to_poll(key);
	unsigned long irq_flags;
	u64 count;

	if (flags & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		signalled(irqfd);
	}
	if (flags & EPOLLHUP) {
		spin_lock_irqsave(&irqfd->vm->irqs.lock, irq_flags);
		if (!list_empty(&irqfd->node))
			deactivate(irqfd);
		spin_unlock_irqrestore(&irqfd->vm->irqs.lock, irq_flags);
	}
	return 0;
}

/* Called by vfs_poll(): waits on the eventfd, alone with it (-EBUSY otherwise). */
static void queue_proc(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct rd_irqfd *irqfd = container_of(pt, struct rd_irqfd, pt);
	struct rd_vm *vm = irqfd->vm;
	struct rd_irqfd *other;

	spin_lock_irq(&vm->irqs.lock);
	list_for_each_entry(other, &vm->irqs.irqfds, node)
		if (other->ctx == irqfd->ctx)
			irqfd->error = -EBUSY;
	if (!irqfd->error)
		list_add_tail(&irqfd->node, &vm->irqs.irqfds);
	spin_unlock_irq(&vm->irqs.lock);
	if (!irqfd->error)
		add_wait_queue_priority(wqh, &irqfd->wait);
}

static void update_route(struct rd_irqfd *irqfd)
{
	write_seqcount_begin(&irqfd->seq);
	rd_route_find(irqfd->vm, irqfd->gsi, &irqfd->route);
	write_seqcount_end(&irqfd->seq);
}

void rd_irqfd_routes_changed(struct rd_vm *vm)
{
	struct rd_irqfd *irqfd;
	int idx = srcu_read_lock(&vm->srcu);

	spin_lock_irq(&vm->irqs.lock);
	list_for_each_entry(irqfd, &vm->irqs.irqfds, node)
		update_route(irqfd);
	spin_unlock_irq(&vm->irqs.lock);
	srcu_read_unlock(&vm->srcu, idx);
}

static struct rd_irqfd *alloc_irqfd(struct rd_vm *vm, u32 gsi)
{
	struct rd_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);

	if (!irqfd)
		return NULL;
	irqfd->vm = vm;
	irqfd->gsi = gsi;
	INIT_LIST_HEAD(&irqfd->node);
	INIT_WORK(&irqfd->inject, inject_work);
	INIT_WORK(&irqfd->shutdown, shutdown_work);
	seqcount_spinlock_init(&irqfd->seq, &vm->irqs.lock);
	init_waitqueue_func_entry(&irqfd->wait, wakeup);
	init_poll_funcptr(&irqfd->pt, queue_proc);
	return irqfd;
}

static int join_resampler(struct rd_irqfd *irqfd, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	struct rd_vm *vm = irqfd->vm;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&vm->irq_lock);
	irqfd->resample = rd_resampler_join(vm, irqfd->gsi, ctx);
	mutex_unlock(&vm->irq_lock);
	if (!IS_ERR(irqfd->resample))
		return 0;
	eventfd_ctx_put(ctx);
	return PTR_ERR(irqfd->resample);
}

/* Puts the irqfd to work on an eventfd's file. On error nothing refers to it. */
static int attach(struct rd_irqfd *irqfd, struct file *file)
{
	struct rd_vm *vm = irqfd->vm;
	__poll_t events;
	int idx, ret;

	mutex_lock(&vm->irq_lock);
	idx = srcu_read_lock(&vm->srcu);
	spin_lock_irq(&vm->irqs.lock);
	update_route(irqfd);
	spin_unlock_irq(&vm->irqs.lock);
	srcu_read_unlock(&vm->srcu, idx);
	events = vfs_poll(file, &irqfd->pt);
	/* What was signalled before anybody waited. Unlocked, the irqfd may be gone at once. */
	ret = irqfd->error;
	if (!ret && events & EPOLLIN)
		schedule_work(&irqfd->inject);
	mutex_unlock(&vm->irq_lock);
	return ret;
}

static int assign_file(struct rd_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct rd_irqfd *irqfd = alloc_irqfd(vm, args->gsi);
	int ret;

	if (!irqfd)
		return -ENOMEM;
	irqfd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->ctx)) {
		ret = PTR_ERR(irqfd->ctx);
		kfree(irqfd);
		return ret;
	}
	ret = args->flags & KVM_IRQFD_FLAG_RESAMPLE ? join_resampler(irqfd, args->resamplefd) : 0;
	if (ret)
		goto no_resample;
	ret = attach(irqfd, file);
	if (!ret)
		return 0;
	if (irqfd->resample)
		rd_resampler_leave(vm, irqfd->resample);
no_resample:
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
	return ret;
}

static int assign(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	struct file *file;
	int ret;

	if (!vm->vgic.in_kernel)
		return -EINVAL;
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	ret = assign_file(vm, args, file);
	fput(file);
	return ret;
}

static int deassign(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct rd_irqfd *irqfd, *next;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	/* Not one that attach() has listed and not yet made to wait. */
	mutex_lock(&vm->irq_lock);
	spin_lock_irq(&vm->irqs.lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqs.irqfds, node)
		if (irqfd->ctx == ctx && irqfd->gsi == args->gsi)
			deactivate(irqfd);
	spin_unlock_irq(&vm->irqs.lock);
	mutex_unlock(&vm->irq_lock);
	eventfd_ctx_put(ctx);
	/* No interrupt comes from it once the ioctl has returned. */
	flush_workqueue(cleanup_wq);
	return 0;
}

int rd_irqfd(struct rd_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	return args->flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(vm, args) : assign(vm, args);
}

void rd_irqs_release(struct rd_vm *vm)
{
	struct rd_irqfd *irqfd, *next;

	spin_lock_irq(&vm->irqs.lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqs.irqfds, node)
		deactivate(irqfd);
	spin_unlock_irq(&vm->irqs.lock);
	flush_workqueue(cleanup_wq);
}

int rd_irq_module_init(void)
{
	cleanup_wq = alloc_workqueue("redoubt-irqfd", 0, 0);
	return cleanup_wq ? 0 : -ENOMEM;
}

void rd_irq_module_exit(void)
{
	destroy_workqueue(cleanup_wq);
}
