// SPDX-License-Identifier: GPL-2.0-only
/*
 * One CPU runs at a time. Which goes on is decided by the machine's seed wherever EL2
 * takes or drops a lock, reads a word that may be shared, or has a barrier: a run with
 * several CPUs is repeated exactly by its seed. A CPU is a thread that has the baton.
 */
#include <pthread.h>

#include "sim.h"

/* So many turns of waiting, with nobody getting on, are a deadlock. */
#define WAITS_MAX 2000000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t turn[SIM_CPUS + 1];
	pthread_t thread[SIM_CPUS];
	u32 running;  /* CPU that has the baton; SIM_CPUS: the test has it */
	u32 busy;     /* CPUs whose job is not done */
	u64 waits;
	void (*job)(struct sim_cpu *cpu);
} sched = { .lock = PTHREAD_MUTEX_INITIALIZER, .running = SIM_CPUS };

/* Gives the baton away and waits until it is back. */
static void hand_over(u32 from, u32 to)
{
	pthread_mutex_lock(&sched.lock);
	sched.running = to;
	pthread_cond_signal(&sched.turn[to]);
	while (sched.running != from)
		pthread_cond_wait(&sched.turn[from], &sched.lock);
	pthread_mutex_unlock(&sched.lock);
}

/* Another CPU with something to do, or @self. */
static u32 pick_other(u32 self)
{
	u32 others = sched.busy & ~(1u << self), n = (u32)__builtin_popcount(others), k;

	if (!n)
		return self;
	for (k = (u32)rng_below(&sim.rng, n); k; k--)
		others &= others - 1;
	return (u32)__builtin_ctz(others);
}

static void switch_to_other(void)
{
	u32 self = sim_this->index, to = pick_other(self);

	if (to != self)
		hand_over(self, to);
}

void sim_switch_point(void)
{
	sched.waits = 0;
	if (sched.running == SIM_CPUS || !(sched.busy & (sched.busy - 1)))
		return;
	if (rng_chance(&sim.rng, sim.switch_percent))
		switch_to_other();
}

void sim_relax(void)
{
	if (sched.running == SIM_CPUS || !(sched.busy & ~(1u << sim_this->index)) ||
	    sched.waits++ > WAITS_MAX)
		sim_fail("deadlock: CPU %u waits for a lock that nobody will drop",
			 sim_this->index);
	switch_to_other();
}

static void *cpu_thread(void *arg)
{
	struct sim_cpu *cpu = arg;
	u32 self = cpu->index;

	sim_this = cpu;
	pthread_mutex_lock(&sched.lock);
	for (;;) {
		while (sched.running != self)
			pthread_cond_wait(&sched.turn[self], &sched.lock);
		pthread_mutex_unlock(&sched.lock);
		sched.job(cpu);
		pthread_mutex_lock(&sched.lock);
		sched.busy &= ~(1u << self);
		sched.running = sched.busy ? pick_other(self) : SIM_CPUS;
		pthread_cond_signal(&sched.turn[sched.running]);
	}
	return NULL;
}

void sim_sched_init(void)
{
	u32 i;

	for (i = 0; i <= SIM_CPUS; i++)
		pthread_cond_init(&sched.turn[i], NULL);
	for (i = 0; i < sim.nr_cpus; i++)
		if (pthread_create(&sched.thread[i], NULL, cpu_thread, &sim.cpu[i]))
			sim_fail("no thread for CPU %u", i);
}

void sim_run(u32 cpus, void (*job)(struct sim_cpu *cpu))
{
	u32 i;

	for (i = 0; i < sim.nr_cpus; i++)
		sim.cpu[i].insns = 0;
	/* One CPU alone has nobody to give way to: no thread is needed. */
	if (!(cpus & (cpus - 1))) {
		sim_this = &sim.cpu[__builtin_ctz(cpus)];
		job(sim_this);
		return;
	}
	sched.busy = cpus;
	sched.job = job;
	hand_over(SIM_CPUS, pick_other(SIM_CPUS));
}
