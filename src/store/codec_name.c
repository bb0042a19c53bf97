/* SPDX-License-Identifier: MIT */
/*
 * Codecs as people write them: "lz4", "lz4:9", "zstd:3", "lz4+zstd:3".
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/codec.h"

/* A small number, perhaps negative; *TEXT is moved behind it. */
static bool parse_level(int *level, const char **text)
{
	bool negative = **text == '-';
	const char *p = *text + negative;
	int n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9' && n < 1000; p++)
		n = 10 * n + (*p - '0');
	*level = negative ? -n : n;
	*text = p;
	return true;
}

static bool parse_one(struct codec_choice *how, const char **text)
{
	const struct codec_ops *ops;

	if (!strncmp(*text, "lz4", 3)) {
		ops = &codec_lz4;
		how->id = CODEC_LZ4;
	} else if (!strncmp(*text, "zstd", 4)) {
		ops = &codec_zstd;
		how->id = CODEC_ZSTD;
	} else {
		return false;
	}
	*text += strlen(ops->name);
	how->level = ops->level;
	if (**text != ':')
		return true;
	(*text)++;
	return parse_level(&how->level, text) && how->level &&
	       how->level >= ops->min_level && how->level <= ops->max_level;
}

char *codec_id_name(enum codec_id id, char *buf, size_t len)
{
	char *at = buf;
	char nr[TEXT_NUM];

	*buf = '\0';
	if (id < CODEC_DICT) {
		text_append(&at, buf + len, id == CODEC_RAW ? "word" :
			    id == CODEC_LZ4 ? codec_lz4.name
					    : codec_zstd.name);
		return buf;
	}
	text_append(&at, buf + len, "dict ");
	text_append(&at, buf + len,
		    text_u64(nr, sizeof(nr), (uint64_t)id - CODEC_DICT + 1));
	return buf;
}

static char *put_one(char *at, char *end, struct codec_choice how)
{
	const struct codec_ops *ops = how.id == CODEC_LZ4 ? &codec_lz4
							  : &codec_zstd;
	char level[TEXT_NUM];

	text_append(&at, end, ops->name);
	if (how.level == ops->level)
		return at;
	text_u64(level, sizeof(level), (uint64_t)(how.level < 0 ? -how.level
								: how.level));
	text_append(&at, end, how.level < 0 ? ":-" : ":");
	text_append(&at, end, level);
	return at;
}

char *codec_format(struct codec_pair pair, char *buf, size_t len)
{
	char *at = buf;

	*buf = '\0';
	if (pair.first.id == CODEC_RAW)
		return buf;
	at = put_one(at, buf + len, pair.first);
	if (pair.second.id == CODEC_RAW)
		return buf;
	text_append(&at, buf + len, "+");
	put_one(at, buf + len, pair.second);
	return buf;
}

int codec_parse(struct codec_pair *out, const char *text)
{
	struct codec_pair pair = CODEC_PAIR_LZ4;

	if (!parse_one(&pair.first, &text))
		return -EINVAL;
	if (*text == '+') {
		text++;
		if (!parse_one(&pair.second, &text))
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	*out = pair;
	return 0;
}
