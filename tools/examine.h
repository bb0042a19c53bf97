/* SPDX-License-Identifier: MIT */
/*
 * What zctl doctor looks at: this machine as the present user sees it, a
 * program's file, a running process.
 */
#ifndef UZ_TOOLS_EXAMINE_H
#define UZ_TOOLS_EXAMINE_H

#include "client.h"
#include "finding.h"

/* "uzswap 0.1.0, kernel 6.18.44, glibc 2.36, Debian 12" */
void examine_title(char *buf, size_t len);

void examine_machine(struct findings *f);
void examine_program(struct findings *f, const char *program);
void examine_process(struct findings *f, const struct client *client);

#endif
