// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the virtual GIC from their source to the guest and back: edges and
 * levels, list registers, priorities, more interrupts than list registers, targets
 * that change, interrupts with hardware behind them.
 */
#include "vgic_model.h"

#define SPI 40u
#define PPI 20u

static void spi(struct model *m, u32 intid, bool level, u8 prio)
{
	struct vgic_irq *irq = model_irq(m, 0, intid);

	vgic_irq_change(&m->d, irq, level ? VGIC_LEVEL : VGIC_EDGE);
	vgic_irq_set_priority(&m->d, irq, prio);
	vgic_irq_change(&m->d, irq, VGIC_ENABLE);
}

static void test_idle_costs_nothing(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	model_enter(m, 0);
	assert_int_equal(m->cpu[0].work, 0);
	assert_int_equal(m->st[0].used_lrs, 0);
	assert_int_equal(m->st[0].hcr, 1);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	assert_int_equal(m->cpu[0].work, 0);
	model_end(m);
}

static void test_edge(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, false, 0x80);
	assert_int_equal(vgic_inject(&m->d, NULL, SPI, true, NULL), 0);
	assert_int_equal(m->kicks[0], 1);
	assert_true(vgic_cpu_pending(&m->d, &m->cpu[0], NULL));
	assert_int_equal(model_take(m, 0), SPI);
	assert_true(vgic_irq_is_active(model_irq(m, 0, SPI)));
	assert_false(vgic_irq_is_pending(model_irq(m, 0, SPI)));
	/* The second edge, while the first is handled. */
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_true(vgic_irq_is_pending(model_irq(m, 0, SPI)));
	model_enter(m, 0);
	assert_int_equal(m->st[0].lr[0] & (LR_P | LR_A), LR_P | LR_A);
	assert_int_equal(model_ack(m, 0), SPURIOUS);
	model_deactivate(m, 0, SPI);
	assert_int_equal(model_ack(m, 0), SPI);
	model_deactivate(m, 0, SPI);
	model_exit(m, 0);
	assert_int_equal(m->st[0].used_lrs, 0);
	assert_int_equal(m->cpu[0].mask, 0);
	model_check(m);
	/* The falling edge means nothing. */
	vgic_inject(&m->d, NULL, SPI, false, NULL);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	model_end(m);
}

static void test_edge_survives_reload(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, false, 0x80);
	spi(m, SPI + 1, false, 0x40);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	model_enter(m, 0);
	vgic_inject(&m->d, NULL, SPI + 1, true, NULL);
	/* The guest exits before it took anything; both are there afterwards. */
	model_exit(m, 0);
	vgic_unload(&m->d, &m->cpu[0], &m->st[0]);
	assert_true(model_irq(m, 0, SPI)->pending);
	assert_int_equal(model_take(m, 0), SPI + 1);
	assert_int_equal(model_take(m, 0), SPI);
	model_check(m);
	model_end(m);
}

static void test_level(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, true, 0x80);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_int_equal(m->kicks[0], 1);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_int_equal(m->kicks[0], 1);
	model_enter(m, 0);
	assert_true(m->st[0].lr[0] & LR_EOI_BIT);
	assert_int_equal(model_ack(m, 0), SPI);
	/* Ended with the line up: it comes again. */
	model_deactivate(m, 0, SPI);
	model_exit(m, 0);
	assert_int_equal(m->nr_ended, 1);
	assert_int_equal(m->ended[0], SPI);
	assert_int_equal(model_take(m, 0), SPI);
	/* The line falls while it is handled: the end is quiet then. */
	vgic_inject(&m->d, NULL, SPI, false, NULL);
	assert_int_equal(m->kicks[0], 1);
	model_enter(m, 0);
	assert_false(m->st[0].lr[0] & LR_EOI_BIT);
	model_deactivate(m, 0, SPI);
	model_exit(m, 0);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	assert_int_equal(m->nr_ended, 1);
	model_end(m);
}

static void test_level_withdrawn(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, true, 0x80);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	model_enter(m, 0);
	model_exit(m, 0);
	vgic_inject(&m->d, NULL, SPI, false, NULL);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	/* A latch holds without the line, until the guest has taken the interrupt. */
	vgic_irq_change(&m->d, model_irq(m, 0, SPI), VGIC_PEND);
	assert_int_equal(model_take(m, 0), SPI);
	assert_false(model_irq(m, 0, SPI)->pending);
	model_eoi(m, 0, SPI);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	model_end(m);
}

static void test_level_listener(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	m->wants_eoi = true;
	spi(m, SPI, true, 0x80);
	vgic_irq_change(&m->d, model_irq(m, 0, SPI), VGIC_PEND);
	assert_int_equal(model_take(m, 0), SPI);
	model_eoi(m, 0, SPI);
	assert_int_equal(m->nr_ended, 1);
	model_end(m);
}

static void test_disabled_and_groups(void **state)
{
	struct model *m = model_new(4);
	struct vgic_irq *irq = model_irq(m, 0, SPI);
	u64 vmcr = VMCR_ON & ~1ULL;

	(void)state;
	vgic_irq_change(&m->d, irq, VGIC_PEND);
	assert_int_equal(m->kicks[0], 0);
	assert_false(vgic_cpu_pending(&m->d, &m->cpu[0], NULL));
	vgic_irq_change(&m->d, irq, VGIC_LEVEL);
	vgic_irq_change(&m->d, irq, VGIC_ENABLE);
	assert_int_equal(m->kicks[0], 1);
	vgic_irq_change(&m->d, irq, VGIC_GROUP0);
	assert_false(vgic_cpu_pending(&m->d, &m->cpu[0], &vmcr));
	vmcr = VMCR_ON;
	assert_true(vgic_cpu_pending(&m->d, &m->cpu[0], &vmcr));
	vmcr = 3; /* the mask lets nothing through */
	assert_false(vgic_cpu_pending(&m->d, &m->cpu[0], &vmcr));
	model_enter(m, 0);
	assert_false(m->st[0].lr[0] >> 60 & 1);
	model_exit(m, 0);
	/* Disabled while a list register has it. */
	vgic_irq_change(&m->d, irq, VGIC_DISABLE);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	vgic_irq_change(&m->d, irq, VGIC_UNPEND);
	vgic_irq_change(&m->d, irq, VGIC_ENABLE);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	model_check(m);
	model_end(m);
}

static void test_distributor_off(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, false, 0x80);
	vgic_dist_write(&m->d, 0, 4, 0);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_false(vgic_cpu_pending(&m->d, &m->cpu[0], NULL));
	assert_int_equal(model_take(m, 0), SPURIOUS);
	m->kicks[0] = 0;
	vgic_dist_write(&m->d, 0, 4, 2);
	assert_int_equal(m->kicks[0], 1);
	assert_int_equal(model_take(m, 0), SPI);
	model_end(m);
}

static void test_priorities_beyond_list_registers(void **state)
{
	struct model *m = model_new(2);
	u32 i;

	(void)state;
	for (i = 0; i < 8; i++) {
		spi(m, 40 + i, false, (u8)(0xe0 - 8 * i));
		vgic_inject(&m->d, NULL, 40 + i, true, NULL);
	}
	model_enter(m, 0);
	assert_int_equal(m->st[0].used_lrs, 2);
	assert_true(m->st[0].hcr & (1 << 3)); /* NPIE */
	model_exit(m, 0);
	for (i = 8; i-- > 0;) {
		assert_int_equal(model_take(m, 0), 40 + i);
		model_check(m);
		model_eoi(m, 0, 40 + i);
	}
	assert_int_equal(model_take(m, 0), SPURIOUS);
	assert_false(m->st[0].hcr & (1 << 3));
	model_end(m);
}

/* More active interrupts than list registers: the ends of the others are counted. */
static void test_nested_beyond_list_registers(void **state)
{
	struct model *m = model_new(2);
	u32 i;

	(void)state;
	for (i = 0; i < 5; i++) {
		spi(m, 40 + i, i == 0, (u8)(0xe0 - 8 * i));
		vgic_inject(&m->d, NULL, 40 + i, true, NULL);
		assert_int_equal(model_take(m, 0), 40 + i);
	}
	vgic_inject(&m->d, NULL, 40, false, NULL);
	model_enter(m, 0);
	assert_true(m->st[0].hcr & (1 << 2)); /* LRENPIE */
	/* In one go: two from list registers, three counted. */
	for (i = 5; i-- > 0;)
		model_deactivate(m, 0, 40 + i);
	assert_int_equal(m->st[0].hcr_out >> 27, 3);
	model_exit(m, 0);
	assert_int_equal(m->cpu[0].nr_active, 0);
	assert_int_equal(m->nr_ended, 1);
	model_check(m);
	assert_int_equal(model_take(m, 0), SPURIOUS);
	model_end(m);
}

static void test_split_eoi_beyond_list_registers(void **state)
{
	struct model *m = model_new(1);
	u32 i;

	(void)state;
	m->st[0].vmcr |= VMCR_SPLIT;
	for (i = 0; i < 3; i++) {
		spi(m, 40 + i, i == 2, 0x80);
		vgic_inject(&m->d, NULL, 40 + i, true, NULL);
		assert_int_equal(model_take(m, 0), 40 + i);
	}
	model_enter(m, 0);
	assert_true(m->st[0].hcr & (1 << 14)); /* TDIR */
	vgic_inject(&m->d, NULL, 42, false, NULL);
	vgic_write_dir(&m->d, &m->cpu[0], 41);
	vgic_write_dir(&m->d, &m->cpu[0], 42);
	vgic_write_dir(&m->d, &m->cpu[0], 40);
	vgic_write_dir(&m->d, &m->cpu[0], 9999);
	vgic_write_dir(&m->d, &m->cpu[0], 50);
	assert_int_equal(m->nr_ended, 1);
	model_exit(m, 0);
	model_enter(m, 0);
	assert_int_equal(m->st[0].used_lrs, 0);
	model_check(m);
	model_end(m);
}

static void test_target_changes(void **state)
{
	struct model *m = model_new(4);
	struct vgic_irq *irq;

	(void)state;
	spi(m, SPI, false, 0x80);
	irq = model_irq(m, 0, SPI);
	vgic_irq_retarget(&m->d, irq, 2);
	assert_int_equal(irq->home, 2);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_int_equal(m->kicks[2], 1);
	/* Pending in a list register: moves with the next exit. */
	model_enter(m, 2);
	vgic_irq_retarget(&m->d, irq, 1);
	assert_int_equal(irq->home, 2);
	assert_int_equal(m->kicks[2], 2);
	model_exit(m, 2);
	model_enter(m, 2);
	assert_int_equal(irq->home, 1);
	assert_int_equal(m->kicks[1], 1);
	assert_int_equal(m->st[2].used_lrs, 0);
	/* Active: moves when it is ended. */
	assert_int_equal(model_take(m, 1), SPI);
	vgic_irq_retarget(&m->d, irq, 3);
	assert_int_equal(irq->home, 1);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	model_eoi(m, 1, SPI);
	model_enter(m, 1);
	assert_int_equal(irq->home, 3);
	assert_int_equal(model_take(m, 3), SPI);
	model_eoi(m, 3, SPI);
	/* Nobody's. */
	vgic_irq_retarget(&m->d, irq, VGIC_NONE);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	assert_int_equal(irq->bucket, 0);
	vgic_irq_set_priority(&m->d, irq, 0x40);
	vgic_irq_retarget(&m->d, irq, 0);
	assert_int_equal(model_take(m, 0), SPI);
	model_check(m);
	model_end(m);
}

/* A vCPU that is put gives up what it hasn't taken. */
static void test_unload_moves(void **state)
{
	struct model *m = model_new(4);

	(void)state;
	spi(m, SPI, false, 0x80);
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	model_enter(m, 0);
	vgic_irq_retarget(&m->d, model_irq(m, 0, SPI), 1);
	model_exit(m, 0);
	vgic_unload(&m->d, &m->cpu[0], &m->st[0]);
	assert_int_equal(model_irq(m, 0, SPI)->home, 1);
	assert_int_equal(model_take(m, 1), SPI);
	model_check(m);
	model_end(m);
}

static void test_active_state_written(void **state)
{
	struct model *m = model_new(4);
	struct vgic_irq *irq;

	(void)state;
	spi(m, SPI, false, 0x80);
	irq = model_irq(m, 0, SPI);
	vgic_irq_change(&m->d, irq, VGIC_ACTIVATE);
	vgic_irq_change(&m->d, irq, VGIC_ACTIVATE);
	assert_true(vgic_irq_is_active(irq));
	model_enter(m, 0);
	assert_int_equal(m->st[0].lr[0] & (LR_P | LR_A), LR_A);
	/* Deactivated by another vCPU while the guest runs. */
	vgic_irq_change(&m->d, irq, VGIC_DEACTIVATE);
	assert_false(vgic_irq_is_active(irq));
	model_exit(m, 0);
	model_enter(m, 0);
	assert_int_equal(m->st[0].used_lrs, 0);
	/* Activated while it is pending in a list register. */
	vgic_inject(&m->d, NULL, SPI, true, NULL);
	model_enter(m, 0);
	vgic_irq_change(&m->d, irq, VGIC_ACTIVATE);
	model_exit(m, 0);
	model_enter(m, 0);
	assert_int_equal(m->st[0].lr[0] & (LR_P | LR_A), LR_P | LR_A);
	model_check(m);
	model_end(m);
}

static void test_hardware_interrupt(void **state)
{
	struct model *m = model_new(4);
	struct vgic_irq *irq = model_irq(m, 1, 27);
	static int timer;

	(void)state;
	irq->owner = &timer;
	vgic_map_hw(&m->d, &m->cpu[1], 27, 27);
	model_enable(m, 1, 27);
	assert_int_equal(vgic_inject(&m->d, &m->cpu[1], 27, true, NULL), -EINVAL);
	m->line[1] = m->hw_active[1] = true;
	assert_int_equal(vgic_inject(&m->d, &m->cpu[1], 27, true, &timer), 0);
	model_enter(m, 1);
	assert_true(m->st[1].lr[0] & LR_HW_BIT);
	assert_int_equal(m->st[1].lr[0] >> 32 & 0x1fff, 27);
	assert_int_equal(model_ack(m, 1), 27);
	/* The guest sets the timer anew, and ends the interrupt: no further exit needed. */
	m->line[1] = false;
	model_deactivate(m, 1, 27);
	assert_false(m->hw_active[1]);
	model_exit(m, 1);
	assert_false(irq->line);
	assert_int_equal(m->st[1].used_lrs, 0);
	/* The guest writes its active state: the physical one follows. */
	vgic_irq_change(&m->d, irq, VGIC_ACTIVATE);
	model_enter(m, 1);
	assert_true(m->hw_active[1]);
	vgic_irq_change(&m->d, irq, VGIC_DEACTIVATE);
	model_exit(m, 1);
	model_enter(m, 1);
	assert_false(m->hw_active[1]);
	vgic_irq_change(&m->d, irq, VGIC_UNPEND);
	model_enter(m, 1);
	assert_false(m->hw_active[1]);
	model_end(m);
}

static void test_sgis(void **state)
{
	struct model *m = model_new(4);
	u32 i;

	(void)state;
	vgic_send_sgi(&m->d, &m->cpu[0], 3ULL << 24 | 0x6, true);
	assert_int_equal(m->kicks[1], 1);
	assert_int_equal(m->kicks[2], 1);
	assert_int_equal(m->kicks[0] + m->kicks[3], 0);
	assert_int_equal(model_take(m, 1), 3);
	assert_int_equal(model_take(m, 2), 3);
	vgic_send_sgi(&m->d, &m->cpu[3], 1ULL << 40 | 5ULL << 24, true);
	for (i = 0; i < 3; i++)
		assert_true(vgic_irq_is_pending(model_irq(m, i, 5)));
	assert_false(vgic_irq_is_pending(model_irq(m, 3, 5)));
	/* Another range, another cluster, a register for group 0. */
	vgic_send_sgi(&m->d, &m->cpu[0], 1ULL << 44 | 6ULL << 24 | 0xf, true);
	vgic_send_sgi(&m->d, &m->cpu[0], 1ULL << 16 | 6ULL << 24 | 0xf, true);
	vgic_send_sgi(&m->d, &m->cpu[0], 6ULL << 24 | 0xf, false);
	for (i = 0; i < 4; i++)
		assert_false(vgic_irq_is_pending(model_irq(m, i, 6)));
	vgic_irq_change(&m->d, model_irq(m, 2, 6), VGIC_GROUP0);
	vgic_send_sgi(&m->d, &m->cpu[0], 6ULL << 24 | 0xf, false);
	assert_true(vgic_irq_is_pending(model_irq(m, 2, 6)));
	model_end(m);
}

static void test_refusals(void **state)
{
	struct model *m = model_new(4);
	static struct vgic_cpu extra;

	(void)state;
	assert_int_equal(vgic_inject(&m->d, &m->cpu[0], 5, true, NULL), -EINVAL);
	assert_int_equal(vgic_inject(&m->d, NULL, PPI, true, NULL), -EINVAL);
	assert_int_equal(vgic_inject(&m->d, NULL, 32 + MODEL_SPIS, true, NULL), -EINVAL);
	assert_int_equal(vgic_inject(&m->d, NULL, 8192, true, NULL), -EINVAL);
	assert_int_equal(vgic_add_cpu(&m->d, &extra, 3), -EINVAL);
	assert_int_equal(vgic_add_cpu(&m->d, &extra, VGIC_MAX_CPUS), -EINVAL);
	assert_int_equal(vgic_add_cpu(&m->d, &extra, 0x123), 0);
	assert_ptr_equal(vgic_cpu_by_affinity(&m->d, 0x1203), &extra);
	vgic_del_cpu(&m->d, &extra);
	assert_null(vgic_cpu_by_affinity(&m->d, 0x1203));
	assert_null(vgic_cpu_by_affinity(&m->d, 16));
	model_end(m);
}

static u32 seed = 12345;

static u32 rnd(u32 n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void random_step(struct model *m, u32 *raised, u32 *taken, bool *running, u32 *handling)
{
	u32 c = rnd(MODEL_CPUS), intid = 32 + rnd(24);
	struct vgic_irq *irq = model_irq(m, 0, intid);

	switch (rnd(9)) {
	case 0:
	case 1:
		if (vgic_irq_is_pending(irq))
			break; /* edges of a pending interrupt are one */
		raised[intid]++;
		vgic_inject(&m->d, NULL, intid, true, NULL);
		break;
	case 2:
		vgic_irq_retarget(&m->d, irq, rnd(MODEL_CPUS));
		break;
	case 3:
		vgic_irq_set_priority(&m->d, irq, (u8)(rnd(28) << 3));
		break;
	case 4:
		vgic_irq_change(&m->d, irq, rnd(2) ? VGIC_ENABLE : VGIC_DISABLE);
		break;
	case 5:
		if (!running[c])
			model_enter(m, c);
		running[c] = true;
		break;
	case 6:
		if (running[c])
			model_exit(m, c);
		running[c] = false;
		if (rnd(3) == 0)
			vgic_unload(&m->d, &m->cpu[c], &m->st[c]);
		break;
	default:
		if (!running[c])
			break;
		if (handling[c]) {
			model_deactivate(m, c, handling[c]);
			handling[c] = 0;
			break;
		}
		intid = model_ack(m, c);
		if (intid != SPURIOUS) {
			taken[intid]++;
			handling[c] = intid;
		}
	}
}

/*
 * Whatever happens in whatever order, an edge is taken once: not lost, not doubled
 * (but for one that was raised while pending in a running vCPU's list register,
 * which the step above leaves out as far as it can tell).
 */
static void test_random_edges(void **state)
{
	u32 raised[64], taken[64], handling[MODEL_CPUS], round, i, c, intid;
	bool running[MODEL_CPUS];

	(void)state;
	for (round = 0; round < 40; round++) {
		struct model *m = model_new(1 + round % 5);

		memset(raised, 0, sizeof(raised));
		memset(taken, 0, sizeof(taken));
		memset(handling, 0, sizeof(handling));
		memset(running, 0, sizeof(running));
		for (i = 32; i < 56; i++)
			spi(m, i, false, (u8)(rnd(28) << 3));
		for (i = 0; i < 3000; i++) {
			random_step(m, raised, taken, running, handling);
			if (i % 128 == 0)
				model_check(m);
		}
		for (c = 0; c < MODEL_CPUS; c++) {
			if (running[c])
				model_exit(m, c);
			if (handling[c])
				model_eoi(m, c, handling[c]);
		}
		for (i = 32; i < 56; i++)
			model_enable(m, 0, i);
		for (i = 0; i < 8 * MODEL_CPUS * 24; i++) {
			c = i % MODEL_CPUS;
			intid = model_take(m, c);
			if (intid == SPURIOUS)
				continue;
			taken[intid]++;
			model_eoi(m, c, intid);
		}
		for (i = 32; i < 56; i++)
			if (taken[i] != raised[i])
				fail_msg("round %u: INTID %u raised %u, taken %u", round, i,
					 raised[i], taken[i]);
		for (c = 0; c < MODEL_CPUS; c++)
			assert_int_equal(m->cpu[c].mask, 0);
		model_check(m);
		model_end(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_costs_nothing),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_edge_survives_reload),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_level_withdrawn),
		cmocka_unit_test(test_level_listener),
		cmocka_unit_test(test_disabled_and_groups),
		cmocka_unit_test(test_distributor_off),
		cmocka_unit_test(test_priorities_beyond_list_registers),
		cmocka_unit_test(test_nested_beyond_list_registers),
		cmocka_unit_test(test_split_eoi_beyond_list_registers),
		cmocka_unit_test(test_target_changes),
		cmocka_unit_test(test_unload_moves),
		cmocka_unit_test(test_active_state_written),
		cmocka_unit_test(test_hardware_interrupt),
		cmocka_unit_test(test_sgis),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_random_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
