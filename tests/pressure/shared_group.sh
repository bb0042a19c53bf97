#!/bin/sh
# SPDX-License-Identifier: MIT
#
# shared_group.sh [--full] - programs of one group share its limit, without a
# daemon: none is killed, the group never uses more than its limit, each has
# its fair share, and what they read is right.  Four with 256 MiB between them
# in 128 MiB; --full: eight with 4 GiB in 2 GiB, started at once and then one
# after the other.

. "$(dirname "$0")/lib.sh"

share() # MIB ARG...: a group of its own for each
{
	group_create share $(($1 << 20)) || exit 99
	shift
	"$PY" "$here/share.py" --zctl "$zctl" --sharer "$work/sharer" \
		--group "$GROUP_DIR" "$@" || status=1
	group_remove "$GROUP_DIR"
}

status=0
compile sharer
if [ "$1" = --full ]; then
	share 2048 --processes 8 --mib 512 --seconds 60
	share 2048 --processes 8 --mib 512 --seconds 60 --apart 5
else
	share 128 --processes 4 --mib 64 --seconds 6
fi
exit $status
