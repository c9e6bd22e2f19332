/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The POSIX port with an ear: every store that core makes to a 64-bit word through
 * the port is told to the judge, after it has happened, with the old value. The
 * TLB model lives on that (tests/core/judge/tlb.h). Another hook comes before every
 * access: races are made there (run_pgtable_race.c). With no listener it behaves as
 * the plain port.
 */
#ifndef JUDGE_PORT_H
#define JUDGE_PORT_H

#define port_read64	     posix_read64
#define port_read_acquire64  posix_read_acquire64
#define port_write64	     posix_write64
#define port_write_release64 posix_write_release64
#define port_cmpxchg64	     posix_cmpxchg64
#include "../../../port/redoubt_port.h"
#undef port_read64
#undef port_read_acquire64
#undef port_write64
#undef port_write_release64
#undef port_cmpxchg64

/* @was and @now are in memory order (little-endian), as core stores them. */
typedef void judge_write_fn(void *ctx, const u64 *slot, u64 was, u64 now);
/* Called before every access, to put another CPU's in between. */
typedef void judge_before_fn(void *ctx, const u64 *slot);

/* One listener a thread, so that threads don't hear each other. */
struct judge_ear {
	judge_write_fn *fn;
	judge_before_fn *before;
	void *ctx;
};

extern _Thread_local struct judge_ear judge_ear;

static inline void judge_before(const u64 *p)
{
	if (judge_ear.before)
		judge_ear.before(judge_ear.ctx, p);
}

static inline u64 port_read64(const u64 *p)
{
	judge_before(p);
	return posix_read64(p);
}

static inline u64 port_read_acquire64(const u64 *p)
{
	judge_before(p);
	return posix_read_acquire64(p);
}

static inline void port_write64(u64 *p, u64 v)
{
	u64 was;

	judge_before(p);
	was = judge_ear.fn ? posix_read64(p) : 0;
	posix_write64(p, v);
	if (judge_ear.fn)
		judge_ear.fn(judge_ear.ctx, p, was, v);
}

static inline void port_write_release64(u64 *p, u64 v)
{
	u64 was;

	judge_before(p);
	was = judge_ear.fn ? posix_read64(p) : 0;
	posix_write_release64(p, v);
	if (judge_ear.fn)
		judge_ear.fn(judge_ear.ctx, p, was, v);
}

static inline u64 port_cmpxchg64(u64 *p, u64 old, u64 new)
{
	u64 was;

	judge_before(p);
	was = posix_cmpxchg64(p, old, new);
	if (judge_ear.fn && was == old)
		judge_ear.fn(judge_ear.ctx, p, was, new);
	return was;
}

#endif /* JUDGE_PORT_H */
