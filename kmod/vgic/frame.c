// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC's frames in the guest's address space: where the distributor and the
 * redistributors are, and their way on and off the I/O bus.
 *
 * Redistributors fill the regions in the order of the regions' indexes, in the
 * order in which vCPUs were created: user space restores a VM by repeating it. Only
 * the first run checks all frames together, since vCPUs may still be added.
 *
 * Locks: vm->slots_lock for everything here but the accesses themselves.
 */
#include <linux/slab.h>

#include "glue.h"

int rd_vgic_check_range(struct rd_vm *vm, u64 set, u64 addr, u64 align, u64 size)
{
	u64 limit = 1ULL << vm->ipa_bits;

	if (set != RD_ADDR_UNDEF)
		return -EEXIST;
	if (!IS_ALIGNED(addr, align) || addr + size < addr)
		return -EINVAL;
	return addr >= limit || addr + size > limit ? -E2BIG : 0;
}

static u64 region_size(struct rd_vgic *g, const struct rd_redist_region *r)
{
	return (u64)(r->count ? r->count : rd_vm_nr_vcpus(g->vm)) * RD_REDIST_SIZE;
}

static bool overlaps_region(struct rd_vgic *g, u64 base, u64 size)
{
	struct rd_redist_region *r;

	list_for_each_entry(r, &g->regions, list)
		if (base + size > r->base && base < r->base + region_size(g, r))
			return true;
	return false;
}

static bool overlaps_dist(struct rd_vgic *g, u64 base, u64 size)
{
	return g->dist_base != RD_ADDR_UNDEF && base < g->dist_base + RD_DIST_SIZE &&
	       base + size > g->dist_base;
}

/* All regions lie in the address space and off the distributor. */
static bool bases_ok(struct rd_vgic *g)
{
	struct rd_redist_region *r;

	list_for_each_entry(r, &g->regions, list)
		if (rd_vgic_check_range(g->vm, RD_ADDR_UNDEF, r->base, SZ_64K, region_size(g, r)))
			return false;
	return g->dist_base == RD_ADDR_UNDEF || !overlaps_region(g, g->dist_base, RD_DIST_SIZE);
}

/* ---- Accesses ---- */

/*
 * The active state of an interrupt in another vCPU's list register is only as
 * recent as that vCPU's last exit. Before a read of it, makes those leave the guest
 * once that have something in list registers.
 */
static void refresh_active(struct rd_vgic *g, struct rd_vcpu *self)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_vm_for_each_vcpu(i, vcpu, g->vm) {
		u32 syncs = READ_ONCE(vcpu->vgic.cpu->syncs);

		if (vcpu == self || !READ_ONCE(vcpu->state->vgic.used_lrs))
			continue;
		rd_vcpu_kick(vcpu);
		while (READ_ONCE(vcpu->mode) != RD_OUTSIDE_GUEST &&
		       READ_ONCE(vcpu->vgic.cpu->syncs) == syncs && !signal_pending(current))
			cond_resched();
	}
}

static int dist_read(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len, void *val)
{
	struct rd_vgic *g = container_of(dev, struct rd_vgic, dist_dev);
	u32 off = addr - dev->base;

	if (vgic_off_is_active(off))
		refresh_active(g, vcpu);
	rd_frame_store(val, len, vgic_dist_read(&g->core, off, len));
	return 0;
}

static int dist_write(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len,
		      const void *val)
{
	struct rd_vgic *g = container_of(dev, struct rd_vgic, dist_dev);

	vgic_dist_write(&g->core, addr - dev->base, len, rd_frame_load(val, len));
	return 0;
}

static void dist_release(struct rd_iodev *dev)
{
	kvfree(container_of(dev, struct rd_vgic, dist_dev));
}

static const struct rd_iodev_ops dist_ops = {
	.read = dist_read,
	.write = dist_write,
	.release = dist_release,
};

static int redist_read(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len, void *val)
{
	struct rd_vgic_cpu *c = container_of(dev, struct rd_vgic_cpu, rd_dev);
	struct rd_vgic *g = vcpu->vm->vgic.dist;
	u32 off = addr - dev->base;

	if (vgic_off_is_active(off) && c->vcpu != vcpu)
		refresh_active(g, vcpu);
	rd_frame_store(val, len, vgic_redist_read(&g->core, &c->core, off, len));
	return 0;
}

static int redist_write(struct rd_vcpu *vcpu, struct rd_iodev *dev, u64 addr, int len,
			const void *val)
{
	struct rd_vgic_cpu *c = container_of(dev, struct rd_vgic_cpu, rd_dev);

	vgic_redist_write(&vcpu->vm->vgic.dist->core, &c->core, addr - dev->base, len,
			  rd_frame_load(val, len));
	return 0;
}

static void redist_release(struct rd_iodev *dev)
{
	kvfree(container_of(dev, struct rd_vgic_cpu, rd_dev));
}

static const struct rd_iodev_ops redist_ops = {
	.read = redist_read,
	.write = redist_write,
	.release = redist_release,
};

/* ---- Distributor ---- */

int rd_frame_set_dist(struct rd_vgic *g, u64 addr)
{
	int ret = rd_vgic_check_range(g->vm, g->dist_base, addr, SZ_64K, RD_DIST_SIZE);

	if (!ret)
		g->dist_base = addr;
	return ret;
}

/* ---- Redistributors ---- */

struct rd_redist_region *rd_frame_region(struct rd_vgic *g, u32 index)
{
	struct rd_redist_region *r;

	list_for_each_entry(r, &g->regions, list)
		if (r->index == index)
			return r;
	return NULL;
}

static struct rd_redist_region *region_with_room(struct rd_vgic *g)
{
	struct rd_redist_region *r;

	list_for_each_entry(r, &g->regions, list)
		if (!r->count || r->used < r->count)
			return r;
	return NULL;
}

/*
 * GICR_TYPER.Last ends a row of adjacent frames: of a region's used ones, unless
 * the next region begins where this one is full.
 */
static bool is_last(struct rd_vgic *g, const struct rd_vgic_cpu *c)
{
	const struct rd_redist_region *own = c->region, *r;

	if (!own || c->slot + 1 < own->used)
		return false;
	if (!own->count || c->slot + 1 < own->count)
		return true;
	list_for_each_entry(r, &g->regions, list)
		if (r->base == own->base + region_size(g, own) && r->used)
			return false;
	return true;
}

static void update_last(struct rd_vgic *g)
{
	u32 i;

	for (i = 0; i < g->core.nr_cpus; i++)
		g->core.cpus[i]->rd_last = is_last(g, rd_vgic_cpu_of(g->core.cpus[i]));
}

static int place(struct rd_vgic *g, struct rd_vgic_cpu *c)
{
	struct rd_redist_region *r = region_with_room(g);
	int ret;

	if (c->region || !r)
		return 0;
	if (!bases_ok(g))
		return -EINVAL;
	c->rd_dev.ops = &redist_ops;
	c->rd_dev.base = r->base + (u64)r->used * RD_REDIST_SIZE;
	c->rd_dev.len = RD_REDIST_SIZE;
	ret = rd_iobus_add(g->vm, &c->rd_dev);
	if (ret)
		return ret;
	c->region = r;
	c->slot = r->used++;
	return 0;
}

static void displace(struct rd_vgic *g, struct rd_vgic_cpu *c)
{
	rd_iobus_remove(g->vm, &c->rd_dev);
	c->region->used--;
	c->region = NULL;
}

int rd_frame_add_cpu(struct rd_vgic *g, struct rd_vgic_cpu *c)
{
	int ret = place(g, c);

	c->core.rd_last = is_last(g, c);
	update_last(g);
	return ret;
}

void rd_frame_del_cpu(struct rd_vgic *g, struct rd_vgic_cpu *c)
{
	if (!c->region)
		return;
	displace(g, c);
	update_last(g);
}

static int check_region(struct rd_vgic *g, u32 index, u64 base, u32 count, u64 size)
{
	struct rd_redist_region *last;

	if (base + size < base)
		return -EINVAL;
	if (list_empty(&g->regions)) {
		if (index)
			return -EINVAL;
	} else {
		last = list_last_entry(&g->regions, struct rd_redist_region, list);
		if (!count)
			return last->count ? -EINVAL : -EEXIST;
		if (!last->count || index != last->index + 1)
			return -EINVAL;
	}
	if (overlaps_dist(g, base, size) || overlaps_region(g, base, size))
		return -EINVAL;
	return rd_vgic_check_range(g->vm, RD_ADDR_UNDEF, base, SZ_64K, size);
}

/* Gives all vCPUs that have none a place; on error none is in the new region. */
static int place_all(struct rd_vgic *g, struct rd_redist_region *new)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < g->core.nr_cpus && !ret; i++)
		ret = place(g, rd_vgic_cpu_of(g->core.cpus[i]));
	for (i = g->core.nr_cpus; ret && i-- > 0;)
		if (rd_vgic_cpu_of(g->core.cpus[i])->region == new)
			displace(g, rd_vgic_cpu_of(g->core.cpus[i]));
	return ret;
}

int rd_frame_add_region(struct rd_vgic *g, u32 index, u64 base, u32 count)
{
	struct rd_redist_region *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!r)
		return -ENOMEM;
	r->base = base;
	r->index = index;
	r->count = count;
	ret = check_region(g, index, base, count, region_size(g, r));
	if (ret) {
		kfree(r);
		return ret;
	}
	list_add_tail(&r->list, &g->regions);
	ret = place_all(g, r);
	if (ret) {
		list_del(&r->list);
		kfree(r);
	}
	update_last(g);
	return ret;
}

int rd_frame_map(struct rd_vgic *g)
{
	int ret;
	u32 i;

	for (i = 0; i < g->core.nr_cpus; i++)
		if (!rd_vgic_cpu_of(g->core.cpus[i])->region)
			return -ENXIO;
	if (g->dist_base == RD_ADDR_UNDEF)
		return -ENXIO;
	if (!bases_ok(g))
		return -EINVAL;
	if (!g->vm->vgic.initialised)
		return -EBUSY;
	g->dist_dev.ops = &dist_ops;
	g->dist_dev.base = g->dist_base;
	g->dist_dev.len = RD_DIST_SIZE;
	ret = rd_iobus_add(g->vm, &g->dist_dev);
	if (!ret)
		g->dist_registered = true;
	return ret;
}

void rd_frame_destroy(struct rd_vgic *g)
{
	struct rd_redist_region *r, *next;

	list_for_each_entry_safe(r, next, &g->regions, list)
		kfree(r);
	INIT_LIST_HEAD(&g->regions);
}
