// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in memory. Every page is full of one word that its user knows; EL2 may change it
 * only by zeroing, and must do that before the host has a page that it could not read
 * (invariants 4 and 11).
 */
#include "oracle.h"

/* A page's contents, after its owner may have changed (invariants 4 and 11). */
void contents_check_page(u32 page)
{
	const struct page_state *was = &world_was.page[page], *is = &world_is.page[page];
	bool could_read = was->owner == BY_HOST || was->lent == LENT_HOST;
	u64 word = 0, at = sim_first_other(page, book.fill[page], &word);

	if (is->owner == BY_HYP || (is->lent == LENT_HYP && is->count)) {
		book.filled[page] = false;
		return;
	}
	if (was->owner != is->owner && !could_read) {
		book.fill[page] = 0; /* zeroed on its way, whoever has it now */
		book.filled[page] = true;
	}
	if (book.filled[page] && !sim_is_filled(page, book.fill[page]))
		sim_fail("page %u, from owner %u to %u, should be full of %#llx: word %llu is "
			 "%#llx", page, was->owner, is->owner, book.fill[page],
			 at, word);
}

void contents_allow_zeroes(const struct call *call)
{
	bool vm = call->x[0] == RD_HVC_VM_CREATE, vcpu = call->x[0] == RD_HVC_VCPU_CREATE;
	u64 pfn = vm ? call->x[1] : call->x[3], n = vm ? book.object_pages : book.vcpu_pages, i;

	for (i = 0; call->out[0] && (vm || vcpu) && i < n; i++) {
		u32 page = sim_page(pfn + i);

		if (page != SIM_NO_PAGE && book.filled[page] && sim_is_filled(page, 0))
			book.fill[page] = 0;
	}
}

void contents_check(void)
{
	u32 i, sample = (u32)rng_below(&sim.rng, sim.nr_pages);

	for (i = 0; i < sim.nr_pages; i++) {
		bool moved = !same_page(&world_was.page[i], &world_is.page[i]);

		if (moved || i == sample)
			contents_check_page(i);
		/* What EL2 wrote a vCPU's state to is the host's to fill again. */
		if (moved && !book.filled[i] && hosts_alone(&world_is, i)) {
			book.fill[i] = i + 1;
			book.filled[i] = true;
			sim_fill(i, book.fill[i]);
		}
	}
}

void world_start(void)
{
	u32 i;

	world_observe(&world_is);
	for (i = 0; i < sim.nr_pages; i++) {
		if (!sim_is_chunk(i) && !hosts_alone(&world_is, i))
			sim_fail("page %u is not the host's at first", i);
		if (sim_is_chunk(i))
			continue;
		book.fill[i] = i + 1;
		book.filled[i] = true;
		sim_fill(i, book.fill[i]);
	}
	world_was = world_is;
}
