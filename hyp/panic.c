// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of EL2: something happened that cannot. What is known goes to the page
 * that the host lent for this, and the CPU goes to the host's handler, which
 * prints it and stops the machine the kernel's way.
 *
 * No input from the host or a guest leads here (invariant 7). Every read below is
 * of EL2's own memory, and bounded; a second panic on the same CPU stops it.
 */
#include "arch.h"
#include "setup.h"
#include "switch.h"
#include "vm.h"

void hyp_panic_exception(struct hyp_cpu *cpu, u64 vector) __attribute__((noreturn));

static void copy_string(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

/* Follows the frame pointers as long as they stay on this CPU's stacks and go up. */
static void backtrace(struct rd_panic *p, const struct hyp_cpu *cpu, u64 pc, u64 fp)
{
	u64 image = hyp_boot.chunk[0].base + hyp_boot.va_offset;
	u64 top = cpu->boot.stack, bottom = top - SETUP_STACK_SIZE;
	u64 n = 0;

	p->frame[n++] = pc - image;
	while (n < sizeof(p->frame) / sizeof(p->frame[0]) && fp >= bottom && fp <= top - 16 &&
	       !(fp & 7)) {
		const u64 *frame = (const u64 *)fp;

		p->frame[n++] = frame[1] - 4 - image;
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	p->nr_frames = n;
}

static void __attribute__((noreturn)) leave(struct hyp_cpu *cpu, struct rd_panic *p)
{
	p->cpu = cpu->boot.index;
	if (!vm_protected_existed()) {
		memcpy(p->x, cpu->panic_x, sizeof(p->x));
		p->has_regs = 1;
	}
	port_smp_wmb();
	p->valid = 1;
	/* The host needs its own EL1 registers to print, if a guest's are loaded. */
	switch_panic_to_host(cpu);
	isb();
	hyp_host_enter(0, hyp_boot.panic_entry, PSR_D | PSR_A | PSR_I | PSR_F | PSR_MODE_EL1h);
}

/* One CPU tells; the others, and a panic within a panic, stay where they are. */
static struct rd_panic *begin(struct hyp_cpu *cpu)
{
	static u64 told;

	if (cpu->panicking || port_cmpxchg64(&told, 0, 1)) {
		for (;;)
			wfi();
	}
	cpu->panicking = 1;
	return setup_va(hyp_boot.panic_pa);
}

void hyp_panic_exception(struct hyp_cpu *cpu, u64 vector)
{
	struct rd_panic *p = begin(cpu);

	p->vector = vector;
	if (cpu->assert_what) {
		p->vector = RD_PANIC_ASSERT;
		p->line = cpu->assert_line;
		copy_string(p->file, sizeof(p->file), cpu->assert_file);
		copy_string(p->what, sizeof(p->what), cpu->assert_what);
	}
	p->esr = read_sysreg(esr_el2);
	p->elr = read_sysreg(elr_el2);
	p->spsr = read_sysreg(spsr_el2);
	p->far = read_sysreg(far_el2);
	p->hpfar = read_sysreg(hpfar_el2);
	backtrace(p, cpu, p->elr, cpu->panic_x[29]);
	leave(cpu, p);
}

/* By an exception, so that the registers are kept as they are here. */
void hyp_assert_failed(const char *file, int line, const char *what)
{
	struct hyp_cpu *cpu = this_cpu();

	cpu->assert_file = file;
	cpu->assert_line = (u64)line;
	cpu->assert_what = what;
	brk();
}
