// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Unmapping, for both stages, and the end of tables that become empty.
 *
 * Nobody counts entries. After a run of a table has been cleared, the table is empty
 * if the run was all of it, or else if a search that starts next to the run and goes
 * both ways finds nothing. Whoever unmaps in order, up or down, finds a neighbour at
 * once; the worst case, the last entry of a table, costs one pass over it. There is
 * no count to fall out of step with the entries, and mapping pays nothing.
 *
 * A detached table is freed only after the invalidation (invariant 3): until then it
 * hangs on the gather, linked through its own entry 0 by an address with bit 0 clear,
 * so that a walk that still ends up there finds nothing valid. Exclusive.
 */
#include "unmap.h"

int pgt_for_each_run_gather(struct pgt *pgt, struct pgt_op *op, u64 ia, u64 size,
			    pgt_run_fn *fn, void *arg)
{
	struct pgt_gather local, *caller = op->gather;
	int ret;

	if (caller)
		return pgt_for_each_run(pgt, op, ia, size, fn, arg);
	pgt_gather_init(&local);
	op->gather = &local;
	ret = pgt_for_each_run(pgt, op, ia, size, fn, arg);
	op->gather = NULL;
	pgt_gather_flush(pgt, &local);
	return ret;
}

static void gather_add_dead(struct pgt *pgt, struct pgt_gather *g, u64 *table)
{
	u64 next = g->dead ? pgt->env->to_pa(pgt->ctx, g->dead).v | DESC_DEAD : 0;

	entry_write(table, next);
	g->dead = table;
}

void gather_free_dead(struct pgt *pgt, struct pgt_gather *g)
{
	while (g->dead) {
		u64 *table = g->dead;
		u64 next = entry_read(table);

		g->dead = next ? pgt->env->to_virt(pgt->ctx, pa(next & ~DESC_DEAD)) : NULL;
		pgt->env->free_table(pgt->ctx, table);
	}
}

#define CHUNK 8

/* Whether @n entries, at most CHUNK, are zero. The full chunk is the one that counts. */
static bool chunk_is_zero(const u64 *slot, u32 n)
{
	u64 any = 0;

	if (n == CHUNK)
		return !(port_read64(&slot[0]) | port_read64(&slot[1]) | port_read64(&slot[2]) |
			 port_read64(&slot[3]) | port_read64(&slot[4]) | port_read64(&slot[5]) |
			 port_read64(&slot[6]) | port_read64(&slot[7]));
	while (n--)
		any |= port_read64(&slot[n]);
	return !any;
}

static u32 chunk_of(u32 left)
{
	return left < CHUNK ? left : CHUNK;
}

/* Whether all entries but those in [@first, @first + @n) are zero: nearest ones first. */
static bool rest_is_zero(const u64 *table, u32 entries, u32 first, u32 n)
{
	u32 up = first + n, down = first;

	while (up < entries || down) {
		u32 above = chunk_of(entries - up), below = chunk_of(down);

		if (!chunk_is_zero(&table[up], above) || !chunk_is_zero(&table[down - below], below))
			return false;
		up += above;
		down -= below;
	}
	return true;
}

/*
 * The invalidation of one address takes along every table that leads to it: the run's
 * first is enough, there is no need to gather all that the tables could have mapped.
 */
void prune(struct pgt_run *run, u32 n, bool all_zero)
{
	struct pgt *pgt = run->pgt;
	const struct pgt_geometry *geo = pgt->geo;
	struct pgt_gather *g = run->op->gather;
	s8 level = run->pos->level;
	u64 *slot = run->pos->slot;

	while (all_zero && level > geo->start_level) {
		u32 index = geo->table_entries - table_left(geo, run->ia, level);
		u64 *table = slot - index;

		if (!rest_is_zero(table, geo->table_entries, index, n))
			return;
		level--;
		slot = run->pos->path[level + 1];
		entry_write(slot, 0);
		pgt_gather_table(g, run->ia, pgt_level_size(geo, run->pos->level), run->pos->level);
		gather_add_dead(pgt, g, table);
		n = 1;
	}
}

struct unmap_result {
	u32 n;		   /* entries handled */
	u64 *first, *last; /* those of them that were leaves; NULL: none */
	bool kept;	   /* something that isn't zero was left alone */
};

/* What is left of a leaf that is unmapped: with @to_clean, what clean_entries() needs. */
static u64 unmapped(const struct pgt *pgt, u64 desc, bool to_clean)
{
	return to_clean && desc_is_cacheable(pgt, desc) ? desc & ~DESC_VALID : 0;
}

static void unmap_entries(struct pgt_run *run, bool to_clean, struct unmap_result *res)
{
	u64 *slot = run->pos->slot, *end = slot + run->n, *first = NULL, *last = NULL;
	u64 table_bit = desc_table_bit(run->pos->level);

	for (; slot < end; slot++) {
		u64 desc = port_le64(port_read64(slot));

		if (!desc_is_valid(desc)) {
			res->kept |= desc != 0;
			continue;
		}
		if (desc & table_bit)
			break;
		entry_write(slot, unmapped(run->pgt, desc, to_clean));
		if (!first)
			first = slot;
		last = slot;
	}
	res->n = (u32)(slot - run->pos->slot);
	res->first = first;
	res->last = last;
}

static bool needs_clean(const struct pgt_run *run)
{
	const struct pgt *pgt = run->pgt;

	return pgt->geo->stage == PGT_STAGE2 && !(pgt->flags & PGT_FWB) &&
	       pgt->env->dcache_clean_inval && !(run->op->flags & PGT_OP_NO_CMO);
}

/*
 * Without FWB a guest may have written past the caches, or left lines in them: they
 * are cleaned once it can't write any more, which is after the invalidation.
 */
static void clean_entries(struct pgt_run *run, const struct unmap_result *res)
{
	struct pgt *pgt = run->pgt;
	u64 size = pgt_level_size(pgt->geo, run->pos->level);
	u64 *slot;

	pgt_gather_flush(pgt, run->op->gather);
	for (slot = res->first; slot <= res->last; slot++) {
		u64 desc = entry_read(slot);

		if ((desc & DESC_TO_CLEAN) != DESC_TO_CLEAN)
			continue;
		pgt->env->dcache_clean_inval(pgt->ctx, pa(desc_oa(pgt->geo, desc)), size);
		entry_write(slot, 0);
	}
}

int unmap_run(struct pgt_run *run)
{
	struct unmap_result res = { .n = 0 };
	bool to_clean = needs_clean(run);

	unmap_entries(run, to_clean, &res);
	if (res.first) {
		run_gather(run, res.first, res.last);
		if (to_clean)
			clean_entries(run, &res);
	}
	prune(run, res.n, !res.kept && res.n);
	return (int)res.n;
}

int pgt_s2_unmap(struct pgt *pgt, struct pgt_op *op, ipa_t ipa, u64 size)
{
	int ret = pgt_op_begin(pgt, op, ipa.v, size);

	return ret ? ret : pgt_for_each_run_gather(pgt, op, ipa.v, size, unmap_run, NULL);
}
