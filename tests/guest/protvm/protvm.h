/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small VMM for tests of protected VMs: one VM, one vCPU, and a guest that does what it
 * is told over an MMIO page, since its registers and memory are out of the VMM's reach. The
 * same VMM makes an ordinary VM, on which each attack has to succeed.
 */
#ifndef PROTVM_H
#define PROTVM_H

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#endif

#define CODE_IPA     0x40000000
#define DATA_IPA     0x80000000
#define SPARE_IPA    0xc0000000 /* for one more slot */
#define ORDER_IPA    0x10000000 /* reads: orders and arguments; writes: results */
#define VM_PROTECTED (1UL << 31)
#define CODE_SIZE    0x10000

/* Vendor hypercalls of a protected guest: docs/hypercalls.md. */
#define HYP_MEMINFO    0xc6000002
#define MEM_SHARE      0xc6000003
#define MEM_UNSHARE    0xc6000004
#define MMIO_GUARD     0xc6000007
#define MEM_RELINQUISH 0xc6000009
#define MEM_DECLARE    0xc6000030
#define SMCCC_INVALID  (-3L)

/*
 * The guest's secret is nowhere in this program, only what it is made of; the guest
 * computes it. Whoever looks for it goes through is_secret().
 */
#define SECRET_A 0x5ea1ab1e0ddba115
#define SECRET_B 0x1badd00dfeedf00d

#ifndef __ASSEMBLER__
static inline bool is_secret(uint64_t word)
{
	uint64_t a = SECRET_A;

	__asm__("" : "+r"(a)); /* or the compiler makes a constant of the secret */
	return (word ^ a) == SECRET_B;
}

/* The guest's code (guest.S): an order is one of these. */
#pragma GCC visibility push(hidden)
extern const char guest_code[], guest_end[];
extern const char guest_hvc[], guest_hvcs[], guest_smc[], guest_load[], guest_store[], guest_fill[],
	guest_check[], guest_fill_secret[], guest_check_secret[], guest_hold_secret[],
	guest_held_secret[], guest_execute[];
#pragma GCC visibility pop

struct vm {
	int kvm, fd, vcpu;
	struct kvm_run *run;
	size_t run_size, page;
	void *code;
	uint8_t *data;
	size_t data_size;
	bool is_protected;
	uint64_t words[5]; /* the order under way, */
	int step;	   /* and how far it is */
};

/* Ends the program with errno's message. */
void die(const char *what);
long check(long result, const char *what);
void *anonymous(size_t size, int flags);

/* A VM, protected or not, with @size bytes at DATA_IPA in @memory (NULL: it gets its own). */
void vm_open(struct vm *vm, bool is_protected, size_t size, void *memory);
void vm_close(struct vm *vm);
/* KVM_SET_USER_MEMORY_REGION's result. */
int vm_slot(struct vm *vm, int number, uint64_t ipa, void *memory, size_t size, int flags);

/*
 * Runs until the guest asks for an order, gives it @label with four arguments, and runs on
 * until it has written four results. 0, or the errno of a KVM_RUN on the way: it goes on
 * there when called again with a NULL label.
 */
int vm_try(struct vm *vm, const char *label, const uint64_t args[4], uint64_t results[4]);

/* The same where nothing may fail; the first result. */
long vm_order(struct vm *vm, const char *label, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

static inline long vm_hvc(struct vm *vm, uint64_t fn, uint64_t arg)
{
	return vm_order(vm, guest_hvc, fn, arg, 0, 0);
}

/* KVM_GET_ONE_REG or KVM_SET_ONE_REG of a core register of 64 bits; 0 or errno. */
int core_reg(struct vm *vm, bool set, size_t offset, uint64_t *value);

/* How often the secret is in the machine's memory, as root reads it. */
uint64_t find_secret(void);

/* Prints how often the secret is in the crashed kernel's memory, and how many pages can't be read. */
void scan_crash(void);

/* Reads or writes a word at @at: 0, or the signal that came of it. */
int touch(volatile void *at, bool write, uint64_t *value);

/* attack.c: tries one attack; a word for what came of it, or NULL: no such attack. */
const char *attack(const char *name, bool is_protected);
void attack_names(void);

/* hostile.c: a guest that means no good; ends the program with a message if it gets anywhere. */
void hostile_guest(void);

/* features.c: what ID registers show works in a guest, what they hide is undefined there. */
void guest_features(bool is_protected);

/* Ends the program with a message unless @right. */
void expect(bool right, const char *format, ...);

/* ioctls.c: KVM's ioctls on a VM that has run, "name TAB errno" a line. */
void try_ioctls(bool is_protected);
#endif /* __ASSEMBLER__ */

#endif /* PROTVM_H */
