// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sample for people.
 */
#include <inttypes.h>

#include "sample.h"

#define SIZE(bytes) rt_size((char[24]){ 0 }, 24, bytes)

static void machine(const struct rt_env *env, const struct sample *s)
{
	const struct pairs *g = &s->geometry, *m = &s->memory;
	uint64_t granule = pairs_get(g, "granule_bytes");

	fprintf(env->out, "%sRedoubt %s%s  the host is behind stage 2\n\n", RT_BOLD(env),
		s->version, RT_PLAIN(env));
	fprintf(env->out,
		"geometry  %" PRIu64 " KiB pages, %" PRIu64 "-bit physical addresses%s, guests up to %"
		PRIu64 " bits, %" PRIu64 "-bit VMIDs\n", granule >> 10, pairs_get(g, "physical_bits"),
		pairs_get(g, "lpa2") ? " (LPA2)" : "", pairs_get(g, "guest_bits_max"),
		pairs_get(g, "vmid_bits"));
	fprintf(env->out, "EL2 has   %s of %s: program %s, page records %s, CPUs %s, tables %s",
		SIZE(pairs_get(m, "total")), SIZE(pairs_get(m, "ram")), SIZE(pairs_get(m, "image")),
		SIZE(pairs_get(m, "vmemmap")), SIZE(pairs_get(m, "cpus")),
		SIZE(pairs_get(m, "tables")));
	fprintf(env->out, " (%s free)\n", SIZE(pairs_get(&s->stats, "POOL_FREE") * granule));
}

static void totals(const struct rt_env *env, const struct sample *old, const struct sample *now)
{
	static const struct {
		const char *title, *counter;
	} rows[] = {
		{ "hypercalls", "HYPERCALLS" },	   { "host faults", "HOST_FAULTS" },
		{ "host refused", "HOST_REFUSED" }, { "guest entries", "RUNS" },
		{ "exits: trap", "EXITS_TRAP" },    { "exits: interrupt", "EXITS_IRQ" },
		{ "done at EL2", "EXITS_EL2" },
	};
	double seconds = old ? now->seconds - old->seconds : 0;
	size_t i;

	fprintf(env->out, "\n%-18s %14s %12s\n", "at EL2", "since launch", "per second");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fprintf(env->out, "%-18s %14" PRIu64, rows[i].title,
			pairs_get(&now->stats, rows[i].counter));
		if (old)
			fprintf(env->out, " %12.0f", rate(&old->stats, &now->stats,
							  rows[i].counter, seconds));
		fputc('\n', env->out);
	}
}

static void vcpu_line(const struct rt_env *env, const struct vm_vcpu *old,
		      const struct vm_vcpu *now, double seconds)
{
	static const char *const counters[] = { "exits", "mmio_exit_user", "mmio_exit_kernel",
						"hvc_exit_stat", "wfi_exit_stat", "irq_exits",
						"sysreg_exits", "fault_exits" };
	const char *state = pairs_get(&now->counters, "running") ? "in guest" :
			    pairs_get(&now->counters, "blocking") ? "waits" : "in host";
	size_t i;

	fprintf(env->out, "  %4" PRIu64 "  %-8s", now->id, state);
	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (old)
			fprintf(env->out, " %8.0f",
				rate(&old->counters, &now->counters, counters[i], seconds));
		else
			fprintf(env->out, " %8" PRIu64, pairs_get(&now->counters, counters[i]));
	}
	fputc('\n', env->out);
}

static void one_vm(const struct rt_env *env, const struct sample *old, const struct sample *now,
		   const struct vm *vm)
{
	const struct vm *before = vm_before(old, vm);
	uint64_t granule = pairs_get(&now->geometry, "granule_bytes");
	size_t i;

	fprintf(env->out, "\n%sVM %" PRIu64 "%s  %s%s%s  %s%s%s, process %" PRIu64 ", %s in use\n",
		RT_BOLD(env), vm->handle, RT_PLAIN(env), vm->is_protected ? RT_GREEN(env) : "",
		vm->is_protected ? "protected" : "ordinary", RT_PLAIN(env), vm->name,
		*vm->name ? ", " : "", vm->command, vm->pid,
		SIZE(pairs_get(&vm->counters, "pages_mapped") * granule));
	fprintf(env->out, "  %s  %-8s %8s %8s %8s %8s %8s %8s %8s %8s  %s\n", "vCPU", "", "exits",
		"MMIO/VMM", "MMIO/KVM", "HVC", "WFI", "IRQ", "sysreg", "fault",
		before ? "per second" : "in all");
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_line(env, vcpu_before(before, &vm->vcpu[i]), &vm->vcpu[i],
			  old ? now->seconds - old->seconds : 0);
}

void status_text(const struct rt_env *env, const struct sample *old, const struct sample *now)
{
	size_t i;

	machine(env, now);
	totals(env, old, now);
	for (i = 0; i < now->vms.nr; i++)
		one_vm(env, old, now, &now->vms.vm[i]);
	if (!now->vms.nr)
		fputs("\nNo VM exists.\n", env->out);
}
