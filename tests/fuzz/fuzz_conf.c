/* SPDX-License-Identifier: MIT */
/*
 * Configuration files of any content: what is taken was checked, and what is
 * refused has a reason of one line.  The same input is also taken for
 * /proc/PID/smaps, whose names of files are the process's own choice: sizes
 * stay within bounds and texts printable.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_main.h"
#include "tools/conf.h"
#include "tools/mappings.h"

const char *const fuzz_seeds[] = {
	"[defaults]\nlimit = 4G ; comment\n[match java]\nexe = */bin/java, x\n"
	"limit=50%\n# comment\nname=a b\n",
	"[match x]\nexe=\nenable=no\n[match x]\nlimit=1G\n[defaults]\nexe=y\n",
	"7f00-9f00 rw-p 00000000 00:00 0     [heap]\nRss:  12 kB\n"
	"Swap: 4 kB\nVmFlags: rd wr um\n"
	"a000-b000 ---s 00000000 08:01 77  /lib/x y (deleted)\nRss: 9 kB\n",
	NULL,
};

const char *const fuzz_words[] = {
	"[defaults]\n", "[match ", "]", "exe=", "limit=", "*", "[!", "\\", ";",
	"ffffffffffffffff-", "0-", " rw-p ", " 00:00 ", "Rss: ", "VmFlags: ",
	" um", " lo", "18446744073709551615 kB\n", "\033[2J", "\r", "\n\t",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_conf: broken: %s\n", what);
	abort();
}

static void take(void *arg, const struct setting *setting, const char *where)
{
	(void)arg;
	if (!setting->row || !*where)
		fail("a setting of nothing");
	if (strnlen(setting->value, sizeof(setting->value)) ==
	    sizeof(setting->value))
		fail("a value without end");
}

static void complain(void *arg, const char *sentence)
{
	(void)arg;
	if (!strstr(sentence, ": "))
		fail("a complaint without a reason");
}

static void check_mappings(FILE *file)
{
	struct mappings m;
	char text[160];

	if (mappings_parse(&m, file))
		return;
	for (size_t i = 0; i < m.nr; i++) {
		const struct mapping *one = &m.all[i];

		if (one->resident > one->size)
			fail("more in RAM than there is");
		if (one->kind >= MAPPING_NR_KINDS)
			fail("a kind that is none");
		for (const char *s = one->name; *s; s++)
			if (*s < ' ' || *s > '~')
				fail("a control character");
	}
	mappings_skipped(text, sizeof(text), &m);
	if (strlen(text) >= sizeof(text))
		fail("too long");
	mappings_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct conf_reader reader = {
		.exe = { "/usr/bin/java", "/bin/sh" },
		.take = take,
		.complain = complain,
	};
	static int fd = -1;
	char path[32];
	FILE *file;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		exit(99);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (conf_read_file(&reader, path) < 0)
		exit(99);
	file = fopen(path, "re");
	if (!file)
		exit(99);
	check_mappings(file);
	fclose(file);
	return 0;
}
