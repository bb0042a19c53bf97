/* SPDX-License-Identifier: MIT */
/*
 * Control pages of any content, on both sides: what the library makes of a
 * request, and what zctl makes of an answer and of the options.
 *
 *	S	text of a set request; a newline stands for its zeros
 *	L	the same, its length from the first four bytes
 *	A	an answer		O	the table of options
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/types.h"
#include "fuzz_main.h"
#include "tools/ask.h"
#include "tools/option_page.h"
#include "watch/control.h"

const char *const fuzz_seeds[] = {
	"Slimit=1G\naccept_percent=70\n",
	"Scompressor=lz4+zstd:3\nname=abc\nname=def\nlog=off\n",
	"Slimit=50%\nthreads=2\n", "Sname=\npool_max=0\n", "Slimit\n=\n\n",
	"L\20\1\1\1limit=1G\n", "L\377\377\377\377name=x\n",
	"A\377\377\377\377\1\1\1\1abcdefgh\33[2J\177text",
	"O\36\1\1\1\200\1\1\1limit\1\1name\33[m",
	NULL,
};

const char *const fuzz_words[] = {
	"limit=", "name=", "compressor=", "pool_max=", "repack_idle=", "\n",
	"\n\n", "=", "lz4:12", "zstd:1", "18446744073709551616", "100%", "0",
	"\377\377\377\377\377\377\377\377", "\1\1\1\1", "\33[2J\n\r\t\b",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_control: broken: %s\n", what);
	abort();
}

static void check_text(const char *text, size_t len)
{
	if (strnlen(text, len) == len)
		fail("a text without end");
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			fail("a control character");
}

static bool same_value(const struct config *a, const struct config *b,
		       unsigned option)
{
	char x[300];
	char y[300];

	return strcmp(config_format(a, option, x, sizeof(x)),
		      config_format(b, option, y, sizeof(y))) == 0;
}

/* The same requests again and again: nothing is ever used up. */
static void check_request(const struct uzswap_ctl_request *raw)
{
	static struct uzswap_ctl_request r;
	static struct config now;
	static struct config next;
	char reason[CONFIG_REASON] = "";

	if (!now.texts_len)
		config_defaults(&now);
	control_copy(&r, raw);
	if (r.text_len > sizeof(r.text) ||
	    (r.text_len && r.text[r.text_len - 1]))
		fail("a request without end");
	if (control_plan(&next, &now, r.text, r.text_len, reason)) {
		if (!*reason || strnlen(reason, sizeof(reason)) ==
				sizeof(reason))
			fail("refused without a reason");
		return;
	}
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		bool changed = next.all[i].origin == CONFIG_CONTROL;

		if (!changed && !same_value(&now, &next, i))
			fail("an option changed by itself");
		if (changed && config_row(i)->when != UZSWAP_NOW)
			fail("a start option was set");
	}
	if (next.texts_len > sizeof(next.texts))
		fail("texts do not fit");
	now = next;
}

static void take_set(const uint8_t *data, size_t size, bool given)
{
	static struct uzswap_ctl_request raw;
	size_t from = given ? min_size(size, 4) : 0;
	size_t len = min_size(size - from, sizeof(raw.text));

	memset(&raw, 0, sizeof(raw));
	raw.kind = UZSWAP_CTL_set;
	raw.text_len = (uint32_t)len;
	if (given)
		memcpy(&raw.text_len, data, from);
	memcpy(raw.text, data + from, len);
	for (size_t i = 0; i < len; i++)
		if (raw.text[i] == '\n')
			raw.text[i] = 0;
	check_request(&raw);
}

static void take_answer(const uint8_t *data, size_t size)
{
	static struct uzswap_ctl_answer page;
	static struct ask_answer out;

	memset(&page, 0, sizeof(page));
	memcpy(&page, data, min_size(size, sizeof(page)));
	ask_take_answer(&out, &page);
	if (out.err > 0 || out.err < -4095)
		fail("no errno");
	if (out.done > INT64_MAX || out.total > INT64_MAX ||
	    (out.total && out.done > out.total))
		fail("more than all is done");
	for (unsigned i = 0; i < UZSWAP_CTL_NUMBERS; i++)
		if (out.numbers[i] > INT64_MAX)
			fail("a number is negative");
	check_text(out.text, sizeof(out.text));
}

static void take_options(const uint8_t *data, size_t size)
{
	static struct option_page page;
	static uint8_t raw[sizeof(struct uzswap_ctl_options)];
	static int fd = -1;
	char text[64];

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	memset(raw, 0, sizeof(raw));
	memcpy(raw, data, min_size(size, sizeof(raw)));
	/* the numbers of rows and bytes as they are to be, now and then */
	if (size % 2) {
		struct uzswap_ctl_options *o = (void *)raw;

		o->nr %= UZSWAP_CTL_OPTIONS + 2;
		o->size = sizeof(o->rows[0]);
	}
	if (fd < 0 || ftruncate(fd, UZSWAP_CTL_FILE_LEN) ||
	    pwrite(fd, raw, sizeof(raw), UZSWAP_OPTIONS_AT) !=
	    (ssize_t)sizeof(raw))
		exit(99);
	if (option_page_read(&page, fd))
		return;
	if (page.nr > UZSWAP_CTL_OPTIONS)
		fail("too many options");
	for (size_t i = 0; i < page.nr; i++) {
		check_text(page.rows[i].name, sizeof(page.rows[i].name));
		check_text(page.rows[i].value, sizeof(page.rows[i].value));
		if (!option_page_origin(&page.rows[i]) ||
		    page.rows[i].when > UZSWAP_NOW)
			fail("an origin or time that is not");
	}
	option_page_changes(text, sizeof(text), &page);
	check_text(text, sizeof(text));
	json_decref(option_page_json(&page, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (!size)
		return 0;
	/* so that ASan sees where it ends */
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	switch (data[0]) {
	case 'L':
		take_set(copy + 1, size - 1, true);
		break;
	case 'A':
		take_answer(copy + 1, size - 1);
		break;
	case 'O':
		take_options(copy + 1, size - 1);
		break;
	default:
		take_set(copy + 1, size - 1, false);
		break;
	}
	free(copy);
	return 0;
}
