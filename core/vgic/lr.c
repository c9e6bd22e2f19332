// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * List registers: which interrupts go into them, and what comes back.
 *
 * The first st->used_lrs list registers stay as they are from one entry to the
 * next, until the queue asks for something else (vgic_cpu.work) or the guest has
 * ended all that was in them. vgic_cpu.lr remembers them as of the last exit, so
 * that an exit that found them unchanged costs a comparison each.
 *
 * With more in the queue than list registers, the most urgent interrupts go in, at
 * least one of them pending. NPIE brings the vCPU back when the guest has taken
 * the last pending one; LRENPIE when it has ended an active interrupt that is in
 * no list register (EOIcount says how many: they are the most urgent ones).
 *
 * Locks: those of irq.c.
 */
#include "vgic_private.h"

/* A small set of interrupts that must be looked at without the lock. */
struct vgic_batch {
	u32 nr;
	struct vgic_irq *irq[VGIC_NR_LRS];
};

static u64 encode(struct vgic *d, const struct vgic_irq *irq)
{
	u64 lr = irq->intid | (u64)irq->priority << LR_PRIORITY;
	bool pending = d->enabled && vgic_irq_deliverable(irq);

	if (irq->group1)
		lr |= LR_GROUP1;
	if (irq->active)
		lr |= LR_ACTIVE;
	if (irq->hw)
		lr |= LR_HW | (u64)irq->hw_intid << LR_PINTID;
	else if (irq->level && (irq->line || (irq->intid >= VGIC_NR_PRIVATE &&
					      d->ops->wants_eoi(d->ctx, irq->intid))))
		lr |= LR_EOI;
	/* What is still up when the guest ends it becomes pending then. */
	if (pending && !(irq->active && irq->level))
		lr |= LR_PENDING;
	return lr;
}

static void put_in(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st, u32 n,
		   struct vgic_irq *irq)
{
	u64 lr = encode(d, irq);

	if (lr & LR_PENDING) {
		irq->lr_pending = true;
		if (!irq->level)
			irq->pending = false;
	}
	irq->lr = n + 1;
	c->lr_irq[n] = irq;
	c->lr[n] = lr;
	st->lr[n] = lr;
}

/* The interrupt leaves list register @n; what it held goes back into its state. */
static struct vgic_irq *take_out(struct vgic_cpu *c, u32 n)
{
	struct vgic_irq *irq = c->lr_irq[n];

	c->lr_irq[n] = NULL;
	c->lr[n] = 0;
	irq->lr = 0;
	if (irq->lr_pending && !irq->level)
		irq->pending = true;
	irq->lr_pending = false;
	if (irq->force) {
		irq->active = irq->force == FORCE_ACTIVE;
		irq->force = FORCE_NONE;
	}
	return irq;
}

/* Held here, but wanted elsewhere. */
static bool must_move(const struct vgic_irq *irq)
{
	return irq->target != irq->home && !irq->active;
}

static void take_out_all(struct vgic_cpu *c, struct rd_vcpu_vgic *st, struct vgic_batch *movers)
{
	u32 n;

	for (n = 0; n < VGIC_NR_LRS && n < st->used_lrs; n++) {
		struct vgic_irq *irq;

		st->lr[n] = 0;
		if (!c->lr_irq[n])
			continue;
		irq = take_out(c, n);
		vgic_irq_requeue(c, irq);
		if (must_move(irq))
			movers->irq[movers->nr++] = irq;
	}
	st->used_lrs = 0;
}

static void settle_all(struct vgic *d, struct vgic_batch *movers)
{
	while (movers->nr)
		vgic_irq_settle(d, movers->irq[--movers->nr]);
}

/* Fills list registers from @n to @end with interrupts of the buckets in @mask. */
static u32 fill(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st, u64 mask, u32 n,
		u32 end)
{
	while (mask && n < end) {
		u32 b = (u32)__builtin_ctzll(mask);
		struct vgic_irq *irq = c->bucket[b];

		do {
			put_in(d, c, st, n++, irq);
			irq = irq->next;
		} while (irq != c->bucket[b] && n < end);
		mask &= mask - 1;
	}
	return n;
}

static void fill_all(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	u32 pending = d->enabled ? c->nr_pending : 0;
	u32 active_end = pending ? d->nr_lrs - 1u : d->nr_lrs;
	u32 n;

	n = fill(d, c, st, c->mask & 0xffffffffULL, 0, active_end);
	c->overflow = n < c->nr_active;
	st->hcr = HCR_EN;
	if (c->overflow) {
		st->hcr |= HCR_LRENPIE;
		if (d->tdir && (st->vmcr & VMCR_EOIM))
			st->hcr |= HCR_TDIR;
	}
	if (pending) {
		u32 first = n;

		n = fill(d, c, st, c->mask & ~0xffffffffULL, n, d->nr_lrs);
		if (n - first < pending) {
			st->hcr |= HCR_NPIE;
			c->overflow = true;
		}
	}
	st->used_lrs = n;
}

static void resync_hw(struct vgic *d, struct vgic_cpu *c)
{
	u32 i;

	c->hw_resync = false;
	for (i = VGIC_NR_SGIS; i < VGIC_NR_PRIVATE; i++) {
		struct vgic_irq *irq = &c->priv[i];

		if (irq->hw)
			d->ops->hw_sync(d->ctx, c->index, i, irq->line || irq->active);
	}
}

void vgic_flush_slow(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	struct vgic_batch movers = { 0 };

	port_lock(&c->lock);
	take_out_all(c, st, &movers);
	if (movers.nr) {
		port_unlock(&c->lock);
		settle_all(d, &movers);
		port_lock(&c->lock);
	}
	port_write32(&c->work, 0);
	fill_all(d, c, st);
	if (c->hw_resync)
		resync_hw(d, c);
	port_unlock(&c->lock);
}

void vgic_unload(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	struct vgic_batch movers = { 0 };

	if (!st->used_lrs)
		return;
	port_lock(&c->lock);
	take_out_all(c, st, &movers);
	port_write32(&c->work, 1);
	port_unlock(&c->lock);
	settle_all(d, &movers);
}

/* The guest has changed list register @n to @lr. */
static void fold(struct vgic *d, struct vgic_cpu *c, u32 n, u64 lr, struct vgic_batch *ended)
{
	struct vgic_irq *irq = c->lr_irq[n];
	bool eoi = (c->lr[n] & LR_EOI) && !(c->lr[n] & LR_HW);

	c->lr[n] = lr;
	irq->active = lr & LR_ACTIVE;
	if (irq->lr_pending && !(lr & LR_PENDING)) {
		irq->lr_pending = false;
		if (irq->level)
			irq->pending = false;
	}
	if (lr & LR_STATE) {
		vgic_irq_requeue(c, irq);
		return;
	}
	take_out(c, n);
	if (irq->hw)
		irq->line = d->ops->hw_idle(d->ctx, c->index, irq->intid);
	else if ((eoi && irq->intid >= VGIC_NR_PRIVATE) || irq->target != irq->home)
		ended->irq[ended->nr++] = irq;
	vgic_irq_requeue(c, irq);
}

/*
 * The guest has ended @count interrupts that no list register held. With split
 * EOI, those were writes of ICC_DIR_EL1, which trap instead (HCR_TDIR).
 */
static void end_unlisted(struct vgic_cpu *c, u32 count, struct vgic_batch *ended)
{
	u64 mask = c->mask & 0xffffffffULL;

	while (mask && count) {
		struct vgic_irq *head = c->bucket[__builtin_ctzll(mask)], *irq = head;

		while (irq->lr && irq->next != head)
			irq = irq->next;
		if (irq->lr) {
			mask &= mask - 1;
			continue;
		}
		irq->active = false;
		vgic_irq_requeue(c, irq);
		if (ended->nr < VGIC_NR_LRS)
			ended->irq[ended->nr++] = irq;
		mask &= c->mask;
		count--;
	}
}

static void tell_ended(struct vgic *d, struct vgic_batch *ended)
{
	u32 i;

	for (i = 0; i < ended->nr; i++) {
		struct vgic_irq *irq = ended->irq[i];

		if (irq->level && irq->intid >= VGIC_NR_PRIVATE && irq->intid < VGIC_MAX_IRQS)
			d->ops->ended(d->ctx, irq->intid);
		vgic_irq_settle(d, irq);
	}
}

/* Bit n: the guest has changed list register n. */
static u32 changed_lrs(const struct vgic_cpu *c, const struct rd_vcpu_vgic *st)
{
	u32 n, changed = 0;

	for (n = 0; n < VGIC_NR_LRS && n < st->used_lrs; n++)
		if ((st->lr[n] ^ c->lr[n]) & LR_STATE)
			changed |= 1u << n;
	return changed;
}

/*
 * Folding sets work for an interrupt whose bucket changed. A list register that
 * went from pending to active, or became free, is right as it is: work is needed
 * only if something else could go in now, or the interrupt itself once more.
 */
void vgic_sync_slow(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	u32 changed = changed_lrs(c, st), unlisted = 0, n;
	struct vgic_batch ended = { 0 };
	bool left = false, work;

	if (c->overflow)
		unlisted = (u32)(st->hcr_out >> HCR_EOICOUNT) & 0x1f;
	if (!changed && !unlisted)
		return;
	port_lock(&c->lock);
	work = c->work || c->overflow;
	for (n = 0; n < VGIC_NR_LRS && n < st->used_lrs; n++) {
		if (changed & (1u << n)) {
			struct vgic_irq *irq = c->lr_irq[n];

			fold(d, c, n, st->lr[n], &ended);
			work |= irq->lr ? must_move(irq) : irq->bucket;
			st->lr[n] = c->lr[n];
		}
		left |= c->lr[n] & LR_STATE;
	}
	if (unlisted && !(st->vmcr & VMCR_EOIM))
		end_unlisted(c, unlisted, &ended);
	if (!left)
		st->used_lrs = 0;
	port_write32(&c->work, work);
	port_unlock(&c->lock);
	if (ended.nr)
		tell_ended(d, &ended);
}

static bool enabled_by(u64 vmcr, const struct vgic_irq *irq)
{
	return (vmcr & (irq->group1 ? VMCR_ENG1 : VMCR_ENG0)) && irq->priority < ((vmcr >> VMCR_PMR) & 0xff);
}

bool vgic_cpu_pending(struct vgic *d, struct vgic_cpu *c, const u64 *vmcr)
{
	unsigned long flags;
	bool found = false;
	u64 mask;

	if (!d->enabled || !(port_read64(&c->mask) >> 32))
		return false;
	flags = vgic_lock(&c->lock);
	for (mask = c->mask & ~0xffffffffULL; mask && !found; mask &= mask - 1) {
		struct vgic_irq *head = c->bucket[__builtin_ctzll(mask)], *irq = head;

		do {
			found = !vmcr || enabled_by(*vmcr, irq);
			irq = irq->next;
		} while (!found && irq != head);
	}
	vgic_unlock(&c->lock, flags);
	return found;
}
