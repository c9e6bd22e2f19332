// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMs that exist (vms.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"
#include "vms.h"

static void *one_more(void *array, size_t nr, size_t size)
{
	char *grown = realloc(array, (nr + 1) * size);

	if (grown)
		memset(grown + nr * size, 0, size);
	return grown;
}

/* Copies up to the line's end. */
static void copy_rest(char *to, size_t size, const char *from)
{
	size_t length = strcspn(from, "\n");

	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

static int add_vm(struct vms *vms, const char *line)
{
	struct vm *vm = one_more(vms->vm, vms->nr, sizeof(*vm));
	const char *rest;

	if (!vm)
		return RT_FAILED;
	vms->vm = vm;
	vm += vms->nr++;
	rest = pairs_words(&vm->counters, line);
	vm->handle = pairs_get(&vm->counters, "vm");
	vm->pid = pairs_get(&vm->counters, "pid");
	vm->is_protected = pairs_get(&vm->counters, "protected");
	if (!strncmp(rest, "command ", 8))
		copy_rest(vm->command, sizeof(vm->command), rest + 8);
	return RT_OK;
}

/* A vCPU follows its VM. */
static int add_vcpu(struct vms *vms, const char *line)
{
	struct vm *vm = vms->nr ? &vms->vm[vms->nr - 1] : NULL;
	struct vm_vcpu *vcpu;

	if (!vm)
		return RT_OK;
	vcpu = one_more(vm->vcpu, vm->nr_vcpus, sizeof(*vcpu));
	if (!vcpu)
		return RT_FAILED;
	vm->vcpu = vcpu;
	vcpu += vm->nr_vcpus++;
	pairs_words(&vcpu->counters, line);
	vcpu->id = pairs_get(&vcpu->counters, "id");
	return RT_OK;
}

int vms_parse(const struct rt_env *env, struct vms *vms, const char *text)
{
	int ret = RT_OK;

	*vms = (struct vms){};
	for (; *text && !ret; text += strcspn(text, "\n"), text += *text == '\n') {
		if (!strncmp(text, "vm ", 3))
			ret = add_vm(vms, text);
		else if (!strncmp(text, "vcpu ", 5))
			ret = add_vcpu(vms, text);
	}
	if (ret) {
		rt_error(env, "out of memory");
		vms_free(vms);
	}
	return ret;
}

/* "-name X", "-name guest=X,debug-threads=on": the X. Arguments end with NULs. */
static void find_name(const struct rt_env *env, struct vm *vm)
{
	char path[48], *args, *at, *end;
	size_t size;

	snprintf(path, sizeof(path), "proc/%" PRIu64 "/cmdline", vm->pid);
	args = tree_read(env, path, &size);
	if (!args)
		return;
	end = args + size;
	for (at = args; at < end; at += strlen(at) + 1) {
		if (strcmp(at, "-name") || at + 6 >= end)
			continue;
		at += 6;
		if (!strncmp(at, "guest=", 6))
			at += 6;
		snprintf(vm->name, sizeof(vm->name), "%.*s", (int)strcspn(at, ","), at);
		break;
	}
	free(args);
}

int vms_read(const struct rt_env *env, struct vms *vms)
{
	char *text;
	size_t i;
	int ret = tree_debugfs(env, "vms", &text);

	*vms = (struct vms){};
	if (ret)
		return ret;
	ret = vms_parse(env, vms, text);
	free(text);
	for (i = 0; i < vms->nr; i++)
		find_name(env, &vms->vm[i]);
	return ret;
}

void vms_free(struct vms *vms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		free(vms->vm[i].vcpu);
	free(vms->vm);
	*vms = (struct vms){};
}

const struct vm *vms_find(const struct vms *vms, uint64_t handle)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		if (vms->vm[i].handle == handle)
			return &vms->vm[i];
	return NULL;
}

uint64_t vm_sum(const struct vm *vm, const char *counter)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < vm->nr_vcpus; i++)
		sum += pairs_get(&vm->vcpu[i].counters, counter);
	return sum;
}
