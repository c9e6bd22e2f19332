// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ITS's commands (IHI 0069H 5.3) and their queue in guest memory.
 *
 * A command that is wrong is ignored: this ITS reports no errors (GITS_TYPER.SEIS
 * is 0), and does not stall. The queue is worked off when the guest moves GITS_CWRITER
 * and, since one access does a bounded amount of work, when it reads how far the ITS
 * has come.
 *
 * Locks: the mutex of core/its.h.
 */
#include "its_private.h"

enum {
	CMD_MOVI = 0x01,
	CMD_INT = 0x03,
	CMD_CLEAR = 0x04,
	CMD_SYNC = 0x05,
	CMD_MAPD = 0x08,
	CMD_MAPC = 0x09,
	CMD_MAPTI = 0x0a,
	CMD_MAPI = 0x0b,
	CMD_INV = 0x0c,
	CMD_INVALL = 0x0d,
	CMD_MOVALL = 0x0e,
	CMD_DISCARD = 0x0f,
};

/* Work of one register access: commands, and those that visit all LPIs count as many. */
#define WORK_BUDGET  1024
#define WORK_PER_ALL 128

static u32 cmd_device(const u64 cmd[4])
{
	return (u32)(cmd[0] >> 32);
}

static u32 cmd_event(const u64 cmd[4])
{
	return (u32)cmd[1];
}

static u32 cmd_collection(const u64 cmd[4])
{
	return cmd[2] & 0xffff;
}

static bool cmd_valid(const u64 cmd[4])
{
	return cmd[2] >> 63;
}

/* GITS_TYPER.PTA is 0: RDbase is a processor number. */
static struct vgic_cpu *cmd_target(struct its *its, u64 word)
{
	return vgic_cpu_by_id(its->d, (u32)(word >> 16));
}

static struct its_ite *cmd_ite(struct its *its, const u64 cmd[4])
{
	return its_ite(its, cmd_device(cmd), cmd_event(cmd));
}

/* A collection that has a target, or NULL. */
static struct its_collection *mapped(struct its *its, u32 id)
{
	struct its_collection *c = its_collection(its, id);

	return c && c->target != VGIC_NONE ? c : NULL;
}

static void cmd_mapd(struct its *its, const u64 cmd[4])
{
	u32 devid = cmd_device(cmd), bits = (u32)(cmd[1] & 0x1f) + 1;
	u64 itt = cmd[2] & 0x000fffffffffff00ULL, gpa;

	if (its_entry(its, its->device_table, devid, &gpa))
		return;
	if (cmd_valid(cmd) && bits > ITS_ID_BITS)
		return;
	if (its_device(its, devid))
		its_del_device(its, devid);
	if (cmd_valid(cmd))
		its_add_device(its, devid, itt, (u8)bits);
	else
		its_write64(its, gpa, 0);
}

static void cmd_mapc(struct its *its, const u64 cmd[4])
{
	struct vgic_cpu *target = cmd_target(its, cmd[2]);
	u32 id = cmd_collection(cmd);
	struct its_collection *c = its_collection(its, id);
	u64 gpa;

	if (!cmd_valid(cmd)) {
		if (c)
			its_del_collection(its, id);
		return;
	}
	if (!target || its_entry(its, its->collection_table, id, &gpa))
		return;
	if (!c)
		c = its_add_collection(its, id, target->index);
	if (c) {
		c->target = target->index;
		its_retarget_collection(its, id, target->index);
	}
}

/* LPIs end where the configuration table does. */
static u32 max_intid(const struct vgic *d)
{
	u32 bits = (u32)(d->propbaser & 0x1f) + 1;

	return 1u << (bits < VGIC_ID_BITS ? bits : VGIC_ID_BITS);
}

static void map_event(struct its *its, const u64 cmd[4], u32 intid)
{
	struct its_device *dev = its_device(its, cmd_device(cmd));
	u32 event = cmd_event(cmd), id = cmd_collection(cmd);
	u64 gpa;

	if (!dev || event >= 1u << dev->bits ||
	    its_probe(its, dev->itt + (u64)event * ITS_ENTRY_SIZE) || intid < VGIC_MIN_LPI ||
	    intid >= max_intid(its->d) || vgic_radix_get(&dev->ites, event))
		return;
	if (its_entry(its, its->collection_table, id, &gpa))
		return;
	/* It may be mapped later. */
	if (!its_collection(its, id) && !its_add_collection(its, id, VGIC_NONE))
		return;
	its_add_ite(its, dev, event, intid, id);
}

static void cmd_movi(struct its *its, const u64 cmd[4])
{
	struct its_ite *ite = cmd_ite(its, cmd);
	struct its_collection *c = mapped(its, cmd_collection(cmd));

	if (!ite || !c || !mapped(its, ite->collection))
		return;
	ite->collection = (u16)cmd_collection(cmd);
	vgic_irq_retarget(its->d, ite->irq, c->target);
}

static void cmd_discard(struct its *its, const u64 cmd[4])
{
	struct its_device *dev = its_device(its, cmd_device(cmd));
	u32 event = cmd_event(cmd);

	if (!cmd_ite(its, cmd))
		return;
	its_del_ite(its, dev, event);
	its_write64(its, dev->itt + (u64)event * ITS_ENTRY_SIZE, 0);
}

static void cmd_movall(struct its *its, const u64 cmd[4])
{
	struct vgic_cpu *from = cmd_target(its, cmd[2]), *to = cmd_target(its, cmd[3]);
	struct vgic_irq *irq;
	u32 key;

	if (!from || !to || from == to)
		return;
	for (key = 0; (irq = vgic_radix_next(&its->d->lpis, &key)); key++) {
		if (port_read32(&irq->target) == from->index)
			vgic_irq_retarget(its->d, irq, to->index);
		if ((key & 63) == 63)
			its->d->ops->yield(its->d->ctx);
	}
}

static void cmd_invall(struct its *its, const u64 cmd[4])
{
	struct its_collection *c = mapped(its, cmd_collection(cmd));

	if (c)
		vgic_lpi_load_all(its->d, its->d->cpus[c->target]);
}

static void cmd_on_ite(struct its *its, u32 code, struct its_ite *ite)
{
	if (!ite)
		return;
	if (code == CMD_INV)
		vgic_lpi_load_config(its->d, ite->irq);
	else
		vgic_irq_change(its->d, ite->irq, VGIC_UNPEND);
}

void its_command(struct its *its, const u64 cmd[4])
{
	u32 code = cmd[0] & 0xff;

	switch (code) {
	case CMD_MAPD:
		cmd_mapd(its, cmd);
		break;
	case CMD_MAPC:
		cmd_mapc(its, cmd);
		break;
	case CMD_MAPTI:
		map_event(its, cmd, (u32)(cmd[1] >> 32));
		break;
	case CMD_MAPI:
		map_event(its, cmd, cmd_event(cmd));
		break;
	case CMD_MOVI:
		cmd_movi(its, cmd);
		break;
	case CMD_DISCARD:
		cmd_discard(its, cmd);
		break;
	case CMD_MOVALL:
		cmd_movall(its, cmd);
		break;
	case CMD_INVALL:
		cmd_invall(its, cmd);
		break;
	case CMD_INT:
		its_inject(its, cmd_device(cmd), cmd_event(cmd));
		break;
	case CMD_INV:
	case CMD_CLEAR:
		cmd_on_ite(its, code, cmd_ite(its, cmd));
		break;
	default:
		break; /* CMD_SYNC: all that went before has been done */
	}
}

static u32 cost(u32 code)
{
	bool all = code == CMD_INVALL || code == CMD_MOVALL || code == CMD_MAPC || code == CMD_MAPD;

	return all ? WORK_PER_ALL : 1;
}

void its_run_queue(struct its *its)
{
	u64 base = its->cbaser & 0x000ffffffffff000ULL;
	u32 size = (u32)((its->cbaser & 0xff) + 1) << 12, work = 0, i;
	u64 cmd[4];

	while (its->enabled && its->creadr != its->cwriter && work < WORK_BUDGET) {
		if (!its->d->ops->read(its->d->ctx, base + its->creadr, cmd, CMD_SIZE)) {
			for (i = 0; i < 4; i++)
				cmd[i] = port_le64(cmd[i]);
			its_command(its, cmd);
			work += cost(cmd[0] & 0xff);
		}
		work++;
		its->creadr += CMD_SIZE;
		if (its->creadr >= size)
			its->creadr = 0;
	}
}
