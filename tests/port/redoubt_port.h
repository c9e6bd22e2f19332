/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The POSIX environment of core: what host tests, benchmarks and fuzzers give
 * it in place of EL2 or Linux. Sanitizers see every access, because the atomics
 * are the compiler's own.
 */
#ifndef REDOUBT_PORT_H
#define REDOUBT_PORT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <redoubt/port_builtin.h>

/* A failed assertion is a bug in core: stop where it is, with the words of it. */
#define port_assert(cond)                                                             \
	do {                                                                          \
		if (port_unlikely(!(cond))) {                                         \
			fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__,    \
				__LINE__, #cond);                                     \
			abort();                                                      \
		}                                                                     \
	} while (0)

#define port_smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define port_smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define port_smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Between the CPU's byte order and the little-endian order of translation tables. */
static inline u64 port_le64(u64 v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(v);
#else
	return v;
#endif
}

/* A spinlock: tests hold it for a few instructions only. */
typedef struct {
	u32 held;
} port_lock_t;

static inline void port_lock(port_lock_t *lock)
{
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void port_unlock(port_lock_t *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

/* Interrupts off on this CPU, and as they were. */
static inline unsigned long port_irq_save(void)
{
	return 0;
}

static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}

#endif /* REDOUBT_PORT_H */
