/* SPDX-License-Identifier: MIT */
/*
 * By direct writes, so that no page cache is in between; mm_stat is read when
 * all is written.  The device is reset in any case.
 */
#define _GNU_SOURCE
#include "tests/bench/zram_twin.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICE	"/dev/zram0"
#define CONTROL	"/sys/block/zram0/"
#define PIECE	((size_t)1 << 20)

static bool tell(const char *file, const char *value)
{
	char path[64];
	ssize_t len = (ssize_t)strlen(value);
	bool ok;
	int fd;

	snprintf(path, sizeof(path), CONTROL "%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, value, (size_t)len) == len;
	close(fd);
	return ok;
}

static bool is_idle(void)
{
	FILE *f = fopen(CONTROL "initstate", "re");
	int state = f ? fgetc(f) : 0;

	if (f)
		fclose(f);
	return state == '0';
}

static bool write_all(const char *pages, size_t len)
{
	int fd = open(DEVICE, O_WRONLY | O_DIRECT | O_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < len) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		if (pwrite(fd, pages + at, n, (off_t)at) != (ssize_t)n)
			break;
		at += n;
	}
	if (fd >= 0)
		close(fd);
	return at == len;
}

static bool read_usage(struct zram_usage *out)
{
	FILE *f = fopen(CONTROL "mm_stat", "re");
	int n;

	if (!f)
		return false;
	n = fscanf(f, "%" SCNu64 " %" SCNu64 " %" SCNu64, &out->orig,
		   &out->packed, &out->used);
	fclose(f);
	return n == 3;
}

bool zram_fill(struct zram_usage *out, const char *algorithm,
	       const void *pages, size_t nr)
{
	char size[32];
	bool ok;

	if (!is_idle())
		return false;
	snprintf(size, sizeof(size), "%zu", nr * 4096);
	ok = tell("comp_algorithm", algorithm) && tell("disksize", size) &&
	     write_all(pages, nr * 4096) && read_usage(out);
	tell("reset", "1");
	return ok;
}
