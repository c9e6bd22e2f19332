// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sample for programs: one line of JSON. Names are those of debugfs' files.
 */
#include <string.h>

#include "json.h"
#include "sample.h"

static void numbers(struct json *j, const char *name, const struct pairs *pairs)
{
	size_t i;

	json_open(j, name, '{');
	for (i = 0; i < pairs->nr; i++)
		json_number(j, pairs->pair[i].name, pairs->pair[i].value);
	json_close(j, '}');
}

/* What is no counter has no rate. */
static bool counts(const char *name)
{
	static const char *const facts[] = { "GEOMETRY", "ICH_VTR", "POOL_FREE", "VMS",
					     "TEARDOWN_MAX_NS", "vcpu", "id", "running",
					     "blocking" };
	size_t i;

	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (!strcmp(facts[i], name))
			return false;
	return true;
}

static void rates(struct json *j, const struct pairs *old, const struct pairs *now, double seconds)
{
	size_t i;

	if (!old)
		return;
	json_open(j, "per_second", '{');
	for (i = 0; i < now->nr; i++)
		if (counts(now->pair[i].name))
			json_decimal(j, now->pair[i].name,
				     rate(old, now, now->pair[i].name, seconds));
	json_close(j, '}');
}

static void vcpu_object(struct json *j, const struct vm_vcpu *old, const struct vm_vcpu *vcpu,
			double seconds)
{
	json_open(j, NULL, '{');
	json_number(j, "id", vcpu->id);
	numbers(j, "counters", &vcpu->counters);
	rates(j, old ? &old->counters : NULL, &vcpu->counters, seconds);
	json_close(j, '}');
}

static void vm_object(struct json *j, const struct vm *old, const struct vm *vm, double seconds)
{
	size_t i;

	json_open(j, NULL, '{');
	json_number(j, "vm", vm->handle);
	json_number(j, "pid", vm->pid);
	json_string(j, "command", vm->command);
	json_string(j, "name", *vm->name ? vm->name : NULL);
	json_bool(j, "protected", vm->is_protected);
	json_number(j, "exits", vm_sum(vm, "exits"));
	numbers(j, "counters", &vm->counters);
	json_open(j, "vcpus", '[');
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_object(j, vcpu_before(old, &vm->vcpu[i]), &vm->vcpu[i], seconds);
	json_close(j, ']');
	json_close(j, '}');
}

void status_json(const struct rt_env *env, const struct sample *old, const struct sample *now)
{
	struct json j = { .out = env->out };
	double seconds = old ? now->seconds - old->seconds : 0;
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "version", now->version);
	numbers(&j, "contract", &now->contract);
	numbers(&j, "geometry", &now->geometry);
	numbers(&j, "memory", &now->memory);
	numbers(&j, "stats", &now->stats);
	rates(&j, old ? &old->stats : NULL, &now->stats, seconds);
	json_open(&j, "vms", '[');
	for (i = 0; i < now->vms.nr; i++)
		vm_object(&j, vm_before(old, &now->vms.vm[i]), &now->vms.vm[i], seconds);
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', env->out);
}
