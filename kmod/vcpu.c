// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's life, its presence on a CPU, and how others reach it.
 *
 * A vCPU is loaded on at most one CPU: between rd_vcpu_load() and rd_vcpu_put(), and
 * only while its thread is on that CPU, which a preemption notifier sees to. All
 * that rd_vcpu_kick() needs to be true is said in vcpu.h.
 *
 * Locks: creation under vm->lock; load and put with vcpu->mutex held; kick and wake
 * need none.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <asm/cputype.h>

#include "debug.h"
#include "hvc.h"
#include "kvm_dev.h"
#include "testing.h"
#include "vcpu.h"

static DEFINE_PER_CPU(struct rd_vcpu *, current_vcpu);

struct rd_vcpu *rd_vcpu_current(void)
{
	return __this_cpu_read(current_vcpu);
}

/* A vCPU that spins gives the CPU away, if another task wants it. */
static void trap_wfe(struct rd_vcpu *vcpu)
{
	if (single_task_running())
		vcpu->state->flags &= ~RD_VCPU_TRAP_WFE;
	else
		vcpu->state->flags |= RD_VCPU_TRAP_WFE;
}

/* Preemption off. EL2 refuses only what a bug of ours asks for: the VM is dead then. */
static void load_here(struct rd_vcpu *vcpu)
{
	int cpu = smp_processor_id();
	long ret = rd_hvc2(RD_HVC_VCPU_LOAD, vcpu->vm->handle, vcpu->idx);

	if (ret) {
		pr_err_ratelimited("VM %llu: EL2 refused to load vCPU %u: %ld; the VM is stopped\n",
				   vcpu->vm->handle, vcpu->idx, ret);
		rd_vm_kill(vcpu->vm);
	}
	WRITE_ONCE(vcpu->cpu, cpu);
	__this_cpu_write(current_vcpu, vcpu);
	rd_timer_load(vcpu);
	if (vcpu->vm->vgic.in_kernel)
		rd_vgic_load(vcpu);
	rd_debug_load(vcpu);
	trap_wfe(vcpu);
	if (vcpu->pvtime.base != RD_NO_PVTIME)
		rd_vcpu_request(vcpu, RD_REQ_STEAL);
}

static void put_here(struct rd_vcpu *vcpu)
{
	if (vcpu->vm->vgic.in_kernel)
		rd_vgic_put(vcpu);
	rd_timer_put(vcpu);
	rd_hvc0(RD_HVC_VCPU_PUT);
	__this_cpu_write(current_vcpu, NULL);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	load_here(container_of(notifier, struct rd_vcpu, notifier));
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	put_here(container_of(notifier, struct rd_vcpu, notifier));
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

void rd_vcpu_load(struct rd_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_register(&vcpu->notifier);
	vcpu->loaded = true;
	load_here(vcpu);
	preempt_enable();
}

void rd_vcpu_put(struct rd_vcpu *vcpu)
{
	preempt_disable();
	put_here(vcpu);
	vcpu->loaded = false;
	preempt_notifier_unregister(&vcpu->notifier);
	preempt_enable();
}

bool rd_vcpu_wake(struct rd_vcpu *vcpu)
{
	if (!rcuwait_wake_up(&vcpu->wait))
		return false;
	RD_STAT_INC(vcpu, halt_wakeup);
	return true;
}

void rd_vcpu_kick(struct rd_vcpu *vcpu)
{
	struct task_struct *task;

	if (rd_vcpu_wake(vcpu))
		return;
	/* Orders the caller's event before the look at mode (rd_vcpu_run()). */
	smp_mb();
	if (READ_ONCE(vcpu->mode) != RD_IN_GUEST ||
	    cmpxchg(&vcpu->mode, RD_IN_GUEST, RD_EXITING_GUEST) != RD_IN_GUEST)
		return;
	rcu_read_lock();
	task = READ_ONCE(vcpu->task);
	if (task)
		kick_process(task);
	rcu_read_unlock();
}

bool rd_vcpu_has_irq(struct rd_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->irq_lines))
		return true;
	return rd_timer_pending(vcpu) || (vcpu->vm->vgic.in_kernel && rd_vgic_pending(vcpu));
}

/* Requests that end a wait, powered off or on. */
#define WAKE_OFF (BIT(RD_REQ_RESET) | BIT(RD_REQ_EXIT) | BIT(RD_REQ_DEAD))
#define WAKE_ON	 (~BIT(RD_REQ_STEAL))

bool rd_vcpu_runnable(struct rd_vcpu *vcpu)
{
	u32 power = READ_ONCE(vcpu->power);
	unsigned long requests = READ_ONCE(vcpu->requests);

	if (requests & (power == RD_POWER_ON ? WAKE_ON : WAKE_OFF))
		return true;
	return power != RD_POWER_OFF && rd_vcpu_has_irq(vcpu);
}

static void block(struct rd_vcpu *vcpu)
{
	u64 start = ktime_get_ns();

	WRITE_ONCE(vcpu->stat.blocking, 1);
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (rd_vcpu_runnable(vcpu) || signal_pending(current))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	WRITE_ONCE(vcpu->stat.blocking, 0);
	RD_STAT_ADD(vcpu, halt_wait_ns, ktime_get_ns() - start);
}

void rd_vcpu_wait(struct rd_vcpu *vcpu)
{
	bool vgic = vcpu->vm->vgic.in_kernel;

	if (rd_vcpu_runnable(vcpu))
		return;
	rd_vcpu_put(vcpu);
	if (vgic)
		rd_vgic_block(vcpu);
	rd_timer_block(vcpu);
	block(vcpu);
	rd_timer_unblock(vcpu);
	if (vgic)
		rd_vgic_unblock(vcpu);
	rd_vcpu_load(vcpu);
}

/* What user space numbers as Aff0 (16 of them), Aff1 (256), Aff2. */
static u64 mpidr_of(u32 id)
{
	return (1UL << 31) | (id & 0xf) | ((u64)((id >> 4) & 0xff) << 8) |
	       ((u64)((id >> 12) & 0xff) << 16);
}

static void init_vcpu(struct rd_vcpu *vcpu, u32 id)
{
	vcpu->id = id;
	vcpu->idx = vcpu->vm->nr_vcpus;
	vcpu->cpu = -1;
	vcpu->pvtime.base = RD_NO_PVTIME;
	mutex_init(&vcpu->mutex);
	spin_lock_init(&vcpu->mp_lock);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->notifier, &preempt_ops);
	vcpu->run = page_address(vcpu->run_page);
	vcpu->state = page_address(vcpu->state_page);
	vcpu->state->vmpidr = mpidr_of(id);
	vcpu->state->vpidr = read_cpuid_id();
	vcpu->debug.oslsr = RD_OSLSR_IMPLEMENTED;
}

static void free_vcpu(struct rd_vcpu *vcpu)
{
	rd_el2_vcpu_free(vcpu);
	rd_ring_vcpu_destroy(vcpu);
	if (vcpu->run_page)
		__free_page(vcpu->run_page);
	kfree(vcpu->shadow.ccsidr);
	kfree(vcpu);
}

static struct rd_vcpu *alloc_vcpu(struct rd_vm *vm, u32 id)
{
	struct rd_vcpu *vcpu = rd_fail_now() ? NULL : kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->run_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	vcpu->state_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	vcpu->ring_page = rd_coalesced_page(vm);
	if (!vcpu->run_page || !vcpu->state_page || !vcpu->ring_page || rd_ring_vcpu_init(vcpu)) {
		free_vcpu(vcpu);
		return NULL;
	}
	init_vcpu(vcpu, id);
	return vcpu;
}

void rd_vcpu_destroy(struct rd_vcpu *vcpu)
{
	rd_vgic_vcpu_destroy(vcpu);
	rd_timer_vcpu_destroy(vcpu);
	free_vcpu(vcpu);
}

/*
 * Everything that may fail, EL2 last: what EL2 was given comes back only with the
 * VM. On error the vCPU is gone, as if it had never been asked for.
 */
static struct rd_vcpu *create(struct rd_vm *vm, u32 id)
{
	struct rd_vcpu *vcpu;
	int ret;

	if (id >= RD_MAX_VCPUS || vm->nr_vcpus >= RD_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	/* EL2 numbers a protected VM's vCPUs itself. */
	if (vm->is_protected && id != vm->nr_vcpus)
		return ERR_PTR(-EINVAL);
	if (rd_vm_vcpu_by_id(vm, id))
		return ERR_PTR(-EEXIST);
	vcpu = alloc_vcpu(vm, id);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	ret = rd_timer_vcpu_init(vcpu);
	if (ret)
		goto no_timer;
	ret = rd_vgic_vcpu_init(vcpu);
	if (ret)
		goto no_vgic;
	ret = xa_err(xa_store(&vm->vcpus, vcpu->idx, vcpu, GFP_KERNEL_ACCOUNT));
	if (!ret)
		ret = rd_el2_vcpu_create(vcpu);
	if (!ret)
		return vcpu;
	xa_erase(&vm->vcpus, vcpu->idx);
	rd_vgic_vcpu_destroy(vcpu);
no_vgic:
	rd_timer_vcpu_destroy(vcpu);
no_timer:
	free_vcpu(vcpu);
	return ERR_PTR(ret);
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct rd_vcpu *vcpu = file->private_data;

	/* NULL: creation failed, and the descriptor was never the process's. */
	if (vcpu)
		rd_vm_put(vcpu->vm);
	return 0;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct rd_vcpu *vcpu = file->private_data;
	long ret;

	if (vcpu->vm->mm != current->mm || test_bit(RD_VM_DEAD, &vcpu->vm->flags))
		return -EIO;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = rd_vcpu_ioctl(vcpu, cmd, arg);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct rd_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff == 0)
		page = vcpu->run_page;
	else if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		page = vcpu->ring_page;
	else
		page = rd_ring_page(vcpu, vmf->pgoff);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!rd_ring_may_map(file->private_data, vma))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/*
 * The descriptor is made before the vCPU, so that a process without a free one
 * doesn't leave a vCPU behind that nobody can name.
 */
int rd_vcpu_create_fd(struct rd_vm *vm, u32 id)
{
	char name[8 + 1 + 10 + 1];
	struct rd_vcpu *vcpu;
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "kvm-vcpu:%u", id);
	file = anon_inode_getfile(name, &vcpu_fops, NULL, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	mutex_lock(&vm->lock);
	vcpu = create(vm, id);
	if (!IS_ERR(vcpu)) {
		rd_vm_get(vm);
		file->private_data = vcpu;
		smp_store_release(&vm->nr_vcpus, vm->nr_vcpus + 1);
	}
	mutex_unlock(&vm->lock);
	if (IS_ERR(vcpu)) {
		fput(file);
		put_unused_fd(fd);
		return PTR_ERR(vcpu);
	}
	fd_install(fd, file);
	return fd;
}
