/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things are for the guest, and its VMM. */
#define CODE_IPA    0x40000000
#define REPORT_IPA  0x10000000 /* no memory, as the next two */
#define REFUSED_IPA 0x20000000
#define DONE_IPA    0x30000000
#define SECOND	    0x800 /* of REPORT_IPA: what the second vCPU reports */
/* Of REFUSED_IPA: where a load makes a system error pending, and stores begin and end steps. */
#define SERROR	    0x40
#define STEP_BEGIN  0x48
#define STEP_END    0x4c
