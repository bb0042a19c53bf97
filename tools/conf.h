/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: options of the library for every program, or for
 * those whose file matches.
 *
 *	[defaults]
 *	min_managed = 32M
 *
 *	[match java]
 *	exe = java, javaws
 *	limit = 50%
 *
 * They are read by zctl run and handed on as environment; the library reads
 * no file.  Every directory of conf_dirs() may have uzswap.conf and, taken
 * after it in the order of their names, uzswap.conf.d/NAME.conf.  What comes
 * later wins, line by line.
 */
#ifndef UZ_TOOLS_CONF_H
#define UZ_TOOLS_CONF_H

#include "setting.h"

#define CONF_DIRS	4

/* The directories, the one that wins last; borrowed until the next call. */
const char *const *conf_dirs(void);

/* A setting that applies; WHERE is "FILE", for people. */
typedef void conf_take(void *arg, const struct setting *setting,
		       const char *where);

/* What is wrong in a file: one sentence with file and line. */
typedef void conf_complain(void *arg, const char *sentence);

struct conf_reader {
	const char *exe[2];	/* program's file, interpreter; or NULL */
	conf_take *take;
	conf_complain *complain;
	void *arg;
};

/* Read all files of DIRS (CONF_DIRS of them); what is not there is no fault. */
void conf_read(const struct conf_reader *reader, const char *const *dirs);

/* Read one file.  0, or -errno when it could not be opened. */
int conf_read_file(const struct conf_reader *reader, const char *path);

#endif
