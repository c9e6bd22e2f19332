// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns physical memory (owners.h).
 *
 * A line is "FIRST-LAST PAGES OWNER [lent to BORROWER] [xCOUNT] [device]", in rising order.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "owners.h"
#include "tree.h"

/* Where VM @handle is, or goes: handles beyond the last place share it. */
static int vm_class(struct owners *o, uint64_t handle)
{
	const size_t room = OWNERS_CLASSES - OWNERS_VM0;
	size_t i;

	for (i = 0; i < o->nr_vms && i < room; i++)
		if (o->vm[i] == handle)
			return OWNERS_VM0 + i;
	if (o->nr_vms < room) {
		o->vm[o->nr_vms] = handle;
		return OWNERS_VM0 + o->nr_vms++;
	}
	return OWNERS_CLASSES - 1;
}

static int find_class(struct owners *o, const char *who)
{
	uint64_t handle;

	if (!strncmp(who, "hyp", 3))
		return OWNERS_EL2;
	if (!strncmp(who, "host", 4))
		return strstr(who, " lent to guests") ? OWNERS_LENT :
		       strstr(who, " lent to hyp") ? OWNERS_LETTER : OWNERS_HOST;
	if (sscanf(who, "vm%" SCNu64, &handle) != 1)
		return -1;
	return strstr(who, " lent to host") ? OWNERS_WINDOW : vm_class(o, handle);
}

/* Handles in order, so that a VM keeps its colour while its pages move about. */
static void find_vms(struct owners *o, const char *text)
{
	bool seen[65536] = {};
	const char *at;
	uint64_t handle;

	for (at = strstr(text, " vm"); at; at = strstr(at + 3, " vm"))
		if (sscanf(at, " vm%" SCNu64, &handle) == 1 && handle < 65536)
			seen[handle] = true;
	for (handle = 0; handle < 65536; handle++)
		if (seen[handle])
			vm_class(o, handle);
}

static int parse_line(struct owners *o, const char *text)
{
	char line[160];
	struct owners_range *r = &o->range[o->nr];
	uint64_t last;
	int at = 0;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*u %n", &r->start, &last, &at) != 2 || !at ||
	    last < r->start || last + 1 == 0)
		return RT_FAILED;
	r->end = last + 1;
	r->class = find_class(o, line + at);
	r->device = strstr(line + at, " device");
	if (r->class < 0 || (o->nr && r->start < r[-1].end))
		return RT_FAILED;
	o->nr++;
	if (r->device) {
		o->device += r->class == OWNERS_HOST ? 0 : r->end - r->start;
		return RT_OK;
	}
	o->bytes[r->class] += r->end - r->start;
	o->ram += r->end - r->start;
	return RT_OK;
}

int owners_parse(const struct rt_env *env, struct owners *o, const char *text)
{
	size_t lines = 1;
	const char *at;

	*o = (struct owners){};
	for (at = text; *at; at++)
		lines += *at == '\n';
	o->range = calloc(lines, sizeof(*o->range));
	if (!o->range) {
		rt_error(env, "out of memory");
		return RT_FAILED;
	}
	find_vms(o, text);
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (parse_line(o, text)) {
			rt_error(env, "the list of owners has a line that this command does not know: %.*s",
				 (int)strcspn(text, "\n"), text);
			owners_free(o);
			return RT_FAILED;
		}
	}
	if (o->ram)
		return RT_OK;
	rt_error(env, "the list of owners has no RAM");
	owners_free(o);
	return RT_FAILED;
}

int owners_read(const struct rt_env *env, struct owners *o)
{
	char *text;
	int ret = tree_debugfs(env, "owners", &text);

	if (ret)
		return ret;
	ret = owners_parse(env, o, text);
	free(text);
	return ret;
}

void owners_free(struct owners *o)
{
	free(o->range);
	*o = (struct owners){};
}

const char *owners_label(const struct owners *o, const struct vms *vms, int class, char *buffer,
			 size_t size)
{
	static const char *const fixed[] = {
		[OWNERS_HOST] = "host",
		[OWNERS_EL2] = "Redoubt at EL2",
		[OWNERS_LENT] = "host, lent to ordinary VMs",
		[OWNERS_LETTER] = "host, lent to EL2",
		[OWNERS_WINDOW] = "protected VMs, lent to the host",
	};
	const char *name = "";
	const struct vm *vm;

	if (class < OWNERS_VM0)
		return fixed[class];
	if (class == OWNERS_CLASSES - 1 && o->nr_vms == OWNERS_CLASSES - OWNERS_VM0) {
		snprintf(buffer, size, "further protected VMs");
		return buffer;
	}
	vm = vms_find(vms, o->vm[class - OWNERS_VM0]);
	if (vm) /* its process may be gone */
		name = *vm->name ? vm->name : vm->command;
	snprintf(buffer, size, "protected VM %" PRIu64 "%s%s%s", o->vm[class - OWNERS_VM0],
		 *name ? " (" : "", name, *name ? ")" : "");
	return buffer;
}

const char *owners_percent(double share, char *buffer, size_t size)
{
	if (share < 0.0005)
		snprintf(buffer, size, "<0.1%%");
	else
		snprintf(buffer, size, "%.1f%%", share * 100);
	return buffer;
}
