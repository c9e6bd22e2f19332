// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to what is not memory: decoded from the syndrome of a data abort, given
 * to the kernel's devices or to user space, and completed.
 *
 * The CPU describes single loads and stores of general registers (ISV). Pairs,
 * vector registers and addressing with write-back come without a description, and
 * are refused as mainline does.
 *
 * Locks: vcpu->mutex; devices under vm->srcu.
 */
#include <linux/srcu.h>
#include <linux/swab.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "exit.h"
#include "vcpu.h"

static void decode(struct rd_vcpu *vcpu, struct rd_mmio *m)
{
	u64 esr = vcpu->state->exit.esr;

	m->gpa = rd_vcpu_fault_ipa(vcpu);
	m->len = 1 << ((esr & ESR_ELx_SAS) >> ESR_ELx_SAS_SHIFT);
	m->rt = (esr & ESR_ELx_SRT_MASK) >> ESR_ELx_SRT_SHIFT;
	m->write = esr & ESR_ELx_WNR;
	m->sign = esr & ESR_ELx_SSE;
	m->sf = esr & ESR_ELx_SF;
}

static bool big_endian(struct rd_vcpu *vcpu)
{
	u64 sctlr = vcpu->state->sys[RD_SYS_SCTLR_EL1];
	u64 pstate = vcpu->state->pstate;

	if (pstate & PSR_MODE32_BIT)
		return pstate & PSR_AA32_E_BIT;
	if ((pstate & PSR_MODE_MASK) == PSR_MODE_EL0t)
		return sctlr & SCTLR_EL1_E0E;
	return sctlr & SCTLR_ELx_EE;
}

/* Between a register's value and the bytes on the bus, which are little-endian here. */
static u64 bus_order(struct rd_vcpu *vcpu, u64 val, unsigned int len)
{
	if (!big_endian(vcpu))
		return val;
	switch (len) {
	case 2:
		return swab16(val);
	case 4:
		return swab32(val);
	case 8:
		return swab64(val);
	default:
		return val;
	}
}

/* What a load of @raw leaves in the register. */
static u64 loaded(struct rd_vcpu *vcpu, const struct rd_mmio *m, u64 raw)
{
	u64 val = bus_order(vcpu, raw, m->len);

	if (m->sign && m->len < 8)
		val = sign_extend64(val, m->len * 8 - 1);
	return m->sf ? val : lower_32_bits(val);
}

static u64 stored(struct rd_vcpu *vcpu, const struct rd_mmio *m)
{
	return bus_order(vcpu, rd_vcpu_reg(vcpu, m->rt), m->len);
}

static void finish(struct rd_vcpu *vcpu, const struct rd_mmio *m, u64 raw)
{
	if (!m->write)
		rd_vcpu_set_reg(vcpu, m->rt, loaded(vcpu, m, raw));
	rd_vcpu_skip_insn(vcpu);
}

/* Offers the access to the kernel's devices. */
static bool device_access(struct rd_vcpu *vcpu, const struct rd_mmio *m)
{
	u64 raw = m->write ? stored(vcpu, m) : 0;
	struct rd_vm *vm = vcpu->vm;
	int idx, ret;

	idx = srcu_read_lock(&vm->srcu);
	ret = m->write ? rd_iobus_write(vcpu, m->gpa, m->len, &raw) :
			 rd_iobus_read(vcpu, m->gpa, m->len, &raw);
	srcu_read_unlock(&vm->srcu, idx);
	if (ret)
		return false;
	RD_STAT_INC(vcpu, mmio_exit_kernel);
	finish(vcpu, m, raw);
	return true;
}

/* A described access by the guest's own instruction, not by its page table walk. */
static bool describable(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW && esr & ESR_ELx_ISV &&
	       !(esr & (ESR_ELx_S1PTW | ESR_ELx_CM));
}

bool rd_exit_device(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;
	struct rd_mmio m;

	/* Devices lie where no memory is: a permission fault is memory's. */
	if (!describable(esr) || !esr_fsc_is_translation_fault(esr))
		return false;
	decode(vcpu, &m);
	return device_access(vcpu, &m);
}

static int to_user(struct rd_vcpu *vcpu, const struct rd_mmio *m)
{
	struct kvm_run *run = vcpu->run;
	u64 raw = m->write ? stored(vcpu, m) : 0;

	RD_STAT_INC(vcpu, mmio_exit_user);
	vcpu->mmio = *m;
	vcpu->pending = RD_PENDING_MMIO;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = m->gpa;
	run->mmio.len = m->len;
	run->mmio.is_write = m->write;
	memcpy(run->mmio.data, &raw, sizeof(raw));
	return 0;
}

static int undescribed(struct rd_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 esr = vcpu->state->exit.esr;

	if (!test_bit(RD_VM_NISV_TO_USER, &vcpu->vm->flags))
		return -ENOSYS;
	run->exit_reason = KVM_EXIT_ARM_NISV;
	run->arm_nisv.esr_iss = esr & ESR_ELx_ISS_MASK;
	run->arm_nisv.fault_ipa = rd_vcpu_fault_ipa(vcpu);
	return 0;
}

int rd_exit_mmio(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr, far = vcpu->state->exit.far;
	struct rd_mmio m;

	/* A protected guest gets no exceptions from here, and shows no other accesses. */
	if (vcpu->vm->is_protected && !describable(esr))
		return -EFAULT;
	/* Nothing to execute, or to walk tables in, outside memory. */
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW) {
		rd_vcpu_inject_iabt(vcpu, far);
		return 1;
	}
	if (esr & ESR_ELx_S1PTW) {
		rd_vcpu_inject_dabt(vcpu, far);
		return 1;
	}
	if (esr & ESR_ELx_CM) {
		/* Cache maintenance of what isn't cached. */
		rd_vcpu_skip_insn(vcpu);
		return 1;
	}
	if (!(esr & ESR_ELx_ISV))
		return undescribed(vcpu);
	decode(vcpu, &m);
	if (!esr_fsc_is_translation_fault(esr) && device_access(vcpu, &m))
		return 1;
	return to_user(vcpu, &m);
}

void rd_mmio_complete(struct rd_vcpu *vcpu)
{
	u64 raw = 0;

	vcpu->pending = RD_PENDING_NONE;
	memcpy(&raw, vcpu->run->mmio.data, vcpu->mmio.len);
	finish(vcpu, &vcpu->mmio, raw);
}
