/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the module is built for. Everything else is
 * written for Linux 6.12; Kbuild includes this file before each source, so that no
 * source says a version number.
 */
#ifndef REDOUBT_KMOD_COMPAT_H
#define REDOUBT_KMOD_COMPAT_H

#include <linux/kvm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

#define rd_run_immediate_exit(run)	  READ_ONCE((run)->immediate_exit__unsafe)
#define rd_run_set_hypercall_flags(run, f) ((run)->hypercall.flags = (f))
#define rd_pin_user_pages		   pin_user_pages

#else /* Linux 6.1 */

#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <asm/sysreg.h>

#define rd_run_immediate_exit(run) READ_ONCE((run)->immediate_exit)
/* The field came later, in place of two that arm64 does not use. */
#define rd_run_set_hypercall_flags(run, f) \
	((run)->hypercall.longmode = (f), (run)->hypercall.pad = 0)

#define eventfd_signal(ctx)	       eventfd_signal((ctx), 1)
#define rcu_virt_note_context_switch() rcu_note_context_switch(false)

/* mmap_lock held for writing is all that these ask for on 6.1, too. */
#define vm_flags_set(vma, flags)	       ((vma)->vm_flags |= (flags))
#define vm_flags_clear(vma, flags)	       ((vma)->vm_flags &= ~(flags))
#define rd_pin_user_pages(start, nr, flags, pages) \
	pin_user_pages(start, nr, flags, pages, NULL)

/* The uapi's later additions; numbers and layouts are ABI. */
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};
#define KVM_SET_USER_MEMORY_REGION2 _IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_MEM_GUEST_MEMFD	    (1UL << 2)
#define KVM_CAP_USER_MEMORY2	    231
#define KVM_CAP_GUEST_MEMFD	    234
#define KVM_CAP_MEMORY_ATTRIBUTES   233

#define KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP	225
/* 6.1's arm64 has no rings, and so no place for them in its headers. */
#undef KVM_DIRTY_LOG_PAGE_OFFSET
#define KVM_DIRTY_LOG_PAGE_OFFSET		64
#define KVM_CAP_COUNTER_OFFSET			227
#define KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE	228
#define KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES	229
#define KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES	230

struct kvm_arm_counter_offset {
	__u64 counter_offset;
	__u64 reserved;
};
#define KVM_ARM_SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)

struct reg_mask_range {
	__u64 addr;
	__u32 range;
	__u32 reserved[13];
};
#define KVM_ARM_GET_REG_WRITABLE_MASKS _IOR(KVMIO, 0xb6, struct reg_mask_range)
#define KVM_ARM_FEATURE_ID_RANGE       0
#define KVM_ARM_FEATURE_ID_RANGE_SIZE  (3 * 8 * 8)
#define KVM_ARM_FEATURE_ID_RANGE_IDX(op0, op1, crn, crm, op2)                                      \
	(((op1) == 3 ? 2 : (op1) & 1) << 6 | (crm) << 3 | (op2))

#define KVM_ARM_VM_SMCCC_CTRL	0
#define KVM_ARM_VM_SMCCC_FILTER 0
enum kvm_smccc_filter_action {
	KVM_SMCCC_FILTER_HANDLE = 0,
	KVM_SMCCC_FILTER_DENY,
	KVM_SMCCC_FILTER_FWD_TO_USER,
	NR_SMCCC_FILTER_ACTIONS
};
struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};
#define KVM_HYPERCALL_EXIT_SMC	 (1U << 0)
#define KVM_HYPERCALL_EXIT_16BIT (1U << 1)
#define KVM_ARM_VCPU_HAS_EL2	 7

/*
 * Walks to a page without a struct page; 6.1 has the page-table entry only. Macros,
 * because core's sources must not see the kernel's memory management headers.
 */
#define VM_ALLOW_ANY_UNCACHED 0
struct follow_pfnmap_args {
	struct vm_area_struct *vma;
	unsigned long address;
	void *lock;
	void *ptep;
	unsigned long pfn;
	bool writable;
};

#define follow_pfnmap_start(args)                                                                  \
	({                                                                                         \
		spinlock_t *lock_;                                                                 \
		pte_t *ptep_;                                                                      \
		int ret_ = follow_pte((args)->vma->vm_mm, (args)->address, &ptep_, &lock_);        \
		if (!ret_) {                                                                       \
			(args)->lock = lock_;                                                      \
			(args)->ptep = ptep_;                                                      \
			(args)->pfn = pte_pfn(*ptep_);                                             \
			(args)->writable = pte_write(*ptep_);                                      \
		}                                                                                  \
		ret_;                                                                              \
	})
#define follow_pfnmap_end(args) \
	pte_unmap_unlock((pte_t *)(args)->ptep, (spinlock_t *)(args)->lock)

/* Fault status codes with levels -1 to 3, all kinds of one fault. */
#define esr_fsc_is_translation_fault(esr) \
	(((esr) & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_FAULT || ((esr) & ESR_ELx_FSC) == 0x2b)
#define esr_fsc_is_permission_fault(esr)  (((esr) & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM)
#define esr_fsc_is_access_flag_fault(esr) (((esr) & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_ACCESS)

/* Names of registers and fields that sysreg.h learnt later. */
#define SYS_ID_AA64PFR2_EL1	 sys_reg(3, 0, 0, 4, 2)
#define SYS_ID_AA64MMFR3_EL1	 sys_reg(3, 0, 0, 7, 3)
#define SYS_ID_AA64MMFR4_EL1	 sys_reg(3, 0, 0, 7, 4)
#define SYS_CNTPCT_EL0		 sys_reg(3, 3, 14, 0, 1)
#define ID_MMFR3_EL1_PAN_SHIFT	 16
#define ID_PFR1_EL1_GIC_SHIFT	 28
#define ID_DFR0_EL1_CopDbg_SHIFT 0
#define ID_DFR0_EL1_CopDbg_Armv8 6
#define ID_DFR0_EL1_PerfMon_SHIFT 24

#endif

#endif /* REDOUBT_KMOD_COMPAT_H */
