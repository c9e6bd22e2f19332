// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hostile host: which calls it makes with which arguments, what it remembers, and
 * what it must find in its own registers.
 */
#include <string.h>

#include "actors.h"
#include "host.h"
#include "setup.h"
#include "vm.h"

#define GFNS 1200

static struct rng *rng;

void host_init(struct rng *seeded)
{
	rng = seeded;
}

static u64 below(u64 n)
{
	return rng_below(rng, n);
}

/* ---- Arguments ---- */

static u64 wild(void)
{
	switch (below(4)) {
	case 0:
		return rng_next(rng, 8);
	case 1:
		return ~0ULL - below(4);
	case 2:
		return 1ULL << below(64);
	default:
		return (1ULL << (52 - sim.shape->shift)) - below(3);
	}
}

static u64 some_handle(void)
{
	u32 i, from = (u32)below(8) + 1;

	if (!below(20))
		return below(2) ? wild() : below(300);
	for (i = 0; i < 8; i++)
		if (book.vm[(from + i - 1) % 8 + 1].used)
			return (from + i - 1) % 8 + 1;
	return from;
}

/*
 * A page that is the host's alone, most likely; and from the end of RAM, so that the rest
 * stays in one piece for whole blocks.
 */
static u64 own_pfn(void)
{
	u32 page = 0, tries, tail = sim.nr_pages / 4;

	for (tries = 0; tries < 20; tries++) {
		page = (u32)(below(8) ? sim.nr_pages - tail + below(tail) : below(sim.nr_pages));
		if (world_was.page[page].owner == BY_HOST && world_was.page[page].lent == LENT_NONE)
			break;
	}
	return sim_pfn(page);
}

static u64 some_pfn(void)
{
	switch (below(16)) {
	case 0:
		return wild();
	case 1: /* around the ends of RAM */
		return (sim.shape->base[below(2)] >> sim.shape->shift) +
		       (below(2) ? sim.shape->pages[below(2)] : 0) - 2 + below(4);
	case 2: /* EL2's */
		return (hyp_boot.chunk[below(hyp_boot.nr_chunks)].base >> sim.shape->shift) + below(3);
	case 3:
	case 4:
		return sim_pfn((u32)below(sim.nr_pages));
	case 5: /* a block's first page */
		return own_pfn() & ~511ULL;
	default:
		return own_pfn();
	}
}

static u64 some_pages(void)
{
	switch (below(12)) {
	case 0:
		return wild();
	case 1:
		return below(2) ? 0 : 513;
	case 2:
		return below(2) ? 512 : 1ULL << (sim.shape->shift - 3);
	case 3:
	case 4:
		return 1 + below(100);
	default:
		return 1 + below(4);
	}
}

static u64 some_gfn(u64 handle)
{
	const struct guest_map *map;
	u32 i;

	switch (below(12)) {
	case 0:
		return wild();
	case 1:
		return handle <= RD_VM_MAX && book.vm[handle].used ?
			       (1ULL << (book.vm[handle].ipa_bits - sim.shape->shift)) - below(4) : 0;
	case 2:
		return below(3) * 512;
	case 3:
	case 4:
	case 5: /* one that some VM has */
		for (i = 0; i < 4 && world_was.nr_maps; i++) {
			map = &world_was.map[below(world_was.nr_maps)];
			if (map->handle == handle)
				return map->gfn;
		}
	}
	return below(GFNS);
}

static struct call hvc(u32 cpu, u64 function)
{
	struct call call = { .cpu = cpu, .esr = (u64)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL };
	u32 i;

	call.x[0] = function;
	for (i = 1; i < 18; i++)
		call.x[i] = below(4) ? below(1000) : wild();
	return call;
}

static void set_vm_create(struct call *call, bool sane)
{
	u64 bits = below(3) ? 32 + below(9) : 40, roots;

	if (!sane && !below(4))
		bits = below(4) ? below(300) : wild();
	roots = root_pages_of(bits > 64 ? 0 : (u32)bits);
	call->x[1] = sane ? own_pfn() : some_pfn();
	call->x[2] = sane ? own_pfn() : some_pfn();
	if (roots && below(6))
		call->x[2] &= ~(roots - 1);
	call->x[3] = bits;
	call->x[4] = sane || below(8) ? below(2) : wild();
	call->x[5] = sane || below(8) ? 1 + below(VCPUS_MAX) : wild();
}

static void set_topup(struct call *call, bool sane)
{
	u32 i;

	call->x[2] = sane || below(6) ? 1 + below(15) : wild();
	for (i = 0; i < 15; i++)
		call->x[3 + i] = sane || below(16) ? own_pfn() : some_pfn();
}

static void set_vcpu_create(struct call *call, bool sane)
{
	call->x[2] = sane || below(6) ? below(VCPUS_MAX) : wild();
	call->x[3] = sane ? own_pfn() : some_pfn();
	call->x[4] = sane ? own_pfn() : some_pfn();
}

static void set_map(struct call *call, bool sane)
{
	bool block = !below(4);
	/* One entry of tables: 512 pages, or more with larger granules. */
	u64 pages = below(2) ? 512 : 1ULL << (sim.shape->shift - 3);

	call->x[2] = block ? below(3) * pages : sane ? below(GFNS) : some_gfn(call->x[1]);
	call->x[3] = block ? sim_pfn((u32)below(sim.nr_pages)) & ~(pages - 1) :
		     sane ? own_pfn() : some_pfn();
	call->x[4] = block ? pages : sane ? 1 + below(8) : some_pages();
	if (call->x[4] > 512 && call->x[4] < MAPS_MAX && world_was.nr_maps + call->x[4] > MAPS_MAX)
		call->x[4] = 1; /* the oracle has no room */
	call->x[5] = sane || below(6) ? 1 + 2 * below(4) : wild();
	if (!sane && !below(6)) { /* a device's page */
		call->x[3] = below(4) ? 0x9000000ULL >> sim.shape->shift : some_pfn();
		call->x[4] = below(8) ? 1 : 2;
		call->x[5] = (below(8) ? 3 : 7) | (below(2) ? RD_PROT_DEVICE : RD_PROT_NC);
	}
}

static void set_arguments(struct call *call)
{
	call->x[1] = some_handle();
	switch (call->x[0]) {
	case RD_HVC_VM_CREATE:
		set_vm_create(call, false);
		break;
	case RD_HVC_VM_TOPUP:
		set_topup(call, false);
		break;
	case RD_HVC_VCPU_CREATE:
		set_vcpu_create(call, false);
		break;
	case RD_HVC_VCPU_LOAD:
		call->x[2] = below(8) ? below(VCPUS_MAX) : wild();
		break;
	case RD_HVC_GUEST_MAP:
		set_map(call, false);
		break;
	case RD_HVC_HOST_SHARE_HYP:
	case RD_HVC_HOST_UNSHARE_HYP:
		call->x[1] = some_pfn();
		call->x[2] = some_pages();
		if (!below(8)) {
			call->x[1] = sim_pfn((u32)below(sim.nr_pages)) & ~511ULL;
			call->x[2] = 511 + below(3);
		}
		break;
	case RD_HVC_STAT:
	case RD_HVC_TRACE_READ:
	case RD_HVC_TRACE_CTL:
	case RD_HVC_VM_SIZES:
		call->x[1] = below(3) ? below(50) : wild();
		break;
	case RD_HVC_OWNERS:
	case RD_HVC_HOST_LEAVES:
		call->x[1] = below(3) ? below(1ULL << 40) & ~0xfffULL : wild();
		break;
	case RD_HVC_GUEST_TEST_CLEAR_YOUNG:
		call->x[4] = below(8) ? below(4) : wild();
		/* fall through */
	default:
		call->x[2] = some_gfn(call->x[1]);
		call->x[3] = call->x[0] == RD_HVC_GUEST_RELAX && below(4) ? below(8) : some_pages();
	}
}

static const u64 functions[] = {
#define FUNCTION(n, name, args, results) RD_HVC_##name,
	RD_HYPERCALLS(FUNCTION)
};

static void aim_at_map(struct call *call)
{
	const struct guest_map *map;

	call->x[2] = 0;
	if (!world_was.nr_maps)
		return;
	map = &world_was.map[below(world_was.nr_maps)];
	call->x[1] = map->handle;
	call->x[2] = map->gfn;
}

static void aim_at_block(struct call *call)
{
	u64 pages = 1ULL << (sim.shape->shift - 3);

	aim_at_map(call);
	call->x[2] &= ~(pages - 1);
	call->x[3] = pages;
}

struct call host_choose(u32 cpu)
{
	struct call call = hvc(cpu, functions[below(sizeof(functions) / sizeof(functions[0]))]);

	/* The end of EL2 is for the end of the run. */
	if (call.x[0] == RD_HVC_RELEASE)
		call.x[0] = RD_HVC_GUEST_MAP;
	set_arguments(&call);
	switch (below(60)) {
	case 0:
		call.x[0] ^= 1ULL << below(64);
		break;
	case 1:
		call.x[0] = below(2) ? RD_HVC_BASE + below(65536) : wild();
		break;
	case 2:
		call.esr |= 1 + below(0xffff);
		break;
	}
	if (call.x[0] == RD_HVC_RELEASE)
		call.x[0] = 0;
	return call;
}

struct call host_choose_sane(u32 cpu)
{
	u64 handle = some_handle();
	struct call call;

	if (handle > RD_VM_MAX || !book.vm[handle].used) {
		call = hvc(cpu, RD_HVC_VM_CREATE);
		set_vm_create(&call, true);
		return call;
	}
	if (book.loaded[cpu]) {
		call = hvc(cpu, below(4) ? RD_HVC_VCPU_RUN : RD_HVC_VCPU_PUT);
		return call;
	}
	call = hvc(cpu, RD_HVC_VCPU_LOAD);
	call.x[1] = handle;
	call.x[2] = below(VCPUS_MAX);
	if (book.vm[handle].dying) {
		call.x[0] = book.vm[handle].empty ? RD_HVC_VM_RECLAIM : RD_HVC_VM_TEARDOWN;
		return call;
	}
	/* Every other VM, early on; and now and then too late. */
	if (!book.vm[handle].is_protected && sim_has_aarch32_el1(cpu) &&
	    (book.vm[handle].width ? !below(16) : handle & below(2))) {
		call.x[0] = RD_HVC_VM_AARCH32;
		return call;
	}
	/* Where no CPU should: one without AArch32. */
	if (book.vm[handle].width == 32 && !sim_has_aarch32_el1(cpu) && below(2))
		return call;
	switch (below(17)) {
	case 0:
		call.x[0] = below(4) ? RD_HVC_NOP : RD_HVC_VM_TEARDOWN;
		break;
	case 1:
	case 2:
	case 3:
		call.x[0] = RD_HVC_VCPU_CREATE;
		set_vcpu_create(&call, true);
		break;
	case 4:
	case 5:
		call.x[0] = RD_HVC_VM_TOPUP;
		set_topup(&call, true);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
		call.x[0] = RD_HVC_GUEST_MAP;
		set_map(&call, true);
		break;
	case 11:
	case 12:
		call.x[0] = below(2) ? RD_HVC_GUEST_UNMAP : RD_HVC_GUEST_WRPROTECT;
		call.x[2] = some_gfn(handle);
		call.x[3] = 1 + below(512);
		break;
	case 13: /* about as much as one call may be about */
		call.x[0] = below(2) ? RD_HVC_HOST_SHARE_HYP : RD_HVC_HOST_UNSHARE_HYP;
		call.x[1] = (sim.shape->base[0] >> sim.shape->shift) + 512;
		call.x[2] = 512 + below(2);
		break;
	case 14: /* a block that a VM has, perhaps as one entry */
		call.x[0] = below(4) ? RD_HVC_GUEST_SPLIT : RD_HVC_GUEST_WRPROTECT;
		aim_at_block(&call);
		break;
	case 15: /* what a VM has is to be executed */
		call.x[0] = RD_HVC_GUEST_RELAX;
		aim_at_map(&call);
		call.x[3] = RD_PROT_X | below(RD_PROT_X);
		break;
	}
	return call;
}

/* ---- What it remembers ---- */

static void note_pages(u64 pfn, u64 pages, u32 handle)
{
	u64 i;

	for (i = 0; i < pages; i++)
		book.given[sim_page(pfn + i)] = (u16)handle;
}

static void note_create(const struct call *call)
{
	u32 handle = (u32)call->out[1];
	struct vm *vm = &book.vm[handle];

	if (!handle || handle > RD_VM_MAX || vm->used)
		sim_fail("VM_CREATE returns handle %u", handle);
	*vm = (struct vm){ .used = true, .is_protected = call->x[4] & 1, .pfn = call->x[1],
			   .ipa_bits = (u32)call->x[3], .max_vcpus = (u32)call->x[5] };
	note_pages(call->x[1], book.object_pages, handle);
	note_pages(call->x[2], root_pages_of(vm->ipa_bits), handle);
}

static void note_vcpu(const struct call *call)
{
	struct vm *vm = &book.vm[call->x[1]];

	note_pages(call->x[3], book.vcpu_pages, (u32)call->x[1]);
	guest_begin((u32)call->x[1], (u32)call->x[2]);
	vm->vcpu[call->x[2]] = true;
	vm->state_pfn[call->x[2]] = call->x[4];
}

static void note_topup(const struct call *call)
{
	u64 i;

	for (i = 0; i < call->out[1] && i < 15; i++)
		note_pages(call->x[3 + i], 1, (u32)call->x[1]);
}

static void note_reclaim(const struct call *call)
{
	u32 handle = (u32)call->x[1], i;
	bool gone = false;

	if (handle > RD_VM_MAX)
		return;
	if (call->out[1] > 16)
		sim_fail("VM_RECLAIM returns %llu pages", call->out[1]);
	for (i = 0; i < call->out[1]; i++) {
		u32 page = sim_page(call->out[2 + i]);

		if (page == SIM_NO_PAGE || book.given[page] != handle)
			sim_fail("VM_RECLAIM of VM %u gives back pfn %#llx", handle,
				 call->out[2 + i]);
		book.given[page] = 0;
		gone |= call->out[2 + i] == book.vm[handle].pfn;
	}
	if (book.vm[handle].used && !call->out[0] && !call->out[1])
		sim_fail("VM %u is gone before all of its pages are back", handle);
	if (gone)
		book.vm[handle].used = false;
}

static void note_teardown(const struct call *call)
{
	long ret = (long)call->out[0];
	struct vm *vm = call->x[1] <= RD_VM_MAX ? &book.vm[call->x[1]] : NULL;

	if (!vm || !vm->used || ret == -EBUSY || ret == -ENOENT)
		return;
	vm->dying = true;
	vm->empty |= !ret && !call->out[1];
}

void host_note(const struct call *call)
{
	bool ok = !call->out[0] && !(call->esr & 0xffff);

	switch (call->x[0]) {
	case RD_HVC_VM_CREATE:
		if (ok)
			note_create(call);
		break;
	case RD_HVC_VCPU_CREATE:
		if (ok)
			note_vcpu(call);
		break;
	case RD_HVC_VM_TOPUP:
		if (!(call->esr & 0xffff))
			note_topup(call);
		break;
	case RD_HVC_VM_RECLAIM:
		if (!(call->esr & 0xffff))
			note_reclaim(call);
		break;
	case RD_HVC_VM_TEARDOWN:
		if (!(call->esr & 0xffff))
			note_teardown(call);
		break;
	case RD_HVC_VCPU_LOAD:
		if (ok) {
			book.loaded[call->cpu] = (u16)call->x[1];
			book.loaded_vcpu[call->cpu] = (u16)call->x[2];
			if (!book.vm[call->x[1]].width)
				book.vm[call->x[1]].width = 64;
		}
		break;
	case RD_HVC_VM_AARCH32:
		if (ok)
			book.vm[call->x[1]].width = 32;
		break;
	case RD_HVC_VCPU_PUT:
		if (ok)
			book.loaded[call->cpu] = 0;
	}
}
