/* SPDX-License-Identifier: MIT */
/*
 * Keep, off, on and away on a real userfaultfd, in the process that was
 * started and in children it forks in each mode: all bytes are right at every
 * step, and a mode is what its name says.
 *
 * A thread goes on writing and checking its own part all the time.
 *
 * live_mode [move|wp [SEED]] - with this engine, and under torture.
 */
#include "engine/engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/count.h"
#include "base/torture.h"
#include "engine/source.h"
#include "tests/preload/pattern.h"

#define PAGES		(96 * MIB / PAGE)
#define HOT_PAGES	(8 * MIB / PAGE)
#define LIMIT		(56 * MIB)
#define SEED		77u
#define LONG_NS		(60ull * 1000000000ull)

static struct engine engine;
static char *all;
static char *hot;
static atomic_bool stop;

static void prepare(void)
{
	fork_hold(&engine);
	fork_prepare(&engine);
}

static void parent(void)
{
	fork_parent(&engine);
}

static void child(void)
{
	fork_child(&engine);
}

static uint64_t stored(void)
{
	return page_total(&engine.pages, PAGE_STORED);
}

/* Does the kernel know anything as registered with userfaultfd ("um")? */
static bool is_registered(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool found = false;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmFlags:", 8) && strstr(line, " um"))
			found = true;
	fclose(f);
	return found;
}

static unsigned nr_threads(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		(void)!sscanf(line, "Threads: %u", &n);
	fclose(f);
	return n;
}

static void *write_all_the_time(void *arg)
{
	uint64_t turn = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		for (size_t n = 0; n < HOT_PAGES; n++) {
			if (turn)
				verify(hot + n * PAGE, turn + n);
			fill(hot + n * PAGE, turn + 1 + n);
		}
		turn++;
	}
	return NULL;
}

static void wait_until_stored(uint64_t least)
{
	for (int i = 0; i < 2000 && stored() < least; i++)
		sleep_ms(10);
	CHECK(stored() >= least);
}

/* Under torture the kernel seems to lack memory now and then. */
static void go_on(void)
{
	unsigned tries = torture_is_on() ? 100 : 1;

	while (!mode_go(&engine, MODE_ON, LONG_NS))
		CHECK(--tries);
}

/* The steward looks through all its books, and ends the process if wrong. */
static void check_books(void)
{
	CHECK(audit_wait(&engine, LONG_NS));
}

static void check_on(void)
{
	fill_all(all, PAGES, SEED);
	wait_until_stored(PAGES / 8);
	CHECK(atomic_load(&engine.state) == UZSWAP_ACTIVE);
	verify_all(all, PAGES, SEED);
	check_books();
}

/* In a child: one page more than there are must be found. */
static void check_false_books(void)
{
	count_one(UZSWAP_COUNT_evicted);
	check_books();
}

static void check_keep(void)
{
	uint64_t left;

	CHECK(mode_go(&engine, MODE_KEEP, LONG_NS));
	CHECK(atomic_load(&engine.state) == UZSWAP_PAUSED);
	/* whoever was at it has come to an end by then */
	sleep_ms(200);
	left = count_get(UZSWAP_COUNT_leave_moved);
	verify_all(all, PAGES, SEED);
	CHECK(count_get(UZSWAP_COUNT_leave_moved) == left);
	check_books();
}

static void check_off(void)
{
	CHECK(mode_go(&engine, MODE_OFF, LONG_NS));
	CHECK(atomic_load(&engine.state) == UZSWAP_OFF);
	CHECK(stored() == 0);
	CHECK(!is_registered());
	verify_all(all, PAGES, SEED);
	check_books();
}

/* Asked to go off, and to go on before it got there: it is as before. */
static void check_change_of_mind(void)
{
	mode_ask(&engine, MODE_OFF);
	while (!(atomic_load(&engine.stopping) & STOP_FOR_MODE) &&
	       mode_now(&engine.mode) != MODE_OFF)
		usleep(100);
	mode_ask(&engine, MODE_ON);
	for (int i = 0; i < 6000 &&
	     (atomic_load(&engine.stopping) & STOP_FOR_MODE); i++)
		usleep(10000);
	CHECK(!(atomic_load(&engine.stopping) & STOP_FOR_MODE));
	CHECK(mode_now(&engine.mode) == MODE_ON);
	check_on();
}

/* CHECK_IT in a child of this very moment, too. */
static void in_child(void (*check_it)(void))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		verify_all(all, PAGES, SEED);
		/* under torture it may have got no memory to begin anew with */
		if (!torture_is_on() || atomic_load(&engine.ready) == 1)
			check_it();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void in_child_that_aborts(void (*check_it)(void))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		check_it();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void check_every_mode(void)
{
	if (atomic_load(&engine.state) == UZSWAP_OFF) {
		CHECK(!mode_go(&engine, MODE_KEEP, LONG_NS));
		go_on();
		check_on();
	}
	check_keep();
	check_off();
	go_on();
	check_on();
}

static void check_away(void)
{
	CHECK(mode_go(&engine, MODE_AWAY, LONG_NS));
	CHECK(stored() == 0);
	CHECK(!is_registered());
	verify_all(all, PAGES, SEED);
	CHECK(!mode_go(&engine, MODE_ON, LONG_NS));
}

int main(int argc, char **argv)
{
	const char *engine_name = argc > 1 ? argv[1] : "";
	const struct engine_config cfg = {
		.limit = LIMIT,
		.min_mapping = 64 * KIB,
		.accept_pct = 75,
		.codecs = CODEC_PAIR_LZ4,
		.dev_fd = -1,
		.kind = !strcmp(engine_name, "move") ? ENGINE_MOVE :
			!strcmp(engine_name, "wp") ? ENGINE_WP : ENGINE_AUTO,
		.torture = argc > 2 ? strtoull(argv[2], NULL, 10) : 0,
	};
	pthread_t writer;

	if (!source_is_there(&cfg))
		SKIP("no userfaultfd");
	exempt_add(&engine.exempt, EXEMPT_NEVER,
		   (uintptr_t)&engine & PAGE_MASK,
		   round_up((uintptr_t)(&engine + 1), PAGE_SIZE));
	CHECK(!pthread_atfork(prepare, parent, child));
	all = map_pages(PAGES);
	hot = map_pages(HOT_PAGES);
	CHECK(!engine_wake(&engine, &cfg));
	check_on();
	CHECK(!pthread_create(&writer, NULL, write_all_the_time, NULL));
	check_change_of_mind();
	in_child(check_every_mode);
	for (int i = 0; i < 3; i++) {
		check_keep();
		in_child(check_every_mode);
		check_off();
		in_child(check_every_mode);
		go_on();
		check_on();
	}
	if (!torture_is_on())
		in_child_that_aborts(check_false_books);
	in_child(check_away);
	check_away();
	atomic_store(&stop, true);
	CHECK(!pthread_join(writer, NULL));
	CHECK(nr_threads() == 1);
	return 0;
}
