#!/bin/sh
# SPDX-License-Identifier: MIT
#
# stats_hostile.sh - zctl stats and list on statistics pages of every kind:
# right numbers from good ones, no crash, no control characters and sums that
# close from all others, in bounded time.

. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip 'python3 is not installed'
build_fake

# json_holds EXPRESSION: about j, the JSON in $work/out; p is our process in
# a list, since the machine may have others
json_holds()
{
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
p = [p for p in j.get("processes", []) if p["pid"] == int(sys.argv[3])]
p = p and p[0]
sys.exit(not eval(sys.argv[2]))' "$work/out" "$1" "$pid" ||
		fault "not so: $1 in $(cat "$work/out")"
}

sums='j["managed_bytes"] == j["resident_bytes"] + j["stored_bytes"] + '\
'j["untouched_bytes"] and j["saved_bytes"] == j["stored_bytes"] - '\
'j["pool_bytes"] and j["pool_bytes"] == j["packed_bytes"] + '\
'j["metadata_bytes"] + j["fragmentation_bytes"] and '\
'0 <= j["disk_bytes"] <= j["stored_bytes"]'

# clean: nothing but printable characters and newlines
clean()
{
	bad=$(LC_ALL=C tr -d '\n\040-\176' <"$work/out" | wc -c)
	[ "$bad" = 0 ] || fault "$1: $bad control characters"
}

# a good page: the numbers of fake_target.c
fake good
expect 0 "$label (pid $pid, user " "$zctl" stats "$pid"
contains '1000.0M managed = 300.0M resident + 600.0M stored + 100.0M untouched'
contains '[#########======............   ]'
contains '600.0M in a 200.0M pool (ratio 3.00), 0B on disk, saved 400.0M'
contains 'packed 180.0M (90.0%), metadata 4.0M, fragmentation 16.0M'
contains '512.0M (option), used 505.0M (98.6%), most 511.0M'
contains 'p50 6.0us  p99 192us  max below 256us'
contains '1m34s'
expect 0 '1048576000 managed' "$zctl" stats --bytes "$pid"
expect 0 '*' "$zctl" --json stats "$pid"
json_holds "$sums"
json_holds 'j["schema"] == "uzswap.stats.v1" and j["state"] == "active"'
json_holds 'j["managed_bytes"] == 1000 << 20 and j["ratio"] == 3.0'
json_holds 'j["counters"]["evicted"] == 200000 and not j["torn"]'
json_holds 'sum(b["faults"] for b in j["fault_histogram"]) == 1000'
expect 0 'evicted' "$zctl" stats --counters --raw "$pid"
grep -q '^evicted 200000 ' "$work/out" || fault 'no counter evicted'
expect 0 "$pid" "$zctl" stats -n "$label"
expect 0 "$pid" "$zctl" stats -n "$comm"
expect 0 'dormant): managed ' "$zctl" list
contains "$pid"
expect 0 "$pid $label 1048576000 419430400 active" \
	"$zctl" list --bytes --raw --noheadings -o pid,NAME,managed,saved,state
expect 0 '*' "$zctl" list --json
json_holds 'j["schema"] == "uzswap.list.v1" and p["name"] == "'"$label"'"'
json_holds '100 < p["faults_per_second"] < 300'
timeout 2 "$zctl" stats --watch=0.2 --json "$pid" >"$work/out" 2>&1
[ "$(grep -c '^{.*}$' "$work/out")" -ge 4 ] || fault 'watch: too few lines'

# a second one of the same name
good=$pid
fake degraded
expect 0 'degraded' "$zctl" stats "$pid"
contains 'Note        the limit cannot be met'
contains 'faults were answered over it'
expect 0 'degraded' "$zctl" stats -n "$label"
contains active
expect 0 '*' "$zctl" list --sort -pid --raw --noheadings -o pid
sort -c -n -r "$work/out" || fault 'not sorted'
contains "$pid"
expect 0 '*' "$zctl" list --sort state --raw --noheadings -o pid
grep -e "^$pid\$" -e "^$good\$" "$work/out" | head -n 1 |
	grep -q "^$good\$" || fault 'not sorted by text'
end_fake
pid=$good
end_fake

# readable, with a word of warning: status 3, and the sums close
for mode in garbage ones odd; do
	fake "$mode"
	expect 3 'Note ' "$zctl" stats "$pid"
	clean "$mode"
	expect 3 '*' "$zctl" stats --json "$pid"
	json_holds "$sums"
	expect 0 "$pid" "$zctl" list --output-all
	clean "$mode"
	expect 0 '*' "$zctl" list --json
	json_holds 'p["managed_bytes"] < 1 << 60'
	end_fake
done

# readable and right
for mode in escapes fewer closed stopped racing; do
	[ "$mode" = closed ] && [ "$(id -u)" != 0 ] && continue
	fake "$mode"
	timeout 10 "$zctl" stats "$pid" >"$work/out" 2>&1
	got=$?
	case $mode$got in
	racing[03] | *0) ;;
	*) fault "$mode: status $got: $(cat "$work/out")" ;;
	esac
	contains '1000.0M managed'
	clean "$mode"
	"$zctl" stats --json "$pid" >"$work/out" 2>&1
	json_holds "$sums"
	[ "$mode" != stopped ] || json_holds 'j["stopped"]'
	end_fake
done

# the page of another process: a child without numbers
for mode in other start; do
	fake "$mode"
	expect 0 'child' "$zctl" stats "$pid"
	lacks managed
	expect 0 '*' "$zctl" stats --json "$pid"
	json_holds 'j["state"] == "child" and j["managed_bytes"] == 0'
	expect 0 ' child' "$zctl" list
	end_fake
done

# not to be used at all
for mode in magic version short empty counters; do
	case $mode in
	magic) text='not a statistics page' ;;
	version) text='version 77, this zctl reads 1' ;;
	*) text='truncated' ;;
	esac
	fake "$mode"
	expect 1 "$text" "$zctl" stats "$pid"
	expect 1 "$text" "$zctl" stats --json "$pid"
	expect 3 "$text" "$zctl" list
	lacks "$pid root"
	end_fake
done

# it ends while we watch
fake good
(sleep 0.7; kill -9 "$pid") &
expect 4 'has ended' "$zctl" stats --watch=0.2 "$pid"
wait "$pid" 2>/dev/null

# dormant: only the library is there
LD_PRELOAD=$library sleep 60 &
pid=$!
pids="$pids $pid"
sleep 0.3
expect 0 'dormant' "$zctl" stats "$pid"
expect 0 ' dormant)' "$zctl" list
lacks "$pid"
expect 0 "$pid" "$zctl" list --dormant
expect 0 '*' "$zctl" list --json --dormant
json_holds 'j["dormant"] >= 1 and p["state"] == "dormant"'
end_fake
finish
