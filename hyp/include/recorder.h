/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU writes down about the software that it runs: samples (FEAT_SPE), trace
 * (FEAT_TRBE), branches (FEAT_BRBE).
 *
 * They are the host's, which programs them at EL1. Their buffers are written by way of
 * the translations of whoever runs, at addresses of the host's choice, and also after
 * the instructions that the writes are about. A guest that runs meanwhile would be
 * recorded for the host to read, and its memory, or EL2's, could be written over. So
 * they stand still while a guest has the CPU, and never see EL2.
 */
#ifndef HYP_RECORDER_H
#define HYP_RECORDER_H

#include "cpu.h"

/* Fields of ID_AA64DFR0_EL1 (Arm ARM D19.2.59): not 0, if the CPU has that recorder. */
#define DFR0_PMSVER	 (0xfULL << 32)
#define DFR0_TRACEBUFFER (0xfULL << 44)
#define DFR0_BRBE	 (0xfULL << 52)

/* Asked of the CPU on each switch, since CPUs of one machine may differ. Most have none. */
static inline u64 recorders(void)
{
	return read_sysreg(id_aa64dfr0_el1) & (DFR0_PMSVER | DFR0_TRACEBUFFER | DFR0_BRBE);
}

/* With at least one recorder there: recorder_stop(), recorder_resume(). */
void recorder_drain(struct host_recorders *saved);
void recorder_restart(const struct host_recorders *saved);

/** recorder_init() - On each CPU that EL2 gets: nothing of EL2 is recorded from here on. */
void recorder_init(void);

/**
 * recorder_stop() - Before the first of the controls of a guest (MDCR_EL2, VTTBR_EL2, EL1) is
 * written: the host's recorders stop, and what they still hold is in memory, by the
 * host's own translations.
 */
static inline void recorder_stop(struct host_recorders *saved)
{
	if (port_unlikely(recorders()))
		recorder_drain(saved);
}

/** recorder_resume() - After the last of the host's controls is back: they go on. */
static inline void recorder_resume(const struct host_recorders *saved)
{
	if (port_unlikely(recorders()))
		recorder_restart(saved);
}

#endif /* HYP_RECORDER_H */
