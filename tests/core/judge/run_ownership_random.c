// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page ownership over real page tables, at random: machines of every granule, format
 * and size, sequences of steps and host faults, some of them short of table pages;
 * after each, what every CPU sees is compared with the model. The seed is printed; a
 * failing sequence is shrunk and shown.
 *
 *	run_ownership_random [--seed N] [--ops N] [--quick]
 */
#include "ownership_actions.h"

#define SEQUENCE 300

static void report(const struct ja_tally *tally, const struct jm_machine *m, u64 machines)
{
	enum jo_op op;

	for (op = 0; op < JO_NR_OPS; op++)
		printf("%-22s %8llu\n", jo_op_name(op), tally->op[op]);
	printf("ok: %llu steps done, %llu refused, %llu starved, %llu host faults on %llu "
	       "machines\n",
	       tally->done, tally->refused, m->starved, tally->touched, machines);
	printf("ok: %llu leaves went live, and nobody else was in reach of the page\n", m->makes);
}

int main(int argc, char **argv)
{
	static struct jm_machine m;
	static struct ja_sequence seq;
	static struct ja_tally tally;
	u64 seed = jo_argument(argc, argv, "--seed", 1);
	u64 ops = jo_argument(argc, argv, "--ops", jo_quick(argc, argv) ? 6000 : 60000), machines;
	u32 failed_at;
	bool ok = true;

	printf("seed %llu, %llu operations\n", seed, ops);
	jm_init(&m);
	for (machines = 0; ok && machines * SEQUENCE < ops; machines++)
		ok = ja_run(&m, &seq, seed * 1000003 + machines, SEQUENCE, &tally);
	if (ok) {
		report(&tally, &m, machines);
	} else {
		printf("FAILED: %s\n", m.target.problem);
		ja_shrink(&m, &seq);
		ja_replay(&m, &seq, &failed_at);
		printf("after shrinking: %s\n", m.target.problem);
		ja_print(&m, &seq);
	}
	jm_fini(&m);
	printf("%d passed, %d failed\n", ok ? 2 : 0, !ok);
	return !ok;
}
