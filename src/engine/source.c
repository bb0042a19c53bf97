/* SPDX-License-Identifier: MIT */
/*
 * Each source is tried for both descriptors: they must be of one kind, and
 * one without the other is of no use.
 */
#include "engine/source.h"

#include <errno.h>

#include "base/broker.h"
#include "base/log.h"
#include "base/mark.h"
#include "base/sys.h"
#include "base/text.h"
#include "engine/engine.h"

static const char *const names_of[UFFD_NR_SOURCES] = {
	[UFFD_FROM_FD] = "UZSWAP_UFFD_FD",
	[UFFD_FROM_DEVICE] = "/dev/userfaultfd",
	[UFFD_FROM_BROKER] = "broker",
	[UFFD_FROM_SYSCALL] = "userfaultfd(2)",
};

/* Say everything tried, and what would help. */
static void complain(const int errs[UFFD_NR_SOURCES])
{
	char errors[UFFD_NR_SOURCES][TEXT_NUM];

	for (int i = 0; i < UFFD_NR_SOURCES; i++)
		text_errno(errors[i], sizeof(errors[i]), errs[i]);
	log_line("running WITHOUT compression: no userfaultfd (",
		 names_of[0], ": ",
		 errs[0] == -ENOENT ? "not set" : errors[0], ", ",
		 names_of[1], ": ", errors[1], ", ",
		 names_of[2], ": ", errors[2], ", ",
		 names_of[3], ": ", errors[3],
		 "); fix: zctl doctor", NULL);
}

static int open_pair(struct uffd *main, struct uffd *aside,
		     const struct engine_config *cfg, enum uffd_source from)
{
	int ret = uffd_open(main, from, cfg->dev_fd,
			    UFFD_WANT_EVENTS);

	if (ret)
		return ret;
	ret = uffd_open(aside, from, cfg->dev_fd, 0);
	if (ret)
		uffd_close(main);
	return ret;
}

static int open_by_broker(struct uffd *main, struct uffd *aside,
			  const struct engine_config *cfg)
{
	struct engine_config with = *cfg;
	int ret;

	with.dev_fd = broker_ask(cfg->broker);
	if (with.dev_fd < 0)
		return with.dev_fd;
	ret = open_pair(main, aside, &with, UFFD_FROM_FD);
	sys_close(with.dev_fd);
	return ret;
}

/* Is this source out of the question?  Then it is not even tried. */
static bool is_ruled_out(const struct engine_config *cfg,
			 enum uffd_source from)
{
	switch (from) {
	case UFFD_FROM_FD:
		return cfg->dev_fd < 0;
	case UFFD_FROM_DEVICE:
		return cfg->no_device;
	case UFFD_FROM_BROKER:
		return cfg->no_broker || !cfg->broker[0];
	case UFFD_FROM_SYSCALL:
		return cfg->no_syscall;
	case UFFD_NR_SOURCES:
		break;
	}
	return true;
}

/* The first that works: 0.  Or ERRS, why none does. */
static int try_all(struct uffd *main, struct uffd *aside,
		   const struct engine_config *cfg, int errs[UFFD_NR_SOURCES])
{
	for (int i = 0; i < UFFD_NR_SOURCES; i++) {
		enum uffd_source from = (enum uffd_source)i;

		if (is_ruled_out(cfg, from))
			errs[i] = -ENOENT;
		else if (from == UFFD_FROM_BROKER)
			errs[i] = open_by_broker(main, aside, cfg);
		else
			errs[i] = open_pair(main, aside, cfg, from);
		if (!errs[i])
			return 0;
	}
	return -EPERM;
}

int source_open(struct uffd *main, struct uffd *aside,
		const struct engine_config *cfg)
{
	int errs[UFFD_NR_SOURCES];
	int ret = try_all(main, aside, cfg, errs);

	/* all of a pipeline, or that make starts, would say the same */
	if (ret && mark_is_first("no-userfaultfd"))
		complain(errs);
	return ret;
}

bool source_is_there(const struct engine_config *cfg)
{
	struct uffd main;
	struct uffd aside;
	int errs[UFFD_NR_SOURCES];

	if (try_all(&main, &aside, cfg, errs)) {
		complain(errs);
		return false;
	}
	uffd_close(&main);
	uffd_close(&aside);
	return true;
}
