// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of EL2 at one moment (sample.h).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"
#include "tree.h"

static int read_pairs(const struct rt_env *env, const char *name, struct pairs *pairs)
{
	char *text;
	int ret = tree_debugfs(env, name, &text);

	if (ret)
		return ret;
	pairs_lines(pairs, text);
	free(text);
	return RT_OK;
}

static int read_version(const struct rt_env *env, struct sample *s)
{
	char *text, *at;
	int ret = tree_debugfs(env, "version", &text);

	if (ret)
		return ret;
	pairs_lines(&s->contract, text);
	at = strstr(text, "module ");
	if (at)
		snprintf(s->version, sizeof(s->version), "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	free(text);
	return RT_OK;
}

int sample_take(const struct rt_env *env, struct sample *s)
{
	struct timespec now;
	int ret;

	*s = (struct sample){};
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->seconds = now.tv_sec + now.tv_nsec / 1e9;
	ret = read_version(env, s);
	if (!ret)
		ret = read_pairs(env, "geometry", &s->geometry);
	if (!ret)
		ret = read_pairs(env, "memory", &s->memory);
	if (!ret)
		ret = read_pairs(env, "stats", &s->stats);
	return ret ? ret : vms_read(env, &s->vms);
}

void sample_free(struct sample *s)
{
	vms_free(&s->vms);
}

double rate(const struct pairs *old, const struct pairs *now, const char *name, double seconds)
{
	uint64_t before = old ? pairs_get(old, name) : 0, after = pairs_get(now, name);

	return old && seconds > 0 && after >= before ? (after - before) / seconds : 0;
}

const struct vm *vm_before(const struct sample *old, const struct vm *vm)
{
	const struct vm *found = old ? vms_find(&old->vms, vm->handle) : NULL;

	return found && found->pid == vm->pid ? found : NULL;
}

const struct vm_vcpu *vcpu_before(const struct vm *old, const struct vm_vcpu *vcpu)
{
	size_t i;

	for (i = 0; old && i < old->nr_vcpus; i++)
		if (old->vcpu[i].id == vcpu->id)
			return &old->vcpu[i];
	return NULL;
}
