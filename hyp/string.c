// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four functions that a freestanding compiler may call. Memory is normal and
 * the MMU is on whenever C runs, so unaligned words are fine.
 */
#include "redoubt_port.h"

void *memset(void *dst, int byte, size_t size)
{
	u64 word = 0x0101010101010101ULL * (u8)byte;
	u8 *p = dst;

	while (size >= 16) {
		__builtin_memcpy(p, &word, 8);
		__builtin_memcpy(p + 8, &word, 8);
		p += 16;
		size -= 16;
	}
	while (size--)
		*p++ = (u8)byte;
	return dst;
}

void *memcpy(void *dst, const void *src, size_t size)
{
	const u8 *s = src;
	u8 *d = dst;
	u64 word;

	while (size >= 8) {
		__builtin_memcpy(&word, s, 8);
		__builtin_memcpy(d, &word, 8);
		d += 8;
		s += 8;
		size -= 8;
	}
	while (size--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t size)
{
	const u8 *s = src;
	u8 *d = dst;

	if (d <= s || d >= s + size)
		return memcpy(dst, src, size);
	while (size--)
		d[size] = s[size];
	return dst;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}
