// SPDX-License-Identifier: GPL-2.0-only
/*
 * Launch and end. The noun is the state of the whole: open (EL2 in place, host
 * trusted), closed (stage 2 live), released. It changes under setup_lock, the
 * outermost lock of all; each CPU then follows by itself, and that cannot fail.
 */
#include "arch.h"
#include "fp.h"
#include "host_mem.h"
#include "recorder.h"
#include "setup.h"
#include "vm.h"

enum setup_state { SETUP_OPEN, SETUP_CLOSED, SETUP_RELEASED };

struct rd_boot hyp_boot;

static port_lock_t setup_lock;
static enum setup_state setup_state;
static u64 stub_hcr;

void hyp_cpu_launch(struct hyp_cpu *cpu, u64 stub_vectors);
extern char hyp_mmu_off[];

struct hyp_cpu *setup_cpu(u64 index)
{
	if (index >= hyp_boot.nr_cpus || !hyp_boot.cpu[index])
		return NULL;
	return setup_va(hyp_boot.cpu[index]);
}

static struct hyp_cpu *find_mpidr(u64 mpidr)
{
	u64 i;

	for (i = 0; i < hyp_boot.nr_cpus; i++) {
		struct hyp_cpu *cpu = setup_cpu(i);

		if (cpu && port_read64(&cpu->boot.mpidr) == mpidr)
			return cpu;
	}
	return NULL;
}

struct hyp_cpu *setup_cpu_by_mpidr(u64 mpidr)
{
	struct hyp_cpu *cpu;

	if (mpidr & ~RD_MPIDR_MASK)
		return NULL;
	cpu = find_mpidr(mpidr);
	if (cpu)
		return cpu;
	/* A CPU that was off at launch: it gets the data of one that nobody has claimed. */
	cpu = find_mpidr(RD_MPIDR_UNKNOWN);
	if (!cpu || port_cmpxchg64(&cpu->boot.mpidr, RD_MPIDR_UNKNOWN, mpidr) != RD_MPIDR_UNKNOWN)
		return NULL;
	return cpu;
}

bool setup_is_closed(void)
{
	return __atomic_load_n(&setup_state, __ATOMIC_ACQUIRE) == SETUP_CLOSED;
}

/* From hyp/init.S, with the host trusted and interrupts off; one CPU at a time is not assumed. */
void hyp_cpu_launch(struct hyp_cpu *cpu, u64 stub_vectors)
{
	port_lock(&setup_lock);
	if (!stub_hcr) {
		stub_hcr = read_sysreg(hcr_el2);
		arch_snapshot();
	}
	port_unlock(&setup_lock);
	cpu->stub_vectors = stub_vectors;
	recorder_init();
	write_sysreg(hcr_el2, HCR_HOST_OPEN | HCR_EL2_TSC);
}

static void cpu_close(struct hyp_cpu *cpu)
{
	host_mem_enable();
	cpu->closed = 1;
}

void setup_cpu_resumed(struct hyp_cpu *cpu)
{
	write_sysreg(hcr_el2, HCR_HOST_OPEN | HCR_EL2_TSC);
	if (setup_is_closed())
		cpu_close(cpu);
}

long setup_close(void)
{
	long ret = 0;

	port_lock(&setup_lock);
	if (setup_state == SETUP_OPEN) {
		ret = host_mem_init();
		if (!ret)
			__atomic_store_n(&setup_state, SETUP_CLOSED, __ATOMIC_RELEASE);
	} else if (setup_state == SETUP_RELEASED) {
		ret = -EPERM;
	}
	port_unlock(&setup_lock);
	if (!ret)
		cpu_close(this_cpu());
	return ret;
}

u64 setup_release(long *ret)
{
	struct hyp_cpu *cpu = this_cpu();

	*ret = 0;
	port_lock(&setup_lock);
	if (hyp_boot.locked && setup_state == SETUP_CLOSED)
		*ret = -EPERM;
	else if (setup_state != SETUP_RELEASED)
		*ret = vm_forbid_new();
	if (!*ret)
		__atomic_store_n(&setup_state, SETUP_RELEASED, __ATOMIC_RELEASE);
	port_unlock(&setup_lock);
	if (*ret)
		return 0;
	fp_restore_host(cpu);
	cpu->closed = 0;
	write_sysreg(hcr_el2, stub_hcr);
	write_sysreg(vttbr_el2, 0);
	isb();
	return setup_pa((u64)hyp_mmu_off);
}
