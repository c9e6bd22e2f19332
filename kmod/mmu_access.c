// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own reads and writes of guest memory, through the VMM's mapping: steal
 * time, the vGIC's tables. What it writes is in the dirty log.
 *
 * Locks: none; sleeps. In the VMM's own address space only: the ioctls and KVM_RUN
 * are refused from any other. A protected VM's memory is not the host's to look at.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "mmu_priv.h"
#include "vcpu.h"

/* Reads or writes @len bytes that lie in one frame; -EAGAIN: the slot is just moving. */
static int access_frame(struct rd_mmu *m, struct rd_vcpu *vcpu, u64 gpa, void *buf, size_t len,
			bool write)
{
	u32 token = m->g.ops->enter(m);
	void __user *user;
	u64 hva;
	int ret = gmem_hva(&m->g, gpa >> PAGE_SHIFT, write, &hva);

	if (!ret) {
		user = (void __user *)(hva + offset_in_page(gpa));
		ret = (write ? copy_to_user(user, buf, len) : copy_from_user(buf, user, len)) ?
			      -EFAULT : 0;
		if (!ret && write)
			gmem_mark_dirty(&m->g, gpa >> PAGE_SHIFT, vcpu ? rd_ring_of(vcpu) : NULL);
	}
	m->g.ops->leave(m, token);
	return ret;
}

static int access_guest(struct rd_vm *vm, struct rd_vcpu *vcpu, u64 gpa, void *buf, size_t len,
			bool write)
{
	struct rd_mmu *m = rd_mmu_of(vm);

	if (vm->is_protected || current->mm != vm->mm)
		return -EFAULT;
	while (len) {
		size_t now = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		int ret = access_frame(m, vcpu, gpa, buf, now, write);

		if (ret == -EAGAIN) {
			cond_resched();
			continue;
		}
		if (ret)
			return -EFAULT;
		gpa += now;
		buf += now;
		len -= now;
	}
	return 0;
}

int rd_mmu_gpa_read(struct rd_vm *vm, u64 gpa, void *buf, size_t len)
{
	return access_guest(vm, NULL, gpa, buf, len, false);
}

int rd_mmu_gpa_write(struct rd_vm *vm, u64 gpa, const void *buf, size_t len)
{
	return access_guest(vm, NULL, gpa, (void *)buf, len, true);
}

int rd_mmu_vcpu_write(struct rd_vcpu *vcpu, u64 gpa, const void *buf, size_t len)
{
	int ret = access_guest(vcpu->vm, vcpu, gpa, (void *)buf, len, true);

	rd_ring_pushed(vcpu);
	return ret;
}

bool rd_mmu_gpa_valid(struct rd_vm *vm, u64 gpa)
{
	struct rd_mmu *m = rd_mmu_of(vm);
	u32 token = m->g.ops->enter(m);
	u64 hva;
	int ret = gmem_hva(&m->g, gpa >> PAGE_SHIFT, false, &hva);

	m->g.ops->leave(m, token);
	return !ret || ret == -EAGAIN;
}
