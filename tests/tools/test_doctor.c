// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt doctor: each requirement met and not met, and the words that help.
 */
#include "harness.h"

#define INTERRUPTS(number)                                                                         \
	"           CPU0       CPU1\n"                                                             \
	" 11:      12345      23456     GICv3  " number " Level     arch_timer\n"                  \
	"IPI0:       123        456       Rescheduling interrupts\n"
#define CONFIG                                                                                     \
	"CONFIG_ARM64=y\nCONFIG_MODULES=y\nCONFIG_KVM=y\nCONFIG_MMU_NOTIFIER=y\n"                  \
	"CONFIG_PREEMPT_NOTIFIERS=y\nCONFIG_EVENTFD=y\n"
#define RELEASE "6.12.117+deb12-arm64"

/* A machine on which all is well but that the module is not loaded. */
static int ready(void **state)
{
	(void)state;
	new_machine();
	put("proc/sys/kernel/arch", "aarch64\n");
	put("proc/sys/kernel/osrelease", RELEASE "\n");
	put("proc/cmdline", "root=/dev/vda2 kvm-arm.mode=none id_aa64mmfr1.vh=0 quiet\n");
	put("proc/interrupts", INTERRUPTS("30"));
	put("sys/devices/system/cpu/possible", "0-7\n");
	put("boot/config-" RELEASE, CONFIG);
	put("lib/modules/" RELEASE "/modules.dep",
	    "kernel/fs/fat/vfat.ko.xz: kernel/fs/fat/fat.ko.xz\nupdates/dkms/redoubt.ko:\n");
	put("usr/bin/qemu-system-aarch64", "");
	put("usr/share/initramfs-tools/hooks/redoubt", "");
	return 0;
}

static int gone(void **state)
{
	(void)state;
	rm_machine();
	return 0;
}

static void load(void)
{
	put("sys/module/redoubt/version", "0.1\n");
	put("dev/kvm", "");
	put("dev/kvm-protected", "");
	put("sys/kernel/debug/redoubt/version", "abi 1\n");
}

static void test_all_is_well(void **state)
{
	struct called c;

	(void)state;
	load();
	c = call_at(called_root, "doctor");
	assert_int_equal(c.code, RT_OK);
	assert_has(c.out, "Redoubt is in place.");
	assert_lacks(c.out, " no  ");
	assert_lacks(c.out, "  ?  ");
	called_free(&c);
}

static void test_not_loaded_says_modprobe(void **state)
{
	(void)state;
	expect(called_root, "doctor", RT_FAILED, " no  module loaded");
	expect(called_root, "doctor", RT_FAILED, "'modprobe redoubt'");
	expect(called_root, "doctor", RT_FAILED, " ok  EL2                   the kernel was started there");
	expect(called_root, "doctor", RT_FAILED, "3 requirements are not met");
}

static void test_words_for_the_command_line(void **state)
{
	(void)state;
	put("proc/cmdline", "root=/dev/vda2 xkvm-arm.mode=none kvm-arm.mode=nonesuch\n");
	expect(called_root, "doctor", RT_FAILED, "lacks kvm-arm.mode=none id_aa64mmfr1.vh=0");
	expect(called_root, "doctor", RT_FAILED, "GRUB_CMDLINE_LINUX");
	put("proc/cmdline", "kvm-arm.mode=none");
	expect(called_root, "doctor", RT_FAILED, "  ?  kernel command line   lacks id_aa64mmfr1.vh=0");
	put("proc/cmdline", "id_aa64mmfr1.vh=0 kvm-arm.mode=none\n");
	expect(called_root, "doctor", RT_FAILED, " ok  kernel command line");
}

static void test_where_the_kernel_was_started(void **state)
{
	(void)state;
	put("proc/interrupts", INTERRUPTS("27"));
	expect(called_root, "doctor", RT_FAILED, " no  EL2                   the kernel was not started there");
	put("proc/interrupts", INTERRUPTS("26"));
	expect(called_root, "doctor", RT_FAILED, " no  EL2                   the kernel itself runs there (VHE)");
	put("proc/interrupts", INTERRUPTS("28"));
	expect(called_root, "doctor", RT_FAILED, "(VHE)");
	put("proc/interrupts", "nothing\n");
	expect(called_root, "doctor", RT_FAILED, "  ?  EL2");
	expect(called_root, "doctor", RT_FAILED, " no  interrupt controller");
}

static void test_another_hypervisor(void **state)
{
	unsigned char fadt[268] = {};

	(void)state;
	fadt[129] = 1; /* PSCI, by SMC */
	put_bytes("sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	expect(called_root, "doctor", RT_FAILED, " ok  EL2");
	fadt[129] = 3;
	put_bytes("sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	expect(called_root, "doctor", RT_FAILED, " no  EL2                   another hypervisor has it");
	/* A table that ends before the field is not read behind its end. */
	put_bytes("sys/firmware/acpi/tables/FACP", fadt, 129);
	expect(called_root, "doctor", RT_FAILED, " ok  EL2");
	put_bytes("proc/device-tree/psci/method", "hvc", 4);
	expect(called_root, "doctor", RT_FAILED, "another hypervisor has it");
	put_bytes("proc/device-tree/psci/method", "smc", 4);
	expect(called_root, "doctor", RT_FAILED, " ok  EL2");
}

static void test_the_kernels_own_kvm(void **state)
{
	(void)state;
	put("dev/kvm", "");
	expect(called_root, "doctor", RT_FAILED, "belongs to the kernel's own KVM");
}

static void test_kernel_and_machine(void **state)
{
	(void)state;
	put("proc/sys/kernel/arch", "x86_64\n");
	expect(called_root, "doctor", RT_FAILED, " no  64-bit Arm            x86_64");
	put("proc/sys/kernel/osrelease", "5.10.0-30-arm64\n");
	expect(called_root, "doctor", RT_FAILED, " no  kernel                5.10.0-30-arm64");
	put("proc/sys/kernel/osrelease", "6.17.3-arm64\n");
	expect(called_root, "doctor", RT_FAILED, "  ?  kernel                6.17.3-arm64");
	put("sys/devices/system/cpu/possible", "0-512\n");
	expect(called_root, "doctor", RT_FAILED, " no  number of CPUs        513 possible");
	put("sys/devices/system/cpu/possible", "0-511\n");
	expect(called_root, "doctor", RT_FAILED, " ok  number of CPUs        512 possible");
	put("sys/devices/system/cpu/possible", "0\n");
	expect(called_root, "doctor", RT_FAILED, " ok  number of CPUs        1 possible");
}

static void test_configuration(void **state)
{
	(void)state;
	put("boot/config-" RELEASE, "# CONFIG_KVM is not set\nCONFIG_MODULES=y\nXCONFIG_KVM=y\n");
	expect(called_root, "doctor", RT_FAILED, "lacks CONFIG_KVM=y CONFIG_MMU_NOTIFIER=y");
}

static void test_module_file(void **state)
{
	(void)state;
	/* Named only as something that another module needs. */
	put("lib/modules/" RELEASE "/modules.dep", "extra/other.ko: updates/dkms/redoubt.ko\n");
	expect(called_root, "doctor", RT_FAILED, " no  module                not in /lib/modules");
	put("lib/modules/" RELEASE "/modules.dep", "a.ko: updates/redoubt.ko.xz\nupdates/redoubt.ko.xz:\n");
	expect(called_root, "doctor", RT_FAILED, " ok  module                updates/redoubt.ko.xz");
}

static void test_secure_boot(void **state)
{
	(void)state;
	put("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	expect(called_root, "doctor", RT_FAILED, " ok  signed modules");
	put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect(called_root, "doctor", RT_FAILED, "mokutil");
}

static void test_json(void **state)
{
	(void)state;
	expect(called_root, "doctor --json", RT_FAILED,
	       "{\"requirement\": \"module loaded\", \"verdict\": \"missing\", \"found\": \"no\"");
	expect(called_root, "doctor --xml", RT_USAGE, "no option '--xml'");
	expect(called_root, "doctor me", RT_USAGE, "takes no 'me'");
}

static void test_an_empty_machine(void **state)
{
	(void)state;
	expect("/nonexistent", "doctor", RT_FAILED, " no  module loaded");
}

#define MACHINE_TEST(f) cmocka_unit_test_setup_teardown(f, ready, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(test_all_is_well),
		MACHINE_TEST(test_not_loaded_says_modprobe),
		MACHINE_TEST(test_words_for_the_command_line),
		MACHINE_TEST(test_where_the_kernel_was_started),
		MACHINE_TEST(test_another_hypervisor),
		MACHINE_TEST(test_the_kernels_own_kvm),
		MACHINE_TEST(test_kernel_and_machine),
		MACHINE_TEST(test_configuration),
		MACHINE_TEST(test_module_file),
		MACHINE_TEST(test_secure_boot),
		MACHINE_TEST(test_json),
		cmocka_unit_test(test_an_empty_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
