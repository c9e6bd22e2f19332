/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM's memory as the run loop and the ioctls need it: memslots, faults, dirty
 * logs. Everything between the guest's addresses and the host's mm.
 */
#ifndef REDOUBT_KMOD_MMU_H
#define REDOUBT_KMOD_MMU_H

#include <linux/kvm.h>
#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;

struct rd_vm_mmu {
	void *gmem;
};

/*
 * Prepares an empty memory map and registers the MMU notifier on vm->mm. EL2's
 * VM exists (vm->handle). 0 or a negative errno, with nothing left registered.
 */
int rd_mmu_init(struct rd_vm *vm);

/*
 * The VM ends: no vCPU will run. Unregisters the notifier, takes the guest's
 * mappings away; pages that only EL2's teardown gives back stay pinned. Next the
 * caller tears EL2's VM down (rd_el2_vm_destroy()), then calls rd_mmu_free().
 */
void rd_mmu_destroy(struct rd_vm *vm);

/* Frees the memslots and all else, and unpins what a protected VM was lent. */
void rd_mmu_free(struct rd_vm *vm);

/*
 * KVM_SET_USER_MEMORY_REGION2: @region is a copy, fields unchecked (region->flags
 * without KVM_MEM_GUEST_MEMFD, which the caller refuses). vm->slots_lock held.
 */
int rd_mmu_set_region(struct rd_vm *vm, const struct kvm_userspace_memory_region2 *region);

/* KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG; arguments unchecked. vm->slots_lock held. */
int rd_mmu_get_dirty_log(struct rd_vm *vm, const struct kvm_dirty_log *log);
int rd_mmu_clear_dirty_log(struct rd_vm *vm, const struct kvm_clear_dirty_log *log);

/*
 * KVM_CHECK_EXTENSION and KVM_ENABLE_CAP of the memory's own capabilities: SYNC_MMU,
 * USER_MEMORY2, NR_MEMSLOTS, READONLY_MEM, MULTI_ADDRESS_SPACE, MANUAL_DIRTY_LOG_PROTECT2,
 * ARM_EAGER_SPLIT_CHUNK_SIZE, ARM_SUPPORTED_BLOCK_SIZES, DIRTY_LOG_RING*, ...
 * @vm is NULL when asked of /dev/kvm. -ENOTTY: not one of them.
 */
int rd_mmu_check_cap(struct rd_vm *vm, u64 cap);
int rd_mmu_enable_cap(struct rd_vm *vm, const struct kvm_enable_cap *cap);

/* What rd_mmu_fault() found. */
#define RD_FAULT_RESUME 0 /* mapped, or retry: run the guest again */
#define RD_FAULT_MMIO	1 /* no slot, or a write to a read-only slot: emulate the access */

/*
 * Handles the stage-2 abort of the vCPU's last exit (state->exit: esr, far, hpfar).
 * Called preemptible, the vCPU loaded, vcpu->mutex held. A negative errno ends
 * KVM_RUN with it (-EFAULT and so on).
 */
int rd_mmu_fault(struct rd_vcpu *vcpu);

/*
 * The protected guest has given the frame up, and the host has it back zeroed: lets go of
 * it. Called as rd_mmu_fault(). 0 or -ENOMEM, and then the page is the VM's to its end.
 */
int rd_mmu_relinquished(struct rd_vcpu *vcpu, u64 gfn);

/* Reads and writes guest memory through the slots: @len bytes at @gpa. 0 or -EFAULT. May sleep. */
int rd_mmu_gpa_read(struct rd_vm *vm, u64 gpa, void *buf, size_t len);
int rd_mmu_gpa_write(struct rd_vm *vm, u64 gpa, const void *buf, size_t len);

/* As rd_mmu_gpa_write(), in the name of a vCPU, in its thread, vcpu->mutex held. */
int rd_mmu_vcpu_write(struct rd_vcpu *vcpu, u64 gpa, const void *buf, size_t len);

/*
 * The guest has executed a cache operation by set and way, or writes SCTLR_EL1 while
 * RD_VCPU_TRAP_VM is set: what it wrote through its caches is to be in memory before it
 * goes on (mmu_cache.c). Called with interrupts on or off, in the vCPU's own thread.
 */
void rd_mmu_guest_set_way(struct rd_vcpu *vcpu);
void rd_mmu_guest_sctlr(struct rd_vcpu *vcpu, u64 from, u64 to);

/* True if a slot covers @gpa. May sleep. */
bool rd_mmu_gpa_valid(struct rd_vm *vm, u64 gpa);

/* Brings the counters of @vm that are about memory up to date: pages_mapped, record_bytes. */
void rd_mmu_refresh_stats(struct rd_vm *vm);

/* RD_REQ_MMU: cleans all of the guest's pages, before the next entry. May sleep. */
void rd_mmu_request(struct rd_vcpu *vcpu);

/* Module load and unload: slab caches and the like. */
int rd_mmu_module_init(void);
void rd_mmu_module_exit(void);

#endif /* REDOUBT_KMOD_MMU_H */
