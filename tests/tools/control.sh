#!/bin/sh
# SPDX-License-Identifier: MIT
#
# control.sh - zctl set, reclaim, off and on of a real process, whose memory
# stays right; and of one that is stopped, ends, is dormant or another user's.

. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip 'python3 is not installed'
[ -z "$UZ_SANITIZE" ] || skip 'the library is not built with sanitizers'
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'no library was built'
cp "$UZ_BUILDDIR/.libs/libuzswap.so.0" "$library" || broken 'no library'

# Texts of 96 MiB; checks them all and says so for each line on its input, but
# for "busy", when it uses them all for four seconds first.
cat >"$work/holder.py" <<'END'
import os, sys, time
texts = [("%d " % i).encode() * 200 for i in range(80000)]
print(os.getpid(), flush=True)
for line in sys.stdin:
    end = time.monotonic() + 4 * (line == "busy\n")
    while time.monotonic() < end:
        sum(t[0] for t in texts)
    right = all(t == ("%d " % i).encode() * 200 for i, t in enumerate(texts))
    print("right" if right else "WRONG", flush=True)
END

# holder: starts it, sets pid; check: is all of it right?
holder()
{
	rm -f "$work/in" "$work/said"
	mkfifo "$work/in"
	"$zctl" run --name "$label" -- python3 "$work/holder.py" \
		<"$work/in" >"$work/said" 2>"$work/err" &
	pids="$pids $!"
	exec 3>"$work/in"
	wait_for 'test -s "$work/said"' || broken 'the program did not start'
	pid=$(cat "$work/said")
	pids="$pids $pid"
	wait_for '"$zctl" list -n "$label" 2>/dev/null | grep -q active' ||
		skip "no userfaultfd here: $(cat "$work/err")"
}

checks=0

check()
{
	checks=$((checks + 1))
	echo check >&3
	wait_for '[ "$(wc -l <"$work/said")" -gt "$checks" ]' ||
		fault "$1: no answer of the program"
	[ "$(tail -n 1 "$work/said")" = right ] || fault "$1: memory is wrong"
}

# stat KEY: from zctl stats --json
stat_of()
{
	"$zctl" stats --json "$pid" 2>/dev/null |
		sed -n 's/.*"'"$1"'":"*\([^,"}]*\).*/\1/p'
}

holder

# with the gate open nothing is registered; yet it is resident, not untouched
resident=$(stat_of resident_bytes)
[ "$resident" -gt 70000000 ] || fault "resident with the gate open: $resident"

# set: shown, all or none, what was meant
expect 0 'limit ' "$zctl" set "$pid"
expect 0 'limit 0 0 default now' "$zctl" set --raw --noheadings "$pid" limit
expect 2 "did you mean 'limit'?" "$zctl" set "$pid" limt
expect 2 "did you mean 'limit'?" "$zctl" set "$pid" accept_percent=70 limt=1G
expect 2 'out of range' "$zctl" set "$pid" accept_percent=70 limit=1
expect 2 'at the start only' "$zctl" set "$pid" accept_percent=70 threads=2
expect 2 'is not KEY=VALUE' "$zctl" set "$pid" accept_percent=70 limit
expect 0 'accept_percent 75% 75 default' \
	"$zctl" set --raw --noheadings "$pid" accept_percent
expect 0 'accept_percent 75% -> 70%' \
	"$zctl" set "$pid" accept-percent=70 pool_max=1G compressor=lz4+zstd:3
contains 'compressor lz4+lz4:3 -> lz4+zstd:3'
expect 0 'pool_max 1G 100% zctl now' \
	"$zctl" set --raw --noheadings "$pid" pool_max
expect 0 'accept_percent=70% (zctl)' "$zctl" stats "$pid"
expect 0 '"key":"pool_max","value":"1G"' "$zctl" set --json "$pid"
# texts have no end: what is replaced makes room
for i in 1 2 3 4 5 6 7 8 9; do
	for name in "$label" a-name-of-almost-thirty-letters; do
		"$zctl" set -q "$pid" "name=$name" || fault "name: round $i"
	done
done
expect 0 '' "$zctl" set -q "$pid" "name=$label"
expect 0 "$pid" "$zctl" list -n "$label"

# reclaim
expect 2 'no size given' "$zctl" reclaim "$pid"
expect 2 'neither a size' "$zctl" reclaim "$pid" much
expect 2 'one size only' "$zctl" reclaim "$pid" 1M 2M
expect 0 'would evict' "$zctl" reclaim --dry-run "$pid" 50%
contains ' in about '
expect 0 '"pages_sampled":' "$zctl" reclaim --json --dry-run "$pid" all
[ "$(stat_of stored_bytes)" = 0 ] || fault 'a dry run has stored something'
expect 0 'reclaimed ' "$zctl" reclaim "$pid" 20M
[ "$(stat_of stored_bytes)" -ge 20000000 ] || fault 'not 20 MiB are stored'
expect 3 'of 1.0T: what is left' "$zctl" reclaim "$pid" 1T
expect 3 '"asked_bytes":1099511627776,' "$zctl" reclaim --json "$pid" 1T
[ "$(stat_of stored_bytes)" -ge 70000000 ] || fault 'not all is stored'
check 'after reclaim'

# reclaim of what is idle: nothing while all of it is read again and again
expect 2 'a time up to 24h' "$zctl" reclaim --min-age 0 "$pid" all
echo busy >&3
expect 0 'reclaimed ' "$zctl" reclaim --min-age 1s "$pid" all
[ "$(stat_of stored_bytes)" -lt 30000000 ] || fault 'busy memory was stored'
checks=$((checks + 1))
check 'while it was busy'
expect 0 'would evict' "$zctl" reclaim --dry-run --min-age 1s "$pid" all
[ "$(stat_of stored_bytes)" -lt 30000000 ] || fault 'a dry run has stored'
expect 3 'no more of it is idle' "$zctl" reclaim --min-age 1s "$pid" 1T
[ "$(stat_of stored_bytes)" -ge 70000000 ] || fault 'idle memory was not stored'
check 'after reclaim of what is idle'

# off and on
"$zctl" reclaim -q "$pid" all
expect 0 'eviction stopped' "$zctl" off --keep "$pid"
[ "$(stat_of state)" = paused ] || fault "keep: $(stat_of state)"
expect 1 'switched off there' "$zctl" reclaim "$pid" all
check 'kept'
expect 0 'on' "$zctl" on "$pid"
"$zctl" reclaim -q "$pid" all
expect 2 '--keep restores nothing' "$zctl" off --keep --force "$pid"
expect 0 'uzswap is idle' "$zctl" off "$pid"
[ "$(stat_of state)" = off ] || fault "off: $(stat_of state)"
[ "$(stat_of stored_bytes)" = 0 ] || fault 'off: something is stored'
grep -q ' um ' "/proc/$pid/smaps" && fault 'off: something is registered'
expect 0 'limit ' "$zctl" set "$pid" limit=2G
expect 1 'it is off, and nothing stored' "$zctl" off --keep "$pid"
check off
expect 0 '"state":"active"' "$zctl" on --json "$pid"
"$zctl" reclaim -q "$pid" all
[ "$(stat_of stored_bytes)" -ge 70000000 ] || fault 'on: not stored again'
check 'on again'

# a lower limit is reached without more words
wait_for '[ "$(stat_of resident_bytes)" -gt 70000000 ]' ||
	fault "resident after a check: $(stat_of resident_bytes)"
expect 0 'limit 2G -> 60M   (' "$zctl" set "$pid" limit=60M
contains ' will be evicted, est. '
wait_for '[ "$(stat_of usage_bytes)" -lt 64000000 ]' ||
	fault "a limit of 60M: used $(stat_of usage_bytes)"
check 'below a limit'

# the request of who gave up is not carried out later
kill -STOP "$pid"
expect 1 'it is stopped' "$zctl" set "$pid" limit=1G
expect 1 'it is stopped' "$zctl" reclaim "$pid" all
expect 1 'it is stopped' "$zctl" off "$pid"
expect 0 'limit 60M ' "$zctl" set --raw --noheadings "$pid" limit
kill -CONT "$pid"
sleep 0.3
expect 0 'limit 60M ' "$zctl" set --raw --noheadings "$pid" limit
expect 0 'limit 60M -> 0' "$zctl" set "$pid" limit=0

# one at a time, and the others wait for their turn
for i in 1 2 3 4 5 6; do
	"$zctl" set -q "$pid" accept_percent=$((60 + i)) &
	turns="$turns $!"
done
for p in $turns; do
	wait "$p" || fault 'set at the same time'
done
flock_holder='import fcntl, sys, time
f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True)
time.sleep(30)'
page=$(for fd in "/proc/$pid/task"/*/fd/*; do
	case $(readlink "$fd") in */memfd:uzswap:ctl*) echo "$fd" ;; esac
done | head -n 1)
python3 -c "$flock_holder" "$page" >"$work/held" &
held=$!
wait_for 'test -s "$work/held"'
expect 1 'another zctl' "$zctl" set "$pid" limit=1G
kill "$held"
wait "$held" 2>/dev/null

# others may neither look nor ask
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	for command in 'set limit=1G' 'reclaim all' off on; do
		# shellcheck disable=SC2086 # words
		set -- $command
		expect 5 'Permission denied' setpriv --reuid 65534 --regid 65534 \
			--clear-groups "$zctl" "$1" "$pid" $2
	done
fi

# it ends in the middle
"$zctl" reclaim -q "$pid" all
kill -STOP "$pid"
"$zctl" off "$pid" >"$work/out" 2>&1 &
asker=$!
# it asks when it has opened the control page, and sleeps
n=0
until [ "$(sed -n 's/^State:[[:space:]]*//p' "/proc/$asker/status" |
	cut -c1)" = S ] &&
	find "/proc/$asker/fd" -lname "*uzswap*" | grep -q .; do
	n=$((n + 1))
	[ $n -lt 200 ] || break
	sleep 0.05
done
kill -9 "$pid"
wait "$asker"
[ $? = 4 ] || fault "off, of a process that ends: $(cat "$work/out")"
contains 'ended'
exec 3>&-
expect 4 '*' "$zctl" set "$pid" limit=1G

# dormant, none, bad usage
LD_PRELOAD=$library sleep 60 &
pid=$!
pids="$pids $pid"
sleep 0.3
for command in 'set limit=1G' 'reclaim all' off on; do
	# shellcheck disable=SC2086 # words
	set -- $command
	expect 1 'dormant' "$zctl" "$1" "$pid" $2
	expect 2 'no process given' "$zctl" "$1"
	expect 4 'no such process' "$zctl" "$1" 2147483646 $2
	expect 4 'not under uzswap' "$zctl" "$1" $$ $2
done
finish
