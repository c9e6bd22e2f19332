/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual GICv3 (Arm IHI 0069H): the state of interrupts, their way into list
 * registers and back, and the registers of the distributor, the redistributors
 * and the CPU interface. docs/vgic.md has the picture.
 *
 * Interrupts and their homes
 *   An interrupt has a target, the vCPU that should get it, and a home, the vCPU
 *   whose lock guards its state and on whose queue it waits. Both are the same,
 *   but while a list register of the old target holds the interrupt or it is
 *   active there. SGIs and PPIs never leave home. An SPI or LPI without a target
 *   is at home in VGIC_NONE: guarded by vgic.lock, on no queue.
 *
 * Locks
 *   vgic_cpu.lock (one a vCPU) and vgic.lock are spinlocks, held with interrupts
 *   off (port_irq_save()). Callers hold none of them. Two of them are only taken
 *   in the order of the vCPUs' indexes, vgic.lock first. A function may be called
 *   from any context, if its comment doesn't say that it may sleep.
 *   vgic_ops.kick, ended and yield are called with no lock held, hw_idle and
 *   hw_sync under the vCPU's.
 *
 * The way to the guest
 *   vgic_flush() before an entry and vgic_sync() after an exit cost a load and a
 *   branch when nothing has happened. A change that concerns the list registers
 *   sets vgic_cpu.work under the lock; only then does vgic_flush() take it.
 */
#ifndef CORE_VGIC_H
#define CORE_VGIC_H

#include <redoubt/vcpu.h>

#define VGIC_MAX_CPUS	 512
#define VGIC_NONE	 0xffffffffu /* no vCPU */
#define VGIC_NR_SGIS	 16
#define VGIC_NR_PRIVATE	 32
#define VGIC_MAX_SPI	 1019
#define VGIC_MAX_IRQS	 1020 /* SGIs, PPIs and SPIs */
#define VGIC_MIN_LPI	 8192
#define VGIC_ID_BITS	 16   /* of LPIs, with an ITS */
#define VGIC_NR_LRS	 16   /* what the architecture has at most */
#define VGIC_NR_BUCKETS	 64   /* 32 priorities of active, 32 of pending interrupts */

/* A map of 16-bit keys to pointers: three levels, read without a lock. */
struct vgic_radix {
	void **top[16];
};

/* What to do to an interrupt: vgic_irq_change(). */
enum vgic_change {
	VGIC_ENABLE,
	VGIC_DISABLE,
	VGIC_PEND,	 /* set the latch: ISPENDR, an SGI, an MSI */
	VGIC_UNPEND,
	VGIC_ACTIVATE,
	VGIC_DEACTIVATE,
	VGIC_GROUP0,
	VGIC_GROUP1,
	VGIC_LEVEL,
	VGIC_EDGE,
	VGIC_LINE_HIGH,	 /* the input line; remembered for edge-triggered ones too */
	VGIC_LINE_LOW,
};

struct vgic_irq {
	struct vgic_irq *next, *prev; /* in a bucket of home's queue */
	u32 intid;
	u32 target;	 /* vCPU index, or VGIC_NONE */
	u32 home;	 /* likewise: whose lock guards all below */
	u32 route;	 /* Aff2 to Aff0 of GICD_IROUTER */
	u32 ites;	 /* an LPI's translations; 0: it is unmapped and takes nothing */
	u16 hw_intid;	 /* the physical interrupt behind it, if hw */
	u8 priority;	 /* as its register reads */
	u8 bucket;	 /* 1 + the bucket it is in; 0: none */
	u8 lr;		 /* 1 + the list register that holds it; 0: none */
	u8 force;	 /* a write of its active state while in a list register */
	bool enabled, level, group1;
	bool line;	 /* input level */
	bool pending;	 /* latch */
	bool lr_pending; /* an edge that the list register holds */
	bool active;
	bool hw;	 /* level-triggered, EOI deactivates hw_intid too */
	const void *owner; /* who may inject, if not NULL */
};

struct vgic_cpu {
	port_lock_t lock;
	u32 index;
	u32 id;			/* GICR_TYPER.Processor_Number; gives the affinity */
	u32 work;		/* list registers must be made anew before the next entry */
	bool overflow;		/* some of the queue isn't in list registers */
	bool hw_resync;		/* the state of physical interrupts must be set anew */
	bool lpis_enabled;	/* GICR_CTLR.EnableLPIs */
	u8 pri_bits;		/* as ICC_CTLR_EL1 shows them; user space may lower them */
	u8 id_bits;
	u64 pendbaser;
	u64 mask;		/* buckets in use */
	u32 nr_active, nr_pending; /* in the queue */
	struct vgic_irq *bucket[VGIC_NR_BUCKETS];
	u64 lr[VGIC_NR_LRS];	/* list registers as they were last seen */
	struct vgic_irq *lr_irq[VGIC_NR_LRS];
	struct vgic_irq priv[VGIC_NR_PRIVATE];
	bool rd_last;		/* GICR_TYPER.Last */
};

struct vgic_ops {
	/* Makes vCPU @cpu look at its interrupts: wakes it, or takes it out of the guest. */
	void (*kick)(void *ctx, u32 cpu);
	/* True if ended() wants to hear of level-triggered SPI @intid. */
	bool (*wants_eoi)(void *ctx, u32 intid);
	/* The guest has ended level-triggered SPI @intid. */
	void (*ended)(void *ctx, u32 intid);
	/* The guest has deactivated hw interrupt @intid: what is its line now? */
	bool (*hw_idle)(void *ctx, u32 cpu, u32 intid);
	/* The physical interrupt behind @intid shall be active, or not. */
	void (*hw_sync)(void *ctx, u32 cpu, u32 intid, bool active);
	/* Guest memory: 0 or -EFAULT. May sleep. */
	int (*read)(void *ctx, u64 gpa, void *buf, u32 len);
	int (*write)(void *ctx, u64 gpa, const void *buf, u32 len);
	/* Zeroed memory, or NULL. May sleep. */
	void *(*alloc)(size_t size);
	void (*free)(void *p);
	/* In a long loop: lets others run. Not 0: the caller gives up (-EINTR). */
	int (*yield)(void *ctx);
};

struct vgic {
	port_lock_t lock;
	const struct vgic_ops *ops;
	void *ctx;		/* for ops */
	u32 nr_cpus;
	u32 nr_spis;
	u8 nr_lrs;
	bool tdir;		/* ICH_HCR_EL2.TDIR works */
	bool enabled;		/* GICD_CTLR.EnableGrp1 */
	bool has_its;
	u8 rev;			/* GICD_IIDR.Revision: 2 or 3 */
	u64 propbaser;
	u64 vtr;		/* ICH_VTR_EL2 */
	struct vgic_irq *spis;
	struct vgic_radix lpis;	/* by INTID - VGIC_MIN_LPI; they live as long as the VM */
	struct vgic_cpu *cpus[VGIC_MAX_CPUS];
	u16 id_to_index[VGIC_MAX_CPUS]; /* 1 + index, by id; 0: no such vCPU */
};

/* ---- Life ---- */

/* Prepares @d (zeroed) for a CPU whose ICH_VTR_EL2 is @vtr. */
void vgic_setup(struct vgic *d, const struct vgic_ops *ops, void *ctx, u64 vtr);

/* Adds vCPU @id (zeroed @c) with the next index. -EINVAL: too many, or a number twice. */
int vgic_add_cpu(struct vgic *d, struct vgic_cpu *c, u32 id);

/* Takes the vCPU that was added last away again. */
void vgic_del_cpu(struct vgic *d, struct vgic_cpu *c);

/* Makes @nr_spis SPIs (a multiple of 32 up to 988 rounded up). -ENOMEM. vCPUs are all there. */
int vgic_init_spis(struct vgic *d, u32 nr_spis);

/* Frees SPIs and LPIs; the vgic_cpus are the caller's. Nobody uses @d any more. */
void vgic_destroy(struct vgic *d);

/* Links @intid of vCPU @c with physical interrupt @hw_intid. */
void vgic_map_hw(struct vgic *d, struct vgic_cpu *c, u32 intid, u32 hw_intid);

static inline struct vgic_cpu *vgic_cpu_by_id(struct vgic *d, u64 id)
{
	return id < VGIC_MAX_CPUS && d->id_to_index[id] ? d->cpus[d->id_to_index[id] - 1] : NULL;
}

/* Aff2 to Aff0 as MPIDR_EL1 has them. */
static inline u32 vgic_id_to_affinity(u32 id)
{
	return (id & 0xf) | ((id >> 4) & 0xff) << 8 | ((id >> 12) & 0xff) << 16;
}

/* The vCPU with an affinity (Aff3 in bits 31:24), or NULL. */
struct vgic_cpu *vgic_cpu_by_affinity(struct vgic *d, u64 affinity);

/* SGI and PPI of @c, SPI or LPI; NULL: there is none. */
struct vgic_irq *vgic_irq(struct vgic *d, struct vgic_cpu *c, u32 intid);

/* ---- Events ---- */

/* Changes an interrupt's state and everything that follows from it. */
void vgic_irq_change(struct vgic *d, struct vgic_irq *irq, enum vgic_change change);

/* The same for its priority and, for SPIs and LPIs, its target. */
void vgic_irq_set_priority(struct vgic *d, struct vgic_irq *irq, u8 priority);
void vgic_irq_retarget(struct vgic *d, struct vgic_irq *irq, u32 target);

/*
 * The line of an input changes: SPI, or PPI of @c. An edge-triggered interrupt
 * becomes pending with each @level of 1. -EINVAL: no such input, or not @owner's.
 */
int vgic_inject(struct vgic *d, struct vgic_cpu *c, u32 intid, bool level, const void *owner);

/* An interrupt's state, with what was last seen in its list register. */
bool vgic_irq_is_pending(const struct vgic_irq *irq);
bool vgic_irq_is_active(const struct vgic_irq *irq);

/* A write of ICC_SGI1R_EL1, ICC_ASGI1R_EL1 or ICC_SGI0R_EL1 (@group1 false) by vCPU @from. */
void vgic_send_sgi(struct vgic *d, struct vgic_cpu *from, u64 value, bool group1);

/* A trapped write of ICC_DIR_EL1. */
void vgic_write_dir(struct vgic *d, struct vgic_cpu *c, u64 value);

/* ---- Entry and exit ---- */

/* Before an entry of vCPU @c, on its CPU, interrupts off: fills @st's list registers and hcr. */
void vgic_flush_slow(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st);
static inline void vgic_flush(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	if (port_unlikely(port_read32(&c->work)))
		vgic_flush_slow(d, c, st);
}

/* After an exit, interrupts off: takes over what the guest did to them. */
void vgic_sync_slow(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st);
static inline void vgic_sync(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st)
{
	if (port_unlikely(st->used_lrs))
		vgic_sync_slow(d, c, st);
}

/* vCPU @c leaves its CPU, interrupts off: nothing stays in list registers. */
void vgic_unload(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st);

/*
 * True if vCPU @c has an interrupt to take: by @vmcr's priority mask and group
 * enables, or regardless of them (@vmcr NULL).
 */
bool vgic_cpu_pending(struct vgic *d, struct vgic_cpu *c, const u64 *vmcr);

/* ---- Registers: @off from the frame's base; little-endian values ---- */

/*
 * A guest's access of @len bytes (1, 2, 4, 8). Reserved and refused ones read as
 * zero and ignore writes. Those of redistributors may sleep.
 */
u64 vgic_dist_read(struct vgic *d, u32 off, u32 len);
void vgic_dist_write(struct vgic *d, u32 off, u32 len, u64 val);
u64 vgic_redist_read(struct vgic *d, struct vgic_cpu *c, u32 off, u32 len);
void vgic_redist_write(struct vgic *d, struct vgic_cpu *c, u32 off, u32 len, u64 val);

/* True if the access wants the active state of interrupts at home in other vCPUs. */
bool vgic_off_is_active(u32 off);

/*
 * User space's access of 32 bits (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, _REDIST_REGS):
 * state is set and read raw. -ENXIO: no such register; -EINVAL: not that value.
 */
int vgic_dist_user(struct vgic *d, u32 off, bool write, u32 *val);
int vgic_redist_user(struct vgic *d, struct vgic_cpu *c, u32 off, bool write, u32 *val);

/* -ENXIO unless there is such a register (GRP_DIST_REGS, GRP_REDIST_REGS). */
int vgic_dist_has(struct vgic *d, u32 off);
int vgic_redist_has(u32 off);

/* Input levels of 32 interrupts from @intid (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO). */
u32 vgic_read_lines(struct vgic *d, struct vgic_cpu *c, u32 intid);
void vgic_write_lines(struct vgic *d, struct vgic_cpu *c, u32 intid, u32 val);

/*
 * CPU interface registers in @st, of a vCPU that isn't loaded; @reg as in
 * KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS: Op0 to Op2 in bits 15:0. -ENXIO, -EINVAL.
 */
int vgic_sysreg_user(struct vgic *d, struct vgic_cpu *c, struct rd_vcpu_vgic *st, u32 reg,
		     bool write, u64 *val);
int vgic_sysreg_has(u32 reg);

/* ---- LPIs ---- */

/* LPI @intid for one more translation; made if need be. NULL: no memory. May sleep. */
struct vgic_irq *vgic_lpi_get(struct vgic *d, u32 intid);

/* One translation less; without any, the LPI is neither pending nor enabled. */
void vgic_lpi_put(struct vgic *d, struct vgic_irq *irq);

/* Reads an LPI's enable bit and priority from the configuration table. -EFAULT. May sleep. */
int vgic_lpi_load_config(struct vgic *d, struct vgic_irq *irq);

/* Reads it for all LPIs of a vCPU. May sleep. -EINTR: gave up. */
int vgic_lpi_load_all(struct vgic *d, struct vgic_cpu *c);

/* Writes the pending bits of all LPIs to the vCPUs' pending tables. May sleep. -EFAULT, -EINTR. */
int vgic_lpi_save_pending(struct vgic *d);

/* LPI @irq was mapped while user space or the guest left its pending bit in the table. */
int vgic_lpi_load_pending(struct vgic *d, struct vgic_irq *irq);

/* ---- The map ---- */

void *vgic_radix_get(const struct vgic_radix *map, u32 key);
/* The first entry from *@key on, whose key goes there; NULL: none. */
void *vgic_radix_next(const struct vgic_radix *map, u32 *key);
/* Makes room for @key. -ENOMEM. One writer at a time. May sleep. */
int vgic_radix_reserve(struct vgic_radix *map, u32 key, const struct vgic_ops *ops);
/* Stores at a reserved key. */
void vgic_radix_set(struct vgic_radix *map, u32 key, void *entry);
/* Frees the map, not what it points to. */
void vgic_radix_destroy(struct vgic_radix *map, const struct vgic_ops *ops);

#endif /* CORE_VGIC_H */
