// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt status: totals, rates between two looks, JSON; and the command line before any
 * command.
 */
#include "harness.h"
#include "sample.h"

#define DEBUGFS "sys/kernel/debug/redoubt/"

static const char vms[] =
	"vm 3 pid 312 protected 1 ipa_bits 40 vcpus 2 pages_mapped 65536 topup_pages 9 command qemu-system-aar\n"
	"vcpu 3 id 0 running 1 blocking 0 exits 1000 mmio_exit_user 10\n"
	"vcpu 3 id 1 running 0 blocking 1 exits 500 mmio_exit_user 20\n"
	"vm 4 pid 400 protected 0 ipa_bits 48 vcpus 0 pages_mapped 1 command a b\\nc\n";

static int machine(void **state)
{
	(void)state;
	new_machine();
	put("sys/module/redoubt/version", "0.1\n");
	put(DEBUGFS "version", "abi 1\nmodule 0.1\n");
	put(DEBUGFS "geometry", "granule_bytes 4096\nphysical_bits 48\nguest_bits_max 48\nlpa2 0\n"
				"vmid_bits 16\nel2_va_bits 48\ncounter_hz 62500000\n");
	put(DEBUGFS "memory", "image 147456\nvmemmap 2097152\ncpus 65536\ntables 6291456\n"
			      "total 8601600\ntext 98304\nram 2147483648\n");
	put(DEBUGFS "stats", "POOL_FREE                      100  free pages\n"
			     "HYPERCALLS                    5000  hypercalls of the host\n"
			     "EXITS_TRAP                     700  exits\n");
	put(DEBUGFS "vms", vms);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	rm_machine();
	return 0;
}

static void test_totals(void **state)
{
	struct called c = call_at(called_root, "status --interval 0");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "4 KiB pages, 48-bit physical addresses, guests up to 48 bits, 16-bit VMIDs");
	assert_has(c.out, "EL2 has   8.2 MiB of 2.0 GiB: program 144 KiB, page records 2.0 MiB");
	assert_has(c.out, "hypercalls                   5000\n");
	assert_has(c.out, "VM 3  protected  qemu-system-aar, process 312, 256.0 MiB in use\n");
	assert_has(c.out, "     0  in guest     1000       10");
	assert_has(c.out, "     1  waits         500       20");
	assert_has(c.out, "VM 4  ordinary  a b\\nc, process 400, 4 KiB in use\n");
	called_free(&c);
}

static void test_json(void **state)
{
	struct called c = call_at(called_root, "status --json --interval 0");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "{\"version\": \"0.1\", \"contract\": {\"abi\": 1}, \"geometry\": {\"granule_bytes\": 4096, ");
	assert_has(c.out, "\"vm\": 3, \"pid\": 312, \"command\": \"qemu-system-aar\", \"name\": null, \"protected\": true, \"exits\": 1500, ");
	assert_has(c.out, "\"command\": \"a b\\\\nc\"");
	assert_lacks(c.out, "per_second");
	assert_int_equal(strcspn(c.out, "\n"), strlen(c.out) - 1);
	called_free(&c);
	c = call_at(called_root, "status --json --interval 0.01");
	assert_has(c.out, "\"per_second\": {\"HYPERCALLS\": 0.0, \"EXITS_TRAP\": 0.0}");
	called_free(&c);
}

/* Two samples, two seconds apart: vCPU 0 grew by 300, VM 4 is another process's now. */
static void test_rates(void **state)
{
	char *text = NULL;
	size_t size;
	struct rt_env env = { .root = called_root, .err = stderr };
	struct sample old, now;

	(void)state;
	assert_int_equal(sample_take(&env, &old), RT_OK);
	put(DEBUGFS "stats", "HYPERCALLS 6000 x\nEXITS_TRAP 600 x\n");
	put(DEBUGFS "vms",
	    "vm 3 pid 312 protected 1 vcpus 2 pages_mapped 65536 command qemu\n"
	    "vcpu 3 id 0 running 1 blocking 0 exits 1300 mmio_exit_user 10\n"
	    "vm 4 pid 401 protected 0 vcpus 1 pages_mapped 1 command other\n"
	    "vcpu 4 id 0 running 1 blocking 0 exits 70 mmio_exit_user 1\n");
	assert_int_equal(sample_take(&env, &now), RT_OK);
	now.seconds = old.seconds + 2;
	env.out = open_memstream(&text, &size);
	status_text(&env, &old, &now);
	fclose(env.out);
	assert_has(text, "hypercalls                   6000          500\n");
	/* A counter that went back says nothing about its rate. */
	assert_has(text, "exits: trap                   600            0\n");
	assert_has(text, "     0  in guest      150        0");
	/* New between the two looks: totals, and its table says so. */
	assert_has(text, "fault  in all\n     0  in guest       70        1");
	free(text);
	sample_free(&old);
	sample_free(&now);
}

static void test_refusals(void **state)
{
	(void)state;
	expect(called_root, "status --interval -1", RT_USAGE, "--interval takes seconds");
	expect(called_root, "status --interval 1s", RT_USAGE, "--interval takes seconds");
	expect(called_root, "status --interval", RT_USAGE, "its value is missing");
	expect(called_root, "status --watch --interval 0", RT_USAGE, "needs an interval");
	expect(called_root, "status now", RT_USAGE, "takes no 'now'");
	expect("/nonexistent", "status", RT_NOT_LOADED, "'redoubt doctor'");
	rm_machine();
	new_machine();
	put("sys/module/redoubt/version", "0.1\n");
	expect(called_root, "status", RT_FAILED, "mount -t debugfs none /sys/kernel/debug");
	put(DEBUGFS "version", "abi 1\nmodule 0.1\n");
	expect(called_root, "status", RT_FAILED, "no file 'geometry'");
}

static void test_no_vm(void **state)
{
	(void)state;
	put(DEBUGFS "vms", "");
	expect(called_root, "status --interval 0", RT_OK, "No VM exists.");
}

/* Names that a process chose are no JSON until they are made so. */
static void test_hostile_names(void **state)
{
	(void)state;
	put(DEBUGFS "vms", "vm 1 pid 5 protected 1 vcpus 0 command \"\\\x01\xff\xc3\xa9\xed\xa0\x80\n");
	expect(called_root, "status --json --interval 0", RT_OK,
	       "\"command\": \"\\\"\\\\\\u0001\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\"");
}

static void test_the_command_line(void **state)
{
	(void)state;
	expect("", "", RT_USAGE, "which command?");
	expect("", "fly", RT_USAGE, "no command 'fly'");
	expect("", "--fly", RT_USAGE, "unknown option --fly");
	expect("", "--root", RT_USAGE, "unknown option --root");
	expect("", "--version", RT_OK, "redoubt 0.1\n");
	expect("", "--help", RT_OK, "Exit codes:");
	expect("", "--root /nonexistent status", RT_NOT_LOADED, "not loaded");
	expect("", "map --help", RT_OK, "Usage: redoubt map");
	expect("", "run --help", RT_OK, "Usage: redoubt run");
	expect("", "trace --help", RT_OK, "Usage: redoubt trace");
	expect("", "doctor --help", RT_OK, "Usage: redoubt doctor");
	expect("", "status --help", RT_OK, "Usage: redoubt status");
}

static void test_sizes(void **state)
{
	char text[24];

	(void)state;
	assert_string_equal(rt_size(text, sizeof(text), 0), "0 KiB");
	assert_string_equal(rt_size(text, sizeof(text), 512), "0.5 KiB");
	assert_string_equal(rt_size(text, sizeof(text), 1048575), "1.0 MiB");
	assert_string_equal(rt_size(text, sizeof(text), 3ULL << 40), "3.0 TiB");
	assert_string_equal(rt_size(text, sizeof(text), UINT64_MAX), "16.0 EiB");
}

#define STATUS_TEST(f) cmocka_unit_test_setup_teardown(f, machine, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATUS_TEST(test_totals),	STATUS_TEST(test_json),
		STATUS_TEST(test_rates),	STATUS_TEST(test_refusals),
		STATUS_TEST(test_no_vm),	STATUS_TEST(test_hostile_names),
		cmocka_unit_test(test_the_command_line),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
