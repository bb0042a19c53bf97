/* SPDX-License-Identifier: MIT */
/*
 * records.c - the bytes written come from 4 MiB of values made beforehand, so
 * that writing is limited by memory and not by the making of text.  What is
 * kept beside the records (tables, source) is 1/250 of them and 5 MiB.
 */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "data.h"

#define SOURCE		(4u << 20)
#define BUSY		65536u

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(99);
	}
	return p;
}

static uint64_t *record(const struct records *r, size_t page, unsigned i)
{
	return r->at + (page * PER_PAGE + i) * WORDS;
}

static uint64_t head(const struct records *r, size_t page, unsigned i)
{
	size_t number = page * PER_PAGE + i;

	return number | (uint64_t)r->version[number] << 40;
}

/* Sums of words and of sums: an exchange of words shows, too. */
static uint64_t sum(const uint64_t *p, uint64_t first)
{
	uint64_t a = first;
	uint64_t b = 0;

	for (unsigned k = 2; k < WORDS; k++) {
		a += p[k];
		b += a;
	}
	return b;
}

void records_init(struct records *r, size_t nr_pages)
{
	const struct data_set set = { DATA_MIXED, 1 };
	size_t at = 0;
	char *to;

	r->at = map(nr_pages * PAGE);
	r->nr_pages = nr_pages;
	r->version = map(nr_pages * PER_PAGE);
	r->busy = map(BUSY);
	to = map(SOURCE + DATA_VALUE_MAX);
	data_init();
	for (uint64_t i = 0; at < SOURCE; i++)
		at += data_value(&set, i, 0, to + at);
	r->source = (uint64_t *)to;
	r->nr_source = SOURCE / RECORD;
	for (size_t i = 0; i < r->nr_source; i++)
		r->source[i * WORDS + 1] = sum(r->source + i * WORDS, 0);
}

/* Neighbours in a page take neighbours of the source. */
void record_write(struct records *r, size_t page, unsigned i)
{
	uint64_t *p = record(r, page, i);
	size_t number = page * PER_PAGE + i;
	size_t from = data_mix64(page) + i;

	r->version[number]++;
	from += r->version[number] * (size_t)PER_PAGE;
	memcpy(p, r->source + from % r->nr_source * WORDS, RECORD);
	p[0] = head(r, page, i);
	p[1] += (WORDS - 2) * p[0];	/* as sum(p, p[0]) would say */
}

bool record_check(const struct records *r, size_t page, unsigned i)
{
	const uint64_t *p = record(r, page, i);

	return p[0] == head(r, page, i) && p[1] == sum(p, p[0]);
}

void page_lock(struct records *r, size_t page)
{
	while (__atomic_test_and_set(&r->busy[page % BUSY], __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

void page_unlock(struct records *r, size_t page)
{
	__atomic_clear(&r->busy[page % BUSY], __ATOMIC_RELEASE);
}
