// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The dirty log: one bit a page of a slot, set before the guest can write the page,
 * read and cleared by the VMM.
 *
 * Invariant 10: no guest write is missing. A bit is cleared before its page is
 * write-protected, and the TLBs are flushed before the VMM gets the bit: a write
 * until then is in the memory that the VMM copies afterwards, and a later one faults
 * and sets the bit again. With the log on, nothing is mapped writable but a single
 * page whose bit is set, except what was mapped so before the log began and is still
 * all dirty (initially_set). With rings (ring.c) it is the vCPU's ring that has the page;
 * the bits are then for what no vCPU wrote.
 *
 * Locks: the slots mutex; bits are set under the mmu lock held for reading, cleared
 * with it held for writing.
 */
#include "gmem_priv.h"

/* Lets others have the mmu lock after so many words of a log. */
#define WORDS_A_TURN 64

static void slot_mark(struct gmem_slot *slot, u64 n)
{
	u64 *word, bit = 1ull << (n % 64), old;

	if (!slot->dirty)
		return;
	word = &slot->dirty[n / 64];
	old = port_read64(word);
	while (!(old & bit)) {
		u64 seen = port_cmpxchg64(word, old, old | bit);

		if (seen == old)
			return;
		old = seen;
	}
}

/* Clears @bits of @word; returns those that were set. */
static u64 take_bits(u64 *word, u64 bits)
{
	u64 old = port_read64(word);

	while (old & bits) {
		u64 seen = port_cmpxchg64(word, old, old & ~bits);

		if (seen == old)
			return old & bits;
		old = seen;
	}
	return 0;
}

/* Whether a new log says that all is dirty. No ring has room for that. */
static bool starts_dirty(const struct gmem *g)
{
	return g->manual_protect && g->initially_set && !g->rings;
}

void gmem_log_fill(const struct gmem *g, u64 *log, u64 pages)
{
	u64 i;

	if (!starts_dirty(g))
		return;
	for (i = 0; i < pages / 64; i++)
		log[i] = ~0ull;
	if (pages % 64)
		log[i] = (1ull << (pages % 64)) - 1;
}

/*
 * Splits the blocks of a range, a chunk at a time; the mmu lock is held for writing, and
 * dropped when the cache wants filling. Without memory the blocks stay: faults split them.
 */
static void split_range(struct gmem *g, u64 gfn, u64 pages)
{
	struct gmem_cache cache = { 0 };

	while (pages) {
		u64 turn = pages < g->split_chunk ? pages : g->split_chunk, done = 0;
		int err = g->be->ops->split(g->be, gfn, turn, &cache, &done);

		gfn += done;
		pages -= done;
		if (err == -ENOMEM) {
			gmem_unlock_write(g);
			err = g->ops->topup(g->env, &cache, true);
			gmem_lock_write(g);
		} else if (!err) {
			g->ops->relax(g->env);
		}
		if (err)
			break;
	}
	gmem_unlock_write(g);
	g->ops->drain(g->env, &cache);
	gmem_lock_write(g);
}

void gmem_log_start(struct gmem *g, struct gmem_slot *slot, u64 *log)
{
	gmem_lock_write(g);
	slot->dirty = log;
	port_write32(&slot->flags, slot->flags | GMEM_LOG_DIRTY);
	if (!starts_dirty(g)) {
		gmem_walk(g, GMEM_WALK_WRPROTECT, slot->gfn, slot->pages, true);
		g->be->ops->flush_tlb(g->be, slot->gfn, slot->pages);
		if (g->split_chunk)
			split_range(g, slot->gfn, slot->pages);
	}
	gmem_unlock_write(g);
}

u64 *gmem_log_stop(struct gmem *g, struct gmem_slot *slot)
{
	u64 *log;

	gmem_lock_write(g);
	log = slot->dirty;
	slot->dirty = NULL;
	port_write32(&slot->flags, slot->flags & ~GMEM_LOG_DIRTY);
	gmem_walk(g, GMEM_WALK_COLLAPSE, slot->gfn, slot->pages, true);
	gmem_unlock_write(g);
	return log;
}

bool gmem_note_write(struct gmem_slot *slot, u64 n, struct gmem_ring *ring)
{
	if (!gmem_logging(slot))
		return true;
	if (ring)
		return gmem_ring_push(ring, slot->id, n);
	slot_mark(slot, n);
	return true;
}

void gmem_mark_dirty(struct gmem *g, u64 gfn, struct gmem_ring *ring)
{
	struct gmem_slot *slot = gmem_slot_of_gfn(g, gfn);

	if (!slot || !gmem_logging(slot))
		return;
	gmem_lock_read(g);
	/* A ring without room: the VMM has the bits as well, if it asked for them. */
	if (!gmem_note_write(slot, gfn - slot->gfn, ring))
		slot_mark(slot, gfn - slot->gfn);
	gmem_unlock_read(g);
}

/* The slot's log, or NULL. */
static struct gmem_slot *logged_slot(const struct gmem *g, u32 id)
{
	struct gmem_slot *slot = gmem_slot_of_id(g, id);

	return slot && slot->dirty ? slot : NULL;
}

const u64 *gmem_dirty_bits(const struct gmem *g, u32 id, u64 *words)
{
	const struct gmem_slot *slot = logged_slot(g, id);

	*words = slot ? (slot->pages + 63) / 64 : 0;
	return slot ? slot->dirty : NULL;
}

/* Write-protects the pages of @bits, from @gfn on, a run of them at a time. */
static void protect_bits(struct gmem *g, u64 gfn, u64 bits)
{
	while (bits) {
		u64 first = (u64)__builtin_ctzll(bits), rest = ~(bits >> first);
		u64 n = rest ? (u64)__builtin_ctzll(rest) : 64;

		if (n > 64 - first)
			n = 64 - first;
		gmem_walk(g, GMEM_WALK_WRPROTECT, gfn + first, n, false);
		bits &= n == 64 ? 0 : ~(((1ull << n) - 1) << first);
	}
}

int gmem_get_dirty_log(struct gmem *g, u32 id, u64 *out)
{
	struct gmem_slot *slot = logged_slot(g, id);
	u64 i, words, any = 0;

	if (!slot)
		return -ENOENT;
	words = (slot->pages + 63) / 64;
	if (g->manual_protect) {
		for (i = 0; i < words; i++)
			out[i] = port_read64(&slot->dirty[i]);
		return 0;
	}
	gmem_lock_write(g);
	for (i = 0; i < words; i++) {
		out[i] = take_bits(&slot->dirty[i], ~0ull);
		protect_bits(g, slot->gfn + i * 64, out[i]);
		any |= out[i];
		if (i % WORDS_A_TURN == WORDS_A_TURN - 1)
			g->ops->relax(g->env);
	}
	if (any)
		g->be->ops->flush_tlb(g->be, slot->gfn, slot->pages);
	gmem_unlock_write(g);
	return 0;
}

int gmem_clear_dirty_log(struct gmem *g, u32 id, u64 first, u64 pages, const u64 *bits)
{
	struct gmem_slot *slot = logged_slot(g, id);
	u64 i, any = 0;

	if (!slot)
		return -ENOENT;
	if (first % 64 || first > slot->pages || pages > slot->pages - first ||
	    (pages % 64 && pages != slot->pages - first))
		return -EINVAL;
	gmem_lock_write(g);
	if (g->initially_set && g->split_chunk)
		split_range(g, slot->gfn + first, pages);
	for (i = 0; i < (pages + 63) / 64; i++) {
		u64 took = take_bits(&slot->dirty[first / 64 + i], bits[i]);

		protect_bits(g, slot->gfn + first + i * 64, took);
		any |= took;
		if (i % WORDS_A_TURN == WORDS_A_TURN - 1)
			g->ops->relax(g->env);
	}
	if (any)
		g->be->ops->flush_tlb(g->be, slot->gfn, slot->pages);
	gmem_unlock_write(g);
	return 0;
}
