#!/bin/sh
# SPDX-License-Identifier: MIT
#
# control_redis.sh - zctl off of a Redis that would not fit into its memory
# group is refused with the numbers, and done when the group is larger; its
# data is the same after every step, by Redis's own digest of all of it.

. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lib/group.sh
export GROUP_LIB="$UZ_SRCDIR/tests/lib"
. "$UZ_SRCDIR/tests/lib/group.sh"

[ -z "$UZ_SANITIZE" ] || skip 'the library is not built with sanitizers'
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'no library was built'
command -v redis-server >/dev/null || skip 'redis-server is not installed'
group_probe || skip "$GROUP_WHY"
cp "$UZ_BUILDDIR/.libs/libuzswap.so.0" "$library" || broken 'no library'
at_end()
{
	group_cleanup
}

MIB=1048576
group_create redis $((140 * MIB)) || broken 'no group'
group_run "$GROUP_DIR" "$zctl" run --require --name "$label" -- redis-server \
	--port 0 --unixsocket "$work/redis.sock" --save '' --appendonly no \
	--enable-debug-command yes --daemonize no >"$work/log" 2>&1 &
pids="$pids $!"

redis()
{
	redis-cli -s "$work/redis.sock" "$@" 2>/dev/null
}

n=0
until [ "$(redis PING)" = PONG ]; do
	n=$((n + 1))
	[ $n -lt 100 ] || skip "Redis does not start: $(tail -n 2 "$work/log")"
	sleep 0.1
done
pid=$(redis INFO server | tr -d '\r' | sed -n 's/^process_id://p')
pids="$pids $pid"

# some 200 MiB in a group of 140
redis DEBUG POPULATE 250000 key 600 >/dev/null
digest=$(redis DEBUG DIGEST)
[ "${#digest}" = 40 ] || broken "no digest: $digest"

# same WHEN: nothing has changed
same()
{
	[ "$(redis DEBUG DIGEST)" = "$digest" ] || fault "$1: other data"
}

state()
{
	"$zctl" list -n "$label" --raw --noheadings -o STATE
}

expect 1 'refused (use --keep or --force)' "$zctl" off "$pid"
grep -qE 'restoring [0-9.]+M needs [0-9.]+M more memory, [0-9.]+[BKM] available' \
	"$work/out" || fault "$(cat "$work/out")"
[ "$(state)" = active ] || fault "refused, and $(state)"
expect 1 '"done":false,"restore":{"stored_bytes":' "$zctl" off --json "$pid"
same 'refused'
expect 0 'stay stored' "$zctl" off --keep "$pid"
[ "$(state)" = paused ] || fault "kept: $(state)"
expect 0 '(' "$zctl" on "$pid"
expect '0' 'reclaimed' "$zctl" reclaim "$pid" 10%
expect 0 'compressor lz4+lz4:3 -> zstd:1' "$zctl" set -n "$label" compressor=zstd:1
same 'changed codec'
# a limit of ours that cannot be kept does not make us forget the group's
expect 0 'limit 0 -> 10M' "$zctl" set "$pid" limit=10M compressor=lz4
sleep 3
same 'a limit that cannot be kept'
expect 0 'limit 10M -> 0' "$zctl" set "$pid" limit=0
[ "$(group_oom_kills "$GROUP_DIR")" = 0 ] || fault 'somebody was killed'

# given up in the middle: as it was before, or done
if [ "$GROUP_VERSION" = 1 ]; then
	if [ -e "$GROUP_DIR/memory.memsw.limit_in_bytes" ]; then
		echo $((600 * MIB)) >"$GROUP_DIR/memory.memsw.limit_in_bytes"
	fi
	echo $((600 * MIB)) >"$GROUP_DIR/memory.limit_in_bytes"
else
	echo $((600 * MIB)) >"$GROUP_DIR/memory.max"
fi
sleep 1.5
timeout -s INT 0.05 "$zctl" off "$pid" >"$work/out" 2>&1
case $(state) in
active | degraded | off) ;;
*) fault "given up: $(state): $(cat "$work/out")" ;;
esac
same 'given up'
if [ "$(state)" != off ]; then
	"$zctl" reclaim "$pid" 5M >"$work/out" 2>&1
	grep -q 'reclaimed [1-9]' "$work/out" ||
		fault "given up, and nothing leaves: $(cat "$work/out")"
fi
expect 0 'restored' "$zctl" off "$pid"
[ "$(state)" = off ] || fault "off: $(state)"
same off
expect 0 '(' "$zctl" on "$pid"
expect 0 'limit 0 -> 100M' "$zctl" set "$pid" limit=100M
n=0
until [ "$("$zctl" stats --json "$pid" |
	sed -n 's/.*"usage_bytes":\([0-9]*\).*/\1/p')" -lt $((101 * MIB)) ]; do
	n=$((n + 1))
	[ $n -lt 100 ] || { fault "a limit of 100M is not kept"; break; }
	sleep 0.1
done
same 'with a limit'
[ "$(group_oom_kills "$GROUP_DIR")" = 0 ] || fault 'somebody was killed'
redis SHUTDOWN NOSAVE
finish
