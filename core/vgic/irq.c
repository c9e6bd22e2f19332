// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An interrupt's state, and the queue of those that its home should see.
 *
 * Invariants:
 *  a. An interrupt is in the bucket that its state asks for (wanted_bucket()),
 *     whenever home's lock is free, and in none if its home is VGIC_NONE.
 *  b. home changes with both homes' locks held, and only while no list register
 *     has the interrupt and it is not active.
 *  c. What a list register holds and what it should hold differ only while
 *     vgic_cpu.work is set.
 *
 * An edge moves from the latch (pending) into the list register (lr_pending) when
 * that is loaded, so that a second edge, arriving while the guest handles the
 * first, finds the latch free. A level-triggered interrupt's latch stays where it
 * is until the guest has acknowledged it.
 */
#include "vgic_private.h"

bool vgic_irq_is_pending(const struct vgic_irq *irq)
{
	return irq->pending || (irq->level ? irq->line : irq->lr_pending);
}

bool vgic_irq_is_active(const struct vgic_irq *irq)
{
	return irq->force ? irq->force == FORCE_ACTIVE : irq->active;
}

bool vgic_irq_deliverable(const struct vgic_irq *irq)
{
	return irq->enabled && vgic_irq_is_pending(irq);
}

struct vgic_cpu *vgic_irq_lock(struct vgic *d, struct vgic_irq *irq, unsigned long *flags)
{
	for (;;) {
		struct vgic_cpu *home = vgic_home(d, port_read32(&irq->home));

		*flags = vgic_lock(home ? &home->lock : &d->lock);
		if (port_likely(vgic_home(d, irq->home) == home))
			return home;
		vgic_irq_unlock(d, home, *flags);
	}
}

void vgic_irq_unlock(struct vgic *d, struct vgic_cpu *home, unsigned long flags)
{
	vgic_unlock(home ? &home->lock : &d->lock, flags);
}

/* 1 + the bucket for the interrupt's state, or 0. */
static u8 wanted_bucket(const struct vgic_irq *irq)
{
	u8 level = irq->priority >> 3;

	if (vgic_irq_is_active(irq))
		return 1 + level;
	return vgic_irq_deliverable(irq) ? 33 + level : 0;
}

static void enqueue(struct vgic_cpu *c, struct vgic_irq *irq, u8 bucket)
{
	struct vgic_irq *head = c->bucket[bucket - 1];

	if (head) {
		irq->next = head;
		irq->prev = head->prev;
		head->prev->next = irq;
		head->prev = irq;
	} else {
		irq->next = irq->prev = irq;
		c->bucket[bucket - 1] = irq;
		c->mask |= VGIC_BIT(bucket - 1);
	}
	irq->bucket = bucket;
	if (bucket > 32)
		c->nr_pending++;
	else
		c->nr_active++;
}

static void dequeue(struct vgic_cpu *c, struct vgic_irq *irq)
{
	u8 b = irq->bucket - 1;

	if (irq->next == irq) {
		c->bucket[b] = NULL;
		c->mask &= ~VGIC_BIT(b);
	} else {
		irq->prev->next = irq->next;
		irq->next->prev = irq->prev;
		if (c->bucket[b] == irq)
			c->bucket[b] = irq->next;
	}
	irq->bucket = 0;
	if (b >= 32)
		c->nr_pending--;
	else
		c->nr_active--;
}

bool vgic_irq_requeue(struct vgic_cpu *home, struct vgic_irq *irq)
{
	u8 want = wanted_bucket(irq);
	bool moved = want != irq->bucket;

	if (moved) {
		if (irq->bucket)
			dequeue(home, irq);
		if (want)
			enqueue(home, irq, want);
	}
	if (!moved && !irq->lr)
		return false;
	port_write32(&home->work, 1);
	return true;
}

static unsigned long lock_pair(struct vgic *d, u32 a, u32 b)
{
	/* VGIC_NONE + 1 is 0: vgic.lock comes first. */
	u32 first = a + 1 < b + 1 ? a : b;
	struct vgic_cpu *c1 = vgic_home(d, first);
	struct vgic_cpu *c2 = vgic_home(d, first == a ? b : a);
	unsigned long flags = vgic_lock(c1 ? &c1->lock : &d->lock);

	port_lock(&c2->lock);
	return flags;
}

static void unlock_pair(struct vgic *d, u32 a, u32 b, unsigned long flags)
{
	struct vgic_cpu *c1 = vgic_home(d, a), *c2 = vgic_home(d, b);

	port_unlock(c1 ? &c1->lock : &d->lock);
	vgic_unlock(c2 ? &c2->lock : &d->lock, flags);
}

/* Moves @irq from home @from to @to, both locked, if it can go. True: tell the vCPU. */
static bool move(struct vgic *d, struct vgic_irq *irq, u32 from, u32 to)
{
	if (irq->lr || irq->active)
		return false;
	if (irq->bucket)
		dequeue(vgic_home(d, from), irq);
	port_write32(&irq->home, to);
	return to != VGIC_NONE && vgic_irq_requeue(vgic_home(d, to), irq);
}

void vgic_irq_settle(struct vgic *d, struct vgic_irq *irq)
{
	u32 from = port_read32(&irq->home), to = port_read32(&irq->target);

	while (from != to) {
		unsigned long flags = lock_pair(d, from, to);
		bool current_pair = irq->home == from && irq->target == to;
		bool kick = current_pair && move(d, irq, from, to);

		unlock_pair(d, from, to, flags);
		if (kick)
			d->ops->kick(d->ctx, to);
		if (current_pair)
			return;
		from = port_read32(&irq->home);
		to = port_read32(&irq->target);
	}
}

static bool set_active(struct vgic_cpu *home, struct vgic_irq *irq, bool active)
{
	if (irq->lr)
		irq->force = active ? FORCE_ACTIVE : FORCE_IDLE;
	else if (irq->active == active)
		return false;
	else
		irq->active = active;
	if (irq->hw && home) {
		home->hw_resync = true;
		port_write32(&home->work, 1);
	}
	return true;
}

static bool set_flag(bool *flag, bool value)
{
	bool old = *flag;

	*flag = value;
	return old != value;
}

static bool set_pending(struct vgic_irq *irq)
{
	if (irq->intid >= VGIC_MIN_LPI && !irq->ites)
		return false;
	/* In a list register, the earlier edge may have been taken already. */
	return set_flag(&irq->pending, true) || irq->lr;
}

static bool clear_pending(struct vgic_cpu *home, struct vgic_irq *irq)
{
	bool changed = set_flag(&irq->pending, false);

	changed |= set_flag(&irq->lr_pending, false);
	if (irq->hw && home) {
		home->hw_resync = true;
		port_write32(&home->work, 1);
	}
	return changed;
}

/* Home's lock held. True if the state changed. */
static bool apply(struct vgic_cpu *home, struct vgic_irq *irq, enum vgic_change change)
{
	switch (change) {
	case VGIC_ENABLE:
	case VGIC_DISABLE:
		return set_flag(&irq->enabled, change == VGIC_ENABLE);
	case VGIC_PEND:
		return set_pending(irq);
	case VGIC_UNPEND:
		return clear_pending(home, irq);
	case VGIC_ACTIVATE:
	case VGIC_DEACTIVATE:
		return set_active(home, irq, change == VGIC_ACTIVATE);
	case VGIC_GROUP0:
	case VGIC_GROUP1:
		return set_flag(&irq->group1, change == VGIC_GROUP1);
	case VGIC_LEVEL:
	case VGIC_EDGE:
		return set_flag(&irq->level, change == VGIC_LEVEL);
	case VGIC_LINE_HIGH:
	case VGIC_LINE_LOW:
		return set_flag(&irq->line, change == VGIC_LINE_HIGH) && irq->level;
	}
	return false;
}

/*
 * A line that falls takes a pending interrupt back with the vCPU's next exit; it
 * isn't worth an exit of its own, as the guest can't tell when exactly it fell.
 */
void vgic_irq_change(struct vgic *d, struct vgic_irq *irq, enum vgic_change change)
{
	unsigned long flags;
	struct vgic_cpu *home = vgic_irq_lock(d, irq, &flags);
	u32 cpu = irq->home;
	bool kick = false, stray;

	if (apply(home, irq, change) && home)
		kick = vgic_irq_requeue(home, irq) && change != VGIC_LINE_LOW;
	stray = irq->target != irq->home;
	vgic_irq_unlock(d, home, flags);
	if (kick)
		d->ops->kick(d->ctx, cpu);
	if (port_unlikely(stray))
		vgic_irq_settle(d, irq);
}

void vgic_irq_set_priority(struct vgic *d, struct vgic_irq *irq, u8 priority)
{
	unsigned long flags;
	struct vgic_cpu *home = vgic_irq_lock(d, irq, &flags);
	u32 cpu = irq->home;
	bool kick = false;

	if (irq->priority != priority) {
		irq->priority = priority;
		if (home)
			kick = vgic_irq_requeue(home, irq);
	}
	vgic_irq_unlock(d, home, flags);
	if (kick)
		d->ops->kick(d->ctx, cpu);
}

void vgic_irq_retarget(struct vgic *d, struct vgic_irq *irq, u32 target)
{
	unsigned long flags;
	struct vgic_cpu *home = vgic_irq_lock(d, irq, &flags);
	u32 cpu = irq->home;
	bool kick = false;

	irq->target = target;
	if (home && irq->lr && target != cpu) {
		/* Have the list register emptied; flush moves the interrupt on. */
		port_write32(&home->work, 1);
		kick = true;
	}
	vgic_irq_unlock(d, home, flags);
	if (kick)
		d->ops->kick(d->ctx, cpu);
	vgic_irq_settle(d, irq);
}

int vgic_inject(struct vgic *d, struct vgic_cpu *c, u32 intid, bool level, const void *owner)
{
	struct vgic_irq *irq;

	if (intid < VGIC_NR_SGIS || intid >= VGIC_MAX_IRQS)
		return -EINVAL;
	irq = vgic_irq(d, c, intid);
	if (!irq || irq->owner != owner)
		return -EINVAL;
	if (irq->level)
		vgic_irq_change(d, irq, level ? VGIC_LINE_HIGH : VGIC_LINE_LOW);
	else if (level)
		vgic_irq_change(d, irq, VGIC_PEND);
	return 0;
}
