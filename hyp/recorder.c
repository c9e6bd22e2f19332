// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's recorders: see hyp/include/recorder.h. No locks: they are this CPU's.
 *
 * What firmware keeps for itself (P in PMBIDR_EL1, TRBIDR_EL1) would trap to it,
 * and can't be on for the host. Trace that leaves the CPU by another way than TRBE
 * is not stopped: its filters may be firmware's (MDCR_EL3.TTRF), with no way to ask.
 */
#include "recorder.h"

/* By encoding: the assembler may not know the extensions. */
#define PMSCR_EL1	S3_0_C9_C9_0
#define PMSCR_EL2	S3_4_C9_C9_0
#define PMBLIMITR_EL1	S3_0_C9_C10_0
#define PMBIDR_EL1	S3_0_C9_C10_7
#define TRBLIMITR_EL1	S3_0_C9_C11_0
#define TRBIDR_EL1	S3_0_C9_C11_7
#define TRFCR_EL1	S3_0_C1_C2_1
#define TRFCR_EL2	S3_4_C1_C2_1
#define BRBCR_EL1	S2_1_C9_C0_0
#define BRBCR_EL2	S2_4_C9_C0_0

#define LIMITR_E (1ULL << 0) /* of both buffers */
#define BIDR_P	 (1ULL << 4) /* of both: owned by a higher exception level */

static bool has_samples(u64 has)
{
	return has & DFR0_PMSVER && !(read_sysreg(PMBIDR_EL1) & BIDR_P);
}

static bool has_trace(u64 has)
{
	return has & DFR0_TRACEBUFFER && !(read_sysreg(TRBIDR_EL1) & BIDR_P);
}

void recorder_init(void)
{
	u64 has = recorders();

	if (has_samples(has))
		write_sysreg(PMSCR_EL2, 0);
	if (has_trace(has))
		write_sysreg(TRFCR_EL2, 0);
	if (has & DFR0_BRBE)
		write_sysreg(BRBCR_EL2, 0);
}

/* No new record, by the filters; and which buffers are on. */
static void stop_recording(struct host_recorders *saved, u64 has)
{
	if (has & DFR0_BRBE) {
		saved->brbcr = read_sysreg(BRBCR_EL1);
		write_sysreg(BRBCR_EL1, 0);
	}
	if (has_samples(has))
		saved->pmblimitr = read_sysreg(PMBLIMITR_EL1);
	if (saved->pmblimitr & LIMITR_E) {
		saved->pmscr = read_sysreg(PMSCR_EL1);
		write_sysreg(PMSCR_EL1, 0);
	}
	if (has_trace(has))
		saved->trblimitr = read_sysreg(TRBLIMITR_EL1);
	if (saved->trblimitr & LIMITR_E) {
		saved->trfcr = read_sysreg(TRFCR_EL1);
		write_sysreg(TRFCR_EL1, 0);
	}
}

void recorder_drain(struct host_recorders *saved)
{
	u64 has = recorders();

	*saved = (struct host_recorders){ .has = has };
	stop_recording(saved, has);
	/*
	 * The ISB makes the filters current: what comes after is not recorded. The CSYNCs
	 * order what was recorded before a following DSB, and that completes its writes to
	 * memory (Arm ARM D16.7, D6.7). They are hints, no more than a NOP on a CPU
	 * without the buffer. Only then are the buffers off, before the guest's
	 * controls: the ISB keeps the two in this order.
	 */
	isb();
	psb_csync();
	tsb_csync();
	dsb(nsh);
	if (saved->pmblimitr & LIMITR_E)
		write_sysreg(PMBLIMITR_EL1, 0);
	if (saved->trblimitr & LIMITR_E)
		write_sysreg(TRBLIMITR_EL1, 0);
	isb();
}

void recorder_restart(const struct host_recorders *saved)
{
	/* The host's translations are in force before a buffer is on, the buffers before the filters. */
	isb();
	if (saved->pmblimitr & LIMITR_E)
		write_sysreg(PMBLIMITR_EL1, saved->pmblimitr);
	if (saved->trblimitr & LIMITR_E)
		write_sysreg(TRBLIMITR_EL1, saved->trblimitr);
	isb();
	if (saved->pmblimitr & LIMITR_E)
		write_sysreg(PMSCR_EL1, saved->pmscr);
	if (saved->trblimitr & LIMITR_E)
		write_sysreg(TRFCR_EL1, saved->trfcr);
	if (saved->has & DFR0_BRBE)
		write_sysreg(BRBCR_EL1, saved->brbcr);
}
