// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs: made from donated pages, found by handle, taken apart in bounded steps
 * (invariants 5, 7 and 11). Locks: vm_table_lock, outermost but for setup's.
 */
#include "host_mem.h"
#include "hvc.h"
#include "mem_protect.h"
#include "setup.h"
#include "tlb.h"
#include "trace.h"
#include "vm.h"

/* Pages of address space that one VM_TEARDOWN looks at. */
#define TEARDOWN_BUDGET 512
/* Entries of the guest's tables that one VM_TEARDOWN frees. */
#define DESTROY_BUDGET 4096
/* Results of VM_RECLAIM: x2 to x17. */
#define RECLAIM_MAX 16
#define TOPUP_MAX   15

static port_lock_t vm_table_lock;
/* Index 0 is never used. A slot that is being filled or emptied holds VM_SLOT_BUSY. */
static struct hyp_vm *vm_table[RD_VM_MAX + 1];
#define VM_SLOT_BUSY ((struct hyp_vm *)1)
static bool vm_forbidden, vm_protected_seen;

static struct hyp_vm *slot_vm(u64 handle)
{
	struct hyp_vm *vm = handle <= RD_VM_MAX ? vm_table[handle] : NULL;

	return vm == VM_SLOT_BUSY ? NULL : vm;
}

/* A reference to a VM whose life is at most @life. */
static struct hyp_vm *get(u64 handle, enum vm_life life)
{
	struct hyp_vm *vm;

	port_lock(&vm_table_lock);
	vm = slot_vm(handle);
	if (vm && vm->life <= life)
		vm->refs++;
	else
		vm = NULL;
	port_unlock(&vm_table_lock);
	return vm;
}

struct hyp_vm *vm_get(u64 handle)
{
	return get(handle, VM_LIVE);
}

void vm_put(struct hyp_vm *vm)
{
	port_lock(&vm_table_lock);
	vm->refs--;
	port_unlock(&vm_table_lock);
}

static u64 count_slots(void)
{
	u64 i, n = 0;

	for (i = 1; i <= RD_VM_MAX; i++)
		n += vm_table[i] != NULL;
	return n;
}

u64 vm_count(void)
{
	u64 n;

	port_lock(&vm_table_lock);
	n = count_slots();
	port_unlock(&vm_table_lock);
	return n;
}

long vm_forbid_new(void)
{
	long ret = 0;

	port_lock(&vm_table_lock);
	if (count_slots())
		ret = -EBUSY;
	else
		vm_forbidden = true;
	port_unlock(&vm_table_lock);
	return ret;
}

bool vm_protected_existed(void)
{
	return vm_protected_seen;
}

/* ---- Sizes ---- */

static u64 pages(u64 bytes)
{
	return (bytes + (1ULL << host_own.page_shift) - 1) >> host_own.page_shift;
}

static u64 object_pages(void)
{
	return pages(sizeof(struct hyp_vm) + RD_VCPU_MAX * sizeof(struct hyp_vcpu *));
}

/*
 * A guest's geometry: as the host's but for the input size. Address sizes beyond
 * the CPU's are refused, as mainline KVM does.
 */
static long guest_geometry(struct pgt_geometry *geo, u64 ipa_bits)
{
	struct pgt_request req = {
		.stage = PGT_STAGE2,
		.granule_shift = host_own.page_shift,
		.ia_bits = (u8)ipa_bits,
		.oa_bits = host_geo->oa_bits,
		.lpa2 = host_geo->format == PGT_FORMAT_LPA2 ? PGT_LPA2_ALWAYS : PGT_LPA2_NEVER,
		.ha = host_cpu_features.ha,
		.vmid16 = host_geo->vmid16,
	};

	if (ipa_bits < 32 || ipa_bits > host_geo->ia_bits)
		return -EINVAL;
	return pgt_geometry_init(geo, &req, &host_cpu_features) ? -EINVAL : 0;
}

long hvc_VM_SIZES(struct host_regs *regs)
{
	struct pgt_geometry geo;
	long ret = guest_geometry(&geo, regs->x[1]);

	if (ret)
		return ret;
	regs->x[1] = object_pages();
	regs->x[2] = pages(geo.root_bytes);
	regs->x[3] = vcpu_object_pages();
	return 0;
}

/* ---- The guest's tables ---- */

static void *to_virt(void *ctx, pa_t at)
{
	(void)ctx;
	return setup_va(at.v);
}

static pa_t to_pa(void *ctx, const void *virt)
{
	(void)ctx;
	return pa(setup_pa((u64)virt));
}

static void free_table(void *ctx, void *table)
{
	struct hyp_vm *vm = ctx;

	pgt_memcache_push(&vm->pool.mc, table);
}

/* Guests walk these tables on any CPU; EL2's next access is not through them. */
static void publish(void *ctx)
{
	(void)ctx;
	dsb(ishst);
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	struct hyp_vm *vm = ctx;

	tlb_execute_for(plan, vm->vttbr, vm->geo.tcr);
}

static const struct pgt_env guest_env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.publish = publish,
	.tlb_flush = tlb_flush,
	.icache_inval = host_mem_icache_inval,
};

/* ---- Create ---- */

static u64 reserve_slot(void)
{
	u64 i, handle = 0;

	port_lock(&vm_table_lock);
	for (i = 1; i <= RD_VM_MAX && !handle && !vm_forbidden; i++)
		if (!vm_table[i])
			handle = i;
	if (handle)
		vm_table[handle] = VM_SLOT_BUSY;
	port_unlock(&vm_table_lock);
	return handle;
}

static void set_slot(u64 handle, struct hyp_vm *vm)
{
	port_lock(&vm_table_lock);
	vm_table[handle] = vm;
	port_unlock(&vm_table_lock);
}

/* Takes @n pages at @pfn from the host and zeroes them: what it left there means nothing. */
static long take_pages(u64 pfn, u64 n)
{
	long ret = own_host_donate_hyp(&host_own, pfn, n);

	if (!ret)
		memset(setup_va(pfn << host_own.page_shift), 0, n << host_own.page_shift);
	return ret;
}

/*
 * Gives back what take_pages() just took. The host's tables have entries for these
 * very pages since then, so this needs no memory; nothing else can refuse it.
 */
static void return_pages(u64 pfn, u64 n)
{
	int ret = own_hyp_donate_host(&host_own, pfn, n);

	port_assert(!ret);
}

/* The VMID is the handle: at most 255 VMs, and the host has 0. */
static long init_vm(struct hyp_vm *vm, u64 handle, const struct pgt_geometry *geo)
{
	enum own_kind kind =
		vm->is_protected ? OWN_KIND_GUEST_PROTECTED : OWN_KIND_GUEST_ORDINARY;
	struct pgt_tlb_plan plan;
	long ret;

	vm->handle = handle;
	vm->geo = *geo;
	vm->vttbr = pgt_geometry_ttbr(geo, pa(vm->root_pfn << host_own.page_shift), (u16)handle);
	ret = pgt_init(&vm->pgt, &vm->geo, setup_va(vm->root_pfn << host_own.page_shift),
		       &guest_env, vm, PGT_LINEAR | (host_mem_has_fwb() ? PGT_FWB : 0));
	if (!ret)
		ret = own_pgt_guest_init(&vm->space, kind, OWN_ID_GUEST0 + (u32)handle, &vm->pgt,
					 &vm->pool);
	if (ret)
		return ret;
	/* What an earlier VM of this VMID left in the TLBs ends here. */
	pgt_tlb_plan_all(&vm->geo, &plan);
	tlb_execute_for(&plan, vm->vttbr, vm->geo.tcr);
	return 0;
}

static long create(u64 handle, u64 pfn, u64 root_pfn, u64 ipa_bits, bool is_protected, u64 vcpus)
{
	struct pgt_geometry geo;
	struct hyp_vm *vm;
	long ret = guest_geometry(&geo, ipa_bits);
	u64 root_pages = pages(geo.root_bytes);

	if (ret)
		return ret;
	if (root_pfn & (root_pages - 1))
		return -EINVAL;
	ret = take_pages(pfn, object_pages());
	if (ret)
		return ret;
	ret = take_pages(root_pfn, root_pages);
	if (ret) {
		return_pages(pfn, object_pages());
		return ret;
	}
	vm = setup_va(pfn << host_own.page_shift);
	vm->pfn = pfn;
	vm->root_pfn = root_pfn;
	vm->object_pages = object_pages();
	vm->root_pages = root_pages;
	vm->max_vcpus = vcpus;
	vm->is_protected = is_protected;
	ret = init_vm(vm, handle, &geo);
	port_assert(!ret);
	vm->life = VM_LIVE;
	set_slot(handle, vm);
	return 0;
}

long hvc_VM_CREATE(struct host_regs *regs)
{
	bool is_protected = regs->x[4] & RD_VM_PROTECTED;
	u64 handle;
	long ret;

	if ((regs->x[4] & ~RD_VM_PROTECTED) || !regs->x[5] || regs->x[5] > RD_VCPU_MAX)
		return -EINVAL;
	handle = reserve_slot();
	if (!handle)
		return -ENOSPC;
	if (is_protected) {
		vm_protected_seen = true;
		mem_protect_hold();
	}
	ret = create(handle, regs->x[1], regs->x[2], regs->x[3], is_protected, regs->x[5]);
	if (ret) {
		set_slot(handle, NULL);
		if (is_protected)
			mem_protect_drop();
		return ret;
	}
	regs->x[1] = handle;
	return 0;
}

/* ---- Table pages ---- */

/*
 * x1: VM, x2: how many, x3 on: frames. Taken one by one; x1: how many were. Also for
 * a dying VM, whose teardown may have to split a block.
 */
long hvc_VM_TOPUP(struct host_regs *regs)
{
	u64 handle = regs->x[1], n = regs->x[2], i;
	struct hyp_vm *vm;
	long ret = 0;

	regs->x[1] = 0;
	if (!n || n > TOPUP_MAX)
		return -EINVAL;
	vm = get(handle, VM_DYING);
	if (!vm)
		return -ENOENT;
	for (i = 0; i < n; i++) {
		ret = take_pages(regs->x[3 + i], 1);
		if (ret)
			break;
		port_lock(&vm->space.lock);
		pgt_memcache_push(&vm->pool.mc, setup_va(regs->x[3 + i] << host_own.page_shift));
		port_unlock(&vm->space.lock);
	}
	vm_put(vm);
	regs->x[1] = i;
	return ret;
}

/* ---- The end ---- */

/*
 * Finds a VM to take apart, and keeps others off. @kill: a live one starts to die. -EBUSY
 * while somebody uses it, or if it is live and not to be killed; nothing changed then.
 */
static long claim_dying(u64 handle, bool kill, struct hyp_vm **vmp)
{
	struct hyp_vm *vm;
	long ret = 0;

	port_lock(&vm_table_lock);
	vm = slot_vm(handle);
	if (!vm) {
		ret = -ENOENT;
	} else if (vm->refs || (vm->life == VM_LIVE && !kill)) {
		ret = -EBUSY;
	} else {
		if (vm->life == VM_LIVE)
			vm->life = VM_DYING;
		vm->refs = 1;
	}
	port_unlock(&vm_table_lock);
	*vmp = vm;
	return ret;
}

/*
 * One step; 1 while there is more to do. The order: no page of the guest's is in use
 * by its vCPUs any more (no references), its memory goes back, then its tables.
 */
static long teardown_step(struct hyp_vm *vm)
{
	struct pgt_op op = { .budget = DESTROY_BUDGET };
	struct pgt_tlb_plan plan;
	int ret;

	if (vm->space.own.life == OWN_LIVE) {
		own_guest_kill(&host_own, &vm->space.own);
		return 1;
	}
	ret = own_guest_drain(&host_own, &vm->space.own, &vm->drain_gfn, TEARDOWN_BUDGET);
	if (ret == -EAGAIN)
		return 1;
	if (ret)
		return ret; /* -ENOMEM: a block must be split; the host tops up */
	op.done = vm->destroyed;
	port_lock(&vm->space.lock);
	ret = pgt_s2_destroy(&vm->pgt, &op);
	port_unlock(&vm->space.lock);
	vm->destroyed = op.done;
	if (ret || op.done < 1ULL << vm->geo.ia_bits)
		return ret ? ret : 1;
	pgt_tlb_plan_all(&vm->geo, &plan);
	tlb_execute_for(&plan, vm->vttbr, vm->geo.tcr);
	return 0;
}

long hvc_VM_TEARDOWN(struct host_regs *regs)
{
	struct hyp_vm *vm;
	long ret = claim_dying(regs->x[1], true, &vm);

	if (ret)
		return ret;
	ret = vm->life == VM_EMPTY ? 0 : teardown_step(vm);
	if (!ret)
		vm->life = VM_EMPTY;
	vm_put(vm);
	regs->x[1] = ret == 1;
	return ret < 0 ? ret : 0;
}

/* Gives back one page of the vCPU objects; 0 when there is none left. */
static long reclaim_vcpu_page(struct hyp_vm *vm, u64 *pfn)
{
	u64 n = vcpu_object_pages(), at;
	struct hyp_vcpu *vcpu;
	long ret;

	for (; vm->reclaim_vcpu < vm->max_vcpus * n; vm->reclaim_vcpu += n - at) {
		vcpu = vm->vcpus[vm->reclaim_vcpu / n];
		at = vm->reclaim_vcpu % n;
		if (!vcpu)
			continue;
		/* The last page first: the first has the numbers of all. */
		*pfn = vcpu->pfn + n - 1 - at;
		ret = at == n - 1 ? vcpu_release(vcpu) : 0;
		if (!ret)
			ret = own_hyp_donate_host(&host_own, *pfn, 1);
		if (ret)
			return ret;
		/* Forgotten only now: had it been refused, the page would be lost. */
		if (at == n - 1)
			vm->vcpus[vm->reclaim_vcpu / n] = NULL;
		vm->reclaim_vcpu++;
		return 1;
	}
	return 0;
}

/* Gives back one page of the tables; the root last. */
static long reclaim_table_page(struct hyp_vm *vm, u64 *pfn)
{
	void *page = pgt_memcache_pop(&vm->pool.mc);
	long ret;

	if (page)
		*pfn = setup_pa((u64)page) >> host_own.page_shift;
	else if (vm->root_pages)
		*pfn = vm->root_pfn + vm->root_pages - 1;
	else
		return 0;
	ret = own_hyp_donate_host(&host_own, *pfn, 1);
	if (ret && page)
		pgt_memcache_push(&vm->pool.mc, page);
	else if (!ret && !page)
		vm->root_pages--;
	return ret ? ret : 1;
}

static long reclaim_one(struct hyp_vm *vm, u64 *pfn)
{
	long ret = reclaim_vcpu_page(vm, pfn);

	return ret ? ret : reclaim_table_page(vm, pfn);
}

/* The object itself: the slot is free once its pages are the host's. */
static long reclaim_object(struct hyp_vm *vm, u64 *pfns)
{
	u64 handle = vm->handle, pfn = vm->pfn, n = vm->object_pages, i;
	bool was_protected = vm->is_protected;
	long ret;

	set_slot(handle, VM_SLOT_BUSY);
	ret = own_hyp_donate_host(&host_own, pfn, n);
	set_slot(handle, ret ? vm : NULL);
	if (ret)
		return ret;
	if (was_protected)
		mem_protect_drop();
	for (i = 0; i < n; i++)
		pfns[i] = pfn + i;
	return (long)n;
}

/*
 * x1: VM. Returns in x1 how many pages went back, in x2 to x17 which; 0: the VM is no
 * more. Pages of an interrupted call are told with the error that came after them.
 */
long hvc_VM_RECLAIM(struct host_regs *regs)
{
	u64 *pfns = &regs->x[2], n = 0;
	struct hyp_vm *vm;
	long ret = claim_dying(regs->x[1], false, &vm);

	regs->x[1] = 0;
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = vm->life == VM_EMPTY ? 1 : -EBUSY;
	while (ret == 1 && n < RECLAIM_MAX) {
		ret = reclaim_one(vm, &pfns[n]);
		if (ret == 1)
			n++;
	}
	if (!ret && !n) {
		ret = reclaim_object(vm, pfns);
		if (ret > 0) {
			regs->x[1] = (u64)ret;
			return 0;
		}
	}
	vm_put(vm);
	regs->x[1] = n;
	return n || ret > 0 ? 0 : ret;
}
