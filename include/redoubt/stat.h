/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What EL2 tells about itself through RD_HVC_STAT. Values come first and are
 * facts; counters follow and are sums over all CPUs since launch.
 */
#ifndef REDOUBT_STAT_H
#define REDOUBT_STAT_H

/* X(name, what it is) */
#define RD_STAT_VALUES(X)                                                                          \
	X(GEOMETRY, "as RD_GEO_*")                                                                 \
	X(ICH_VTR, "ICH_VTR_EL2")                                                                  \
	X(POOL_FREE, "free pages of EL2's pool of table pages")                                    \
	X(VMS, "VMs that exist")

#define RD_STAT_COUNTERS(X)                                                                        \
	X(HYPERCALLS, "hypercalls of the host")                                                    \
	X(HYPERCALLS_BAD, "of these, unknown ones")                                                \
	X(SMCS, "SMCs of the host")                                                                \
	X(HOST_FAULTS, "stage-2 faults of the host, mapped")                                       \
	X(HOST_REFUSED, "stage-2 faults of the host, refused")                                     \
	X(HOST_UNDEF, "other traps of the host, made UNDEFINED")                                   \
	X(TLBI_ONE, "TLB invalidations of one entry")                                              \
	X(TLBI_RANGE, "TLB invalidations by range")                                                \
	X(TLBI_ALL, "TLB invalidations of a VMID")                                                 \
	X(TLB_SYNCS, "waits for TLB invalidations")                                                \
	X(RUNS, "entries to guests")                                                               \
	X(EXITS_IRQ, "exits of guests: interrupt")                                                 \
	X(EXITS_TRAP, "exits of guests: synchronous, shown to the host")                           \
	X(EXITS_EL2, "exits of guests: handled at EL2")                                            \
	X(EXITS_SERROR, "exits of guests: SError")                                                 \
	X(FP_SWITCHES, "FP/SIMD states switched")

#define RD_STAT_ENUM(name, what) RD_STAT_##name,
enum rd_stat {
	RD_STAT_VALUES(RD_STAT_ENUM) RD_STAT_NR_VALUES,
	RD_STAT_BEFORE_COUNTERS = RD_STAT_NR_VALUES - 1,
	RD_STAT_COUNTERS(RD_STAT_ENUM) RD_STAT_END,
};

#define RD_STAT_NR_COUNTERS (RD_STAT_END - RD_STAT_NR_VALUES)

#endif /* REDOUBT_STAT_H */
