/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a VM and of a vCPU: KVM_GET_STATS_FD (Documentation/virt/kvm/api.rst
 * 4.133) and debugfs. One line below adds a counter to both.
 *
 * A counter is a u64 that its owner changes without a lock: a vCPU's in its own
 * thread; a VM's with RD_STAT_INC(), which tolerates a lost count.
 */
#ifndef REDOUBT_KMOD_STATS_H
#define REDOUBT_KMOD_STATS_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct rd_vm;
struct rd_vcpu;
struct dentry;
struct seq_file;

/* X(name, type: CUMULATIVE, INSTANT or PEAK, unit: NONE, BYTES, SECONDS or BOOLEAN, exponent) */
#define RD_VM_STATS(X)                                                                             \
	X(remote_tlb_flush, CUMULATIVE, NONE, 0)                                                   \
	X(remote_tlb_flush_requests, CUMULATIVE, NONE, 0)                                          \
	X(pages_mapped, INSTANT, NONE, 0)                                                          \
	X(record_bytes, INSTANT, BYTES, 0)                                                         \
	X(topup_pages, CUMULATIVE, NONE, 0)                                                        \
	X(cache_cleans, CUMULATIVE, NONE, 0)

#define RD_VCPU_STATS(X)                                                                           \
	X(halt_successful_poll, CUMULATIVE, NONE, 0)                                               \
	X(halt_attempted_poll, CUMULATIVE, NONE, 0)                                                \
	X(halt_wakeup, CUMULATIVE, NONE, 0)                                                        \
	X(halt_wait_ns, CUMULATIVE, SECONDS, -9)                                                   \
	X(blocking, INSTANT, BOOLEAN, 0)                                                           \
	X(exits, CUMULATIVE, NONE, 0)                                                              \
	X(hvc_exit_stat, CUMULATIVE, NONE, 0)                                                      \
	X(wfe_exit_stat, CUMULATIVE, NONE, 0)                                                      \
	X(wfi_exit_stat, CUMULATIVE, NONE, 0)                                                      \
	X(mmio_exit_user, CUMULATIVE, NONE, 0)                                                     \
	X(mmio_exit_kernel, CUMULATIVE, NONE, 0)                                                   \
	X(signal_exits, CUMULATIVE, NONE, 0)                                                       \
	X(irq_exits, CUMULATIVE, NONE, 0)                                                          \
	X(sysreg_exits, CUMULATIVE, NONE, 0)                                                       \
	X(fault_exits, CUMULATIVE, NONE, 0)

#define RD_STAT_FIELD(name, type, unit, exponent) u64 name;

struct rd_vm_stat {
	RD_VM_STATS(RD_STAT_FIELD)
};

struct rd_vcpu_stat {
	RD_VCPU_STATS(RD_STAT_FIELD)
};

#define RD_STAT_ADD(owner, name, n) WRITE_ONCE((owner)->stat.name, (owner)->stat.name + (n))
#define RD_STAT_INC(owner, name)    RD_STAT_ADD(owner, name, 1)

#define RD_STAT_ONE(name, type, unit, exponent) +1
#define RD_NR_VM_STATS				(0 RD_VM_STATS(RD_STAT_ONE))
#define RD_NR_VCPU_STATS			(0 RD_VCPU_STATS(RD_STAT_ONE))

/* A counter's file in debugfs. */
struct rd_stat_file {
	struct rd_vm *vm;
	u32 offset; /* in struct rd_vm_stat or rd_vcpu_stat */
};

/* A VM's directory in debugfs: kvm/PID-FD/ with a file a counter, summed over vCPUs. */
struct rd_stats_dir {
	struct dentry *dir;
	struct list_head link;	   /* all VMs; zeroes until rd_stats_vm_init() */
	int pid;		   /* of who made the VM */
	char comm[TASK_COMM_LEN]; /* its name then */
	struct rd_stat_file vm_files[RD_NR_VM_STATS];
	struct rd_stat_file vcpu_files[RD_NR_VCPU_STATS];
};

/* The binary statistics file of a VM or a vCPU: a file descriptor or a negative errno. */
int rd_stats_vm_fd(struct rd_vm *vm);
int rd_stats_vcpu_fd(struct rd_vcpu *vcpu);

/* Makes and removes debugfs' directory of a VM. Its absence is no error. */
void rd_stats_vm_init(struct rd_vm *vm, int fd);
void rd_stats_vm_destroy(struct rd_vm *vm);

/*
 * Prints all VMs, a line for each and one for each of its vCPUs: pairs of name and
 * value, counters included; the VMM's name comes last. May sleep.
 */
void rd_stats_print_vms(struct seq_file *m);

/* debugfs' top directory; at module load and unload. */
void rd_stats_init(void);
void rd_stats_exit(void);

#endif /* REDOUBT_KMOD_STATS_H */
