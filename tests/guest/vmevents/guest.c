// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest: maps all addresses to themselves, turns its caches on, and visits its
 * pages. Everything is in one section that vm.c copies to the guest, so nothing here
 * may refer to what is not: no library, no tables, no vector registers.
 *
 * What a visit may find. `seen` is what the guest noted as it wrote the value; e is
 * end[page] before the visit's read, b is begin[page] after it.
 *
 *	value	fine, unless an event that began after the write has ended before the read
 *		(e > seen.begin), and the event promises that nothing stays
 *	empty	fine if an event was under way during the write (seen.begin > seen.end), or
 *		one has begun since (b > seen.begin)
 *	other	never
 */
#pragma GCC target("general-regs-only")
#pragma GCC optimize("no-jump-tables", "no-tree-loop-distribute-patterns")

#include "vm.h"

#define GUEST __attribute__((section("guest_code"), used))

/* x0: mailbox, x1: number of the CPU, x2: table, x3: stack. Level 1, 39 bits, 4K granule. */
__asm__(".pushsection guest_code, \"ax\"\n"
	".balign 4096\n"
	".global guest_entry\n"
	".hidden guest_entry\n"
	"guest_entry:\n"
	"	mov	x4, #0xff\n"		  /* attribute 0: write-back; 1: device */
	"	msr	mair_el1, x4\n"
	"	mov	x4, #0x3519\n"		  /* T0SZ 25, write-back, inner shareable */
	"	movk	x4, #0x0080, lsl #16\n"	  /* EPD1 */
	"	movk	x4, #0x5, lsl #32\n"	  /* IPS: 48 bits, or as many as there are */
	"	msr	tcr_el1, x4\n"
	"	msr	ttbr0_el1, x2\n"
	"	mov	sp, x3\n"
	"	tlbi	vmalle1\n"
	"	dsb	ish\n"
	"	isb\n"
	"	mrs	x4, sctlr_el1\n"
	"	mov	x5, #0x1005\n"		  /* M, C, I */
	"	orr	x4, x4, x5\n"
	"	msr	sctlr_el1, x4\n"
	"	isb\n"
	"	b	guest_main\n"
	".popsection\n");

#define barrier() __asm__ volatile("dmb ish" ::: "memory")

static inline uint32_t look32(const uint32_t *p)
{
	return *(const volatile uint32_t *)p;
}

static inline void tell(uint64_t what)
{
	*(volatile uint64_t *)REPORT_IPA = what;
}

static GUEST void wrong(struct mailbox *m, uint64_t what, uint64_t page, uint64_t got, uint64_t sweep)
{
	m->wrong.page = page;
	m->wrong.got = got;
	m->wrong.want = m->state[page].last;
	m->wrong.sweep = sweep;
	barrier();
	m->wrong.what = what;
	barrier();
	for (;;)
		tell(REPORT_WRONG);
}

static GUEST void visit(struct mailbox *m, struct guest_cpu *c, uint64_t page, bool write)
{
	volatile uint64_t *word = (volatile uint64_t *)(m->data + page * m->page_size);
	struct page_state *s = &m->state[page];
	uint32_t end = look32(&m->end[page]), begin;
	uint64_t got;

	barrier();
	got = *word;
	barrier();
	begin = look32(&m->begin[page]);
	if (got == s->last) {
		if (got && end > s->begin && !m->may_stay)
			wrong(m, WRONG_STALE, page, got, c->sweeps);
	} else if (!got) {
		if (s->begin == s->end && begin == s->begin)
			wrong(m, WRONG_LOST, page, got, c->sweeps);
		c->emptied++;
		s->last = 0;
	} else {
		wrong(m, WRONG_VALUE, page, got, c->sweeps);
	}
	if (!write)
		return;
	/* All pages of a sweep get the same value, so that KSM has something to merge. */
	*word = c->sweeps + 1;
	barrier();
	s->last = c->sweeps + 1;
	s->begin = look32(&m->begin[page]);
	s->end = end;
}

/* Cleans by set and way as a boot loader does, then turns the caches off and on again. */
static GUEST void set_way(struct guest_cpu *c)
{
	uint64_t sctlr, off;

	__asm__ volatile("dc	csw, xzr\n"
			 "dsb	sy\n"
			 "mrs	%0, sctlr_el1\n"
			 "bic	%1, %0, #4\n" /* C */
			 "msr	sctlr_el1, %1\n"
			 "isb\n"
			 "msr	sctlr_el1, %0\n"
			 "isb\n"
			 : "=&r"(sctlr), "=&r"(off) : : "memory");
	*(volatile uint64_t *)&c->set_ways = c->set_ways + 1;
}

GUEST void guest_main(struct mailbox *m, uint64_t number)
{
	struct guest_cpu *c = &m->cpu[number];

	for (;;) {
		uint32_t order = look32(&c->order);
		uint64_t page;

		if (order == ORDER_REST) {
			barrier();
			tell(REPORT_RESTS);
			continue;
		}
		if (order == ORDER_SET_WAY)
			set_way(c);
		for (page = number; page < m->pages; page += m->stride)
			visit(m, c, page, order != ORDER_READ);
		barrier();
		*(volatile uint64_t *)&c->sweeps = c->sweeps + 1;
	}
}
