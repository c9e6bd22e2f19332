// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical memory. EL2's view is a mapping without access; a page of it opens when EL2
 * touches it, if EL2's tables say so at that moment (as a TLB is filled), and closes with
 * the TLB invalidation of that address. The window is a second such view, whose pages lie
 * wherever the tables say.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setup.h"
#include "sim.h"

static struct {
	int file;
	u8 *all, *el2, *window;
	u64 base, span;
	u64 window_bytes;
} mem;

#define WINDOW_PAGES (RD_WINDOW_PAGES + 1)

u32 sim_page(u64 pfn)
{
	u32 i, n = 0;

	for (i = 0; i < SIM_REGIONS; i++) {
		u64 first = sim.shape->base[i] >> sim.shape->shift;

		if (pfn - first < sim.shape->pages[i])
			return n + (u32)(pfn - first);
		n += (u32)sim.shape->pages[i];
	}
	return SIM_NO_PAGE;
}

u64 sim_pfn(u32 page)
{
	u32 i = page < sim.shape->pages[0] ? 0 : 1;

	return (sim.shape->base[i] >> sim.shape->shift) + page - (i ? sim.shape->pages[0] : 0);
}

void *sim_ram(u64 pa)
{
	return sim_page(pa >> sim.shape->shift) == SIM_NO_PAGE ? NULL : mem.all + (pa - mem.base);
}

u64 sim_va_offset(void)
{
	return (u64)mem.el2 - mem.base;
}

u64 sim_window(void)
{
	return (u64)mem.window;
}

bool sim_read_desc(void *ctx, u64 pa, u64 *desc)
{
	u64 *at = sim_ram(pa);

	(void)ctx;
	if (!at)
		return false;
	*desc = __atomic_load_n(at, __ATOMIC_RELAXED);
	return true;
}

struct walk_regime sim_stage1(void)
{
	return walk_decode(&sim.shape->cpu, false, hyp_boot.tcr, hyp_boot.ttbr, false);
}

/* Where EL2's address @va is one of; 0 bytes: nowhere. */
static u64 view_of(u64 va, u8 **view)
{
	*view = mem.el2;
	if (va - (u64)mem.el2 < mem.span)
		return mem.span;
	*view = mem.window;
	return va - (u64)mem.window < mem.window_bytes ? mem.window_bytes : 0;
}

/* The translation of the page at @va, by the tables. */
static bool translate(const struct walk_regime *reg, u64 va, u64 *pa)
{
	struct walk_result res = walk_translate(reg, va, sim_read_desc, NULL);

	*pa = res.oa;
	return walk_access(reg, &res, false, false, false) == WALK_OK && res.w;
}

/* Opens the page that was touched and its neighbours: a TLB may hold all that is valid. */
static bool open_pages(u64 va)
{
	struct walk_regime reg = sim_stage1();
	u64 page = sim.page_bytes, first = va & ~(page - 1), pa = 0, next = 0, n = 0;
	u8 *view;
	u64 size = view_of(va, &view);

	if (!size || !translate(&reg, first, &pa) || !sim_ram(pa))
		return false;
	do {
		n++;
	} while (n < RD_WINDOW_PAGES && first + n * page - (u64)view < size &&
		 translate(&reg, first + n * page, &next) && next == pa + n * page &&
		 sim_ram(next));
	if (view == mem.el2 && pa != first - sim_va_offset())
		sim_fail("EL2's linear map leads from PA %#llx to %#llx",
			 first - sim_va_offset(), pa);
	return mmap((void *)first, n * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    mem.file, (off_t)(pa - mem.base)) != MAP_FAILED;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	u64 va = (u64)info->si_addr;
	u8 *view;

	(void)context;
	if (open_pages(va))
		return;
	if (view_of(va, &view) && view == mem.el2)
		sim_fail("EL2 touches PA %#llx, which it does not map", va - sim_va_offset());
	if (view_of(va, &view))
		sim_fail("EL2 touches its window where nothing is mapped");
	signal(sig, SIG_DFL);
	sim_fail("signal %d at address %#llx", sig, va);
}

static void close_pages(u8 *view, u64 size, u64 first, u64 last)
{
	u64 start = (u64)view, end = start + size;

	if (last < start || first >= end)
		return;
	start = first > start ? first : start;
	end = last < end - 1 ? last + 1 : end;
	mprotect((void *)start, end - start, PROT_NONE);
}

void sim_mem_tlbi(u64 first, u64 last)
{
	close_pages(mem.el2, mem.span, first, last);
	close_pages(mem.window, mem.window_bytes, first, last);
}

void sim_fill(u32 page, u64 word)
{
	u64 *at = sim_ram(sim_pfn(page) << sim.shape->shift);
	u64 i;

	for (i = 0; i < sim.page_bytes / sizeof(*at); i++)
		at[i] = word;
}

bool sim_is_filled(u32 page, u64 word)
{
	u64 *at = sim_ram(sim_pfn(page) << sim.shape->shift);

	return at[0] == word && !memcmp(at, at + 1, sim.page_bytes - sizeof(*at));
}

u64 sim_first_other(u32 page, u64 word, u64 *found)
{
	const u64 *at = sim_ram(sim_pfn(page) << sim.shape->shift);
	u64 i;

	for (i = 0; i + 1 < sim.page_bytes / sizeof(*at) && at[i] == word; i++)
		;
	*found = at[i];
	return i;
}

static void *reserve(u64 bytes)
{
	u64 align = 1ULL << 30;
	u8 *p = mmap(NULL, bytes + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);

	if (p == MAP_FAILED)
		sim_fail("no address space");
	return (void *)(((u64)p + align - 1) & ~(align - 1));
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

void sim_mem_init(void)
{
	const struct sim_shape *shape = sim.shape;
	u32 last = SIM_REGIONS - 1;

	sim.page_bytes = 1ULL << shape->shift;
	sim.nr_pages = (u32)(shape->pages[0] + shape->pages[1]);
	mem.base = shape->base[0];
	mem.span = shape->base[last] + (shape->pages[last] << shape->shift) - mem.base;
	mem.window_bytes = WINDOW_PAGES * sim.page_bytes;
	mem.file = memfd_create("ram", 0);
	if (mem.file < 0 || ftruncate(mem.file, (off_t)mem.span))
		sim_fail("no memory");
	mem.all = reserve(mem.span);
	mem.all = mmap(mem.all, mem.span, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED | MAP_NORESERVE, mem.file, 0);
	mem.el2 = reserve(mem.span);
	mem.window = reserve(mem.window_bytes);
	if (mem.all == MAP_FAILED)
		sim_fail("no memory");
	catch_faults();
}
