/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a map draws each class of owner with. The colours differ for people who do not see
 * all of them, too (after Okabe and Ito); letters say the same where there is no colour.
 */
#ifndef REDOUBT_TOOL_PALETTE_H
#define REDOUBT_TOOL_PALETTE_H

#include "owners.h"

static const struct {
	char letter;
	unsigned char terminal; /* of the 256 */
	const char *web;
} palette[OWNERS_CLASSES] = {
	[OWNERS_HOST] = { '.', 242, "#c9cfd6" },   [OWNERS_EL2] = { 'E', 166, "#d55e00" },
	[OWNERS_LENT] = { 'L', 178, "#e6b422" },   [OWNERS_LETTER] = { 'X', 137, "#8c6d46" },
	[OWNERS_WINDOW] = { 'W', 205, "#e754a6" }, [OWNERS_VM0] = { 'A', 36, "#009e73" },
	[OWNERS_VM0 + 1] = { 'B', 68, "#0072b2" }, [OWNERS_VM0 + 2] = { 'C', 135, "#9a5fd0" },
	[OWNERS_VM0 + 3] = { 'D', 80, "#56b4e9" }, [OWNERS_VM0 + 4] = { 'F', 107, "#86a33c" },
	[OWNERS_VM0 + 5] = { 'G', 30, "#147a7a" }, [OWNERS_VM0 + 6] = { 'H', 98, "#6a4fb0" },
	[OWNERS_VM0 + 7] = { 'I', 71, "#4caf50" }, [OWNERS_VM0 + 8] = { 'J', 103, "#4f5d8f" },
};

#endif /* REDOUBT_TOOL_PALETTE_H */
