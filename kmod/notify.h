/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel announces and Redoubt must refuse or take part in.
 */
#ifndef REDOUBT_KMOD_NOTIFY_H
#define REDOUBT_KMOD_NOTIFY_H

/**
 * rd_notify_memory() - From now on memory neither comes nor goes.
 *
 * Before anybody asks what is RAM, so that the answer stays true. 0 or a negative errno.
 */
int rd_notify_memory(void);

/** rd_notify_memory_end() - Memory may come and go again: EL2 has no record of it any more. */
void rd_notify_memory_end(void);

/** rd_notify_power() - EL2 is in place: kexec gives it back, hibernation is refused. */
void rd_notify_power(void);

/** rd_notify_power_end() - EL2 is about to be given back. */
void rd_notify_power_end(void);

#endif /* REDOUBT_KMOD_NOTIFY_H */
