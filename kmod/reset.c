// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ARM_VCPU_INIT and reset: the state in which a vCPU starts (Arm ARM D1.3.1 for
 * EL1; PSCI 1.1 section 6.4 for CPU_ON).
 *
 * Locks: vcpu->mutex; vm->config_lock for the features that all vCPUs share.
 */
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "cache.h"
#include "vcpu.h"

/* What the architecture leaves undefined starts as something that a guest notices. */
#define UNKNOWN_VALUE 0x1de7ec7edbadc0deULL

/* RES1 bits; MMU, caches and alignment checks off. */
#define SCTLR_RESET 0x00c50078ULL

/* What a vCPU may be asked to have. */
#define OFFERED (BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2))
/* Names of the uapi that this build does not offer. */
#define KNOWN	(OFFERED | BIT(KVM_ARM_VCPU_EL1_32BIT) | BIT(KVM_ARM_VCPU_PMU_V3) |                \
		 BIT(KVM_ARM_VCPU_SVE) | BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |                       \
		 BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC) | BIT(KVM_ARM_VCPU_HAS_EL2))

/* What starts as 0: the architecture says so, or a guest could be led astray by anything else. */
static const enum rd_sys zero_at_reset[] = {
	RD_SYS_CPACR_EL1, RD_SYS_TCR_EL1, RD_SYS_VBAR_EL1, RD_SYS_CONTEXTIDR_EL1,
	RD_SYS_MDSCR_EL1, RD_SYS_MDCCINT_EL1, RD_SYS_CNTKCTL_EL1, RD_SYS_DISR_EL1,
	RD_SYS_SP_EL0, RD_SYS_SP_EL1, RD_SYS_ELR_EL1, RD_SYS_SPSR_EL1, RD_SYS_CSSELR_EL1,
};

static void reset_sysregs(struct rd_vcpu *vcpu)
{
	u64 *sys = vcpu->state->sys;
	unsigned int i;

	for (i = 0; i < RD_SYS_COUNT; i++)
		sys[i] = UNKNOWN_VALUE;
	for (i = 0; i < ARRAY_SIZE(zero_at_reset); i++)
		sys[zero_at_reset[i]] = 0;
	sys[RD_SYS_SCTLR_EL1] = SCTLR_RESET;
	sys[RD_SYS_ACTLR_EL1] = read_sysreg(actlr_el1);
}

void rd_vcpu_reset(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_state *s = vcpu->state;

	memset(s->x, 0, sizeof(s->x));
	memset(&s->fp, 0, sizeof(s->fp));
	memset(&s->dbg, 0, sizeof(s->dbg));
	s->pc = 0;
	s->pstate = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;
	s->flags &= ~RD_VCPU_VSERROR;
	s->vsesr = 0;
	reset_sysregs(vcpu);
	vcpu->pending = RD_PENDING_NONE;
	rd_debug_set_oslsr(vcpu, RD_OSLSR_IMPLEMENTED);
	rd_timer_vcpu_reset(vcpu);
}

void rd_vcpu_psci_reset(struct rd_vcpu *vcpu)
{
	struct rd_vcpu_reset reset;

	spin_lock(&vcpu->mp_lock);
	reset = vcpu->reset;
	spin_unlock(&vcpu->mp_lock);
	rd_vcpu_reset(vcpu);
	if (reset.be)
		vcpu->state->sys[RD_SYS_SCTLR_EL1] |= SCTLR_ELx_EE;
	vcpu->state->pc = reset.pc;
	vcpu->state->x[0] = reset.r0;
}

/* The features asked for, or a negative errno. */
static s64 check_features(const struct kvm_vcpu_init *init)
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
	return init->features[0];
}

/* All vCPUs of a VM are alike but for how they start. */
static int fix_features(struct rd_vcpu *vcpu, u64 features)
{
	struct rd_vm *vm = vcpu->vm;
	int ret = 0;

	if (vcpu->initialised)
		return features == vcpu->features ? 0 : -EINVAL;
	mutex_lock(&vm->config_lock);
	if (test_and_set_bit(RD_VM_FEATURES_SET, &vm->flags))
		ret = vm->features == features ? 0 : -EINVAL;
	else
		vm->features = features;
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
	s64 features = check_features(init);
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
