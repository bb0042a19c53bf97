/* SPDX-License-Identifier: MIT */
/*
 * Recordings of any content: one that is taken has all its indices within its
 * tables and texts that are printable, can be written and read again, and
 * sums can be made of it; one that is refused has a reason.
 *
 * An input that begins with 'P' is instead a list of changes to the page of a
 * process, ten bytes each: where (in 16 bytes), and eight bytes to put there.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_main.h"
#include "tools/profile_sum.h"

#define CHANGE	10u

#define NUMBERS								\
	"\"pid\":7,\"clock_ms\":90000,\"lasted_ms\":60000,"		\
	"\"round_ms\":1000,\"interval\":524288,\"cell\":262144,"	\
	"\"resident\":524288,\"stored\":4096,\"pool\":900,\"samples\":2,"	\
	"\"lost\":0,\"no_stack\":0,\"unwind_ns\":1,\"asked\":1,"	\
	"\"asked_ns\":1,\"sampler_ns\":1,\"fault_ns\":9000,"
#define HEAD								\
	"{\"schema\":\"uzswap.profile.v1\",\"command\":\"a\","		\
	"\"recorded\":\"2026-01-01T00:00:00Z\",\"version\":\"0\","	\
	"\"fp\":false,\"reuse\":[0,1,2]," NUMBERS

const char *const fuzz_seeds[] = {
	HEAD "\"modules\":[{\"start\":4096,\"end\":8192,\"offset\":0,"
	"\"path\":\"/a\",\"build_id\":\"ab\"}],\"frames\":[{\"pc\":4100,"
	"\"module\":0,\"symbols\":[{\"function\":\"f\",\"file\":\"f.c\","
	"\"line\":3},{\"function\":\"g\",\"line\":0}]},{\"pc\":1,"
	"\"symbols\":[]}],\"sites\":[{\"kind\":\"malloc\",\"thread\":\"t\","
	"\"samples\":2,\"bytes\":1000.5,\"count\":2.0,\"variance\":1.0,"
	"\"stack\":[0,1]}],\"points\":[{\"addr\":4096,\"idle_ms\":20000,"
	"\"slack_ms\":9,\"state\":2,\"uses\":1,\"packed\":900,\"cell\":true,"
	"\"site\":0,\"site_bytes\":500.0},{\"addr\":8192,\"idle_ms\":0,"
	"\"slack_ms\":0,\"state\":1,\"uses\":0,\"packed\":65535,"
	"\"cell\":true}],\"maps\":[{\"start\":4096,\"end\":9000,"
	"\"resident\":4096,\"name\":\"anon\"}],\"rows\":[{\"at_ms\":5,"
	"\"heat\":\"9 \"}]}",
	HEAD "\"modules\":[],\"frames\":[],\"sites\":[],\"points\":[],"
	"\"maps\":[],\"rows\":[]}",
	"P\20\0\1\0\0\0\0\0\0\0\60\0\377\377\377\377\377\377\377\377",
	"P\10\0abcdefgh\11\0abcdefgh\12\0\377\377\377\377\0\0\0\0",
	NULL,
};

const char *const fuzz_words[] = {
	"-1", "0", "1", "65535", "9223372036854775807", "1e308", "1e999",
	"null", "true", "[]", "{}", "\"\"", "\\u0000", "\\u001b[2J", "\"site\":",
	"\"stack\":[0,0,0,0,0,0,0,0]", "\"module\":1", "\"state\":5",
	"\"heat\":\"\"", "\"cell\":4095", "\377\377\377\377\377\377\377\377",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_profile: broken: %s\n", what);
	abort();
}

static void check_text(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			fail("a control character");
}

static void check_tables(const struct profile *p)
{
	if (p->cell < PROFILE_PAGE || !p->interval)
		fail("a cell or an interval of nothing");
	for (size_t i = 0; i < p->nr_frames; i++) {
		const struct profile_frame *f = &p->frames[i];

		if (f->module != PROFILE_NONE && f->module >= p->nr_modules)
			fail("a module that is not there");
		if (f->first_symbol + (size_t)f->nr_symbols > p->nr_symbols)
			fail("a symbol that is not there");
	}
	for (size_t i = 0; i < p->nr_symbols; i++)
		check_text(p->symbols[i].function);
	for (size_t i = 0; i < p->nr_modules; i++)
		check_text(p->modules[i].path);
	for (size_t i = 0; i < p->nr_sites; i++) {
		const struct profile_site *s = &p->sites[i];

		if (s->first_frame + (size_t)s->nr_frames > p->nr_stack)
			fail("a stack that is not there");
		if (!(s->bytes >= 0) || !(s->variance >= 0))
			fail("less than no bytes");
		check_text(s->thread);
	}
	for (size_t i = 0; i < p->nr_stack; i++)
		if (p->stack[i] >= p->nr_frames)
			fail("a frame that is not there");
	for (size_t i = 0; i < p->nr_points; i++)
		if ((p->points[i].site != PROFILE_NONE &&
		     p->points[i].site >= p->nr_sites) ||
		    p->points[i].state >= UZSWAP_POINT_NR_STATES)
			fail("a site or state that is not there");
	for (size_t i = 0; i < p->nr_rows; i++)
		if (strlen(p->rows[i].heat) != p->nr_points)
			fail("heat of other points");
}

static void check_sums(const struct profile *p)
{
	struct profile_sum sum;

	if (profile_sum_make(&sum, p, 10000))
		exit(99);
	for (unsigned i = 0; i < PROFILE_NR_AGES; i++)
		if (!(sum.ages[i].cold >= 0) || !(sum.ages[i].pool >= 0) ||
		    sum.ages[i].refused > sum.ages[i].cold)
			fail("ages do not add up");
	for (size_t i = 0; i < sum.nr_sites; i++) {
		const struct profile_site_sum *s = &sum.sites[i];

		if (!(s->cold >= 0) || isnan(s->bytes) || isnan(s->idle_ms))
			fail("a site that is not a number");
	}
	profile_sum_free(&sum);
}

/* Written and read again it is the same. */
static void check_again(const struct profile *p)
{
	struct profile again;
	char why[160] = "";
	char *text = profile_format(p);
	char *second;

	if (!text)
		fail("cannot be written");
	if (profile_parse(&again, text, strlen(text), why, sizeof(why)))
		fail(why);
	second = profile_format(&again);
	if (!second || strcmp(text, second))
		fail("written twice it is not the same");
	free(text);
	free(second);
	profile_free(&again);
}

static void check(struct profile *p, bool again)
{
	check_tables(p);
	check_sums(p);
	if (again)
		check_again(p);
	profile_free(p);
}

/* --- the page ------------------------------------------------------------ */

static size_t lay_out(struct uzswap_profile *h)
{
	uint64_t at = PROFILE_PAGE;

	h->magic = UZSWAP_PROFILE_MAGIC;
	h->version = UZSWAP_PROFILE_VERSION;
	h->size = sizeof(*h);
	h->updated_ns = 5000000000;
	h->nr_sites = UZSWAP_PROFILE_SITES;
	h->nr_frames = UZSWAP_PROFILE_FRAMES;
	h->nr_live = UZSWAP_PROFILE_LIVE;
	h->nr_points = UZSWAP_PROFILE_POINTS;
	h->sites_at = at;
	at += h->nr_sites * sizeof(struct uzswap_profile_site);
	h->frames_at = at;
	at += h->nr_frames * sizeof(uint64_t);
	h->live_at = at;
	at += h->nr_live * sizeof(struct uzswap_profile_live);
	h->points_at = at;
	return at + h->nr_points * sizeof(struct uzswap_profile_point);
}

/* The N'th place of the head, a site, a live row, or a point. */
static uint64_t place(const struct uzswap_profile *h, size_t n)
{
	const uint64_t at[] = {
		0, h->sites_at, h->frames_at, h->live_at, h->points_at,
	};

	return at[n % 5] + n / 5 % 512 * 8;
}

static void try_page(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct uzswap_profile h = { 0 };
	struct profile_page page;
	struct profile p = { 0 };
	char why[160] = "";
	size_t len = lay_out(&h);

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)len) ||
	    pwrite(fd, &h, sizeof(h), 0) != sizeof(h))
		exit(99);
	for (size_t i = 0; i + CHANGE <= size && i < 64 * CHANGE; i += CHANGE) {
		size_t n = data[i] | (size_t)data[i + 1] << 8;

		if (pwrite(fd, data + i + 2, 8, (off_t)place(&h, n)) != 8)
			exit(99);
	}
	/* an odd sequence number is only waiting */
	if (pwrite(fd, &(uint32_t){ 2 }, 4,
		   offsetof(struct uzswap_profile, seq)) != 4)
		exit(99);
	if (profile_page_read(&page, fd, true, why, sizeof(why))) {
		if (!*why)
			fail("refused without a reason");
		return;
	}
	if (profile_take_page(&p, &page))
		exit(99);
	profile_page_free(&page);
	check(&p, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned pages;
	struct profile p;
	char why[160] = "";

	/* a page is 13 MiB: with one in 16 the others get their turn */
	if (size && data[0] == 'P') {
		if (pages++ % 16 == 0)
			try_page(data + 1, size - 1);
	} else if (profile_parse(&p, (const char *)data, size, why,
				 sizeof(why)) == 0) {
		check(&p, true);
	} else if (!*why) {
		fail("refused without a reason");
	}
	return 0;
}
