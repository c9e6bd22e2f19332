// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requirements on the kernel and on what is installed (doctor.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "qemu.h"
#include "tree.h"

#define ADD_WORDS                                                                                  \
	"Add them to GRUB_CMDLINE_LINUX in /etc/default/grub, then run 'update-grub' and restart;" \
	" or 'dpkg-reconfigure redoubt-dkms' does the first two."

static void check_kernel(const struct doctor *d, struct doctor_answer *a)
{
	int major, minor;

	if (!d->release || sscanf(d->release, "%d.%d", &major, &minor) != 2)
		doctor_answer(a, DOCTOR_UNSURE, "no release number", NULL);
	else if (major < 6 || (major == 6 && minor < 1))
		doctor_answer(a, DOCTOR_MISSING, d->release, "The module needs Linux 6.1 or later.");
	else if (major == 6 && (minor == 1 || minor == 12))
		doctor_answer(a, DOCTOR_OK, d->release, NULL);
	else
		doctor_answer(a, DOCTOR_UNSURE, d->release,
			      "Only Debian's 6.1 and 6.12 have been tried.");
}

static bool has_config(const struct doctor *d, const char *line)
{
	const char *at = strstr(d->config, line);

	return at && (at == d->config || at[-1] == '\n');
}

static void check_config(const struct doctor *d, struct doctor_answer *a)
{
	/* The built-in KVM selects what the module needs: notifiers of both kinds, eventfds. */
	static const char *const needed[] = { "MODULES=y", "KVM=y", "MMU_NOTIFIER=y",
					      "PREEMPT_NOTIFIERS=y", "EVENTFD=y" };
	char line[64], found[120] = "lacks";
	bool lacks = false;
	size_t i;

	if (d->loaded || !d->config) {
		doctor_answer(a, d->loaded ? DOCTOR_OK : DOCTOR_UNSURE,
			      d->loaded ? "has what the module needs" : "/boot/config-* cannot be read",
			      NULL);
		return;
	}
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		snprintf(line, sizeof(line), "CONFIG_%s\n", needed[i]);
		if (has_config(d, line))
			continue;
		lacks = true;
		strncat(found, " CONFIG_", sizeof(found) - strlen(found) - 1);
		strncat(found, needed[i], sizeof(found) - strlen(found) - 1);
	}
	doctor_answer(a, lacks ? DOCTOR_MISSING : DOCTOR_OK,
		      lacks ? found : "has what the module needs",
		      lacks ? "Debian's kernels have them; build yours with these options." : NULL);
}

static void check_words(const struct doctor *d, struct doctor_answer *a)
{
	bool mode = doctor_word(d, "kvm-arm.mode=none"), vh = doctor_word(d, "id_aa64mmfr1.vh=0");

	if (d->loaded || (mode && vh))
		doctor_answer(a, DOCTOR_OK, "leaves EL2 to Redoubt", NULL);
	else if (!d->cmdline)
		doctor_answer(a, DOCTOR_UNSURE, "/proc/cmdline cannot be read", NULL);
	else if (mode)
		doctor_answer(a, DOCTOR_UNSURE, "lacks id_aa64mmfr1.vh=0",
			      "Without it a CPU with VHE has the kernel itself at EL2. " ADD_WORDS);
	else
		doctor_answer(a, DOCTOR_MISSING, vh ? "lacks kvm-arm.mode=none" : "lacks " DOCTOR_WORDS,
			      ADD_WORDS);
}

static void check_lockdown(const struct doctor *d, struct doctor_answer *a)
{
	char *lockdown = tree_word(d->env, "sys/kernel/security/lockdown");
	bool locked = lockdown && !strstr(lockdown, "[none]");
	bool enforce = doctor_word(d, "module.sig_enforce=1") || doctor_word(d, "module.sig_enforce");

	if (d->loaded || (!locked && !enforce))
		doctor_answer(a, DOCTOR_OK, "not asked for", NULL);
	else
		doctor_answer(a, DOCTOR_UNSURE, "the kernel loads signed modules only",
			      "Sign the module: DKMS does, with a key that 'mokutil --import /var/lib/dkms/mok.pub' makes known; or turn Secure Boot off.");
	free(lockdown);
}

/* Where depmod found the module, relative to /lib/modules/RELEASE. */
static bool find_module(const struct doctor *d, char *path, size_t size)
{
	char name[PATH_MAX], *dep, *at, *start;
	bool found = false;

	snprintf(name, sizeof(name), "lib/modules/%s/modules.dep", d->release);
	dep = tree_read(d->env, name, NULL);
	for (at = dep; at && (at = strstr(at, "/redoubt.ko")); at++) {
		for (start = at; start > dep && start[-1] != '\n' && start[-1] != ' '; start--)
			;
		/* Only the first word of a line is a module; the others are what it needs. */
		if (start > dep && start[-1] == ' ')
			continue;
		snprintf(path, size, "%.*s", (int)strcspn(start, ":\n"), start);
		found = true;
		break;
	}
	free(dep);
	return found;
}

static void check_module(const struct doctor *d, struct doctor_answer *a)
{
	char path[128];

	if (d->release && find_module(d, path, sizeof(path)))
		doctor_answer(a, DOCTOR_OK, path, NULL);
	else if (d->loaded)
		doctor_answer(a, DOCTOR_UNSURE, "loaded, but not from /lib/modules",
			      "It will not be there after a restart: install redoubt-dkms.");
	else
		doctor_answer(a, DOCTOR_MISSING, "not in /lib/modules",
			      "Install redoubt-dkms; or copy redoubt.ko to /lib/modules/$(uname -r)/extra and run 'depmod -a'.");
}

static void check_loaded(const struct doctor *d, struct doctor_answer *a)
{
	doctor_answer(a, d->loaded ? DOCTOR_OK : DOCTOR_MISSING, d->loaded ? "yes" : "no",
		      d->loaded ? NULL : "'modprobe redoubt' as root; if it refuses, 'dmesg | grep redoubt:' says why.");
}

static void check_early(const struct doctor *d, struct doctor_answer *a)
{
	bool hook = tree_exists(d->env, "usr/share/initramfs-tools/hooks/redoubt");

	doctor_answer(a, hook ? DOCTOR_OK : DOCTOR_UNSURE, hook ? "from the initramfs" : "by hand",
		      hook ? NULL : "Until the module is loaded the host is trusted: redoubt-dkms loads it from the initramfs.");
}

static void check_device(const struct doctor *d, struct doctor_answer *a, const char *path)
{
	if (!tree_exists(d->env, path))
		doctor_answer(a, DOCTOR_MISSING, "not there", "It comes with the module.");
	else if (!d->loaded)
		doctor_answer(a, DOCTOR_MISSING, "belongs to the kernel's own KVM, which has EL2",
			      "Put " DOCTOR_WORDS " on the kernel command line.");
	else if (tree_access(d->env, path, R_OK | W_OK))
		doctor_answer(a, DOCTOR_UNSURE, "not for this user",
			      "'adduser USER kvm' as root, and log in again.");
	else
		doctor_answer(a, DOCTOR_OK, "usable", NULL);
}

static void check_kvm(const struct doctor *d, struct doctor_answer *a)
{
	check_device(d, a, "dev/kvm");
}

static void check_protected(const struct doctor *d, struct doctor_answer *a)
{
	check_device(d, a, "dev/kvm-protected");
}

static void check_debugfs(const struct doctor *d, struct doctor_answer *a)
{
	if (tree_exists(d->env, "sys/kernel/debug/redoubt"))
		doctor_answer(a, DOCTOR_OK, "mounted", NULL);
	else if (tree_access(d->env, "sys/kernel/debug/.", R_OK) && errno == EACCES)
		doctor_answer(a, DOCTOR_UNSURE, "for root only: status, map and trace need it", NULL);
	else
		doctor_answer(a, DOCTOR_UNSURE, "has nothing of Redoubt's",
			      d->loaded ? "mount -t debugfs none /sys/kernel/debug" : NULL);
}

static void check_qemu(const struct doctor *d, struct doctor_answer *a)
{
	char path[PATH_MAX];

	if (qemu_find(d->env, path, sizeof(path)))
		doctor_answer(a, DOCTOR_OK, path, NULL);
	else
		doctor_answer(a, DOCTOR_UNSURE, "not found",
			      "'redoubt run' needs it: apt-get install qemu-system-arm.");
}

const struct doctor_check doctor_system[] = {
	{ "kernel", check_kernel },
	{ "kernel configuration", check_config },
	{ "kernel command line", check_words },
	{ "signed modules", check_lockdown },
	{ "module", check_module },
	{ "module loaded", check_loaded },
	{ "loaded at boot", check_early },
	{ "/dev/kvm", check_kvm },
	{ "/dev/kvm-protected", check_protected },
	{ "debugfs", check_debugfs },
	{ "QEMU", check_qemu },
};
const size_t doctor_nr_system = sizeof(doctor_system) / sizeof(doctor_system[0]);
