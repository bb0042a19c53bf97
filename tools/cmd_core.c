/* SPDX-License-Identifier: MIT */
/*
 * zctl core: a copy of a core file, with the stored pages put back where they
 * belong, for gdb to read.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "core_file.h"
#include "record.h"
#include "units.h"
#include "uzswap/core.h"
#include "uzswap/ctl.h"
#include "uzswap/stats.h"

#define PAGE	UZSWAP_IMAGE_PAGE

struct options {
	const char *core;
	const char *output;
	bool force;
};

struct counts {
	uint64_t restored;	/* pages */
	uint64_t lost;		/* could not be read */
	uint64_t left_out;	/* of memory that is not in the core */
	uint64_t damaged;	/* tables */
};

static const struct argp_option argp_options[] = {
	{ "output", 'o', "FILE", 0, "write to FILE (default CORE.whole)", 0 },
	{ "force", 'f', NULL, 0, "overwrite it", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'o':
		o->output = arg;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->core)
			argp_error(state, "one core file only");
		o->core = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->core)
			argp_error(state, "no core file given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "CORE",
	.doc = "Write a copy of a core file in which the memory that was "
	       "stored is back in its place, for a debugger to read.",
	.children = children,
};

/* The root, which lies behind the statistics page. */
static int find_root(struct core_file *core, struct uzswap_core *root)
{
	for (size_t i = 0; i < core->nr; i++) {
		const struct core_piece *p = &core->pieces[i];
		uint64_t magic;

		if (p->len >= UZSWAP_CTL_FILE_LEN &&
		    !core_read(core, p->addr, &magic, sizeof(magic)) &&
		    magic == UZSWAP_STATS_MAGIC)
			return core_read(core, p->addr + UZSWAP_CORE_AT, root,
					 sizeof(*root));
	}
	return -ENOENT;
}

static bool is_zero(const unsigned char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

/* Put one page back, unless the program has it already. */
static int put_page(const struct core_file *core, int fd, uint64_t addr,
		    const unsigned char *page, enum uzswap_image_kind kind,
		    struct counts *counts)
{
	off_t at = core_place(core, addr, PAGE);
	unsigned char there[PAGE];

	if (at < 0) {
		counts->left_out++;
		return 0;
	}
	if (pread(fd, there, PAGE, at) != (ssize_t)PAGE)
		return -EIO;
	if (kind == UZSWAP_IMAGE_MOVING && !is_zero(there))
		return 0;
	counts->restored++;
	if (!memcmp(page, there, PAGE))	/* zeros: leave the hole */
		return 0;
	return pwrite(fd, page, PAGE, at) == (ssize_t)PAGE ? 0 : -errno;
}

static int put_all(struct uzswap_image *image, const struct core_file *core,
		   int fd, struct counts *counts)
{
	enum uzswap_image_kind kind;
	unsigned char page[PAGE];
	uint64_t addr;
	int ret = 0;

	while (!ret && (kind = uzswap_image_next(image, &addr, page)) !=
		       UZSWAP_IMAGE_END) {
		if (kind == UZSWAP_IMAGE_LOST)
			counts->lost++;
		else
			ret = put_page(core, fd, addr, page, kind, counts);
	}
	counts->damaged = uzswap_image_nr_damaged(image);
	return ret;
}

static enum zctl_status write_whole(struct uzswap_image *image,
				    const struct core_file *core,
				    const struct options *o,
				    struct counts *counts)
{
	int fd = open(o->output, O_RDWR | O_CREAT | O_CLOEXEC |
		      (o->force ? O_TRUNC : O_EXCL), 0600);
	int ret;

	if (fd < 0) {
		zctl_error("%s: %s%s", o->output, strerror(errno),
			   errno == EEXIST ? " (--force overwrites it)" : "");
		return ZCTL_FAILED;
	}
	ret = core_copy(core, fd);
	if (!ret)
		ret = put_all(image, core, fd, counts);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret)
		return counts->lost || counts->damaged ? ZCTL_PARTIAL
						       : ZCTL_DONE;
	zctl_error("%s: %s", o->output, strerror(-ret));
	unlink(o->output);
	return ZCTL_FAILED;
}

static void set_number(json_t *document, const char *name, uint64_t n)
{
	json_object_set_new(document, name, json_integer((json_int_t)n));
}

static enum zctl_status say(const struct options *o, const struct counts *c,
			    enum zctl_status status)
{
	char size[UNITS_BUF];
	json_t *document;

	if (c->lost || c->damaged)
		zctl_warn("%s: %" PRIu64 " pages and %" PRIu64 " tables are "
			  "damaged or not in it", o->core, c->lost, c->damaged);
	if (c->left_out)
		zctl_warn("%s: %" PRIu64 " pages belong to memory that was "
			  "not dumped", o->core, c->left_out);
	if (zctl_options.json) {
		document = record_document("uzswap.core.v1");
		json_object_set_new(document, "core", json_string(o->core));
		json_object_set_new(document, "output",
				    json_string(o->output));
		set_number(document, "restored_bytes", c->restored * PAGE);
		set_number(document, "lost_bytes", c->lost * PAGE);
		set_number(document, "left_out_bytes", c->left_out * PAGE);
		set_number(document, "damaged_tables", c->damaged);
		return record_print(document, false) == ZCTL_DONE
			? status : ZCTL_FAILED;
	}
	if (!zctl_options.quiet)
		printf("%s: %s put back into %s\n", o->core,
		       zctl_size(size, c->restored * PAGE), o->output);
	return status;
}

static enum zctl_status refill(struct core_file *core, const struct options *o)
{
	struct counts counts = { 0 };
	struct uzswap_image *image;
	struct uzswap_core root;
	enum zctl_status status;
	char why[160];

	if (find_root(core, &root)) {
		zctl_error("%s: no statistics page of uzswap: not a process "
			   "under it, or dumped without its shared memory "
			   "(coredump_filter in core(5))", o->core);
		return ZCTL_FAILED;
	}
	if (uzswap_image_open(&image, &root, core_read, core, why,
			      sizeof(why))) {
		zctl_error("%s: %s", o->core, why);
		return ZCTL_FAILED;
	}
	status = write_whole(image, core, o, &counts);
	uzswap_image_close(image);
	return status == ZCTL_FAILED ? status : say(o, &counts, status);
}

enum zctl_status cmd_core(int argc, char **argv)
{
	struct options o = { 0 };
	struct core_file core;
	enum zctl_status status;
	char *output = NULL;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.output && asprintf(&output, "%s.whole", o.core) > 0)
		o.output = output;
	ret = core_open(&core, o.core);
	if (ret) {
		zctl_error("%s: %s", o.core, ret == -ENOEXEC
			   ? "not a core file of this machine"
			   : strerror(-ret));
		free(output);
		return ret == -EACCES ? ZCTL_DENIED : ZCTL_FAILED;
	}
	status = refill(&core, &o);
	core_close(&core);
	free(output);
	return status;
}
