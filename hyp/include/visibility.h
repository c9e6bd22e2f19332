/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything: no symbol of the image is visible outside, extern
 * ones included, so the compiler reaches all by PC-relative addresses and never
 * through a table that would need relocation.
 */
#pragma GCC visibility push(hidden)
