/* SPDX-License-Identifier: MIT */
/*
 * Statistics pages of any content: whatever zctl makes of one keeps what
 * tools/snapshot.h promises.
 *
 * An input is a list of changes to a good page, ten bytes each: where, and
 * eight bytes to put there.  A first byte of 'R' takes the rest as the page
 * itself; one of 'C' cuts the file at the place of the next change.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_main.h"
#include "tools/snapshot.h"

#define LEN	4096u
#define CHANGE	10u

const char *const fuzz_seeds[] = {
	"D@1abcdefgh\200\1aaaaaaaa\220\1~~~~~~~~",
	"Cx2abcdefgh", "C\100\1abcdefgh", "C\377\1\377\377\377\377",
	"R\165\172\167\141\160\163\137\163\164\1",
	NULL,
};

const char *const fuzz_words[] = {
	"\377\377\377\377\377\377\377\377", "\1\1\1\1\1\1\1\1", "\20\1",
	"\30\1", "\300\1", "\310\1", "\320\1", "\330\1", "\340\1", "\350\1",
	"\360\1", "\33[2J\n\r\t\b",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_snapshot: broken: %s\n", what);
	abort();
}

static void fill(uint8_t *page)
{
	struct uzswap_stats s = {
		.magic = UZSWAP_STATS_MAGIC,
		.version = UZSWAP_STATS_VERSION,
		.size = sizeof(s),
		.seq = 2,
		.nr_counters = UZSWAP_NR_COUNTERS,
		.nr_buckets = UZSWAP_NR_BUCKETS,
		.managed = 1000,
		.resident = 400,
		.stored = 500,
		.untouched = 100,
		.pool = 300,
		.packed = 200,
		.metadata = 50,
	};

	memset(page, 0, LEN);
	memcpy(page, &s, sizeof(s));
}

/* Make the page; returns the length of its file. */
static size_t make(uint8_t *page, const uint8_t *data, size_t size)
{
	size_t len = LEN;
	const uint32_t even = ~(uint32_t)1;
	uint32_t seq;

	fill(page);
	if (size && data[0] == 'R')
		memcpy(page, data + 1, size - 1 < LEN ? size - 1 : LEN);
	for (size_t i = 1; i + CHANGE <= size && data[0] != 'R'; i += CHANGE) {
		size_t at = data[i] | (size_t)data[i + 1] << 8;

		at %= LEN - 8;
		memcpy(page + at, data + i + 2, 8);
		if (data[0] == 'C')
			len = at;
	}
	/* an odd sequence number is only waiting */
	memcpy(&seq, page + offsetof(struct uzswap_stats, seq), sizeof(seq));
	seq &= even;
	memcpy(page + offsetof(struct uzswap_stats, seq), &seq, sizeof(seq));
	return len;
}

static void check_text(const char *text, size_t len)
{
	if (strnlen(text, len) == len)
		fail("a text without end");
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			fail("a control character");
}

static void check(const struct snapshot *snap)
{
	const struct uzswap_stats *s = &snap->s;
	double last = 0;

	if (s->managed != s->resident + s->stored + s->untouched)
		fail("managed is not the sum");
	if (s->leaving > s->resident || s->refused > s->resident ||
	    s->disk > s->stored || s->registered > s->managed)
		fail("a part is larger than the whole");
	if (s->packed + s->metadata > s->pool)
		fail("pool is less than its parts");
	if (s->state >= UZSWAP_NR_STATES || s->managed >> 57 || s->pool >> 57)
		fail("out of bounds");
	if (s->started_ns > s->updated_ns || s->updated_ns > snap->taken_ns)
		fail("in the future");
	for (unsigned i = 0; i < UZSWAP_NR_COUNTERS; i++)
		if (s->counters[i] > INT64_MAX)
			fail("a counter is negative");
	check_text(s->name, sizeof(s->name));
	check_text(s->note, sizeof(s->note));
	check_text(s->engine, sizeof(s->engine));
	check_text(s->compressor, sizeof(s->compressor));
	check_text(s->limit_source, sizeof(s->limit_source));
	check_text(s->library_version, sizeof(s->library_version));
	for (double share = 0; share <= 1; share += .25) {
		double us = snapshot_fault_us(snap, share);

		if (!(us >= last) || us > 1e8)
			fail("percentiles do not rise");
		last = us;
	}
	if (snapshot_ratio(snap) < 0)
		fail("ratio");
	(void)snapshot_saved(snap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot snap;
	static uint8_t page[LEN];
	static int fd = -1;
	char why[64] = "";
	size_t len = make(page, data, size);

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, page, len, 0) != (ssize_t)len)
		exit(99);
	if (snapshot_read(&snap, fd, why, sizeof(why)) == 0)
		check(&snap);
	else if (!*why)
		fail("refused without a reason");
	return 0;
}
