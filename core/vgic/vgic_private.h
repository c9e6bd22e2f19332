/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the virtual GIC share with each other only.
 */
#ifndef CORE_VGIC_PRIVATE_H
#define CORE_VGIC_PRIVATE_H

#include <core/vgic.h>

#define VGIC_BIT(n) (1ULL << (n))

/* List registers (IHI 0069H 12.4.9). */
#define LR_PENDING  VGIC_BIT(62)
#define LR_ACTIVE   VGIC_BIT(63)
#define LR_STATE    (LR_PENDING | LR_ACTIVE)
#define LR_HW	    VGIC_BIT(61)
#define LR_GROUP1   VGIC_BIT(60)
#define LR_EOI	    VGIC_BIT(41)
#define LR_PRIORITY 48
#define LR_PINTID   32

/* ICH_HCR_EL2. */
#define HCR_EN	     VGIC_BIT(0)
#define HCR_LRENPIE  VGIC_BIT(2)
#define HCR_NPIE     VGIC_BIT(3)
#define HCR_TDIR     VGIC_BIT(14)
#define HCR_EOICOUNT 27 /* bits 31:27 */

/* ICH_VMCR_EL2. */
#define VMCR_ENG0    VGIC_BIT(0)
#define VMCR_ENG1    VGIC_BIT(1)
#define VMCR_CBPR    VGIC_BIT(4)
#define VMCR_EOIM    VGIC_BIT(9)
#define VMCR_BPR1    18
#define VMCR_BPR0    21
#define VMCR_PMR     24

/* ICH_VTR_EL2. */
#define VTR_LISTREGS(v) ((u32)((v) & 0x1f) + 1)
#define VTR_TDS	     VGIC_BIT(19)
#define VTR_A3V	     VGIC_BIT(21)
#define VTR_SEIS     VGIC_BIT(22)
#define VTR_IDBITS(v)  ((u32)((v) >> 23) & 7)
#define VTR_PRIBITS(v) ((u32)((v) >> 29) & 7)

/* vgic_irq.force. */
enum { FORCE_NONE, FORCE_IDLE, FORCE_ACTIVE };

/* Interrupts at home in @home's queue. NULL for VGIC_NONE. */
static inline struct vgic_cpu *vgic_home(struct vgic *d, u32 home)
{
	return home == VGIC_NONE ? NULL : d->cpus[home];
}

static inline unsigned long vgic_lock(port_lock_t *lock)
{
	unsigned long flags = port_irq_save();

	port_lock(lock);
	return flags;
}

static inline void vgic_unlock(port_lock_t *lock, unsigned long flags)
{
	port_unlock(lock);
	port_irq_restore(flags);
}

/* Locks the home of @irq, which it returns; NULL: vgic.lock is held. */
struct vgic_cpu *vgic_irq_lock(struct vgic *d, struct vgic_irq *irq, unsigned long *flags);
void vgic_irq_unlock(struct vgic *d, struct vgic_cpu *home, unsigned long flags);

/*
 * Puts @irq into the bucket that its state asks for. Home's lock held. True if the
 * vCPU must be told.
 */
bool vgic_irq_requeue(struct vgic_cpu *home, struct vgic_irq *irq);

/* Moves @irq to its target if nothing keeps it. No lock held. */
void vgic_irq_settle(struct vgic *d, struct vgic_irq *irq);

/* True if @irq is pending and enabled; GICD_CTLR is not looked at. */
bool vgic_irq_deliverable(const struct vgic_irq *irq);

/* The low @len bytes of a 64-bit register's half or whole, from @off. */
static inline u64 vgic_reg_extract(u64 reg, u32 off, u32 len)
{
	reg >>= (off & 7) * 8;
	return len >= 8 ? reg : reg & (VGIC_BIT(len * 8) - 1);
}

/* @reg with the part that @off and @len name replaced. */
static inline u64 vgic_reg_update(u64 reg, u32 off, u32 len, u64 val)
{
	u32 shift = (off & 7) * 8;
	u64 mask = len >= 8 ? ~0ULL : (VGIC_BIT(len * 8) - 1) << shift;

	return (reg & ~mask) | ((val << shift) & mask);
}

/*
 * Memory attributes of a table register: inner cacheability at bit @inner,
 * shareability at bit 10, outer cacheability at bit @outer (IHI 0069H 12.11.18).
 */
u64 vgic_sanitise_attrs(u64 reg, u32 inner, u32 outer);

#define BASER_RAWB	    3ULL /* inner: read-allocate, write-back */
#define BASER_SAME_AS_INNER 0ULL
#define BASER_INNER_SHARE   1ULL

/* GICR registers that are not a bank of interrupts: lpi.c and mmio.c. */
u64 vgic_propbaser_write(struct vgic *d, u64 val);
u64 vgic_pendbaser_write(u64 val);

/* GICR_CTLR.EnableLPIs was set: takes the pending table over. May sleep. */
void vgic_lpi_enable(struct vgic *d, struct vgic_cpu *c);
/* It was cleared: nothing is pending any more. */
void vgic_lpi_disable(struct vgic *d, struct vgic_cpu *c);

#endif /* CORE_VGIC_PRIVATE_H */
