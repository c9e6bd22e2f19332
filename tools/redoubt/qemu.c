// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's arguments (qemu.h).
 *
 * A protected VM differs in two ways. QEMU 7.2 opens /dev/kvm whatever it is told, so the
 * other device is put in its place, in a mount namespace that only QEMU sees. And virtio
 * devices may use only memory that the guest has shared: that is what iommu_platform tells
 * its driver (docs/protected-vms.md).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemu.h"
#include "tree.h"

#define IN_PLACE "mount --bind /dev/kvm-protected /dev/kvm && exec \"$@\""

bool qemu_find(const struct rt_env *env, char *path, size_t size)
{
	const char *at = getenv("PATH");
	int length;

	if (*env->root) {
		snprintf(path, size, "/usr/bin/" QEMU_PROGRAM);
		return tree_exists(env, path + 1);
	}
	for (; at && *at; at += length + (at[length] == ':')) {
		length = strcspn(at, ":");
		if (length && (size_t)snprintf(path, size, "%.*s/" QEMU_PROGRAM, length, at) < size &&
		    !access(path, X_OK))
			return true;
	}
	return false;
}

/* A user other than root gets the right to mount with a user namespace. */
static void add_namespace(struct words *w)
{
	words_add(w, "unshare");
	if (geteuid())
		words_add(w, "--map-root-user");
	words_add(w, "--mount");
	words_add(w, "sh");
	words_add(w, "-c");
	words_add(w, IN_PLACE);
	words_add(w, "sh");
}

/* "QFI\xfb" begins a qcow2 image; anything else is taken as it is. */
static const char *disk_format(const char *path)
{
	unsigned char magic[4] = {};
	FILE *file = fopen(path, "re");

	if (file) {
		if (fread(magic, sizeof(magic), 1, file) != 1)
			magic[0] = 0;
		fclose(file);
	}
	return memcmp(magic, "QFI\xfb", 4) ? "raw" : "qcow2";
}

/* A comma in a value of QEMU's is written twice. */
static const char *escaped(char *buffer, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text && used + 3 < size; text++) {
		if (*text == ',')
			buffer[used++] = ',';
		buffer[used++] = *text;
	}
	buffer[used] = '\0';
	return buffer;
}

static void add_devices(const struct vm_config *vm, struct words *w)
{
	const char *shared = vm->is_protected ? ",disable-legacy=on,iommu_platform=on" : "";
	char text[2 * PATH_MAX];
	size_t i;

	for (i = 0; i < vm->nr_disks; i++) {
		words_add(w, "-drive");
		words_add(w, "if=none,id=disk%zu,format=%s,file=%s", i, disk_format(vm->disk[i]),
			  escaped(text, sizeof(text), vm->disk[i]));
		words_add(w, "-device");
		words_add(w, "virtio-blk-pci,drive=disk%zu%s", i, shared);
	}
	if (!vm->network)
		return;
	text[0] = '\0';
	for (i = 0; i < vm->nr_forwards; i++) {
		const char *colon = strchr(vm->forward[i], ':');
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, ",hostfwd=tcp:127.0.0.1:%.*s-:%s",
			 (int)(colon - vm->forward[i]), vm->forward[i], colon + 1);
	}
	words_add(w, "-netdev");
	words_add(w, "user,id=net0%s", text);
	words_add(w, "-device");
	/* No boot from the network: its program is in a package of its own. */
	words_add(w, "virtio-net-pci,netdev=net0,romfile=%s", shared);
}

static void add_software(const struct vm_config *vm, struct words *w)
{
	if (!vm->kernel) {
		words_add(w, "-bios");
		words_add(w, "%s", vm->firmware);
		return;
	}
	words_add(w, "-kernel");
	words_add(w, "%s", vm->kernel);
	if (vm->initrd) {
		words_add(w, "-initrd");
		words_add(w, "%s", vm->initrd);
	}
	words_add(w, "-append");
	words_add(w, "console=ttyAMA0%s%s", vm->append ? " " : "", vm->append ? vm->append : "");
}

void qemu_words(const struct vm_config *vm, struct words *w)
{
	char name[256];
	size_t i;

	*w = (struct words){};
	if (vm->is_protected)
		add_namespace(w);
	words_add(w, "%s", vm->qemu ? vm->qemu : QEMU_PROGRAM);
	words_add(w, "-name");
	words_add(w, "guest=%s", escaped(name, sizeof(name), vm->name));
	words_add(w, "-machine");
	words_add(w, "virt,gic-version=3");
	words_add(w, "-accel");
	words_add(w, "kvm");
	words_add(w, "-cpu");
	words_add(w, "host");
	words_add(w, "-smp");
	words_add(w, "%d", vm->cpus);
	words_add(w, "-m");
	words_add(w, "%s", vm->memory);
	words_add(w, "-nodefaults");
	words_add(w, "-display");
	words_add(w, "none");
	words_add(w, "-serial");
	words_add(w, "mon:stdio");
	add_software(vm, w);
	add_devices(vm, w);
	for (i = 0; i < vm->nr_extra; i++)
		words_add(w, "%s", vm->extra[i]);
}
