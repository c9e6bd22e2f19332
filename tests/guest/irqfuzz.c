// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile user space against the interrupt controller of a VM: device attributes of the
 * vGICv3 and of the ITS, KVM_IRQ_LINE, KVM_IRQFD, KVM_SET_GSI_ROUTING, KVM_SIGNAL_MSI and
 * KVM_IOEVENTFD.
 *
 *	irqfuzz SECONDS [SEED]
 *
 * First every wrong call of a table, with the error that each must give. Then several
 * threads at once on one VM after the other, with arguments that are nearly right, while a
 * vCPU runs: each call has to end soon, with 0 or an error that the API knows. Prints
 * "@@ NAME: ok|fail DETAIL"; what the kernel says meanwhile is its caller's to judge.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define GICD_IPA    0x08000000UL
#define GITS_IPA    0x08080000UL
#define GICR_IPA    0x080a0000UL
#define MEMORY_IPA  0x40000000UL
#define MEMORY_SIZE 0x400000UL
#define VCPUS	    2
#define ATTACKERS   3
#define SLOW_NS	    20000000000ULL /* one call; an emulated machine under load takes its time */
#define BAD_POINTER 0x10UL

struct fuzz_vm {
	int fd, vcpu[VCPUS], vgic, its;
	struct kvm_run *run[VCPUS];
	uint8_t *memory;
};

/* Of all threads' calls, but counted by each for itself. */
struct tally {
	struct fuzz_vm *vm;
	uint64_t seed, calls, refused, slowest;
	const char *wrong; /* a call that gave an error it must not */
	int error;
};

static int kvm;
static volatile bool stop;

static long check(long result, const char *what)
{
	if (result < 0) {
		printf("@@ setup: fail %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* ---- A VM ---- */

static int attribute(int device, unsigned long request, uint32_t group, uint64_t attr,
		     uint64_t address)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = address };

	return ioctl(device, request, &a);
}

static int set_value(int device, uint32_t group, uint64_t attr, uint64_t value)
{
	return attribute(device, KVM_SET_DEVICE_ATTR, group, attr, (uintptr_t)&value);
}

static int create_device(int vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device device = { .type = type, .flags = flags };

	return ioctl(vm, KVM_CREATE_DEVICE, &device) ? -1 : (int)device.fd;
}

static void add_vcpu(struct fuzz_vm *vm, int n)
{
	long size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_vcpu_init init;
	uint64_t pc = MEMORY_IPA;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      offsetof(struct kvm_regs, regs.pc) / 4,
		.addr = (uintptr_t)&pc,
	};

	vm->vcpu[n] = check(ioctl(vm->fd, KVM_CREATE_VCPU, n), "KVM_CREATE_VCPU");
	check(ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	check(ioctl(vm->vcpu[n], KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	check(ioctl(vm->vcpu[n], KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
	vm->run[n] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu[n], 0);
	check(vm->run[n] == MAP_FAILED ? -1 : 0, "mmap of the vCPU");
}

/* vCPUs and memory; the devices exist but are at no address yet. */
static void open_vm(struct fuzz_vm *vm)
{
	/* Reads of a CPU's redistributor and the distributor, for ever: x1 and x2 from the code. */
	static const uint32_t code[] = {
		0xd2a10001, /* mov x1, #0x08000000 */
		0xd2a10162, /* mov x2, #0x080b0000 */
		0xb9400420, /* ldr w0, [x1, #4] */
		0xb9410040, /* ldr w0, [x2, #0x100] */
		0xb9410022, /* ldr w2, [x1, #0x100] */
		0xd2a10162, /* mov x2, #0x080b0000 */
		0x17fffffc, /* b back to the first ldr */
	};
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = MEMORY_IPA, .memory_size = MEMORY_SIZE,
	};
	int n;

	vm->fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	vm->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	check(vm->memory == MAP_FAILED ? -1 : 0, "mmap of the guest's memory");
	memcpy(vm->memory, code, sizeof(code));
	region.userspace_addr = (uintptr_t)vm->memory;
	check(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	for (n = 0; n < VCPUS; n++)
		add_vcpu(vm, n);
	vm->vgic = check(create_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V3, 0), "a vGICv3");
	vm->its = check(create_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_ITS, 0), "an ITS");
}

static void place_devices(struct fuzz_vm *vm)
{
	check(set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD_IPA),
	      "the distributor's address");
	check(set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			GICR_IPA), "the redistributors' address");
	check(set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
	      "the vGIC's initialisation");
	check(set_value(vm->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, GITS_IPA),
	      "the ITS's address");
	check(set_value(vm->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
	      "the ITS's initialisation");
}

static void close_vm(struct fuzz_vm *vm)
{
	long size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int n;

	close(vm->its);
	close(vm->vgic);
	for (n = 0; n < VCPUS; n++) {
		munmap(vm->run[n], size);
		close(vm->vcpu[n]);
	}
	close(vm->fd);
	munmap(vm->memory, MEMORY_SIZE);
}

/* ---- Calls that must fail, and how ---- */

static int failures;

/* One wrong call. @want: its errno; 0: it must succeed. */
static void expect(const char *what, int result, int want)
{
	int got = result < 0 ? errno : 0;

	if (got == want)
		return;
	printf("%s: expected %s, got %s\n", what, strerror(want), strerror(got));
	failures++;
}

static void wrong_devices(struct fuzz_vm *vm)
{
	expect("a GICv2", create_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V2, 0), ENODEV);
	expect("a device of no type", create_device(vm->fd, 0x7fffffff, 0), ENODEV);
	expect("a second vGIC", create_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V3, 0), EEXIST);
	expect("an unknown group", set_value(vm->vgic, 99, 0, 0), ENXIO);
	expect("an unknown group of the ITS", set_value(vm->its, 99, 0, 0), ENXIO);
	expect("an unknown group, read", attribute(vm->vgic, KVM_GET_DEVICE_ATTR, 99, 0, 0), ENXIO);
	expect("an unknown order", set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_CTRL, 77, 0), ENXIO);
}

static void wrong_addresses(struct fuzz_vm *vm)
{
	const uint32_t group = KVM_DEV_ARM_VGIC_GRP_ADDR;
	const uint64_t dist = KVM_VGIC_V3_ADDR_TYPE_DIST;
	const uint64_t region = KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION;

	expect("a crooked address", set_value(vm->vgic, group, dist, GICD_IPA + 4096), EINVAL);
	expect("an address outside", set_value(vm->vgic, group, dist, 1ULL << 51), E2BIG);
	expect("no pointer", attribute(vm->vgic, KVM_SET_DEVICE_ATTR, group, dist, BAD_POINTER),
	       EFAULT);
	expect("no pointer to read to",
	       attribute(vm->vgic, KVM_GET_DEVICE_ATTR, group, dist, BAD_POINTER), EFAULT);
	expect("a region of nothing", set_value(vm->vgic, group, region, GICR_IPA), EINVAL);
	expect("a region with flags",
	       set_value(vm->vgic, group, region, 1ULL << 52 | GICR_IPA | 1 << 12), EINVAL);
	expect("the second region first",
	       set_value(vm->vgic, group, region, 1ULL << 52 | GICR_IPA | 1), EINVAL);
	expect("a region beyond memory",
	       set_value(vm->vgic, group, region, 4095ULL << 52 | 0xfffffff0000ULL), E2BIG);
	expect("a crooked address of the ITS",
	       set_value(vm->its, group, KVM_VGIC_ITS_ADDR_TYPE, GITS_IPA + 4096), EINVAL);
}

static void wrong_numbers(struct fuzz_vm *vm)
{
	const uint32_t group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS;

	expect("too few interrupts", set_value(vm->vgic, group, 0, 32), EINVAL);
	expect("too many interrupts", set_value(vm->vgic, group, 0, 1056), EINVAL);
	expect("an odd number of interrupts", set_value(vm->vgic, group, 0, 65), EINVAL);
	expect("no pointer to the number",
	       attribute(vm->vgic, KVM_SET_DEVICE_ATTR, group, 0, BAD_POINTER), EFAULT);
	expect("the distributor too early",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, 0), EBUSY);
}

static void wrong_registers(struct fuzz_vm *vm)
{
	const uint64_t nobody = 0x123456ULL << 32;

	expect("interrupts twice", set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, 64), EBUSY);
	expect("the address twice",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
			 GICD_IPA), EEXIST);
	expect("no such register",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0xfff0000, 0), ENXIO);
	expect("no such vCPU",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, nobody, 0), EINVAL);
	expect("no such system register",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 0xffff, 0), ENXIO);
	expect("no such level",
	       set_value(vm->vgic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 1 << 10, 0), EINVAL);
	expect("no such register of the ITS",
	       set_value(vm->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, 0x20000, 0), ENXIO);
}

static int irqfd(struct fuzz_vm *vm, int fd, uint32_t gsi, uint32_t flags, int resample)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static void wrong_irqfds(struct fuzz_vm *vm)
{
	int event = eventfd(0, 0);

	expect("an irqfd of nothing", irqfd(vm, 9999, 5, 0, 0), EBADF);
	expect("an irqfd of a VM", irqfd(vm, vm->fd, 5, 0, 0), EINVAL);
	expect("an irqfd with flags", irqfd(vm, event, 5, 0xf0, 0), EINVAL);
	expect("a resampler of nothing", irqfd(vm, event, 5, KVM_IRQFD_FLAG_RESAMPLE, 9999), EBADF);
	expect("an irqfd", irqfd(vm, event, 5, 0, 0), 0);
	expect("the irqfd again", irqfd(vm, event, 6, 0, 0), EBUSY);
	expect("its end", irqfd(vm, event, 5, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	close(event);
}

static int routing(struct fuzz_vm *vm, uint32_t nr, uint32_t flags, uint32_t gsi, uint32_t type,
		   uint32_t pin)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} table = { .head = { .nr = nr, .flags = flags } };
	int i;

	for (i = 0; i < 2; i++) {
		table.entry[i].gsi = gsi;
		table.entry[i].type = type;
		table.entry[i].u.irqchip.pin = pin;
	}
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &table);
}

static void wrong_routes(struct fuzz_vm *vm)
{
	expect("a route with flags", routing(vm, 0, 1, 0, 0, 0), EINVAL);
	expect("too many routes", routing(vm, 0x7fffffff, 0, 0, 0, 0), EINVAL);
	expect("a route from too far", routing(vm, 1, 0, 0x7fffffff, KVM_IRQ_ROUTING_IRQCHIP, 1),
	       EINVAL);
	expect("a route to nowhere", routing(vm, 1, 0, 3, 77, 1), EINVAL);
	expect("a pin that is none", routing(vm, 1, 0, 3, KVM_IRQ_ROUTING_IRQCHIP, 4000), EINVAL);
	expect("two routes from one", routing(vm, 2, 0, 3, KVM_IRQ_ROUTING_IRQCHIP, 1), EINVAL);
	expect("routes at no address", ioctl(vm->fd, KVM_SET_GSI_ROUTING, BAD_POINTER), EFAULT);
}

static void wrong_lines(struct fuzz_vm *vm)
{
	static const uint32_t irq[] = {
		KVM_ARM_IRQ_TYPE_SPI << 24 | 31,      KVM_ARM_IRQ_TYPE_SPI << 24 | 1020,
		KVM_ARM_IRQ_TYPE_PPI << 24 | 200 << 16 | 20, KVM_ARM_IRQ_TYPE_PPI << 24 | 3,
		KVM_ARM_IRQ_TYPE_SPI << 24 | 0xffff,  9 << 24 | 40,
	};
	struct kvm_irq_level direct = { .irq = KVM_ARM_IRQ_TYPE_CPU << 24, .level = 1 };
	struct kvm_msi msi = { .flags = 0xf0 };
	size_t i;

	for (i = 0; i < sizeof(irq) / sizeof(irq[0]); i++) {
		struct kvm_irq_level level = { .irq = irq[i], .level = 1 };
		char name[40];

		snprintf(name, sizeof(name), "line %x", irq[i]);
		expect(name, ioctl(vm->fd, KVM_IRQ_LINE, &level), EINVAL);
	}
	expect("a line past the vGIC", ioctl(vm->fd, KVM_IRQ_LINE, &direct), ENXIO);
	expect("an MSI with flags", ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
}

static int ioeventfd(struct fuzz_vm *vm, uint64_t address, uint32_t length, int fd, uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = address, .len = length, .fd = fd, .flags = flags,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

static void wrong_ioeventfds(struct fuzz_vm *vm)
{
	int event = eventfd(0, 0);

	expect("3 bytes", ioeventfd(vm, 0x1000, 3, event, 0), EINVAL);
	expect("beyond the end", ioeventfd(vm, ~0ULL - 2, 8, event, 0), EINVAL);
	expect("unknown flags of an ioeventfd", ioeventfd(vm, 0x1000, 4, event, 0xff0), EINVAL);
	expect("a value of no bytes",
	       ioeventfd(vm, 0x1000, 0, event, KVM_IOEVENTFD_FLAG_DATAMATCH), EINVAL);
	expect("an ioeventfd of nothing", ioeventfd(vm, 0x1000, 4, 9999, 0), EBADF);
	expect("an ioeventfd", ioeventfd(vm, 0x1000, 4, event, 0), 0);
	expect("the same again", ioeventfd(vm, 0x1000, 4, event, 0), EEXIST);
	expect("the end of another",
	       ioeventfd(vm, 0x2000, 4, event, KVM_IOEVENTFD_FLAG_DEASSIGN), ENOENT);
	close(event);
}

static void wrong_calls(void)
{
	struct fuzz_vm vm;

	open_vm(&vm);
	wrong_devices(&vm);
	wrong_addresses(&vm);
	wrong_numbers(&vm);
	place_devices(&vm);
	wrong_registers(&vm);
	wrong_irqfds(&vm);
	wrong_routes(&vm);
	wrong_lines(&vm);
	wrong_ioeventfds(&vm);
	close_vm(&vm);
	printf("@@ wrong_calls: %s %d\n", failures ? "fail" : "ok", failures);
}

/* ---- Calls at random ---- */

static uint64_t dice(struct tally *t)
{
	/* xorshift64*: Marsaglia 2003, Vigna 2016. */
	t->seed ^= t->seed >> 12;
	t->seed ^= t->seed << 25;
	t->seed ^= t->seed >> 27;
	return t->seed * 0x2545f4914f6cdd1dULL;
}

/* Mostly small, or near a power of two, as values that mean something are. */
static uint64_t value(struct tally *t)
{
	uint64_t v = dice(t);

	switch (v >> 61) {
	case 0:
		return v & 0x3f;
	case 1:
		return (1ULL << (v & 63)) - (v >> 8 & 1);
	case 2:
		return MEMORY_IPA + (v & (MEMORY_SIZE - 1) & ~0xffffULL);
	case 3:
		return v & 0xffff;
	default:
		return v;
	}
}

static void random_attribute(struct tally *t, const char **name, int *result)
{
	static const unsigned long request[] = {
		KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR,
	};
	bool its = dice(t) & 1;
	uint64_t v = value(t), attr = value(t);

	if (dice(t) % 4)
		attr &= dice(t) & 1 ? 0xfffcULL : 0x100000fffcULL;
	*name = its ? "attribute of the ITS" : "attribute of the vGIC";
	*result = attribute(its ? t->vm->its : t->vm->vgic, request[dice(t) % 3], dice(t) % 10,
			    attr, dice(t) % 16 ? (uintptr_t)&v : BAD_POINTER);
}

static void random_tables(struct tally *t, const char **name, int *result)
{
	/* GITS_CBASER, GITS_CWRITER, GITS_BASER: valid, in memory, of any size and shape. */
	static const uint16_t reg[] = { 0x80, 0x88, 0x100, 0x108, 0x0 };
	static const uint64_t order[] = {
		KVM_DEV_ARM_ITS_SAVE_TABLES, KVM_DEV_ARM_ITS_RESTORE_TABLES,
		KVM_DEV_ARM_ITS_CTRL_RESET,
	};
	uint64_t v = 1ULL << 63 | (value(t) & ~0xfff000000000ULL), *word = (void *)t->vm->memory;
	int i;

	for (i = 0; i < 64; i++)
		word[0x10000 / 8 + dice(t) % ((MEMORY_SIZE - 0x10000) / 8)] = value(t);
	*name = "tables of the ITS";
	if (dice(t) & 1)
		*result = set_value(t->vm->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg[dice(t) % 5], v);
	else
		*result = set_value(t->vm->its, KVM_DEV_ARM_VGIC_GRP_CTRL, order[dice(t) % 3], 0);
}

static void random_line(struct tally *t, const char **name, int *result)
{
	struct kvm_irq_level level = { .irq = value(t), .level = dice(t) & 1 };
	struct kvm_msi msi = {
		.address_lo = dice(t) % 4 ? GITS_IPA + 0x10040 : value(t), .data = value(t),
		.flags = dice(t) % 4 ? KVM_MSI_VALID_DEVID : value(t), .devid = value(t),
	};

	if (dice(t) % 4)
		level.irq = (1 + dice(t) % 2) << 24 | (dice(t) & 0x100ff);
	*name = dice(t) & 1 ? "KVM_SIGNAL_MSI" : "KVM_IRQ_LINE";
	*result = (*name)[4] == 'S' ? ioctl(t->vm->fd, KVM_SIGNAL_MSI, &msi)
				    : ioctl(t->vm->fd, KVM_IRQ_LINE, &level);
}

static void random_routes(struct tally *t, const char **name, int *result)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[64];
	} table = { .head = { .nr = dice(t) % 65 } };
	uint32_t i;

	for (i = 0; i < 64; i++) {
		table.entry[i].gsi = dice(t) % 8 ? i : value(t);
		table.entry[i].type = dice(t) % 8 ? 1 + dice(t) % 2 : value(t);
		table.entry[i].flags = dice(t) % 8 ? 0 : value(t);
		if (table.entry[i].type == KVM_IRQ_ROUTING_MSI) {
			table.entry[i].u.msi.address_lo = GITS_IPA + 0x10040;
			table.entry[i].u.msi.devid = dice(t) & 7;
		} else {
			table.entry[i].u.irqchip.pin = dice(t) % 8 ? i : value(t);
		}
	}
	*name = "KVM_SET_GSI_ROUTING";
	*result = ioctl(t->vm->fd, KVM_SET_GSI_ROUTING, &table);
}

/* An eventfd's whole life, with a signal before or after, and often closed while in use. */
static void random_eventfd(struct tally *t, const char **name, int *result)
{
	int event = eventfd(dice(t) & 1, 0), resample = eventfd(0, 0);
	uint32_t gsi = dice(t) % 64, flags = dice(t) & 1 ? KVM_IRQFD_FLAG_RESAMPLE : 0;

	*name = "KVM_IRQFD";
	if (dice(t) & 1) {
		*name = "KVM_IOEVENTFD";
		*result = ioeventfd(t->vm, value(t), dice(t) % 10, event, dice(t) & 9);
	} else {
		*result = irqfd(t->vm, event, gsi, flags, resample);
		eventfd_write(event, 1);
		if (dice(t) & 1)
			irqfd(t->vm, event, gsi, KVM_IRQFD_FLAG_DEASSIGN, 0);
	}
	close(resample);
	close(event);
}

static bool known(int error)
{
	static const int errors[] = {
		EINVAL, ENXIO, EBUSY, EEXIST, EFAULT, E2BIG, ENOMEM, EBADF, ENODEV, ENOENT, EINTR,
		ENOSPC, ENOTTY, EPERM, EACCES,
	};
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == errors[i])
			return true;
	return false;
}

static void *attacker(void *arg)
{
	static void (*const kinds[])(struct tally *, const char **, int *) = {
		random_attribute, random_tables, random_line, random_routes, random_eventfd,
	};
	struct tally *t = arg;

	while (!stop) {
		uint64_t start = now(), took;
		const char *name;
		int result, error;

		kinds[dice(t) % 5](t, &name, &result);
		error = result < 0 ? errno : 0;
		took = now() - start;
		t->calls++;
		t->refused += result < 0;
		if (took > t->slowest)
			t->slowest = took;
		if (error && !known(error)) {
			t->wrong = name;
			t->error = error;
		}
	}
	return NULL;
}

static void *guest(void *arg)
{
	int vcpu = *(int *)arg;

	/* Whatever it exits for; a dead VM must still be one that can be closed. */
	while (!stop)
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			usleep(100);
	return NULL;
}

static void interrupted(int number)
{
	(void)number;
}

/* One VM's share of the time; its findings are added to @sum. */
static void round_of_fuzz(struct tally *sum, uint64_t seconds)
{
	pthread_t thread[ATTACKERS + VCPUS];
	struct tally t[ATTACKERS] = { 0 };
	struct fuzz_vm vm;
	int i;

	open_vm(&vm);
	if (dice(sum) % 4)
		place_devices(&vm);
	stop = false;
	for (i = 0; i < ATTACKERS; i++) {
		t[i].vm = &vm;
		t[i].seed = dice(sum) | 1;
		pthread_create(&thread[i], NULL, attacker, &t[i]);
	}
	for (i = 0; i < VCPUS; i++)
		pthread_create(&thread[ATTACKERS + i], NULL, guest, &vm.vcpu[i]);
	sleep(seconds);
	stop = true;
	for (i = 0; i < ATTACKERS + VCPUS; i++) {
		while (pthread_tryjoin_np(thread[i], NULL)) {
			pthread_kill(thread[i], SIGUSR1);
			usleep(1000);
		}
	}
	close_vm(&vm);
	for (i = 0; i < ATTACKERS; i++) {
		sum->calls += t[i].calls;
		sum->refused += t[i].refused;
		sum->slowest = t[i].slowest > sum->slowest ? t[i].slowest : sum->slowest;
		if (t[i].wrong) {
			sum->wrong = t[i].wrong;
			sum->error = t[i].error;
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = interrupted }; /* without SA_RESTART */
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 0) : 0, rounds;
	struct tally sum = { .seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1 };
	bool ok;

	if (!seconds || !sum.seed) {
		fprintf(stderr, "usage: irqfuzz SECONDS [SEED, not 0]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGUSR1, &action, NULL);
	kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	wrong_calls();
	for (rounds = 0; rounds < (seconds + 1) / 2; rounds++)
		round_of_fuzz(&sum, 2);
	ok = !sum.wrong && sum.slowest < SLOW_NS && sum.refused && sum.refused < sum.calls;
	printf("@@ random_calls: %s %llu calls, %llu refused, slowest %llu ms%s%s%s\n",
	       ok ? "ok" : "fail", (unsigned long long)sum.calls,
	       (unsigned long long)sum.refused, (unsigned long long)sum.slowest / 1000000,
	       sum.wrong ? ", wrong: " : "", sum.wrong ?: "", sum.wrong ? strerror(sum.error) : "");
	return failures || !ok;
}
