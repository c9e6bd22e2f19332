/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU: where it is, and the arguments that a VM takes.
 */
#ifndef REDOUBT_TOOL_QEMU_H
#define REDOUBT_TOOL_QEMU_H

#include "redoubt.h"

#define QEMU_PROGRAM  "qemu-system-aarch64"
#define QEMU_DISKS    8
#define QEMU_FORWARDS 8

struct vm_config {
	bool is_protected;
	const char *name;
	const char *qemu;	/* the program; NULL: QEMU_PROGRAM out of PATH */
	const char *firmware;	/* UEFI, if there is no kernel */
	const char *kernel, *initrd, *append;
	const char *memory;	/* in QEMU's words, such as 512M */
	int cpus;
	bool network;		/* QEMU's user network */
	size_t nr_disks, nr_forwards, nr_extra;
	const char *disk[QEMU_DISKS];
	const char *forward[QEMU_FORWARDS]; /* "HOSTPORT:GUESTPORT" */
	char **extra;		/* further arguments */
};

/* Arguments of a program: memory of their own, NULL at the end. */
struct words {
	size_t nr;
	char **word;
	bool failed; /* out of memory: some are missing */
};

/** qemu_find() - The first qemu-system-aarch64 in PATH; with a root, in its usr/bin. */
bool qemu_find(const struct rt_env *env, char *path, size_t size);

/** qemu_words() - The whole command for a VM. To words_free(). */
void qemu_words(const struct vm_config *vm, struct words *words);

/** words_add() - One more argument, as printf() makes it. */
void words_add(struct words *words, const char *format, ...) RT_PRINTF(2, 3);

void words_free(struct words *words);

/** words_print() - As a line for a shell, in which a new line begins at each option. */
void words_print(FILE *out, const struct words *words);

#endif /* REDOUBT_TOOL_QEMU_H */
