// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that makes a protected guest take memory for MMIO, so as to be shown what the
 * guest stores there. The guest is a few instructions that store a secret: to where the
 * host gave nothing, to what it declared memory, to a page that the host took back by
 * force, and around the MMIO guard.
 */
#include <linux/mm.h>

#include <redoubt/vcpu.h>
#include "attack.h"
#include "victim.h"

#define SECRET 0xfeed5ec7e7f00dUL

/* x4 is the secret; x5, x6, x7 are pages: never given; taken back; a device. */
asm(".pushsection .rodata\n"
    "	.balign 4096\n"
    "attack_mmio_guest:\n"
    "	movz	x4, #0xf00d\n"
    "	movk	x4, #0xc7e7, lsl #16\n"
    "	movk	x4, #0xed5e, lsl #32\n"
    "	movk	x4, #0xfe, lsl #48\n"
    "	movz	x5, #0x8000, lsl #16\n"
    "	movz	x6, #0x9000, lsl #16\n"
    "	movz	x7, #0xa000, lsl #16\n"
    "	str	x4, [x5]\n" /* 1: nothing said: the host is shown it */
    "	str	x4, [x6]\n" /* no exit, the host gave it */
    "	str	xzr, [x7]\n" /* 2: a device; the host takes x6's page now */
    "	str	x4, [x6]\n" /* 3: a page that was lost */
    "	b	.\n"
    "	.balign 64\n"
    "attack_mmio_declares:\n"
    "	movz	x4, #0xf00d\n"
    "	movk	x4, #0xc7e7, lsl #16\n"
    "	movk	x4, #0xed5e, lsl #32\n"
    "	movk	x4, #0xfe, lsl #48\n"
    "	movz	x7, #0xa000, lsl #16\n"
    "	movz	x0, #0xc600, lsl #16\n"
    "	movk	x0, #0x30\n"
    "	movz	x1, #0x8000, lsl #16\n"
    "	movz	x2, #0x0020, lsl #16\n"
    "	mov	x3, #0\n"
    "	hvc	#0\n" /* MEM_DECLARE */
    "	str	x0, [x7]\n" /* 1: its result, to a device */
    "	str	x4, [x1]\n" /* 2, and again when the page is there */
    "	movz	x0, #0xc600, lsl #16\n"
    "	movk	x0, #0x7\n"
    "	mov	x1, x7\n"
    "	hvc	#0\n" /* MMIO_GUARD */
    "	str	x0, [x7]\n" /* 3: its result */
    "	movz	x5, #0xb000, lsl #16\n"
    "	str	x4, [x5]\n" /* 4: not enrolled */
    "	b	.\n"
    "attack_mmio_end:\n"
    ".popsection\n");

extern const char attack_mmio_guest[], attack_mmio_declares[], attack_mmio_end[];

#define NEVER_GIVEN 0x80000000UL
#define TAKEN_BACK  0x90000000UL
#define DEVICE	    0xa0000000UL
#define NOT_LISTED  0xb0000000UL

/* Table pages: as many as three places far from each other need. */
#define TABLES 15

struct guest {
	struct victim v;
	struct page *code, *data;
};

static long give(struct guest *g, u64 ipa, struct page *page)
{
	return victim_map(&g->v, ipa >> PAGE_SHIFT, page);
}

static long make_guest(struct guest *g)
{
	long ret = victim_make(&g->v, RD_VM_PROTECTED);

	if (ret)
		return ret;
	g->code = alloc_page(GFP_KERNEL | __GFP_ZERO);
	g->data = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!g->code || !g->data)
		return -ENOMEM;
	memcpy(page_address(g->code), attack_mmio_guest, attack_mmio_end - attack_mmio_guest);
	ret = victim_topup(&g->v, TABLES) == TABLES ? 0 : -ENOMEM;
	if (!ret)
		ret = rd_hvc4(RD_HVC_VCPU_CREATE, g->v.handle, 0, page_to_pfn(g->v.vcpu),
			      page_to_pfn(g->v.state));
	return ret ? ret : give(g, 0, g->code);
}

/* The pages are the host's again when the VM has ended; make_guest() may have failed half-way. */
static void free_guest(struct seq_file *m, struct guest *g)
{
	victim_end(m, &g->v);
	if (g->code)
		__free_page(g->code);
	if (g->data)
		__free_page(g->data);
}

/*
 * Until the guest traps: interrupts of the host's own come between. A guest that got
 * past its last store spins, and ends by as many interrupts as no other sees.
 */
static long next_trap(struct guest *g)
{
	long why = RD_EXIT_IRQ;
	int i;

	for (i = 0; i < 500 && why == RD_EXIT_IRQ; i++)
		why = run_vcpu();
	return why;
}

/* Runs to the next trap, which should be a fault at @ipa. */
static void faults_at(struct seq_file *m, struct guest *g, const char *what, u64 ipa)
{
	const struct rd_vcpu_state *s = page_address(g->v.state);

	report(m, what, ipa, next_trap(g) == RD_EXIT_TRAP ? s->exit.hpfar >> 4 << 12 : -1);
}

/* Is the secret anywhere in what the host is shown? The page is cleared for the next time. */
static long shown(struct rd_vcpu_state *s)
{
	long n = 0;
	int i;

	for (i = 0; i < 31; i++) {
		n += s->x[i] == SECRET;
		s->x[i] = 0;
	}
	return n;
}

static void done(struct rd_vcpu_state *s)
{
	s->flags |= RD_VCPU_SKIP;
}

static void taken_back(struct seq_file *m, struct guest *g)
{
	struct rd_vcpu_state *s = page_address(g->v.state);

	report(m, "mmio: give a page", 0, give(g, TAKEN_BACK, g->data));
	preempt_disable();
	rd_hvc2(RD_HVC_VCPU_LOAD, g->v.handle, 0);
	faults_at(m, g, "mmio: a store to nothing exits", NEVER_GIVEN);
	report(m, "mmio: its data is shown, as the guest said nothing", 1, shown(s));
	done(s);
	faults_at(m, g, "mmio: a store to a device exits", DEVICE);
	report(m, "mmio: memory is taken by force", 0,
	       rd_hvc3(RD_HVC_GUEST_RECLAIM, g->v.handle, TAKEN_BACK >> PAGE_SHIFT, 1));
	done(s);
	faults_at(m, g, "mmio: a store to what was taken exits", TAKEN_BACK);
	report(m, "mmio: its data is not shown", 0, shown(s));
	done(s);
	faults_at(m, g, "mmio: and the store can't be called done", TAKEN_BACK);
	report(m, "mmio: a page in its place", -EPERM, give(g, TAKEN_BACK, g->data));
	rd_hvc0(RD_HVC_VCPU_PUT);
	preempt_enable();
}

static void declared(struct seq_file *m, struct guest *g)
{
	struct rd_vcpu_state *s = page_address(g->v.state);

	s->pc = attack_mmio_declares - attack_mmio_guest;
	s->x[0] = ~0UL; /* not a result */
	preempt_disable();
	rd_hvc2(RD_HVC_VCPU_LOAD, g->v.handle, 0);
	faults_at(m, g, "mmio: the guest declares memory", DEVICE);
	report(m, "mmio: which is taken note of", 0, s->x[0]);
	done(s);
	faults_at(m, g, "mmio: a store to declared memory exits", NEVER_GIVEN);
	report(m, "mmio: its data is not shown either", 0, shown(s));
	report(m, "mmio: the host gives the page", 0, give(g, NEVER_GIVEN, g->data));
	s->x[0] = ~0UL;
	faults_at(m, g, "mmio: the guest goes on, and uses the guard", DEVICE);
	report(m, "mmio: which is taken note of as well", 0, s->x[0]);
	done(s);
	faults_at(m, g, "mmio: a store to a page not enrolled", NOT_LISTED);
	report(m, "mmio: is not shown", 0, shown(s));
	rd_hvc0(RD_HVC_VCPU_PUT);
	preempt_enable();
}

static void with_guest(struct seq_file *m, void (*attack)(struct seq_file *m, struct guest *g))
{
	struct guest g = {};
	long ret = make_guest(&g);

	report(m, "mmio: a protected VM made by hand", 0, ret);
	if (!ret)
		attack(m, &g);
	if (g.v.handle)
		free_guest(m, &g);
}

int attack_mmio(struct seq_file *m)
{
	with_guest(m, taken_back);
	with_guest(m, declared);
	return 0;
}
