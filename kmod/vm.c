// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's life: made by KVM_CREATE_VM, kept by file descriptors, destroyed with the
 * last of them, whatever way the VMM ended (invariant 11).
 *
 * Destruction goes from what can still act to what only holds memory: irqfds, the
 * mappings, EL2's VM, then the kernel's records. Where EL2 lacks the memory to give
 * pages back, the end waits in a work queue: until then nothing of the VM is freed.
 *
 * Locks: vm.h has the order. Creation and destruction run alone.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "coalesced.h"
#include "kvm_dev.h"
#include "testing.h"
#include "vcpu.h"
#include "vm.h"

#define TYPE_IPA_MASK  0xffUL
#define TYPE_PROTECTED (1UL << 31)

#define BURIAL_DELAY (HZ / 10)
static struct workqueue_struct *burial_wq;

static void init_fields(struct rd_vm *vm)
{
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->config_lock);
	mutex_init(&vm->irq_lock);
	xa_init(&vm->vcpus);
	rd_irqs_init(vm);
	rd_idregs_init(vm);
	rd_smccc_init(vm);
	rd_coalesced_init(vm);
	mmgrab(current->mm);
	vm->mm = current->mm;
}

/* Frees what init_fields() and the SRCU structure hold. */
static void free_fields(struct rd_vm *vm)
{
	rd_irqs_destroy(vm);
	rd_ioeventfds_destroy(vm);
	rd_iobus_destroy(vm);
	rd_smccc_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	xa_destroy(&vm->vcpus);
	mmdrop(vm->mm);
	kfree(vm);
}

/* EL2's VM comes last: it is the only part whose end may have to wait. */
static int init_parts(struct rd_vm *vm)
{
	int ret = rd_el2_vm_sizes(vm);

	if (ret)
		return ret;
	ret = rd_timer_vm_init(vm);
	if (ret)
		return ret;
	ret = rd_vgic_vm_init(vm);
	if (ret)
		return ret;
	ret = rd_mmu_init(vm);
	if (ret)
		goto no_mmu;
	ret = rd_el2_vm_create(vm);
	if (!ret)
		return 0;
	rd_mmu_destroy(vm);
	rd_mmu_free(vm);
no_mmu:
	rd_vgic_vm_destroy(vm);
	return ret;
}

static struct rd_vm *create(unsigned long type)
{
	struct rd_vm *vm;
	int ret;

	if (type & ~(TYPE_IPA_MASK | TYPE_PROTECTED))
		return ERR_PTR(-EINVAL);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->ipa_bits = type & TYPE_IPA_MASK ? type & TYPE_IPA_MASK : 40;
	vm->is_protected = type & TYPE_PROTECTED && !rd_leave_open();
	ret = init_srcu_struct(&vm->srcu);
	if (ret) {
		kfree(vm);
		return ERR_PTR(ret);
	}
	init_fields(vm);
	ret = vm->ipa_bits < 32 ? -EINVAL : init_parts(vm);
	if (ret) {
		free_fields(vm);
		return ERR_PTR(ret);
	}
	return vm;
}

/* EL2 has nothing of the VM any more. */
static void free_vm(struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_mmu_free(vm);
	rd_vm_for_each_vcpu(i, vcpu, vm)
		rd_vcpu_destroy(vcpu);
	rd_vgic_vm_destroy(vm);
	rd_coalesced_destroy(vm);
	free_fields(vm);
}

static void bury(struct work_struct *work)
{
	struct rd_vm *vm = container_of(to_delayed_work(work), struct rd_vm, burial);

	if (rd_el2_vm_destroy(vm)) {
		queue_delayed_work(burial_wq, &vm->burial, BURIAL_DELAY);
		return;
	}
	free_vm(vm);
	module_put(THIS_MODULE);
}

/*
 * Pages that EL2 has no memory to give back now are not the kernel's to free, and not lost:
 * the VM stays, and with it the module, until EL2 has let go of all.
 */
static void destroy(struct kref *ref)
{
	struct rd_vm *vm = container_of(ref, struct rd_vm, ref);
	int ret;

	rd_stats_vm_destroy(vm);
	rd_irqs_release(vm);
	rd_mmu_destroy(vm);
	ret = rd_el2_vm_destroy(vm);
	if (!ret) {
		free_vm(vm);
		return;
	}
	pr_warn("VM %llu: EL2 can't give all of its memory back yet: %d; trying again\n",
		vm->handle, ret);
	/* The descriptor whose release this is holds the module. */
	__module_get(THIS_MODULE);
	INIT_DELAYED_WORK(&vm->burial, bury);
	queue_delayed_work(burial_wq, &vm->burial, BURIAL_DELAY);
}

int rd_vm_module_init(void)
{
	burial_wq = alloc_workqueue("redoubt-vm", WQ_UNBOUND, 0);
	return burial_wq ? 0 : -ENOMEM;
}

void rd_vm_module_exit(void)
{
	destroy_workqueue(burial_wq);
}

void rd_vm_get(struct rd_vm *vm)
{
	kref_get(&vm->ref);
}

void rd_vm_put(struct rd_vm *vm)
{
	kref_put(&vm->ref, destroy);
}

struct rd_vcpu *rd_vm_vcpu_by_id(struct rd_vm *vm, u32 id)
{
	struct rd_vcpu *vcpu = rd_vm_vcpu(vm, id);
	unsigned long i;

	/* Most VMMs number as they create. */
	if (vcpu && vcpu->id == id)
		return vcpu;
	rd_vm_for_each_vcpu(i, vcpu, vm)
		if (vcpu->id == id)
			return vcpu;
	return NULL;
}

struct rd_vcpu *rd_vm_vcpu_by_mpidr(struct rd_vm *vm, u64 mpidr)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_vm_for_each_vcpu(i, vcpu, vm)
		if (!((rd_vcpu_mpidr(vcpu) ^ mpidr) & RD_MPIDR_AFFINITY))
			return vcpu;
	return NULL;
}

int rd_vm_lock_vcpus(struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	rd_vm_for_each_vcpu(i, vcpu, vm) {
		if (mutex_trylock(&vcpu->mutex))
			continue;
		while (i-- > 0)
			mutex_unlock(&rd_vm_vcpu(vm, i)->mutex);
		return -EBUSY;
	}
	return 0;
}

void rd_vm_unlock_vcpus(struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_vm_for_each_vcpu(i, vcpu, vm)
		mutex_unlock(&vcpu->mutex);
}

void rd_vm_request_all(struct rd_vm *vm, unsigned int req)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_vm_for_each_vcpu(i, vcpu, vm) {
		rd_vcpu_request(vcpu, req);
		rd_vcpu_kick(vcpu);
	}
}

void rd_vm_kill(struct rd_vm *vm)
{
	set_bit(RD_VM_DEAD, &vm->flags);
	rd_vm_request_all(vm, RD_REQ_DEAD);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct rd_vm *vm = file->private_data;

	rd_irqs_release(vm);
	rd_vm_put(vm);
	return 0;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct rd_vm *vm = file->private_data;

	if (vm->mm != current->mm || test_bit(RD_VM_DEAD, &vm->flags))
		return -EIO;
	return rd_vm_ioctl(vm, cmd, arg);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.llseek = noop_llseek,
};

int rd_vm_create_fd(unsigned long type)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;
	struct rd_vm *vm;

	if (fd < 0)
		return fd;
	vm = create(type);
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("kvm-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		rd_vm_put(vm);
		return PTR_ERR(file);
	}
	rd_stats_vm_init(vm, fd);
	fd_install(fd, file);
	return fd;
}
