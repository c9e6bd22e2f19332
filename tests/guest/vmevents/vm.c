// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM: one or two VMs over the same memory, a thread for each vCPU. A vCPU that is
 * to rest leaves the guest and waits on a condition, so that a resting guest costs no time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kvmcall.h"
#include "vm.h"

extern const char __start_guest_code[] __attribute__((visibility("hidden")));
extern const char __stop_guest_code[] __attribute__((visibility("hidden")));
extern const char guest_entry[] __attribute__((visibility("hidden")));

void die(const char *format, ...)
{
	const char *why = errno ? strerror(errno) : "";
	va_list list;

	va_start(list, format);
	fprintf(stderr, "vmevents: ");
	vfprintf(stderr, format, list);
	fprintf(stderr, "%s%s\n", *why ? ": " : "", why);
	va_end(list);
	_exit(1);
}

long check(long result, const char *what)
{
	if (result < 0)
		die("%s", what);
	return result;
}

static void set_slot(int fd, uint32_t slot, uint64_t ipa, void *at, size_t bytes, uint32_t flags)
{
	check(kvm_set_region(fd, slot, ipa, at, bytes, flags), "KVM_SET_USER_MEMORY_REGION");
}

void vm_data_slot(struct vm *vm, uint64_t ipa, size_t bytes, uint32_t flags)
{
	int i;

	for (i = 0; i < vm->vms; i++)
		set_slot(vm->fd[i], 1, ipa, vm->data, bytes, flags);
}

int vm_try_slot(struct vm *vm, uint64_t ipa, uint32_t flags)
{
	return kvm_set_region(vm->fd[0], 1, ipa, vm->data, vm->size, flags) ? errno : 0;
}

static void set_register(const struct cpu *cpu, size_t offset, uint64_t value)
{
	struct kvm_one_reg reg = kvm_core_register(offset, &value);

	check(ioctl(cpu->fd, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

#define REGISTER(name) offsetof(struct kvm_regs, regs.name)

static void make_cpu(struct vm *vm, int number)
{
	struct cpu *cpu = &vm->cpu[number];
	struct kvm_vcpu_init init;
	long size = check(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");

	cpu->vm = vm;
	cpu->run_size = size;
	cpu->number = number;
	cpu->vm_fd = vm->fd[number % vm->vms];
	cpu->fd = check(ioctl(cpu->vm_fd, KVM_CREATE_VCPU, number), "KVM_CREATE_VCPU");
	check(ioctl(cpu->vm_fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	check(ioctl(cpu->fd, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	cpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		die("mmap of a vCPU");
	set_register(cpu, REGISTER(pc), CODE_IPA + (guest_entry - __start_guest_code));
	set_register(cpu, REGISTER(regs[0]), CODE_IPA + MAILBOX_OFF);
	set_register(cpu, REGISTER(regs[1]), number);
	set_register(cpu, REGISTER(regs[2]), CODE_IPA + TABLE_OFF);
	set_register(cpu, REGISTER(regs[3]), CODE_IPA + STACK_OFF + 0x1000 * (number + 1));
}

/*
 * Level-1 blocks of 1 GiB, addresses mapped to themselves, except for the data's; the
 * lowest is devices.
 */
static void fill_tables(uint64_t *table, uint64_t data_ipa)
{
	uint64_t i;

	for (i = 0; i < 8; i++)
		table[i] = i << 30 | 1 << 10 | 3 << 8 | (i ? 0 : 1) << 2 | 1;
	table[DATA_IPA >> 30] ^= DATA_IPA ^ (data_ipa >> 30 << 30);
}

static void report_wrong(const struct mailbox *m)
{
	static const char *const what[] = {
		"?", "lost", "stale: it was thrown away", "neither the last one nor empty",
	};

	errno = 0;
	die("page %llu in sweep %llu: found %llu, wrote %llu: %s; thrown away %u/%u, then %u/%u",
	    (unsigned long long)m->wrong.page, (unsigned long long)m->wrong.sweep,
	    (unsigned long long)m->wrong.got, (unsigned long long)m->wrong.want,
	    what[m->wrong.what & 3], m->state[m->wrong.page].begin, m->state[m->wrong.page].end,
	    m->begin[m->wrong.page], m->end[m->wrong.page]);
}

/* The guest reached for its data where no slot is at the moment: we do it for it. */
static void do_mmio(struct cpu *cpu)
{
	struct kvm_run *run = cpu->run;
	struct vm *vm = cpu->vm;
	uint64_t offset = run->mmio.phys_addr - DATA_IPA;

	if (run->mmio.phys_addr < DATA_IPA || offset + run->mmio.len > vm->size) {
		errno = 0;
		die("an access to %#llx", (unsigned long long)run->mmio.phys_addr);
	}
	if (run->mmio.is_write)
		memcpy((char *)vm->data + offset, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, (char *)vm->data + offset, run->mmio.len);
	cpu->mmio++;
}

/* False when the VM is over. */
static bool rest(struct cpu *cpu)
{
	struct vm *vm = cpu->vm;
	bool over;

	pthread_mutex_lock(&vm->lock);
	cpu->resting = true;
	pthread_cond_broadcast(&vm->changed);
	while (vm->mail->cpu[cpu->number].order == ORDER_REST && !vm->over)
		pthread_cond_wait(&vm->changed, &vm->lock);
	cpu->resting = false;
	over = vm->over;
	pthread_mutex_unlock(&vm->lock);
	return !over;
}

static void *run_cpu(void *arg)
{
	struct cpu *cpu = arg;
	uint64_t report;

	for (;;) {
		if (ioctl(cpu->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EFAULT && cpu->vm->may_fault) {
				cpu->refused++;
				continue;
			}
			die("KVM_RUN");
		}
		if (cpu->vm->on_exit && cpu->vm->on_exit(cpu))
			continue;
		if (cpu->run->exit_reason != KVM_EXIT_MMIO) {
			errno = 0;
			die("exit %u", cpu->run->exit_reason);
		}
		if (cpu->run->mmio.phys_addr != REPORT_IPA) {
			do_mmio(cpu);
			continue;
		}
		memcpy(&report, cpu->run->mmio.data, sizeof(report));
		if (report == REPORT_WRONG)
			report_wrong(cpu->vm->mail);
		if (!rest(cpu))
			return NULL;
	}
}

static void fill_code(struct vm *vm, const struct vm_config *config)
{
	uint64_t data_ipa = config->ipa ? config->ipa : DATA_IPA;
	struct mailbox *m;
	int i;

	/* Shared, so that a child of ours after fork() is no reason to copy it. */
	vm->code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->code == MAP_FAILED)
		die("mmap");
	memcpy(vm->code, __start_guest_code, __stop_guest_code - __start_guest_code);
	__builtin___clear_cache(vm->code, (char *)vm->code + TABLE_OFF);
	fill_tables((uint64_t *)((char *)vm->code + TABLE_OFF), data_ipa);
	vm->mail = m = (struct mailbox *)((char *)vm->code + MAILBOX_OFF);
	m->data = DATA_IPA + (data_ipa & ((1 << 30) - 1));
	m->page_size = vm->page;
	m->pages = vm->pages;
	m->stride = vm->cpus;
	for (i = 0; i < vm->cpus; i++)
		m->cpu[i].order = config->order;
}

void vm_open(struct vm *vm, const struct vm_config *config)
{
	int i;

	memset(vm, 0, sizeof(*vm));
	vm->page = sysconf(_SC_PAGESIZE);
	vm->pages = config->size / vm->page;
	vm->size = config->size;
	vm->data = config->data;
	vm->cpus = config->cpus ? config->cpus : 2;
	vm->vms = config->vms ? config->vms : 1;
	vm->on_exit = config->on_exit;
	if (vm->pages > PAGES_MAX || vm->cpus > CPUS_MAX)
		die("a VM that is too large");
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	fill_code(vm, config);
	vm->kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	for (i = 0; i < vm->vms; i++) {
		vm->fd[i] = check(ioctl(vm->kvm, KVM_CREATE_VM, config->type), "KVM_CREATE_VM");
		if (config->prepare)
			config->prepare(vm->fd[i]);
		set_slot(vm->fd[i], 0, CODE_IPA, vm->code, CODE_SIZE, 0);
	}
	vm_data_slot(vm, config->ipa ? config->ipa : DATA_IPA, vm->size, 0);
	for (i = 0; i < vm->cpus; i++)
		make_cpu(vm, i);
}

void vm_run(struct vm *vm)
{
	int i;

	for (i = 0; i < vm->cpus; i++)
		if (pthread_create(&vm->cpu[i].thread, NULL, run_cpu, &vm->cpu[i]))
			die("pthread_create");
}

void vm_start(struct vm *vm, const struct vm_config *config)
{
	vm_open(vm, config);
	vm_run(vm);
}

static bool all_rest(const struct vm *vm)
{
	int i;

	for (i = 0; i < vm->cpus; i++)
		if (!vm->cpu[i].resting)
			return false;
	return true;
}

void vm_order(struct vm *vm, enum order order)
{
	int i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->cpus; i++)
		__atomic_store_n(&vm->mail->cpu[i].order, order, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&vm->changed);
	while (order == ORDER_REST && !all_rest(vm))
		pthread_cond_wait(&vm->changed, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
}

static uint64_t sweeps_of(const struct vm *vm, int cpu)
{
	return __atomic_load_n(&vm->mail->cpu[cpu].sweeps, __ATOMIC_ACQUIRE);
}

void vm_sweeps(struct vm *vm, unsigned int n)
{
	uint64_t from[CPUS_MAX];
	double start = seconds();
	int i;

	for (i = 0; i < vm->cpus; i++)
		from[i] = sweeps_of(vm, i);
	for (i = 0; i < vm->cpus; i++) {
		/* The one under way may have begun before we were called. */
		while (sweeps_of(vm, i) < from[i] + n + 1) {
			usleep(500);
			patience(start, "the guest's sweeps");
		}
	}
}

uint64_t vm_emptied(const struct vm *vm)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < vm->cpus; i++)
		sum += vm->mail->cpu[i].emptied;
	return sum;
}

uint64_t vm_mmio(const struct vm *vm)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < vm->cpus; i++)
		sum += vm->cpu[i].mmio;
	return sum;
}

uint64_t vm_refused(const struct vm *vm)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < vm->cpus; i++)
		sum += vm->cpu[i].refused;
	return sum;
}

uint64_t vm_stat(const struct vm *vm, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/%s", getpid(), vm->fd[0], name);
	return read_number(path);
}

void vm_begin(struct vm *vm, size_t first, size_t n)
{
	size_t i;

	for (i = first; i < first + n; i++)
		vm->mail->begin[i]++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void vm_done(struct vm *vm, size_t first, size_t n)
{
	size_t i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = first; i < first + n; i++)
		vm->mail->end[i]++;
}

void vm_compare(struct vm *vm)
{
	size_t i;

	for (i = 0; i < vm->pages; i++) {
		uint64_t got = *(uint64_t *)((char *)vm->data + i * vm->page);
		const struct page_state *s = &vm->mail->state[i];
		bool thrown = vm->mail->begin[i] != s->begin || s->begin != s->end;

		if (got == s->last || (!got && thrown))
			continue;
		errno = 0;
		die("page %zu has %llu for us, the guest wrote %llu", i, (unsigned long long)got,
		    (unsigned long long)s->last);
	}
}

void vm_end(struct vm *vm)
{
	int i;

	vm_order(vm, ORDER_REST);
	vm_compare(vm);
	pthread_mutex_lock(&vm->lock);
	vm->over = true;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	for (i = 0; i < vm->cpus; i++) {
		pthread_join(vm->cpu[i].thread, NULL);
		munmap(vm->cpu[i].run, vm->cpu[i].run_size);
		close(vm->cpu[i].fd);
	}
	for (i = 0; i < vm->vms; i++)
		close(vm->fd[i]);
	close(vm->kvm);
}
