// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of EL2's trace (events.h). Names of calls, events and verbs come from the headers
 * that define them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <core/ownership.h>
#include <redoubt/abi.h>

#include "events.h"

#define NAME(name, format) #name,
static const char *const kinds[] = { RD_TRACE_EVENTS(NAME) };

#define FORMAT(name, format) format,
static const char *const formats[] = { RD_TRACE_EVENTS(FORMAT) };

int event_id(const char *name)
{
	int i;

	for (i = 0; i < RD_TRACE_NR; i++)
		if (!strcmp(kinds[i], name))
			return i;
	return -1;
}

/* "TIME [CPU] KIND: " and three words in the kind's own format: what printed reads, too. */
static void parse_line(struct event *e, const char *text)
{
	char line[256], kind[32];
	unsigned long long arg[3] = {};
	int at = 0, i;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	e->id = -1;
	if (sscanf(line, "%" SCNu64 " [%u] %31[A-Z_]: %n", &e->time, &e->cpu, kind, &at) != 3 || !at)
		return;
	e->id = event_id(kind);
	if (e->id >= 0 && sscanf(line + at, formats[e->id], &arg[0], &arg[1], &arg[2]) != 3)
		e->id = -1;
	for (i = 0; i < 3; i++)
		e->arg[i] = arg[i];
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int events_parse(const struct rt_env *env, struct events *events, const char *text)
{
	size_t lines = 1;
	const char *at;

	*events = (struct events){};
	for (at = text; *at; at++)
		lines += *at == '\n';
	events->event = calloc(lines, sizeof(*events->event));
	if (!events->event) {
		rt_error(env, "out of memory");
		return RT_FAILED;
	}
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		struct event *e = &events->event[events->nr];

		parse_line(e, text);
		e->order = events->nr;
		/* A kind that a newer module records is left out. */
		events->nr += e->id >= 0;
	}
	qsort(events->event, events->nr, sizeof(*events->event), by_time);
	return RT_OK;
}

void events_free(struct events *events)
{
	free(events->event);
	*events = (struct events){};
}

#define CALL(n, name, args, results) case n: return #name;
static const char *call_name(uint64_t number)
{
	switch (number) {
	RD_HYPERCALLS(CALL)
	default:
		return NULL;
	}
}

/* Arm ARM D24.2.40, the classes that a host or guest can cause. */
static const char *esr_class(uint64_t esr)
{
	switch (esr >> 26 & 0x3f) {
	case 0x01: return "WFI or WFE";
	case 0x07: return "FP or SIMD";
	case 0x0e: return "illegal state";
	case 0x16: return "HVC";
	case 0x17: return "SMC";
	case 0x18: return "system register";
	case 0x19: return "SVE";
	case 0x20: return "instruction abort";
	case 0x22: return "PC alignment";
	case 0x24: return "data abort";
	case 0x26: return "SP alignment";
	case 0x2f: return "SError";
	case 0x30: return "breakpoint";
	case 0x32: return "single step";
	case 0x34: return "watchpoint";
	case 0x3c: return "BRK";
	default: return "other";
	}
}

/* PSCI 1.1, section 5.1, and SMCCC 1.2: without the bit of 64-bit calls. */
static const char *smc_name(uint64_t function)
{
	switch (function & 0xbfffffff) {
	case 0x80000000: return "SMCCC_VERSION";
	case 0x80000001: return "SMCCC_ARCH_FEATURES";
	case 0x84000000: return "PSCI_VERSION";
	case 0x84000001: return "CPU_SUSPEND";
	case 0x84000002: return "CPU_OFF";
	case 0x84000003: return "CPU_ON";
	case 0x84000004: return "AFFINITY_INFO";
	case 0x84000006: return "MIGRATE_INFO_TYPE";
	case 0x84000008: return "SYSTEM_OFF";
	case 0x84000009: return "SYSTEM_RESET";
	case 0x8400000a: return "PSCI_FEATURES";
	case 0x8400000e: return "SYSTEM_SUSPEND";
	case 0x84000012: return "SYSTEM_RESET2";
	default: return NULL;
	}
}

static const char *exit_name(uint64_t reason)
{
	switch (reason) {
	case RD_EXIT_IRQ: return "interrupt";
	case RD_EXIT_TRAP: return "trap";
	case RD_EXIT_SERROR: return "SError";
	case RD_EXIT_ILLEGAL: return "illegal state";
	default: return "unknown reason";
	}
}

static const char *verb_name(uint64_t verb)
{
	static const char *const names[OWN_NR_VERBS] = {
		[OWN_HOST_SHARE_HYP] = "host lends to EL2",
		[OWN_HOST_UNSHARE_HYP] = "host takes back from EL2",
		[OWN_HOST_DONATE_HYP] = "host gives to EL2",
		[OWN_HYP_DONATE_HOST] = "EL2 gives to host",
		[OWN_HOST_SHARE_GUEST] = "host lends to guest",
		[OWN_HOST_UNSHARE_GUEST] = "host takes back from guest",
		[OWN_HOST_DONATE_GUEST] = "host gives to guest",
		[OWN_GUEST_SHARE_HOST] = "guest lends to host",
		[OWN_GUEST_UNSHARE_HOST] = "guest takes back from host",
		[OWN_GUEST_DONATE_HOST] = "guest gives to host",
		[OWN_GUEST_RECLAIM] = "host reclaims of dead guest",
		[OWN_GUEST_FORCE_RECLAIM] = "host reclaims of live guest",
	};

	return verb < OWN_NR_VERBS && names[verb] ? names[verb] : "unknown transition";
}

/* The register's name as assemblers take it. Arm ARM, ISS of class 0x18. */
static void print_sysreg(FILE *out, uint64_t esr)
{
	fprintf(out, " S%u_%u_C%u_C%u_%u %s", (unsigned int)(esr >> 20 & 3),
		(unsigned int)(esr >> 14 & 7), (unsigned int)(esr >> 10 & 15),
		(unsigned int)(esr >> 1 & 15), (unsigned int)(esr >> 17 & 7),
		esr & 1 ? "read" : "written");
}

static void print_exit(FILE *out, const struct event *e)
{
	fputs(exit_name(e->arg[0]), out);
	if (e->arg[0] != RD_EXIT_TRAP)
		return;
	fprintf(out, ": %s", esr_class(e->arg[1]));
	/* HPFAR_EL2 holds bits 51:12 of the address from bit 4 on; only aborts have one. */
	if ((e->arg[1] >> 26 & 0x3b) == 0x20)
		fprintf(out, " at IPA 0x%" PRIx64, (e->arg[2] & UINT64_C(0xfffffffffff)) >> 4 << 12);
	else if ((e->arg[1] >> 26 & 0x3f) == 0x18)
		print_sysreg(out, e->arg[1]);
	fprintf(out, ", ESR 0x%" PRIx64, e->arg[1]);
}

static void print_words(FILE *out, const struct event *e)
{
	const char *name;

	switch (e->id) {
	case RD_TRACE_HVC:
		name = call_name(e->arg[0]);
		fprintf(out, "%s(0x%" PRIx64 ", 0x%" PRIx64 ", ...)", name ? name : "unknown call",
			e->arg[1], e->arg[2]);
		break;
	case RD_TRACE_HOST_FAULT:
		fprintf(out, "%s at 0x%" PRIx64 ", ESR 0x%" PRIx64 ": ", esr_class(e->arg[0]),
			e->arg[1], e->arg[0]);
		if (e->arg[2])
			fprintf(out, "refused (%" PRId64 ")", (int64_t)e->arg[2]);
		else
			fputs("mapped", out);
		break;
	case RD_TRACE_SMC:
		name = smc_name(e->arg[0]);
		fprintf(out, "%s 0x%" PRIx64 " (0x%" PRIx64 ", 0x%" PRIx64 ", ...)",
			name ? name : "function", e->arg[0], e->arg[1], e->arg[2]);
		break;
	case RD_TRACE_RUN:
		fprintf(out, "VM %" PRIu64 ", vCPU %" PRIu64, e->arg[0], e->arg[1]);
		break;
	case RD_TRACE_EXIT:
		print_exit(out, e);
		break;
	default:
		fprintf(out, "%s: %" PRIu64 " pages from frame 0x%" PRIx64, verb_name(e->arg[0]),
			e->arg[2], e->arg[1]);
	}
}

void event_print(const struct rt_env *env, const struct event *e, bool raw)
{
	fprintf(env->out, "%s%-10s%s ", RT_BOLD(env), kinds[e->id], RT_PLAIN(env));
	if (raw)
		fprintf(env->out, formats[e->id], (unsigned long long)e->arg[0],
			(unsigned long long)e->arg[1], (unsigned long long)e->arg[2]);
	else
		print_words(env->out, e);
}
