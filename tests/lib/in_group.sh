#!/bin/sh
# SPDX-License-Identifier: MIT
#
# in_group.sh DIR COMMAND [ARG]... - become COMMAND inside the cgroup DIR.
#
# The shell enters the group first and executes COMMAND afterwards, so that
# every page COMMAND ever touches is charged to the group, and its process
# number is the one of this script.  DIR "-" means: in no group of its own.
# Exit status 125 if the group cannot be entered.

dir=$1
shift
if [ "$dir" != - ]; then
	echo $$ >"$dir/cgroup.procs" || exit 125
fi
exec "$@"
