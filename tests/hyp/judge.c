// SPDX-License-Identifier: GPL-2.0-only
/*
 * Was a call's result right, and did it change what it should and nothing else? The world
 * before the call and the call's arguments give the world that should be (docs/ownership.md,
 * docs/hypercalls.md); it is compared with what is there.
 */
#include <stdlib.h>
#include <string.h>

#include <redoubt/stat.h>

#include "oracle.h"
#include "setup.h"
#include "vm.h"

/* May the call succeed? */
enum verdict {
	REFUSE, /* no */
	ALLOW,  /* it must, unless EL2 has no memory */
	EITHER, /* this oracle does not know */
};

/* The world as it should be, after success. */
static struct world want;
static enum verdict verdict;

/* A range of RAM of one region; 0 pages: it is none, or of more than @most. */
static u64 ram_range(u64 pfn, u64 pages, u64 most, u32 *first)
{
	*first = sim_page(pfn);
	if (*first == SIM_NO_PAGE || !pages || pages > most ||
	    sim_page(pfn + pages - 1) != *first + pages - 1)
		return 0;
	/* Numbers go on across the hole between regions; frames don't. */
	return sim_pfn(*first + (u32)pages - 1) == pfn + pages - 1 ? pages : 0;
}

static bool range_hosts_alone(u64 pfn, u64 pages, u32 *first)
{
	u64 i, n = ram_range(pfn, pages, RD_RANGE_MAX, first);

	for (i = 0; i < n; i++)
		if (!hosts_alone(&world_was, *first + (u32)i))
			return false;
	return n;
}

/* A run of pages that launch-time sizes say: any length, one region. */
static void give(u64 pfn, u64 pages)
{
	u32 first = sim_page(pfn);
	u64 i;

	for (i = 0; i < pages; i++)
		want.page[first + i] = (struct page_state){ .owner = BY_HYP, .hyp = 1 };
}

static struct vm *live_vm(u64 handle)
{
	struct vm *vm = handle <= RD_VM_MAX ? &book.vm[handle] : NULL;

	return vm && vm->used && !vm->dying ? vm : NULL;
}

static bool is_loaded(u64 handle)
{
	u32 i;

	for (i = 0; i < sim.nr_cpus; i++)
		if (book.loaded[i] == handle)
			return true;
	return false;
}

static int by_place(const void *a, const void *b)
{
	const struct guest_map *x = a, *y = b;

	if (x->handle != y->handle)
		return x->handle < y->handle ? -1 : 1;
	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

static void sort_maps(void)
{
	qsort(want.map, want.nr_maps, sizeof(want.map[0]), by_place);
}

/* ---- Host and EL2 ---- */

static enum verdict want_share_hyp(const struct call *call)
{
	u64 pages = call->x[2], i;
	u32 first;

	if (!range_hosts_alone(call->x[1], pages, &first))
		return REFUSE;
	for (i = 0; i < pages; i++)
		want.page[first + i] = (struct page_state){ .state = 1, .lent = LENT_HYP, .hyp = 1 };
	return ALLOW;
}

static enum verdict want_unshare_hyp(const struct call *call)
{
	u64 pages = call->x[2], i;
	u32 first;

	if (!ram_range(call->x[1], pages, RD_RANGE_MAX, &first))
		return REFUSE;
	for (i = 0; i < pages; i++) {
		struct page_state *p = &want.page[first + i];

		if (p->owner != BY_HOST || p->lent != LENT_HYP || p->count)
			return REFUSE;
		*p = (struct page_state){ .owner = BY_HOST };
	}
	return ALLOW;
}

/* ---- VMs ---- */

static bool overlaps(u64 a, u64 na, u64 b, u64 nb)
{
	return a < b + nb && b < a + na;
}

static enum verdict want_vm_create(const struct call *call)
{
	u64 pfn = call->x[1], root = call->x[2], bits = call->x[3], vcpus = call->x[5];
	u64 roots = root_pages_of((u32)(bits > 64 ? 0 : bits)), i;
	u32 first;
	bool room = false;

	if (bits < 32 || bits > hyp_boot.host_bits || call->x[4] > 1 || !vcpus || vcpus > RD_VCPU_MAX || !roots || root & (roots - 1) ||
	    !range_hosts_alone(pfn, book.object_pages, &first) ||
	    !range_hosts_alone(root, roots, &first) ||
	    overlaps(pfn, book.object_pages, root, roots) || book.released)
		return REFUSE;
	for (i = 1; i <= RD_VM_MAX; i++)
		room |= !book.vm[i].used;
	give(pfn, book.object_pages);
	give(root, roots);
	return room ? ALLOW : REFUSE;
}

static enum verdict want_vcpu_create(const struct call *call)
{
	struct vm *vm = live_vm(call->x[1]);
	u64 index = call->x[2], pfn = call->x[3], state = call->x[4];
	u32 first;

	if (!vm || index >= vm->max_vcpus || (index < VCPUS_MAX && vm->vcpu[index]) ||
	    !range_hosts_alone(pfn, book.vcpu_pages, &first) ||
	    !range_hosts_alone(state, 1, &first) || overlaps(pfn, book.vcpu_pages, state, 1))
		return REFUSE;
	give(pfn, book.vcpu_pages);
	want.page[sim_page(state)] =
		(struct page_state){ .state = 1, .lent = LENT_HYP, .count = 1, .hyp = 1 };
	return ALLOW;
}

static bool vcpu_is_loaded(u64 handle, u64 index)
{
	u32 i;

	for (i = 0; i < sim.nr_cpus; i++)
		if (book.loaded[i] == handle && book.loaded_vcpu[i] == index)
			return true;
	return false;
}

static enum verdict want_load(const struct call *call)
{
	struct vm *vm = live_vm(call->x[1]);
	u64 index = call->x[2];

	if (!vm || book.loaded[call->cpu] || vcpu_is_loaded(call->x[1], index))
		return REFUSE;
	return index < VCPUS_MAX && vm->vcpu[index] ? ALLOW : REFUSE;
}

static enum verdict want_aarch32(const struct call *call)
{
	struct vm *vm = live_vm(call->x[1]);

	return vm && !vm->is_protected && vm->width != 64 && sim_has_aarch32_el1(call->cpu) ?
		       ALLOW : REFUSE;
}

/* However far it got: those pages are EL2's, and no other. */
static enum verdict want_topup(const struct call *call)
{
	u64 pages = call->x[2], i, handle = call->x[1], taken = call->out[1];
	u32 first;

	if (!pages || pages > 15 || handle > RD_VM_MAX || !book.vm[handle].used)
		return REFUSE;
	for (i = 0; i < pages; i++) {
		if (!range_hosts_alone(call->x[3 + i], 1, &first) ||
		    want.page[first].owner != BY_HOST)
			break;
		if (i < taken)
			give(call->x[3 + i], 1);
	}
	if (taken > i)
		sim_fail("VM_TOPUP took %llu pages of which %llu were the host's", taken, i);
	if (book.vm[handle].empty)
		return EITHER;
	return i == pages ? ALLOW : REFUSE;
}

/* ---- Guests' memory ---- */

/* A batch, or one block of an ordinary VM. */
static bool is_range(const struct vm *vm, u64 gfn, u64 pages)
{
	if (pages <= RD_RANGE_MAX)
		return pages;
	return pages == 1ULL << (sim.shape->shift - 3) && !(gfn % pages) && !vm->is_protected;
}

static bool guest_range(const struct call *call, u64 pages, struct vm **vm)
{
	u64 gfn = call->x[2], end;

	*vm = live_vm(call->x[1]);
	if (!*vm || !is_range(*vm, gfn, pages))
		return false;
	end = 1ULL << ((*vm)->ipa_bits - sim.shape->shift);
	return gfn < end && pages <= end - gfn;
}

/* One page that is not RAM, for an ordinary guest. */
static enum verdict want_map_device(const struct call *call)
{
	u16 handle = (u16)call->x[1];
	struct vm *vm;

	if (!guest_range(call, call->x[4], &vm) || vm->is_protected || call->x[4] != 1 ||
	    sim_page(call->x[3]) != SIM_NO_PAGE || call->x[5] & RD_PROT_X ||
	    call->x[5] >> 5 || world_find(&world_was, handle, call->x[2]))
		return REFUSE;
	want.map[want.nr_maps++] = (struct guest_map){
		.gfn = call->x[2], .page = SIM_DEVICE, .handle = handle,
		.prot = (u8)call->x[5] & 7,
	};
	return EITHER;
}

/* What goes to a protected VM is zeroed one day: a block of more pages is refused as such. */
static void check_protected_bound(const struct call *call, u64 pages)
{
	const struct vm *vm = live_vm(call->x[1]);

	if (vm && vm->is_protected && pages > RD_RANGE_MAX && !(call->x[5] & ~7ULL) &&
	    !(call->x[2] >> (52 - sim.shape->shift)) && (long)call->out[0] != -E2BIG)
		sim_fail("%llu pages for a protected VM in one call: %lld, not E2BIG", pages,
			 (long long)call->out[0]);
}

static enum verdict want_map(const struct call *call)
{
	u64 gfn = call->x[2], pages = call->x[4], i, prot = call->x[5];
	u16 handle = (u16)call->x[1];
	struct vm *vm;
	u32 first;

	if (prot & (RD_PROT_DEVICE | RD_PROT_NC))
		return want_map_device(call);
	check_protected_bound(call, pages);
	if (!guest_range(call, pages, &vm) || prot & ~7ULL || !ram_range(call->x[3], pages, pages, &first))
		return REFUSE;
	if (!vm->is_protected && !(prot & MAP_R))
		return REFUSE;
	for (i = 0; i < pages; i++) {
		struct page_state *p = &want.page[first + i];
		bool lent = p->owner == BY_HOST && p->lent == LENT_GUESTS && p->count < 0xffff;

		if (world_find(&world_was, handle, gfn + i) ||
		    (!hosts_alone(&world_was, first + (u32)i) && (vm->is_protected || !lent)))
			return REFUSE;
		if (vm->is_protected)
			*p = (struct page_state){ .owner = BY_GUEST0 + handle };
		else
			*p = (struct page_state){ .state = 1, .lent = LENT_GUESTS,
						  .count = (u16)(p->count + 1) };
		want.map[want.nr_maps++] = (struct guest_map){
			.gfn = gfn + i, .page = first + (u32)i, .handle = handle,
			.prot = vm->is_protected ? 7 : (u8)prot,
		};
	}
	return ALLOW;
}

static void drop_map(u32 at)
{
	struct page_state *p;

	want.map[at].handle = 0;
	if (want.map[at].page == SIM_DEVICE)
		return;
	p = &want.page[want.map[at].page];
	if (--p->count == 0)
		*p = (struct page_state){ .owner = BY_HOST };
}

static void squeeze_maps(void)
{
	u32 i, n = 0;

	for (i = 0; i < want.nr_maps; i++)
		if (want.map[i].handle)
			want.map[n++] = want.map[i];
	want.nr_maps = n;
}

/* As far as it got. */
static enum verdict want_unmap(const struct call *call)
{
	u64 gfn = call->x[2], pages = call->x[3];
	struct vm *vm;
	bool ok = guest_range(call, pages, &vm);
	u32 i;

	if (!vm || vm->is_protected)
		return REFUSE;
	if (!call->out[0] && call->out[1] != pages)
		sim_fail("GUEST_UNMAP is done after %llu of %llu pages", call->out[1], pages);
	for (i = 0; i < want.nr_maps; i++)
		if (want.map[i].handle == call->x[1] && want.map[i].gfn - gfn < call->out[1] &&
		    call->out[1] <= pages)
			drop_map(i);
	squeeze_maps();
	return ok ? ALLOW : EITHER;
}

static enum verdict want_force_reclaim(const struct call *call)
{
	u64 gfn = call->x[2], pages = call->x[3], i;
	struct vm *vm;

	if (!guest_range(call, pages, &vm) || !vm->is_protected)
		return REFUSE;
	for (i = 0; i < pages; i++) {
		struct guest_map *map = (void *)world_find(&want, (u32)call->x[1], gfn + i);

		if (!map || map->page == SIM_NO_PAGE)
			return REFUSE;
		want.page[map->page] = (struct page_state){ .owner = BY_HOST };
		map->page = SIM_NO_PAGE;
		map->prot = 0;
	}
	return ALLOW;
}

/* Edits that change rights and flags, not who has what. */
static enum verdict want_edit(const struct call *call, u64 pages)
{
	struct vm *vm;
	bool ok = guest_range(call, pages, &vm);

	if (!vm || vm->is_protected)
		return REFUSE;
	/* A block is done in one call, whether it is one entry or pages, and even if it is split. */
	if (ok && !call->out[0] && pages == 1ULL << (sim.shape->shift - 3) &&
	    !(call->x[2] % pages) && call->out[1] != pages)
		sim_fail("a call about a block is done after %llu of %llu pages", call->out[1],
			 pages);
	return ok ? EITHER : REFUSE;
}

/* ---- All calls ---- */

static enum verdict judge_wants(const struct call *call)
{
	switch (call->x[0]) {
	case RD_HVC_HOST_SHARE_HYP:
		return want_share_hyp(call);
	case RD_HVC_HOST_UNSHARE_HYP:
		return want_unshare_hyp(call);
	case RD_HVC_VM_CREATE:
		return want_vm_create(call);
	case RD_HVC_VCPU_CREATE:
		return want_vcpu_create(call);
	case RD_HVC_OWNERS:
		return call->x[1] > 1ULL << 52 ? REFUSE : ALLOW;
	case RD_HVC_STAT:
		return call->x[1] >= RD_STAT_END ? REFUSE : ALLOW;
	case RD_HVC_NOP:
	case RD_HVC_TRACE_CTL:
	case RD_HVC_VERSION:
		return ALLOW;
	case RD_HVC_VCPU_LOAD:
		return want_load(call);
	case RD_HVC_VM_AARCH32:
		return want_aarch32(call);
	case RD_HVC_VCPU_PUT:
	case RD_HVC_VCPU_RUN:
		return book.loaded[call->cpu] ? EITHER : REFUSE;
	case RD_HVC_VM_TOPUP:
		return want_topup(call);
	case RD_HVC_GUEST_MAP:
		return want_map(call);
	case RD_HVC_GUEST_UNMAP:
		return want_unmap(call);
	case RD_HVC_GUEST_RECLAIM:
		return want_force_reclaim(call);
	case RD_HVC_GUEST_WRPROTECT:
	case RD_HVC_GUEST_SPLIT:
		return want_edit(call, call->x[3]);
	case RD_HVC_GUEST_TEST_CLEAR_YOUNG:
		return call->x[4] >> 2 ? REFUSE : want_edit(call, call->x[3]);
	case RD_HVC_GUEST_MKYOUNG:
	case RD_HVC_GUEST_RELAX:
		return want_edit(call, 1);
	default:
		return EITHER;
	}
}

/* Rights apart: edits change them, a block's as one. */
static bool same_map(const struct guest_map *a, const struct guest_map *b, bool rights)
{
	return a->gfn == b->gfn && a->page == b->page && a->handle == b->handle &&
	       (!rights || a->prot == b->prot);
}

static void compare(const struct world *should, bool rights, const char *what)
{
	u32 i;

	for (i = 0; i < sim.nr_pages; i++) {
		const struct page_state *p = &should->page[i], *q = &world_is.page[i];

		if (!same_page(p, q))
			sim_fail("%s: page %u should be owner %u's, lent to %u, count %u; "
				 "it is %u's, lent to %u, count %u", what, i, p->owner, p->lent,
				 p->count, q->owner, q->lent, q->count);
	}
	for (i = 0; i < should->nr_maps && i < world_is.nr_maps; i++)
		if (!same_map(&should->map[i], &world_is.map[i], rights))
			sim_fail("%s: VM %u should have page %u at gfn %#llx; VM %u has page %u "
				 "at gfn %#llx", what, should->map[i].handle, should->map[i].page,
				 should->map[i].gfn, world_is.map[i].handle, world_is.map[i].page,
				 world_is.map[i].gfn);
	if (should->nr_maps != world_is.nr_maps)
		sim_fail("%s: guests should have %u pages and have %u", what, should->nr_maps,
			 world_is.nr_maps);
}

/* ---- Calls with a rule of their own ---- */

/* What a run of VM @handle's vCPU may change: of its own pages, which are lent to the host. */
static void check_run(u32 handle)
{
	u32 i;

	want = world_was;
	for (i = 0; i < sim.nr_pages; i++) {
		const struct page_state *is = &world_is.page[i];

		if (want.page[i].owner == BY_GUEST0 + handle && is->owner == want.page[i].owner &&
		    (is->lent == LENT_NONE || is->lent == LENT_HOST) && !is->count)
			want.page[i] = *is;
	}
	compare(&want, true, "a run");
}

/* A step of VM_TEARDOWN: pages leave the VM, for the host alone or with one borrower less. */
static void check_teardown(u64 handle)
{
	u32 i;

	want = world_was;
	if (handle > RD_VM_MAX) {
		compare(&want, true, "VM_TEARDOWN of no VM");
		return;
	}
	for (i = 0; i < want.nr_maps; i++) {
		struct guest_map *map = &want.map[i];

		if (map->handle != handle || world_find(&world_is, (u32)handle, map->gfn))
			continue;
		if (map->page == SIM_NO_PAGE)
			map->handle = 0;
		else if (book.vm[handle].is_protected) {
			want.page[map->page] = (struct page_state){ .owner = BY_HOST };
			map->handle = 0;
		} else {
			drop_map(i);
		}
	}
	squeeze_maps();
	compare(&want, true, "VM_TEARDOWN");
}

static void check_reclaim(const struct call *call)
{
	u64 handle = call->x[1];
	u32 i, page, n = (u32)call->out[1];

	want = world_was;
	if (handle > RD_VM_MAX) {
		compare(&want, true, "VM_RECLAIM of no VM");
		return;
	}
	for (i = 0; i < n && n <= 16; i++) {
		page = sim_page(call->out[2 + i]);
		if (page == SIM_NO_PAGE || want.page[page].owner != BY_HYP)
			sim_fail("VM_RECLAIM gives back pfn %#llx", call->out[2 + i]);
		want.page[page] = (struct page_state){ .owner = BY_HOST };
	}
	/* Loans of the vCPUs' state end on the way. */
	for (i = 0; i < VCPUS_MAX; i++) {
		page = sim_page(book.vm[handle].state_pfn[i]);
		if (book.vm[handle].used && page != SIM_NO_PAGE &&
		    want.page[page].lent == LENT_HYP && hosts_alone(&world_is, page))
			want.page[page] = (struct page_state){ .owner = BY_HOST };
	}
	compare(&want, true, "VM_RECLAIM");
}

/* Write protection and its like: rights only. */
static void check_rights(const struct call *call, u64 pages)
{
	u64 gfn, end = call->x[2] + (pages ? call->out[1] : 1);

	for (gfn = call->x[2]; gfn < end; gfn++) {
		const struct guest_map *map = world_find(&world_is, (u32)call->x[1], gfn);

		if (!pages && !call->out[0] && (!map || ~map->prot & call->x[3]))
			sim_fail("GUEST_RELAX did not");
		if (pages && map && map->prot & MAP_W)
			sim_fail("gfn %#llx is writable after GUEST_WRPROTECT", gfn);
	}
}

static bool is_success(const struct call *call)
{
	return !call->out[0];
}

void judge_expect(const struct call *call)
{
	want = world_was;
	verdict = call->esr & ESR_ISS_IMM16 ? REFUSE : judge_wants(call);
}

void judge_call(const struct call *call)
{
	u64 fn = call->esr & ESR_ISS_IMM16 ? 0 : call->x[0];
	long ret = (long)call->out[0];

	if (is_success(call) && verdict == REFUSE)
		sim_fail("a call that should be refused succeeds");
	if (ret && ret != -ENOMEM && verdict == ALLOW)
		sim_fail("a call that should succeed is refused with %ld", ret);
	switch (fn) {
	case RD_HVC_VCPU_RUN:
		check_run(book.loaded[call->cpu]);
		break;
	case RD_HVC_VM_TEARDOWN:
		if (is_loaded(call->x[1]) && is_success(call))
			sim_fail("a VM that is in use is torn down");
		check_teardown(call->x[1]);
		break;
	case RD_HVC_VM_RECLAIM:
		check_reclaim(call);
		break;
	default:
		if (ret && fn != RD_HVC_GUEST_UNMAP && fn != RD_HVC_VM_TOPUP)
			want = world_was;
		sort_maps();
		compare(&want, fn < RD_HVC_GUEST_WRPROTECT || ret, ret ? "a refused call" : "a call");
	}
	if (fn == RD_HVC_GUEST_WRPROTECT && is_success(call))
		check_rights(call, call->x[3]);
	if (fn == RD_HVC_GUEST_RELAX)
		check_rights(call, 0);
	contents_allow_zeroes(call);
	contents_check();
}

void judge_together(const struct call *calls, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		contents_allow_zeroes(&calls[i]);
	contents_check();
}

void judge_unchanged(const char *what)
{
	compare(&world_was, true, what);
	contents_check();
}

void judge_end(void)
{
	u32 i;

	world_was = world_is;
	world_observe(&world_is);
	for (i = 0; i < sim.nr_pages; i++) {
		if (book.given[i])
			sim_fail("page %u, given for VM %u, never came back", i, book.given[i]);
		if (!sim_is_chunk(i) && !hosts_alone(&world_is, i))
			sim_fail("page %u is owner %u's when all VMs are gone", i,
				 world_is.page[i].owner);
		if (!sim_is_chunk(i))
			contents_check_page(i);
	}
}
