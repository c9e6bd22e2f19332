// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS: commands through the queue in guest memory, MSIs to LPIs, the tables as
 * user space saves them, and what a hostile guest puts into them.
 */
#include "vgic_model.h"

#define PROP	0x010000u
#define PEND	0x020000u /* + 64K a vCPU */
#define QUEUE	0x060000u
#define DEVICES 0x080000u
#define COLLS	0x0a0000u
#define ITT	0x0c0000u
#define LEVEL2	0x0e0000u
#define VALID	(1ULL << 63)

struct setup {
	struct model *m;
	struct its its;
	u32 tail;
};

static void put64(struct model *m, u64 gpa, u64 val)
{
	u32 i;

	for (i = 0; i < 8; i++)
		m->ram[gpa + i] = (u8)(val >> (i * 8));
}

static u64 get64(struct model *m, u64 gpa)
{
	u64 val = 0;
	u32 i;

	for (i = 0; i < 8; i++)
		val |= (u64)m->ram[gpa + i] << (i * 8);
	return val;
}

static void enable(struct setup *s, u64 device_flags)
{
	its_write(&s->its, 0x100, 8, VALID | device_flags | DEVICES);
	its_write(&s->its, 0x108, 8, VALID | COLLS);
	its_write(&s->its, 0x80, 8, VALID | QUEUE); /* 4 KiB: 128 commands */
	its_write(&s->its, 0, 4, 1);
	assert_int_equal(its_read(&s->its, 0, 4), 0x80000001);
}

static struct setup *setup_tables(u64 device_flags)
{
	struct setup *s = calloc(1, sizeof(*s));
	u32 i;

	s->m = model_new(4);
	its_setup(&s->its, &s->m->d);
	s->m->d.has_its = true;
	for (i = 0; i < MODEL_CPUS; i++) {
		vgic_redist_write(&s->m->d, &s->m->cpu[i], 0x70, 8, PROP | 15);
		vgic_redist_write(&s->m->d, &s->m->cpu[i], 0x78, 8, PEND + i * 0x10000u);
		vgic_redist_write(&s->m->d, &s->m->cpu[i], 0, 4, 1);
	}
	memset(s->m->ram + PROP, 0xa1, 0xe000);
	enable(s, device_flags);
	return s;
}

static struct setup *setup(void)
{
	return setup_tables(0);
}

static void end(struct setup *s)
{
	its_forget(&s->its);
	model_end(s->m);
	free(s);
}

static void cmd(struct setup *s, u64 w0, u64 w1, u64 w2, u64 w3)
{
	u64 at = QUEUE + s->tail;

	put64(s->m, at, w0);
	put64(s->m, at + 8, w1);
	put64(s->m, at + 16, w2);
	put64(s->m, at + 24, w3);
	s->tail = (s->tail + 32) % 4096;
	its_write(&s->its, 0x88, 8, s->tail);
	while (its_read(&s->its, 0x90, 8) != s->tail)
		;
}

static void mapd(struct setup *s, u64 dev, u32 bits, bool valid)
{
	cmd(s, 0x08 | dev << 32, bits - 1, (valid ? VALID : 0) | (ITT + dev * 0x1000), 0);
}

static void mapc(struct setup *s, u64 coll, u64 cpu, bool valid)
{
	cmd(s, 0x09, 0, (valid ? VALID : 0) | cpu << 16 | coll, 0);
}

static void mapti(struct setup *s, u64 dev, u64 event, u64 lpi, u64 coll)
{
	cmd(s, 0x0a | dev << 32, event | lpi << 32, coll, 0);
}

static struct vgic_irq *lpi(struct setup *s, u32 intid)
{
	return vgic_irq(&s->m->d, NULL, intid);
}

static void test_msi_reaches_guest(void **state)
{
	struct setup *s = setup();

	(void)state;
	assert_int_equal(its_inject(&s->its, 1, 0), 0);
	mapd(s, 1, 5, true);
	mapc(s, 7, 2, true);
	mapti(s, 1, 3, 8192, 7);
	assert_int_equal(its_inject(&s->its, 1, 2), 0);
	assert_int_equal(its_inject(&s->its, 1, 3), 1);
	assert_int_equal(s->m->kicks[2], 1);
	assert_int_equal(model_take(s->m, 2), 8192);
	assert_int_equal(s->m->st[2].used_lrs, 0);
	/* MAPI: the event is the LPI. */
	mapd(s, 2, 16, true);
	cmd(s, 0x0b | 2ULL << 32, 9000, 7, 0);
	assert_int_equal(its_inject(&s->its, 2, 9000), 1);
	assert_int_equal(model_take(s->m, 2), 9000);
	/* INT, and its end by CLEAR. */
	cmd(s, 0x03 | 1ULL << 32, 3, 0, 0);
	assert_true(vgic_irq_is_pending(lpi(s, 8192)));
	cmd(s, 0x04 | 1ULL << 32, 3, 0, 0);
	assert_false(vgic_irq_is_pending(lpi(s, 8192)));
	cmd(s, 0x05, 0, 0, 0);
	cmd(s, 0xff, 0, 0, 0);
	end(s);
}

static void test_configuration(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0, 5, true);
	mapc(s, 0, 0, true);
	s->m->ram[PROP] = 0x40;
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 1, 8193, 0);
	assert_int_equal(its_inject(&s->its, 0, 0), 1);
	assert_int_equal(model_take(s->m, 0), SPURIOUS);
	s->m->ram[PROP] = 0x41;
	cmd(s, 0x0c, 0, 0, 0); /* INV */
	assert_int_equal(lpi(s, 8192)->priority, 0x40);
	assert_int_equal(model_take(s->m, 0), 8192);
	memset(s->m->ram + PROP, 0, 16);
	cmd(s, 0x0d, 0, 0, 0); /* INVALL */
	assert_false(lpi(s, 8192)->enabled);
	assert_false(lpi(s, 8193)->enabled);
	s->m->ram[PROP + 1] = 0xf1;
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0xa0, 8, 8193); /* GICR_INVLPIR */
	assert_true(lpi(s, 8193)->enabled);
	s->m->ram[PROP] = 0xf1;
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0xb0, 8, 0); /* GICR_INVALLR */
	assert_true(lpi(s, 8192)->enabled);
	end(s);
}

static void test_moves(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0, 5, true);
	mapc(s, 0, 0, true);
	mapc(s, 1, 1, true);
	mapti(s, 0, 0, 8192, 0);
	its_inject(&s->its, 0, 0);
	cmd(s, 0x01, 0, 1, 0); /* MOVI */
	assert_int_equal(model_take(s->m, 0), SPURIOUS);
	assert_int_equal(model_take(s->m, 1), 8192);
	cmd(s, 0x01, 0, 5, 0); /* to a collection that isn't */
	assert_int_equal(lpi(s, 8192)->target, 1);
	mapc(s, 1, 3, true); /* the collection itself */
	assert_int_equal(lpi(s, 8192)->target, 3);
	cmd(s, 0x0e, 0, 3ULL << 16, 2ULL << 16); /* MOVALL */
	assert_int_equal(lpi(s, 8192)->target, 2);
	cmd(s, 0x0e, 0, 2ULL << 16, 9ULL << 16);
	cmd(s, 0x0e, 0, 2ULL << 16, 2ULL << 16);
	assert_int_equal(lpi(s, 8192)->target, 2);
	mapc(s, 1, 0, false);
	assert_int_equal(its_inject(&s->its, 0, 0), 0);
	cmd(s, 0x01, 0, 0, 0); /* its collection is gone: refused */
	assert_int_equal(lpi(s, 8192)->target, VGIC_NONE);
	mapc(s, 1, 0, true);
	assert_int_equal(its_inject(&s->its, 0, 0), 1);
	/* Mapped to a collection that comes later. */
	mapti(s, 0, 1, 8200, 9);
	assert_int_equal(its_inject(&s->its, 0, 1), 0);
	mapc(s, 9, 1, true);
	assert_int_equal(its_inject(&s->its, 0, 1), 1);
	assert_int_equal(model_take(s->m, 1), 8200);
	end(s);
}

static void test_unmapping(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0, 5, true);
	mapc(s, 0, 0, true);
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 1, 8193, 0);
	its_inject(&s->its, 0, 0);
	model_enter(s->m, 0);
	put64(s->m, ITT, 123);
	cmd(s, 0x0f, 0, 0, 0); /* DISCARD, while a list register has it */
	assert_int_equal(get64(s->m, ITT), 0);
	assert_int_equal(its_inject(&s->its, 0, 0), 0);
	model_exit(s->m, 0);
	assert_int_equal(model_take(s->m, 0), SPURIOUS);
	cmd(s, 0x0f, 0, 0, 0);
	mapd(s, 0, 5, false);
	assert_int_equal(its_inject(&s->its, 0, 1), 0);
	assert_int_equal(s->its.nr_ites, 0);
	/* Two events of one LPI. */
	mapd(s, 0, 5, true);
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 1, 8192, 0);
	cmd(s, 0x0f, 0, 0, 0);
	assert_int_equal(its_inject(&s->its, 0, 1), 1);
	model_check(s->m);
	its_reset(&s->its);
	assert_int_equal(its_inject(&s->its, 0, 1), -EBUSY);
	assert_int_equal(its_read(&s->its, 0x80, 8), 0);
	end(s);
}

static void test_refused_commands(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0x10000, 5, true);
	mapd(s, 0, 17, true);
	mapc(s, 0, 99, true);
	mapti(s, 0, 0, 8192, 0);
	cmd(s, 0x0d, 0, 0, 0);
	cmd(s, 0x0c, 0, 0, 0);
	cmd(s, 0x04, 0, 0, 0);
	assert_int_equal(s->its.nr_ites, 0);
	mapd(s, 0, 2, true);
	mapc(s, 0, 0, true);
	mapti(s, 0, 4, 8192, 0);     /* event beyond the table */
	mapti(s, 0, 0, 8191, 0);     /* no LPI */
	mapti(s, 0, 0, 0x10000, 0);
	mapti(s, 0, 0, 8192, 0x3000); /* no room in the collection table */
	assert_int_equal(s->its.nr_ites, 0);
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 0, 8193, 0);
	assert_int_equal(s->its.nr_ites, 1);
	assert_null(lpi(s, 8193));
	/* An ITT outside of memory. */
	cmd(s, 0x08 | 1ULL << 32, 4, VALID | MODEL_RAM, 0);
	mapti(s, 1, 0, 8194, 0);
	assert_int_equal(s->its.nr_ites, 1);
	/* No memory for us, at any step. */
	model_allocs_left = 0;
	mapd(s, 5, 5, true);
	mapc(s, 5, 0, true);
	mapti(s, 0, 1, 8195, 0);
	mapti(s, 0, 1, 8195, 6);
	model_allocs_left = 1;
	mapti(s, 0, 1, 30000, 0);
	model_allocs_left = 3;
	mapti(s, 0, 1, 40000, 0);
	model_allocs_left = 1 << 30;
	assert_int_equal(s->its.nr_ites, 1);
	end(s);
}

static void test_lpis_off(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0, 5, true);
	mapc(s, 0, 0, true);
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 1, 8201, 0);
	its_inject(&s->its, 0, 0);
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0, 4, 0);
	assert_int_equal(its_inject(&s->its, 0, 0), -EBUSY);
	assert_int_equal(model_take(s->m, 0), SPURIOUS);
	/* The pending table is read when they come on again. */
	s->m->ram[PEND + 8201 / 8] = 1 << (8201 % 8);
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0, 4, 1);
	assert_int_equal(model_take(s->m, 0), 8201);
	/* The bit of an LPI that is mapped later is taken over then. */
	s->m->ram[PEND + 8210 / 8] = 0xff;
	mapti(s, 0, 2, 8210, 0);
	assert_int_equal(s->m->ram[PEND + 8210 / 8], 0xff & ~(1 << (8210 % 8)));
	assert_int_equal(model_take(s->m, 0), 8210);
	/* With PTZ it is not read. */
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0, 4, 0);
	s->m->ram[PEND + 8201 / 8] = 1 << (8201 % 8);
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0x78, 8, 1ULL << 62 | PEND);
	vgic_redist_write(&s->m->d, &s->m->cpu[0], 0, 4, 1);
	assert_int_equal(model_take(s->m, 0), SPURIOUS);
	end(s);
}

static void test_pending_tables_saved(void **state)
{
	struct setup *s = setup();

	(void)state;
	mapd(s, 0, 5, true);
	mapc(s, 0, 1, true);
	mapti(s, 0, 0, 8192, 0);
	mapti(s, 0, 1, 8195, 0);
	mapti(s, 0, 2, 8300, 3);
	its_inject(&s->its, 0, 1);
	s->m->ram[PEND + 0x10000 + 1024] = 1;
	assert_int_equal(vgic_lpi_save_pending(&s->m->d), 0);
	assert_int_equal(s->m->ram[PEND + 0x10000 + 1024], 8);
	vgic_redist_write(&s->m->d, &s->m->cpu[1], 0, 4, 0);
	vgic_redist_write(&s->m->d, &s->m->cpu[1], 0x78, 8, MODEL_RAM);
	assert_int_equal(vgic_lpi_save_pending(&s->m->d), -EFAULT);
	end(s);
}

static void map_some(struct setup *s)
{
	mapc(s, 0, 0, true);
	mapc(s, 5, 3, true);
	mapd(s, 1, 5, true);
	mapd(s, 40, 8, true);
	mapti(s, 1, 0, 8192, 0);
	mapti(s, 1, 9, 8193, 5);
	mapti(s, 40, 200, 8194, 5);
	mapti(s, 40, 201, 8195, 77); /* never mapped */
}

static void test_tables_saved_and_restored(void **state)
{
	u64 flags[2] = { 0, 1ULL << 62 }, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct setup *s;

		s = setup_tables(flags[i]);
		if (flags[i])
			put64(s->m, DEVICES, VALID | LEVEL2);
		map_some(s);
		assert_int_equal(its_save(&s->its), 0);
		assert_true(get64(s->m, (flags[i] ? LEVEL2 : DEVICES) + 8) ==
			    (VALID | 39ULL << 49 | (u64)(ITT + 0x1000) >> 8 << 5 | 4));
		assert_true(get64(s->m, ITT + 0x1000) == (9ULL << 48 | 8192ULL << 16));
		assert_true(get64(s->m, ITT + 0x1000 + 72) == (8193ULL << 16 | 5));
		assert_true(get64(s->m, COLLS + 8) == (VALID | 3ULL << 16 | 5));
		/* As a migration does: everything off, and back from memory. */
		its_reset(&s->its);
		assert_int_equal(its_inject(&s->its, 1, 0), -EBUSY);
		its_write(&s->its, 0x100, 8, VALID | flags[i] | DEVICES);
		its_write(&s->its, 0x108, 8, VALID | COLLS);
		assert_int_equal(its_restore(&s->its), 0);
		assert_int_equal(s->its.nr_ites, 4);
		s->tail = 0;
		enable(s, flags[i]);
		assert_int_equal(its_inject(&s->its, 40, 200), 1);
		assert_int_equal(model_take(s->m, 3), 8194);
		assert_int_equal(its_inject(&s->its, 40, 201), 0);
		mapc(s, 77, 2, true);
		assert_int_equal(its_inject(&s->its, 40, 201), 1);
		end(s);
	}
}

static void test_bad_tables(void **state)
{
	static const struct {
		u64 gpa, val;
	} bad[] = {
		{ COLLS, VALID | 99ULL << 16 },	      /* no such vCPU */
		{ COLLS + 8, VALID | 0 },	      /* a collection twice */
		{ COLLS, VALID | 0x8000 },	      /* beyond its table */
		{ DEVICES + 8, VALID | 31 },	      /* too many EventIDs */
		{ DEVICES + 8, VALID | (u64)MODEL_RAM >> 8 << 5 | 4 }, /* no memory */
		{ ITT + 0x1000, 8191ULL << 16 },
		{ ITT + 0x1000, 8192ULL << 16 | 9 },  /* no such collection */
		{ ITT + 0x1000, 50ULL << 48 | 8192ULL << 16 },
		{ ITT + 0x1000, 70000ULL << 16 },
	};
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct setup *s = setup();

		map_some(s);
		assert_int_equal(its_save(&s->its), 0);
		its_reset(&s->its);
		its_write(&s->its, 0x100, 8, VALID | DEVICES);
		its_write(&s->its, 0x108, 8, VALID | COLLS);
		put64(s->m, bad[i].gpa, bad[i].val);
		if (its_restore(&s->its) >= 0)
			fail_msg("bad table %u restored", i);
		assert_int_equal(s->its.nr_ites, 0);
		end(s);
	}
}

static void test_save_gives_up(void **state)
{
	struct setup *s = setup();

	(void)state;
	map_some(s);
	s->m->give_up = s->m->yields + 1;
	assert_int_equal(its_save(&s->its), -EINTR);
	s->m->give_up = 0;
	assert_int_equal(its_save(&s->its), 0);
	its_reset(&s->its);
	its_write(&s->its, 0x100, 8, VALID | DEVICES);
	its_write(&s->its, 0x108, 8, VALID | COLLS);
	s->m->give_up = 1;
	assert_int_equal(its_restore(&s->its), -EINTR);
	s->m->give_up = 0;
	end(s);
}

static u64 user(struct setup *s, u64 off)
{
	u64 val = 0;

	assert_int_equal(its_user(&s->its, off, false, &val), 0);
	return val;
}

static void test_registers(void **state)
{
	struct setup *s = setup();
	u64 val = 64;

	(void)state;
	assert_int_equal(its_read(&s->its, 4, 4), 0x4b00043b);
	assert_true(its_read(&s->its, 8, 8) == 0x1ef71);
	assert_int_equal(its_read(&s->its, 12, 4), 0);
	assert_int_equal(its_read(&s->its, 0xffe8, 4), 0x3b);
	assert_int_equal(its_read(&s->its, 0x10040, 4), 0);
	assert_int_equal(its_read(&s->its, 0x8, 2), 0);
	assert_int_equal(its_read(&s->its, 0x110, 8), 0);
	assert_true(its_read(&s->its, 0x100, 8) >> 48 == 0x9907);
	assert_true(its_read(&s->its, 0x108, 8) >> 48 == 0x9c07);
	/* While enabled, tables and queue stay. */
	its_write(&s->its, 0x100, 8, 0);
	its_write(&s->its, 0x80, 8, 0);
	assert_true(its_read(&s->its, 0x80, 8) >> 63);
	assert_int_equal(its_user(&s->its, 0x90, true, &val), -EBUSY);
	its_write(&s->its, 0x88, 8, 0xf0000);
	assert_int_equal(its_read(&s->its, 0x88, 8), 0);
	its_write(&s->its, 0, 4, 0);
	assert_int_equal(its_read(&s->its, 0, 4), 0x80000000);
	assert_int_equal(its_user(&s->its, 0x90, true, &val), 0);
	assert_int_equal(user(s, 0x90), 64);
	assert_int_equal(user(s, 0), 0);
	val = 0x100000;
	assert_int_equal(its_user(&s->its, 0x90, true, &val), 0);
	val = 0xff000;
	assert_int_equal(its_user(&s->its, 0x90, true, &val), -EINVAL);
	val = 0x4b00143b;
	assert_int_equal(its_user(&s->its, 4, true, &val), -EINVAL);
	val = 0x4b00043b;
	assert_int_equal(its_user(&s->its, 4, true, &val), 0);
	assert_int_equal(its_user(&s->its, 0x84, false, &val), -EINVAL);
	assert_int_equal(its_user(&s->its, 0x20, false, &val), -ENXIO);
	assert_int_equal(its_has(0x1000000000ULL), -ENXIO);
	assert_true(user(s, 0x100) >> 63);
	val = 0;
	assert_int_equal(its_user(&s->its, 0x100, true, &val), 0);
	/* Without tables it doesn't come on. */
	its_write(&s->its, 0, 4, 1);
	assert_int_equal(its_read(&s->its, 0, 4) & 1, 0);
	end(s);
}

/* One access does a bounded amount of work; the guest's polling does the rest. */
static void test_queue_is_bounded(void **state)
{
	struct setup *s = setup();
	u32 i;

	(void)state;
	mapc(s, 0, 0, true);
	for (i = 0; i < 100; i++) {
		put64(s->m, QUEUE + (s->tail + i * 32) % 4096, 0x0d);
		put64(s->m, QUEUE + (s->tail + i * 32) % 4096 + 16, 0);
	}
	s->tail = (s->tail + 100 * 32) % 4096;
	its_write(&s->its, 0x88, 8, s->tail);
	assert_int_not_equal(user(s, 0x90), s->tail);
	assert_int_equal(user(s, 0) >> 31, 0);
	for (i = 0; its_read(&s->its, 0x90, 8) != s->tail; i++)
		assert_true(i < 100);
	assert_true(i > 2);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msi_reaches_guest),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_unmapping),
		cmocka_unit_test(test_refused_commands),
		cmocka_unit_test(test_lpis_off),
		cmocka_unit_test(test_pending_tables_saved),
		cmocka_unit_test(test_tables_saved_and_restored),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_save_gives_up),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
