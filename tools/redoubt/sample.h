/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of EL2 at one moment, and what changed between two.
 */
#ifndef REDOUBT_TOOL_SAMPLE_H
#define REDOUBT_TOOL_SAMPLE_H

#include "vms.h"

struct sample {
	double seconds; /* of a clock that only goes forward */
	char version[32];
	struct pairs contract; /* "abi" */
	struct pairs geometry;
	struct pairs memory; /* bytes */
	struct pairs stats;
	struct vms vms;
};

/** sample_take() - Reads all of it. An exit code, after a line; else to sample_free(). */
int sample_take(const struct rt_env *env, struct sample *sample);

void sample_free(struct sample *sample);

/**
 * rate() - What a counter grew by in a second.
 * @old:	its pairs before, or NULL: then, and without time between, the rate is 0
 */
double rate(const struct pairs *old, const struct pairs *now, const char *name, double seconds);

/** vm_before() - The same VM in an older sample, or NULL. Handles are used again, so pids count. */
const struct vm *vm_before(const struct sample *old, const struct vm *vm);

/** vcpu_before() - The same vCPU of vm_before()'s VM, or NULL. */
const struct vm_vcpu *vcpu_before(const struct vm *old, const struct vm_vcpu *vcpu);

/* status' two forms; @old may be NULL. */
void status_text(const struct rt_env *env, const struct sample *old, const struct sample *now);
void status_json(const struct rt_env *env, const struct sample *old, const struct sample *now);

#endif /* REDOUBT_TOOL_SAMPLE_H */
