// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: made, loaded on a CPU, run, put. Locks: the creation of a VM's vCPUs is
 * serialised by vcpu_lock; a loaded vCPU belongs to its CPU (vcpu->cpu), and holds a
 * reference to its VM, so that neither can go away.
 */
#include "aarch32.h"
#include "host_mem.h"
#include "hvc.h"
#include "setup.h"
#include "switch.h"
#include "trace.h"
#include "vm.h"

static port_lock_t vcpu_lock;

u64 vcpu_object_pages(void)
{
	u64 page = 1ULL << host_own.page_shift;

	return (sizeof(struct hyp_vcpu) + page - 1) / page;
}

/*
 * The host lends the state page for the vCPU's life; a pin keeps it from taking it
 * back. Between the two it may have (on another CPU): then the pin is refused.
 */
static long borrow_state(u64 pfn)
{
	long ret = own_host_share_hyp(&host_own, pfn, 1);

	return ret ? ret : own_hyp_pin(&host_own, pfn, 1);
}

long vcpu_release(struct hyp_vcpu *vcpu)
{
	long ret;

	if (!vcpu->shared)
		return 0;
	ret = own_hyp_unpin(&host_own, vcpu->state_pfn, 1);
	port_assert(!ret); /* borrow_state()'s pin */
	ret = own_host_unshare_hyp(&host_own, vcpu->state_pfn, 1);
	/* Without memory, try again later. Without the loan (another CPU ended it), it's over. */
	if (ret == -ENOMEM && !own_hyp_pin(&host_own, vcpu->state_pfn, 1))
		return ret;
	vcpu->shared = NULL;
	return 0;
}

static long create(struct hyp_vm *vm, u64 index, u64 pfn, u64 state_pfn)
{
	u64 n = vcpu_object_pages();
	struct hyp_vcpu *vcpu;
	long ret = own_host_donate_hyp(&host_own, pfn, n);

	if (ret)
		return ret;
	vcpu = setup_va(pfn << host_own.page_shift);
	memset(vcpu, 0, n << host_own.page_shift);
	ret = borrow_state(state_pfn);
	if (ret) {
		int undone = own_hyp_donate_host(&host_own, pfn, n);

		port_assert(!undone); /* as return_pages() in hyp/vm.c */
		return ret;
	}
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->pfn = pfn;
	vcpu->state_pfn = state_pfn;
	vcpu->shared = setup_va(state_pfn << host_own.page_shift);
	vcpu->state = vm->is_protected ? &vcpu->own : vcpu->shared;
	__atomic_store_n(&vm->vcpus[index], vcpu, __ATOMIC_RELEASE);
	return 0;
}

long hvc_VCPU_CREATE(struct host_regs *regs)
{
	struct hyp_vm *vm = vm_get(regs->x[1]);
	u64 index = regs->x[2];
	long ret;

	if (!vm)
		return -ENOENT;
	port_lock(&vcpu_lock);
	if (index >= vm->max_vcpus)
		ret = -EINVAL;
	else if (vm->vcpus[index])
		ret = -EEXIST;
	else
		ret = create(vm, index, regs->x[3], regs->x[4]);
	port_unlock(&vcpu_lock);
	vm_put(vm);
	return ret;
}

long hvc_VCPU_LOAD(struct host_regs *regs)
{
	struct hyp_cpu *cpu = this_cpu();
	u64 index = regs->x[2];
	struct hyp_vcpu *vcpu;
	struct hyp_vm *vm;

	if (cpu->loaded)
		return -EBUSY;
	vm = vm_get(regs->x[1]);
	if (!vm)
		return -ENOENT;
	vcpu = index < vm->max_vcpus ? __atomic_load_n(&vm->vcpus[index], __ATOMIC_ACQUIRE) : NULL;
	if (!vcpu) {
		vm_put(vm);
		return -ENOENT;
	}
	/* On one CPU at a time: two would run on one set of registers. */
	if (port_cmpxchg64(&vcpu->cpu, 0, cpu->boot.index + 1)) {
		vm_put(vm);
		return -EBUSY;
	}
	cpu->loaded = vcpu;
	aarch32_settle(vm);
	switch_load(cpu, vcpu);
	return 0;
}

long hvc_VCPU_PUT(struct host_regs *regs)
{
	struct hyp_cpu *cpu = this_cpu();
	struct hyp_vcpu *vcpu = cpu->loaded;

	(void)regs;
	if (!vcpu)
		return -ENOENT;
	switch_put(cpu, vcpu);
	cpu->loaded = NULL;
	port_write_release64(&vcpu->cpu, 0);
	vm_put(vcpu->vm);
	return 0;
}

long hvc_VCPU_RUN(struct host_regs *regs)
{
	struct hyp_cpu *cpu = this_cpu();

	if (!cpu->loaded)
		return -ENOENT;
	return switch_run(cpu, cpu->loaded, &regs->x[1]);
}
