// SPDX-License-Identifier: GPL-2.0-only
/*
 * One component's tables: memory, registers, invalidations, and the count of pages.
 */
#include "ownership_tables.h"
#include "world.h"

#define TABLE_BYTES ((size_t)32 << 20)

/* ---- What core calls ---- */

static void *to_virt(void *ctx, pa_t pa)
{
	struct jt_tables *t = ctx;

	if (mem_holds_pa(&t->mem, pa.v))
		return mem_to_host(&t->mem, pa.v);
	t->problem = "to_virt() of an address where no tables are";
	return t->root;
}

static pa_t to_pa(void *ctx, const void *virt)
{
	struct jt_tables *t = ctx;

	if (!mem_holds_host(&t->mem, virt))
		t->problem = "to_pa() of something that is no table";
	return pa(mem_to_pa(&t->mem, virt));
}

static void free_table(void *ctx, void *table)
{
	struct jt_tables *t = ctx;

	tlb_on_free(&t->tlb, table);
	if (!tlb_failed(&t->tlb))
		pgt_memcache_push(&t->pool.mc, table);
}

static void publish(void *ctx)
{
	tlb_on_publish(&((struct jt_tables *)ctx)->tlb);
}

static bool leaf_only(enum pgt_tlbi_kind kind)
{
	return kind == PGT_TLBI_VALE2 || kind == PGT_TLBI_RVALE2 || kind == PGT_TLBI_IPAS2LE1 ||
	       kind == PGT_TLBI_RIPAS2LE1;
}

/* One instruction, from its operand, as the CPU takes it. */
static void invalidate(struct jt_tables *t, const struct pgt_tlbi *op, bool local)
{
	unsigned int copies = TLB_BY_ADDRESS;
	struct tlbi decoded;

	switch (op->kind) {
	case PGT_TLBI_DSB:
		tlb_on_sync(&t->tlb);
		return;
	case PGT_TLBI_VAE2:
	case PGT_TLBI_VALE2:
	case PGT_TLBI_IPAS2E1:
	case PGT_TLBI_IPAS2LE1:
		decoded = tlbi_decode_single(&t->reg, op->operand, leaf_only(op->kind));
		break;
	case PGT_TLBI_RVAE2:
	case PGT_TLBI_RVALE2:
	case PGT_TLBI_RIPAS2E1:
	case PGT_TLBI_RIPAS2LE1:
		decoded = tlbi_decode_range(&t->reg, op->operand, leaf_only(op->kind));
		break;
	default:
		decoded = tlbi_decode_all();
		copies = op->kind == PGT_TLBI_VMALLE1      ? TLB_COMBINED
			 : op->kind == PGT_TLBI_VMALLS12E1 ? TLB_BY_ADDRESS | TLB_COMBINED
							   : TLB_BY_ADDRESS;
	}
	if ((op->kind <= PGT_TLBI_ALLE2) != (t->geo.stage == PGT_STAGE1))
		t->problem = "an invalidation of the other stage";
	tlb_on_invalidate(&t->tlb, &decoded, copies, local);
}

static void tlb_flush(void *ctx, const struct pgt_tlb_plan *plan)
{
	struct jt_tables *t = ctx;
	u32 i;

	tlb_on_publish(&t->tlb);
	for (i = 0; i < plan->n && i < PGT_TLBI_MAX; i++)
		invalidate(t, &plan->op[i], plan->local);
	tlb_on_sync(&t->tlb);
}

static const struct pgt_env env = {
	.to_virt = to_virt,
	.to_pa = to_pa,
	.free_table = free_table,
	.publish = publish,
	.tlb_flush = tlb_flush,
};

/* ---- Life ---- */

void jt_init(struct jt_tables *t)
{
	memset(t, 0, sizeof(*t));
	mem_init(&t->mem, TABLE_BYTES);
	tlb_init(&t->tlb, &t->mem);
}

void jt_fini(struct jt_tables *t)
{
	mem_fini(&t->mem);
	tlb_fini(&t->tlb);
}

bool jt_start(struct jt_tables *t, const struct pgt_request *req,
	      const struct pgt_cpu_features *cpu, bool fwb, u64 table_pa)
{
	struct walk_cpu walk_cpu = spec_walk_cpu(cpu, req->granule_shift);
	u32 flags = fwb ? PGT_FWB : 0;

	/* Table memory is at one distance; core is told in half of the cases. */
	if (table_pa / MEM_ALIGN / 32 & 1)
		flags |= PGT_LINEAR;
	t->problem = NULL;
	t->fwb = fwb;
	t->pool = (struct own_pgt_pool){0};
	memset(&t->space, 0, sizeof(t->space));
	if (pgt_geometry_init(&t->geo, req, cpu)) {
		t->problem = "core refuses the geometry";
		return false;
	}
	mem_reset(&t->mem, table_pa, t->geo.granule_shift);
	t->root_pages = (u32)((t->geo.root_bytes - 1) >> t->geo.granule_shift) + 1;
	t->root = mem_alloc(&t->mem, t->root_pages, (size_t)t->geo.root_align);
	t->reg = walk_decode(&walk_cpu, t->geo.stage == PGT_STAGE2, t->geo.tcr,
			     pgt_geometry_ttbr(&t->geo, pa(mem_to_pa(&t->mem, t->root)), 7), fwb);
	if (t->reg.wrong)
		t->problem = t->reg.wrong;
	else if (pgt_init(&t->pgt, &t->geo, t->root, &env, t, flags))
		t->problem = "pgt_init() refuses the geometry";
	if (!t->problem)
		tlb_start(&t->tlb, &t->reg);
	return !t->problem;
}

static u32 empty_pool(struct jt_tables *t)
{
	void *page;
	u32 n = 0;

	while ((page = pgt_memcache_pop(&t->pool.mc))) {
		if (mem_page_of(&t->mem, page)->use == MEM_FREE) {
			t->problem = "a freed page is in the pool";
			return n;
		}
		mem_free(&t->mem, page);
		n++;
	}
	return n;
}

void jt_stop(struct jt_tables *t)
{
	struct pgt_op op = {0};
	int ret;

	tlb_stop(&t->tlb);
	ret = t->geo.stage == PGT_STAGE2 ? pgt_s2_destroy(&t->pgt, &op)
					 : pgt_s1_destroy(&t->pgt, &op);
	if (ret || op.done != 1ull << t->geo.ia_bits)
		t->problem = "the tables could not be destroyed";
	empty_pool(t);
	if (!t->problem && t->mem.in_use != t->root_pages)
		t->problem = "table pages were lost";
}

void jt_fill(struct jt_tables *t, u32 pages)
{
	while (t->pool.mc.count > pages)
		mem_free(&t->mem, pgt_memcache_pop(&t->pool.mc));
	while (t->pool.mc.count < pages) {
		void *page = mem_alloc(&t->mem, 1, 1);

		memset(page, 0x57, (size_t)1 << t->geo.granule_shift);
		pgt_memcache_push(&t->pool.mc, page);
	}
}

/* ---- What a CPU sees ---- */

bool jt_on_write(struct jt_tables *t, const u64 *slot, u64 was, u64 now)
{
	if (!mem_holds_host(&t->mem, slot))
		return false;
	tlb_on_write(&t->tlb, slot, port_le64(was), port_le64(now));
	return true;
}

struct walk_result jt_walk(struct jt_tables *t, u64 ia)
{
	return walk_translate(&t->reg, ia, mem_read_desc, &t->mem);
}

bool jt_stale_reaches(const struct jt_tables *t, u64 pa)
{
	u32 i;

	for (i = 0; i < t->tlb.nr; i++) {
		const struct tlb_stale *s = &t->tlb.stale[i];

		if (!s->table && pa - walk_leaf_addr(&t->reg, s->desc, s->level) < s->size)
			return true;
	}
	return false;
}

bool jt_reaches(struct jt_tables *t, u64 ia, u64 pa)
{
	struct walk_result res = jt_walk(t, ia);

	return res.fault == WALK_OK && res.oa == pa;
}

const char *jt_problem(const struct jt_tables *t)
{
	return t->problem ? t->problem : tlb_failed(&t->tlb) ? t->tlb.problem : NULL;
}
