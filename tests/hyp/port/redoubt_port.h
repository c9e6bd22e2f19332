/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EL2's own port, with an ear: before a lock is taken, after it is dropped, and around
 * every read of a 64-bit word through the port, another simulated CPU may go on, or the
 * host may rewrite the word that EL2 has just read.
 */
#ifndef HYP_SIM_PORT_H
#define HYP_SIM_PORT_H

#define port_read64 el2_read64
#define port_lock   el2_lock
#define port_unlock el2_unlock
#include "../../../hyp/include/redoubt_port.h"
#undef port_read64
#undef port_lock
#undef port_unlock

void sim_switch_point(void);
void sim_has_read(const void *p);
extern _Thread_local u32 sim_locks_held;

static inline u64 port_read64(const u64 *p)
{
	u64 v = el2_read64(p);

	sim_has_read(p);
	return v;
}

static inline void port_lock(port_lock_t *lock)
{
	sim_switch_point();
	el2_lock(lock);
	sim_locks_held++;
}

static inline void port_unlock(port_lock_t *lock)
{
	el2_unlock(lock);
	sim_locks_held--;
	sim_switch_point();
}

#endif /* HYP_SIM_PORT_H */
