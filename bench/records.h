/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H
/*
 * records.h - an array of pages full of records that prove themselves.
 *
 *	page    16 records of 256 bytes
 *	record  word 0  number, version << 40
 *	        word 1  a sum over all the others, in order
 *	        the rest: mixed text, JSON and binary rows (tests/real/data.h)
 *
 * A reader sums the whole record and compares, and looks at the version in
 * a table of a byte per record; so each byte read is known to be the byte
 * last written.  LZ4 packs a page to about 1.9:1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE		4096u
#define RECORD		256u
#define PER_PAGE	(PAGE / RECORD)
#define WORDS		(RECORD / 8)

struct records {
	uint64_t *at;		/* nr_pages pages */
	size_t nr_pages;
	uint8_t *version;	/* of each record */
	uint64_t *source;	/* bytes to write */
	size_t nr_source;	/* records there */
	uint8_t *busy;		/* spin locks, by page; several threads */
};

/* Memory for them, not touched yet; ends the program if there is none. */
void records_init(struct records *r, size_t nr_pages);

void record_write(struct records *r, size_t page, unsigned i);

/* Is the record what was last written? */
bool record_check(const struct records *r, size_t page, unsigned i);

static inline bool page_check(const struct records *r, size_t page)
{
	bool right = true;

	for (unsigned i = 0; i < PER_PAGE; i++)
		right &= record_check(r, page, i);
	return right;
}

/* A page to one thread at a time. */
void page_lock(struct records *r, size_t page);
void page_unlock(struct records *r, size_t page);

#endif
