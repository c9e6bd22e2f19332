// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at the machine: tables as a CPU walks them, records as EL2 lists them, TLBs.
 * Each look checks invariants 1 to 3 over all of RAM, and that no page of tables is lost.
 */
#include <stdlib.h>
#include <string.h>

#include <redoubt/stat.h>

#include "host.h"
#include "oracle.h"
#include "setup.h"
#include "vm.h"

struct book book;
struct world world_was, world_is;

long el2_call(struct sim_cpu *cpu, struct call *call)
{
	struct host_regs regs = { .lr = 0 };
	u64 pc = *SIM_REG(cpu, elr_el2);

	sim_this = cpu;
	memcpy(regs.x, call->x, sizeof(call->x));
	*SIM_REG(cpu, esr_el2) = call->esr;
	call->way_out = host_sync(&regs) != 0;
	if (!call->way_out && *SIM_REG(cpu, elr_el2) != pc)
		sim_fail("a hypercall moves the host's PC");
	if (sim_locks_held)
		sim_fail("a call returns with a lock held");
	memcpy(call->out, regs.x, sizeof(call->out));
	return (long)regs.x[0];
}

extern _Thread_local u32 sim_locks_held;

long el2_quiet(u64 function, u64 x1, u64 x2, u64 *out)
{
	struct call call = { .x = { function, x1, x2 },
			     .esr = (u64)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL };
	bool hostile = sim.hostile;
	long ret;
	u32 i;

	for (i = 0; i < sim.nr_cpus && !sim.cpu[i].on; i++)
		;
	sim.hostile = false;
	sim.cpu[i].insns = 0;
	ret = el2_call(&sim.cpu[i], &call);
	sim.hostile = hostile;
	if (out)
		memcpy(out, call.out, sizeof(call.out));
	return ret;
}

struct hyp_vm *vm_object(u32 handle)
{
	return sim_ram(book.vm[handle].pfn << sim.shape->shift);
}

/* ---- Tables ---- */

/* One walk over all of a regime's tables. */
struct scan {
	struct walk_regime reg;
	struct world *world;
	u32 handle; /* of a guest's tables */
	u64 tables; /* the root apart */
	void (*leaf)(struct scan *scan, u64 ia, const struct walk_result *leaf, u64 size);
	void (*invalid)(struct scan *scan, u64 ia, u64 size);
};

static void scan_table(struct scan *scan, u64 base, u64 entries, int level, u64 ia)
{
	u64 size = walk_level_size(&scan->reg, level), i, desc;
	struct walk_result leaf;

	for (i = 0; i < entries; i++, ia += size) {
		if (!sim_read_desc(NULL, base + i * sizeof(desc), &desc))
			sim_fail("a table at PA %#llx, outside of RAM", base);
		switch (walk_desc_type(&scan->reg, desc, level)) {
		case WALK_INVALID:
			if (desc && scan->invalid)
				scan->invalid(scan, ia, size);
			break;
		case WALK_LEAF:
			leaf = walk_leaf(&scan->reg, desc, level);
			leaf.oa = walk_leaf_addr(&scan->reg, desc, level);
			scan->leaf(scan, ia, &leaf, size);
			break;
		case WALK_TABLE:
			scan->tables++;
			scan_table(scan, walk_table_addr(&scan->reg, desc),
				   sim.page_bytes / sizeof(desc), level + 1, ia);
		}
	}
}

static void scan_all(struct scan *scan)
{
	if (scan->reg.wrong)
		sim_fail("a regime that no CPU has: %s", scan->reg.wrong);
	scan_table(scan, scan->reg.base, scan->reg.base_size / sizeof(u64),
		   scan->reg.start_level, 0);
}

static u8 prot_of(const struct walk_result *leaf)
{
	return (leaf->r ? MAP_R : 0) | (leaf->w ? MAP_W : 0) | (leaf->px || leaf->ux ? MAP_X : 0);
}

static void host_leaf(struct scan *scan, u64 ia, const struct walk_result *leaf, u64 size)
{
	u64 at;

	if (leaf->oa != ia)
		sim_fail("the host's %#llx leads to PA %#llx", ia, leaf->oa);
	for (at = ia; at < ia + size; at += sim.page_bytes) {
		u32 page = sim_page(at >> sim.shape->shift);

		if (page != SIM_NO_PAGE)
			scan->world->page[page].host = prot_of(leaf);
		else if (leaf->px || leaf->ux)
			sim_fail("the host may execute what is not RAM, at %#llx", at);
		else if (size > 1ULL << 26)
			break; /* a large block of devices: one look will do */
	}
}

static void hyp_leaf(struct scan *scan, u64 ia, const struct walk_result *leaf, u64 size)
{
	u64 at, offset = sim_va_offset();

	if (ia - sim_window() < (u64)RD_WINDOW_PAGES * sim.page_bytes)
		sim_fail("EL2's window is open at PA %#llx", leaf->oa);
	if (ia == sim_window() + (RD_WINDOW_PAGES << sim.shape->shift) && !leaf->w)
		return; /* as launch has left it */
	for (at = 0; at < size; at += sim.page_bytes) {
		u32 page = sim_page((leaf->oa + at) >> sim.shape->shift);

		if (page == SIM_NO_PAGE || ia != leaf->oa + offset)
			sim_fail("EL2 maps PA %#llx at %#llx", leaf->oa + at, ia + at);
		scan->world->page[page].hyp = 1;
	}
}

static void add_map(struct scan *scan, u64 gfn, u32 page, u8 prot)
{
	struct world *world = scan->world;

	if (world->nr_maps == MAPS_MAX)
		sim_fail("guests have more than %d pages", MAPS_MAX);
	world->map[world->nr_maps++] = (struct guest_map){
		.gfn = gfn, .page = page, .handle = (u16)scan->handle, .prot = prot,
	};
}

static void guest_leaf(struct scan *scan, u64 ia, const struct walk_result *leaf, u64 size)
{
	u64 at;

	for (at = 0; at < size; at += sim.page_bytes) {
		u32 page = sim_page((leaf->oa + at) >> sim.shape->shift);

		if (page == SIM_NO_PAGE && (book.vm[scan->handle].is_protected || leaf->px ||
					    leaf->ux || (leaf->oa + at) >> hyp_boot.oa_bits))
			sim_fail("VM %u has PA %#llx, which is not RAM", scan->handle,
				 leaf->oa + at);
		if (page == SIM_NO_PAGE)
			page = SIM_DEVICE;
		add_map(scan, (ia + at) >> sim.shape->shift, page, prot_of(leaf));
	}
}

static void guest_mark(struct scan *scan, u64 ia, u64 size)
{
	u64 at;

	for (at = ia; at < ia + size; at += sim.page_bytes)
		add_map(scan, at >> sim.shape->shift, SIM_NO_PAGE, 0);
}

/* ---- Records ---- */

static void observe_owners(struct world *world)
{
	u64 out[18], cursor = 0, i;

	while (!el2_quiet(RD_HVC_OWNERS, cursor, 0, out) && out[1] != ~0ULL) {
		u64 pfn = out[2] >> sim.shape->shift;

		cursor = out[1];
		if (out[4] >> 24 & 1)
			sim_fail("a device at PA %#llx has an owner", out[2]);
		for (i = 0; i < out[3]; i++) {
			u32 page = sim_page(pfn + i);

			if (page == SIM_NO_PAGE)
				sim_fail("PA %#llx has a record and is not RAM", out[2]);
			world->page[page].owner = (u16)(out[4] & 0xffff);
			world->page[page].state = out[4] >> 16 & 0xf;
			world->page[page].lent = out[4] >> 20 & 0xf;
			world->page[page].count = (u16)(out[4] >> 32);
		}
	}
}

/* ---- Invariants ---- */

static void check_page(const struct world *world, u32 page)
{
	const struct page_state *p = &world->page[page];
	u64 at = sim_pfn(page) << sim.shape->shift;
	bool hosts = p->owner == BY_HOST || p->lent == LENT_HOST;

	if (p->host && !hosts)
		sim_fail("the host maps PA %#llx, which is owner %u's", at, p->owner);
	if (p->hyp != (p->owner == BY_HYP || p->lent == LENT_HYP))
		sim_fail("EL2 %s PA %#llx, of owner %u, lent to %u", p->hyp ? "maps" : "lacks", at,
			 p->owner, p->lent);
	if ((p->owner == BY_HYP) != (sim_is_chunk(page) || book.given[page]))
		sim_fail("PA %#llx is owner %u's, and %s given to EL2", at, p->owner,
			 book.given[page] ? "was" : "was not");
	if (book.given[page] && !book.vm[book.given[page]].used)
		sim_fail("VM %u is gone and page %u is not back", book.given[page], page);
	if ((p->state == 1) != (p->lent != LENT_NONE) || p->state > 1)
		sim_fail("PA %#llx is in state %u, lent to %u", at, p->state, p->lent);
}

static void check_loaded(void)
{
	u32 i, j;

	for (i = 0; i < sim.nr_cpus; i++)
		for (j = 0; j < i; j++)
			if (book.loaded[i] && book.loaded[i] == book.loaded[j] &&
			    book.loaded_vcpu[i] == book.loaded_vcpu[j])
				sim_fail("vCPU %u of VM %u is loaded on CPU %u and %u",
					 book.loaded_vcpu[i], book.loaded[i], i, j);
}

/* Borrowers are counted, and an owner has its page exactly once. */
static void check_maps(const struct world *world)
{
	static u16 borrowed[SIM_PAGES_MAX], owned[SIM_PAGES_MAX];
	u32 i;

	memset(borrowed, 0, sizeof(borrowed));
	memset(owned, 0, sizeof(owned));
	for (i = 0; i < world->nr_maps; i++) {
		const struct guest_map *map = &world->map[i];
		const struct page_state *p;
		u64 gfn = map->gfn;

		if (map->page == SIM_NO_PAGE || map->page == SIM_DEVICE)
			continue;
		p = &world->page[map->page];
		if (book.vm[map->handle].is_protected) {
			if (p->owner != BY_GUEST0 + map->handle || map->prot != 7)
				sim_fail("protected VM %u has at gfn %#llx a page of owner %u, "
					 "prot %u", map->handle, gfn, p->owner, map->prot);
			owned[map->page]++;
		} else {
			if (p->owner != BY_HOST || p->lent != LENT_GUESTS)
				sim_fail("VM %u has at gfn %#llx a page of owner %u that is lent "
					 "to %u", map->handle, gfn, p->owner, p->lent);
			borrowed[map->page]++;
		}
	}
	for (i = 0; i < sim.nr_pages; i++) {
		const struct page_state *p = &world->page[i];

		if (borrowed[i] != (p->lent == LENT_GUESTS ? p->count : 0))
			sim_fail("page %u is borrowed %u times, %u recorded", i, borrowed[i],
				 p->count);
		if (owned[i] != (p->owner >= BY_GUEST0))
			sim_fail("page %u of owner %u is mapped %u times there", i, p->owner,
				 owned[i]);
	}
}

const struct guest_map *world_find(const struct world *world, u32 handle, u64 gfn)
{
	u32 low = 0, high = world->nr_maps;

	while (low < high) {
		u32 mid = (low + high) / 2;
		const struct guest_map *map = &world->map[mid];

		if (map->handle == handle && map->gfn == gfn)
			return map;
		if (map->handle < handle || (map->handle == handle && map->gfn < gfn))
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* May whoever has this entry use this page of it? */
static bool may_reach(const struct world *world, const struct sim_tlb_entry *entry, u64 at,
		      u32 page)
{
	const struct page_state *p = &world->page[page];
	const struct guest_map *map;

	if (!entry->vmid)
		return p->owner == BY_HOST || p->lent == LENT_HOST;
	/* What a VM that is gone had is invalidated when its VMID gets a new owner. */
	if (!book.vm[entry->vmid].used || book.vm[entry->vmid].dying)
		return true;
	map = world_find(world, entry->vmid, (entry->ia + at) >> sim.shape->shift);
	return map && map->page == page && (!entry->w || map->prot & MAP_W);
}

/* No CPU may still use what its tables do not say, of memory that somebody has lost. */
static void check_tlb(const struct world *world, const struct sim_cpu *cpu)
{
	u32 i, page;
	u64 at;

	for (i = 0; i < SIM_TLB_SIZE; i++) {
		const struct sim_tlb_entry *entry = &cpu->tlb[i];

		for (at = 0; entry->valid && at < entry->size; at += sim.page_bytes) {
			page = sim_page((entry->oa + at) >> sim.shape->shift);
			if (page == SIM_NO_PAGE)
				break; /* devices */
			if (!may_reach(world, entry, at, page))
				sim_fail("VMID %u on CPU %u still reaches PA %#llx at %#llx",
					 entry->vmid, cpu->index, entry->oa + at, entry->ia + at);
		}
	}
}

static void observe_guest(struct world *world, u32 handle)
{
	const struct hyp_vm *vm = vm_object(handle);
	u32 given = 0, i, own = (u32)(book.object_pages + root_pages_of(book.vm[handle].ipa_bits));
	struct scan scan = {
		.world = world, .handle = handle, .leaf = guest_leaf, .invalid = guest_mark,
		.reg = walk_decode(&sim.shape->cpu, true, vm->geo.tcr, vm->vttbr, sim.shape->fwb),
	};

	if (scan.reg.vmid != handle)
		sim_fail("VM %u has VMID %u", handle, scan.reg.vmid);
	if (book.vm[handle].empty)
		return; /* its pages are on their way back */
	scan_all(&scan);
	for (i = 0; i < VCPUS_MAX; i++)
		own += book.vm[handle].vcpu[i] ? (u32)book.vcpu_pages : 0;
	for (i = 0; i < sim.nr_pages; i++)
		given += book.given[i] == handle;
	if (own + scan.tables + vm->pool.mc.count != given)
		sim_fail("VM %u was given %u pages; %u are objects and root, %llu tables, %u free",
			 handle, given, own, scan.tables, vm->pool.mc.count);
}

/* On while a protected VM is there, and else as the host likes. */
static void check_restart(void)
{
	bool want = book.mem_protect_wish;
	u32 i;

	for (i = 1; i <= RD_VM_MAX; i++)
		want |= book.vm[i].used && book.vm[i].is_protected;
	if (sim_firmware_has_mem_protect() && sim_firmware_clears_memory() != want)
		sim_fail("firmware is %sto overwrite memory at a restart", want ? "not " : "");
}

void world_observe(struct world *world)
{
	struct scan host = { .world = world, .leaf = host_leaf },
		    hyp = { .world = world, .leaf = hyp_leaf, .reg = sim_stage1() };
	u64 out[18];
	u32 i;

	memset(world->page, 0, sizeof(world->page));
	world->nr_maps = 0;
	observe_owners(world);
	for (i = 0; i < sim.nr_cpus && !(sim.cpu[i].on && sim.cpu[i].data->closed); i++)
		;
	host.reg = sim_stage2(&sim.cpu[i]);
	if (host.reg.vmid)
		sim_fail("the host runs with VMID %u", host.reg.vmid);
	scan_all(&host);
	scan_all(&hyp);
	for (i = 1; i <= RD_VM_MAX; i++)
		if (book.vm[i].used)
			observe_guest(world, i);
	for (i = 0; i < sim.nr_pages; i++)
		check_page(world, i);
	check_loaded();
	check_restart();
	check_maps(world);
	for (i = 0; i < sim.nr_cpus; i++)
		check_tlb(world, &sim.cpu[i]);
	el2_quiet(RD_HVC_STAT, RD_STAT_POOL_FREE, 0, out);
	if (!book.tables)
		book.tables = out[1] + host.tables + hyp.tables;
	if (out[1] + host.tables + hyp.tables != book.tables)
		sim_fail("EL2 had %llu pages for tables, and has %llu free, %llu of the host's "
			 "stage 2, %llu of its own", book.tables, out[1], host.tables, hyp.tables);
}
