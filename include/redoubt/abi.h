/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the host kernel's module (EL1) and the EL2 program.
 *
 * A hypercall is `hvc #0` after SMCCC 1.2: x0 holds the function, x1 to x7 its
 * arguments; x0 returns 0 or a negative errno, x1 to x17 return what the call's
 * comment says and are unchanged where it says nothing. The functions lie in the
 * vendor-specific hypervisor range, as fast 64-bit calls. EL2 trusts no argument.
 *
 * RD_ABI_VERSION changes whenever a number, an argument or a layout here does;
 * a module and an EL2 image of different versions refuse each other.
 */
#ifndef REDOUBT_ABI_H
#define REDOUBT_ABI_H

#define RD_ABI_VERSION 3

#ifndef __ASSEMBLY__

#define RD_HVC_BASE 0xc6000000UL
#define RD_HVC(n)   (RD_HVC_BASE + (n))

/*
 * X(number, name, arguments, results): one line a call. The dispatch table, the
 * names that the trace prints and docs/hypercalls.md come from this list.
 */
#define RD_HYPERCALLS(X)                                                                           \
	/* Launch and status. */                                                                   \
	X(0, VERSION, "", "x1: RD_ABI_VERSION, x2: geometry, see RD_GEO_*")                        \
	X(1, CLOSE, "", "")                                                                        \
	X(2, RELEASE, "", "")                                                                      \
	X(3, STAT, "index", "x1: value")                                                           \
	X(4, OWNERS, "cursor", "x1: next cursor or ~0, x2: first pa, x3: pages, x4: who and state")\
	X(5, TRACE_CTL, "on", "")                                                                  \
	X(6, TRACE_READ, "cpu, position", "x1: next position, x2 to x6: record")                  \
	X(7, NOP, "", "")                                                                          \
	X(8, HOST_LEAVES, "cursor", "x1: next cursor or ~0, x2 to x6: leaves of level -1 to 3")    \
	/* Pages between host and EL2. */                                                          \
	X(16, HOST_SHARE_HYP, "pfn, pages", "")                                                    \
	X(17, HOST_UNSHARE_HYP, "pfn, pages", "")                                                  \
	/* VMs and vCPUs. */                                                                       \
	X(32, VM_SIZES, "ipa bits", "x1: VM object pages, x2: root pages, x3: vCPU object pages")  \
	X(33, VM_CREATE, "VM pfn, root pfn, ipa bits, flags, vCPUs", "x1: handle")                 \
	X(34, VM_TEARDOWN, "handle", "x1: 1 while more is to do")                                  \
	X(35, VM_RECLAIM, "handle", "x1: pages (0: none left), x2 to x17: their pfns")             \
	X(36, VM_TOPUP, "handle, pages (1..15), pfn...", "x1: pages taken")                        \
	X(37, VCPU_CREATE, "handle, index, object pfn, state pfn", "")                             \
	X(38, VCPU_LOAD, "handle, index", "")                                                      \
	X(39, VCPU_PUT, "", "")                                                                    \
	X(40, VCPU_RUN, "", "x1: RD_EXIT_*")                                                       \
	X(41, VM_AARCH32, "handle", "")                                                            \
	/* A guest's memory; all but MAP by range of gfns. */                                      \
	X(48, GUEST_MAP, "handle, gfn, pfn, pages, RD_PROT_*", "x1: pages done")                   \
	X(49, GUEST_UNMAP, "handle, gfn, pages", "x1: pages done")                                 \
	X(50, GUEST_WRPROTECT, "handle, gfn, pages", "x1: pages done")                             \
	X(51, GUEST_TEST_CLEAR_YOUNG, "handle, gfn, pages, how", "x1: pages done, x2: 1 if young")\
	X(52, GUEST_MKYOUNG, "handle, gfn", "")                                                    \
	X(53, GUEST_RELAX, "handle, gfn, RD_PROT_*", "")                                           \
	X(54, GUEST_SPLIT, "handle, gfn, pages", "x1: pages done")                                 \
	X(55, GUEST_RECLAIM, "handle, gfn, pages", "x1: pages done")                               \
	X(56, GUEST_FLUSH_TLB, "handle", "")

#define RD_HVC_ENUM(n, name, args, results) RD_HVC_##name = RD_HVC_BASE + (n),
enum rd_hvc { RD_HYPERCALLS(RD_HVC_ENUM) };

/* x2 of VERSION. */
#define RD_GEO_GRANULE_SHIFT(x) ((x) & 0xff)	       /* 12, 14 or 16 */
#define RD_GEO_PA_BITS(x)	(((x) >> 8) & 0xff)    /* of host stage 2 */
#define RD_GEO_IPA_BITS(x)	(((x) >> 16) & 0xff)   /* largest of a guest */
#define RD_GEO_LPA2(x)		(((x) >> 24) & 1)      /* DS=1 at both stages */
#define RD_GEO_VMID_BITS(x)	(((x) >> 32) & 0xff)

/* Flags of VM_CREATE. */
#define RD_VM_PROTECTED (1UL << 0) /* memory is donated, registers stay at EL2 */

/* Access to a guest's page: GUEST_MAP, GUEST_RELAX. */
#define RD_PROT_R      (1UL << 0)
#define RD_PROT_W      (1UL << 1)
#define RD_PROT_X      (1UL << 2)
#define RD_PROT_DEVICE (1UL << 3) /* Device-nGnRE; not RAM, ordinary VMs only */
#define RD_PROT_NC     (1UL << 4) /* Normal non-cacheable */

/* How GUEST_TEST_CLEAR_YOUNG ages; without CLEAR it only looks. As core/gmem's GMEM_AGE_*. */
#define RD_AGE_CLEAR (1UL << 0) /* what is young becomes old */
#define RD_AGE_FLUSH (1UL << 1) /* and leaves the TLBs, which would hide that it is used again */
#define RD_AGE_KNOWN (RD_AGE_CLEAR | RD_AGE_FLUSH)

/*
 * A range in one call covers at most this many pages; more is -E2BIG. An ordinary VM's may
 * also be one block, aligned in the guest: what an entry above the last level maps.
 */
#define RD_RANGE_MAX	      512
#define RD_BLOCK_PAGES(shift) (1UL << ((shift) - 3))

/* Handles count from 1, so that 0 is never a VM. */
#define RD_VM_MAX   255
#define RD_VCPU_MAX 512

/* x1 of VCPU_RUN: why the guest stopped. The rest is in struct rd_vcpu_exit. */
enum rd_exit {
	RD_EXIT_IRQ = 1,     /* a physical interrupt is pending for the host */
	RD_EXIT_TRAP = 2,    /* a synchronous exception: exit.esr and friends */
	RD_EXIT_SERROR = 3,  /* an SError was taken while the guest ran */
	RD_EXIT_ILLEGAL = 4, /* PSTATE or the CPU's state was not one to run with */
};

#endif /* __ASSEMBLY__ */

#endif /* REDOUBT_ABI_H */
