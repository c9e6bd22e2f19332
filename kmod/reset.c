// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ARM_VCPU_INIT and reset: the state in which a vCPU starts (Arm ARM D1.3.1 for
 * EL1, G1.9 where that is AArch32; PSCI 1.1 section 6.4 for CPU_ON).
 *
 * Locks: vcpu->mutex; vm->config_lock for the features that all vCPUs share.
 */
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "aarch32.h"
#include "cache.h"
#include "hvc.h"
#include "vcpu.h"

/* What the architecture leaves undefined starts as something that a guest notices. */
#define UNKNOWN_VALUE 0x1de7ec7edbadc0deULL

/* RES1 bits; MMU, caches and alignment checks off. */
#define SCTLR_RESET 0x00c50078ULL

/* What a vCPU may be asked to have. */
#define OFFERED                                                                                    \
	(BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2) | BIT(KVM_ARM_VCPU_EL1_32BIT))
/* Names of the uapi that this build does not offer. */
#define KNOWN                                                                                      \
	(OFFERED | BIT(KVM_ARM_VCPU_PMU_V3) | BIT(KVM_ARM_VCPU_SVE) |                              \
	 BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC) |                   \
	 BIT(KVM_ARM_VCPU_HAS_EL2))

/* What starts as 0: the architecture says so, or a guest could be led astray by anything else. */
static const enum rd_sys zero_at_reset[] = {
	RD_SYS_CPACR_EL1, RD_SYS_TCR_EL1, RD_SYS_VBAR_EL1, RD_SYS_CONTEXTIDR_EL1,
	RD_SYS_MDSCR_EL1, RD_SYS_MDCCINT_EL1, RD_SYS_CNTKCTL_EL1, RD_SYS_DISR_EL1,
	RD_SYS_SP_EL0, RD_SYS_SP_EL1, RD_SYS_ELR_EL1, RD_SYS_SPSR_EL1, RD_SYS_CSSELR_EL1,
	RD_SYS_SPSR_ABT, RD_SYS_SPSR_UND, RD_SYS_SPSR_IRQ, RD_SYS_SPSR_FIQ, RD_SYS_DACR32_EL2,
	RD_SYS_IFSR32_EL2, RD_SYS_DBGVCR32_EL2,
};

/* FP off; the version of VFP, which is all that a CPU without it has in there. */
#define FPEXC_RESET 0x700

#define PSTATE_RESET32 (PSR_AA32_MODE_SVC | PSR_AA32_A_BIT | PSR_AA32_I_BIT | PSR_AA32_F_BIT)
#define PSTATE_RESET64 (PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)

static void reset_sysregs(struct rd_vcpu *vcpu)
{
	u64 *sys = vcpu->state->sys;
	unsigned int i;

	for (i = 0; i < RD_SYS_COUNT; i++)
		sys[i] = UNKNOWN_VALUE;
	for (i = 0; i < ARRAY_SIZE(zero_at_reset); i++)
		sys[zero_at_reset[i]] = 0;
	sys[RD_SYS_SCTLR_EL1] = SCTLR_RESET;
	sys[RD_SYS_FPEXC32_EL2] = FPEXC_RESET;
	sys[RD_SYS_ACTLR_EL1] = read_sysreg(actlr_el1);
}

void rd_vcpu_reset(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_state *s = vcpu->state;

	memset(s->x, 0, sizeof(s->x));
	memset(&s->fp, 0, sizeof(s->fp));
	memset(&s->dbg, 0, sizeof(s->dbg));
	s->pc = 0;
	s->pstate = rd_vcpu_is_32bit(vcpu) ? PSTATE_RESET32 : PSTATE_RESET64;
	s->flags &= ~RD_VCPU_VSERROR;
	s->vsesr = 0;
	reset_sysregs(vcpu);
	vcpu->pending = RD_PENDING_NONE;
	rd_debug_set_oslsr(vcpu, RD_OSLSR_IMPLEMENTED);
	rd_timer_vcpu_reset(vcpu);
}

/* Bit 0 of the entry point asks for Thumb (PSCI 1.1 section 6.4.1). */
static void start32(struct rd_vcpu_state *s, bool be)
{
	if (s->pc & 1)
		s->pstate |= PSR_AA32_T_BIT;
	if (be)
		s->pstate |= PSR_AA32_E_BIT;
	s->pc &= ~1ULL;
}

void rd_vcpu_psci_reset(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_reset reset;

	spin_lock(&vcpu->mp_lock);
	reset = vcpu->reset;
	spin_unlock(&vcpu->mp_lock);
	rd_vcpu_reset(vcpu);
	vcpu->state->pc = reset.pc;
	vcpu->state->x[0] = reset.r0;
	if (rd_vcpu_is_32bit(vcpu))
		start32(vcpu->state, reset.be);
	else if (reset.be)
		vcpu->state->sys[RD_SYS_SCTLR_EL1] |= SCTLR_ELx_EE;
}

/* The features asked for, or a negative errno. */
static s64 check_features(const struct rd_vm *vm, const struct kvm_vcpu_init *init)
{
	u32 i;

	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	for (i = 1; i < ARRAY_SIZE(init->features); i++)
		if (init->features[i])
			return -ENOENT;
	if (init->features[0] & ~KNOWN)
		return -ENOENT;
	if (init->features[0] & ~OFFERED)
		return -EINVAL;
	if (init->features[0] & BIT(KVM_ARM_VCPU_EL1_32BIT) &&
	    (vm->is_protected || !rd_aarch32_el1()))
		return -EINVAL;
	return init->features[0];
}

/* The VM's first vCPU: EL2 learns of its width once, before anything runs. config_lock held. */
static int settle_features(struct rd_vm *vm, u64 features)
{
	int ret = 0;

	if (test_bit(RD_VM_FEATURES_SET, &vm->flags))
		return vm->features == features ? 0 : -EINVAL;
	if (features & BIT(KVM_ARM_VCPU_EL1_32BIT))
		ret = rd_hvc1(RD_HVC_VM_AARCH32, vm->handle);
	if (ret)
		return ret;
	vm->features = features;
	set_bit(RD_VM_FEATURES_SET, &vm->flags);
	return 0;
}

/* All vCPUs of a VM are alike but for how they start. */
static int fix_features(struct rd_vcpu *vcpu, u64 features)
{
	struct rd_vm *vm = vcpu->vm;
	int ret;

	if (vcpu->initialised)
		return features == vcpu->features ? 0 : -EINVAL;
	mutex_lock(&vm->config_lock);
	ret = settle_features(vm, features);
	mutex_unlock(&vm->config_lock);
	if (ret)
		return ret;
	vcpu->features = features;
	vcpu->shadow.clidr = rd_cache_default_clidr();
	vcpu->state->flags |= RD_VCPU_TRAP_WFI;
	vcpu->initialised = true;
	return 0;
}

int rd_vcpu_init(struct rd_vcpu *vcpu, const struct kvm_vcpu_init *init)
{
	s64 features = check_features(vcpu->vm, init);
	bool off;
	int ret;

	if (features < 0)
		return features;
	off = features & BIT(KVM_ARM_VCPU_POWER_OFF);
	ret = fix_features(vcpu, features & ~BIT(KVM_ARM_VCPU_POWER_OFF));
	if (ret)
		return ret;
	if (vcpu->vm->is_protected && vcpu->ran_once)
		return -EPERM;
	rd_vcpu_reset(vcpu);
	clear_bit(RD_REQ_RESET, &vcpu->requests);
	rd_vcpu_set_power(vcpu, off ? RD_POWER_OFF : RD_POWER_ON);
	return 0;
}

void rd_vcpu_set_power(struct rd_vcpu *vcpu, enum rd_power power)
{
	spin_lock(&vcpu->mp_lock);
	WRITE_ONCE(vcpu->power, power);
	if (power == RD_POWER_ON) {
		clear_bit(RD_REQ_SLEEP, &vcpu->requests);
		/* What ends the wait of one that is asleep: to be on is no reason by itself. */
		rd_vcpu_request(vcpu, RD_REQ_KICK);
	} else {
		rd_vcpu_request(vcpu, RD_REQ_SLEEP);
	}
	spin_unlock(&vcpu->mp_lock);
	rd_vcpu_kick(vcpu);
}
