/* SPDX-License-Identifier: MIT */
/*
 * How the kinds are made.  Files are taken in the order the directory gives
 * them, each up to 1 MiB, so that no single file makes the corpus; they are
 * put one behind the other, as a program's heap would have them.
 *
 * The pointers are nodes of trees as an interpreter keeps them: a type, a
 * count, three links into the same 256 MiB of heap, a small number and a
 * hash.  The leaves of a database are B-tree pages, two thirds full: a header
 * and places of rows from the front, rows from the back, nothing between.
 */
#define _XOPEN_SOURCE 700
#include "tests/bench/corpus.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MOST	((size_t)1 << 20)
#define SEED		88172645463325252ull

const char *const corpus_names[CORPUS_NR] = {
	[CORPUS_TEXT] = "text",
	[CORPUS_JSON] = "json",
	[CORPUS_ELF] = "elf",
	[CORPUS_POINTERS] = "pointers",
	[CORPUS_DATABASE] = "database",
	[CORPUS_SAME] = "same",
	[CORPUS_RANDOM] = "random",
};

/* nftw() has no argument for its callback */
static struct {
	char *buf;
	size_t len;
	size_t at;
	enum corpus_kind kind;
} walk;

uint64_t corpus_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool is_wanted(const char *head, size_t len)
{
	if (len < 4096)
		return false;
	if (walk.kind == CORPUS_ELF)
		return memcmp(head, "\177ELF", 4) == 0;
	return !memchr(head, 0, len);
}

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	size_t want = walk.len - walk.at;
	ssize_t got;
	int fd;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, walk.buf + walk.at, want < FILE_MOST ? want : FILE_MOST);
	close(fd);
	if (got > 0 && is_wanted(walk.buf + walk.at, (size_t)got))
		walk.at += (size_t)got;
	return walk.at == walk.len;
}

static size_t fill_from_files(enum corpus_kind kind, void *buf, size_t len)
{
	static const char *const text[] = {
		"/usr/include", "/usr/share/perl", "/usr/lib/python3",
		"/usr/lib/python3.11", "/usr/share", "/usr/lib", NULL
	};
	static const char *const elf[] = {
		"/usr/bin", "/usr/lib", "/usr/sbin", "/usr/libexec", NULL
	};
	const char *const *dir = kind == CORPUS_ELF ? elf : text;

	walk.buf = buf;
	walk.len = len;
	walk.at = 0;
	walk.kind = kind;
	for (; *dir && walk.at < len; dir++)
		nftw(*dir, add_file, 16, FTW_PHYS);
	return walk.at;
}

static size_t fill_json(char *buf, size_t len)
{
	static const char *const names[] = {
		"anna", "boris", "chloe", "dmitri", "emre", "fatima", "goran",
		"hana", "igor", "jun", "kofi", "lea", "mei", "nadia", "oscar",
	};
	static const char *const events[] = {
		"login", "logout", "purchase", "page_view", "click", "error",
	};
	uint64_t s = SEED;
	uint64_t id = 1000000;
	size_t at = 0;
	char doc[512];

	while (at < len) {
		uint64_t r = corpus_random(&s);
		uint64_t h = corpus_random(&s);
		int n = snprintf(doc, sizeof(doc),
			"{\"id\":%llu,\"user\":\"%s%llu\",\"event\":\"%s\","
			"\"session\":\"%016llx\",\"ts\":16%08llu,"
			"\"amount\":%llu.%02llu,\"active\":%s,"
			"\"tags\":[\"t%llu\",\"t%llu\"],"
			"\"geo\":{\"lat\":%llu.%04llu,\"lon\":-%llu.%04llu}}\n",
			(unsigned long long)id++,
			names[r % 15], (unsigned long long)(r >> 8 & 0xffff),
			events[(r >> 24) % 6], (unsigned long long)h,
			(unsigned long long)(r >> 30 & 0x3ffffff),
			(unsigned long long)(h >> 50),
			(unsigned long long)(h % 100),
			r & 1 << 7 ? "true" : "false",
			(unsigned long long)(r >> 40 & 63),
			(unsigned long long)(r >> 46 & 63),
			(unsigned long long)(h >> 10 & 63),
			(unsigned long long)(h >> 16 & 8191),
			(unsigned long long)(h >> 30 & 127),
			(unsigned long long)(h >> 37 & 8191));
		size_t take = (size_t)n < len - at ? (size_t)n : len - at;

		memcpy(buf + at, doc, take);
		at += take;
	}
	return len;
}

static size_t fill_pointers(uint64_t *buf, size_t len)
{
	const uint64_t heap = 0x7f3a40000000;
	uint64_t s = SEED;
	size_t nr = len / sizeof(*buf);

	for (size_t i = 0; i + 8 <= nr; i += 8) {
		uint64_t r = corpus_random(&s);
		uint64_t q = corpus_random(&s);

		buf[i] = heap + 0x1000 * (1 + (r & 7));		/* type */
		buf[i + 1] = 1 + (r >> 3 & 3);			/* count */
		buf[i + 2] = heap + (i * 8 + 64 + (r >> 8 & 0xfc0));
		buf[i + 3] = heap + (q & 0xfffffc0);
		buf[i + 4] = r >> 60 ? heap + (q >> 28 & 0xfffffc0) : 0;
		buf[i + 5] = r >> 32 & 0xff;			/* number */
		buf[i + 6] = q >> 62 ? 0 : r >> 16 & 0xffffffff; /* hash */
		buf[i + 7] = 0;
	}
	return len;
}

/* One row: its number, name, address, amount and time; its length. */
static size_t make_row(char *row, size_t most, uint64_t id, uint64_t *s)
{
	static const char *const first[] = {
		"Anna", "Boris", "Chloe", "David", "Emre", "Fatima", "Goran",
		"Hana", "Igor", "Julia", "Kofi", "Lea", "Mei", "Nadia", "Omar",
	};
	static const char *const city[] = {
		"Berlin", "Lagos", "Lima", "Osaka", "Paris", "Prague", "Quito",
		"Sofia", "Tunis", "Turin", "Vienna",
	};
	uint64_t r = corpus_random(s);
	uint64_t t = 1700000000 + id * 7 + (r & 3);
	int n = snprintf(row, most, "%s %c. %c%llu%s%s%llu@example.org",
			 first[r % 15], (char)('A' + (r >> 8) % 26),
			 (char)('A' + (r >> 16) % 26),
			 (unsigned long long)(r >> 20 & 0xfff),
			 city[(r >> 32) % 11], first[(r >> 36) % 15],
			 (unsigned long long)(r >> 40 & 0xffff));
	size_t at = (size_t)n;

	for (int shift = 24; shift >= 0; shift -= 8) {
		row[at++] = (char)(id >> shift);
		row[at++] = (char)(t >> shift);
	}
	row[at++] = (char)(r >> 56);
	row[at++] = (char)(r >> 48 & 3);
	return at;
}

static size_t fill_database(unsigned char *buf, size_t len)
{
	uint64_t s = SEED;
	uint64_t id = 1;

	memset(buf, 0, len);
	for (unsigned char *page = buf; page < buf + len; page += 4096) {
		size_t back = 4096;
		size_t full = 2300 + corpus_random(&s) % 1500;
		size_t at = 8;

		page[0] = 13;
		while (4096 - back < full) {
			char row[128];
			size_t n = make_row(row, 100, id++, &s);

			back -= n;
			memcpy(page + back, row, n);
			page[at++] = (unsigned char)(back >> 8);
			page[at++] = (unsigned char)back;
		}
		page[4] = (unsigned char)(at / 2 - 4);
		page[5] = (unsigned char)(back >> 8);
		page[6] = (unsigned char)back;
	}
	return len;
}

static size_t fill_same(uint64_t *buf, size_t len)
{
	static const uint64_t words[] = {
		0, 0, 0, 0, 0, 0, 0, UINT64_MAX, 0xa5a5a5a5a5a5a5a5,
		0x20202020, 0xdeadbeefdeadbeef, 0x3ff0000000000000,
	};
	uint64_t s = SEED;

	for (size_t i = 0; i < len / 8; i += 512) {
		uint64_t w = words[corpus_random(&s) % 12];

		for (size_t j = i; j < i + 512 && j < len / 8; j++)
			buf[j] = w;
	}
	return len;
}

size_t corpus_fill(enum corpus_kind kind, void *buf, size_t len)
{
	uint64_t s = SEED;
	uint64_t *word = buf;

	switch (kind) {
	case CORPUS_TEXT:
	case CORPUS_ELF:
		return fill_from_files(kind, buf, len);
	case CORPUS_JSON:
		return fill_json(buf, len);
	case CORPUS_POINTERS:
		return fill_pointers(buf, len);
	case CORPUS_DATABASE:
		return fill_database(buf, len);
	case CORPUS_SAME:
		return fill_same(buf, len);
	case CORPUS_RANDOM:
		for (size_t i = 0; i < len / 8; i++)
			word[i] = corpus_random(&s);
		return len;
	case CORPUS_NR:
		break;
	}
	return 0;
}
