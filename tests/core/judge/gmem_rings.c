// SPDX-License-Identifier: GPL-2.0-only
/* The VMM's side of dirty rings: it collects entries, resets them, and is told the pages. */
#include "gmem_machine.h"

struct seen {
	u32 slot;
	u64 page;
};

void gm_rings_init(struct gm_machine *m)
{
	u32 c;

	m->g.rings = true;
	for (c = 0; c < GM_CPUS; c++)
		gmem_ring_init(&m->cpu[c].ring, m->cpu[c].entry, GM_RING);
}

void gm_rings_late(struct gm_machine *m)
{
	u32 c, i;

	m->late_vmm = true;
	for (c = 0; c < GM_CPUS; c++)
		for (i = 0; i < GM_RING - 20; i++)
			gm_check(gmem_ring_push(&m->cpu[c].ring, GMEM_SLOTS_MAX, i));
}

struct gmem_ring *gm_ring_of(struct gm_machine *m, u32 c)
{
	return m->g.rings ? &m->cpu[c].ring : NULL;
}

/* Takes at most @most entries of one ring, as a VMM does: all from the oldest on. */
static u64 collect(struct gm_cpu *cpu, u64 most, struct seen *seen)
{
	u64 n;

	for (n = 0; n < most; n++) {
		struct gmem_ring_entry *e = &cpu->entry[cpu->fetched % GM_RING];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != GMEM_RING_DIRTY)
			break;
		seen[n] = (struct seen){ port_read32(&e->slot), port_read64(&e->page) };
		__atomic_store_n(&e->flags, GMEM_RING_COLLECTED, __ATOMIC_RELEASE);
		cpu->fetched++;
	}
	return n;
}

void gm_rings_collect(struct gm_machine *m, u64 most, gm_seen_t *tell, void *ctx)
{
	struct seen seen[GM_RING];
	u64 i, n;
	u32 c;

	for (c = 0; c < GM_CPUS; c++) {
		struct gm_cpu *cpu = &m->cpu[c];

		n = collect(cpu, most < GM_RING ? most : GM_RING, seen);
		gm_check(gmem_ring_reset(&m->g, &cpu->ring) == n);
		for (i = 0; i < n; i++)
			tell(ctx, seen[i].slot, seen[i].page);
	}
}

void gm_rings_spoil(struct gm_machine *m, struct rng *rng)
{
	u32 c;

	for (c = 0; c < GM_CPUS; c++) {
		struct gm_cpu *cpu = &m->cpu[c];
		u64 at = cpu->ring.pushed;

		/* Entries that nobody has pushed are collected, and name what there is not. */
		for (; at != cpu->ring.emptied + GM_RING; at++)
			cpu->entry[at % GM_RING] = (struct gmem_ring_entry){
				GMEM_RING_COLLECTED, (u32)rng_below(rng, 10), rng_next(rng, 5) };
		/* Others, of slots that keep no log any more, are changed. */
		for (at = cpu->fetched; at != cpu->ring.pushed; at++) {
			struct gmem_ring_entry *e = &cpu->entry[at % GM_RING];
			const struct gmem_slot *slot = gmem_slot_of_id(&m->g, e->slot);

			if (slot && (slot->flags & GMEM_LOG_DIRTY))
				continue;
			e->slot = (u32)rng_below(rng, 10);
			e->page = rng_next(rng, 5) | GM_GFNS;
		}
	}
}

void gm_rings_noted(const struct gm_machine *m, bool noted[GM_GFNS])
{
	u32 c;

	memset(noted, 0, GM_GFNS * sizeof(*noted));
	for (c = 0; c < GM_CPUS; c++) {
		const struct gmem_ring *r = &m->cpu[c].ring;
		u64 at;

		for (at = r->emptied; at != r->pushed; at++) {
			const struct gmem_ring_entry *e = &r->entry[at % GM_RING];
			const struct gmem_slot *slot = gmem_slot_of_id(&m->g, e->slot);

			if (slot && e->page < slot->pages)
				noted[slot->gfn + e->page] = true;
		}
	}
}
