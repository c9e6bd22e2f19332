/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calling EL2: the SMCCC 1.2 convention over `hvc #0`.
 *
 * Functions, arguments and results are listed in <redoubt/abi.h>. Registers that
 * a call's list of results doesn't name come back as they were, so none is
 * declared clobbered here. Callable from any context, with the EL2 program in
 * place (rd_launch() succeeded); where a call acts on "this CPU", the caller
 * keeps itself there.
 */
#ifndef REDOUBT_KMOD_HVC_H
#define REDOUBT_KMOD_HVC_H

#include <linux/types.h>
#include <redoubt/abi.h>

/* x1 to x3 of a call's results. */
struct rd_hvc_res {
	u64 x1;
	u64 x2;
	u64 x3;
};

static __always_inline long rd_hvc_res(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
				       struct rd_hvc_res *res)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;
	register u64 x4 asm("x4") = a4;
	register u64 x5 asm("x5") = a5;

	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
		     :
		     : "memory");
	res->x1 = x1;
	res->x2 = x2;
	res->x3 = x3;
	return x0;
}

static __always_inline long rd_hvc5(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct rd_hvc_res res;

	return rd_hvc_res(fn, a1, a2, a3, a4, a5, &res);
}

static __always_inline long rd_hvc4(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4)
{
	return rd_hvc5(fn, a1, a2, a3, a4, 0);
}

static __always_inline long rd_hvc3(u64 fn, u64 a1, u64 a2, u64 a3)
{
	return rd_hvc5(fn, a1, a2, a3, 0, 0);
}

static __always_inline long rd_hvc2(u64 fn, u64 a1, u64 a2)
{
	return rd_hvc5(fn, a1, a2, 0, 0, 0);
}

static __always_inline long rd_hvc1(u64 fn, u64 a1)
{
	return rd_hvc5(fn, a1, 0, 0, 0, 0);
}

static __always_inline long rd_hvc0(u64 fn)
{
	return rd_hvc5(fn, 0, 0, 0, 0, 0);
}

/*
 * The form for calls with up to 17 arguments or results: @x[0] is the function,
 * @x[1] to @x[17] are the arguments; all are replaced by what comes back.
 */
static __always_inline long rd_hvc_full(u64 x[18])
{
	register u64 base asm("x19") = (u64)x;

	asm volatile("ldp x0, x1, [%0]\n"
		     "ldp x2, x3, [%0, #16]\n"
		     "ldp x4, x5, [%0, #32]\n"
		     "ldp x6, x7, [%0, #48]\n"
		     "ldp x8, x9, [%0, #64]\n"
		     "ldp x10, x11, [%0, #80]\n"
		     "ldp x12, x13, [%0, #96]\n"
		     "ldp x14, x15, [%0, #112]\n"
		     "ldp x16, x17, [%0, #128]\n"
		     "hvc #0\n"
		     "stp x0, x1, [%0]\n"
		     "stp x2, x3, [%0, #16]\n"
		     "stp x4, x5, [%0, #32]\n"
		     "stp x6, x7, [%0, #48]\n"
		     "stp x8, x9, [%0, #64]\n"
		     "stp x10, x11, [%0, #80]\n"
		     "stp x12, x13, [%0, #96]\n"
		     "stp x14, x15, [%0, #112]\n"
		     "stp x16, x17, [%0, #128]\n"
		     :
		     : "r"(base)
		     : "memory", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		       "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	return x[0];
}

#endif /* REDOUBT_KMOD_HVC_H */
