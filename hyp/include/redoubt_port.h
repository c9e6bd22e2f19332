/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The EL2 environment of core: no operating system, one address space, MMU on.
 * Atomics are the compiler's inline LDXR/STXR or LSE sequences.
 */
#ifndef REDOUBT_PORT_H
#define REDOUBT_PORT_H

#include <insn.h>

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

/* A failed assertion is a bug of EL2's own: the host prints it and stops. */
void hyp_assert_failed(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#define port_assert(cond)                                                                          \
	do {                                                                                       \
		if (port_unlikely(!(cond)))                                                        \
			hyp_assert_failed(__FILE_NAME__, __LINE__, #cond);                         \
	} while (0)

#define port_smp_mb()  dmb(ish)
#define port_smp_rmb() dmb(ishld)
#define port_smp_wmb() dmb(ishst)

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
		relax();
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
