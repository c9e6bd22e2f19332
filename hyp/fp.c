// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lazy FP: the register file of a CPU holds the state of one owner, the host or the
 * vCPU that is loaded (cpu->fp_owner), and is switched when the other one uses it. A
 * guest that computes keeps its state through any number of exits; a host that
 * doesn't touch FP in between costs nothing. FPEXC of AArch32 comes and goes with it.
 *
 * The host's state is saved whole: it may be some other task's, which the kernel
 * believes to be still there. Guests have FP/SIMD only.
 */
#include <redoubt/vcpu.h>

#include "fp.h"
#include "switch.h"
#include "vm.h"

void fp_simd_save(struct rd_vcpu_fp *fp);
void fp_simd_load(const struct rd_vcpu_fp *fp);
void fp_sve_save(void *z, void *p, u64 *control, u64 ffr);
void fp_sve_load(const void *z, const void *p, const u64 *control, u64 ffr);

/* SVCR by encoding: bit 0 is streaming mode. */
#define SVCR	S3_3_C4_C2_2
#define SVCR_SM 1ULL

static inline u64 pfr0_sve(void)
{
	return read_sysreg(id_aa64pfr0_el1) >> 32 & 0xf;
}

static inline u64 pfr1_sme(void)
{
	return read_sysreg(id_aa64pfr1_el1) >> 24 & 0xf;
}

/* CPTR_EL2 with nothing trapped: RES1 bits, less those that are traps where implemented. */
static u64 cptr_open(void)
{
	u64 cptr = CPTR_EL2_RES1 | CPTR_EL2_TZ | CPTR_EL2_TSM;

	if (pfr0_sve())
		cptr &= ~CPTR_EL2_TZ;
	if (pfr1_sme())
		cptr &= ~CPTR_EL2_TSM;
	return cptr;
}

u64 fp_cptr_guest(const struct hyp_cpu *cpu, const struct hyp_vcpu *vcpu)
{
	u64 cptr = CPTR_EL2_RES1 | CPTR_EL2_TZ | CPTR_EL2_TSM | CPTR_EL2_TTA |
		   CPTR_EL2_TAM;

	return cpu->fp_owner == vcpu ? cptr : cptr | CPTR_EL2_TFP;
}

u64 fp_cptr_host(const struct hyp_cpu *cpu)
{
	u64 cptr = cptr_open();

	if (cpu->fp_owner)
		cptr |= CPTR_EL2_TFP | (pfr0_sve() ? CPTR_EL2_TZ : 0) |
			(pfr1_sme() ? CPTR_EL2_TSM : 0);
	return cptr;
}

/* With E2H = 0 the traps hold for EL2 too: off before EL2 itself touches the registers. */
static void open_traps(void)
{
	write_sysreg(cptr_el2, cptr_open());
	isb();
}

static void host_save(struct hyp_cpu *cpu)
{
	struct host_fp *fp = &cpu->host_fp;

	fp->svcr = pfr1_sme() ? read_sysreg(SVCR) : 0;
	if (!pfr0_sve() && !(fp->svcr & SVCR_SM)) {
		fp_simd_save((struct rd_vcpu_fp *)fp->z);
		return;
	}
	fp_sve_save(fp->z, fp->p, fp->control, !(fp->svcr & SVCR_SM));
	/* Leaving streaming mode clears the vectors, which is well; ZA stays as it is. */
	if (fp->svcr & SVCR_SM)
		write_sysreg(SVCR, fp->svcr & ~SVCR_SM);
}

static void host_load(struct hyp_cpu *cpu)
{
	struct host_fp *fp = &cpu->host_fp;

	if (!pfr0_sve() && !(fp->svcr & SVCR_SM)) {
		fp_simd_load((struct rd_vcpu_fp *)fp->z);
		return;
	}
	if (fp->svcr & SVCR_SM)
		write_sysreg(SVCR, fp->svcr);
	fp_sve_load(fp->z, fp->p, fp->control, !(fp->svcr & SVCR_SM));
}

void fp_guest_trap(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	stat_inc(RD_STAT_FP_SWITCHES);
	open_traps();
	port_assert(!cpu->fp_owner); /* only the loaded vCPU can own it, and it didn't */
	host_save(cpu);
	fp_simd_load(&vcpu->state->fp);
	if (vcpu->vm->width == VM_WIDTH_32)
		write_sysreg(fpexc32_el2, vcpu->state->sys[RD_SYS_FPEXC32_EL2]);
	cpu->fp_owner = vcpu;
}

void fp_restore_host(struct hyp_cpu *cpu)
{
	struct hyp_vcpu *vcpu = cpu->fp_owner;

	if (!vcpu)
		return;
	stat_inc(RD_STAT_FP_SWITCHES);
	open_traps();
	fp_simd_save(&vcpu->state->fp);
	if (vcpu->vm->width == VM_WIDTH_32)
		vcpu->state->sys[RD_SYS_FPEXC32_EL2] = read_sysreg(fpexc32_el2);
	host_load(cpu);
	cpu->fp_owner = NULL;
	/* The host goes on with its traps off: open_traps() left them so. */
}

bool fp_host_trap(void)
{
	struct hyp_cpu *cpu = this_cpu();

	if (!cpu->fp_owner)
		return false;
	fp_restore_host(cpu);
	return true;
}
