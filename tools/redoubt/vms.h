/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMs that exist: debugfs' file vms, with the name that the VMM's arguments give.
 */
#ifndef REDOUBT_TOOL_VMS_H
#define REDOUBT_TOOL_VMS_H

#include "pairs.h"
#include "redoubt.h"

struct vm_vcpu {
	uint64_t id;
	struct pairs counters;
};

struct vm {
	uint64_t handle; /* vmN in the list of owners */
	uint64_t pid;
	bool is_protected;
	char command[64];
	char name[64]; /* of QEMU's -name, or empty */
	struct pairs counters;
	size_t nr_vcpus;
	struct vm_vcpu *vcpu;
};

struct vms {
	size_t nr;
	struct vm *vm;
};

/**
 * vms_parse() - Out of the file's text. Lines of an unknown kind are skipped.
 *
 * Return: RT_OK with @vms to vms_free(); RT_FAILED, after a line, without memory.
 */
int vms_parse(const struct rt_env *env, struct vms *vms, const char *text);

/** vms_read() - The file's, with names out of /proc. An exit code; @vms to vms_free(). */
int vms_read(const struct rt_env *env, struct vms *vms);

void vms_free(struct vms *vms);

/** vms_find() - The VM with this handle, or NULL. */
const struct vm *vms_find(const struct vms *vms, uint64_t handle);

/** vm_sum() - A counter of all vCPUs together. */
uint64_t vm_sum(const struct vm *vm, const char *counter);

#endif /* REDOUBT_TOOL_VMS_H */
