/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM at EL2: its address space, its table pages, its vCPUs.
 *
 * A VM lives in pages that the host donated, and is found by its handle in a table.
 * Life: live, dying (its memory goes back), empty (EL2's own pages go back), gone. vm_get() takes a reference, which keeps a live VM from
 * becoming dying; a vCPU that is loaded holds one.
 *
 * Locks: vm_table_lock protects the table, states and references; then come those of
 * core/ownership (host, then this guest), which also cover pool and tables here.
 */
#ifndef HYP_VM_H
#define HYP_VM_H

#include <core/own_pgtable.h>
#include <redoubt/abi.h>

#include "cpu.h"
#include "vcpu.h"

/* Ranges that a guest may enrol with the MMIO guard, and declare memory. */
#define VM_MMIO_MAX   128
#define VM_MEMORY_MAX 16

/* Bytes; aligned to pages and inside the IPA space. */
struct vm_range {
	u64 base, size;
};

enum vm_life { VM_LIVE, VM_DYING, VM_EMPTY };

/*
 * What EL1 of a VM's vCPUs is; settled when the first of them is loaded. See aarch32.h. The
 * values are bits that each run has anyway: HCR_EL2's, and one of its flags.
 */
#define VM_WIDTH_OPEN 0
#define VM_WIDTH_64   HCR_EL2_RW
#define VM_WIDTH_32   RUN_AARCH32

struct hyp_vm {
	u64 handle;
	u64 life;		  /* enum vm_life */
	u64 refs;
	bool is_protected;
	u64 width;		  /* VM_WIDTH_* */
	u64 vttbr;
	struct pgt_geometry geo;
	struct pgt pgt;
	struct own_pgt_space space;
	struct own_pgt_pool pool; /* table pages: the guest space's lock */
	u64 drain_gfn;		  /* progress of VM_TEARDOWN: of its memory, */
	u64 destroyed;		  /* and of its tables, bytes */
	u64 nr_vcpus, max_vcpus;
	u64 reclaim_vcpu;	  /* progress of VM_RECLAIM: pages of vCPU objects */
	u64 pfn, root_pfn;	  /* of this object, and of the root: what the host gets back */
	u64 object_pages, root_pages;
	/* Protected VMs. */
	u64 booted;		  /* the first vCPU has been started */
	u64 stopped;		  /* SYSTEM_OFF or SYSTEM_RESET: no vCPU runs again */
	u64 nr_mmio, nr_memory;	  /* hyp/protected_mmio.c: the guest space's lock */
	struct vm_range mmio[VM_MMIO_MAX], memory[VM_MEMORY_MAX];
	u16 last_vcpu[RD_MAX_CPUS]; /* by CPU: index + 1 of the vCPU that was loaded there */
	struct hyp_vcpu *vcpus[];
};

/**
 * vm_get() - Find a live VM and keep it so.
 * @handle:	any value
 *
 * Return: the VM, or NULL. To be given to vm_put().
 */
struct hyp_vm *vm_get(u64 handle);
void vm_put(struct hyp_vm *vm);

/** vm_count() - VMs that exist, in any state. */
u64 vm_count(void);

/**
 * vm_forbid_new() - EL2 is about to be released: no VM may be made any more.
 *
 * Return: 0, or -EBUSY, with nothing changed, while there is one.
 */
long vm_forbid_new(void);

/** vm_protected_existed() - Has there been a protected VM since launch? */
bool vm_protected_existed(void);

/** vcpu_object_pages() - Pages of a vCPU object. */
u64 vcpu_object_pages(void);

/**
 * vcpu_release() - Teardown: end the host's loan of a vCPU's state page.
 *
 * The VM is dying. Return: 0; -ENOMEM, with nothing changed. Done twice, it's 0 too.
 */
long vcpu_release(struct hyp_vcpu *vcpu);

#endif /* HYP_VM_H */
