/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true of EL2 at every moment at which no call is under way, and which change
 * a call may make. Written from docs/ownership.md, docs/hypercalls.md and the invariants:
 * it looks at page tables as a CPU walks them, at the list of owners that EL2 tells, at
 * TLBs and at memory.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <redoubt/abi.h>

#include "sim.h"

/* A hypercall, and what came of it. */
struct call {
	u64 x[18], out[18];
	u64 esr;
	u32 cpu;
	bool way_out; /* it asked for the way out of EL2 */
};

/* Owners as OWNERS tells them. */
enum { BY_HOST, BY_HYP, BY_GUEST0 };
enum { LENT_NONE, LENT_HOST, LENT_HYP, LENT_GUESTS };

struct page_state {
	u16 owner, count;
	u8 state, lent;
	u8 host; /* what the host's stage 2 allows: MAP_* */
	u8 hyp;  /* is in EL2's stage 1 */
};

enum { MAP_R = 1, MAP_W = 2, MAP_X = 4 };

#define MAPS_MAX 8192

/* A page of a guest's address space. */
struct guest_map {
	u64 gfn;
	u32 page; /* SIM_NO_PAGE: taken by force, nothing may come here */
	u16 handle;
	u8 prot;
};

struct world {
	struct page_state page[SIM_PAGES_MAX];
	struct guest_map map[MAPS_MAX]; /* by handle, then gfn */
	u32 nr_maps;
};

#define VCPUS_MAX 4

/* What the host knows of a VM that it made. */
struct vm {
	bool used, is_protected, dying, empty;
	u8 width; /* of EL1: 64 or 32 bits; 0 as long as nobody has said so */
	u32 ipa_bits, max_vcpus;
	u64 pfn;
	bool vcpu[VCPUS_MAX];
	u64 state_pfn[VCPUS_MAX];
};

struct book {
	struct vm vm[RD_VM_MAX + 1];
	u16 given[SIM_PAGES_MAX];     /* to which VM's objects and tables a page went */
	u64 fill[SIM_PAGES_MAX];      /* the word that a page is full of */
	bool filled[SIM_PAGES_MAX];   /* @fill is known */
	u16 loaded[SIM_CPUS];	      /* VM and */
	u16 loaded_vcpu[SIM_CPUS];    /* vCPU that a CPU has loaded */
	u64 tables;		      /* pages of EL2's pool and of tables made from it */
	u64 object_pages, vcpu_pages;
	bool closed, released;
	bool mem_protect_wish;	      /* MEM_PROTECT, as the host has asked for it last */
};

extern struct book book;
/* The world before and after a call, and as it should be. */
extern struct world world_was, world_is;

/* Makes a hypercall on @cpu, without a look at what it did; returns x0. */
long el2_call(struct sim_cpu *cpu, struct call *call);
long el2_quiet(u64 function, u64 x1, u64 x2, u64 *out);

/* Sees what is, and fails the run if that breaks an invariant. */
void world_observe(struct world *world);
/* The first look: everything is the host's but for EL2's chunks. */
void world_start(void);
const struct guest_map *world_find(const struct world *world, u32 handle, u64 gfn);

/*
 * One call has been made with nothing beside it. First, before the host notes in its book
 * what came of it: how should the world be? Then, after a look: is it?
 */
void judge_expect(const struct call *call);
void judge_call(const struct call *call);
/* Several calls have run together. */
void judge_together(const struct call *calls, u32 nr);
/* The host has touched memory, or something else that changes no owner. */
void judge_unchanged(const char *what);
/* All VMs are gone: is everything the host's again? */
void judge_end(void);

static inline bool hosts_alone(const struct world *world, u32 page)
{
	return world->page[page].owner == BY_HOST && world->page[page].lent == LENT_NONE;
}

static inline bool same_page(const struct page_state *a, const struct page_state *b)
{
	return a->owner == b->owner && a->state == b->state && a->lent == b->lent &&
	       a->count == b->count && a->hyp == b->hyp;
}

/* ---- contents.c ---- */

/* After a call: pages that changed hands, and one at random. */
void contents_check(void);
void contents_check_page(u32 page);
/* EL2 zeroes what it takes for an object at once; refused later, it gives it back so. */
void contents_allow_zeroes(const struct call *call);

/* The address of a VM's object in EL2 (simulated) memory, for looking only. */
struct hyp_vm *vm_object(u32 handle);
u64 root_pages_of(u32 ipa_bits);

#endif /* ORACLE_H */
