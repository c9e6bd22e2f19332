// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmevents EVENT [SEED]: a guest whose memory the host plays with; see vm.h. What the
 * machine must have for an event (swap, huge pages, two nodes) is the caller's to set up;
 * VMEVENTS_BAR names the file of a PCI device's memory for "device".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

static const struct {
	const char *name;
	void (*run)(void);
} events[] = {
	{ "ksm", event_ksm },
	{ "swap", event_swap },
	{ "cold", event_cold },
	{ "free", event_free },
	{ "dontneed", event_dontneed },
	{ "replace", event_replace },
	{ "punch", event_punch },
	{ "hugetlb", event_hugetlb },
	{ "hugetlb-sizes", event_hugetlb_sizes },
	{ "two-vms", event_two_vms },
	{ "compact", event_compact },
	{ "migrate", event_migrate },
	{ "numa", event_numa },
	{ "collapse", event_collapse },
	{ "soft-offline", event_soft_offline },
	{ "fork", event_fork },
	{ "uffd-wp", event_uffd_wp },
	{ "protect", event_protect },
	{ "hwpoison", event_hwpoison },
	{ "hwpoison-huge", event_hwpoison_huge },
	{ "slots", event_slots },
	{ "ring", event_ring },
	{ "log", event_log },
	{ "sigmask", event_sigmask },
	{ "ipa", event_ipa },
	{ "readonly", event_readonly },
	{ "stats", event_stats },
	{ "set-way", event_set_way },
	{ "device", event_device },
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

int main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	rnd_seed(seed);
	if (argc > 3 && !strcmp(argv[1], "kill")) {
		event_kill(atoi(argv[3]), seed);
		return 0;
	}
	for (i = 0; argc > 1 && i < EVENTS; i++) {
		if (!strcmp(argv[1], events[i].name)) {
			events[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: vmevents EVENT [SEED], vmevents kill SEED ROUNDS; events:");
	for (i = 0; i < EVENTS; i++)
		fprintf(stderr, " %s", events[i].name);
	fprintf(stderr, "\n");
	return 2;
}
