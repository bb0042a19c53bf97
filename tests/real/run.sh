#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh [OPTION]... [WORKLOAD]... - real programs in too little memory.
#
# Workloads: redis-json redis-mixed python sqlite node arenas burst (all).
#
#   --mode uzswap   under `zctl run` in a limited group; must end right
#          plain    in a limited group; must be OOM-killed (or get stuck at
#                   the limit, dropping and reading back its own code)
#          both     plain, then uzswap; the one that shows the point
#          free     no limit, no library: plain time, peak, and how well the
#                   program's pages compress (page_ratio.py)
#   --size quick    some 300 MiB under 200 MiB, seconds each (default)
#          full     1 .. 4 GiB under about half of it
#   --limit-only    `zctl run --limit SIZE` instead of a limited group
#   --mib N --limit N --seconds N   override size, limit (MiB), mixed phase
#   --timeout N     seconds for one run (default quick 240, full 1500; a
#                   quarter of it for a plain run under a limit)
#   --build DIR     where the C programs are or go (default: temporary)
#   --out DIR       keep logs and stats there (default: temporary, removed)
#
# Environment: ZCTL (default zctl), ZCTL_RUN (more options of `zctl run`).
#
# The program alone is in the group; the Redis client and this script are
# not.  Just before a program ends it holds still with its data in memory, and
# `zctl stats --json PID` is taken and checked.  Exit status: 0 all passed,
# 1 something failed, 77 nothing could run, 99 bad usage.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
GROUP_LIB=$here/../lib
# shellcheck source=../lib/group.sh
. "$GROUP_LIB/group.sh"

PY=/usr/bin/python3
ZCTL=${ZCTL:-zctl}
mode=uzswap size=quick limit_only=no
mib_opt='' limit_opt='' seconds_opt='' timeout_opt='' build='' out='' list=''
passed=0 failed=0 skipped=0
child=

usage()
{
	echo "run.sh: $1 (see the head of run.sh)" >&2
	exit 99
}

while [ $# -gt 0 ]; do
	case $1 in
	--limit-only) limit_only=yes; shift; continue ;;
	--*) [ $# -ge 2 ] || usage "$1 needs a value" ;;
	esac
	case $1 in
	--mode) mode=$2; shift ;;
	--size) size=$2; shift ;;
	--mib) mib_opt=$2; shift ;;
	--limit) limit_opt=$2; shift ;;
	--seconds) seconds_opt=$2; shift ;;
	--timeout) timeout_opt=$2; shift ;;
	--build) build=$2; shift ;;
	--out) out=$2; shift ;;
	redis-json | redis-mixed | python | sqlite | node | arenas | burst)
		list="$list $1" ;;
	*) usage "unknown word $1" ;;
	esac
	shift
done
case $mode in uzswap | plain | both | free) ;; *) usage "mode $mode" ;; esac
case $size in quick | full) ;; *) usage "size $size" ;; esac
for number in "$mib_opt" "$limit_opt" "$seconds_opt" "$timeout_opt"; do
	case $number in *[!0-9]*) usage "not a number: $number" ;; esac
done
[ -n "$list" ] || list='redis-json redis-mixed python sqlite node arenas burst'

tmp=$(mktemp -d "${TMPDIR:-/tmp}/uzreal.XXXXXX") || exit 99
end_all()
{
	[ -z "$child" ] || kill "$child" 2>/dev/null
	group_cleanup
	rm -rf "$tmp"
}
trap end_all EXIT
trap 'exit 130' INT TERM HUP
build=${build:-$tmp/build}
out=${out:-$tmp/out}
mkdir -p "$out" || exit 99

# Sets mib and limit (both MiB) of workload $1.
sizes()
{
	case $size-$1 in
	full-redis-json) mib=2048 limit=1024 ;;
	full-redis-mixed) mib=1536 limit=1024 ;;
	full-python) mib=1536 limit=1024 ;;
	full-sqlite) mib=1536 limit=1024 ;;
	full-node) mib=1024 limit=1024 ;;
	full-arenas) mib=1536 limit=1024 ;;
	full-burst) mib=4096 limit=1024 ;;
	quick-node) mib=200 limit=260 ;;
	quick-python) mib=200 limit=160 ;;
	quick-sqlite) mib=160 limit=130 ;;
	quick-arenas) mib=300 limit=240 ;;
	quick-burst) mib=600 limit=200 ;;
	*) mib=300 limit=200 ;;
	esac
	mib=${mib_opt:-$mib}
	limit=${limit_opt:-$limit}
	if [ "$size" = full ]; then
		seconds=${seconds_opt:-60} timeout=${timeout_opt:-1500}
	else
		seconds=${seconds_opt:-5} timeout=${timeout_opt:-240}
	fi
}

# The command of a workload, without prefix; words without spaces.
command_of()
{
	case $1 in
	redis-*) echo redis-server ;;
	python) echo "$PY $here/py_objects.py $mib" ;;
	sqlite) echo "$PY $here/sqlite_memory.py $mib" ;;
	node) echo "node --max-old-space-size=$mib $here/node_heap.js $mib" ;;
	*) echo "$build/$1 $mib" ;;
	esac
}

# Tenths of seconds since some day.
tenths()
{
	echo $(($(date +%s%N) / 100000000))
}

# Wait for $child until it holds still or ends; take stats to file $1.
wait_held()
{
	while kill -0 "$child" 2>/dev/null && [ ! -e "$tmp/hold" ]; do
		sleep 0.1
		if [ $(($(tenths) - start)) -gt $((timeout * 10)) ]; then
			echo "run.sh: no end after $timeout s" >>"$log"
			kill -9 "$child"
			stuck=yes
			break
		fi
	done
	[ -e "$tmp/hold" ] || return 0
	elapsed=$(($(tenths) - start))
	if [ -n "$1" ]; then
		# shellcheck disable=SC2086  # the command is words
		$stats_by "$child" >"$1" 2>>"$log" ||
			echo "stats: $stats_by: exit $?" >>"$log"
	fi
	rm -f "$tmp/hold"
}

# run_redis WORKLOAD STATS-FILE GROUP PREFIX...; sets status.
run_redis()
{
	rr_data=${1#redis-} rr_stats=$2 rr_group=$3
	shift 3
	timeout -k 10 "$timeout" "$PY" "$here/redis_load.py" \
		--client "$build/redis_client" --group "$rr_group" \
		--server "$* redis-server" \
		${rr_stats:+--stats "$stats_by"} \
		${rr_stats:+--stats-file "$rr_stats"} -- \
		--data "$rr_data" --bytes $((mib << 20)) \
		--seconds "$seconds" >>"$log" 2>&1 &
	child=$!
	wait "$child"
	status=$?
	[ "$status" != 124 ] || stuck=yes
	child=
}

# run_program WORKLOAD STATS-FILE GROUP PREFIX...; sets status.
run_program()
{
	rp_name=$1 rp_stats=$2 rp_group=$3
	shift 3
	# shellcheck disable=SC2046  # the command is words
	REAL_HOLD=$tmp/hold sh "$GROUP_LIB/in_group.sh" "$rp_group" "$@" \
		$(command_of "$rp_name") >>"$log" 2>&1 &
	child=$!
	wait_held "$rp_stats"
	wait "$child"
	status=$?
	child=
}

# run_once WORKLOAD HOW (plain, uzswap, free): sets status, elapsed (tenths),
# max (bytes), oom, fails, log, stats.
run_once()
{
	log=$out/$1.$2.log stats='' elapsed='' max='' oom=0 fails=0 dir=-
	stuck=no
	: >"$log"
	ro_name=$1 ro_how=$2
	set --
	if [ "$ro_how" = uzswap ]; then
		stats=$out/$ro_name.stats.json
		stats_by="$ZCTL stats --json"
		# shellcheck disable=SC2086  # options are words
		set -- "$ZCTL" run --require $ZCTL_RUN
		[ "$limit_only" = no ] || set -- "$@" --limit "${limit}M"
		set -- "$@" --
	elif [ "$ro_how" = free ]; then
		stats=$out/$ro_name.ratio
		stats_by="$PY $here/page_ratio.py"
	fi
	rm -f "$stats"
	if [ "$GROUP_VERSION" != 0 ]; then
		ro_limit=$((limit << 20))
		if [ "$ro_how" = free ] || [ "$limit_only" = yes ]; then
			ro_limit=-1
			[ "$GROUP_VERSION" = 1 ] || ro_limit=max
		fi
		group_create "$ro_name" "$ro_limit" || return 1
		dir=${GROUP_DIR:?}
	fi
	start=$(tenths)
	case $ro_name in
	redis-*) run_redis "$ro_name" "$stats" "$dir" "$@" ;;
	*) run_program "$ro_name" "$stats" "$dir" "$@" ;;
	esac
	elapsed=${elapsed:-$(($(tenths) - start))}
	if [ "$dir" != - ]; then
		max=$(group_max "$dir")
		oom=$(group_oom_kills "$dir")
		fails=$(group_fails "$dir")
		group_remove "$dir"
	else
		max=$(sed -n 's/.*VmHWM \([0-9]*\) MiB.*/\1/p' "$log" | tail -1)
		max=$((${max:-0} << 20))
	fi
}

# What the run came to, in words.
outcome()
{
	if [ "$oom" -gt 0 ]; then
		echo oom-killed
	elif [ "$stuck" = yes ]; then
		echo no-end
	elif [ "$status" = 0 ]; then
		echo right
	elif [ "$status" = 1 ]; then
		echo wrong-or-failed
	else
		echo "status-$status"
	fi
}

# One result line: VERDICT WORKLOAD HOW, from what run_once left.
say()
{
	printf '%-4s %-11s %-6s size %sM' "$1" "$2" "$3" "$mib"
	[ "$3" = free ] || printf ', limit %sM' "$limit"
	printf ', max %s.%sM, %s, oom %s, fails %s, %s.%s s%s\n' \
		$((max >> 20)) $(((max & 1048575) * 10 >> 20)) "$(outcome)" \
		"$oom" "$fails" $((elapsed / 10)) $((elapsed % 10)) \
		"${plain_was:+ (plain: $plain_was)}"
	case $1 in
	PASS) sed -n '/^WRONG\|^LOST/!s/^/       /p' "$log" ;;
	*) tail -n 12 "$log" | sed 's/^/       /' ;;
	esac
}

verdict()
{
	if [ "$1" = yes ]; then
		passed=$((passed + 1))
		say PASS "$2" "$3"
	else
		failed=$((failed + 1))
		say FAIL "$2" "$3"
	fi
}

judge_uzswap()
{
	ok=yes
	[ "$status" = 0 ] && [ "$oom" = 0 ] || ok=no
	"$PY" "$here/check_stats.py" "$stats" >>"$log" 2>&1 || ok=no
	if [ $((max / 51)) -gt $(((limit << 20) / 50)) ]; then
		echo "peak is more than 2 % above the limit" >>"$log"
		ok=no
	fi
	verdict "$ok" "$1" uzswap
}

skip()
{
	skipped=$((skipped + 1))
	printf 'SKIP %-11s %s\n' "$1" "$2"
}

one_workload()
{
	plain_was=''
	sizes "$1"
	set -- "$1" "$(command_of "$1")"
	if ! command -v "${2%% *}" >/dev/null; then
		skip "$1" "${2%% *} is not installed"
		return
	fi
	if [ "$mode" = free ]; then
		run_once "$1" free
		ok=no
		[ "$status" != 0 ] || ok=yes
		sed 's/^[0-9]*: /pages: /' "$stats" >>"$log"
		verdict $ok "$1" free
	fi
	if [ "$mode" = plain ] || [ "$mode" = both ]; then
		if [ "$GROUP_VERSION" = 0 ]; then
			skip "$1" "plain: $GROUP_WHY"
		else
			long=$timeout timeout=${timeout_opt:-$((timeout / 4))}
			run_once "$1" plain
			timeout=$long
			ok=no
			[ "$oom" = 0 ] && [ "$stuck" = no ] || ok=yes
			verdict $ok "$1" plain
			plain_was=$(outcome)
		fi
	fi
	[ "$mode" = uzswap ] || [ "$mode" = both ] || return 0
	if [ "$GROUP_VERSION" = 0 ] && [ "$limit_only" = no ]; then
		skip "$1" "uzswap: $GROUP_WHY"
		return
	fi
	run_once "$1" uzswap
	judge_uzswap "$1"
}

case $mode in
uzswap | both)
	if ! command -v "$ZCTL" >/dev/null; then
		echo "SKIP: $ZCTL not found (set ZCTL)"
		exit 77
	fi ;;
esac
group_probe || echo "note: $GROUP_WHY"
if ! sh "$here/build.sh" "$build" >"$out/build.log" 2>&1; then
	cat "$out/build.log"
	exit 99
fi
for workload in $list; do
	one_workload "$workload"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
