// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile host against EL2's own code, on a simulated machine:
 *
 *	fuzz_hvc [--seed N] [--runs N] [--steps N] [--seconds N] [--run N] [--racer]
 *
 * Each run has a machine of its own, by its number: granule, CPUs, size of the pool. It
 * makes --steps calls, and then ends all VMs; after each call the oracle looks (oracle.h).
 * --run repeats one run of a seed; --seconds goes on with more runs until the time is over.
 * With --racer a second thread rewrites, all the time, what the host has lent to EL2: runs
 * are then not repeatable. Prints "ok: words" or "FAILED: words".
 *
 * Built with LIBFUZZER it is a target for libFuzzer: the bytes are the choices.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors.h"
#include "setup.h"

static struct {
	u64 seed, runs, steps, seconds, only;
	bool racer;
} options = { .seed = 1, .runs = 16, .steps = 2500, .only = ~0ULL };

static struct rng choices;
/* Calls of a step, by CPU. */
static struct call calls[SIM_CPUS];

/* ---- What the host has lent ---- */

static pthread_mutex_t lent_lock = PTHREAD_MUTEX_INITIALIZER;
static bool lent[SIM_PAGES_MAX];
static u32 lent_list[64], nr_lent;

bool sim_lent_word(u64 pa)
{
	u32 page = sim_page(pa >> sim.shape->shift);

	return page != SIM_NO_PAGE && lent[page];
}

static void note_lent(void)
{
	u32 i;

	pthread_mutex_lock(&lent_lock);
	nr_lent = 0;
	for (i = 0; i < sim.nr_pages; i++) {
		const struct page_state *p = &world_is.page[i];

		lent[i] = p->lent == LENT_HYP && p->count;
		if (lent[i] && nr_lent < 64)
			lent_list[nr_lent++] = i;
	}
	pthread_mutex_unlock(&lent_lock);
}

static void forget_lent(void)
{
	pthread_mutex_lock(&lent_lock);
	nr_lent = 0;
	pthread_mutex_unlock(&lent_lock);
}

/* ---- Steps ---- */

static void describe(const struct call *call, const char *beside)
{
	size_t n = strlen(sim_call_words);

	if (!*beside)
		n = 0;
	snprintf(sim_call_words + n, sizeof(sim_call_words) - n,
		 "%sCPU %u: call %lld(%#llx, %#llx, %#llx, %#llx, %#llx) = %lld, %#llx", beside,
		 call->cpu, (long long)(call->x[0] - RD_HVC_BASE), call->x[1], call->x[2],
		 call->x[3], call->x[4], call->x[5], (long long)call->out[0], call->out[1]);
}

static void job_call(struct sim_cpu *cpu)
{
	el2_call(cpu, &calls[cpu->index]);
}

/* The VM that has a vCPU's state in a page, if it is one of AArch32. */
static bool of_aarch32(u64 pfn)
{
	u32 handle, i;

	for (handle = 1; handle <= RD_VM_MAX; handle++)
		for (i = 0; i < VCPUS_MAX && book.vm[handle].used; i++)
			if (book.vm[handle].vcpu[i] && book.vm[handle].state_pfn[i] == pfn)
				return book.vm[handle].width == 32;
	return false;
}

/* Words that EL2 reads at its leisure: sane ones, most of the time, or nothing would run. */
static void fill_states(void)
{
	u32 i;

	for (i = 0; i < sim.nr_pages; i++) {
		struct rd_vcpu_state *state = sim_ram(sim_pfn(i) << sim.shape->shift);
		bool a32;

		if (!lent[i] || !rng_chance(&choices, 30))
			continue;
		/* What AArch32 guests had in their registers is looked for again there. */
		a32 = of_aarch32(sim_pfn(i));
		if (!a32)
			memset(state, 0, sizeof(*state));
		state->pstate = rng_chance(&choices, 90) ? (a32 ? 0x1d3 : 0x3c5) :
							   rng_next(&choices, 4);
		state->flags = rng_chance(&choices, 50) ? RD_VCPU_VGIC : rng_next(&choices, 2);
		state->vgic.used_lrs = rng_chance(&choices, 80) ? rng_below(&choices, 5) : ~0ULL;
	}
}

static void look(void)
{
	sim_this = &sim.cpu[0];
	world_observe(&world_is);
	note_lent();
}

static void after_call(const struct call *call)
{
	if (call->x[0] == RD_HVC_VCPU_RUN && !call->out[0]) {
		guest_check_secrets(call);
		guest_check_a32(call);
	}
	host_note(call);
	if (sim.cpu[call->cpu].on)
		host_check_cpu(&sim.cpu[call->cpu]);
}

static u32 some_cpu(void)
{
	u32 i;

	do {
		i = (u32)rng_below(&choices, sim.nr_cpus);
		if (choices.dry)
			for (i = 0; !sim.cpu[i].on;)
				i++;
	} while (!sim.cpu[i].on);
	return i;
}

static void step_call(bool sane)
{
	u32 cpu = some_cpu();

	calls[cpu] = sane ? host_choose_sane(cpu) : host_choose(cpu);
	describe(&calls[cpu], "");
	sim_run(1u << cpu, job_call);
	describe(&calls[cpu], "");
	forget_lent();
	judge_expect(&calls[cpu]);
	after_call(&calls[cpu]);
	look();
	judge_call(&calls[cpu]);
}

static bool returns_pages(const struct call *call)
{
	return call->x[0] == RD_HVC_VM_RECLAIM && call->out[1];
}

/* All CPUs at once. What goes back is noted before what is given. */
static void step_together(void)
{
	u32 cpus = 0, i;

	sim_call_words[0] = 0;
	for (i = 0; i < sim.nr_cpus; i++) {
		if (!sim.cpu[i].on)
			continue;
		calls[i] = rng_chance(&choices, 60) ? host_choose_sane(i) : host_choose(i);
		/* Often the same page, VM and address. */
		if (i && rng_chance(&choices, 40)) {
			calls[i] = calls[0];
			calls[i].cpu = i;
		}
		cpus |= 1u << i;
		describe(&calls[i], " | ");
	}
	sim_run(cpus, job_call);
	sim_call_words[0] = 0;
	for (i = 0; i < sim.nr_cpus; i++)
		if (cpus >> i & 1)
			describe(&calls[i], " | ");
	forget_lent();
	for (i = 0; i < sim.nr_cpus; i++)
		if (cpus >> i & 1 && returns_pages(&calls[i]))
			after_call(&calls[i]);
	for (i = 0; i < sim.nr_cpus; i++)
		if (cpus >> i & 1 && !returns_pages(&calls[i]))
			after_call(&calls[i]);
	look();
	judge_together(calls, sim.nr_cpus);
}

static void job_touch(struct sim_cpu *cpu)
{
	host_touch(cpu);
}

static void step_touch(void)
{
	u32 cpu = some_cpu();

	snprintf(sim_call_words, sizeof(sim_call_words), "CPU %u: an access to memory", cpu);
	sim_run(1u << cpu, job_touch);
	look();
	judge_unchanged("an access to memory");
	host_check_cpu(&sim.cpu[cpu]);
}

static void job_smc(struct sim_cpu *cpu)
{
	host_smc(cpu);
}

static void job_start(struct sim_cpu *cpu)
{
	host_cpu_started(cpu);
}

static void step_smc(void)
{
	u32 cpu = some_cpu(), i;

	sim_run(1u << cpu, job_smc);
	for (i = 0; i < sim.nr_cpus; i++)
		if (sim_firmware_starts(i))
			sim_run(1u << i, job_start);
	look();
	judge_unchanged("an SMC");
	if (sim.cpu[cpu].on)
		host_check_cpu(&sim.cpu[cpu]);
}

static void step_fp(void)
{
	u32 cpu = some_cpu();

	snprintf(sim_call_words, sizeof(sim_call_words), "CPU %u: FP registers", cpu);
	sim_this = &sim.cpu[cpu];
	if (!host_choose_floating_point(&sim.cpu[cpu]))
		sim_fail("the host does not get its FP registers back");
}

static void step(void)
{
	u64 kind = rng_below(&choices, 100);

	world_was = world_is;
	fill_states();
	if (kind < 45)
		step_call(true);
	else if (kind < 75)
		step_call(false);
	else if (kind < 85 && sim.nr_cpus > 1)
		step_together();
	else if (kind < 92)
		step_touch();
	else if (kind < 97)
		step_smc();
	else
		step_fp();
}

/* ---- A run ---- */

static void close_cpu(struct sim_cpu *cpu)
{
	struct call call = { .cpu = cpu->index, .x = { RD_HVC_HOST_SHARE_HYP, 0x40000, 1 },
			     .esr = (u64)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL };

	host_mark_registers(cpu);
	if (el2_call(cpu, &call) != -EPERM)
		sim_fail("a call works before CLOSE");
	call.x[0] = RD_HVC_CLOSE;
	if (el2_call(cpu, &call))
		sim_fail("CLOSE returns %lld", (long long)call.out[0]);
}

static u64 size_of(u64 bits, u32 which)
{
	u64 out[18];

	return el2_quiet(RD_HVC_VM_SIZES, bits, 0, out) ? 0 : out[which];
}

u64 root_pages_of(u32 ipa_bits)
{
	static u64 pages[65];
	static bool known[65];
	struct sim_cpu *was = sim_this;

	if (ipa_bits > 64)
		return 0;
	if (!known[ipa_bits])
		pages[ipa_bits] = size_of(ipa_bits, 2);
	known[ipa_bits] = true;
	sim_this = was;
	return pages[ipa_bits];
}

static void start(u64 seed, u64 run)
{
	const struct sim_shape *shape = &sim_shapes[run % sim_nr_shapes];
	u32 cpus = 1 + (u32)(run / sim_nr_shapes + run) % SIM_CPUS, i;

	snprintf(sim_run_words, sizeof(sim_run_words),
		 "seed %llu, run %llu: %s, %u CPUs (--seed %llu --run %llu)", seed, run,
		 shape->name, cpus, seed, run);
	sim_boot(shape, cpus, seed * 1000 + run);
	sim.switch_percent = 3 + (u32)rng_below(&sim.rng, 30);
	sim.hostile = !options.racer;
	sim.racing = options.racer;
	host_init(&choices);
	for (i = 0; i < cpus; i++)
		if (sim.cpu[i].on)
			close_cpu(&sim.cpu[i]);
	book.closed = true;
	book.object_pages = size_of(40, 1);
	book.vcpu_pages = size_of(40, 3);
	for (i = 32; i <= 64; i++)
		root_pages_of(i);
	if (!book.object_pages || !book.vcpu_pages)
		sim_fail("VM_SIZES does not say");
	world_start();
	note_lent();
}

/* A call that a host makes until it is done. */
static void sane(u32 cpu, u64 function, u64 handle)
{
	calls[cpu] = (struct call){ .cpu = cpu, .x = { function, handle },
				    .esr = (u64)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL };
	if (function == RD_HVC_VM_TOPUP) {
		calls[cpu].x[2] = 1;
		for (calls[cpu].x[3] = 0; calls[cpu].x[3] < sim.nr_pages; calls[cpu].x[3]++)
			if (world_is.page[calls[cpu].x[3]].owner == BY_HOST &&
			    world_is.page[calls[cpu].x[3]].lent == LENT_NONE)
				break;
		calls[cpu].x[3] = sim_pfn((u32)calls[cpu].x[3]);
	}
	world_was = world_is;
	sim_run(1u << cpu, job_call);
	describe(&calls[cpu], "");
	forget_lent();
	judge_expect(&calls[cpu]);
	after_call(&calls[cpu]);
	look();
	judge_call(&calls[cpu]);
}

#define END_STEPS 40000

static void end_vm(u32 cpu, u32 handle)
{
	u32 i;

	for (i = 0; book.vm[handle].used && i < END_STEPS; i++) {
		sane(cpu, book.vm[handle].empty ? RD_HVC_VM_RECLAIM : RD_HVC_VM_TEARDOWN, handle);
		if ((long)calls[cpu].out[0] == -ENOMEM && !book.vm[handle].empty)
			sane(cpu, RD_HVC_VM_TOPUP, handle);
	}
	if (book.vm[handle].used)
		sim_fail("VM %u does not end", handle);
}

/* Loans to EL2 that no vCPU pins are the host's to end. */
static void end_loans(void)
{
	u32 i;

	for (i = 0; i < sim.nr_pages; i++) {
		if (world_is.page[i].lent != LENT_HYP)
			continue;
		if (el2_quiet(RD_HVC_HOST_UNSHARE_HYP, sim_pfn(i), 1, NULL))
			sim_fail("a loan of page %u does not end", i);
	}
	world_was = world_is;
	world_observe(&world_is);
}

static void end_all(void)
{
	u32 i, cpu = some_cpu();

	for (i = 0; i < sim.nr_cpus; i++) {
		/* A CPU that went off with a vCPU on it comes back and puts it. */
		if (!book.loaded[i])
			continue;
		if (!sim.cpu[i].on)
			sim_fail("CPU %u is off and has a vCPU loaded", i);
		sane(i, RD_HVC_VCPU_PUT, 0);
	}
	for (i = 1; i <= RD_VM_MAX; i++)
		if (book.vm[i].used)
			end_vm(cpu, i);
	end_loans();
	judge_end();
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static bool started;
	const char *shape = getenv("FUZZ_HVC_RUN");

	if (!started)
		start(1, shape ? strtoull(shape, NULL, 0) : 0);
	started = true;
	choices = rng_from_bytes(data, size);
	while (!choices.dry)
		step();
	end_all();
	return 0;
}
#else

/* What the host lends, rewritten at any moment from a thread of its own. */
static void *race(void *arg)
{
	struct rng rng = rng_seeded(options.seed + 77);

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lent_lock);
		if (nr_lent) {
			u64 pfn = sim_pfn(lent_list[rng_below(&rng, nr_lent)]);
			u64 *page = sim_ram(pfn << sim.shape->shift);

			page[rng_below(&rng, sizeof(struct rd_vcpu_state) / 8)] =
				rng_chance(&rng, 50) ? rng_next(&rng, 8) : rng_below(&rng, 64);
		}
		pthread_mutex_unlock(&lent_lock);
	}
	return NULL;
}

static void must(u64 function, u64 x1, long want)
{
	long ret = el2_quiet(function, x1, 0, NULL);

	if (ret != want)
		sim_fail("at launch or end: call %llu returns %ld, not %ld", function - RD_HVC_BASE,
			 ret, want);
}

static void one_run(u64 seed, u64 run)
{
	pthread_t racer;
	u64 i;

	choices = rng_seeded(seed * 7919 + run);
	start(seed, run);
	if (options.racer && pthread_create(&racer, NULL, race, NULL))
		sim_fail("no thread");
	for (i = 0; i < options.steps; i++)
		step();
	end_all();
	must(RD_HVC_VM_TEARDOWN, 1, -ENOENT);
	must(RD_HVC_RELEASE, 0, 0);
	book.released = true;
}

/* Each run in a process of its own: EL2's data begins as launch finds it. */
static bool run_apart(u64 run)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (!child) {
		one_run(options.seed, run);
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (status && !(WIFEXITED(status) && WEXITSTATUS(status) == 1))
		printf("FAILED: seed %llu, run %llu ends with status %#x\n", options.seed, run,
		       status);
	return !status;
}

static u64 number(int argc, char **argv, int *i)
{
	if (++*i == argc) {
		fprintf(stderr, "%s: a number is missing\n", argv[0]);
		exit(2);
	}
	return strtoull(argv[*i], NULL, 0);
}

static void parse(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seed"))
			options.seed = number(argc, argv, &i);
		else if (!strcmp(argv[i], "--runs"))
			options.runs = number(argc, argv, &i);
		else if (!strcmp(argv[i], "--steps"))
			options.steps = number(argc, argv, &i);
		else if (!strcmp(argv[i], "--seconds"))
			options.seconds = number(argc, argv, &i);
		else if (!strcmp(argv[i], "--run"))
			options.only = number(argc, argv, &i);
		else if (!strcmp(argv[i], "--racer"))
			options.racer = true;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	u64 run, done = 0;
	time_t end;

	parse(argc, argv);
	end = time(NULL) + (time_t)options.seconds;
	for (run = 0; run < options.runs || (options.seconds && time(NULL) < end); run++) {
		if (options.only != ~0ULL && run != options.only) {
			if (run > options.only)
				break;
			continue;
		}
		if (!run_apart(run))
			return 1;
		done++;
	}
	printf("ok: %llu runs of %llu steps from seed %llu%s\n", done, options.steps, options.seed,
	       options.racer ? ", with a racing thread" : "");
	return 0;
}
#endif

const char *__asan_default_options(void);

/* SIGSEGV is how EL2's pages open. */
const char *__asan_default_options(void)
{
	return "allow_user_segv_handler=1:detect_leaks=0:detect_stack_use_after_return=0";
}
