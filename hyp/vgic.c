// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface. VMCR and the active priorities stay in the CPU as long
 * as the vCPU is loaded: while the host runs, HCR_EL2.IMO is 0 and nothing of them
 * has an effect. List registers are there during a run only, and a run without any
 * costs one read of VMCR.
 */
#include "cpu.h"
#include "vgic.h"

#define ICH_VTR	  S3_4_C12_C11_1
#define ICH_HCR	  S3_4_C12_C11_0
#define ICH_MISR  S3_4_C12_C11_2
#define ICH_EISR  S3_4_C12_C11_3
#define ICH_ELRSR S3_4_C12_C11_5
#define ICH_VMCR  S3_4_C12_C11_7

#define ICH_HCR_EN    (1ULL << 0)
#define ICH_HCR_TC    (1ULL << 10)
#define ICH_HCR_TALL0 (1ULL << 11)
#define ICH_HCR_TALL1 (1ULL << 12)
/* What the module may ask for: enables of maintenance interrupts, and traps. */
#define ICH_HCR_KNOWN 0x7cffULL
/* vSGIEOIcount, EOIcount: in and out. */
#define ICH_HCR_EOICOUNT (0x1fULL << 27)

#define ICC_SRE_EL2	   S3_4_C12_C9_5
#define ICC_SRE_SRE	   (1ULL << 0)
#define ICC_SRE_DFB	   (1ULL << 1)
#define ICC_SRE_DIB	   (1ULL << 2)
#define ICC_SRE_ENABLE	   (1ULL << 3)

/* Registers by number need a name each. */
#define LR_EACH(X)                                                                                 \
	X(0, C12, 0) X(1, C12, 1) X(2, C12, 2) X(3, C12, 3) X(4, C12, 4) X(5, C12, 5)              \
	X(6, C12, 6) X(7, C12, 7) X(8, C13, 0) X(9, C13, 1) X(10, C13, 2) X(11, C13, 3)            \
	X(12, C13, 4) X(13, C13, 5) X(14, C13, 6) X(15, C13, 7)

static u64 nr_lrs(void)
{
	return (read_sysreg(ICH_VTR) & 0x1f) + 1;
}

/* Active priority registers of each group: 1, 2 or 4, by the bits of preemption. */
static u64 nr_aprs(void)
{
	u64 bits = (read_sysreg(ICH_VTR) >> 26 & 7) + 1;

	return bits >= 7 ? 4 : bits == 6 ? 2 : 1;
}

static void aprs_write(const u64 *apr0, const u64 *apr1)
{
	u64 n = nr_aprs();

	write_sysreg(S3_4_C12_C8_0, apr0[0]);
	write_sysreg(S3_4_C12_C9_0, apr1[0]);
	if (n > 1) {
		write_sysreg(S3_4_C12_C8_1, apr0[1]);
		write_sysreg(S3_4_C12_C9_1, apr1[1]);
	}
	if (n > 2) {
		write_sysreg(S3_4_C12_C8_2, apr0[2]);
		write_sysreg(S3_4_C12_C8_3, apr0[3]);
		write_sysreg(S3_4_C12_C9_2, apr1[2]);
		write_sysreg(S3_4_C12_C9_3, apr1[3]);
	}
}

static void aprs_read(u64 *apr0, u64 *apr1)
{
	u64 n = nr_aprs();

	apr0[0] = read_sysreg(S3_4_C12_C8_0);
	apr1[0] = read_sysreg(S3_4_C12_C9_0);
	if (n > 1) {
		apr0[1] = read_sysreg(S3_4_C12_C8_1);
		apr1[1] = read_sysreg(S3_4_C12_C9_1);
	}
	if (n > 2) {
		apr0[2] = read_sysreg(S3_4_C12_C8_2);
		apr0[3] = read_sysreg(S3_4_C12_C8_3);
		apr1[2] = read_sysreg(S3_4_C12_C9_2);
		apr1[3] = read_sysreg(S3_4_C12_C9_3);
	}
}

#define LR_WRITE(n, crm, op2)                                                                      \
	if (used > n)                                                                              \
		write_sysreg(S3_4_C12_##crm##_##op2, lr[n]);
#define LR_READ(n, crm, op2)                                                                       \
	if (used > n) {                                                                            \
		lr[n] = read_sysreg(S3_4_C12_##crm##_##op2);                                       \
		write_sysreg(S3_4_C12_##crm##_##op2, 0);                                           \
	}

void vgic_load(struct rd_vcpu_state *state)
{
	write_sysreg(ICH_VMCR, state->vgic.vmcr);
	aprs_write(state->vgic.apr0, state->vgic.apr1);
	write_sysreg(ICH_HCR, ICH_HCR_EN);
}

void vgic_put(struct rd_vcpu_state *state)
{
	state->vgic.vmcr = read_sysreg(ICH_VMCR);
	aprs_read(state->vgic.apr0, state->vgic.apr1);
	write_sysreg(ICH_HCR, 0);
}

/*
 * For a guest without a GIC every access to the interface is an exit. These traps
 * hold for the host as well, so they are set for the run only.
 */
static void interface_off(void)
{
	write_sysreg(ICH_HCR, ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1);
	write_sysreg(ICC_SRE_EL2, ICC_SRE_SRE | ICC_SRE_DIB | ICC_SRE_DFB);
}

static void interface_on(void)
{
	write_sysreg(ICH_HCR, 0);
	write_sysreg(ICC_SRE_EL2, ICC_SRE_SRE | ICC_SRE_DIB | ICC_SRE_DFB | ICC_SRE_ENABLE);
}

/* How many list registers this run uses: read once, and never more than there are. */
static u64 used_lrs(const struct rd_vcpu_state *state)
{
	u64 used = port_read64(&state->vgic.used_lrs), n = nr_lrs();

	return used < n ? used : n;
}

void vgic_enter(struct hyp_cpu *cpu, struct rd_vcpu_state *state)
{
	const u64 *lr = state->vgic.lr;
	u64 used, hcr;

	if (!cpu->vgic_loaded) {
		interface_off();
		return;
	}
	used = used_lrs(state);
	hcr = port_read64(&state->vgic.hcr) & (ICH_HCR_KNOWN | ICH_HCR_EOICOUNT);
	cpu->vgic_used = used;
	cpu->vgic_hcr = hcr != ICH_HCR_EN;
	if (used) {
		LR_EACH(LR_WRITE)
	}
	if (hcr != ICH_HCR_EN)
		write_sysreg(ICH_HCR, hcr);
}

void vgic_exit(struct hyp_cpu *cpu, struct rd_vcpu_state *state)
{
	u64 used = cpu->vgic_used, *lr = state->vgic.lr;

	if (!cpu->vgic_loaded) {
		interface_on();
		return;
	}
	state->vgic.vmcr = read_sysreg(ICH_VMCR);
	if (!used && !cpu->vgic_hcr)
		return;
	state->vgic.misr = read_sysreg(ICH_MISR);
	state->vgic.eisr = read_sysreg(ICH_EISR);
	state->vgic.elrsr = read_sysreg(ICH_ELRSR);
	state->vgic.hcr_out = read_sysreg(ICH_HCR);
	/* Empty list registers and no maintenance interrupts: nothing reaches the host from here. */
	LR_EACH(LR_READ)
	write_sysreg(ICH_HCR, ICH_HCR_EN);
}
