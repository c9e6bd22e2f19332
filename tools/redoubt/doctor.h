/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Redoubt asks of a machine, requirement by requirement.
 */
#ifndef REDOUBT_TOOL_DOCTOR_H
#define REDOUBT_TOOL_DOCTOR_H

#include "redoubt.h"

#define DOCTOR_WORDS "kvm-arm.mode=none id_aa64mmfr1.vh=0"

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_UNSURE,	/* cannot be seen from here, or works with a drawback */
	DOCTOR_MISSING,
};

/* What the checks look at, read once. Texts may be NULL: not readable. */
struct doctor {
	const struct rt_env *env;
	bool loaded;
	char *release;	  /* of the kernel */
	char *cmdline;
	char *interrupts; /* /proc/interrupts */
	char *config;	  /* /boot/config-RELEASE */
};

struct doctor_answer {
	enum doctor_verdict verdict;
	char found[160]; /* what there is */
	char todo[320];	 /* what to do about it, or empty */
};

struct doctor_check {
	const char *name;
	void (*check)(const struct doctor *d, struct doctor_answer *answer);
};

/** doctor_answer() - Fills in an answer; @todo may be NULL. */
void doctor_answer(struct doctor_answer *answer, enum doctor_verdict verdict, const char *found,
		   const char *todo);

/** doctor_word() - Is this word on the kernel's command line? */
bool doctor_word(const struct doctor *d, const char *word);

/* In the order in which they are shown. */
extern const struct doctor_check doctor_machine[], doctor_system[];
extern const size_t doctor_nr_machine, doctor_nr_system;

#endif /* REDOUBT_TOOL_DOCTOR_H */
