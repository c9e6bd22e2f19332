// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map's sums for programs.
 */
#include <inttypes.h>

#include "json.h"
#include "owners.h"

void map_json(const struct rt_env *env, const struct owners *o, const struct vms *vms)
{
	static const char *const names[] = {
		[OWNERS_HOST] = "host",		  [OWNERS_EL2] = "el2",
		[OWNERS_LENT] = "lent_to_vms",	  [OWNERS_LETTER] = "lent_to_el2",
		[OWNERS_WINDOW] = "lent_to_host",
	};
	struct json j = { .out = env->out };
	uint64_t sum = 0;
	char label[96];
	int class;

	json_open(&j, NULL, '{');
	json_number(&j, "ram", o->ram);
	for (class = 0; class < OWNERS_VM0; class++)
		json_number(&j, names[class], o->bytes[class]);
	for (class = OWNERS_VM0; class < OWNERS_CLASSES; class++)
		sum += o->bytes[class];
	json_number(&j, "protected", sum);
	json_open(&j, "vms", '[');
	for (class = OWNERS_VM0; class < OWNERS_CLASSES; class++) {
		if (!o->bytes[class])
			continue;
		json_open(&j, NULL, '{');
		json_number(&j, "vm", o->vm[class - OWNERS_VM0]);
		json_string(&j, "label", owners_label(o, vms, class, label, sizeof(label)));
		json_number(&j, "bytes", o->bytes[class]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', env->out);
}
