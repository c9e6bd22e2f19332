/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of cmocka's interface as the unit tests use, in one header.
 *
 * cmocka is packaged for the build machine only, and the unit tests also run as
 * big-endian 32-bit MIPS programs under user-mode emulation. The output lines are
 * those of cmocka, so that one reader does for both. A name that is not here does
 * not compile: add it rather than leave a test out.
 */
#ifndef MIPS_CMOCKA_H
#define MIPS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
	const char *name;
	CMUnitTestFunction test_func;
	CMFixtureFunction setup_func;
	CMFixtureFunction teardown_func;
	void *initial_state;
};

enum { CMOCKA_RUN, CMOCKA_FAILED = 1, CMOCKA_SKIPPED = 2 };

static jmp_buf cmocka_env __attribute__((unused));

#define cmocka_unit_test(f)                                                                        \
	{                                                                                          \
#f, f, NULL, NULL, NULL                                                            \
	}
#define cmocka_unit_test_setup(f, s)                                                               \
	{                                                                                          \
#f, f, s, NULL, NULL                                                               \
	}
#define cmocka_unit_test_teardown(f, t)                                                            \
	{                                                                                          \
#f, f, NULL, t, NULL                                                               \
	}
#define cmocka_unit_test_setup_teardown(f, s, t)                                                   \
	{                                                                                          \
#f, f, s, t, NULL                                                                  \
	}
#define cmocka_unit_test_prestate(f, p)                                                            \
	{                                                                                          \
#f, f, NULL, NULL, p                                                               \
	}
#define cmocka_unit_test_prestate_setup_teardown(f, s, t, p)                                       \
	{                                                                                          \
#f, f, s, t, p                                                                     \
	}

#define print_message(...) printf(__VA_ARGS__)
#define print_error(...)   fprintf(stderr, __VA_ARGS__)

__attribute__((noreturn, unused)) static void cmocka_fail_at(const char *file, int line)
{
	fprintf(stderr, "%s:%d: error: Failure!\n", file, line);
	longjmp(cmocka_env, CMOCKA_FAILED);
}

#define fail() cmocka_fail_at(__FILE__, __LINE__)
#define fail_msg(...)                                                                              \
	do {                                                                                       \
		fprintf(stderr, "ERROR: " __VA_ARGS__);                                            \
		fputc('\n', stderr);                                                               \
		fail();                                                                            \
	} while (0)
#define skip() longjmp(cmocka_env, CMOCKA_SKIPPED)

#define cmocka_check(cond, words)                                                                  \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s\n", words);                                            \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* cmocka compares integers as the largest unsigned type, after the usual conversions. */
#define cmocka_compare(a, op, b, words)                                                            \
	do {                                                                                       \
		uintmax_t cmocka_a = (uintmax_t)(a), cmocka_b = (uintmax_t)(b);                    \
		if (!(cmocka_a op cmocka_b)) {                                                     \
			fprintf(stderr, "0x%jx %s 0x%jx (%s, %s)\n", cmocka_a, words, cmocka_b,    \
				#a, #b);                                                           \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

#define assert_true(c)             cmocka_check(c, #c)
#define assert_false(c)            cmocka_check(!(c), "!(" #c ")")
#define assert_null(p)             cmocka_check((p) == NULL, #p " == NULL")
#define assert_non_null(p)         cmocka_check((p) != NULL, #p " != NULL")
#define assert_int_equal(a, b)     cmocka_compare(a, ==, b, "!=")
#define assert_int_not_equal(a, b) cmocka_compare(a, !=, b, "==")
#define assert_return_code(rc, e)  cmocka_check((rc) >= 0, #rc " >= 0")
#define assert_ptr_equal(a, b)     cmocka_check((const void *)(a) == (const void *)(b), #a " == " #b)
#define assert_ptr_not_equal(a, b)                                                                 \
	cmocka_check((const void *)(a) != (const void *)(b), #a " != " #b)
#define assert_memory_equal(a, b, n)     cmocka_check(!memcmp(a, b, n), "memory " #a " == " #b)
#define assert_memory_not_equal(a, b, n) cmocka_check(memcmp(a, b, n), "memory " #a " != " #b)
#define assert_string_equal(a, b)        cmocka_check(!strcmp(a, b), "string " #a " == " #b)
#define assert_string_not_equal(a, b)    cmocka_check(strcmp(a, b), "string " #a " != " #b)
#define assert_in_range(v, lo, hi)                                                                 \
	do {                                                                                       \
		uintmax_t cmocka_v = (uintmax_t)(v);                                               \
		cmocka_check(cmocka_v >= (uintmax_t)(lo) && cmocka_v <= (uintmax_t)(hi),           \
			     #v " in [" #lo ", " #hi "]");                                         \
	} while (0)
#define assert_not_in_range(v, lo, hi)                                                             \
	do {                                                                                       \
		uintmax_t cmocka_v = (uintmax_t)(v);                                               \
		cmocka_check(cmocka_v<(uintmax_t)(lo) || cmocka_v>(uintmax_t)(hi),                 \
			     #v " not in [" #lo ", " #hi "]");                                     \
	} while (0)

/* Runs one test; returns how it ended. */
__attribute__((unused)) static int cmocka_run_one(const struct CMUnitTest *test, void *group)
{
	static void *state;
	static int how;

	state = test->initial_state ? test->initial_state : group;
	how = setjmp(cmocka_env);
	if (how == CMOCKA_RUN) {
		if (test->setup_func && test->setup_func(&state))
			return CMOCKA_FAILED;
		test->test_func(&state);
	}
	if (test->teardown_func && test->teardown_func(&state))
		return CMOCKA_FAILED;
	return how;
}

__attribute__((unused)) static int cmocka_run_all(const struct CMUnitTest *tests, size_t count,
						  CMFixtureFunction setup,
						  CMFixtureFunction teardown)
{
	static const char *const word[] = {"       OK ", "  FAILED  ", "  SKIPPED "};
	void *group = NULL;
	int failed = 0;
	size_t i;

	if (setup && setup(&group))
		return 1;
	for (i = 0; i < count; i++) {
		int how;

		fflush(stdout);
		how = cmocka_run_one(&tests[i], group);
		printf("[%s] %s\n", word[how], tests[i].name);
		failed += how == CMOCKA_FAILED;
	}
	if (teardown && teardown(&group))
		failed++;
	return failed;
}

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
	cmocka_run_all(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
	cmocka_run_group_tests(tests, setup, teardown)

#endif /* MIPS_CMOCKA_H */
