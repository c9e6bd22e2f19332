/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM of a few hundred lines whose guest watches its own memory: it visits each of
 * its pages over and over, checks that the page holds what it wrote last, and writes
 * the next value. Meanwhile the host does to that memory what hosts do (the events),
 * and the program says whether the guest ever saw what it must not see.
 *
 * Events that throw data away announce themselves in the mailbox: begin[page] before,
 * end[page] after. From those the guest knows when a page must have its value, when it
 * must be empty, and when either will do (guest.c).
 */
#ifndef VMEVENTS_VM_H
#define VMEVENTS_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_IPA 0x10000000ULL /* no memory: a write here is a message to the VMM */
#define CODE_IPA   0x40000000ULL
#define CODE_SIZE  0x200000ULL
#define DATA_IPA   0x80000000ULL
#define OTHER_IPA  0xc0000000ULL /* free, for slots that move */

/* Places in the code slot. */
#define TABLE_OFF   0x10000ULL
#define STACK_OFF   0x20000ULL /* the first vCPU's; one is 4 KiB, and grows down */
#define MAILBOX_OFF 0x40000ULL

#define CPUS_MAX  4
#define PAGES_MAX 16384

/* What a guest CPU is to do; and what it writes to REPORT_IPA. */
enum order {
	ORDER_REST,  /* report REPORT_RESTS, then look again */
	ORDER_READ,  /* check all pages */
	ORDER_WRITE, /* check and write all pages */
	ORDER_SET_WAY, /* the same, after cleaning caches by set and way and turning them off and on */
};

enum report {
	REPORT_RESTS = 1,
	REPORT_WRONG, /* see mailbox.wrong */
};

enum wrong {
	WRONG_LOST = 1, /* empty, and nothing has thrown it away */
	WRONG_STALE,	/* there, but it was thrown away */
	WRONG_VALUE,	/* neither */
};

/* What the guest knows of a page since it wrote it. */
struct page_state {
	uint64_t last;
	uint32_t begin; /* as it was after the write */
	uint32_t end;	/* as it was before the write */
};

struct guest_cpu {
	uint32_t order; /* enum order; the VMM writes */
	uint32_t pad;
	uint64_t sweeps; /* all pages visited, so often */
	uint64_t set_ways; /* times that ORDER_SET_WAY was carried out */
	uint64_t emptied; /* pages found empty that had a value */
};

/* Shared memory of VMM and guest. */
struct mailbox {
	uint64_t data; /* guest address of the data */
	uint64_t page_size;
	uint64_t pages;
	uint64_t stride; /* of a CPU: the number of CPUs */
	uint64_t may_stay; /* thrown away is no promise: values may be there afterwards */
	struct guest_cpu cpu[CPUS_MAX];
	struct {
		uint64_t what; /* enum wrong */
		uint64_t page, got, want, sweep;
	} wrong;
	uint32_t begin[PAGES_MAX];
	uint32_t end[PAGES_MAX];
	struct page_state state[PAGES_MAX];
};

/* One virtual CPU and the thread that runs it. */
struct cpu {
	struct vm *vm;
	int number;
	int vm_fd; /* of the VM that it belongs to */
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool resting;	   /* under vm->lock */
	uint64_t mmio;	   /* exits for the data, where it was not mapped */
	uint64_t refused;  /* KVM_RUN ended with EFAULT, see vm.may_fault */
};

struct vm {
	int kvm;
	int fd[2]; /* the VM; a second one that shares all memory with it */
	int vms;
	int cpus;
	struct cpu cpu[CPUS_MAX];
	void *code;
	struct mailbox *mail;
	void *data;
	size_t page, pages, size; /* bytes of one, how many, bytes of all */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over;
	bool may_fault; /* EFAULT from KVM_RUN is no disaster: try again */
	bool (*on_exit)(struct cpu *cpu); /* see vm_config */
};

/* What vm_start() is to make. */
struct vm_config {
	void *data; /* becomes the guest's data */
	size_t size; /* bytes */
	int cpus;    /* 0: 2 */
	int vms;     /* 0: 1; 2: every second vCPU is in another VM over the same memory */
	uint64_t type; /* of KVM_CREATE_VM */
	uint64_t ipa;  /* of the data, 0: DATA_IPA. It fits into the last of its GiB */
	enum order order; /* the guest's first */
	void (*prepare)(int fd); /* is called with a new VM, before anything else */
	bool (*on_exit)(struct cpu *cpu); /* is asked first about an exit; true: dealt with */
};

/* ---- vm.c ---- */

/* Ends the program with a sentence and errno's. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
long check(long result, const char *what);

/* vm_open() makes the VM, vm_run() starts its vCPUs' threads, vm_start() does both. */
void vm_open(struct vm *vm, const struct vm_config *config);
void vm_run(struct vm *vm);
void vm_start(struct vm *vm, const struct vm_config *config);

/* Gives all vCPUs an order; ORDER_REST returns when all of them do. */
void vm_order(struct vm *vm, enum order order);

/* Waits until every vCPU has begun and ended @n more sweeps. */
void vm_sweeps(struct vm *vm, unsigned int n);

/* Sums over the vCPUs. */
uint64_t vm_emptied(const struct vm *vm);
uint64_t vm_mmio(const struct vm *vm);
uint64_t vm_refused(const struct vm *vm);

/* The guest rests: dies unless our view of each page is what the guest wrote last. */
void vm_compare(struct vm *vm);

/* Rests, compares, ends the threads and closes all descriptors. */
void vm_end(struct vm *vm);

/* KVM_SET_USER_MEMORY_REGION of the data slot in all VMs. bytes 0 deletes it. */
void vm_data_slot(struct vm *vm, uint64_t ipa, size_t bytes, uint32_t flags);

/* A counter of the first VM, or the sum of its vCPUs', by its name in debugfs. */
uint64_t vm_stat(const struct vm *vm, const char *name);

/*
 * Tries the data slot's number for one at @ipa, as large as the data, in the first VM. The
 * errno of the refusal; 0: it was accepted.
 */
int vm_try_slot(struct vm *vm, uint64_t ipa, uint32_t flags);

/* Frames an event that throws [@first, + @n) away. */
void vm_begin(struct vm *vm, size_t first, size_t n);
void vm_done(struct vm *vm, size_t first, size_t n);

/* ---- host.c: what the host's kernel is told and says ---- */

void *map_anonymous(size_t size, int flags);
void *map_aligned(size_t size, size_t alignment);
void write_file(const char *path, const char *text);
uint64_t read_number(const char *path);
uint64_t vmstat(const char *name);
size_t huge_page_size(void);
/* The frames of [@at, + @n pages), 0 where there is none. */
void page_frames(const void *at, size_t n, uint64_t *pfn);
double seconds(void);
/* Dies if more than a minute has passed since @start: the event would not come. */
void patience(double start, const char *what);
/* A generator of numbers, from a seed. */
uint32_t rnd(uint32_t below);
void rnd_seed(uint64_t seed);

/* ---- Events: each is a subcommand, prints what happened, and returns if all was well ---- */

void event_ksm(void);
void event_swap(void);
void event_cold(void);
void event_free(void);
void event_dontneed(void);
void event_replace(void);
void event_punch(void);
void event_hugetlb(void);
void event_hugetlb_sizes(void);
void event_two_vms(void);
void event_compact(void);
void event_migrate(void);
void event_numa(void);
void event_collapse(void);
void event_soft_offline(void);
void event_fork(void);
void event_uffd_wp(void);
void event_hwpoison(void);
void event_hwpoison_huge(void);
void event_slots(void);
void event_set_way(void);
void event_device(void);
void event_protect(void);
void event_ring(void);
void event_log(void);
void event_sigmask(void);
void event_ipa(void);
void event_readonly(void);
void event_stats(void);

/* Kills VMMs of its own, @rounds times, at moments that @seed decides. */
void event_kill(unsigned int rounds, uint64_t seed);

#endif /* VMEVENTS_VM_H */
