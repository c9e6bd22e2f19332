// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ITS's registers (IHI 0069H 12.18).
 *
 * Locks: the mutex of core/its.h.
 */
#include "its_private.h"

#define GITS_CTLR     0x0000
#define GITS_IIDR     0x0004
#define GITS_TYPER    0x0008
#define GITS_CBASER   0x0080
#define GITS_CWRITER  0x0088
#define GITS_CREADR   0x0090
#define GITS_BASER    0x0100 /* eight of them */
#define GITS_IDREGS   0xffd0
#define GITS_PIDR4    0xffd0

#define CTLR_ENABLED   1u
#define CTLR_QUIESCENT (1u << 31)
#define IIDR	       0x4b00043bu
#define IIDR_REV(v)    (((v) >> 12) & 0xf)
#define TYPER_VALUE                                                                        \
	(1ULL | (u64)(ITS_ENTRY_SIZE - 1) << 4 | (u64)(ITS_ID_BITS - 1) << 8 |             \
	 (u64)(ITS_ID_BITS - 1) << 13)

/* Page size 64K, type, entry size: ours. */
#define BASER_RO   (0x071f000000000000ULL | 3ULL << 8)
#define CBASER_RES 0xf000ULL

static u32 queue_size(const struct its *its)
{
	return (u32)((its->cbaser & 0xff) + 1) << 12;
}

static u32 read_idreg(u32 off)
{
	static const u8 ids[12] = { 0x40, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

	return ids[(off - GITS_IDREGS) / 4 % 12];
}

static u32 read_ctlr(struct its *its)
{
	its_run_queue(its);
	return (its->enabled ? CTLR_ENABLED : 0) |
	       (its->creadr == its->cwriter ? CTLR_QUIESCENT : 0);
}

static u64 *table_of(struct its *its, u32 off)
{
	switch ((off - GITS_BASER) / 8) {
	case 0:
		return &its->device_table;
	case 1:
		return &its->collection_table;
	default:
		return NULL;
	}
}

static u64 read64(struct its *its, u32 off)
{
	u64 *table;

	if (off >= GITS_BASER && off < GITS_BASER + 0x40) {
		table = table_of(its, off);
		return table ? *table : 0;
	}
	switch (off & ~7u) {
	case GITS_TYPER:
		return TYPER_VALUE;
	case GITS_CBASER:
		return its->cbaser;
	case GITS_CWRITER:
		return its->cwriter;
	case GITS_CREADR:
		its_run_queue(its);
		return its->creadr;
	default:
		return 0;
	}
}

static bool is_reg64(u32 off)
{
	return (off & ~7u) == GITS_TYPER || (off >= GITS_CBASER && off < GITS_CREADR + 8) ||
	       (off >= GITS_BASER && off < GITS_BASER + 0x40);
}

static bool is_reg32(u32 off)
{
	return off < GITS_TYPER || (off >= GITS_IDREGS && off < 0x10000);
}

u64 its_read(struct its *its, u32 off, u32 len)
{
	if (off & (len - 1) || len < 4)
		return 0;
	if (is_reg64(off))
		return vgic_reg_extract(read64(its, off), off, len);
	if (len != 4 || !is_reg32(off))
		return 0;
	if (off == GITS_CTLR)
		return read_ctlr(its);
	return off == GITS_IIDR ? IIDR : read_idreg(off);
}

static void write_ctlr(struct its *its, u64 val)
{
	bool enable = val & CTLR_ENABLED;

	/* Without tables and a queue there is nothing to run on. */
	if (enable && !its->enabled &&
	    !(its->device_table & its->collection_table & its->cbaser & BASER_VALID))
		return;
	its->enabled = enable;
	its_run_queue(its);
}

static void write_table(struct its *its, u32 off, u32 len, u64 val)
{
	u64 *table = table_of(its, off), old, new;

	if (its->enabled || !table)
		return;
	old = *table;
	new = vgic_reg_update(old, off, len, val);
	new = vgic_sanitise_attrs(new, 59, 53);
	new = (new & ~BASER_RO) | (old & BASER_RO);
	if (table == &its->collection_table)
		new &= ~BASER_INDIRECT;
	if (new == old)
		return;
	*table = new;
	if (table == &its->device_table)
		its_del_devices(its);
	else
		its_del_collections(its);
}

static void write_cbaser(struct its *its, u32 off, u32 len, u64 val)
{
	if (its->enabled)
		return;
	its->cbaser = vgic_sanitise_attrs(vgic_reg_update(its->cbaser, off, len, val), 59, 53) &
		      ~CBASER_RES;
	its->creadr = 0;
	its->cwriter = 0;
}

static void write_cwriter(struct its *its, u32 off, u32 len, u64 val)
{
	u32 cwriter = (u32)vgic_reg_update(its->cwriter, off, len, val) & 0xfffe0;

	if (cwriter >= queue_size(its))
		return;
	its->cwriter = cwriter;
	its_run_queue(its);
}

void its_write(struct its *its, u32 off, u32 len, u64 val)
{
	if (off & (len - 1) || len < 4)
		return;
	if (off == GITS_CTLR && len == 4)
		write_ctlr(its, val);
	else if ((off & ~7u) == GITS_CBASER)
		write_cbaser(its, off, len, val);
	else if ((off & ~7u) == GITS_CWRITER)
		write_cwriter(its, off, len, val);
	else if (off >= GITS_BASER && off < GITS_BASER + 0x40)
		write_table(its, off, len, val);
}

/* ---- User space ---- */

int its_has(u64 off)
{
	u32 align = off < GITS_TYPER || off >= GITS_PIDR4 ? 3 : 7;

	if (off & align)
		return -EINVAL;
	return off < 0x10000 && (is_reg64((u32)off) || is_reg32((u32)off)) ? 0 : -ENXIO;
}

static int set_creadr(struct its *its, u64 val)
{
	u32 creadr = val & 0xfffe0;

	if (its->enabled)
		return -EBUSY;
	if (creadr >= queue_size(its))
		return -EINVAL;
	its->creadr = creadr;
	return 0;
}

/* Reading is what the guest reads, but does no work. */
static u64 user_read(struct its *its, u32 off)
{
	if (off == GITS_CREADR)
		return its->creadr;
	if (off == GITS_CTLR)
		return (its->enabled ? CTLR_ENABLED : 0) |
		       (its->creadr == its->cwriter ? CTLR_QUIESCENT : 0);
	return its_read(its, off, is_reg64(off) ? 8 : 4);
}

int its_user(struct its *its, u64 off, bool write, u64 *val)
{
	int ret = its_has(off);

	if (ret)
		return ret;
	if (!write)
		*val = user_read(its, (u32)off);
	else if (off == GITS_CREADR)
		return set_creadr(its, *val);
	else if (off == GITS_IIDR)
		return IIDR_REV(*val) ? -EINVAL : 0; /* revision 0 of the tables is all there is */
	else
		its_write(its, (u32)off, is_reg64((u32)off) ? 8 : 4, *val);
	return 0;
}

void its_reset(struct its *its)
{
	its->enabled = false;
	its->device_table &= ~BASER_VALID;
	its->collection_table &= ~BASER_VALID;
	its->cbaser = 0;
	its->creadr = 0;
	its->cwriter = 0;
	its_del_devices(its);
	its_del_collections(its);
}
