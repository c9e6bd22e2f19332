// SPDX-License-Identifier: GPL-2.0-only
/*
 * A protected VM made by hand, by a host that lies: about its pages, its registers, its
 * exits and the answers to them. The guest holds a secret in its registers, and writes a
 * public number to an MMIO address for ever.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cacheflush.h>
#include <asm/esr.h>

#include <redoubt/vcpu.h>
#include "victim.h"

#define CODE_GFN (0x40000000 >> PAGE_SHIFT)
#define DATA_GFN (CODE_GFN + 16)
#define WINDOW	 0x41000000 /* what the guest shares, before the host has given it */
#define MMIO	 0x10000000
#define PUBLIC	 0x1234
#define SECRET	 0x5ec5ec5ec5ec5ec5ULL

static const u32 code[] = {
	0, 0, 0, 0, /* fill_code(): the secret into x5 */
	0xd2a20007, /* mov x7, #MMIO */
	0xd2824686, /* mov x6, #PUBLIC */
	0x52800060, /* mov w0, #3: MEM_SHARE */
	0x72b8c000, /* movk w0, #0xc600, lsl #16 */
	0xd2a82001, /* mov x1, #WINDOW */
	0xd2800002, /* mov x2, #0 */
	0xd2800003, /* mov x3, #0 */
	0xd4000002, /* hvc #0 */
	0xf90008e0, /* str x0, [x7, #16] */
	0xf94000e1, /* again: ldr x1, [x7] */
	0xf90000e6, /* str x6, [x7] */
	0xf90004e1, /* str x1, [x7, #8] */
	0x17fffffd, /* b again */
};

/* MOVZ or MOVK x5, #@value, LSL #(16 * @hw) */
static u32 move(u32 opcode, u32 hw, u16 value)
{
	return opcode | hw << 21 | (u32)value << 5 | 5;
}

static void fill_code(u32 *to)
{
	int i;

	memcpy(to, code, sizeof(code));
	for (i = 0; i < 4; i++)
		to[i] = move(i ? 0xf2800000 : 0xd2800000, i, SECRET >> (16 * i));
	caches_clean_inval_pou((unsigned long)to, (unsigned long)(to + ARRAY_SIZE(code)));
}

/* Pages for the guest's tables: more than its two places need. */
#define TABLES 8

struct prot {
	struct victim v;
	long elsewhere; /* what another CPU was answered */
	struct page *code, *data, *window;
	struct rd_vcpu_state *state;
};

static long set_up(struct prot *p)
{
	long ret = victim_make(&p->v, RD_VM_PROTECTED);

	if (ret)
		return ret;
	p->code = alloc_page(GFP_KERNEL | __GFP_ZERO);
	p->data = alloc_page(GFP_KERNEL | __GFP_ZERO);
	p->window = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!p->code || !p->data || !p->window)
		return -ENOMEM;
	fill_code(page_address(p->code));
	p->state = page_address(p->v.state);
	p->state->pc = (u64)CODE_GFN << PAGE_SHIFT;
	ret = victim_topup(&p->v, TABLES) == TABLES ? 0 : -ENOMEM;
	if (!ret)
		ret = rd_hvc4(RD_HVC_VCPU_CREATE, p->v.handle, 0, page_to_pfn(p->v.vcpu),
			      page_to_pfn(p->v.state));
	return ret ?: victim_map(&p->v, CODE_GFN, p->code) ?: victim_map(&p->v, DATA_GFN, p->data);
}

static u64 words_that_are(const struct rd_vcpu_state *state, u64 word)
{
	const u64 *at = (const u64 *)state;
	u64 i, n = 0;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		n += at[i] == word;
	return n;
}

/* Runs up to the next trap, loading anew after each interrupt. -errno or RD_EXIT_TRAP. */
static long run_to_trap(struct prot *p)
{
	long why = RD_EXIT_IRQ;
	int i;

	for (i = 0; i < 1000 && why == RD_EXIT_IRQ; i++) {
		preempt_disable();
		why = load_vcpu(&p->v);
		if (!why) {
			why = run_vcpu();
			rd_hvc0(RD_HVC_VCPU_PUT);
		}
		preempt_enable();
		cond_resched();
	}
	return why;
}

static bool is_store(const struct prot *p)
{
	return p->state->exit.esr & ESR_ELx_WNR;
}

/* The guest shares a page that it has not got: nothing but the page itself is an answer. */
static void forged_share(struct seq_file *m, struct prot *p)
{
	u64 word;

	report(m, "share of a page that is not there: the exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "share of a page that is not there: asks for it", WINDOW,
	       p->state->exit.hpfar >> 4 << 12);
	p->state->x[0] = 0;
	p->state->flags = RD_VCPU_SKIP;
	report(m, "a forged answer: the exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "a forged answer: it asks again", WINDOW, p->state->exit.hpfar >> 4 << 12);
	report(m, "the page it asks for", 0, victim_map(&p->v, WINDOW >> PAGE_SHIFT, p->window));
	report(m, "its window before the share", -EFAULT,
	       copy_from_kernel_nofault(&word, page_address(p->window), 8));
	p->state->x[0] = ~0ULL;
	p->state->flags = RD_VCPU_SKIP;
	report(m, "share: the exit after it", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "share: the guest got EL2's answer, not the host's", 0,
	       is_store(p) ? p->state->x[0] : 1);
	report(m, "its window after the share", 0,
	       copy_from_kernel_nofault(&word, page_address(p->window), 8));
	p->state->flags = RD_VCPU_SKIP;
}

static void what_an_exit_shows(struct seq_file *m, struct prot *p)
{
	report(m, "by hand: the first exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "by hand: it is a load of MMIO", 1,
	       ESR_ELx_EC(p->state->exit.esr) == ESR_ELx_EC_DABT_LOW && !is_store(p));
	report(m, "by hand: its address", MMIO, p->state->exit.hpfar >> 4 << 12);
	report(m, "by hand: words of the state page that are the secret", 0,
	       words_that_are(p->state, SECRET));
	p->state->x[1] = 0xabcd;
	p->state->flags |= RD_VCPU_SKIP;
	report(m, "by hand: the exit after the load is answered", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "by hand: a store shows its data", PUBLIC, is_store(p) ? p->state->x[6] : 0);
	report(m, "by hand: and not its neighbours", 0, words_that_are(p->state, SECRET));
}

/* The host writes what it likes to the page: the next exits are as if it hadn't. */
static void forged_registers(struct seq_file *m, struct prot *p)
{
	memset(p->state->x, 0x41, sizeof(p->state->x));
	memset(p->state->sys, 0x41, sizeof(p->state->sys));
	p->state->pc = 0x41414141;
	p->state->pstate = 0;
	p->state->vmpidr = 0x41;
	p->state->flags = RD_VCPU_SKIP;
	report(m, "forged registers: the next exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "forged registers: is the next store, of what was loaded", 0xabcd,
	       is_store(p) ? p->state->x[1] : 0);
	/* Without an answer the access is made again. */
	p->state->flags = 0;
	report(m, "no answer: the exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "no answer: it is the same store", 0xabcd, is_store(p) ? p->state->x[1] : 0);
	p->state->flags = RD_VCPU_SKIP | RD_VCPU_DEBUG | RD_VCPU_ROUTE_DBG | RD_VCPU_VSERROR |
			  RD_VCPU_VIRQ | RD_VCPU_TRAP_VM;
	report(m, "flags that are not the host's: the exit", RD_EXIT_TRAP, run_to_trap(p));
	report(m, "flags that are not the host's: an MMIO load as ever", 1,
	       ESR_ELx_EC(p->state->exit.esr) == ESR_ELx_EC_DABT_LOW && !is_store(p));
}

static void wrong_pages(struct seq_file *m, struct prot *p)
{
	struct victim other = {};
	u64 h = p->v.handle;

	report(m, "by hand: donate a page twice", -EPERM, victim_map(&p->v, DATA_GFN + 1, p->data));
	report(m, "by hand: map over a page", -EPERM, victim_map(&p->v, DATA_GFN, p->v.state));
	report(m, "by hand: give it EL2's page", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, h, DATA_GFN + 2, a_hyp_pfn(), 1, RD_PROT_R));
	report(m, "another VM by hand", 0, victim_make(&other, 0));
	report(m, "the page into another VM", -EPERM,
	       rd_hvc5(RD_HVC_GUEST_MAP, other.handle, DATA_GFN, page_to_pfn(p->data), 1,
		       RD_PROT_R));
	victim_end(m, &other);
	/* Taken by force it is zeroed, and nothing takes its place: no replay of old pages. */
	report(m, "take a page by force", 0, rd_hvc3(RD_HVC_GUEST_RECLAIM, h, DATA_GFN, 1));
	report(m, "put the same page back", -EPERM, victim_map(&p->v, DATA_GFN, p->data));
	report(m, "put another in its place", -EPERM, victim_map(&p->v, DATA_GFN, p->v.state));
}

static void load_elsewhere(void *arg)
{
	struct prot *p = arg;

	p->elsewhere = load_vcpu(&p->v);
	if (!p->elsewhere)
		rd_hvc0(RD_HVC_VCPU_PUT);
}

static void on_two_cpus(struct seq_file *m, struct prot *p)
{
	int cpu;

	preempt_disable();
	report(m, "load", 0, load_vcpu(&p->v));
	report(m, "teardown while it is loaded", -EBUSY, rd_hvc1(RD_HVC_VM_TEARDOWN, p->v.handle));
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (cpu < nr_cpu_ids) {
		smp_call_function_single(cpu, load_elsewhere, p, 1);
		report(m, "one vCPU on two CPUs", -EBUSY, p->elsewhere);
	}
	report(m, "put", 0, rd_hvc0(RD_HVC_VCPU_PUT));
	preempt_enable();
}

static void after_its_end(struct seq_file *m, struct prot *p)
{
	u64 h = p->v.handle;

	report(m, "teardown begins", 0, rd_hvc1(RD_HVC_VM_TEARDOWN, h));
	preempt_disable();
	report(m, "run it after teardown began", -ENOENT, load_vcpu(&p->v));
	preempt_enable();
	report(m, "give it pages after teardown began", -ENOENT, victim_map(&p->v, DATA_GFN + 3, p->data));
	report(m, "a vCPU after teardown began", -ENOENT,
	       rd_hvc4(RD_HVC_VCPU_CREATE, h, 0, page_to_pfn(p->data), page_to_pfn(p->data)));
}

int attack_protected(struct seq_file *m)
{
	struct prot p = {};
	long ret = set_up(&p);

	report(m, "a protected VM by hand", 0, ret);
	if (ret)
		return 0;
	forged_share(m, &p);
	what_an_exit_shows(m, &p);
	forged_registers(m, &p);
	on_two_cpus(m, &p);
	wrong_pages(m, &p);
	rewrite_state(m, &p.v);
	memset(p.state, 0, sizeof(*p.state));
	after_its_end(m, &p);
	victim_end(m, &p.v);
	report(m, "its code page is zeroed", 1, !memchr_inv(page_address(p.code), 0, PAGE_SIZE));
	__free_page(p.code);
	__free_page(p.data);
	__free_page(p.window);
	return 0;
}
