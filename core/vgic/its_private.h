/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the ITS share.
 */
#ifndef CORE_ITS_PRIVATE_H
#define CORE_ITS_PRIVATE_H

#include <core/its.h>
#include "vgic_private.h"

#define ITS_ID_BITS    16 /* of EventIDs, DeviceIDs and collections */
#define ITS_ENTRY_SIZE 8  /* of all tables in revision 0 */
#define ITS_PAGE       0x10000u

#define BASER_VALID    VGIC_BIT(63)
#define BASER_INDIRECT VGIC_BIT(62)
#define BASER_TYPE     56
#define BASER_SIZE     48
#define TYPE_DEVICE    1ULL
#define TYPE_COLLECTION 4ULL

#define CMD_SIZE       32

/* A GITS_BASERn: its table's address and size in bytes. */
u64 its_table_base(u64 baser);
u32 its_table_size(u64 baser);

/*
 * Guest's address of entry @id in a table. 0 or -EINVAL: the table has no room for
 * it, or a missing second level. May sleep.
 */
int its_entry(struct its *its, u64 baser, u32 id, u64 *gpa);

/* 0 if @gpa is memory that the guest has. */
int its_probe(struct its *its, u64 gpa);

/* Little-endian words of guest memory. */
int its_read64(struct its *its, u64 gpa, u64 *val);
int its_write64(struct its *its, u64 gpa, u64 val);

struct its_device *its_device(struct its *its, u32 devid);
struct its_ite *its_ite(struct its *its, u32 devid, u32 event);
struct its_collection *its_collection(struct its *its, u32 id);

/* New ones; the key must be free. NULL: no memory. */
struct its_device *its_add_device(struct its *its, u32 devid, u64 itt, u8 bits);
struct its_collection *its_add_collection(struct its *its, u32 id, u32 target);

/*
 * Maps @event of @dev to LPI @intid. 0; -ENOMEM; -ENOSPC with ITS_MAX_ITES;
 * -EFAULT: the LPI's tables aren't memory. Nothing is mapped on error.
 */
int its_add_ite(struct its *its, struct its_device *dev, u32 event, u32 intid, u32 collection);

void its_del_device(struct its *its, u32 devid);
void its_del_collection(struct its *its, u32 id);
void its_del_ite(struct its *its, struct its_device *dev, u32 event);
void its_del_collections(struct its *its);
void its_del_devices(struct its *its);

/* Retargets all LPIs of a collection, to none with VGIC_NONE. */
void its_retarget_collection(struct its *its, u32 id, u32 target);

/* Carries out one command; what it did wrong is ignored, as the ITS reports nothing. */
void its_command(struct its *its, const u64 cmd[4]);

/* Carries out queued commands, a bounded number of them. */
void its_run_queue(struct its *its);

#endif /* CORE_ITS_PRIVATE_H */
