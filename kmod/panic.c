// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's part in a panic of EL2: print what EL2 left in struct rd_panic, with
 * its addresses as symbols of the image, and stop as the kernel stops.
 */
#include <linux/kernel.h>
#include <linux/panic.h>

#include "launch.h"

/* Symbols of the image in order of address: made from the ELF file by hyp/build.mk. */
static const struct {
	u32 offset;
	const char *name;
} symbols[] = {
#include "redoubt-hyp.symbols.h"
};

static struct rd_el2 *panic_el2;

static void print_frame(u64 offset)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(symbols) && symbols[i + 1].offset <= offset)
		i++;
	pr_emerg("  [%06llx] %s+0x%llx\n", offset, symbols[i].name, offset - symbols[i].offset);
}

static void print_registers(const struct rd_panic *p)
{
	int i;

	for (i = 0; i < 30; i += 3)
		pr_emerg("  x%-2d %016llx  x%-2d %016llx  x%-2d %016llx\n", i, p->x[i], i + 1,
			 p->x[i + 1], i + 2, p->x[i + 2]);
	pr_emerg("  x30 %016llx  sp  %016llx\n", p->x[30], p->x[31]);
}

/* Where EL2 sends the CPU that panicked: at EL1, interrupts off, on the host's stack. */
static void __noreturn rd_el2_panicked(void)
{
	const struct rd_panic *p = panic_el2->panic;
	u64 i;

	pr_emerg("EL2 panic on CPU %llu\n", p->cpu);
	if (p->vector == RD_PANIC_ASSERT)
		pr_emerg("  %s:%llu: assertion failed: %s\n", p->file, p->line, p->what);
	else
		pr_emerg("  vector %llu: ESR %016llx FAR %016llx HPFAR %016llx\n", p->vector,
			 p->esr, p->far, p->hpfar);
	pr_emerg("  ELR %016llx SPSR %016llx\n", p->elr, p->spsr);
	for (i = 0; i < min_t(u64, p->nr_frames, ARRAY_SIZE(p->frame)); i++)
		print_frame(p->frame[i]);
	if (p->has_regs)
		print_registers(p);
	panic("redoubt: EL2 panic");
}

u64 rd_panic_init(struct rd_el2 *el2)
{
	panic_el2 = el2;
	return (u64)rd_el2_panicked;
}
