/* SPDX-License-Identifier: MIT */
/*
 * Ageing on a real userfaultfd, with no limit at all: idle memory is stored;
 * nothing is while the program has been harmed, by whatever; and when much of
 * what was stored comes back, memory has to be idle for longer.
 */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "engine/source.h"
#include "tests/preload/pattern.h"

#define PAGES		(128 * MIB / PAGE)
#define SEED		5u
#define AGE_MS		200
#define STALL_MS	100
#define SECONDS_MOST	60

static struct engine engine;
static char *all;

static uint64_t aged(void)
{
	return count_get(UZSWAP_COUNT_aged);
}

/* As if faults had just taken all the time there is. */
static void harm(void)
{
	count_add(UZSWAP_COUNT_fault_ns, 10 * NS_PER_S);
}

static void wait_until_aged(uint64_t least)
{
	double end = now() + SECONDS_MOST;

	while (aged() < least && now() < end)
		sleep_ms(20);
	CHECK(aged() >= least);
}

static void check_idle_memory_is_stored(void)
{
	wait_until_aged(PAGES / 16);
	CHECK(engine.age.pace.patience == 1);
	CHECK(!engine.adopt.closed);
}

static void check_harm_stops_it(void)
{
	uint64_t before;

	harm();
	/* what was on its way */
	sleep_ms(1500);
	before = aged();
	for (int i = 0; i < 30; i++) {
		harm();
		sleep_ms(100);
	}
	CHECK(aged() == before);
	CHECK(engine.age.pace.rate <= atomic_load(&engine.regions.bytes) / 64);
	/* it is forgotten after a while */
	wait_until_aged(before + PAGES / 128);
}

static void check_refaults_make_it_patient(void)
{
	double end = now() + SECONDS_MOST;

	while (engine.age.pace.patience < 2 && now() < end) {
		verify_all(all, PAGES, SEED);
		count_add(UZSWAP_COUNT_faults_stored, PAGES);
		sleep_ms(100);
	}
	CHECK(engine.age.pace.patience >= 2);
}

static void check_off(void)
{
	const struct engine_config off = { .max_stall_ms = STALL_MS };
	uint64_t before;

	age_set(&engine, &off);
	for (int i = 0; i < 500 && engine.age.nr_out; i++)
		sleep_ms(10);
	CHECK(!engine.age.nr_out);
	before = aged();
	sleep_ms(1000);
	CHECK(aged() == before);
	verify_all(all, PAGES, SEED);
}

int main(void)
{
	struct engine_config cfg = {
		.min_mapping = 64 * KIB,
		.accept_pct = 75,
		.codecs = CODEC_PAIR_LZ4,
		.pool_max_pct = 100,
		.min_age_ms = AGE_MS,
		.max_stall_ms = STALL_MS,
		.dev_fd = -1,
	};

	if (!source_is_there(&cfg))
		SKIP("no permission for a userfaultfd");
	exempt_add(&engine.exempt, EXEMPT_NEVER,
		   (uintptr_t)&engine & PAGE_MASK,
		   round_up((uintptr_t)(&engine + 1), PAGE_SIZE));
	all = map_pages(PAGES);
	fill_all(all, PAGES, SEED);
	CHECK(!engine_wake(&engine, &cfg));
	while (!atomic_load(&engine.ready))
		sleep_ms(1);
	CHECK(atomic_load(&engine.ready) == 1);
	if (!engine.use_move)
		SKIP("ageing needs UFFDIO_MOVE");
	check_idle_memory_is_stored();
	check_harm_stops_it();
	check_refaults_make_it_patient();
	check_off();
	return 0;
}
