// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated physical memory: first fit from the end of what was never used, then
 * from what came back. A page that was freed is filled with something that looks
 * like a valid descriptor, so that whoever still reads it is led astray at once.
 */
#include "mem.h"

#define POISON      0x5f
#define POISON_WORD 0x5f5f5f5f5f5f5f5full

void mem_init(struct mem *mem, size_t bytes)
{
	memset(mem, 0, sizeof(*mem));
	mem->bytes = bytes;
	mem->host = aligned_alloc(MEM_ALIGN, bytes);
	mem->page = calloc(bytes >> 12, sizeof(*mem->page));
	mem->free_list = calloc(bytes >> 12, sizeof(*mem->free_list));
	if (!mem->host || !mem->page || !mem->free_list) {
		fprintf(stderr, "judge: no memory for %zu bytes of tables\n", bytes);
		exit(2);
	}
}

void mem_reset(struct mem *mem, u64 pa, unsigned int granule_bits)
{
	mem->pa = pa;
	mem->granule_bits = granule_bits;
	mem->npages = (u32)(mem->bytes >> granule_bits);
	mem->next = mem->nfree = mem->in_use = 0;
	mem->fail_after = -1;
	memset(mem->page, 0, mem->npages * sizeof(*mem->page));
}

void mem_fini(struct mem *mem)
{
	free(mem->host);
	free(mem->page);
	free(mem->free_list);
}

static size_t granule(const struct mem *mem)
{
	return (size_t)1 << mem->granule_bits;
}

static u32 take(struct mem *mem, u32 npages, size_t align)
{
	u32 first;

	if (npages == 1 && align <= granule(mem) && mem->nfree)
		return mem->free_list[--mem->nfree];
	first = mem->next;
	while (((size_t)first << mem->granule_bits) & (align - 1))
		mem->free_list[mem->nfree++] = first++;
	if (first + npages > mem->npages) {
		fprintf(stderr, "judge: the simulated memory is too small\n");
		exit(2);
	}
	mem->next = first + npages;
	return first;
}

static u8 *hand_out(struct mem *mem, u32 npages, size_t align)
{
	u32 first, i;

	if (!mem->fail_after)
		return NULL;
	if (mem->fail_after > 0)
		mem->fail_after--;
	first = take(mem, npages, align);
	for (i = 0; i < npages; i++)
		mem->page[first + i] = (struct mem_page){.use = MEM_LOOSE};
	mem->in_use += npages;
	return mem->host + ((size_t)first << mem->granule_bits);
}

void *mem_alloc(struct mem *mem, u32 npages, size_t align)
{
	u8 *host = hand_out(mem, npages, align);

	if (host)
		memset(host, 0, npages * granule(mem));
	return host;
}

/* Fills a granule unless it was left alone since it was last filled. */
static void poison(const struct mem *mem, u8 *host)
{
	const u64 *word = (const u64 *)host;
	size_t last = granule(mem) / sizeof(*word) - 1;

	if (word[1] != POISON_WORD || word[last] != POISON_WORD)
		memset(host, POISON, granule(mem));
}

void *mem_alloc_rubbish(struct mem *mem)
{
	u8 *host = hand_out(mem, 1, 1);

	if (host)
		poison(mem, host);
	return host;
}

void mem_free(struct mem *mem, void *host)
{
	u32 index = (u32)((size_t)((u8 *)host - mem->host) >> mem->granule_bits);

	poison(mem, host);
	memset(host, POISON, sizeof(u64));
	mem->page[index].use = MEM_FREE;
	mem->free_list[mem->nfree++] = index;
	mem->in_use--;
}

bool mem_holds_pa(const struct mem *mem, u64 pa)
{
	return pa >= mem->pa && pa - mem->pa < mem->bytes;
}

bool mem_holds_host(const struct mem *mem, const void *host)
{
	uintptr_t at = (uintptr_t)host, base = (uintptr_t)mem->host;

	return at >= base && at - base < mem->bytes;
}

void *mem_to_host(const struct mem *mem, u64 pa)
{
	return mem->host + (size_t)(pa - mem->pa);
}

u64 mem_to_pa(const struct mem *mem, const void *host)
{
	return mem->pa + (size_t)((const u8 *)host - mem->host);
}

struct mem_page *mem_page_of(const struct mem *mem, const void *host)
{
	if (!mem_holds_host(mem, host))
		return NULL;
	return &mem->page[(size_t)((const u8 *)host - mem->host) >> mem->granule_bits];
}

void *mem_page_host(const struct mem *mem, const struct mem_page *page)
{
	return mem->host + ((size_t)(page - mem->page) << mem->granule_bits);
}

u64 mem_desc(const void *slot)
{
	const u8 *byte = slot;
	u64 v = 0;
	int i;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)byte;
	(void)i;
	memcpy(&v, slot, sizeof(v));
#else
	for (i = 7; i >= 0; i--)
		v = v << 8 | byte[i];
#endif
	return v;
}

bool mem_read_desc(void *ctx, u64 pa, u64 *desc)
{
	struct mem *mem = ctx;

	if (!mem_holds_pa(mem, pa) ||
	    mem->page[(size_t)(pa - mem->pa) >> mem->granule_bits].use == MEM_FREE)
		return false;
	*desc = mem_desc(mem_to_host(mem, pa));
	return true;
}
