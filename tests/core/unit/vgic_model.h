/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for the virtual GIC to live in: four vCPUs whose CPU interface reads
 * and writes list registers as the architecture says (IHI 0069H 4.4, 4.6), a
 * megabyte of guest memory, and records of what the GIC asked of its environment.
 */
#ifndef TESTS_VGIC_MODEL_H
#define TESTS_VGIC_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include "redoubt_port.h"
#include <cmocka.h>

#include <core/its.h>
#include <core/vgic.h>

#define MODEL_CPUS 4
#define MODEL_RAM  0x200000u
#define MODEL_SPIS 64u
#define SPURIOUS   1023u

#define LR_P (1ULL << 62)
#define LR_A (1ULL << 63)
#define LR_HW_BIT (1ULL << 61)
#define LR_EOI_BIT (1ULL << 41)

#define VMCR_ON (0xf0ULL << 24 | 3) /* mask 0xf0, both groups */
#define VMCR_SPLIT (1ULL << 9)

struct model {
	struct vgic d;
	struct vgic_cpu cpu[MODEL_CPUS];
	struct rd_vcpu_vgic st[MODEL_CPUS];
	u8 *ram;
	u32 kicks[MODEL_CPUS];
	u32 ended[16], nr_ended;
	bool wants_eoi;
	bool line[MODEL_CPUS];	    /* of the hw interrupt's device */
	bool hw_active[MODEL_CPUS]; /* its physical interrupt */
	u32 yields, give_up;	    /* yield() returns an error from that one on */
	bool irqs_off;
};

/* Allocation has no context: what is left, and how many are out. */
static int model_allocs_left = 1 << 30;
static int model_allocs_out;

static inline void model_kick(void *ctx, u32 cpu)
{
	struct model *m = ctx;

	m->kicks[cpu]++;
}

static inline bool model_wants_eoi(void *ctx, u32 intid)
{
	(void)intid;
	return ((struct model *)ctx)->wants_eoi;
}

static inline void model_ended(void *ctx, u32 intid)
{
	struct model *m = ctx;

	if (m->nr_ended < 16)
		m->ended[m->nr_ended++] = intid;
}

static inline bool model_hw_idle(void *ctx, u32 cpu, u32 intid)
{
	struct model *m = ctx;

	(void)intid;
	m->hw_active[cpu] = false;
	return m->line[cpu];
}

static inline void model_hw_sync(void *ctx, u32 cpu, u32 intid, bool active)
{
	(void)intid;
	((struct model *)ctx)->hw_active[cpu] = active;
}

static inline int model_read(void *ctx, u64 gpa, void *buf, u32 len)
{
	struct model *m = ctx;

	if (gpa >= MODEL_RAM || MODEL_RAM - gpa < len)
		return -EFAULT;
	memcpy(buf, m->ram + gpa, len);
	return 0;
}

static inline int model_write(void *ctx, u64 gpa, const void *buf, u32 len)
{
	struct model *m = ctx;

	if (gpa >= MODEL_RAM || MODEL_RAM - gpa < len)
		return -EFAULT;
	memcpy(m->ram + gpa, buf, len);
	return 0;
}

static inline void *model_alloc(size_t size)
{
	if (model_allocs_left <= 0)
		return NULL;
	model_allocs_left--;
	model_allocs_out++;
	return calloc(1, size);
}

static inline void model_free(void *p)
{
	model_allocs_out--;
	free(p);
}

static inline int model_yield(void *ctx)
{
	struct model *m = ctx;

	m->yields++;
	return m->give_up && m->yields >= m->give_up ? -EINTR : 0;
}

static const struct vgic_ops model_ops = {
	.kick = model_kick,
	.wants_eoi = model_wants_eoi,
	.ended = model_ended,
	.hw_idle = model_hw_idle,
	.hw_sync = model_hw_sync,
	.read = model_read,
	.write = model_write,
	.alloc = model_alloc,
	.free = model_free,
	.yield = model_yield,
};

/* ICH_VTR_EL2 with @lrs list registers, 5 bits of priority, 16 of IDs, TDS. */
static inline u64 model_vtr(u32 lrs)
{
	return (lrs - 1) | 1u << 19 | 4ULL << 29 | 4ULL << 26;
}

static inline struct model *model_new(u32 lrs)
{
	struct model *m = calloc(1, sizeof(*m));
	u32 i;

	assert_non_null(m);
	model_allocs_left = 1 << 30;
	model_allocs_out = 0;
	m->ram = calloc(1, MODEL_RAM);
	assert_non_null(m->ram);
	vgic_setup(&m->d, &model_ops, m, model_vtr(lrs));
	for (i = 0; i < MODEL_CPUS; i++) {
		assert_int_equal(vgic_add_cpu(&m->d, &m->cpu[i], i), 0);
		m->st[i].vmcr = VMCR_ON;
	}
	assert_int_equal(vgic_init_spis(&m->d, MODEL_SPIS), 0);
	vgic_dist_write(&m->d, 0, 4, 2);
	for (i = 0; i < MODEL_CPUS; i++)
		m->kicks[i] = 0;
	return m;
}

static inline void model_end(struct model *m)
{
	vgic_destroy(&m->d);
	assert_int_equal(model_allocs_out, 0);
	free(m->ram);
	free(m);
}

/* ---- Entry, exit, and the guest in between ---- */

static inline void model_enter(struct model *m, u32 cpu)
{
	m->st[cpu].hcr_out = 0;
	vgic_flush(&m->d, &m->cpu[cpu], &m->st[cpu]);
}

static inline void model_exit(struct model *m, u32 cpu)
{
	vgic_sync(&m->d, &m->cpu[cpu], &m->st[cpu]);
}

/* The most urgent pending list register that vmcr lets through, or -1. */
static inline int model_best(const struct rd_vcpu_vgic *st)
{
	int best = -1;
	u32 i;

	for (i = 0; i < st->used_lrs; i++) {
		u64 lr = st->lr[i];

		if ((lr & (LR_P | LR_A)) != LR_P || !(st->vmcr & (lr >> 60 & 1 ? 2 : 1)) ||
		    (lr >> 48 & 0xff) >= (st->vmcr >> 24 & 0xff))
			continue;
		if (best < 0 || (lr >> 48 & 0xff) < (st->lr[best] >> 48 & 0xff))
			best = (int)i;
	}
	return best;
}

/* ICC_IARn_EL1. */
static inline u32 model_ack(struct model *m, u32 cpu)
{
	struct rd_vcpu_vgic *st = &m->st[cpu];
	int i = model_best(st);

	if (i < 0)
		return SPURIOUS;
	st->lr[i] &= ~LR_P;
	if ((st->lr[i] & 0xffffffff) < VGIC_MIN_LPI)
		st->lr[i] |= LR_A;
	return (u32)st->lr[i];
}

/* ICC_EOIRn_EL1 without split EOI, or ICC_DIR_EL1. */
static inline void model_deactivate(struct model *m, u32 cpu, u32 intid)
{
	struct rd_vcpu_vgic *st = &m->st[cpu];
	u32 i;

	if (intid >= VGIC_MIN_LPI)
		return;
	for (i = 0; i < st->used_lrs; i++) {
		if ((u32)st->lr[i] != intid || !(st->lr[i] & LR_A))
			continue;
		st->lr[i] &= ~LR_A;
		if (st->lr[i] & LR_HW_BIT)
			m->hw_active[cpu] = false;
		return;
	}
	st->hcr_out += 1u << 27;
}

/* Enters, takes one interrupt and exits; SPURIOUS: there was none. */
static inline u32 model_take(struct model *m, u32 cpu)
{
	u32 intid;

	model_enter(m, cpu);
	intid = model_ack(m, cpu);
	model_exit(m, cpu);
	return intid;
}

static inline void model_eoi(struct model *m, u32 cpu, u32 intid)
{
	model_enter(m, cpu);
	model_deactivate(m, cpu, intid);
	model_exit(m, cpu);
}

static inline struct vgic_irq *model_irq(struct model *m, u32 cpu, u32 intid)
{
	struct vgic_irq *irq = vgic_irq(&m->d, &m->cpu[cpu], intid);

	assert_non_null(irq);
	return irq;
}

static inline void model_enable(struct model *m, u32 cpu, u32 intid)
{
	vgic_irq_change(&m->d, model_irq(m, cpu, intid), VGIC_ENABLE);
}

/* What must hold whenever no lock is held (irq.c: a, b). */
static inline void model_check(struct model *m)
{
	u32 c, b, n;

	for (c = 0; c < MODEL_CPUS; c++) {
		struct vgic_cpu *cpu = &m->cpu[c];
		u32 count[2] = { 0, 0 };

		for (b = 0; b < VGIC_NR_BUCKETS; b++) {
			struct vgic_irq *head = cpu->bucket[b], *irq = head;

			assert_int_equal(!head, !(cpu->mask & (1ULL << b)));
			while (irq) {
				assert_int_equal(irq->bucket, b + 1);
				assert_int_equal(irq->home, c);
				assert_int_equal(vgic_irq_is_active(irq), b < 32);
				assert_ptr_equal(irq->next->prev, irq);
				count[b >= 32]++;
				irq = irq->next == head ? NULL : irq->next;
			}
		}
		assert_int_equal(count[0], cpu->nr_active);
		assert_int_equal(count[1], cpu->nr_pending);
		for (n = 0; n < VGIC_NR_LRS; n++)
			if (cpu->lr_irq[n]) {
				assert_int_equal(cpu->lr_irq[n]->lr, n + 1);
				assert_int_equal(cpu->lr_irq[n]->home, c);
			}
	}
}

#endif /* TESTS_VGIC_MODEL_H */
