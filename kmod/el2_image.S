/* SPDX-License-Identifier: GPL-2.0-only */
/* The EL2 program, as built from hyp/. */
#include <linux/linkage.h>

	.section .rodata, "a"
	.balign	16
SYM_DATA_START(rd_hyp_image)
	.incbin	"redoubt-hyp.bin"
SYM_DATA_END_LABEL(rd_hyp_image, SYM_L_GLOBAL, rd_hyp_image_end)
