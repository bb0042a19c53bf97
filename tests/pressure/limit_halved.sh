#!/bin/sh
# SPDX-License-Identifier: MIT
#
# limit_halved.sh [--full] - the limit of a group is halved while a Redis in it
# serves: no error to the client, every value right, and the new limit kept
# within ten seconds.  330 MiB from 400 to 200 MiB; --full: 1.6 GiB from 2 GiB
# to 1 GiB.

. "$(dirname "$0")/lib.sh"

command -v redis-server >/dev/null || skip 'redis-server is not installed'
sh "$here/../real/build.sh" "$work" >"$work/log" 2>&1 || {
	cat "$work/log"
	exit 99
}
limit=400 mib=330 seconds=8
[ "$1" != --full ] || { limit=2048 mib=1640 seconds=30; }
how=retry
[ "$GROUP_VERSION" = 1 ] || how=first
group_create resize $((limit << 20)) || exit 99
"$PY" "$here/resize.py" --zctl "$zctl" --client "$work/redis_client" \
	--group "$GROUP_DIR" --bytes $((mib << 20)) --seconds $seconds \
	--how $how
