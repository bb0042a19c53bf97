#!/bin/sh
# SPDX-License-Identifier: MIT
#
# stats_views.sh - zctl stats of several processes, of mappings, and again and
# again; processes chosen by name, user and unit.

. "$(dirname "$0")/lib.sh"
build_fake

fake good
first=$pid
fake good
second=$pid
low=$first high=$second
[ "$first" -lt "$second" ] || low=$second high=$first

# several: all of them, by rising pid, one document on each line
expect 0 "(pid $first, user" "$zctl" stats -n "$label"
contains "(pid $second, user"
[ "$(grep -c '^Memory' "$work/out")" = 2 ] || fault 'not two screens'
expect 0 '*' "$zctl" stats --json -n "$label"
[ "$(sed -n 's/.*"pid":\([0-9]*\),.*/\1/p' "$work/out" | tr '\n' ' ')" = \
	"$low $high " ] || fault "order: $(cat "$work/out")"
user=$(id -un)
expect 0 "$first" "$zctl" list -u "$user" -n "$label"
expect 4 'no process of that name' "$zctl" list -n "$label" -u daemon
# other tests may have pages that cannot be read, at the same time: 3
for all in 'stats --all --json' "list -u $(id -u)"; do
	# shellcheck disable=SC2086 # they are words
	"$zctl" $all >"$work/out" 2>&1
	case $? in 0 | 3) ;; *) fault "$all: $?" ;; esac
	contains "$second"
done
group=$(sed -n 's|^[0-9]*:[^:]*:/\(.*\)|\1|p' "/proc/$first/cgroup" |
	grep . | head -n 1)
if [ -n "$group" ]; then
	expect 0 "$first" "$zctl" list --unit "/$group" -n "$label"
	expect 0 "$first" "$zctl" list --unit "${group##*/}" -n "$label"
fi
expect 4 'no process of that unit' "$zctl" stats --unit no-such.service

# one of them ends: the other goes on, and the status tells
(sleep 0.6; kill -9 "$second") &
timeout 3 "$zctl" stats --json --watch=0.2 -n "$label" >"$work/out" 2>&1
contains "(pid $second): the process has ended"
[ "$(grep -c "\"pid\":$first," "$work/out")" -gt 6 ] || fault 'it stopped'
wait "$second" 2>/dev/null

# counts from now on, in this window only
timeout 2 "$zctl" stats --json --reset --watch=0.3 "$first" >"$work/out" 2>&1
head -n 1 "$work/out" | grep -q '"evicted":0,' || fault 'not from now on'
head -n 1 "$work/out" | grep -q '"faults":0,' || fault 'not from now on'
tail -n 1 "$work/out" | grep -q '"faults":[1-9]' || fault 'nothing counted'
expect 0 '"evicted":200000,' "$zctl" stats --json "$first"
expect 2 '--reset is for --watch' "$zctl" stats --reset "$first"

# mappings: by the kernel's word
expect 0 'START' "$zctl" stats --vmas "$first"
contains 'WHY'
contains "library's own"
contains '[stack]'
grep -q '^ *[0-9a-f]* .* of a file .*/' "$work/out" || fault 'no file'
expect 0 'uzswap.vmas.v1' "$zctl" stats --vmas --json "$first"
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
last = 0
for m in j["mappings"]:
    assert m["start"] >= last and m["size_bytes"] > 0
    assert m["resident_bytes"] <= m["size_bytes"]
    last = m["start"] + m["size_bytes"]' "$work/out" || fault 'mappings'
fi
expect 0 '4096' "$zctl" stats --vmas --bytes --raw --noheadings "$first"
expect 2 'one of --counters' "$zctl" stats --vmas --counters "$first"

# a name made to hurt: of a mapping, as the program has it from its file
mkdir -p "$work/odd"
cp "$work/$comm" "$work/odd/$(printf 'a\033[31mb c')"
"$work/odd/$(printf 'a\033[31mb c')" good odd >"$work/pid" &
pids="$pids $!"
odd=$!
sleep 0.3
expect 0 '*' "$zctl" stats --vmas "$odd"
bad=$(tr -d '\n\040-\176' <"$work/out" | wc -c)
[ "$bad" = 0 ] || fault "$bad control characters"

# other users' processes, for one who is not root
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	as_user="setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all"
	for command in stats 'stats --vmas' doctor 'top -1' metrics; do
		# shellcheck disable=SC2086 # they are words
		expect 5 'ermission denied' $as_user "$zctl" $command "$first"
		[ "$(wc -l <"$work/out")" = 1 ] ||
			fault "$command: more than a sentence"
	done
fi

# wrong numbers: status 4 or 2, and one sentence
for command in stats 'stats --vmas' doctor 'top -1' metrics; do
	# shellcheck disable=SC2086
	expect 4 'no such process' "$zctl" $command 2147483646
	[ "$(wc -l <"$work/out")" = 1 ] || fault "$command: more"
done
for command in stats 'stats --vmas' 'top -1' metrics; do
	for number in 0 -1 99999999999 1.5 0x10 ''; do
		# shellcheck disable=SC2086
		expect 2 '*' "$zctl" $command -- "$number"
	done
	# shellcheck disable=SC2086
	expect 4 'not under uzswap' "$zctl" $command $$
done

# it dies in the middle, again and again
for _ in 1 2 3 4 5 6 7 8; do
	fake good
	(kill -9 "$pid") &
	timeout 5 "$zctl" stats --json "$pid" >"$work/out" 2>&1
	case $? in
	0 | 4) ;;
	*) fault "dying: $? $(cat "$work/out")" ;;
	esac
	# by name: other tests may run at the same time, with damaged pages
	timeout 5 "$zctl" list -n "$comm" >"$work/out" 2>&1
	case $? in
	0 | 4) ;;
	*) fault "dying: list: $? $(cat "$work/out")" ;;
	esac
done
finish
