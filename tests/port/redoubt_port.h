/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The POSIX environment of core: what host tests, benchmarks and fuzzers give
 * it in place of EL2 or Linux. Sanitizers see every access, because the atomics
 * are the compiler's own.
 */
#ifndef REDOUBT_PORT_H
#define REDOUBT_PORT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#define port_likely(x)	 __builtin_expect(!!(x), 1)
#define port_unlikely(x) __builtin_expect(!!(x), 0)

/* A failed assertion is a bug in core: stop where it is, with the words of it. */
#define port_assert(cond)                                                             \
	do {                                                                          \
		if (port_unlikely(!(cond))) {                                         \
			fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__,    \
				__LINE__, #cond);                                     \
			abort();                                                      \
		}                                                                     \
	} while (0)

static inline u64 port_read64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void port_write64(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline u64 port_read_acquire64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void port_write_release64(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Returns what was there; the store happened if that equals @old. */
static inline u64 port_cmpxchg64(u64 *p, u64 old, u64 new)
{
	__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return old;
}

static inline u32 port_read32(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void port_write32(u32 *p, u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline u32 port_cmpxchg32(u32 *p, u32 old, u32 new)
{
	__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return old;
}

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
