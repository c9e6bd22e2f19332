// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's stage-2 abort, decoded for core/gmem and answered: the guest goes on, user
 * space gets an MMIO exit or a SIGBUS, or the guest gets an abort of its own.
 *
 * Locks: vcpu->mutex; what gmem_fault() says.
 */
#include <linux/sched/signal.h>
#include <asm/esr.h>

#include "mmu_priv.h"
#include "vcpu.h"

/* ESR_ELx.ISS of aborts (Arm ARM D24.2.40). */
static bool is_exec(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW;
}

/* The fault came from the guest's own table walk, not from the access. */
static bool is_walk(u64 esr)
{
	return esr & ESR_ELx_S1PTW;
}

/* Cache maintenance reports itself as a write, and needs no more than to be mapped. */
static bool is_cache_op(u64 esr)
{
	return !is_exec(esr) && (esr & ESR_ELx_CM);
}

static bool is_write(u64 esr)
{
	/* A walk that may not write wants to set an access flag or a dirty bit. */
	if (is_walk(esr))
		return esr_fsc_is_permission_fault(esr);
	return !is_exec(esr) && (esr & ESR_ELx_WNR) && !(esr & ESR_ELx_CM);
}

static bool decode(const struct rd_vcpu *vcpu, u64 ipa, struct gmem_fault *f)
{
	u64 esr = vcpu->state->exit.esr;

	f->gfn = ipa >> PAGE_SHIFT;
	f->write = is_write(esr);
	f->exec = is_exec(esr) && !is_walk(esr);
	if (esr_fsc_is_translation_fault(esr))
		f->kind = GMEM_FAULT_TRANSLATION;
	else if (esr_fsc_is_permission_fault(esr))
		f->kind = GMEM_FAULT_PERMISSION;
	else if (esr_fsc_is_access_flag_fault(esr))
		f->kind = GMEM_FAULT_ACCESS;
	else
		return false;
	return true;
}

static void inject(struct rd_vcpu *vcpu)
{
	const struct rd_vcpu_exit *e = &vcpu->state->exit;

	if (is_exec(e->esr))
		rd_vcpu_inject_iabt(vcpu, e->far);
	else
		rd_vcpu_inject_dabt(vcpu, e->far);
}

/* No memory there, or a write to read-only memory. */
static int not_memory(struct rd_vcpu *vcpu)
{
	u64 esr = vcpu->state->exit.esr;

	/* rd_exit_mmio() has what there is to do: no exception can be given to the guest. */
	if (vcpu->vm->is_protected)
		return RD_FAULT_MMIO;
	/* Nobody can emulate a fetch or a table walk. */
	if (is_exec(esr) || is_walk(esr)) {
		inject(vcpu);
		return RD_FAULT_RESUME;
	}
	/* There is nothing in a cache of what isn't memory. */
	if (is_cache_op(esr)) {
		rd_vcpu_skip_insn(vcpu);
		return RD_FAULT_RESUME;
	}
	return RD_FAULT_MMIO;
}

static int answer(struct rd_vcpu *vcpu, const struct gmem_outcome *out)
{
	switch (out->result) {
	case GMEM_DONE:
	case GMEM_RETRY:
		return RD_FAULT_RESUME;
	case GMEM_NOSLOT:
	case GMEM_RDONLY:
		return not_memory(vcpu);
	case GMEM_POISON:
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)out->hva, PAGE_SHIFT + out->order,
				current);
		return RD_FAULT_RESUME;
	case GMEM_NOEXEC:
		inject(vcpu);
		return RD_FAULT_RESUME;
	default:
		/* The VMM's limit on locked memory, for which mlock() says the same. */
		return out->error == -EDQUOT ? -ENOMEM : out->error;
	}
}

/* Leaves that an earlier fault has left over, if they are in the vCPU's place. */
static void **stash_of(struct rd_mmu *m, const struct rd_vcpu *vcpu)
{
	return &m->stash[vcpu->idx % RD_MMU_STASHES];
}

int rd_mmu_fault(struct rd_vcpu *vcpu)
{
	struct rd_mmu *m = rd_mmu_of(vcpu->vm);
	u64 ipa = rd_vcpu_fault_ipa(vcpu);
	struct gmem_cache cache = {};
	struct gmem_outcome out;
	struct gmem_fault f;

	if (ipa >> vcpu->vm->ipa_bits) {
		if (vcpu->vm->is_protected)
			return -EFAULT;
		inject(vcpu);
		return RD_FAULT_RESUME;
	}
	if (!decode(vcpu, ipa, &f))
		return -EFAULT;
	f.ring = rd_ring_of(vcpu);
	cache.leaves = xchg(stash_of(m, vcpu), NULL);
	gmem_fault(&m->g, &f, &cache, &out);
	if (cache.leaves && cmpxchg(stash_of(m, vcpu), NULL, cache.leaves))
		m->g.ops->drain(m, &cache);
	rd_ring_pushed(vcpu);
	/* A huge page is charged before it is known how much of it the guest gets. */
	if (out.unused)
		rd_mmu_uncharge(m, out.unused);
	return answer(vcpu, &out);
}

int rd_mmu_relinquished(struct rd_vcpu *vcpu, u64 gfn)
{
	struct rd_mmu *m = rd_mmu_of(vcpu->vm);
	struct gmem_cache cache = {};
	int ret = m->g.ops->topup(m, &cache, false);

	if (!ret)
		ret = gmem_protected_relinquished(&m->p, gfn, &cache);
	m->g.ops->drain(m, &cache);
	rd_mmu_uncharge_returned(m);
	return ret;
}
