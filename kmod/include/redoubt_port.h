/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Linux environment of core: types, atomics, barriers and locks that
 * core and the contract's headers are written against.
 */
#ifndef REDOUBT_PORT_H
#define REDOUBT_PORT_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>


#define port_likely(x)	  likely(x)
#define port_unlikely(x)  unlikely(x)
#define port_assert(cond) BUG_ON(!(cond))

static inline u64 port_read64(const u64 *p)
{
	return READ_ONCE(*p);
}

static inline void port_write64(u64 *p, u64 v)
{
	WRITE_ONCE(*p, v);
}

static inline u64 port_read_acquire64(const u64 *p)
{
	return smp_load_acquire(p);
}

static inline void port_write_release64(u64 *p, u64 v)
{
	smp_store_release(p, v);
}

static inline u64 port_cmpxchg64(u64 *p, u64 old, u64 new)
{
	return cmpxchg64(p, old, new);
}

static inline u32 port_read32(const u32 *p)
{
	return READ_ONCE(*p);
}

static inline void port_write32(u32 *p, u32 v)
{
	WRITE_ONCE(*p, v);
}

static inline u32 port_cmpxchg32(u32 *p, u32 old, u32 new)
{
	return cmpxchg(p, old, new);
}

#define port_smp_mb()  smp_mb()
#define port_smp_rmb() smp_rmb()
#define port_smp_wmb() smp_wmb()

static inline u64 port_le64(u64 v)
{
	return (__force u64)cpu_to_le64(v);
}

typedef spinlock_t port_lock_t;

static inline void port_lock(port_lock_t *lock)
{
	spin_lock(lock);
}

static inline void port_unlock(port_lock_t *lock)
{
	spin_unlock(lock);
}

/* Interrupts off on this CPU, and as they were. */
static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
}

#endif /* REDOUBT_PORT_H */
