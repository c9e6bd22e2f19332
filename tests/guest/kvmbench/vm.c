// SPDX-License-Identifier: GPL-2.0-only
/* A VM, and the time that its guest takes for a loop. */
#include "bench.h"

#define CODE_SIZE 0x10000UL
#define MMIO_IPA  0x10000000UL /* no memory: a read is an exit */
#define ORDER_IPA 0x10001000UL /* read: the next order; write: a loop has ended */

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void row(struct bench *b, const char *name, double value, const char *unit)
{
	printf("%s%s %.1f %s\n", b->type & VM_PROTECTED ? "protected_" : "", name, value, unit);
	fflush(stdout);
}

size_t guest_offset(const char *label)
{
	return label - guest_code;
}

void vm_create(struct bench *b)
{
	b->vm = check(ioctl(b->kvm, KVM_CREATE_VM, b->type), "KVM_CREATE_VM");
}

void vm_open(struct bench *b)
{
	vm_create(b);
	b->vcpu = create_vcpu(b->kvm, b->vm, 0, &b->run);
	if (b->two_vcpus)
		b->other = create_vcpu(b->kvm, b->vm, 1, &b->other_run);
	if (b->vgic >= 0)
		b->vgic = create_vgic(b->vm); /* without, timers cost more on each exit */
	b->code = map_memory(CODE_SIZE, 0);
	memcpy(b->code, guest_code, guest_offset(guest_end));
	__builtin___clear_cache(b->code, (char *)b->code + CODE_SIZE);
	set_slot(b->vm, 0, CODE_IPA, b->code, CODE_SIZE, 0);
	set_slot(b->vm, 1, DATA_IPA, b->data, b->data_size, 0);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.pc), CODE_IPA);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.regs[0]), ORDER_IPA);
	set_core(b->vcpu, offsetof(struct kvm_regs, regs.regs[1]), MMIO_IPA);
}

static void vcpu_close(struct bench *b, int vcpu, struct kvm_run *run)
{
	munmap(run, check(ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
	close(vcpu);
}

void vm_close(struct bench *b)
{
	vcpu_close(b, b->vcpu, b->run);
	if (b->two_vcpus)
		vcpu_close(b, b->other, b->other_run);
	if (b->vgic >= 0)
		close(b->vgic);
	close(b->vm);
	munmap(b->code, CODE_SIZE);
}

/* Runs the vCPU up to its next access to ORDER_IPA; other reads are answered as they are. */
static void run_to_order(struct bench *b, bool is_write)
{
	for (;;) {
		if (ioctl(b->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			check(-1, "KVM_RUN");
		}
		if (b->run->exit_reason != KVM_EXIT_MMIO) {
			fprintf(stderr, "kvmbench: unexpected exit %u\n", b->run->exit_reason);
			exit(1);
		}
		if (b->run->mmio.phys_addr != ORDER_IPA)
			continue;
		if (b->run->mmio.is_write == is_write)
			return;
		fprintf(stderr, "kvmbench: the guest is out of step\n");
		exit(1);
	}
}

/* Gives one order; returns the time from the guest's start on it to its end. */
uint64_t timed(struct bench *b, const char *label, uint64_t rounds, uint64_t address,
		      uint64_t stride)
{
	const uint64_t order[] = { CODE_IPA + guest_offset(label), rounds, address, stride };
	uint64_t start;
	size_t i;

	for (i = 0; i < 4; i++) {
		run_to_order(b, false);
		memcpy(b->run->mmio.data, &order[i], sizeof(order[i]));
	}
	start = now();
	run_to_order(b, true);
	return now() - start;
}

uint64_t timed_loop(struct bench *b, const char *label, uint64_t rounds)
{
	return timed(b, label, rounds, 0, 0);
}

uint64_t timed_write(struct bench *b, uint64_t rounds, uint64_t stride)
{
	return timed(b, guest_write, rounds, DATA_IPA, stride);
}

double per(uint64_t with, uint64_t without, uint64_t rounds)
{
	return ((double)with - (double)without) / rounds;
}

void keep_least(uint64_t *least, uint64_t time)
{
	if (!*least || time < *least)
		*least = time;
}

/* Redoubt's gfn->pfn records at EL1 (debugfs); mainline has no such counter. */
void record_row(struct bench *b, const char *name, uint64_t pages)
{
	unsigned long long bytes;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/record_bytes", getpid(), b->vm);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fscanf(f, "%llu", &bytes) == 1)
		row(b, name, (double)bytes / pages, "bytes/page");
	fclose(f);
}
