// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt run: the exact command, and what is refused. Nothing is started here.
 */
#include "harness.h"

static int images(void **state)
{
	(void)state;
	new_machine();
	put("vmlinuz", "kernel");
	put("initrd", "initrd");
	put("a,b.img", "raw");
	put_bytes("c.qcow2", "QFI\xfb....", 8);
	put("efi", "");
	return 0;
}

static int gone(void **state)
{
	(void)state;
	rm_machine();
	return 0;
}

/* @line with the machine's directory in the place of each @. */
static struct called run(const char *line)
{
	char full[2048], *to = full;

	for (; *line; line++) {
		if (*line == '@')
			to += sprintf(to, "%s", called_root);
		else
			*to++ = *line;
	}
	*to = '\0';
	return call_at(called_root, full);
}

static void test_an_ordinary_vm(void **state)
{
	struct called c = run("run --dry-run --kernel @/vmlinuz --initrd @/initrd --append a=1 "
			      "--memory 512M --cpus 4 --name one,two");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_int_equal(strncmp(c.out, "qemu-system-aarch64 \\\n", 22), 0);
	assert_has(c.out, " -name guest=one,,two \\\n");
	assert_has(c.out, " -machine virt,gic-version=3 \\\n");
	assert_has(c.out, " -accel kvm \\\n");
	assert_has(c.out, " -cpu host \\\n");
	assert_has(c.out, " -smp 4 \\\n");
	assert_has(c.out, " -m 512M \\\n");
	assert_has(c.out, "/initrd \\\n    -append 'console=ttyAMA0 a=1'\n");
	assert_lacks(c.out, "kvm-protected");
	assert_lacks(c.out, "virtio");
	called_free(&c);
}

static void test_a_protected_vm(void **state)
{
	struct called c = run("run --protected --dry-run --kernel @/vmlinuz --disk @/c.qcow2 --net");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_int_equal(strncmp(c.out, "unshare ", 8), 0);
	assert_has(c.out, "--mount sh -c 'mount --bind /dev/kvm-protected /dev/kvm && exec \"$@\"' sh qemu-system-aarch64");
	assert_has(c.out, "virtio-blk-pci,drive=disk0,disable-legacy=on,iommu_platform=on");
	assert_has(c.out, "virtio-net-pci,netdev=net0,romfile=,disable-legacy=on,iommu_platform=on");
	if (geteuid())
		assert_has(c.out, "--map-root-user");
	else
		assert_lacks(c.out, "--map-root-user");
	called_free(&c);
}

static void test_disks_and_firmware(void **state)
{
	struct called c = run("run --dry-run --disk @/a,b.img --disk @/c.qcow2 --firmware @/efi "
			      "--forward 2222:22 --forward 8080:80 -- -monitor none");

	(void)state;
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "if=none,id=disk0,format=raw,file=");
	assert_has(c.out, "/a,,b.img");
	assert_has(c.out, "if=none,id=disk1,format=qcow2,file=");
	assert_has(c.out, "/efi");
	assert_has(c.out, "hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:8080-:80");
	assert_has(c.out, " -monitor none\n");
	assert_lacks(c.out, "-append");
	called_free(&c);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *line, *says;
		int code;
	} cases[] = {
		{ "run", "what shall it boot?", RT_USAGE },
		{ "run --kernel", "its value is missing", RT_USAGE },
		{ "run --disk @/c.qcow2 --append x", "go with --kernel", RT_USAGE },
		{ "run --kernel @/vmlinuz --memory 1T", "--memory takes MiB", RT_USAGE },
		{ "run --kernel @/vmlinuz --memory 0", "--memory takes MiB", RT_USAGE },
		{ "run --kernel @/vmlinuz --memory 12Mx", "--memory takes MiB", RT_USAGE },
		{ "run --kernel @/vmlinuz --cpus 0", "from 1 to 512", RT_USAGE },
		{ "run --kernel @/vmlinuz --cpus 513", "from 1 to 512", RT_USAGE },
		{ "run --kernel @/vmlinuz --forward 22", "two ports", RT_USAGE },
		{ "run --kernel @/vmlinuz --forward 0:22", "two ports", RT_USAGE },
		{ "run --kernel @/vmlinuz --forward 22:65536", "two ports", RT_USAGE },
		{ "run --kernel @/vmlinuz more", "takes no 'more'", RT_USAGE },
		{ "run --kernel @/nothing", "/nothing: No such file", RT_FAILED },
		{ "run --kernel @/vmlinuz --initrd @/no", "/no: No such file", RT_FAILED },
		{ "run --disk @/c.qcow2 --firmware @/no", "qemu-efi-aarch64", RT_FAILED },
		{ "run --kernel @/vmlinuz --qemu x", "the module is not loaded", RT_NOT_LOADED },
		{ "run --kernel @/vmlinuz", "apt-get install qemu-system-arm", RT_FAILED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct called c = run(cases[i].line);

		if (c.code != cases[i].code)
			fail_msg("'%s' gave %d: %s", cases[i].line, c.code, c.err);
		assert_has(c.err, cases[i].says);
		called_free(&c);
	}
}

static void test_devices_that_are_not_there(void **state)
{
	struct called c;

	(void)state;
	put("sys/module/redoubt/version", "0.1\n");
	put("dev/kvm", "");
	c = run("run --protected --kernel @/vmlinuz --qemu /bin/true");
	assert_int_equal(c.code, RT_FAILED);
	assert_has(c.err, "/dev/kvm-protected: No such file");
	called_free(&c);
}

static void test_nine_disks(void **state)
{
	struct called c = run("run --dry-run --disk @/efi --disk @/efi --disk @/efi --disk @/efi "
			      "--disk @/efi --disk @/efi --disk @/efi --disk @/efi --disk @/efi");

	(void)state;
	assert_int_equal(c.code, RT_USAGE);
	assert_has(c.err, "at most 8 disks");
	called_free(&c);
}

#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, images, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_an_ordinary_vm),	    RUN_TEST(test_a_protected_vm),
		RUN_TEST(test_disks_and_firmware),  RUN_TEST(test_refusals),
		RUN_TEST(test_devices_that_are_not_there), RUN_TEST(test_nine_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
