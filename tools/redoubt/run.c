// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt run: starts a VM under Debian's QEMU, and becomes it.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemu.h"
#include "tree.h"

#define FIRMWARE "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

static const char help[] =
	"Usage: redoubt run [OPTION...] [-- QEMU-ARGUMENT...]\n\n"
	"Starts a VM under qemu-system-aarch64 with its serial line on this terminal. Ctrl-A X\n"
	"ends it. The exit code is QEMU's.\n\n"
	"  --protected         out of the host's reach, on /dev/kvm-protected\n"
	"  --kernel FILE       boot this kernel (or a disk, by UEFI)\n"
	"  --initrd FILE       with this initial RAM disk\n"
	"  --append WORDS      and these words after 'console=ttyAMA0'\n"
	"  --disk FILE         a disk, raw or qcow2; up to 8\n"
	"  --memory SIZE       such as 512M or 2G (default 1G)\n"
	"  --cpus N            number of vCPUs (default 1)\n"
	"  --net               a network card on QEMU's user network\n"
	"  --forward HOST:GUEST  a TCP port of this machine's leads to the guest's; implies --net\n"
	"  --name NAME         what 'redoubt status' calls it (default: vm)\n"
	"  --firmware FILE     UEFI, where there is no --kernel\n"
	"  --qemu FILE         another qemu-system-aarch64\n"
	"  --dry-run           print the command instead\n";

struct run {
	struct vm_config vm;
	bool dry;
};

enum { OPT_PROTECTED = 256, OPT_KERNEL, OPT_INITRD, OPT_APPEND, OPT_DISK, OPT_MEMORY, OPT_CPUS,
       OPT_NET, OPT_FORWARD, OPT_NAME, OPT_FIRMWARE, OPT_QEMU, OPT_DRY, OPT_HELP };

static int add_disk(const struct rt_env *env, struct vm_config *vm)
{
	if (vm->nr_disks == QEMU_DISKS)
		return rt_usage(env, "at most %d disks", QEMU_DISKS);
	vm->disk[vm->nr_disks++] = optarg;
	return RT_OK;
}

static bool port(const char *text, char end)
{
	char *stop;
	long n = strtol(text, &stop, 10);

	return isdigit((unsigned char)*text) && *stop == end && n > 0 && n < 65536;
}

static int add_forward(const struct rt_env *env, struct vm_config *vm)
{
	const char *colon = strchr(optarg, ':');

	if (!colon || !port(optarg, ':') || !port(colon + 1, '\0'))
		return rt_usage(env, "--forward takes two ports such as 2222:22, not '%s'", optarg);
	if (vm->nr_forwards == QEMU_FORWARDS)
		return rt_usage(env, "at most %d --forward", QEMU_FORWARDS);
	vm->forward[vm->nr_forwards++] = optarg;
	vm->network = true;
	return RT_OK;
}

static int set_memory(const struct rt_env *env, struct vm_config *vm)
{
	size_t digits = strspn(optarg, "0123456789");
	char unit = optarg[digits];

	if (!digits || digits > 9 || !strchr("MG", toupper((unsigned char)unit)) ||
	    (unit && optarg[digits + 1]) || !strtoul(optarg, NULL, 10))
		return rt_usage(env, "--memory takes MiB, or such as 512M or 2G, not '%s'", optarg);
	vm->memory = optarg;
	return RT_OK;
}

static int set_cpus(const struct rt_env *env, struct vm_config *vm)
{
	char *end;
	long n = strtol(optarg, &end, 10);

	if (end == optarg || *end || n < 1 || n > 512)
		return rt_usage(env, "--cpus takes a number from 1 to 512, not '%s'", optarg);
	vm->cpus = n;
	return RT_OK;
}

static int one_option(const struct rt_env *env, struct run *r, int c, const char *word)
{
	struct vm_config *vm = &r->vm;

	switch (c) {
	case OPT_PROTECTED:
		vm->is_protected = true;
		return RT_OK;
	case OPT_KERNEL:
		vm->kernel = optarg;
		return RT_OK;
	case OPT_INITRD:
		vm->initrd = optarg;
		return RT_OK;
	case OPT_APPEND:
		vm->append = optarg;
		return RT_OK;
	case OPT_DISK:
		return add_disk(env, vm);
	case OPT_MEMORY:
		return set_memory(env, vm);
	case OPT_CPUS:
		return set_cpus(env, vm);
	case OPT_NET:
		vm->network = true;
		return RT_OK;
	case OPT_FORWARD:
		return add_forward(env, vm);
	case OPT_NAME:
		vm->name = optarg;
		return RT_OK;
	case OPT_FIRMWARE:
		vm->firmware = optarg;
		return RT_OK;
	case OPT_QEMU:
		vm->qemu = optarg;
		return RT_OK;
	case OPT_DRY:
		r->dry = true;
		return RT_OK;
	default:
		return rt_usage(env, "run: no option '%s', or its value is missing", word);
	}
}

static int parse(const struct rt_env *env, struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "protected", no_argument, NULL, OPT_PROTECTED },
		{ "kernel", required_argument, NULL, OPT_KERNEL },
		{ "initrd", required_argument, NULL, OPT_INITRD },
		{ "append", required_argument, NULL, OPT_APPEND },
		{ "disk", required_argument, NULL, OPT_DISK },
		{ "memory", required_argument, NULL, OPT_MEMORY },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "net", no_argument, NULL, OPT_NET },
		{ "forward", required_argument, NULL, OPT_FORWARD },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "firmware", required_argument, NULL, OPT_FIRMWARE },
		{ "qemu", required_argument, NULL, OPT_QEMU },
		{ "dry-run", no_argument, NULL, OPT_DRY },
		{ "help", no_argument, NULL, OPT_HELP },
		{},
	};
	int c, ret = RT_OK;

	opterr = 0;
	optind = 0;
	while (!ret && (c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (c == OPT_HELP) {
			fputs(help, env->out);
			return -1;
		}
		ret = one_option(env, r, c, argv[optind - 1]);
	}
	if (ret)
		return ret;
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		return rt_usage(env, "run takes no '%s'; QEMU's own arguments follow '--'",
				argv[optind]);
	r->vm.extra = argv + optind;
	r->vm.nr_extra = argc - optind;
	if (!r->vm.kernel && !r->vm.nr_disks)
		return rt_usage(env, "what shall it boot? --kernel or --disk");
	if (!r->vm.kernel && (r->vm.initrd || r->vm.append))
		return rt_usage(env, "--initrd and --append go with --kernel");
	return RT_OK;
}

static int check_file(const struct rt_env *env, const char *path)
{
	if (!path || !access(path, R_OK))
		return RT_OK;
	rt_error(env, "%s: %s", path, strerror(errno));
	return errno == EACCES ? RT_DENIED : RT_FAILED;
}

static int check_files(const struct rt_env *env, const struct vm_config *vm)
{
	size_t i;
	int ret = check_file(env, vm->kernel);

	if (!ret)
		ret = check_file(env, vm->initrd);
	for (i = 0; i < vm->nr_disks && !ret; i++)
		ret = check_file(env, vm->disk[i]);
	if (ret || vm->kernel || !access(vm->firmware, R_OK))
		return ret;
	rt_error(env, "%s: %s; the package qemu-efi-aarch64 has " FIRMWARE, vm->firmware,
		 strerror(errno));
	return RT_FAILED;
}

static int check_host(const struct rt_env *env, const struct vm_config *vm)
{
	const char *device = vm->is_protected ? "dev/kvm-protected" : "dev/kvm";

	if (!tree_loaded(env)) {
		rt_error(env, "the module is not loaded: 'modprobe redoubt' as root; 'redoubt doctor' says what else is missing");
		return RT_NOT_LOADED;
	}
	if (!tree_access(env, device, R_OK | W_OK))
		return RT_OK;
	rt_error(env, "/%s: %s; users of it are in the group kvm", device, strerror(errno));
	return errno == EACCES ? RT_DENIED : RT_FAILED;
}

static int become(const struct rt_env *env, const struct words *w)
{
	fflush(env->out);
	execvp(w->word[0], w->word);
	rt_error(env, "%s: %s", w->word[0], strerror(errno));
	return RT_FAILED;
}

static int check_qemu(const struct rt_env *env, const struct vm_config *vm)
{
	char path[PATH_MAX];

	if (vm->qemu || qemu_find(env, path, sizeof(path)))
		return RT_OK;
	rt_error(env, "no " QEMU_PROGRAM " in PATH: apt-get install qemu-system-arm");
	return RT_FAILED;
}

static int start(const struct rt_env *env, struct run *r)
{
	struct words words;
	int ret = check_files(env, &r->vm);

	if (!ret && !r->dry)
		ret = check_qemu(env, &r->vm);
	if (!ret && !r->dry)
		ret = check_host(env, &r->vm);
	if (ret)
		return ret;
	qemu_words(&r->vm, &words);
	if (words.failed) {
		rt_error(env, "out of memory");
		ret = RT_FAILED;
	} else if (r->dry) {
		words_print(env->out, &words);
	} else {
		ret = become(env, &words);
	}
	words_free(&words);
	return ret;
}

int rt_run(struct rt_env *env, int argc, char **argv)
{
	struct run r = { .vm = { .name = "vm", .memory = "1G", .cpus = 1, .firmware = FIRMWARE } };
	int ret = parse(env, &r, argc, argv);

	if (ret)
		return ret < 0 ? RT_OK : ret;
	return start(env, &r);
}
