// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt trace: order, words, filters, and lines that mean nothing.
 */
#include "harness.h"

#define DEBUGFS "sys/kernel/debug/redoubt/"

static const char events[] =
	"62500000 [000] HVC: function 40, x1 0x1, x2 0x2\n"
	"62500100 [000] OWN: verb 4, pfn or gfn 0x40000, pages 512\n"
	"62500400 [000] EXIT: reason 2, ESR 0x93c08007, HPFAR 0x90000\n"
	"62500500 [000] EXIT: reason 1, ESR 0x0, HPFAR 0x0\n"
	"62500600 [000] EXIT: reason 2, ESR 0x623a3016, HPFAR 0x0\n"
	"125000000 [000] HOST_FAULT: ESR 0x92000007, IPA 0x48001000, result -1\n"
	"62500050 [001] RUN: VM 3, vCPU 1, flags 0x0\n"
	"62500060 [001] SMC: function 0xc4000003, x1 0x1, x2 0x2\n"
	"62500070 [001] HVC: function 999, x1 0x0, x2 0x0\n"
	"62500080 [001] FUTURE: thing 1\n"
	"62500090 [001] RUN: VM x\n"
	"no event at all\n";

static int machine(void **state)
{
	(void)state;
	new_machine();
	put("sys/module/redoubt/version", "0.1\n");
	put(DEBUGFS "trace", events);
	put(DEBUGFS "trace_on", "");
	put(DEBUGFS "geometry", "granule_bytes 4096\ncounter_hz 62500000\n");
	return 0;
}

static int gone(void **state)
{
	(void)state;
	rm_machine();
	return 0;
}

static void test_events_in_words_and_in_order(void **state)
{
	struct called c = call_at(called_root, "trace");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_string_equal(c.out,
		"    0.000000  CPU 0    HVC        VCPU_RUN(0x1, 0x2, ...)\n"
		"    0.000001  CPU 1    RUN        VM 3, vCPU 1\n"
		"    0.000001  CPU 1    SMC        CPU_ON 0xc4000003 (0x1, 0x2, ...)\n"
		"    0.000001  CPU 1    HVC        unknown call(0x0, 0x0, ...)\n"
		"    0.000002  CPU 0    OWN        host lends to guest: 512 pages from frame 0x40000\n"
		"    0.000006  CPU 0    EXIT       trap: data abort at IPA 0x9000000, ESR 0x93c08007\n"
		"    0.000008  CPU 0    EXIT       interrupt\n"
		"    0.000010  CPU 0    EXIT       trap: system register S3_0_C12_C11_5 written, ESR 0x623a3016\n"
		"    1.000000  CPU 0    HOST_FAULT data abort at 0x48001000, ESR 0x92000007: refused (-1)\n");
	called_free(&c);
}

static void test_filters(void **state)
{
	struct called c = call_at(called_root, "trace --cpu 1 --event HVC --raw");

	(void)state;
	assert_string_equal(c.out, "    0.000000  CPU 1    HVC        function 999, x1 0x0, x2 0x0\n");
	called_free(&c);
	c = call_at(called_root, "trace --cpu 7");
	assert_int_equal(c.code, RT_OK);
	assert_string_equal(c.out, "");
	assert_has(c.err, "no such event is recorded");
	called_free(&c);
}

static void test_help_is_pointed_at(void **state)
{
	(void)state;
	expect(called_root, "trace --bogus", RT_USAGE, "Try 'redoubt trace --help'.");
	expect(called_root, "nothing", RT_USAGE, "Try 'redoubt --help'.");
}

static void expect_file(const char *path, const char *text)
{
	char full[300], got[16] = {};
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", called_root, path);
	file = fopen(full, "r");
	assert_non_null(file);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, file), strlen(text));
	fclose(file);
	assert_string_equal(got, text);
}

static void test_recording(void **state)
{
	(void)state;
	expect(called_root, "trace --on", RT_OK, "");
	expect_file(DEBUGFS "trace_on", "1");
	expect(called_root, "trace --off", RT_OK, "");
	expect_file(DEBUGFS "trace_on", "0");
	put(DEBUGFS "trace_on", "x");
	expect(called_root, "trace --for 0.01", RT_OK, "VCPU_RUN");
	expect_file(DEBUGFS "trace_on", "0");
}

static void test_refusals(void **state)
{
	(void)state;
	expect(called_root, "trace --event NONE", RT_USAGE, "no event 'NONE'");
	expect(called_root, "trace --for x", RT_USAGE, "--for takes seconds");
	expect(called_root, "trace --for nan", RT_USAGE, "--for takes seconds");
	expect(called_root, "trace --for 1 --on", RT_USAGE, "by itself");
	expect(called_root, "trace --cpu -1", RT_USAGE, "--cpu takes");
	expect("/nonexistent", "trace", RT_NOT_LOADED, "the module is not loaded");
}

#define TRACE_TEST(f) cmocka_unit_test_setup_teardown(f, machine, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_events_in_words_and_in_order),
		TRACE_TEST(test_filters),
		TRACE_TEST(test_help_is_pointed_at),
		TRACE_TEST(test_recording),
		TRACE_TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
