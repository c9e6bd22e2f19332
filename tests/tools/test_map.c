// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt map: nothing is lost between the host's pages, sums are right, and each form holds
 * together. The list of owners is of debugfs' form.
 */
#include "harness.h"
#include "owners.h"

#define DEBUGFS "sys/kernel/debug/redoubt/"

/* Two regions with a hole, EL2, two protected VMs, shares of each kind, and a device. */
static const char list[] =
	"000009000000-000009000fff          1 hyp device\n"
	"000040000000-00004000ffff         16 host\n"
	"000040010000-000040011fff          2 hyp\n"
	"000040012000-000047ffffff      32750 host\n"
	"000048000000-00004fffffff      32768 vm7\n"
	"000050000000-000050000fff          1 vm7 lent to host x1\n"
	"000050001000-000050001fff          1 vm12\n"
	"000050002000-000057ffffff      32766 host lent to guests x1\n"
	"000100000000-000107ffffff      32768 host\n"
	"000108000000-000108000fff          1 host lent to hyp\n";
static const char vms[] =
	"vm 7 pid 312 protected 1 vcpus 1 command qemu\n"
	"vm 12 pid 99 protected 1 vcpus 1 command qemu <two> & \"more\"\n";
static const char name[] = "qemu-system-aarch64\0-name\0guest=secret,debug-threads=on\0-smp\0" "1";

static int machine(void **state)
{
	(void)state;
	new_machine();
	put("sys/module/redoubt/version", "0.1\n");
	put(DEBUGFS "owners", list);
	put(DEBUGFS "vms", vms);
	put_bytes("proc/312/cmdline", name, sizeof(name));
	return 0;
}

static int gone(void **state)
{
	(void)state;
	rm_machine();
	return 0;
}

static void test_sums(void **state)
{
	struct called c = call_at(called_root, "map --json");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_string_equal(c.out,
		"{\"ram\": 536875008, \"host\": 268427264, \"el2\": 8192, \"lent_to_vms\": 134209536, "
		"\"lent_to_el2\": 4096, \"lent_to_host\": 4096, \"protected\": 134221824, \"vms\": ["
		"{\"vm\": 7, \"label\": \"protected VM 7 (secret)\", \"bytes\": 134217728}, "
		"{\"vm\": 12, \"label\": \"protected VM 12 (qemu <two> & \\\"more\\\")\", \"bytes\": 4096}]}\n");
	called_free(&c);
}

static void test_characters(void **state)
{
	struct called c = call_at(called_root, "map --columns 80 --rows 30");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "512.0 MiB of RAM, 512 KiB a cell, 32.0 MiB a row\n");
	assert_has(c.out, "    40000000 |e...............................................................|\n");
	assert_has(c.out, "    48000000 |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|\n");
	assert_has(c.out, "    50000000 |LLLLLLLL");
	assert_has(c.out, "2.6 GiB without RAM\n");
	/* One page at a region's end: it has all of its cell that is RAM. */
	assert_has(c.out, "   108000000 |X                                                               |\n");
	assert_has(c.out, "protected VM 7 (secret)                 128.0 MiB  25.0%  ######\n");
	assert_has(c.out, "   4 KiB  <0.1%  #\n");
	assert_has(c.out, "and 4 KiB of device memory");
	assert_lacks(c.out, "\033");
	called_free(&c);
}

static void test_colors(void **state)
{
	(void)state;
	expect(called_root, "map --color always", RT_OK, "\033[0;1;38;5;16;48;5;36mAAAA");
	expect(called_root, "map --color sometimes", RT_USAGE, "always, never or auto");
}

/* Every tag that is opened is closed, texts are escaped, and each class has its colour. */
static void test_svg(void **state)
{
	struct called c = call_at(called_root, "map --svg -");
	const char *at;
	int open = 0;

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_int_equal(strncmp(c.out, "<svg xmlns='http://www.w3.org/2000/svg' ", 40), 0);
	assert_has(c.out, "(qemu &lt;two> &amp; \"more\")");
	assert_has(c.out, "48000000 to 4");
	assert_has(c.out, ">128.0 MiB</text>");
	assert_has(c.out, ">&lt;0.1%</text>");
	/* Viewers beside browsers draw all black then. */
	assert_lacks(c.out, "var(");
	for (at = strchr(c.out, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = strchr(at, '>');

		assert_non_null(end);
		open += at[1] == '/' ? -1 : end[-1] == '/' ? 0 : 1;
		assert_true(open >= 0);
	}
	assert_int_equal(open, 0);
	assert_string_equal(c.out + strlen(c.out) - 7, "</svg>\n");
	called_free(&c);
}

static void test_svg_into_a_file(void **state)
{
	char line[400], path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/map.svg", called_root);
	snprintf(line, sizeof(line), "map --svg %s", path);
	expect(called_root, line, RT_OK, "");
	assert_int_equal(access(path, R_OK), 0);
	expect(called_root, "map --svg /nonexistent/x", RT_FAILED, "/nonexistent/x: No such file");
	expect(called_root, "map --svg x --json", RT_USAGE, "not both");
}

static void test_lists_that_make_no_sense(void **state)
{
	static const char *const bad[] = {
		"", "nonsense\n", "000040000000-00003fffffff 1 host\n",
		"000040000000-000040000fff 1 martian\n",
		"000040001000-000040001fff 1 host\n000040000000-000040000fff 1 host\n",
		"000040000000-ffffffffffffffff 1 host\n", "000040000000-000040000fff 1 host device\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(DEBUGFS "owners", bad[i]);
		expect(called_root, "map", RT_FAILED, "the list of owners");
	}
}

static void test_more_vms_than_colors(void **state)
{
	char text[4096] = "", *at = text;
	struct called c;
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		at += sprintf(at, "%012x-%012x 1 vm%d\n", 0x40000000 + i * 4096,
			      0x40000000 + i * 4096 + 4095, 20 - i);
	put(DEBUGFS "owners", text);
	c = call_at(called_root, "map --json");
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "\"protected\": 81920");
	assert_has(c.out, "{\"vm\": 8, \"label\": \"protected VM 8\", \"bytes\": 4096}");
	assert_has(c.out, "\"further protected VMs\", \"bytes\": 49152}");
	called_free(&c);
}

static void test_what_a_cell_is_drawn_as(void **state)
{
	struct raster_cell cell = { .size = 100 };
	bool full;

	(void)state;
	cell.bytes[OWNERS_HOST] = 51;
	cell.bytes[OWNERS_VM0] = 49;
	assert_int_equal(raster_class(&cell, &full), OWNERS_VM0);
	assert_false(full);
	cell.bytes[OWNERS_VM0] = cell.bytes[OWNERS_HOST] = 50;
	assert_int_equal(raster_class(&cell, &full), OWNERS_VM0);
	assert_true(full);
	/* The larger of two that are not the host's. */
	cell.bytes[OWNERS_EL2] = 26;
	cell.bytes[OWNERS_VM0] = 24;
	assert_int_equal(raster_class(&cell, &full), OWNERS_EL2);
	assert_false(full);
	cell = (struct raster_cell){};
	assert_int_equal(raster_class(&cell, &full), -1);
}

/* At random: what the raster says is what a count of each cell's bytes says. */
static void test_raster_against_a_count(void **state)
{
	static char text[1 << 16];
	unsigned int seed = 1, round, i;

	(void)state;
	for (round = 0; round < 200; round++) {
		const struct rt_env env = { .root = "", .err = stderr };
		uint64_t at = 0x40000000, pages, bytes[OWNERS_CLASSES] = {}, size = 0;
		char *to = text;
		struct owners o;
		struct raster r;
		size_t n, class;

		for (i = 0; i < 60; i++) {
			static const char *const who[] = { "host", "hyp", "vm1", "vm2",
							   "host lent to guests x1" };

			seed = seed * 1103515245 + 12345;
			pages = 1 + (seed >> 8) % (seed >> 20 & 1 ? 3000 : 5);
			if ((seed >> 24) % 7 == 0)
				at += (uint64_t)(1 + (seed >> 16) % 100000) << 12;
			to += sprintf(to, "%012llx-%012llx %llu %s\n", (unsigned long long)at,
				      (unsigned long long)(at + (pages << 12) - 1),
				      (unsigned long long)pages, who[(seed >> 12) % 5]);
			at += pages << 12;
		}
		assert_int_equal(owners_parse(&env, &o, text), RT_OK);
		assert_int_equal(raster_make(&env, &r, &o, 64, 1 + round % 40), RT_OK);
		for (n = 0; n < r.rows * r.columns; n++) {
			uint64_t sum = 0;

			for (class = 0; class < OWNERS_CLASSES; class++) {
				bytes[class] += r.cell[n].bytes[class];
				sum += r.cell[n].bytes[class];
			}
			assert_true(sum == r.cell[n].size && sum <= r.cell_bytes);
			size += sum;
		}
		assert_true(size == o.ram);
		assert_memory_equal(bytes, o.bytes, sizeof(bytes));
		assert_true(r.rows <= 1 + round % 40 || r.rows == r.nr_regions);
		raster_free(&r);
		owners_free(&o);
	}
}

#define MAP_TEST(f) cmocka_unit_test_setup_teardown(f, machine, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MAP_TEST(test_sums),
		MAP_TEST(test_characters),
		MAP_TEST(test_colors),
		MAP_TEST(test_svg),
		MAP_TEST(test_svg_into_a_file),
		MAP_TEST(test_lists_that_make_no_sense),
		MAP_TEST(test_more_vms_than_colors),
		cmocka_unit_test(test_what_a_cell_is_drawn_as),
		cmocka_unit_test(test_raster_against_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
