/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The EL2 environment of core: no operating system, one address space, MMU on.
 * Atomics are the compiler's inline LDXR/STXR or LSE sequences.
 */
#ifndef REDOUBT_PORT_H
#define REDOUBT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

/* Linux's numbers, which the module passes on to user space. */
#define EPERM	   1
#define ENOENT	   2
#define EIO	   5
#define E2BIG	   7
#define EAGAIN	   11
#define ENOMEM	   12
#define EFAULT	   14
#define EBUSY	   16
#define EEXIST	   17
#define ENODEV	   19
#define EINVAL	   22
#define ENOSPC	   28
#define ERANGE	   34
#define ENOSYS	   38
#define EOVERFLOW  75
#define EOPNOTSUPP 95

void *memset(void *dst, int byte, size_t size);
void *memcpy(void *dst, const void *src, size_t size);
void *memmove(void *dst, const void *src, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#define port_likely(x)	 __builtin_expect(!!(x), 1)
#define port_unlikely(x) __builtin_expect(!!(x), 0)

/* A failed assertion is a bug of EL2's own: the host prints it and stops. */
void hyp_assert_failed(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#define port_assert(cond)                                                                          \
	do {                                                                                       \
		if (port_unlikely(!(cond)))                                                        \
			hyp_assert_failed(__FILE_NAME__, __LINE__, #cond);                         \
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

#define port_smp_mb()  asm volatile("dmb ish" : : : "memory")
#define port_smp_rmb() asm volatile("dmb ishld" : : : "memory")
#define port_smp_wmb() asm volatile("dmb ishst" : : : "memory")

static inline u64 port_le64(u64 v)
{
	return v;
}

/*
 * A ticket lock: CPUs get it in the order in which they asked, so that a host
 * that hammers one hypercall from all CPUs starves nobody.
 */
typedef struct {
	u32 next;
	u32 owner;
} port_lock_t;

static inline void port_lock(port_lock_t *lock)
{
	u32 ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
		asm volatile("yield");
}

static inline void port_unlock(port_lock_t *lock)
{
	__atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
}

/* Interrupts off on this CPU, and as they were. */
static inline unsigned long port_irq_save(void)
{
	return 0; /* EL2 runs with interrupts masked */
}

static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}

#endif /* REDOUBT_PORT_H */
