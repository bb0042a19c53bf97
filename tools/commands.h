/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of zctl: X(name, arguments, help), one row each, in the
 * order of `zctl help`.
 *
 * cmd_NAME() is in tools/cmd_NAME.c with its own argp parser, its manual is
 * man/zctl-NAME.1; a row here is all that main() needs to know.  Completion
 * of the shells asks `zctl help` and `zctl NAME --help`.
 */
#ifndef UZ_TOOLS_COMMANDS_H
#define UZ_TOOLS_COMMANDS_H

#include "zctl.h"

#define ZCTL_COMMANDS(X)						\
X(run, "PROGRAM [ARG]...", "start a program under uzswap")		\
X(list, "", "show all processes under uzswap")				\
X(stats, "PID", "show one process")					\
X(top, "[PID]", "show all processes, live")				\
X(set, "PID [KEY[=VALUE]]...", "change options of a running process")	\
X(reclaim, "PID SIZE|PERCENT|all", "compress cold memory now")	\
X(off, "PID", "restore everything, or store nothing new")		\
X(on, "PID", "switch on again")					\
X(doctor, "[PID|PROGRAM]", "would it work here, and if not, why")	\
X(metrics, "[PID]", "all processes, for Prometheus")		\
X(profile, "PID|FILE|run PROGRAM", "show which memory, and whose, is cold") \
X(forecast, "PID|FILE", "show what storing cold memory would save")	\
X(core, "CORE", "put stored memory back into a core file")

/* ARGV[0] is "zctl NAME". */
#define X(name, args, help) enum zctl_status cmd_##name(int argc, char **argv);
ZCTL_COMMANDS(X)
#undef X

#endif
