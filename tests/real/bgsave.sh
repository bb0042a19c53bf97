#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bgsave.sh [OPTION]... - Redis saves twice as much data as it may use memory.
#
#   --limit N       MiB that the memory cgroup may use (default 300)
#   --bytes N       MiB of data (default: twice the limit)
#   --engine E      move or wp only (default: one after the other)
#   --torture N     besides, under torture with this seed
#   --build DIR     the built tree, with zctl (default: build)
#   --writes        a client goes on writing while the child saves
#
# A server under `zctl run` in a group of so much memory gets the data.
# Then BGSAVE and BGREWRITEAOF, each in a forked child in the same group.  Both
# must end well, without an OOM kill; and servers without limit that load the
# two files must have the same content, by DEBUG DIGEST; but with --writes,
# where redis_client compares every value with what it wrote instead.
#
# One line per engine: "PASS" or "FAIL", the peak of the group, how long each
# took, and for how long the server did not answer when it forked.  Exit status: 0 passed, 1 failed, 77 nothing could run, 99 bad usage.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
top=${UZ_SRCDIR:-$here/../..}
GROUP_LIB=$here/../lib
# shellcheck source=../lib/group.sh
. "$GROUP_LIB/group.sh"
build=${UZ_BUILDDIR:-$top/build}
limit=300 bytes='' engines='move wp' torture='' writes=no failed=0
server=

while [ $# -gt 0 ]; do
	case $1 in
	--limit) limit=$2; shift ;;
	--bytes) bytes=$2; shift ;;
	--engine) engines=$2; shift ;;
	--torture) torture=--torture=$2; shift ;;
	--build) build=$2; shift ;;
	--writes) writes=yes ;;
	*) echo "bgsave.sh: unknown word $1" >&2; exit 99 ;;
	esac
	shift
done
bytes=${bytes:-$((2 * limit))}
zctl=$(cd "$build" && pwd)/zctl
for needs in redis-server redis-cli "$zctl"; do
	command -v "$needs" >/dev/null || { echo "SKIP: no $needs"; exit 77; }
done
group_probe || { echo "SKIP: $GROUP_WHY"; exit 77; }
"$zctl" run --require -- true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd here'; exit 77; }
work=$(mktemp -d) || exit 99
end_all()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
	group_cleanup
	rm -rf "$work"
}
trap end_all EXIT
trap 'exit 130' INT TERM
sh "$here/build.sh" "$work/bin" >"$work/log" 2>&1 ||
	{ cat "$work/log"; exit 99; }
port=$((20000 + $$ % 20000))

cli() { redis-cli -p $port "$@"; }

wait_for() # SECONDS COMMAND...: until it succeeds, or the server is gone
{
	left=$(($1 * 10))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] && kill -0 "$server" 2>/dev/null || return 1
		sleep 0.1
	done
}

answers() { [ "$(cli ping 2>/dev/null)" = PONG ]; }
loaded() { answers && cli info persistence | grep -q '^loading:0'; }
rests() { ! cli info persistence | grep -q "$1:1"; }
says() { cli info persistence | tr -d '\r' | grep -qx "$1:ok"; }
content() { cli dbsize; cli debug digest; }

# A server without limit that loads what is in the folder: its content.
content_of() # FILE OPTION...
{
	out=$1
	shift
	redis-server --port $port --bind 127.0.0.1 --save '' \
		--enable-debug-command local --dir "$work" "$@" >>"$work/log" &
	server=$!
	wait_for 300 loaded && content >"$out"
	cli shutdown nosave >/dev/null 2>&1
	wait "$server"
	server=
}

now() { date +%s; }

# Start what COMMAND starts, and wait until KEY says that it has ended.
child() # COMMAND KEY STATUS
{
	start=$(now)
	cli "$1" >>"$work/log" || return 1
	wait_for 1200 rests "$2" && says "$3" || return 1
	fork=$(cli info stats | sed -n 's/^latest_fork_usec:\([0-9]*\).*/\1/p')
	took="$took, $1 $(($(now) - start)) s after $((fork / 1000)) ms"
}

save_all()
{
	wait_for 30 answers || return 1
	"$work/bin/redis_client" --phases load --bytes $((bytes << 20)) \
		$port >>"$work/log" 2>&1 || return 1
	[ "$writes" = yes ] || content >"$work/before"
	if [ "$writes" = yes ]; then
		cli bgsave >>"$work/log"
		"$work/bin/redis_client" --bytes $((bytes << 20)) \
			--seconds 10 $port >>"$work/log" 2>&1 || return 1
		wait_for 1200 rests rdb_bgsave_in_progress || return 1
	fi
	child bgsave rdb_bgsave_in_progress rdb_last_bgsave_status &&
		child bgrewriteaof aof_rewrite_in_progress \
			aof_last_bgrewrite_status || return 1
	[ "$writes" = no ] || content >"$work/before"
	"$zctl" stats "$(cli info server | sed -n 's/^process_id:\([0-9]*\).*/\1/p')" \
		>>"$work/log" 2>&1
	cli shutdown nosave >>"$work/log" 2>&1
	wait "$server"
	server=
	content_of "$work/rdb"
	content_of "$work/aof" --appendonly yes
	cmp "$work/before" "$work/rdb" >>"$work/log" 2>&1 &&
		cmp "$work/before" "$work/aof" >>"$work/log" 2>&1
}

for engine in $engines; do
	rm -rf "$work/log" "$work/before" "$work/rdb" "$work/aof" \
		"$work/dump.rdb" "$work/appendonlydir"
	group_create bgsave $((limit << 20)) || exit 99
	took=
	# shellcheck disable=SC2086  # no seed, no word
	group_run "$GROUP_DIR" "$zctl" run --require --set engine="$engine" \
		$torture -- redis-server --port $port --bind 127.0.0.1 \
		--save '' --enable-debug-command local --dir "$work" \
		>>"$work/log" 2>&1 &
	server=$!
	verdict=PASS
	save_all || verdict=FAIL
	[ "$(group_oom_kills "$GROUP_DIR")" = 0 ] || verdict=FAIL
	echo "$verdict $engine: $bytes MiB of data in" \
		"$limit MiB, peak $(($(group_max "$GROUP_DIR") >> 20)) MiB," \
		"$(group_oom_kills "$GROUP_DIR") OOM kills$took"
	[ $verdict = PASS ] || { failed=1; tail -n 30 "$work/log"; }
	[ -z "$server" ] || { kill "$server"; wait "$server"; server=; }
	group_remove "$GROUP_DIR"
done
exit $failed
