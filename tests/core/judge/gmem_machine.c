// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's CPUs, and what must be true of it. An access is checked while it
 * happens: the frame that the CPU uses is the one that the host has at that address
 * now (invariant 9), and it holds what this CPU wrote there last.
 */
#include "gmem_env.h"

static u64 entry(const struct gm_machine *m, u64 gfn)
{
	return m->is_direct ? gm_tables_entry(m, gfn) : port_read_acquire64(&m->s2[gfn]);
}

/* ---- Accesses ---- */

/* The host page behind @gfn, as the slots have it: it exists, since a translation does. */
static u64 host_page(const struct gm_machine *m, u64 gfn, u32 *flags)
{
	const struct gmem_slot *slot = gmem_slot_of_gfn(&m->g, gfn);

	gm_check(slot);
	*flags = port_read32(&slot->flags);
	return (slot->hva >> GM_SHIFT) - GM_HVN0 + (gfn - slot->gfn);
}

/* The CPU uses translation @e; its lock is held. */
static void use(struct gm_machine *m, struct gm_cpu *cpu, u64 gfn, u64 e, bool write)
{
	u32 c = (u32)(cpu - m->cpu), flags, punched;
	u32 token = m->g.ops->enter(m);
	u64 i = host_page(m, gfn, &flags), *word;
	struct gm_pte *pte;

	gm_check(i < GM_HVNS);
	pte = &m->host.pte[i];
	gm_check(pte->present && pte->frame + GM_PFN0 == GM_PFN(e));
	gm_check(!write || (port_read32(&pte->writable) && !(flags & GMEM_READONLY)));
	word = &m->host.frame[pte->frame].word[c];
	punched = __atomic_load_n(&pte->punched, __ATOMIC_ACQUIRE);
	if (punched != cpu->punched[i])
		cpu->expect[i] = 0;
	cpu->punched[i] = punched;
	gm_check(port_read64(word) == cpu->expect[i]);
	if (write)
		port_write64(word, ++cpu->expect[i]);
	m->g.ops->leave(m, token);
}

/* Sets the access flag of the page or block, as the CPU does; the entry as it is then. */
static u64 set_af(struct gm_machine *m, u64 gfn, u64 e)
{
	u64 was;

	if (m->is_direct)
		return gm_tables_set_af(m, gfn);
	while ((e & GM_VALID) && (was = port_cmpxchg64(&m->s2[gfn], e, e | GM_AF)) != e)
		e = was;
	return e & GM_VALID ? e | GM_AF : e;
}

/* Translates by TLB or walk, fills the TLB. False: the fault is in @f. */
static bool translate(struct gm_machine *m, struct gm_cpu *cpu, struct gmem_fault *f, u64 *e)
{
	struct gm_tlb *tlb = &cpu->tlb[f->gfn % GM_TLB];

	cpu->walked = !tlb->valid || tlb->gfn != f->gfn;
	*e = cpu->walked ? entry(m, f->gfn) : tlb->entry;
	f->kind = GMEM_FAULT_TRANSLATION;
	if (!(*e & GM_VALID))
		return false;
	if (!(*e & GM_AF) && m->hw_af) {
		*e = set_af(m, f->gfn, *e);
		if (!(*e & GM_VALID))
			return false;
	}
	f->kind = GMEM_FAULT_ACCESS;
	if (!(*e & GM_AF))
		return false;
	*tlb = (struct gm_tlb){ true, f->gfn, *e };
	f->kind = GMEM_FAULT_PERMISSION;
	if ((f->write && !(*e & GM_W)) || (f->exec && !(*e & GM_X))) {
		tlb->valid = false;
		return false;
	}
	return true;
}

/* One try. True: it was made. */
static bool attempt(struct gm_machine *m, struct gm_cpu *cpu, struct gmem_fault *f)
{
	bool ok;
	u64 e;

	pthread_mutex_lock(&cpu->lock);
	ok = translate(m, cpu, f, &e);
	if (ok)
		use(m, cpu, f->gfn, e, f->write);
	pthread_mutex_unlock(&cpu->lock);
	return ok;
}

enum gm_access gm_access(struct gm_machine *m, u32 c, u64 gfn, bool write, bool exec)
{
	struct gm_cpu *cpu = &m->cpu[c];
	struct gmem_fault f = { .gfn = gfn, .write = write, .exec = exec && !write,
				.ring = gm_ring_of(m, c) };
	struct gmem_outcome out;
	u32 tries;

	for (tries = 0; tries < 1000000; tries++) {
		if (attempt(m, cpu, &f)) {
			cpu->writes += write;
			cpu->reads += !write;
			return GM_OK;
		}
		cpu->faults++;
		gmem_fault(&m->g, &f, &cpu->cache, &out);
		/* Without any room the vCPU is held back, and nothing is lost. */
		if (f.ring && gmem_ring_full(f.ring) &&
		    (tries > 20 || (!m->late_vmm && rng_chance(&cpu->rng, 50))))
			m->ring_full(m, c);
		if (out.result == GMEM_NOSLOT)
			return GM_NOTHING;
		if (out.result == GMEM_RDONLY)
			return GM_REFUSED;
		if (out.result == GMEM_POISON || (out.result == GMEM_FAILED && out.error == -EFAULT))
			return GM_BROKEN;
		/* -EINTR is a signal, after which the VMM runs the vCPU again. */
		gm_check(out.result == GMEM_DONE || out.result == GMEM_RETRY ||
			 (out.result == GMEM_FAILED && out.error == -EINTR));
	}
	gm_check(!"the guest got nowhere");
	return GM_BROKEN;
}

/* ---- Checks of the whole ---- */

/* A translation that stage 2 or a TLB holds, while nothing is going on. */
static void check_translation(struct gm_machine *m, u64 gfn, u64 e)
{
	u32 flags;
	u64 i = host_page(m, gfn, &flags);
	const struct gm_pte *pte = &m->host.pte[i];

	gm_check(i < GM_HVNS && pte->present && pte->frame + GM_PFN0 == GM_PFN(e));
	gm_check(!(e & GM_W) || (pte->writable && !(flags & GMEM_READONLY)));
}

/* A block is whole, in one slot, and of one piece of the host's memory. */
static void check_block(struct gm_machine *m, u64 gfn, u64 e)
{
	u64 mask = (1ull << GM_ORDER(e)) - 1, first = gfn & ~mask, other = entry(m, first + mask);
	const struct gmem_slot *slot = gmem_slot_of_gfn(&m->g, gfn);

	gm_check(GM_ORDER(other) == GM_ORDER(e) && (other & GM_VALID));
	gm_check(GM_PFN(other) - GM_PFN(e) == first + mask - gfn && !((GM_PFN(e) ^ gfn) & mask));
	gm_check((other & GM_W) == (e & GM_W));
	gm_check(first >= slot->gfn && first + mask <= slot->gfn + slot->pages - 1);
}

/* With the log on, what is writable is dirty. */
static void check_log(struct gm_machine *m, u64 gfn, u64 e, const bool *noted)
{
	const struct gmem_slot *slot = gmem_slot_of_gfn(&m->g, gfn);
	u64 n = gfn - slot->gfn;

	gm_check(!(slot->flags & GMEM_LOG_DIRTY) == !slot->dirty);
	if (slot->dirty && (e & GM_W))
		gm_check(noted[gfn] || slot->dirty[n / 64] >> (n % 64) & 1);
}

/* Invariant 8. */
static void check_records(struct gm_machine *m)
{
	struct gmem_mapping map;
	struct gmem_run run;
	u64 gfn = 0, mapped = 0;

	for (gfn = 0; gfn < GM_GFNS; gfn++)
		mapped += entry(m, gfn) & GM_VALID;
	gm_check(mapped == m->p.records.pages);
	for (gfn = 0; gmem_records_find(&m->p.records, gfn, &run); gfn = run.gfn + run.pages) {
		u64 i;

		for (i = 0; i < run.pages; i++)
			gm_check((entry(m, run.gfn + i) & GM_VALID) &&
				 GM_PFN(entry(m, run.gfn + i)) == run.pfn + i);
		gm_check(!m->p.be.ops->lookup(&m->p.be, run.gfn, &map));
		gm_check(map.pages == 1ull << GM_ORDER(entry(m, run.gfn)));
	}
}

void gm_check_all(struct gm_machine *m)
{
	bool noted[GM_GFNS];
	u64 gfn;
	u32 c, i;

	gm_rings_noted(m, noted);
	for (gfn = 0; gfn < GM_GFNS; gfn++) {
		u64 e = entry(m, gfn);

		if (!(e & GM_VALID))
			continue;
		check_translation(m, gfn, e);
		check_block(m, gfn, e);
		check_log(m, gfn, e, noted);
	}
	for (c = 0; c < GM_CPUS; c++) {
		for (i = 0; i < GM_TLB; i++) {
			const struct gm_tlb *tlb = &m->cpu[c].tlb[i];

			if (tlb->valid) {
				check_translation(m, tlb->gfn, tlb->entry);
				check_log(m, tlb->gfn, tlb->entry, noted);
			}
		}
	}
	if (m->is_direct)
		gm_tables_reap(m);
	else
		check_records(m);
	gm_check(!m->g.invalidating);
}

/* ---- Life ---- */

static void init_gmem(struct gm_machine *m)
{
	struct gmem_protected_config p = {
		.hyp_ops = &gm_hyp_ops,
		.hyp = m,
		.env_ops = &gm_env_ops,
		.env = m,
		.page_shift = GM_SHIFT,
		/* A block is a part of a batch, or larger than one. */
		.batch = gm_seed & 1 ? 16 : GM_BLOCK_MAX,
		.largest = GM_BLOCK_MAX,
	};
	struct gmem_config g = {
		.ops = &gm_env_ops,
		.env = m,
		.backend = m->is_direct ? &m->direct.be : &m->p.be,
		.page_shift = GM_SHIFT,
		.ipa_bits = GM_IPA_BITS,
	};

	gmem_protected_init(&m->p, &p);
	if (m->is_direct)
		gm_tables_init(m);
	gmem_init(&m->g, &g);
}

void gm_machine_init(struct gm_machine *m, u64 seed, bool direct)
{
	pthread_rwlockattr_t fair;
	u32 c;

	memset(m, 0, sizeof(*m));
	gm_seed = seed;
	m->is_direct = direct;
	gm_shift = direct ? 12 : 6;
	gm_huge_order[1] = direct ? 9 : 6;
	m->rng = rng_seeded(seed ^ 0xe12);
	pthread_mutex_init(&m->el2, NULL);
	pthread_mutex_init(&m->sync, NULL);
	pthread_mutex_init(&m->slots, NULL);
	pthread_rwlockattr_init(&fair);
	pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->mmu, &fair);
	pthread_rwlock_init(&m->records, &fair);
	for (c = 0; c < GM_CPUS; c++) {
		pthread_mutex_init(&m->cpu[c].lock, NULL);
		m->cpu[c].rng = rng_seeded(seed * 31 + c);
	}
	m->hw_af = seed & 1;
	gm_host_init(&m->host, &m->g, seed);
	init_gmem(m);
}

void gm_machine_free(struct gm_machine *m)
{
	u64 gfn;
	u32 c;

	gmem_destroy(&m->g);
	for (gfn = 0; gfn < GM_GFNS; gfn++)
		gm_check(!(entry(m, gfn) & GM_VALID));
	for (c = 0; c < GM_CPUS; c++)
		m->g.ops->drain(m, &m->cpu[c].cache);
	if (m->is_direct)
		gm_tables_free(m);
	gm_check(!m->allocated && !m->p.records.nleaves);
	gm_check(!gm_host_leaked(&m->host));
}
