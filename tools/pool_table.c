/* SPDX-License-Identifier: MIT */
/*
 * Three tables: codecs, how well pages pack (eighths of a page, by the slot
 * that an object needs), and the size classes that have slabs.
 */
#include "pool_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "units.h"

#define TRIES		20
#define TRY_NS		1000000
#define PAGE_LEN	4096u
#define HEADER_LEN	8u	/* of a slot */
#define EIGHTHS		8u
#define BAR		40u
#define MAX_NUMBER	((uint64_t)1 << 56)

static bool read_seq(uint32_t *seq, int fd)
{
	return pread(fd, seq, sizeof(*seq), offsetof(struct uzswap_stats, seq))
	       == sizeof(*seq);
}

static int read_steady(struct uzswap_pool *out, int fd)
{
	const struct timespec pause = { .tv_nsec = TRY_NS };
	uint32_t before;
	uint32_t after;

	for (int i = 0; i < TRIES; i++) {
		if (!read_seq(&before, fd) ||
		    pread(fd, out, sizeof(*out), UZSWAP_POOL_AT) !=
		    sizeof(*out) || !read_seq(&after, fd))
			return -EBADMSG;
		if (before == after && before % 2 == 0)
			break;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void bound(uint64_t *number)
{
	if (*number > MAX_NUMBER)
		*number = MAX_NUMBER;
}

int pool_table_read(struct uzswap_pool *out, int fd)
{
	int ret = read_steady(out, fd);

	if (ret < 0)
		return ret;
	if (out->nr_codecs > UZSWAP_POOL_CODECS ||
	    out->nr_classes > UZSWAP_POOL_CLASSES)
		return -EBADMSG;
	bound(&out->same);
	bound(&out->shared);
	bound(&out->free);
	for (uint32_t i = 0; i < out->nr_codecs; i++) {
		snapshot_clean_text(out->codecs[i].name,
				    sizeof(out->codecs[i].name));
		bound(&out->codecs[i].objects);
		bound(&out->codecs[i].packed);
	}
	for (uint32_t i = 0; i < out->nr_classes; i++) {
		struct uzswap_pool_class *c = &out->classes[i];

		bound(&c->slabs);
		bound(&c->objects);
		bound(&c->packed);
		bound(&c->used);
	}
	return 0;
}

static const char *number(char *text, uint64_t n)
{
	snprintf(text, UNITS_BUF, "%" PRIu64, n);
	return text;
}

static const char *quotient(char *text, double part, double whole)
{
	snprintf(text, UNITS_BUF, whole > 0 ? "%.2f" : "-", part / whole);
	return text;
}

static enum zctl_status print_codecs(const struct uzswap_pool *pool,
				     const struct screen_table_options *options)
{
	static const struct screen_column columns[] = {
		{ "CODEC", false, false },
		{ "PAGES", true, false },
		{ "PACKED", true, false },
		{ "RATIO", true, false },
	};
	struct libscols_table *table = screen_table_new(columns, 4, options);
	char text[3][UNITS_BUF];

	if (!table)
		return ZCTL_FAILED;
	screen_table_add(table, (const char *[]){
			 "none", number(text[0], pool->same),
			 zctl_size(text[1], 0), "-" }, 4);
	if (pool->shared)
		screen_table_add(table, (const char *[]){
				 "shared", number(text[0], pool->shared),
				 zctl_size(text[1], 0), "-" }, 4);
	for (uint32_t i = 0; i < pool->nr_codecs; i++) {
		const struct uzswap_pool_codec *c = &pool->codecs[i];

		if (!c->objects)
			continue;
		screen_table_add(table, (const char *[]){
			c->name, number(text[0], c->objects),
			zctl_size(text[1], c->packed),
			quotient(text[2], (double)c->objects * PAGE_LEN,
				 (double)c->packed) }, 4);
	}
	screen_table_print(table);
	return ZCTL_DONE;
}

/* Objects by the eighth of a page that they need at most. */
static void count_eighths(uint64_t nr[EIGHTHS], const struct uzswap_pool *pool)
{
	memset(nr, 0, EIGHTHS * sizeof(nr[0]));
	for (uint32_t i = 0; i < pool->nr_classes; i++) {
		uint32_t len = pool->classes[i].slot_len;
		uint32_t at = len > HEADER_LEN ? (len - HEADER_LEN - 1) /
						 (PAGE_LEN / EIGHTHS) : 0;

		if (at < EIGHTHS)
			nr[at] = snapshot_add(nr[at],
					      pool->classes[i].objects);
	}
}

static void print_bar(const char *label, uint64_t nr, uint64_t most)
{
	double share = most ? (double)nr / (double)most : 0;
	int cells = (int)(share * BAR + (nr ? 0.999 : 0));

	printf("%-16s %10" PRIu64 "  %.*s\n", label, nr, cells,
	       "########################################");
}

static void print_histogram(const struct client *client,
			    const struct uzswap_pool *pool)
{
	static const char *const labels[EIGHTHS] = {
		"up to 12.5%", "25%", "37.5%", "50%", "62.5%", "75%", "87.5%",
		"100%",
	};
	uint64_t refused = client->snap.s.refused / PAGE_LEN;
	uint64_t most = pool->same > refused ? pool->same : refused;
	uint64_t nr[EIGHTHS];

	count_eighths(nr, pool);
	for (unsigned i = 0; i < EIGHTHS; i++)
		most = nr[i] > most ? nr[i] : most;
	printf("\nPages by what they pack to\n");
	print_bar("one word", pool->same, most);
	for (unsigned i = 0; i < EIGHTHS; i++)
		if (nr[i] || i < EIGHTHS - 2)
			print_bar(labels[i], nr[i], most);
	print_bar("does not pay", refused, most);
	putchar('\n');
}

static enum zctl_status print_classes(const struct uzswap_pool *pool,
				      const struct screen_table_options *opt)
{
	static const struct screen_column columns[] = {
		{ "SLOT", true, false },
		{ "SLOTS", true, false },
		{ "SLABS", true, false },
		{ "OBJECTS", true, false },
		{ "PACKED", true, false },
		{ "USED", true, false },
		{ "USED/PACKED", true, false },
	};
	struct libscols_table *table = screen_table_new(columns, 7, opt);
	char t[7][UNITS_BUF];

	if (!table)
		return ZCTL_FAILED;
	for (uint32_t i = 0; i < pool->nr_classes; i++) {
		const struct uzswap_pool_class *c = &pool->classes[i];

		screen_table_add(table, (const char *[]){
			number(t[0], c->slot_len), number(t[1], c->nr_slots),
			number(t[2], c->slabs), number(t[3], c->objects),
			zctl_size(t[4], c->packed), zctl_size(t[5], c->used),
			quotient(t[6], (double)c->used, (double)c->packed),
			}, 7);
	}
	screen_table_print(table);
	return ZCTL_DONE;
}

enum zctl_status pool_table_print(const struct client *client,
				  const struct uzswap_pool *pool,
				  const struct screen_table_options *options)
{
	enum zctl_status status = print_codecs(pool, options);

	if (status != ZCTL_DONE)
		return status;
	print_histogram(client, pool);
	return print_classes(pool, options);
}

static void set(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

void pool_table_add(json_t *object, const struct uzswap_pool *pool)
{
	json_t *out = json_object();
	json_t *codecs = json_array();
	json_t *classes = json_array();

	for (uint32_t i = 0; i < pool->nr_codecs; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "codec",
				    json_string(pool->codecs[i].name));
		set(row, "objects", pool->codecs[i].objects);
		set(row, "packed_bytes", pool->codecs[i].packed);
		json_array_append_new(codecs, row);
	}
	for (uint32_t i = 0; i < pool->nr_classes; i++) {
		const struct uzswap_pool_class *c = &pool->classes[i];
		json_t *row = json_object();

		set(row, "slot_bytes", c->slot_len);
		set(row, "slots", c->nr_slots);
		set(row, "slabs", c->slabs);
		set(row, "objects", c->objects);
		set(row, "packed_bytes", c->packed);
		set(row, "used_bytes", c->used);
		json_array_append_new(classes, row);
	}
	set(out, "same_filled_pages", pool->same);
	set(out, "shared_pages", pool->shared);
	set(out, "free_bytes", pool->free);
	json_object_set_new(out, "codecs", codecs);
	json_object_set_new(out, "classes", classes);
	json_object_set_new(object, "pool", out);
}
