#!/bin/sh
# SPDX-License-Identifier: MIT
#
# lasting.sh - one program for LASTING_SECONDS (600) under a quarter of the
# memory it needs, with each engine: its bytes are right, and what the library
# itself takes does not grow: tables, threads, descriptors.
#
# A sample is taken every two seconds.  The most of the last quarter of the
# time is compared with the most of the second: threads must be no more,
# descriptors at most one more (some are open for moments only), the tables at
# most a tenth.  Exit status: 0 so it is, 1 it is not, 77 nothing can run here.

# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"
seconds=${LASTING_SECONDS:-600}
failed=0 pid=

trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
compile lasting

# Tables in KiB, threads, descriptors of our own, and what has been evicted.
sample()
{
	"$zctl" stats --json "$pid" >"$work/json" 2>/dev/null || return
	tables=$(sed -n 's/.*"metadata_bytes":\([0-9]*\).*/\1/p' "$work/json")
	evicted=$(sed -n 's/.*"evicted":\([0-9]*\).*/\1/p' "$work/json")
	tids=$(grep -l '^uzswap' "/proc/$pid"/task/*/comm 2>/dev/null)
	one=$(echo "$tids" | head -n 1)
	fds=$(ls "${one%comm}fd" 2>/dev/null | wc -l)
	[ "$fds" = 0 ] || echo "$((tables / 1024)) $(echo "$tids" | wc -l)" \
		"$fds $evicted"
}

most() # COLUMN FROM TO
{
	sed -n "$2,$3p" "$work/samples" | cut -d' ' -f"$1" | sort -n |
		tail -n 1
}

for engine in move wp; do
	"$zctl" run --limit 12M --set min_managed=1M --set engine=$engine -- \
		"$work/lasting" "$seconds" 2>"$work/log" &
	pid=$!
	: >"$work/samples"
	while kill -0 $pid 2>/dev/null; do
		sleep 2
		sample >>"$work/samples"
	done
	wait $pid
	status=$?
	pid=
	n=$(wc -l <"$work/samples")
	q=$((n / 4))
	[ $q -gt 0 ] || { echo "FAIL $engine: no samples"; exit 1; }
	said="$engine: status $status, $n samples, $(most 4 1 "$n") evicted;"
	verdict=ok
	[ $status = 0 ] || verdict=FAIL
	for what in '1 KiB of tables' '2 threads' '3 descriptors'; do
		i=${what%% *}
		before=$(most "$i" $((q + 1)) $((2 * q)))
		after=$(most "$i" $((n - q + 1)) "$n")
		said="$said ${what#* } $before, then $after;"
		case $i in
		1) spare=$((before / 10)) ;;
		2) spare=0 ;;
		3) spare=1 ;;
		esac
		[ "$after" -le $((before + spare)) ] || verdict=FAIL
	done
	echo "$verdict $said"
	[ $verdict = ok ] || { failed=1; tail -n 5 "$work/log"; }
done
exit $failed
