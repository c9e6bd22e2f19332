// SPDX-License-Identifier: GPL-2.0-only
/*
 * ONE_REG: core registers here, the others by their class: firmware (smccc.c),
 * timers (timer.c), caches (cache.c), system registers (regs_sys.c).
 *
 * A register's id holds its size; an id with another size than the register has
 * doesn't exist. A protected VM's registers are EL2's (-EPERM once it has run).
 *
 * Locks: vcpu->mutex, the vCPU not loaded.
 */
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "cache.h"
#include "regs.h"
#include "vcpu.h"

#define CORE(member)	  (KVM_REG_ARM64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))
#define CORE_MASK	  0xffffULL
#define CORE_OFF(member)  KVM_REG_ARM_CORE_REG(member)
#define NR_GENERAL	  34 /* x0 to x30, sp, pc, pstate */
#define NR_VECTORS	  32

/* Where a core register is, and how large. */
struct place {
	void *at;
	u32 size; /* bytes; 0: no such register */
};

/* x0 to x30, sp, pc, pstate: pairs of 32-bit units. */
static struct place general(struct rd_vcpu *vcpu, u32 off)
{
	struct rd_vcpu_state *s = vcpu->state;
	u32 n = off / 2;

	if (off % 2)
		return (struct place){};
	if (n < 31)
		return (struct place){ &s->x[n], 8 };
	switch (n) {
	case 31:
		return (struct place){ &s->sys[RD_SYS_SP_EL0], 8 };
	case 32:
		return (struct place){ &s->pc, 8 };
	default:
		return (struct place){ &s->pstate, 8 };
	}
}

/* sp_el1, elr_el1, spsr[5]. */
static struct place el1(struct rd_vcpu *vcpu, u32 off)
{
	struct rd_vcpu_state *s = vcpu->state;
	u32 n = (off - CORE_OFF(sp_el1)) / 2;

	if ((off - CORE_OFF(sp_el1)) % 2)
		return (struct place){};
	switch (n) {
	case 0:
		return (struct place){ &s->sys[RD_SYS_SP_EL1], 8 };
	case 1:
		return (struct place){ &s->sys[RD_SYS_ELR_EL1], 8 };
	case 2:
		return (struct place){ &s->sys[RD_SYS_SPSR_EL1], 8 };
	default:
		return (struct place){ &s->sys[RD_SYS_SPSR_ABT + n - 3], 8 };
	}
}

static struct place vector(struct rd_vcpu *vcpu, u32 off)
{
	struct rd_vcpu_fp *fp = &vcpu->state->fp;
	u32 rel = off - CORE_OFF(fp_regs.vregs[0]);

	if (off == CORE_OFF(fp_regs.fpsr))
		return (struct place){ &fp->fpsr, 4 };
	if (off == CORE_OFF(fp_regs.fpcr))
		return (struct place){ &fp->fpcr, 4 };
	if (rel % 4 || rel / 4 >= NR_VECTORS)
		return (struct place){};
	return (struct place){ &fp->v[rel / 4 * 2], 16 };
}

static struct place core_place(struct rd_vcpu *vcpu, u64 id)
{
	struct place p = {};
	u32 off = id & CORE_MASK;

	if (off < CORE_OFF(sp_el1))
		p = general(vcpu, off);
	else if (off < CORE_OFF(fp_regs.vregs[0]))
		p = off < CORE_OFF(spsr[5]) ? el1(vcpu, off) : p;
	else
		p = vector(vcpu, off);
	if (p.size != KVM_REG_SIZE(id) ||
	    (id & ~(KVM_REG_SIZE_MASK | CORE_MASK)) != (KVM_REG_ARM64 | KVM_REG_ARM_CORE))
		p.size = 0;
	return p;
}

/* A state of PSTATE.M that the guest could reach by itself. */
static bool mode_ok(const struct rd_vcpu *vcpu, u64 pstate)
{
	switch (pstate & (PSR_MODE_MASK | PSR_MODE32_BIT)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return !rd_vcpu_is_32bit(vcpu);
	case PSR_AA32_MODE_FIQ:
	case PSR_AA32_MODE_IRQ:
	case PSR_AA32_MODE_SVC:
	case PSR_AA32_MODE_ABT:
	case PSR_AA32_MODE_UND:
	case PSR_AA32_MODE_SYS:
		return rd_vcpu_is_32bit(vcpu);
	case PSR_AA32_MODE_USR:
		return ((read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1) >>
			 ID_AA64PFR0_EL1_EL0_SHIFT) & 0xf) == 2;
	default:
		return false;
	}
}

/*
 * What AArch32 can reach has 32 bits: all of x0 to x30 from the modes of EL1, which has
 * the banks of the others in them; r0 to r14 from User and System.
 */
static void narrow(struct rd_vcpu_state *s)
{
	u64 mode = s->pstate & PSR_AA32_MODE_MASK;
	u32 i, nr = mode == PSR_AA32_MODE_USR || mode == PSR_AA32_MODE_SYS ? 15 : 31;

	for (i = 0; i < nr; i++)
		s->x[i] = lower_32_bits(s->x[i]);
	s->pc = lower_32_bits(s->pc);
}

static int get_core(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	struct place p = core_place(vcpu, reg->id);

	if (!p.size)
		return -ENOENT;
	return copy_to_user((void __user *)reg->addr, p.at, p.size) ? -EFAULT : 0;
}

static int set_core(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	struct place p = core_place(vcpu, reg->id);
	u64 val[2] = {};

	if (!p.size)
		return -ENOENT;
	if (copy_from_user(val, (void __user *)reg->addr, p.size))
		return -EFAULT;
	if (p.at == &vcpu->state->pstate && !mode_ok(vcpu, val[0]))
		return -EINVAL;
	memcpy(p.at, val, p.size);
	if (vcpu->state->pstate & PSR_MODE32_BIT)
		narrow(vcpu->state);
	return 0;
}

/* CCSIDR_EL1 by CSSELR_EL1's value. */
static int demux_sel(u64 id, u32 *sel)
{
	*sel = id & KVM_REG_ARM_DEMUX_VAL_MASK;
	if (KVM_REG_SIZE(id) != 4 || (id & KVM_REG_ARM_DEMUX_ID_MASK) ||
	    id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | KVM_REG_ARM_COPROC_MASK |
		   KVM_REG_ARM_DEMUX_ID_MASK | KVM_REG_ARM_DEMUX_VAL_MASK))
		return -ENOENT;
	return 0;
}

static int get_demux(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	u32 sel, val;
	int ret = demux_sel(reg->id, &sel);

	if (!ret)
		ret = rd_cache_get_ccsidr(vcpu, sel, &val);
	return ret ? ret : put_user(val, (u32 __user *)reg->addr);
}

static int set_demux(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	u32 sel, val;
	int ret = demux_sel(reg->id, &sel);

	if (!ret)
		ret = get_user(val, (u32 __user *)reg->addr);
	return ret ? ret : rd_cache_set_ccsidr(vcpu, sel, val);
}

/* Whose the registers of 64 bits are, by class; the first that knows an id answers. */
static const struct owner {
	u64 class;
	int (*get)(struct rd_vcpu *vcpu, u64 id, u64 *val);
	int (*set)(struct rd_vcpu *vcpu, u64 id, u64 val);
} owners[] = {
	{ KVM_REG_ARM_FW, rd_smccc_get_reg, rd_smccc_set_reg },
	{ KVM_REG_ARM_FW_FEAT_BMAP, rd_smccc_get_reg, rd_smccc_set_reg },
	{ KVM_REG_ARM64_SYSREG, rd_timer_get_reg, rd_timer_set_reg },
	{ KVM_REG_ARM64_SYSREG, rd_sysreg_get, rd_sysreg_set },
};

/* Reads or writes *@val. */
static int access_u64(struct rd_vcpu *vcpu, u64 id, bool set, u64 *val)
{
	unsigned int i;
	int ret = -ENOENT;

	if (KVM_REG_SIZE(id) != 8)
		return -ENOENT;
	for (i = 0; i < ARRAY_SIZE(owners) && ret == -ENOENT; i++) {
		if (owners[i].class == (id & KVM_REG_ARM_COPROC_MASK))
			ret = set ? owners[i].set(vcpu, id, *val) : owners[i].get(vcpu, id, val);
	}
	return ret;
}

/*
 * All but the virtual counter, which is the host's own: QEMU reads it when it stops a VM
 * and ends itself if it can't. Writes to it have no effect on a protected VM.
 */
static bool hidden(struct rd_vcpu *vcpu, u64 id)
{
	return vcpu->vm->is_protected && test_bit(RD_VM_RAN_ONCE, &vcpu->vm->flags) &&
	       id != KVM_REG_ARM_TIMER_CNT;
}

/*
 * QEMU 10 ends itself when it can't read registers, and reads them whenever a driver
 * resets a virtio device, to learn the byte order: little-endian, as zeros say. Nothing
 * of the guest is in them.
 */
static bool blank_regs;
module_param(blank_regs, bool, 0644);
MODULE_PARM_DESC(blank_regs, "registers of protected VMs read as zero and ignore writes, rather than fail: for QEMU 10");

static int get_hidden(const struct kvm_one_reg *reg)
{
	if (!READ_ONCE(blank_regs))
		return -EPERM;
	return clear_user((void __user *)reg->addr, KVM_REG_SIZE(reg->id)) ? -EFAULT : 0;
}

int rd_regs_get(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	u64 val;
	int ret;

	if ((reg->id & KVM_REG_ARCH_MASK) != KVM_REG_ARM64)
		return -EINVAL;
	if (hidden(vcpu, reg->id))
		return get_hidden(reg);
	switch (reg->id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return get_core(vcpu, reg);
	case KVM_REG_ARM_DEMUX:
		return get_demux(vcpu, reg);
	default:
		ret = access_u64(vcpu, reg->id, false, &val);
		return ret ? ret : put_user(val, (u64 __user *)reg->addr);
	}
}

int rd_regs_set(struct rd_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	u64 val;

	if ((reg->id & KVM_REG_ARCH_MASK) != KVM_REG_ARM64)
		return -EINVAL;
	if (hidden(vcpu, reg->id))
		return READ_ONCE(blank_regs) ? 0 : -EPERM;
	switch (reg->id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return set_core(vcpu, reg);
	case KVM_REG_ARM_DEMUX:
		return set_demux(vcpu, reg);
	default:
		if (KVM_REG_SIZE(reg->id) != 8)
			return -ENOENT;
		if (get_user(val, (u64 __user *)reg->addr))
			return -EFAULT;
		return access_u64(vcpu, reg->id, true, &val);
	}
}

/* The @i-th core register's id, or 0 after the last. */
static u64 core_id(unsigned int i)
{
	u64 base = KVM_REG_ARM64 | KVM_REG_ARM_CORE;

	if (i < NR_GENERAL)
		return base | KVM_REG_SIZE_U64 | (2 * i);
	i -= NR_GENERAL;
	if (i < 7)
		return base | KVM_REG_SIZE_U64 | (CORE_OFF(sp_el1) + 2 * i);
	i -= 7;
	if (i < NR_VECTORS)
		return base | KVM_REG_SIZE_U128 | (CORE_OFF(fp_regs.vregs[0]) + 4 * i);
	i -= NR_VECTORS;
	if (i < 2)
		return base | KVM_REG_SIZE_U32 | (CORE_OFF(fp_regs.fpsr) + i);
	return 0;
}

static const u64 timer_ids[] = {
	KVM_REG_ARM_TIMER_CTL, KVM_REG_ARM_TIMER_CVAL, KVM_REG_ARM_TIMER_CNT,
	KVM_REG_ARM_PTIMER_CTL, KVM_REG_ARM_PTIMER_CVAL, KVM_REG_ARM_PTIMER_CNT,
};

/* Counts ids, and writes them as long as there is room. */
struct lister {
	u64 __user *to;
	u64 room;
	u64 nr;
	int error;
};

static void list_one(struct lister *l, u64 id)
{
	if (l->nr < l->room && put_user(id, l->to + l->nr))
		l->error = -EFAULT;
	l->nr++;
}

static void list_all(struct rd_vcpu *vcpu, struct lister *l)
{
	unsigned int i;
	u64 id;

	for (i = 0; (id = core_id(i)); i++)
		list_one(l, id);
	for (i = 0; (id = rd_smccc_reg_id(i)); i++)
		list_one(l, id);
	for (i = 0; i < ARRAY_SIZE(timer_ids); i++)
		list_one(l, timer_ids[i]);
	for (i = 0; (id = rd_sysreg_id(vcpu, i)); i++)
		list_one(l, id);
	for (i = 0; i < RD_CSSELR_MAX; i++)
		if (rd_cache_exists(vcpu, i))
			list_one(l, KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX |
					    KVM_REG_ARM_DEMUX_ID_CCSIDR | i);
}

int rd_regs_list(struct rd_vcpu *vcpu, struct kvm_reg_list __user *list)
{
	struct lister count = {}, l = { .to = list->reg };

	if (get_user(l.room, &list->n))
		return -EFAULT;
	list_all(vcpu, &count);
	if (put_user(count.nr, &list->n))
		return -EFAULT;
	if (l.room < count.nr)
		return -E2BIG;
	list_all(vcpu, &l);
	return l.error;
}
